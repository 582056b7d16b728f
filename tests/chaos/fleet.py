"""The mix on one Postgres with several replicas, which are killed, frozen and stopped while others go on.

Each replica is a place in which one process follows the other; the seed decides how each of them ends. Callers call
any that lives, and so does the balancer that vendors and browsers know.
"""

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from tests.chaos.balancing import Balancer
from tests.chaos.callers import Callers, Doors
from tests.chaos.hearing import Receiver
from tests.chaos.lives import CHILDREN, Emulators, Server, Site, free_port
from tests.chaos.mix import SPEED, Points, Story, keep_or_remove, tell
from tests.chaos.takeovers import Lives, Takeovers
from tests.chaos.verdicts import Judge, Line, stranded
from tests.postgres import Postgres

TAKEN_FOR_DEAD = 70
ROWS_OF_CALLERS = 3
_ANSWER = 10.0
_JUDGE = 99
_LOOK_EVERY = 2.0
_TELL_EVERY = 30.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How much is to happen, in all places together."""

    seed: int
    replicas: int = 2
    kills: int = 300
    freezes: int = 100
    """Longer than the lease; a quarter as many are shorter."""
    lease: int = 4
    outages: bool = False
    minutes: float = 0.0
    """0: until there were enough kills and freezes. Else for so long, however many there are."""

    def endings(self, place: int) -> Iterator[str]:
        """How the processes in a place end, one after the other."""
        chance = random.Random(f"{self.seed} place {place}")
        while True:
            yield from self._round(place, chance)
            if not self.minutes:
                return

    def _round(self, place: int, chance: random.Random) -> list[str]:
        kills, freezes = (_share(count, self.replicas, place) for count in (self.kills, self.freezes))
        points = kills // 2
        endings = ["kill"] * (kills - points) + ["point"] * points + ["freeze"] * freezes
        endings += ["nap"] * (freezes // 4) + ["term"] * (kills // 10)
        chance.shuffle(endings)
        return endings


def _share(count: int, places: int, place: int) -> int:
    return count // places + (place < count % places)


class Outages(threading.Thread):
    """Stops Postgres every 5 to 40 s, for 0 to 5 s; one in four as a crash, and two in five as a replica is killed."""

    def __init__(self, postgres: Postgres, chance: random.Random, kill_one: Callable[[], None]) -> None:
        super().__init__()
        self.spans: list[tuple[float, float]] = []
        """From when to when, by the monotonic clock."""
        self._postgres, self._chance, self._kill_one = postgres, chance, kill_one
        self._over = threading.Event()
        self._since: float | None = None

    def run(self) -> None:
        """Until `end`; the database is there afterwards."""
        chance = self._chance
        while not self._over.wait(chance.uniform(5.0, 40.0)):
            if chance.random() < 0.4:
                self._kill_one()
                self._over.wait(chance.uniform(0.0, 6.0))
            self._since = time.monotonic()
            self._postgres.stop(crash=chance.random() < 0.25)
            time.sleep(chance.uniform(0.0, 5.0))
            self._postgres.start()
            CHILDREN.add(self._postgres.process)
            self.spans.append((self._since, time.monotonic()))
            self._since = None

    def touched(self, begin: float) -> bool:
        """Whether the database was away at some moment since then."""
        return self._since is not None or any(end >= begin for _, end in list(self.spans))

    def end(self) -> None:
        """No more of them."""
        self._over.set()
        if self.ident is not None:
            self.join()


@dataclass
class Fleet:
    """All that the places share."""

    wanted: Wanted
    site: Site
    story: Story
    doors: Doors
    balancer: Balancer
    lives: Lives
    takeovers: Takeovers
    outages: Outages | None = None
    over: threading.Event = field(default_factory=threading.Event)
    serving: dict[int, Server] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def away(self, since: float) -> bool:
        """Whether the database was."""
        return self.outages is not None and self.outages.touched(since)

    def kill_one(self, chance: random.Random) -> None:
        """SIGKILL, before an outage; its place notices."""
        servers = list(self.serving.values())
        if servers:
            chance.choice(servers).process.kill()

    def count(self, name: str) -> None:
        """One more of these events."""
        with self.lock:
            self.story.events[name] += 1

    def fault(self, name: str, text: str) -> None:
        """An invariant was seen broken at once."""
        self.story.told.faults.append((name, text))


class Place(threading.Thread):
    """One process after the other."""

    def __init__(self, fleet: Fleet, number: int) -> None:
        super().__init__()
        self._fleet, self._number = fleet, number
        self._chance = random.Random(f"{fleet.wanted.seed} lives {number}")

    def run(self) -> None:
        """Until all endings were played, or it is over."""
        try:
            self._play()
        except Exception as error:  # a place that stops would be missed by nobody
            self._fleet.fault("N1", f"place {self._number} came to an end: {type(error).__name__} {error}")
            raise

    def _play(self) -> None:
        for ending in self._fleet.wanted.endings(self._number):
            while not self._fleet.over.is_set() and not self._life(ending):
                self._fleet.count("start failed while the database was away")
            if self._fleet.over.is_set():
                return

    def _life(self, ending: str) -> bool:
        """One process; False when it could not start for the database's sake."""
        fleet, began = self._fleet, time.monotonic()
        point = fleet.story.points.choose(self._chance) if ending == "point" else ""
        server = fleet.site.replica(point, self._number)
        try:
            if server.target:
                fleet.story.recoveries.append(time.monotonic() - began)
                self._serve(server, ending)
            elif not server.died(10.0) or server.process.returncode != -9 or not point:
                if fleet.away(began):
                    return False
                fleet.fault("N1", f"place {self._number}: the server did not start, {server.process.returncode}")
            if point and server.died(0.0) and server.process.returncode == -9:
                fleet.count("died at a point")
                fleet.story.points.reached[point.partition(":")[0]] += 1
        finally:
            server.kill()
        fleet.count({"kill": "kills", "point": "kills", "freeze": "freezes"}.get(ending, ending))
        return True

    def _serve(self, server: Server, ending: str) -> None:
        fleet, executor = self._fleet, server.executor
        with ExitStack() as stack:
            stack.enter_context(fleet.doors.to(self._number, server.target))
            stack.enter_context(fleet.balancer.to(self._number, server.http))
            stack.enter_context(fleet.lives.alive(executor))
            fleet.serving[self._number] = server
            try:
                self._end(server, executor, ending)
            finally:
                del fleet.serving[self._number]
                server.kill()

    def _end(self, server: Server, executor: str, ending: str) -> None:
        if server.died(self._uptime(ending)):
            self._explain(server, executor, ending)
        elif ending == "freeze":
            self._freeze(server, executor)
        elif ending == "nap":
            server.freeze()
            time.sleep(self._chance.uniform(0.2, 0.5) * self._fleet.wanted.lease)
            server.thaw()
            server.died(self._chance.uniform(0.5, 2.0))
        elif ending == "term":
            if not server.stop():
                self._fleet.fault("N1", f"{executor} did not end well on SIGTERM: {server.process.returncode}")
        else:
            self._killed(server, executor)

    def _uptime(self, ending: str) -> float:
        """Mostly short; now and then long enough to judge others."""
        if ending == "point":
            return self._chance.uniform(2.0, 5.0)
        longer = 0.5 if self._fleet.wanted.minutes else 0.25
        if self._chance.random() < longer:
            return self._chance.uniform(1.5, 2.5) * self._fleet.wanted.lease
        return self._chance.uniform(0.3, 3.0)

    def _killed(self, server: Server, executor: str) -> None:
        server.process.kill()
        server.process.wait()
        self._fleet.takeovers.watch(executor, time.monotonic())

    def _explain(self, server: Server, executor: str, ending: str) -> None:
        """It ended before it was to: at its point, by the outage's hand, or because others took it for dead."""
        status = server.process.returncode
        if status == TAKEN_FOR_DEAD:
            self._fleet.count("taken for dead while it lived")
        elif status == -9:
            self._fleet.takeovers.watch(executor, time.monotonic())
            if ending != "point":
                self._fleet.count("killed before an outage")
        else:
            self._fleet.fault("N1", f"{executor} ended by itself with {status}")

    def _freeze(self, server: Server, executor: str) -> None:
        """For longer than the lease. Whoever was taken for dead meanwhile must end; the others go on."""
        fleet = self._fleet
        server.freeze()
        with fleet.lives.paused(executor):
            fleet.takeovers.watch(executor, time.monotonic())
            time.sleep(fleet.wanted.lease + self._chance.uniform(0.5, 3.0))
            server.thaw()
            end = time.monotonic() + 10.0 + fleet.wanted.lease
            while time.monotonic() < end and not server.died(0.1):
                if fleet.lives.holds(executor):
                    fleet.count("woke before anybody judged it")
                    return
        if not server.died(0.0):
            if fleet.lives.reaped(executor):
                fleet.fault("LEASE", f"{executor} was taken for dead, and lives on")
            return
        fleet.count("zombies that ended themselves")
        if server.process.returncode != TAKEN_FOR_DEAD:
            fleet.fault("LEASE", f"{executor} woke and ended with {server.process.returncode}")


