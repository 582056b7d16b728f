"""Bring a clip's input files into the form its vendor takes: fetched, fitted, inlined, uploaded or published."""

import asyncio
import hashlib
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from core import urls
from core.errors import Billed, Failure, FailureReason, MediaRejected, StorageFailed, TransferFailed, UnsafeUrl
from core.identifiers import derived_key
from core.outcome import Slot
from core.spec import ClipSpec, MediaInput
from jobs.assets import stored_key
from jobs.context import Context
from jobs.endpoints import Endpoint
from jobs.http import ExchangeFailed
from jobs.records import Situation
from jobs.sender import Sender
from jobs.transfer import TransferLimits, download, threaded
from media.fit import fit
from media.images import inspect_image
from providers import wire
from providers.base import BaseVideoProvider
from providers.model import MediaForm, VideoModel

_LARGEST_IMAGE = 32 << 20
_LARGEST_VIDEO = 256 << 20
_FETCH_SECONDS = 120.0
_PUBLISHED_FOR = timedelta(hours=24)
_MEDIA_SECONDS = 30.0
_LOOKS, _LOOK_SECONDS = 60, 1.0
"""How often, and how many seconds apart, an uploaded file is looked at until the vendor can use it."""


class InputUnusable(Exception):
    """An input file cannot be brought to the vendor; nothing was bought. Holds the failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """Prepares the inputs of one purchase. Costs nothing and may be repeated."""

    context: Context
    sender: Sender
    provider: BaseVideoProvider
    endpoint: Endpoint
    row: VideoModel
    found: Situation

    async def __call__(self, spec: ClipSpec) -> ClipSpec:
        """The spec with every input in a form the vendor takes. Raises InputUnusable."""
        size = self._size(spec)
        media = [each for each in (spec.first_frame, spec.last_frame, spec.source_video, *spec.references) if each]
        if size is None and all(map(self._as_is, media)):
            return spec
        self.context.temp_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.context.temp_dir, ignore_cleanup_errors=True) as folder:
            work = partial(self._one, folder=Path(folder))
            first, last, source = (
                await work(spec.first_frame, name="first", size=size),
                await work(spec.last_frame, name="last", size=size),
                await work(spec.source_video, name="source", size=None),
            )
            references = [
                await work(media, name=f"reference{place}", size=None) for place, media in enumerate(spec.references)
            ]
        return replace(
            spec,
            first_frame=first,
            last_frame=last,
            source_video=source,
            references=tuple(media for media in references if media is not None),
        )

    def _as_is(self, media: MediaInput) -> bool:
        """Whether the vendor takes the input in the form it came in."""
        forms, limit = self.row.media_forms, self.row.inline_limit
        if media.uri:
            return MediaForm.URI in forms
        fits = not limit or wire.data_uri_length(media) <= limit
        return bool(media.data) and MediaForm.INLINE in forms and fits

    def _size(self, spec: ClipSpec) -> tuple[int, int] | None:
        """The exact size frames must have, where the vendor insists."""
        mode = self.row.mode(spec.mode)
        if not self.row.exact_frames or mode is None:
            return None
        return mode.sizes[(spec.aspect_ratio or "", spec.resolution or "")]

    async def _one(
        self, media: MediaInput | None, *, folder: Path, name: str, size: tuple[int, int] | None
    ) -> MediaInput | None:
        if media is None or (size is None and self._as_is(media)):
            return media
        try:
            address = await self._own_address(media) if media.asset_id and size is None else ""
            if address:
                return replace(media, uri=address, asset_id="")
            path, mime_type = await self._file(media, folder / name)
            if size is not None:
                mime_type = await self._fit(path, size, mime_type)
            plain = replace(media, uri="", data=b"", asset_id="", mime_type=mime_type)
            return await self._delivered(plain, path, name)
        except (MediaRejected, UnsafeUrl) as error:
            raise InputUnusable(_failure(FailureReason.INVALID_INPUT, f"an input file: {error}")) from None
        except (TransferFailed, StorageFailed, ExchangeFailed) as error:
            message = f"an input file could not be brought to the vendor: {error}"
            raise InputUnusable(_failure(FailureReason.VENDOR_UNAVAILABLE, message)) from None

    async def _own_address(self, media: MediaInput) -> str:
        """A presigned address of an asset's own object, where that is how the vendor takes it best; else empty."""
        row, forms = self.row, self.row.media_forms
        if MediaForm.URI not in forms or (self._inlines(media) and not _is_video(media)):
            return ""
        if MediaForm.UPLOAD in forms[: forms.index(MediaForm.URI)]:
            return ""
        url = (await self.context.store.presign(await self._key(media), _PUBLISHED_FOR)).url
        if 0 < row.uri_limit < len(url):
            return ""
        try:
            await self.context.public_client.check_public(url)
        except UnsafeUrl:
            other_ways = MediaForm.UPLOAD in row.media_forms or self._inlines(media)
            return url if self.endpoint.near and not other_ways else ""
        return url

    async def _key(self, media: MediaInput) -> str:
        key = await stored_key(self.context, media.asset_id, self.found.job.tenant)
        if key is None:
            raise InputUnusable(_failure(FailureReason.INVALID_INPUT, "an uploaded input file is not there any more"))
        return key

    def _inlines(self, media: MediaInput) -> bool:
        """Whether the file belongs inside the request: a video only where the vendor bounds how large it may be."""
        limit = self.row.inline_limit
        small = wire.data_uri_length(media) <= limit if limit else not _is_video(media)
        return MediaForm.INLINE in self.row.media_forms and small

    async def _file(self, media: MediaInput, path: Path) -> tuple[Path, str]:
        """The input as a file of ours, with its media type."""
        if media.asset_id:
            with path.open("wb") as file:
                async for part in self.context.store.open_range(await self._key(media)):
                    await threaded(partial(file.write, part))
            return path, media.mime_type
        if media.uri:
            limits = TransferLimits(max_bytes=_largest(media, path), deadline=_FETCH_SECONDS)
            fetched = await download(media.uri, path, client=self.context.public_client, limits=limits)
            return path, await self._sniffed(path, fetched.content_type)
        await threaded(lambda: path.write_bytes(media.data))
        return path, media.mime_type

    async def _sniffed(self, path: Path, told: str) -> str:
        """What the file is by its own bytes; a video by what it was said to be."""
        if told.startswith("video/"):
            return told
        data = await threaded(path.read_bytes)
        facts = await self.context.pool.run(inspect_image, data, timeout=_MEDIA_SECONDS)
        return facts.mime_type

    async def _fit(self, path: Path, size: tuple[int, int], mime_type: str) -> str:
        """Crop and scale the image to exactly this size; the type it then has."""
        data = await threaded(path.read_bytes)
        kind = "image/png" if mime_type == "image/png" else "image/jpeg"
        fitted = await self.context.pool.run(fit, data, *size, mime_type=kind, timeout=_MEDIA_SECONDS)
        await threaded(lambda: path.write_bytes(fitted))
        return kind

    async def _delivered(self, media: MediaInput, path: Path, name: str) -> MediaInput:
        """Inline where it fits, else uploaded, else at an address of our own; a video uploaded first."""
        media = replace(media, size=await threaded(lambda: path.stat().st_size))
        forms, near = self.row.media_forms, self.endpoint.near
        unbounded = MediaForm.INLINE in forms and not self.row.inline_limit
        if MediaForm.UPLOAD in forms and (_is_video(media) or not self._inlines(media)):
            return replace(media, uri=await self._uploaded(media, path))
        if not self._inlines(media) and MediaForm.URI in forms and (near or not unbounded):
            return replace(media, uri=await self._published(media, path, name))
        if self._inlines(media) or unbounded:
            return replace(media, data=await threaded(path.read_bytes))
        raise InputUnusable(_failure(FailureReason.INVALID_INPUT, "an input file is too large for this model"))

    async def _uploaded(self, media: MediaInput, path: Path) -> str:
        data = await threaded(path.read_bytes) if self.provider.upload_carries else b""
        request = self.provider.upload(replace(media, name=path.name, data=data), self.row)
        reply = None if request is None else await self.sender.send(self.endpoint, request)
        slot = None if reply is None else self.provider.slot(reply)
        if slot is None:
            raise TransferFailed("the vendor gave no place to send it to")
        if slot.url:
            await self._send(slot, media, path)
        await self._usable(slot.uri)
        return slot.uri

    async def _usable(self, uri: str) -> None:
        """Wait until the vendor has taken the uploaded file in."""
        request = self.provider.complete(uri)
        for _ in range(_LOOKS):
            reply = None if request is None else await self.sender.send(self.endpoint, request)
            usable = None if reply is None else self.provider.usable(reply)
            if usable or self.provider.inspect(uri) is None:
                return
            if usable is False:
                raise MediaRejected("the vendor cannot read it")
            await asyncio.sleep(_LOOK_SECONDS)
            request = self.provider.inspect(uri)
        raise TransferFailed("the vendor did not take the file in in time")

    async def _send(self, slot: Slot, media: MediaInput, path: Path) -> None:
        origins = {urls.origin(self.endpoint.base_url)} if self.endpoint.near else set()
        reply = await self.context.public_client.send_file(
            slot, path, media.size, media.mime_type, allowed_origins=origins
        )
        if not 200 <= reply.status < 300:
            raise TransferFailed(f"the vendor's storage answers {reply.status}")

    async def _published(self, media: MediaInput, path: Path, name: str) -> str:
        """The file in our own store, at a presigned address that the vendor can reach."""
        job, store = self.found.job, self.context.store
        sha256 = await threaded(partial(_sha256, path))
        # Another try may have fetched other bytes: what an earlier one was given stays as it was.
        key = derived_key(self.context.prefix, job.tenant, job.id, f"{self.found.clip.id}-{name}-{sha256[:16]}")
        url = (await store.presign(key, _PUBLISHED_FOR)).url
        if not self.endpoint.near:
            await self._check_reachable(url)
        await store.put_file(key, path, content_type=media.mime_type, metadata={"tenant": job.tenant}, sha256=sha256)
        return url

    async def _check_reachable(self, url: str) -> None:
        try:
            await self.context.public_client.check_public(url)
        except UnsafeUrl:
            text = "the vendor takes this input by a public address only, and this server's store has none"
            raise InputUnusable(_failure(FailureReason.INVALID_INPUT, text)) from None


def _is_video(media: MediaInput) -> bool:
    return media.mime_type.startswith("video/")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _largest(media: MediaInput, path: Path) -> int:
    return _LARGEST_VIDEO if path.name == "source" or _is_video(media) else _LARGEST_IMAGE


def _failure(reason: FailureReason, message: str) -> Failure:
    return Failure(reason=reason, message=message, billed=Billed.NO)
