"""Drive every model of a running Filmgate, and its prompts, over gRPC and check what comes back.

Costs nothing without `--live`: prompts are then left to the rules.
"""

import asyncio
import hashlib
import struct
import time
import urllib.request
import zlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

import typer
from filmgate.v1 import job_pb2, media_pb2, model_pb2, prompt_pb2, quote_pb2, video_pb2
from filmgate_client import AsyncFilmgateClient, FilmgateCallError, GenerateFields, money
from rich.console import Console
from rich.markup import escape
from rich.table import Table

PROMPT = "A paper boat drifts down a rainy street, camera low above the water"
CREATIVE = "smoke"
WISH = "A paper boat on a rainy street, vertical, no people"
FEEDBACK = "slower, square, warmer light"
SCRIPT_SECONDS = 20.5
TOLERANCE_SECONDS = 2.0
RATIO_TOLERANCE = 0.04
"""Vendors name their shapes roundly: 1584 by 672 pixels is their 21:9."""
MOST_INLINE = 4 * 1024 * 1024
REFUSED_AS = {
    model_pb2.MODEL_STATE_RETIRED: "MODEL_RETIRED",
    model_pb2.MODEL_STATE_UNAVAILABLE: "MODEL_UNAVAILABLE",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one row, or of one rpc: `fault` is empty when all was as it should be."""

    model: str
    state: str
    what: str
    seconds: float = 0.0
    fault: str = ""


class Fault(Exception):
    """Something that is not as it should be, in words for people."""


def png(width: int = 1280, height: int = 720) -> bytes:
    """A small valid PNG of a plain gradient, with nothing but the standard library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes((line * 255 // height, 96, 160)) * width for line in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


MODES = (
    model_pb2.MODEL_MODE_KIND_TEXT,
    model_pb2.MODEL_MODE_KIND_IMAGE,
    model_pb2.MODEL_MODE_KIND_REFERENCE,
    model_pb2.MODEL_MODE_KIND_VIDEO,
)
"""What a row is tried with: the first of these it has."""


def mode_of(row: model_pb2.VideoModel) -> model_pb2.ModelMode:
    """The mode a row is tried in."""
    by_kind = {mode.kind: mode for mode in row.modes}
    return next((by_kind[kind] for kind in MODES if kind in by_kind), model_pb2.ModelMode())


def shortest(mode: model_pb2.ModelMode) -> float | None:
    """The shortest length of a mode, in seconds; None where it names none."""
    match mode.WhichOneof("durations"):
        case "choices":
            return mode.choices.choices[0].ToMicroseconds() / 1e6
        case "span":
            return mode.span.min.ToMicroseconds() / 1e6
        case "frames":
            return mode.frames.counts[0] / mode.frames.fps
    return None


def image() -> media_pb2.MediaInput:
    """A picture of our own, inline."""
    return media_pb2.MediaInput(inline=media_pb2.InlineMedia(data=png(), mime_type="image/png"))


def request_of(row: model_pb2.VideoModel, video: bytes = b"") -> GenerateFields:
    """The least a model needs: its id, its shortest length, its first shape, and the input it works from."""
    mode = mode_of(row)
    fields: GenerateFields = {"model": row.id}
    if mode.kind != model_pb2.MODEL_MODE_KIND_VIDEO and (seconds := shortest(mode)):
        fields["duration"] = seconds
    if mode.aspect_ratios:
        fields["aspect_ratio"] = mode.aspect_ratios[0]
    if mode.kind == model_pb2.MODEL_MODE_KIND_IMAGE:
        fields["first_frame"] = image()
    elif mode.kind == model_pb2.MODEL_MODE_KIND_REFERENCE:
        fields["reference_images"] = [media_pb2.ReferenceImage(media=image())]
    elif mode.kind == model_pb2.MODEL_MODE_KIND_VIDEO:
        inline = media_pb2.InlineMedia(data=video, mime_type="video/mp4")
        fields["source_video"] = media_pb2.MediaInput(inline=inline)
    return fields


class Smoke:
    """One run over the catalogue; `budget` is what live rows may still cost, in micros of USD, None forbids them."""

    def __init__(self, client: AsyncFilmgateClient, *, budget: int | None, patience: float, parallel: int) -> None:
        self._client = client
        self._budget = budget
        self._patience = patience
        self._places = asyncio.Semaphore(parallel)
        self._video: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        """The first clip that came: what models that work from a video are tried with."""

    async def run(self, only: Sequence[str]) -> list[Verdict]:
        """The verdict on every row, or on those named."""
        every = (await self._client.models()).models
        rows = [row for row in every if not only or row.id in only]
        missing = set(only) - {row.id for row in rows}
        unknown = [Verdict(model=name, state="", what="looked up", fault="no such row") for name in sorted(missing)]
        # Models that work from a video wait for the first clip: they come last, when others hold no place any more.
        rows.sort(key=lambda row: mode_of(row).kind)
        tries = [self._judge(row.id, row, self._try(row)) for row in rows]
        tries += [] if only else [self._judge(name, row, self._named(name, row)) for name, row in aliases(every)]
        verdicts = [*unknown, *await asyncio.gather(*tries)]
        return verdicts if only else verdicts + await self._prompts(every)

    async def _prompts(self, rows: Sequence[model_pb2.VideoModel]) -> list[Verdict]:
        """The verdicts on prompts; what a language model may cost comes out of what the rows have left."""
        limit = f"{(self._budget or 0) / 1e6:.6f}"
        mocks = [row for row in rows if row.state == model_pb2.MODEL_STATE_MOCK]
        row = next((each for each in mocks if mode_of(each).kind == model_pb2.MODEL_MODE_KIND_TEXT), None)
        trials = Prompts(self._client, limit=limit, patience=self._patience)
        steps: dict[str, Callable[[], Coroutine[None, None, str]]] = {
            "QuantifyPrompt": trials.quantify,
            "RegeneratePrompt": trials.regenerate,
            "WriteScript": trials.script,
            **({} if row is None else {"enhance_prompt": partial(trials.enhance, row)}),
            "GetLineage": trials.lineage,
        }
        return [await self._judge(name, model_pb2.VideoModel(), step()) for name, step in steps.items()]

    async def _judge(self, name: str, row: model_pb2.VideoModel, trial: Coroutine[None, None, str]) -> Verdict:
        state = model_pb2.ModelState.Name(row.state).removeprefix("MODEL_STATE_") if row.state else ""
        async with self._places:
            began = time.monotonic()
            try:
                what, fault = await trial, ""
            except (Fault, FilmgateCallError, OSError) as error:
                what, fault = "", str(error)
            return Verdict(model=name, state=state, what=what, seconds=time.monotonic() - began, fault=fault)

    async def _named(self, name: str, row: model_pb2.VideoModel) -> str:
        """What an alias resolves to for the mode of this row, without buying it a second time."""
        fields = request_of(row)
        asked: GenerateFields = {"model": name.partition(" ")[0]}
        if "first_frame" in fields:
            asked["first_frame"] = fields["first_frame"]
        quoted = await self._client.quote(PROMPT, creative_id=CREATIVE, **asked)
        if not any(quoted.model in warning.message for warning in quoted.warnings):
            raise Fault("does not say what it is now")
        return f"is {quoted.model} now"

    async def _try(self, row: model_pb2.VideoModel) -> str:
        if row.state in REFUSED_AS:
            return await self._refused(row, REFUSED_AS[row.state])
        if row.state == model_pb2.MODEL_STATE_LIVE:
            return await self._bought(row)
        if row.state != model_pb2.MODEL_STATE_MOCK:
            raise Fault("a state this script does not know")
        return await self._generated(row, request_of(row, await self._source(row)))

    async def _source(self, row: model_pb2.VideoModel) -> bytes:
        if mode_of(row).kind != model_pb2.MODEL_MODE_KIND_VIDEO:
            return b""
        try:
            return await asyncio.wait_for(asyncio.shield(self._video), self._patience)
        except TimeoutError:
            raise Fault("needs the clip of a model that works from text: try one beside it") from None

    async def _refused(self, row: model_pb2.VideoModel, reason: str) -> str:
        fields = request_of(row)
        fields["validate_only"] = True
        try:
            await self._client.generate(PROMPT, creative_id=CREATIVE, **fields)
        except FilmgateCallError as error:
            if error.reason != reason:
                raise Fault(f"refused as {error}, not as {reason}") from error
            if row.successor and row.successor not in f"{error.message} {dict(error.metadata)}":
                raise Fault(f"refused without naming its successor {row.successor}") from error
            return f"refused: {reason}"
        raise Fault("was not refused")

    async def _bought(self, row: model_pb2.VideoModel) -> str:
        if self._budget is None:
            raise Fault("is LIVE and would cost money: give --live and --max-cost")
        fields = request_of(row, await self._source(row))
        quote = (await self._client.quote(PROMPT, creative_id=CREATIVE, **fields)).quote
        if quote.held_max.currency_code != "USD" or quote.held_max.micros > self._budget:
            raise Fault(f"could cost {quote.held_max.micros / 1e6:g}, and only {self._budget / 1e6:g} USD are left")
        self._budget -= quote.held_max.micros
        fields["max_cost"] = f"{quote.held_max.micros / 1e6:.6f}"
        return await self._generated(row, fields)

    async def _generated(self, row: model_pb2.VideoModel, fields: GenerateFields) -> str:
        job = await self._client.generate(PROMPT, creative_id=CREATIVE, wait=self._patience, **fields)
        if job.state != job_pb2.JOB_STATE_SUCCEEDED:
            raise Fault(f"{job.id} is {job_pb2.JobState.Name(job.state)}: {job.error.message or 'no error told'}")
        (clip,) = job.clips
        video = await self._client.get_video(clip.video_id)
        check(row, clip, video, fields.get("aspect_ratio", ""))
        data = await asyncio.to_thread(check_file, video)
        if not self._video.done() and len(data) < MOST_INLINE and video.duration.ToTimedelta().total_seconds() > 3:
            self._video.set_result(data)
        return f"{video.key} {video.width}x{video.height} {video.duration.ToTimedelta().total_seconds():g} s"


class Prompts:
    """The rpcs about prompts, one after the other: each starts from what those before it made."""

    def __init__(self, client: AsyncFilmgateClient, *, limit: str, patience: float) -> None:
        """`limit`: USD that one call of a language model may cost; 0 leaves it to the rules."""
        self._client = client
        self._limit = limit
        self._patience = patience
        self._made: list[prompt_pb2.Prompt] = []
        self._job = ""

    async def quantify(self) -> str:
        """A text, read."""
        prompt = await self._client.quantify_prompt(WISH, creative_id=CREATIVE, max_cost=self._limit)
        self._made.append(prompt)
        check_writer(prompt)
        if prompt.parameters.aspect_ratio != "9:16":
            raise Fault(f"has not read `vertical` but {prompt.parameters.aspect_ratio or 'nothing'}")
        for words in (words for reading in prompt.readings for words in reading.words):
            if WISH[words.start : words.end] != words.text:
                raise Fault(f"{words.text!r} is not where it says")
        return f"{prompt.id} {prompt.model}, {len(prompt.readings)} readings"

    async def regenerate(self) -> str:
        """The same, made better."""
        if not self._made:
            raise Fault("has nothing to start from")
        first = self._made[0]
        prompt = await self._client.regenerate_prompt(FEEDBACK, prompt_id=first.id, max_cost=self._limit)
        self._made.append(prompt)
        check_writer(prompt)
        if (prompt.parent_prompt_id, prompt.iteration) != (first.id, 2):
            raise Fault("does not say what it comes from")
        if prompt.parameters.aspect_ratio != "1:1" or not prompt.changes:
            raise Fault("has not heard the feedback")
        return f"{prompt.id} {', '.join(change.field for change in prompt.changes)}"

    async def script(self) -> str:
        """A product, told in exactly the asked time."""
        script = await self._client.write_script(
            "Paper Boat", style="luxury", cta_text="Set sail", duration=SCRIPT_SECONDS, max_cost=self._limit
        )
        check_writer(script)
        lasts = sum(scene.duration.ToMicroseconds() for scene in script.scenes) / 1e6
        if lasts != SCRIPT_SECONDS or not script.scenes or script.scenes[-1].type != prompt_pb2.SCENE_TYPE_CARD:
            raise Fault(f"is {lasts:g} s in {len(script.scenes)} scenes, instead of {SCRIPT_SECONDS:g} s with a card")
        return f"{script.id} {len(script.scenes)} scenes, {lasts:g} s"

    async def enhance(self, row: model_pb2.VideoModel) -> str:
        """A job that rewrites its prompt first."""
        fields = request_of(row) | GenerateFields(enhance_prompt=True)
        lines = (await self._client.quote(PROMPT, creative_id=CREATIVE, **fields)).quote.lines
        dear = [line for line in lines if line.stage == quote_pb2.COST_STAGE_PROMPT]
        if float(self._limit) == 0 and any(line.held_max.currency_code != "XTS" for line in dear):
            raise Fault("asks a real language model: give --live and --max-cost")
        job = await self._client.generate(PROMPT, creative_id=CREATIVE, wait=self._patience, **fields)
        if job.state != job_pb2.JOB_STATE_SUCCEEDED or not job.final_prompt:
            raise Fault(f"{job.id} is {job_pb2.JobState.Name(job.state)}: {job.error.message or 'without a prompt'}")
        self._job = job.id
        return f"{job.id} {row.id}"

    async def lineage(self) -> str:
        """All of that, told."""
        found = await self._client.lineage(CREATIVE)
        missing = {each.id for each in self._made} - {each.id for each in found.prompts}
        if missing or (self._job and self._job not in {each.job_id for each in found.iterations}):
            raise Fault(f"leaves out {', '.join(sorted(missing)) or self._job}")
        return f"{len(found.iterations)} iterations, {len(found.prompts)} prompts"


def check_writer(made: prompt_pb2.Prompt | prompt_pb2.Script) -> None:
    """Raise Fault unless it is said who wrote it, and what that has cost."""
    by_model = made.source == prompt_pb2.PROMPT_SOURCE_LLM
    if by_model != bool(made.llm_model) or not made.source:
        raise Fault("does not say who wrote it")
    if by_model and not made.cost_unknown and (made.cost.currency_code == "XTS") != made.mock:
        raise Fault(f"is booked in {made.cost.currency_code or 'no currency'}")


def aliases(rows: Sequence[model_pb2.VideoModel]) -> list[tuple[str, model_pb2.VideoModel]]:
    """Each alias with a row to try it by: once for text and, where one of its rows can, once for an image."""
    kinds = {model_pb2.MODEL_MODE_KIND_TEXT: "text", model_pb2.MODEL_MODE_KIND_IMAGE: "image"}
    found = {
        f"{name} ({kinds[mode.kind]})": model_pb2.VideoModel(id=row.id, state=row.state, modes=[mode])
        for row in reversed(rows)
        for name in row.aliases
        for mode in row.modes
        if mode.kind in kinds
    }
    return sorted(found.items())


def check(row: model_pb2.VideoModel, clip: job_pb2.Clip, video: video_pb2.Video, ratio: str) -> None:
    """Raise Fault unless what is told about the video fits the row and the clip."""
    mock = row.state == model_pb2.MODEL_STATE_MOCK
    if video.provenance.mock != mock:
        raise Fault("a mock passes for real" if mock else "a real one passes for a mock")
    if (clip.cost.currency_code == "XTS") != mock:
        raise Fault(f"is booked in {clip.cost.currency_code or 'no currency'}")
    if not (video.size and video.width and video.height and len(video.sha256) == 64):
        raise Fault("is told of without size, frame or checksum")
    asked = clip.requested_duration.ToTimedelta().total_seconds()
    got = video.duration.ToTimedelta().total_seconds()
    if asked and abs(got - asked) > TOLERANCE_SECONDS:
        raise Fault(f"is {got:g} s long instead of {asked:g} s")
    if ratio:
        wide, high = map(int, ratio.split(":"))
        if abs(video.width / video.height * high / wide - 1) > RATIO_TOLERANCE:
            raise Fault(f"is {video.width}x{video.height} instead of {ratio}")
    if video.has_audio != row.has_audio:
        raise Fault("has sound" if video.has_audio else "has no sound")


def check_file(video: video_pb2.Video) -> bytes:
    """The file, fetched by its address; raises Fault unless it is the file that was promised."""
    if urlsplit(video.url).scheme not in {"http", "https"}:
        raise Fault("has no address to fetch")
    # No proxy of the environment: the address is a secret, and the store is ours.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(video.url, timeout=60) as answer:
        data: bytes = answer.read(video.size + 1)
    if len(data) != video.size or hashlib.sha256(data).hexdigest() != video.sha256:
        raise Fault("its file is not the one that was promised")
    return data


def show(verdicts: Sequence[Verdict]) -> None:
    """The table."""
    table = Table("model", "state", "seconds", "result")
    for one in verdicts:
        result = f"[red]{escape(one.fault)}[/]" if one.fault else escape(one.what)
        table.add_row(escape(one.model), one.state, f"{one.seconds:.1f}", result)
    console = Console()
    console.print(table)
    faults = sum(bool(one.fault) for one in verdicts)
    console.print(f"{len(verdicts)} tries, {faults} faults")


def main(
    target: Annotated[str, typer.Option(envvar="FILMGATE_TARGET", help="Address of the server.")] = "127.0.0.1:50051",
    tenant: Annotated[str, typer.Option(envvar="FILMGATE_TENANT", help="Whose videos.")] = "smoke",
    api_key: Annotated[str, typer.Option(envvar="FILMGATE_API_KEY", show_default=False)] = "",
    insecure: Annotated[bool, typer.Option("--insecure", help="Plaintext to another machine.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Buy from live vendors too; needs --max-cost.")] = False,
    max_cost: Annotated[str | None, typer.Option(help="USD that all live rows together may cost.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only this row, repeatable.", show_default=False)] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Rows at the same time.")] = 4,
    patience: Annotated[float, typer.Option(help="Seconds to wait for one row.")] = 1200.0,
) -> None:
    """Drive every model and the prompts; exits 1 on any fault."""
    if live != (max_cost is not None):
        raise typer.BadParameter("--live and --max-cost go together")
    budget = None if max_cost is None else money(max_cost).micros

    async def run() -> list[Verdict]:
        async with AsyncFilmgateClient(
            target, tenant=tenant, api_key=api_key or None, insecure=insecure or None
        ) as client:
            return await Smoke(client, budget=budget, patience=patience, parallel=parallel).run(model or ())

    try:
        verdicts = asyncio.run(run())
    except FilmgateCallError as error:
        typer.echo(f"{target}: {error}", err=True)
        raise typer.Exit(1) from error
    show(verdicts)
    if not verdicts or any(one.fault for one in verdicts):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
