"""`filmgate verify` against emulators that pose as the vendor: what it asks, what it buys, and what it writes down."""

import asyncio
import json
import logging
import re
import stat
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tests.providers.test_contract as contract
from core.outcome import Reply, Request
from core.spec import Wish
from emulators.server import EmulatorServer
from emulators.world import Options
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.plain import plain
from providers.resolve import resolve
from server.cli import app
from tests.server.calling import HttpAnswer, fetch

KEY = "planted-key-of-the-operator"
SOLD = {
    "runway": {"key", "wrong key", "unknown job", "unknown model", "order"},
    "replicate": {"key", "wrong key", "unknown job", "webhook keys", "unknown model", "order"},
    "google": {"key", "wrong key", "unknown job", "webhook keys", "order"},
    "luma": {"key", "wrong key", "unknown job", "unknown model", "order"},
    "fal": {"key", "wrong key", "unknown job", "order"},
}
"""The steps that talk to each vendor."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a run left."""

    status: int
    text: str
    path: Path
    posts: list[dict[str, Any]]

    @property
    def transcript(self) -> dict[str, Any]:
        """The file, read."""
        found: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return found

    @property
    def sold(self) -> int:
        """How many orders the vendor took."""
        return sum(post["accepted"] for post in self.posts)

    def line(self, step: str) -> str:
        """The step's line of the report."""
        return next(line for line in self.text.splitlines() if line[5:].startswith(f"{step} "))


@dataclass(frozen=True, kw_only=True)
class World:
    """The emulators."""

    url: str

    def verify(self, vendor: str, folder: Path, *options: str, key: str = KEY, answer: str | None = None) -> Ran:
        """Run the command in this process."""
        path = folder / "transcript.json"
        arguments = ["verify", vendor, f"--base-url={self.url}/{vendor}", f"--transcript={path}", *options]
        arguments += ["--yes"] if answer is None else []
        variables = {ADAPTERS[vendor].credential_variables[0]: key}
        result = CliRunner().invoke(app, arguments, env=variables, input=answer)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        posts = json.loads(fetch(f"{self.url}/control/ledger").body)["posts"]
        return Ran(status=result.exit_code, text=result.output, path=path, posts=posts)

    def script(self, **fault: Any) -> None:
        """Make something go wrong."""
        assert fetch(f"{self.url}/control/script", "POST", json.dumps(fault).encode()).status == 200

    def ask(self, vendor: str, request: Request) -> HttpAnswer:
        """Speak to the vendor as somebody else with the same key would."""
        headers = dict(request.headers)
        if request.auth is not None:
            headers[request.auth.header] = request.auth.prefix + KEY
        body = None if request.json is None else json.dumps(request.json).encode()
        return fetch(f"{self.url}/{vendor}{request.path}", request.method, body, headers)


@pytest.fixture(scope="module")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Every vendor, with one key."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = EmulatorServer(options=Options(speed=100_000, require_key=KEY))
    started = asyncio.run_coroutine_threadsafe(server.start(data_dir=tmp_path_factory.mktemp("played")), loop)
    yield started.result(60)
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(autouse=True)
def log_of_the_engine() -> Iterator[None]:
    """Its library keeps the standard error of its first start, which for a CliRunner is closed at its end."""
    yield
    logging.getLogger("dbos").handlers.clear()


@pytest.fixture
def world(emulators: str) -> World:
    """The emulators as if nothing had happened."""
    assert fetch(f"{emulators}/control/reset", "POST").status == 200
    return World(url=emulators)


