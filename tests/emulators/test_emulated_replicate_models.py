"""The emulated Replicate's models: our rows fit them all, their outputs are as odd as the real ones, and the inputs
that fit a schema but not each other fail as runs."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image
from replicate.client import Client

from core.outcome import Ready, Reply, Usage
from core.spec import MediaInput, Wish
from emulators.vendors.replicate_models import REPLICATE_MODELS
from jobs.http import multipart
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.model import VideoModel
from providers.replicate_schema import model_differences, question
from providers.resolve import resolve
from tests.emulators.driving import NO_TLS, REPLICATE, Start, completed, data_uri, job_of, look

_ROWS = [row for row in ADAPTERS["replicate"].models if row.lifecycle.state != "retired"]
_CASES = Path(__file__).parents[1] / "providers" / "contract" / "replicate" / "requests.json"
_IMAGE, _VIDEO = "https://example.com/a.png", "https://example.com/v.mp4"


@pytest.fixture
def replicate(base_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.02")
    monkeypatch.setenv("NO_PROXY", "*")
    sdk = Client(api_token="r8-key", base_url=f"{base_url}/replicate")
    yield sdk
    sdk._client.close()  # it offers no way to do so


def _buy(http: httpx.Client, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """The ended prediction of a model with these inputs, by whichever route it has."""
    model = REPLICATE_MODELS[name]
    path = f"/replicate/v1/models/{name}/predictions" if model.is_official else "/replicate/v1/predictions"
    body = {"input": values} | ({} if model.is_official else {"version": model.version})
    made = http.post(path, headers=REPLICATE, json=body)
    assert made.status_code == 201, made.text
    return completed(http, made.json()["id"])


def test_every_row_has_its_model() -> None:
    unsold = {"kwaivgi/kling-v2.6-motion-control"}
    assert {row.wire_name for row in _ROWS} == set(REPLICATE_MODELS) - unsold
    official = {name for name, model in REPLICATE_MODELS.items() if model.is_official}
    assert {row.wire_name for row in _ROWS if not row.wire_version} == official - unsold


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.id)
def test_a_row_differs_in_nothing(http: httpx.Client, row: VideoModel) -> None:
    asked = question(row)
    card = http.get(f"/replicate{asked.path}", headers=REPLICATE).json()
    assert card["is_official"] is not bool(row.wire_version)
    assert model_differences(row, card) == []


async def test_every_request_of_the_contract_runs(start: Start) -> None:
    """Strictly: a name the model lacks is refused, and values that do not fit each other fail."""
    server = await start(speed=100_000, strict_inputs=True)
    ends: dict[str, Any] = {}
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        for case in json.loads(_CASES.read_text()):
            path = f"/replicate{case['expect'].get('path') or _path(case['model'])}"
            body = {name: value for name, value in case["expect"]["json"].items() if name in ("input", "version")}
            made = await client.post(path, json=body, headers={"Prefer": "wait"})
            ends[case["name"]] = made.json().get("status"), made.json().get("error") or made.json().get("detail")
    assert ends == dict.fromkeys(ends, ("succeeded", None))


def _path(identifier: str) -> str:
    row = CATALOGUE.rows[identifier]
    return "/v1/predictions" if row.wire_version else f"/v1/models/{row.wire_name}/predictions"


def test_hotshot_makes_a_gif_unless_told_otherwise(http: httpx.Client) -> None:
    shown = _buy(http, "lucataco/hotshot-xl", {"prompt": "a camel"})
    fetched = http.get(shown["output"])
    assert fetched.headers["content-type"] == "image/gif"
    with Image.open(io.BytesIO(fetched.content)) as picture:
        frames = getattr(picture, "n_frames", 1)
        assert (picture.format, picture.size, frames) == ("GIF", (672, 384), 8)
        # 125 ms; a GIF counts hundredths of a second.
        assert picture.info["duration"] in (120, 130)


def test_hotshots_mp4_is_over_at_once(http: httpx.Client) -> None:
    shown = _buy(http, "lucataco/hotshot-xl", {"prompt": "a camel", "mp4": True, "width": 512, "height": 512})
    facts = look(http.get(shown["output"]).content)
    assert (facts.frames, facts.fps, facts.seconds, facts.size) == (8, 125.0, 0.064, (512, 512))


def test_zeroscope_answers_with_a_list(replicate: Client, http: httpx.Client) -> None:
    values = {"prompt": "an astronaut", "num_frames": 16, "fps": 8, "batch_size": 2}
    created = replicate.predictions.create(version=_version("zeroscope-v2-xl"), input=values)
    created.wait()
    assert isinstance(created.output, list)
    assert len(created.output) == 2
    facts = [look(http.get(str(url)).content) for url in created.output]
    assert {(each.frames, each.seconds, each.size) for each in facts} == {(16, 2.0, (576, 320))}
    assert created.metrics == {"predict_time": 60, "total_time": 65}
    assert job_of(http, created.id)["billed_micros"] == 60 * 1400


def _version(name: str) -> str:
    return CATALOGUE.rows[f"replicate/{name}"].wire_version


def test_svd_plays_one_frame_a_second_faster(http: httpx.Client, png: bytes) -> None:
    image = {"input_image": data_uri(png)}
    for values, frames, fps in (
        ({}, 14, 7.0),
        ({"video_length": "25_frames_with_svd_xt", "frames_per_second": 24}, 25, 25.0),
    ):
        shown = _buy(http, "stability-ai/stable-video-diffusion", image | values)
        facts = look(http.get(shown["output"]).content)
        assert (facts.frames, facts.fps) == (frames, fps)


def test_frames_and_pixels_are_as_asked(http: httpx.Client) -> None:
    ltx = _buy(http, "lightricks/ltx-video", {"prompt": "x", "length": 97, "aspect_ratio": "9:16", "target_size": 512})
    assert isinstance(ltx["output"], list)
    facts = look(http.get(ltx["output"][0]).content)
    assert (facts.frames, facts.fps) == (97, 24.0)
    assert abs(facts.size[0] / facts.size[1] - 9 / 16) < 0.01
    wan = _buy(http, "wan-video/wan-2.5-t2v", {"prompt": "x", "size": "480*832"})
    facts = look(http.get(wan["output"]).content)
    assert (facts.size, facts.seconds, facts.audio) == ((480, 832), 5.0, True)
    cog = look(http.get(_buy(http, "cuuupid/cogvideox-5b", {"prompt": "x"})["output"]).content)
    assert (cog.frames, cog.fps, cog.size) == (49, 8.0, (720, 480))


def test_interpolation_keeps_the_length(http: httpx.Client) -> None:
    values = {"prompt": "x", "image": _IMAGE, "interpolate_output": True}
    shown = _buy(http, "wan-video/wan-2.2-i2v-fast", values)
    facts = look(http.get(shown["output"]).content)
    assert (facts.fps, facts.size) == (30.0, (832, 480))
    assert abs(facts.seconds - 81 / 16) < 0.05
    assert job_of(http, shown["id"])["billed_micros"] == 65_000


@pytest.mark.parametrize(
    ("typed", "audio", "billed"), [({}, True, 700_000), ({"generate_audio": False}, False, 350_000)]
)
def test_sound_is_a_switch_with_a_price(http: httpx.Client, typed: dict[str, Any], audio: bool, billed: int) -> None:
    shown = _buy(http, "kwaivgi/kling-v2.6", {"prompt": "she says hello"} | typed)
    assert shown["metrics"]["with_audio"] is audio
    assert job_of(http, shown["id"])["billed_micros"] == billed
    content = http.get(shown["output"]).content
    with av.open(io.BytesIO(content), "r", format="mp4") as container:
        assert bool(container.streams.audio) is audio


_MISFITS: list[tuple[str, dict[str, Any], str]] = [
    ("minimax/hailuo-2.3", {"duration": 10, "resolution": "1080p"}, "10 seconds is only available for 768p"),
    ("minimax/hailuo-02", {"last_frame_image": _IMAGE}, "requires first_frame_image"),
    ("minimax/video-01-live", {}, "first_frame_image is required"),
    ("google/veo-3.1", {"reference_images": [_IMAGE], "duration": 4}, "only work with 16:9"),
    ("google/veo-3.1", {"reference_images": [_IMAGE] * 4}, "at most 3"),
    ("google/veo-3.1-lite", {"resolution": "1080p", "duration": 6}, "must be 8"),
    ("kwaivgi/kling-v1.6-pro", {"reference_images": [_IMAGE]}, "start or end image"),
    ("kwaivgi/kling-v2.1", {"start_image": _IMAGE, "end_image": _IMAGE}, "pro mode is required"),
    ("kwaivgi/kling-v3-video", {"end_image": _IMAGE}, "requires start_image"),
    ("kwaivgi/kling-v3-omni-video", {"generate_audio": True, "reference_video": _VIDEO}, "cannot be combined"),
    ("kwaivgi/kling-v3-omni-video", {"mode": "4k", "reference_video": _VIDEO}, "4k does not support"),
    ("kwaivgi/kling-v3-omni-video", {"reference_images": [_IMAGE] * 8}, "at most 7"),
    ("kwaivgi/kling-o1", {"reference_images": [_IMAGE] * 5, "reference_video": _VIDEO}, "at most 4"),
    ("kwaivgi/kling-o1", {"duration": 7}, "5 or 10"),
    ("lightricks/ltx-2.3-fast", {"duration": 12, "resolution": "4k"}, "need 1080p"),
    ("lightricks/ltx-2.3-fast", {"duration": 12, "fps": 50}, "need 1080p"),
    ("lightricks/ltx-2.3-pro", {"task": "image_to_video"}, "image is required"),
    ("lightricks/ltx-2.3-pro", {"duration": 7}, "6, 8, 10"),
    ("lightricks/ltx-2.3-pro", {"task": "retake", "video": _VIDEO, "resolution": "4k"}, "1080p only"),
    ("bytedance/seedance-1-lite", {"reference_images": [_IMAGE], "resolution": "1080p"}, "1080p"),
    ("bytedance/seedance-1-pro", {"last_frame_image": _IMAGE}, "requires image"),
    ("bytedance/seedance-2.0", {"image": _IMAGE, "reference_images": [_IMAGE]}, "cannot be combined"),
    ("bytedance/seedance-2.0", {"duration": 2}, "at least 4"),
    ("bytedance/seedance-2.5", {"image": _IMAGE}, "adaptive"),
    ("wan-video/wan-2.7-i2v", {}, "first_frame or first_clip"),
    ("wan-video/wan-2.7-i2v", {"first_frame": _IMAGE, "first_clip": _VIDEO}, "cannot be combined"),
    ("pixverse/pixverse-v5", {"image": _IMAGE, "last_frame_image": _IMAGE, "effect": "Vogue Walk"}, "does not work"),
    ("runwayml/gen4-turbo", {}, "image is required"),
]


@pytest.mark.parametrize(("name", "values", "said"), _MISFITS)
def test_inputs_that_do_not_fit_each_other_fail(
    http: httpx.Client, name: str, values: dict[str, Any], said: str
) -> None:
    shown = _buy(http, name, {"prompt": "x"} | values)
    assert (shown["status"], shown["output"]) == ("failed", None)
    assert said in shown["error"]
    assert job_of(http, shown["id"])["billed_micros"] == 0


def test_a_misspelt_name_costs_money_and_says_nothing(http: httpx.Client) -> None:
    """Difference 10 of the vendor page, from the vendor's side."""
    shown = _buy(http, "minimax/hailuo-2.3", {"prompt": "x", "aspect_ratio": "9:16"})
    assert (shown["status"], shown["input"]) == ("succeeded", {"prompt": "x"})
    assert job_of(http, shown["id"])["billed_micros"] == 280_000


