"""The address policy against hostile spellings, and against two other parsers."""

import ipaddress
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import urls
from core.errors import UnsafeUrl

PRIVATE_HOSTS = """
127.0.0.1 127.1 127.0.1 127.255.255.254 127.0.0.1. 0 0.0.0.0 0.0.0.1 00 0x0 0x7f000001 0x7f.0.0.1 0x7f.1 0X7F000001
0x7F.0x0.0x0.0x1 017700000001 0177.0.0.1 0177.1 2130706433 2130706433. 127.0.0.01 127.000.000.001 127.0.0.0x1 1.1.1
256.256.256.256 1.2.3.4.5 1.2.3.4294967295 4294967295 99999999999 10.0.0.1 10.1 172.16.0.1 172.31.255.255 192.168.0.1
192.168.1 169.254.169.254 169.254.170.2 169.254.1.1 2852039166 0xa9fea9fe 100.64.0.1 100.100.100.200 100.127.255.255
192.0.0.1 192.0.0.9 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255 168.63.129.16
[::1] [::] [0:0:0:0:0:0:0:1] [0000::0001] [::127.0.0.1] [::7f00:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:a9fe:a9fe]
[::ffff:10.0.0.1] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:0:127.0.0.1] [fe80::1] [fe80::1%25eth0] [fe80::1%eth0] [fec0::1]
[fc00::1] [fd00::1] [fd00:ec2::254] [ff02::1] [ff0e::1] [2001:db8::1] [3fff::1] [5f00::1] [100::1] [2001::1]
[2001:0:7f00:1::] [2001:10::1] [2002:7f00:1::] [2002:a9fe:a9fe::] [2002:808:808::] [64:ff9b::7f00:1]
[64:ff9b::127.0.0.1] [64:ff9b::10.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [64:ff9b:1::7f00:1] [::1.2.3.4] [4000::1]
[::ffff:168.63.129.16] [127.0.0.1] [] [:] [::1 ::1] [1] [g::1] [::1]] [[::1]]
localhost LOCALHOST localhost. localhost.localdomain a.localhost printer.local db.internal metadata
metadata.google.internal METADATA.google.internal metadata.google.internal. metadata.goog metadata.tencentyun.com
instance-data kubernetes.default.svc kubernetes.default.svc.cluster.local nas.lan router.home.arpa host.docker.internal
intranet wiki.intranet x.private x.home x.invalid metadata.packet.net metadata.platformequinix.com wiki.corp x.onion
1.0.0.127.in-addr.arpa
""".split()  # noqa: SIM905 - a corpus reads better as words

