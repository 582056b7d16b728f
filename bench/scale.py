"""The capacity model: arithmetic from measured figures, and a simulation that has to agree with it.

`python -m bench.scale` prints the tables of docs/scale.md; `--write` puts them there; `--from PAGE` first takes what
was measured from a page that `python -m bench` printed, such as bench/RESULTS.md, into bench/scale.json.
"""

import argparse
import heapq
import itertools
import json
import math
import random
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import number, percentile

INPUTS = Path(__file__).with_name("scale.json")
DOCUMENT = Path(__file__).parent.parent / "docs" / "scale.md"
VOLUMES = (10_000, 100_000, 1_000_000, 10_000_000)
_DAY = 86_400
_SECONDS = 900.0
_WARM_RUNS = 6
"""Vendors' mean run times until the simulation is looked at: until as many come back as go."""
_SEED = 4
_COLLECTED_MIB = 8 * 64
_RECOVERED = 2000
_ROW = re.compile(r"(?m)^\| (?P<row>[^|]+?) \| (?P<got>[-+0-9.,]+) ?(?P<unit>[^|]*?) \|")
_BLOCK = r"(?s)(<!-- {0} -->\n).*?(<!-- end of {0} -->)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The figures, in the units of scale.json."""

    document: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def __getitem__(self, name: str) -> float:
        found = self.document["measured"].get(name) or self.document["chosen"][name]
        return float(found["value"])

    @property
    def collect_seconds(self) -> float:
        """Of one clip, when one is collected at a time for each of a process's places."""
        return self["clip"] / (_COLLECTED_MIB / self["collect"]) * self["collects"]

    @property
    def lock_seconds(self) -> float:
        """Of a clip under its process's interpreter lock; what was measured had one poll."""
        return (self["process_cpu"] + (self["polls"] - 1) * self["poll_cpu"]) / 1000

    @property
    def run_seconds(self) -> float:
        """The mean of a vendor's run time: a log-normal one through both of its figures."""
        sigma = math.log(self["run_p90"] / self["run_p50"]) / 1.2816
        return self["run_p50"] * math.exp(sigma**2 / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Walls:
    """What a day's number of clips needs."""

    clips: int
    mean: float
    peak: float
    """A second."""
    cells: int
    """Databases."""
    processes: int
    processes_by: str
    cores: float
    waiting: float
    process_waiting: float
    process_mib: float
    process_back: float
    """Seconds after SIGKILL."""
    polls: float
    webhook_polls: float
    keys_by_submits: int
    keys_by_polls: int
    mib: float
    """A second through the processes, in and out."""
    commits: float
    notifies: float
    objects: float
    database_gib: float
    stored_tib: float
    """A day."""


def walls(model: Model, clips: int) -> Walls:
    """The arithmetic. All of it is for the busiest hour, but what a day leaves behind."""
    mean = clips / _DAY
    peak = mean * model["peak"]
    waiting = peak * model.run_seconds
    needs = {
        "interpreter lock": peak * model.lock_seconds / model["busy"],
        "accepts": peak / (model["accepts"] * model["busy"]),
        "clips under way": waiting / model["per_process"],
        "collecting": peak * model.collect_seconds / model["collects"] / model["busy"],
    }
    most = max(needs, key=lambda name: needs[name])
    share = waiting / _whole(needs[most])
    return Walls(
        clips=clips,
        mean=mean,
        peak=peak,
        cells=_whole(peak / model["database_jobs"]),
        processes=_whole(needs[most]),
        processes_by=most,
        cores=peak * model["job_cpu"] / 1000 / model["busy"],
        waiting=waiting,
        process_waiting=share,
        process_mib=model["idle"] + share * model["waiting"] / 1024,
        process_back=share / _RECOVERED * model["recovery"],
        polls=peak * model["polls"],
        webhook_polls=peak * model["webhook_polls"],
        keys_by_submits=_whole(peak / model["key_submits"]),
        keys_by_polls=_whole(peak * model["polls"] / model["key_polls"]),
        mib=peak * model["clip"] * 2,
        commits=peak * model["commits"],
        notifies=peak * model["events"],
        objects=peak * model["objects"],
        database_gib=clips * model["database"] / 1024**2,
        stored_tib=clips * model["clip"] / 1024**2,
    )


def _whole(need: float) -> int:
    return max(1, math.ceil(need - 1e-9))


_SHOWN: Sequence[tuple[str, Callable[[Walls], str]]] = (
    ("clips a second, mean", lambda each: number(each.mean)),
    ("clips a second, busiest hour", lambda each: number(each.peak)),
    ("clips under way (Little: rate x run time)", lambda each: number(each.waiting)),
    ("processes", lambda each: f"{each.processes}, for {each.processes_by}"),
    ("clips under way in each", lambda each: number(each.process_waiting)),
    ("MiB of memory of each", lambda each: number(each.process_mib)),
    ("seconds until those of a killed one wait again", lambda each: number(each.process_back)),
    ("cores, media workers included", lambda each: number(each.cores)),
    ("databases", lambda each: str(each.cells)),
    ("commits a second, of all databases", lambda each: number(each.commits)),
    ("NOTIFY a second, of all databases", lambda each: number(each.notifies)),
    ("polls a second, no webhooks", lambda each: number(each.polls)),
    ("polls a second, webhooks", lambda each: number(each.webhook_polls)),
    ("credentials, for submits", lambda each: str(each.keys_by_submits)),
    ("credentials, for polls without webhooks", lambda each: str(each.keys_by_polls)),
    ("MiB a second through the processes, in and out", lambda each: number(each.mib)),
    ("objects a second to the store", lambda each: number(each.objects)),
    ("GiB a day into the databases, before retention", lambda each: number(each.database_gib)),
    ("TiB a day into the object store", lambda each: number(each.stored_tib)),
)


@dataclass(slots=True)
class Seen:
    """What happened at a station since some moment."""

    since: float = 0.0
    at: float = 0.0
    arrived: int = 0
    waits: list[float] = field(default_factory=list)
    served_seconds: float = 0.0
    """Of all servers together."""
    waited_seconds: float = 0.0
    """Of all who waited."""

    def until(self, now: float, line: int, serving: int) -> None:
        """Nothing changed until now."""
        self.served_seconds += serving * (now - self.at)
        self.waited_seconds += line * (now - self.at)
        self.at = now

    @property
    def span(self) -> float:
        """Seconds."""
        return self.at - self.since

    @property
    def inside(self) -> float:
        """How many were there, in the mean."""
        return (self.served_seconds + self.waited_seconds) / self.span

    @property
    def mean_wait(self) -> float:
        """Seconds."""
        return sum(self.waits) / len(self.waits)


@dataclass(slots=True)
class Station:
    """A queue, first come first served; without `servers` nobody waits there."""

    name: str
    servers: int | None
    seconds: Callable[[random.Random], float]
    """Draws a service time."""
    line: "deque[tuple[float, _Job]]" = field(default_factory=deque)
    """Who waits, since when."""
    serving: int = 0
    seen: Seen = field(default_factory=Seen)

    def arrive(self, now: float, job: "_Job", chance: random.Random) -> float | None:
        """The service's length when it begins at once."""
        self.seen.until(now, len(self.line), self.serving)
        self.seen.arrived += 1
        if self.servers is not None and self.serving == self.servers:
            self.line.append((now, job))
            return None
        self.serving += 1
        self.seen.waits.append(0.0)
        return self.seconds(chance)

    def leave(self, now: float, chance: random.Random) -> "tuple[_Job, float] | None":
        """The next in the line, and the length of its service."""
        self.seen.until(now, len(self.line), self.serving)
        if not self.line:
            self.serving -= 1
            return None
        since, job = self.line.popleft()
        self.seen.waits.append(now - since)
        return job, self.seconds(chance)


def play(
    stations: Sequence[Station], route: Sequence[int], rate: float, *, warm: float, seconds: float, seed: int = _SEED
) -> list[float]:
    """Jobs come by chance at a mean `rate` a second and visit the stations in the order of `route`.

    After `warm` seconds the stations' `seen` begin anew, for so many `seconds`. How long the jobs that ended then took.
    """
    chance, serial, looking, took = random.Random(seed), itertools.count(), False, list[float]()
    events = [(chance.expovariate(rate), next(serial), _Job(), False)]
    while events and (now := events[0][0]) < warm + seconds:
        if now >= warm and not looking:
            looking = True
            for station in stations:
                station.seen = Seen(since=now, at=now)
        _, _, job, ends = heapq.heappop(events)
        if not job.began:
            job.began = now
            heapq.heappush(events, (now + chance.expovariate(rate), next(serial), _Job(), False))
        if ends:
            if (following := stations[route[job.place]].leave(now, chance)) is not None:
                heapq.heappush(events, (now + following[1], next(serial), following[0], True))
            job.place += 1
        if job.place == len(route):
            took += [now - job.began] if looking else []
        elif (length := stations[route[job.place]].arrive(now, job, chance)) is not None:
            heapq.heappush(events, (now + length, next(serial), job, True))
    return took


@dataclass(slots=True)
class _Job:
    began: float = 0.0
    place: int = 0
    """In its route."""


def erlang_c(servers: int, load: float) -> float:
    """The share of arrivals that wait at `servers` servers; `load` is rate x mean service time."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mean_wait(servers: int, rate: float, seconds: float) -> float:
    """Of M/M/c, in seconds."""
    load = rate * seconds
    return erlang_c(servers, load) * seconds / (servers - load)


def cell(model: Model, rate: float, *, webhooks: bool) -> tuple[list[Station], list[int]]:
    """The stations of one database with its processes, at its busiest hour, and the way of a clip through them."""
    needed = walls(model, round(rate * _DAY / model["peak"]))
    visits = 4
    step = model.lock_seconds / visits
    sigma = math.log(model["run_p90"] / model["run_p50"]) / 1.2816
    median, collect = math.log(model["run_p50"]), model.collect_seconds
    pause = 0.0 if webhooks else (model["run_p90"] - model["run_p50"]) / 10
    stations = [
        Station("a process's loop", needed.processes, lambda chance: chance.expovariate(1 / step)),
        Station("engine's queue", None, lambda chance: chance.uniform(0.0, model["dequeue"])),
        Station("credentials' submits", needed.keys_by_submits + 1, lambda _: 1 / model["key_submits"]),
        Station("vendor", None, lambda chance: chance.lognormvariate(median, sigma)),
        Station("until it is seen", None, lambda chance: chance.uniform(0.0, pause)),
        Station(
            "collecting", needed.processes * int(model["collects"]), lambda chance: chance.expovariate(1 / collect)
        ),
    ]
    return stations, [0, 1, 0, 2, 3, 4, 0, 5, 0]


_COLUMNS = (
    "station",
    "servers",
    "busy, arithmetic",
    "busy, simulated",
    "inside, arithmetic",
    "inside, simulated",
    "mean wait, M/M/c",
    "mean wait, simulated",
    "p99",
)


def _simulated(model: Model, seconds: float) -> list[str]:
    """The busiest hour of one cell, as arithmetic and as the simulation have it."""
    most = walls(model, VOLUMES[-1])
    rate = most.peak / most.cells
    stations, route = cell(model, rate, webhooks=False)
    took = play(stations, route, rate, warm=_WARM_RUNS * model.run_seconds, seconds=seconds)
    lines = [
        f"One of {most.cells} cells at {number(rate)} clips a second; {seconds:g} s of it, {len(took):,} clips.",
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "| --- |" + " --- |" * (len(_COLUMNS) - 1),
        *(_station_line(station, rate * route.count(place)) for place, station in enumerate(stations)),
    ]
    beyond = sum(took) / len(took) - model.run_seconds
    return [*lines, "", f"In the mean a clip takes {number(beyond)} s longer than its vendor does."]


def _station_line(station: Station, rate: float) -> str:
    seen, servers = station.seen, station.servers
    load = rate * seen.served_seconds / seen.arrived
    shown = [station.name, "any", "", "", number(load), number(seen.inside), "", "", ""]
    if servers is not None:
        expected = mean_wait(servers, rate, load / rate)
        late = percentile(sorted(seen.waits), 0.99)
        busy = [f"{load / servers:.0%}", f"{seen.served_seconds / seen.span / servers:.0%}"]
        waits = [f"{number(round(each * 1000, 2))} ms" for each in (expected, seen.mean_wait, late)]
        shown = [station.name, str(servers), *busy, number(load + rate * expected), number(seen.inside), *waits]
    return "| " + " | ".join(shown) + " |"


def tables(model: Model) -> dict[str, str]:
    """Name of a block of the document -> its text. Arithmetic only."""
    days = [walls(model, clips) for clips in VOLUMES]
    head = " | ".join(f"{each.clips:,} a day" for each in days)
    needs = [f"| what | {head} |", "| --- |" + " --- |" * len(days)]
    needs += [f"| {name} | " + " | ".join(show(each) for each in days) + " |" for name, show in _SHOWN]
    return {"figures": "\n".join(_figures(model)), "walls": "\n".join(needs)}


def _figures(model: Model) -> Iterable[str]:
    yield "| name | value | what it is | source |"
    yield "| --- | --- | --- | --- |"
    for kind, entries in model.document.items():
        for name, each in entries.items():
            source = f"bench: {each['section']}: {each['row']}" if kind == "measured" else "chosen"
            value = f"{number(float(each['value']))} {each['unit']}".strip()
            yield f"| `{name}` | {value} | {each['about']} | {source} |"


def refreshed(document: Mapping[str, Any], page: str) -> dict[str, Any]:
    """The inputs, with those that a page of results has. Raises ValueError for a figure in another unit."""
    result: dict[str, Any] = json.loads(json.dumps(document))
    for section in page.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        found = {match["row"]: match for match in _ROW.finditer(section)}
        for name, each in result["measured"].items():
            match = found.get(each["row"]) if each["section"] in title else None
            if match is None:
                continue
            if match["unit"].strip() != each["unit"]:
                raise ValueError(f"{name} is told in {match['unit']}, not in {each['unit']}")
            each["value"] = float(match["got"].replace(",", ""))
    return result


def written(text: str, blocks: Mapping[str, str]) -> str:
    """The document with these blocks in place of its own."""
    for name, block in blocks.items():
        text = re.sub(_BLOCK.format(name), lambda match, block=block: f"{match[1]}{block}\n{match[2]}", text)  # type: ignore[misc]
    return text


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {DOCUMENT.name}")
    parser.add_argument("--from", dest="pages", type=Path, action="append", default=[], help="a page of results")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how much of the busiest hour is simulated")
    options = parser.parse_args()
    document = json.loads(INPUTS.read_text(encoding="utf-8"))
    for page in options.pages:
        document = refreshed(document, page.read_text(encoding="utf-8"))
    if options.pages:
        INPUTS.write_text(inputs_text(document), encoding="utf-8")
    model = Model(document=document)
    blocks = tables(model) | {"simulation": "\n".join(_simulated(model, options.seconds))}
    if options.write:
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), blocks), encoding="utf-8")
    sys.stdout.write("\n\n".join(blocks.values()) + "\n")


def inputs_text(document: Mapping[str, Any]) -> str:
    """The inputs as they are kept: a line for each figure."""
    kinds = []
    for kind, entries in document.items():
        lines = (f"    {json.dumps(name)}: {json.dumps(each)}" for name, each in entries.items())
        kinds.append(f"  {json.dumps(kind)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(kinds) + "\n}\n"


if __name__ == "__main__":
    _main()
