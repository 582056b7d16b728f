"""Which addresses we may be made to call: one strict grammar that every parser reads alike, one policy, no I/O."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urljoin

from core.errors import UnsafeUrl

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_LENGTH = 2048
"""Characters of an address a caller may give us."""
MAX_OUTPUT_LENGTH = 8192
"""Characters of a vendor's output address: presigned ones carry long session tokens."""

_DEFAULT_PORTS = {"https": 443, "http": 80}

_COMPLAINTS = (
    (re.compile(r"[^\x21-\x7e]"), "may hold printable ASCII only: percent-encode the rest, give the host as punycode"),
    (re.compile(r"\\"), "may not hold a backslash"),
    (re.compile(r"^(?!https?://)", re.IGNORECASE | re.ASCII), "must start with https://"),
    (re.compile(r"^[^/]*//[^/?#]*@"), "may not hold a user name or password"),
    (re.compile(r"#"), "may not hold a fragment"),
    (re.compile(r"%(?![0-9A-Fa-f]{2})"), "holds a percent sign that encodes nothing"),
    (
        re.compile(r"^[^/]*//[^/?#]*/(?:[^?#]*/)?(?:\.|%2e){1,2}(?=[/?]|$)", re.IGNORECASE | re.ASCII),
        "may not hold the path segments '.' and '..'",
    ),
)

# The characters both urllib and the HTTP client pass on unchanged; anything else would be read in two ways.
_SHAPE = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[a-z0-9%!$&'()*+,;=:@/\[\]|^~._-]*)?"
    r"(?P<query>\?[a-z0-9%!$&'()*+,;=:@/\[\]|^~._?{}`-]*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
_DATA = re.compile(r"data:(?P<media_type>[A-Za-z0-9!#$&^_.+/-]{0,100})", re.ASCII)

_PRIVATE_SUFFIXES = frozenset(
    [
        "localhost",
        "localdomain",
        "local",
        "internal",
        "intranet",
        "private",
        "corp",
        "home",
        "lan",
        "svc",
        "onion",
        "invalid",
        "arpa",
    ]
)
_METADATA_NAMES = frozenset(
    [
        "metadata.google.internal",
        "metadata.goog",
        "metadata.tencentyun.com",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "instance-data.ec2.internal",
    ]
)
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    # AWS and most others, AWS containers, Alibaba, Oracle, Azure's wire server, AWS on IPv6
    for text in [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
    ]
)

