"""What was used: the ledger's sums, what came of the clips, and what deserves a look."""

import enum
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from core.money import USD
from jobs import tables
from jobs.records import ClipState
from ledger import usage
from ledger.ledger import Kind
from ledger.tables import entries
from ledger.usage import Key, Window, day, day_number, within

RATIO_TOLERANCE = 0.20
LEAST_SUCCESS = 0.90
_STAGE = "video"


class Dimension(enum.StrEnum):
    """By what rows are told apart."""

    DAY = "DAY"
    MODEL = "MODEL"
    CREATIVE = "CREATIVE"
    STAGE = "STAGE"
    VENDOR = "VENDOR"
    TENANT = "TENANT"


class UsageAlarm(enum.StrEnum):
    """What deserves a look."""

    COST_RATIO = "COST_RATIO"
    SUCCESS_RATE = "SUCCESS_RATE"
    UNKNOWN_COST = "UNKNOWN_COST"


@dataclass(kw_only=True, slots=True)
class Figures:
    """Sums of one row. Money in micros of USD."""

    booked: int = 0
    unknown: int = 0
    held: int = 0
    quoted: int = 0
    """Of delivered clips."""
    delivered: int = 0
    """What they cost."""
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: float = 0.0

    def add(self, other: "Figures") -> None:
        """Sum up."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def cost_ratio(self) -> float | None:
        """What delivered clips cost, by what they were quoted."""
        return self.delivered / self.quoted if self.quoted else None

    @property
    def success_rate(self) -> float | None:
        """Successes among successes and failures."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None

    @property
    def alarms(self) -> list[UsageAlarm]:
        """What deserves a look."""
        ratio, rate = self.cost_ratio, self.success_rate
        raised = {
            UsageAlarm.COST_RATIO: ratio is not None and abs(ratio - 1) > RATIO_TOLERANCE,
            UsageAlarm.SUCCESS_RATE: rate is not None and rate < LEAST_SUCCESS,
            UsageAlarm.UNKNOWN_COST: self.unknown > 0,
        }
        return [alarm for alarm, is_raised in raised.items() if is_raised]


Group = tuple[str, ...]
"""A word per dimension asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What was used in a window."""

    dimensions: Sequence[Dimension]
    rows: Sequence[tuple[Group, Figures]]
    """Sorted by their words."""
    total: Figures


def used(connection: sa.Connection, window: Window, dimensions: Sequence[Dimension]) -> Usage:
    """Everything of a window, summed up by these dimensions."""
    groups: dict[Group, Figures] = defaultdict(Figures)
    total = Figures()
    for key, figures in _lines(connection, window):
        groups[tuple(_word(key, dimension) for dimension in dimensions)].add(figures)
        total.add(figures)
    rows = sorted(groups.items(), key=lambda item: item[0]) if dimensions else [((), total)]
    return Usage(dimensions=tuple(dimensions), rows=rows, total=total)


def _word(key: Key, dimension: Dimension) -> str:
    words = {
        Dimension.DAY: key.day.isoformat(),
        Dimension.MODEL: key.model,
        Dimension.CREATIVE: key.creative_id,
        Dimension.STAGE: key.stage,
        Dimension.VENDOR: key.vendor,
        Dimension.TENANT: key.tenant,
    }
    return words[dimension]


def _lines(connection: sa.Connection, window: Window) -> Iterable[tuple[Key, Figures]]:
    for key, sums in usage.sums(connection, window).items():
        yield key, Figures(booked=sums.booked, unknown=sums.unknown, held=sums.held)
    yield from _delivered(connection, window)
    yield from _ended(connection, window)


def _delivered(connection: sa.Connection, window: Window) -> Iterable[tuple[Key, Figures]]:
    """Quotes and costs of the attempts that brought a clip, where the ledger has them."""
    attempts, columns = tables.attempts, entries.c
    group = [day_number(columns.time).label("day"), columns.tenant, columns.model, columns.creative_id, columns.stage]
    query = (
        sa.select(
            *group,
            sa.func.sum(attempts.c.quote_micros).label("quoted"),
            sa.func.sum(attempts.c.cost_micros).label("cost"),
        )
        .select_from(entries.join(attempts, attempts.c.id == columns.attempt_id))
        .where(
            columns.kind == str(Kind.SETTLE),
            columns.currency == USD,
            attempts.c.failure.is_(sa.null()),
            *within(window, columns.time, columns.tenant, columns.model, columns.creative_id),
        )
        .group_by(*group)
    )
    for row in connection.execute(query):
        yield _key(row, row.stage), Figures(quoted=int(row.quoted), delivered=int(row.cost))


def _ended(connection: sa.Connection, window: Window) -> Iterable[tuple[Key, Figures]]:
    """What came of the clips that ended."""
    clips, jobs = tables.clips, tables.jobs
    group = [day_number(clips.c.end_time).label("day"), jobs.c.tenant, clips.c.model, jobs.c.creative_id, clips.c.state]
    seconds = sa.func.sum(clips.c.facts["duration"].as_float())
    query = (
        sa.select(*group, sa.func.count().label("clips"), seconds.label("seconds"))
        .select_from(clips.join(jobs, jobs.c.id == clips.c.job_id))
        .where(
            sa.not_(jobs.c.mock),
            *within(window, clips.c.end_time, jobs.c.tenant, clips.c.model, jobs.c.creative_id),
        )
        .group_by(*group)
    )
    names = {ClipState.SUCCEEDED: "succeeded", ClipState.FAILED: "failed", ClipState.CANCELLED: "cancelled"}
    for row in connection.execute(query):
        figures = Figures(seconds=float(row.seconds or 0.0))
        setattr(figures, names[ClipState(row.state)], int(row.clips))
        yield _key(row, _STAGE), figures


def _key(row: Any, stage: str) -> Key:
    return Key(day=day(row.day), tenant=row.tenant, model=row.model, creative_id=row.creative_id, stage=stage)
