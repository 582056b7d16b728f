"""We and LiteLLM's proxy in front of the same upstream, in turn: accepting, reading, whole jobs, and lost replies."""

import contextlib
import json
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb
from openai import APIError, OpenAI

from bench import proxy
from bench.asking import Asking, ask
from bench.client import TENANT, order, real_clip, service, state, until
from bench.figures import Figure, at_least, at_most, told
from bench.load import GENERATE, Load, Seen, encoded, load
from bench.processes import Started, server, started
from bench.report import Section
from tests.postgres import Postgres

SECONDS = 4.0
_ROUNDS = 3
_MANY = 64
_LOST = 20
_JOBS = 200
_AT_ONCE = 16
_PATIENCE = 90.0
_MODEL = "peer/sora-2"
_GET_JOB = "/filmgate.v1.VideoService/GetJob"
_METADATA = (("authorization", f"Bearer {proxy.KEY}"),)
_HEADERS = {"authorization": f"Bearer {proxy.KEY}"}
_PEER = "LiteLLM"
_SQLITE, _POSTGRES = "SQLite", "Postgres"
_CREATE = ("POST", "/videos", json.dumps({"model": "sora-2", "prompt": "boat {number}", "seconds": "4"}))
_DURABLE = ("shared_buffers=128MB", "max_connections=200")

Measure = Callable[[int], Seen]
"""What one side does under so many callers at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Best:
    """The best of a side's rounds."""

    alone: Seen
    many: Seen


def peers(folder: Path, seconds: float = SECONDS) -> Section:
    """The same upstream behind each of us; `seconds` is how long each round of each side lasts."""
    with _upstream(folder / "upstream") as upstream, _database() as database:
        address = upstream.told["url"]
        with proxy.litellm(folder / "litellm", address) as peer, _ours(folder, address, database) as ours:
            accepts = _turns("accepts", _accepting(folder, peer, ours, seconds))
            reads = _turns("status reads", _reading(folder, peer, ours, seconds))
            lost = list(_lost(peer, ours[_SQLITE], upstream))
    whole = _whole(folder, seconds)
    figures = [*_compared("accepts", accepts, 4), *_compared("status reads", reads, 10), *whole, *lost]
    return Section(title=f"Beside LiteLLM {proxy.VERSION}", remark=_REMARK, figures=figures)


_REMARK = (
    "LiteLLM's proxy, one worker, its OpenAI video route, and we are in front of the same stand-in upstream on"
    " loopback, which makes a video of every POST and never finishes it; one key of the operator each. They take"
    f" turns, {_ROUNDS} rounds; the best round of each counts. Its accept is answered when the upstream has accepted,"
    " ours when the job and its money are durable, and the upstream is asked after that, as far as the tenant's five"
    " places go. Callers are one process: HTTP/1.1 on kept connections to it, gRPC on 4 connections to us, which have"
    " no such HTTP route. A whole job is for us accept, submit, poll, download, full decode, store and settlement; for"
    " LiteLLM the three calls that create, look and fetch. A lost reply: the upstream makes the video and resets the"
    " connection, or a gateway before it says 502; an answered request of ours comes after each."
)


def _upstream(folder: Path, *arguments: str) -> contextlib.AbstractContextManager[Started]:
    return started(("-m", "bench.upstream", *arguments), r"(?m)^vendor ready (?P<url>\S+)$", folder)


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """The address of a new Postgres that syncs, as it does by default."""
    running = Postgres(_DURABLE)
    try:
        running.run("CREATE DATABASE bench")
        yield running.url("bench")
    finally:
        running.remove()


@contextlib.contextmanager
def _ours(folder: Path, upstream: str, database: str, **more: str) -> Iterator[Mapping[str, Started]]:
    """Our server on either database, with default places."""
    variables = {
        "FILMGATE_API_KEY": proxy.KEY,
        "FILMGATE_UPSTREAMS": f"peer={upstream}/v1",
        "FILMGATE_UPSTREAM_KEYS": "peer=bench-no-secret",
        "FILMGATE_EMULATOR_URL": upstream,
        "FILMGATE_MAX_QUEUED": "10000000",
        **more,
    }
    with (
        server(folder / "sqlite", **variables) as embedded,
        server(folder / "shared", **variables, FILMGATE_DATABASE_URL=database) as shared,
    ):
        yield {_SQLITE: embedded, _POSTGRES: shared}


def _order(model: str, prompt: str = "A paper boat", tenant: str = TENANT) -> pb.GenerateVideoRequest:
    request = order()
    request.model, request.prompt, request.tenant_name = model, prompt, tenant
    request.parameters.duration.seconds = 4
    return request


def _accepting(folder: Path, peer: Started, ours: Mapping[str, Started], seconds: float) -> Mapping[str, Measure]:
    request = encoded(_order(_MODEL).SerializeToString())
    asking = Asking(base=f"{peer.told['url']}/v1", requests=[_CREATE], headers=_HEADERS, seconds=seconds)
    call = Load(target="", method=GENERATE, request=request, seconds=seconds, key=proxy.KEY)
    return _measures(folder, asking, {name: replace(call, target=each.told["grpc"]) for name, each in ours.items()})


