"""Where the brief disagrees with reality: one test for each of the 31 numbers of section 6 of the vendor page."""

import ast
import inspect
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import providers
from core.errors import Billed, Failure, FailureReason
from core.money import Money
from core.outcome import Accepted, Ambiguous, Failed, Outcome, Ready, Refused, Reply, Usage
from core.spec import MediaInput, ModeName, Wish
from jobs.context import Policy
from jobs.decide import Buy, GiveUp, decide
from jobs.http import VendorClient
from jobs.pace import LONGEST_POLL, next_poll
from jobs.records import Attempt, AttemptOutcome, Candidate
from jobs.sender import Sender
from media.placeholder import render
from media.probe import probe
from media.retime import retime
from providers import PROVIDERS, durations, prices
from providers.catalogue import ADAPTERS, CATALOGUE, Catalogue
from providers.model import Choices, Frames, Span, VideoModel
from providers.replicate_states import read
from providers.resolve import Resolved, resolve

_ADAPTER = ADAPTERS["replicate"]
_LIVING = [row for row in _ADAPTER.models if row.lifecycle.state != "retired"]
_IMAGE, _VIDEO = MediaInput(uri="https://example.com/a.png"), MediaInput(uri="https://example.com/v.mp4")
_INPUTS: dict[ModeName, dict[str, Any]] = {
    ModeName.TEXT: {},
    ModeName.IMAGE: {"first_frame": _IMAGE},
    ModeName.REFERENCE: {"references": (_IMAGE,)},
    ModeName.VIDEO: {"source_video": _VIDEO},
}


def _row(name: str) -> VideoModel:
    return CATALOGUE.rows[f"replicate/{name}"]


def _resolved(name: str, **typed: Any) -> Resolved:
    return resolve(Wish(prompt="a cat", **typed), _row(name))


def _refused(name: str, **typed: Any) -> set[str]:
    """The fields that are refused, before anybody is asked."""
    return {violation.field for violation in _resolved(name, **typed).violations}


def _input(name: str, **typed: Any) -> dict[str, Any]:
    """What the vendor would be sent as `input`."""
    resolved = _resolved(name, **typed)
    assert resolved.violations == ()
    body: dict[str, Any] = _ADAPTER.submit(resolved.spec, _row(name), None).json["input"]
    return body


def _reply(status: int, document: object, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=json.dumps(document).encode())


def _told(**members: Any) -> Outcome:
    """What a poll with this prediction means."""
    outcome = _ADAPTER.outcome(_reply(200, {"id": "abc", "version": "hidden", **members}))
    assert isinstance(outcome, Outcome)
    return outcome


def _offered(name: str, mode: ModeName) -> Choices | Span | Frames:
    found = _row(name).mode(mode)
    assert found is not None
    return found.durations


def test_difference_01_ltxv_is_an_alias() -> None:
    """There is no fofr/ltxv."""
    assert "fofr/ltxv" not in {row.wire_name for row in _ADAPTER.models}
    for mode in (ModeName.TEXT, ModeName.IMAGE):
        found = CATALOGUE.find("ltxv", mode).model
        assert found.wire_name in {"lightricks/ltx-video", "lightricks/ltx-2.3-fast"}
        assert found.mode(mode) is not None


def test_difference_02_hotshot_takes_no_image() -> None:
    assert set(_row("hotshot-xl").modes) == {ModeName.TEXT}
    assert _refused("hotshot-xl", first_frame=_IMAGE) == {"first_frame"}


def test_difference_03_only_svd_requires_an_image() -> None:
    """Of the five models that the brief runs."""
    required = {
        name
        for name in ("stable-video-diffusion", "hotshot-xl", "zeroscope-v2-xl", "ltx-video", "minimax-video-01")
        if "first_frame" in _refused(name)
    }
    assert required == {"stable-video-diffusion"}


