"""How soon callers hear that a vendor is done: told by its webhook, and by polling it as rarely as we do."""

import asyncio
import contextlib
import json
import math
import random
import shutil
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
from filmgate.v1 import job_pb2, media_pb2, video_service_pb2_grpc
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from runwayml import AsyncRunwayML

from bench.client import TENANT, real_clip
from bench.figures import Figure, at_most, percentile, told
from bench.processes import CannotMeasure, Started, emulators, free_port, server
from bench.report import Section

CLIPS = 60
_HURRY = 10.0
_CALLED, _POLLED = "replicate/gen-4.5", "runway/gen4.5"
_SDK = "runwayml"
_APART = 0.5
"""Seconds between two orders, on average; a live vendor takes 5 submits a second."""
_SPREAD = 0.25
"""Run times vary as real ones do: the standard deviation of their logarithm."""
_PATIENCE = 420.0


@dataclass(kw_only=True, slots=True)
class _Clip:
    """One clip that is ordered, and when the news of its end came: by stream, and by webhook. Unix seconds."""

    prompt: str
    model: str
    factor: float = 1.0
    ready: float = 0.0
    """When we had read the vendor's word that it is done, by the job's own events."""
    ended: float = 0.0
    """When its end was written, by the same."""
    streamed: float = 0.0
    posted: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """What the emulators say of a job."""

    ended: float
    seconds: float
    polls: int


@dataclass(kw_only=True, slots=True)
class _Heard:
    """Everything that was heard in one run."""

    called: list[_Clip]
    polled: list[_Clip]
    sdk: list[_Clip]
    runs: Mapping[str, _Run] = field(default_factory=dict)


def tell(folder: Path, clips: int = CLIPS) -> Section:
    """So many clips at a vendor that calls back, at one that is polled, and at the same one by its own SDK."""
    heard = asyncio.run(_heard(folder, clips))
    figures = [*_by_webhook(heard), *_by_polling(heard)]
    size = (folder / "clip.mp4").stat().st_size / 1024
    remark = _REMARK.format(clips, size)
    return Section(title="From the vendor's end to the caller", remark=remark, figures=figures)


_REMARK = (
    f"One server, {{0}} clips each way. By webhook: `{_CALLED}` at an emulator {_HURRY:g} times as fast as the vendor,"
    f" for what follows its end does not depend on the run. By polling: `{_POLLED}` at real speed, beside it as many"
    f" tasks of the same emulator awaited by {_SDK}'s own `wait_for_task_output`. Run times vary around the emulators'"
    f" usual one (log-normal, {_SPREAD:g}, the same for both); orders come {_APART:g} s apart on average. When a job"
    " was done, and how often it was asked for, is the emulators' own record. Their file lies ready, {1:.0f} KiB. Told"
    " means that the job's last event has arrived in an open WatchJob stream: whatever told us (a webhook, and one poll"
    " that confirms it; or a poll), download, full decode, hash, store, settlement and its commit are all in it."
)


async def _heard(folder: Path, clips: int) -> _Heard:
    clip = folder / "clip.mp4"
    clip.write_bytes(await asyncio.to_thread(real_clip, folder / "clip"))
    heard = _Heard(
        called=[_Clip(prompt=f"called {n}.", model=_CALLED) for n in range(clips)],
        polled=[_Clip(prompt=f"polled {n}.", model=_POLLED, factor=factor) for n, factor in enumerate(_factors(clips))],
        sdk=[_Clip(prompt=f"sdk {n}.", model=_POLLED, factor=factor) for n, factor in enumerate(_factors(clips))],
    )
    with emulators(folder / "quick", _HURRY) as quick, emulators(folder / "real", 1.0) as real:
        slow = [
            {"fault": "slow-job", "vendor": "runway", "contains": each.prompt, "options": {"factor": each.factor}}
            for each in (*heard.polled, *heard.sdk)
        ]
        _control(real, "script", slow)
        async with _receiver([*heard.called, *heard.polled]) as hooks:
            with server(folder / "server", **_variables(quick, real, hooks)) as ours:
                laying = asyncio.create_task(_lay(clip, (folder / "quick", quick), (folder / "real", real)))
                async with grpc.aio.insecure_channel(ours.told["grpc"]) as channel:
                    stub = video_service_pb2_grpc.VideoServiceStub(channel)  # type: ignore[no-untyped-call]
                    await asyncio.gather(
                        _order_all(stub, heard.called, hooks),
                        _order_all(stub, heard.polled, hooks),
                        _await_all(real, heard.sdk),
                    )
                await asyncio.sleep(2.0)  # the last webhooks are under way
                laying.cancel()
                await asyncio.gather(laying, return_exceptions=True)
        heard.runs = {**_runs(quick), **_runs(real)}
    return heard


