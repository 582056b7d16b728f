"""Rules for single fields of a request, and the collector that finds all broken ones at once."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from core.errors import FilmgateError, InvalidRequest, Reason, Violation
from core.identifiers import is_creative, is_id, is_tenant
from core.money import MOCK_CURRENCY, USD, Money

LABELS = 16
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_./-]{0,62}")
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|[\ud800-\udfff]")
_RATIO = re.compile(r"[1-9][0-9]{0,3}:[1-9][0-9]{0,3}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
_OPTION_NODES = 1000
_OPTION_DEPTH = 8
_OPTION_TEXT = 8000
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class Findings:
    """The broken rules of one request; `under` names a part of it and finds into the same list."""

    def __init__(self, prefix: str = "", violations: list[Violation] | None = None) -> None:
        self._prefix = prefix
        self.violations: list[Violation] = [] if violations is None else violations

    def under(self, prefix: str) -> "Findings":
        """The same findings, for the fields of a part."""
        return Findings(f"{self._prefix}{prefix}.", self.violations)

    def add(self, field: str, message: str, reason: Reason = Reason.INVALID_REQUEST) -> None:
        """One more broken rule."""
        self.violations.append(Violation(field=self._prefix + field, message=message, reason=reason))

    def names(self, field: str) -> bool:
        """Whether this field is known to be broken."""
        return any(violation.field == self._prefix + field for violation in self.violations)

    def merge(self, violations: Iterable[Violation]) -> None:
        """Take over what others found, but for fields that are known to be broken already."""
        known = {violation.field for violation in self.violations}
        for violation in violations:
            field = self._prefix + violation.field
            if field not in known:
                self.violations.append(Violation(field=field, message=violation.message, reason=violation.reason))

    def raise_if_any(self) -> None:
        """Raise InvalidRequest with everything found so far."""
        if self.violations:
            first, *rest = self.violations
            if first.reason not in InvalidRequest.reasons:  # such as a retired model among other faults
                first = Violation(field=first.field, message=first.message)
            raise InvalidRequest.of([first, *rest])

    # -- names

    def tenant(self, value: str, field: str = "tenant_name") -> str:
        """A tenant's name; empty when it is none."""
        if is_tenant(value):
            return value
        rule = "1 to 63 characters: lower-case letters, digits and `-`, not starting with `-`"
        self.add(field, f"is required: {rule}" if not value else f"must be {rule}")
        return ""

    def creative(self, value: str, *, required: bool = True) -> str:
        """A creative's id; empty when it is none."""
        if is_creative(value) or (not value and not required):
            return value
        rule = "1 to 128 letters, digits, `-`, `_` and `.`, without `..` and without a leading dot"
        self.add("creative_id", f"is required: {rule}" if not value else f"must be {rule}")
        return ""

    def identifier(self, field: str, kind: str, value: str, *, required: bool = True) -> str:
        """An id of ours; empty when it is none."""
        if is_id(kind, value) or (not value and not required):
            return value
        self.add(field, f"must be an id as this server gave it: `{kind}_` and 26 characters")
        return ""

    def request_id(self, value: str) -> str:
        """A request id, empty when none was sent or it is none."""
        if not value or _PRINTABLE.fullmatch(value):
            return value
        self.add("request_id", "must be 1 to 255 printable ASCII characters")
        return ""

    def word(self, field: str, value: str) -> str:
        """A name of a model, a vendor, a style or a resolution; empty when it is none."""
        if not value or _WORD.fullmatch(value):
            return value
        self.add(field, "must be at most 128 letters, digits, `.`, `_`, `-`, `:` and `/`")
        return ""

    def one_of(self, field: str, value: int, kind: EnumTypeWrapper) -> int:
        """An enum's number, 0 when it is out of range."""
        if value in kind.values():
            return value
        self.add(field, f"must be one of {', '.join(kind.keys()[1:])}")
        return 0

    # -- text and numbers

    def fits(self, field: str, value: str, longest: int, reason: Reason = Reason.INVALID_REQUEST) -> bool:
        """Whether a text is no longer than that; `reason` is told where it is."""
        over = len(value) - longest
        if over > 0:
            self.add(field, f"may have at most {longest:,} characters; shorten it by {over:,}", reason)
        return over <= 0

    def text(self, field: str, value: str, longest: int, too_long: Reason = Reason.INVALID_REQUEST) -> str:
        """Text for people, bounded and printable; empty when it is not. `too_long`: the reason of one that is."""
        if not self.fits(field, value, longest, too_long):
            return ""
        if _CONTROL.search(value):
            self.add(field, "may not hold control characters other than tab and line feed; remove them")
            return ""
        return value

    def whole(self, field: str, value: int, low: int, high: int) -> int | None:
        """A whole number within bounds, or None."""
        if low <= value <= high:
            return value
        self.add(field, f"must be a whole number from {low:,} to {high:,}")
        return None

    def number(self, field: str, value: float, above: float, high: float) -> float | None:
        """A finite number above one bound and up to another, or None."""
        if math.isfinite(value) and above < value <= high:
            return value
        self.add(field, f"must be a number above {above:g} and at most {high:g}")
        return None

    def seconds(self, field: str, value: Duration, low: float, high: float, *, above: bool = False) -> float | None:
        """A duration in seconds within bounds (`above`: the lower one excluded), or None."""
        found = value.seconds + value.nanos / 1e9
        sane = abs(value.nanos) < 1_000_000_000 and value.seconds * value.nanos >= 0
        if sane and (low < found if above else low <= found) and found <= high:
            return found
        self.add(field, f"must be {'more than' if above else 'at least'} {low:g} s and at most {high:g} s")
        return None

    def ratio(self, field: str, value: str) -> str | None:
        """An aspect ratio as `W:H`, or None."""
        if not value or _RATIO.fullmatch(value):
            return value or None
        self.add(field, "must be two whole numbers `W:H` of at most four digits, such as `16:9`")
        return None

    def money(self, field: str, currency: str, micros: int) -> Money | None:
        """An amount that is not negative, in dollars or in the mock currency, or None."""
        if currency not in (USD, MOCK_CURRENCY):
            self.add(f"{field}.currency_code", f"must be {USD} ({MOCK_CURRENCY} for what emulators charge)")
        elif micros < 0:
            self.add(f"{field}.micros", "may not be negative")
        else:
            return Money(currency=currency, micros=micros)
        return None

    def moment(self, field: str, value: Timestamp) -> datetime | None:
        """A moment, or None."""
        try:
            found = value.ToDatetime(UTC)
        except (ValueError, OverflowError):
            found = _LATEST
        if found < _LATEST and 0 <= value.nanos < 1_000_000_000:
            return found
        self.add(field, "must be a moment between the years 1 and 9999")
        return None

    # -- collections

    def labels(self, value: Mapping[str, str]) -> dict[str, str]:
        """Labels, or none when one is broken."""
        if len(value) > LABELS:
            self.add("labels", f"may be at most {LABELS}; there are {len(value)}")
        if not all(map(_LABEL_KEY.fullmatch, value)):
            rule = "1 to 63 lower-case letters, digits, `-`, `_`, `.` and `/`, starting with a letter"
            self.add("labels", f"keys must be {rule}")
        elif any(len(text) > 255 or _CONTROL.search(text) for text in value.values()):
            self.add("labels", "values may have at most 255 characters and no control characters")
        elif len(value) <= LABELS:
            return dict(value)
        return {}

    def options(self, field: str, struct: Struct) -> dict[str, Any]:
        """Vendor options as plain JSON values, or none when they hold what no JSON has or are too many."""
        budget = [_OPTION_NODES + 1]
        try:
            whole: dict[str, Any] = _plain(Value(struct_value=struct), budget, _OPTION_DEPTH + 1)
            return whole
        except ValueError as error:
            self.add(field, str(error))
            return {}