def test_difference_04_hotshots_file_is_retimed(tmp_path: Path) -> None:
    """A GIF unless `mp4` is set, and then 64 ms long: re-timed, it is the second it was meant to be."""
    assert _input("hotshot-xl")["mp4"] is True
    row = _row("hotshot-xl")
    assert row.retime_fps is not None
    lying = tmp_path / "vendor.mp4"
    render(lying, width=672, height=384, fps=125.0, seconds=8 / 125, audio=False, lines=("MOCK",), seed=1)
    assert probe(lying).duration == pytest.approx(0.064)
    facts = retime(lying, tmp_path / "ours.mp4", row.retime_fps)
    assert facts.duration == pytest.approx(1.0)
    assert durations.exact(_offered("hotshot-xl", ModeName.TEXT), facts.duration) == 1.0


def test_difference_05_a_style_is_translated_or_warned_of() -> None:
    """video-01 takes no duration, ratio, fps or motion: none is sent, and each that is lost is told."""
    resolved = _resolved("minimax-video-01", style="energetic")
    assert set(_input("minimax-video-01", style="energetic")) == {"prompt"}
    assert {notice.field for notice in resolved.notices} == {
        "parameters.duration",
        "parameters.aspect_ratio",
        "parameters.fps",
        "parameters.motion",
    }
    assert set(_input("stable-video-diffusion", style="energetic", first_frame=_IMAGE)) >= {"motion_bucket_id"}


def test_difference_06_zeroscope_answers_with_a_list() -> None:
    body = _input("zeroscope-v2-xl")
    assert (body["width"], body["height"], body["num_frames"], body["fps"]) == (576, 320, 24, 8)
    assert _resolved("zeroscope-v2-xl").spec.duration == 3
    outcome = _told(status="succeeded", output=["https://a.example/1.mp4", "https://a.example/2.mp4"])
    assert isinstance(outcome, Ready)
    assert outcome.outputs == ("https://a.example/1.mp4", "https://a.example/2.mp4")


def test_difference_07_kling_21_has_a_mode_and_no_ratio() -> None:
    assert _input("kling-v2.1", first_frame=_IMAGE, resolution="1080p")["mode"] == "pro"
    assert _input("kling-v2.1", first_frame=_IMAGE, resolution="720p")["mode"] == "standard"
    assert not {"resolution", "aspect_ratio"} & set(_input("kling-v2.1", first_frame=_IMAGE))
    assert _refused("kling-v2.1", first_frame=_IMAGE, aspect_ratio="16:9") == {"parameters.aspect_ratio"}


def test_difference_08_kling_21_needs_an_image() -> None:
    assert set(_row("kling-v2.1").modes) == {ModeName.IMAGE}
    assert _refused("kling-v2.1") == {"first_frame"}


def test_difference_09_kling_25_has_three_ratios_and_no_resolution() -> None:
    text = _row("kling-v2.5-turbo-pro").text
    assert text is not None
    assert text.aspect_ratios == ("16:9", "9:16", "1:1")
    for ratio in ("4:3", "3:4"):
        assert _refused("kling-v2.5-turbo-pro", aspect_ratio=ratio) == {"parameters.aspect_ratio"}
    assert "resolution" not in _input("kling-v2.5-turbo-pro", resolution="1080p")


def test_difference_10_hailuo_23_has_no_ratio() -> None:
    assert "aspect_ratio" not in _input("hailuo-2.3", aspect_ratio="16:9")
    for ratio in ("9:16", "1:1"):
        assert _refused("hailuo-2.3", aspect_ratio=ratio) == {"parameters.aspect_ratio"}
    text = _row("hailuo-2.3").text
    assert text is not None
    assert set(text.resolutions) == {"768p", "1080p"}


def test_difference_11_wan_25_takes_a_size_or_an_image() -> None:
    assert "aspect_ratio" not in _input("wan-2.5-i2v", first_frame=_IMAGE)
    assert _refused("wan-2.5-i2v", first_frame=_IMAGE, aspect_ratio="9:16") == {"parameters.aspect_ratio"}
    body = _input("wan-2.5-t2v", aspect_ratio="16:9", resolution="720p")
    assert body["size"] == "1280*720"
    assert not {"aspect_ratio", "resolution"} & set(body)


def test_difference_12_veo_31_has_two_ratios_and_references_one() -> None:
    row = _row("veo-3.1")
    assert row.text is not None
    assert row.reference is not None
    assert row.text.aspect_ratios == ("16:9", "9:16")
    assert row.reference.aspect_ratios == ("16:9",)


