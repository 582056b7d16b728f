"""What a client really sees of every fault of the table, for both vendors where both can play it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from emulators.faults import (
    AMBIGUOUS_STATUSES,
    FAULTS,
    RATE_LIMIT_FORMS,
    STATUSES,
    Effect,
    Stage,
)
from tests.emulators.driving import (
    VENDORS,
    Seen,
    buy,
    buy_replicate,
    buy_runway,
    cancel,
    finished,
    fresh,
    job_of,
    jobs_for,
    look,
    output,
    poll,
    posts,
    prediction,
    raw_submit,
)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_accepts_nothing(http: httpx.Client, vendor: str, status: int) -> None:
    prompt = fresh(f"http-{status}")
    reply = buy(http, vendor, prompt)
    assert reply.status_code == status
    assert reply.json()["error" if vendor == "runway" else "detail"]
    assert jobs_for(http, prompt) == []
    row = posts(http, fault=f"http-{status}", vendor=vendor)[-1]
    assert (row["accepted"], row["status"]) == (False, status)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", ["lost-reply", *(f"http-{status}-after-accept" for status in AMBIGUOUS_STATUSES)])
def test_a_status_after_accept(http: httpx.Client, vendor: str, fault: str) -> None:
    prompt = fresh(fault)
    assert buy(http, vendor, prompt).status_code == FAULTS[fault].status
    [job] = jobs_for(http, prompt)
    assert [row["accepted"] for row in posts(http, job=job["id"])] == [True]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("fault", "bought"), [("reset-after-accept", 1), ("reset", 0)])
def test_a_reset_instead_of_an_answer(base_url: str, http: httpx.Client, vendor: str, fault: str, bought: int) -> None:
    prompt = fresh(fault)
    seen = raw_submit(base_url, vendor, prompt)
    assert (seen.head, seen.body, seen.end) == ("", b"", "reset")
    assert len(jobs_for(http, prompt)) == bought


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_reset_inside_the_body(base_url: str, http: httpx.Client, vendor: str) -> None:
    prompt = fresh("reset-in-body")
    seen = raw_submit(base_url, vendor, prompt)
    assert seen.end == "reset"
    assert seen.head.startswith("HTTP/1.1 20")
    assert 0 < len(seen.body) < seen.length
    assert len(jobs_for(http, prompt)) == 1


def test_resets_under_uvloop(uvloop_url: str) -> None:
    assert raw_submit(uvloop_url, "runway", fresh("reset")) == Seen(head="", body=b"", end="reset")
    half = raw_submit(uvloop_url, "runway", fresh("reset-in-body"))
    assert half.end == "reset"
    assert 0 < len(half.body) < half.length
    assert raw_submit(uvloop_url, "runway", fresh()).head.startswith("HTTP/1.1 200")


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("fault", "bought"), [("timeout-after-accept", 1), ("timeout", 0)])
def test_silence(base_url: str, http: httpx.Client, vendor: str, fault: str, bought: int) -> None:
    prompt = fresh(fault)
    assert raw_submit(base_url, vendor, prompt, wait=0.3) == Seen(head="", body=b"", end="silence")
    assert len(jobs_for(http, prompt)) == bought


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_slow_reply(http: httpx.Client, vendor: str) -> None:
    order = {"fault": "slow-reply", "match": "submit", "contains": (prompt := fresh()), "options": {"seconds": 0.3}}
    assert http.post("/control/script", json=order).json() == {"queued": 1}
    began = time.monotonic()
    assert buy(http, vendor, prompt).is_success
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("form", RATE_LIMIT_FORMS)
def test_every_form_of_retry_after(http: httpx.Client, vendor: str, form: str) -> None:
    prompt = fresh()
    order = {"fault": f"rate-limit-{form}", "contains": prompt, "options": {"seconds": 7}}
    http.post("/control/script", json=order)
    reply = buy(http, vendor, prompt)
    assert reply.status_code == 429
    header, body = reply.headers.get("retry-after"), reply.json()
    if form == "date":
        moment = parsedate_to_datetime(header)
        assert 4 <= (moment - datetime.now(UTC)).total_seconds() <= 7
    else:
        assert header == ("7" if form == "seconds" else None)
    assert body.get("retry_after") == (7 if form == "body" else None)
    assert ("resets in ~7s" in reply.text) == (form == "prose")
    assert buy(http, vendor, prompt).is_success  # struck once, then never again


def test_no_credit_is_400_at_runway_and_402_at_replicate(http: httpx.Client) -> None:
    refused = buy_runway(http, fresh("no-credit"))
    assert (refused.status_code, refused.json()["error"]) == (400, "You do not have enough credits to run this task.")
    refused = buy_replicate(http, fresh("no-credit"))
    assert (refused.status_code, refused.json()["title"]) == (402, "Insufficient credit")


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.effect is Effect.HTML])
def test_html(http: httpx.Client, vendor: str, fault: str) -> None:
    prompt = fresh(fault)
    reply = buy(http, vendor, prompt)
    assert reply.status_code == FAULTS[fault].status
    assert reply.headers["content-type"].startswith("text/html")
    assert len(jobs_for(http, prompt)) == fault.endswith("after-accept")


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect(base_url: str, http: httpx.Client, vendor: str, status: int) -> None:
    prompt = fresh(f"redirect-{status}")
    reply = buy(http, vendor, prompt)
    assert (reply.status_code, reply.headers["location"]) == (status, f"{base_url}/elsewhere")
    assert jobs_for(http, prompt) == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_2xx_that_names_no_job(http: httpx.Client, vendor: str) -> None:
    for fault in ("malformed-json", "no-id", "wrong-shape"):
        prompt = fresh(fault)
        reply = buy(http, vendor, prompt)
        assert reply.status_code in (200, 201)
        if fault == "malformed-json":
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                reply.json()
        else:
            assert "id" not in reply.json()
        assert len(jobs_for(http, prompt)) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_polls_that_make_no_sense(http: httpx.Client, vendor: str) -> None:
    job = buy(http, vendor, fresh()).json()["id"]
    output(http, vendor, job)
    for fault in ("unknown-status", "backwards", "no-output", "no-status", "no-id"):
        http.post("/control/script", json={"fault": fault, "match": "poll", "job": job})
        shown = poll(http, vendor, job).json()
        first, last = ("PENDING", "SUCCEEDED") if vendor == "runway" else ("starting", "succeeded")
        expected = {"unknown-status": "pondering", "backwards": first, "no-status": None}.get(fault, last)
        assert shown.get("status") == expected
        assert ("id" in shown) == (fault != "no-id")
        assert bool(shown.get("output")) == (fault not in ("backwards", "no-output"))
    assert poll(http, vendor, job).json()["output"]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("stage", [Stage.POLL, Stage.CANCEL, Stage.DOWNLOAD])
def test_every_stage_takes_statuses_and_resets(http: httpx.Client, vendor: str, stage: Stage) -> None:
    job = buy(http, vendor, fresh("stuck") if stage is Stage.CANCEL else fresh()).json()["id"]
    actions: dict[Stage, Callable[[], httpx.Response]] = {
        Stage.POLL: lambda: poll(http, vendor, job),
        Stage.CANCEL: lambda: cancel(http, vendor, job),
        Stage.DOWNLOAD: lambda: http.get(output(http, vendor, job)),
    }
    for fault in ("http-503", "rate-limit-seconds", "redirect-302", "reset"):
        http.post("/control/script", json={"fault": fault, "match": stage, "job": job, "vendor": vendor})
        if fault == "reset":
            with pytest.raises(httpx.ReadError):
                actions[stage]()
        else:
            assert actions[stage]().status_code == FAULTS[fault].status
    assert actions[stage]().is_success


def test_a_cancel_can_be_lost_too(http: httpx.Client) -> None:
    job = buy_runway(http, fresh("stuck", "cancel/lost-reply")).json()["id"]
    assert cancel(http, "runway", job).status_code == 500
    assert job_of(http, job)["phase"] == "cancelled"


def test_fates(http: httpx.Client) -> None:
    stuck = buy_replicate(http, fresh("stuck")).json()["id"]
    running = buy_replicate(http, fresh("stuck-running")).json()["id"]
    slow = buy_replicate(http, fresh("slow-job")).json()["id"]
    throttled = buy_runway(http, fresh("throttled")).json()["id"]
    assert job_of(http, slow)["run"] == 600
    assert job_of(http, throttled)["throttle"] == 60
    while prediction(http, running).json()["status"] != "processing":
        pass
    assert prediction(http, stuck).json()["status"] == "starting"
    assert finished(http, throttled)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_black_clip_plays(http: httpx.Client, vendor: str) -> None:
    job = buy(http, vendor, fresh("black")).json()["id"]
    facts = look(http.get(output(http, vendor, job)).content)
    assert facts.brightness <= 16
    assert (facts.seconds, facts.size) == ((2.0, (1280, 720)) if vendor == "runway" else (6.0, (1280, 720)))


def test_a_word_with_a_count_strikes_so_often(http: httpx.Client) -> None:
    prompt = fresh("http-503*2")
    assert [buy_runway(http, prompt).status_code for _ in range(4)] == [503, 503, 200, 200]


def test_a_wrong_word_is_told(http: httpx.Client) -> None:
    assert "no fault 'nonsense'" in buy_runway(http, fresh("nonsense")).json()["error"]
    assert "strikes at download" in buy_runway(http, fresh("poll/huge")).json()["error"]


WITNESSED_HERE = {
    *(f"http-{status}" for status in STATUSES),
    *(f"http-{status}-after-accept" for status in AMBIGUOUS_STATUSES),
    *(f"rate-limit-{form}" for form in RATE_LIMIT_FORMS),
    *(name for name, fault in FAULTS.items() if fault.effect is Effect.HTML),
    *("lost-reply", "timeout-after-accept", "reset-after-accept", "reset-in-body", "timeout", "reset", "slow-reply"),
    *("no-credit", "redirect-302", "redirect-307", "malformed-json", "no-id", "wrong-shape", "no-status"),
    *("unknown-status", "backwards", "no-output", "throttled", "stuck", "stuck-running", "slow-job", "black"),
    *("expired-url", "truncated", "truncated-unsized", "trickle", "wrong-content", "huge", "empty"),
}
WITNESSED_WITH_THE_WEBHOOKS = {name for name in FAULTS if name.startswith("webhook-")}


def test_no_common_fault_is_forgotten() -> None:
    assert set(FAULTS) == WITNESSED_HERE | WITNESSED_WITH_THE_WEBHOOKS
