"""What two drafts differ in, told briefly."""

import pytest

from core.spec import Motion, Quality
from prompts.changes import changes, retold, spoken
from prompts.words import FIELDS, Change, Draft


def told(before: str, after: str) -> list[tuple[str, str]]:
    return [(each.before, each.after) for each in changes(Draft(prompt=before), Draft(prompt=after), "")]


def test_nothing_has_changed() -> None:
    draft = Draft(prompt="a cat", duration=5, camera=("close-up",))
    assert changes(draft, draft, "why") == ()


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ("a red car at night", "a blue car at night", [("red", "blue")]),
        ("a red car", "A red car.", []),
        ("a car", "A car. Warm light.", [("", "Warm light.")]),
        ("a car in the cold rain", "a car", [("in the cold rain", "")]),
        (
            "a red car and a dog on a wet road at night",
            "a blue car and a dog on a dry road at night",
            [("red", "blue"), ("wet", "dry")],
        ),
        ("a red old car", "a blue new car", [("red old", "blue new")]),
        ("a red and old car", "a blue and new car", [("red and old", "blue and new")]),
        ("", "a car", [("", "a car")]),
        ("a\n\ncar", "a car", []),
    ],
)
def test_the_parts_of_a_prompt_that_differ(before: str, after: str, parts: list[tuple[str, str]]) -> None:
    assert told(before, after) == parts


def test_every_field_is_told_in_words() -> None:
    before = Draft(prompt="a cat", audio=False, camera=("close-up",))
    after = Draft(
        prompt="a cat",
        duration=25 / 7,
        aspect_ratio="9:16",
        style="luxury",
        quality=Quality.HIGH,
        motion=Motion.LOW,
        audio=True,
        negative_prompt="people",
        camera=("close-up", "pan left"),
        mood="calm",
    )
    assert [(each.field, each.before, each.after) for each in changes(before, after, "")] == [
        ("duration", "", "3.571 s"),
        ("aspect_ratio", "", "9:16"),
        ("style", "", "luxury"),
        ("quality", "", "HIGH"),
        ("motion", "", "LOW"),
        ("audio", "off", "on"),
        ("negative_prompt", "", "people"),
        ("camera", "close-up", "close-up, pan left"),
        ("mood", "", "calm"),
    ]
    assert len(spoken(after)) == len(FIELDS)


def test_one_reason_for_all_or_one_for_each() -> None:
    before, after = Draft(prompt="a cat", duration=5), Draft(prompt="a dog", duration=10)
    assert {each.why for each in changes(before, after, "so")} == {"so"}
    assert changes(before, after, {"duration": "longer", "": "other"}) == (
        Change(field="prompt", before="cat", after="dog", why="other"),
        Change(field="duration", before="5 s", after="10 s", why="longer"),
    )
    assert {each.why for each in changes(before, after, {})} == {""}


def test_each_part_is_told_for_the_reasons_of_its_words() -> None:
    before, after = Draft(prompt="a cat on a sunny wall", duration=5), Draft(prompt="a dog on a shady wall", duration=8)
    dog = Change(field="prompt", before="cat", after="dog", why="a dog was asked for")
    shade = Change(field="prompt", before="sunny", after="shady", why="darker light")
    again = Change(field="prompt", before="", after="shady", why="the light again")
    assert [(each.before, each.after, each.why) for each in retold(before, after, [dog, shade, again], "fitted")] == [
        ("cat", "dog", "a dog was asked for"),
        ("sunny", "shady", "darker light the light again"),
        ("5 s", "8 s", "fitted"),
    ]


def test_the_longest_texts_are_told_too() -> None:
    assert told("a " * 4000, "b " * 4000)
    assert told("a b c " * 1300, "c b a d " * 1000)
