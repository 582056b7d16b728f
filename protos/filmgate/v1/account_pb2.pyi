import datetime

from filmgate.v1 import common_pb2 as _common_pb2
from filmgate.v1 import quote_pb2 as _quote_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TenantState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TENANT_STATE_UNSPECIFIED: _ClassVar[TenantState]
    TENANT_STATE_ACTIVE: _ClassVar[TenantState]
    TENANT_STATE_SUSPENDED: _ClassVar[TenantState]
    TENANT_STATE_DELETING: _ClassVar[TenantState]
    TENANT_STATE_DELETED: _ClassVar[TenantState]

class AmbiguousPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AMBIGUOUS_POLICY_UNSPECIFIED: _ClassVar[AmbiguousPolicy]
    AMBIGUOUS_POLICY_PARK: _ClassVar[AmbiguousPolicy]
    AMBIGUOUS_POLICY_RESUBMIT: _ClassVar[AmbiguousPolicy]

class BudgetPeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUDGET_PERIOD_UNSPECIFIED: _ClassVar[BudgetPeriod]
    BUDGET_PERIOD_DAY: _ClassVar[BudgetPeriod]
    BUDGET_PERIOD_MONTH: _ClassVar[BudgetPeriod]
    BUDGET_PERIOD_TOTAL: _ClassVar[BudgetPeriod]

