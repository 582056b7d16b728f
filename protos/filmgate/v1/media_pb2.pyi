import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Motion(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MOTION_UNSPECIFIED: _ClassVar[Motion]
    MOTION_LOW: _ClassVar[Motion]
    MOTION_MEDIUM: _ClassVar[Motion]
    MOTION_HIGH: _ClassVar[Motion]

class Quality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUALITY_UNSPECIFIED: _ClassVar[Quality]
    QUALITY_DRAFT: _ClassVar[Quality]
    QUALITY_STANDARD: _ClassVar[Quality]
    QUALITY_HIGH: _ClassVar[Quality]
    QUALITY_PREMIUM: _ClassVar[Quality]

class ReferenceRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFERENCE_ROLE_UNSPECIFIED: _ClassVar[ReferenceRole]
    REFERENCE_ROLE_SUBJECT: _ClassVar[ReferenceRole]
    REFERENCE_ROLE_CHARACTER: _ClassVar[ReferenceRole]
    REFERENCE_ROLE_SCENE: _ClassVar[ReferenceRole]
    REFERENCE_ROLE_STYLE: _ClassVar[ReferenceRole]

class ModelCapability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_CAPABILITY_UNSPECIFIED: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_TEXT_TO_VIDEO: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_FIRST_FRAME: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_LAST_FRAME: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_REFERENCE_IMAGES: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_SOURCE_VIDEO: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_AUDIO: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_SEED: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_NEGATIVE_PROMPT: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_FPS: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_MOTION: _ClassVar[ModelCapability]
    MODEL_CAPABILITY_CANCEL: _ClassVar[ModelCapability]

class SelectionStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELECTION_STRATEGY_UNSPECIFIED: _ClassVar[SelectionStrategy]
    SELECTION_STRATEGY_CHEAPEST: _ClassVar[SelectionStrategy]
    SELECTION_STRATEGY_FASTEST: _ClassVar[SelectionStrategy]
    SELECTION_STRATEGY_BEST: _ClassVar[SelectionStrategy]
MOTION_UNSPECIFIED: Motion
MOTION_LOW: Motion
MOTION_MEDIUM: Motion
MOTION_HIGH: Motion
QUALITY_UNSPECIFIED: Quality
QUALITY_DRAFT: Quality
QUALITY_STANDARD: Quality
QUALITY_HIGH: Quality
QUALITY_PREMIUM: Quality
REFERENCE_ROLE_UNSPECIFIED: ReferenceRole
REFERENCE_ROLE_SUBJECT: ReferenceRole
REFERENCE_ROLE_CHARACTER: ReferenceRole
REFERENCE_ROLE_SCENE: ReferenceRole
REFERENCE_ROLE_STYLE: ReferenceRole
MODEL_CAPABILITY_UNSPECIFIED: ModelCapability
MODEL_CAPABILITY_TEXT_TO_VIDEO: ModelCapability
MODEL_CAPABILITY_FIRST_FRAME: ModelCapability
MODEL_CAPABILITY_LAST_FRAME: ModelCapability
MODEL_CAPABILITY_REFERENCE_IMAGES: ModelCapability
MODEL_CAPABILITY_SOURCE_VIDEO: ModelCapability
MODEL_CAPABILITY_AUDIO: ModelCapability
MODEL_CAPABILITY_SEED: ModelCapability
MODEL_CAPABILITY_NEGATIVE_PROMPT: ModelCapability
MODEL_CAPABILITY_FPS: ModelCapability
MODEL_CAPABILITY_MOTION: ModelCapability
MODEL_CAPABILITY_CANCEL: ModelCapability
SELECTION_STRATEGY_UNSPECIFIED: SelectionStrategy
SELECTION_STRATEGY_CHEAPEST: SelectionStrategy
SELECTION_STRATEGY_FASTEST: SelectionStrategy
SELECTION_STRATEGY_BEST: SelectionStrategy

class VideoParameters(_message.Message):
    __slots__ = ("duration", "aspect_ratio", "resolution", "fps", "seed", "negative_prompt", "style", "motion", "quality", "audio")
    DURATION_FIELD_NUMBER: _ClassVar[int]
    ASPECT_RATIO_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_PROMPT_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    MOTION_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    duration: _duration_pb2.Duration
    aspect_ratio: str
    resolution: str
    fps: float
    seed: int
    negative_prompt: str
    style: str
    motion: Motion
    quality: Quality
    audio: bool
    def __init__(self, duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., aspect_ratio: _Optional[str] = ..., resolution: _Optional[str] = ..., fps: _Optional[float] = ..., seed: _Optional[int] = ..., negative_prompt: _Optional[str] = ..., style: _Optional[str] = ..., motion: _Optional[_Union[Motion, str]] = ..., quality: _Optional[_Union[Quality, str]] = ..., audio: _Optional[bool] = ...) -> None: ...

class InlineMedia(_message.Message):
    __slots__ = ("data", "mime_type")
    DATA_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    mime_type: str
    def __init__(self, data: _Optional[bytes] = ..., mime_type: _Optional[str] = ...) -> None: ...

class MediaInput(_message.Message):
    __slots__ = ("asset_id", "uri", "inline")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    INLINE_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    uri: str
    inline: InlineMedia
    def __init__(self, asset_id: _Optional[str] = ..., uri: _Optional[str] = ..., inline: _Optional[_Union[InlineMedia, _Mapping]] = ...) -> None: ...

class ReferenceImage(_message.Message):
    __slots__ = ("media", "role", "name")
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    media: MediaInput
    role: ReferenceRole
    name: str
    def __init__(self, media: _Optional[_Union[MediaInput, _Mapping]] = ..., role: _Optional[_Union[ReferenceRole, str]] = ..., name: _Optional[str] = ...) -> None: ...

class Selection(_message.Message):
    __slots__ = ("strategy", "required_capabilities")
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    strategy: SelectionStrategy
    required_capabilities: _containers.RepeatedScalarFieldContainer[ModelCapability]
    def __init__(self, strategy: _Optional[_Union[SelectionStrategy, str]] = ..., required_capabilities: _Optional[_Iterable[_Union[ModelCapability, str]]] = ...) -> None: ...
