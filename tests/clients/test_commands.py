"""The commands, run as a person or a script runs them, against a real server."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import typer
from filmgate.v1 import common_pb2, job_pb2, media_pb2, model_pb2, video_pb2
from google.protobuf.duration_pb2 import Duration
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner, Result

from clients.commands import register
from clients.commands.watch import COLUMNS, Bars

if TYPE_CHECKING:
    from tests.clients.conftest import Fake

Run = Callable[..., Result]


@pytest.fixture
def run(target: str) -> Run:
    """Run a command line against the server; wide output, so that nothing folds."""
    app = typer.Typer()
    register(app)
    environment = {"FILMGATE_TARGET": target, "FILMGATE_TENANT": "acme", "COLUMNS": "240", "FILMGATE_API_KEY": "sesame"}

    def invoke(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(app, words, env=environment, **options)

    return invoke


def test_generate_follows_the_job_and_shows_its_video(run: Run, fake: "Fake") -> None:
    result = run("generate", "a boat", "--creative", "boat", "--duration", "5", "--label", "a=b")
    assert result.exit_code == 0, result.output
    assert "job_1" in result.output
    assert "videos/acme/20261121_120000-boat-001.mp4" in result.output
    assert "https://store/vid_1?sig=1" in result.output
    assert "0.60 XTS (mock)" in result.output
    assert "vendor running" in result.output
    (request,) = fake.named("GenerateVideo")
    assert (request.tenant_name, request.creative_id, dict(request.labels)) == ("acme", "boat", {"a": "b"})
    assert request.request_id
    assert fake.asked[0][2]["authorization"] == "Bearer sesame"


def test_generate_speaks_every_word(run: Run, fake: "Fake", tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"\x89PNG")
    words = (
        *("--model", "auto", "--variations", "2", "--ratio", "9:16", "--resolution", "720p", "--fps", "24"),
        *("--seed", "7", "--negative-prompt", "rain", "--style", "luxury", "--motion", "low", "--quality", "high"),
        *("--no-audio", "--first-frame", str(image), "--last-frame", "https://example.com/b.png"),
        *("--reference", f"subject={image}", "--enhance", "--fallback", "a/b", "--fallback", "c/d"),
        *("--max-cost", "1.5", "--strategy", "best", "--option", "steps=5", "--option", "mode=pro"),
        *("--substitute", "--request-id", "r-1", "--webhook", "https://example.com/hook", "--detach"),
    )
    result = run("generate", "a boat", *words)
    assert (result.exit_code, result.output.strip()) == (0, "job_1")
    (request,) = fake.named("GenerateVideo")
    parameters = request.parameters
    assert (parameters.aspect_ratio, parameters.resolution, parameters.fps, parameters.seed) == ("9:16", "720p", 24, 7)
    assert (parameters.style, parameters.motion, parameters.audio) == ("luxury", media_pb2.MOTION_LOW, False)
    assert request.reference_images[0].role == media_pb2.REFERENCE_ROLE_SUBJECT
    assert request.first_frame.inline.data == request.reference_images[0].media.inline.data == b"\x89PNG"
    assert list(request.fallback_models) == ["a/b", "c/d"]
    assert (request.vendor_options["steps"], request.vendor_options["mode"]) == (5, "pro")
    assert (request.enhance_prompt, request.allow_substitutions, request.request_id) == (True, True, "r-1")
    assert (request.max_cost.micros, request.webhook.url) == (1_500_000, "https://example.com/hook")


def test_validate_only_shows_the_quote(run: Run, fake: "Fake") -> None:
    result = run("generate", "a boat", "--validate-only")
    assert result.exit_code == 0, result.output
    assert "5 s x 0.12" in result.output
    assert fake.named("GenerateVideo")[0].validate_only
    assert fake.named("WatchJob") == []


def test_json_is_the_contracts_own(run: Run) -> None:
    result = run("generate", "a boat", "--json")
    assert json.loads(result.stdout)["state"] == "JOB_STATE_SUCCEEDED"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (job_pb2.JOB_STATE_SUCCEEDED, 0),
        (job_pb2.JOB_STATE_PARTIALLY_SUCCEEDED, 1),
        (job_pb2.JOB_STATE_FAILED, 1),
        (job_pb2.JOB_STATE_CANCELLED, 1),
        (job_pb2.JOB_STATE_NEEDS_RESOLUTION, 5),
    ],
)
@pytest.mark.parametrize("words", [["watch", "job_1"], ["watch", "job_1", "--json"], ["generate", "a boat"]])
def test_the_exit_code_says_how_the_job_ended(
    run: Run, fake: "Fake", words: list[str], state: job_pb2.JobState, code: int
) -> None:
    job = fake.add_job(state=state)
    job.clips[0].failure.message = "the vendor [red]gave up\x1b[2J"
    assert run(*words).exit_code == code


def test_a_parked_job_is_not_watched_for_ever(run: Run, fake: "Fake") -> None:
    fake.add_job(state=job_pb2.JOB_STATE_NEEDS_RESOLUTION)
    fake.events["job_1"][-1].kind = job_pb2.JOB_EVENT_KIND_STALLED
    result = run("watch", "job_1")
    assert result.exit_code == 5
    assert "NEEDS_RESOLUTION" in result.output


def test_every_violation_is_shown(run: Run, fake: "Fake") -> None:
    broken = {"parameters.duration": "offers 5 s and 10 s", "creative_id": "must not contain `..`"}
    fake.refuse(
        "GenerateVideo",
        code=grpc.StatusCode.INVALID_ARGUMENT,
        reason="INVALID_REQUEST",
        message="two things",
        violations=broken,
    )
    result = run("generate", "a boat", "--creative", "a/../b")
    assert result.exit_code == 3
    for name, rule in broken.items():
        assert f"{name}: {rule}" in result.stderr


def test_a_time_to_come_back_is_told(run: Run, fake: "Fake") -> None:
    fake.refuse(
        "CancelJob",
        code=grpc.StatusCode.RESOURCE_EXHAUSTED,
        reason="TENANT_RATE_LIMITED",
        message="slow",
        retry_after=3,
    )
    result = run("jobs", "cancel", "job_1")
    assert result.exit_code == 4
    assert "TENANT_RATE_LIMITED: slow" in result.stderr
    assert "Try again in 3 s." in result.stderr


def test_a_server_that_is_not_there(run: Run, fake: "Fake") -> None:
    fake.refuse("CancelJob", code=grpc.StatusCode.UNAVAILABLE)
    result = run("jobs", "cancel", "job_1")
    assert result.exit_code == 4
    assert "cannot be reached" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "a boat", "--label", "nonsense"],
        ["generate", "a boat", "--motion", "sideways"],
        ["generate", "a boat", "--max-cost", "a lot"],
        ["generate", "a boat", "--first-frame", "/no/such/file.png"],
        ["models", "--state", "asleep"],
        ["resolve", "clip_1"],
    ],
)
def test_a_wrong_command_line_is_told_and_nothing_is_sent(run: Run, fake: "Fake", words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "error" in result.stderr
    assert fake.asked == []


def test_the_key_is_never_printed(run: Run) -> None:
    for words in (["generate", "--help"], ["models", "--help"], ["jobs", "show", "job_9"]):
        assert "sesame" not in run(*words).output


def row(state: model_pb2.ModelState, reason: str) -> model_pb2.VideoModel:
    """A row of the catalogue with every kind of length."""
    model = model_pb2.VideoModel(id="runway/gen4.5", state=state, state_reason=reason, best_for="stills that move")
    text = model.modes.add(kind=model_pb2.MODEL_MODE_KIND_TEXT, aspect_ratios=["16:9", "9:16"])
    text.choices.choices.extend([Duration(seconds=5), Duration(seconds=10)])
    image = model.modes.add(kind=model_pb2.MODEL_MODE_KIND_IMAGE)
    image.span.min.seconds, image.span.max.seconds = 2, 10
    model.modes.add(kind=model_pb2.MODEL_MODE_KIND_IMAGE).frames.MergeFrom(
        model_pb2.DurationFrames(counts=[14, 25], fps=6.25)
    )
    price = common_pb2.Money(currency_code="USD", micros=120_000)
    model.prices.add(price=price, unit=model_pb2.PRICE_UNIT_SECOND, conditions={"audio": "true"})
    return model


def test_models_says_who_answers_and_why(run: Run, fake: "Fake") -> None:
    fake.models = [row(model_pb2.MODEL_STATE_MOCK, "RUNWAY_API_KEY is not set")]
    result = run(
        "models", "--state", "mock", "--mode", "text", "--duration", "5", "--max-price", "1", "--ratio", "16:9"
    )
    assert result.exit_code == 0, result.output
    for text in (
        "runway/gen4.5",
        "MOCK",
        "5 s, 10 s",
        "2 s to 10 s",
        "2.24 s, 4 s",
        "0.12 USD per second (audio=true)",
    ):
        assert text in result.output
    assert "RUNWAY_API_KEY is not set" in result.output
    (request,) = fake.named("ListVideoModels")
    assert (request.mode, request.duration.seconds, request.max_price.micros) == (1, 5, 1_000_000)
    assert list(request.states) == [model_pb2.MODEL_STATE_MOCK]
    assert len(json.loads(run("models", "--json").stdout)["models"]) == 1


def test_jobs_and_videos_are_listed_shown_cancelled_deleted(run: Run, fake: "Fake") -> None:
    for number in range(1, 4):
        fake.add_job(f"job_{number}")
    fake.videos = [video_pb2.Video(id="vid_1", key="videos/acme/x.mp4", size=1_500_000, width=1280, height=720, fps=24)]
    listed = run("jobs", "list", "--limit", "2", "--state", "succeeded")
    assert "job_2" in listed.output
    assert "job_3" not in listed.output
    assert "boat" in run("jobs", "list").output
    assert len(run("jobs", "list", "--json").stdout.splitlines()) == 3
    assert "clip_1" in run("jobs", "show", "job_1").output
    assert "CANCELLING" in run("jobs", "cancel", "job_1").output
    assert "1280x720@24" in run("videos", "list", "--job", "job_1").output
    assert json.loads(run("videos", "list", "--json").stdout)["id"] == "vid_1"
    assert "https://store/vid?sig=2" in run("videos", "show", "vid_1").output
    assert run("videos", "delete", "vid_1", input="n\n").exit_code == 1
    assert fake.named("DeleteVideo") == []
    assert "deleted" in run("videos", "delete", "vid_1", "--yes").output


def test_resolve_sends_the_verdict(run: Run, fake: "Fake") -> None:
    fake.add_job()
    assert run("resolve", "clip_1", "--adopt", "task-7", "--note", "seen in their console").exit_code == 0
    assert json.loads(run("resolve", "clip_1", "--abandon", "--json").stdout)["clip"]["id"] == "clip_1"
    first, second = fake.named("ResolveClip")
    assert (first.adopt.vendor_task_id, first.note) == ("task-7", "seen in their console")
    assert second.WhichOneof("verdict") == "abandon"


def test_what_comes_from_outside_cannot_steer_the_terminal(run: Run, fake: "Fake") -> None:
    job = fake.add_job()
    job.warnings.add(code="X", message="[bold]hey[/]\x1b[2J")
    output = run("jobs", "show", "job_1").output
    assert "[bold]hey[/]" in output
    assert "\x1b" not in output


def test_bars_move_in_a_terminal(fake: "Fake") -> None:
    fake.add_job(events=3)
    fake.events["job_1"][1].kind = job_pb2.JOB_EVENT_KIND_SETTLED
    fake.events["job_1"][1].clip_state = job_pb2.CLIP_STATE_SUCCEEDED
    screen = StringIO()
    with Progress(*COLUMNS, console=Console(file=screen, force_terminal=True, width=120)) as progress:
        bars = Bars(progress)
        for event in fake.events["job_1"]:
            bars.show(event)
    job, clip = progress.tasks
    assert (job.fields["what"], clip.fields["what"], clip.completed) == ("SUCCEEDED", "SUCCEEDED unknown", 1.0)
    assert "job_1" in screen.getvalue()
