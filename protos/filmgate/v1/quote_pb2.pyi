from filmgate.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CostStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COST_STAGE_UNSPECIFIED: _ClassVar[CostStage]
    COST_STAGE_PROMPT: _ClassVar[CostStage]
    COST_STAGE_IMAGE: _ClassVar[CostStage]
    COST_STAGE_VIDEO: _ClassVar[CostStage]
    COST_STAGE_SPEECH: _ClassVar[CostStage]
COST_STAGE_UNSPECIFIED: CostStage
COST_STAGE_PROMPT: CostStage
COST_STAGE_IMAGE: CostStage
COST_STAGE_VIDEO: CostStage
COST_STAGE_SPEECH: CostStage

class QuoteLine(_message.Message):
    __slots__ = ("stage", "clip_index", "model", "expected", "held_max", "basis")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    CLIP_INDEX_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    HELD_MAX_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    stage: CostStage
    clip_index: int
    model: str
    expected: _common_pb2.Money
    held_max: _common_pb2.Money
    basis: str
    def __init__(self, stage: _Optional[_Union[CostStage, str]] = ..., clip_index: _Optional[int] = ..., model: _Optional[str] = ..., expected: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., held_max: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., basis: _Optional[str] = ...) -> None: ...

class Quote(_message.Message):
    __slots__ = ("expected", "held_max", "lines", "catalogue_revision")
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    HELD_MAX_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_REVISION_FIELD_NUMBER: _ClassVar[int]
    expected: _common_pb2.Money
    held_max: _common_pb2.Money
    lines: _containers.RepeatedCompositeFieldContainer[QuoteLine]
    catalogue_revision: str
    def __init__(self, expected: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., held_max: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., lines: _Optional[_Iterable[_Union[QuoteLine, _Mapping]]] = ..., catalogue_revision: _Optional[str] = ...) -> None: ...
