import datetime

from filmgate.v1 import common_pb2 as _common_pb2
from filmgate.v1 import media_pb2 as _media_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_STATE_UNSPECIFIED: _ClassVar[ModelState]
    MODEL_STATE_LIVE: _ClassVar[ModelState]
    MODEL_STATE_MOCK: _ClassVar[ModelState]
    MODEL_STATE_UNAVAILABLE: _ClassVar[ModelState]
    MODEL_STATE_RETIRED: _ClassVar[ModelState]

class ModelLifecycle(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_LIFECYCLE_UNSPECIFIED: _ClassVar[ModelLifecycle]
    MODEL_LIFECYCLE_LIVE: _ClassVar[ModelLifecycle]
    MODEL_LIFECYCLE_DEPRECATED: _ClassVar[ModelLifecycle]
    MODEL_LIFECYCLE_RETIRED: _ClassVar[ModelLifecycle]

class ModelModeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_MODE_KIND_UNSPECIFIED: _ClassVar[ModelModeKind]
    MODEL_MODE_KIND_TEXT: _ClassVar[ModelModeKind]
    MODEL_MODE_KIND_IMAGE: _ClassVar[ModelModeKind]
    MODEL_MODE_KIND_REFERENCE: _ClassVar[ModelModeKind]
    MODEL_MODE_KIND_VIDEO: _ClassVar[ModelModeKind]

class SpeedClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPEED_CLASS_UNSPECIFIED: _ClassVar[SpeedClass]
    SPEED_CLASS_FAST: _ClassVar[SpeedClass]
    SPEED_CLASS_MEDIUM: _ClassVar[SpeedClass]
    SPEED_CLASS_SLOW: _ClassVar[SpeedClass]

class PriceUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_UNIT_UNSPECIFIED: _ClassVar[PriceUnit]
    PRICE_UNIT_SECOND: _ClassVar[PriceUnit]
    PRICE_UNIT_VIDEO: _ClassVar[PriceUnit]
    PRICE_UNIT_COMPUTE_SECOND: _ClassVar[PriceUnit]
    PRICE_UNIT_MILLION_TOKENS: _ClassVar[PriceUnit]

class VendorOptionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VENDOR_OPTION_TYPE_UNSPECIFIED: _ClassVar[VendorOptionType]
    VENDOR_OPTION_TYPE_BOOL: _ClassVar[VendorOptionType]
    VENDOR_OPTION_TYPE_INTEGER: _ClassVar[VendorOptionType]
    VENDOR_OPTION_TYPE_NUMBER: _ClassVar[VendorOptionType]
    VENDOR_OPTION_TYPE_STRING: _ClassVar[VendorOptionType]
MODEL_STATE_UNSPECIFIED: ModelState
MODEL_STATE_LIVE: ModelState
MODEL_STATE_MOCK: ModelState
MODEL_STATE_UNAVAILABLE: ModelState
MODEL_STATE_RETIRED: ModelState
MODEL_LIFECYCLE_UNSPECIFIED: ModelLifecycle
MODEL_LIFECYCLE_LIVE: ModelLifecycle
MODEL_LIFECYCLE_DEPRECATED: ModelLifecycle
MODEL_LIFECYCLE_RETIRED: ModelLifecycle
MODEL_MODE_KIND_UNSPECIFIED: ModelModeKind
MODEL_MODE_KIND_TEXT: ModelModeKind
MODEL_MODE_KIND_IMAGE: ModelModeKind
MODEL_MODE_KIND_REFERENCE: ModelModeKind
MODEL_MODE_KIND_VIDEO: ModelModeKind
SPEED_CLASS_UNSPECIFIED: SpeedClass
SPEED_CLASS_FAST: SpeedClass
SPEED_CLASS_MEDIUM: SpeedClass
SPEED_CLASS_SLOW: SpeedClass
PRICE_UNIT_UNSPECIFIED: PriceUnit
PRICE_UNIT_SECOND: PriceUnit
PRICE_UNIT_VIDEO: PriceUnit
PRICE_UNIT_COMPUTE_SECOND: PriceUnit
PRICE_UNIT_MILLION_TOKENS: PriceUnit
VENDOR_OPTION_TYPE_UNSPECIFIED: VendorOptionType
VENDOR_OPTION_TYPE_BOOL: VendorOptionType
VENDOR_OPTION_TYPE_INTEGER: VendorOptionType
VENDOR_OPTION_TYPE_NUMBER: VendorOptionType
VENDOR_OPTION_TYPE_STRING: VendorOptionType

class DurationChoices(_message.Message):
    __slots__ = ("choices",)
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    choices: _containers.RepeatedCompositeFieldContainer[_duration_pb2.Duration]
    def __init__(self, choices: _Optional[_Iterable[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]]] = ...) -> None: ...