DIFFERENTIALS = [
    "https://a@good.example.com/",
    "https://a:b@good.example.com/",
    "https://:@good.example.com/",
    "https://@good.example.com/",
    "https://good.example.com@evil.example.com/",
    "https://good.example.com%40evil.example.com/",
    "https://a\\@good.example.com/",
    "https://good.example.com\\@evil.example.com/",
    "https://good.example.com\\.evil.example.com/",
    "https:\\\\good.example.com/",
    "https:/\\good.example.com/",
    "https://evil.example.com#@good.example.com/",
    "https://good.example.com/#fragment",
    "https://evil.example.com?@good.example.com/#",
    "https://good.example.com/\tx",
    "https://good.exa\nmple.com/",
    "https://good.example.com/\r\nHost: evil",
    "ht\ntps://good.example.com/",
    " https://good.example.com/",
    "https://good.example.com/ ",
    "https://good.example.com /",
    "https://good.example.com/a b",
    "\x00https://good.example.com/",
    "https://good.example.com\x00.evil.example.com/",
    "https://good.example.com/\x7f",
    "https://good.example.com/\u00a0",
    "https://good\uff0eexample\uff0ecom/",
    "https://good\u3002example\u3002com/",
    "https://127\u30020\u30020\u30021/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://ex\u00e4mple.com/",
    "https://fa\u00df.example.com/",
    "https://good.example.com\u2044evil/",
    "https://go\u00adod.example.com/",
    "http\u017f://good.example.com/",
    "https://good.example.com./",
    "https://good..example.com/",
    "https://.example.com/",
    "https://-good.example.com/",
    "https://good-.example.com/",
    "https://" + "a" * 64 + ".example.com/",
    "https://" + "a." * 126 + "example.com/",
    "https://good.example.com/" + "a" * 2048,
    "//good.example.com/",
    "good.example.com/",
    "/path",
    "",
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:///good.example.com/",
    "https:good.example.com",
    "https:/good.example.com",
    "https://?x",
    "https://:443/",
    "https://good.example.com:/",
    "https://good.example.com:0/",
    "https://good.example.com:00443/",
    "https://good.example.com:65536/",
    "https://good.example.com:443443/",
    "https://good.example.com:-443/",
    "https://good.example.com:+443/",
    "https://good.example.com:4 43/",
    "https://good.example.com:443:443/",
    "https://good.example.com:443@evil.example.com/",
    "https://good.example.com:\uff14\uff14\uff13/",
    "https://good.example.com:22/",
    "https://good.example.com:8443/",
    "https://good.example.com;evil.example.com/",
    "https://good.example.com,evil.example.com/",
    "https://good.example.com&evil.example.com/",
    "https://%67ood.example.com/",
    "https://good.example.com%2f@evil.example.com/",
    "https://good.example.com%00/",
    "https://[good.example.com]/",
    "https://[2606:4700::1111/",
    "https://2606:4700::1111/",
    "https://[2606:4700::1111]evil.example.com/",
    "https://[2606:4700::1111]:x/",
    "https://good.example.com/a/../b",
    "https://good.example.com/a/./b",
    "https://good.example.com/..",
    "https://good.example.com/a/.",
    "https://good.example.com/%2e%2e/b",
    "https://good.example.com/a/.%2E?x",
    "https://good.example.com/%zz",
    "https://good.example.com/%",
    "https://good.example.com/%2",
    "https://good.example.com/?%u0041",
    "https://good.example.com/<x>",
    'https://good.example.com/"x"',
    "https://good.example.com/{x}",
    "http://good.example.com/",
    "httpx://good.example.com/",
    "https+unix://good.example.com/",
    "wss://good.example.com/",
    "ftp://good.example.com/",
    "gopher://good.example.com/",
    "file:///etc/passwd",
    "file://good.example.com/etc/passwd",
    "data:text/plain,x",
    "javascript:alert(1)",
    "jar:https://good.example.com/!/x",
    "url:https://good.example.com/",
]

ACCEPTED = [
    "https://good.example.com",
    "https://good.example.com/",
    "HTTPS://Good.Example.COM/Path",
    "https://good.example.com?x=1",
    "https://good.example.com/?",
    "https://good.example.com:443/a",
    "https://good.example.com:80/a",
    "https://xn--exmple-cua.com/",
    "https://my_bucket.s3.example.com/a",
    "https://a-b--c.example.com/a",
    "https://8.8.8.8/a",
    "https://1dot1dot1dot1.example.com/",
    "https://0x7f.example.com/",
    "https://[2606:4700:4700::1111]/a",
    "https://[2606:4700:4700:0:0:0:0:1111]/a",
    "https://[2606:4700:4700::1111]:443/a?b",
    "https://[::ffff:8.8.8.8]/a",
    "https://[64:ff9b::8.8.8.8]/a",
    "https://good.example.com//double//slash/",
    "https://good.example.com/a;b=c,d/(e)/'f'!*$&+=:@~._-",
    "https://good.example.com/a%2Fb%20c%25",
    "https://good.example.com/...",
    "https://good.example.com/.hidden/..b/c..",
    "https://good.example.com/[1]|^",
    "https://good.example.com/a?b=c/d?e&f=[1]{2}|`^:@",
    "https://good.example.com/a?next=https://other.example.com/../x&y=@z",
    "https://good.example.com/a?X-Amz-Signature=0a%2F%2B&x=y%3D%3D",
]


def assert_read_alike(address: urls.Address) -> None:
    """urllib and the HTTP client take the canonical text apart into exactly the parts of `address`."""
    client, stdlib = httpx.URL(address.url), urlsplit(address.url)
    default = {"https": 443, "http": 80}[address.scheme]
    assert (client.scheme, client.raw_host.decode(), client.port or default) == (
        address.scheme,
        address.host,
        address.port,
    )
    assert (stdlib.scheme, stdlib.hostname, stdlib.port or default) == (address.scheme, address.host, address.port)
    assert client.raw_path.decode() == address.path_and_query
    assert address.url == address.origin + stdlib.path + ("?" if "?" in address.url else "") + stdlib.query
    assert (client.userinfo, stdlib.username, client.fragment, stdlib.fragment) == (b"", None, "", "")


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
@pytest.mark.parametrize("form", ["https://{}/a", "https://{}:443?x"])
def test_no_spelling_of_a_private_host_passes(host: str, form: str) -> None:
    with pytest.raises(UnsafeUrl):
        urls.parse(form.format(host))


