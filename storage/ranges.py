"""The Range header of a download (RFC 9110, section 14): one range at most, what cannot be read is ignored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

_SINGLE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeAnswer:
    """How to answer: status 200 with everything, 206 with `start` up to, not including, `end`, or 416 with nothing."""

    status: int
    start: int
    end: int
    size: int

    @property
    def length(self) -> int:
        """Bytes in the body."""
        return self.end - self.start

    @property
    def headers(self) -> Mapping[str, str]:
        """Content-Length, Accept-Ranges, and Content-Range where the status wants one. Names in lower case."""
        headers = {"accept-ranges": "bytes", "content-length": str(self.length)}
        if self.status == 206:
            headers["content-range"] = f"bytes {self.start}-{self.end - 1}/{self.size}"
        elif self.status == 416:
            headers["content-range"] = f"bytes */{self.size}"
        return headers


def answer_range(header: str | None, size: int) -> RangeAnswer:
    """The answer for a GET of an object of `size` bytes with this Range header.

    No header, another unit, a malformed one and several ranges at once all get the whole object, as the RFC allows.
    """
    whole = RangeAnswer(status=200, start=0, end=size, size=size)
    match = _SINGLE.fullmatch(header or "")
    if match is None:
        return whole
    first, last, suffix = match.groups()
    if suffix is not None:
        return _suffix(int(suffix), whole)
    start, end = int(first), int(last) + 1 if last else size
    if last and end <= start:
        return whole
    if start >= size:
        return RangeAnswer(status=416, start=0, end=0, size=size)
    return RangeAnswer(status=206, start=start, end=min(end, size), size=size)


def _suffix(length: int, whole: RangeAnswer) -> RangeAnswer:
    if length == 0:
        return RangeAnswer(status=416, start=0, end=0, size=whole.size)
    if whole.size == 0:
        return whole
    return RangeAnswer(status=206, start=max(0, whole.size - length), end=whole.size, size=whole.size)


def still_the_same(if_range: str | None, etag: str, modified: datetime) -> bool:
    """Whether a Range may be honoured under this If-Range header: it is absent, our strong ETag, or our exact date."""
    if if_range is None:
        return True
    if if_range.startswith(('"', "W/")):
        return if_range == etag
    try:
        return parsedate_to_datetime(if_range) == modified.replace(microsecond=0)
    except (TypeError, ValueError):
        return False


def http_date(moment: datetime) -> str:
    """The moment (UTC) as Last-Modified writes it."""
    return format_datetime(moment, usegmt=True)
