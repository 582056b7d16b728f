"""The contract's enums by their short words: `RUNNING` for `JOB_STATE_RUNNING`."""

from typing import Any

from filmgate.v1 import account_pb2, asset_pb2, job_pb2, media_pb2, model_pb2, prompt_pb2, quote_pb2, webhook_pb2
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper


def _numbers(kind: EnumTypeWrapper, prefix: str) -> dict[str, Any]:
    """Number by short word; typed as Any, since every enum has a number type of its own in the stubs."""
    return {name.removeprefix(prefix): number for name, number in kind.items()}


JOB_KINDS = _numbers(job_pb2.JobKind, "JOB_KIND_")
JOB_STATES = _numbers(job_pb2.JobState, "JOB_STATE_")
CLIP_STATES = _numbers(job_pb2.ClipState, "CLIP_STATE_")
OUTCOMES = _numbers(job_pb2.AttemptOutcome, "ATTEMPT_OUTCOME_") | {"INTENDED": 0}
STAGES = _numbers(job_pb2.ProgressStage, "PROGRESS_STAGE_")
FAILURES = _numbers(job_pb2.FailureReason, "FAILURE_REASON_")
POLICY_STAGES = _numbers(job_pb2.PolicyStage, "POLICY_STAGE_")
BILLED = _numbers(job_pb2.Billed, "BILLED_")
EVENTS = _numbers(job_pb2.JobEventKind, "JOB_EVENT_KIND_")
ASSET_KINDS = _numbers(asset_pb2.AssetKind, "ASSET_KIND_")
MOTIONS = _numbers(media_pb2.Motion, "MOTION_")
QUALITIES = _numbers(media_pb2.Quality, "QUALITY_")
CAPABILITIES = _numbers(media_pb2.ModelCapability, "MODEL_CAPABILITY_")
MODEL_STATES = _numbers(model_pb2.ModelState, "MODEL_STATE_")
LIFECYCLES = _numbers(model_pb2.ModelLifecycle, "MODEL_LIFECYCLE_")
SPEEDS = _numbers(model_pb2.SpeedClass, "SPEED_CLASS_")
MODES = _numbers(model_pb2.ModelModeKind, "MODEL_MODE_KIND_")
COST_STAGES = _numbers(quote_pb2.CostStage, "COST_STAGE_")
TENANT_STATES = _numbers(account_pb2.TenantState, "TENANT_STATE_")
AMBIGUOUS = _numbers(account_pb2.AmbiguousPolicy, "AMBIGUOUS_POLICY_")
BUDGET_PERIODS = _numbers(account_pb2.BudgetPeriod, "BUDGET_PERIOD_")
USAGE_ALARMS = _numbers(account_pb2.UsageAlarm, "USAGE_ALARM_")
ENDPOINT_STATES = _numbers(webhook_pb2.WebhookEndpointState, "WEBHOOK_ENDPOINT_STATE_")
DELIVERY_STATES = _numbers(webhook_pb2.WebhookDeliveryState, "WEBHOOK_DELIVERY_STATE_")
PROMPT_KINDS = _numbers(prompt_pb2.PromptKind, "PROMPT_KIND_")
PROMPT_SOURCES = _numbers(prompt_pb2.PromptSource, "PROMPT_SOURCE_")
SCENE_TYPES = _numbers(prompt_pb2.SceneType, "SCENE_TYPE_")
LEDGER_KINDS = _numbers(account_pb2.LedgerEntryKind, "LEDGER_ENTRY_KIND_")


def short(kind: EnumTypeWrapper, value: int, prefix: str) -> str:
    """The short word of a number of this enum."""
    name: str = kind.Name(value)
    return name.removeprefix(prefix)
