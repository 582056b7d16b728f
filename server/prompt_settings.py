"""The settings of the language model that writes prompts, and what they mean together."""

import enum
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator
from pydantic_settings import BaseSettings

from core import urls
from core.errors import UnsafeUrl
from providers.openai_videos import OpenAIProvider
from server.variables import Secret, checked_address, variable

PROMPTS = "Who writes prompts and scripts: a language model, or fixed rules"
OPENAI = OpenAIProvider.base_url
_SET_UP = ("llm_model", "llm_temperature", "llm_input_price", "llm_templates")
"""What nobody sets who does not mean to have a language model."""


class LlmMode(enum.StrEnum):
    """Who writes prompts."""

    AUTO = "auto"
    RULES = "rules"
    MOCK = "mock"


class LimitName(enum.StrEnum):
    """How services call the most tokens that an answer may have."""

    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    MAX_TOKENS = "max_tokens"


ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$")]
Price = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=12, decimal_places=6)]


class PromptSettings(BaseSettings):
    """Which language model writes prompts, how it is asked, and what it costs."""

    llm: LlmMode = variable(
        PROMPTS,
        "`auto`: a language model as soon as a key or an address for one is given, else fixed rules; `rules`: always"
        " the rules; `mock`: our emulator of a language model, whose texts say MOCK.",
        "FILMGATE_LLM",
        default=LlmMode.AUTO,
    )
    llm_base_url: str | None = variable(
        PROMPTS,
        "Any address that speaks OpenAI's chat completions: OpenRouter, vLLM, Ollama … Unset: OpenAI's own. With a key"
        " it must be https, or http on loopback.",
        "FILMGATE_LLM_BASE_URL",
        example="http://127.0.0.1:11434/v1",
    )
    llm_api_key: Secret | None = variable(
        PROMPTS,
        "Its key. Unset: none; at OpenAI's own address OPENAI_API_KEY, which is sent to no other.",
        "FILMGATE_LLM_API_KEY",
    )
    llm_model: ModelName = variable(
        PROMPTS,
        "The language model, as that address names it; required at any other than OpenAI's.",
        "FILMGATE_LLM_MODEL",
        default="gpt-5-mini",
    )
    llm_temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = variable(
        PROMPTS,
        "How freely it writes, from 0 to 2. Unset: not sent, as some models demand.",
        "FILMGATE_LLM_TEMPERATURE",
    )
    llm_timeout: Annotated[int, Field(ge=1, le=600)] = variable(
        PROMPTS, "Seconds that one of its answers may take; there are at most two.", "FILMGATE_LLM_TIMEOUT", default=60
    )
    llm_calls: Annotated[int, Field(ge=1, le=1000)] = variable(
        PROMPTS,
        "How many of its answers are waited for at once; more calls wait for their turn, within their time.",
        "FILMGATE_LLM_CALLS",
        default=16,
    )
    llm_max_output_tokens: Annotated[int, Field(ge=256, le=200_000)] = variable(
        PROMPTS,
        "The most tokens of one answer, its thinking included; it bounds what is held.",
        "FILMGATE_LLM_MAX_OUTPUT_TOKENS",
        default=4000,
    )
    llm_limit_name: LimitName | None = variable(
        PROMPTS,
        "How the address calls that limit: `max_completion_tokens` or `max_tokens`. Unset: the first at OpenAI's own,"
        " the second elsewhere.",
        "FILMGATE_LLM_LIMIT_NAME",
        example="max_tokens",
    )
    llm_json_schema: bool = variable(
        PROMPTS,
        "Whether it takes `response_format: json_schema`; else it is asked for JSON, and told the schema in words.",
        "FILMGATE_LLM_JSON_SCHEMA",
        default=True,
    )
    llm_input_price: Price | None = variable(
        PROMPTS,
        "USD per million tokens that it reads. Without both prices its cost is unknown, and `max_cost` is refused.",
        "FILMGATE_LLM_INPUT_PRICE",
        example="0.25",
    )
    llm_output_price: Price | None = variable(
        PROMPTS, "USD per million tokens that it writes.", "FILMGATE_LLM_OUTPUT_PRICE", example="2.00"
    )
    llm_templates: Path | None = variable(
        PROMPTS, "A folder with the texts that ask it, in place of ours.", "FILMGATE_LLM_TEMPLATES"
    )

    @field_validator("llm_base_url")
    @classmethod
    def _llm_address(cls, value: str | None) -> str | None:
        return None if value is None else checked_address(value, private_http=True)


