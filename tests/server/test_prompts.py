"""Prompts without a language model, over real gRPC: read, made better, told as a script, and kept."""

from typing import Any

import grpc
import pytest
from filmgate.v1 import common_pb2, job_pb2, media_pb2, prompt_pb2, video_service_pb2
from filmgate.v1 import prompt_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from tests.server.calling import Prompts, Stub, refused, wanted
from tests.server.uploading import image

TYPED = "A red kite over a grey sea, ten seconds, vertical, no people"


def quantified(prompts: Prompts, tenant: str, text: str = TYPED, **fields: Any) -> prompt_pb2.Prompt:
    """A text, read."""
    fields = {"model": "runway/gen4.5"} | fields
    request = pb.QuantifyPromptRequest(tenant_name=tenant, text=text, **fields)
    made: prompt_pb2.Prompt = prompts.QuantifyPrompt(request).prompt
    return made


def test_a_text_is_read_by_the_rules_and_says_so(prompts: Prompts, tenant: str) -> None:
    made = quantified(prompts, tenant, creative_id="kite")
    assert (made.source, made.kind) == (prompt_pb2.PROMPT_SOURCE_RULES, prompt_pb2.PROMPT_KIND_QUANTIFY)
    assert (made.llm_model, made.input_tokens, made.mock, made.cost_unknown) == ("", 0, False, False)
    assert not made.HasField("cost")
    assert (made.tenant_name, made.creative_id, made.input, made.iteration) == (tenant, "kite", TYPED, 1)
    assert (made.model, made.parameters.duration.seconds, made.parameters.aspect_ratio) == ("runway/gen4.5", 10, "9:16")
    assert "kite" in made.prompt
    (told,) = made.warnings  # this model takes no negative prompt
    assert (told.field, told.before) == ("parameters.negative_prompt", "people")
    for reading in made.readings:
        assert 0 <= reading.confidence <= 1
        assert [TYPED[each.start : each.end] for each in reading.words] == [each.text for each in reading.words]
    assert {"duration", "aspect_ratio"} <= {reading.field for reading in made.readings}
    assert made.create_time.seconds


def test_words_are_counted_in_code_points_whatever_stands_before(prompts: Prompts, tenant: str) -> None:
    text = "🪁\u200d👧 un cerf-volant \u202e\u05d0\u05d1\u202c, 8 seconds"
    made = quantified(prompts, tenant, text)
    assert made.input == text
    (reading,) = [reading for reading in made.readings if reading.field == "duration"]
    assert [text[each.start : each.end] for each in reading.words] == [each.text for each in reading.words]


@pytest.mark.parametrize("model", ["", "auto", "runway_gen3", "replicate/kling-v2.5-turbo-pro"])
def test_a_model_may_be_named_in_every_way(prompts: Prompts, tenant: str, model: str) -> None:
    assert "/" in quantified(prompts, tenant, model=model).model


def test_feedback_makes_a_better_prompt_with_reasons(prompts: Prompts, tenant: str) -> None:
    before = quantified(prompts, tenant, "a red kite over a grey sea", creative_id="kite")
    request = pb.RegeneratePromptRequest(tenant_name=tenant, prompt_id=before.id, feedback="slower, vertical")
    after = prompts.RegeneratePrompt(request).prompt
    assert (after.parent_prompt_id, after.iteration, after.feedback) == (before.id, 2, "slower, vertical")
    assert (after.kind, after.source) == (prompt_pb2.PROMPT_KIND_REGENERATE, prompt_pb2.PROMPT_SOURCE_RULES)
    assert (after.creative_id, after.model) == ("kite", before.model)
    assert after.parameters.aspect_ratio == "9:16"
    assert after.changes
    assert all(change.why and change.before != change.after for change in after.changes)
    again = pb.RegeneratePromptRequest(
        tenant_name=tenant, prompt_id=after.id, feedback="horizontal", creative_id="other"
    )
    third = prompts.RegeneratePrompt(again).prompt
    assert (third.iteration, third.creative_id, third.parameters.aspect_ratio) == (3, "other", "16:9")


