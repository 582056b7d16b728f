"""`demo`: the real server on mocked vendors in a process of its own, used over gRPC and HTTP as any client would."""

import asyncio
import io
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filmgate.v1 import job_pb2, prompt_pb2
from filmgate_client import FilmgateClient, GenerateFields
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.style import Style
from rich.table import Table
from rich.text import Text

from core.errors import MediaRejected
from media.facts import MediaFacts
from media.pool import MediaPool
from media.probe import verify
from media.thumbnail import thumbnail
from server import settings
from server.commands import demo_prompts
from server.words import CLIP_STATES, JOB_STATES, STAGES

_START_SECONDS = 60.0
_JOB_SECONDS = 120.0
_SPEED = 40.0
_TILE = (320, 180)
_NOT_MOCK = "the file is not marked as a mock"
_COLUMNS = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[what]}"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """One request of the demo."""

    title: str
    prompt: str
    seconds: float
    fields: GenerateFields
    creative: str = "demo"
    cancelled: bool = False
    """Cancelled as soon as its vendor works on it."""


@dataclass(kw_only=True, slots=True)
class Result:
    """What became of a scene."""

    scene: Scene
    job: job_pb2.Job
    files: list[tuple[Path, MediaFacts]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def run(folder: Path) -> int:
    """Play all scenes; the exit status is 0 when every file is as it was asked for."""
    console = Console()
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with _server(folder) as ready:
        console.print(f"[bold]{ready}[/]")
        target = ready.split("grpc=")[1].split()[0]
        with FilmgateClient(target, tenant="demo") as client:
            better = demo_prompts.improve(client, console)
            results = _play(client, [*_scenes(folder), _made_from(better)], console)
            demo_prompts.history(client)
        asyncio.run(_look(results, folder))
    faults = [f"{result.scene.title}: {fault}" for result in results for fault in result.faults]
    console.print(_table(results))
    console.print("The addresses ended with the server; the files and a contact sheet stay:")
    console.print(f"{folder}/ ({folder}/contact-sheet.png)")
    for fault in faults:
        console.print(f"[bold red]fault:[/] {fault}")
    console.print(f"{len(results)} jobs in {time.monotonic() - began:.1f} s, {len(faults)} faults")
    return 1 if faults else 0


def _scenes(folder: Path) -> list[Scene]:
    picture = folder / "first-frame.png"
    _paint().save(picture)
    return [
        Scene(
            title="Runway, text",
            prompt="a red kite over a grey sea, slow pan",
            seconds=5,
            fields={"model": "runway/gen4.5", "duration": 5, "aspect_ratio": "16:9", "seed": 7},
        ),
        Scene(
            title="Runway, image",
            prompt="the kite comes alive",
            seconds=4,
            fields={"model": "runway/gen4_turbo", "duration": 4, "aspect_ratio": "9:16", "first_frame": picture},
        ),
        Scene(
            title="Runway, 3 variations",
            prompt="a paper boat in the rain",
            seconds=2,
            fields={"model": "runway/gen4.5", "duration": 2, "variations": 3, "seed": 100},
        ),
        Scene(
            title="Replicate, text",
            prompt="a lighthouse at night",
            seconds=5,
            fields={"model": "replicate/kling-v2.5-turbo-pro", "duration": 5},
        ),
        Scene(
            title="Runway, cancelled",
            prompt="a train that never arrives",
            seconds=8,
            fields={"model": "runway/veo3.1", "duration": 8},
            cancelled=True,
        ),
        *_by_name(picture),
    ]


def _made_from(better: prompt_pb2.Prompt) -> Scene:
    """A clip of a prompt that is kept: its words and parameters are taken from there."""
    return Scene(
        title="Replicate, better prompt",
        prompt="",
        seconds=better.parameters.duration.ToTimedelta().total_seconds(),
        creative=better.creative_id,
        fields={"model": better.model, "prompt_id": better.id},
    )


def _by_name(picture: Path) -> Iterator[Scene]:
    """One clip from each further vendor, by the names that people know."""
    prompt = "a fox in the snow turns its head"
    for name, seconds in (("luma_dream", 5), ("pika_v2", 5), ("google_veo", 4), ("openai_shorts", 4)):
        yield Scene(title=name, prompt=prompt, seconds=seconds, fields={"model": name, "duration": seconds})
    yield Scene(title="hotshot", prompt=prompt, seconds=1, fields={"model": "hotshot"})
    yield Scene(title="stability_svd", prompt="", seconds=2, fields={"model": "stability_svd", "first_frame": picture})


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """The server's ready line, while it runs; its log goes to `server.log`."""
    variables = folder / "settings.env"
    variables.write_text("# None: the demo must not use your keys or your bucket.\n", encoding="utf-8")
    command = [sys.executable, "-m", "server.cli", "serve", "--grpc-port=0", "--http-port=0", "--mock=always"]
    command += [f"--data-dir={folder / 'data'}", f"--env-file={variables}", f"--emulator-speed={_SPEED:g}"]
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=_child_environment()
        )
        try:
            yield _ready(process, folder)
        finally:
            process.terminate()
            process.wait(35)
            if process.stdout is not None:
                process.stdout.close()


def _child_environment() -> dict[str, str]:
    """Without our settings."""
    return settings.for_child() | {"PYTHONPATH": ":".join(entry for entry in sys.path if entry)}


