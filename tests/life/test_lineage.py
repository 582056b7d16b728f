"""The history of a creative: job, feedback, better prompt, next job; what each step cost; how long it is kept."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.spec import ModeName
from jobs import tables
from jobs.drafts import PromptView
from jobs.prompting import PromptOrder
from jobs.records import ClipState
from jobs.requests import RequestKey
from jobs.targets import target
from jobs.tenants import TenantState
from prompts.words import Brief
from providers.catalogue import CATALOGUE

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
ORDER = PromptOrder(tenant="acme", creative_id="spring", target=target(CATALOGUE.rows[GEN45], ModeName.TEXT))
ONCE = RequestKey(tenant="acme", rpc="RegeneratePrompt", request_id="", hash="")
DAY = 86_400.0


async def _better(workshop: "Workshop", feedback: str, **start: str) -> PromptView:
    previous = await workshop.jobs.prompting.previous("acme", **start)
    return await workshop.jobs.prompting.regenerate(ORDER, previous, feedback, ONCE)


async def test_feedback_leads_from_job_to_job(opened: Opened) -> None:
    workshop = await opened(llm={})
    first = await workshop.ended(await workshop.order(GEN45, prompt="a lighthouse at dusk, 5 seconds", enhance=True))
    better = await _better(workshop, "warmer light, slower, vertical", job_id=first.job.id)
    second = await workshop.ended(await workshop.order(GEN45, prompt="", prompt_id=better.id, variations=2))
    unused = await _better(workshop, "darker", prompt_id=better.id)
    found = await workshop.jobs.lineage("acme", "spring")
    assert [each.iteration for each in found.iterations] == [3, 2, 1]
    assert {each.state for each in found.iterations} == {ClipState.SUCCEEDED}
    newest, oldest = found.iterations[0], found.iterations[-1]
    assert (newest.job_id, newest.prompt_id, newest.prompt_final) == (second.job.id, better.id, better.draft.prompt)
    assert newest.video_id in {video.id for video in second.videos}
    assert oldest.prompt_original == "a lighthouse at dusk, 5 seconds"
    assert oldest.prompt_final == first.job.final_prompt
    assert oldest.prompt_id == first.job.prompt_id
    assert [view.id for view in found.prompts] == [first.job.prompt_id, better.id, unused.id]
    assert [view.iteration for view in found.prompts] == [1, 2, 3]
    changed = {change.field for change in better.changes}
    assert {"prompt", "aspect_ratio"} <= changed
    assert sum(cost.cost.micros for cost in found.costs) == await workshop.vendor_bill()
    assert [(cost.stage, cost.unknown) for cost in found.costs] == [("prompt", False), ("video", False)]
    assert found.costs[0].cost.micros == await workshop.llm_bill()
    assert sum(each.cost.micros for each in found.iterations) == found.costs[1].cost.micros


async def test_a_page_has_its_own_prompts_and_everybody_their_own_history(opened: Opened) -> None:
    workshop = await opened()
    for number in range(3):
        order = replace(ORDER, creative_id="spring")
        made = await workshop.jobs.prompting.quantify(order, f"a kite, number {number}", ONCE)
        await workshop.ended(await workshop.order(GEN45, duration=2.0, prompt="", prompt_id=made.id))
    first = await workshop.jobs.lineage("acme", "spring", size=2)
    assert [each.iteration for each in first.iterations] == [3, 2]
    assert len(first.prompts) == 2
    last = await workshop.jobs.lineage("acme", "spring", size=2, before=2)
    assert [each.iteration for each in last.iterations] == [1]
    assert [view.id for view in last.prompts] == [last.iterations[0].prompt_id]
    for tenant, creative in (("other", "spring"), ("acme", "autumn")):
        nothing = await workshop.jobs.lineage(tenant, creative)
        assert (list(nothing.iterations), list(nothing.prompts), list(nothing.costs)) == ([], [], [])


async def _kept(workshop: "Workshop") -> set[str]:
    await workshop.jobs.retention.sweep()
    query = sa.select(tables.prompts.c.id)
    return set(await workshop.database.read(lambda connection: connection.execute(query).scalars().all()))


async def test_old_prompts_go_unless_a_job_descends_from_them(opened: Opened) -> None:
    workshop = await opened(llm={})
    quantify = workshop.jobs.prompting.quantify
    used = await quantify(ORDER, "a kite", ONCE)
    child = await _better(workshop, "slower", prompt_id=used.id)
    await workshop.ended(await workshop.order(GEN45, duration=2.0, prompt="", prompt_id=child.id))
    root = await quantify(ORDER, "a boat", ONCE)
    leaf = await _better(workshop, "slower", prompt_id=root.id)
    assert await _kept(workshop) == {used.id, child.id, root.id, leaf.id}
    cost = (await workshop.jobs.lineage("acme", "spring")).costs
    workshop.pass_time(6.9 * DAY)
    assert len(await _kept(workshop)) == 4
    workshop.pass_time(0.2 * DAY)
    assert await _kept(workshop) == {used.id, child.id}
    assert (await workshop.jobs.lineage("acme", "spring")).costs == cost
    assert (await workshop.verdict()).faults == ()


async def test_an_old_parent_that_was_kept_for_its_child_goes_with_it(opened: Opened) -> None:
    workshop = await opened()
    root = await workshop.jobs.prompting.quantify(ORDER, "a boat", ONCE)
    leaf = await _better(workshop, "slower", prompt_id=root.id)
    passed = sa.insert(tables.retention).values(kind="prompt", last_job=root.id)
    await workshop.database.write(lambda connection: connection.execute(passed).rowcount)
    assert await _kept(workshop) == {root.id, leaf.id}
    workshop.pass_time(8 * DAY)
    assert await _kept(workshop) == set()


async def test_a_deleted_tenants_words_are_gone_and_its_money_stays(opened: Opened) -> None:
    workshop = await opened(llm={})
    prompting = workshop.jobs.prompting
    await prompting.quantify(ORDER, "a secret kite", ONCE)
    brief = Brief(product_name="secret lamp", style="luxury", cta_text="secret", duration=18.0)
    await prompting.write_script(ORDER, brief, ONCE)
    job = await workshop.ended(await workshop.order(GEN45, prompt="a secret boat", enhance=True))
    await _better(workshop, "a secret word", job_id=job.job.id)
    booked = await workshop.booked("SETTLE")
    await workshop.jobs.erasure.begin("acme", force=False)
    await workshop.jobs.erasure.sweep()
    tenant = await workshop.jobs.accounts.tenant("acme")
    assert tenant.state is TenantState.DELETED

    def everything(connection: sa.Connection) -> str:
        names = (tables.prompts, tables.prompt_calls, tables.jobs, tables.clips, tables.events)
        return repr([connection.execute(sa.select(table)).all() for table in names])

    left = await workshop.database.read(everything)
    assert "secret" not in left
    assert "MOCK" not in left
    assert await workshop.booked("SETTLE") == booked
    assert (await workshop.verdict()).faults == ()
    assert [view.draft.prompt for view in (await workshop.jobs.lineage("acme", "spring")).prompts] == ["", "", ""]
