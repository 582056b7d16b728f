"""The server itself: control API, embedding, loopback only, and a ledger that survives kill -9."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators.server import EmulatorServer
from emulators.world import Options
from tests.emulators.driving import GEN45, NO_TLS, REPLICATE, RUNWAY, Start, until

PROGRAM = """
import sys
from pathlib import Path
from emulators.server import run
from emulators.world import Options
run(data_dir=Path(sys.argv[1]), port=int(sys.argv[2]), options=Options(speed=float(sys.argv[3])))
"""
VIDEO_01 = "/replicate/v1/models/minimax/video-01/predictions"


@contextlib.asynccontextmanager
async def process(
    folder: Path, port: int = 0, speed: float = 1
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """An emulator as a process of its own, and its base URL."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(folder), str(port), str(speed)), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        yield child, (await asyncio.wait_for(child.stdout.readline(), 30)).decode().strip()
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@pytest.fixture
async def control(start: Start) -> AsyncIterator[httpx.AsyncClient]:
    server = await start(speed=1)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS) as client:
        yield client


async def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    async with process(tmp_path) as (child, base_url), httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        task = await client.post(f"{base_url}/runway/v1/text_to_video", headers=RUNWAY, json=GEN45)
        replies = [client.post(f"{base_url}{VIDEO_01}", headers=REPLICATE, json={"input": {"prompt": "x"}})]
        first = await replies[0]
        flood = [
            asyncio.create_task(
                client.post(f"{base_url}{VIDEO_01}", headers=REPLICATE, json={"input": {"prompt": "x"}})
            )
            for _ in range(40)
        ]
        await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        os.kill(child.pid, signal.SIGKILL)
        answers = await asyncio.gather(*flood, return_exceptions=True)
    known = {first.json()["id"], task.json()["id"]}
    known |= {answer.json()["id"] for answer in answers if isinstance(answer, httpx.Response)}
    port = int(base_url.rpartition(":")[2])
    async with (
        process(tmp_path, port, speed=6000) as (child, again),
        httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client,
    ):
        assert again == base_url
        witnessed = (await client.get(f"{again}/control/ledger")).json()["posts"]
        assert known <= {row["job"] for row in witnessed}
        shown = await until(lambda: ask(client, again, task.json()["id"]), lambda task: task["status"] == "SUCCEEDED")
        assert (await client.get(shown["output"][0])).content[4:8] == b"ftyp"
        child.terminate()
        assert await asyncio.wait_for(child.wait(), 10) == 0


async def ask(client: httpx.AsyncClient, base_url: str, job: str) -> dict[str, Any]:
    """Poll a Runway task."""
    shown: dict[str, Any] = (await client.get(f"{base_url}/runway/v1/tasks/{job}", headers=RUNWAY)).json()
    return shown


async def test_a_lost_reply_is_on_disk_before_the_client_learns_anything(tmp_path: Path) -> None:
    async with process(tmp_path) as (child, base_url), httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        await client.post(f"{base_url}/control/script", json={"fault": "reset-after-accept"})
        with pytest.raises(httpx.ReadError):
            await client.post(f"{base_url}/runway/v1/text_to_video", headers=RUNWAY, json=GEN45)
        os.kill(child.pid, signal.SIGKILL)
    with contextlib.closing(sqlite3.connect(tmp_path / "emulators" / "ledger.sqlite")) as connection:
        assert connection.execute("SELECT accepted, fault FROM posts").fetchall() == [(1, "reset-after-accept")]
        assert connection.execute("SELECT count(*) FROM jobs").fetchall() == [(1,)]


async def test_no_key_is_kept(start: Start, tmp_path: Path) -> None:
    server = await start()
    headers = {**RUNWAY, "Authorization": "Bearer planted-secret-value"}
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS) as client:
        await client.post("/runway/v1/text_to_video", headers=headers, json=GEN45)
    await server.stop()
    files = await asyncio.to_thread(lambda: [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()])
    assert files
    assert not any(b"planted-secret-value" in content for content in files)


async def test_loopback_only_unless_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loopback"):
        await EmulatorServer().start(data_dir=tmp_path, host="0.0.0.0")  # noqa: S104 - it must be refused
    server = EmulatorServer(options=Options(allow_remote=True))
    url = await server.start(data_dir=tmp_path, host="0.0.0.0", public_url="http://emulators:1")  # noqa: S104 - allowed
    assert url == "http://emulators:1"
    await server.stop()


