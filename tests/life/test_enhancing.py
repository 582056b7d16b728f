"""`enhance_prompt`: rewritten once for all clips, fitted to each model, paid once; used as given when it fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.errors import NotFound, Precondition, Reason
from core.money import MOCK_CURRENCY, USD, Money
from core.spec import ModeName
from jobs import funds, tables
from jobs.drafts import CallState
from jobs.events import EventKind
from jobs.orders import JobView
from jobs.prompting import PromptOrder
from jobs.records import ClipState, Enhancement, JobState
from jobs.requests import RequestKey
from jobs.targets import target
from ledger import budgets
from ledger.budgets import Period
from prompts.words import Source
from providers.catalogue import CATALOGUE

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
TEXT = "a lighthouse at dusk, vertical, 8 seconds, no people"
ENHANCED: dict[str, Any] = {"prompt": TEXT, "enhance": True}
CALLS_BACK = "replicate/minimax-video-01"
LIVE: dict[str, Any] = {"prompt": "a lighthouse at dusk", "enhance": True}


async def _call_states(workshop: "Workshop") -> list[CallState]:
    query = sa.select(tables.prompt_calls.c.state).order_by(tables.prompt_calls.c.id)
    return [CallState(state) for state in await workshop.database.read(lambda c: c.execute(query).scalars().all())]


async def _sent(workshop: "Workshop") -> list[str]:
    """What the vendors were sent, the language model not among them."""
    return [job["prompt"] for job in await workshop.vendor_jobs() if job["vendor"] != "llm"]


async def _check_books(workshop: "Workshop") -> None:
    verdict = await workshop.verdict()
    assert verdict.faults == ()
    assert all(balance.open == 0 for balance in verdict.totals.values())


def _codes(view: JobView) -> list[str]:
    return [str(notice["code"]) for notice in view.job.notices]


async def test_rules_rewrite_it_and_what_it_asks_for_is_quoted(opened: Opened) -> None:
    workshop = await opened()
    plan = await workshop.plan(GEN45, **ENHANCED)
    assert (plan.spec.duration, plan.spec.aspect_ratio, plan.target_duration) == (8.0, "9:16", 8.0)
    assert [line.stage for line in plan.lines] == ["video"]
    shorter = await workshop.plan(GEN45, prompt=TEXT, duration=2.0)
    assert plan.expected.micros > shorter.expected.micros
    view = await workshop.ended(await workshop.order(GEN45, **ENHANCED))
    assert (view.job.state, view.job.enhancement, view.job.prompt) == (JobState.SUCCEEDED, Enhancement.DONE, TEXT)
    assert view.job.final_prompt not in ("", TEXT)
    assert "lighthouse" in view.job.final_prompt
    assert "vertical" not in view.job.final_prompt
    assert await _sent(workshop) == [view.job.final_prompt]
    kinds = [event.kind for event in await workshop.events(view.job.id)]
    assert kinds.count(EventKind.ENHANCED) == 1
    made = await workshop.jobs.prompting.previous("acme", prompt_id=str(view.job.prompt_id))
    assert (made.draft.duration, made.draft.aspect_ratio) == (8.0, "9:16")
    await _check_books(workshop)


async def test_what_was_typed_and_the_style_come_before_the_prompts_words(opened: Opened) -> None:
    workshop = await opened()
    typed = await workshop.plan(GEN45, **ENHANCED, duration=5.0, aspect_ratio="16:9")
    assert (typed.spec.duration, typed.spec.aspect_ratio) == (5.0, "16:9")
    styled = await workshop.plan(GEN45, prompt="a lighthouse, 16:9, 8 seconds", enhance=True, style="bold")
    assert (styled.spec.duration, styled.spec.aspect_ratio) == (5.0, "9:16")
    named = await workshop.plan(GEN45, prompt="a luxury perfume bottle, 8 seconds", enhance=True)
    assert (named.spec.duration, named.style) == (8.0, "luxury")
    plain = await workshop.plan(GEN45, prompt=TEXT)
    assert (plain.spec.duration, plain.spec.aspect_ratio) != (8.0, "9:16")
    far = await workshop.plan(GEN45, prompt="a lighthouse, two minutes", enhance=True)
    assert [(each.code, each.field) for each in far.notices] == [("PROMPT_NOT_HONOURED", "parameters.duration")]
    assert far.violations == []


async def test_a_language_model_rewrites_it_once_for_all_clips(opened: Opened) -> None:
    workshop = await opened(llm={})
    view = await workshop.ended(await workshop.order(GEN45, variations=3, **ENHANCED))
    assert (view.job.state, view.job.final_prompt.startswith("MOCK")) == (JobState.SUCCEEDED, True)
    assert await _sent(workshop) == [view.job.final_prompt] * 3
    assert len(await workshop.llm_posts()) == 1
    line = view.job.quote["lines"][-1]
    assert (line["stage"], line["model"]) == ("prompt", "mock-writer")
    assert line["expected"] < line["held_max"]
    assert view.job.quote["held_max"] == sum(each["held_max"] for each in view.job.quote["lines"])
    assert view.cost.micros == await workshop.vendor_bill()
    assert view.cost.micros == sum(clip.cost.micros for clip in view.clips) + await workshop.llm_bill()
    assert (view.held.micros, view.cost_unknown) == (0, False)
    stages = [event.body.get("clip_stage") for event in await workshop.events(view.job.id)]
    assert "ENHANCING" in stages
    await _check_books(workshop)


async def test_each_candidate_gets_the_words_of_its_own_model(opened: Opened) -> None:
    workshop = await opened(llm={})
    await workshop.script("runway", "http-400")
    long = "a lighthouse " + "on a very rocky coast " * 70
    fallbacks = ("replicate/minimax-video-01",)
    view = await workshop.ended(await workshop.order(GEN45, prompt=long[:900], enhance=True, fallbacks=fallbacks))
    first, second = view.clips[0].clip.candidates
    for candidate in (first, second):
        row = CATALOGUE.rows[candidate.model]
        assert len(candidate.spec["prompt"]) <= row.prompt_limit
        assert candidate.spec["prompt"].startswith("MOCK")
    assert view.clips[0].clip.model == second.model
    assert await _sent(workshop) == [second.spec["prompt"]]
    await _check_books(workshop)


@pytest.mark.parametrize("fault", ["llm-refusal", "timeout-after-accept", "http-401"])
async def test_the_prompt_is_used_as_it_was_given_when_it_fails(opened: Opened, fault: str) -> None:
    workshop = await opened(llm={"timeout": 2.0})
    await workshop.script("llm", fault)
    view = await workshop.ended(await workshop.order(GEN45, variations=2, **ENHANCED))
    assert view.job.state is JobState.SUCCEEDED
    assert await _sent(workshop) == [TEXT] * 2
    assert (view.job.prompt, view.job.final_prompt) == (TEXT, TEXT)
    assert "ENHANCE_FAILED" in _codes(view)
    assert view.cost_unknown is (fault == "timeout-after-accept")
    assert [event.kind for event in await workshop.events(view.job.id)].count(EventKind.ENHANCED) == 1
    await _check_books(workshop)


async def test_a_cancelled_job_buys_nothing_and_pays_for_the_one_call(opened: Opened) -> None:
    workshop = await opened(llm={}, tenant_clips=2)
    await workshop.script("llm", "slow-reply", options={"seconds": 0.5})
    job_id = await workshop.order(GEN45, variations=3, **ENHANCED)
    await workshop.until(job_id, lambda view: any(clip.clip.state is ClipState.RUNNING for clip in view.clips))
    await workshop.jobs.cancel(job_id, "acme")
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.CANCELLED
    assert await _sent(workshop) == []
    assert view.cost.micros == await workshop.llm_bill()
    assert view.cost.micros > 0
    await _check_books(workshop)


async def test_a_job_that_is_cancelled_before_its_turn_holds_nothing(opened: Opened) -> None:
    workshop = await opened(llm={}, tenant_clips=1)
    await workshop.script("llm", "slow-reply", options={"seconds": 0.5})
    first = await workshop.order(GEN45, **ENHANCED)
    await workshop.heard(first, EventKind.STARTED)
    waiting = await workshop.order(GEN45, **ENHANCED)
    await workshop.jobs.cancel(waiting, "acme")
    view = await workshop.ended(waiting)
    assert (view.job.state, view.held.micros, view.cost.micros) == (JobState.CANCELLED, 0, 0)
    await workshop.ended(first)
    assert len(await workshop.llm_posts()) == 1
    await _check_books(workshop)


async def test_what_a_dead_process_asked_is_unknown_and_the_clips_go_on(opened: Opened) -> None:
    workshop = await opened(llm={})
    await workshop.script("llm", "timeout-after-accept")
    job_id = await workshop.order(GEN45, variations=2, **ENHANCED)
    await workshop.eventually(workshop.llm_bill)
    await workshop.close(drain=False)
    assert await _states_at_rest(workshop) == [CallState.INTENDED]
    await workshop.open()
    view = await workshop.ended(job_id)
    assert (view.job.state, view.cost_unknown) == (JobState.SUCCEEDED, True)
    assert await _sent(workshop) == [TEXT] * 2
    assert "ENHANCE_FAILED" in _codes(view)
    assert await _call_states(workshop) == [CallState.UNKNOWN]
    assert len(await workshop.llm_posts()) == 1
    await _check_books(workshop)


async def _states_at_rest(workshop: "Workshop") -> list[CallState]:
    await workshop.open()
    try:
        return await _call_states(workshop)
    finally:
        await workshop.close()


async def test_the_limit_and_the_budget_count_the_language_model(opened: Opened) -> None:
    workshop = await opened(llm={}, live=True, webhooks=True)
    plan = await workshop.plan(CALLS_BACK, **LIVE)
    clips = sum(line.held_max.micros for line in plan.lines if line.stage == "video")
    assert plan.currency == USD
    tight = await workshop.plan(CALLS_BACK, **LIVE, max_cost=Money(currency=USD, micros=clips))
    refusal = funds.over_cost(tight)
    assert refusal is not None
    assert refusal.reason is Reason.COST_LIMIT_EXCEEDED
    now = workshop.jobs.context.now()
    await workshop.database.write(lambda c: budgets.put(c, "acme", Period.TOTAL, clips, now))
    with pytest.raises(Precondition) as refused:
        await workshop.order(CALLS_BACK, **LIVE)
    assert refused.value.reason is Reason.BUDGET_EXCEEDED
    await workshop.database.write(lambda c: budgets.put(c, "acme", Period.TOTAL, plan.held_max.micros, now))
    view = await workshop.ended(await workshop.order(CALLS_BACK, **LIVE))
    assert view.cost.micros == await workshop.vendor_bill()
    await _check_books(workshop)


async def test_a_limit_is_refused_where_no_price_is_known(opened: Opened) -> None:
    workshop = await opened(llm={"input_price": None, "output_price": None})
    plan = await workshop.plan(GEN45, **ENHANCED, max_cost=Money(currency=MOCK_CURRENCY, micros=10**9))
    refusal = funds.over_cost(plan)
    assert refusal is not None
    assert "no prices" in refusal.message
    view = await workshop.ended(await workshop.order(GEN45, **ENHANCED))
    assert (view.job.final_prompt.startswith("MOCK"), view.cost_unknown) == (True, True)
    await _check_books(workshop)


async def test_an_emulated_language_model_does_not_write_for_real_clips(opened: Opened) -> None:
    workshop = await opened(llm={"mock": True}, live=True)
    plan = await workshop.plan(GEN45, **ENHANCED)
    assert "LLM_NOT_USED" in [notice.code for notice in plan.notices]
    assert plan.rewriting is not None
    assert plan.rewriting.llm_model == ""


async def test_a_job_is_made_from_a_prompt_of_its_tenant(opened: Opened) -> None:
    workshop = await opened(llm={})
    order = PromptOrder(tenant="acme", creative_id="spring", target=target(CATALOGUE.rows[GEN45], ModeName.TEXT))
    key = RequestKey(tenant="acme", rpc="QuantifyPrompt", request_id="", hash="")
    made = await workshop.jobs.prompting.quantify(order, TEXT, key)
    plan = await workshop.plan(GEN45, prompt="", prompt_id=made.id)
    assert (plan.spec.prompt, plan.spec.duration, plan.spec.aspect_ratio) == (made.draft.prompt, 8.0, "9:16")
    typed = await workshop.plan(GEN45, prompt="", prompt_id=made.id, duration=2.0)
    assert (typed.spec.duration, typed.spec.aspect_ratio) == (2.0, "9:16")
    for tenant, prompt_id in (("other", made.id), ("acme", "prompt_01J00000000000000000000000")):
        with pytest.raises(NotFound):
            await workshop.plan(GEN45, prompt="a text", prompt_id=prompt_id, tenant=tenant)
    both = await workshop.ended(await workshop.order(GEN45, prompt="", prompt_id=made.id, enhance=True))
    child = await workshop.database.read(lambda c: _prompt(c, str(both.job.prompt_id)))
    assert (child.parent_id, child.iteration, child.source) == (made.id, 2, str(Source.LLM))
    await _check_books(workshop)


def _prompt(connection: sa.Connection, prompt_id: str) -> Any:
    return connection.execute(sa.select(tables.prompts).where(tables.prompts.c.id == prompt_id)).one()


async def test_another_clip_closes_what_is_overdue(opened: Opened) -> None:
    """The clip that asked is gone for good: as when its process froze, and its run is nobody's yet."""
    workshop = await opened(llm={}, tenant_clips=1)
    await workshop.script("llm", "timeout-after-accept")
    job_id = await workshop.order(GEN45, variations=2, **ENHANCED)
    await workshop.eventually(workshop.llm_bill)
    workshop.pass_time(120.0)
    await workshop.jobs.enhancing.close_lost()
    assert await _call_states(workshop) == [CallState.UNKNOWN]
    workshop.tenant_clips = 2
    await workshop.close(drain=False)
    await workshop.open()
    view = await workshop.ended(job_id)
    assert await _sent(workshop) == [TEXT] * 2
    assert view.job.state is JobState.SUCCEEDED
    await _check_books(workshop)


async def test_many_jobs_at_once_each_ask_once(opened: Opened) -> None:
    workshop = await opened(llm={})
    orders = (workshop.order(GEN45, variations=2, prompt=f"a kite, number {n}", enhance=True) for n in range(5))
    views = await workshop.all_ended(await asyncio.gather(*orders))
    assert {view.job.state for view in views} == {JobState.SUCCEEDED}
    assert len(await workshop.llm_posts()) == 5
    assert sum(view.cost.micros for view in views) == await workshop.vendor_bill()
    await _check_books(workshop)
