"""Who writes prompts by the settings, what it is told, and how the operator hears of it."""

from decimal import Decimal
from pathlib import Path

import pytest

from server import llm, settings
from server.settings import SettingsError
from server.vendors import MOCK_SECRET

PLANTED = "sk-planted-7c1e"
ELSEWHERE = {"FILMGATE_LLM_BASE_URL": "https://llm.example/v1", "FILMGATE_LLM_MODEL": "large"}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "fixed rules: neither FILMGATE_LLM_API_KEY nor FILMGATE_LLM_BASE_URL is set"),
        ({"FILMGATE_LLM": "rules", "OPENAI_API_KEY": PLANTED}, "fixed rules: FILMGATE_LLM=rules"),
        ({"FILMGATE_MOCK": "always", "OPENAI_API_KEY": PLANTED}, "OPENAI_API_KEY is not taken: FILMGATE_MOCK=always"),
        (
            {"OPENAI_BASE_URL": "https://gateway.example/v1", "OPENAI_API_KEY": PLANTED},
            "OPENAI_API_KEY is not taken: OPENAI_BASE_URL",
        ),
    ],
)
def test_the_rules_write_and_it_is_said_why(variables: dict[str, str], told: str) -> None:
    writer = llm.writer(settings.load(variables))
    assert writer.llm is None
    assert told in writer.why


def test_a_language_model_is_asked_as_the_settings_say() -> None:
    given = {"FILMGATE_LLM_API_KEY": PLANTED, "FILMGATE_LLM_TEMPERATURE": "0.3", "FILMGATE_LLM_TIMEOUT": "20"}
    given |= {"FILMGATE_LLM_INPUT_PRICE": "0.25", "FILMGATE_LLM_OUTPUT_PRICE": "2.00", "FILMGATE_LLM_JSON_SCHEMA": "no"}
    given |= {"FILMGATE_LLM_CALLS": "3"}
    writer = llm.writer(settings.load(ELSEWHERE | given))
    found = writer.llm
    assert found is not None
    assert (found.base_url, found.model, found.api_key) == ("https://llm.example/v1", "large", PLANTED)
    assert (found.temperature, found.timeout, found.max_output_tokens, found.calls) == (0.3, 20.0, 4000, 3)
    assert (found.input_price, found.output_price) == (Decimal("0.25"), Decimal("2.00"))
    assert (found.json_schema, found.mock, found.limit_name) == (False, False, "max_tokens")
    assert writer.why == "large at https://llm.example/v1"
    assert PLANTED not in repr(writer)


def test_openais_own_limit_has_openais_name_and_no_price_is_said() -> None:
    writer = llm.writer(settings.load({"OPENAI_API_KEY": PLANTED}))
    assert writer.llm is not None
    assert (writer.llm.limit_name, writer.llm.temperature) == ("max_completion_tokens", None)
    assert "no price is set" in writer.why
    other = llm.writer(settings.load({"OPENAI_API_KEY": PLANTED, "FILMGATE_LLM_LIMIT_NAME": "max_tokens"})).llm
    assert other is not None
    assert other.limit_name == "max_tokens"


def test_a_key_never_goes_to_an_emulator() -> None:
    chosen = settings.load(ELSEWHERE | {"FILMGATE_LLM": "mock", "FILMGATE_LLM_API_KEY": PLANTED})
    assert llm.needs_emulator(chosen)
    found = llm.writer(chosen, "http://127.0.0.1:9").llm
    assert found is not None
    assert (found.base_url, found.api_key, found.mock) == ("http://127.0.0.1:9/llm/v1", MOCK_SECRET, True)
    assert (found.input_price, found.output_price) == (Decimal(1), Decimal(4))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "the folder has none of"),
        ({"quantify.md": b"\xff\xfe"}, "a file cannot be read (UnicodeDecodeError)"),
        ({"quantify.md": b" \n"}, "is empty"),
    ],
)
def test_templates_that_cannot_be_used_are_refused(tmp_path: Path, files: dict[str, bytes], told: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    chosen = settings.load(ELSEWHERE | {"FILMGATE_LLM_TEMPLATES": str(tmp_path)})
    with pytest.raises(SettingsError, match=r"FILMGATE_LLM_TEMPLATES: ") as caught:
        llm.writer(chosen)
    assert told in str(caught.value)


def test_templates_of_the_operator_are_taken(tmp_path: Path) -> None:
    (tmp_path / "enhance.md").write_text("Write like a poet.")
    assert llm.writer(settings.load(ELSEWHERE | {"FILMGATE_LLM_TEMPLATES": str(tmp_path)})).llm is not None
