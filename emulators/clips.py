"""The files emulated jobs make: drawn when first fetched, in the media pool, and kept on disk."""

import asyncio
import base64
import contextlib
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

from emulators.black import render_black
from emulators.jobs import Clip, Job
from emulators.pictures import render_pictures
from media.placeholder import render
from media.pool import MediaPool

RENDER_SECONDS = 120.0


class ClipStore:
    """Files by job id under one folder; two fetches of one file draw it once."""

    def __init__(self, folder: Path, pool: MediaPool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._pool = pool
        self._drawing: dict[Path, asyncio.Task[None]] = {}

    async def path(self, job: Job, index: int = 0, file_format: str = "") -> tuple[Path, str]:
        """The job's file, complete, and its content type; of its `index`-th output, perhaps in another format.

        Raises MediaRejected or MediaFault when it cannot be drawn.
        """
        clip = replace(job.clip, format=file_format or job.clip.format)
        path = self._folder / f"{_stem(job)}.{index}.{clip.format}"
        if not path.exists():
            task = self._drawing.get(path)
            if task is None:
                task = asyncio.create_task(self._draw(job, index, clip, path))
                self._drawing[path] = task
                task.add_done_callback(lambda _: self._drawing.pop(path, None))
            await asyncio.shield(task)
        return path, clip.mime_type

    async def data(self, job: Job, index: int = 0) -> bytes:
        """The file's bytes, for vendors that send them inline. Raises as `path` does."""
        path, _ = await self.path(job, index)
        return await asyncio.to_thread(path.read_bytes)

    async def base64(self, job: Job, index: int = 0) -> str:
        """The file's bytes as base64."""
        return base64.b64encode(await self.data(job, index)).decode()

    async def data_uri(self, job: Job, index: int = 0) -> str:
        """The file as a `data:` URI."""
        return f"data:{job.clip.mime_type};base64,{await self.base64(job, index)}"

    def forget(self, job: Job) -> None:
        """Delete the job's files, if they were drawn."""
        for path in self._folder.glob(f"{_stem(job)}.*"):
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete every file."""
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Stop drawing."""
        for task in tuple(self._drawing.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _draw(self, job: Job, index: int, clip: Clip, path: Path) -> None:
        part = path.with_name(f"{path.stem}.{os.getpid()}.part.{clip.format}")
        seed = int.from_bytes(hashlib.sha256(f"{job.id} {index or ''}".strip().encode()).digest()[:4], "big")
        size = {"width": clip.width, "height": clip.height}
        if clip.format != "mp4":
            frames = max(1, round(clip.seconds * clip.fps)) if clip.format == "gif" else 1
            facts = {**size, "frames": frames, "fps": clip.played_fps or clip.fps, "black": clip.black}
            await self._pool.run(
                render_pictures, str(part), **facts, lines=caption(job), seed=seed, timeout=RENDER_SECONDS
            )
        else:
            await self._draw_video(job, clip, part, size | {"fps": clip.played_fps or clip.fps}, seed)
        part.replace(path)

    async def _draw_video(self, job: Job, clip: Clip, part: Path, facts: dict[str, float], seed: int) -> None:
        facts["seconds"] = clip.seconds * clip.fps / facts["fps"]
        if clip.black:
            await self._pool.run(render_black, str(part), **facts, timeout=RENDER_SECONDS)
            return
        lines = caption(job)
        await self._pool.run(render, part, **facts, audio=clip.audio, lines=lines, seed=seed, timeout=RENDER_SECONDS)


def _stem(job: Job) -> str:
    """A file name; some vendors let the client choose the id."""
    return job.id if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", job.id) else hashlib.sha256(job.id.encode()).hexdigest()


def caption(job: Job) -> tuple[str, ...]:
    """What stands in the frame below MOCK: vendor and model, job, prompt."""
    return (f"{job.vendor} {job.model}", job.id, job.prompt[:200])
