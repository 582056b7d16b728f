"""Erasing a tenant: what it made, gave and wrote goes; what it spent stays, and so does its name.

The tenant's row is DELETING until nothing is left, so a process that dies in between leaves the rest to the next one.
Every step looks at what is there and may be done twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from core.crashpoints import crashpoint, declare
from core.errors import Precondition, Reason
from core.outcome import Json
from jobs import cancel as cancelling
from jobs import signing, tables, tenants
from jobs.assets import Assets
from jobs.context import Context
from jobs.drafts import PromptKind, PromptState, brief_json, rewritten_json, script_json
from jobs.events import EventKind
from jobs.tenants import Tenant, TenantState
from prompts.words import Brief, Draft, Rewritten, Script

declare("before-erase-objects", "after-erase-objects", "before-erase-rows", "after-erase-rows", "before-erase-end")
_AT_ONCE = 50
_OBJECTS = 500
_PARAMETER_TEXTS = frozenset({"negative_prompt"})
_SPEC_TEXTS: Mapping[str, Json] = {
    "prompt": "",
    "negative_prompt": None,
    "first_frame": None,
    "last_frame": None,
    "source_video": None,
    "references": [],
    "vendor_options": {},
}
_NO_DRAFT = rewritten_json(Rewritten(draft=Draft(prompt="")))
_NO_SCRIPT = script_json(Script(scenes=(), style="", aspect_ratio=""))
_NO_BRIEF = brief_json(Brief(product_name="", style="", cta_text=""))
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Erasure:
    """Erases tenants."""

    context: Context
    assets: Assets

    async def begin(self, name: str, *, force: bool) -> Tenant:
        """Take no more work from a tenant, and let `sweep` erase it; the tenant as it is then.

        Idempotent. Raises NotFound, and Precondition while jobs have not ended, unless `force`: that cancels them.
        """
        now = self.context.now()
        tenant = await self.context.database.write(lambda connection: _begin(connection, name, force, now))
        if tenant.state is TenantState.DELETING:
            await self._cancel(name)
        return tenant

    async def sweep(self) -> None:
        """One pass over every tenant that is being erased."""
        query = sa.select(tables.tenants.c.name).where(tables.tenants.c.state == str(TenantState.DELETING))
        names = await self.context.database.read(lambda connection: connection.execute(query).scalars().all())
        for name in names:
            try:
                await self._pass(name)
            except OSError as error:
                _log.warning("a tenant could not be erased yet and is tried again", tenant=name, error=str(error))

    async def _pass(self, name: str) -> None:
        unfinished = await self._cancel(name)
        crashpoint("before-erase-objects")
        while await self._videos(name):
            pass
        await self._assets(name)
        crashpoint("after-erase-objects")
        write = self.context.database.write
        crashpoint("before-erase-rows")
        await write(lambda connection: _webhooks(connection, name))
        for erase in (_jobs, _prompts):
            while await write(partial(erase, name=name)):
                pass
        crashpoint("after-erase-rows")
        if unfinished or await self.context.database.read(partial(_is_asked, name=name)):
            return
        await self._everything_stored(name)
        crashpoint("before-erase-end")
        now = self.context.now()
        await write(lambda connection: _end(connection, name, now))
        _log.info("a tenant was erased", tenant=name)

    async def _cancel(self, name: str) -> int:
        """Ask what has not ended to stop; returns how many jobs have not."""
        jobs = tables.jobs
        query = sa.select(jobs.c.id, jobs.c.cancel_requested).where(jobs.c.tenant == name, jobs.c.end_time.is_(None))
        rows = await self.context.database.read(lambda connection: connection.execute(query).all())
        for row in rows:
            if not row.cancel_requested:
                try:
                    await cancelling.cancel(self.context, row.id)
                except Precondition:  # it has ended since it was looked at
                    continue
        return len(rows)

    async def _videos(self, name: str) -> bool:
        """Objects first, then the mark on the row: a crash in between removes what is gone already."""
        videos = tables.videos
        query = sa.select(videos.c.id, videos.c.key, videos.c.thumbnail_key)
        query = query.where(videos.c.tenant == name, videos.c.delete_time.is_(None)).limit(_AT_ONCE)
        rows = await self.context.database.read(lambda connection: connection.execute(query).all())
        if not rows:
            return False
        await self.context.store.delete([key for row in rows for key in (row.key, row.thumbnail_key) if key])
        update = sa.update(videos).where(videos.c.id.in_([row.id for row in rows]))
        update = update.values(delete_time=self.context.now(), labels={})
        await self.context.database.write(lambda connection: connection.execute(update).rowcount)
        return True

    async def _assets(self, name: str) -> None:
        """Those that an unfinished job uses stay until it has ended."""
        assets = tables.assets
        doom = sa.update(assets).where(assets.c.tenant == name, assets.c.delete_time.is_(None))
        doom = doom.values(delete_time=self.context.now())
        await self.context.database.write(lambda connection: connection.execute(doom).rowcount)
        while await self.assets.tidy():
            pass
        await self.context.database.write(lambda connection: _asset_rows(connection, name))

    async def _everything_stored(self, name: str) -> None:
        """Whatever lies under the tenant's part of the store, known to a row or not."""
        prefix = f"{self.context.prefix}/{name}/"
        while found := await self.context.store.list(prefix, limit=_OBJECTS):
            await self.context.store.delete([each.key for each in found])


