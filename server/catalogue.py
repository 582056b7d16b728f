"""The catalogue as callers see it: each row with who answers for it here, and why."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from filmgate.v1 import model_pb2
from filmgate.v1 import video_service_pb2 as pb

from core import clock
from core.errors import NotFound, Precondition
from core.money import Money
from core.spec import MediaInput, ModeName, Wish
from jobs.endpoints import Vendors
from providers import durations, prices
from providers.model import Choices, Durations, Frames, LifecycleState, Mode, Option, Price, Span, Unit, VideoModel
from providers.resolve import resolve
from server import convert, queries, words
from server.queries import ModelFilter

_UNITS = {
    Unit.SECOND: model_pb2.PRICE_UNIT_SECOND,
    Unit.VIDEO: model_pb2.PRICE_UNIT_VIDEO,
    Unit.COMPUTE_SECOND: model_pb2.PRICE_UNIT_COMPUTE_SECOND,
    Unit.MILLION_TOKENS: model_pb2.PRICE_UNIT_MILLION_TOKENS,
}
_OPTION_TYPES: Mapping[type, model_pb2.VendorOptionType] = {
    bool: model_pb2.VENDOR_OPTION_TYPE_BOOL,
    int: model_pb2.VENDOR_OPTION_TYPE_INTEGER,
    float: model_pb2.VENDOR_OPTION_TYPE_NUMBER,
    str: model_pb2.VENDOR_OPTION_TYPE_STRING,
}
_WIRE_CAPABILITIES = ("last_frame", "seed", "negative_prompt", "fps", "motion", "reference_images", "source_video")
_A_FILE = MediaInput(uri="https://example.com/file")
_WISHES = {
    ModeName.TEXT: Wish(prompt="a clip"),
    ModeName.IMAGE: Wish(prompt="a clip", first_frame=_A_FILE),
    ModeName.REFERENCE: Wish(prompt="a clip", references=(_A_FILE,)),
    ModeName.VIDEO: Wish(prompt="a clip", source_video=_A_FILE),
}
_KEPT = 256
_LONGEST_KEPT_REQUEST = 1024


class CatalogueAnswers:
    """Answers ListVideoModels with bytes made once per filter, until the day or a vendor's state changes."""

    def __init__(self, vendors: Vendors, default_model: str) -> None:
        self._catalogue = vendors.catalogue
        self._vendors = vendors
        self._default_model = default_model
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._state: tuple[date, frozenset[str]] = (date.min, frozenset())

    def answer(self, raw: bytes) -> bytes:
        """The serialized response to a serialized request. Raises InvalidRequest; ValueError-like for no message."""
        state = (clock.now().date(), self._vendors.paused())  # prices are dated
        if state != self._state:
            self._answers.clear()
            self._state = state
        known = self._answers.get(raw)
        if known is not None:
            self._answers.move_to_end(raw)
            return known
        made = self._make(queries.list_video_models(pb.ListVideoModelsRequest.FromString(raw))).SerializeToString()
        if len(raw) <= _LONGEST_KEPT_REQUEST:
            self._answers[raw] = made
            if len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return made

    def _make(self, wanted: ModelFilter) -> pb.ListVideoModelsResponse:
        rows = [row for row in self._catalogue.rows.values() if self._fits(row, wanted)]
        return pb.ListVideoModelsResponse(
            models=[self._row(row) for row in sorted(rows, key=lambda row: row.id)],
            catalogue_revision=self._catalogue.revision,
            default_model=self._default_model,
        )

    def _fits(self, row: VideoModel, wanted: ModelFilter) -> bool:
        modes = [mode for name, mode in _modes(row) if wanted.mode in ("", name)]
        offered = [mode for mode in modes if _offers(mode, wanted)]
        typed = wanted.mode or wanted.aspect_ratio or wanted.duration is not None
        return (
            (not wanted.providers or row.provider in wanted.providers)
            and (not wanted.states or self._vendors.availability(row).state in wanted.states)
            and (bool(offered) or not typed)
            and (wanted.max_price is None or _cheapest(row, wanted) <= wanted.max_price.micros)
        )

    def _row(self, row: VideoModel) -> model_pb2.VideoModel:
        available = self._vendors.availability(row)
        lifecycle = row.lifecycle
        return model_pb2.VideoModel(
            id=row.id,
            title=row.title,
            provider=row.provider,
            family=row.family,
            lifecycle=words.LIFECYCLES[lifecycle.state.name],
            retire_date=str(lifecycle.retires or ""),
            successor=lifecycle.successor,
            state=words.MODEL_STATES[available.state],
            state_reason=available.reason,
            aliases=sorted(name for name, targets in self._catalogue.aliases.items() if row.id in targets),
            modes=[_mode(row, name, mode) for name, mode in _modes(row)],
            capabilities=[words.CAPABILITIES[word] for word in _capabilities(row)],
            fps=row.fps or 0.0,
            has_audio=row.has_audio,
            prompt_limit=row.prompt_limit,
            prompt_limit_utf16=row.prompt_utf16,
            prices=[_price(price) for price in _current(row)],
            quality_rank=row.quality_rank,
            speed_class=words.SPEEDS[row.speed_class.upper()],
            best_for=row.best_for,
            typical_seconds_p50=row.typical_seconds[0],
            typical_seconds_p90=row.typical_seconds[1],
            deadline=convert.duration(row.deadline_seconds),
            motions=[words.MOTIONS[motion] for motion in row.motions],
            qualities=[
                model_pb2.QualityTier(quality=words.QUALITIES[quality], resolution=resolution)
                for quality, resolution in row.qualities.items()
            ],
            vendor_options=list(_options(row.options)),
            cancel_cost=row.cancel_cost.value,
            default_fallbacks=self._catalogue.fallbacks(row),
            notes=row.notes,
            days_left=None if lifecycle.retires is None else (lifecycle.retires - clock.now().date()).days,
            references=row.references,
            references_with_frame=row.references_with_frame,
            longest_source=convert.duration(row.source_seconds) if row.source_seconds else None,
            paused=available.paused,
            check_date=str(row.checked),
        )