def test_a_text_of_somebody_else_can_be_made_better(prompts: Prompts, tenant: str) -> None:
    request = pb.RegeneratePromptRequest(
        tenant_name=tenant, text=TYPED, feedback="horizontal", model="replicate/kling-v2.5-turbo-pro"
    )
    made = prompts.RegeneratePrompt(request).prompt
    assert (made.parent_prompt_id, made.parameters.aspect_ratio) == ("", "16:9")
    assert made.model == "replicate/kling-v2.5-turbo-pro"


def script(prompts: Prompts, tenant: str, **fields: Any) -> prompt_pb2.Script:
    """A product, told."""
    given = {"product_name": "Nimbus {style}", "style": "luxury", "cta_text": "Order now"} | fields
    made: prompt_pb2.Script = prompts.WriteScript(pb.WriteScriptRequest(tenant_name=tenant, **given)).script
    return made


def test_a_script_is_exactly_as_long_as_asked(prompts: Prompts, tenant: str) -> None:
    made = script(prompts, tenant, duration=Duration(seconds=21, nanos=500_000_000), scenes=4, aspect_ratio="9:16")
    assert made.duration.ToMilliseconds() == 21_500
    assert sum(scene.duration.ToMilliseconds() for scene in made.scenes) == 21_500
    assert [scene.type for scene in made.scenes] == [prompt_pb2.SCENE_TYPE_VIDEO] * 4 + [prompt_pb2.SCENE_TYPE_CARD]
    assert (made.product_name, made.style, made.cta_text) == ("Nimbus {style}", "luxury", "Order now")
    assert (made.source, made.aspect_ratio) == (prompt_pb2.PROMPT_SOURCE_RULES, "9:16")
    assert "Nimbus {style}" in made.scenes[0].video_prompt
    assert "{product_name}" in made.scenes[0].video_prompt_template
    assert made.scenes[-1].text == "Order now"
    assert made.id.startswith("prompt_")


def test_a_product_image_is_used_where_it_is_given(prompts: Prompts, stub: Stub, tenant: str) -> None:
    picture = media_pb2.MediaInput(inline=media_pb2.InlineMedia(data=image(), mime_type="image/png"))
    made = script(prompts, tenant, model="fal/stable-video", product_image=picture)
    assert all(scene.use_product_image for scene in made.scenes[:-1])


def test_a_repeated_call_gets_its_first_answer(prompts: Prompts, tenant: str) -> None:
    first = quantified(prompts, tenant, request_id="q-1")
    assert quantified(prompts, tenant, request_id="q-1") == first
    assert quantified(prompts, tenant).id != first.id
    request = pb.QuantifyPromptRequest(tenant_name=tenant, text="another", request_id="q-1", model="runway/gen4.5")
    refusal = refused(prompts.QuantifyPrompt, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "REQUEST_ID_REUSED")
    assert script(prompts, tenant, request_id="q-1") == script(prompts, tenant, request_id="q-1")


def test_a_limit_holds_for_free(prompts: Prompts, tenant: str) -> None:
    nothing = common_pb2.Money(currency_code="USD", micros=0)
    assert quantified(prompts, tenant, max_cost=nothing).source == prompt_pb2.PROMPT_SOURCE_RULES


