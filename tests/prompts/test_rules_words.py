"""What is read by its words: style, quality, motion, sound, camera, mood."""

from typing import Any

import pytest

from core.spec import Motion, Quality
from prompts.rules import BUILT_IN, read

READ: tuple[tuple[str, str, Any], ...] = (
    ("a luxury watch ad", "style", "luxury"),
    ("a watch, elegant style", "style", "luxury"),
    ("a bold, high-contrast ad", "style", "bold"),
    ("an energetic sneaker spot", "style", "energetic"),
    ("a vase, clean and simple", "style", "minimal"),
    ("A vase. Style: minimal", "style", "minimal"),
    ("a pup, high-energy", "style", "energetic"),
    ("make it bold: a pup", "style", "bold"),
    ("a bold man in an energetic crowd", "style", None),
    ("bold letters on a wall", "style", None),
    ("a premium coffee bean bag", "style", None),
    ("a vase, not minimal", "style", None),
    ("a cat, 4k", "quality", Quality.PREMIUM),
    ("a cat, highest quality", "quality", Quality.PREMIUM),
    ("a cat, premium quality", "quality", Quality.PREMIUM),
    ("a cat, 1080p", "quality", Quality.HIGH),
    ("a cat, 720p", "quality", Quality.STANDARD),
    ("quick draft of a cat", "quality", Quality.DRAFT),
    ("Quality: high\na cat", "quality", Quality.HIGH),
    ("a 4K monitor", "quality", None),
    ("high quality leather shoes", "quality", None),
    ("slow motion of a cat", "motion", Motion.LOW),
    ("a cat, slow-mo", "motion", Motion.LOW),
    ("a cat, calm", "motion", Motion.LOW),
    ("a cat. Keep it still.", "motion", Motion.LOW),
    ("a cat, fast-paced", "motion", Motion.HIGH),
    ("Pace: medium. A cat", "motion", Motion.MEDIUM),
    ("a still life with pears", "motion", None),
    ("a cat, not too fast", "motion", None),
    ("a fast car", "motion", None),
    ("a cat, no sound", "audio", False),
    ("a silent clip of a cat", "audio", False),
    ("a cat. Sound: off", "audio", False),
    ("a cat with some upbeat music", "audio", True),
    ("a cat, ambient sound", "audio", True),
    ("a cat, soft music", "audio", True),
    ("a cat. Music: piano", "audio", True),
    ("a band plays music", "audio", None),
    ("a silent forest", "audio", None),
    ("sound waves over a city", "audio", None),
    ("a cat, no music", "audio", None),
    ("slow dolly in on a cat", "camera", ("slow dolly in",)),
    ("drone shot over a bay", "camera", ("drone shot",)),
    ("handheld, a cat", "camera", ("handheld",)),
    ("the camera pans left past a cat", "camera", ("camera pans left",)),
    ("a cat, extreme close-up, then a wide shot", "camera", ("extreme close-up", "wide shot")),
    ("the camera remains still, a cat runs", "camera", ("camera remains still",)),
    ("an egg in a pan", "camera", ()),
    ("Dolly sings", "camera", ()),
    ("a crane on a roof", "camera", ()),
    ("a cat, dreamy mood", "mood", "dreamy"),
    ("a cat, tense and mysterious atmosphere", "mood", "tense, mysterious"),
    ("Mood: calm\na cat", "mood", "calm"),
    ("a happy dog", "mood", ""),
    ("the tense knot of a rope", "mood", ""),
)


@pytest.mark.parametrize(("text", "field", "value"), READ)
def test_words_are_read_where_they_are_said_of_the_video(text: str, field: str, value: Any) -> None:
    assert getattr(read(text), field) == value


@pytest.mark.parametrize("text", [text for text, field, _ in READ if field in ("camera", "mood", "style", "motion")])
def test_camera_mood_style_and_motion_stay_in_the_prompt(text: str) -> None:
    draft = read(text)
    for reading in draft.readings:
        if reading.field in ("camera", "mood"):
            assert all(words.text in draft.prompt for words in reading.words)


def test_a_style_that_does_not_exist_is_not_read() -> None:
    assert read("a luxury watch ad", styles=()).style is None
    assert read("a watch, noir city look", styles={"noir-city"}).style == "noir-city"
    assert read("a noir city at night", styles={*BUILT_IN, "noir-city"}).style is None


def test_two_named_styles_contradict_each_other_and_two_synonyms_do_not() -> None:
    named = read("Luxury style. Minimal style. A car")
    assert (named.style, [notice.code for notice in named.notices]) == ("minimal", ["CONTRADICTION"])
    assert read("an understated, elegant ad").notices == ()


def test_music_and_silence_contradict_each_other() -> None:
    draft = read("a cat, with music but silent")
    assert [(notice.code, notice.field) for notice in draft.notices] == [("CONTRADICTION", "parameters.audio")]