class DurationSpan(_message.Message):
    __slots__ = ("min", "max", "step")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    min: _duration_pb2.Duration
    max: _duration_pb2.Duration
    step: _duration_pb2.Duration
    def __init__(self, min: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DurationFrames(_message.Message):
    __slots__ = ("counts", "fps")
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.RepeatedScalarFieldContainer[int]
    fps: float
    def __init__(self, counts: _Optional[_Iterable[int]] = ..., fps: _Optional[float] = ...) -> None: ...

class ModelSize(_message.Message):
    __slots__ = ("aspect_ratio", "resolution", "width", "height")
    ASPECT_RATIO_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    aspect_ratio: str
    resolution: str
    width: int
    height: int
    def __init__(self, aspect_ratio: _Optional[str] = ..., resolution: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class ResolutionDurations(_message.Message):
    __slots__ = ("resolution", "choices", "span", "frames")
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    resolution: str
    choices: DurationChoices
    span: DurationSpan
    frames: DurationFrames
    def __init__(self, resolution: _Optional[str] = ..., choices: _Optional[_Union[DurationChoices, _Mapping]] = ..., span: _Optional[_Union[DurationSpan, _Mapping]] = ..., frames: _Optional[_Union[DurationFrames, _Mapping]] = ...) -> None: ...

class ModelMode(_message.Message):
    __slots__ = ("kind", "choices", "span", "frames", "sizes", "aspect_ratios", "resolutions", "ratio_from_image", "default_price", "resolution_durations")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    ASPECT_RATIOS_FIELD_NUMBER: _ClassVar[int]
    RESOLUTIONS_FIELD_NUMBER: _ClassVar[int]
    RATIO_FROM_IMAGE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_PRICE_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_DURATIONS_FIELD_NUMBER: _ClassVar[int]
    kind: ModelModeKind
    choices: DurationChoices
    span: DurationSpan
    frames: DurationFrames
    sizes: _containers.RepeatedCompositeFieldContainer[ModelSize]
    aspect_ratios: _containers.RepeatedScalarFieldContainer[str]
    resolutions: _containers.RepeatedScalarFieldContainer[str]
    ratio_from_image: bool
    default_price: _common_pb2.Money
    resolution_durations: _containers.RepeatedCompositeFieldContainer[ResolutionDurations]
    def __init__(self, kind: _Optional[_Union[ModelModeKind, str]] = ..., choices: _Optional[_Union[DurationChoices, _Mapping]] = ..., span: _Optional[_Union[DurationSpan, _Mapping]] = ..., frames: _Optional[_Union[DurationFrames, _Mapping]] = ..., sizes: _Optional[_Iterable[_Union[ModelSize, _Mapping]]] = ..., aspect_ratios: _Optional[_Iterable[str]] = ..., resolutions: _Optional[_Iterable[str]] = ..., ratio_from_image: _Optional[bool] = ..., default_price: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., resolution_durations: _Optional[_Iterable[_Union[ResolutionDurations, _Mapping]]] = ...) -> None: ...

class ModelPrice(_message.Message):
    __slots__ = ("price", "unit", "conditions", "since_date", "check_date", "source_uri", "least")
    class ConditionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PRICE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    SINCE_DATE_FIELD_NUMBER: _ClassVar[int]
    CHECK_DATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_URI_FIELD_NUMBER: _ClassVar[int]
    LEAST_FIELD_NUMBER: _ClassVar[int]
    price: _common_pb2.Money
    unit: PriceUnit
    conditions: _containers.ScalarMap[str, str]
    since_date: str
    check_date: str
    source_uri: str
    least: _common_pb2.Money
    def __init__(self, price: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., unit: _Optional[_Union[PriceUnit, str]] = ..., conditions: _Optional[_Mapping[str, str]] = ..., since_date: _Optional[str] = ..., check_date: _Optional[str] = ..., source_uri: _Optional[str] = ..., least: _Optional[_Union[_common_pb2.Money, _Mapping]] = ...) -> None: ...

class QualityTier(_message.Message):
    __slots__ = ("quality", "resolution")
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    quality: _media_pb2.Quality
    resolution: str
    def __init__(self, quality: _Optional[_Union[_media_pb2.Quality, str]] = ..., resolution: _Optional[str] = ...) -> None: ...

class VendorOption(_message.Message):
    __slots__ = ("name", "type", "choices", "minimum", "maximum")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: VendorOptionType
    choices: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Value]
    minimum: float
    maximum: float
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[VendorOptionType, str]] = ..., choices: _Optional[_Iterable[_Union[_struct_pb2.Value, _Mapping]]] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ...) -> None: ...

