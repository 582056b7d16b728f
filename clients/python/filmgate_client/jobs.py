"""What a job's states mean to a caller, and where in its events a watcher is."""

import grpc
from filmgate.v1 import job_pb2

from filmgate_client.errors import FilmgateCallError

ENDED = frozenset(
    {
        job_pb2.JOB_STATE_SUCCEEDED,
        job_pb2.JOB_STATE_PARTIALLY_SUCCEEDED,
        job_pb2.JOB_STATE_FAILED,
        job_pb2.JOB_STATE_CANCELLED,
    }
)
"""The terminal states."""


def is_ended(job: job_pb2.Job) -> bool:
    """Whether the job's state will never change again."""
    return job.state in ENDED


def is_parked(job: job_pb2.Job) -> bool:
    """Whether the job waits for news about an ambiguous purchase."""
    return job.state == job_pb2.JOB_STATE_NEEDS_RESOLUTION


def is_resting(state: job_pb2.JobState) -> bool:
    """Whether nothing happens by itself in this state: ended or parked."""
    return state in ENDED or state == job_pb2.JOB_STATE_NEEDS_RESOLUTION


class Cursor:
    """The place of one watcher in a job's events: what came, what comes next, whether it is over."""

    def __init__(self, after_event: int) -> None:
        self.last = after_event
        self.over = False

    def takes(self, event: job_pb2.JobEvent) -> bool:
        """Whether the event is the next one; False for one seen before. A gap raises, so that the stream is resumed."""
        if event.seq <= self.last:
            return False
        if event.seq != self.last + 1:
            raise self._broken(f"event {event.seq} came after event {self.last}")
        self.last = event.seq
        self.over = event.kind == job_pb2.JOB_EVENT_KIND_ENDED
        return True

    def cut(self) -> FilmgateCallError:
        """The error for a stream that closed in peace before the terminal event, as a draining server does."""
        return self._broken(f"the stream ended after event {self.last}, before the job did")

    @staticmethod
    def _broken(message: str) -> FilmgateCallError:
        return FilmgateCallError(code=grpc.StatusCode.UNAVAILABLE, message=message)