def _begin(connection: sa.Connection, name: str, force: bool, now: datetime) -> Tenant:
    tenant = tenants.get(connection, name)
    if tenant.state in tenants.ENDING:
        return tenant
    jobs = tables.jobs
    count = sa.select(sa.func.count()).where(jobs.c.tenant == name, jobs.c.end_time.is_(None))
    unfinished = connection.execute(count).scalar_one()
    if unfinished and not force:
        raise Precondition(
            reason=Reason.TENANT_BUSY,
            message=f"{unfinished} jobs of tenant {name} have not ended: wait for them, cancel them, or set `force`",
            metadata={"tenant": name, "unfinished_jobs": str(unfinished)},
        )
    update = sa.update(tables.tenants).where(tables.tenants.c.name == name)
    connection.execute(update.values(state=str(TenantState.DELETING), update_time=now))
    return tenants.get(connection, name)


def _end(connection: sa.Connection, name: str, now: datetime) -> None:
    values = {"state": str(TenantState.DELETED), "display_name": "", "delete_time": now, "update_time": now}
    connection.execute(sa.update(tables.tenants).where(tables.tenants.c.name == name).values(**values))


def _asset_rows(connection: sa.Connection, name: str) -> None:
    assets, used, jobs = tables.assets, tables.asset_uses, tables.jobs
    gone = sa.select(assets.c.id).where(assets.c.tenant == name, assets.c.key.is_(None))
    ended = sa.select(jobs.c.id).where(jobs.c.tenant == name, jobs.c.end_time.is_not(None))
    connection.execute(sa.delete(used).where(used.c.asset_id.in_(gone), used.c.job_id.in_(ended)))
    still = sa.select(used.c.asset_id).where(used.c.asset_id == assets.c.id).exists()
    connection.execute(sa.delete(assets).where(assets.c.tenant == name, assets.c.key.is_(None), ~still))


def _webhooks(connection: sa.Connection, name: str) -> None:
    """Endpoints and their secrets, what was sent and what waits, and the request ids."""
    endpoints, deliveries, tries = tables.webhook_endpoints, tables.deliveries, tables.delivery_attempts
    ids = list(connection.execute(sa.select(endpoints.c.id).where(endpoints.c.tenant == name)).scalars())
    owners = [*ids, signing.tenants_own(name)]
    connection.execute(sa.delete(tables.webhook_secrets).where(tables.webhook_secrets.c.owner.in_(owners)))
    connection.execute(sa.delete(endpoints).where(endpoints.c.tenant == name))
    theirs = sa.select(deliveries.c.id).where(deliveries.c.tenant == name)
    connection.execute(sa.delete(tries).where(tries.c.delivery_id.in_(theirs)))
    connection.execute(sa.delete(deliveries).where(deliveries.c.tenant == name))
    connection.execute(sa.delete(tables.requests).where(tables.requests.c.tenant == name))


