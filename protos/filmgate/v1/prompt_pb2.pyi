import datetime

from filmgate.v1 import common_pb2 as _common_pb2
from filmgate.v1 import media_pb2 as _media_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PromptSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMPT_SOURCE_UNSPECIFIED: _ClassVar[PromptSource]
    PROMPT_SOURCE_LLM: _ClassVar[PromptSource]
    PROMPT_SOURCE_RULES: _ClassVar[PromptSource]

class PromptKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMPT_KIND_UNSPECIFIED: _ClassVar[PromptKind]
    PROMPT_KIND_QUANTIFY: _ClassVar[PromptKind]
    PROMPT_KIND_REGENERATE: _ClassVar[PromptKind]
    PROMPT_KIND_ENHANCE: _ClassVar[PromptKind]

class SceneType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCENE_TYPE_UNSPECIFIED: _ClassVar[SceneType]
    SCENE_TYPE_VIDEO: _ClassVar[SceneType]
    SCENE_TYPE_CARD: _ClassVar[SceneType]
PROMPT_SOURCE_UNSPECIFIED: PromptSource
PROMPT_SOURCE_LLM: PromptSource
PROMPT_SOURCE_RULES: PromptSource
PROMPT_KIND_UNSPECIFIED: PromptKind
PROMPT_KIND_QUANTIFY: PromptKind
PROMPT_KIND_REGENERATE: PromptKind
PROMPT_KIND_ENHANCE: PromptKind
SCENE_TYPE_UNSPECIFIED: SceneType
SCENE_TYPE_VIDEO: SceneType
SCENE_TYPE_CARD: SceneType

class PromptWords(_message.Message):
    __slots__ = ("start", "end", "text")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    text: str
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class PromptReading(_message.Message):
    __slots__ = ("field", "value", "confidence", "words")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    field: str
    value: str
    confidence: float
    words: _containers.RepeatedCompositeFieldContainer[PromptWords]
    def __init__(self, field: _Optional[str] = ..., value: _Optional[str] = ..., confidence: _Optional[float] = ..., words: _Optional[_Iterable[_Union[PromptWords, _Mapping]]] = ...) -> None: ...

class PromptChange(_message.Message):
    __slots__ = ("field", "before", "after", "why")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    field: str
    before: str
    after: str
    why: str
    def __init__(self, field: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class Prompt(_message.Message):
    __slots__ = ("id", "tenant_name", "creative_id", "kind", "input", "prompt", "parameters", "camera", "mood", "readings", "source", "model", "llm_model", "input_tokens", "output_tokens", "cost", "cost_unknown", "warnings", "parent_prompt_id", "job_id", "feedback", "iteration", "changes", "create_time", "mock")
    ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    MOOD_FIELD_NUMBER: _ClassVar[int]
    READINGS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LLM_MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    COST_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    PARENT_PROMPT_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MOCK_FIELD_NUMBER: _ClassVar[int]
    id: str
    tenant_name: str
    creative_id: str
    kind: PromptKind
    input: str
    prompt: str
    parameters: _media_pb2.VideoParameters
    camera: _containers.RepeatedScalarFieldContainer[str]
    mood: str
    readings: _containers.RepeatedCompositeFieldContainer[PromptReading]
    source: PromptSource
    model: str
    llm_model: str
    input_tokens: int
    output_tokens: int
    cost: _common_pb2.Money
    cost_unknown: bool
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    parent_prompt_id: str
    job_id: str
    feedback: str
    iteration: int
    changes: _containers.RepeatedCompositeFieldContainer[PromptChange]
    create_time: _timestamp_pb2.Timestamp
    mock: bool
    def __init__(self, id: _Optional[str] = ..., tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., kind: _Optional[_Union[PromptKind, str]] = ..., input: _Optional[str] = ..., prompt: _Optional[str] = ..., parameters: _Optional[_Union[_media_pb2.VideoParameters, _Mapping]] = ..., camera: _Optional[_Iterable[str]] = ..., mood: _Optional[str] = ..., readings: _Optional[_Iterable[_Union[PromptReading, _Mapping]]] = ..., source: _Optional[_Union[PromptSource, str]] = ..., model: _Optional[str] = ..., llm_model: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cost_unknown: _Optional[bool] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ..., parent_prompt_id: _Optional[str] = ..., job_id: _Optional[str] = ..., feedback: _Optional[str] = ..., iteration: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[PromptChange, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., mock: _Optional[bool] = ...) -> None: ...

class ScriptScene(_message.Message):
    __slots__ = ("id", "type", "video_prompt_template", "video_prompt", "use_product_image", "duration", "narration", "text")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VIDEO_PROMPT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    VIDEO_PROMPT_FIELD_NUMBER: _ClassVar[int]
    USE_PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    NARRATION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: SceneType
    video_prompt_template: str
    video_prompt: str
    use_product_image: bool
    duration: _duration_pb2.Duration
    narration: str
    text: str
    def __init__(self, id: _Optional[str] = ..., type: _Optional[_Union[SceneType, str]] = ..., video_prompt_template: _Optional[str] = ..., video_prompt: _Optional[str] = ..., use_product_image: _Optional[bool] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., narration: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Script(_message.Message):
    __slots__ = ("id", "tenant_name", "creative_id", "product_name", "style", "cta_text", "scenes", "duration", "aspect_ratio", "source", "model", "llm_model", "input_tokens", "output_tokens", "cost", "cost_unknown", "warnings", "create_time", "mock")
    ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_NAME_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    CTA_TEXT_FIELD_NUMBER: _ClassVar[int]
    SCENES_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    ASPECT_RATIO_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LLM_MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    COST_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MOCK_FIELD_NUMBER: _ClassVar[int]
    id: str
    tenant_name: str
    creative_id: str
    product_name: str
    style: str
    cta_text: str
    scenes: _containers.RepeatedCompositeFieldContainer[ScriptScene]
    duration: _duration_pb2.Duration
    aspect_ratio: str
    source: PromptSource
    model: str
    llm_model: str
    input_tokens: int
    output_tokens: int
    cost: _common_pb2.Money
    cost_unknown: bool
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    create_time: _timestamp_pb2.Timestamp
    mock: bool
    def __init__(self, id: _Optional[str] = ..., tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., product_name: _Optional[str] = ..., style: _Optional[str] = ..., cta_text: _Optional[str] = ..., scenes: _Optional[_Iterable[_Union[ScriptScene, _Mapping]]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., aspect_ratio: _Optional[str] = ..., source: _Optional[_Union[PromptSource, str]] = ..., model: _Optional[str] = ..., llm_model: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cost_unknown: _Optional[bool] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., mock: _Optional[bool] = ...) -> None: ...

class LineageIteration(_message.Message):
    __slots__ = ("iteration", "job_id", "clip_id", "video_id", "model", "state", "prompt_original", "prompt_final", "prompt_id", "cost", "cost_unknown", "create_time")
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLIP_ID_FIELD_NUMBER: _ClassVar[int]
    VIDEO_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_ORIGINAL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FINAL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_ID_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    COST_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    iteration: int
    job_id: str
    clip_id: str
    video_id: str
    model: str
    state: str
    prompt_original: str
    prompt_final: str
    prompt_id: str
    cost: _common_pb2.Money
    cost_unknown: bool
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, iteration: _Optional[int] = ..., job_id: _Optional[str] = ..., clip_id: _Optional[str] = ..., video_id: _Optional[str] = ..., model: _Optional[str] = ..., state: _Optional[str] = ..., prompt_original: _Optional[str] = ..., prompt_final: _Optional[str] = ..., prompt_id: _Optional[str] = ..., cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cost_unknown: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
