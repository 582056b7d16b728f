"""What a catalogue's data must satisfy, as a list of complaints in words."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from core.spec import ClipSpec, MediaInput, ModeName
from providers import durations, prices
from providers.model import Lifecycle, LifecycleState, Mode, Price, VideoModel

_ID = re.compile(r"[a-z0-9-]+/[a-z0-9][a-z0-9._-]*")
_VERSION = re.compile(r"(?:[0-9a-f]{64})?")
_RATIO = re.compile(r"[1-9]\d{0,2}:[1-9]\d{0,2}")
_WORDS = frozenset(
    {"prompt", "duration", "aspect_ratio", "resolution", "fps", "seed", "negative_prompt", "motion", "audio"}
    | {"first_frame", "last_frame", "reference_images", "source_video", "size", "width", "height"}
)
_SPEEDS = frozenset({"fast", "medium", "slow"})
_A_FILE = MediaInput(uri="https://example.com/file")
_SPECS: Mapping[ModeName, ClipSpec] = {
    ModeName.TEXT: ClipSpec(prompt="x"),
    ModeName.IMAGE: ClipSpec(prompt="x", first_frame=_A_FILE),
    ModeName.REFERENCE: ClipSpec(prompt="x", references=(_A_FILE,)),
    ModeName.VIDEO: ClipSpec(prompt="x", source_video=_A_FILE),
}
_FIRST_RECORD = date(2026, 1, 1)


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
    yield from (f"price: {fault}" for price in row.prices for fault in _price(price))
    yield from _order(row.prices)
    yield from (f"fallback {name} is not a living row" for name in row.default_fallbacks if not _living(by_id, name))
    if row.lifecycle.state is LifecycleState.RETIRED:
        return
    yield from _words(row)
    if not row.modes:
        yield "a living row has a mode"
    for name, mode in row.modes.items():
        yield from _mode(mode)
        if all(isinstance(price.usd, Decimal) for price in row.prices):
            yield from _quotable(row, mode, _SPECS[name])
    offered = {resolution for mode in row.modes.values() for resolution in mode.resolutions}
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
    if row.checked < _FIRST_RECORD:
        yield "was never compared with its sources"
    usual, slow = row.typical_seconds
    if not 0 < usual <= slow <= row.deadline_seconds:
        yield "0 < typical p50 <= p90 <= deadline"


def _lifecycle(lifecycle: Lifecycle, by_id: Mapping[str, VideoModel]) -> Iterator[str]:
    if lifecycle.state is not LifecycleState.LIVE and lifecycle.retires is None:
        yield "a deprecated or retired row has its date"
    if lifecycle.state is not LifecycleState.LIVE and not _living(by_id, lifecycle.successor):
        yield "a deprecated or retired row names a living successor"


def _price(price: Price) -> Iterator[str]:
    if not isinstance(price.usd, Decimal) or not price.usd.is_finite() or price.usd <= 0:
        yield "is a positive Decimal"
    if price.since > price.checked:
        yield "was checked on or after the day it counts from"
    if not price.source:
        yield "names its source"


def _order(prices: Sequence[Price]) -> Iterator[str]:
    """Prices are appended: for equal conditions the days ascend."""
    last: dict[str, date] = {}
    for price in prices:
        condition = f"{price.unit} {sorted(price.when.items())}"
        if condition in last and price.since <= last[condition]:
            yield f"price since {price.since}: is not after the one before it"
        last[condition] = price.since


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
    if (row.video is not None) != ("source_video" in row.wire):
        yield "the video mode and the wire word source_video go together"
    if (row.references > 0) != ("reference_images" in row.wire):
        yield "references and the wire word reference_images go together"
    if row.reference is not None and not row.references:
        yield "the reference mode needs references"


def _mode(mode: Mode) -> Iterator[str]:
    for offered in (mode.durations, *mode.durations_at.values()):
        low, high = durations.shortest(offered), durations.longest(offered)
        if not 0 < low <= high:
            yield "durations are positive and ascending"
    if mode.default_duration is not None and durations.exact(mode.durations, mode.default_duration) is None:
        yield "the default duration is offered"
    if not mode.sizes:
        yield "a mode has at least one size"
    yield from (f"{ratio} is not W:H" for ratio, _ in mode.sizes if not _RATIO.fullmatch(ratio))
    yield from (f"durations at {name}: not offered" for name in mode.durations_at if name not in mode.resolutions)


def _quotable(row: VideoModel, mode: Mode, spec: ClipSpec) -> Iterator[str]:
    """Everything that can be asked for has a price."""
    for audio in (True, False) if "audio" in row.wire else (None,):
        for ratio, resolution in mode.sizes:
            for seconds in durations.some(mode.durations_of(resolution)):
                asked = replace(spec, audio=audio, aspect_ratio=ratio, resolution=resolution, duration=seconds)
                try:
                    prices.quote(row, asked)
                except LookupError as missing:
                    yield str(missing)
                    return


def _living(by_id: Mapping[str, VideoModel], identifier: str) -> bool:
    row = by_id.get(identifier)
    return row is not None and row.lifecycle.state is not LifecycleState.RETIRED
