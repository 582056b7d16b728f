"""From prompts, scripts and lineages of the jobs room to the contract's messages."""

from filmgate.v1 import media_pb2, prompt_pb2, video_service_pb2

from core.money import USD
from jobs.drafts import PromptView, ScriptView, Spent
from jobs.lineage import Iteration, StageCost
from prompts.words import Change, Draft, Reading, Scene
from server import words
from server.convert import duration, money, timestamp, warnings


def prompt(view: PromptView) -> prompt_pb2.Prompt:
    """A prompt with its structure."""
    made = view.draft
    message = prompt_pb2.Prompt(
        id=view.id,
        tenant_name=view.tenant,
        creative_id=view.creative_id,
        kind=words.PROMPT_KINDS[view.kind],
        input=view.input,
        prompt=made.prompt,
        parameters=_parameters(made),
        camera=made.camera,
        mood=made.mood,
        readings=[_reading(each) for each in made.readings],
        source=words.PROMPT_SOURCES[view.source],
        model=view.model,
        llm_model=view.llm_model,
        warnings=warnings(view.notices, USD),
        parent_prompt_id=view.parent_id,
        job_id=view.job_id,
        feedback=view.feedback,
        iteration=view.iteration,
        changes=[_change(each) for each in view.changes],
        create_time=timestamp(view.create_time),
        mock=view.mock,
    )
    _book(message, view.spent)
    return message


def script(view: ScriptView) -> prompt_pb2.Script:
    """A script scene by scene."""
    made = view.script
    message = prompt_pb2.Script(
        id=view.id,
        tenant_name=view.tenant,
        creative_id=view.creative_id,
        product_name=view.brief.product_name,
        style=made.style,
        cta_text=view.brief.cta_text,
        scenes=[_scene(each) for each in made.scenes],
        duration=duration(made.duration),
        aspect_ratio=made.aspect_ratio,
        source=words.PROMPT_SOURCES[view.source],
        model=view.model,
        llm_model=view.llm_model,
        warnings=warnings(view.notices, USD),
        create_time=timestamp(view.create_time),
        mock=view.mock,
    )
    _book(message, view.spent)
    return message


def iteration(row: Iteration) -> prompt_pb2.LineageIteration:
    """One video of a creative, or the try to make one."""
    return prompt_pb2.LineageIteration(
        iteration=row.iteration,
        job_id=row.job_id,
        clip_id=row.clip_id,
        video_id=row.video_id,
        model=row.model,
        state=row.state,
        prompt_original=row.prompt_original,
        prompt_final=row.prompt_final,
        prompt_id=row.prompt_id,
        cost=money(row.cost),
        cost_unknown=row.cost_unknown,
        create_time=timestamp(row.create_time),
    )


def stage_cost(row: StageCost) -> video_service_pb2.StageCost:
    """What one stage of a creative has cost."""
    return video_service_pb2.StageCost(
        stage=words.COST_STAGES[row.stage.upper()], cost=money(row.cost), cost_unknown=row.unknown
    )


def _book(message: prompt_pb2.Prompt | prompt_pb2.Script, spent: Spent) -> None:
    """What a language model has read, written and cost."""
    message.input_tokens, message.output_tokens = spent.input_tokens, spent.output_tokens
    message.cost_unknown = spent.unknown
    if spent.cost is not None:
        message.cost.CopyFrom(money(spent.cost))


def _parameters(draft: Draft) -> media_pb2.VideoParameters:
    return media_pb2.VideoParameters(
        duration=None if draft.duration is None else duration(draft.duration),
        aspect_ratio=draft.aspect_ratio or "",
        negative_prompt=draft.negative_prompt,
        style=draft.style or "",
        motion=words.MOTIONS[draft.motion] if draft.motion else None,
        quality=words.QUALITIES[draft.quality] if draft.quality else None,
        audio=draft.audio,
    )


def _reading(value: Reading) -> prompt_pb2.PromptReading:
    return prompt_pb2.PromptReading(
        field=value.field,
        value=value.value,
        confidence=value.confidence,
        words=[prompt_pb2.PromptWords(start=each.start, end=each.end, text=each.text) for each in value.words],
    )


def _change(value: Change) -> prompt_pb2.PromptChange:
    return prompt_pb2.PromptChange(field=value.field, before=value.before, after=value.after, why=value.why)


def _scene(value: Scene) -> prompt_pb2.ScriptScene:
    return prompt_pb2.ScriptScene(
        id=value.id,
        type=words.SCENE_TYPES[value.type],
        video_prompt_template=value.video_prompt_template,
        video_prompt=value.video_prompt,
        use_product_image=value.use_product_image,
        duration=duration(value.duration),
        narration=value.narration,
        text=value.text,
    )