def test_difference_13_veo_31_is_no_continuous_model() -> None:
    assert _offered("veo-3.1", ModeName.TEXT) == Choices((4, 6, 8))
    for seconds in (6.25, 10):
        assert _refused("veo-3.1", duration=seconds) == {"parameters.duration"}
    assert _resolved("veo-3.1", duration=6.25, allow_substitutions=True).spec.duration == 8
    assert "parameters.duration" in _refused("veo-3.1", duration=10, allow_substitutions=True)


def test_difference_14_every_model_has_lengths_of_its_own() -> None:
    assert _offered("kling-v2.5-turbo-pro", ModeName.TEXT) == Choices((5, 10))
    assert _offered("wan-2.5-t2v", ModeName.TEXT) == Choices((5, 10))
    assert _offered("hailuo-2.3", ModeName.TEXT) == Choices((6, 10))
    assert _refused("hailuo-2.3", duration=10, resolution="1080p") == {"parameters.duration"}
    assert _input("hailuo-2.3", duration=10)["resolution"] == "768p"
    assert _offered("minimax-video-01", ModeName.TEXT) == Choices((6,))
    assert _offered("ltx-video", ModeName.TEXT) == Frames(counts=(97, 129, 161, 193, 225, 257), fps=24)
    assert _offered("kling-v3-video", ModeName.TEXT) == Span(low=3, high=15)
    assert _offered("wan-2.7-t2v", ModeName.TEXT) == Span(low=2, high=15)


@pytest.mark.parametrize("row", _LIVING, ids=lambda row: row.id)
def test_difference_15_a_ratio_that_is_not_offered_is_refused_here(row: VideoModel) -> None:
    """The vendor would often pass over it and charge: this rule is our own."""
    for mode in row.modes:
        wish = Wish(prompt="a cat", aspect_ratio="7:5", **_INPUTS[mode])
        assert "parameters.aspect_ratio" in {found.field for found in resolve(wish, row).violations}


def test_difference_16_svd_has_no_size_steps_or_frame_rate() -> None:
    row = _row("stable-video-diffusion")
    assert not {"width", "height", "steps", "num_inference_steps"} & {*row.wire.values(), *row.options, *row.constants}
    assert _refused("stable-video-diffusion", first_frame=_IMAGE, fps=24) == {"parameters.fps"}
    assert _refused("stable-video-diffusion", first_frame=_IMAGE, vendor_options={"steps": 25}) == {
        "vendor_options.steps"
    }
    # It writes one frame a second more than it is asked for.
    assert row.fps == _input("stable-video-diffusion", first_frame=_IMAGE)["frames_per_second"] + 1


def test_difference_17_svd_makes_14_or_25_frames() -> None:
    assert _offered("stable-video-diffusion", ModeName.IMAGE) == Frames(counts=(14, 25), fps=7)
    lengths = {2: "14_frames_with_svd", 3.57: "25_frames_with_svd_xt"}
    for seconds, spelled in lengths.items():
        assert _input("stable-video-diffusion", first_frame=_IMAGE, duration=seconds)["video_length"] == spelled
    assert _refused("stable-video-diffusion", first_frame=_IMAGE, duration=5) == {"parameters.duration"}


def test_difference_18_svd_knows_none_of_the_usual_names() -> None:
    body = _input("stable-video-diffusion", first_frame=_IMAGE)
    assert body["input_image"] == _IMAGE.uri
    assert not {"image", "prompt", "negative_prompt", "num_frames"} & set(body)
    assert _refused("stable-video-diffusion") == {"first_frame"}
    refused = _refused("stable-video-diffusion", first_frame=_IMAGE, negative_prompt="text")
    assert refused == {"parameters.negative_prompt"}


def test_difference_19_references_need_a_model_that_takes_them() -> None:
    for name, frame in (("stable-video-diffusion", {"first_frame": _IMAGE}), ("cogvideox-5b", {})):
        assert "reference_images" in _refused(name, references=(_IMAGE,), **frame)
    most = {name: _row(name).references for name in ("veo-3.1", "kling-v3-omni-video", "seedance-2.0")}
    assert most == {"veo-3.1": 3, "kling-v3-omni-video": 7, "seedance-2.0": 9}
    assert _resolved("veo-3.1", references=(_IMAGE,) * 3).spec.duration == 8
    assert len(_input("seedance-2.0", references=(_IMAGE,) * 9)["reference_images"]) == 9