class Refusals:
    """Why a request is refused: what is wrong with its fields, and what has a code of its own (an unknown model, …).

    Such a code is told when it is the only thing wrong, and is one more violation otherwise.
    """

    def __init__(self, findings: Findings) -> None:
        """`findings`: of the whole request."""
        self._findings = findings
        self._own: list[tuple[Findings, str, FilmgateError]] = []

    def add(self, where: Findings, field: str, error: FilmgateError) -> None:
        """One with a code of its own, about a field of this part of the request."""
        self._own.append((where, field, error))

    def raise_if_any(self) -> None:
        """Raise what there is: InvalidRequest with everything that is wrong, or the one error with its code."""
        if self._findings.violations or len(self._own) > 1:
            for where, field, error in self._own:
                where.add(field, error.message)
        self._findings.raise_if_any()
        for _, _, error in self._own:
            raise error


def _texts(value: Any) -> Iterable[str]:
    """The text that a value itself is, or the names of its members."""
    return value.fields if isinstance(value, Struct) else [value] if isinstance(value, str) else []


def _plain(value: Value, budget: list[int], depth: int) -> Any:
    budget[0] -= 1
    if budget[0] < 0 or depth == 0:
        raise ValueError(f"may hold at most {_OPTION_NODES:,} values, {_OPTION_DEPTH} levels deep")
    kind = value.WhichOneof("kind")
    if kind == "number_value" and not math.isfinite(value.number_value):
        raise ValueError("numbers must be finite")
    if kind == "string_value" and len(value.string_value) > _OPTION_TEXT:
        raise ValueError(f"texts may have at most {_OPTION_TEXT:,} characters")
    found = None if kind in (None, "null_value") else getattr(value, kind)
    if any(_CONTROL.search(text) for text in _texts(found)):
        raise ValueError("may not hold control characters other than tab and line feed; remove them")
    if isinstance(found, Struct):
        return {key: _plain(entry, budget, depth - 1) for key, entry in found.fields.items()}
    if isinstance(found, ListValue):
        return [_plain(entry, budget, depth - 1) for entry in found.values]
    return found


def repeated_word(values: Sequence[str]) -> str | None:
    """The first value that comes twice, or None."""
    return next((value for index, value in enumerate(values) if value in values[:index]), None)