def _modes(row: VideoModel) -> Iterator[tuple[str, Mode]]:
    yield from ((name.value, mode) for name, mode in row.modes.items())


def _offers(mode: Mode, wanted: ModelFilter) -> bool:
    return (wanted.aspect_ratio is None or wanted.aspect_ratio in mode.aspect_ratios) and (
        wanted.duration is None or durations.exact(mode.durations, wanted.duration) is not None
    )


def _cheapest(row: VideoModel, wanted: ModelFilter) -> int:
    """Micros of the cheapest clip the filter allows; more than any limit where there is none."""
    micros = [
        priced.micros
        for name, mode in _modes(row)
        if wanted.mode in ("", name) and _offers(mode, wanted) and (priced := _priced(row, name, wanted.duration))
    ]
    return min(micros, default=1 << 62)


def _priced(row: VideoModel, mode: str, seconds: float | None = None) -> Money | None:
    """What one clip costs with nothing typed but the prompt, the frame and this duration."""
    try:
        resolved = resolve(replace(_WISHES[ModeName(mode)], duration=seconds), row)
        return prices.quote(row, resolved.spec).expected
    except (LookupError, NotFound, Precondition):
        return None


def _mode(row: VideoModel, name: str, mode: Mode) -> model_pb2.ModelMode:
    price = _priced(row, name)
    return model_pb2.ModelMode(
        kind=words.MODES[name.upper()],
        **_durations(mode.durations),
        sizes=[
            model_pb2.ModelSize(aspect_ratio=ratio, resolution=resolution, width=width, height=height)
            for (ratio, resolution), (width, height) in mode.sizes.items()
        ],
        aspect_ratios=mode.aspect_ratios,
        resolutions=mode.resolutions,
        ratio_from_image=mode.ratio_from_image,
        default_price=None if price is None else convert.money(price),
        resolution_durations=[
            model_pb2.ResolutionDurations(resolution=resolution, **_durations(offered))
            for resolution, offered in mode.durations_at.items()
        ],
    )


def _durations(offered: Durations) -> dict[str, Any]:
    """The one field of the oneof."""
    match offered:
        case Choices():
            return {"choices": model_pb2.DurationChoices(choices=map(convert.duration, offered.seconds))}
        case Span():
            low, high, step = map(convert.duration, (offered.low, offered.high, offered.step))
            return {"span": model_pb2.DurationSpan(min=low, max=high, step=step)}
        case Frames():
            return {"frames": model_pb2.DurationFrames(counts=offered.counts, fps=offered.fps)}


def _capabilities(row: VideoModel) -> Iterator[str]:
    if row.text is not None:
        yield "TEXT_TO_VIDEO"
    if row.image is not None:
        yield "FIRST_FRAME"
    yield from (word.upper() for word in _WIRE_CAPABILITIES if word in row.wire)
    if row.has_audio or "audio" in row.wire:
        yield "AUDIO"
    if row.lifecycle.state is not LifecycleState.RETIRED:
        yield "CANCEL"


def _current(row: VideoModel) -> Iterator[Price]:
    """Per condition the newest price that holds today, else the first to come."""
    by_condition: dict[str, list[Price]] = {}
    for price in sorted(row.prices, key=lambda price: price.since):
        by_condition.setdefault(f"{price.unit} {sorted(price.when.items())}", []).append(price)
    today = clock.now().date()
    for dated in by_condition.values():
        yield next((price for price in reversed(dated) if price.since <= today), dated[0])


def _price(price: Price) -> model_pb2.ModelPrice:
    return model_pb2.ModelPrice(
        price=convert.money(Money.of(price.usd)),
        unit=_UNITS[price.unit],
        conditions={name: _spelled(value) for name, value in price.when.items()},
        since_date=str(price.since),
        check_date=str(price.checked),
        source_uri=price.source,
        least=convert.money(Money.of(price.least)) if price.least else None,
    )


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _options(options: Mapping[str, Option], prefix: str = "") -> Iterator[model_pb2.VendorOption]:
    """Every option; the members of an object option are named with a dot."""
    for name, option in options.items():
        if option.kind is dict:
            yield from _options(option.fields, f"{prefix}{name}.")
            continue
        message = model_pb2.VendorOption(
            name=prefix + name, type=_OPTION_TYPES[option.kind], minimum=option.low, maximum=option.high
        )
        for choice in option.choices:
            _set_value(message.choices.add(), choice)
        yield message


def _set_value(message: Any, value: object) -> None:
    if isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int | float):
        message.number_value = float(value)
    else:
        message.string_value = str(value)
