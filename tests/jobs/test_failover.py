"""Leases: who may judge whom, and when; each rule of docs/decisions/0017 on a real Postgres."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest
import sqlalchemy as sa

from core.database import Database, metadata
from jobs import tables
from jobs.failover import Membership
from tests.postgres import Postgres

SECONDS = 1.0


@dataclass
class Member:
    """A process's membership, driven by hand."""

    database: Database
    recovered: list[str] = field(default_factory=list)
    ends: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.id = self.database.instance
        self.membership = Membership(
            self.database, seconds=SECONDS, recover=self.recovered.append, reaped=lambda: self.ends.append(None)
        )

    def seasoned(self) -> "Member":
        """Once it has beaten for a whole lease, without a stall of the machine."""
        begin = last = time.monotonic()
        while last - begin < SECONDS + 0.1:
            self.membership.beat()
            time.sleep(SECONDS / 10)
            now = time.monotonic()
            begin, last = (now if now - last > SECONDS / 3 else begin), now
        return self


@dataclass
class Fleet:
    """The database, and the processes on it."""

    postgres: Postgres
    name: str
    members: list[Member] = field(default_factory=list)

    def join(self) -> Member:
        """One more process."""
        member = Member(Database(self.postgres.url(self.name)))
        member.membership.join()
        self.members.append(member)
        return member

    def work(self, executor: str) -> None:
        """Let the engine have a run under way there."""
        insert = "INSERT INTO dbos.workflow_status (executor_id, status) VALUES (%s, 'PENDING')"
        with psycopg.connect(self.postgres.url(self.name), autocommit=True) as connection:
            connection.execute(insert, (executor,))


@pytest.fixture
def fleet(postgres: Postgres) -> Iterator[Fleet]:
    """Nobody yet; of the engine's tables just what is asked."""
    with postgres.database() as name:
        engine = sa.create_engine(postgres.url(name).replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            metadata.create_all(connection, [tables.executors])
        engine.dispose()
        made = "CREATE TABLE dbos.workflow_status (executor_id text, status text)"
        postgres.run("CREATE SCHEMA dbos", made, database=name)
        fleet = Fleet(postgres, name)
        yield fleet
        for member in fleet.members:
            member.membership.leave()
            member.database.close()


def test_who_is_silent_is_reaped_and_ends_itself(fleet: Fleet) -> None:
    silent, watching = fleet.join(), fleet.join()
    fleet.work(silent.id)
    watching.seasoned().membership.watch()
    assert watching.recovered == [silent.id]
    assert not silent.membership.valid
    silent.membership.beat()
    assert silent.ends == [None]
    assert not silent.membership.valid


def test_who_is_new_judges_nobody(fleet: Fleet) -> None:
    silent = fleet.join()
    fleet.work(silent.id)
    time.sleep(SECONDS + 0.1)
    new = fleet.join()
    new.membership.watch()
    assert new.recovered == []
    new.seasoned().membership.watch()
    assert new.recovered == [silent.id]


def test_a_break_in_ones_own_beats_makes_one_new_again(fleet: Fleet) -> None:
    one, other = fleet.join(), fleet.join()
    one.seasoned()
    time.sleep(SECONDS)  # the world stood still for both
    one.membership.beat()
    one.membership.watch()
    assert (one.recovered, other.ends) == ([], [])
    other.membership.beat()
    assert other.membership.valid
    assert other.ends == []


def test_who_has_missed_beats_itself_judges_nobody(fleet: Fleet) -> None:
    one, other = fleet.join(), fleet.join()
    fleet.work(other.id)
    one.seasoned()
    other.membership.beat()
    time.sleep(SECONDS / 5)
    one.membership.beat()
    time.sleep(SECONDS * 0.85)  # the database was away for both; the first to reach it again only looks
    one.membership.watch()
    assert (one.recovered, other.ends) == ([], [])
    other.membership.beat()
    assert other.ends == []


def test_work_of_someone_unknown_is_taken(fleet: Fleet) -> None:
    watching = fleet.join()
    fleet.work("a zombie whose row is gone")
    watching.seasoned().membership.watch()
    assert watching.recovered == ["a zombie whose row is gone"]


def test_who_leaves_is_not_waited_for(fleet: Fleet) -> None:
    leaving, new = fleet.join(), fleet.join()
    fleet.work(leaving.id)
    leaving.membership.leave()
    new.membership.watch()
    assert new.recovered == [leaving.id]
    assert leaving.ends == []


def test_the_dead_ones_sessions_are_ended(fleet: Fleet) -> None:
    silent, watching = fleet.join(), fleet.join()
    fleet.work(silent.id)
    with silent.database.dbos_engine.connect() as held:
        held.execute(sa.text("SELECT * FROM dbos.workflow_status FOR UPDATE"))
        watching.seasoned().membership.watch()
        with pytest.raises(sa.exc.OperationalError):
            held.execute(sa.text("SELECT 1"))


def test_the_oldest_living_one_leads(fleet: Fleet) -> None:
    first = fleet.join()
    time.sleep(0.002)  # ids sort by the millisecond
    second = fleet.join()
    for member in (first, second):
        member.membership.beat()
        member.membership.watch()
    assert (first.membership.leads, second.membership.leads) == (True, False)
    first.membership.leave()
    second.membership.beat()
    second.membership.watch()
    assert second.membership.leads


def test_the_threads_keep_a_lease_alive(fleet: Fleet) -> None:
    member, watching = fleet.join(), fleet.join()
    member.membership.start()
    watching.seasoned().membership.watch()
    assert member.membership.valid
    assert watching.recovered == []