def test_difference_20_aborted_is_an_end() -> None:
    outcome = _told(status="aborted")
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.billed) == (FailureReason.TIMED_OUT, Billed.NO)


def test_difference_21_a_failed_run_is_data() -> None:
    """Nothing is raised: a refused create is one answer, a run that fails is another."""
    body = {"title": "Input validation failed", "status": 422, "invalid_fields": []}
    assert isinstance(_ADAPTER.submitted(_reply(422, body)), Refused)
    assert isinstance(_ADAPTER.submitted(_reply(201, {"id": "abc", "status": "failed"})), Accepted)
    outcome = _told(status="failed", error="The input or output was flagged as sensitive. (E005)")
    assert isinstance(outcome, Failed)
    assert outcome.failure.reason is FailureReason.CONTENT_POLICY


def test_difference_22_the_wait_is_in_the_header_or_the_body() -> None:
    told = [
        _reply(429, {"detail": "Request was throttled."}, retry_after="7"),
        _reply(429, {"detail": "Request was throttled.", "retry_after": 7}),
        _reply(429, {"detail": "Request was throttled. Your rate limit resets in ~7s."}),
    ]
    for reply in told:
        submitted = _ADAPTER.submitted(reply)
        assert isinstance(submitted, Refused)
        assert (submitted.failure.reason, submitted.retry_after) == (FailureReason.RATE_LIMITED, 7.0)


def test_difference_23_no_reply_names_a_price() -> None:
    """What the run metered times our own price; members called `cost` are nobody's."""
    metrics = {"predict_time": 61.0, "video_output_duration_seconds": 9.934, "cost": 99}
    outcome = _told(status="succeeded", output="https://a.example/1.mp4", metrics=metrics, cost=99, price=99)
    assert isinstance(outcome, Ready)
    assert outcome.usage == Usage(video_seconds=9.934, compute_seconds=61.0)
    spec = _resolved("kling-v2.5-turbo-pro", duration=10).spec
    cost = prices.cost(_row("kling-v2.5-turbo-pro"), spec, outcome.usage)
    assert (cost.money, cost.basis) == (Money.of("0.69538"), "price x seconds metered by the vendor")
    spec = _resolved("hotshot-xl").spec
    assert prices.cost(_row("hotshot-xl"), spec, Usage(compute_seconds=40)).money == Money.of("0.039")


def test_difference_24_nothing_blocks_while_asking() -> None:
    """No adapter opens a socket; whoever does is asynchronous."""
    blocking = {"replicate", "httpx", "requests", "socket", "urllib3", "time", "threading"}
    for path in Path(providers.__file__).parent.glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        named |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
        assert not blocking & {name.partition(".")[0] for name in named}, path.name
    assert inspect.iscoroutinefunction(Sender.poll)
    assert inspect.iscoroutinefunction(VendorClient.send_once)


@pytest.mark.parametrize("row", _LIVING, ids=lambda row: row.id)
def test_difference_25_a_clip_has_ten_minutes_at_least(row: VideoModel) -> None:
    """Then the vendor itself stops, by `Cancel-After`, and we ask it to."""
    assert row.deadline_seconds >= 600
    mode = next(iter(row.modes))
    spec = resolve(Wish(prompt="a cat", **_INPUTS[mode]), row).spec
    assert _ADAPTER.submit(spec, row, None).headers["Cancel-After"] == f"{row.deadline_seconds}s"
    asked = _ADAPTER.cancel({"id": "abc"})
    assert asked is not None
    assert (asked.method, asked.path) == ("POST", "/v1/predictions/abc/cancel")


