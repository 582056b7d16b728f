"""Runway's validation by its table, and the small readers: forms, image heads, magic words."""

import io
from typing import Any

import pytest
from PIL import Image

from emulators.exchange import callback_token
from emulators.faults import FaultTable, Stage, UnknownFault
from emulators.forms import read_form
from emulators.images import from_data_uri, read_head
from emulators.vendors.replicate import cancel_after, find_version, prefer_wait
from emulators.vendors.replicate_models import REPLICATE_MODELS, svd_size
from emulators.vendors.runway import VENDOR as RUNWAY
from emulators.vendors.runway_checks import check

TEXT = {"model": "gen4.5", "promptText": "x", "ratio": "1280:720", "duration": 5}
IMAGE = {"model": "gen4_turbo", "promptImage": "https://example.com/a.png", "ratio": "1280:720"}
VEO = {"model": "veo3.1", "promptText": "x", "ratio": "1920:1080"}
FIRST = {"uri": "https://example.com/a.png", "position": "first"}
LAST = {"uri": "https://example.com/b.png", "position": "last"}

CASES: list[tuple[str, dict[str, Any], list[tuple[str, list[Any]]]]] = [
    ("text", TEXT, []),
    ("text", {**TEXT, "seed": 4294967295, "contentModeration": {"publicFigureThreshold": "low"}}, []),
    ("text", {**TEXT, "outputFormat": "prores", "proresProfile": "422 HQ"}, []),
    ("text", {**TEXT, "proresProfile": "422"}, [("custom", ["proresProfile"])]),
    ("text", {**TEXT, "model": "gen4_turbo"}, [("invalid_union_discriminator", ["model"])]),
    ("text", {**TEXT, "model": "gen3a_turbo"}, [("invalid_union_discriminator", ["model"])]),
    ("text", {"model": "gen4.5"}, [("invalid_type", [name]) for name in ("promptText", "ratio", "duration")]),
    ("text", {**TEXT, "promptText": "x" * 1001}, [("too_big", ["promptText"])]),
    ("text", {**TEXT, "promptText": "😀" * 501}, [("too_big", ["promptText"])]),
    ("text", {**TEXT, "promptText": "😀" * 500}, []),
    ("text", {**TEXT, "promptText": 5}, [("invalid_type", ["promptText"])]),
    ("text", {**TEXT, "duration": 1}, [("too_small", ["duration"])]),
    ("text", {**TEXT, "duration": 5.5}, [("invalid_type", ["duration"])]),
    ("text", {**TEXT, "duration": True}, [("invalid_type", ["duration"])]),
    ("text", {**TEXT, "ratio": "960:960"}, [("invalid_enum_value", ["ratio"])]),
    ("text", {**TEXT, "seed": -1}, [("too_small", ["seed"])]),
    ("text", {**TEXT, "contentModeration": "low"}, [("invalid_type", ["contentModeration"])]),
    (
        "text",
        {**TEXT, "contentModeration": {"publicFigureThreshold": "high"}},
        [("invalid_enum_value", ["contentModeration", "publicFigureThreshold"])],
    ),
    ("text", {**TEXT, "audio": True}, [("unrecognized_keys", [])]),
    ("text", {**VEO, "duration": 5}, [("invalid_enum_value", ["duration"])]),
    ("text", {**VEO, "duration": 8, "audio": False, "negativePrompt": "y"}, []),
    ("text", {**VEO, "audio": "yes"}, [("invalid_type", ["audio"])]),
    ("image", IMAGE, []),
    ("image", {**IMAGE, "ratio": "1584:672", "duration": 10, "promptImage": [FIRST]}, []),
    ("image", {**IMAGE, "promptImage": "http://example.com/a.png"}, [("custom", ["promptImage"])]),
    ("image", {**IMAGE, "promptImage": "https://127.0.0.1/a.png"}, [("custom", ["promptImage"])]),
    ("image", {**IMAGE, "promptImage": "https://[::1"}, [("custom", ["promptImage"])]),
    ("image", {**IMAGE, "promptImage": "https://e.com/" + "a" * 2048}, [("custom", ["promptImage"])]),
    ("image", {**IMAGE, "promptImage": "runway://known"}, []),
    ("image", {**IMAGE, "promptImage": "runway://other"}, [("custom", ["promptImage"])]),
    ("image", {**IMAGE, "promptImage": "data:image/png;base64,AAAA"}, [("custom", ["promptImage"])]),
    ("image", {**IMAGE, "promptImage": 7}, [("invalid_union", ["promptImage"])]),
    (
        "image",
        {**IMAGE, "promptImage": [{}]},
        [("invalid_type", ["promptImage", 0, "uri"]), ("custom", ["promptImage"])],
    ),
    (
        "image",
        {**IMAGE, "promptImage": [FIRST, LAST]},
        [("invalid_enum_value", ["promptImage", 1, "position"])],
    ),
    ("image", {**VEO, "promptImage": [FIRST, LAST]}, []),
    ("image", {**VEO, "promptImage": [LAST]}, [("custom", ["promptImage"])]),
]