def _secrets(world: World, vendor: str, job: str) -> set[str]:
    """What the vendor told us that nobody else may know: its webhook secret, and signatures of its addresses."""
    adapter = ADAPTERS[vendor]
    row = next(row for row in CATALOGUE.rows.values() if row.provider == vendor and row.text)
    ticket = adapter.adopt(job, row)
    assert ticket is not None
    requests = [adapter.poll(ticket), adapter.result(ticket)]
    told = b" ".join(world.ask(vendor, request).body for request in requests if request is not None).decode()
    signed = {part for url in re.findall(r"http[^\"\s]+/files/[^\"\s]+", told) for part in re.split(r"[/?&=]", url)}
    found = {part for part in signed if len(part) > 20 and part != job}
    secret = adapter.callback_secret()
    if secret is not None and secret.auth is not None:
        answer = world.ask(vendor, secret)
        found |= set(adapter.callback_secrets(Reply(status=answer.status, body=answer.body)))
    return found


@pytest.mark.parametrize("vendor", SOLD)
def test_a_vendor_as_documented(vendor: str, world: World, tmp_path: Path) -> None:
    ran = world.verify(vendor, tmp_path)
    assert (ran.status, "as documented" in ran.text, "FAIL" in ran.text) == (0, True, False), ran.text
    assert ran.sold == 1
    assert "one POST, accepted" in ran.line("order")
    assert "plays" in ran.line("clip")
    assert stat.S_IMODE(ran.path.stat().st_mode) == 0o600
    transcript, text = ran.transcript, ran.path.read_text("utf-8")
    assert {each["step"] for each in transcript["exchanges"]} == SOLD[vendor]
    assert [each["number"] for each in transcript["exchanges"]] == list(range(1, len(transcript["exchanges"]) + 1))
    sent = [each["request"] for each in transcript["exchanges"] if each["request"]["method"] != "GET"]
    assert len(sent) == len(ran.posts)
    job = next(post["job"] for post in ran.posts if post["accepted"])
    hidden = _secrets(world, vendor, job) | {KEY}
    assert len(hidden) > (1 if vendor in ("runway", "replicate", "luma") else 0)
    assert [secret for secret in hidden if secret in text or secret in ran.text] == []
    assert world.url not in text


@pytest.mark.parametrize("vendor", SOLD)
def test_what_is_written_reads_as_it_was_read(vendor: str, world: World, tmp_path: Path) -> None:
    transcript = world.verify(vendor, tmp_path).transcript
    read = [
        (each["reply"], read)
        for each in transcript["exchanges"]
        for read in each["reads"]
        if read["call"] in ("submitted", "outcome", "delivered", "cancelled")
    ]
    assert {read["became"]["is"] for _, read in read} >= {"Refused", "Failed", "Accepted", "Ready"}
    for reply, told in read:
        body = json.dumps(reply["json"]).encode()
        again = getattr(ADAPTERS[vendor], told["call"])(
            Reply(status=reply["status"], headers=reply["headers"], body=body)
        )
        assert {"is": type(again).__name__, **_facts(again)} == told["became"]
        assert told["replays"] is True
    cases = [case for case in transcript["cases"] if case["call"] != "delivered"]
    assert len(cases) >= 4
    for case in cases:
        contract.test_reply(vendor, case)


def _facts(outcome: object) -> Mapping[str, Any]:
    facts = plain(outcome)
    assert isinstance(facts, dict)
    return facts


def test_other_jobs_of_the_account_are_not_told(world: World, tmp_path: Path) -> None:
    row = CATALOGUE.rows["replicate/ltx-video"]
    spec = resolve(Wish(prompt="a film nobody may know of"), row).spec
    assert world.ask("replicate", ADAPTERS["replicate"].submit(spec, row, None)).status == 201
    ran = world.verify("replicate", tmp_path)
    listed = next(each["reply"] for each in ran.transcript["exchanges"] if each["step"] == "key")
    assert listed["json"]["results"][0]["input"]["prompt"] == "(text)"
    assert "nobody may know" not in ran.path.read_text("utf-8")


