"""LiteLLM's proxy (https://docs.litellm.ai) in a virtual environment of its own: the peer of accepting and reading."""

import contextlib
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.client import until
from bench.processes import ROOT, CannotMeasure, Started, free_port, started

VERSION = "1.101.3"
"""Later ones want a `certifi` that not every mirror has yet."""
KEY = "sk-bench-0123456789abcdef"
"""What callers send; the operator's key, as ours is."""
_VENV = ROOT / ".venv-litellm"
_INSTALL_SECONDS = 900.0
_START_SECONDS = 120.0
_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "DISABLE_ADMIN_UI": "True",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    # Port 9 of this machine answers nobody: whatever would leave it all the same is refused at once.
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
}


@contextlib.contextmanager
def litellm(folder: Path, upstream: str) -> Iterator[Started]:
    """The proxy, one worker, in front of an upstream's `/v1`; `told` has `url`. Raises CannotMeasure."""
    python = _installed()
    folder.mkdir(parents=True)
    config, port = folder / "config.json", free_port()  # JSON is YAML
    config.write_text(json.dumps(_config(upstream)), encoding="utf-8")
    program = str(python.with_name("litellm"))
    arguments = (program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1")
    variables = {"HOME": str(folder), "PATH": f"{python.parent}:/usr/bin:/bin", **_QUIET}
    with started((*arguments, "--telemetry", "False"), "", folder, variables=variables, python=python) as process:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _serves(process, url, folder), _START_SECONDS, "LiteLLM's start")
        yield Started(process=process.process, told={"url": url})


def _config(upstream: str) -> dict[str, object]:
    """As their page for one OpenAI-compatible deployment has it; of retries it says nothing."""
    deployment = {"model": "openai/sora-2", "api_base": f"{upstream}/v1", "api_key": "bench-no-secret"}
    return {
        "model_list": [{"model_name": "sora-2", "litellm_params": deployment}],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"master_key": KEY},
    }


def _serves(process: Started, url: str, folder: Path) -> bool:
    if not process.process.is_running() or process.process.status() == "zombie":
        log = (folder / "stderr").read_text("utf-8") + (folder / "stdout").read_text("utf-8")
        raise CannotMeasure(f"LiteLLM does not serve: {log[-2000:]}")
    try:
        urllib.request.urlopen(f"{url}/health/liveliness", timeout=2).close()  # noqa: S310 - loopback
    except OSError:
        return False
    return True


def _installed() -> Path:
    """The Python of its environment, made on the first call. Raises CannotMeasure."""
    python, mark = _VENV / "bin" / "python", _VENV / f".litellm-{VERSION}"
    if mark.exists():
        return python
    print(f"Installing litellm[proxy]=={VERSION} into {_VENV.name}: a minute or two, once", file=sys.stderr)
    shutil.rmtree(_VENV, ignore_errors=True)
    install = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
    for command in ((sys.executable, "-m", "venv", str(_VENV)), (*install, f"litellm[proxy]=={VERSION}")):
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
        if done.returncode:
            raise CannotMeasure(f"LiteLLM cannot be installed: {done.stderr[-2000:]}")
    mark.touch()
    return python