def _factors(clips: int) -> list[float]:
    dice = random.Random(4)
    return [round(math.exp(dice.gauss(0.0, _SPREAD)), 3) for _ in range(clips)]


def _variables(quick: Started, real: Started, hooks: str) -> Mapping[str, str]:
    """Live vendors, by their addresses: a mock is polled without regard to anybody's advice."""
    port = free_port()
    return {
        "REPLICATE_API_TOKEN": "bench-no-secret",
        "REPLICATE_BASE_URL": f"{quick.told['url']}/replicate",
        "RUNWAY_API_KEY": "bench-no-secret",
        "RUNWAY_BASE_URL": f"{real.told['url']}/runway",
        "FILMGATE_EMULATOR_URL": quick.told["url"],
        "FILMGATE_HTTP_PORT": str(port),
        "FILMGATE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "FILMGATE_WEBHOOK_ORIGINS": hooks,
        "FILMGATE_TENANT_CLIPS": "10000",
    }


@contextlib.asynccontextmanager
async def _receiver(clips: Sequence[_Clip]) -> AsyncIterator[str]:
    """A backend that takes our webhooks, and its address; each clip has a path of its own."""
    by_path = {_path(clip): clip for clip in clips}

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            clip = by_path[(await reader.readuntil(b"\r\n")).split()[1].decode()]
            clip.posted = clip.posted or time.time()
            writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    receiver = await asyncio.start_server(take, "127.0.0.1", 0)
    async with receiver:
        yield f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}"


def _path(clip: _Clip) -> str:
    return f"/{clip.prompt.replace(' ', '-')}"


async def _order_all(stub: Any, clips: Sequence[_Clip], hooks: str) -> None:
    """Order them one after the other, and follow each to its end."""
    following = []
    for clip, pause in zip(clips, _pauses(len(clips)), strict=True):
        await asyncio.sleep(pause)
        following.append(asyncio.create_task(_follow(stub, clip, hooks)))
    await asyncio.gather(*following)


async def _follow(stub: Any, clip: _Clip, hooks: str) -> None:
    request = pb.GenerateVideoRequest(
        tenant_name=TENANT,
        creative_id="bench",
        prompt=clip.prompt,
        model=clip.model,
        parameters=media_pb2.VideoParameters(duration=Duration(seconds=5), aspect_ratio="16:9"),
    )
    request.webhook.url = hooks + _path(clip)
    request.webhook.events.append(job_pb2.JOB_EVENT_KIND_ENDED)
    job = (await stub.GenerateVideo(request, timeout=30)).job
    watching = stub.WatchJob(pb.WatchJobRequest(tenant_name=TENANT, job_id=job.id), timeout=_PATIENCE)
    async for answer in watching:
        event = answer.event
        if event.clip_stage == job_pb2.PROGRESS_STAGE_COLLECTING and not clip.ready:
            clip.ready = event.time.ToMicroseconds() / 1e6
        if event.kind == job_pb2.JOB_EVENT_KIND_ENDED:
            clip.streamed, clip.ended = time.time(), event.time.ToMicroseconds() / 1e6
            if event.job_state != job_pb2.JOB_STATE_SUCCEEDED:
                raise CannotMeasure(f"{clip.prompt} ended as {job_pb2.JobState.Name(event.job_state)}")
            print(f"told: {clip.prompt} is done", file=sys.stderr)


