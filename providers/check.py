"""What a catalogue's data must satisfy, as a list of complaints in words."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from core.spec import ClipSpec, MediaInput
from providers import durations, prices
from providers.model import Lifecycle, LifecycleState, Mode, VideoModel

_ID = re.compile(r"[a-z0-9-]+/[a-z0-9][a-z0-9._-]*")
_VERSION = re.compile(r"(?:[0-9a-f]{64})?")
_RATIO = re.compile(r"[1-9]\d{0,2}:[1-9]\d{0,2}")
_WORDS = frozenset(
    {"prompt", "duration", "aspect_ratio", "resolution", "fps", "seed", "negative_prompt", "motion", "audio"}
    | {"first_frame", "last_frame"}
)
_SPEEDS = frozenset({"fast", "medium", "slow"})


def complaints(rows: Sequence[VideoModel], aliases: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Every fault of these rows and aliases; empty when all is well."""
    counted = Counter(row.id for row in rows)
    found = [f"{identifier}: id is used {count} times" for identifier, count in counted.items() if count > 1]
    found += ["ids are not in order"] if [row.id for row in rows] != sorted(row.id for row in rows) else []
    by_id = {row.id: row for row in rows}
    for row in rows:
        found += [f"{row.id}: {fault}" for fault in _row(row, by_id)]
    for alias, targets in aliases.items():
        found += [f"alias {alias}: {target} is not a living row" for target in targets if not _living(by_id, target)]
        found += [f"alias {alias}: is also an id"] if alias in by_id else []
    return found


def _row(row: VideoModel, by_id: Mapping[str, VideoModel]) -> Iterator[str]:
    yield from _identity(row)
    yield from _lifecycle(row.lifecycle, by_id)
    yield from (f"price: {fault}" for price in row.prices for fault in _price(price.usd, price.since, price.checked))
    yield from (f"fallback {name} is not a living row" for name in row.default_fallbacks if not _living(by_id, name))
    if row.lifecycle.state is LifecycleState.RETIRED:
        return
    yield from _words(row)
    if row.text is None and row.image is None:
        yield "a living row has a mode"
    for mode, spec in ((row.text, ClipSpec(prompt="x")), (row.image, ClipSpec(prompt="x", first_frame=MediaInput()))):
        if mode is not None:
            yield from _mode(mode)
            yield from _quotable(row, spec)
    offered = {resolution for mode in (row.text, row.image) if mode for resolution in mode.resolutions}
    yield from (
        f"quality {quality}: {tier} is not offered" for quality, tier in row.qualities.items() if tier not in offered
    )


def _identity(row: VideoModel) -> Iterator[str]:
    if not _ID.fullmatch(row.id) or not row.id.startswith(f"{row.provider}/"):
        yield "id is vendor/name in lower case"
    if not _VERSION.fullmatch(row.wire_version):
        yield "wire_version is 64 hex digits"
    if row.speed_class not in _SPEEDS or row.quality_rank < 1 or not row.best_for or not row.title:
        yield "the model guide's fields are incomplete"
    usual, slow = row.typical_seconds
    if not 0 < usual <= slow <= row.deadline_seconds:
        yield "0 < typical p50 <= p90 <= deadline"


def _lifecycle(lifecycle: Lifecycle, by_id: Mapping[str, VideoModel]) -> Iterator[str]:
    if lifecycle.state is not LifecycleState.LIVE and lifecycle.retires is None:
        yield "a deprecated or retired row has its date"
    if lifecycle.state is not LifecycleState.LIVE and not _living(by_id, lifecycle.successor):
        yield "a deprecated or retired row names a living successor"


def _price(usd: object, since: date, checked: date) -> Iterator[str]:
    if not isinstance(usd, Decimal) or not usd.is_finite() or usd <= 0:
        yield "is a positive Decimal"
    if since > checked:
        yield "was checked on or after the day it counts from"


def _words(row: VideoModel) -> Iterator[str]:
    yield from (f"wire word {word} is none of ours" for word in sorted(set(row.wire) - _WORDS))
    taken = set(row.wire.values()) | set(row.constants)
    yield from (f"option {name} is also a word or a constant" for name in row.options if name in taken)
    if bool(row.motions) != ("motion" in row.wire):
        yield "motions and the wire word motion go together"
    if bool(row.fps_choices) != ("fps" in row.wire):
        yield "fps_choices and the wire word fps go together"
    if (row.prompt_limit > 0) != ("prompt" in row.wire):
        yield "prompt_limit and the wire word prompt go together"
    if (row.image is not None) != ("first_frame" in row.wire):
        yield "the image mode and the wire word first_frame go together"


def _mode(mode: Mode) -> Iterator[str]:
    low, high = durations.shortest(mode.durations), durations.longest(mode.durations)
    if not 0 < low <= high:
        yield "durations are positive and ascending"
    if mode.default_duration is not None and durations.exact(mode.durations, mode.default_duration) is None:
        yield "the default duration is offered"
    if not mode.sizes:
        yield "a mode has at least one size"
    yield from (f"{ratio} is not W:H" for ratio, _ in mode.sizes if not _RATIO.fullmatch(ratio))


def _quotable(row: VideoModel, spec: ClipSpec) -> Iterator[str]:
    for audio in (True, False) if "audio" in row.wire else (None,):
        try:
            prices.price_of(row, ClipSpec(prompt="x", audio=audio, first_frame=spec.first_frame))
        except LookupError as missing:
            yield str(missing)


def _living(by_id: Mapping[str, VideoModel], identifier: str) -> bool:
    row = by_id.get(identifier)
    return row is not None and row.lifecycle.state is not LifecycleState.RETIRED
