"""Circuit breakers: a vendor that refuses our key, our account, or everybody is left alone for a while."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock
from core.errors import Failure, FailureReason
from core.outcome import Accepted, Ambiguous, Refused, Submitted

CREDENTIAL_REFUSED: Mapping[FailureReason, str] = {
    FailureReason.VENDOR_AUTH: "the vendor refused the operator's credential",
    FailureReason.VENDOR_CREDIT: "the operator's account at the vendor has no credit left",
}
"""Refusals that the next request with the same credential would meet too: one is enough."""
_OUTAGE = "the vendor does not answer"
_FAULTS = 5
"""Submits in a row without a clear answer that make an outage."""
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(slots=True)
class Breaker:
    """One endpoint's. Open: nothing is submitted. When its pause is over one submit may try; it decides."""

    now: Callable[[], datetime] = clock.now
    _reason: FailureReason | None = None
    _until: datetime | None = None
    _pause: timedelta = _FIRST_PAUSE
    _faults: int = 0

    def note(self, submitted: Submitted) -> None:
        """What became of a submit."""
        match submitted:
            case Refused(failure=failure) if failure.reason in CREDENTIAL_REFUSED:
                self._open(failure.reason)
            case Ambiguous():
                self._fault()
            case Refused(failure=failure) if failure.reason is FailureReason.VENDOR_UNAVAILABLE:
                self._fault()
            case Accepted() | Refused():
                self._reason, self._until, self._faults, self._pause = None, None, 0, _FIRST_PAUSE

    def admit(self) -> bool:
        """Whether a submit may go out; the first after a pause is the trial, and the others wait for its end."""
        if self._until is None:
            return True
        if self.now() < self._until:
            return False
        self._until = self.now() + _FIRST_PAUSE
        return True

    def failure(self) -> Failure:
        """Why nothing is submitted."""
        reason = self._reason or FailureReason.VENDOR_UNAVAILABLE
        return Failure(reason=reason, message=f"nothing was sent: {CREDENTIAL_REFUSED.get(reason, _OUTAGE)}")

    def wait(self) -> float:
        """Seconds until it is worth another try."""
        return 1.0 if self._until is None else max(1.0, (self._until - self.now()).total_seconds())

    @property
    def account(self) -> bool:
        """Whether it is our key or our account that is refused, rather than a vendor that does not answer."""
        return self._reason in CREDENTIAL_REFUSED

    def why(self) -> str:
        """Why it is open, in words; empty while it is not, and once its pause is over."""
        if self._until is None or self.now() >= self._until:
            return ""
        reason = self._reason or FailureReason.VENDOR_UNAVAILABLE
        return f"{CREDENTIAL_REFUSED.get(reason, _OUTAGE)}; tried again at {self._until:%H:%M:%S} UTC"

    def _fault(self) -> None:
        self._faults += 1
        if self._faults >= _FAULTS:
            self._open(FailureReason.VENDOR_UNAVAILABLE)

    def _open(self, reason: FailureReason) -> None:
        """Each opening without a success between lasts twice as long."""
        self._reason, self._until = reason, self.now() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
