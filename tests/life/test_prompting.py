"""Prompts without a language model: the rules answer, everything is kept, and a repeated request is the same one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import Conflict, NotFound, Precondition
from core.money import USD, Money
from core.spec import ModeName
from jobs import tenants
from jobs.drafts import PromptKind
from jobs.prompting import PromptOrder
from jobs.requests import RequestKey
from jobs.targets import target
from jobs.tenants import TenantChange, TenantState
from prompts.words import Brief, Source
from providers.catalogue import CATALOGUE

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
ORDER = PromptOrder(tenant="acme", creative_id="spring", target=target(CATALOGUE.rows["runway/gen4.5"], ModeName.TEXT))
ONCE = RequestKey(tenant="acme", rpc="QuantifyPrompt", request_id="", hash="")
TEXT = "a lighthouse at dusk, vertical, 5 seconds"


async def test_a_text_is_read_by_rules_and_kept(opened: Opened) -> None:
    prompting = (await opened()).jobs.prompting
    view = await prompting.quantify(ORDER, TEXT, ONCE)
    assert (view.kind, view.source, view.iteration) == (PromptKind.QUANTIFY, Source.RULES, 1)
    assert (view.draft.duration, view.draft.aspect_ratio, view.model) == (5.0, "9:16", "runway/gen4.5")
    assert "lighthouse" in view.draft.prompt
    assert (view.spent.cost, view.llm_model, view.mock) == (None, "", False)
    previous = await prompting.previous("acme", prompt_id=view.id)
    assert (previous.draft, previous.model, previous.creative_id) == (view.draft, view.model, "spring")


async def test_feedback_makes_a_descendant_that_says_what_changed(opened: Opened) -> None:
    prompting = (await opened()).jobs.prompting
    first = await prompting.quantify(ORDER, "a lighthouse at dusk, 5 seconds", ONCE)
    previous = await prompting.previous("acme", prompt_id=first.id)
    second = await prompting.regenerate(ORDER, previous, "vertical, please", ONCE)
    assert (second.parent_id, second.iteration, second.feedback) == (first.id, 2, "vertical, please")
    assert second.draft.aspect_ratio == "9:16"
    assert [each.after for each in second.changes if each.field == "aspect_ratio"] == ["9:16"]
    assert all(each.why for each in second.changes)


async def test_a_job_is_a_start_too(opened: Opened) -> None:
    workshop = await opened()
    job_id = await workshop.order("runway/gen4.5", duration=5.0, aspect_ratio="16:9", prompt="a red kite")
    previous = await workshop.jobs.prompting.previous("acme", job_id=job_id)
    assert (previous.text, previous.model, previous.job_id) == ("a red kite", "runway/gen4.5", job_id)
    assert (previous.draft.duration, previous.draft.aspect_ratio) == (5.0, "16:9")
    view = await workshop.jobs.prompting.regenerate(ORDER, previous, "vertical", ONCE)
    assert (view.job_id, view.parent_id, view.iteration) == (job_id, "", 1)
    await workshop.jobs.cancel(job_id, "acme")


async def test_a_script_is_told_by_its_template(opened: Opened) -> None:
    prompting = (await opened()).jobs.prompting
    brief = Brief(product_name="Dune lamp", style="luxury", cta_text="See it glow", duration=18.0)
    view = await prompting.write_script(ORDER, brief, ONCE)
    assert (view.brief, view.source) == (brief, Source.RULES)
    assert view.script.duration == pytest.approx(18.0)
    with pytest.raises(NotFound):
        await prompting.previous("acme", prompt_id=view.id)


async def test_a_repeated_request_is_the_same_prompt(opened: Opened) -> None:
    prompting = (await opened()).jobs.prompting
    key = replace(ONCE, request_id="r1", hash="one")
    views = await asyncio.gather(*(prompting.quantify(ORDER, TEXT, key) for _ in range(5)))
    assert len({view.id for view in views}) == 1
    assert await prompting.quantify(ORDER, TEXT, key) == views[0]
    with pytest.raises(Conflict):
        await prompting.quantify(ORDER, "something else", replace(key, hash="two"))


async def test_what_is_not_the_tenants_is_not_found(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.jobs.prompting.quantify(ORDER, TEXT, ONCE)
    job_id = await workshop.order("runway/gen4.5", duration=2.0)
    told = []
    for given in ({"prompt_id": view.id}, {"prompt_id": "prompt_0"}, {"job_id": job_id}):
        with pytest.raises(NotFound) as refused:
            await workshop.jobs.prompting.previous("other", **given)
        told.append(refused.value.message)
    assert told == ["no such prompt", "no such prompt", "no such job"]
    await workshop.jobs.cancel(job_id, "acme")


async def test_a_limit_and_a_suspended_tenant(opened: Opened) -> None:
    workshop = await opened()
    limited = replace(ORDER, max_cost=Money(currency=USD, micros=1))
    assert (await workshop.jobs.prompting.quantify(limited, TEXT, ONCE)).source is Source.RULES
    change, now = TenantChange(state=TenantState.SUSPENDED), workshop.jobs.context.now()
    await workshop.database.write(lambda connection: tenants.update(connection, "acme", change, now))
    with pytest.raises(Precondition):
        await workshop.jobs.prompting.quantify(ORDER, TEXT, ONCE)
