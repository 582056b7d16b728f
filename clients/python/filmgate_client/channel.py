"""How both clients reach a server: options, transport security, credentials, service config."""

from importlib.resources import files
from ipaddress import ip_address

import grpc

MESSAGE_LIMIT = 20 * 1024 * 1024
"""Bytes; the server's own transport limit."""

DEFAULT_TARGET = "127.0.0.1:50051"

Metadata = tuple[tuple[str, str], ...]


def service_config() -> str:
    """The client service config, as JSON: retries for reads, none for what pays, cancels or deletes."""
    return files("filmgate_client").joinpath("service_config.json").read_text(encoding="utf-8")


def channel_options() -> list[tuple[str, str | int]]:
    """Channel options of both stacks: limits, retries of reads, quick reconnects, pings that find dead connections."""
    return [
        ("grpc.service_config", service_config()),
        ("grpc.max_send_message_length", MESSAGE_LIMIT),
        ("grpc.max_receive_message_length", MESSAGE_LIMIT),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
    ]


def is_local(target: str) -> bool:
    """Whether a gRPC target stays on this machine: loopback or a Unix socket."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    address = target.rpartition("/")[2].removeprefix("dns:").removeprefix("ipv4:").removeprefix("ipv6:")
    host = (address.rpartition(":")[0] or address).strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def channel_credentials(target: str, insecure: bool | None) -> grpc.ChannelCredentials | None:
    """None for plaintext: on this machine, or where `insecure` says so. TLS with the system's roots otherwise."""
    plain = is_local(target) if insecure is None else insecure
    return None if plain else grpc.ssl_channel_credentials()


def call_metadata(api_key: str | None) -> Metadata:
    """What every call carries."""
    return (("authorization", f"Bearer {api_key}"),) if api_key else ()
