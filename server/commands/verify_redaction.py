"""Takes out of a vendor's texts what must not be shown: one placeholder for each thing, the same wherever it stands.

What is left keeps its shape, so that an adapter reads the redacted reply as it read the true one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.outcome import Json
from server.logs import Redact, redactor

MASK = "[redacted]"
_LONGEST = 4000
_URL = re.compile(r"https?://[^\s\"'<>\\^`{|}]+", re.IGNORECASE)
_BUCKET = re.compile(r"(?<=gs://)[^/\s\"']+")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PROJECT = re.compile(r"(?<=projects/)[A-Za-z0-9:.-]+")
_ACCOUNT = re.compile(r"\b(?:org|proj|user|acct|team|cus|workspace)[-_][A-Za-z0-9]{8,}\b")
_HALF_HIDDEN = re.compile(r"[^\s\"']*\*{3,}[^\s\"']*")
"""A vendor's own way to repeat a key: its first letters, stars, its last ones."""
_BYTES = re.compile(r"(data:[^,;]{1,100};base64,)?([A-Za-z0-9+/_-]{1024,}={0,2})")
_FILE = re.compile(r"\.(?:mp4|webm|mov|gif|webp|png|jpe?g|mp3|wav|m3u8)$", re.IGNORECASE)
_FILE_ID = re.compile(r"(?<=/files/)[^/:?]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_HARMLESS = frozenset({"alt=media"})
_SECRET_MEMBER = re.compile(r"secret|token|password|credential|authorization|cookie|signature|jwt|api_?key|^key$")
_ACCOUNT_MEMBER = re.compile(
    r"^(?:user|account|org|organi[sz]ation|owner|customer|consumer|team|workspace|tenant|project|creator|author"
    r"|username|nick_?name|e?mail)(?:_?(?:id|name|uuid|number|key|email|slug))?$"
)
_SHOWN_HEADER = re.compile(
    r"^(?:content-type|content-length|date|location|server)$"
    r"|retry|rate-?limit|error|timeout|request-id|poll-after|expires|billable|cost|credit|units|version|queue"
)


@dataclass(slots=True)
class Redaction:
    """One redaction for a whole transcript."""

    secrets: Iterable[str]
    private: Mapping[str, str] = field(default_factory=dict)
    """What is no secret but names the operator's account, to the kind of thing it is."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """Origins of the vendor's API to what stands for them: other hosts are not named."""
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _masked: Redact = field(init=False)

    def __post_init__(self) -> None:
        self._masked = redactor(self.secrets)

    def text(self, text: str) -> str:
        """The text without secrets, addresses and people; a clip's bytes, or a novel, are cut short."""
        text = self._masked(_short(text))
        for original, kind in self.private.items():
            text = text.replace(original, self._name(kind, original))
        text = _URL.sub(lambda match: self._url(match[0]), text)
        text = _BUCKET.sub(lambda match: self._name("bucket", match[0]), text)
        text = _EMAIL.sub(lambda match: self._name("person", match[0]) + "@example.invalid", text)
        text = _PROJECT.sub(lambda match: self._name("project", match[0]), text)
        text = _ACCOUNT.sub(lambda match: self._name("account", match[0]), text)
        return _HALF_HIDDEN.sub(MASK, text)

    def value(self, value: Json, member: str = "") -> Json:
        """Any JSON value redacted; `member` is the name under which it stands."""
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(inner, str(name)) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner, member) for inner in value]
        if not isinstance(value, str) or not value:
            return value
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", member).lower()
        if _SECRET_MEMBER.search(name):
            return MASK
        return self._name("account", value) if _ACCOUNT_MEMBER.match(name) else self.text(value)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """A reply's: all names, and the values that adapters or people may need."""
        return {
            name.lower(): self.text(value) if _SHOWN_HEADER.search(name.lower()) else MASK
            for name, value in headers.items()
        }

    def _name(self, kind: str, original: str) -> str:
        """The placeholder of one thing."""
        if original in self._names.values():
            return original
        known = sum(1 for each, _ in self._names if each == kind)
        return self._names.setdefault((kind, original), f"{kind}-{known + 1}")

    def _url(self, url: str) -> str:
        """The vendor's own addresses with their path, others as host and file; of a query the names only."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return "https://unreadable.invalid/"
        home = self.homes.get(f"{parts.scheme}://{parts.netloc}".lower())
        base = home or f"https://{self._name('host', parts.netloc)}.invalid"
        pairs = [pair for pair in parts.query.split("&") if "=" in pair]
        told = [pair if pair in _HARMLESS else pair.partition("=")[0] for pair in pairs]
        query = "&".join(name for name in told if name in _HARMLESS or _NAME.fullmatch(name))
        return base + self._path(parts.path, own=home is not None) + (f"?{query}" if query else "")

    def _path(self, path: str, *, own: bool) -> str:
        """A file's path may be signed; a path of the vendor's API is a fact."""
        ending = _FILE.search(path)
        if ending is not None:
            return f"/{self._name('file', path)}{ending[0]}"
        if own:
            return _FILE_ID.sub(lambda match: self._name("file", match[0]), path)
        return path if path in ("", "/") else f"/{self._name('path', path)}"


def shape(value: Json) -> Json:
    """What kind of thing stands where: names kept, values told by their kind, one entry of each list."""
    if isinstance(value, Mapping):
        return {name if _NAME.fullmatch(str(name)) else "(name)": shape(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shape(inner) for inner in value[:1]]
    kinds = {str: "(text)", bool: "(true or false)", int: "(number)", float: "(number)"}
    return kinds.get(type(value))


def _short(text: str) -> str:
    """Bytes as text keep so many characters that they are still base64."""
    found = _BYTES.fullmatch(text)
    if found is not None:
        return (found[1] or "") + found[2][:64]
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
