"""Lengths: what is one, what only looks like one, and which of two is taken."""

import pytest

from prompts.rules import read

READ = {
    "a cat, ten seconds": 10,
    "a cat, 10s": 10,
    "a cat, 10 sec": 10,
    "a cat, 10secs": 10,
    "a cat, 10-sec": 10,
    "a 10-second clip of a cat": 10,
    "a 10\u2011second clip of a cat": 10,
    "a two-second bumper": 2,
    "a cat, 0:30": 30,
    "a cat, 00:08": 8,
    "a cat, half a minute": 30,
    "a half-minute ad": 30,
    "a cat, a quarter of a minute": 15,
    "a cat, a minute and a half": 90,
    "a cat, one and a half minutes": 90,
    "a cat, 1.5 min": 90,
    "a cat, 1,5 minutes": 90,
    "a cat, two and a half seconds": 2.5,
    "a cat, twenty-five seconds": 25,
    "1m30s of a cat": 90,
    "a cat, 1 minute 30 seconds": 90,
    "a cat, 1 min and 10 sec": 70,
    "a one-minute video of a cat": 60,
    "a 1:30 long video of a cat": 90,
    "six seconds of a cat": 6,
    "a cat for 45 secs": 45,
    "a cat, about 7 seconds": 7,
    "a cat, at most 9 seconds": 9,
    "a cat, under 15 seconds": 15,
    "a cat, no more than 10 seconds": 10,
    "A cat. Length: 8": 8,
    "A cat. Duration: 12s": 12,
    "the video should be 10 seconds long and show a cat": 10,
    "0-3s: a cat\n3-6s: a dog\n6-9s: both": 9,
    "[0:00-0:04] a cat [0:04-0:08] a dog": 8,
    "eine Katze, 10 Sekunden": 10,
    "un gato, 15 segundos": 15,
    "un chat, 8 secondes": 8,
    "кошка, 12 секунд": 12,
    "猫、10秒": 10,
}

NOT_READ = (
    "24 hours in Tokyo",
    "a gym ad set in the 80s",
    "a waitress in her 20s",
    "a 60s diner",
    "100s of balloons",
    "the ten second rule",
    "the 5-second-rule",
    "shot at 60 fps",
    "an iPhone 5s on a table",
    "wait a second",
    "a second later it explodes",
    "the second door opens",
    "ten second graders",
    "from 0 to 100 in 3 seconds",
    "the first 3 seconds show a face",
    "it falls 10 s later",
    "a 30-minute curry",
    "a 5-minute walk from the beach",
    "the train leaves at 0:30",
    "the clock shows 12:30",
    "a minute of silence",
    "a man counts ten seconds on his watch",
    "a split second",
    "a 12 foot wall, 10 sheep",
    "9999999999 seconds",
)


@pytest.mark.parametrize(("text", "seconds"), READ.items())
def test_a_length_is_read(text: str, seconds: float) -> None:
    draft = read(text)
    assert draft.duration == seconds
    assert [one.field for one in draft.readings].count("duration") == 1


@pytest.mark.parametrize("text", NOT_READ)
def test_another_things_time_stays_in_the_prompt(text: str) -> None:
    draft = read(text)
    assert (draft.duration, draft.prompt, draft.notices) == (None, text, ())


@pytest.mark.parametrize("text", ["5-7 seconds of a cat", "a cat, between 5 and 7 seconds", "a cat, 5s - 7s"])
def test_the_end_of_a_range_is_taken_and_said(text: str) -> None:
    draft = read(text)
    (notice,) = draft.notices
    assert (draft.duration, notice.code, notice.before, notice.after) == (7, "RANGE", "5 s to 7 s", "7 s")
    assert draft.readings[0].confidence < read("a cat, 7 s").readings[0].confidence


def test_of_two_lengths_the_last_is_taken_with_less_confidence() -> None:
    draft = read("A 15 second ad for a toothbrush. Actually make it 8 seconds.")
    (notice,) = draft.notices
    assert (notice.code, notice.field) == ("CONTRADICTION", "parameters.duration")
    assert (notice.before, notice.after, draft.duration) == ("15 s", "8 s", 8)
    assert draft.readings[0].confidence <= 0.5
    assert [words.text for words in draft.readings[0].words] == ["8 seconds"]


def test_the_same_length_twice_is_no_contradiction() -> None:
    draft = read("a 10 second clip of a cat, 10s")
    assert (draft.duration, draft.notices) == (10, ())
    assert [words.text for words in draft.readings[0].words] == ["10 second", "10s"]


@pytest.mark.parametrize("text", ["a 10 minute documentary about bees", "a clip of 500 seconds", "0 seconds of a cat"])
def test_a_length_that_no_video_has_is_said_and_not_read(text: str) -> None:
    draft = read(text)
    assert (draft.duration, draft.prompt) == (None, text)
    assert [notice.code for notice in draft.notices] == ["OUT_OF_RANGE"]


BACK = (
    ", no wait ",
    " no wait ",
    ", no, wait, ",
    ". Wait, no, ",
    ", I mean ",
    ". Scratch that! ",
    " or rather ",
    ", no, ",
    ", sorry, ",
    " (no wait, ",
    " - hmm, ",
)


@pytest.mark.parametrize("back", BACK)
def test_what_is_taken_back_is_said_and_leaves_the_prompt(back: str) -> None:
    draft = read(f"a cat, ten seconds{back}8 s")
    assert (draft.duration, draft.negative_prompt, draft.prompt.rstrip(".")) == (8, "", "a cat")
    (notice,) = draft.notices
    assert (notice.code, notice.before, notice.after) == ("CONTRADICTION", "10 s", "8 s")
    draft = read(f"a cat, vertical{back}square")
    assert (draft.aspect_ratio, draft.prompt.rstrip(".")) == ("1:1", "a cat")


@pytest.mark.parametrize("text", ["a queue, no wait", "what I mean is a cat", "no, no, no", "they wait 30 seconds"])
def test_words_that_take_nothing_back_stay(text: str) -> None:
    draft = read(text)
    assert (draft.duration, draft.negative_prompt, draft.prompt) == (None, "", text)