@pytest.mark.parametrize(("route", "body", "expected"), CASES)
def test_runways_issues(route: str, body: dict[str, Any], expected: list[tuple[str, list[Any]]]) -> None:
    assert [(issue["code"], issue["path"]) for issue in check(route, body, {"runway://known"})] == expected


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})])
def test_image_heads(kind: str, options: dict[str, Any]) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (321, 123), "teal").save(stream, kind, **options)
    head = read_head(stream.getvalue())
    assert head is not None
    assert (head.mime_type, head.width, head.height) == (f"image/{kind.lower()}", 321, 123)
    assert read_head(stream.getvalue()[:10]) is None


def test_an_extended_webp_and_no_image() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (70, 50), (1, 2, 3, 4)).save(stream, "WEBP", exif=b"Exif\x00\x00")
    head = read_head(stream.getvalue())
    assert head is not None
    assert (head.width, head.height) == (70, 50)
    assert read_head(b"GIF89a") is None
    assert from_data_uri("data:image/png;base64,!!") is None
    assert from_data_uri("https://example.com/") is None


def test_forms() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="content"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x00\r\n--\xff\r\n--b\r\ncontent-disposition: form-data; name=metadata\r\n\r\n{}\r\n--b--\r\n"
    )
    parts = read_form("multipart/form-data; boundary=b", body)
    assert parts is not None
    assert (parts["content"].filename, parts["content"].content_type) == ("a.png", "image/png")
    assert parts["content"].data == b"\x00\r\n--\xff"
    assert parts["metadata"].data == b"{}"
    assert read_form("application/json", body) is None
    assert read_form("multipart/form-data; boundary=b", b"--b\r\n") is None


def test_magic_words() -> None:
    table = FaultTable({"runway": RUNWAY.played()})
    found = table.words("a [[fault:lost-reply]] b [[fault:poll/http-500*3]] [[fault:fail-SAFETY.INPUT.TEXT]]", "runway")
    assert [(word.fault.name, word.stage, word.times) for word in found] == [
        ("lost-reply", Stage.SUBMIT, None),
        ("http-500", Stage.POLL, 3),
        ("fail-SAFETY.INPUT.TEXT", Stage.SUBMIT, None),
    ]
    with pytest.raises(UnknownFault, match="no fault"):
        table.find("nope")


def test_headers_and_names_of_replicate() -> None:
    assert [cancel_after(text) for text in ("15s", "2m", "1h", "4s", "x", "25h")] == [15, 120, 3600, None, None, None]
    assert [prefer_wait(text) for text in ("", "wait", "wait=5", "respond-async, wait=99")] == [None, 60, 5, 60]
    for model in REPLICATE_MODELS.values():
        assert find_version(model.version) is model
        assert find_version(f"{model.name}:{model.version}") is model
        assert (find_version(model.name) is model) == model.is_official
    assert find_version(f"other/name:{model.version}") is None


def test_sizes_of_stable_video_diffusion() -> None:
    tall = read_head(b"\x89PNG\r\n\x1a\n" + bytes(8) + (1080).to_bytes(4, "big") + (1920).to_bytes(4, "big"))
    assert svd_size("maintain_aspect_ratio", tall) == (320, 576)
    assert svd_size("crop_to_16_9", tall) == (1024, 576)
    assert svd_size("use_image_dimensions", tall) == (1024 + 64 - 64, 1920)
    assert svd_size("maintain_aspect_ratio", None) == (1024, 576)


def test_the_callers_token_in_a_webhook() -> None:
    assert callback_token("https://gate.example/webhooks/replicate/abc") == "abc"
    assert callback_token("https://gate.example/hook?token=abc&x=1") == "abc"
    assert callback_token("") == ""