async def _await_all(real: Started, clips: Sequence[_Clip]) -> None:
    """The same orders by the vendor's SDK, out of the box."""
    address = f"{real.told['url']}/runway"
    async with AsyncRunwayML(api_key="bench-no-secret", base_url=address) as client:

        async def wait(clip: _Clip) -> None:
            made = await client.text_to_video.create(
                model="gen4.5", prompt_text=clip.prompt, ratio="1280:720", duration=5, timeout=httpx.Timeout(30)
            )
            await made.wait_for_task_output()
            clip.streamed = time.time()

        waiting = []
        for clip, pause in zip(clips, _pauses(len(clips)), strict=True):
            await asyncio.sleep(pause)
            waiting.append(asyncio.create_task(wait(clip)))
        await asyncio.gather(*waiting)


def _pauses(count: int) -> list[float]:
    dice = random.Random(5)
    return [dice.expovariate(1 / _APART) for _ in range(count)]


async def _lay(clip: Path, *places: tuple[Path, Started]) -> None:
    """Lay the file where each emulator would draw it at the first download: a real vendor's lies ready at the end."""
    while True:
        for folder, emulator in places:
            for job in (await asyncio.to_thread(_jobs, emulator)).values():
                there = folder / "data" / "emulators" / "clips" / f"{job['id']}.0.mp4"
                if not there.exists():
                    shutil.copy(clip, there.with_suffix(".part"))
                    there.with_suffix(".part").replace(there)
        await asyncio.sleep(1.0)


def _control(emulator: Started, path: str, order: object = None) -> Any:
    body = None if order is None else json.dumps(order).encode()
    with urllib.request.urlopen(f"{emulator.told['url']}/control/{path}", body, timeout=30) as reply:  # noqa: S310
        return json.load(reply)


def _jobs(emulator: Started) -> dict[str, Any]:
    """The emulator's jobs by prompt."""
    return {job["prompt"]: job for job in _control(emulator, "jobs")["jobs"]}


def _runs(emulator: Started) -> dict[str, _Run]:
    return {
        prompt: _Run(ended=job["ended"], seconds=job["ended"] - job["created"], polls=job["polls"])
        for prompt, job in _jobs(emulator).items()
    }


def _by_webhook(heard: _Heard) -> Iterator[Figure]:
    runs = [(clip, heard.runs[clip.prompt]) for clip in heard.called]
    late = _milliseconds(clip.streamed - run.ended for clip, run in runs)
    yield at_most("by webhook: told, p50", percentile(late, 0.5), 250, "ms")
    yield at_most("by webhook: told, p99", percentile(late, 0.99), 250, "ms")
    parts = {
        "webhook and poll": [clip.ready - run.ended for clip, run in runs],
        "download, decode, store": [clip.ended - clip.ready for clip, _ in runs],
        "settlement and stream": [clip.streamed - clip.ended for clip, _ in runs],
        "told by outgoing webhook": [clip.posted - run.ended for clip, run in runs if clip.posted],
    }
    for name, seconds in parts.items():
        ordered = _milliseconds(seconds)
        yield told(f"by webhook: {name}, p50", percentile(ordered, 0.5), "ms")
        yield told(f"by webhook: {name}, p99", percentile(ordered, 0.99), "ms")
    yield told("by webhook: polls per clip", sum(run.polls for _, run in runs) / len(runs), "")


def _by_polling(heard: _Heard) -> Iterator[Figure]:
    ours, sdk = ([(clip, heard.runs[clip.prompt]) for clip in clips] for clips in (heard.polled, heard.sdk))
    lengths = sorted(run.seconds for _, run in ours)
    yield told("by polling: run times, p50", percentile(lengths, 0.5), "s", f"{lengths[0]:.0f} to {lengths[-1]:.0f} s")
    shares, theirs = (
        sorted((clip.streamed - run.ended) / run.seconds * 100 for clip, run in each) for each in (ours, sdk)
    )
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        peer = percentile(theirs, share)
        yield told(f"peer: {_SDK}, late, {name}", peer, "% of the run")
        got = percentile(shares, share)
        yield at_most(f"by polling: late, {name}", got, 5, "% of the run", f"{got / peer:.2f} x {_SDK}")
    asked, polls = (sum(run.polls for _, run in each) / len(each) for each in (ours, sdk))
    yield told(f"peer: {_SDK}, polls per clip", polls, "")
    yield at_most("by polling: polls per clip", asked, polls, "", f"{asked / polls:.2f} x {_SDK}")


def _milliseconds(seconds: Iterable[float]) -> list[float]:
    return sorted(each * 1000 for each in seconds)