def _jobs(connection: sa.Connection, name: str) -> int:
    """Take what people wrote out of some ended jobs; a job without a prompt is done. Returns how many they were."""
    jobs = tables.jobs
    query = sa.select(jobs.c.id, jobs.c.parameters, jobs.c.failure, jobs.c.state)
    query = query.where(jobs.c.tenant == name, jobs.c.end_time.is_not(None), jobs.c.prompt != "")
    rows = connection.execute(query.order_by(jobs.c.id).limit(_AT_ONCE)).all()
    for row in rows:
        _clips(connection, row.id)
        _events(connection, row.id, row.state)
        connection.execute(sa.delete(tables.inputs).where(tables.inputs.c.job_id == row.id))
        connection.execute(sa.delete(tables.asset_uses).where(tables.asset_uses.c.job_id == row.id))
        values: dict[str, Any] = {
            "prompt": "",
            "final_prompt": "",
            "parameters": {key: value for key, value in row.parameters.items() if key not in _PARAMETER_TEXTS},
            "notices": [],
            "labels": {},
            "webhook": {},
            "request_id": "",
            "failure": _plain(row.failure),
        }
        connection.execute(sa.update(jobs).where(jobs.c.id == row.id).values(**values))
    return len(rows)


def _prompts(connection: sa.Connection, name: str) -> int:
    """Take what people and language models wrote out of some ended prompts; one without an input is done."""
    prompts = tables.prompts
    mine = (prompts.c.tenant == name, prompts.c.state == str(PromptState.ENDED), prompts.c.input != "")
    rows = connection.execute(sa.select(prompts.c.id, prompts.c.kind).where(*mine).limit(_AT_ONCE)).all()
    for row in rows:
        script = PromptKind(row.kind) is PromptKind.SCRIPT
        values = {"input": "", "asked": _NO_BRIEF if script else {}, "feedback": "", "notices": []}
        values["result"] = _NO_SCRIPT if script else _NO_DRAFT
        connection.execute(sa.update(prompts).where(prompts.c.id == row.id).values(**values))
    return len(rows)


def _is_asked(connection: sa.Connection, name: str) -> bool:
    """Whether a language model is still being asked for the tenant."""
    prompts = tables.prompts
    query = sa.select(prompts.c.id).where(prompts.c.tenant == name, prompts.c.state == str(PromptState.OPEN))
    return connection.execute(query.limit(1)).scalar() is not None


def _clips(connection: sa.Connection, job_id: str) -> None:
    clips = tables.clips
    query = sa.select(clips.c.id, clips.c.candidates, clips.c.failure).where(clips.c.job_id == job_id)
    for row in connection.execute(query).all():
        candidates = [each | {"spec": {**each["spec"], **_SPEC_TEXTS}, "notices": []} for each in row.candidates]
        values = {"candidates": candidates, "notices": [], "failure": _plain(row.failure)}
        connection.execute(sa.update(clips).where(clips.c.id == row.id).values(**values))
        _attempts(connection, row.id)


def _attempts(connection: sa.Connection, clip_id: str) -> None:
    attempts = tables.attempts
    query = sa.select(attempts.c.id, attempts.c.failure).where(attempts.c.clip_id == clip_id)
    for row in connection.execute(query).all():
        values = {"request": sa.JSON.NULL, "ticket": None, "result": None, "detail": "", "failure": _plain(row.failure)}
        connection.execute(sa.update(attempts).where(attempts.c.id == row.id).values(**values))


def _events(connection: sa.Connection, job_id: str, state: str) -> None:
    """The terminal event alone stays, with the state that it told."""
    events = tables.events
    connection.execute(sa.delete(events).where(events.c.job_id == job_id, events.c.kind != str(EventKind.ENDED)))
    connection.execute(sa.update(events).where(events.c.job_id == job_id).values(body={"job_state": state}))


def _plain(failure: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
    """A failure without the vendor's own words, which may quote the prompt."""
    return None if failure is None else {**failure, "vendor_code": ""}