async def test_a_taken_port_is_told(start: Start, tmp_path: Path) -> None:
    server = await start()
    with pytest.raises(OSError, match="in use"):
        await EmulatorServer().start(data_dir=tmp_path, port=int(server.base_url.rpartition(":")[2]))


async def test_the_hosts_signals_and_held_connections(start: Start) -> None:
    before = signal.getsignal(signal.SIGTERM)
    server = await start()
    assert signal.getsignal(signal.SIGTERM) is before
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS) as client:
        await client.post("/control/script", json={"fault": "timeout"})
        held = asyncio.create_task(client.post("/runway/v1/text_to_video", headers=RUNWAY, json=GEN45))
        await until(lambda: client.get("/control/ledger"), lambda reply: bool(reply.json()["posts"]))
        async with asyncio.timeout(2):
            await server.stop()
        with pytest.raises(httpx.RemoteProtocolError):
            await held


async def test_the_index_says_mock(control: httpx.AsyncClient) -> None:
    page = await control.get("/")
    assert "MOCK" in page.text
    assert f"{str(control.base_url).rstrip('/')}/runway" in page.text


async def test_scripts_match_by_vendor_text_and_count(control: httpx.AsyncClient) -> None:
    order = [
        {"fault": "http-500", "vendor": "runway", "times": 2, "contains": "dog"},
        {"fault": "http-502", "vendor": "replicate"},
    ]
    assert (await control.post("/control/script", json=order)).json() == {"queued": 2}

    async def runway(prompt: str) -> int:
        body = {**GEN45, "promptText": prompt}
        return (await control.post("/runway/v1/text_to_video", headers=RUNWAY, json=body)).status_code

    assert [await runway(prompt) for prompt in ("cat", "dog", "dog", "dog")] == [200, 500, 500, 200]
    assert [row["fault"] for row in (await control.get("/control/script")).json()["script"]] == ["http-502"]
    body = {"input": {"prompt": "x"}}
    assert [(await control.post(VIDEO_01, headers=REPLICATE, json=body)).status_code for _ in "ab"] == [502, 201]


async def test_an_option_decides_whether_it_was_accepted(control: httpx.AsyncClient) -> None:
    await control.post("/control/script", json={"fault": "redirect-302", "options": {"accept": True}})
    await control.post("/control/script", json={"fault": "no-id", "options": {"accept": False}})
    for status, count in ((302, 1), (500, 1)):
        made = await control.post("/runway/v1/text_to_video", headers=RUNWAY, json=GEN45)
        assert made.status_code == status
        assert len((await control.get("/control/jobs")).json()["jobs"]) == count


BAD_ORDERS = [
    ("/control/script", {"fault": "nope"}),
    ("/control/script", {"fault": "http-500", "match": "webhook"}),
    ("/control/script", {"fault": "http-500", "times": 0}),
    ("/control/script", {"fault": "http-500", "vendor": "sora"}),
    ("/control/script", {"fault": "http-500", "options": 3}),
    ("/control/script", {"fault": "http-500", "oops": 3}),
    ("/control/script", {}),
    ("/control/speed", {"speed": 0}),
    ("/control/speed", {"speed": "fast"}),
    ("/control/advance", {"seconds": -1}),
]


@pytest.mark.parametrize(("path", "order"), BAD_ORDERS)
def test_bad_orders_are_refused(http: httpx.Client, path: str, order: Any) -> None:
    refused = http.post(path, json=order)
    assert refused.status_code == 422
    assert refused.json()["error"]
    assert http.post(path, content=b"{").status_code == 422


async def test_speed_jobs_and_reset(control: httpx.AsyncClient) -> None:
    job = (await control.post("/runway/v1/text_to_video", headers=RUNWAY, json=GEN45)).json()["id"]
    assert (await control.get(f"/runway/v1/tasks/{job}", headers=RUNWAY)).json()["status"] == "PENDING"
    row = (await control.get("/control/jobs")).json()["jobs"][0]
    assert (row["phase"], row["polls"]) == ("queued", 1)
    assert (await control.post("/control/speed", json={"speed": 100_000})).json() == {"speed": 100_000}
    shown = await until(lambda: control.get("/control/jobs"), lambda reply: reply.json()["jobs"][0]["terminal"])
    row = shown.json()["jobs"][0]
    assert (row["id"], row["phase"], row["billed_micros"]) == (job, "succeeded", 240_000)
    assert len((await control.get("/control/faults")).json()["faults"]) > 80
    assert (await control.post("/control/reset")).json() == {"reset": True}
    assert (await control.get("/control/ledger")).json() == {"posts": []}
    assert (await control.get(f"/runway/v1/tasks/{job}", headers=RUNWAY)).status_code == 404