@pytest.mark.parametrize(
    ("vendor", "options"),
    [("runway", ["--max-cost=0.01"]), ("runway", ["--max-cost=0.05", "--cancel"]), ("google", ["--max-cost=0.20"])],
)
def test_above_the_limit_nothing_is_sent(vendor: str, options: list[str], world: World, tmp_path: Path) -> None:
    ran = world.verify(vendor, tmp_path, *options)
    assert (ran.status, ran.posts, ran.path.exists()) == (1, [], False)
    assert "above --max-cost" in ran.text
    assert "sum" in ran.text


def test_it_asks_before_it_spends(world: World, tmp_path: Path) -> None:
    ran = world.verify("luma", tmp_path, answer="n\n")
    assert (ran.status, ran.sold) == (1, 0)
    assert "Spend up to 0.30 USD at Luma?" in ran.text
    assert "nothing was bought" in ran.text
    assert {each["step"] for each in ran.transcript["exchanges"]} == SOLD["luma"] - {"order"}


@pytest.mark.parametrize("vendor", ["runway", "replicate"])
def test_a_bad_key_buys_nothing(vendor: str, world: World, tmp_path: Path) -> None:
    ran = world.verify(vendor, tmp_path, key="planted-and-wrong")
    assert (ran.status, ran.sold) == (1, 0)
    assert ran.line("key").startswith("FAIL")
    assert "HTTP 401: the key is refused" in ran.line("key")
    assert "planted" not in ran.path.read_text("utf-8") + ran.text


def test_moderation_is_told_with_what_it_costs(world: World, tmp_path: Path) -> None:
    # The free order for an unknown model is struck too.
    world.script(fault="fail-SAFETY.INPUT.TEXT", vendor="runway", times=2)
    ran = world.verify("runway", tmp_path)
    assert (ran.status, ran.sold) == (1, 1)
    assert "FAILED: CONTENT_POLICY at PROMPT (SAFETY.INPUT.TEXT), billed YES" in ran.line("end")
    assert "FAILED is CONTENT_POLICY" in ran.line("states")
    assert "not as documented: 1 of" in ran.text
    failed = [case for case in ran.transcript["cases"] if "failure" in case["expect"] and "order" in case["name"]]
    assert [case["expect"]["failure"]["reason"] for case in failed] == ["CONTENT_POLICY"]


def test_a_refused_order_is_sent_once(world: World, tmp_path: Path) -> None:
    world.script(fault="http-400", vendor="google")
    ran = world.verify("google", tmp_path)
    assert (ran.status, ran.sold, len(ran.posts)) == (1, 0, 1)
    assert "FAIL order" in ran.text
    assert "billed NO" in ran.line("order")


def test_a_lost_answer_is_never_sent_again(world: World, tmp_path: Path) -> None:
    world.script(fault="reset-after-accept", vendor="google")
    ran = world.verify("google", tmp_path)
    assert (ran.status, ran.sold, len(ran.posts)) == (1, 1, 1)
    assert "look at your account" in ran.line("order")
    assert ran.transcript["exchanges"][-1]["lost"]


def test_a_cancelled_order_shows_what_it_cost(world: World, tmp_path: Path) -> None:
    world.script(fault="stuck-running", vendor="runway", contains="at dusk")
    ran = world.verify("runway", tmp_path, "--cancel", "--max-cost=0.06")
    assert (ran.status, ran.sold) == (0, 2), ran.text
    assert "CANCELLED" in ran.line("cancel")
    assert "our tables say" in ran.line("cancel")
    assert [post["method"] for post in ran.posts if not post["accepted"]] == ["POST", "DELETE"]


def test_what_cannot_be_is_refused_first(world: World, tmp_path: Path) -> None:
    ran = world.verify("luma", tmp_path, "--cancel")
    assert (ran.status, ran.posts, "luma cannot cancel" in ran.text) == (2, [], True)
    (tmp_path / "transcript.json").write_text("paid for")
    ran = world.verify("luma", tmp_path)
    assert (ran.status, ran.posts, ran.path.read_text()) == (2, [], "paid for")
