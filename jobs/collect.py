"""The step that brings the clip home: download, check, store, settle; then dress it, in the background of its job."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
import structlog

from core import urls
from core.crashpoints import crashpoint, declare
from core.errors import Billed, Failure, FailureReason, MediaRejected, StorageFailed, TransferFailed, UnsafeUrl
from core.identifiers import derived_key, video_key
from core.outcome import Auth, Failed, Json, Ready
from core.spec import Notice
from jobs import tables
from jobs.context import Context
from jobs.endpoints import Endpoint
from jobs.records import Attempt, ClipState, Situation, notice_json, situation, usage_of
from jobs.sender import Sender
from jobs.settle import StoredVideo, bill_failure, bill_success, candidate_of, fail_attempt, succeed
from jobs.transfer import Credential, TransferLimits, download
from jobs.wait import INLINE, auth_of, ready_json
from media.facts import MediaFacts
from media.normalise import needs_normalising, normalise
from media.probe import verify
from media.retime import retime
from media.thumbnail import thumbnail
from providers.base import BaseVideoProvider
from storage.store import ObjectExists, StoredObject

declare("before-download", "after-download", "before-store", "after-store", "before-settle", "after-settle")
_log = structlog.get_logger()
Result = TypeVar("Result")
_TRIES = 6
"""Downloads, and puts into the store: what was paid for is not given up within a minute."""
_MEDIA_TIMEOUT = 300.0
_TOLERANCE = 2.0
_FILES = ThreadPoolExecutor(2, thread_name_prefix="filmgate-collect")


@dataclass(frozen=True, slots=True)
class Collecting:
    """Steps `collect` and `dress`."""

    context: Context
    sender: Sender

    async def __call__(self, clip_id: str) -> str:
        """From the vendor's output to a settled clip in the tenant's store; the name of the next step."""
        found = await self.context.database.read(lambda connection: situation(connection, clip_id))
        attempt = found.last
        if found.clip.state.terminal:
            return "dress"
        if attempt is None or attempt.end_time is not None:
            return "submit"
        if attempt.result is None:
            return "wait"
        path = self.context.temp_dir / f"{attempt.id}.mp4"
        try:
            async with self.context.collecting:
                facts = await self._fetch(attempt, path)
                stored = await self._store(found, attempt, path, facts)
        except (TransferFailed, UnsafeUrl, MediaRejected, StorageFailed) as error:
            await _on_file_thread(lambda: _discard(path))
            return await self._failed(found, attempt, error)
        await self._settle(found, attempt, stored, facts)
        return "dress"

    async def _fetch(self, attempt: Attempt, path: Path) -> MediaFacts:
        """The whole, playable file at `path`; a fresh address is asked for after every miss."""
        self.context.temp_dir.mkdir(parents=True, exist_ok=True)
        result: Mapping[str, Json] = attempt.result or {}
        if result["outputs"] == [INLINE]:
            result = await self._fresh(attempt, result)
        for left in reversed(range(_TRIES)):
            try:
                crashpoint("before-download")
                await self._download(attempt, result, path)
                crashpoint("after-download")
                return await self._checked(path, self.context.row(attempt).retime_fps)
            except (TransferFailed, MediaRejected) as error:
                _log.warning("collect failed", attempt=attempt.id, tries_left=left, why=str(error))
                if not left:
                    raise
                await self._pause(left)
                result = await self._fresh(attempt, result)
        raise AssertionError("unreachable")

    async def _fresh(self, attempt: Attempt, result: Mapping[str, Json]) -> Mapping[str, Json]:
        """What the vendor says at this moment; the old news where it says nothing."""
        outcome = await self.sender.poll(attempt)
        return ready_json(outcome, whole=True) if isinstance(outcome, Ready) else result

    async def _pause(self, left: int) -> None:
        policy = self.context.policy
        await asyncio.sleep(min(policy.retry_base * 2 ** (_TRIES - 1 - left), policy.retry_longest))

    async def _download(self, attempt: Attempt, result: Mapping[str, Json], path: Path) -> None:
        endpoint = self.context.vendors.endpoint(attempt.endpoint)
        origins = {urls.origin(endpoint.base_url)} if endpoint is not None and endpoint.near else set()
        auth = auth_of(result["auth"])
        credential = None
        output = result["outputs"][0] if result["outputs"] else ""
        url, home = _whereabouts(output, self.context.provider(attempt), endpoint)
        if auth is not None and endpoint is not None:
            credential = await _credential(auth, endpoint, home)
        if not result["outputs"]:
            raise TransferFailed("the vendor named no output")
        policy = self.context.policy
        await download(
            url,
            path,
            client=self.context.public_client,
            limits=TransferLimits(max_bytes=policy.max_output_bytes, deadline=policy.download_deadline),
            credential=credential,
            allowed_origins=origins,
        )

    async def _checked(self, path: Path, retime_fps: float | None) -> MediaFacts:
        if retime_fps is not None:
            await self.context.pool.run(retime, path, _normal(path), retime_fps, timeout=_MEDIA_TIMEOUT)
            await _on_file_thread(lambda: _normal(path).replace(path))
        facts = await self.context.pool.run(verify, path, timeout=_MEDIA_TIMEOUT)
        if not needs_normalising(facts):
            return facts
        normal = _normal(path)
        await self.context.pool.run(normalise, path, normal, timeout=_MEDIA_TIMEOUT)
        await _on_file_thread(lambda: normal.replace(path))
        return await self.context.pool.run(verify, path, timeout=_MEDIA_TIMEOUT)

    async def _store(self, found: Situation, attempt: Attempt, path: Path, facts: MediaFacts) -> StoredVideo:
        job, clip = found.job, found.clip
        key = video_key(self.context.prefix, job.tenant, job.create_time, job.creative_id, clip.iteration)
        sha256 = await _on_file_thread(lambda: _hash(path))
        outputs = (attempt.result or {}).get("outputs") or [""]
        metadata = {
            "tenant": job.tenant,
            "creative_id": job.creative_id,
            "iteration": str(clip.iteration),
            "original_url": urls.without_query(outputs[0]),
            "upload_time": self.context.now().isoformat(timespec="seconds"),
            "attempt": attempt.id,
        }
        crashpoint("before-store")
        stored = await self._put_patiently(key, path, metadata, sha256)
        crashpoint("after-store")
        return StoredVideo(key=key, size=stored.size, sha256=sha256, facts=asdict(facts))

    async def _put_patiently(self, key: str, path: Path, metadata: Mapping[str, str], sha256: str) -> StoredObject:
        for left in reversed(range(_TRIES)):
            try:
                return await self._put(key, path, metadata, sha256)
            except ObjectExists:
                raise
            except StorageFailed as error:
                _log.warning("store failed", key=key, tries_left=left, why=str(error))
                if not left:
                    raise
                await self._pause(left)
        raise AssertionError("unreachable")

    async def _put(self, key: str, path: Path, metadata: Mapping[str, str], sha256: str) -> StoredObject:
        """Store the clip; what an earlier run of this very attempt left there may differ (re-encoded) and gives way."""
        store = self.context.store
        await self.context.engine.hold()  # a process taken for dead must not replace what its heir has settled
        try:
            return await store.put_file(key, path, content_type="video/mp4", metadata=metadata, sha256=sha256)
        except ObjectExists:
            there = await store.head(key)
            if there is None or there.metadata.get("attempt") != metadata["attempt"]:
                raise
            await store.delete([key])
            return await store.put_file(key, path, content_type="video/mp4", metadata=metadata, sha256=sha256)

    async def _settle(self, found: Situation, attempt: Attempt, video: StoredVideo, facts: MediaFacts) -> None:
        usage = usage_of((attempt.result or {})["usage"])
        bill = bill_success(self.context, found, attempt, usage, facts.duration)
        notices = _suspicions(candidate_of(found, attempt).spec.get("duration") or found.clip.target_duration, facts)
        now = self.context.now()
        crashpoint("before-settle")
        await self.context.engine.hold()  # the object of a heir may have replaced ours
        await self.context.database.write(
            lambda connection: succeed(self.context, connection, found, attempt, bill, video, notices, now)
        )
        crashpoint("after-settle")
        self.context.bell.ring(found.job.id)

    async def _failed(self, found: Situation, attempt: Attempt, error: Exception) -> str:
        """The vendor was paid and we could not bring the clip home: booked, never bought again by itself."""
        await self.context.engine.hold()  # what failed while this process stood still proves nothing
        reasons = {MediaRejected: FailureReason.BAD_OUTPUT, StorageFailed: FailureReason.STORAGE_FAILED}
        reason = reasons.get(type(error), FailureReason.DOWNLOAD_FAILED)
        failure = Failure(reason=reason, message=str(error), billed=Billed.YES, retryable=False)
        usage = usage_of((attempt.result or {})["usage"])
        failure, bill = bill_failure(self.context, found, attempt, Failed(failure=failure, usage=usage))
        now = self.context.now()
        await self.context.database.write(
            lambda connection: fail_attempt(connection, found, attempt, failure, bill, now)
        )
        self.context.bell.ring(found.job.id)
        return "submit"

    async def dress(self, clip_id: str) -> str:
        """Thumbnail the stored clip and tidy up, here and perhaps at the vendor. Never fails the clip."""
        found = await self.context.database.read(lambda connection: situation(connection, clip_id))
        attempt = found.last
        path = self.context.temp_dir / f"{attempt.id}.mp4" if attempt is not None else None
        try:
            if path is not None and await _on_file_thread(path.exists):
                await self._thumbnail(found, path)
        except Exception as error:  # a thumbnail is a nicety: whatever happens, the clip stays delivered
            _log.warning("no thumbnail", clip=clip_id, error=type(error).__name__)
        finally:
            if path is not None:
                await _on_file_thread(lambda: _discard(path))
        if self.context.policy.delete_at_vendor and found.clip.state is ClipState.SUCCEEDED:
            await self._forgotten_there(found)
        return "end"

    async def _forgotten_there(self, found: Situation) -> None:
        """The clip is ours and stored: its vendors need not keep theirs."""
        for attempt in found.attempts:
            try:
                forgotten = await self.sender.delete(attempt)
            except Exception as error:  # whatever a vendor says to it, the clip stays delivered
                forgotten = False
                _log.warning("deleting at the vendor failed", attempt=attempt.id, error=type(error).__name__)
            if forgotten is False:
                _log.warning("the vendor did not delete", attempt=attempt.id, endpoint=attempt.endpoint)

    async def _thumbnail(self, found: Situation, path: Path) -> None:
        image = await self.context.pool.run(thumbnail, path, timeout=60.0)
        key = derived_key(self.context.prefix, found.job.tenant, found.job.id, f"{found.clip.id}.jpg")
        metadata = {"tenant": found.job.tenant, "creative_id": found.job.creative_id}
        await self.context.store.put_bytes(key, image, content_type="image/jpeg", metadata=metadata)
        videos = tables.videos.c
        update = sa.update(tables.videos).where(videos.clip_id == found.clip.id, videos.delete_time.is_(None))
        update = update.values(thumbnail_key=key)
        if not await self.context.database.write(lambda connection: connection.execute(update).rowcount):
            await self.context.store.delete([key])  # its video was deleted meanwhile
        self.context.bell.ring(found.job.id)


async def _on_file_thread(call: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_FILES, call)


def _normal(path: Path) -> Path:
    return path.with_suffix(".normal.mp4")


def _discard(path: Path) -> None:
    """Remove whatever is named after the attempt: also what a worker had half written when it was killed."""
    for each in path.parent.iterdir():  # a glob would have a pattern compiled, and kept, for each attempt
        if path.stem in each.name:
            each.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _suspicions(bought: float, facts: MediaFacts) -> list[dict[str, Json]]:
    """A paid clip that plays is always delivered; what looks wrong with it is a warning."""
    texts = []
    if facts.is_black:
        texts.append("every frame is black")
    if facts.is_frozen:
        texts.append("nothing moves")
    if abs(facts.duration - bought) > _TOLERANCE:
        texts.append(f"it lasts {facts.duration:.2f} s, {bought:g} s were bought")
    return [notice_json(Notice(code="QUALITY_SUSPECT", message=text)) for text in texts]


def _whereabouts(output: str, provider: BaseVideoProvider, endpoint: Endpoint | None) -> tuple[str, str]:
    """The address of an output, and the base address whose origin may see the credential.

    A path lies on the endpoint itself; an address on one of the vendor's further hosts is asked of this endpoint's own.
    """
    if endpoint is None:
        if output.startswith("/"):
            raise TransferFailed("the endpoint of the output is not configured any more")
        return output, ""
    if output.startswith("/"):
        return endpoint.base_url + output, endpoint.base_url
    for name, base in provider.hosts.items():
        if output.startswith(f"{base}/"):
            return endpoint.hosts[name] + output.removeprefix(base), endpoint.hosts[name]
    return output, endpoint.base_url


async def _credential(auth: Auth, endpoint: Endpoint, home: str) -> Credential:
    try:
        secret = await endpoint.credentials()
    except OSError as error:
        raise TransferFailed(f"no access token could be had: {error}") from None
    return Credential(auth=auth, secret=secret, origin=urls.origin(home))
