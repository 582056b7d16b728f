"""What the server does when more is asked of it than it can do: by everybody, and by one tenant."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import grpc
from filmgate.v1 import account_pb2, account_service_pb2_grpc, job_pb2
from filmgate.v1 import account_service_pb2 as accounts
from filmgate.v1 import video_service_pb2 as pb

from bench.client import TENANT, order, service, until
from bench.figures import MIB, Figure, at_least, at_most, percentile, told
from bench.load import GENERATE, Load, Seen, encoded, load
from bench.processes import CannotMeasure, Started, mocked
from bench.report import Section
from bench.storm import EXPECTED, Storm, Weathered, storm

OVERLOAD_SECONDS = 300.0
NEIGHBOUR_SECONDS = 60.0
_TIMES = 4
_CALLERS = 48
_CONNECTIONS = 32
_PEAK_SECONDS = 8.0
_OBEDIENT_SECONDS = 30.0
_PROBES = 20
_LONGEST_RECOVERY = 60.0
_QUOTAS = (1, 5)
_OVER = 100
_TURNS = 5
_PACE = 60.0
_NOISY = "noisy"
_BEGINS = 8
_WAITING = 1000
_EXECUTION_APART = {"FILMGATE_TENANT_CLIPS": "1", "FILMGATE_WORKER_CLIPS": "1", "FILMGATE_MAX_QUEUED": "10000000"}


def overload(folder: Path, seconds: float = OVERLOAD_SECONDS) -> Section:
    """Four times as many callers, and then four times as many calls, as the server can accept."""
    with mocked(folder, speed=0.001, **_EXECUTION_APART) as ours:
        trial = _Trial(folder, ours)
        many = _TIMES * _CALLERS
        obedient = trial.weather("callers who listen", min(seconds, _OBEDIENT_SECONDS), callers=many)
        deaf = trial.weather("deaf callers", seconds, callers=many, deaf=True)
        rate = _TIMES * trial.peaks[-1]
        flood = trial.weather("a flood", seconds, rate=rate, connections=_CONNECTIONS)
        figures = [
            told("peaks, before, between and after", max(trial.peaks), "/s", _list(trial.peaks)),
            *_held("deaf callers", deaf),
            *_held(f"a flood of {_TIMES} x as many calls", flood),
            *_held("callers who listen", obedient),
            at_most(
                "most resident memory",
                trial.most / MIB,
                1.5 * trial.steady / MIB,
                "MiB",
                f"of {trial.steady / MIB:.0f}",
            ),
        ]
    return Section(title=f"Overload x {_TIMES}", remark=_OVERLOAD.format(seconds), figures=figures)


_OVERLOAD = (
    f"`GenerateVideo` on mocks, execution apart. The peak is what {_CALLERS} callers get, each calling again when it is"
    f" answered, for {_PEAK_SECONDS:g} s; each storm is held against the better one of those before and after it."
    f" Deaf callers: {_TIMES} times as many, {{:g}} s, a refused one calls again at once. A flood: as long,"
    f" {_TIMES} times as many calls a second as the peak, sent whether or not answers come, over {_CONNECTIONS}"
    " connections, at most 4,000 open. Callers who listen come back when RetryInfo says. Recovered, from the end of"
    f" sending: all are answered, and {_PROBES} calls in a row, one at a time, are accepted, at a"
    " median of at most twice what it was before. The callers are processes on the same machine,"
    " those of storms at nice 10; `cores`: what a storm's own process took."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Held:
    """How a server held out."""

    seen: Weathered
    peak: float
    recovery: float


class _Trial:
    """A server, its peaks, and its storms."""

    def __init__(self, folder: Path, ours: Started) -> None:
        self._folder, self._ours = folder, ours
        self._call = Load(target=ours.told["grpc"], method=GENERATE, request=_request(TENANT))
        load(folder, replace(self._call, seconds=1.0))
        self._usual = load(folder, replace(self._call, seconds=3.0))
        self.peaks = [self._peak()]
        self.steady = self.most = ours.memory()

    def weather(self, name: str, seconds: float, **how: object) -> _Held:
        """One storm, and what comes after it."""
        wanted = Storm(target=self._call.target, request=self._call.request, seconds=seconds, **how)  # type: ignore[arg-type] # Storm's fields
        with _most_memory(self._ours) as memory:
            seen = storm(self._folder, wanted)
            self.most = max(self.most, memory())
        recovery = seen.tail + _recovery(self._call, self._usual)
        self.peaks.append(self._peak())
        peak = max(self.peaks[-2:])
        _progress(f"{name}: {seen.accepted:.0f}/s of {peak:.0f}/s accepted, {dict(seen.statuses)}, {seen.odd}")
        return _Held(seen=seen, peak=peak, recovery=recovery)

    def _peak(self) -> float:
        return load(self._folder, replace(self._call, concurrency=_CALLERS, seconds=_PEAK_SECONDS)).rate


def _held(name: str, held: _Held) -> list[Figure]:
    seen, peak = held.seen, held.peak
    offered = (seen.sent + seen.unsent) / seen.seconds
    more = f"{offered / peak:.2f} x peak, of which {seen.unsent:,} not sent; {seen.cores:.2f} cores"
    return [
        told(f"{name}: offered", offered, "/s", more),
        at_least(f"{name}: accepted", seen.accepted, 0.8 * peak, "/s", f"{seen.accepted / peak:.2f} x peak"),
        told(f"{name}: accepted calls, p50", seen.p50, "ms"),
        told(f"{name}: accepted calls, p99", seen.p99, "ms"),
        _statuses(f"{name}: statuses", seen),
        at_most(f"{name}: recovered after", held.recovery, 10.0, "s"),
    ]


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values)


def neighbour(folder: Path, seconds: float = NEIGHBOUR_SECONDS) -> Section:
    """A tenant at a hundred times its quota, beside another one; and one with a thousand clips in the queue."""
    figures: list[Figure] = []
    for quota in _QUOTAS:
        figures += _beside(folder / f"quota-{quota}", quota, seconds)
    figures += _behind(folder / "queue")
    return Section(title=f"A neighbour at {_OVER} x its quota", remark=_NEIGHBOUR.format(seconds), figures=figures)


_NEIGHBOUR = (
    f"One tenant asks for videos one at a time, at most {_PACE:g} a second; another, allowed some a second, sends"
    f" {_OVER} times as many whatever it is told, from a process at nice 10 on the same machine. Alone and beside it in"
    f" {_TURNS} turns each, {{:g}} s of each together, percentiles of all its calls. Peer: the same tenant alone; what"
    " its odd turns alone differ from the even ones is noise. Then the queue: from a clip's accept to its start, while"
    f" another tenant has {_WAITING:,} clips waiting, five at a time."
)


def _beside(folder: Path, quota: int, seconds: float) -> list[Figure]:
    limits = {"FILMGATE_TENANT_RATE": f"{quota}"}
    with mocked(folder, speed=0.001, **_EXECUTION_APART, **limits) as ours:
        target = ours.told["grpc"]
        _unlimited(target, TENANT)
        quiet = Storm(
            target=target,
            request=_request(TENANT),
            seconds=seconds / _TURNS,
            callers=1,
            pace=_PACE,
            connections=1,
            nice=0,
            times=True,
        )
        noisy = Storm(target=target, request=_request(_NOISY), rate=_OVER * quota, seconds=seconds / _TURNS + 6)
        storm(folder, replace(quiet, seconds=3.0))
        turns = [_turn(folder, quiet, noisy) for _ in range(_TURNS)]
    alone, beside = ([turn[place] for turn in turns] for place in (0, 1))
    storms = [turn[2] for turn in turns]
    p50, p99 = (_percentile(beside, share) / _percentile(alone, share) for share in (0.5, 0.99))
    noise = _percentile(alone[1::2], 0.99) / _percentile(alone[::2], 0.99)
    _progress(f"quota {quota}/s: p50 {p50:.2f} x, p99 {p99:.2f} x, noise {noise:.2f} x")
    name = f"quota {quota}/s"
    return [
        told(f"{name}: calls alone", sum(len(each.times) for each in alone), ""),
        told(f"{name}: alone, p50", _percentile(alone, 0.5), "ms"),
        told(f"{name}: alone, p99", _percentile(alone, 0.99), "ms", f"{noise:.2f} x, even turns to odd ones"),
        told(f"{name}: beside it, p50", _percentile(beside, 0.5), "ms", f"{p50:.2f} x alone"),
        told(f"{name}: beside it, p99", _percentile(beside, 0.99), "ms", f"{p99:.2f} x alone"),
        at_most(f"{name}: change of the p50", (p50 - 1) * 100, 20, "%"),
        at_most(f"{name}: change of the p99", (p99 - 1) * 100, 20, "%"),
        told(f"{name}: the other's calls", sum(seen.sent / seen.seconds for seen in storms) / _TURNS, "/s"),
        told(f"{name}: of which accepted", sum(seen.accepted for seen in storms) / _TURNS, "/s"),
        _statuses(f"{name}: its statuses", storms[-1]),
    ]


def _turn(folder: Path, quiet: Storm, noisy: Storm) -> tuple[Weathered, Weathered, Weathered]:
    alone = storm(folder, quiet)
    with ThreadPoolExecutor(1) as pool:
        raging = pool.submit(storm, folder, noisy)
        time.sleep(2.0)  # its process has started, and its quota's burst is spent
        beside = storm(folder, quiet)
        return alone, beside, raging.result()


def _percentile(turns: Sequence[Weathered], share: float) -> float:
    return percentile(sorted(each for turn in turns for each in turn.times), share)


def _behind(folder: Path) -> list[Figure]:
    """How soon a tenant's clips are begun, with nobody before them and with a thousand clips of another one."""
    with mocked(folder, speed=20, FILMGATE_TENANT_CLIPS="5") as ours, service(ours.told["grpc"]) as stub:
        alone = [_begun_after(stub) for _ in range(_BEGINS)]
        requests = [order() for _ in range(100)]
        for each in requests:
            each.tenant_name = ""
        for _ in range(_WAITING // len(requests)):
            stub.BatchGenerateVideos(pb.BatchGenerateVideosRequest(tenant_name=_NOISY, requests=requests), timeout=60)
        behind = [_begun_after(stub) for _ in range(_BEGINS)]
        queued = pb.ListJobsRequest(tenant_name=_NOISY, states=[job_pb2.JOB_STATE_QUEUED], page_size=200)
        if not stub.ListJobs(queued, timeout=30).jobs:
            raise CannotMeasure("the queue was worked off before the clips were begun")
    _progress(f"begun after {median(alone):.3f} s alone, {median(behind):.3f} s behind {_WAITING:,} of another tenant")
    return [
        told("a clip begun, nobody before it: median", median(alone) * 1000, "ms"),
        told(f"behind {_WAITING:,} of another tenant: median", median(behind) * 1000, "ms"),
        at_most(f"behind {_WAITING:,} of another tenant: slowest of {_BEGINS}", max(behind), 2.0, "s"),
    ]


def _begun_after(stub: object) -> float:
    """Seconds from a job's accept to its start, as its row has it."""
    job: job_pb2.Job = stub.GenerateVideo(order(), timeout=30).job  # type: ignore[attr-defined] # generated code
    read = pb.GetJobRequest(tenant_name=TENANT, job_id=job.id)

    def started() -> bool:
        job.CopyFrom(stub.GetJob(read, timeout=30).job)  # type: ignore[attr-defined] # generated code
        return job.HasField("start_time")

    until(started, 60, "the start of a clip")
    return (job.start_time.ToNanoseconds() - job.create_time.ToNanoseconds()) / 1e9


def _statuses(name: str, seen: Weathered) -> Figure:
    words = ", ".join(f"{status} {count:,}" for status, count in sorted(seen.statuses.items()))
    met = set(seen.statuses) <= EXPECTED and not seen.without_retry_info
    odd = "".join(f"; {count} x {text}" for text, count in seen.odd.items())
    goal = "only OK, RESOURCE_EXHAUSTED, UNAVAILABLE, with RetryInfo"
    return Figure(name=name, got=f"{words}; {seen.without_retry_info} without RetryInfo{odd}", goal=goal, met=met)


def _recovery(call: Load, usual: Seen) -> float:
    """Seconds from now until calls are answered as before."""
    request = order()
    begin, times = time.monotonic(), list[float]()
    with service(call.target) as stub:
        while time.monotonic() < begin + _LONGEST_RECOVERY:
            start = time.monotonic()
            request.request_id = f"recovery-{time.time_ns()}"
            try:
                stub.GenerateVideo(request, timeout=20)
            except grpc.RpcError:
                times.clear()
                time.sleep(0.05)
                continue
            times.append(time.monotonic() - start)
            if len(times) >= _PROBES and median(times[-_PROBES:]) * 1000 <= 2 * usual.p50:
                return time.monotonic() - begin - sum(times[-_PROBES:])
    raise CannotMeasure(f"calls were not answered as before within {_LONGEST_RECOVERY:g} s")


@contextlib.contextmanager
def _most_memory(ours: Started) -> Iterator[Callable[[], int]]:
    """While the body runs: a function that gives the most resident bytes that were seen."""
    seen, stop = [ours.memory()], threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            seen.append(ours.memory())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: max(seen)
    finally:
        stop.set()
        thread.join()


def _request(tenant: str) -> str:
    request = order()
    request.tenant_name = tenant
    return encoded(request.SerializeToString())


def _unlimited(target: str, tenant: str) -> None:
    limits = account_pb2.TenantLimits(requests_per_second=0)
    with grpc.insecure_channel(target) as channel:
        stub = account_service_pb2_grpc.AccountServiceStub(channel)  # type: ignore[no-untyped-call] # generated code
        stub.CreateTenant(accounts.CreateTenantRequest(tenant_name=tenant, limits=limits), timeout=10)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
