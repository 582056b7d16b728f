"""Quotes and costs, to the micro-unit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from core.errors import Billed, Failure, FailureReason
from core.money import MOCK_CURRENCY, USD, Money
from core.outcome import Failed, Stage, Usage
from core.spec import ClipSpec, MediaInput, ModeName, Wish
from providers.catalogue import CATALOGUE
from providers.durations import exact, some
from providers.model import Price, Unit, VideoModel
from providers.prices import Cost, cost, failure_cost, price_of, quote
from providers.resolve import resolve

_IMAGE = MediaInput(uri="https://example.com/a.png")
_KLING = CATALOGUE.rows["replicate/kling-v2.5-turbo-pro"]
_MINIMAX = CATALOGUE.rows["replicate/minimax-video-01"]
_SVD = CATALOGUE.rows["replicate/stable-video-diffusion"]
_GEN45 = CATALOGUE.rows["runway/gen4.5"]


def _spec(model: VideoModel, duration: float | None = None, audio: bool | None = None) -> ClipSpec:
    first_frame = _IMAGE if model.text is None else None
    resolved = resolve(Wish(prompt="x", duration=duration, audio=audio, first_frame=first_frame), model)
    assert not resolved.violations
    return resolved.spec


_QUOTES: list[tuple[str, float, bool | None, str, str]] = [
    ("replicate/kling-v2.5-turbo-pro", 5, None, "0.35", "0.35"),
    ("replicate/kling-v2.5-turbo-pro", 10, None, "0.70", "0.70"),
    ("replicate/minimax-video-01", 6, None, "0.50", "0.50"),
    ("replicate/stable-video-diffusion", 2, None, "0.063", "0.84"),
    ("replicate/stable-video-diffusion", 3.57, None, "0.063", "0.84"),
    *[("runway/gen4.5", second, None, f"{second * 0.12:.2f}", f"{second * 0.12:.2f}") for second in range(2, 11)],
    *[("runway/gen4_turbo", second, None, f"{second * 0.05:.2f}", f"{second * 0.05:.2f}") for second in range(2, 11)],
    ("runway/veo3.1", 4, True, "1.60", "1.60"),
    ("runway/veo3.1", 6, True, "2.40", "2.40"),
    ("runway/veo3.1", 8, True, "3.20", "3.20"),
    ("runway/veo3.1", 8, None, "3.20", "3.20"),
    ("runway/veo3.1", 4, False, "0.80", "0.80"),
    ("runway/veo3.1", 6, False, "1.20", "1.20"),
    ("runway/veo3.1", 8, False, "1.60", "1.60"),
]


@pytest.mark.parametrize(("model_id", "duration", "audio", "expected", "held"), _QUOTES)
def test_quote(model_id: str, duration: float, audio: bool | None, expected: str, held: str) -> None:
    model = CATALOGUE.rows[model_id]
    quoted = quote(model, _spec(model, duration, audio))
    assert (quoted.expected, quoted.held_max) == (Money.of(expected), Money.of(held))
    assert quoted.basis


def _everything(model: VideoModel) -> Iterator[ClipSpec]:
    """Each mode, size, length, sound and priced option of a row."""
    files = {
        ModeName.TEXT: ClipSpec(prompt="x"),
        ModeName.IMAGE: ClipSpec(prompt="x", first_frame=_IMAGE),
        ModeName.REFERENCE: ClipSpec(prompt="x", references=(_IMAGE,)),
        ModeName.VIDEO: ClipSpec(prompt="x", source_video=_IMAGE),
    }
    priced: list[dict[str, object]] = [{}]
    priced += [{name: price.when[name]} for price in model.prices for name in price.when if name in model.options]
    lengths = [float(str(price.when["duration"])) for price in model.prices if "duration" in price.when]
    for name, mode in model.modes.items():
        for (ratio, resolution), options in product(mode.sizes, priced):
            offered = mode.durations_of(resolution)
            named = [seconds for seconds in lengths if exact(offered, seconds) is not None]
            for seconds, audio in product({*some(offered), *named}, (True, False)):
                yield replace(
                    files[name],
                    aspect_ratio=ratio,
                    resolution=resolution,
                    duration=seconds,
                    audio=audio if "audio" in model.wire else None,
                    vendor_options=options,
                )


@pytest.mark.parametrize("model", [row for row in CATALOGUE.rows.values() if row.modes], ids=lambda row: row.id)
def test_every_price_is_some_requests_price(model: VideoModel) -> None:
    used = {id(price_of(model, spec, date(2099, 1, 1))) for spec in _everything(model)}
    settling = {id(price) for price in model.prices if price.unit is Unit.MILLION_TOKENS}
    assert used | settling == {id(price) for price in model.prices}


def test_a_mock_is_quoted_in_its_own_currency() -> None:
    quoted = quote(_KLING, _spec(_KLING), currency=MOCK_CURRENCY)
    assert (quoted.expected.currency, quoted.held_max.currency) == ("XTS", "XTS")
    stated = cost(_KLING, _spec(_KLING), Usage(cost=Money.of("0.60")), currency=MOCK_CURRENCY)
    assert stated.money == Money(currency="XTS", micros=600_000)


def test_prices_are_appended() -> None:
    raised = Price(
        usd=Decimal("0.09"), unit=Unit.SECOND, since=date(2026, 12, 1), checked=date(2026, 12, 1), source="a test"
    )
    model = replace(_KLING, prices=(*_KLING.prices, raised))
    assert quote(model, _spec(_KLING), on=date(2026, 11, 30)).expected == Money.of("0.35")
    assert quote(model, _spec(_KLING), on=date(2026, 12, 1)).expected == Money.of("0.45")
    assert quote(model, _spec(_KLING), on=date(2020, 1, 1)).expected == Money.of("0.35")


def test_a_row_without_price_cannot_be_quoted() -> None:
    with pytest.raises(LookupError):
        quote(replace(_KLING, prices=()), _spec(_KLING))


@pytest.mark.parametrize(
    ("model", "usage", "delivered", "expected", "basis"),
    [
        (_GEN45, Usage(cost=Money.of("0.55"), video_seconds=5.0), 5.04, "0.55", "stated by the vendor"),
        (_KLING, Usage(video_seconds=9.934), 10.0, "0.69538", "price x seconds metered by the vendor"),
        (_KLING, Usage(), 5.04, "0.3528", "price x seconds delivered"),
        (_KLING, Usage(), None, "0.35", "price x seconds requested"),
        (_MINIMAX, Usage(video_seconds=5.934), 5.9, "0.50", "price per video"),
        (_SVD, Usage(compute_seconds=41.25), 2.0, "0.05775", "price x seconds of compute metered by the vendor"),
    ],
)
def test_cost(model: VideoModel, usage: Usage, delivered: float | None, expected: str, basis: str) -> None:
    assert cost(model, _spec(model), usage, delivered) == Cost(money=Money.of(expected), basis=basis)


def test_compute_that_nobody_metered_is_unknown() -> None:
    unknown = cost(_SVD, _spec(_SVD), Usage(), 2.0)
    assert (unknown.money, unknown.billed) == (Money.of("0.063"), Billed.UNKNOWN)


def _failed(
    reason: FailureReason,
    billed: Billed,
    *,
    video_seconds: float | None = None,
    compute_seconds: float | None = None,
) -> Failed:
    usage = Usage(video_seconds=video_seconds, compute_seconds=compute_seconds)
    return Failed(failure=Failure(reason=reason, message="x", billed=billed), usage=usage)


_LOST = _failed(FailureReason.VENDOR_FAILED, Billed.UNKNOWN)
_ESTIMATE = Money.of("0.60")


@pytest.mark.parametrize(
    ("last_seen", "amount", "billed"),
    [
        (Stage.QUEUED, "0", Billed.NO),
        (Stage.THROTTLED, "0", Billed.NO),
        (Stage.RUNNING, "0.60", Billed.UNKNOWN),
        (None, "0.60", Billed.UNKNOWN),
    ],
)
def test_a_cancelled_runway_clip(last_seen: Stage | None, amount: str, billed: Billed) -> None:
    spent = failure_cost(_GEN45, _spec(_GEN45), _LOST, last_seen=last_seen, cancelled=True, estimate=_ESTIMATE)
    assert (spent.money, spent.billed) == (Money.of(amount), billed)


def test_a_runway_clip_lost_without_our_doing_is_not_free() -> None:
    spent = failure_cost(_GEN45, _spec(_GEN45), _LOST, last_seen=Stage.QUEUED, estimate=_ESTIMATE)
    assert (spent.money, spent.billed) == (_ESTIMATE, Billed.UNKNOWN)


def test_what_the_vendor_states_is_what_a_failure_costs() -> None:
    stated = replace(_LOST, usage=Usage(cost=Money.of("0.20")))
    assert failure_cost(_GEN45, _spec(_GEN45), stated, estimate=_ESTIMATE).money == Money.of("0.20")


@pytest.mark.parametrize(
    ("model", "failed", "amount", "billed"),
    [
        (_SVD, _failed(FailureReason.CANCELLED, Billed.YES, compute_seconds=3.5), "0.0049", Billed.YES),
        (_SVD, _failed(FailureReason.CANCELLED, Billed.NO), "0", Billed.NO),
        (_SVD, _failed(FailureReason.VENDOR_FAILED, Billed.UNKNOWN, compute_seconds=10.0), "0.014", Billed.UNKNOWN),
        (_KLING, _failed(FailureReason.CANCELLED, Billed.YES, compute_seconds=3.5), "0.35", Billed.UNKNOWN),
        (_KLING, _failed(FailureReason.BAD_OUTPUT, Billed.YES, video_seconds=5.0), "0.35", Billed.YES),
        (_MINIMAX, _failed(FailureReason.CANCELLED, Billed.YES), "0.50", Billed.UNKNOWN),
        (_MINIMAX, _failed(FailureReason.BAD_OUTPUT, Billed.YES), "0.50", Billed.YES),
        (_MINIMAX, _failed(FailureReason.TIMED_OUT, Billed.NO), "0", Billed.NO),
    ],
)
def test_a_replicate_clip_costs_what_its_metrics_say(
    model: VideoModel, failed: Failed, amount: str, billed: Billed
) -> None:
    spent = failure_cost(model, _spec(model), failed, cancelled=failed.failure.reason is FailureReason.CANCELLED)
    assert (spent.money, spent.billed) == (Money.of(amount, USD), billed)
