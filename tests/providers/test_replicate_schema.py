"""A row against its model's input schema: nothing is said of equals, and every kind of change is."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.catalogue import ADAPTERS, CATALOGUE
from providers.replicate_models import MODE_INPUTS, NOT_OFFERED
from providers.replicate_schema import differences, model_differences, question

_KLING = CATALOGUE.rows["replicate/kling-v2.5-turbo-pro"]
_SVD = CATALOGUE.rows["replicate/stable-video-diffusion"]
_ROWS = [row for row in ADAPTERS["replicate"].models if row.lifecycle.state != "retired"]

# As section 3.1 of the vendor page tells it, in the shape cog gives it: enumerations are schemas of their own.
_URI = {"type": "string", "format": "uri", "nullable": True}
_KLING_SCHEMAS: dict[str, Any] = {
    "duration": {"enum": [5, 10], "type": "integer", "title": "duration", "description": "An enumeration."},
    "aspect_ratio": {"enum": ["16:9", "9:16", "1:1"], "type": "string", "title": "aspect_ratio"},
    "Input": {
        "type": "object",
        "required": ["prompt"],
        "properties": {
            "prompt": {"type": "string", "title": "Prompt", "x-order": 0},
            "negative_prompt": {"type": "string", "default": ""},
            "start_image": _URI,
            "end_image": _URI,
            "aspect_ratio": {"allOf": [{"$ref": "#/components/schemas/aspect_ratio"}], "default": "16:9"},
            "duration": {"allOf": [{"$ref": "#/components/schemas/duration"}], "default": 5},
            "image": {**_URI, "deprecated": True},
            "guidance_scale": {"type": "number", "nullable": True, "deprecated": True},
        },
    },
}
_SVD_SCHEMAS: dict[str, Any] = {
    "video_length": {"enum": ["14_frames_with_svd", "25_frames_with_svd_xt"], "type": "string"},
    "sizing_strategy": {
        "enum": ["maintain_aspect_ratio", "crop_to_16_9", "use_image_dimensions"],
        "type": "string",
    },
    "Input": {
        "type": "object",
        "required": ["input_image"],
        "properties": {
            "input_image": {"type": "string", "format": "uri"},
            "video_length": {"allOf": [{"$ref": "#/components/schemas/video_length"}]},
            "sizing_strategy": {"allOf": [{"$ref": "#/components/schemas/sizing_strategy"}]},
            "frames_per_second": {"type": "integer", "minimum": 5, "maximum": 30, "default": 6},
            "motion_bucket_id": {"type": "integer", "minimum": 1, "maximum": 255, "default": 127},
            "cond_aug": {"type": "number", "default": 0.02},
            "decoding_t": {"type": "integer", "default": 14},
            "seed": {"type": "integer"},
        },
    },
}


def _kling(change: Callable[[dict[str, Any]], object]) -> list[str]:
    schemas = copy.deepcopy(_KLING_SCHEMAS)
    change(schemas)
    return differences(_KLING, schemas["Input"], schemas)


def _svd(change: Callable[[dict[str, Any]], object], version: str = _SVD.wire_version) -> list[str]:
    schemas = copy.deepcopy(_SVD_SCHEMAS)
    change(schemas)
    return differences(_SVD, schemas["Input"], schemas, version=version)


def test_equals() -> None:
    assert _kling(lambda _: None) == []
    assert _svd(lambda _: None) == []


_CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an input is renamed": (
        lambda schemas: schemas["Input"]["properties"].update(
            first_frame=schemas["Input"]["properties"].pop("start_image")
        ),
        "start_image: is sent, but the model does not know it",
    ),
    "its new name": (
        lambda schemas: schemas["Input"]["properties"].update(first_frame=_URI),
        "first_frame: the model takes it, the row does not know it",
    ),
    "a value goes": (
        lambda schemas: schemas["duration"].update(enum=[5]),
        "duration: we may send 10, the model takes 5",
    ),
    "a value comes": (
        lambda schemas: schemas["duration"].update(enum=[5, 10, 15]),
        "duration: the model also takes 15",
    ),
    "a ratio goes": (
        lambda schemas: schemas["aspect_ratio"].update(enum=["16:9", "9:16"]),
        "aspect_ratio: we may send '1:1', the model takes 16:9, 9:16",
    ),
    "an enumeration becomes a range": (
        lambda schemas: schemas["Input"]["properties"].update(
            duration={"type": "integer", "minimum": 3, "maximum": 15}
        ),
        "duration: the model's maximum is 15, the row's 10",
    ),
    "a range ends sooner": (
        lambda schemas: schemas["Input"]["properties"].update(duration={"type": "integer", "minimum": 5, "maximum": 8}),
        "duration: we may send 10, the model takes 5 to 8",
    ),
    "numbers become words": (
        lambda schemas: schemas["duration"].update(enum=["5", "10"], type="string"),
        "duration: we send 5, the model wants a value of type string",
    ),
    "an input is required": (
        lambda schemas: schemas["Input"].update(required=["prompt", "start_image"]),
        "start_image: is required, but not always sent",
    ),
    "an input goes out of use": (
        lambda schemas: schemas["Input"]["properties"]["start_image"].update(deprecated=True),
        "start_image: is sent, but the model calls it deprecated",
    ),
    "a default changes": (
        lambda schemas: schemas["Input"]["properties"]["duration"].update(default=10),
        "duration: the model's default is 10, the row's 5",
    ),
    "an input that is left alone goes": (
        lambda schemas: schemas["Input"]["properties"].pop("image"),
        "image: is left alone by the row, and the model does not know it any more",
    ),
    "the prompt is bounded": (
        lambda schemas: schemas["Input"]["properties"]["prompt"].update(maxLength=2500),
        "prompt: at most 2500 characters, the row allows 8000",
    ),
}


@pytest.mark.parametrize("name", _CHANGES)
def test_a_change_is_said(name: str) -> None:
    change, said = _CHANGES[name]
    assert said in _kling(change)


def test_a_changed_option_is_said() -> None:
    (said,) = _svd(lambda schemas: schemas["sizing_strategy"]["enum"].append("pad"))
    assert said.startswith("sizing_strategy: the row's choices are maintain_aspect_ratio, crop_to_16_9")
    assert said.endswith("the model's maintain_aspect_ratio, crop_to_16_9, use_image_dimensions, pad")
    assert _svd(lambda schemas: schemas["Input"]["properties"].pop("cond_aug")) == [
        "cond_aug: is an option of the row, but the model does not know it"
    ]
    assert _svd(lambda schemas: schemas["Input"]["properties"]["decoding_t"].update(minimum=2, type="number")) == [
        "decoding_t: is an option of type integer, the model wants number",
        "decoding_t: the model's minimum is 2, the row's 1",
    ]
    assert _svd(lambda schemas: schemas["Input"]["properties"]["frames_per_second"].update(minimum=8)) == [
        "frames_per_second: we may send 6, the model takes 8 to 30"
    ]


def test_the_default_of_a_ratio_is_ours_and_not_compared() -> None:
    def tall(schemas: dict[str, Any]) -> None:
        schemas["Input"]["properties"]["aspect_ratio"]["default"] = "9:16"

    assert _kling(tall) == []


def test_a_changed_default_of_sound_is_said() -> None:
    row = CATALOGUE.rows["replicate/kling-v2.6"]
    schema = {"properties": {"generate_audio": {"type": "boolean", "default": False}}}
    assert "generate_audio: the model's default is False, the row's True" in differences(row, schema)


def test_a_changed_version_is_said() -> None:
    assert _svd(lambda _: None, version="ab" * 32) == [f"the version is {'ab' * 32}, not {_SVD.wire_version}"]
    # Official models hide theirs, and no request names one.
    assert differences(_KLING, _KLING_SCHEMAS["Input"], _KLING_SCHEMAS, version="ab" * 32) == []


def test_fewer_references_are_said() -> None:
    row = CATALOGUE.rows["replicate/veo-3.1"]
    schema = {"properties": {"reference_images": {"type": "array", "maxItems": 2}}}
    assert "reference_images: at most 2, the row allows 3" in differences(row, schema)


def test_one_reference_is_no_list() -> None:
    row = CATALOGUE.rows["replicate/gen4-aleph"]
    schema = {"properties": {"reference_image": {"type": "array"}, "video": {"type": "string"}}}
    said = differences(replace(row, video=None, reference=row.video), schema)
    assert "reference_image: we send 'https://example.com/file', the model wants a value of type array" in said


def test_a_whole_answer_is_read() -> None:
    latest = {"id": "ab" * 32, "openapi_schema": {"components": {"schemas": _KLING_SCHEMAS}}}
    assert model_differences(_KLING, {"latest_version": latest}) == []
    shapeless: list[dict[str, object]] = [{}, {"latest_version": None}, {"latest_version": {"openapi_schema": []}}]
    for broken in shapeless:
        assert model_differences(_KLING, broken) == ["the model shows no input schema"]
    asked = question(_KLING)
    assert (asked.method, asked.path, asked.json) == ("GET", "/v1/models/kwaivgi/kling-v2.5-turbo-pro", None)
    assert asked.auth is not None


def test_a_retired_row_is_compared_with_nothing() -> None:
    assert differences(CATALOGUE.rows["replicate/sora-2"], {}) == []


def test_the_known_gaps_are_of_living_rows() -> None:
    living = {row.id for row in _ROWS}
    assert set(NOT_OFFERED) <= living
    for identifier, mode in MODE_INPUTS:
        assert CATALOGUE.rows[identifier].mode(mode) is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_PROPERTY = st.dictionaries(
    st.sampled_from(
        ["type", "enum", "allOf", "anyOf", "$ref", "minimum", "maximum", "maxLength", "deprecated", "default"]
    ),
    _JSON,
)


@settings(max_examples=60)
@given(
    st.sampled_from(_ROWS),
    st.dictionaries(st.sampled_from(["prompt", "duration", "image", "seed", "x"]), _PROPERTY | _JSON),
    _JSON,
)
def test_no_schema_breaks_it(row: Any, properties: dict[str, Any], required: object) -> None:
    said = differences(row, {"properties": properties, "required": required}, {"x": required})
    assert all(isinstance(each, str) for each in said)
    json.dumps(said)
