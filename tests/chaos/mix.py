"""A seeded random mix of callers over many vendors, while the server is killed, frozen, locked out and starved.

The seed decides every choice; only the machine's pace differs from run to run.
"""

import random
import shutil
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.callers import Callers, Doors, Told
from tests.chaos.hearing import Receiver
from tests.chaos.lives import Emulators, Server, Site, free_port
from tests.chaos.verdicts import MEANINGS, Judge, Line, stranded

ENDINGS = {"kill": 7, "point": 9, "freeze": 3, "lock": 1, "full": 1, "term": 1}
"""How a life ends, and how often; all but `term` with SIGKILL."""
SPEED = 300.0
"""How much faster than real the vendors are."""
_TOLD_EVERY = 25
_REVIVED = "a stranded clip is taken up again"


class Points:
    """Crash points to die at: those next that were reached least."""

    def __init__(self, names: Sequence[str]) -> None:
        self.reached: Counter[str] = Counter(dict.fromkeys(names, 0))
        self._tried: Counter[str] = Counter()

    def choose(self, chance: random.Random) -> str:
        """A point and a passage, such as `after-submit:2`."""
        name = min(self.reached, key=lambda name: (self.reached[name] + self._tried[name] / 4, chance.random()))
        self._tried[name] += 1
        return f"{name}:{chance.choice((1, 1, 2, 3)) if self.reached[name] else 1}"

    def text(self) -> str:
        """For the summary."""
        missed = [name for name, count in self.reached.items() if not count]
        least = (
            f"; never at {', '.join(missed)}" if missed else f", at each {min(self.reached.values())} times at least"
        )
        return f"died at {len(self.reached) - len(missed)} of {len(self.reached)} crash points{least}"


@dataclass
class Story:
    """What happened in a mix, beside what its callers were told."""

    points: Points
    told: Told = field(default_factory=Told)
    events: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    """Seconds from the start of a process to its being ready."""
    alive: Line = field(default_factory=lambda: Line("LIVE"))
    """Whether nothing was stranded, as far as was looked between lives."""

    def read_logs(self, folder: Path) -> None:
        """Count what the servers themselves found stranded: runs that had lost their task in a living process."""
        found = sum(path.read_text(encoding="utf-8").count(_REVIVED) for path in folder.glob("*.log"))
        self.events["runs without a task, taken up again"] += found


@dataclass
class Mix:
    """One seed: life after life on one data directory, until there were enough kills."""

    seed: str
    kills: int
    lock_seconds: float
    folder: Path
    story: Story

    def run(self) -> list[Line]:
        """What is wrong with each invariant, in the order of `verdicts.MEANINGS`."""
        emulators = Emulators(self.folder / "emulators", SPEED)
        receiver = Receiver()
        site = Site(folder=self.folder, emulator_url=emulators.url, webhooks=receiver.origin, http_port=free_port())
        chance = random.Random(f"{self.seed} callers")
        callers = Callers(emulators, self.story.told, f"{receiver.origin}/hook", chance, 0)
        try:
            life = 0
            while self.story.events["kills"] < self.kills:
                self._life(site, callers, life)
                life += 1
            judge = Judge(site, emulators, receiver, self.story.told, self.story.events)
            return judge.judge(site.replica, self.story.alive)
        finally:
            emulators.stop()
            receiver.stop()

    def _life(self, site: Site, callers: Callers, life: int) -> None:
        chance, events = random.Random(f"{self.seed} life {life}"), self.story.events
        (ending,) = chance.choices(list(ENDINGS), list(ENDINGS.values()))
        point = self.story.points.choose(chance) if ending == "point" else ""
        server = site.replica(point)
        self.story.recoveries.append(time.monotonic() - server.born)
        try:
            if server.target:
                self._serve(server, site, callers, ending, chance)
            elif not point:
                self.story.told.faults.append(("N1", f"life {life}: the server did not start"))
            self._count_point(server, point)
        finally:
            server.kill()
        self.story.alive.look(*stranded(site))
        events[ending] += 1
        events["kills"] += ending != "term"
        if events["kills"] % _TOLD_EVERY == 0 and ending != "term":
            print(f"seed {self.seed}: {events['kills']} kills, {len(self.story.told.jobs)} jobs", flush=True)

    def _serve(self, server: Server, site: Site, callers: Callers, ending: str, chance: random.Random) -> None:
        doors, over = Doors(), threading.Event()
        thread = threading.Thread(target=callers.run, args=(doors, over))
        with doors.to(0, server.target):
            thread.start()
            try:
                self._end(server, site, ending, chance)
            finally:
                over.set()
                server.kill()
                thread.join()

    def _count_point(self, server: Server, point: str) -> None:
        if point and server.died(0.0):
            self.story.events["died at a point"] += 1
            self.story.points.reached[point.partition(":")[0]] += 1

    def _end(self, server: Server, site: Site, ending: str, chance: random.Random) -> None:
        if ending == "point":
            server.died(chance.uniform(1.5, 4.0))
            return
        server.died(chance.uniform(0.3, 2.5))
        if ending == "freeze":
            server.freeze()
            time.sleep(chance.uniform(0.2, 2.5))
            server.thaw()
        elif ending == "lock":
            lock_out(site.folder / "filmgate.sqlite", self.lock_seconds)
        elif ending == "full":
            server.fill_disk(4096)
            time.sleep(chance.uniform(0.5, 2.0))
            server.empty_disk()
        elif ending == "term":
            if not server.stop():
                self.story.told.faults.append(("N1", "the server did not end well on SIGTERM"))
            return
        server.died(chance.uniform(0.1, 1.5))


