"""A stub on the module's server, and a tenant for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.conftest import Served
from tests.server.calling import Prompts, Stub, prompts_on, stub_on

_tenants = itertools.count(1)


@pytest.fixture(scope="module")
def stub(served: Served) -> Iterator[Stub]:
    """A stock stub on the module's server."""
    with grpc.insecure_channel(served.target) as channel:
        yield stub_on(channel)


@pytest.fixture(scope="module")
def prompts(served: Served) -> Iterator[Prompts]:
    """A stock stub of PromptService on the module's server."""
    with grpc.insecure_channel(served.target) as channel:
        yield prompts_on(channel)


@pytest.fixture
def tenant() -> str:
    """A tenant nobody else has."""
    return f"tenant-{next(_tenants)}"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands read `.env` of the working folder: a developer's own must not be it."""
    monkeypatch.chdir(tmp_path)
