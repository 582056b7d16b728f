import datetime

from filmgate.v1 import common_pb2 as _common_pb2
from filmgate.v1 import media_pb2 as _media_pb2
from filmgate.v1 import prompt_pb2 as _prompt_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QuantifyPromptRequest(_message.Message):
    __slots__ = ("tenant_name", "creative_id", "text", "model", "max_cost", "request_id")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    creative_id: str
    text: str
    model: str
    max_cost: _common_pb2.Money
    request_id: str
    def __init__(self, tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., text: _Optional[str] = ..., model: _Optional[str] = ..., max_cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class QuantifyPromptResponse(_message.Message):
    __slots__ = ("prompt",)
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    prompt: _prompt_pb2.Prompt
    def __init__(self, prompt: _Optional[_Union[_prompt_pb2.Prompt, _Mapping]] = ...) -> None: ...

class RegeneratePromptRequest(_message.Message):
    __slots__ = ("tenant_name", "prompt_id", "job_id", "text", "feedback", "model", "creative_id", "max_cost", "request_id")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    PROMPT_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    prompt_id: str
    job_id: str
    text: str
    feedback: str
    model: str
    creative_id: str
    max_cost: _common_pb2.Money
    request_id: str
    def __init__(self, tenant_name: _Optional[str] = ..., prompt_id: _Optional[str] = ..., job_id: _Optional[str] = ..., text: _Optional[str] = ..., feedback: _Optional[str] = ..., model: _Optional[str] = ..., creative_id: _Optional[str] = ..., max_cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RegeneratePromptResponse(_message.Message):
    __slots__ = ("prompt",)
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    prompt: _prompt_pb2.Prompt
    def __init__(self, prompt: _Optional[_Union[_prompt_pb2.Prompt, _Mapping]] = ...) -> None: ...

class WriteScriptRequest(_message.Message):
    __slots__ = ("tenant_name", "creative_id", "product_name", "style", "cta_text", "product_image", "brief", "duration", "scenes", "aspect_ratio", "model", "max_cost", "request_id")
    TENANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_NAME_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    CTA_TEXT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    BRIEF_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    SCENES_FIELD_NUMBER: _ClassVar[int]
    ASPECT_RATIO_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_name: str
    creative_id: str
    product_name: str
    style: str
    cta_text: str
    product_image: _media_pb2.MediaInput
    brief: str
    duration: _duration_pb2.Duration
    scenes: int
    aspect_ratio: str
    model: str
    max_cost: _common_pb2.Money
    request_id: str
    def __init__(self, tenant_name: _Optional[str] = ..., creative_id: _Optional[str] = ..., product_name: _Optional[str] = ..., style: _Optional[str] = ..., cta_text: _Optional[str] = ..., product_image: _Optional[_Union[_media_pb2.MediaInput, _Mapping]] = ..., brief: _Optional[str] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., scenes: _Optional[int] = ..., aspect_ratio: _Optional[str] = ..., model: _Optional[str] = ..., max_cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class WriteScriptResponse(_message.Message):
    __slots__ = ("script",)
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    script: _prompt_pb2.Script
    def __init__(self, script: _Optional[_Union[_prompt_pb2.Script, _Mapping]] = ...) -> None: ...
