"""Exchanges with a language model: what it is asked, how its answer is read, and that it is asked twice at most."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidRequest
from core.spec import Motion, Quality
from emulators.vendors.llm_checks import violation
from prompts.llm import Llm, LlmSettings
from prompts.tasks import Exchange, Failed, enhance, quantify, regenerate, templates, write_script
from prompts.tasks.frames import user
from prompts.words import (
    FIELDS,
    Ask,
    Brief,
    Change,
    Draft,
    Fate,
    Reading,
    Rewritten,
    Said,
    SceneType,
    Script,
    Target,
    Words,
)

TARGET = Target(
    model="vendor/model-1",
    family="model",
    vendor="vendor",
    prompt_limit=300,
    durations=(5.0, 10.0),
    aspect_ratios=("16:9", "9:16"),
    negative_prompt=True,
)
STYLES = ("luxury", "bold")
TEXT = "A bold red bicycle, ten\n  Seconds, 9:16, no people"
GOOD: dict[str, Any] = {
    "prompt": "A red bicycle leans against a wall.",
    "negative_prompt": "people",
    "duration_seconds": 10,
    "aspect_ratio": "9:16",
    "style": "bold",
    "quality": "HIGH",
    "motion": "LOW",
    "audio": False,
    "camera": ["slow dolly in"],
    "mood": "calm",
    "readings": [
        {"field": "duration", "words": "ten seconds", "confidence": 0.9},
        {"field": "aspect_ratio", "words": "9:16", "confidence": 1},
        {"field": "style", "words": "gaudy", "confidence": 0.95},
        {"field": "negative_prompt", "words": "no people", "confidence": 0.8},
    ],
}
SCRIPT: dict[str, Any] = {
    "scenes": [
        {
            "video_prompt_template": f"{{product_name}} in {{style}} light, shot {number}",
            "use_product_image": True,
            "narration": "Hello there.",
            "text": "",
        }
        for number in range(3)
    ]
}
BRIEF = Brief(product_name="Glow {style}", style="luxury", cta_text="Buy it", about="A cream.")
Result = TypeVar("Result")


def said(answer: object, **more: Any) -> Said:
    """An answer as it comes out of the door."""
    return Said(fate=Fate.ANSWERED, text=answer if isinstance(answer, str) else json.dumps(answer), **more)


def read(exchange: Exchange[Result], answer: object) -> Result:
    """The result of a good answer."""
    result = exchange.read(said(answer))
    assert not isinstance(result, Ask | Failed), result
    return result


def data(ask: Ask) -> dict[str, Any]:
    """What the last message holds."""
    shown: dict[str, Any] = json.loads(ask.messages[-1].content)
    return shown


def strings(value: object) -> list[object]:
    """Everything in a JSON value that holds nothing else."""
    if isinstance(value, dict | list):
        return [leaf for each in (value.values() if isinstance(value, dict) else value) for leaf in strings(each)]
    return [value]


def exchanges(text: str) -> list[Exchange[Any]]:
    """One of each, all about this text."""
    brief = replace(BRIEF, product_name=text, about=text)
    return [
        quantify(text, TARGET, STYLES),
        regenerate(Draft(prompt=text), text, TARGET, STYLES),
        enhance(text, TARGET),
        write_script(brief, TARGET),
    ]


def test_a_text_that_was_read() -> None:
    draft = read(quantify(TEXT, TARGET, STYLES), GOOD)
    assert draft == Draft(
        prompt="A red bicycle leans against a wall.",
        negative_prompt="people",
        duration=10.0,
        aspect_ratio="9:16",
        style="bold",
        quality=Quality.HIGH,
        motion=Motion.LOW,
        audio=False,
        camera=("slow dolly in",),
        mood="calm",
        readings=draft.readings,
    )
    assert [reading.field for reading in draft.readings] == list(FIELDS), "one for each field that is set"
    shown = {reading.field: reading for reading in draft.readings}
    assert shown["duration"] == Reading(
        field="duration",
        value="10 s",
        confidence=0.9,
        words=(Words(start=20, end=33, text="ten\n  Seconds"),),
    )
    assert shown["style"] == Reading(field="style", value="bold", confidence=0.4), "the words are not in the text"
    assert shown["motion"] == Reading(field="motion", value="LOW", confidence=0.4), "it said nothing of it"


def test_what_is_not_said_is_not_read() -> None:
    empty = GOOD | dict.fromkeys(("duration_seconds", "aspect_ratio", "style", "quality", "motion", "audio"))
    draft = read(quantify("x", TARGET, ()), empty | {"negative_prompt": "", "camera": [], "mood": " "})
    assert draft == Draft(prompt="A red bicycle leans against a wall.")


def test_feedback_changes_what_really_is_different() -> None:
    kept = Reading(field="aspect_ratio", value="9:16", confidence=1.0, words=(Words(start=0, end=4, text="9:16"),))
    previous = Draft(prompt="A red bicycle leans against a white wall.", aspect_ratio="9:16", readings=(kept,))
    why = [{"field": "prompt", "why": "warmer"}, {"field": "mood", "why": " "}, {"field": "quality", "why": "no"}]
    answer = GOOD | {"prompt": "A red bicycle leans against a golden wall.", "quality": None, "changes": why}
    rewritten = read(regenerate(previous, "warmer light", TARGET, STYLES), answer)
    assert isinstance(rewritten, Rewritten)
    changes = {change.field: change for change in rewritten.changes}
    assert changes["prompt"] == Change(field="prompt", before="white", after="golden", why="warmer")
    assert changes["mood"].why == "The feedback asks for it."
    assert set(changes) == {"prompt", *FIELDS} - {"aspect_ratio", "quality"}
    readings = {reading.field: reading for reading in rewritten.draft.readings}
    assert readings["aspect_ratio"] is kept
    assert readings["duration"] == Reading(field="duration", value="10 s", confidence=0.9)


def test_a_style_of_the_previous_prompt_may_stay() -> None:
    exchange = regenerate(Draft(prompt="x", style="own"), "brighter", TARGET, STYLES)
    assert read(exchange, GOOD | {"style": "own", "changes": []}).draft.style == "own"


def test_better_words_cost_nothing() -> None:
    answer = {"prompt": " A better bicycle. ", "negative_prompt": "people", "duration_seconds": 8}
    draft = read(enhance(TEXT, TARGET), answer)
    assert draft == Draft(prompt="A better bicycle.", negative_prompt="people", duration=8.0)


@pytest.mark.parametrize("seconds", [None, 13.337, 18.0, 30.25])
def test_a_script_is_as_long_as_asked_and_fits(seconds: float | None) -> None:
    target = replace(TARGET, prompt_limit=25)
    script = read(write_script(replace(BRIEF, duration=seconds, scenes=3), target), SCRIPT)
    assert isinstance(script, Script)
    assert round(script.duration * 1000) == round((seconds or 18.0) * 1000)
    *clips, card = script.scenes
    assert [scene.type for scene in clips] == [SceneType.VIDEO] * 3
    assert (card.type, card.text, card.video_prompt) == (SceneType.CARD, "Buy it", "")
    assert all(0 < len(scene.video_prompt) <= 25 and scene.duration <= 10 for scene in clips)
    assert len({scene.id for scene in script.scenes}) == 4
    assert not any(scene.use_product_image for scene in clips), "there is none"


def test_a_name_is_never_read_as_a_template() -> None:
    script = read(write_script(BRIEF, TARGET), SCRIPT)
    assert script.scenes[0].video_prompt == "Glow {style} in luxury light, shot 0"
    assert script.scenes[0].video_prompt_template == "{product_name} in {style} light, shot 0"


def test_as_many_scenes_as_asked() -> None:
    exchange = write_script(replace(BRIEF, scenes=2), TARGET)
    again = exchange.read(said(SCRIPT))
    assert isinstance(again, Ask)
    assert "must be exactly 2 scenes, not 3" in data(again)["complaint"]
    assert len(read(exchange, {"scenes": SCRIPT["scenes"][:2]}).scenes) == 3


def test_a_script_that_nobody_can_make_is_refused_before_it_is_asked_for() -> None:
    with pytest.raises(InvalidRequest):
        write_script(replace(BRIEF, scenes=1, duration=300.0), TARGET)


BAD: list[tuple[object, str]] = [
    ("", ""),
    ("I am sorry, but {no}", ""),
    ('{"prompt": "x"', ""),
    ([GOOD], "extra"),
    (GOOD | {"price": 1}, "price: Extra inputs are not permitted"),
    ({name: value for name, value in GOOD.items() if name != "mood"}, "mood: Field required"),
    (GOOD | {"prompt": ""}, "prompt: "),
    (GOOD | {"prompt": " \n"}, "prompt: "),
    (GOOD | {"prompt": "x" * 8001}, "prompt: "),
    (GOOD | {"duration_seconds": 0}, "duration_seconds: "),
    (GOOD | {"duration_seconds": 1e9}, "duration_seconds: "),
    (GOOD | {"duration_seconds": "10"}, "duration_seconds: "),
    (GOOD | {"duration_seconds": float("nan")}, "duration_seconds: "),
    (GOOD | {"duration_seconds": True}, "duration_seconds: "),
    (GOOD | {"aspect_ratio": "wide"}, "aspect_ratio: "),
    (GOOD | {"aspect_ratio": "0:9"}, "aspect_ratio: "),
    (GOOD | {"style": "gaudy"}, "style: Value error, must be null or one of bold, luxury"),
    (GOOD | {"quality": "high"}, "quality: "),
    (GOOD | {"audio": "no"}, "audio: "),
    (GOOD | {"camera": "dolly"}, "camera: "),
    (GOOD | {"camera": ["x"] * 11}, "camera: "),
    (GOOD | {"readings": [{"field": "price", "words": "", "confidence": 1}]}, "readings.0.field: "),
    (GOOD | {"readings": [{"field": "mood", "words": "", "confidence": 2}]}, "readings.0.confidence: "),
]


@pytest.mark.parametrize(("answer", "complaint"), BAD)
def test_a_bad_answer_is_mended_once(answer: object, complaint: str) -> None:
    exchange = quantify(TEXT, TARGET, STYLES)
    again = exchange.read(said(answer))
    if isinstance(answer, list):
        assert isinstance(again, Draft), "brackets around the object do no harm"
        return
    assert isinstance(again, Ask)
    told = data(again)
    assert (told["text"], complaint in told["complaint"]) == (TEXT, True)
    assert said(answer).text.startswith(told["rejected_answer"])
    assert (again.messages[0], again.schema) == (exchange.first.messages[0], exchange.first.schema)
    last = exchange.read(said(answer))
    assert isinstance(last, Failed)
    assert last.notice.code == "LLM_UNREADABLE"


def test_what_was_mended_is_taken() -> None:
    exchange = quantify(TEXT, TARGET, STYLES)
    assert isinstance(exchange.read(said("{", cut_off=True)), Ask)
    assert read(exchange, GOOD).duration == 10.0


def test_an_answer_that_was_cut_off_is_asked_for_in_fewer_words() -> None:
    again = quantify(TEXT, TARGET, STYLES).read(said(json.dumps(GOOD)[:-9], cut_off=True))
    assert isinstance(again, Ask)
    assert "fewer words" in data(again)["complaint"]


def test_fences_and_chatter_around_the_object_cost_no_second_call() -> None:
    assert read(quantify(TEXT, TARGET, STYLES), f"Sure!\n```json\n{json.dumps(GOOD)}\n```\n").style == "bold"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Said(fate=Fate.REFUSED, detail="HTTP 429"), "LLM_UNAVAILABLE"),
        (Said(fate=Fate.UNKNOWN, detail="HTTP 500"), "LLM_UNAVAILABLE"),
        (Said(fate=Fate.UNKNOWN, timed_out=True), "LLM_TIMED_OUT"),
        (said(GOOD, declined="No."), "LLM_REFUSED"),
        (said("", declined="(filtered)"), "LLM_REFUSED"),
        (said("", detail="the answer holds the API key"), "LLM_UNREADABLE"),
    ],
)
def test_where_nothing_can_be_mended_nothing_is_asked_again(answer: Said, code: str) -> None:
    for exchange in exchanges(TEXT):
        failed = exchange.read(answer)
        assert isinstance(failed, Failed)
        assert failed.notice.code == code
        assert answer.detail not in failed.notice.message or not answer.detail


def test_an_answer_that_tells_the_instructions_is_of_no_use() -> None:
    for exchange in exchanges(TEXT):
        instructions = exchange.first.messages[0].content
        for leak in (instructions, " ".join(instructions.upper().split()), f"…{instructions[300:700]}…"):
            for answer in (GOOD | {"prompt": leak}, leak):
                failed = exchange.read(said(answer))
                assert isinstance(failed, Failed)
                assert failed.notice.code == "LLM_UNREADABLE"


TEXTS = st.text(max_size=400) | st.text(alphabet='"{}[]\\:,\n\x00 user', max_size=60) | st.just(json.dumps(GOOD))


@settings(max_examples=60)
@given(TEXTS)
def test_no_text_gets_out_of_its_frame(text: str) -> None:
    framed = user({"text": text, "more": "x"}).content
    assert json.loads(framed) == {"text": text, "more": "x"}


@settings(max_examples=20)
@given(TEXTS)
def test_no_text_changes_anything_but_the_data(text: str) -> None:
    for exchange, plain in zip(exchanges(text), exchanges("plain"), strict=True):
        assert [message.role for message in exchange.first.messages] == ["system", "user"]
        assert exchange.first.messages[0] == plain.first.messages[0]
        assert exchange.first.schema == plain.first.schema
        assert data(exchange.first).keys() == data(plain.first).keys()
        assert text in strings(data(exchange.first))


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\udc00\ud800"])
def test_halves_of_characters_do_not_break_the_wire(text: str) -> None:
    framed = user({"text": text}).content
    assert json.loads(framed.encode()) == {"text": text}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GOOD, "scenes", "changes"]) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=10,
)
NEARLY = st.builds(
    lambda name, value: GOOD | SCRIPT | {"changes": []} | {name: value}, st.sampled_from([*GOOD, "scenes"]), JSON
)


@settings(max_examples=60)
@given(JSON | NEARLY, st.integers(0, 3))
def test_no_answer_at_all_is_too_odd_to_be_read(answer: object, task: int) -> None:
    exchange = exchanges("a bold cat")[task]
    first = exchange.read(said(answer))
    if isinstance(first, Ask):
        assert not isinstance(exchange.read(said(answer)), Ask)


@settings(max_examples=40)
@given(st.text(max_size=300))
def test_no_text_at_all_is_too_odd_to_be_read(answer: str) -> None:
    exchange = quantify("x", TARGET, STYLES)
    assert isinstance(exchange.read(said(answer)), Ask)
    assert isinstance(exchange.read(said(answer)), Failed)


@settings(max_examples=50)
@given(st.text(max_size=40), st.text(max_size=20), st.floats(0, 1))
def test_words_that_were_found_are_the_texts_own(text: str, words: str, confidence: float) -> None:
    reading = {"field": "mood", "words": words, "confidence": confidence}
    draft = read(quantify(text, TARGET, STYLES), GOOD | {"readings": [reading]})
    mood = next(reading for reading in draft.readings if reading.field == "mood")
    for found in mood.words:
        assert text[found.start : found.end] == found.text != ""
    assert mood.words or mood.confidence < 0.5


def test_what_cannot_be_seen_or_stored_is_taken_out() -> None:
    draft = read(quantify("x", TARGET, STYLES), GOOD | {"prompt": "a\x00\x1b[31m\u202ecat", "mood": "\ud800"})
    assert (draft.prompt, draft.mood) == ("a\ufffd [31m cat", "\ufffd")
    assert isinstance(quantify("x", TARGET, STYLES).read(said(GOOD | {"prompt": "\x01"})), Ask)


def test_the_hold_covers_whatever_is_asked_again() -> None:
    llm = Llm(LlmSettings(base_url="http://127.0.0.1:1", model="m"))
    for exchange in exchanges(TEXT):
        first, dearest = exchange.dearest
        assert first is exchange.first
        for answer in ('{"' * 6000, "\x00" * 9000, "🐈" * 5000, '{"' + '\\"' * 9000 + '": 1}'):
            fresh = next(each for each in exchanges(TEXT) if each.first == first)
            again = fresh.read(said(answer))
            assert isinstance(again, Ask)
            assert llm.worst_case(again)[0] <= llm.worst_case(dearest)[0]


def test_every_schema_is_one_that_strict_mode_takes() -> None:
    llm = Llm(LlmSettings(base_url="http://127.0.0.1:1", model="m"))
    for styles in (STYLES, ()):
        for exchange in (*exchanges(TEXT), quantify(TEXT, TARGET, styles)):
            ask = exchange.first
            form = {"name": ask.schema_name, "schema": ask.schema, "strict": True}
            body = {
                "model": "m",
                "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
                "response_format": {"type": "json_schema", "json_schema": form},
            }
            assert violation(body) == ""
            assert len(json.dumps(ask.schema)) < 4000
    assert llm.settings.json_schema


def test_the_model_is_told_what_it_writes_for() -> None:
    system = quantify(TEXT, TARGET, STYLES, advice="Say the shot first.").first.messages[0].content
    facts = json.loads(system.rpartition("\n")[2])
    assert facts == {
        "video_model": "vendor/model-1",
        "prompt_limit_characters": 300,
        "durations_seconds": [5.0, 10.0],
        "aspect_ratios": ["16:9", "9:16"],
        "takes_negative_prompt": True,
        "starts_from_an_image": False,
        "advice": "Say the shot first.",
        "styles": ["bold", "luxury"],
    }


def test_an_operator_may_replace_a_template(tmp_path: Path) -> None:
    (tmp_path / "enhance.md").write_text("Shout.", encoding="utf-8")
    first = enhance(TEXT, TARGET, folder=tmp_path).first.messages[0].content
    assert first.startswith("Shout.\n\n# Data and instructions")
    assert templates(tmp_path)["quantify"] == templates()["quantify"]


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"x" * 70_000])
def test_a_template_of_no_use_is_refused_at_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.md").write_bytes(content)
    with pytest.raises(ValueError, match=r"data\.md|utf-8"):
        templates(tmp_path)
