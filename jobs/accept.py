"""Accept plans: job, clips, iterations, holds, first event and engine enqueue in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace

import sqlalchemy as sa

from core.crashpoints import crashpoint, declare
from core.errors import Conflict, InvalidRequest, Precondition, Reason, Unavailable
from core.identifiers import new_id
from core.money import USD, Money
from core.outcome import Json
from core.spec import MediaInput
from jobs import assets, funds, outbox, requests, tables, tenants
from jobs.context import Context
from jobs.drafts import PromptKind, PromptState, rewritten_json
from jobs.engine import USUAL_PLACE
from jobs.events import EventKind, ProgressStage
from jobs.journal import STAGE
from jobs.orders import ClipView, JobView, Offer, Plan, Priority, Rewriting
from jobs.records import ClipState, Enhancement, JobState, clip_of, job_of, notice_json, spec_json
from jobs.requests import RequestKey
from ledger import ledger
from prompts.words import Rewritten, Source

declare("before-accept", "after-accept")
_PLACES = {Priority.HIGH: 10, Priority.NORMAL: USUAL_PLACE, Priority.LOW: 90}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Use:
    """An asset that a job is accepted with, and the field that names it."""

    tenant: str
    asset_id: str
    job_id: str
    field: str


@dataclass(slots=True)
class _Acceptance:
    """Everything one accept inserts, gathered before the transaction begins."""

    key: RequestKey
    plans: Sequence[Plan]
    now: datetime
    jobs: list[dict[str, Json]] = field(default_factory=list)
    clips: list[dict[str, Json]] = field(default_factory=list)
    inputs: list[dict[str, Json]] = field(default_factory=list)
    uses: list[_Use] = field(default_factory=list)
    prompts: list[dict[str, Json]] = field(default_factory=list)
    holds: list[tuple[ledger.Account, Money]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    """Of each job in its tenant's queue."""

    @property
    def job_ids(self) -> list[str]:
        return [row["id"] for row in self.jobs]

    @property
    def wish(self) -> tuple[str, int]:
        """The tenant, and the micros of USD that are to be held."""
        return self.key.tenant, sum(money.micros for _, money in self.holds if money.currency == USD)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an accept brought. `new` is empty for a repeated request."""

    job_ids: list[str]
    new: list[JobView]


@dataclass(frozen=True, slots=True)
class Accepting:
    """Takes plans. Instances are equal by context, so that concurrent accepts share one transaction."""

    context: Context

    async def __call__(self, plans: Sequence[Plan], key: RequestKey) -> Accepted:
        """The new jobs, or the ids of the first ones when this request was accepted before."""
        if self.context.draining.is_set():
            raise Unavailable(reason=Reason.SHUTTING_DOWN, message="the server is shutting down", retry_after=1.0)
        acceptance = _Acceptance(key=key, plans=plans, now=self.context.now())
        for plan in plans:
            _gather(acceptance, plan)
        crashpoint("before-accept")
        job_ids: list[str] = await self.context.database.write_bulk(self._accept_all, acceptance)
        crashpoint("after-accept")
        return Accepted(job_ids, _views(acceptance) if job_ids == acceptance.job_ids else [])

    def _accept_all(
        self, connection: sa.Connection, acceptances: Sequence[_Acceptance]
    ) -> list[list[str] | Conflict | InvalidRequest | Precondition]:
        """Many at once: a repeated request gets the first one's jobs, also within the same transaction.

        So does a budget count what was accepted before in the same transaction.
        """
        known = requests.known(connection, [acceptance.key for acceptance in acceptances])
        there = assets.living(connection, {(use.tenant, use.asset_id) for each in acceptances for use in each.uses})
        new: list[_Acceptance] = []
        answers: list[list[str] | Conflict | InvalidRequest | Precondition] = []
        now = max(each.now for each in acceptances)
        gate = funds.Gate(connection, [each.wish for each in acceptances], now)
        for acceptance in acceptances:
            earlier = known.get(acceptance.key.identity) if acceptance.key.request_id else None
            gone = [use.field for use in acceptance.uses if (use.tenant, use.asset_id) not in there]
            if earlier is None and gone:
                answers.append(InvalidRequest.of([assets.gone(name) for name in gone]))
            elif earlier is None and (refusal := _over_cost(acceptance) or gate.refusal(*acceptance.wish)):
                answers.append(refusal)
            elif earlier is None:
                new.append(acceptance)
                known[acceptance.key.identity] = (acceptance.key.hash, acceptance.job_ids)
                answers.append(acceptance.job_ids)
            else:
                answers.append(requests.answer(acceptance.key, earlier))
        elsewhere = requests.claim(connection, {each.key: each.job_ids for each in new if each.key.request_id}, now)
        mine = [acceptance for acceptance in new if acceptance.key.identity not in elsewhere]
        if mine:
            for name in gate.newcomers([acceptance.key.tenant for acceptance in mine]):
                tenants.insert(connection, name, mine[0].now)
            _insert(self.context, connection, mine)
        return [
            requests.answer(each.key, elsewhere[each.key.identity]) if each.key.identity in elsewhere else answer
            for each, answer in zip(acceptances, answers, strict=True)
        ]


async def repeated(context: Context, key: RequestKey) -> list[str] | None:
    """The job ids of an earlier, equal request. Raises Conflict when it was a different one."""
    if not key.request_id:
        return None
    known = await context.database.read(lambda connection: requests.known(connection, [key]))
    earlier = known.get(key.identity)
    if earlier is None:
        return None
    answer = requests.answer(key, earlier)
    if isinstance(answer, Conflict):
        raise answer
    return answer


def _over_cost(acceptance: _Acceptance) -> Precondition | None:
    """Why `max_cost` forbids it. Asked of new requests only: a repeated one was taken at the prices of its day."""
    return next(filter(None, map(funds.over_cost, acceptance.plans)), None)


def _insert(context: Context, connection: sa.Connection, new: Sequence[_Acceptance]) -> None:
    _number(connection, new)
    tenants = {row["id"]: row["tenant"] for acceptance in new for row in acceptance.jobs}
    places = {name: place for acceptance in new for name, place in acceptance.places.items()}
    clips = [row for acceptance in new for row in acceptance.clips]
    for table, rows in (
        (tables.jobs, [row for acceptance in new for row in acceptance.jobs]),
        (tables.clips, clips),
        (tables.prompts, _descended(connection, [row for acceptance in new for row in acceptance.prompts])),
        (tables.inputs, [row for acceptance in new for row in acceptance.inputs]),
        (tables.asset_uses, [_used(use) for acceptance in new for use in acceptance.uses]),
        (tables.events, [_first_event(row) for acceptance in new for row in acceptance.jobs]),
    ):
        if rows:
            connection.execute(sa.insert(table), rows)
    outbox.announce_accepted(connection, [row for acceptance in new for row in acceptance.jobs], new[0].now)
    ledger.holds(connection, [hold for acceptance in new for hold in acceptance.holds], new[0].now)
    for clip in clips:
        tenant, place = tenants[clip["job_id"]], places[clip["job_id"]]
        context.engine.enqueue(connection, clip_id=clip["id"], run=1, tenant=tenant, place=place)


def _descended(connection: sa.Connection, rows: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """The same, counted from the prompts they were made from."""
    prompts, parents = tables.prompts, {row["parent_id"] for row in rows if row["parent_id"]}
    if parents:
        query = sa.select(prompts.c.id, prompts.c.iteration).where(prompts.c.id.in_(parents))
        known = {row.id: row.iteration for row in connection.execute(query)}
        for row in rows:
            row["iteration"] = known.get(row["parent_id"], 0) + 1
    return rows


def _used(use: _Use) -> dict[str, Json]:
    return {"asset_id": use.asset_id, "job_id": use.job_id}


_JOB_AT_FIRST = {"start_time": None, "end_time": None, "failure": None}
_CLIP_AT_FIRST = {"start_time": None, "end_time": None, "failure": None, "facts": None}


def _views(acceptance: _Acceptance) -> list[JobView]:
    """The jobs as they are right after the commit, without reading them back."""
    views = []
    for row, plan in zip(acceptance.jobs, acceptance.plans, strict=True):
        nothing = Money(currency=plan.currency, micros=0)
        clips = [
            clip_of(SimpleNamespace(**_CLIP_AT_FIRST | clip))
            for clip in acceptance.clips
            if clip["job_id"] == row["id"]
        ]
        views.append(
            JobView(
                job=job_of(SimpleNamespace(**_JOB_AT_FIRST | row)),
                clips=[ClipView(clip=clip, attempts=[], cost=nothing, cost_unknown=False) for clip in clips],
                videos=[],
                held=plan.held_max,
                cost=nothing,
                cost_unknown=False,
            )
        )
    return views


def _first_event(job: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "job_id": job["id"],
        "seq": 1,
        "time": job["create_time"],
        "kind": str(EventKind.ACCEPTED),
        "body": {"job_state": str(JobState.QUEUED)},
    }


def _number(connection: sa.Connection, new: Sequence[_Acceptance]) -> None:
    """Number the clips: up for ever per (tenant, creative), in variation order; locked in the order of their names."""
    by_creative: dict[tuple[str, str], list[dict[str, Json]]] = {}
    for acceptance in new:
        clips = iter(acceptance.clips)
        for plan in acceptance.plans:
            mine = by_creative.setdefault((plan.order.tenant, plan.order.creative_id), [])
            mine += [next(clips) for _ in plan.offers]
    for (tenant, creative_id), rows in sorted(by_creative.items(), key=lambda item: item[0]):
        last = _next_iteration(connection, tenant, creative_id, len(rows))
        for iteration, row in enumerate(rows, last - len(rows) + 1):
            row["iteration"] = iteration


_NEXT_ITERATION = sa.text(
    "INSERT INTO iteration (tenant, creative_id, last) VALUES (:tenant, :creative_id, :count) "
    "ON CONFLICT (tenant, creative_id) DO UPDATE SET last = iteration.last + :count RETURNING last"
)


def _next_iteration(connection: sa.Connection, tenant: str, creative_id: str, count: int) -> int:
    values = {"tenant": tenant, "creative_id": creative_id, "count": count}
    return int(connection.execute(_NEXT_ITERATION, values).scalar_one())


def _gather(acceptance: _Acceptance, plan: Plan) -> None:
    order, now = plan.order, acceptance.now
    job_id = new_id("job")
    acceptance.jobs.append(
        {
            "id": job_id,
            "kind": "VIDEO",
            "tenant": order.tenant,
            "creative_id": order.creative_id,
            "requested_model": order.model,
            "model": plan.model,
            "model_reason": plan.model_reason,
            "mock": plan.mock,
            "state": str(JobState.QUEUED),
            "stage": str(ProgressStage.QUEUED),
            "create_time": now,
            "expected_end_time": now + timedelta(seconds=plan.expected_seconds),
            "prompt": order.wish.prompt,
            "prompt_id": order.prompt_id or None,
            "enhancement": str(Enhancement.NONE),
            "final_prompt": "",
            "parameters": _parameters(plan),
            "quote": quote_json(plan),
            "notices": [notice_json(notice) for notice in plan.notices],
            "labels": dict(order.labels),
            "webhook": dict(order.webhook),
            "request_id": acceptance.key.request_id,
            "cancel_requested": False,
            "progress": 0.0,
            "last_event": 1,
        }
    )
    if plan.rewriting is not None:
        _gather_prompt(acceptance, plan, plan.rewriting)
    acceptance.places[job_id] = _PLACES[order.priority]
    inputs = _inputs(acceptance, job_id, plan)
    part = f"requests[{len(acceptance.jobs) - 1}]." if len(acceptance.plans) > 1 else ""
    acceptance.uses += [
        _Use(tenant=order.tenant, asset_id=asset_id, job_id=job_id, field=part + name)
        for asset_id, name in assets.uses(order.wish).items()
    ]
    for position, offers in enumerate(plan.offers):
        _gather_clip(acceptance, plan, job_id, position, offers, inputs)


def _gather_prompt(acceptance: _Acceptance, plan: Plan, rewriting: Rewriting) -> None:
    """The prompt that the newest job's first step makes, with a hold of its own where a language model is asked."""
    order, job, prompt_id = plan.order, acceptance.jobs[-1], new_id("prompt")
    acceptance.prompts.append(
        {
            "id": prompt_id,
            "tenant": order.tenant,
            "creative_id": order.creative_id,
            "kind": str(PromptKind.ENHANCE),
            "state": str(PromptState.OPEN),
            "input": order.wish.prompt,
            "asked": {"style": rewriting.style, "negative_prompt": order.wish.negative_prompt},
            "model": plan.model,
            "parent_id": job["prompt_id"],
            "job_id": job["id"],
            "feedback": "",
            "iteration": 1,
            "source": str(Source.RULES),
            "result": rewritten_json(Rewritten(draft=rewriting.draft)),
            "notices": [],
            "llm_model": rewriting.llm_model,
            "mock": rewriting.mock,
            "currency": plan.currency if rewriting.llm_model else "",
            "owner": "",
            "create_time": acceptance.now,
            "deadline": None,
            "end_time": None,
        }
    )
    job |= {"prompt_id": prompt_id, "enhancement": str(Enhancement.DUE)}
    if rewriting.held is not None:
        account = ledger.Account(
            tenant=order.tenant,
            creative_id=order.creative_id,
            job_id=job["id"],
            clip_id=prompt_id,
            model=rewriting.llm_model,
            stage=STAGE,
        )
        acceptance.holds.append((account, rewriting.held))