def test_the_feedback_loop_as_a_new_user_goes_through_it(prompts: Prompts, stub: Stub, tenant: str) -> None:
    job = stub.GenerateVideo(wanted(tenant, prompt="a red kite over a grey sea", wait=Duration(seconds=60))).job
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    feedback = "warmer light, slower, vertical"
    request = pb.RegeneratePromptRequest(tenant_name=tenant, job_id=job.id, feedback=feedback)
    better = prompts.RegeneratePrompt(request).prompt
    assert (better.job_id, better.creative_id, better.model) == (job.id, "kite", "runway/gen4.5")
    assert (better.parameters.aspect_ratio, better.parameters.duration.seconds) == ("9:16", 2)
    assert "warm" in better.prompt.lower()
    again = wanted(tenant, prompt="", prompt_id=better.id, duration=None, wait=Duration(seconds=60))
    second = stub.GenerateVideo(again).job
    assert second.state == job_pb2.JOB_STATE_SUCCEEDED
    assert (second.prompt, second.parameters.aspect_ratio) == (better.prompt, "9:16")
    assert second.videos[0].height > second.videos[0].width

    lineage = stub.GetLineage(video_service_pb2.GetLineageRequest(tenant_name=tenant, creative_id="kite"))
    assert [each.job_id for each in lineage.iterations] == [second.id, job.id]
    assert [each.prompt_id for each in lineage.iterations] == [better.id, ""]
    assert [each.video_id for each in lineage.iterations] == [second.videos[0].id, job.videos[0].id]
    assert [each.cost for each in lineage.iterations] == [second.cost, job.cost]
    assert [each.prompt_final for each in lineage.iterations] == [better.prompt, job.prompt]
    assert list(lineage.prompts) == [better]
    assert {change.field for change in lineage.prompts[0].changes} >= {"prompt", "aspect_ratio"}
    (cost,) = lineage.costs
    assert cost.cost.micros == job.cost.micros + second.cost.micros


def test_a_lineage_comes_in_pages(prompts: Prompts, stub: Stub, tenant: str) -> None:
    for _ in range(3):
        stub.GenerateVideo(wanted(tenant))
    quantified(prompts, tenant, creative_id="kite")
    request = video_service_pb2.GetLineageRequest(tenant_name=tenant, creative_id="kite", page_size=2)
    first = stub.GetLineage(request)
    request.page_token = first.next_page_token
    rest = stub.GetLineage(request)
    assert [each.iteration for each in (*first.iterations, *rest.iterations)] == [3, 2, 1]
    assert (len(first.prompts), len(rest.prompts), rest.next_page_token) == (1, 0, "")
    request.creative_id = "boat"
    assert refused(stub.GetLineage, request).reason == "INVALID_PAGE_TOKEN"
    nobody = video_service_pb2.GetLineageRequest(tenant_name=f"{tenant}-else", creative_id="kite")
    assert stub.GetLineage(nobody) == video_service_pb2.GetLineageResponse()


def test_a_job_may_name_its_prompt_and_say_more(prompts: Prompts, stub: Stub, tenant: str) -> None:
    made = quantified(prompts, tenant)
    request = wanted(tenant, prompt="", prompt_id=made.id, duration=None, validate_only=True)
    assert stub.GenerateVideo(request).parameters.aspect_ratio == "9:16"
    request.parameters.aspect_ratio = "16:9"
    request.parameters.duration.seconds = 5
    answer = stub.GenerateVideo(request)
    assert (answer.parameters.aspect_ratio, answer.parameters.duration.seconds) == ("16:9", 5)
    foreign = wanted(f"{tenant}-else", prompt="", prompt_id=made.id)
    nobodys = wanted(f"{tenant}-else", prompt="", prompt_id=f"prompt_{'0' * 26}")
    assert refused(stub.GenerateVideo, foreign) == refused(stub.GenerateVideo, nobodys)


def test_without_a_language_model_enhancing_is_the_rules_and_free(stub: Stub, tenant: str) -> None:
    prompt = "a red kite over a grey sea, vertical, four seconds"
    request = wanted(tenant, prompt=prompt, enhance_prompt=True, duration=None, wait=Duration(seconds=60))
    job = stub.GenerateVideo(request).job
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert (job.prompt, job.parameters.aspect_ratio, job.parameters.duration.seconds) == (prompt, "9:16", 4)
    assert job.final_prompt
    assert job.cost == job.clips[0].cost