def contradictions(settings: Any) -> Iterator[str]:
    """What these settings say against each other, a sentence each that names no value."""
    if (settings.llm_input_price is None) != (settings.llm_output_price is None):
        yield "FILMGATE_LLM_INPUT_PRICE and FILMGATE_LLM_OUTPUT_PRICE: set both or neither"
    if settings.llm is LlmMode.MOCK and settings.mock == "never":
        yield "FILMGATE_LLM: `mock` contradicts FILMGATE_MOCK=never"
    if settings.llm is LlmMode.MOCK and settings.database_url is not None and settings.emulator_url is None:
        yield "FILMGATE_LLM: with Postgres `mock` needs a shared `filmgate emulate`: FILMGATE_EMULATOR_URL is not set"
    if settings.llm is LlmMode.AUTO:
        yield from _contradictions_of_a_real_one(settings)


def _contradictions_of_a_real_one(settings: Any) -> Iterator[str]:
    base, key = settings.llm_base_url, llm_key(settings)
    if base is not None and settings.llm_api_key is not None and not _may_hold_a_key(base):
        yield "FILMGATE_LLM_BASE_URL: with FILMGATE_LLM_API_KEY it must start with https:// (http:// only on loopback)"
    if base is not None and not is_openai(base) and "llm_model" not in settings.model_fields_set:
        yield "FILMGATE_LLM_MODEL: required with FILMGATE_LLM_BASE_URL: name the model as that address does"
    if base is not None and is_openai(base) and not key:
        yield "FILMGATE_LLM_API_KEY: required at OpenAI's address"
    if base is None and not key and (given := settings.model_fields_set.intersection(_SET_UP)):
        names = ", ".join(f"FILMGATE_{name.upper()}" for name in sorted(given))
        yield f"{names}: no language model is set up; give FILMGATE_LLM_API_KEY or FILMGATE_LLM_BASE_URL"


def llm_address(settings: Any) -> str | None:
    """Where the language model is; None where there is none."""
    if settings.llm is not LlmMode.AUTO:
        return None
    address: str | None = settings.llm_base_url
    return address or (OPENAI if llm_key(settings) else None)


def llm_key(settings: Any) -> str:
    """The key that goes to `llm_address`, and nowhere else; empty for none."""
    if settings.llm_api_key is not None:
        key: str = settings.llm_api_key.get_secret_value()
        return key
    return "" if why_not_openai(settings) else _openai_key(settings)


def why_not_openai(settings: Any) -> str:
    """Why OPENAI_API_KEY, if it is set, pays no language model; empty when it may."""
    if settings.llm_base_url is not None and not is_openai(settings.llm_base_url):
        return "FILMGATE_LLM_BASE_URL is another address"
    if settings.openai_base_url is not None and not is_openai(settings.openai_base_url):
        return "OPENAI_BASE_URL says that it is for another address"
    return "FILMGATE_MOCK=always ignores the keys of vendors" if settings.mock == "always" else ""


def _openai_key(settings: Any) -> str:
    """The first, where several share the work."""
    given = "" if settings.openai_key is None else settings.openai_key.get_secret_value()
    return next((key.strip() for key in given.split(",") if key.strip()), "")


def is_openai(address: str) -> bool:
    """Whether it is OpenAI's own address."""
    return urls.origin(address) == urls.origin(OPENAI)


def _may_hold_a_key(address: str) -> bool:
    try:
        urls.check_endpoint(address)
    except UnsafeUrl:
        return False
    return True
