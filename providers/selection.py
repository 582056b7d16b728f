"""The model `auto` stands for: the cheapest, fastest or best row that does all of a wish, and why."""

import enum
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from core import clock
from core.errors import InvalidRequest, Precondition, Reason, Violation
from core.spec import MediaInput, Wish
from core.text import utf16_units
from providers import prices
from providers.model import LifecycleState, VideoModel
from providers.resolve import can_honour, resolve


class Strategy(enum.StrEnum):
    """What `auto` prefers."""

    CHEAPEST = "CHEAPEST"
    FASTEST = "FASTEST"
    BEST = "BEST"


class Capability(enum.StrEnum):
    """What a caller can require of the row beyond the parameters they typed."""

    TEXT_TO_VIDEO = "TEXT_TO_VIDEO"
    FIRST_FRAME = "FIRST_FRAME"
    LAST_FRAME = "LAST_FRAME"
    AUDIO = "AUDIO"
    SEED = "SEED"
    NEGATIVE_PROMPT = "NEGATIVE_PROMPT"
    MOTION = "MOTION"
    FPS = "FPS"
    REFERENCE_IMAGES = "REFERENCE_IMAGES"
    SOURCE_VIDEO = "SOURCE_VIDEO"


_REMEMBERED = 1024
_GOOD_ENOUGH = 60
"""The rank down to which `auto` chooses freely: the first models of the field are taken only when no other can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The chosen row and the reason in words."""

    model: VideoModel
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    model: VideoModel
    micros: int
    price: str
    seconds: int
    length: float
    """Seconds of video."""

    @property
    def per_second(self) -> float:
        """Micros per second of video: a clip is not cheap for being short."""
        return self.micros / self.length

    @property
    def rank(self) -> int:
        return self.model.quality_rank


def choose(
    wish: Wish,
    rows: Iterable[VideoModel],
    available: Set[str],
    strategy: Strategy = Strategy.CHEAPEST,
    required: Set[Capability] = frozenset(),
    typical: Mapping[str, int] | None = None,
) -> Choice:
    """The row for `auto` among `rows` whose ids are in `available` (give only live ones, or only mocks).

    The cheapest costs least per second of video; `typical` overrides the rows' usual seconds with our own history. Rows
    that need a substitution count only when the wish allows them and no other row is left. Raises InvalidRequest for
    vendor options, whose names differ per model, and Precondition(MODEL_UNAVAILABLE) naming what each row lacks.
    """
    if wish.vendor_options:
        raise InvalidRequest.of(
            [Violation(field="vendor_options", message="name a model instead of auto to use these")]
        )
    buyable = [row for row in rows if row.id in available and row.lifecycle.state is not LifecycleState.RETIRED]
    able = [row for row in buyable if all(has(row, capability) for capability in required)]
    fitting = [row for row in able if row.mode(wish.mode) and can_honour(wish, row)]
    if not fitting and wish.allow_substitutions:
        fitting = [row for row in able if row.prompt_limit and not resolve(wish, row).violations]
    if not fitting:
        raise Precondition(reason=Reason.MODEL_UNAVAILABLE, message=_nothing_fits(wish, buyable, required))
    fitting = [row for row in fitting if row.quality_rank <= _GOOD_ENOUGH] or fitting
    usual = typical or {}
    ranked = sorted((_candidate(wish, row, usual) for row in fitting), key=_ORDER[strategy])
    return Choice(model=ranked[0].model, reason=_reason(strategy, ranked))