def test_our_own_upload_is_taken(http: httpx.Client, png: bytes) -> None:
    """`upload`, `slot` and `submit`, as jobs/ sends them; nothing is left to send after the first."""
    adapter, row = ADAPTERS["replicate"], CATALOGUE.rows["replicate/seedance-1-lite"]
    request = adapter.upload(MediaInput(data=png, mime_type="image/png", name="first"), row)
    assert request is not None
    body, headers = multipart(request.form)
    answer = http.post(f"/replicate{request.path}", content=body, headers={**REPLICATE, **headers})
    slot = adapter.slot(Reply(status=answer.status_code, body=answer.content))
    assert slot is not None
    assert slot.url == ""
    stored = http.get(slot.uri, headers=REPLICATE).json()
    assert (stored["name"], stored["content_type"], stored["size"]) == ("first", "image/png", len(png))
    spec = resolve(Wish(prompt="x", first_frame=MediaInput(uri=slot.uri), duration=2), row).spec
    shown = _buy(http, row.wire_name, adapter.submit(spec, row, None).json["input"])
    outcome = adapter.outcome(Reply(status=200, body=json.dumps(shown).encode()))
    assert isinstance(outcome, Ready)
    assert outcome.usage == Usage(video_seconds=2.0, compute_seconds=40.0)
    width, height = look(http.get(outcome.outputs[0]).content).size
    assert abs(width / height - 2) < 0.01


def test_a_file_uploaded_here_decides_the_shape(replicate: Client, http: httpx.Client, png: bytes) -> None:
    stored = replicate.files.create(io.BytesIO(png))
    shown = _buy(http, "bytedance/seedance-1-lite", {"prompt": "x", "image": stored.urls["get"], "duration": 2})
    width, height = look(http.get(shown["output"]).content).size
    assert abs(width / height - 2) < 0.01