def _reading(folder: Path, peer: Started, ours: Mapping[str, Started], seconds: float) -> Mapping[str, Measure]:
    """A job under way, which does not change meanwhile."""
    with OpenAI(base_url=f"{peer.told['url']}/v1", api_key=proxy.KEY) as client:
        looking = ("GET", f"/videos/{client.videos.create(model='sora-2', prompt='boat').id}", "")
    asking = Asking(base=f"{peer.told['url']}/v1", requests=[looking], headers=_HEADERS, seconds=seconds)
    calls = {}
    for name, each in ours.items():
        with service(each.told["grpc"]) as stub:
            job = stub.GenerateVideo(_order(_MODEL), timeout=30, metadata=_METADATA).job
        request = pb.GetJobRequest(tenant_name=TENANT, job_id=job.id).SerializeToString()
        method = Load(target=each.told["grpc"], method=_GET_JOB, request=encoded(request), key=proxy.KEY)
        calls[name] = replace(method, seconds=seconds)
    return _measures(folder, asking, calls)


def _measures(folder: Path, asking: Asking, calls: Mapping[str, Load]) -> Mapping[str, Measure]:
    def measure(call: Load) -> Measure:
        return lambda callers: load(folder, replace(call, concurrency=callers))

    sides = {name: measure(call) for name, call in calls.items()}
    return {_PEER: lambda callers: ask(folder, replace(asking, concurrency=callers)), **sides}


def _turns(what: str, sides: Mapping[str, Measure]) -> Mapping[str, _Best]:
    """Each in turn, alone and with many callers; of each its best round."""
    seen = []
    for number in range(_ROUNDS):
        seen.append({name: (side(1), side(_MANY)) for name, side in sides.items()})
        rates = ", ".join(f"{name} {many.rate:,.0f}/s" for name, (_, many) in seen[-1].items())
        print(f"peers: {what}, round {number + 1}: {rates}", file=sys.stderr)
    return {
        name: _Best(
            alone=min((each[name][0] for each in seen), key=lambda one: one.p50),
            many=max((each[name][1] for each in seen), key=lambda one: one.rate),
        )
        for name in sides
    }


def _compared(what: str, sides: Mapping[str, _Best], goal: float) -> Iterator[Figure]:
    peer = sides[_PEER]
    for name, best in sides.items():
        shown = f"{what}, {name if name == _PEER else f'we on {name}'}"
        if name == _PEER:
            yield told(f"peer: {shown}, c={_MANY}", best.many.rate, "/s")
        else:
            ratio = best.many.rate / peer.many.rate
            yield at_least(f"{shown}, c={_MANY}", best.many.rate, goal * peer.many.rate, "/s", f"{ratio:.1f} x {_PEER}")
        yield told(f"{shown}, c={_MANY}, p99", best.many.p99, "ms", f"{best.many.p99 / peer.many.p99:.2f} x {_PEER}")
        yield told(f"{shown}, c=1, p50", best.alone.p50, "ms", f"{best.alone.p50 / peer.alone.p50:.2f} x {_PEER}")


def _whole(folder: Path, seconds: float) -> Sequence[Figure]:
    """Whole jobs a second, through an upstream that has finished at once."""
    clip = folder / "clip.mp4"
    clip.write_bytes(real_clip(folder / "clip"))
    with _upstream(folder / "finishing", "--file", str(clip)) as upstream, _database() as database:
        address = upstream.told["url"]
        with proxy.litellm(folder / "whole-litellm", address) as peer:
            turn = [_CREATE, ("GET", "/videos/{id}", ""), ("GET", "/videos/{id}/content", "")]
            asking = Asking(base=f"{peer.told['url']}/v1", requests=turn, headers=_HEADERS, seconds=seconds)
            fetched = ask(folder, replace(asking, concurrency=_AT_ONCE))
        places = {"FILMGATE_TENANT_CLIPS": str(_AT_ONCE)}
        with _ours(folder / "whole", address, database, **places) as ours:
            rates = {name: _jobs_per_second(each) for name, each in ours.items()}
    print(f"peers: whole jobs: {', '.join(f'{name} {rate:.1f}/s' for name, rate in rates.items())}", file=sys.stderr)
    size = f"a clip of {clip.stat().st_size / 1024:.0f} KiB, {_AT_ONCE} at once"
    return [
        told(f"peer: create, look and fetch {size}, {_PEER}", fetched.rate, "/s"),
        *(
            told(f"whole jobs, {size}, we on {name}", rate, "/s", f"{rate / fetched.rate:.2f} x {_PEER}")
            for name, rate in rates.items()
        ),
    ]