class Play:
    """One seed from begin to end."""

    def __init__(self, wanted: Wanted, points: Sequence[str], folder: Path) -> None:
        self.story = Story(Points(points))
        self.takeovers: Takeovers
        self._wanted, self._folder = wanted, folder
        self._outages: Outages | None = None

    @property
    def outages(self) -> int:
        """How many there were."""
        return len(self._outages.spans) if self._outages else 0

    def run(self) -> list[Line]:
        """What is wrong with each invariant, in the order of `verdicts.MEANINGS`."""
        with ExitStack() as stack:
            postgres = Postgres()
            stack.callback(postgres.remove)
            CHILDREN.add(postgres.process)
            name = stack.enter_context(postgres.database())
            emulators = Emulators(self._folder / "emulators", SPEED)
            stack.callback(emulators.stop)
            receiver = Receiver()
            stack.callback(receiver.stop)
            balancer = Balancer(free_port())
            stack.callback(balancer.stop)
            site = Site(
                folder=self._folder,
                emulator_url=emulators.url,
                webhooks=receiver.origin,
                http_port=balancer.port,
                database_urls=(postgres.url(name, tcp=True), postgres.url(name)),
                lease=self._wanted.lease,
            )
            self._play(site, postgres, balancer, emulators, f"{receiver.origin}/hook")
            judge = Judge(site, emulators, receiver, self.story.told, self.story.events)
            start = partial(_last, site, balancer, stack)
            return judge.judge(start, self.story.alive, partial(postgres.faults, name))

    def _play(self, site: Site, postgres: Postgres, balancer: Balancer, emulators: Emulators, hook: str) -> None:
        lives = Lives(site)
        self.takeovers = Takeovers(site, lives, float(self._wanted.lease))
        fleet = Fleet(self._wanted, site, self.story, Doors(), balancer, lives, self.takeovers)
        if self._wanted.outages:
            chance = random.Random(f"{self._wanted.seed} outages")
            self._outages = fleet.outages = Outages(postgres, chance, partial(fleet.kill_one, chance))
        places = [Place(fleet, number) for number in range(self._wanted.replicas)]
        callers = [self._callers(emulators, hook, row) for row in range(ROWS_OF_CALLERS)]
        silence = threading.Event()
        calling = [threading.Thread(target=each.run, args=(fleet.doors, silence)) for each in callers]
        try:
            for thread in (*places, *calling, self.takeovers):
                thread.start()
            if fleet.outages is not None:
                fleet.outages.start()
            self._until_over(fleet, places)
        finally:
            fleet.over.set()
            if fleet.outages is not None:
                fleet.outages.end()
            for place in places:
                place.join()
            silence.set()
            for thread in calling:
                thread.join()
            self.takeovers.end()
            lives.close()

    def _callers(self, emulators: Emulators, hook: str, row: int) -> Callers:
        chance = random.Random(f"{self._wanted.seed} callers {row}")
        return Callers(emulators, self.story.told, hook, chance, row, patience=_ANSWER)

    def _until_over(self, fleet: Fleet, places: Sequence[Place]) -> None:
        """Look now and then whether anything is stranded, and say how far it is."""
        began, told = time.monotonic(), 0.0
        while any(place.is_alive() for place in places):
            passed = time.monotonic() - began
            if self._wanted.minutes and passed > 60 * self._wanted.minutes:
                return
            if passed - told > _TELL_EVERY:
                told = passed
                print(f"{passed:.0f} s: {self.progress()}", flush=True)
            with suppress(sa.exc.SQLAlchemyError):  # no schema yet, or the database is away: the next look is soon
                self.story.alive.look(*stranded(fleet.site))
            time.sleep(_LOOK_EVERY)

    def progress(self) -> str:
        """What happened so far."""
        events = self.story.events
        return (
            f"{events['kills']} kills, {events['freezes']} freezes, {self.outages} outages,"
            f" {len(self.story.told.jobs)} jobs"
        )


