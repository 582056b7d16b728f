"""What the server does when more is asked of it than it can do: by everybody, and by one tenant."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

import grpc
from filmgate.v1 import account_pb2, account_service_pb2_grpc
from filmgate.v1 import account_service_pb2 as accounts

from bench.client import TENANT, order, service
from bench.figures import MIB, Figure, at_least, at_most, told
from bench.load import GENERATE, Load, Seen, encoded, load
from bench.processes import CannotMeasure, Started, mocked
from bench.report import Section
from bench.storm import Storm, Weathered, storm

SECONDS = 60.0
_TIMES = 4
_CALLERS = 48
_PEAK_SECONDS = 8.0
_PROBES = 20
_DEAF_SECONDS = 15.0
_LONGEST_RECOVERY = 60.0
_QUOTA = 1.0
_OVER = 100
_ROUNDS = 3
_ROUND_SECONDS = 10.0
_NOISY = "noisy"
_EXECUTION_APART = {"FILMGATE_TENANT_CLIPS": "1", "FILMGATE_WORKER_CLIPS": "1", "FILMGATE_MAX_QUEUED": "10000000"}


def overload(folder: Path, seconds: float = SECONDS) -> Section:
    """Four times as many callers, and then four times as many calls, as the server can accept."""
    with mocked(folder, speed=0.001, **_EXECUTION_APART) as ours:
        call = Load(target=ours.told["grpc"], method=GENERATE, request=_request(TENANT))
        load(folder, replace(call, seconds=1.0))
        usual = load(folder, replace(call, seconds=3.0))
        before = load(folder, replace(call, concurrency=_CALLERS, seconds=_PEAK_SECONDS))
        steady = ours.memory()
        with _most_memory(ours) as memory:
            crowd = Storm(target=call.target, request=call.request, callers=_TIMES * _CALLERS, seconds=seconds)
            seen = storm(folder, crowd)
        recovery = _recovery(call, usual)
        after = load(folder, replace(call, concurrency=_CALLERS, seconds=_PEAK_SECONDS))
        wild = Storm(target=call.target, request=call.request, rate=_TIMES * after.rate, seconds=_DEAF_SECONDS)
        deaf = storm(folder, wild)
        recovery_deaf = _recovery(call, usual)
    peak = max(before.rate, after.rate)
    figures = [
        told("peak, before", before.rate, "/s"),
        told("peak, after", after.rate, "/s"),
        at_least("accepted under overload", seen.accepted, 0.8 * peak, "/s", f"{seen.accepted / peak:.2f} x peak"),
        told("accepted calls, p50", seen.p50, "ms"),
        told("accepted calls, p99", seen.p99, "ms"),
        _statuses("statuses", seen),
        at_most("most resident memory", memory() / MIB, 1.5 * steady / MIB, "MiB", f"{memory() / steady:.2f} x peak's"),
        at_most("recovered after", recovery, 10.0, "s"),
        told("deaf callers: offered", deaf.sent / deaf.seconds, "/s", f"{deaf.sent / deaf.seconds / peak:.2f} x peak"),
        told("deaf callers: accepted", deaf.accepted, "/s", f"{deaf.accepted / peak:.2f} x peak"),
        replace(_statuses("deaf callers: statuses", deaf), goal="", met=None),
        told("deaf callers: recovered after", recovery_deaf, "s"),
    ]
    return Section(title=f"Overload x {_TIMES}", remark=_OVERLOAD.format(seconds), figures=figures)


_OVERLOAD = (
    f"`GenerateVideo` on mocks, execution apart. The peak is what {_CALLERS} callers get, each calling again when it is"
    f" answered: {_PEAK_SECONDS:g} s before and after, the better one. In between, {{:g}} s of {_TIMES} times as many"
    " callers, who come back when RetryInfo says. Recovered:"
    f" {_PROBES} calls in a row, one at a time, are accepted, at a median of at most twice what it was before. Then"
    f" {_DEAF_SECONDS:g} s of {_TIMES} times as many calls a second, sent whether or not answers come: there the C-core"
    " cancels by itself what waits in front of the interpreter. The callers are processes on the same machine."
)


def neighbour(folder: Path) -> Section:
    """A tenant at a hundred times its quota, beside another one."""
    limits = {"FILMGATE_TENANT_RATE": f"{_QUOTA:g}"}
    with mocked(folder, speed=0.001, **_EXECUTION_APART, **limits) as ours:
        target = ours.told["grpc"]
        _unlimited(target, TENANT)
        quiet = Load(target=target, method=GENERATE, request=_request(TENANT), seconds=_ROUND_SECONDS, pace=50.0)
        noisy = Storm(target=target, request=_request(_NOISY), rate=_OVER * _QUOTA, seconds=_ROUND_SECONDS + 6)
        load(folder, replace(quiet, seconds=2.0))
        rounds = [_round(folder, quiet, noisy) for _ in range(_ROUNDS)]
    alone, beside = ([pair[place] for pair in rounds] for place in (0, 1))
    storms = [pair[2] for pair in rounds]
    p99 = median(seen.p99 for seen in beside) / median(seen.p99 for seen in alone)
    p50 = median(seen.p50 for seen in beside) / median(seen.p50 for seen in alone)
    remark = (
        f"One tenant asks for videos one at a time, about 50 a second; another, allowed {_QUOTA:g} a second, sends"
        f" {_OVER} times as many, from a process on the same machine. Alone and beside it in turn, {_ROUNDS} rounds of"
        f" {_ROUND_SECONDS:g} s; medians of the rounds. Peer: the same tenant alone."
    )
    figures = [
        told("alone, p50", median(seen.p50 for seen in alone), "ms"),
        told("alone, p99", median(seen.p99 for seen in alone), "ms"),
        told("beside it, p50", median(seen.p50 for seen in beside), "ms", f"{p50:.2f} x alone"),
        told("beside it, p99", median(seen.p99 for seen in beside), "ms", f"{p99:.2f} x alone"),
        at_most("change of the p99", (p99 - 1) * 100, 20, "%"),
        told("the other's calls", sum(seen.sent / seen.seconds for seen in storms) / _ROUNDS, "/s"),
        told("of which accepted", sum(seen.accepted for seen in storms) / _ROUNDS, "/s"),
        _statuses("its statuses", storms[-1]),
    ]
    return Section(title=f"A neighbour at {_OVER} x its quota", remark=remark, figures=figures)


def _round(folder: Path, quiet: Load, noisy: Storm) -> tuple[Seen, Seen, Weathered]:
    alone = load(folder, quiet)
    with ThreadPoolExecutor(1) as pool:
        raging = pool.submit(storm, folder, noisy)
        time.sleep(2.0)  # its process has started, and its quota's burst is spent
        beside = load(folder, quiet)
        return alone, beside, raging.result()


def _statuses(name: str, seen: Weathered) -> Figure:
    words = ", ".join(f"{status} {count:,}" for status, count in sorted(seen.statuses.items()))
    met = set(seen.statuses) <= {"OK", "RESOURCE_EXHAUSTED", "UNAVAILABLE"} and not seen.without_retry_info
    goal = "only these, each with RetryInfo"
    return Figure(name=name, got=f"{words}; {seen.without_retry_info} without RetryInfo", goal=goal, met=met)


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