def _ready(process: "subprocess.Popen[str]", folder: Path) -> str:
    watchdog = threading.Timer(_START_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
    finally:
        watchdog.cancel()
    if not line.startswith("filmgate ready"):
        raise SystemExit(f"the server did not start; see {folder / 'server.log'}")
    return line


def _play(client: FilmgateClient, scenes: list[Scene], console: Console) -> list[Result]:
    """All scenes side by side, each on a bar."""
    with Progress(*_COLUMNS, TimeElapsedColumn(), console=console) as progress:
        bars = [progress.add_task(scene.title, total=1.0, what="") for scene in scenes]
        with ThreadPoolExecutor(len(scenes)) as threads:
            started = [
                threads.submit(_generate, client, scene, progress, bar) for scene, bar in zip(scenes, bars, strict=True)
            ]
            return [future.result() for future in started]


def _generate(client: FilmgateClient, scene: Scene, progress: Progress, bar: TaskID) -> Result:
    job = client.generate(scene.prompt, creative_id=scene.creative, **scene.fields)
    asked = False
    for event in client.watch(job.id, timeout=_JOB_SECONDS):
        if event.HasField("progress"):
            progress.update(bar, completed=event.progress.fraction)
        if event.clip_stage:
            progress.update(bar, what=job_pb2.ProgressStage.Name(event.clip_stage).removeprefix("PROGRESS_STAGE_"))
        if scene.cancelled and not asked and event.clip_stage in (STAGES["VENDOR_QUEUED"], STAGES["VENDOR_RUNNING"]):
            client.cancel(job.id)
            asked = True
    job = client.get_job(job.id)
    progress.update(bar, completed=1.0, what=job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_"))
    return Result(scene=scene, job=job)


async def _look(results: list[Result], folder: Path) -> None:
    """Fetch every file by its address, probe it, compare it with what was asked, and draw the sheet."""
    tiles: list[tuple[str, bytes]] = []
    async with MediaPool() as pool:
        for result in results:
            wanted = JOB_STATES["CANCELLED"] if result.scene.cancelled else JOB_STATES["SUCCEEDED"]
            if result.job.state != wanted:
                result.faults.append(f"ended {job_pb2.JobState.Name(result.job.state)}")
            for video in result.job.videos:
                path = folder / video.key.rpartition("/")[2]
                await asyncio.to_thread(_fetch, video.url, path)
                try:
                    facts = await pool.run(verify, path, timeout=60)
                    tiles.append((path.name, await pool.run(thumbnail, path, timeout=60)))
                except MediaRejected as error:
                    result.faults.append(f"{path.name}: {error}")
                    continue
                result.files.append((path, facts))
                result.faults += _differences(result.scene, facts, path.stat().st_size, video.size)
                if not video.provenance.mock:
                    result.faults.append(_NOT_MOCK)
    _sheet(tiles).save(folder / "contact-sheet.png")


def _differences(scene: Scene, facts: MediaFacts, size: int, stated: int) -> list[str]:
    found = []
    if abs(facts.duration - scene.seconds) > 0.25:
        found.append(f"{facts.duration:.2f} s long, {scene.seconds:g} s were asked for")
    ratio = scene.fields.get("aspect_ratio")
    if ratio is not None:
        wide, high = map(int, ratio.split(":"))
        if abs(facts.width / facts.height - wide / high) > 0.05:
            found.append(f"{facts.width}x{facts.height} is not {ratio}")
    if size != stated:
        found.append(f"{size} bytes came, {stated} were stated")
    return found


def _fetch(url: str, path: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as reply, path.open("wb") as file:
        shutil.copyfileobj(reply, file)


def _table(results: list[Result]) -> Table:
    table = Table(title="Demo: all of it MOCK, nothing was bought", show_lines=True)
    for name in ("job, key, URL", "seconds", "size", "cost"):
        table.add_column(name, overflow="fold")
    for result in results:
        cost = f"{result.job.cost.micros / 1_000_000:.2f} {result.job.cost.currency_code}"
        if not result.job.videos:
            states = {number: word for word, number in CLIP_STATES.items()}
            told = ", ".join(states[clip.state].lower() for clip in result.job.clips)
            table.add_row(Text.assemble((result.scene.title, "bold"), f"\n({told})"), "", "", cost)
        for video, (_, facts) in zip(result.job.videos, result.files, strict=False):
            size = f"{facts.width}x{facts.height}\n{video.size / 1024:.0f} KiB"
            # Text, not markup: nothing of an address is to be read as style. A link, so that a fold does not break it.
            address = Text(video.url, style=Style(link=video.url))
            where = Text.assemble((result.scene.title, "bold"), "\n", video.key, "\n", address)
            table.add_row(where, f"{facts.duration:.2f}", size, cost)
            cost = ""
    return table


def _sheet(tiles: list[tuple[str, bytes]]) -> Image.Image:
    """All first frames, with their names, three in a row."""
    width, height = _TILE[0], _TILE[1] + 20
    rows = max(1, -(-len(tiles) // 3))
    sheet = Image.new("RGB", (3 * width, rows * height), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (name, data) in enumerate(tiles):
        left, top = index % 3 * width, index // 3 * height
        with Image.open(io.BytesIO(data)) as picture:
            sheet.paste(picture.resize(_TILE), (left, top))
        draw.text((left + 4, top + _TILE[1] + 4), name, fill="black")
    return sheet


def _paint() -> Image.Image:
    """A first frame: a kite before the sea."""
    picture = Image.new("RGB", (720, 1280), "steelblue")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 800, 720, 1280), fill="slategray")
    draw.polygon(((360, 200), (500, 420), (360, 640), (220, 420)), fill="firebrick")
    return picture
