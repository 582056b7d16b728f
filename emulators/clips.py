"""The files emulated jobs make: drawn when first fetched, in the media pool, and kept on disk."""

import asyncio
import contextlib
import hashlib
import os
from pathlib import Path

from emulators.black import render_black
from emulators.jobs import Job
from media.placeholder import render
from media.pool import MediaPool

RENDER_SECONDS = 120.0


class ClipStore:
    """Clips by job id under one folder; two fetches of one clip draw it once."""

    def __init__(self, folder: Path, pool: MediaPool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._pool = pool
        self._drawing: dict[str, asyncio.Task[Path]] = {}

    async def path(self, job: Job) -> Path:
        """The job's MP4, complete. Raises MediaRejected or MediaFault when it cannot be drawn."""
        path = self._path(job)
        if path.exists():
            return path
        task = self._drawing.get(job.id)
        if task is None:
            task = asyncio.create_task(self._draw(job, path))
            self._drawing[job.id] = task
            task.add_done_callback(lambda _: self._drawing.pop(job.id, None))
        return await asyncio.shield(task)

    def forget(self, job: Job) -> None:
        """Delete the job's file, if it was drawn."""
        self._path(job).unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete every file."""
        for path in self._folder.glob("*.mp4"):
            path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Stop drawing."""
        for task in tuple(self._drawing.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _path(self, job: Job) -> Path:
        return self._folder / f"{job.id}.mp4"

    async def _draw(self, job: Job, path: Path) -> Path:
        part = path.with_name(f"{path.stem}.{os.getpid()}.part.mp4")
        clip = job.clip
        size = {"seconds": clip.seconds, "width": clip.width, "height": clip.height, "fps": clip.fps}
        if clip.black:
            await self._pool.run(render_black, str(part), **size, timeout=RENDER_SECONDS)
        else:
            await self._pool.run(
                render,
                part,
                **size,
                audio=clip.audio,
                lines=caption(job),
                seed=int.from_bytes(hashlib.sha256(job.id.encode()).digest()[:4], "big"),
                timeout=RENDER_SECONDS,
            )
        part.replace(path)
        return path


def caption(job: Job) -> tuple[str, ...]:
    """What stands in the frame below MOCK: vendor and model, job, prompt."""
    return (f"{job.vendor} {job.model}", job.id, job.prompt[:200])