def _gather_clip(
    acceptance: _Acceptance, plan: Plan, job_id: str, position: int, offers: Sequence[Offer], inputs: Mapping[int, str]
) -> None:
    clip_id = new_id("clip")
    order = plan.order
    acceptance.clips.append(
        {
            "id": clip_id,
            "job_id": job_id,
            "position": position,
            "state": str(ClipState.QUEUED),
            "stage": str(ProgressStage.QUEUED),
            "model": plan.model,
            "notices": [],
            "candidates": [_candidate(offer, inputs) for offer in offers],
            "target_duration": plan.target_duration,
            "run": 1,
            "progress": 0.0,
        }
    )
    account = ledger.Account(
        tenant=order.tenant, creative_id=order.creative_id, job_id=job_id, clip_id=clip_id, model=plan.model
    )
    acceptance.holds.append((account, plan.lines[position].held_max))


def _candidate(offer: Offer, inputs: Mapping[int, str]) -> dict[str, Json]:
    return {
        "model": offer.model,
        "spec": spec_json(offer.spec, inputs),
        "quote_micros": offer.quote.expected.micros,
        "held_micros": offer.quote.held_max.micros,
        "basis": offer.quote.basis,
        "notices": [notice_json(notice) for notice in offer.notices],
    }


def _inputs(acceptance: _Acceptance, job_id: str, plan: Plan) -> dict[int, str]:
    """Inline media, stored once per job: Python object id -> `input` row id."""
    wish = plan.order.wish
    media = [wish.first_frame, wish.last_frame, wish.source_video, *wish.references]
    ids: dict[int, str] = {}
    for number, item in enumerate(media):
        if item is not None and item.data:
            ids[id(item)] = f"{job_id}/{number}"
            acceptance.inputs.append(_input(ids[id(item)], job_id, item))
    return ids


def _input(name: str, job_id: str, item: MediaInput) -> dict[str, Json]:
    return {"id": name, "job_id": job_id, "mime_type": item.mime_type, "data": item.data}


_PARAMETERS = ("duration", "aspect_ratio", "resolution", "fps", "seed", "negative_prompt", "motion", "audio")


def _parameters(plan: Plan) -> dict[str, Json]:
    values = {name: getattr(plan.spec, name) for name in _PARAMETERS}
    values |= {"style": plan.style, "quality": plan.order.wish.quality}
    return {name: value for name, value in values.items() if value is not None}


def quote_json(plan: Plan) -> dict[str, Json]:
    """A plan's quote as it is kept on the job."""
    return {
        "currency": plan.currency,
        "expected": plan.expected.micros,
        "held_max": plan.held_max.micros,
        "max_cost": None if plan.order.max_cost is None else plan.order.max_cost.micros,
        "catalogue_revision": plan.catalogue_revision,
        "lines": [
            {
                "clip_index": line.clip_index,
                "model": line.model,
                "expected": line.expected.micros,
                "held_max": line.held_max.micros,
                "basis": line.basis,
                "stage": line.stage,
            }
            for line in plan.lines
        ],
    }