@pytest.mark.parametrize("url", DIFFERENTIALS)
def test_what_parsers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(UnsafeUrl):
        urls.parse(url)


def test_the_corpus_is_large_enough() -> None:
    assert len(set(PRIVATE_HOSTS)) >= 50
    assert len(set(DIFFERENTIALS)) >= 40


@pytest.mark.parametrize("url", ACCEPTED)
def test_an_accepted_address_is_read_alike_by_every_parser(url: str) -> None:
    address = urls.parse(url)
    assert_read_alike(address)
    assert urls.parse(address.url) == address


@pytest.mark.parametrize("url", [u for u in ACCEPTED if "HTTPS" not in u])
def test_the_canonical_form_keeps_path_and_query_byte_for_byte(url: str) -> None:
    tail = url.removeprefix("https://")
    tail = tail[len(tail.replace("?", "/").split("/")[0]) :]
    assert urls.parse(url).path_and_query == (tail if tail.startswith("/") else f"/{tail}")


@given(st.text(alphabet=r"abz019.-_:/@?#[]\% &;,{}|^`'\"<>~!$()*+=" + "\t\n\x00é。", max_size=40))
def test_any_text_is_refused_or_read_alike(text: str) -> None:
    for url in (f"https://{text}", f"https://good.example.com{text}", f"https://good.example.com/{text}", text):
        try:
            address = urls.split(url)
        except UnsafeUrl:
            continue
        assert_read_alike(address)


@given(st.ip_addresses(v=4))
def test_a_decimal_or_hexadecimal_spelling_of_any_ipv4_address_is_refused(ip: ipaddress.IPv4Address) -> None:
    octets = str(ip).split(".")
    for host in (str(int(ip)), hex(int(ip)), ".".join(hex(int(octet)) for octet in octets), ".".join(octets[:3])):
        with pytest.raises(UnsafeUrl):
            urls.split(f"https://{host}/")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_inside_ipv6(ip: ipaddress.IPv4Address) -> None:
    verdict = urls.is_public(ip)
    assert urls.is_public(ipaddress.IPv6Address(f"::ffff:{ip}")) is verdict
    assert urls.is_public(ipaddress.IPv6Address(f"64:ff9b::{ip}")) is verdict
    assert not urls.is_public(ipaddress.IPv6Address(f"::{ip}"))
    assert not urls.is_public(ipaddress.IPv6Address((0x2002 << 112) | int(ip) << 80))
    assert not urls.is_public(ipaddress.IPv6Address((0x20010000 << 96) | int(ip) << 64))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "192.0.1.1", "2606:4700::1", "2a00:1450::1", "2001:4860::8888"])
def test_public_addresses_are_public(text: str) -> None:
    assert urls.is_public(ipaddress.ip_address(text))
    assert urls.is_endpoint(ipaddress.ip_address(text))


def test_a_refusal_never_echoes_the_address() -> None:
    for url in [*DIFFERENTIALS, *(f"https://user:canary@{host}/?canary" for host in PRIVATE_HOSTS)]:
        with pytest.raises(UnsafeUrl) as caught:
            urls.parse(url)
        assert "canary" not in repr(caught.value)
        assert caught.value.__context__ is None or "canary" not in repr(caught.value.__context__)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://good.example.com/", "https"),
        ("https://u:p@good.example.com/", "user name"),
        ("https://good.example.com:8080/", "port"),
        ("https://10.0.0.1/", "public address"),
        ("https://printer.local/", "private network"),
        ("https://169.254.169.254/", "metadata"),
        ("https://127.1/", "four plain decimal numbers"),
        ("https://ex\u00e4mple.com/", "punycode"),
    ],
)
def test_a_refusal_names_the_rule(url: str, rule: str) -> None:
    with pytest.raises(UnsafeUrl, match=rule):
        urls.parse(url)


def test_limits_are_inclusive() -> None:
    start = "https://good.example.com/"
    assert urls.split(start + "a" * (2048 - len(start)))
    assert urls.split("https://" + "a." * 120 + "a" * 13 + "/")
    assert urls.split("https://good.example.com:65535/").port == 65535
    with pytest.raises(UnsafeUrl):
        urls.split(start + "a" * (2049 - len(start)))
    with pytest.raises(UnsafeUrl):
        urls.split("https://" + "a." * 120 + "a" * 14 + "/")


def test_http_ports_and_length_open_only_by_parameter() -> None:
    assert urls.parse("http://good.example.com/a", allow_http=True).port == 80
    assert urls.parse("https://good.example.com:8443/a", ports={8443}).port == 8443
    assert urls.parse("https://good.example.com/" + "a" * 3000, max_length=urls.MAX_OUTPUT_LENGTH)


