import datetime

from filmgate.v1 import common_pb2 as _common_pb2
from filmgate.v1 import media_pb2 as _media_pb2
from filmgate.v1 import quote_pb2 as _quote_pb2
from filmgate.v1 import video_pb2 as _video_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_KIND_UNSPECIFIED: _ClassVar[JobKind]
    JOB_KIND_VIDEO: _ClassVar[JobKind]
    JOB_KIND_FILM: _ClassVar[JobKind]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_CANCELLING: _ClassVar[JobState]
    JOB_STATE_NEEDS_RESOLUTION: _ClassVar[JobState]
    JOB_STATE_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_PARTIALLY_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]

class ClipState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLIP_STATE_UNSPECIFIED: _ClassVar[ClipState]
    CLIP_STATE_QUEUED: _ClassVar[ClipState]
    CLIP_STATE_RUNNING: _ClassVar[ClipState]
    CLIP_STATE_PARKED: _ClassVar[ClipState]
    CLIP_STATE_SUCCEEDED: _ClassVar[ClipState]
    CLIP_STATE_FAILED: _ClassVar[ClipState]
    CLIP_STATE_CANCELLED: _ClassVar[ClipState]

class AttemptOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTEMPT_OUTCOME_UNSPECIFIED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_REFUSED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_ACCEPTED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_AMBIGUOUS: _ClassVar[AttemptOutcome]

class ProgressStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROGRESS_STAGE_UNSPECIFIED: _ClassVar[ProgressStage]
    PROGRESS_STAGE_QUEUED: _ClassVar[ProgressStage]
    PROGRESS_STAGE_ENHANCING: _ClassVar[ProgressStage]
    PROGRESS_STAGE_SUBMITTING: _ClassVar[ProgressStage]
    PROGRESS_STAGE_VENDOR_QUEUED: _ClassVar[ProgressStage]
    PROGRESS_STAGE_VENDOR_THROTTLED: _ClassVar[ProgressStage]
    PROGRESS_STAGE_VENDOR_RUNNING: _ClassVar[ProgressStage]
    PROGRESS_STAGE_OVERDUE: _ClassVar[ProgressStage]
    PROGRESS_STAGE_COLLECTING: _ClassVar[ProgressStage]
    PROGRESS_STAGE_PARKED: _ClassVar[ProgressStage]
    PROGRESS_STAGE_ENDED: _ClassVar[ProgressStage]

class FailureReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_REASON_UNSPECIFIED: _ClassVar[FailureReason]
    FAILURE_REASON_CONTENT_POLICY: _ClassVar[FailureReason]
    FAILURE_REASON_INVALID_INPUT: _ClassVar[FailureReason]
    FAILURE_REASON_VENDOR_AUTH: _ClassVar[FailureReason]
    FAILURE_REASON_VENDOR_CREDIT: _ClassVar[FailureReason]
    FAILURE_REASON_RATE_LIMITED: _ClassVar[FailureReason]
    FAILURE_REASON_VENDOR_UNAVAILABLE: _ClassVar[FailureReason]
    FAILURE_REASON_VENDOR_FAILED: _ClassVar[FailureReason]
    FAILURE_REASON_VENDOR_RETIRED: _ClassVar[FailureReason]
    FAILURE_REASON_TIMED_OUT: _ClassVar[FailureReason]
    FAILURE_REASON_SUBMIT_UNKNOWN: _ClassVar[FailureReason]
    FAILURE_REASON_BAD_OUTPUT: _ClassVar[FailureReason]
    FAILURE_REASON_DOWNLOAD_FAILED: _ClassVar[FailureReason]
    FAILURE_REASON_STORAGE_FAILED: _ClassVar[FailureReason]
    FAILURE_REASON_CANCELLED: _ClassVar[FailureReason]
    FAILURE_REASON_BUDGET_EXCEEDED: _ClassVar[FailureReason]
    FAILURE_REASON_COST_LIMIT_EXCEEDED: _ClassVar[FailureReason]

class PolicyStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_STAGE_UNSPECIFIED: _ClassVar[PolicyStage]
    POLICY_STAGE_PROMPT: _ClassVar[PolicyStage]
    POLICY_STAGE_INPUT: _ClassVar[PolicyStage]
    POLICY_STAGE_OUTPUT: _ClassVar[PolicyStage]

class Billed(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BILLED_UNSPECIFIED: _ClassVar[Billed]
    BILLED_YES: _ClassVar[Billed]
    BILLED_NO: _ClassVar[Billed]
    BILLED_UNKNOWN: _ClassVar[Billed]

class JobEventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_EVENT_KIND_UNSPECIFIED: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_ACCEPTED: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_STARTED: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_ENHANCED: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_ATTEMPT: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_PROGRESS: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_STALLED: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_RESOLVED: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_COLLECTED: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_SETTLED: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_CANCELLING: _ClassVar[JobEventKind]
    JOB_EVENT_KIND_ENDED: _ClassVar[JobEventKind]
JOB_KIND_UNSPECIFIED: JobKind
JOB_KIND_VIDEO: JobKind
JOB_KIND_FILM: JobKind
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_CANCELLING: JobState
JOB_STATE_NEEDS_RESOLUTION: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_PARTIALLY_SUCCEEDED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState
CLIP_STATE_UNSPECIFIED: ClipState
CLIP_STATE_QUEUED: ClipState
CLIP_STATE_RUNNING: ClipState
CLIP_STATE_PARKED: ClipState
CLIP_STATE_SUCCEEDED: ClipState
CLIP_STATE_FAILED: ClipState
CLIP_STATE_CANCELLED: ClipState
ATTEMPT_OUTCOME_UNSPECIFIED: AttemptOutcome
ATTEMPT_OUTCOME_REFUSED: AttemptOutcome
ATTEMPT_OUTCOME_ACCEPTED: AttemptOutcome
ATTEMPT_OUTCOME_AMBIGUOUS: AttemptOutcome
PROGRESS_STAGE_UNSPECIFIED: ProgressStage
PROGRESS_STAGE_QUEUED: ProgressStage
PROGRESS_STAGE_ENHANCING: ProgressStage
PROGRESS_STAGE_SUBMITTING: ProgressStage
PROGRESS_STAGE_VENDOR_QUEUED: ProgressStage
PROGRESS_STAGE_VENDOR_THROTTLED: ProgressStage
PROGRESS_STAGE_VENDOR_RUNNING: ProgressStage
PROGRESS_STAGE_OVERDUE: ProgressStage
PROGRESS_STAGE_COLLECTING: ProgressStage
PROGRESS_STAGE_PARKED: ProgressStage
PROGRESS_STAGE_ENDED: ProgressStage
FAILURE_REASON_UNSPECIFIED: FailureReason
FAILURE_REASON_CONTENT_POLICY: FailureReason
FAILURE_REASON_INVALID_INPUT: FailureReason
FAILURE_REASON_VENDOR_AUTH: FailureReason
FAILURE_REASON_VENDOR_CREDIT: FailureReason
FAILURE_REASON_RATE_LIMITED: FailureReason
FAILURE_REASON_VENDOR_UNAVAILABLE: FailureReason
FAILURE_REASON_VENDOR_FAILED: FailureReason
FAILURE_REASON_VENDOR_RETIRED: FailureReason
FAILURE_REASON_TIMED_OUT: FailureReason
FAILURE_REASON_SUBMIT_UNKNOWN: FailureReason
FAILURE_REASON_BAD_OUTPUT: FailureReason
FAILURE_REASON_DOWNLOAD_FAILED: FailureReason
FAILURE_REASON_STORAGE_FAILED: FailureReason
FAILURE_REASON_CANCELLED: FailureReason
FAILURE_REASON_BUDGET_EXCEEDED: FailureReason
FAILURE_REASON_COST_LIMIT_EXCEEDED: FailureReason
POLICY_STAGE_UNSPECIFIED: PolicyStage
POLICY_STAGE_PROMPT: PolicyStage
POLICY_STAGE_INPUT: PolicyStage
POLICY_STAGE_OUTPUT: PolicyStage
BILLED_UNSPECIFIED: Billed
BILLED_YES: Billed
BILLED_NO: Billed
BILLED_UNKNOWN: Billed
JOB_EVENT_KIND_UNSPECIFIED: JobEventKind
JOB_EVENT_KIND_ACCEPTED: JobEventKind
JOB_EVENT_KIND_STARTED: JobEventKind
JOB_EVENT_KIND_ENHANCED: JobEventKind
JOB_EVENT_KIND_ATTEMPT: JobEventKind
JOB_EVENT_KIND_PROGRESS: JobEventKind
JOB_EVENT_KIND_STALLED: JobEventKind
JOB_EVENT_KIND_RESOLVED: JobEventKind
JOB_EVENT_KIND_COLLECTED: JobEventKind
JOB_EVENT_KIND_SETTLED: JobEventKind
JOB_EVENT_KIND_CANCELLING: JobEventKind
JOB_EVENT_KIND_ENDED: JobEventKind

class ClipFailure(_message.Message):
    __slots__ = ("reason", "stage", "message", "retryable", "billed", "vendor_code")
    REASON_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    BILLED_FIELD_NUMBER: _ClassVar[int]
    VENDOR_CODE_FIELD_NUMBER: _ClassVar[int]
    reason: FailureReason
    stage: PolicyStage
    message: str
    retryable: bool
    billed: Billed
    vendor_code: str
    def __init__(self, reason: _Optional[_Union[FailureReason, str]] = ..., stage: _Optional[_Union[PolicyStage, str]] = ..., message: _Optional[str] = ..., retryable: _Optional[bool] = ..., billed: _Optional[_Union[Billed, str]] = ..., vendor_code: _Optional[str] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("fraction", "stage")
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    stage: ProgressStage
    def __init__(self, fraction: _Optional[float] = ..., stage: _Optional[_Union[ProgressStage, str]] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("number", "model", "provider", "mock", "vendor_task_id", "outcome", "create_time", "submit_time", "end_time", "quote", "cost", "cost_basis", "failure")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MOCK_FIELD_NUMBER: _ClassVar[int]
    VENDOR_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    COST_BASIS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    number: int
    model: str
    provider: str
    mock: bool
    vendor_task_id: str
    outcome: AttemptOutcome
    create_time: _timestamp_pb2.Timestamp
    submit_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    quote: _common_pb2.Money
    cost: _common_pb2.Money
    cost_basis: str
    failure: ClipFailure
    def __init__(self, number: _Optional[int] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., mock: _Optional[bool] = ..., vendor_task_id: _Optional[str] = ..., outcome: _Optional[_Union[AttemptOutcome, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., submit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quote: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cost_basis: _Optional[str] = ..., failure: _Optional[_Union[ClipFailure, _Mapping]] = ...) -> None: ...

class Clip(_message.Message):
    __slots__ = ("id", "index", "model", "state", "attempts", "attempt_count", "target_duration", "requested_duration", "actual_duration", "duration_difference", "original_target_duration", "width", "height", "fps", "cost", "generation_time", "video_id", "failure", "progress", "iteration", "seed")
    ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TARGET_DURATION_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_DURATION_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_DURATION_FIELD_NUMBER: _ClassVar[int]
    DURATION_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_TARGET_DURATION_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    GENERATION_TIME_FIELD_NUMBER: _ClassVar[int]
    VIDEO_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    id: str
    index: int
    model: str
    state: ClipState
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    attempt_count: int
    target_duration: _duration_pb2.Duration
    requested_duration: _duration_pb2.Duration
    actual_duration: _duration_pb2.Duration
    duration_difference: _duration_pb2.Duration
    original_target_duration: _duration_pb2.Duration
    width: int
    height: int
    fps: float
    cost: _common_pb2.Money
    generation_time: _duration_pb2.Duration
    video_id: str
    failure: ClipFailure
    progress: Progress
    iteration: int
    seed: int
    def __init__(self, id: _Optional[str] = ..., index: _Optional[int] = ..., model: _Optional[str] = ..., state: _Optional[_Union[ClipState, str]] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ..., attempt_count: _Optional[int] = ..., target_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., requested_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., actual_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., duration_difference: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., original_target_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., fps: _Optional[float] = ..., cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., generation_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., video_id: _Optional[str] = ..., failure: _Optional[_Union[ClipFailure, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., iteration: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "kind", "tenant_name", "creative_id", "state", "create_time", "start_time", "end_time", "expected_end_time", "prompt", "final_prompt", "requested_model", "model", "model_reason", "parameters", "clips", "videos", "progress", "quote", "held", "cost", "cost_unknown", "warnings", "error", "labels", "request_id", "last_event", "mock")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_END_TIME_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    FINAL_PROMPT_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_REASON_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    CLIPS_FIELD_NUMBER: _ClassVar[int]
    VIDEOS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    COST_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_FIELD_NUMBER: _ClassVar[int]
    MOCK_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: JobKind
    tenant_name: str
    creative_id: str
    state: JobState
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    expected_end_time: _timestamp_pb2.Timestamp
    prompt: str
    final_prompt: str
    requested_model: str
    model: str
    model_reason: str
    parameters: _media_pb2.VideoParameters
    clips: _containers.RepeatedCompositeFieldContainer[Clip]
    videos: _containers.RepeatedCompositeFieldContainer[_video_pb2.Video]
    progress: Progress
    quote: _quote_pb2.Quote
    held: _common_pb2.Money
    cost: _common_pb2.Money
    cost_unknown: bool
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    error: ClipFailure
    labels: _containers.ScalarMap[str, str]
    request_id: str
    last_event: int
    mock: bool
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[JobKind, str]] = ..., tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expected_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., prompt: _Optional[str] = ..., final_prompt: _Optional[str] = ..., requested_model: _Optional[str] = ..., model: _Optional[str] = ..., model_reason: _Optional[str] = ..., parameters: _Optional[_Union[_media_pb2.VideoParameters, _Mapping]] = ..., clips: _Optional[_Iterable[_Union[Clip, _Mapping]]] = ..., videos: _Optional[_Iterable[_Union[_video_pb2.Video, _Mapping]]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., quote: _Optional[_Union[_quote_pb2.Quote, _Mapping]] = ..., held: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cost_unknown: _Optional[bool] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ..., error: _Optional[_Union[ClipFailure, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ..., last_event: _Optional[int] = ..., mock: _Optional[bool] = ...) -> None: ...

class JobEvent(_message.Message):
    __slots__ = ("job_id", "seq", "time", "kind", "job_state", "progress", "clip_id", "clip_index", "clip_state", "clip_stage", "attempt_number", "attempt_outcome", "model", "video_id", "key", "cost", "failure", "message")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    JOB_STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CLIP_ID_FIELD_NUMBER: _ClassVar[int]
    CLIP_INDEX_FIELD_NUMBER: _ClassVar[int]
    CLIP_STATE_FIELD_NUMBER: _ClassVar[int]
    CLIP_STAGE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VIDEO_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    seq: int
    time: _timestamp_pb2.Timestamp
    kind: JobEventKind
    job_state: JobState
    progress: Progress
    clip_id: str
    clip_index: int
    clip_state: ClipState
    clip_stage: ProgressStage
    attempt_number: int
    attempt_outcome: AttemptOutcome
    model: str
    video_id: str
    key: str
    cost: _common_pb2.Money
    failure: ClipFailure
    message: str
    def __init__(self, job_id: _Optional[str] = ..., seq: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[JobEventKind, str]] = ..., job_state: _Optional[_Union[JobState, str]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., clip_id: _Optional[str] = ..., clip_index: _Optional[int] = ..., clip_state: _Optional[_Union[ClipState, str]] = ..., clip_stage: _Optional[_Union[ProgressStage, str]] = ..., attempt_number: _Optional[int] = ..., attempt_outcome: _Optional[_Union[AttemptOutcome, str]] = ..., model: _Optional[str] = ..., video_id: _Optional[str] = ..., key: _Optional[str] = ..., cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., failure: _Optional[_Union[ClipFailure, _Mapping]] = ..., message: _Optional[str] = ...) -> None: ...
