"""Which language model the settings mean, where its key may go, and what they refuse."""

import pytest

from server import settings
from server.prompt_settings import OPENAI, llm_address, llm_key
from server.settings import SettingsError

PLANTED = "sk-planted-7c1e"
ELSEWHERE = {"FILMGATE_LLM_BASE_URL": "https://llm.example/v1", "FILMGATE_LLM_MODEL": "large"}


def faults(**variables: str) -> str:
    """Why the settings refuse these variables."""
    with pytest.raises(SettingsError) as caught:
        settings.load(variables)
    assert PLANTED not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("variables", "address", "key"),
    [
        ({}, None, ""),
        ({"OPENAI_API_KEY": PLANTED}, OPENAI, PLANTED),
        ({"OPENAI_API_KEY": f" {PLANTED}, other"}, OPENAI, PLANTED),
        ({"FILMGATE_LLM_API_KEY": PLANTED, "OPENAI_API_KEY": "of-videos"}, OPENAI, PLANTED),
        ({"OPENAI_API_KEY": PLANTED, "FILMGATE_LLM_BASE_URL": f"{OPENAI}/"}, OPENAI, PLANTED),
        (ELSEWHERE, "https://llm.example/v1", ""),
        (ELSEWHERE | {"FILMGATE_LLM_API_KEY": PLANTED}, "https://llm.example/v1", PLANTED),
        (ELSEWHERE | {"FILMGATE_LLM_BASE_URL": "http://10.0.0.7:8000/v1"}, "http://10.0.0.7:8000/v1", ""),
        ({"OPENAI_API_KEY": PLANTED, "FILMGATE_LLM": "rules"}, None, PLANTED),
    ],
)
def test_a_key_or_an_address_brings_a_language_model(variables: dict[str, str], address: str | None, key: str) -> None:
    chosen = settings.load(variables)
    assert (llm_address(chosen), llm_key(chosen)) == (address, key)


@pytest.mark.parametrize(
    "more",
    [
        ELSEWHERE,
        {"OPENAI_BASE_URL": "https://gateway.example/v1"},
        {"FILMGATE_MOCK": "always"},
    ],
)
def test_openais_key_goes_to_openai_alone(more: dict[str, str]) -> None:
    chosen = settings.load({"OPENAI_API_KEY": PLANTED} | more)
    assert llm_key(chosen) == ""
    assert llm_address(chosen) in (None, "https://llm.example/v1")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"FILMGATE_LLM": "gpt"}, "FILMGATE_LLM: "),
        ({"FILMGATE_LLM_INPUT_PRICE": "1", **ELSEWHERE}, "set both or neither"),
        ({"FILMGATE_LLM_OUTPUT_PRICE": "1", **ELSEWHERE}, "set both or neither"),
        ({"FILMGATE_LLM_INPUT_PRICE": "-1", "FILMGATE_LLM_OUTPUT_PRICE": "1"}, "FILMGATE_LLM_INPUT_PRICE: "),
        ({"FILMGATE_LLM_TEMPERATURE": "nan"}, "FILMGATE_LLM_TEMPERATURE: "),
        ({"FILMGATE_LLM_TIMEOUT": "0"}, "FILMGATE_LLM_TIMEOUT: "),
        ({"FILMGATE_LLM_MAX_OUTPUT_TOKENS": "1"}, "FILMGATE_LLM_MAX_OUTPUT_TOKENS: "),
        ({"FILMGATE_LLM_MODEL": f"{PLANTED} !"}, "FILMGATE_LLM_MODEL: "),
        ({"FILMGATE_LLM_API_KEY": ""}, "an empty secret is refused"),
        ({"FILMGATE_LLM_BASE_URL": f"https://user:{PLANTED}@llm.example"}, "FILMGATE_LLM_BASE_URL: "),
        (
            {"FILMGATE_LLM_BASE_URL": "https://llm.example/v1"},
            "FILMGATE_LLM_MODEL: required with FILMGATE_LLM_BASE_URL",
        ),
        ({"FILMGATE_LLM_BASE_URL": OPENAI}, "FILMGATE_LLM_API_KEY: required at OpenAI's address"),
        (
            ELSEWHERE | {"FILMGATE_LLM_BASE_URL": "http://10.0.0.7/v1", "FILMGATE_LLM_API_KEY": PLANTED},
            "FILMGATE_LLM_BASE_URL: with FILMGATE_LLM_API_KEY it must start with https://",
        ),
        ({"FILMGATE_LLM_MODEL": "large"}, "FILMGATE_LLM_MODEL: no language model is set up"),
        (
            {"FILMGATE_LLM_MODEL": "large", "OPENAI_API_KEY": PLANTED, "FILMGATE_MOCK": "always"},
            "FILMGATE_LLM_MODEL: no language model is set up",
        ),
        (
            {"FILMGATE_LLM": "mock", "FILMGATE_MOCK": "never", "S3_BUCKET_NAME": "films"},
            "contradicts FILMGATE_MOCK=never",
        ),
        (
            {"FILMGATE_LLM": "mock", "FILMGATE_DATABASE_URL": "postgresql://u@h/d"},
            "FILMGATE_EMULATOR_URL is not set",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(variables: dict[str, str], told: str) -> None:
    assert told in faults(**variables)


def test_a_switch_leaves_the_rest_in_place() -> None:
    given = ELSEWHERE | {"FILMGATE_LLM_API_KEY": PLANTED, "FILMGATE_LLM_INPUT_PRICE": "0.25"}
    for mode in ("rules", "mock"):
        chosen = settings.load(given | {"FILMGATE_LLM": mode, "FILMGATE_LLM_OUTPUT_PRICE": "2"})
        assert llm_address(chosen) is None
        assert chosen.secrets() == {"llm_api_key": PLANTED}
