"""Thousands of clips that wait for their vendor: what they weigh, what they cost, and how soon they are back."""

import contextlib
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from filmgate.v1 import video_service_pb2 as pb

from bench.client import TENANT, order, service, state, until
from bench.figures import MIB, Figure, at_most, told
from bench.inside import Inside, watched
from bench.load import Load, Seen, encoded, load
from bench.processes import CannotMeasure, Started, server, started
from bench.report import Section

WAITING, BACK = 10_000, 2_000
_HEALTH = "/grpc.health.v1.Health/Check"
_BATCH = 100
_WARM = 100
_POLLS = 10.0
"""A second, of all clips together: what one credential of a usual vendor may ask."""
_KEYS = 40
"""Credentials among which the clips are shared out, so that the vendor's budget of submits does not keep them away."""
_SETTLE_SECONDS = 5.0
_IDLE_SECONDS = 20.0
_LAG_SECONDS = 35.0
_LONGEST_FILL = 1800.0
_LONGEST_CALM = 600.0
_STARTS = 3
_ALL_SECONDS = 120.0


def waiting(folder: Path, clips: int = WAITING, seconds: float = 65.0) -> Section:
    """Clips of one tenant that wait for their vendor, each polled once already."""
    quiet = (clips + _WARM) / _POLLS
    with (
        vendor(folder, "--quiet", f"{quiet:g}") as upstream,
        watched(folder / "server", **settings(upstream, clips + _WARM)) as (ours, inside),
    ):
        time.sleep(_SETTLE_SECONDS)
        idle = cpu_percent(ours, min(seconds, _IDLE_SECONDS))
        before = _asked(ours, folder, min(seconds, 6.0))
        fill(ours, upstream, _WARM, _WARM)
        time.sleep(_SETTLE_SECONDS)
        base, begin, spent = ours.memory(), time.monotonic(), ours.cpu_seconds()
        submitted = fill(ours, upstream, clips, clips + _WARM)
        polled = time.monotonic() - begin
        spent = ours.cpu_seconds() - spent
        _calm(upstream)
        steady = _steady(ours, upstream, seconds)
        after = _asked(ours, folder, min(seconds, _LAG_SECONDS))
        counts = inside.now()
        memory = ours.memory()
    if counts["waiting"] < clips:
        raise CannotMeasure(f"only {counts['waiting']:g} clips of {clips} wait")
    figures = [
        told("clips that wait", counts["waiting"], ""),
        told("accepted and submitted", clips / submitted, "clips/s"),
        told("each polled once, after", polled, "s"),
        told("CPU per clip until then", spent / clips * 1000, "ms"),
        told("CPU of one core before, idle", idle, "%"),
        at_most("CPU of one core", steady.cpu, 10, "%"),
        told("polls of the vendor", steady.polls, "/s"),
        told("CPU per poll and second of waiting, at the most", (steady.cpu - idle) * 10 / steady.polls, "ms"),
        *_lag(before, after),
        at_most("resident memory", memory / MIB, 1024, "MiB"),
        told("memory per waiting clip", (memory - base) / clips / 1024, "KiB"),
        told("tasks", counts["tasks"], ""),
        told("threads", counts["threads"], ""),
    ]
    return Section(
        title=f"{clips:,} clips waiting", remark=_REMARK.format(clips=clips, seconds=seconds), figures=figures
    )


