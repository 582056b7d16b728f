"""The outbox of webhooks: a row in the transaction of the event that a request wants to hear of."""

import json
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from core.identifiers import new_id
from core.outcome import Json
from jobs import tables
from jobs.events import EventKind, Subject

BY_DEFAULT = (str(EventKind.STALLED), str(EventKind.ENDED))


def announce(
    connection: sa.Connection, subject: Subject, kind: EventKind, body: Mapping[str, Json], now: datetime
) -> None:
    """Queue the webhook of an event, if the request asked for it; its body never changes again."""
    url = subject.webhook.get("url")
    if not url or str(kind) not in (subject.webhook.get("events") or BY_DEFAULT):
        return
    failure = body.get("failure")
    told = {"failure": {name: value for name, value in failure.items() if name != "vendor_code"}} if failure else {}
    message = {
        "type": f"job.{kind.lower()}",
        "timestamp": now.isoformat(),
        "data": {
            **body,
            **told,
            "job_id": subject.job_id,
            "seq": subject.seq,
            "tenant_name": subject.tenant,
            "creative_id": subject.creative_id,
            "job_state": subject.state,
            "labels": dict(subject.labels),
        },
    }
    row = {
        "id": new_id("evt"),
        "job_id": subject.job_id,
        "tenant": subject.tenant,
        "url": url,
        "body": json.dumps(message, sort_keys=True, separators=(",", ":")),
        "create_time": now,
        "next_time": now,
        "attempts": 0,
        "state": "DUE",
        "last_answer": "",
    }
    connection.execute(sa.insert(tables.deliveries), row)
