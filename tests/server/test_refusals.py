"""What is refused, over real gRPC: all violations in one answer, before anything is bought or stored."""

import contextlib
import math
import sqlite3
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from filmgate.v1 import media_pb2
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from tests.conftest import Served
from tests.server.calling import Stub, read_refusal, refused, wanted

INVALID = grpc.StatusCode.INVALID_ARGUMENT
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


def _inline(data: bytes, mime_type: str = "image/png") -> media_pb2.MediaInput:
    return media_pb2.MediaInput(inline=media_pb2.InlineMedia(data=data, mime_type=mime_type))


def _typed(**parameters: Any) -> Callable[[pb.GenerateVideoRequest], None]:
    return lambda request: request.parameters.MergeFrom(media_pb2.VideoParameters(**parameters))


def _set(**fields: Any) -> Callable[[pb.GenerateVideoRequest], None]:
    return lambda request: request.MergeFrom(pb.GenerateVideoRequest(**fields))


def _put(name: str, value: Any) -> Callable[[pb.GenerateVideoRequest], None]:
    return lambda request: setattr(request, name, value)


def _options(**options: Any) -> Callable[[pb.GenerateVideoRequest], None]:
    return lambda request: request.vendor_options.update(options)


def _labels(labels: dict[str, str]) -> Callable[[pb.GenerateVideoRequest], None]:
    return lambda request: request.labels.update(labels)


def _image(url: str) -> Callable[[pb.GenerateVideoRequest], None]:
    return _set(first_frame=media_pb2.MediaInput(uri=url))


