"""Vendor options checked against a row: names, kinds, choices and bounds; integral doubles become integers."""

import difflib
import math
from collections.abc import Mapping

from core.errors import Reason, Violation
from providers.base import readable
from providers.model import Option, VideoModel

FIELDS: Mapping[str, str] = {
    "prompt": "prompt",
    "first_frame": "first_frame",
    "last_frame": "last_frame",
    "reference_images": "reference_images",
    "source_video": "source_video",
    "size": "parameters.aspect_ratio and parameters.resolution",
    "width": "parameters.aspect_ratio and parameters.resolution",
    "height": "parameters.aspect_ratio and parameters.resolution",
}
"""Proto fields of our words that are not `parameters.{word}`."""


def checked(options: Mapping[str, object], model: VideoModel) -> tuple[dict[str, object], list[Violation]]:
    """The options as the vendor wants them, and everything wrong with them."""
    clean, violations = _members(options, model.options, "vendor_options")
    typed_elsewhere = {name: FIELDS.get(word, f"parameters.{word}") for word, name in model.wire.items()}
    return clean, [_redirected(violation, typed_elsewhere) for violation in violations]


def _members(
    given: Mapping[str, object], known: Mapping[str, Option], path: str
) -> tuple[dict[str, object], list[Violation]]:
    clean: dict[str, object] = {}
    violations: list[Violation] = []
    for name, value in given.items():
        field = f"{path}.{readable(name)[:64]}"
        if name not in known:
            message = f"this model has no such option{_hint(name, known)}"
            violations.append(Violation(field=field, message=message, reason=Reason.UNSUPPORTED_PARAMETER))
        elif isinstance(value, Mapping) and known[name].kind is dict:
            clean[name], inner = _members(value, known[name].fields, field)
            violations += inner
        else:
            converted = _converted(known[name], value)
            fault = _fault(known[name], converted)
            violations += [Violation(field=field, message=fault)] if fault else []
            clean[name] = converted
    return clean, violations


def _converted(option: Option, value: object) -> object:
    """Numbers of a JSON struct are doubles: 7.0 is 7 where the row says integer."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return value
    if option.kind is int and float(value).is_integer():
        return int(value)
    return float(value) if option.kind is float else value


def _fault(option: Option, value: object) -> str:
    right_kind = isinstance(value, option.kind) and isinstance(value, bool) == (option.kind is bool)
    if not right_kind or (isinstance(value, float) and not math.isfinite(value)):
        return f"must be {_KINDS[option.kind]}"
    if option.choices and value not in option.choices:
        return f"must be one of {', '.join(map(str, option.choices))}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        too_low = option.low is not None and value < option.low
        too_high = option.high is not None and value > option.high
        return f"must be {_bounds(option)}" if too_low or too_high else ""
    return ""


_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    dict: "an object",
}


def _bounds(option: Option) -> str:
    if option.low is not None and option.high is not None:
        return f"from {option.low:g} to {option.high:g}"
    return f"at least {option.low:g}" if option.low is not None else f"at most {option.high:g}"


def _hint(name: str, known: Mapping[str, Option]) -> str:
    if not known:
        return "; it has none"
    close = difflib.get_close_matches(readable(name)[:64], list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; it has {', '.join(known)}"


def _redirected(violation: Violation, typed_elsewhere: Mapping[str, str]) -> Violation:
    """A name that the adapter itself fills in belongs into our own field."""
    field = typed_elsewhere.get(violation.field.removeprefix("vendor_options."))
    if field is None or violation.reason is not Reason.UNSUPPORTED_PARAMETER:
        return violation
    return Violation(field=violation.field, message=f"give this as {field}", reason=violation.reason)
