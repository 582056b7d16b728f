"""Plays every behaviour against one surface: a whole jobs room, its emulator, and as many jobs at once as there are."""

import asyncio
import contextlib
import importlib
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from PIL import Image
from starlette.routing import compile_path

from core.outcome import Reply, Request
from core.spec import MediaInput
from emulators.faults import Stage
from emulators.vendor import Vendor
from jobs.events import ProgressStage
from jobs.http import ReplyLost, VendorClient
from jobs.orders import JobView, Verdict, VerdictKind
from jobs.records import JobState
from providers.catalogue import CATALOGUE
from providers.model import MediaForm
from tests.conformance.surface import ALWAYS, Behaviour, Surface

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

PATIENCE = 60.0
_STUBBORN_FACTOR = 200
"""So slow are jobs that run on while we cancel them: none ends before its vendor has been asked to stop it."""
_STUBBORN_SECONDS = 200.0
"""So far the emulator's clock is then moved that all of them have ended; signatures bear less than five minutes."""
_STAGES = {
    "queued": (ProgressStage.VENDOR_QUEUED, ProgressStage.VENDOR_RUNNING),
    "running": (ProgressStage.VENDOR_RUNNING,),
    "collecting": (ProgressStage.COLLECTING,),
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of one behaviour, by our rows and by the emulator's."""

    state: str
    reason: str = ""
    stage: str = ""
    billed: str = ""
    posts: int = 0
    jobs: int = 0
    attempts: int = 0
    booked: int = 0
    """Micros in our ledger."""
    charged: int = 0
    """Micros by the emulator's own tables."""
    held: int = 0
    basis: str = ""
    clips: int = 0
    later: str = ""
    """What became of a parked clip once an operator had looked."""
    later_booked: int = 0
    later_charged: int = 0


class Counting(VendorClient):
    """Keeps the text of everything that left us, so that a clip's orders can be counted."""

    def __init__(self, client: VendorClient) -> None:
        self._client = client
        self._sent: list[str] = []

    async def send_once(self, request: Request, **options: Any) -> Reply:
        """As the client it stands before."""
        try:
            reply = await self._client.send_once(request, **options)
        except ReplyLost:
            self._sent.append(_text(request))
            raise
        self._sent.append(_text(request))
        return reply

    async def poll(self, request: Request, **options: Any) -> Reply:
        """As the client it stands before."""
        return await self._client.poll(request, **options)

    def count(self, words: Collection[str]) -> int:
        """How many requests held one of these words."""
        return sum(any(word in text for word in words) for text in self._sent)


def _text(request: Request) -> str:
    fields = b" ".join(part.data for part in request.form if not part.filename).decode("utf-8", "replace")
    return f"{request.query} {json.dumps(request.json, ensure_ascii=False)} {fields}"


@dataclass
class Played:
    """Everything that was seen of one surface."""

    surface: Surface
    seen: dict[str, Seen] = field(default_factory=dict)
    unstruck: frozenset[str] = frozenset()
    """Behaviours whose fault never struck: they prove nothing."""
    orders: tuple[int, int] = (0, 0)
    """Orders sent by us, and orders witnessed by the emulator."""
    books: Sequence[str] = ()
    """What `filmgate ledger verify` complains of."""


@dataclass
class Player:
    """Plays one surface's behaviours, phase by phase."""

    workshop: "Workshop"
    surface: Surface
    played: Played = field(init=False)
    _counting: Counting = field(init=False)
    _ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.played = Played(surface=self.surface)
        context = self.workshop.jobs.context
        self._counting = Counting(context.vendor_client)
        context.vendor_client = self._counting
        self._marks = {each.name: f"(case-{place:03d})" for place, each in enumerate(self.surface.playable())}

    async def play(self) -> Played:
        """Every behaviour of the surface, once."""
        await self._script()
        await self._phase("crowd")
        await self._settle_parked()
        await self._called()
        await self._stubborn()
        await self._overdue()
        self.played.unstruck = await self._unstruck()
        self.played.books = [str(fault) for fault in (await self.workshop.verdict()).faults]
        sent = sum(seen.posts for seen in self.played.seen.values())
        self.played.orders = (sent, await self._orders_witnessed())
        await self._unreachable()
        return self.played

    def _of(self, phase: str) -> list[Behaviour]:
        stubborn = self._is_stubborn
        return [each for each in self.surface.playable() if ("stubborn" if stubborn(each) else each.phase) == phase]

    def _is_stubborn(self, behaviour: Behaviour) -> bool:
        """Whether it is cancelled where this vendor cannot stop it."""
        is_cancel = behaviour.then == "cancelled" and behaviour.at in ("queued", "running")
        return is_cancel and not self.surface.stops(behaviour.at)

    async def _script(self) -> None:
        """Queue the faults of every behaviour, each for the jobs with its mark."""
        rows = [row for behaviour in self.surface.playable() for row in self._rows(behaviour)]
        await self.workshop.control("script", rows)

    def _rows(self, behaviour: Behaviour) -> list[dict[str, Any]]:
        faults = list(behaviour.faults)
        if behaviour.at in ("queued", "running") and behaviour.then != "own":
            faults.append(self._tarrying(behaviour))
        rows = []
        for each in faults:
            times = ALWAYS if each.get("times") == "always" else each.get("times", 1)
            place = {"vendor": self.surface.name, "contains": self._marks[behaviour.name]}
            rows.append({**each, **place, "times": times})
        return rows

    def _tarrying(self, behaviour: Behaviour) -> dict[str, Any]:
        """What keeps the job where it is to be cancelled; one that cannot be stopped there must be able to end."""
        if self._is_stubborn(behaviour):
            return {"fault": "slow-job", "options": {"factor": _STUBBORN_FACTOR}}
        return {"fault": "stuck" if behaviour.at == "queued" else "stuck-running"}

    async def _phase(self, phase: str) -> None:
        """Every behaviour of the phase at once."""
        cases = self._of(phase)
        await self._look(cases, await asyncio.gather(*map(self._one, cases), return_exceptions=True))

    async def _look(self, cases: Sequence[Behaviour], views: Sequence[JobView | BaseException]) -> None:
        """Note what became of these behaviours, by our rows and by the emulator's."""
        jobs = await self._vendor_jobs()
        for behaviour, view in zip(cases, views, strict=True):
            if isinstance(view, BaseException):
                self.played.seen[behaviour.name] = Seen(state=f"{type(view).__name__}: {view}")
            else:
                self.played.seen[behaviour.name] = self._seen(behaviour, view, jobs)

    async def _one(self, behaviour: Behaviour) -> JobView:
        await self._ordered(behaviour)
        if behaviour.at:
            await self._reached(behaviour)
            await self.workshop.jobs.cancel(self._ids[behaviour.name], "acme")
        return await self._ended(behaviour)

    async def _ordered(self, behaviour: Behaviour) -> None:
        facts = self.surface.facts
        wish = dict(facts["image_wish"] if behaviour.image and "image_wish" in facts else facts["wish"])
        words = "".join(f" [[fault:{name}]]" for name in behaviour.fates)
        wish["prompt"] = f"{wish['prompt']} {self._marks[behaviour.name]}{words}"
        model = facts["image_model"] if behaviour.image else facts["model"]
        if behaviour.image:
            inline = MediaForm.INLINE in CATALOGUE.rows[model].media_forms
            wish["first_frame"] = picture() if inline else MediaInput(uri="https://example.com/frame.png")
        self._ids[behaviour.name] = await self.workshop.order(model, **wish)

    async def _reached(self, behaviour: Behaviour) -> None:
        """Until the vendor has the job and it is where it is to be met."""
        wanted = _STAGES[behaviour.at]

        def there(view: JobView) -> bool:
            [clip] = view.clips
            return any(attempt.ticket for attempt in clip.attempts) and clip.clip.stage in wanted

        await self.workshop.until(self._ids[behaviour.name], there)

    def _seen(self, behaviour: Behaviour, view: JobView, everything: Sequence[Mapping[str, Any]]) -> Seen:
        [clip] = view.clips
        failure = view.job.failure
        mark = self._marks[behaviour.name]
        tasks = [str(attempt.vendor_task_id) for attempt in clip.attempts]
        jobs = [job for job in everything if mark in job["prompt"] or any(job["id"] in task for task in tasks)]
        return Seen(
            state=view.job.state,
            reason=failure.reason if failure else "",
            stage=(failure.stage or "") if failure else "",
            billed=_billed(view),
            posts=self._counting.count([mark, *(attempt.callback_token for attempt in clip.attempts)]),
            jobs=len(jobs),
            attempts=len(clip.attempts),
            booked=view.cost.micros,
            charged=sum(job["billed_micros"] for job in jobs),
            held=view.held.micros,
            basis=clip.attempts[-1].cost_basis or "" if clip.attempts else "",
            clips=len(view.videos),
        )

    async def _ended(self, behaviour: Behaviour) -> JobView:
        """The job once it has ended (or has parked, where that is the end), or as it is when patience is over."""
        job_id = self._ids[behaviour.name]
        parks = self.surface.expected(behaviour).state == JobState.NEEDS_RESOLUTION
        await self.workshop.jobs.wait(job_id, PATIENCE)
        if not parks:  # it may have been parked for a moment
            with contextlib.suppress(TimeoutError):  # what it is then is what the test compares
                await self.workshop.until(job_id, lambda view: view.job.state.terminal)
        return await self.workshop.jobs.view(job_id, "acme")

    async def _vendor_jobs(self) -> list[dict[str, Any]]:
        return list((await self.workshop.control("jobs"))["jobs"])

    async def _settle_parked(self) -> None:
        """Every parked clip is adopted if the vendor has its job, else given up, as an operator would do."""
        seen = self.played.seen
        parked = [each for each in self._of("crowd") if seen[each.name].state == JobState.NEEDS_RESOLUTION]
        known = await self._vendor_jobs()
        views = await asyncio.gather(*[self._resolved(behaviour, known) for behaviour in parked])
        jobs = await self._vendor_jobs()
        for behaviour, view in zip(parked, views, strict=True):
            now = self._seen(behaviour, view, jobs)
            seen[behaviour.name] = replace(
                seen[behaviour.name], later=now.state, later_booked=now.booked, later_charged=now.charged
            )

    async def _resolved(self, behaviour: Behaviour, known: Sequence[Mapping[str, Any]]) -> JobView:
        job_id = self._ids[behaviour.name]
        [clip] = (await self.workshop.jobs.view(job_id, "acme")).clips
        jobs = [job for job in known if self._marks[behaviour.name] in job["prompt"]]
        kind = VerdictKind.ADOPT if jobs else VerdictKind.ABANDON
        verdict = Verdict(kind=kind, vendor_task_id=jobs[0]["id"] if jobs else "")
        await self.workshop.jobs.resolve(clip.clip.id, "acme", verdict)
        return await self.workshop.until(job_id, lambda view: view.job.state.terminal)

    async def _called(self) -> None:
        """With webhooks alone: no poll within anybody's patience, no list to search."""
        if "callbacks" not in self.surface.abilities:
            return
        context = self.workshop.jobs.context
        policy, adapter = context.policy, self.surface.adapter
        context.policy = replace(policy, mock_poll=600.0)
        context.vendors.providers[self.surface.name] = _unsearching(type(adapter))
        await self._phase("called")
        context.policy, context.vendors.providers[self.surface.name] = policy, adapter

    async def _stubborn(self) -> None:
        """Cancel what this vendor cannot stop, and let it end only then, by the emulator's clock."""
        cases = self._of("stubborn")
        await asyncio.gather(*map(self._ordered, cases))
        for behaviour in cases:
            await self._reached(behaviour)
            await self.workshop.jobs.cancel(self._ids[behaviour.name], "acme")
        if "cancel" in self.surface.abilities:
            await asyncio.gather(*map(self._heard, cases))
        await self.workshop.control("advance", {"seconds": _STUBBORN_SECONDS})
        await self._look(cases, await asyncio.gather(*map(self._ended, cases), return_exceptions=True))

    async def _heard(self, behaviour: Behaviour) -> None:
        """Until the vendor has been asked to stop the job."""
        view = await self.workshop.jobs.view(self._ids[behaviour.name], "acme")
        task = str(view.clips[0].attempts[-1].vendor_task_id)

        async def asked() -> bool:
            return any(task in post["path"] for post in await self.workshop.vendor_ledger())

        await self.workshop.eventually(asked)

    async def _overdue(self) -> None:
        """Let the deadline, and then the grace, pass for everything that is under way."""
        cases = self._of("overdue")
        for behaviour in cases:
            await self._ordered(behaviour)
        for behaviour in cases:
            await self._reached(behaviour)
        self.workshop.pass_time(self.surface.row.deadline_seconds + 1)
        for behaviour in cases:
            if not self.surface.stops(behaviour.at):
                await self.workshop.until(self._ids[behaviour.name], _is_overdue)
        if not all(self.surface.stops(behaviour.at) for behaviour in cases):
            self.workshop.pass_time(self.workshop.policy.overdue_grace + 1)
        await self._look(cases, await asyncio.gather(*map(self._ended, cases)))

    async def _unreachable(self) -> None:
        await self.workshop.emulators.stop()
        [behaviour] = self._of("unreachable")
        await self._ordered(behaviour)
        self.played.seen[behaviour.name] = self._seen(behaviour, await self._ended(behaviour), ())

    async def _unstruck(self) -> frozenset[str]:
        """The behaviours of which a fault waits as it was queued."""
        waiting = {(row["contains"], row["fault"]): row["remaining"] for row in (await self._scripts())}
        return frozenset(
            behaviour.name
            for behaviour in self.surface.playable()
            for row in self._rows(behaviour)
            if waiting.get((row["contains"], row["fault"])) == row["times"]
        )

    async def _scripts(self) -> list[dict[str, Any]]:
        return list((await self.workshop.control("script"))["script"])

    async def _orders_witnessed(self) -> int:
        """The POSTs in the emulator's ledger that went to an address where something can be bought."""
        vendor = emulated(self.surface.name)
        tables = {"": vendor.routes, **vendor.hosts}
        shops = [
            (at.method, compile_path(f"/{vendor.name}{f'-{host}' if host else ''}{at.path}")[0])
            for host, table in tables.items()
            for at in table
            if at.stage is Stage.SUBMIT
        ]
        posts = await self.workshop.vendor_ledger()
        return sum(
            any(post["method"] == method and path.match(post["path"]) for method, path in shops) for post in posts
        )


def _is_overdue(view: JobView) -> bool:
    return view.clips[0].clip.stage == ProgressStage.OVERDUE or view.job.state.terminal


def _billed(view: JobView) -> str:
    if view.job.state is JobState.NEEDS_RESOLUTION:
        return "HELD" if view.held.micros else "NO"
    return "YES" if view.job.failure is None else str(view.job.failure.billed)


def _unsearching(adapter: type[Any]) -> Any:
    """The same adapter, but its vendor has no list."""
    return type(f"Unsearching{adapter.__name__}", (adapter,), {"can_search": False})()


def emulated(name: str) -> Vendor:
    """The emulated vendor; the roomy one where its module has one, since everything here happens at once."""
    module = importlib.import_module(f"emulators.vendors.{name.replace('-', '_')}")
    found: Vendor = getattr(module, "ROOMY", module.VENDOR)
    return found


def picture() -> MediaInput:
    """A small first frame, inline."""
    with io.BytesIO() as file:
        Image.linear_gradient("L").resize((640, 360)).convert("RGB").save(file, "PNG")
        return MediaInput(data=file.getvalue(), mime_type="image/png")
