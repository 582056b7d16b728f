"""One log for our lines and the libraries': JSON or console, bound context, and no secret in any line.

https://www.structlog.org/en/stable/standard-library.html
"""

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_MASK = "[redacted]"
_SHORTEST_SECRET = 6
"""Shorter values would mask ordinary words."""
_PATTERNS = (
    r"\bsk-[A-Za-z0-9_-]{8,}",
    r"\br8_[A-Za-z0-9]{8,}",
    r"\bkey_[A-Za-z0-9]{8,}",
    r"\bAKIA[0-9A-Z]{12,}",
    r"\bASIA[0-9A-Z]{12,}",
    r"\bwhsec_[A-Za-z0-9+/=_-]{8,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"(?<=[Bb]earer )[^\s\"',;]+",
    r"(?<=X-Amz-Signature=)[^&\s\"']+",
    r"(?<=X-Amz-Credential=)[^&\s\"']+",
    r"(?<=X-Amz-Security-Token=)[^&\s\"']+",
    r"(?<=[?&]signature=)[^&\s\"']+",
    r"(?<=[?&]_jwt=)[^&\s\"']+",
    r"(?<=/webhooks/)[a-z0-9-]+/[^\s/?\"']+",
    r"(?<=Key )[^\s\"',;]{8,}",
    r"\bluma-[A-Za-z0-9_-]{8,}",
    r"\bAIza[0-9A-Za-z_-]{20,}",
    r"\bya29\.[0-9A-Za-z_-]{8,}",
)
_FOREIGN_LEVEL = logging.WARNING

Redact = Callable[[str], str]


def redactor(secrets: Iterable[str]) -> Redact:
    """A function that masks these exact values, and what looks like a secret, in a text."""
    exact = sorted({re.escape(secret) for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
    pattern = re.compile("|".join((*exact, *_PATTERNS)))
    return lambda text: pattern.sub(_MASK, text)


def configure(level: str, *, json: bool, secrets: Iterable[str], stream: TextIO | None = None) -> None:
    """Set up logging for this process; lines go to `stream` (default: standard error)."""
    redact = redactor(secrets)
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks are plain text before they are masked: pretty ones show local variables, prompts and keys among them.
    plain = structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
    ending: list[Processor] = [
        structlog.processors.format_exc_info,
        _masking(redact),
        structlog.processors.JSONRenderer() if json else plain,
    ]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_names: _Lines(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    drop_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[drop_meta, *ending]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, _FOREIGN_LEVEL))


class _Lines(structlog.PrintLogger):
    """Writes lines; a log that cannot be written (its pipe is gone) never stops the work it tells of."""

    def msg(self, message: str) -> None:
        """Write one line, if it can be written."""
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def _masking(redact: Redact) -> Processor:
    def mask(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
        return {key: _masked(value, redact) for key, value in event_dict.items()}

    return mask


def _masked(value: Any, redact: Redact) -> Any:
    """The value with every text in it masked; what is neither text nor number is written as text first."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {_masked(key, redact): _masked(entry, redact) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(entry, redact) for entry in value]
    return redact(str(value))
