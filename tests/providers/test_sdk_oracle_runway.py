"""Runway's own SDK: what it sends for its partners' models is what we send, and its types fit all that we can send."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any, Literal, Required, Union, get_args, get_origin, get_type_hints

import httpx
import pytest
import runwayml
from runwayml._utils import PropertyInfo
from runwayml.types import image_to_video_create_params, text_to_video_create_params, video_to_video_create_params
from typing_extensions import is_typeddict

from core.outcome import Json, Reply, Request
from core.spec import MediaInput, ModeName, Wish
from providers.catalogue import CATALOGUE
from providers.model import Mode, VideoModel
from providers.resolve import resolve
from providers.runway import RunwayProvider
from providers.runway_routes import OPERATIONS

_SECRET = "planted-secret"
_RUNWAY = RunwayProvider()
_A, _B, _V = "https://example.com/a.png", "https://example.com/b.png", "https://example.com/v.mp4"
_UPLOADED = "runway://4f7c2d1e"
_TASK = {"id": "17f20503-6c24-4c16-946b-35dbbce2af2f", "estimatedCost": {"credits": 60}}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One recorded request; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """A server on loopback that remembers what it was sent."""

    url: str
    sent: list[Sent] = field(default_factory=list)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recording server."""
    sent: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent.append(Sent(method=self.command, path=self.path, headers=headers, body=body))
            slot = {"runwayUri": _UPLOADED, "uploadUrl": f"{url}/storage", "fields": {"key": "k", "policy": "p"}}
            payload = json.dumps(slot if self.path == "/v1/uploads" else _TASK).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Recorder(url=url, sent=sent)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def sdk(recorder: Recorder) -> Iterator[runwayml.RunwayML]:
    """The SDK, without its own repetitions."""
    with (
        httpx.Client(trust_env=False) as http,
        runwayml.RunwayML(api_key=_SECRET, base_url=recorder.url, max_retries=0, http_client=http) as client,
    ):
        yield client


def _submit(name: str, **typed: Any) -> Request:
    model = CATALOGUE.rows[f"runway/{name}"]
    resolved = resolve(Wish(prompt="A cat", **typed), model)
    assert not resolved.violations
    return _RUNWAY.submit(resolved.spec, model, None)


def _at(uri: str) -> MediaInput:
    return MediaInput(uri=uri)