@pytest.mark.parametrize(
    "own", ["http://127.0.0.1:9000", "http://localhost:9000", "http://emulate:9000", "http://[::1]:9"]
)
def test_the_attempts_own_endpoint_is_allowed_and_nothing_near_it(own: str) -> None:
    assert urls.parse(f"{own}/file.mp4?x=1", allowed_origins={own}).origin == own
    for other in ("https://127.0.0.1:9000/", "http://127.0.0.1:9001/", "http://127.0.0.2:9000/", "http://emulate/"):
        with pytest.raises(UnsafeUrl):
            urls.parse(other, allowed_origins={own})


def test_a_metadata_service_is_refused_even_when_allowed() -> None:
    hosts = "169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 [fd00:ec2::254] [::ffff:a9fe:a9fe]"
    names = "metadata.google.internal metadata.goog metadata.packet.net instance-data.ec2.internal"
    for own in (f"http://{host}" for host in f"{hosts} {names}".split()):
        with pytest.raises(UnsafeUrl, match="metadata"):
            urls.parse(f"{own}/latest", allowed_origins={own}, allow_http=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1",
        "https://vendor.corp:8443/v1/",
        "https://10.0.0.5/v1",
        "http://127.0.0.1:9000",
        "http://127.8.9.1:9000/",
        "http://[::1]:9000",
        "http://localhost:9000/mock",
        "http://a.localhost",
    ],
)
def test_an_endpoint_is_https_or_loopback(url: str) -> None:
    assert urls.check_endpoint(url).url.rstrip("/") == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://10.0.0.5",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.1",
        "http://0.0.0.0:9000",
        "https://169.254.169.254/",
        "https://169.254.7.7/",
        "https://metadata.google.internal/",
        "https://224.0.0.1/",
        "https://key:secret@api.example.com/",
        "https://api.example.com/?key=secret",
        "ftp://api.example.com/",
        "api.example.com",
    ],
)
def test_other_endpoints_are_refused(url: str) -> None:
    with pytest.raises(UnsafeUrl):
        urls.check_endpoint(url)


def test_a_shared_emulator_may_be_reached_by_http_when_asked_for() -> None:
    assert urls.check_endpoint("http://emulate:9000", allow_private_http=True).host == "emulate"
    with pytest.raises(UnsafeUrl):
        urls.check_endpoint("http://169.254.169.254", allow_private_http=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Good.example.com/a/b.mp4?X-Amz-Signature=secret", "https://good.example.com/a/b.mp4"),
        ("https://good.example.com:8443/a?x", "https://good.example.com:8443/a"),
        ("https://good.example.com/a#secret", "https://good.example.com/a"),
        ("https://good.example.com?x", "https://good.example.com/"),
        ("http://127.0.0.1:9/a", "http://127.0.0.1:9/a"),
        ("data:video/mp4;base64,AAAA", "data:video/mp4"),
        ("data:,secret", "data:"),
        ("https://user:secret@good.example.com/a", ""),
        ("not an address", ""),
        ("", ""),
    ],
)
def test_an_address_without_its_query_holds_no_secret(url: str, expected: str) -> None:
    assert urls.without_query(url) == expected


def test_an_origin_has_a_port_only_where_it_matters() -> None:
    assert urls.origin("https://Good.example.com:443/a?b") == "https://good.example.com"
    assert urls.origin("http://[0:0::1]:9000/") == "http://[::1]:9000"
    assert urls.origin("https://good.example.com:80/") == "https://good.example.com:80"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://other.example.com/x", "https://other.example.com/x"),
        ("//other.example.com/x", "https://other.example.com/x"),
        ("/x?y", "https://good.example.com/x?y"),
        ("x", "https://good.example.com/a/x"),
        ("../x", "https://good.example.com/x"),
        ("?y", "https://good.example.com/a/b?y"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ],
)
def test_a_redirect_is_joined_as_browsers_do(location: str, expected: str) -> None:
    assert urls.join(urls.parse("https://good.example.com/a/b?q"), location) == expected


@pytest.mark.parametrize(
    "location", ["", " /x", "/x\t", "\\\\evil.example.com/", "/\u00e9", "//[bad", "/" + "a" * 9000]
)
def test_a_garbled_redirect_is_refused(location: str) -> None:
    with pytest.raises(UnsafeUrl):
        urls.join(urls.parse("https://good.example.com/a/b"), location)