def lock_out(path: Path, seconds: float) -> None:
    """Hold the database's write lock for so long."""
    with closing(sqlite3.connect(path, timeout=5)) as connection, suppress(sqlite3.OperationalError):
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.rollback()


def lane(seed: str, kills: int, points: Points, lock_seconds: float) -> tuple[Story, list[Line]]:
    """Play one seed in a folder of its own, which stays when an invariant is broken."""
    folder = Path(tempfile.mkdtemp(prefix="filmgate-mix-"))
    story = Story(points)
    lines = Mix(seed=seed, kills=kills, lock_seconds=lock_seconds, folder=folder, story=story).run()
    story.read_logs(folder)
    keep_or_remove(folder, lines)
    return story, lines


def keep_or_remove(folder: Path, lines: Sequence[Line]) -> None:
    """A folder is kept, and named, when something is wrong."""
    if any(line.faults for line in lines):
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder)


def run(seed: int, kills: int, points: list[str], lock_seconds: float, lanes: int) -> int:
    """Play a seed in so many lanes at once and print the summary; 0 when every invariant holds."""
    started, chosen = time.monotonic(), Points(points)
    shares = [kills // lanes + (number < kills % lanes) for number in range(lanes)]
    with ThreadPoolExecutor(lanes) as pool:
        played = [pool.submit(lane, f"{seed}.{n}", share, chosen, lock_seconds) for n, share in enumerate(shares)]
        found = [each.result() for each in played]
    lines = {name: Line(name) for name in MEANINGS}
    for _, more in found:
        for line in more:
            lines[line.name].look(line.seen, line.faults)
    broken = tell(list(lines.values()), [story for story, _ in found])
    jobs, seconds = sum(len(story.told.jobs) for story, _ in found), time.monotonic() - started
    print(f"mix: {jobs} jobs, {broken} invariants broken, {seconds:.0f} s, {60 * kills / seconds:.1f} kills a minute")
    if broken:
        print(f"replay: make chaos ARGS='--mix {kills} --lanes {lanes} --seed {seed}'")
    return 1 if broken else 0


def tell(lines: Sequence[Line], stories: Sequence[Story]) -> int:
    """Print a line for each invariant, and what happened; how many are broken."""
    for line in lines:
        print(line.text(), flush=True)
        for fault in line.faults[:20]:
            print(f"     {fault}")
    events: Counter[str] = sum((story.events for story in stories), Counter())
    errors: Counter[str] = sum((story.told.errors for story in stories), Counter())
    told = ", ".join(f"{count} {name}" for name, count in sorted(events.items()))
    print(f"{told}; callers were told {', '.join(f'{count} {name}' for name, count in sorted(errors.items()))}")
    print(stories[0].points.text())
    ready = sorted(seconds for story in stories for seconds in story.recoveries)
    print(f"ready after {ready[len(ready) // 2]:.2f} s (p50), {ready[-1]:.2f} s at most")
    return sum(bool(line.faults) for line in lines)