def test_difference_26_polls_adapt_and_webhooks_come_first() -> None:
    row = _row("kling-v2.5-turbo-pro")
    body = _ADAPTER.submit(
        _resolved("kling-v2.5-turbo-pro").spec, row, "https://gate.example/webhooks/replicate/t"
    ).json
    assert (body["webhook"], body["webhook_events_filter"]) == (
        "https://gate.example/webhooks/replicate/t",
        ["start", "completed"],
    )
    assert _ADAPTER.requests_per_second * 60 <= 3000
    usual, slow = row.typical_seconds
    early, expected, late = (next_poll(elapsed, (usual, slow), _ADAPTER.poll_floor) for elapsed in (0, usual, 8 * slow))
    assert _ADAPTER.poll_floor <= expected < min(early, late)
    assert max(early, late) <= LONGEST_POLL * 1.2


def test_difference_27_of_a_list_the_first_is_taken() -> None:
    outcome = read({"status": "succeeded", "output": ["https://a.example/1.mp4", "https://a.example/2.mp4"]})
    assert isinstance(outcome, Ready)
    assert outcome.outputs[0] == "https://a.example/1.mp4"


def test_difference_28_only_what_was_surely_not_bought_is_bought_again() -> None:
    for status in (400, 401, 402, 404, 413, 422, 429):
        assert isinstance(_ADAPTER.submitted(_reply(status, {})), Refused)
    for status in (408, 409, 425, 500, 502, 503, 504):
        assert isinstance(_ADAPTER.submitted(_reply(status, {})), Ambiguous)
    throttled = Failure(reason=FailureReason.RATE_LIMITED, message="x", billed=Billed.NO)
    assert isinstance(_next_after(throttled), Buy)
    for billed in (Billed.YES, Billed.UNKNOWN):
        failed = Failure(reason=FailureReason.VENDOR_FAILED, message="x", billed=billed)
        assert isinstance(_next_after(failed), GiveUp)


def _next_after(failure: Failure) -> Buy | GiveUp:
    model, moment = "replicate/kling-v2.5-turbo-pro", datetime(2026, 11, 21, tzinfo=UTC)
    names: dict[str, Any] = dict.fromkeys(Attempt.__dataclass_fields__)
    facts = {"id": "att_1", "model": model, "number": 1, "intend_time": moment, "end_time": moment, "failure": failure}
    attempt = Attempt(**{**names, **facts, "outcome": AttemptOutcome.REFUSED})
    candidate = Candidate(model=model, spec={}, quote_micros=1, held_micros=1, basis="")
    return decide([candidate], [attempt], Policy(), CATALOGUE)


def test_difference_29_stability_has_no_adapter_but_a_successor() -> None:
    """Its endpoint answers 404: the name stands for the same model elsewhere."""
    assert not [provider.name for provider in PROVIDERS if "stability" in f"{provider.name} {provider.base_url}"]
    for alias in ("stability_svd", "svd"):
        found = CATALOGUE.find(alias, ModeName.IMAGE)
        assert (found.model.id, found.model.family) == ("replicate/stable-video-diffusion", "stable-video-diffusion")
        assert [notice.code for notice in found.notices] == ["MODEL_ALIAS"]


def test_difference_30_pika_is_sold_by_fal() -> None:
    for mode in (ModeName.TEXT, ModeName.IMAGE):
        found = CATALOGUE.find("pika_v2", mode).model
        assert (found.provider, found.family) == ("fal", "pika-2.2")
        assert found.mode(mode) is not None
    assert "FAL_KEY" in ADAPTERS["fal"].credential_variables


def test_difference_31_a_version_has_64_digits() -> None:
    row = _row("stable-video-diffusion")
    assert row.wire_version == "3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438"
    with pytest.raises(ValueError, match="64 hex digits"):
        Catalogue.of([replace(row, wire_version="3f0457f4613a")], {})
    spec = _resolved("stable-video-diffusion", first_frame=_IMAGE).spec
    request = _ADAPTER.submit(spec, row, None)
    assert (request.path, request.json["version"]) == ("/v1/predictions", row.wire_version)
    gone = _ADAPTER.submitted(_reply(422, {"title": "Invalid version or not permitted", "status": 422}))
    assert isinstance(gone, Refused)
    assert gone.failure.reason is FailureReason.VENDOR_RETIRED


def test_every_number_has_its_test() -> None:
    numbers = sorted(int(name.split("_")[2]) for name in globals() if name.startswith("test_difference_"))
    assert numbers == list(range(1, 32))
