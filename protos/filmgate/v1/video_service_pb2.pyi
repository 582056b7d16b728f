import datetime

from filmgate.v1 import asset_pb2 as _asset_pb2
from filmgate.v1 import common_pb2 as _common_pb2
from filmgate.v1 import job_pb2 as _job_pb2
from filmgate.v1 import media_pb2 as _media_pb2
from filmgate.v1 import model_pb2 as _model_pb2
from filmgate.v1 import prompt_pb2 as _prompt_pb2
from filmgate.v1 import quote_pb2 as _quote_pb2
from filmgate.v1 import video_pb2 as _video_pb2
from filmgate.v1 import webhook_pb2 as _webhook_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_LOW: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_LOW: Priority
PRIORITY_NORMAL: Priority
PRIORITY_HIGH: Priority

class GenerateVideoRequest(_message.Message):
    __slots__ = ("tenant_name", "creative_id", "prompt", "model", "variations", "parameters", "first_frame", "last_frame", "reference_images", "source_video", "enhance_prompt", "fallback_models", "max_cost", "request_id", "wait", "validate_only", "webhook", "labels", "selection", "vendor_options", "allow_substitutions", "priority", "prompt_id")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VARIATIONS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    FIRST_FRAME_FIELD_NUMBER: _ClassVar[int]
    LAST_FRAME_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_IMAGES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_VIDEO_FIELD_NUMBER: _ClassVar[int]
    ENHANCE_PROMPT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_MODELS_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    VENDOR_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_SUBSTITUTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PROMPT_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    creative_id: str
    prompt: str
    model: str
    variations: int
    parameters: _media_pb2.VideoParameters
    first_frame: _media_pb2.MediaInput
    last_frame: _media_pb2.MediaInput
    reference_images: _containers.RepeatedCompositeFieldContainer[_media_pb2.ReferenceImage]
    source_video: _media_pb2.MediaInput
    enhance_prompt: bool
    fallback_models: _containers.RepeatedScalarFieldContainer[str]
    max_cost: _common_pb2.Money
    request_id: str
    wait: _duration_pb2.Duration
    validate_only: bool
    webhook: _webhook_pb2.Webhook
    labels: _containers.ScalarMap[str, str]
    selection: _media_pb2.Selection
    vendor_options: _struct_pb2.Struct
    allow_substitutions: bool
    priority: Priority
    prompt_id: str
    def __init__(self, tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., prompt: _Optional[str] = ..., model: _Optional[str] = ..., variations: _Optional[int] = ..., parameters: _Optional[_Union[_media_pb2.VideoParameters, _Mapping]] = ..., first_frame: _Optional[_Union[_media_pb2.MediaInput, _Mapping]] = ..., last_frame: _Optional[_Union[_media_pb2.MediaInput, _Mapping]] = ..., reference_images: _Optional[_Iterable[_Union[_media_pb2.ReferenceImage, _Mapping]]] = ..., source_video: _Optional[_Union[_media_pb2.MediaInput, _Mapping]] = ..., enhance_prompt: _Optional[bool] = ..., fallback_models: _Optional[_Iterable[str]] = ..., max_cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., request_id: _Optional[str] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., validate_only: _Optional[bool] = ..., webhook: _Optional[_Union[_webhook_pb2.Webhook, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., selection: _Optional[_Union[_media_pb2.Selection, _Mapping]] = ..., vendor_options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., allow_substitutions: _Optional[bool] = ..., priority: _Optional[_Union[Priority, str]] = ..., prompt_id: _Optional[str] = ...) -> None: ...

class GenerateVideoResponse(_message.Message):
    __slots__ = ("job", "quote", "model", "model_reason", "parameters", "warnings")
    JOB_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_REASON_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    quote: _quote_pb2.Quote
    model: str
    model_reason: str
    parameters: _media_pb2.VideoParameters
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., quote: _Optional[_Union[_quote_pb2.Quote, _Mapping]] = ..., model: _Optional[str] = ..., model_reason: _Optional[str] = ..., parameters: _Optional[_Union[_media_pb2.VideoParameters, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ...) -> None: ...

class BatchGenerateVideosRequest(_message.Message):
    __slots__ = ("tenant_name", "requests", "request_id", "validate_only")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    requests: _containers.RepeatedCompositeFieldContainer[GenerateVideoRequest]
    request_id: str
    validate_only: bool
    def __init__(self, tenant_name: _Optional[str] = ..., requests: _Optional[_Iterable[_Union[GenerateVideoRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchGenerateVideosResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[GenerateVideoResponse]
    def __init__(self, results: _Optional[_Iterable[_Union[GenerateVideoResponse, _Mapping]]] = ...) -> None: ...

class QuoteVideoRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: GenerateVideoRequest
    def __init__(self, request: _Optional[_Union[GenerateVideoRequest, _Mapping]] = ...) -> None: ...

class QuoteVideoResponse(_message.Message):
    __slots__ = ("quote", "model", "model_reason", "parameters", "warnings")
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_REASON_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    quote: _quote_pb2.Quote
    model: str
    model_reason: str
    parameters: _media_pb2.VideoParameters
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    def __init__(self, quote: _Optional[_Union[_quote_pb2.Quote, _Mapping]] = ..., model: _Optional[str] = ..., model_reason: _Optional[str] = ..., parameters: _Optional[_Union[_media_pb2.VideoParameters, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ...) -> None: ...

class ListVideoModelsRequest(_message.Message):
    __slots__ = ("tenant_name", "providers", "mode", "aspect_ratio", "duration", "max_price", "states")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ASPECT_RATIO_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    providers: _containers.RepeatedScalarFieldContainer[str]
    mode: _model_pb2.ModelModeKind
    aspect_ratio: str
    duration: _duration_pb2.Duration
    max_price: _common_pb2.Money
    states: _containers.RepeatedScalarFieldContainer[_model_pb2.ModelState]
    def __init__(self, tenant_name: _Optional[str] = ..., providers: _Optional[_Iterable[str]] = ..., mode: _Optional[_Union[_model_pb2.ModelModeKind, str]] = ..., aspect_ratio: _Optional[str] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_price: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., states: _Optional[_Iterable[_Union[_model_pb2.ModelState, str]]] = ...) -> None: ...

class ListVideoModelsResponse(_message.Message):
    __slots__ = ("models", "catalogue_revision", "default_model")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_REVISION_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_MODEL_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[_model_pb2.VideoModel]
    catalogue_revision: str
    default_model: str
    def __init__(self, models: _Optional[_Iterable[_Union[_model_pb2.VideoModel, _Mapping]]] = ..., catalogue_revision: _Optional[str] = ..., default_model: _Optional[str] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("tenant_name", "job_id")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    job_id: str
    def __init__(self, tenant_name: _Optional[str] = ..., job_id: _Optional[str] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("tenant_name", "page_size", "page_token", "states", "creative_id", "model", "create_time_from", "create_time_before", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_BEFORE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[_job_pb2.JobState]
    creative_id: str
    model: str
    create_time_from: _timestamp_pb2.Timestamp
    create_time_before: _timestamp_pb2.Timestamp
    labels: _containers.ScalarMap[str, str]
    def __init__(self, tenant_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_job_pb2.JobState, str]]] = ..., creative_id: _Optional[str] = ..., model: _Optional[str] = ..., create_time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_job_pb2.Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[_job_pb2.Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("tenant_name", "job_id")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    job_id: str
    def __init__(self, tenant_name: _Optional[str] = ..., job_id: _Optional[str] = ...) -> None: ...

class CancelJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("tenant_name", "job_id", "after_event")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    job_id: str
    after_event: int
    def __init__(self, tenant_name: _Optional[str] = ..., job_id: _Optional[str] = ..., after_event: _Optional[int] = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _job_pb2.JobEvent
    def __init__(self, event: _Optional[_Union[_job_pb2.JobEvent, _Mapping]] = ...) -> None: ...

class AdoptVerdict(_message.Message):
    __slots__ = ("vendor_task_id",)
    VENDOR_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    vendor_task_id: str
    def __init__(self, vendor_task_id: _Optional[str] = ...) -> None: ...

class ResubmitVerdict(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AbandonVerdict(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResolveClipRequest(_message.Message):
    __slots__ = ("tenant_name", "clip_id", "adopt", "resubmit", "abandon", "attempt_number", "note")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CLIP_ID_FIELD_NUMBER: _ClassVar[int]
    ADOPT_FIELD_NUMBER: _ClassVar[int]
    RESUBMIT_FIELD_NUMBER: _ClassVar[int]
    ABANDON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    clip_id: str
    adopt: AdoptVerdict
    resubmit: ResubmitVerdict
    abandon: AbandonVerdict
    attempt_number: int
    note: str
    def __init__(self, tenant_name: _Optional[str] = ..., clip_id: _Optional[str] = ..., adopt: _Optional[_Union[AdoptVerdict, _Mapping]] = ..., resubmit: _Optional[_Union[ResubmitVerdict, _Mapping]] = ..., abandon: _Optional[_Union[AbandonVerdict, _Mapping]] = ..., attempt_number: _Optional[int] = ..., note: _Optional[str] = ...) -> None: ...

class ResolveClipResponse(_message.Message):
    __slots__ = ("job", "clip", "warnings")
    JOB_FIELD_NUMBER: _ClassVar[int]
    CLIP_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    clip: _job_pb2.Clip
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., clip: _Optional[_Union[_job_pb2.Clip, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ...) -> None: ...

class GetVideoRequest(_message.Message):
    __slots__ = ("tenant_name", "video_id", "url_ttl")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    VIDEO_ID_FIELD_NUMBER: _ClassVar[int]
    URL_TTL_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    video_id: str
    url_ttl: _duration_pb2.Duration
    def __init__(self, tenant_name: _Optional[str] = ..., video_id: _Optional[str] = ..., url_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetVideoResponse(_message.Message):
    __slots__ = ("video",)
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    video: _video_pb2.Video
    def __init__(self, video: _Optional[_Union[_video_pb2.Video, _Mapping]] = ...) -> None: ...

class ListVideosRequest(_message.Message):
    __slots__ = ("tenant_name", "page_size", "page_token", "creative_id", "model", "create_time_from", "create_time_before", "labels", "job_id", "url_ttl")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_BEFORE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    URL_TTL_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    page_size: int
    page_token: str
    creative_id: str
    model: str
    create_time_from: _timestamp_pb2.Timestamp
    create_time_before: _timestamp_pb2.Timestamp
    labels: _containers.ScalarMap[str, str]
    job_id: str
    url_ttl: _duration_pb2.Duration
    def __init__(self, tenant_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., creative_id: _Optional[str] = ..., model: _Optional[str] = ..., create_time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., job_id: _Optional[str] = ..., url_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ListVideosResponse(_message.Message):
    __slots__ = ("videos", "next_page_token")
    VIDEOS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    videos: _containers.RepeatedCompositeFieldContainer[_video_pb2.Video]
    next_page_token: str
    def __init__(self, videos: _Optional[_Iterable[_Union[_video_pb2.Video, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteVideoRequest(_message.Message):
    __slots__ = ("tenant_name", "video_id")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    VIDEO_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    video_id: str
    def __init__(self, tenant_name: _Optional[str] = ..., video_id: _Optional[str] = ...) -> None: ...

class DeleteVideoResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AssetMetadata(_message.Message):
    __slots__ = ("tenant_name", "filename", "mime_type", "size", "sha256")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    filename: str
    mime_type: str
    size: int
    sha256: str
    def __init__(self, tenant_name: _Optional[str] = ..., filename: _Optional[str] = ..., mime_type: _Optional[str] = ..., size: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...

class UploadAssetRequest(_message.Message):
    __slots__ = ("metadata", "chunk")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    metadata: AssetMetadata
    chunk: bytes
    def __init__(self, metadata: _Optional[_Union[AssetMetadata, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class UploadAssetResponse(_message.Message):
    __slots__ = ("asset",)
    ASSET_FIELD_NUMBER: _ClassVar[int]
    asset: _asset_pb2.Asset
    def __init__(self, asset: _Optional[_Union[_asset_pb2.Asset, _Mapping]] = ...) -> None: ...

class GetAssetRequest(_message.Message):
    __slots__ = ("tenant_name", "asset_id", "url_ttl")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    URL_TTL_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    asset_id: str
    url_ttl: _duration_pb2.Duration
    def __init__(self, tenant_name: _Optional[str] = ..., asset_id: _Optional[str] = ..., url_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetAssetResponse(_message.Message):
    __slots__ = ("asset",)
    ASSET_FIELD_NUMBER: _ClassVar[int]
    asset: _asset_pb2.Asset
    def __init__(self, asset: _Optional[_Union[_asset_pb2.Asset, _Mapping]] = ...) -> None: ...

class ListAssetsRequest(_message.Message):
    __slots__ = ("tenant_name", "page_size", "page_token", "kind")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    page_size: int
    page_token: str
    kind: _asset_pb2.AssetKind
    def __init__(self, tenant_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., kind: _Optional[_Union[_asset_pb2.AssetKind, str]] = ...) -> None: ...

class ListAssetsResponse(_message.Message):
    __slots__ = ("assets", "next_page_token")
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    assets: _containers.RepeatedCompositeFieldContainer[_asset_pb2.Asset]
    next_page_token: str
    def __init__(self, assets: _Optional[_Iterable[_Union[_asset_pb2.Asset, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteAssetRequest(_message.Message):
    __slots__ = ("tenant_name", "asset_id")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    asset_id: str
    def __init__(self, tenant_name: _Optional[str] = ..., asset_id: _Optional[str] = ...) -> None: ...

class DeleteAssetResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetLineageRequest(_message.Message):
    __slots__ = ("tenant_name", "creative_id", "page_size", "page_token")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    creative_id: str
    page_size: int
    page_token: str
    def __init__(self, tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetLineageResponse(_message.Message):
    __slots__ = ("iterations", "prompts", "costs", "next_page_token")
    ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    iterations: _containers.RepeatedCompositeFieldContainer[_prompt_pb2.LineageIteration]
    prompts: _containers.RepeatedCompositeFieldContainer[_prompt_pb2.Prompt]
    costs: _containers.RepeatedCompositeFieldContainer[StageCost]
    next_page_token: str
    def __init__(self, iterations: _Optional[_Iterable[_Union[_prompt_pb2.LineageIteration, _Mapping]]] = ..., prompts: _Optional[_Iterable[_Union[_prompt_pb2.Prompt, _Mapping]]] = ..., costs: _Optional[_Iterable[_Union[StageCost, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StageCost(_message.Message):
    __slots__ = ("stage", "cost", "cost_unknown")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    COST_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    stage: _quote_pb2.CostStage
    cost: _common_pb2.Money
    cost_unknown: bool
    def __init__(self, stage: _Optional[_Union[_quote_pb2.CostStage, str]] = ..., cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cost_unknown: _Optional[bool] = ...) -> None: ...
