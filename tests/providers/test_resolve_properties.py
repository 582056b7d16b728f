"""For any wish: resolving never raises, and what it gives without a violation is what the row offers."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.spec import ClipSpec, MediaInput, ModeName, Motion, Quality, Wish
from providers import durations, prices
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.model import LifecycleState, MediaForm, VideoModel
from providers.resolve import can_honour, for_variation, resolve
from providers.styles import STYLES

_ROWS = st.sampled_from(list(CATALOGUE.rows.values()))
_LIVING = st.sampled_from([row for row in CATALOGUE.rows.values() if row.lifecycle.state is not LifecycleState.RETIRED])
_URI = st.sampled_from(["https://example.com/a.png", "https://example.com/b.jpg"])
_MEDIA = (
    st.none()
    | st.builds(MediaInput, uri=_URI)
    | st.builds(MediaInput, data=st.binary(max_size=8), mime_type=st.sampled_from(["image/png", "image/gif", ""]))
)
_VALUES = st.none() | st.booleans() | st.floats() | st.text(max_size=6)
_OPTIONS = st.dictionaries(
    st.sampled_from(["prompt_optimizer", "decoding_t", "cond_aug", "sizing_strategy", "contentModeration", "duration"])
    | st.text(max_size=6),
    _VALUES | st.dictionaries(st.text(max_size=4), _VALUES, max_size=2),
    max_size=2,
)


def _maybe(usual: st.SearchStrategy[object], wild: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | usual | wild


_WISHES = st.builds(
    Wish,
    prompt=st.text(max_size=40) | st.sampled_from(["a cat", "x" * 1001, "\ud800"]),
    duration=_maybe(st.sampled_from([2.0, 3.57, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 11.0]), st.floats()),
    aspect_ratio=_maybe(st.sampled_from(["16:9", "9:16", "1:1", "4:3", "7:3", "9999:1"]), st.text(max_size=6)),
    resolution=_maybe(st.sampled_from(["480p", "720p", "1080p", "4k", "576p"]), st.text(max_size=6)),
    fps=_maybe(st.sampled_from([7.0, 24.0, 25.0, 30.0]), st.floats()),
    seed=_maybe(st.just(7), st.integers(-(2**63), 2**63 - 1)),
    negative_prompt=_maybe(st.just("text"), st.text(max_size=6)),
    style=_maybe(st.sampled_from(list(STYLES)), st.text(max_size=6)),
    motion=st.none() | st.sampled_from(Motion),
    quality=st.none() | st.sampled_from(Quality),
    audio=st.none() | st.booleans(),
    first_frame=_MEDIA,
    last_frame=_MEDIA,
    vendor_options=st.just({}) | _OPTIONS,
    allow_substitutions=st.booleans(),
)


@st.composite
def _likely(draw: st.DrawFn) -> tuple[Wish, VideoModel]:
    """A row and a wish with a few typed parameters, most of them the row's own."""
    model = draw(_LIVING)
    name = draw(st.sampled_from(list(model.modes)))
    mode = model.modes[name]
    usual: dict[str, st.SearchStrategy[object]] = {
        "duration": st.sampled_from([2.0, 3.57, 5.0, 6.0, 7.0, 8.0, 10.0]),
        "aspect_ratio": st.sampled_from([*mode.aspect_ratios, "16:9", "32:18"]),
        "resolution": st.sampled_from([*mode.resolutions, "480p"]),
        "seed": st.integers(0, model.largest_seed + 1),
        "negative_prompt": st.text(max_size=6),
        "fps": st.sampled_from([7.0, 24.0]),
        "style": st.sampled_from(list(STYLES)),
        "motion": st.sampled_from(Motion),
        "quality": st.sampled_from(Quality),
        "audio": st.booleans(),
        "last_frame": st.builds(MediaInput, uri=_URI),
        "vendor_options": _OPTIONS,
    }
    names = draw(st.lists(st.sampled_from(sorted(usual)), max_size=3, unique=True))
    typed: dict[str, Any] = {name: draw(usual[name]) for name in names}
    if name is ModeName.IMAGE:
        typed["first_frame"] = draw(st.builds(MediaInput, uri=_URI))
    elif name is ModeName.REFERENCE:
        typed["references"] = (draw(st.builds(MediaInput, uri=_URI)),)
    elif name is ModeName.VIDEO:
        typed["source_video"] = draw(st.builds(MediaInput, uri=_URI))
    return Wish(prompt="a cat", allow_substitutions=draw(st.booleans()), **typed), model


