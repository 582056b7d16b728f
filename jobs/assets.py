"""Files that tenants upload to use as inputs: kept, listed, found for an order, and removed when nobody needs them."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from core.database import insert_unless_there
from core.errors import Exhausted, MediaRejected, NotFound, Reason, StorageFailed, Violation
from core.identifiers import new_id
from core.spec import MediaInput, Wish
from jobs import tables, tenants
from jobs.context import Context
from jobs.orders import Order, Page
from jobs.records import Row
from jobs.transfer import threaded
from jobs.uploads import EXTENSIONS, AssetKind, Declared, Look, Received, look, receive
from media.probe import probe

MOST_UPLOADS = 16
"""Uploads at once: they bound the temporary space."""
_FOLDER = "upload-"
_UNFINISHED = timedelta(hours=1)
_AT_ONCE = 100
_LOOK_SECONDS = 30.0
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A row of `asset` that is somebody's."""

    id: str
    tenant: str
    kind: AssetKind
    mime_type: str
    filename: str
    size: int
    sha256: str
    width: int
    height: int
    seconds: float
    """0 for an image."""
    key: str
    create_time: datetime


class Assets:
    """The tenants' uploaded files."""

    def __init__(self, context: Context, unfinished: timedelta = _UNFINISHED) -> None:
        """`unfinished`: how long an asset may take to be stored; what is not by then is swept."""
        self._context = context
        self._unfinished = unfinished
        self._uploads = 0

    async def clear(self) -> None:
        """Remove what processes that were killed have left on disk; before any upload begins."""
        await threaded(partial(_clear, self._context.temp_dir))
        await self.clear_others()

    async def clear_others(self) -> None:
        """Remove the temporary files of replicas that are gone, where they share this data folder."""
        if not self._context.database.shared:
            return
        parent, own = self._context.temp_dir.parent, self._context.temp_dir.name
        others = await threaded(partial(_folders, parent)) - {own}
        executors = tables.executors.c
        query = sa.select(executors.id).where(executors.id.in_(others), executors.reaped.is_(True))
        if others:
            gone = await self._context.database.read(lambda connection: set(connection.execute(query).scalars()))
            await threaded(partial(_clear_folders, parent, gone))

    async def upload(self, declared: Declared, parts: AsyncIterator[bytes]) -> Asset:
        """Take a file, wholly or not at all.

        Raises InvalidRequest, Precondition for a tenant from which no work is taken, Exhausted, Unavailable and
        StorageFailed.
        """
        await self._context.database.read(partial(tenants.check_active, name=declared.tenant))
        with self._place() as folder:
            path = folder / "file"
            received = await receive(declared, parts, path, self._context.draining)
            found = await look(self._context.pool, path, received, declared)
            return await self._keep(declared, received, found, path)

    @contextlib.contextmanager
    def _place(self) -> Iterator[Path]:
        """A folder for one upload, as long as there is room for one more."""
        if self._uploads >= MOST_UPLOADS:
            text = "too many files are being uploaded at the moment; try again later"
            raise Exhausted(reason=Reason.SERVER_OVERLOADED, message=text, retry_after=5.0)
        self._uploads += 1
        try:
            self._context.temp_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=_FOLDER, dir=self._context.temp_dir) as folder:
                yield Path(folder)
        finally:
            self._uploads -= 1

    async def _keep(self, declared: Declared, received: Received, found: Look, path: Path) -> Asset:
        """Store the object. Its row is there before it, as one that nobody sees, so that a crash leaves no orphan."""
        asset_id, now = new_id("asset"), self._context.now()
        asset = Asset(
            id=asset_id,
            tenant=declared.tenant,
            filename=declared.filename,
            key=f"{self._context.prefix}/{declared.tenant}/_assets/{asset_id}.{EXTENSIONS[found.mime_type]}",
            create_time=now,
            **asdict(received),
            **asdict(found),
        )
        row = _row(asset) | {"delete_time": now + self._unfinished}

        def begin(connection: sa.Connection) -> None:
            tenants.check_active(connection, declared.tenant)  # it may have changed while the file came
            connection.execute(insert_unless_there(connection, tables.assets, [row]))

        await self._context.database.write_known(begin)
        metadata = {"tenant": asset.tenant, "upload_time": now.isoformat(timespec="seconds")}
        await self._context.store.put_file(
            asset.key, path, content_type=asset.mime_type, metadata=metadata, sha256=asset.sha256
        )
        show = sa.update(tables.assets).where(tables.assets.c.id == asset_id, tables.assets.c.key.is_not(None))
        shown = await self._context.database.write_known(
            lambda connection: connection.execute(show.values(delete_time=None)).rowcount
        )
        if not shown:
            raise StorageFailed("storing the file took too long")
        return asset

    async def get(self, asset_id: str, tenant: str | None) -> Asset:
        """One asset. Raises NotFound."""
        query = _visible(tenant).where(tables.assets.c.id == asset_id)
        row = await self._context.database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise _no_such()
        return _asset_of(row)

    async def listed(self, tenant: str | None, kind: AssetKind | None, page: Page) -> Sequence[Asset]:
        """Assets, newest first."""
        assets = tables.assets
        query = _visible(tenant).order_by(assets.c.id.desc()).limit(page.size)
        if page.before:
            query = query.where(assets.c.id < page.before)
        if kind is not None:
            query = query.where(assets.c.kind == str(kind))
        rows = await self._context.database.read(lambda connection: connection.execute(query).all())
        return [_asset_of(row) for row in rows]

    async def delete(self, asset_id: str, tenant: str | None) -> None:
        """Make it nobody's; its object goes as soon as no unfinished job uses it. Raises NotFound."""
        assets, now = tables.assets, self._context.now()
        update = sa.update(assets).where(assets.c.id == asset_id, assets.c.delete_time.is_(None))
        if tenant is not None:
            update = update.where(assets.c.tenant == tenant)
        update = update.values(delete_time=now)
        if not await self._context.database.write(lambda connection: connection.execute(update).rowcount):
            raise _no_such()
        try:
            await self.tidy()
        except StorageFailed:
            _log.warning("an asset's object could not be removed and is tried again", asset=asset_id)

    async def tidy(self) -> bool:
        """Remove the objects of deleted and never finished assets that no unfinished job uses; whether there were any.

        Raises StorageFailed.
        """
        doomed = await self._context.database.read(partial(_doomed, now=self._context.now()))
        if not doomed:
            return False
        await self._context.store.delete(list(doomed.values()))
        gone = sa.update(tables.assets).where(tables.assets.c.id.in_(list(doomed))).values(key=None)
        await self._context.database.write(lambda connection: connection.execute(gone).rowcount)
        return True

    async def measured(self, order: Order) -> tuple[Order, list[Violation]]:
        """The order with the length of its inline source video, and what is wrong with that video."""
        video = order.wish.source_video
        if video is None or not video.data:
            return order, []
        self._context.temp_dir.mkdir(parents=True, exist_ok=True)
        path = self._context.temp_dir / f"{new_id('look')}.video"
        try:
            await threaded(lambda: path.write_bytes(video.data))
            facts = await self._context.pool.run(probe, path, timeout=_LOOK_SECONDS)
        except MediaRejected as error:
            return order, [Violation(field="source_video", message=str(error), reason=Reason.UNREADABLE_MEDIA)]
        finally:
            await threaded(lambda: path.unlink(missing_ok=True))
        measured = replace(video, seconds=facts.duration, size=len(video.data))
        return replace(order, wish=replace(order.wish, source_video=measured)), []

    async def resolve(self, order: Order) -> tuple[Order, list[Violation]]:
        """The order with what is known of its assets, and what is wrong with them; those stay as they were typed."""
        wanted = {media.asset_id for _, media in inputs(order.wish) if media.asset_id}
        if not wanted or not order.tenant:
            return order, []
        query = _visible(order.tenant).where(tables.assets.c.id.in_(wanted))
        rows = await self._context.database.read(lambda connection: connection.execute(query).all())
        resolving = _Resolving({row.id: _asset_of(row) for row in rows})
        return replace(order, wish=each_input(order.wish, resolving.one)), resolving.violations


