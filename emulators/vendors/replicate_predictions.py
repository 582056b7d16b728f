"""Replicate's prediction object, built from a job and the time."""

import random
from collections.abc import Mapping

from core.outcome import Json
from emulators.files import output_urls
from emulators.jobs import Job, Phase, Standing
from emulators.spelling import iso
from emulators.vendors.replicate_errors import FAILURES
from emulators.vendors.replicate_models import REPLICATE_MODELS
from emulators.vendors.replicate_parts import ReplicateModel
from emulators.world import World

STATUSES: Mapping[Phase, str] = {
    Phase.QUEUED: "starting",
    Phase.THROTTLED: "starting",
    Phase.RUNNING: "processing",
    Phase.SUCCEEDED: "succeeded",
    Phase.FAILED: "failed",
    Phase.CANCELLED: "canceled",
    Phase.ABORTED: "aborted",
}
STEPS = 25


def is_removed(world: World, job: Job) -> bool:
    """Whether Replicate has dropped the inputs, outputs and logs of a prediction."""
    ended = world.standing(job).ended
    lapsed = ended is not None and world.now() >= ended + world.options.retention_seconds
    return lapsed or (job.removed is not None and world.now() >= job.removed)


def prediction(world: World, job: Job, at: float | None = None) -> dict[str, Json]:
    """The whole object, as it is now or was `at` another time (Unix seconds)."""
    model = REPLICATE_MODELS[job.model]
    now = world.standing(job, at)
    removed = is_removed(world, job)
    shown: dict[str, Json] = {
        "id": job.id,
        "model": job.model,
        "version": "hidden" if model.is_official else model.version,
        "input": {} if removed else dict(job.input),
        "logs": "" if removed else logs(job, model, now),
        "output": None if removed else output(world, job, model, now),
        "data_removed": removed,
        "error": error(job) if now.phase is Phase.FAILED else None,
        "source": "api",
        "status": STATUSES[now.phase],
        "created_at": iso(job.created),
        "started_at": iso(now.started),
        "completed_at": iso(now.ended),
        "deadline": iso(job.deadline),
        "deployment": None,
        "metrics": metrics(job, model, now),
        "urls": urls(world, job),
    }
    if job.webhook:
        shown["webhook"] = job.webhook
        shown |= {} if job.events is None else {"webhook_events_filter": list(job.events)}
    return shown


def error(job: Job) -> str:
    """Why it failed."""
    return FAILURES.get(job.failure) or str(job.extra.get("error") or "Unknown error")


def urls(world: World, job: Job) -> dict[str, Json]:
    """Where the prediction can be asked and cancelled."""
    own = f"{world.base_url}/replicate/v1/predictions/{job.id}"
    return {"get": own, "cancel": f"{own}/cancel", "web": f"{world.base_url}/replicate/p/{job.id}"}


def output(world: World, job: Job, model: ReplicateModel, now: Standing) -> Json:
    """One address, or a list of them, once it succeeded."""
    if now.phase is not Phase.SUCCEEDED:
        return None
    urls = output_urls(world, job)
    return urls if model.is_list else urls[0]


def metrics(job: Job, model: ReplicateModel, now: Standing) -> dict[str, Json]:
    """Vendor seconds and, of official models, what the price is for. A run that was stopped is told as if it had made
    its video, since it is billed; what the real API tells of it is not known."""
    if not now.is_terminal or now.started is None:
        return {}
    told: dict[str, Json] = {"predict_time": now.predict_seconds, "total_time": now.total_seconds}
    if model.is_official and now.phase in (Phase.SUCCEEDED, Phase.CANCELLED):
        told |= {"video_output_count": job.count, "video_output_duration_seconds": round(job.clip.seconds, 3)}
        told["resolution_target"] = f"{min(job.clip.width, job.clip.height)}p"
        told |= {"with_audio": job.clip.audio} if model.audio else {}
    return told


def logs(job: Job, model: ReplicateModel, now: Standing) -> str:
    """Community models print their seed and a progress bar; official ones nothing."""
    if model.is_official or now.started is None:
        return ""
    seed = job.seed or random.Random(job.id).randrange(1, 65_536)  # noqa: S311 - a seed for pictures
    done = int(now.progress * STEPS)
    lines = [f"Using seed: {seed}", *(_bar(step) for step in range(0, done + 1, 5))]
    return "\n".join(lines) + "\n"


def _bar(step: int) -> str:
    share = step / STEPS
    return f"{round(share * 100):3d}%|{'█' * int(share * 10):<10}| {step}/{STEPS} [00:{step:02d}<00:{STEPS - step:02d}]"
