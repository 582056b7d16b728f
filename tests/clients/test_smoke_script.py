"""The smoke script against a real server: what it drives, what it refuses to buy, what it calls a fault."""

import hashlib
import importlib.util
import threading
from collections.abc import Callable, Iterator
from functools import reduce
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import typer
from filmgate.v1 import common_pb2, job_pb2, model_pb2, prompt_pb2, quote_pb2, video_service_pb2
from PIL import Image
from typer.testing import CliRunner, Result

if TYPE_CHECKING:
    from tests.clients.conftest import Fake

CLIP = b"not really an mp4, but the bytes that were promised"
Smoke = Callable[..., Result]


@pytest.fixture(scope="module")
def script() -> Any:
    """The script as a module."""
    path = Path(__file__).resolve().parents[2] / "scripts" / "smoke_video.py"
    specification = importlib.util.spec_from_file_location("smoke_video", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Store(BaseHTTPRequestHandler):
    """Serves the one clip."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CLIP)

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where the clip is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/clip.mp4"
        server.shutdown()
        thread.join()


@pytest.fixture
def smoke(script: Any, target: str) -> Smoke:
    """Run the script."""
    app = typer.Typer()
    app.command()(script.main)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words, env={"FILMGATE_TARGET": target, "COLUMNS": "240"})

    return run


@pytest.fixture
def mock_job(fake: "Fake", url: str) -> job_pb2.Job:
    """What the server answers to every request: a mock clip as promised."""
    job = fake.add_job(events=1)
    job.final_prompt = "a boat"
    clip = job.clips[0]
    clip.video_id = "vid_1"
    clip.cost.currency_code = "XTS"
    clip.requested_duration.seconds = 5
    video = fake.video
    video.id, video.url, video.size, video.sha256 = "vid_1", url, len(CLIP), hashlib.sha256(CLIP).hexdigest()
    video.width, video.height, video.provenance.mock = 1280, 720, True
    video.duration.seconds = 5
    return job


@pytest.fixture(autouse=True)
def good_prompts(fake: "Fake") -> None:
    """Prompts, a script and a lineage as they should be."""
    first, better = fake.prompt, fake.better
    first.source = better.source = prompt_pb2.PROMPT_SOURCE_RULES
    first.parameters.aspect_ratio, better.parameters.aspect_ratio = "9:16", "1:1"
    better.parent_prompt_id = first.id
    better.changes.add(field="aspect_ratio", before="9:16", after="1:1", why="square")
    first.readings.add(
        field="aspect_ratio", value="9:16", words=[prompt_pb2.PromptWords(start=32, end=40, text="vertical")]
    )
    fake.script.source = prompt_pb2.PROMPT_SOURCE_RULES
    fake.script.scenes.add(type="SCENE_TYPE_VIDEO").duration.FromMilliseconds(17_500)
    fake.script.scenes.add(type="SCENE_TYPE_CARD").duration.FromMilliseconds(3_000)
    made = prompt_pb2.LineageIteration(job_id="job_1")
    fake.lineage = [video_service_pb2.GetLineageResponse(prompts=[first, better], iterations=[made])]


def row(name: str, state: model_pb2.ModelState, **words: Any) -> model_pb2.VideoModel:
    """A row that works from text."""
    model = model_pb2.VideoModel(id=name, state=state, **words)
    model.modes.add(kind=model_pb2.MODEL_MODE_KIND_TEXT)
    return model


def test_every_mock_row_is_driven_by_what_it_needs(smoke: Smoke, fake: "Fake", mock_job: job_pb2.Job) -> None:
    image = model_pb2.VideoModel(id="b/image", state=model_pb2.MODEL_STATE_MOCK)
    image.modes.add(kind=model_pb2.MODEL_MODE_KIND_IMAGE)
    fake.models = [row("a/text", model_pb2.MODEL_STATE_MOCK), image]
    result = smoke()
    assert result.exit_code == 0, result.output
    assert "7 tries, 0 faults" in result.output
    sent = {request.model: request for request in fake.named("GenerateVideo") if not request.enhance_prompt}
    assert not sent["a/text"].HasField("first_frame")
    assert sent["b/image"].first_frame.inline.mime_type == "image/png"


def test_the_picture_is_a_real_png(script: Any, tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    path.write_bytes(script.png(64, 36))
    with Image.open(path) as image:
        image.load()
        assert (image.format, image.size, image.mode) == ("PNG", (64, 36), "RGB")


def test_a_live_row_is_not_bought_without_live(smoke: Smoke, fake: "Fake") -> None:
    fake.models = [row("a/live", model_pb2.MODEL_STATE_LIVE)]
    result = smoke()
    assert result.exit_code == 1
    assert "would cost money" in result.output
    assert fake.named("GenerateVideo") == []


@pytest.mark.parametrize("words", [["--live"], ["--max-cost", "1"]])
def test_live_needs_its_limit(smoke: Smoke, fake: "Fake", words: list[str]) -> None:
    assert smoke(*words).exit_code == 2
    assert fake.asked == []


def test_live_rows_together_stay_below_the_limit(smoke: Smoke, fake: "Fake", mock_job: job_pb2.Job) -> None:
    fake.quote.held_max.currency_code = "USD"
    mock_job.clips[0].cost.currency_code = "USD"
    fake.video.provenance.mock = False
    fake.models = [row(f"a/live{number}", model_pb2.MODEL_STATE_LIVE) for number in range(3)]
    result = smoke("--live", "--max-cost", "1.30")
    assert result.exit_code == 1
    assert "0.1 USD are left" in result.output
    assert "7 tries, 1 faults" in result.output
    assert [request.max_cost.micros for request in fake.named("GenerateVideo")] == [600_000, 600_000]


def test_retired_and_unavailable_rows_must_be_refused(smoke: Smoke, fake: "Fake") -> None:
    fake.models = [row("a/old", model_pb2.MODEL_STATE_RETIRED, successor="a/new")]
    code = grpc.StatusCode.FAILED_PRECONDITION
    fake.refuse("GenerateVideo", code=code, reason="MODEL_RETIRED", message="use a/new")
    assert smoke().exit_code == 0
    fake.refuse("GenerateVideo", code=code, reason="MODEL_RETIRED", message="it is gone")
    assert "without naming its successor" in smoke().output
    fake.refuse("GenerateVideo", code=code, reason="UNKNOWN_MODEL", message="use a/new")
    assert "not as MODEL_RETIRED" in smoke().output
    assert "was not refused" in smoke().output
    assert all(request.validate_only for request in fake.named("GenerateVideo"))


@pytest.mark.parametrize(
    ("what", "value", "fault"),
    [
        ("video.provenance.mock", False, "a mock passes for real"),
        ("clip.cost.currency_code", "USD", "is booked in USD"),
        ("video.sha256", "f" * 64, "is not the one that was promised"),
        ("video.size", 1, "is not the one that was promised"),
        ("video.size", 0, "without size, frame or checksum"),
        ("video.duration.seconds", 9, "9 s long instead of 5 s"),
        ("video.url", "file:///etc/hostname", "no address to fetch"),
        ("job.state", job_pb2.JOB_STATE_FAILED, "job_1 is JOB_STATE_FAILED"),
    ],
)
def test_what_is_not_as_promised_is_a_fault(
    smoke: Smoke, fake: "Fake", mock_job: job_pb2.Job, what: str, value: object, fault: str
) -> None:
    fake.models = [row("a/text", model_pb2.MODEL_STATE_MOCK)]
    holder, _, path = what.partition(".")
    *inner, name = path.split(".")
    message: object = {"video": fake.video, "clip": mock_job.clips[0], "job": mock_job}[holder]
    setattr(reduce(getattr, inner, message), name, value)
    result = smoke()
    assert result.exit_code == 1
    assert fault in result.output


def test_a_row_nobody_knows_and_a_server_nobody_reaches(smoke: Smoke, fake: "Fake") -> None:
    assert "no such row" in smoke("--model", "a/none").output
    fake.lineage[0].ClearField("prompts")
    assert smoke().exit_code == 1
    fake.refuse("ListVideoModels", 9, code=grpc.StatusCode.PERMISSION_DENIED, reason="ROLE_REQUIRED")
    assert smoke().exit_code == 1


def test_prompts_are_left_to_the_rules_without_live(smoke: Smoke, fake: "Fake", mock_job: job_pb2.Job) -> None:
    fake.models = [row("a/text", model_pb2.MODEL_STATE_MOCK)]
    assert smoke().exit_code == 0
    for rpc in ("QuantifyPrompt", "RegeneratePrompt", "WriteScript"):
        (request,) = fake.named(rpc)
        assert (request.HasField("max_cost"), request.max_cost.micros) == (True, 0)
    assert [request.enhance_prompt for request in fake.named("GenerateVideo")] == [False, True]
    money = common_pb2.Money(currency_code="USD", micros=5)
    fake.quote.lines.add(stage=quote_pb2.COST_STAGE_PROMPT, held_max=money)
    assert "asks a real language model" in smoke().output


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda fake: fake.prompt.parameters.ClearField("aspect_ratio"), "has not read `vertical` but nothing"),
        (lambda fake: fake.prompt.ClearField("source"), "does not say who wrote it"),
        (lambda fake: setattr(fake.prompt.readings[0].words[0], "start", 31), "is not where it says"),
        (lambda fake: setattr(fake.better, "parent_prompt_id", ""), "does not say what it comes from"),
        (lambda fake: fake.better.ClearField("changes"), "has not heard the feedback"),
        (lambda fake: fake.script.scenes[0].ClearField("duration"), "is 3 s in 2 scenes"),
        (lambda fake: fake.lineage[0].ClearField("prompts"), "leaves out prompt_1, prompt_3"),
    ],
)
def test_a_prompt_that_is_not_as_promised_is_a_fault(
    smoke: Smoke, fake: "Fake", change: Callable[["Fake"], None], fault: str
) -> None:
    fake.models = [row("a/old", model_pb2.MODEL_STATE_RETIRED, successor="a/new")]
    fake.refuse("GenerateVideo", code=grpc.StatusCode.FAILED_PRECONDITION, reason="MODEL_RETIRED", message="use a/new")
    change(fake)
    result = smoke()
    assert result.exit_code == 1
    assert fault in result.output