class _Resolving:
    """One order's assets by id, and what turns out to be wrong."""

    def __init__(self, found: Mapping[str, Asset]) -> None:
        self._found = found
        self.violations: list[Violation] = []

    def one(self, name: str, media: MediaInput) -> MediaInput:
        """The input with its asset's facts, or as it is."""
        if not media.asset_id:
            return media
        asset = self._found.get(media.asset_id)
        if asset is None:
            self.violations.append(gone(name))
            return media
        wanted = AssetKind.VIDEO if name == "source_video" else AssetKind.IMAGE
        if asset.kind is not wanted:
            text = f"is {_WORDS[asset.kind]}, and {_WORDS[wanted]} is wanted"
            self.violations.append(Violation(field=f"{name}.asset_id", message=text))
            return media
        return replace(media, mime_type=asset.mime_type, size=asset.size, seconds=asset.seconds)


_WORDS = {AssetKind.IMAGE: "an image", AssetKind.VIDEO: "a video"}


async def stored_key(context: Context, asset_id: str, tenant: str) -> str | None:
    """Where the object of an asset lies that a job of the tenant was accepted with, also when deleted since."""
    assets = tables.assets
    query = sa.select(assets.c.key).where(assets.c.id == asset_id, assets.c.tenant == tenant)
    found: str | None = await context.database.read(lambda connection: connection.execute(query).scalar())
    return found


