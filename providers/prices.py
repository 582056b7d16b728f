"""What a clip will cost and what it did cost: Decimal inside, micro-units out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from core import clock
from core.errors import Billed, FailureReason
from core.money import USD, Money
from core.outcome import Failed, Stage, Usage
from core.spec import ClipSpec
from providers import durations
from providers.model import CancelCost, Price, Unit, VideoModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """A price said before: what is expected, the most that is held, and how it was reckoned."""

    expected: Money
    held_max: Money
    basis: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """A price after: `billed` UNKNOWN marks an amount that the vendor has not confirmed in any way."""

    money: Money
    basis: str
    billed: Billed = Billed.YES


def quote(model: VideoModel, spec: ClipSpec, *, on: date | None = None, currency: str = USD) -> Quote:
    """What this clip costs at the row's price of day `on` (default today). A mock is quoted in its own currency."""
    price = price_of(model, spec, on)
    if price.unit is Unit.COMPUTE_SECOND:
        typical, _ = model.typical_seconds
        basis = f"{price.usd:f} USD per second of compute, usually {typical} s, at most {model.deadline_seconds} s"
        expected, held = price.usd * typical, price.usd * model.deadline_seconds
    elif price.unit is Unit.SECOND:
        requested = _requested(model, spec)
        basis = f"{price.usd:f} USD per second of video, {_plain(requested)} s"
        expected = held = price.usd * requested
    else:
        basis = f"{price.usd:f} USD per video"
        expected = held = price.usd
    if expected < price.least:
        basis = f"{basis}, but at least {price.least:f} USD"
    expected, held = max(expected, price.least), max(held, price.least)
    return Quote(expected=Money.of(expected, currency), held_max=Money.of(held, currency), basis=basis)


def cost(
    model: VideoModel,
    spec: ClipSpec,
    usage: Usage,
    delivered_seconds: float | None = None,
    *,
    on: date | None = None,
    currency: str = USD,
) -> Cost:
    """What a finished clip cost: the vendor's own figure, else price x delivered, else price x requested seconds."""
    if usage.cost is not None:
        return Cost(money=Money(currency=currency, micros=usage.cost.micros), basis="stated by the vendor")
    metered = _by_tokens(model, spec, usage, on)
    if metered is not None:
        return Cost(money=Money.of(metered, currency), basis="price x tokens metered by the vendor")
    price = price_of(model, spec, on)
    if price.unit is Unit.VIDEO:
        return Cost(money=Money.of(price.usd, currency), basis="price per video")
    if price.unit is Unit.COMPUTE_SECOND:
        return _compute_cost(model, spec, price, usage, currency)
    if usage.video_seconds is not None:
        seconds, basis = Decimal(str(usage.video_seconds)), "price x seconds metered by the vendor"
    elif delivered_seconds is not None:
        seconds, basis = Decimal(str(delivered_seconds)), "price x seconds delivered"
    else:
        seconds, basis = _requested(model, spec), "price x seconds requested"
    return Cost(money=Money.of(max(price.usd * seconds, price.least), currency), basis=basis)


def failure_cost(
    model: VideoModel,
    spec: ClipSpec,
    failed: Failed,
    *,
    last_seen: Stage | None = None,
    cancelled: bool = False,
    estimate: Money | None = None,
    on: date | None = None,
    currency: str = USD,
) -> Cost:
    """What a clip that ended without a video cost.

    `cancelled`: we asked the vendor to stop, so the row's cancel rule decides where the vendor states nothing.
    `last_seen` is the last stage polled before that, `estimate` the vendor's own at accept.
    """
    if failed.usage.cost is not None:
        return cost(model, spec, failed.usage, currency=currency)
    if failed.failure.billed is Billed.NO:
        return _nothing("not billed", currency)
    waiting = last_seen in (Stage.QUEUED, Stage.THROTTLED)
    if cancelled and waiting and model.cancel_cost is CancelCost.NOTHING_UNLESS_STARTED:
        return _nothing("cancelled before it started", currency)
    if _metered(model, spec, failed, on):
        return replace(cost(model, spec, failed.usage, on=on, currency=currency), billed=failed.failure.billed)
    if estimate is not None:
        return Cost(
            money=Money(currency=currency, micros=estimate.micros), basis="the vendor's estimate", billed=Billed.UNKNOWN
        )
    expected = quote(model, spec, on=on, currency=currency).expected
    return Cost(money=expected, basis="our quote; the vendor stated nothing", billed=Billed.UNKNOWN)


