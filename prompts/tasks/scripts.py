"""Scripts by a language model: its scenes and words; ours are their ids, the exact length and the call to action."""

import re
from functools import partial
from pathlib import Path

from core.outcome import Json
from prompts.tasks.answers import SceneAnswer, ScriptAnswer, schema
from prompts.tasks.exchange import Exchange
from prompts.tasks.frames import facts
from prompts.words import Brief, Scene, SceneType, Script, Target

DEFAULT_SCENES = 3
DEFAULT_CLIP_SECONDS = 5.0
DEFAULT_CARD_SECONDS = 3.0
DEFAULT_ASPECT_RATIO = "9:16"
"""What a brief does not say; a caller that has the style's template fills the brief in from it instead."""
_MOST_UNEQUAL = 10
_SPOKEN_PER_SECOND = 17
"""Characters; about 150 English words in a minute."""
_SENTENCE_END = re.compile(r"(?<=[.!?\u2026\u3002\uff01\uff1f])\s*")
_PLACES = re.compile(r"\{(product_name|style)\}")


def write_script(brief: Brief, target: Target, *, advice: str = "", folder: Path | None = None) -> Exchange[Script]:
    """Tells a product: the asked number of clips and a card with the call to action, together exactly as long as asked.

    The prompts are within the model's limit, the narration can be said in its scene.
    """
    scenes = brief.scenes or DEFAULT_SCENES
    seconds = brief.duration or scenes * DEFAULT_CLIP_SECONDS + DEFAULT_CARD_SECONDS
    asked: dict[str, Json] = {"scenes": scenes, "total_seconds": seconds, "has_product_image": brief.has_image}
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
        finish=partial(_script, brief=brief, target=target, total=round(seconds * 1000)),
        context={"scenes": scenes},
        folder=folder,
    )


def _script(answer: ScriptAnswer, *, brief: Brief, target: Target, total: int) -> Script:
    longest = round(max(target.durations) * 1000) if target.durations else total
    times = shared(total, [scene.duration_seconds for scene in answer.scenes], answer.card_seconds, longest)
    clips = [
        _clip(f"scene-{number}", scene, time, brief, target)
        for number, (scene, time) in enumerate(zip(answer.scenes, times[:-1], strict=True), start=1)
    ]
    card = Scene(id=f"scene-{len(times)}", type=SceneType.CARD, duration=times[-1] / 1000, text=brief.cta_text)
    return Script(scenes=(*clips, card), style=brief.style, aspect_ratio=brief.aspect_ratio or DEFAULT_ASPECT_RATIO)


def _clip(name: str, scene: SceneAnswer, time: int, brief: Brief, target: Target) -> Scene:
    template = scene.video_prompt_template.strip()
    return Scene(
        id=name,
        type=SceneType.VIDEO,
        video_prompt_template=template,
        video_prompt=within(filled(template, brief), target),
        use_product_image=brief.has_image and (scene.use_product_image or target.needs_image),
        duration=time / 1000,
        narration=spoken(scene.narration, time),
        text=scene.text.strip(),
    )


def filled(template: str, brief: Brief) -> str:
    """A template with its places filled in; what they are filled with is not looked through again."""
    return _PLACES.sub(lambda place: str(getattr(brief, place[1])), template)


def within(text: str, target: Target) -> str:
    """The start of a text that the model takes, ended between words where that costs no more than a fifth."""
    if target.length(text) <= target.prompt_limit:
        return text
    cut = text[: target.prompt_limit]
    while target.length(cut) > target.prompt_limit:
        cut = cut[:-1]
    words = cut.rpartition(" ")[0].rstrip(" ,;:-")
    return words if len(words) >= len(cut) * 4 // 5 else cut.rstrip()


def spoken(narration: str, time: int) -> str:
    """The sentences that can be said in so many milliseconds."""
    said = ""
    for sentence in _SENTENCE_END.split(narration.strip()):
        longer = f"{said} {sentence}".strip()
        if len(longer) * 1000 > _SPOKEN_PER_SECOND * time:
            break
        said = longer
    return said


def shared(total: int, weights: list[float], card: float, longest: int) -> list[int]:
    """Milliseconds of each clip and, last, of the card: their sum is `total`, and no clip is longer than `longest`.

    The card gets what it is asked for, but at most a third, and whatever the clips cannot take.
    """
    left = total - min(max(round(card * 1000), 1), total // 3)
    # No scene is but a flash.
    weights = [max(weight, max(weights) / _MOST_UNEQUAL) for weight in weights]
    times = [0] * len(weights)
    open_ones = list(range(len(weights)))
    while open_ones and left > 0:
        whole = sum(weights[each] for each in open_ones)
        parts = {each: int(left * weights[each] / whole) for each in open_ones}
        if not any(parts.values()):
            parts = dict.fromkeys(open_ones[:left], 1)
        for each, part in parts.items():
            given = min(part, longest - times[each])
            times[each] += given
            left -= given
        open_ones = [each for each in open_ones if times[each] < longest]
    return [*times, total - sum(times)]