class VideoModel(_message.Message):
    __slots__ = ("id", "title", "provider", "family", "lifecycle", "retire_date", "successor", "state", "state_reason", "aliases", "modes", "capabilities", "fps", "has_audio", "prompt_limit", "prompt_limit_utf16", "prices", "quality_rank", "speed_class", "best_for", "typical_seconds_p50", "typical_seconds_p90", "deadline", "motions", "qualities", "vendor_options", "cancel_cost", "default_fallbacks", "notes", "days_left", "references", "references_with_frame", "longest_source", "paused", "check_date")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_FIELD_NUMBER: _ClassVar[int]
    RETIRE_DATE_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    MODES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    HAS_AUDIO_FIELD_NUMBER: _ClassVar[int]
    PROMPT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_LIMIT_UTF16_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    QUALITY_RANK_FIELD_NUMBER: _ClassVar[int]
    SPEED_CLASS_FIELD_NUMBER: _ClassVar[int]
    BEST_FOR_FIELD_NUMBER: _ClassVar[int]
    TYPICAL_SECONDS_P50_FIELD_NUMBER: _ClassVar[int]
    TYPICAL_SECONDS_P90_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    MOTIONS_FIELD_NUMBER: _ClassVar[int]
    QUALITIES_FIELD_NUMBER: _ClassVar[int]
    VENDOR_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_COST_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FALLBACKS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    DAYS_LEFT_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_WITH_FRAME_FIELD_NUMBER: _ClassVar[int]
    LONGEST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    CHECK_DATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    provider: str
    family: str
    lifecycle: ModelLifecycle
    retire_date: str
    successor: str
    state: ModelState
    state_reason: str
    aliases: _containers.RepeatedScalarFieldContainer[str]
    modes: _containers.RepeatedCompositeFieldContainer[ModelMode]
    capabilities: _containers.RepeatedScalarFieldContainer[_media_pb2.ModelCapability]
    fps: float
    has_audio: bool
    prompt_limit: int
    prompt_limit_utf16: bool
    prices: _containers.RepeatedCompositeFieldContainer[ModelPrice]
    quality_rank: int
    speed_class: SpeedClass
    best_for: str
    typical_seconds_p50: int
    typical_seconds_p90: int
    deadline: _duration_pb2.Duration
    motions: _containers.RepeatedScalarFieldContainer[_media_pb2.Motion]
    qualities: _containers.RepeatedCompositeFieldContainer[QualityTier]
    vendor_options: _containers.RepeatedCompositeFieldContainer[VendorOption]
    cancel_cost: str
    default_fallbacks: _containers.RepeatedScalarFieldContainer[str]
    notes: str
    days_left: int
    references: int
    references_with_frame: bool
    longest_source: _duration_pb2.Duration
    paused: bool
    check_date: str
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., provider: _Optional[str] = ..., family: _Optional[str] = ..., lifecycle: _Optional[_Union[ModelLifecycle, str]] = ..., retire_date: _Optional[str] = ..., successor: _Optional[str] = ..., state: _Optional[_Union[ModelState, str]] = ..., state_reason: _Optional[str] = ..., aliases: _Optional[_Iterable[str]] = ..., modes: _Optional[_Iterable[_Union[ModelMode, _Mapping]]] = ..., capabilities: _Optional[_Iterable[_Union[_media_pb2.ModelCapability, str]]] = ..., fps: _Optional[float] = ..., has_audio: _Optional[bool] = ..., prompt_limit: _Optional[int] = ..., prompt_limit_utf16: _Optional[bool] = ..., prices: _Optional[_Iterable[_Union[ModelPrice, _Mapping]]] = ..., quality_rank: _Optional[int] = ..., speed_class: _Optional[_Union[SpeedClass, str]] = ..., best_for: _Optional[str] = ..., typical_seconds_p50: _Optional[int] = ..., typical_seconds_p90: _Optional[int] = ..., deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., motions: _Optional[_Iterable[_Union[_media_pb2.Motion, str]]] = ..., qualities: _Optional[_Iterable[_Union[QualityTier, _Mapping]]] = ..., vendor_options: _Optional[_Iterable[_Union[VendorOption, _Mapping]]] = ..., cancel_cost: _Optional[str] = ..., default_fallbacks: _Optional[_Iterable[str]] = ..., notes: _Optional[str] = ..., days_left: _Optional[int] = ..., references: _Optional[int] = ..., references_with_frame: _Optional[bool] = ..., longest_source: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., paused: _Optional[bool] = ..., check_date: _Optional[str] = ...) -> None: ...
