"""What PromptService refuses, over real gRPC: all violations in one answer, before anything is asked or kept."""

import contextlib
import sqlite3
from typing import Any

import grpc
import pytest
from filmgate.v1 import common_pb2, media_pb2, video_service_pb2
from filmgate.v1 import prompt_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from tests.conftest import Served
from tests.server.calling import Prompts, Stub, refused

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NO_PROMPT = f"prompt_{'0' * 26}"
NO_JOB = f"job_{'0' * 26}"
BROKEN: dict[str, Any] = {
    "tenant_name": "Not!A!Tenant",
    "creative_id": "../x",
    "model": "no model",
    "max_cost": common_pb2.Money(currency_code="EUR", micros=1),
    "request_id": "\x01",
}
COMMON = set(BROKEN) - {"max_cost"} | {"max_cost.currency_code"}


def _kept(served: Served) -> int:
    with contextlib.closing(sqlite3.connect(served.data_dir / "filmgate.sqlite")) as connection:
        count: int = connection.execute("SELECT count(*) FROM prompt").fetchone()[0]
        return count


def test_everything_that_is_wrong_is_told_at_once(prompts: Prompts, served: Served) -> None:
    quantified = refused(prompts.QuantifyPrompt, pb.QuantifyPromptRequest(text=" \n", **BROKEN))
    assert (quantified.code, quantified.reason) == (INVALID, "INVALID_REQUEST")
    assert set(quantified.fields) == COMMON | {"text"}
    regenerated = refused(prompts.RegeneratePrompt, pb.RegeneratePromptRequest(feedback="x" * 4001, **BROKEN))
    assert set(regenerated.fields) == COMMON | {"previous", "feedback"}
    inline = media_pb2.MediaInput(inline=media_pb2.InlineMedia(data=b"", mime_type="text/html"))
    request = pb.WriteScriptRequest(
        product_name="x" * 201,
        style="no style",
        cta_text="\x07",
        brief="x" * 4001,
        duration=Duration(seconds=301),
        scenes=21,
        aspect_ratio="wide",
        product_image=inline,
        **BROKEN,
    )
    named = {"product_name", "style", "cta_text", "brief", "duration", "scenes", "aspect_ratio"}
    named |= {"product_image.inline.data", "product_image.inline.mime_type"}
    assert set(refused(prompts.WriteScript, request).fields) == COMMON | named
    assert _kept(served) == 0


@pytest.mark.parametrize("text", ["x" * 8001, "🪁" * 8001])
def test_a_text_too_long_says_by_how_much(prompts: Prompts, tenant: str, text: str) -> None:
    for request, call in (
        (pb.QuantifyPromptRequest(tenant_name=tenant, text=text), prompts.QuantifyPrompt),
        (pb.RegeneratePromptRequest(tenant_name=tenant, text=text, feedback="slower"), prompts.RegeneratePrompt),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason, refusal.fields) == (INVALID, "PROMPT_TOO_LONG", ("text",))
        assert refusal.texts == ("may have at most 8,000 characters; shorten it by 1",)


@pytest.mark.parametrize("field", ["prompt_id", "job_id"])
def test_an_id_is_checked_before_it_is_looked_up(prompts: Prompts, tenant: str, field: str) -> None:
    request = pb.RegeneratePromptRequest(tenant_name=tenant, feedback="", **{field: "../../etc"})  # type: ignore[arg-type] # by name
    assert set(refused(prompts.RegeneratePrompt, request).fields) == {field, "feedback"}


@pytest.mark.parametrize(
    ("model", "code", "reason", "told"),
    [
        ("runway/gen3a_turbo", grpc.StatusCode.FAILED_PRECONDITION, "MODEL_RETIRED", "runway/gen4_turbo"),
        ("runway/gen45", grpc.StatusCode.NOT_FOUND, "UNKNOWN_MODEL", "runway/gen4.5"),
    ],
)
def test_a_model_alone_keeps_its_own_code(
    prompts: Prompts, tenant: str, model: str, code: grpc.StatusCode, reason: str, told: str
) -> None:
    script: dict[str, Any] = {"product_name": "Nimbus", "style": "luxury", "cta_text": "Now"}
    for call, request in (
        (prompts.QuantifyPrompt, pb.QuantifyPromptRequest(tenant_name=tenant, text="a kite", model=model)),
        (
            prompts.RegeneratePrompt,
            pb.RegeneratePromptRequest(tenant_name=tenant, text="a kite", feedback="slower", model=model),
        ),
        (prompts.WriteScript, pb.WriteScriptRequest(tenant_name=tenant, model=model, **script)),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (code, reason)
        assert told in refusal.message


def test_a_model_among_other_faults_is_one_more_violation(prompts: Prompts, tenant: str) -> None:
    request = pb.QuantifyPromptRequest(tenant_name=tenant, text="", model="runway/gen3a_turbo")
    assert set(refused(prompts.QuantifyPrompt, request).fields) == {"text", "model"}


def test_nothing_is_found_of_others_or_of_nobody(prompts: Prompts, stub: Stub, tenant: str) -> None:
    theirs = prompts.QuantifyPrompt(pb.QuantifyPromptRequest(tenant_name=f"{tenant}-else", text="a kite")).prompt
    answers = []
    for prompt_id in (theirs.id, NO_PROMPT):
        request = pb.RegeneratePromptRequest(tenant_name=tenant, prompt_id=prompt_id, feedback="slower")
        answers.append(refused(prompts.RegeneratePrompt, request))
    assert answers[0] == answers[1]
    assert (answers[0].code, answers[0].reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    request = pb.RegeneratePromptRequest(tenant_name=tenant, job_id=NO_JOB, feedback="slower")
    assert refused(prompts.RegeneratePrompt, request).code is grpc.StatusCode.NOT_FOUND
    lineage = video_service_pb2.GetLineageRequest(tenant_name="", creative_id="..", page_size=-1)
    assert set(refused(stub.GetLineage, lineage).fields) == {"tenant_name", "creative_id", "page_size"}
    bad = video_service_pb2.GetLineageRequest(tenant_name=tenant, creative_id="kite", page_token="x")
    assert refused(stub.GetLineage, bad).reason == "INVALID_PAGE_TOKEN"


def test_a_script_names_the_field_that_is_missing(prompts: Prompts, tenant: str) -> None:
    def told(**fields: Any) -> tuple[str, ...]:
        given = {"product_name": "Nimbus", "style": "luxury", "cta_text": "Now"} | fields
        return refused(prompts.WriteScript, pb.WriteScriptRequest(tenant_name=tenant, **given)).fields

    assert told(style="baroque") == ("style",)
    assert told(model="fal/stable-video") == ("product_image",)
    private = media_pb2.MediaInput(uri="http://169.254.169.254/latest")
    assert told(product_image=private) == ("product_image",)
    broken = media_pb2.MediaInput(inline=media_pb2.InlineMedia(data=b"not an image", mime_type="image/png"))
    assert told(product_image=broken) == ("product_image",)
    gone = media_pb2.MediaInput(asset_id=f"asset_{'0' * 26}")
    assert told(product_image=gone) == ("product_image.asset_id",)
