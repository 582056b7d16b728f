"""An emulated vendor job, and where it stands: a pure function of the job, the time and the vendor's clock."""

import enum
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from math import inf

from core.outcome import Json
from emulators.timeline import Timeline


class Phase(enum.StrEnum):
    """Where a job stands, in no vendor's words."""

    QUEUED = "queued"
    THROTTLED = "throttled"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ABORTED = "aborted"


TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.ABORTED})


MIME_TYPES = {"mp4": "video/mp4", "gif": "image/gif", "webp": "image/webp", "jpg": "image/jpeg"}


class Tariff(enum.StrEnum):
    """What `price_micros` is for."""

    CLIP = "clip"
    COMPUTE_SECOND = "compute second"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """The facts of a file that a job makes. An MP4 has round(seconds * fps) frames, a GIF too, a picture one."""

    seconds: float
    width: int
    height: int
    fps: float
    played_fps: float | None = None
    """The rate written into the file, where the vendor's file lies: 8 frames meant for 8 fps, written at 125."""
    format: str = "mp4"
    """`mp4`, `gif`, `webp` or `jpg`."""
    audio: bool = False
    black: bool = False

    @property
    def mime_type(self) -> str:
        """The file's content type."""
        return MIME_TYPES[self.format]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One accepted submit. Times in `created`, `deadline`, `stop` are Unix seconds; durations are vendor seconds."""

    id: str
    vendor: str
    model: str
    credential: str
    """Fingerprint of the key that bought it."""
    created: float
    prompt: str
    input: Mapping[str, Json]
    clip: Clip
    count: int = 1
    """How many such files it makes; they differ in colour."""
    price_micros: int
    tariff: Tariff = Tariff.CLIP
    version: str = ""
    queue: float = 5.0
    throttle: float = 0.0
    run: float = 60.0
    failure: str = ""
    """Non-empty: ends failed with this code."""
    fates: tuple[str, ...] = ()
    """The names of the faults that changed this job, the vendor's own among them."""
    stuck: str = ""
    """`queued` or `running`: where it stays for ever."""
    webhook: str = ""
    events: tuple[str, ...] | None = None
    callback_token: str = ""
    deadline: float | None = None
    seed: int = 0
    extra: Mapping[str, Json] = field(default_factory=dict)

    stop: float | None = None
    """When a cancel takes effect. This and the following may change after acceptance."""
    deleted: bool = False
    generation: int = 0
    """Counts revocations of output URLs."""
    removed: float | None = None
    """When the vendor dropped its data, if told to before its own time."""

    @property
    def document(self) -> str:
        """Everything as JSON text, as the ledger keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> "Job":
        """The inverse of `document`."""
        facts = json.loads(text)
        facts["clip"] = Clip(**facts["clip"])
        facts["tariff"] = Tariff(facts["tariff"])
        facts["fates"] = tuple(facts.get("fates", ()))
        facts["events"] = None if facts["events"] is None else tuple(facts["events"])
        return cls(**facts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a job stands. `started` and `ended` are Unix seconds, None while not yet so; the others vendor seconds."""

    phase: Phase
    progress: float = 0.0
    started: float | None = None
    ended: float | None = None
    predict_seconds: float = 0.0
    total_seconds: float = 0.0

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will change any more."""
        return self.phase in TERMINAL


def moments(job: Job, timeline: Timeline) -> tuple[float, float, float]:
    """Unix seconds at which the job is throttled (or starts), starts, and ends if nobody interferes; may be inf."""
    queued = timeline.work_at(job.created) + job.queue
    started = inf if job.stuck == "queued" else queued + job.throttle
    ended = inf if job.stuck else started + job.run
    return timeline.wall_at(queued), timeline.wall_at(started), timeline.wall_at(ended)


def interruption(job: Job) -> tuple[float, bool]:
    """When the job is stopped from outside (inf: never), and whether its own deadline does it."""
    stop, deadline = (inf if value is None else value for value in (job.stop, job.deadline))
    return min(stop, deadline), deadline < stop


def end(job: Job, timeline: Timeline) -> float:
    """When the job ends as things stand, in Unix seconds; inf for one that never does."""
    return min(moments(job, timeline)[2], interruption(job)[0])


def standing(job: Job, now: float, timeline: Timeline) -> Standing:
    """Where the job stands at `now` (Unix seconds)."""
    queued, started, ended = moments(job, timeline)
    stop, by_deadline = interruption(job)
    if stop < ended and now >= stop:
        if started <= stop:
            ran = round(timeline.work_at(stop) - timeline.work_at(started), 3)
            return _finished(job, Phase.CANCELLED, (started, stop), ran)
        return Standing(phase=Phase.ABORTED if by_deadline else Phase.CANCELLED, ended=stop)
    if now >= ended:
        return _finished(job, Phase.FAILED if job.failure else Phase.SUCCEEDED, (started, ended), job.run)
    if now >= started:
        done = timeline.work_at(now) - timeline.work_at(started)
        return Standing(phase=Phase.RUNNING, progress=min(done / job.run, 0.99), started=started)
    return Standing(phase=Phase.THROTTLED if job.throttle and now >= queued else Phase.QUEUED)


def _finished(job: Job, phase: Phase, span: tuple[float, float], ran: float) -> Standing:
    return Standing(
        phase=phase,
        progress=1.0,
        started=span[0],
        ended=span[1],
        predict_seconds=ran,
        total_seconds=round(job.queue + job.throttle + ran, 3),
    )


def cost_micros(job: Job, predict_seconds: float) -> int:
    """What the job costs if it is billed, in millionths of a dollar."""
    if job.tariff is Tariff.CLIP:
        return job.price_micros
    exact = Decimal(job.price_micros) * Decimal(str(predict_seconds))
    return int(exact.to_integral_value(rounding=ROUND_HALF_UP))


def fair_bill(job: Job, now: Standing) -> int:
    """What is charged so far by usual manners: a success, and a job stopped while it ran, cost the price.

    A failure is free, except that time on a machine is charged whatever comes of it.
    """
    by_time = now.phase is Phase.FAILED and job.tariff is Tariff.COMPUTE_SECOND
    if by_time or now.phase in (Phase.SUCCEEDED, Phase.CANCELLED):
        return cost_micros(job, now.predict_seconds) if now.started is not None else 0
    return 0


def charged_at_start(job: Job, now: Standing) -> int:
    """As `fair_bill`, but a running job is charged at once: stopping it gives nothing back."""
    return job.price_micros if now.phase is Phase.RUNNING else fair_bill(job, now)


def with_fate(job: Job, fault: str, options: Mapping[str, Json]) -> Job:
    """The job as a fault of the kind FATE makes it; one of a vendor's own is only noted in `fates`."""
    job = replace(job, fates=(*job.fates, fault))

    def number(name: str, default: float) -> float:
        value = options.get(name)
        return float(value) if isinstance(value, int | float) else default

    if fault.startswith("fail-"):
        return replace(job, failure=fault.removeprefix("fail-"), run=job.run / 5)
    changes: Mapping[str, Mapping[str, Json]] = {
        "throttled": {"throttle": number("seconds", 60.0)},
        "stuck": {"stuck": "queued"},
        "stuck-running": {"stuck": "running"},
        "slow-job": {"run": job.run * number("factor", 10.0)},
        "black": {"clip": replace(job.clip, black=True)},
    }
    return replace(job, **changes.get(fault, {}))
