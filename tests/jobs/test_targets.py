"""A prompt's target says of a row what the row says, and what is fitted to it can be bought."""

import random
from dataclasses import replace

import pytest

from core.spec import ModeName, Motion, Quality, Wish
from jobs.targets import target
from prompts.fit import fit
from prompts.words import Draft
from providers import durations
from providers.catalogue import CATALOGUE
from providers.model import LifecycleState, Span, VideoModel
from providers.resolve import resolve

LIVE = tuple(row for row in CATALOGUE.rows.values() if row.lifecycle.state is not LifecycleState.RETIRED)
ABOUT_INPUTS = ("prompt", "first_frame", "reference_images", "source_video", "last_frame")


def test_the_words_of_a_row_with_everything() -> None:
    row = CATALOGUE.rows["vertex/veo-3.1"]
    veo = target(row, ModeName.TEXT)
    assert (veo.model, veo.family, veo.vendor) == ("vertex/veo-3.1", "veo-3.1", "vertex")
    assert (veo.prompt_limit, veo.prompt_utf16) == (4000, False)
    assert list(veo.durations) == [4, 6, 8]
    assert veo.durations_at == {Quality.HIGH: (8,), Quality.PREMIUM: (8,)}
    assert veo.aspect_ratios == ("16:9", "9:16")
    assert veo.negative_prompt
    assert veo.audio
    assert not veo.motion
    assert not veo.needs_image
    assert veo.takes_image
    assert set(veo.qualities) == set(Quality)


def test_spans_and_frames_are_listed_one_by_one() -> None:
    assert list(target(CATALOGUE.rows["runway/gen4.5"], ModeName.TEXT).durations) == [*range(2, 11)]
    svd = target(CATALOGUE.rows["replicate/stable-video-diffusion"], ModeName.IMAGE)
    assert list(svd.durations) == [2, 25 / 7]
    assert svd.motion
    assert svd.prompt_limit == 0
    assert svd.needs_image
    assert list(durations.every(Span(low=1, high=2, step=0.25))) == [1, 1.25, 1.5, 1.75, 2]


def test_a_mode_the_row_lacks_is_its_first_one() -> None:
    turbo = CATALOGUE.rows["runway/gen4_turbo"]
    assert target(turbo, ModeName.TEXT) == target(turbo, ModeName.IMAGE)
    assert target(turbo, ModeName.TEXT).needs_image


def test_a_row_of_the_past_offers_nothing() -> None:
    gone = target(CATALOGUE.rows["google/veo-2.0-generate-001"], ModeName.TEXT)
    assert not gone.durations
    assert not gone.aspect_ratios
    assert fit(Draft(prompt="a cat", duration=5, aspect_ratio="9:16"), gone).duration is None


def test_text_only_rows_take_no_image() -> None:
    assert not target(CATALOGUE.rows["cog/hotshot-xl"], ModeName.TEXT).takes_image


def test_every_live_row_has_all_motions_or_none() -> None:
    assert all(set(row.motions) in (set(), set(Motion)) for row in LIVE)


@pytest.mark.parametrize("row", LIVE, ids=lambda row: row.id)
def test_what_is_fitted_to_a_row_can_be_bought_there(row: VideoModel) -> None:
    rng = random.Random(row.id)
    for name in row.modes:
        one = _only(row, name)
        for _ in range(12):
            fitted = fit(_draft(rng), target(one, name))
            wish = Wish(
                prompt=fitted.prompt,
                duration=fitted.duration,
                aspect_ratio=fitted.aspect_ratio,
                negative_prompt=fitted.negative_prompt or None,
                motion=fitted.motion,
                quality=fitted.quality,
                audio=fitted.audio,
            )
            wrong = [each for each in resolve(wish, one).violations if each.field not in ABOUT_INPUTS]
            assert not wrong


def _only(row: VideoModel, kept: ModeName) -> VideoModel:
    """The row with one mode, so that no input is needed to say which one is meant."""
    modes = {name: mode if name is kept else None for name, mode in row.modes.items()}
    return replace(
        row,
        text=modes.get(ModeName.TEXT),
        image=modes.get(ModeName.IMAGE),
        reference=modes.get(ModeName.REFERENCE),
        video=modes.get(ModeName.VIDEO),
    )


def _draft(rng: random.Random) -> Draft:
    return Draft(
        prompt="a red car in the rain",
        negative_prompt=rng.choice(("", "people, text")),
        duration=rng.choice((None, 0.5, 3.57, 4, 5, 6, 7.5, 8, 10, 12, 30, 90)),
        aspect_ratio=rng.choice((None, "16:9", "9:16", "1:1", "21:9", "4:5", "37:20", "32:18")),
        quality=rng.choice((None, *Quality)),
        motion=rng.choice((None, *Motion)),
        audio=rng.choice((None, True, False)),
    )