_Call = Callable[[runwayml.RunwayML], object]
_CASES: dict[str, tuple[Callable[[], Request], _Call]] = {
    "an edit": (
        lambda: _submit("aleph2", source_video=_at(_V), seed=4),
        lambda sdk: sdk.video_to_video.create(model="aleph2", video_uri=_V, prompt_text="A cat", seed=4),
    ),
    "an edit of an upload, in another shape": (
        lambda: _submit("aleph2", source_video=_at(_UPLOADED), vendor_options={"targetAspectRatio": "9:16"}),
        lambda sdk: sdk.video_to_video.create(
            model="aleph2", video_uri=_UPLOADED, prompt_text="A cat", target_aspect_ratio="9:16"
        ),
    ),
    "veo fast, both frames": (
        lambda: _submit("veo3.1_fast", first_frame=_at(_A), last_frame=_at(_B), negative_prompt="text", duration=4),
        lambda sdk: sdk.image_to_video.create(
            model="veo3.1_fast",
            prompt_text="A cat",
            prompt_image=[{"uri": _A, "position": "first"}, {"uri": _B, "position": "last"}],
            ratio="1280:720",
            duration=4,
            audio=True,
            negative_prompt="text",
        ),
    ),
    "kling 2.5 without a ratio": (
        lambda: _submit("kling2.5_turbo_pro", first_frame=_at(_A), vendor_options={"cfgScale": 0.2}),
        lambda sdk: sdk.image_to_video.create(
            model="kling2.5_turbo_pro", prompt_text="A cat", prompt_image=_A, duration=5, cfg_scale=0.2
        ),
    ),
    "kling 3, settings of its own": (
        lambda: _submit(
            "kling3.0_pro",
            duration=9,
            audio=True,
            aspect_ratio="1:1",
            vendor_options={"providerSettings": {"shotType": "intelligence"}},
        ),
        lambda sdk: sdk.text_to_video.create(
            model="kling3.0_pro",
            prompt_text="A cat",
            ratio="1440:1440",
            duration=9,
            audio=True,
            provider_settings={"shot_type": "intelligence"},
        ),
    ),
    "kling o3, a frame and a reference": (
        lambda: _submit("klingo3_standard", first_frame=_at(_A), references=(_at(_B),)),
        lambda sdk: sdk.image_to_video.create(
            model="klingO3_standard",
            prompt_text="A cat",
            prompt_image=[{"uri": _A, "position": "first"}],
            references=[{"uri": _B}],
            duration=5,
            audio=False,
        ),
    ),
    "kling o3, a video to change": (
        lambda: _submit(
            "klingo3_pro",
            source_video=_at(_V),
            references=(_at(_A),),
            vendor_options={"providerSettings": {"keepOriginalSound": False}},
        ),
        lambda sdk: sdk.video_to_video.create(
            model="klingO3_pro",
            prompt_text="A cat",
            prompt_video=_V,
            references=[{"uri": _A}],
            provider_settings={"keep_original_sound": False},
        ),
    ),
    "kling 4, the input's shape": (
        lambda: _submit("kling_4", first_frame=_at(_A), resolution="1080p", duration=20),
        lambda sdk: sdk.image_to_video.create(
            model="kling_4",
            prompt_text="A cat",
            prompt_image=[{"uri": _A, "position": "first"}],
            ratio="auto_1080p",
            duration=20,
        ),
    ),
    "seedance, references": (
        lambda: _submit("seedance2", references=(_at(_A), _at(_B)), resolution="4k", aspect_ratio="21:9", seed=9),
        lambda sdk: sdk.text_to_video.create(
            model="seedance2",
            prompt_text="A cat",
            references=[{"uri": _A}, {"uri": _B}],
            ratio="3840:1646",
            duration=5,
            audio=True,
            seed=9,
        ),
    ),
    "seedance 2.5, a video to change": (
        lambda: _submit("seedance2_5", source_video=_at(_V), vendor_options={"mode": "edit"}),
        lambda sdk: sdk.video_to_video.create(
            model="seedance2_5", prompt_text="A cat", prompt_video=_V, duration="auto", audio=True, mode="edit"
        ),
    ),
    "hailuo, the input's shape": (
        lambda: _submit("hailuo3", source_video=_at(_V), resolution="2k", duration=6),
        lambda sdk: sdk.video_to_video.create(
            model="hailuo3", prompt_text="A cat", prompt_video=_V, ratio="adaptive", resolution="2k", duration=6
        ),
    ),
    "h3 max": (
        lambda: _submit("h3_max", seed=1, vendor_options={"promptExpansionMode": "quality"}),
        lambda sdk: sdk.text_to_video.create(
            model="h3_max",
            prompt_text="A cat",
            duration=5,
            resolution="768p",
            seed=1,
            prompt_expansion_mode="quality",
        ),
    ),
    "wan, pixels": (
        lambda: _submit("wan3_prime", resolution="480p", aspect_ratio="3:4", audio=False),
        lambda sdk: sdk.text_to_video.create(
            model="wan3_prime", prompt_text="A cat", ratio="544:720", duration=5, audio=False
        ),
    ),
    "happyhorse, lines": (
        lambda: _submit("happyhorse_1_0", first_frame=_at(_A), resolution="1080p"),
        lambda sdk: sdk.image_to_video.create(
            model="happyhorse_1_0", prompt_text="A cat", prompt_image=_A, resolution="1080p", duration=5
        ),
    ),
    "omni, a video to continue": (
        lambda: _submit("gemini_omni_flash_1.1", source_video=_at(_V), vendor_options={"mode": "extend"}),
        lambda sdk: sdk.video_to_video.create(
            model="gemini_omni_flash_1.1", prompt_text="A cat", video_uri=_V, duration=5, mode="extend"
        ),
    ),
    "grok, a shape and lines": (
        lambda: _submit("grok_imagine_1_5", aspect_ratio="3:2", resolution="480p", duration=1),
        lambda sdk: sdk.text_to_video.create(
            model="grok_imagine_1_5", prompt_text="A cat", ratio="3:2", resolution="480p", duration=1
        ),
    ),
}


@pytest.mark.parametrize("name", _CASES)
def test_the_sdk_sends_the_same(name: str, recorder: Recorder, sdk: runwayml.RunwayML) -> None:
    ours, theirs = _CASES[name]
    theirs(sdk)
    (sent,) = recorder.sent
    request = ours()
    assert (request.method, request.path, request.json) == (sent.method, sent.path, json.loads(sent.body))
    assert request.headers["X-Runway-Version"] == sent.headers["x-runway-version"]
    assert request.auth is not None
    assert request.auth.prefix + _SECRET == sent.headers[request.auth.header.lower()]


