"""The client's pure parts: service config, transport security, patience, reading of rich errors."""

import itertools
import json
from typing import Any

import grpc
import pytest
from filmgate.v1 import video_service_pb2
from filmgate_client import FilmgateCallError
from filmgate_client.channel import channel_credentials, is_local, service_config
from filmgate_client.errors import call_error
from filmgate_client.retry import Deadline, Patience, may_repeat, may_resume

READS = {"QuoteVideo", "ListVideoModels", "GetJob", "ListJobs", "WatchJob", "GetVideo", "ListVideos"}
READS |= {"GetAsset", "ListAssets", "GetLineage"}
WRITES = {"GenerateVideo", "BatchGenerateVideos", "CancelJob", "ResolveClip", "DeleteVideo"}
WRITES |= {"UploadAsset", "DeleteAsset"}


def test_the_service_config_retries_reads_and_nothing_that_pays() -> None:
    (entry,) = json.loads(service_config())["methodConfig"]
    named = {name["method"] for name in entry["name"]}
    service = video_service_pb2.DESCRIPTOR.services_by_name["VideoService"]
    assert named == READS
    assert {method.name for method in service.methods} == READS | WRITES
    assert {name["service"] for name in entry["name"]} == {service.full_name}
    assert entry["retryPolicy"] == {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }


@pytest.mark.parametrize(
    ("target", "local"),
    [
        ("127.0.0.1:50051", True),
        ("localhost:50051", True),
        ("[::1]:50051", True),
        ("ipv4:127.0.0.1:50051", True),
        ("dns:///localhost:50051", True),
        ("unix:/run/filmgate", True),
        ("filmgate.example.com:443", False),
        ("127.example.com:443", False),
        ("localhost.example.com:443", False),
        ("10.0.0.7:50051", False),
    ],
)
def test_plaintext_only_on_this_machine(target: str, local: bool) -> None:
    assert is_local(target) is local
    assert (channel_credentials(target, None) is None) is local
    assert channel_credentials(target, True) is None
    assert channel_credentials(target, False) is not None


def away(**words: Any) -> FilmgateCallError:
    """An error as if the server were away."""
    return FilmgateCallError(code=grpc.StatusCode.UNAVAILABLE, message="away", **words)


def test_patience_begins_at_once_then_doubles_and_ends() -> None:
    patience = Patience(10, clock=lambda: 0.0)
    delays = [patience.delay(away()) for _ in range(9)]
    bounds = [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]
    assert all(bound * 0.75 <= delay <= bound * 1.25 for delay, bound in zip(delays, bounds, strict=True))


def test_patience_is_counted_from_the_last_progress() -> None:
    ticks = itertools.count(0, 4)
    patience = Patience(5, clock=lambda: float(next(ticks)))
    assert patience.delay(away()) == 0.0
    with pytest.raises(FilmgateCallError):
        patience.delay(away())
    patience.progressed()
    assert patience.delay(away()) == 0.0


def test_a_named_time_is_never_shortened_and_never_outlives_patience() -> None:
    assert Patience(60, clock=lambda: 0.0).delay(away(retry_after=7.0)) == 7.0
    with pytest.raises(FilmgateCallError):
        Patience(5, clock=lambda: 0.0).delay(away(retry_after=7.0))


def test_a_deadline_shortens_delays() -> None:
    deadline = Deadline(3, clock=lambda: 0.0)
    assert (deadline.left, deadline.over, deadline.within(5), deadline.within(1)) == (3, False, 3, 1)
    assert (Deadline(None).left, Deadline(None).over, Deadline(None).within(5)) == (None, False, 5)
    assert Deadline(0, clock=lambda: 0.0).over


def test_what_filmgate_itself_refuses_is_not_resumed() -> None:
    broken = FilmgateCallError(code=grpc.StatusCode.INTERNAL, message="stream reset")
    refused = FilmgateCallError(code=grpc.StatusCode.INTERNAL, message="id 7", reason="INTERNAL")
    wrong = FilmgateCallError(code=grpc.StatusCode.NOT_FOUND, message="no")
    assert [may_resume(error) for error in (away(), broken, refused, wrong)] == [True, True, False, False]
    assert [may_repeat(error) for error in (away(), broken, refused, wrong)] == [True, False, False, False]


class Raw:
    """A failed call with details of a test's choosing."""

    def __init__(self, details: bytes) -> None:
        self._details = details

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.INVALID_ARGUMENT

    def details(self) -> str:
        return "as sent"

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return (("other", "x"), ("grpc-status-details-bin", self._details))


@pytest.mark.parametrize(
    "details",
    [b"", b"\xff", b"\x1a\xff", b"\x1a\x03abc", b"\x12\x02\xff\xfe"[:3], b"\x1a\x0a\x0a\x05x/y/z\x12\x01\xff"],
)
def test_unreadable_details_leave_the_plain_error(details: bytes) -> None:
    error = call_error(Raw(details))
    assert (error.code, error.message, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "as sent", "")
