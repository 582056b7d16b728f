"""Who writes prompts here, a language model or the fixed rules, and why: decided from the settings alone."""

from dataclasses import dataclass
from decimal import Decimal

from prompts.llm import LlmSettings
from prompts.tasks import templates
from server import prompt_settings
from server.prompt_settings import LimitName, LlmMode
from server.settings import Settings, SettingsError
from server.vendors import MOCK_SECRET

MOCK_MODEL = "mock-writer"
_MOCK_PRICES = (Decimal(1), Decimal(4))
"""Per million tokens, in the mock currency, where the operator names none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Who writes. Without `llm` the rules do."""

    llm: LlmSettings | None
    why: str
    """For operators: which path answers, and what decided it."""


def needs_emulator(settings: Settings) -> bool:
    """Whether an emulator plays the language model."""
    return settings.llm is LlmMode.MOCK


def writer(settings: Settings, emulator_url: str | None = None) -> Writer:
    """Who writes by these settings; a mock needs the address of its emulator. Raises SettingsError."""
    if settings.llm is LlmMode.MOCK:
        _check_templates(settings)
        why = "our emulator of a language model, whose texts say MOCK: FILMGATE_LLM=mock"
        return Writer(llm=_mock(settings, emulator_url or ""), why=why)
    address = prompt_settings.llm_address(settings)
    if address is None:
        return Writer(llm=None, why=f"fixed rules: {_why_rules(settings)}")
    _check_templates(settings)
    priced = settings.llm_input_price is not None
    unknown = "" if priced else "; no price is set: what it costs is unknown, and `max_cost` is refused"
    return Writer(llm=_real(settings, address), why=f"{settings.llm_model} at {address}{unknown}")


def _check_templates(settings: Settings) -> None:
    """Refuse a folder whose texts cannot be used, or that has none."""
    folder = settings.llm_templates
    if folder is None:
        return
    try:
        names = [f"{name}.md" for name in templates(folder)]
    except (OSError, ValueError) as error:
        raise SettingsError([f"FILMGATE_LLM_TEMPLATES: {_told(error)}"]) from None
    if not any((folder / name).is_file() for name in names):
        raise SettingsError([f"FILMGATE_LLM_TEMPLATES: the folder has none of {', '.join(names)}"])


def _told(error: Exception) -> str:
    return (
        f"a file cannot be read ({type(error).__name__})" if isinstance(error, OSError | UnicodeError) else str(error)
    )


def _why_rules(settings: Settings) -> str:
    if settings.llm is LlmMode.RULES:
        return "FILMGATE_LLM=rules"
    ignored = prompt_settings.why_not_openai(settings) if getattr(settings, "openai_key", None) else ""
    told = f" (OPENAI_API_KEY is not taken: {ignored})" if ignored else ""
    return f"neither FILMGATE_LLM_API_KEY nor FILMGATE_LLM_BASE_URL is set{told}"


def _real(settings: Settings, address: str) -> LlmSettings:
    own = LimitName.MAX_COMPLETION_TOKENS if prompt_settings.is_openai(address) else LimitName.MAX_TOKENS
    return LlmSettings(
        base_url=address,
        model=settings.llm_model,
        api_key=prompt_settings.llm_key(settings),
        temperature=settings.llm_temperature,
        timeout=float(settings.llm_timeout),
        calls=settings.llm_calls,
        max_output_tokens=settings.llm_max_output_tokens,
        limit_name=settings.llm_limit_name or own,
        json_schema=settings.llm_json_schema,
        input_price=settings.llm_input_price,
        output_price=settings.llm_output_price,
    )


def _mock(settings: Settings, emulator_url: str) -> LlmSettings:
    """Without any key of the settings: a real one never leaves for an emulator."""
    prices = (settings.llm_input_price, settings.llm_output_price)
    reading, writing = _MOCK_PRICES if None in prices else prices
    return LlmSettings(
        base_url=f"{emulator_url}/llm/v1",
        model=MOCK_MODEL,
        api_key=MOCK_SECRET,
        timeout=float(settings.llm_timeout),
        calls=settings.llm_calls,
        max_output_tokens=settings.llm_max_output_tokens,
        input_price=reading,
        output_price=writing,
        mock=True,
    )
