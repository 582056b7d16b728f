"""`prompt …`, `lineage` and the client's methods behind them, against a real server that plays Filmgate."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import typer
from filmgate.v1 import common_pb2, media_pb2, prompt_pb2, quote_pb2, video_service_pb2
from filmgate_client import AsyncFilmgateClient, FilmgateClient
from typer.testing import CliRunner, Result

from clients.commands import register

if TYPE_CHECKING:
    from tests.clients.conftest import Fake

Run = Callable[..., Result]


@pytest.fixture
def run(target: str) -> Run:
    """Run a command line against the server; wide output, so that nothing folds."""
    app = typer.Typer()
    register(app)
    environment = {"FILMGATE_TARGET": target, "FILMGATE_TENANT": "acme", "COLUMNS": "240"}
    return lambda *words, **options: CliRunner().invoke(app, words, env=environment, **options)


def prompt(number: int, **fields: Any) -> prompt_pb2.Prompt:
    """A prompt by the rules, made so many seconds after the beginning."""
    made = prompt_pb2.Prompt(
        id=f"prompt_{number}", prompt=f"words {number}", source="PROMPT_SOURCE_RULES", iteration=1, **fields
    )
    made.create_time.seconds = number
    return made


def iteration(number: int, prompt_id: str = "", **fields: Any) -> prompt_pb2.LineageIteration:
    """A clip that was made between two prompts."""
    money = common_pb2.Money(currency_code="XTS", micros=600_000)
    made = prompt_pb2.LineageIteration(
        iteration=number, job_id=f"job_{number}", state="SUCCEEDED", prompt_id=prompt_id, cost=money, **fields
    )
    made.create_time.seconds, made.create_time.nanos = number, 5
    return made


def test_quantify_shows_what_was_read_from_which_words(run: Run, fake: "Fake") -> None:
    made = fake.prompt
    made.source, made.parameters.negative_prompt = prompt_pb2.PROMPT_SOURCE_RULES, "people"
    said = [prompt_pb2.PromptWords(start=0, end=4, text="vert[red]ical")]
    made.readings.add(field="aspect_ratio", value="9:16", confidence=0.95, words=said)
    made.readings.add(field="mood", value="calm", confidence=0.3)
    made.warnings.add(code="CONTRADICTION", message="two lengths")
    result = run("prompt", "quantify", "-", "--creative", "boat", "--max-cost", "0", input="a boat, vertical\n")
    assert result.exit_code == 0, result.output
    for text in (
        "prompt_1 by rules",
        "fitted to runway/gen4.5",
        "not: people",
        "“vert[red]ical”",
        "95%",
        "30% guessed",
    ):
        assert text in result.output
    assert "CONTRADICTION: two lengths" in result.output
    (request,) = fake.named("QuantifyPrompt")
    assert (request.tenant_name, request.text, request.creative_id) == ("acme", "a boat, vertical\n", "boat")
    assert request.HasField("max_cost")
    assert request.request_id
    assert json.loads(run("prompt", "quantify", "a boat", "--json").stdout)["id"] == "prompt_1"


def test_regenerate_shows_a_diff_and_may_make_the_video(run: Run, fake: "Fake") -> None:
    made = fake.better
    made.creative_id, made.mock, made.llm_model = "boat", True, "mock-1"
    made.input_tokens, made.output_tokens = 120, 45
    made.cost.currency_code, made.cost.micros = "XTS", 120
    made.changes.add(field="duration", before="5 s", after="8 s", why="slower")
    made.changes.add(field="mood", after="warm", why="warmer light")
    result = run("prompt", "regenerate", "job_7", "--feedback", "warmer light, slower", "--generate")
    assert result.exit_code == 0, result.output
    for text in ("by mock-1 MOCK, version 2", "120 tokens read, 45 written", "cost 0.00012 XTS (mock)"):
        assert text in result.output
    for line in ("- duration: 5 s", "+ duration: 8 s", "  slower", "+ mood: warm"):
        assert line in result.output.splitlines()
    assert "job_1" in result.output
    (asked,), (bought,) = fake.named("RegeneratePrompt"), fake.named("GenerateVideo")
    assert (asked.job_id, asked.feedback) == ("job_7", "warmer light, slower")
    assert (bought.prompt_id, bought.creative_id, bought.model, bought.prompt) == (made.id, "boat", made.model, "")


@pytest.mark.parametrize(
    ("words", "previous"),
    [(["prompt_9"], "prompt_id"), (["job_9"], "job_id"), (["--text", "a boat"], "text")],
)
def test_regenerate_starts_from_one_thing(run: Run, fake: "Fake", words: list[str], previous: str) -> None:
    assert run("prompt", "regenerate", *words, "--feedback", "slower", "--json").exit_code == 0
    assert fake.named("RegeneratePrompt")[0].WhichOneof("previous") == previous
    assert run("prompt", "regenerate", *words, "--text" if words[0][0] != "-" else "prompt_1", "x").exit_code == 2
    assert run("prompt", "regenerate").exit_code == 2


def test_a_script_is_shown_scene_by_scene(run: Run, fake: "Fake", tmp_path: Path) -> None:
    image = tmp_path / "product.png"
    image.write_bytes(b"\x89PNG")
    fake.script.scenes.add(id="scene-1", video_prompt="Nimbus in soft light", use_product_image=True, narration="Rise.")
    fake.script.scenes.add(id="card", text="Order now")
    words = (
        "--product",
        "Nimbus",
        "--style",
        "luxury",
        "--cta",
        "Order now",
        "--image",
        str(image),
        "--brief",
        "a lamp",
    )
    result = run("prompt", "script", *words, "--duration", "15", "--scenes", "2", "--ratio", "9:16")
    assert result.exit_code == 0, result.output
    for text in ("Nimbus in soft light (from the product's image)", "Rise.", "Order now"):
        assert text in result.output
    (request,) = fake.named("WriteScript")
    assert (request.product_name, request.style, request.cta_text) == ("Nimbus", "luxury", "Order now")
    assert request.brief == "a lamp"
    assert (request.duration.seconds, request.scenes, request.aspect_ratio) == (15, 2, "9:16")
    assert request.product_image.inline.data == b"\x89PNG"
    assert run("prompt", "script", *words[:4], "--cta", "x", "--image", "/no/such/file.png").exit_code == 2


def test_a_large_product_image_is_uploaded_first(target: str, fake: "Fake", tmp_path: Path) -> None:
    image = tmp_path / "product.png"
    image.write_bytes(b"\x89PNG" + bytes(5 * 1024 * 1024))
    with FilmgateClient(target, tenant="acme") as client:
        client.write_script("Nimbus", style="luxury", cta_text="Now", product_image=image)
    assert fake.named("WriteScript")[0].product_image.asset_id == "asset_1"


def test_lineage_is_a_tree_of_causes_with_what_each_has_cost(run: Run, fake: "Fake") -> None:
    first, second = prompt(1), prompt(3, parent_prompt_id="prompt_1", job_id="job_2", feedback="warmer\x1b[2J light")
    second.changes.add(field="prompt", before="", after="golden hour", why="warmer light")
    made, again = iteration(2, "prompt_1", prompt_final="words 1"), iteration(4, "prompt_3", prompt_final="words 3")
    alone = iteration(5, prompt_final="typed by hand", cost_unknown=True)
    spent = common_pb2.Money(currency_code="XTS", micros=1_200_000)
    costs = [video_service_pb2.StageCost(stage=quote_pb2.COST_STAGE_VIDEO, cost=spent)]
    page = video_service_pb2.GetLineageResponse
    fake.lineage = [
        page(iterations=[alone, again], prompts=[second], costs=costs, next_page_token="1"),
        page(iterations=[made], prompts=[first, second], costs=costs),
    ]
    result = run("lineage", "boat")
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if any(word in line for word in ("prompt_", "video 0"))]
    depths = [len(line) - len(line.lstrip("│├└─ ")) for line in lines]
    assert [line.strip("│├└─ ").split()[0] for line in lines] == ["prompt_1", "video", "prompt_3", "video", "video"]
    assert depths == [4, 8, 12, 16, 4]
    for text in (
        "0.60 XTS (mock)",
        "+ prompt: golden hour",
        "“warmer�[2J light”",
        "what nobody knows",
        "typed by hand",
    ):
        assert text in result.output
    assert "video: 1.20 XTS (mock)" in result.output
    assert result.output.count("words 3") == 1
    assert [request.page_size for request in fake.named("GetLineage")] == [50, 48]
    assert len(json.loads(run("lineage", "boat", "--json", "--limit", "2").stdout)["prompts"]) == 1
    assert len(fake.named("GetLineage")) == 3


def test_a_prompt_that_was_kept_needs_no_words(run: Run, fake: "Fake") -> None:
    assert run("generate", "--prompt-id", "prompt_1", "--detach").exit_code == 0
    (request,) = fake.named("GenerateVideo")
    assert (request.prompt, request.prompt_id) == ("", "prompt_1")


def test_a_quote_says_what_each_line_is_for(run: Run, fake: "Fake") -> None:
    fake.quote.lines.add(stage=quote_pb2.COST_STAGE_PROMPT, model="writer", basis="tokens")
    result = run("generate", "a boat", "--enhance", "--validate-only")
    rows = [[cell.strip() for cell in line.split("│")[1:3]] for line in result.output.splitlines() if "│" in line]
    assert rows == [["clip 0", "runway/gen4.5"], ["prompt", "writer"]]


async def test_the_asyncio_client_does_the_same(target: str, fake: "Fake") -> None:
    away = {"code": grpc.StatusCode.UNAVAILABLE, "reason": "SHUTTING_DOWN"}
    fake.refuse("RegeneratePrompt", 2, **away)
    picture = media_pb2.MediaInput(asset_id="asset_1")
    async with AsyncFilmgateClient(target, tenant="acme") as client:
        assert (await client.quantify_prompt("a boat", max_cost="0.01")).id == "prompt_1"
        assert (await client.regenerate_prompt("slower", prompt_id="prompt_1")).id == "prompt_3"
        made = await client.write_script("Nimbus", style="luxury", cta_text="Now", product_image=picture, duration=12.5)
        assert made.id == "prompt_2"
        assert not (await client.lineage("boat")).iterations
        with pytest.raises(ValueError, match="exactly one"):
            await client.regenerate_prompt("slower", prompt_id="prompt_1", text="a boat")
    assert fake.named("QuantifyPrompt")[0].max_cost.micros == 10_000
    assert len({request.request_id for request in fake.named("RegeneratePrompt")}) == 1
    assert len(fake.named("RegeneratePrompt")) == 3
