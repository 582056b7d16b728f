"""Resolve an order against the catalogue and this server's vendors: which model, what exactly, for how much. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.errors import NotFound, Precondition, Reason, Violation
from core.money import Money
from core.spec import Notice
from jobs.endpoints import Availability, Vendors
from jobs.orders import Offer, Order, Plan, QuoteLine, Selection
from providers import prices, selection
from providers.model import VideoModel
from providers.resolve import Resolved, for_variation, resolve

AUTO = "auto"
DEFAULT = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    row: VideoModel
    reason: str
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    row: VideoModel
    resolved: Resolved
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fallbacks:
    ways: Sequence[_Way]
    violations: Sequence[Violation]
    notices: Sequence[Notice]


def plan(order: Order, vendors: Vendors, default_model: str, usual: Mapping[str, int] | None = None) -> Plan:
    """Resolve an order. Raises NotFound or Precondition for the model; everything else is in `violations`.

    `usual` has the run times we have seen ourselves, in seconds by model.
    """
    choice = _choose(order, vendors, order.model or default_model, usual or {})
    available = vendors.availability(choice.row)
    endpoint = available.endpoint
    if endpoint is None:
        raise _unavailable(choice.row, available)
    resolved = resolve(order.wish, choice.row)
    fallbacks = _fallbacks(order, vendors, choice.row, available)
    ways = [] if resolved.violations else [_Way(row=choice.row, resolved=resolved), *fallbacks.ways]
    offers = [_offers(ways, position, endpoint.currency) for position in range(order.variations if ways else 0)]
    return Plan(
        order=order,
        model=choice.row.id,
        model_reason=choice.reason,
        mock=endpoint.mock,
        currency=endpoint.currency,
        spec=resolved.spec,
        target_duration=resolved.target_duration or 0.0,
        offers=offers,
        lines=[_line(position, offered) for position, offered in enumerate(offers)],
        notices=[*choice.notices, *resolved.notices, *fallbacks.notices],
        violations=[*resolved.violations, *fallbacks.violations],
        catalogue_revision=vendors.catalogue.revision,
        expected_seconds=choice.row.typical_seconds[1],
        style=resolved.style,
    )


def _choose(order: Order, vendors: Vendors, name: str, usual: Mapping[str, int]) -> _Choice:
    if name != AUTO:
        found = vendors.find(name, order.wish.mode)
        return _Choice(row=found.model, reason="asked for", notices=found.notices)
    wanted = order.selection or Selection()
    chosen = vendors.chooser.choose(
        order.wish,
        vendors.usable(),
        strategy=selection.Strategy(wanted.strategy),
        required=frozenset(map(selection.Capability, wanted.required_capabilities)),
        typical=usual,
    )
    return _Choice(row=chosen.model, reason=chosen.reason)


def _unavailable(row: VideoModel, available: Availability) -> Precondition:
    return Precondition(
        reason=Reason.MODEL_UNAVAILABLE,
        message=f"{row.id} is not available on this server: {available.reason}",
        metadata={"model": row.id},
    )


def _fallbacks(order: Order, vendors: Vendors, row: VideoModel, first: Availability) -> _Fallbacks:
    """The rows of `fallback_models` that can honour everything typed, and what is said about the others."""
    ways: list[_Way] = []
    violations: list[Violation] = []
    notices: list[Notice] = []
    for position, name in _named(order.fallbacks, row, vendors):
        field = f"fallback_models[{position}]"
        try:
            row = vendors.find(name, order.wish.mode).model
        except (NotFound, Precondition) as error:
            violations.append(Violation(field=field, message=error.message))
            continue
        resolved = resolve(order.wish, row)
        available = vendors.availability(row)
        if resolved.violations or available.state is not first.state:
            why = resolved.violations[0].message if resolved.violations else available.reason
            notices.append(Notice(code="FALLBACK_SKIPPED", message=f"{row.id} cannot take over: {why}", field=field))
        else:
            ways.append(_Way(row=row, resolved=resolved, notices=resolved.notices))
    return _Fallbacks(ways=ways, violations=violations, notices=notices)


def _named(fallbacks: Sequence[str], row: VideoModel, vendors: Vendors) -> Iterator[tuple[int, str]]:
    """The fallbacks asked for, each once; `default` stands for the model's other homes and the row's own list."""
    seen = {row.id}
    for position, name in enumerate(fallbacks):
        for each in vendors.catalogue.fallbacks(row) if name == DEFAULT else (name,):
            if each not in seen:
                seen.add(each)
                yield position, each


def _offers(ways: Sequence[_Way], position: int, currency: str) -> list[Offer]:
    offers = []
    for way in ways:
        spec = for_variation(way.resolved.spec, position, way.row)
        quote = prices.quote(way.row, spec, currency=currency)
        offers.append(Offer(model=way.row.id, spec=spec, quote=quote, notices=way.notices))
    return offers


def _line(position: int, offers: Sequence[Offer]) -> QuoteLine:
    """The model asked for is expected; the dearest of all ways is held."""
    first = offers[0].quote
    held = max(offer.quote.held_max.micros for offer in offers)
    return QuoteLine(
        clip_index=position,
        model=offers[0].model,
        expected=first.expected,
        held_max=Money(currency=first.held_max.currency, micros=held),
        basis=first.basis,
    )
