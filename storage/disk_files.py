"""Objects as files: the data under a name of its own, then one small record whose appearing is the commit.

    files/videos/acme/20261121_101010-hero-001%3f9c….mp4     the data, written and synced first
    index/videos/acme/20261121_101010-hero-001.mp4%.json     the record: linked into place, so it never overwrites

A crash in between leaves data without a record: the object does not exist, and `sweep` removes the data. A percent
sign cannot occur in a key, so no key can collide with these names.
"""

import errno
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.crashpoints import crashpoint, declare
from core.errors import StorageFailed
from storage.store import PART_BYTES, ListedObject, ObjectExists, ObjectMissing, StoredObject

RECORD_SUFFIX = "%.json"
DRAFT_SUFFIX = "%tmp"
_TOKEN = re.compile(r"%[0-9a-f]{16}")

declare("disk-after-data", "disk-before-record", "disk-after-record")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What the index says about one object; `file` is the data's name beside its siblings."""

    key: str
    file: str
    size: int
    sha256: str
    content_type: str
    metadata: Mapping[str, str]
    modified: str

    @property
    def stored(self) -> StoredObject:
        """In the words of every store."""
        return StoredObject(
            key=self.key,
            size=self.size,
            sha256=self.sha256,
            etag=f'"{self.sha256}"',
            content_type=self.content_type,
            metadata=self.metadata,
            modified=datetime.fromisoformat(self.modified),
        )