class Chooser:
    """`choose` over fixed rows, remembering its answers: they hardly depend on the prompt, and hold for a day."""

    def __init__(self, rows: Iterable[VideoModel]) -> None:
        self._rows = tuple(rows)
        self._limits = {utf16: _limits(self._rows, utf16=utf16) for utf16 in (False, True)}
        self._known: OrderedDict[object, Choice] = OrderedDict()

    def choose(
        self,
        wish: Wish,
        available: frozenset[str],
        strategy: Strategy = Strategy.CHEAPEST,
        required: frozenset[Capability] = frozenset(),
        typical: Mapping[str, int] | None = None,
    ) -> Choice:
        """As `choose`."""
        if wish.vendor_options or any(media.data for media in _media(wish)):
            return choose(wish, self._rows, available, strategy, required, typical)
        usual = tuple(sorted((typical or {}).items())) if strategy is Strategy.FASTEST else ()
        key = (self._likeness(wish), available, strategy, required, usual, clock.now().date())
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = choose(wish, self._rows, available, strategy, required, typical)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known

    def _likeness(self, wish: Wish) -> tuple[object, ...]:
        """What of a wish can matter: everything but the prompt, of which only its length against the rows' limits."""
        sizes = (len(wish.prompt), utf16_units(wish.prompt))
        places = (bisect_left(limits, size) for limits, size in zip(self._limits.values(), sizes, strict=True))
        others = (getattr(wish, name) for name in Wish.__slots__ if name not in ("prompt", "vendor_options"))
        return (bool(wish.prompt.strip()), bool(wish.prompt), *places, *others)


def _limits(rows: Sequence[VideoModel], *, utf16: bool) -> list[int]:
    return sorted({row.prompt_limit for row in rows if row.prompt_utf16 == utf16})


def _media(wish: Wish) -> Iterator[MediaInput]:
    yield from (each for each in (wish.first_frame, wish.last_frame, wish.source_video, *wish.references) if each)


def has(model: VideoModel, capability: Capability) -> bool:
    """Whether the row has a capability."""
    if capability is Capability.TEXT_TO_VIDEO:
        return model.text is not None
    if capability is Capability.AUDIO:
        return model.has_audio or "audio" in model.wire
    return capability.value.lower() in model.wire


_ORDER: Mapping[Strategy, Callable[[_Candidate], tuple[object, ...]]] = {
    Strategy.CHEAPEST: lambda candidate: (candidate.per_second, candidate.rank, candidate.model.id),
    Strategy.FASTEST: lambda candidate: (candidate.seconds, candidate.micros, candidate.model.id),
    Strategy.BEST: lambda candidate: (candidate.rank, candidate.micros, candidate.model.id),
}


def _candidate(wish: Wish, model: VideoModel, typical: Mapping[str, int]) -> _Candidate:
    spec = resolve(wish, model).spec
    expected = prices.quote(model, spec).expected
    return _Candidate(
        model=model,
        micros=expected.micros,
        price=f"{expected} for {spec.duration:.4g} s",
        seconds=typical.get(model.id, model.typical_seconds[0]),
        length=spec.duration or 1.0,
    )


def _reason(strategy: Strategy, ranked: list[_Candidate]) -> str:
    first = ranked[0]
    merit = _merit(strategy, first)
    chosen = f"auto chose {first.model.id}, the {strategy.value.lower()} of {len(ranked)} that can do this: {merit}"
    return chosen if len(ranked) == 1 else f"{chosen}; next is {ranked[1].model.id}: {_merit(strategy, ranked[1])}"


def _merit(strategy: Strategy, candidate: _Candidate) -> str:
    if strategy is Strategy.CHEAPEST:
        return candidate.price
    return f"usually {candidate.seconds} s" if strategy is Strategy.FASTEST else f"quality rank {candidate.rank}"


def _nothing_fits(wish: Wish, rows: list[VideoModel], required: Set[Capability]) -> str:
    if not rows:
        return "no model is available"
    return "no available model can do this: " + "; ".join(f"{row.id} {_lack(wish, row, required)}" for row in rows[:5])


def _lack(wish: Wish, model: VideoModel, required: Set[Capability]) -> str:
    missing = sorted(capability.value for capability in required if not has(model, capability))
    if missing:
        return f"has no {missing[0]}"
    violations = resolve(replace(wish, allow_substitutions=False), model).violations
    return f"({violations[0].field}: {violations[0].message})" if violations else "takes no prompt"
