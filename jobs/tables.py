"""Tables of the jobs room. Our rows are the truth; the engine is only the motor."""

import sqlalchemy as sa

from core.database import Timestamp, metadata

_NULLABLE = sa.JSON(none_as_null=True)
"""Nothing is SQL's NULL, which queries can ask for, not JSON's."""

jobs = sa.Table(
    "job",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("creative_id", sa.Text, nullable=False),
    sa.Column("requested_model", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("model_reason", sa.Text, nullable=False),
    sa.Column("mock", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("start_time", Timestamp),
    sa.Column("end_time", Timestamp),
    sa.Column("expected_end_time", Timestamp),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("prompt_id", sa.Text),
    sa.Column("enhancement", sa.Text, nullable=False, default="", server_default=""),
    sa.Column("final_prompt", sa.Text, nullable=False, default="", server_default=""),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("quote", sa.JSON, nullable=False),
    sa.Column("notices", sa.JSON, nullable=False),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("webhook", sa.JSON, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("failure", _NULLABLE),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("last_event", sa.Integer, nullable=False, default=0),
    sa.Index("job_by_tenant", "tenant", "id"),
    sa.Index("job_by_creative", "tenant", "creative_id", "id"),
    sa.Index(
        "job_by_prompt",
        "prompt_id",
        sqlite_where=sa.text("prompt_id IS NOT NULL"),
        postgresql_where=sa.text("prompt_id IS NOT NULL"),
    ),
)
"""`prompt_id`: the prompt it was made from; with an `enhancement` (`DUE`, then `DONE`) the one that is made for it."""

clips = sa.Table(
    "clip",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, sa.ForeignKey("job.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("iteration", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("notices", sa.JSON, nullable=False),
    sa.Column("candidates", sa.JSON, nullable=False),
    sa.Column("target_duration", sa.Float, nullable=False),
    sa.Column("run", sa.Integer, nullable=False, default=1),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("start_time", Timestamp),
    sa.Column("end_time", Timestamp),
    sa.Column("facts", _NULLABLE),
    sa.Column("failure", _NULLABLE),
    sa.Index("clip_by_job", "job_id", "position"),
    sa.Index("clip_by_state", "state"),
    sa.Index(
        "clip_by_end",
        "end_time",
        sqlite_where=sa.text("end_time IS NOT NULL"),
        postgresql_where=sa.text("end_time IS NOT NULL"),
    ),
)

attempts = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("clip_id", sa.Text, sa.ForeignKey("clip.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("credential", sa.Text, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("request_hash", sa.Text, nullable=False),
    sa.Column("quote_micros", sa.BigInteger, nullable=False),
    sa.Column("held_micros", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("callback_token", sa.Text, nullable=False, unique=True),
    sa.Column("called_back", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, default=""),
    sa.Column("vendor_task_id", sa.Text),
    sa.Column("ticket", _NULLABLE),
    sa.Column("stage", sa.Text, nullable=False, default=""),
    sa.Column("estimate_micros", sa.BigInteger),
    sa.Column("intend_time", Timestamp, nullable=False),
    sa.Column("submit_time", Timestamp),
    sa.Column("deadline", Timestamp),
    sa.Column("end_time", Timestamp),
    sa.Column("result", _NULLABLE),
    sa.Column("cost_micros", sa.BigInteger),
    sa.Column("cost_basis", sa.Text),
    sa.Column("failure", _NULLABLE),
    sa.UniqueConstraint("clip_id", "number", name="attempt_once"),
    sa.UniqueConstraint("endpoint", "vendor_task_id", name="vendor_task_owned_once"),
    sa.Index("attempt_by_outcome", "outcome", "intend_time"),
    sa.Index(
        "attempt_under_way",
        "endpoint",
        sqlite_where=sa.text("end_time IS NULL"),
        postgresql_where=sa.text("end_time IS NULL"),
    ),
)

events = sa.Table(
    "event",
    metadata,
    sa.Column("job_id", sa.Text, sa.ForeignKey("job.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("time", Timestamp, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
)

videos = sa.Table(
    "video",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("creative_id", sa.Text, nullable=False),
    sa.Column("job_id", sa.Text, nullable=False),
    sa.Column("clip_id", sa.Text, nullable=False, unique=True),
    sa.Column("iteration", sa.Integer, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("thumbnail_key", sa.Text),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("delete_time", Timestamp),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("provenance", sa.JSON, nullable=False),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Index("video_by_tenant", "tenant", "id"),
)

inputs = sa.Table(
    "input",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, nullable=False),
    sa.Column("mime_type", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index("input_by_job", "job_id"),
)

assets = sa.Table(
    "asset",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("mime_type", sa.Text, nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("key", sa.Text, unique=True),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("delete_time", Timestamp),
    sa.Index("asset_by_tenant", "tenant", "id"),
    sa.Index("asset_by_end", "delete_time"),
)
"""A row with a `delete_time` is nobody's any more; without a `key` its object is gone as well."""

asset_uses = sa.Table(
    "asset_use",
    metadata,
    sa.Column("asset_id", sa.Text, sa.ForeignKey("asset.id"), primary_key=True),
    sa.Column("job_id", sa.Text, sa.ForeignKey("job.id"), primary_key=True),
    sa.Index("asset_use_by_job", "job_id"),
)
"""The assets that unfinished jobs were accepted with."""

prompts = sa.Table(
    "prompt",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("creative_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("input", sa.Text, nullable=False),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("parent_id", sa.Text),
    sa.Column("job_id", sa.Text),
    sa.Column("feedback", sa.Text, nullable=False),
    sa.Column("iteration", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("notices", sa.JSON, nullable=False),
    sa.Column("llm_model", sa.Text, nullable=False),
    sa.Column("mock", sa.Boolean, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("deadline", Timestamp),
    sa.Column("end_time", Timestamp),
    sa.Index("prompt_by_creative", "tenant", "creative_id", "id"),
    sa.Index("prompt_by_parent", "parent_id"),
    sa.Index(
        "prompt_open",
        "id",
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    ),
    sa.Index(
        "prompt_enhances_once",
        "job_id",
        unique=True,
        sqlite_where=sa.text("kind = 'ENHANCE'"),
        postgresql_where=sa.text("kind = 'ENHANCE'"),
    ),
)
"""What a text was read as, rewritten to or told as. `result` is the rules' until a language model's takes its place.

While it is OPEN, a language model is asked, or will be: `owner` does it, since there is a `deadline`.
"""

prompt_calls = sa.Table(
    "prompt_call",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("prompt_id", sa.Text, sa.ForeignKey("prompt.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("intend_time", Timestamp, nullable=False),
    sa.Column("deadline", Timestamp, nullable=False),
    sa.Column("end_time", Timestamp),
    sa.Column("input_tokens", sa.BigInteger),
    sa.Column("output_tokens", sa.BigInteger),
    sa.Column("held_micros", sa.BigInteger, nullable=False),
    sa.Column("cost_micros", sa.BigInteger),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("cost_unknown", sa.Boolean, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.UniqueConstraint("prompt_id", "number", name="prompt_call_once"),
)
"""Every call of a language model: written down before it is sent, and sent once at most."""

iterations = sa.Table(
    "iteration",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("creative_id", sa.Text, primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)

tenants = sa.Table(
    "tenant",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("policy", sa.JSON, nullable=False),
    sa.Column("limits", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("update_time", Timestamp, nullable=False),
    sa.Column("delete_time", Timestamp),
)
"""A valid name needs no row to be served: one appears when its first job is accepted."""

buckets = sa.Table(
    "bucket",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("full_micros", sa.BigInteger, nullable=False),
)
"""Token buckets that all processes draw from: when each will be full again, in microseconds since 1970."""

audit = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("time", Timestamp, nullable=False),
    sa.Column("caller", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("audit_entry_by_tenant", "tenant", "id"),
)
"""What operators did, and the alarms about money: append-only."""

requests = sa.Table(
    "request",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("rpc", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("job_ids", sa.JSON, nullable=False),
    sa.Column("time", Timestamp, nullable=False),
    sa.Index("request_by_time", "time"),
)

webhook_endpoints = sa.Table(
    "webhook_endpoint",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", sa.JSON, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("update_time", Timestamp, nullable=False),
    sa.Index("webhook_endpoint_by_tenant", "tenant", "id"),
)

webhook_secrets = sa.Table(
    "webhook_secret",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("serial", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("expire_time", Timestamp),
)
"""Which secrets of an endpoint (or of `tenant:NAME`) sign; the secrets themselves are derived, never stored."""
executors = sa.Table(
    "executor",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("lease_until", Timestamp, nullable=False),
    sa.Column("reaped", sa.Boolean, nullable=False, default=False),
    sa.Index("executor_by_lease", "lease_until"),
)
"""The processes that run clips on a shared database: alive until their lease is over, gone for ever when reaped."""

deliveries = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("endpoint_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("next_time", Timestamp),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("last_answer", sa.Text, nullable=False, default=""),
    sa.Column("claim", sa.Text, nullable=False, default=""),
    sa.Column("claimed_until", Timestamp),
    sa.Index("delivery_due", "state", "next_time"),
    sa.Index("delivery_by_tenant", "tenant", "id"),
    sa.Index("delivery_by_endpoint", "endpoint_id", "id"),
    sa.Index("delivery_by_job", "job_id"),
    sa.Index("delivery_by_time", "create_time"),
)
"""One announcement to one address; without an `endpoint_id` to the one that the request named."""

delivery_attempts = sa.Table(
    "delivery_attempt",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("delivery_id", sa.Text, nullable=False),
    sa.Column("time", Timestamp, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Index("delivery_attempt_by_delivery", "delivery_id", "id"),
)
"""What became of each POST; status 0 where no answer came."""

retention = sa.Table(
    "retention",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("last_job", sa.Text, nullable=False),
)
"""Up to which job, by id and so by age, something has been removed."""