_REMARK = (
    "{clips:,} clips of one tenant, its cap raised, at a stand-in vendor on loopback that never finishes; it is spoken"
    f" to as a live one, with {_KEYS} credentials, so that its budget of 5 submits a second each is not what is"
    " measured. Ordered by BatchGenerateVideos, a hundred at a time. Each clip's first poll writes that it runs; then"
    f" the vendor asks for so much quiet that all clips together are polled {_POLLS:g} times a second, which is one"
    " credential's budget. CPU over {seconds:g} s, with no caller, once no poll is overdue. The loop's lag is read from"
    " outside: health checks, one at a time, 100 a second, which touch no row. Peer: the same server before."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Steady:
    cpu: float
    polls: float


def _calm(upstream: Started) -> None:
    """Return once no polls are overdue any more, of those that came due while the clips were brought in."""
    begin = time.monotonic()
    while time.monotonic() < begin + _LONGEST_CALM:
        polls = state(upstream.told["url"])["polls"]
        time.sleep(_SETTLE_SECONDS)
        if state(upstream.told["url"])["polls"] - polls <= 1.5 * _POLLS * _SETTLE_SECONDS:
            return
    raise CannotMeasure(f"polls were overdue for more than {_LONGEST_CALM:g} s")


def _steady(ours: Started, upstream: Started, seconds: float) -> _Steady:
    polls, begin = state(upstream.told["url"])["polls"], time.monotonic()
    cpu = cpu_percent(ours, seconds)
    rate = (state(upstream.told["url"])["polls"] - polls) / (time.monotonic() - begin)
    return _Steady(cpu=cpu, polls=max(rate, 0.01))


def _lag(before: Seen, after: Seen) -> list[Figure]:
    return [
        told("health check, p50", after.p50, "ms", f"{after.p50 / before.p50:.2f} x before"),
        at_most("health check (loop lag), p99", after.p99, 50, "ms", f"{after.p99 / before.p99:.2f} x before"),
        told("health check, slowest", after.slowest, "ms", f"{after.slowest / before.slowest:.2f} x before"),
    ]


def recovery(folder: Path, clips: int = BACK) -> Section:
    """SIGKILL with clips waiting; how soon all wait again."""
    with vendor(folder, "--quiet", f"{clips / _POLLS:g}") as upstream:
        variables = settings(upstream, clips)
        _start(folder / "plain", variables)  # makes the database
        plain = [_start(folder / "plain", variables) for _ in range(_STARTS)]
        _bare(folder / "bare", clips, "--fill")
        bare = [_bare(folder / "bare", clips) for _ in range(_STARTS)]
        place = folder / "server"
        with watched(place, **variables) as (ours, _inside):
            fill(ours, upstream, clips, clips)
            ours.process.kill()
            ours.process.wait()
        backs = [_back(place, variables, upstream, clips) for _ in range(_STARTS)]
        created = state(upstream.told["url"])["created"]
    peer, engine = median(plain), median(bare)
    back = sorted(backs, key=lambda each: each.waiting)[_STARTS // 2]
    figures = [
        told("peer: a start without clips, until it serves", peer, "s"),
        told("peer: the engine alone, until its runs wait again", engine, "s"),
        told("until it serves", back.ready, "s", f"{back.ready / peer:.2f} x peer"),
        at_most("until all wait again", back.waiting, 5, "s", f"{back.waiting / (peer + engine):.2f} x both peers"),
        at_most("the slowest of the starts", max(each.waiting for each in backs), 5, "s"),
        told("until the vendor was asked about each again", back.asked, "s"),
        told("CPU until all wait again, per clip", back.cpu / clips * 1000, "ms"),
        at_most("submits beyond one for each clip", created - clips, 0, ""),
    ]
    remark = (
        f"{clips:,} clips wait at a stand-in vendor; the server is killed (SIGKILL) and started again, {_STARTS} times;"
        " medians. Times count from the start of the new process. A clip waits again when its task is in the step that"
        " waits, as the process itself tells; then it is polled within the vendor's budget. Peers: a start with a"
        " database without clips; and DBOS alone on our database's settings, with as many runs, each of one recorded"
        " step and one that waits, killed and started likewise (its imports are in both)."
    )
    return Section(title=f"{clips:,} waiting clips after SIGKILL", remark=remark, figures=figures)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Back:
    """Seconds since the process was started; CPU seconds that it had used."""

    ready: float
    waiting: float
    asked: float
    cpu: float


def _back(place: Path, variables: dict[str, str], upstream: Started, clips: int) -> _Back:
    _fresh(upstream)
    begin = time.monotonic()
    with watched(place, **variables) as (ours, inside):
        ready = time.monotonic() - begin
        waiting_at = _all_wait(inside, clips) - begin
        cpu = ours.cpu_seconds()
        until(lambda: state(upstream.told["url"])["asked"] >= clips, _ALL_SECONDS, "asking about each clip")
        asked = time.monotonic() - begin
        print(f"recovery: serves {ready:.2f} s, all wait {waiting_at:.2f} s, asked {asked:.2f} s", file=sys.stderr)
        ours.process.kill()
        ours.process.wait()
    return _Back(ready=ready, waiting=waiting_at, asked=asked, cpu=cpu)


def _all_wait(inside: Inside, clips: int) -> float:
    """The moment at which all wait, to 200 ms. Raises CannotMeasure."""
    end = time.monotonic() + _ALL_SECONDS
    while time.monotonic() < end:
        counts = inside.now()
        if counts["waiting"] >= clips:
            return counts["at"]
        time.sleep(0.2)
    raise CannotMeasure(f"{counts['waiting']:g} of {clips} clips wait again after {_ALL_SECONDS:g} s")


def _start(place: Path, variables: dict[str, str]) -> float:
    begin = time.monotonic()
    with server(place, **variables):
        return time.monotonic() - begin


def _bare(place: Path, runs: int, *arguments: str) -> float:
    """Seconds until the engine's runs wait, those of a process killed before or new ones; it is killed then."""
    place.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    with started(("-m", "bench.bare", str(place), str(runs), *arguments), r"(?m)^all wait", place / "log") as engine:
        seconds = time.monotonic() - begin
        engine.process.kill()
        engine.process.wait()
    return seconds


def _fresh(upstream: Started) -> None:
    with urllib.request.urlopen(f"{upstream.told['url']}/fresh", timeout=10) as reply:  # noqa: S310 - loopback
        json.load(reply)


def settings(upstream: Started, clips: int) -> dict[str, str]:
    """A server that speaks to the stand-in as to a live vendor, with room for so many clips of one tenant."""
    return {
        "RUNWAY_API_KEY": ",".join(f"bench-no-secret-{number}" for number in range(_KEYS)),
        "RUNWAY_BASE_URL": upstream.told["url"],
        "FILMGATE_MOCK": "auto",
        "FILMGATE_EMULATOR_URL": upstream.told["url"],
        "FILMGATE_TENANT_CLIPS": str(clips + 100),
        "FILMGATE_WORKER_CLIPS": str(clips + 100),
    }


def fill(ours: Started, upstream: Started, clips: int, total: int) -> float:
    """Order clips, a hundred jobs a call, until the vendor was asked about all; seconds until it had them all."""
    begin = shown = time.monotonic()
    submitted = 0.0
    requests = [order() for _ in range(_BATCH)]
    with service(ours.told["grpc"]) as stub:
        for _ in range(clips // _BATCH):
            stub.BatchGenerateVideos(pb.BatchGenerateVideosRequest(tenant_name=TENANT, requests=requests), timeout=60)
    while time.monotonic() < begin + _LONGEST_FILL:
        counts = state(upstream.told["url"])
        if counts["created"] >= total and not submitted:
            submitted = time.monotonic() - begin
        if submitted and counts["asked"] >= total:
            return submitted
        if time.monotonic() > shown + 10:
            shown = time.monotonic()
            print(f"submitted {counts['created']}, polled {counts['asked']} of {total}", file=sys.stderr)
        time.sleep(0.2)
    raise CannotMeasure(f"{total} clips were not submitted and polled within {_LONGEST_FILL:g} s")


def cpu_percent(ours: Started, seconds: float) -> float:
    """Of one core, of the server's own process."""
    before, begin = ours.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (ours.cpu_seconds() - before) / (time.monotonic() - begin) * 100


def _asked(ours: Started, folder: Path, seconds: float) -> Seen:
    return load(
        folder, Load(target=ours.told["grpc"], method=_HEALTH, request=encoded(b""), seconds=seconds, pace=100.0)
    )


@contextlib.contextmanager
def vendor(folder: Path, *arguments: str) -> Iterator[Started]:
    """The stand-in; `told` has its `url`."""
    ready = r"(?m)^vendor ready (?P<url>\S+)$"
    with started(("-m", "bench.patient", *arguments), ready, folder / "vendor") as upstream:
        yield upstream