def test_the_sdk_uploads_the_same(recorder: Recorder, sdk: runwayml.RunwayML) -> None:
    uploaded = sdk.uploads.create_ephemeral(file=("first.png", b"PNG", "image/png"))
    ask, form = recorder.sent
    row = CATALOGUE.rows["runway/gen4.5"]
    ours = _RUNWAY.upload(MediaInput(mime_type="image/png", size=3, name="first"), row)
    assert ours is not None
    assert (ours.method, ours.path, ours.json) == (ask.method, ask.path, json.loads(ask.body))
    assert ours.auth is not None
    answer = {"runwayUri": uploaded.uri, "uploadUrl": f"{recorder.url}/storage", "fields": {"key": "k", "policy": "p"}}
    slot = _RUNWAY.slot(Reply(status=200, body=json.dumps(answer).encode()))
    assert slot is not None
    assert (slot.uri, slot.method, slot.url) == (uploaded.uri, form.method, f"{recorder.url}{form.path}")
    assert "authorization" not in form.headers
    assert _parts(form) == [*slot.fields.items(), ("file", "PNG")]


def _parts(sent: Sent) -> list[tuple[str, str]]:
    """Name and text of each part of a form."""
    head = f"content-type: {sent.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + sent.body, policy=default)
    named = [(part.get_param("name", header="content-disposition"), part) for part in message.iter_parts()]
    return [(str(name), bytes(part.get_payload(decode=True)).decode()) for name, part in named]


_TYPES: Mapping[str, Any] = {
    "text_to_video": text_to_video_create_params.TextToVideoCreateParams,
    "image_to_video": image_to_video_create_params.ImageToVideoCreateParams,
    "video_to_video": video_to_video_create_params.VideoToVideoCreateParams,
}


def _misfit(value: Json, hint: Any) -> str:
    """Why a value is not of one of the SDK's types; empty when it is."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Annotated, Required):
        return _misfit(value, arguments[0])
    if origin is Union:
        faults = [_misfit(value, each) for each in arguments]
        return "" if "" in faults else min(faults, key=len)
    if origin is Literal:
        return "" if value in arguments else f"{value!r} is none of {arguments}"
    if is_typeddict(hint):
        return _strange(value, hint)
    if origin is not None and issubclass(origin, Iterable):
        faults = [_misfit(each, arguments[0]) for each in value] if isinstance(value, list) else ["no list"]
        return next(filter(None, faults), "")
    fits = isinstance(value, (int, float) if hint is float else hint) and isinstance(value, bool) <= (hint is bool)
    return "" if fits or hint is object else f"{value!r} is no {hint.__name__}"


def _strange(value: Json, kind: type) -> str:
    """The same for an object; its members have their wire names."""
    if not isinstance(value, dict):
        return "no object"
    hints = get_type_hints(kind, include_extras=True)
    by_alias = {_alias(name, hint): hint for name, hint in hints.items()}
    missing = [name for name, hint in by_alias.items() if get_origin(hint) is Required and name not in value]
    if missing or set(value) - set(by_alias):
        return f"{kind.__name__}: lacks {missing}, does not know {sorted(set(value) - set(by_alias))}"
    return next(filter(None, (_misfit(each, by_alias[name]) for name, each in value.items())), "")


def _alias(name: str, hint: Any) -> str:
    inner = get_args(hint)[0] if get_origin(hint) is Required else hint
    found = [each.alias for each in getattr(inner, "__metadata__", ()) if isinstance(each, PropertyInfo)]
    return found[0] or name if found else name


def _of_model(operation: str, name: str) -> list[Any]:
    """The SDK's types for this model and operation."""
    kinds = get_args(_TYPES[operation])
    hints = {kind: get_args(get_type_hints(kind)["model"]) for kind in kinds}
    return [kind for kind, names in hints.items() if name in names]


_LIVING = [row for row in RunwayProvider.models if row.modes]
_MODES = [(row, name) for row in _LIVING for name in row.modes]


def _inputs(row: VideoModel, mode: ModeName) -> Iterator[dict[str, Any]]:
    """The inputs of a mode: the least, and the most."""
    least: dict[ModeName, dict[str, Any]] = {
        ModeName.TEXT: {},
        ModeName.IMAGE: {"first_frame": _at(_A)},
        ModeName.REFERENCE: {"references": (_at(_A),)},
        ModeName.VIDEO: {"source_video": _at(_V)},
    }
    yield least[mode]
    if mode is ModeName.IMAGE and "last_frame" in row.wire:
        yield {**least[mode], "last_frame": _at(_B)}
    if row.references and (mode is ModeName.VIDEO or (mode is ModeName.IMAGE and row.references_with_frame)):
        yield {**least[mode], "references": (_at(_A), _at(_B))}


def _choices(row: VideoModel, mode: Mode) -> Iterator[dict[str, Any]]:
    """Every shape, with everything else once."""
    for ratio, resolution in mode.sizes:
        yield {"resolution": resolution} | ({} if mode.ratio_from_image else {"aspect_ratio": ratio})
    yield {"audio": True} if "audio" in row.wire else {}
    yield {"seed": 1} if "seed" in row.wire else {}
    yield {"negative_prompt": "text"} if "negative_prompt" in row.wire else {}


