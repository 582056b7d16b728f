"""Shapes: in figures, by name and by platform; and what only looks like one."""

import pytest

from prompts.rules import read

READ = {
    "a cat, 9:16": "9:16",
    "a cat, 16x9": "16:9",
    "a cat, 16/9": "16:9",
    "a cat, 16 : 9": "16:9",
    "a cat, 16 by 9": "16:9",
    "a cat, 21:9": "21:9",
    "a cat, 2.39:1": "21:9",
    "a cat, 1.85:1": "37:20",
    "a cat, 1920x1080": "16:9",
    "a cat, 1080 x 1920": "9:16",
    "a cat, 3840\u00d72160": "16:9",
    "a cat, 1080x1350": "4:5",
    "a cat, 1366x768": "16:9",
    "a cat, aspect ratio 7:5": "7:5",
    "a cat --ar 3:2": "3:2",
    "a vertical video of a cat": "9:16",
    "a cat, portrait mode": "9:16",
    "a cat, verticle": "9:16",
    "a cat for TikTok": "9:16",
    "a cat for Reels": "9:16",
    "a cat for YouTube Shorts": "9:16",
    "an Instagram story with a cat": "9:16",
    "a 15 second tiktok of a cat": "9:16",
    "a cat #tiktok #fyp": "9:16",
    "a cat for YouTube": "16:9",
    "a cat, widescreen": "16:9",
    "a cat, landscape format": "16:9",
    "a cat, cinemascope": "21:9",
    "a cat, square": "1:1",
    "a cat, 4:5 Instagram feed": "4:5",
    "Format: 4:3\nA cat": "4:3",
    "make it vertical: a cat": "9:16",
    "eine Katze, Hochformat": "9:16",
    "猫、9:16": "9:16",
}

NOT_READ = (
    "the train leaves at 16:30 o'clock",
    "the clock reads 9:16",
    "it rains at 9:16 pm",
    "a 2:1 victory",
    "John 3:16 on the door",
    "a 4x4 truck",
    "a 3x3 grid of photos",
    "mix flour and water 1:2",
    "open 24/7",
    "a vertical farm in Singapore",
    "a climber on a vertical cliff",
    "a portrait of a woman",
    "a landscape of lights",
    "Times Square at night",
    "a square-jawed man at a square table",
    "a man in shorts",
    "he tells a story",
    "a girl films a TikTok in her room",
    "10:16:09",
)


@pytest.mark.parametrize(("text", "ratio"), READ.items())
def test_a_ratio_is_read(text: str, ratio: str) -> None:
    draft = read(text)
    assert (draft.aspect_ratio, draft.notices) == (ratio, ())


@pytest.mark.parametrize("text", NOT_READ)
def test_another_things_shape_stays_in_the_prompt(text: str) -> None:
    draft = read(text)
    assert (draft.aspect_ratio, draft.prompt) == (None, text)


@pytest.mark.parametrize("text", ["a cat, vertical 4:5", "a cat, widescreen 2.39:1", "a cat, vertical, for TikTok"])
def test_an_orientation_agrees_with_every_ratio_of_its_own(text: str) -> None:
    assert read(text).notices == ()


@pytest.mark.parametrize(
    ("text", "ratio", "other"),
    [
        ("a vertical video of a cat, 16:9", "16:9", "9:16"),
        ("9:16 or 16:9, a cat", "16:9", "9:16"),
        ("9:16, a cat for YouTube", "9:16", "16:9"),
        ("landscape or square, a cat", "1:1", "16:9"),
    ],
)
def test_of_two_ratios_the_more_explicit_is_taken_and_said(text: str, ratio: str, other: str) -> None:
    draft = read(text)
    (notice,) = draft.notices
    assert (notice.code, notice.field) == ("CONTRADICTION", "parameters.aspect_ratio")
    assert (draft.aspect_ratio, notice.before, notice.after) == (ratio, other, ratio)


def test_a_hashtag_is_a_guess() -> None:
    assert read("a cat #tiktok").readings[0].confidence < 0.5
    assert read("a cat, 16:9 #tiktok").aspect_ratio == "16:9"