@contextmanager
def _behind(balancer: Balancer, server: Server) -> Iterator[None]:
    with balancer.to(_JUDGE, server.http):
        yield


def _last(site: Site, balancer: Balancer, stack: ExitStack) -> Server:
    """The server that everything is judged on."""
    server = site.replica(number=_JUDGE)
    stack.enter_context(_behind(balancer, server))
    return server


def run(wanted: Wanted, points: Sequence[str]) -> int:
    """Play and print the summary; 0 when every invariant holds."""
    started, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="filmgate-fleet-"))
    play = Play(wanted, points, folder)
    lines = play.run()
    played = time.monotonic() - started
    play.story.read_logs(folder)
    keep_or_remove(folder, lines)
    broken = tell(lines, [play.story])
    for text in play.takeovers.summary():
        print(text)
    events = play.story.events
    rate = 60 * (events["kills"] + events["freezes"]) / played
    print(f"replicas: {play.progress()}, {broken} invariants broken, {played:.0f} s, {rate:.1f} a minute")
    if broken:
        print(f"replay: make chaos ARGS='{arguments(wanted)}'")
    return 1 if broken else 0


def arguments(wanted: Wanted) -> str:
    """What plays the same again."""
    more = f" --minutes {wanted.minutes:g}" if wanted.minutes else ""
    return (
        f"--postgres --replicas {wanted.replicas} --kills {wanted.kills} --freezes {wanted.freezes}"
        f" --lease {wanted.lease} --seed {wanted.seed}{' --outages' * wanted.outages}{more}"
    )