def inputs(wish: Wish) -> list[tuple[str, MediaInput]]:
    """The files of a wish by the contract's names, such as `reference_images[0].media`."""
    named = [("first_frame", wish.first_frame), ("last_frame", wish.last_frame), ("source_video", wish.source_video)]
    named += [(f"reference_images[{place}].media", media) for place, media in enumerate(wish.references)]
    return [(name, media) for name, media in named if media is not None]


def each_input(wish: Wish, change: Callable[[str, MediaInput], MediaInput]) -> Wish:
    """The wish with every file changed, given its name."""
    changed = {name: change(name, media) for name, media in inputs(wish)}
    return replace(
        wish,
        first_frame=changed.get("first_frame"),
        last_frame=changed.get("last_frame"),
        source_video=changed.get("source_video"),
        references=tuple(changed[f"reference_images[{place}].media"] for place in range(len(wish.references))),
    )


def uses(wish: Wish) -> dict[str, str]:
    """Asset id -> the first field that names it."""
    return {media.asset_id: name for name, media in reversed(inputs(wish)) if media.asset_id}


def living(connection: sa.Connection, wanted: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of these (tenant, asset id), the ones that are there, and that stay while the transaction lasts."""
    if not wanted:
        return set()
    assets = tables.assets
    pair = sa.tuple_(assets.c.tenant, assets.c.id)
    query = sa.select(assets.c.tenant, assets.c.id).where(pair.in_(wanted), assets.c.delete_time.is_(None))
    query = query.order_by(assets.c.id).with_for_update(read=True)
    return {(row.tenant, row.id) for row in connection.execute(query)}


def gone(name: str) -> Violation:
    """What is said of an asset that is not there, and of somebody else's."""
    return Violation(field=f"{name}.asset_id", message="there is no such asset")


def _no_such() -> NotFound:
    return NotFound(reason=Reason.NOT_FOUND, message="no such asset")


def _visible(tenant: str | None) -> sa.Select[Any]:
    query = sa.select(tables.assets).where(tables.assets.c.delete_time.is_(None))
    return query if tenant is None else query.where(tables.assets.c.tenant == tenant)


def _doomed(connection: sa.Connection, now: datetime) -> dict[str, str]:
    """Asset id -> key, of objects that nobody needs any more."""
    assets, used, jobs = tables.assets, tables.asset_uses, tables.jobs
    in_use = (
        sa.select(used.c.job_id)
        .join(jobs, jobs.c.id == used.c.job_id)
        .where(used.c.asset_id == assets.c.id, jobs.c.end_time.is_(None))
    )
    query = sa.select(assets.c.id, assets.c.key).where(
        assets.c.delete_time <= now, assets.c.key.is_not(None), ~in_use.exists()
    )
    return {row.id: row.key for row in connection.execute(query.limit(_AT_ONCE))}


def _row(asset: Asset) -> dict[str, Any]:
    return asdict(asset) | {"kind": str(asset.kind)}


def _asset_of(row: Row) -> Asset:
    return Asset(**{name: getattr(row, name) for name in Asset.__slots__} | {"kind": AssetKind(row.kind)})


def _folders(parent: Path) -> set[str]:
    return {left.name for left in parent.iterdir() if left.is_dir()} if parent.is_dir() else set()


def _clear_folders(parent: Path, names: set[str]) -> None:
    for name in names:
        shutil.rmtree(parent / name, ignore_errors=True)


def _clear(folder: Path) -> None:
    for left in folder.glob(f"{_FOLDER}*"):
        shutil.rmtree(left, ignore_errors=True)