@pytest.mark.parametrize(("row", "name"), _MODES, ids=[f"{row.wire_name} from {name}" for row, name in _MODES])
def test_the_sdks_types_fit(row: VideoModel, name: ModeName) -> None:
    kinds = _of_model(OPERATIONS[name], row.wire_name)
    assert len(kinds) == 1
    for inputs in _inputs(row, name):
        for typed in _choices(row, row.modes[name]):
            request = _submit(row.id.removeprefix("runway/"), **inputs, **typed)
            assert _misfit(request.json, kinds[0]) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"ratio": "1:1"},
        {"duration": "5"},
        {"audio": 1},
        {"promptImage": "https://example.com/a.png"},
        {"references": [{"url": _A}]},
        {"promptText": None},
    ],
)
def test_the_sdks_types_refuse_what_is_wrong(changed: dict[str, Json]) -> None:
    (kind,) = _of_model("text_to_video", "seedance2")
    good = _submit("seedance2", references=(_at(_A),)).json
    assert _misfit(good, kind) == ""
    assert _misfit({**good, **changed}, kind)
    assert _misfit({name: value for name, value in good.items() if name != "promptText"}, kind)


@pytest.mark.parametrize(("row", "name"), _MODES, ids=[f"{row.wire_name} from {name}" for row, name in _MODES])
def test_every_size_that_the_sdk_lists_is_offered(row: VideoModel, name: ModeName) -> None:
    """All of its literals for `ratio` and `resolution` can be sent, but the deprecated spellings."""
    (kind,) = _of_model(OPERATIONS[name], row.wire_name)
    hints = get_type_hints(kind, include_extras=True)
    (inputs, *_) = _inputs(row, name)
    sent: list[Json] = [
        _submit(row.id.removeprefix("runway/"), **inputs, **typed).json for typed in _choices(row, row.modes[name])
    ]
    for member in ("ratio", "resolution"):
        literal = get_args(hints[member])[0] if get_origin(hints.get(member)) is Required else hints.get(member)
        listed = set(get_args(literal)) if get_origin(literal) is Literal else set()
        current = {value for value in listed if value == value.lower()}
        unsent = current - {document.get(member) for document in sent}
        assert unsent <= _LEFT_OUT.get((row.wire_name, name, member), set()), (row.wire_name, name)


_AUTOMATIC = {f"auto_{lines}p" for lines in (480, 720, 1080)}
_THREE_OF = {
    "standard": {"1280:720", "720:1280", "960:960"},
    "pro": {"1920:1080", "1080:1920", "1440:1440"},
    "4k": {"3840:2160", "2160:3840", "2880:2880"},
}
_OF_WAN = {"832:480", "720:544", "624:624", "544:720", "480:832", "1280:720", "1104:832", "960:960", "832:1104"} | {
    *("720:1280", "1920:1080", "1648:1248", "1440:1440", "1248:1648", "1080:1920")
}
_NAMES = {"21:9", "16:9", "4:3", "1:1", "3:4", "9:16"}
_LEFT_OUT: Mapping[tuple[str, ModeName, str], set[str]] = {
    # Text has no input to adapt to, and a frame decides the shape.
    **{("hailuo3", mode, "ratio"): {"adaptive"} for mode in (ModeName.TEXT, ModeName.REFERENCE)},
    **{("hailuo3", mode, "ratio"): _NAMES for mode in (ModeName.IMAGE, ModeName.VIDEO)},
    **{
        (model, mode, "ratio"): _AUTOMATIC
        for model in ("wan3", "wan3_prime")
        for mode in (ModeName.TEXT, ModeName.REFERENCE)
    },
    **{(model, ModeName.IMAGE, "ratio"): _OF_WAN for model in ("wan3", "wan3_prime")},
    **{("kling_4", mode, "ratio"): {"auto_720p", "auto_1080p"} for mode in (ModeName.TEXT, ModeName.REFERENCE)},
    **{
        (f"{model}_{tier}", ModeName.IMAGE, "ratio"): pixels
        for model in ("kling3.0", "klingO3")
        for tier, pixels in _THREE_OF.items()
    },
    # References are capped at 720p.
    ("grok_imagine_1_5", ModeName.REFERENCE, "resolution"): {"1080p"},
}
"""What the SDK's types list and we do not offer, each for its reason."""


def test_everything_that_the_sdk_sells_has_a_row() -> None:
    sold = {
        name
        for operation, union in _TYPES.items()
        for kind in get_args(union)
        for name in get_args(get_type_hints(kind)["model"])
        if _of_model(operation, name)
    }
    assert sold == {row.wire_name for row in _LIVING}
    offered = {(OPERATIONS[name], row.wire_name) for row, name in _MODES}
    told = {(operation, name) for operation in _TYPES for name in sold if _of_model(operation, name)}
    assert offered == told
