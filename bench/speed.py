"""How fast calls are answered: accepting, reading a job, listing models; peers run in turn with us."""

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path

from filmgate.v1 import video_service_pb2 as pb

from bench import echo
from bench.client import TENANT, finished_job, order
from bench.disk import sqlite_commits
from bench.figures import Figure, at_least, at_most, told
from bench.load import GENERATE, Load, Seen, encoded, load
from bench.processes import Started, mocked, started
from bench.report import Section

_SERVICE = "/filmgate.v1.VideoService/"
_MANY = 64
_ROUNDS = 3
_SETTLE_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """The peer and we under the same load."""

    peer: Seen
    ours: Seen
    peer_cpu: float
    cpu: float
    """Microseconds of CPU time per call, of the server alone."""


def accept(folder: Path) -> Section:
    """GenerateVideo until the durable job is in the caller's hand."""
    commits = sqlite_commits(folder)
    caps = {"FILMGATE_TENANT_CLIPS": "1", "FILMGATE_WORKER_CLIPS": "1"}
    with mocked(folder, speed=0.001, **caps) as ours, _echo(folder) as peer:
        call = Load(target=ours.told["grpc"], method=GENERATE, request=encoded(order().SerializeToString()))
        load(folder, replace(call, seconds=0.1))
        time.sleep(_SETTLE_SECONDS)  # the one clip that runs has been sent to its vendor and is waited for
        said = replace(call, target=peer.told["grpc"], method=echo.METHOD)
        echo_alone, echo_many = (load(folder, replace(said, concurrency=callers)) for callers in (1, _MANY))
        alone, alone_cpu = _loaded(ours, folder, replace(call, seconds=4.0))
        many, many_cpu = _loaded(ours, folder, replace(call, concurrency=_MANY, seconds=5.0))
    remark = (
        "`GenerateVideo` on mocks, each call with its own `request_id`; the answer carries the job after its commit."
        " Execution drains apart: the emulators are another process at speed 0.001, and one clip runs at a time."
        " Peers: SQLite, WAL and synchronous FULL, one row of 1 KB per commit, on the same disk; and a bare echo."
    )
    figures = [
        told("peer: bare commit, p50", commits.p50, "ms"),
        told("peer: bare commits, one after the other", commits.rate, "/s"),
        told("peer: echo, c=1, p50", echo_alone.p50, "ms"),
        told("peer: echo, c=64", echo_many.rate, "/s"),
        at_most(
            "durable job id, c=1, p50",
            alone.p50,
            2.0,
            "ms",
            _ratio(alone.p50, commits.p50 + echo_alone.p50, "commit and echo"),
        ),
        told("durable job id, c=1, p99", alone.p99, "ms", _ratio(alone.p99, commits.p99 + echo_alone.p99, "both p99")),
        told("CPU per accept, c=1", alone_cpu, "us"),
        at_least("accepts, c=64", many.rate, 1000, "/s", _ratio(many.rate, echo_many.rate, "echo")),
        told("accept, c=64, p99", many.p99, "ms"),
        told("CPU per accept, c=64", many_cpu, "us"),
    ]
    return Section(title="Accepting", remark=remark, figures=figures)


def get_job(folder: Path) -> Section:
    """GetJob of a finished job, with its video and fresh addresses."""
    with mocked(folder, speed=1000.0) as ours, _echo(folder) as peer:
        target = ours.told["grpc"]
        request = pb.GetJobRequest(tenant_name=TENANT, job_id=finished_job(target).id)
        call = Load(target=target, method=_SERVICE + "GetJob", request=encoded(request.SerializeToString()))
        alone = _pair(ours, peer, folder, call)
        many = _pair(ours, peer, folder, replace(call, concurrency=_MANY))
    figures = [
        told("peer: echo, c=1, p50", alone.peer.p50, "ms"),
        at_most("GetJob, c=1, p50", alone.ours.p50, 0.6, "ms", _ratio(alone.ours.p50, alone.peer.p50, "echo")),
        told("GetJob, c=1, p99", alone.ours.p99, "ms", _ratio(alone.ours.p99, alone.peer.p99, "echo's p99")),
        *_rates("GetJob", many, 2500),
    ]
    return Section(title="Reading a finished job", remark=_TURNS, figures=figures)


def list_models(folder: Path) -> Section:
    """ListVideoModels, the whole catalogue."""
    with mocked(folder, speed=1000.0) as ours, _echo(folder) as peer:
        request = pb.ListVideoModelsRequest(tenant_name=TENANT).SerializeToString()
        call = Load(target=ours.told["grpc"], method=_SERVICE + "ListVideoModels", request=encoded(request))
        many = _pair(ours, peer, folder, replace(call, concurrency=_MANY))
    return Section(
        title="Listing the catalogue",
        remark=_TURNS + " The goal is half of the echo's rate.",
        figures=_rates("ListVideoModels", many, many.peer.rate / 2),
    )


_TURNS = (
    f"Peer: a bare `grpc.aio` echo with our options and uvloop. It and we take turns, {_ROUNDS} rounds of 2 s each; the"
    " best round of each counts. The caller is one process with 4 connections; requests and answers stay bytes there."
)


def _rates(name: str, pair: _Pair, goal: float) -> list[Figure]:
    return [
        told("peer: echo, c=64", pair.peer.rate, "/s"),
        told("peer: CPU per echo, c=64", pair.peer_cpu, "us"),
        at_least(f"{name}, c=64", pair.ours.rate, goal, "/s", _ratio(pair.ours.rate, pair.peer.rate, "echo")),
        told(f"{name}, c=64, p99", pair.ours.p99, "ms", _ratio(pair.ours.p99, pair.peer.p99, "echo's p99")),
        told(f"CPU per {name}, c=64", pair.cpu, "us", _ratio(pair.cpu, pair.peer_cpu, "echo")),
    ]


def _pair(ours: Started, peer: Started, folder: Path, call: Load) -> _Pair:
    """Both under the same load in turn; of each its best round."""
    said = replace(call, target=peer.told["grpc"], method=echo.METHOD)
    rounds = [(_loaded(peer, folder, said), _loaded(ours, folder, call)) for _ in range(_ROUNDS)]
    peer_seen, peer_cpu = max((pair[0] for pair in rounds), key=_rate)
    seen, cpu = max((pair[1] for pair in rounds), key=_rate)
    return _Pair(peer=peer_seen, ours=seen, peer_cpu=peer_cpu, cpu=cpu)


def _rate(loaded: tuple[Seen, float]) -> float:
    return loaded[0].rate


def _loaded(server_: Started, folder: Path, call: Load) -> tuple[Seen, float]:
    before = server_.cpu_seconds()
    seen = load(folder, call)
    return seen, (server_.cpu_seconds() - before) / seen.calls * 1e6


def _ratio(got: float, peer: float, name: str) -> str:
    return f"{got / peer:.2f} x {name}"


def _echo(folder: Path) -> contextlib.AbstractContextManager[Started]:
    return started(("-m", "bench.echo"), r"(?m)^echo ready grpc=(?P<grpc>\S+)$", folder / "echo")
