"""Scripts by a language model: its pictures and words; the lengths, places and limits are those of every script."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from core.outcome import Json
from prompts.scripts import Card, Clip, Outline, compose
from prompts.tasks.answers import SceneAnswer, ScriptAnswer, schema
from prompts.tasks.exchange import Exchange
from prompts.tasks.frames import facts
from prompts.words import Brief, Script, Target

_USUAL = Outline(clips=(Clip(video_prompt_template="{product_name}"),) * 3)


def write_script(
    brief: Brief, target: Target, *, usual: Outline = _USUAL, advice: str = "", folder: Path | None = None
) -> Exchange[Script]:
    """Tells a product: the asked number of clips and a card with the call to action, together exactly as long as asked.

    `usual`, such as the style's template, says what the brief does not: how many clips, how long, which ratio. Raises
    InvalidRequest as `scripts.write` does, before anything is asked.
    """
    planned = compose(brief, target, usual)
    *seconds, last = (scene.duration for scene in planned.scenes)
    asked: dict[str, Json] = {
        "scenes": len(seconds),
        "scene_seconds": seconds,
        "card_seconds": last,
        "has_product_image": brief.has_image,
    }
    exact = replace(brief, scenes=len(seconds), duration=round(planned.duration, 3), aspect_ratio=planned.aspect_ratio)
    return Exchange(
        "script",
        answer=ScriptAnswer,
        schema=schema(ScriptAnswer),
        facts=facts(target, advice) | asked,
        data={
            "product_name": brief.product_name,
            "style": brief.style,
            "call_to_action": brief.cta_text,
            "about": brief.about,
        },
        finish=partial(_script, brief=exact, target=target, planned=planned),
        context={"scenes": len(seconds)},
        folder=folder,
    )


def _script(answer: ScriptAnswer, *, brief: Brief, target: Target, planned: Script) -> Script:
    *seconds, last = (scene.duration for scene in planned.scenes)
    clips = tuple(_clip(scene, length) for scene, length in zip(answer.scenes, seconds, strict=True))
    script = compose(brief, target, Outline(clips=clips, card=Card(duration=last), aspect_ratio=planned.aspect_ratio))
    told = (notice for notice in planned.notices if notice.field == "aspect_ratio")
    return replace(script, notices=tuple(dict.fromkeys((*told, *script.notices))))


def _clip(scene: SceneAnswer, seconds: float) -> Clip:
    return Clip(
        video_prompt_template=scene.video_prompt_template.strip(),
        use_product_image=scene.use_product_image,
        duration=seconds,
        narration=(scene.narration.strip(),),
        text=scene.text.strip(),
    )