class Files:
    """The blocking work under one root directory. Keys are checked by the caller."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = root / "files"
        self.index = root / "index"

    def prepare(self) -> None:
        """Make the directories, and prove that files can be written, linked and removed here."""
        for directory in (self.files, self.index):
            make_directory(directory)
        probe = self.index / f"{_new_token()}{DRAFT_SUFFIX}"
        linked = probe.with_name(f"{_new_token()}{DRAFT_SUFFIX}")
        try:
            _write_synced(probe, [b"probe"])
            os.link(probe, linked)
        finally:
            probe.unlink(missing_ok=True)
            linked.unlink(missing_ok=True)

    def read(self, key: str) -> Record | None:
        """The record of a key, or None. Raises StorageFailed for a damaged one."""
        try:
            document = json.loads(self._record_path(key).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:
            raise StorageFailed(f"the record of {key} is damaged") from None
        record = _record(document, key)
        # A file system that ignores case or composes accents answers for a key nobody stored.
        return record if record.key == key else None

    def store(self, record: Record, parts: Iterable[bytes], *, overwrite: bool) -> StoredObject:
        """Write the data, sync it, then link the record. ObjectExists when other bytes are there already."""
        data = self._data_path(record)
        make_directory(data.parent)
        replaced = self.read(record.key) if overwrite else None
        committed = False
        try:
            if _write_synced(data, parts) != (record.size, record.sha256):
                raise StorageFailed(f"what was to be stored as {record.key} does not have the SHA-256 given")
            _sync_directory(data.parent)
            crashpoint("disk-after-data")
            committed = self._commit(record, overwrite=overwrite)
        finally:
            if not committed:
                data.unlink(missing_ok=True)
        if not committed:
            return self.same_or_refuse(record)
        crashpoint("disk-after-record")
        self._confirm(record, replaced)
        return record.stored

    def _commit(self, record: Record, *, overwrite: bool) -> bool:
        """Put the record in place; False when there is one and it may not be replaced."""
        path = self._record_path(record.key)
        make_directory(path.parent)
        draft = path.with_name(f"{_new_token()}{DRAFT_SUFFIX}")
        try:
            _write_synced(draft, [json.dumps(asdict(record)).encode()])
            crashpoint("disk-before-record")
            if overwrite:
                draft.replace(path)
            else:
                os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _confirm(self, record: Record, replaced: Record | None) -> None:
        try:
            _sync_directory(self._record_path(record.key).parent)
        except OSError as error:
            raise StorageFailed(f"{record.key} may not last: {error.strerror}", ambiguous=True) from None
        if replaced is not None:
            self._data_path(replaced).unlink(missing_ok=True)

    def same_or_refuse(self, record: Record) -> StoredObject:
        """What is stored under the key, when it is the same bytes; ObjectExists otherwise."""
        existing = self.read(record.key)
        if existing is not None and existing.stored.holds(record.size, record.sha256):
            return existing.stored
        raise ObjectExists(f"{record.key} holds a different object")

    def open(self, key: str) -> tuple[Record, BinaryIO]:
        """The record and its open data. Raises ObjectMissing."""
        for _ in range(5):  # an overwrite may remove the data between the two reads
            record = self.read(key)
            if record is None:
                break
            with suppress(FileNotFoundError):
                descriptor = os.open(self._data_path(record), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                return record, os.fdopen(descriptor, "rb", PART_BYTES)
        raise ObjectMissing(f"there is no data for {key}")

    def delete(self, key: str) -> None:
        """Remove record, then data; a crash in between leaves data for the sweep."""
        record = self.read(key)
        if record is None:
            return
        path = self._record_path(key)
        path.unlink(missing_ok=True)
        _sync_directory(path.parent)
        self._data_path(record).unlink(missing_ok=True)

    def walk(self, prefix: str, start_after: str) -> Iterator[ListedObject]:
        """Every object under the prefix that sorts after `start_after`, in the byte order of the keys."""
        for key in self._keys("", prefix, start_after):
            record = self.read(key)
            if record is not None:
                modified = datetime.fromisoformat(record.modified)
                yield ListedObject(key=key, size=record.size, modified=modified)

    def _keys(self, directory: str, prefix: str, start_after: str) -> Iterator[str]:
        for name in _sorted_names(self.index / directory):
            key = f"{directory}{name}"
            if name.endswith("/"):
                related = key.startswith(prefix) or prefix.startswith(key)
                if related and (key > start_after or start_after.startswith(key)):
                    yield from self._keys(key, prefix, start_after)
            elif key.startswith(prefix) and key > start_after:
                yield key

    def sweep(self, prefix: str, before: datetime) -> int:
        """Remove drafts, and data without a record, under the prefix and older than this; returns how many."""
        return sum(_remove(path) for path in [*self._drafts(prefix), *self._strays(prefix)] if _age(path) < before)

    def _drafts(self, prefix: str) -> Iterator[Path]:
        for path in self.index.rglob(f"*{DRAFT_SUFFIX}"):
            if path.relative_to(self.index).as_posix().startswith(prefix) or prefix == "":
                yield path

    def _strays(self, prefix: str) -> Iterator[Path]:
        for path in self.files.rglob("*%*"):
            key = _TOKEN.sub("", path.relative_to(self.files).as_posix())
            if key.startswith(prefix):
                record = self.read(key)
                if record is None or record.file != path.name:
                    yield path

    def _record_path(self, key: str) -> Path:
        return self.index / f"{key}{RECORD_SUFFIX}"

    def _data_path(self, record: Record) -> Path:
        return (self.files / record.key).with_name(record.file)


def new_record(
    key: str, *, size: int, sha256: str, content_type: str, metadata: Mapping[str, str], modified: datetime
) -> Record:
    """A record for data not written yet, under a file name nobody has."""
    name = PurePosixPath(key)
    return Record(
        key=key,
        file=f"{name.stem}%{_new_token()}{name.suffix}",
        size=size,
        sha256=sha256,
        content_type=content_type,
        metadata=dict(metadata),
        modified=modified.replace(microsecond=0).isoformat(),
    )


def _record(document: object, key: str) -> Record:
    """The record in this JSON; StorageFailed unless it is one, and its file is a plain name."""
    try:
        record = Record(**document)  # type: ignore[arg-type]  # a wrong shape is the error caught below
        plain = PurePosixPath(record.file).name == record.file and record.size >= 0
        datetime.fromisoformat(record.modified)
    except (TypeError, ValueError):
        plain = False
    if not plain:
        raise StorageFailed(f"the record of {key} is damaged")
    return record


def read_parts(file: BinaryIO) -> Iterator[bytes]:
    """The rest of the file in parts of 1 MiB."""
    while part := file.read(PART_BYTES):
        yield part


def make_directory(directory: Path) -> None:
    """Create it and its missing parents, for their owner only and so that they survive a power cut."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        if not directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    _sync_directory(directory.parent)


def _new_token() -> str:
    return secrets.token_hex(8)


def _write_synced(path: Path, parts: Iterable[bytes]) -> tuple[int, str]:
    """Write a new file down to the disk; its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    with path.open("xb", buffering=0) as file:
        for part in parts:
            _write_all(file, part)
            digest.update(part)
            size += len(part)
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _write_all(file: FileIO, part: bytes) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[file.write(rest) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sorted_names(directory: Path) -> list[str]:
    """Names of keys, and of directories with their slash, in an order that sorts whole keys."""
    names = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(RECORD_SUFFIX):
                names.append(entry.name.removesuffix(RECORD_SUFFIX))
            elif entry.is_dir(follow_symlinks=False):
                names.append(f"{entry.name}/")
    return sorted(names)


def _age(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.max.replace(tzinfo=UTC)


def _remove(path: Path) -> int:
    path.unlink(missing_ok=True)
    return 1