class UsageDimension(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USAGE_DIMENSION_UNSPECIFIED: _ClassVar[UsageDimension]
    USAGE_DIMENSION_DAY: _ClassVar[UsageDimension]
    USAGE_DIMENSION_MODEL: _ClassVar[UsageDimension]
    USAGE_DIMENSION_CREATIVE: _ClassVar[UsageDimension]
    USAGE_DIMENSION_STAGE: _ClassVar[UsageDimension]
    USAGE_DIMENSION_VENDOR: _ClassVar[UsageDimension]
    USAGE_DIMENSION_TENANT: _ClassVar[UsageDimension]

class UsageAlarm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USAGE_ALARM_UNSPECIFIED: _ClassVar[UsageAlarm]
    USAGE_ALARM_COST_RATIO: _ClassVar[UsageAlarm]
    USAGE_ALARM_SUCCESS_RATE: _ClassVar[UsageAlarm]
    USAGE_ALARM_UNKNOWN_COST: _ClassVar[UsageAlarm]

class LedgerEntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEDGER_ENTRY_KIND_UNSPECIFIED: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_HOLD: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_ADJUST: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_SETTLE: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_RELEASE: _ClassVar[LedgerEntryKind]
TENANT_STATE_UNSPECIFIED: TenantState
TENANT_STATE_ACTIVE: TenantState
TENANT_STATE_SUSPENDED: TenantState
TENANT_STATE_DELETING: TenantState
TENANT_STATE_DELETED: TenantState
AMBIGUOUS_POLICY_UNSPECIFIED: AmbiguousPolicy
AMBIGUOUS_POLICY_PARK: AmbiguousPolicy
AMBIGUOUS_POLICY_RESUBMIT: AmbiguousPolicy
BUDGET_PERIOD_UNSPECIFIED: BudgetPeriod
BUDGET_PERIOD_DAY: BudgetPeriod
BUDGET_PERIOD_MONTH: BudgetPeriod
BUDGET_PERIOD_TOTAL: BudgetPeriod
USAGE_DIMENSION_UNSPECIFIED: UsageDimension
USAGE_DIMENSION_DAY: UsageDimension
USAGE_DIMENSION_MODEL: UsageDimension
USAGE_DIMENSION_CREATIVE: UsageDimension
USAGE_DIMENSION_STAGE: UsageDimension
USAGE_DIMENSION_VENDOR: UsageDimension
USAGE_DIMENSION_TENANT: UsageDimension
USAGE_ALARM_UNSPECIFIED: UsageAlarm
USAGE_ALARM_COST_RATIO: UsageAlarm
USAGE_ALARM_SUCCESS_RATE: UsageAlarm
USAGE_ALARM_UNKNOWN_COST: UsageAlarm
LEDGER_ENTRY_KIND_UNSPECIFIED: LedgerEntryKind
LEDGER_ENTRY_KIND_HOLD: LedgerEntryKind
LEDGER_ENTRY_KIND_ADJUST: LedgerEntryKind
LEDGER_ENTRY_KIND_SETTLE: LedgerEntryKind
LEDGER_ENTRY_KIND_RELEASE: LedgerEntryKind

class TenantPolicy(_message.Message):
    __slots__ = ("ambiguous", "use_default_fallbacks")
    AMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    USE_DEFAULT_FALLBACKS_FIELD_NUMBER: _ClassVar[int]
    ambiguous: AmbiguousPolicy
    use_default_fallbacks: bool
    def __init__(self, ambiguous: _Optional[_Union[AmbiguousPolicy, str]] = ..., use_default_fallbacks: _Optional[bool] = ...) -> None: ...

class TenantLimits(_message.Message):
    __slots__ = ("requests_per_second", "burst", "reads_per_second")
    REQUESTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    READS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    requests_per_second: float
    burst: int
    reads_per_second: float
    def __init__(self, requests_per_second: _Optional[float] = ..., burst: _Optional[int] = ..., reads_per_second: _Optional[float] = ...) -> None: ...

class Tenant(_message.Message):
    __slots__ = ("name", "display_name", "state", "policy", "create_time", "update_time", "delete_time", "limits")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    state: TenantState
    policy: TenantPolicy
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    delete_time: _timestamp_pb2.Timestamp
    limits: TenantLimits
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., state: _Optional[_Union[TenantState, str]] = ..., policy: _Optional[_Union[TenantPolicy, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., limits: _Optional[_Union[TenantLimits, _Mapping]] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("tenant_name", "period", "limit", "spent", "held", "available", "start_time", "renew_time", "create_time", "update_time")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    RENEW_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    period: BudgetPeriod
    limit: _common_pb2.Money
    spent: _common_pb2.Money
    held: _common_pb2.Money
    available: _common_pb2.Money
    start_time: _timestamp_pb2.Timestamp
    renew_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, tenant_name: _Optional[str] = ..., period: _Optional[_Union[BudgetPeriod, str]] = ..., limit: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., spent: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., held: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., available: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., renew_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UsageRow(_message.Message):
    __slots__ = ("day", "model", "creative_id", "stage", "vendor", "tenant_name", "settled", "unknown", "held", "quoted", "clips", "succeeded", "failed", "video_duration", "cost_ratio", "success_rate", "alarms")
    DAY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    VENDOR_FIELD_NUMBER: _ClassVar[int]
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    QUOTED_FIELD_NUMBER: _ClassVar[int]
    CLIPS_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    VIDEO_DURATION_FIELD_NUMBER: _ClassVar[int]
    COST_RATIO_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    day: str
    model: str
    creative_id: str
    stage: _quote_pb2.CostStage
    vendor: str
    tenant_name: str
    settled: _common_pb2.Money
    unknown: _common_pb2.Money
    held: _common_pb2.Money
    quoted: _common_pb2.Money
    clips: int
    succeeded: int
    failed: int
    video_duration: _duration_pb2.Duration
    cost_ratio: float
    success_rate: float
    alarms: _containers.RepeatedScalarFieldContainer[UsageAlarm]
    def __init__(self, day: _Optional[str] = ..., model: _Optional[str] = ..., creative_id: _Optional[str] = ..., stage: _Optional[_Union[_quote_pb2.CostStage, str]] = ..., vendor: _Optional[str] = ..., tenant_name: _Optional[str] = ..., settled: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., unknown: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., held: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., quoted: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., clips: _Optional[int] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ..., video_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cost_ratio: _Optional[float] = ..., success_rate: _Optional[float] = ..., alarms: _Optional[_Iterable[_Union[UsageAlarm, str]]] = ...) -> None: ...

class LedgerEntry(_message.Message):
    __slots__ = ("id", "time", "tenant_name", "creative_id", "job_id", "clip_id", "attempt_id", "kind", "stage", "model", "amount", "basis", "unknown")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLIP_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    id: int
    time: _timestamp_pb2.Timestamp
    tenant_name: str
    creative_id: str
    job_id: str
    clip_id: str
    attempt_id: str
    kind: LedgerEntryKind
    stage: _quote_pb2.CostStage
    model: str
    amount: _common_pb2.Money
    basis: str
    unknown: bool
    def __init__(self, id: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., job_id: _Optional[str] = ..., clip_id: _Optional[str] = ..., attempt_id: _Optional[str] = ..., kind: _Optional[_Union[LedgerEntryKind, str]] = ..., stage: _Optional[_Union[_quote_pb2.CostStage, str]] = ..., model: _Optional[str] = ..., amount: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., basis: _Optional[str] = ..., unknown: _Optional[bool] = ...) -> None: ...

class ParkedClip(_message.Message):
    __slots__ = ("tenant_name", "creative_id", "job_id", "clip_id", "clip_index", "attempt_number", "model", "vendor", "mock", "held", "submit_time", "expire_time", "detail")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLIP_ID_FIELD_NUMBER: _ClassVar[int]
    CLIP_INDEX_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VENDOR_FIELD_NUMBER: _ClassVar[int]
    MOCK_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    creative_id: str
    job_id: str
    clip_id: str
    clip_index: int
    attempt_number: int
    model: str
    vendor: str
    mock: bool
    held: _common_pb2.Money
    submit_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    detail: str
    def __init__(self, tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., job_id: _Optional[str] = ..., clip_id: _Optional[str] = ..., clip_index: _Optional[int] = ..., attempt_number: _Optional[int] = ..., model: _Optional[str] = ..., vendor: _Optional[str] = ..., mock: _Optional[bool] = ..., held: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., submit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., detail: _Optional[str] = ...) -> None: ...

class AuditEntry(_message.Message):
    __slots__ = ("id", "time", "caller", "action", "tenant_name", "target", "outcome", "detail")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    caller: str
    action: str
    tenant_name: str
    target: str
    outcome: str
    detail: str
    def __init__(self, id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., caller: _Optional[str] = ..., action: _Optional[str] = ..., tenant_name: _Optional[str] = ..., target: _Optional[str] = ..., outcome: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...