def _jobs_per_second(ours: Started) -> float:
    """From the first order to the last stored video. As a mock, for a live upstream is spared: 5 submits a second."""
    wanted = pb.ListJobsRequest(tenant_name=TENANT, states=[job_pb2.JOB_STATE_SUCCEEDED], page_size=_JOBS)
    orders = [_order("openai-compatible/sora-2") for _ in range(100)]
    batch = pb.BatchGenerateVideosRequest(tenant_name=TENANT, requests=orders)
    with service(ours.told["grpc"]) as stub:
        begin = time.monotonic()
        for _ in range(_JOBS // len(orders)):
            stub.BatchGenerateVideos(batch, timeout=60, metadata=_METADATA)
        until(
            lambda: len(stub.ListJobs(wanted, timeout=30, metadata=_METADATA).jobs) >= _JOBS,
            _PATIENCE,
            f"finishing {_JOBS} jobs",
        )
        return _JOBS / (time.monotonic() - begin)


def _lost(peer: Started, ours: Started, upstream: Started) -> Iterator[Figure]:
    """How many videos the upstream makes of one request whose every reply is lost, and who gets hold of one."""
    for kind, words in (("reset", "connection reset"), ("fail", "502")):
        with ThreadPoolExecutor(5) as pool:
            plain = sum(pool.map(lambda number, kind=kind: _post(peer, f"{kind}-{number}"), range(_LOST)))
            openai = sum(pool.map(lambda number, kind=kind: _create(peer, f"{kind}-{number}"), range(100, 100 + _LOST)))
        found = _ordered(ours, kind, range(200, 200 + _LOST))
        counts = state(upstream.told["url"])
        made = [
            sum(counts.get(f"{kind}-{number}", 0) for number in range(first, first + _LOST)) / _LOST
            for first in (0, 100, 200)
        ]
        what = f"videos made per lost reply ({words})"
        yield told(f"peer: {what}, {_PEER}, plain HTTP caller", made[0], f"; {plain} of {_LOST} callers have an id")
        yield told(f"peer: {what}, {_PEER}, OpenAI's SDK calls", made[1], f"; {openai} of {_LOST} callers have an id")
        figure = at_most(f"{what}, we", made[2], 1, "", f"{made[2] / made[0]:.2f} x {_PEER}")
        yield replace(figure, got=f"{figure.got}; {found} of {_LOST} go on")
        print(f"peers: replies lost by a {words}: {made[0]:g} videos, {made[1]:g}, ours {made[2]:g}", file=sys.stderr)


def _ordered(ours: Started, kind: str, numbers: range) -> int:
    """Order them of us, one after the other, until it is known what became of each; how many were found.

    An answered order comes after each, a tenant for every one: after five lost replies in a row a vendor is left alone.
    """
    found = 0
    with service(ours.told["grpc"]) as stub:
        for number in numbers:
            lost, plain = (
                stub.GenerateVideo(_order(_MODEL, prompt, tenant), timeout=30, metadata=_METADATA).job
                for prompt, tenant in ((f"{kind}-{number}", f"{kind}-{number}"), ("A paper boat", f"plain-{number}"))
            )
            for job in (lost, plain):
                until(partial(_is_known, stub, job), _PATIENCE, "knowing what became of a submit")
            found += _is_found(_job(stub, lost))
    return found


def _job(stub: Any, job: job_pb2.Job) -> job_pb2.Job:
    request = pb.GetJobRequest(tenant_name=job.tenant_name, job_id=job.id)
    now: job_pb2.Job = stub.GetJob(request, timeout=10, metadata=_METADATA).job
    return now


def _is_found(job: job_pb2.Job) -> bool:
    return any(attempt.vendor_task_id for clip in job.clips for attempt in clip.attempts)


def _is_known(stub: Any, job: job_pb2.Job) -> bool:
    now = _job(stub, job)
    return _is_found(now) or now.state == job_pb2.JOB_STATE_NEEDS_RESOLUTION


def _post(peer: Started, prompt: str) -> bool:
    """One POST to LiteLLM by a caller that does not repeat it; whether it brought a video's id."""
    body = json.dumps({"model": "sora-2", "prompt": prompt, "seconds": "4"}).encode()
    headers = {**_HEADERS, "content-type": "application/json"}
    request = urllib.request.Request(f"{peer.told['url']}/v1/videos", body, headers)  # noqa: S310 - loopback
    try:
        urllib.request.urlopen(request, timeout=_PATIENCE).close()  # noqa: S310 - loopback
    except urllib.error.HTTPError as error:
        error.close()
        return False
    return True


def _create(peer: Started, prompt: str) -> bool:
    """The same by OpenAI's SDK as it is out of the box."""
    with OpenAI(base_url=f"{peer.told['url']}/v1", api_key=proxy.KEY) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # OpenAI's own API is gone, which is not asked here
        try:
            client.videos.create(model="sora-2", prompt=prompt, seconds="4")
        except APIError:
            return False
    return True