CASES: dict[str, tuple[Callable[[pb.GenerateVideoRequest], None], str, str]] = {
    "7 s on a {5, 10} model": (_put("model", "replicate/kling-v2.5-turbo-pro"), "parameters.duration", ""),
    "11 s": (_typed(duration=Duration(seconds=11)), "parameters.duration", ""),
    "-4 s": (_typed(duration=Duration(seconds=-6)), "parameters.duration", "INVALID_REQUEST"),
    "no such duration": (_typed(duration=Duration(seconds=1, nanos=-5)), "parameters.duration", "INVALID_REQUEST"),
    "ratio 9999:1": (_typed(aspect_ratio="9999:1"), "parameters.aspect_ratio", ""),
    "ratio in words": (_typed(aspect_ratio="wide"), "parameters.aspect_ratio", "INVALID_REQUEST"),
    "ratio of zeros": (_typed(aspect_ratio="0:0"), "parameters.aspect_ratio", "INVALID_REQUEST"),
    "unknown vendor option": (_options(no_such_option=1), "vendor_options.no_such_option", "UNSUPPORTED_PARAMETER"),
    "option with a NUL": (_options(contentModeration="a\0b"), "vendor_options", "INVALID_REQUEST"),
    "option's name with a NUL": (_options(**{"a\0b": 1}), "vendor_options", "INVALID_REQUEST"),
    "option not a number": (_options(contentModeration=math.nan), "vendor_options", "INVALID_REQUEST"),
    "empty prompt": (_put("prompt", ""), "prompt", ""),
    "blank prompt": (_put("prompt", " \n "), "prompt", ""),
    "long prompt": (_put("prompt", "x" * 8001), "prompt", "PROMPT_TOO_LONG"),
    "longer than the model takes": (_put("prompt", "x" * 1001), "prompt", "PROMPT_TOO_LONG"),
    "NUL in the prompt": (_put("prompt", "a\0b"), "prompt", "INVALID_REQUEST"),
    "escape in the prompt": (_put("prompt", "a\x1b[31m"), "prompt", "INVALID_REQUEST"),
    "tenant ../x": (_put("tenant_name", "../x"), "tenant_name", "INVALID_REQUEST"),
    "tenant in capitals": (_put("tenant_name", "Acme"), "tenant_name", "INVALID_REQUEST"),
    "tenant with a line feed": (_put("tenant_name", "acme\n"), "tenant_name", "INVALID_REQUEST"),
    "no tenant": (_put("tenant_name", ""), "tenant_name", "INVALID_REQUEST"),
    "creative a/../b": (_put("creative_id", "a/../b"), "creative_id", "INVALID_REQUEST"),
    "creative a..b": (_put("creative_id", "a..b"), "creative_id", "INVALID_REQUEST"),
    "creative with a leading dot": (_put("creative_id", ".a"), "creative_id", "INVALID_REQUEST"),
    "creative of 129": (_put("creative_id", "a" * 129), "creative_id", "INVALID_REQUEST"),
    "9 variations": (_put("variations", 9), "variations", "INVALID_REQUEST"),
    "-1 variations": (_put("variations", -1), "variations", "INVALID_REQUEST"),
    "metadata address as image": (_image("http://169.254.169.254/"), "first_frame", "UNSAFE_URL"),
    "loopback as image": (_image("https://127.0.0.1/a.png"), "first_frame", "UNSAFE_URL"),
    "file as image": (_image("file:///etc/passwd"), "first_frame", "UNSAFE_URL"),
    "userinfo in the image": (_image("https://user:secret@example.com/a.png"), "first_frame", "UNSAFE_URL"),
    "no image at all": (_set(first_frame=media_pb2.MediaInput()), "first_frame", "INVALID_REQUEST"),
    "no asset's id": (
        _set(first_frame=media_pb2.MediaInput(asset_id="asset_1")),
        "first_frame.asset_id",
        "INVALID_REQUEST",
    ),
    "nobody's asset": (
        _set(first_frame=media_pb2.MediaInput(asset_id="asset_01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        "first_frame.asset_id",
        "INVALID_REQUEST",
    ),
    "empty image": (_set(first_frame=_inline(b"")), "first_frame.inline.data", "INVALID_REQUEST"),
    "image of 4 MiB and a byte": (
        _set(first_frame=_inline(b"\0" * (4 * 1024 * 1024 + 1))),
        "first_frame.inline.data",
        "INVALID_REQUEST",
    ),
    "image of another type": (_set(first_frame=_inline(PNG, "image/svg+xml")), "first_frame.inline.mime_type", ""),
    "text as image": (_set(first_frame=_inline(b"hello")), "first_frame", "UNREADABLE_MEDIA"),
    "17 references": (_set(reference_images=[media_pb2.ReferenceImage()] * 17), "reference_images", ""),
    "reference without a name": (
        _set(reference_images=[media_pb2.ReferenceImage(media=_inline(PNG), name="a b")]),
        "reference_images[0].name",
        "INVALID_REQUEST",
    ),
    "seed of -1": (_typed(seed=-1), "parameters.seed", "INVALID_REQUEST"),
    "endless fps": (_typed(fps=math.inf), "parameters.fps", "INVALID_REQUEST"),
    "no number of fps": (_typed(fps=math.nan), "parameters.fps", "INVALID_REQUEST"),
    "unknown priority": (_set(priority=99), "priority", "INVALID_REQUEST"),
    "unknown motion": (_typed(motion=99), "parameters.motion", "INVALID_REQUEST"),
    "unknown style": (_typed(style="baroque"), "parameters.style", ""),
    "motion the model lacks": (_typed(motion="MOTION_LOW"), "parameters.motion", "UNSUPPORTED_PARAMETER"),
    "17 labels": (_labels({f"k{n}": "" for n in range(17)}), "labels", "INVALID_REQUEST"),
    "label in capitals": (_labels({"Key": ""}), "labels", "INVALID_REQUEST"),
    "label of 256": (_labels({"key": "x" * 256}), "labels", "INVALID_REQUEST"),
    "wait of 11 minutes": (_set(wait=Duration(seconds=660)), "wait", "INVALID_REQUEST"),
    "negative wait": (_set(wait=Duration(seconds=-1)), "wait", "INVALID_REQUEST"),
    "request id of 256": (_put("request_id", "x" * 256), "request_id", "INVALID_REQUEST"),
    "request id with a tab": (_put("request_id", "a\tb"), "request_id", "INVALID_REQUEST"),
    "negative limit": (_set(max_cost={"currency_code": "USD", "micros": -1}), "max_cost.micros", "INVALID_REQUEST"),
    "limit in euros": (_set(max_cost={"currency_code": "EUR", "micros": 1}), "max_cost.currency_code", ""),
    "webhook on loopback": (_set(webhook={"url": "https://localhost/hook"}), "webhook.url", "UNSAFE_URL"),
    "webhook without address": (_set(webhook={"events": [1]}), "webhook.url", "INVALID_REQUEST"),
    "unknown event": (_set(webhook={"url": "https://localhost/", "events": [77]}), "webhook.events", ""),
    "9 fallbacks": (_set(fallback_models=[f"m{n}" for n in range(9)]), "fallback_models", "INVALID_REQUEST"),
    "fallback twice": (_set(fallback_models=["a/b", "a/b"]), "fallback_models", "INVALID_REQUEST"),
    "unknown fallback": (_set(fallback_models=["nobody/nothing"]), "fallback_models[0]", "INVALID_REQUEST"),
    "model with a blank": (_put("model", "runway gen4"), "model", "INVALID_REQUEST"),
    "a choice where none is": (_set(selection={"strategy": 77}), "selection.strategy", "INVALID_REQUEST"),
}


def _jobs(served: Served) -> int:
    """Accepted jobs: without one nothing is ever sent to a vendor."""
    with contextlib.closing(sqlite3.connect(served.data_dir / "filmgate.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM job").fetchone()[0])


@pytest.mark.parametrize("case", CASES)
def test_a_broken_rule_is_refused_naming_the_field(stub: Stub, served: Served, tenant: str, case: str) -> None:
    change, field, reason = CASES[case]
    request = wanted(tenant, duration=7 if case.startswith("7 s") else 2)
    change(request)
    refusal = refused(stub.GenerateVideo, request)
    assert (refusal.code, refusal.domain) == (INVALID, "filmgate")
    assert field in refusal.fields
    told = dict(zip(refusal.fields, refusal.reasons, strict=True))[field]
    assert told == reason or not reason
    assert len(refusal.fields) == len(set(refusal.fields))
    assert all(len(text) > 5 for text in refusal.texts)
    assert _jobs(served) == 0


def test_everything_wrong_is_told_in_one_answer(stub: Stub, served: Served) -> None:
    request = pb.GenerateVideoRequest(
        tenant_name="../x",
        creative_id="a/../b",
        model="runway/gen4.5",
        variations=9,
        request_id="\t",
        max_cost={"currency_code": "EUR", "micros": 1},
        first_frame={"uri": "http://169.254.169.254/"},
    )
    request.parameters.MergeFrom(media_pb2.VideoParameters(aspect_ratio="9999:1", duration=Duration(seconds=-4)))
    request.vendor_options.update({"no_such_option": 1})
    refusal = refused(stub.GenerateVideo, request)
    assert {
        "tenant_name",
        "creative_id",
        "prompt",
        "variations",
        "request_id",
        "max_cost.currency_code",
        "first_frame",
        "parameters.aspect_ratio",
        "parameters.duration",
        "vendor_options.no_such_option",
    } <= set(refusal.fields)
    assert _jobs(served) == 0


@pytest.mark.parametrize(
    ("model", "code", "reason", "told"),
    [
        ("runway/gen3a_turbo", grpc.StatusCode.FAILED_PRECONDITION, "MODEL_RETIRED", "runway/gen4_turbo"),
        ("runway/veo3", grpc.StatusCode.FAILED_PRECONDITION, "MODEL_RETIRED", "runway/veo3.1"),
        ("runway/gen45", grpc.StatusCode.NOT_FOUND, "UNKNOWN_MODEL", "runway/gen4.5"),
    ],
)
def test_a_model_alone_keeps_its_own_code(
    stub: Stub, tenant: str, model: str, code: grpc.StatusCode, reason: str, told: str
) -> None:
    refusal = refused(stub.GenerateVideo, wanted(tenant, model=model))
    assert (refusal.code, refusal.reason) == (code, reason)
    assert told in refusal.message


def test_a_malformed_model_is_all_that_is_said_about_it(stub: Stub, tenant: str) -> None:
    refusal = refused(stub.GenerateVideo, wanted(tenant, model="runway gen4", variations=9))
    assert sorted(refusal.fields) == ["model", "variations"]
    assert "no available model" not in refusal.message


def test_a_model_among_other_faults_is_one_more_violation(stub: Stub, tenant: str) -> None:
    refusal = refused(stub.GenerateVideo, wanted(tenant, model="runway/gen3a_turbo", variations=9))
    assert refusal.code is INVALID
    assert set(refusal.fields) == {"variations", "model"}


def test_a_prompt_that_is_not_there_is_told_alone_or_with_the_rest(stub: Stub, tenant: str) -> None:
    missing = f"prompt_{'0' * 26}"
    refusal = refused(stub.GenerateVideo, wanted(tenant, prompt="", prompt_id=missing))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    mixed = refused(stub.GenerateVideo, wanted(tenant, prompt="", prompt_id=missing, variations=9))
    assert set(mixed.fields) == {"variations", "prompt_id"}
    broken = refused(stub.GenerateVideo, wanted(tenant, enhance_prompt=True, prompt_id="../x"))
    assert broken.fields == ("prompt_id",)


def test_substitutions_buy_the_next_length_with_a_warning_and_its_price(stub: Stub, tenant: str) -> None:
    request = wanted(
        tenant,
        model="replicate/kling-v2.5-turbo-pro",
        duration=7,
        allow_substitutions=True,
        validate_only=True,
    )
    answer = stub.GenerateVideo(request)
    assert answer.parameters.duration.seconds == 10
    (warning,) = [warning for warning in answer.warnings if warning.field == "parameters.duration"]
    assert "7" in warning.before
    assert "10" in warning.after
    assert "XTS" in warning.message or "USD" in warning.message or warning.price_difference.micros


def test_a_limit_below_the_quote_is_refused_dry_and_real(stub: Stub, tenant: str) -> None:
    for dry in (True, False):
        limit = {"currency_code": "USD", "micros": 1}
        refusal = refused(stub.GenerateVideo, wanted(tenant, max_cost=limit, validate_only=dry))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "COST_LIMIT_EXCEEDED")


def test_inline_files_are_limited_together(stub: Stub, tenant: str) -> None:
    large = _inline(PNG + b"\0" * (3_500_000 - len(PNG)))
    references = [media_pb2.ReferenceImage(media=large) for _ in range(4)]
    refusal = refused(stub.GenerateVideo, wanted(tenant, reference_images=references, first_frame=large))
    assert any("16 MiB together" in text for text in refusal.texts)


def test_a_request_beyond_the_transport_limit_is_bare(stub: Stub, tenant: str) -> None:
    request = wanted(tenant, first_frame=_inline(b"\0" * (21 * 1024 * 1024)))
    with pytest.raises(grpc.RpcError) as caught:
        stub.GenerateVideo(request)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_batch_names_the_request_and_accepts_nothing(stub: Stub, served: Served, tenant: str) -> None:
    good, bad = wanted(tenant), wanted(tenant, prompt="", variations=9, wait=Duration(seconds=1), request_id="x")
    batch = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=[good, bad, wanted("somebody-else")])
    refusal = refused(stub.BatchGenerateVideos, batch)
    assert set(refusal.fields) == {
        "requests[1].prompt",
        "requests[1].variations",
        "requests[1].wait",
        "requests[1].request_id",
        "requests[2].tenant_name",
    }
    assert refused(stub.BatchGenerateVideos, pb.BatchGenerateVideosRequest(tenant_name=tenant)).fields == ("requests",)
    many = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=[good] * 101)
    assert refused(stub.BatchGenerateVideos, many).fields == ("requests",)
    assert _jobs(served) == 0


