"""Every live row has a house style, every house style has a row and a source."""

import re
from datetime import date

import pytest

from core.spec import ModeName
from jobs.targets import target
from prompts.houses import PARTS, House, Negatives, advice, house, houses
from prompts.words import Target
from providers.catalogue import CATALOGUE
from providers.model import LifecycleState, VideoModel

LIVE = tuple(row for row in CATALOGUE.rows.values() if row.lifecycle.state is not LifecycleState.RETIRED)


def _target(row: VideoModel) -> Target:
    return target(row, next(iter(row.modes), ModeName.TEXT))


def test_every_house_speaks_for_a_live_row() -> None:
    assert {house(_target(row)).name for row in LIVE} == {each.name for each in houses()}


def test_names_are_their_own() -> None:
    names = [each.name for each in houses()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("each", houses(), ids=lambda each: each.name)
def test_a_house_has_all_it_needs(each: House) -> None:
    assert sorted(each.order) == sorted(PARTS)
    assert each.advice.endswith(".")
    assert len(each.advice) <= 600
    assert each.source
    assert date(2026, 1, 1) <= each.checked <= date(2027, 12, 31)
    assert set(re.findall(r"{\w*}", each.camera_form)) <= {"{move}", "{term}"}
    assert all(words == words.casefold() for words in each.camera)


def test_a_house_without_a_source_is_neutral() -> None:
    for each in houses():
        if each.source == "none found":
            assert each.order == PARTS
            assert each.negatives is Negatives.PLAIN
            assert not each.camera


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("runway/gen4.5", "runway"),
        ("runway/aleph2", "runway-edit"),
        ("replicate/gen4-aleph", "runway-edit"),
        ("vertex/veo-3.1", "veo"),
        ("replicate/kling-v2.1", "kling"),
        ("minimax/hailuo-2.3", "hailuo"),
        ("minimax/i2v-01-director", "hailuo"),
        ("minimax/t2v-01", "minimax-01"),
        ("runway/hailuo3", "hailuo-3"),
        ("fal/wan-2.5", "wan"),
        ("luma/ray-3.2", "luma"),
        ("luma/ray-3.2-edit", "luma-edit"),
        ("fal/pika-v2.2", "neutral"),
        ("cog/ltx-video", "ltx-video"),
        ("fal/ltx-2", "ltx-2"),
        ("replicate/seedance-1-pro", "seedance-1"),
        ("runway/seedance2", "seedance-2"),
        ("openai-compatible/sora-2", "sora"),
        ("cog/stable-video-diffusion", "svd"),
        ("cog/zeroscope-v2-xl", "neutral"),
        ("cog/cogvideox-5b", "cogvideox"),
        ("google/gemini-omni-1.1-flash", "gemini-omni"),
    ],
)
def test_which_house_a_row_belongs_to(row: str, name: str) -> None:
    assert house(_target(CATALOGUE.rows[row])).name == name


@pytest.mark.parametrize("row", LIVE, ids=lambda row: row.id)
def test_advice_is_short_and_says_the_limits(row: VideoModel) -> None:
    text = advice(_target(row))
    assert len(text) < 1500
    assert row.id in text
    assert str(row.prompt_limit or "no prompt") in text


def test_advice_says_what_the_row_cannot_do() -> None:
    assert "makes no sound" in advice(_target(CATALOGUE.rows["runway/gen4.5"]))
    assert "makes no sound" not in advice(_target(CATALOGUE.rows["vertex/veo-3.1"]))
    assert "works from an image" in advice(_target(CATALOGUE.rows["runway/gen4_turbo"]))
    assert "Never say what shall not be seen" in advice(_target(CATALOGUE.rows["luma/ray-3.2"]))
    assert "belongs into the negative prompt" in advice(_target(CATALOGUE.rows["fal/pika-v2.2"]))
    assert "UTF-16" in advice(_target(CATALOGUE.rows["runway/gen4.5"]))