def price_of(model: VideoModel, spec: ClipSpec, on: date | None = None) -> Price:
    """The newest price not after `on` whose conditions fit the spec. Before the first one, the first one."""
    price = _newest(model, spec, on, lambda each: each.unit is not Unit.MILLION_TOKENS)
    if price is None:
        raise LookupError(f"{model.id} has no price for this request")
    return price


def _by_tokens(model: VideoModel, spec: ClipSpec, usage: Usage, on: date | None) -> Decimal | None:
    price = _newest(model, spec, on, lambda each: each.unit is Unit.MILLION_TOKENS)
    return None if price is None or usage.tokens is None else price.usd * usage.tokens / 1_000_000


def _newest(model: VideoModel, spec: ClipSpec, on: date | None, wanted: Callable[[Price], bool]) -> Price | None:
    """Of the prices that fit, those with the most conditions, and of them the newest."""
    day = on or clock.now().date()
    fitting = [price for price in model.prices if wanted(price) and _fits(price, spec, model)]
    closest = max((len(price.when) for price in fitting), default=0)
    dated = sorted((price for price in fitting if len(price.when) == closest), key=lambda price: price.since)
    return next((price for price in reversed(dated) if price.since <= day), dated[0] if dated else None)


def _fits(price: Price, spec: ClipSpec, model: VideoModel) -> bool:
    resolved = {
        **spec.vendor_options,
        "audio": model.has_audio if spec.audio is None else spec.audio,
        "resolution": spec.resolution,
        "aspect_ratio": spec.aspect_ratio,
        "duration": spec.duration,
        "mode": spec.mode,
    }
    return all(resolved.get(name) == value for name, value in price.when.items())


def _requested(model: VideoModel, spec: ClipSpec) -> Decimal:
    mode = model.mode(spec.mode)
    if spec.duration is not None:
        return Decimal(str(spec.duration))
    return Decimal(str(durations.longest(mode.durations_of(spec.resolution)))) if mode else Decimal(0)


def _compute_cost(model: VideoModel, spec: ClipSpec, price: Price, usage: Usage, currency: str) -> Cost:
    if usage.compute_seconds is None:
        typical = Money.of(price.usd * model.typical_seconds[0], currency)
        return Cost(money=typical, basis="price x usual run time; the vendor metered nothing", billed=Billed.UNKNOWN)
    metered = Money.of(price.usd * Decimal(str(usage.compute_seconds)), currency)
    return Cost(money=metered, basis="price x seconds of compute metered by the vendor")


def _metered(model: VideoModel, spec: ClipSpec, failed: Failed, on: date | None) -> bool:
    """Whether what the vendor said settles the price of a clip that made no video we can keep."""
    if _by_tokens(model, spec, failed.usage, on) is not None:
        return True
    unit = price_of(model, spec, on).unit
    if unit is Unit.VIDEO:
        return failed.failure.billed is Billed.YES and failed.failure.reason is not FailureReason.CANCELLED
    return (failed.usage.video_seconds if unit is Unit.SECOND else failed.usage.compute_seconds) is not None


def _nothing(basis: str, currency: str) -> Cost:
    return Cost(money=Money(currency=currency, micros=0), basis=basis, billed=Billed.NO)


def _plain(number: Decimal) -> str:
    return f"{float(number):.4g}"