def test_a_quote_names_fields_below_its_request(stub: Stub, tenant: str) -> None:
    refusal = refused(stub.QuoteVideo, pb.QuoteVideoRequest(request=wanted(tenant, variations=9)))
    assert refusal.fields == ("request.variations",)


@pytest.mark.parametrize("field", ["DeleteVideo", "GetVideo", "GetJob", "CancelJob", "WatchJob", "ResolveClip"])
def test_ids_are_checked_before_they_are_looked_up(stub: Stub, tenant: str, field: str) -> None:
    kind = "video_id" if "Video" in field else "clip_id" if "Clip" in field else "job_id"
    request = getattr(pb, f"{field}Request")(tenant_name=f"{tenant}!", **{kind: "../../etc"})
    refusal = refused(getattr(stub, field), request)
    assert refusal.code is INVALID
    assert {"tenant_name", kind} <= set(refusal.fields)


@pytest.mark.parametrize("number", sorted(set(media_pb2.ModelCapability.values()) - {0}))
def test_every_capability_can_be_asked_for(stub: Stub, tenant: str, number: int) -> None:
    request = wanted(tenant, model="auto", validate_only=True, selection={"required_capabilities": [number]})
    try:
        told = stub.GenerateVideo(request).model_reason
    except grpc.RpcError as error:
        told = read_refusal(error).reason
    assert told in {"MODEL_UNAVAILABLE", "UNSUPPORTED_PARAMETER"} or told.startswith("auto chose")
