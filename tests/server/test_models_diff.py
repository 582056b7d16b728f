"""`filmgate models diff`, against the emulator's own account of what Replicate's models take."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emulators.server import EmulatorServer
from emulators.world import Options
from server.cli import app

KEY = "key_of_the_operator"


async def _run(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    emulators = EmulatorServer(options=Options(require_key=KEY))
    url = await emulators.start(data_dir=tmp_path)
    try:
        command = ("models", "diff", *arguments, f"--base-url={url}/replicate")
        result = await asyncio.to_thread(CliRunner().invoke, app, command, env={"REPLICATE_API_TOKEN": KEY})
    finally:
        await emulators.stop()
    return result.exit_code, result.output


async def test_every_row_is_as_the_emulator_describes_its_model(tmp_path: Path) -> None:
    status, text = await _run(tmp_path)
    assert (status, text.endswith(" models, 0 differ\n")) == (0, True), text


async def test_one_row(tmp_path: Path) -> None:
    assert await _run(tmp_path, "replicate/minimax-video-01") == (0, "1 models, 0 differ\n")


async def test_what_the_vendor_writes_is_no_markup() -> None:
    quality = {"type": "string", "enum": ["540p", "[/]", "[bold]8k"], "default": "540p"}
    described = {"components": {"schemas": {"Input": {"properties": {"quality": quality}}}}}
    body = json.dumps({"latest_version": {"openapi_schema": described}}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(f"{head}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as vendor:
        url = f"http://127.0.0.1:{vendor.sockets[0].getsockname()[1]}"
        command = ("models", "diff", "replicate/pixverse-v6", f"--base-url={url}")
        result = await asyncio.to_thread(CliRunner().invoke, app, command, env={"REPLICATE_API_TOKEN": KEY})
    assert "replicate/pixverse-v6 quality: the model also takes [/], [bold]8k\n" in result.output
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)


@pytest.mark.parametrize("name", ["runway/gen4.5", "replicate/nothing"])
def test_a_model_that_replicate_does_not_have_is_refused(name: str) -> None:
    result = CliRunner().invoke(app, ["models", "diff", name], env={"REPLICATE_API_TOKEN": KEY})
    assert (result.exit_code, name in result.output) == (2, True)


def test_without_a_key_its_variable_is_named() -> None:
    result = CliRunner().invoke(app, ["models", "diff"], env={})
    assert (result.exit_code, "REPLICATE_API_TOKEN" in result.output) == (2, True)