# What `ipaddress.is_global` lets through in at least one supported Python, but nobody's public server has.
_REFUSED_V4 = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("192.88.99.0/24"))
# Teredo and 6to4 (tunnels that can carry any IPv4 address; both long ended), ORCHID, documentation.
_REFUSED_V6 = tuple(ipaddress.IPv6Network(text) for text in ("2001::/23", "2002::/16", "3fff::/20"))
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """An address in canonical form: lower-case scheme and host, an IPv6 host without its brackets, a path always."""

    scheme: str
    host: str
    port: int
    path_and_query: str

    @property
    def origin(self) -> str:
        """`https://host`, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The address as text; the only form to hand to a client."""
        return self.origin + self.path_and_query

    @property
    def ip(self) -> IPAddress | None:
        """The host as an IP address, or None for a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None


def split(url: str, *, max_length: int = MAX_LENGTH) -> Address:
    """The parts of an http(s) URL in the strict grammar, without any policy. Raises UnsafeUrl."""
    if len(url) > max_length:
        raise UnsafeUrl(f"an address may have at most {max_length} characters")
    for pattern, complaint in _COMPLAINTS:
        if pattern.search(url):
            raise UnsafeUrl(f"an address {complaint}")
    shape = _SHAPE.fullmatch(url)
    if shape is None:
        raise UnsafeUrl("an address must have the plain form https://host/path?query")
    scheme = shape["scheme"].lower()
    return Address(
        scheme=scheme,
        host=_host(shape["host"].lower()),
        port=_port(shape["port"], scheme),
        path_and_query=(shape["path"] or "/") + (shape["query"] or ""),
    )


def parse(
    url: str,
    *,
    allow_http: bool = False,
    ports: Collection[int] = (),
    allowed_origins: Collection[str] = (),
    max_length: int = MAX_LENGTH,
) -> Address:
    """The parts of an address that came from outside, once the policy allows it. Raises UnsafeUrl, naming the rule.

    `ports` adds to 443 and 80. An `allowed_origins` entry (as `origin` writes it: the attempt's own configured
    endpoint) may be plain http, private and on any port; a metadata service never is. A name still has to resolve to
    public addresses only (`is_public`); that is the connecting side's check.
    """
    address = split(url, max_length=max_length)
    _refuse_metadata(address)
    if address.origin in allowed_origins:
        return address
    if address.scheme != "https" and not allow_http:
        raise UnsafeUrl("an address must start with https://")
    if address.port not in {443, 80, *ports}:
        raise UnsafeUrl("an address may only use port 443 or 80")
    _refuse_private(address)
    return address


def check_endpoint(url: str, *, allow_private_http: bool = False) -> Address:
    """The parts of an endpoint that the operator configured: https, or http on loopback. Raises UnsafeUrl.

    `allow_private_http` is for a shared emulator in the operator's own network; never for an endpoint with a real key.
    """
    address = split(url)
    _refuse_metadata(address)
    if "?" in address.path_and_query:
        raise UnsafeUrl("an endpoint may not hold a query")
    if address.ip is not None and not is_endpoint(address.ip):
        raise UnsafeUrl("an endpoint may not be a link-local, multicast or unspecified address")
    if address.scheme == "http" and not allow_private_http and not _is_loopback(address):
        raise UnsafeUrl("an endpoint must start with https:// (http:// only on loopback)")
    return address


def join(base: Address, location: str) -> str:
    """Where a redirect from `base` leads, not yet checked by `parse`. Raises UnsafeUrl for a garbled location."""
    if not location or len(location) > MAX_OUTPUT_LENGTH or re.search(r"[^\x21-\x7e]|\\", location):
        raise UnsafeUrl("a redirect leads to no readable address")
    try:
        return urljoin(base.url, location)
    except ValueError:
        raise UnsafeUrl("a redirect leads to no readable address") from None


def origin(url: str) -> str:
    """`https://host[:port]` of a URL in the strict grammar. Raises UnsafeUrl."""
    return split(url, max_length=MAX_OUTPUT_LENGTH).origin


def without_query(url: str) -> str:
    """The URL without its query, which may hold a signature; `data:type` for a data URI; empty if unreadable."""
    if data := _DATA.match(url):
        return data.group()
    try:
        return split(re.split(r"[?#]", url, maxsplit=1)[0], max_length=MAX_OUTPUT_LENGTH).url
    except UnsafeUrl:
        return ""


def is_public(ip: IPAddress) -> bool:
    """Whether an address is a public unicast one, also when it is an IPv4 address inside an IPv6 one.

    IPv4-mapped and NAT64 (64:ff9b::/96, the way to IPv4 on IPv6-only networks) count as the IPv4 address they hold.
    6to4, Teredo, IPv4-compatible and local NAT64 (64:ff9b:1::/48) addresses are refused whatever they hold.
    """
    ip = _unwrap(ip)
    if ip in _METADATA_ADDRESSES or not ip.is_global or ip.is_multicast:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _REFUSED_V4)
    return ip in _GLOBAL_UNICAST and not any(ip in network for network in _REFUSED_V6)


def is_endpoint(ip: IPAddress) -> bool:
    """Whether an operator's own endpoint may live there: also loopback and private, never where metadata lives."""
    ip = _unwrap(ip)
    return not (ip in _METADATA_ADDRESSES or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


def _unwrap(ip: IPAddress) -> IPAddress:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip


def _host(text: str) -> str:
    """A canonical IP address or a host name; refuses every other spelling of an address (127.1, 0x7f000001, …)."""
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            raise UnsafeUrl("an address holds a malformed IPv6 host") from None
    if _NUMERIC_END.fullmatch(text):
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise UnsafeUrl("a numeric host must be four plain decimal numbers, as in 192.0.2.1") from None
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise UnsafeUrl("an address holds a malformed host name (a trailing dot counts as one)")
    return text


def _port(text: str | None, scheme: str) -> int:
    port = int(text) if text else _DEFAULT_PORTS[scheme]
    if port > 65535:
        raise UnsafeUrl("a port is at most 65535")
    return port


def _refuse_metadata(address: Address) -> None:
    ip = address.ip
    if address.host in _METADATA_NAMES or (ip is not None and _unwrap(ip) in _METADATA_ADDRESSES):
        raise UnsafeUrl("a cloud metadata service may not be called")


def _refuse_private(address: Address) -> None:
    ip = address.ip
    if ip is not None:
        if not is_public(ip):
            raise UnsafeUrl("the host is not a public address")
        return
    if "." not in address.host or address.host.rpartition(".")[2] in _PRIVATE_SUFFIXES:
        raise UnsafeUrl("the host is a name of a private network")


def _is_loopback(address: Address) -> bool:
    ip = address.ip
    if ip is not None:
        return _unwrap(ip).is_loopback
    return address.host == "localhost" or address.host.endswith(".localhost")