def _supplied(spec: ClipSpec, model: VideoModel) -> ClipSpec:
    """The spec as it reaches an adapter: vendors that take no addresses get bytes."""
    if MediaForm.URI in model.media_forms:
        return spec
    inline = MediaInput(data=b"PNG", mime_type="image/png")
    return replace(
        spec,
        first_frame=spec.first_frame and inline,
        last_frame=spec.last_frame and inline,
        source_video=spec.source_video and inline,
        references=tuple(inline for _ in spec.references),
    )


def _assert_offered(wish: Wish, model: VideoModel) -> None:
    spec = resolve(wish, model).spec
    mode = model.mode(spec.mode)
    assert mode is not None
    assert spec.duration is not None
    assert durations.exact(mode.durations_of(spec.resolution), spec.duration) is not None
    assert spec.resolution in mode.resolutions
    if mode.ratio_from_image:
        assert spec.aspect_ratio is None
    else:
        assert (spec.aspect_ratio, spec.resolution) in mode.sizes
    assert spec.fps is None or spec.fps in model.fps_choices
    assert spec.seed is None or ("seed" in model.wire and 0 <= spec.seed <= model.largest_seed)
    assert spec.negative_prompt is None or "negative_prompt" in model.wire
    assert spec.motion is None or spec.motion in model.motions
    assert spec.audio is None or "audio" in model.wire
    assert spec.last_frame is None or "last_frame" in model.wire
    assert set(spec.vendor_options) <= set(model.options)


@settings(max_examples=400)
@given(_WISHES, _ROWS)
def test_resolving_never_raises(wish: Wish, model: VideoModel) -> None:
    resolved = resolve(wish, model)
    assert not (resolved.violations and can_honour(wish, model))
    assert all(violation.field and violation.message for violation in resolved.violations)
    assert all(notice.message for notice in resolved.notices)


@settings(max_examples=400)
@given(_likely() | st.tuples(_WISHES, _LIVING))
def test_what_is_bought_is_offered(case: tuple[Wish, VideoModel]) -> None:
    wish, model = case
    resolved = resolve(wish, model)
    if resolved.violations:
        return
    _assert_offered(wish, model)
    for index in (0, 7):
        spec = _supplied(for_variation(resolved.spec, index, model), model)
        request = ADAPTERS[model.provider].submit(spec, model, "https://filmgate.example/webhooks/x/token")
        assert request.form or json.dumps(request.json)
    quote = prices.quote(model, resolved.spec)
    assert 0 < quote.expected.micros <= quote.held_max.micros


@settings(max_examples=400)
@given(_likely())
def test_without_substitutions_typed_is_bought(case: tuple[Wish, VideoModel]) -> None:
    wish, model = case
    resolved = resolve(wish, model)
    if resolved.violations or wish.allow_substitutions:
        return
    spec = resolved.spec
    assert not [notice for notice in resolved.notices if notice.code == "SUBSTITUTED"]
    assert wish.seed in (None, spec.seed)
    assert (wish.negative_prompt or None) == spec.negative_prompt
    assert wish.fps in (None, spec.fps)
    assert wish.motion in (None, spec.motion)
    assert wish.duration is None or spec.duration is None or abs(wish.duration - spec.duration) < 0.1
    assert spec.prompt.startswith(wish.prompt)
