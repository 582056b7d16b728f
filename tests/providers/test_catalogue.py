"""The catalogue: every row as committed, every name found, every fault of its data said."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import NotFound, Precondition, Reason
from core.spec import Quality
from providers.catalogue import ADAPTERS, ALIASES, CATALOGUE, Catalogue, adapter, load
from providers.model import Choices, Lifecycle, LifecycleState, Mode, Option, Price, Unit, VideoModel
from providers.plain import plain

_SNAPSHOT = Path(__file__).parent / "snapshots" / "catalogue.json"
_UPDATE = (
    f"rm tests/providers/snapshots/{_SNAPSHOT.name} && pytest tests/providers/test_catalogue.py  # then read the diff"
)


def test_snapshot() -> None:
    rows = [plain(row) for row in CATALOGUE.rows.values()]
    current = json.dumps({"aliases": plain(ALIASES), "rows": rows}, indent=1, ensure_ascii=False) + "\n"
    if not _SNAPSHOT.exists():
        _SNAPSHOT.write_text(current)
        pytest.fail("the snapshot was written: read and commit it")
    assert json.loads(current) == json.loads(_SNAPSHOT.read_text()), f"the catalogue changed; if meant: {_UPDATE}"


def test_revision_follows_the_rows() -> None:
    rows = list(CATALOGUE.rows.values())
    assert load().revision == CATALOGUE.revision
    changed = [replace(rows[0], quality_rank=rows[0].quality_rank + 1), *rows[1:]]
    assert Catalogue.of(changed, ALIASES).revision != CATALOGUE.revision


@pytest.mark.parametrize("model", CATALOGUE.rows.values(), ids=lambda model: model.id)
def test_a_row_has_an_adapter(model: VideoModel) -> None:
    assert model in adapter(model).models
    assert ADAPTERS[model.provider].credential_variables


@pytest.mark.parametrize("mode", ["text", "image"])
def test_an_id_is_found(mode: str) -> None:
    found = CATALOGUE.find("runway/gen4.5", mode)
    assert (found.model.id, found.notices) == ("runway/gen4.5", ())


@pytest.mark.parametrize(
    ("alias", "mode", "identifier"),
    [
        ("runway_gen3", "text", "runway/gen4.5"),
        ("runway_gen3", "image", "runway/gen4_turbo"),
        ("minimax", "text", "replicate/minimax-video-01"),
        ("minimax", "image", "replicate/minimax-video-01"),
        ("svd", "image", "replicate/stable-video-diffusion"),
        ("stability_svd", "image", "replicate/stable-video-diffusion"),
        ("svd", "text", "replicate/cogvideox-5b"),
        ("pika_v2", "text", "fal/pika-v2.2"),
        ("pika_v2", "image", "fal/pika-v2.2"),
        ("luma_dream", "image", "luma/ray-3.2"),
        ("google_veo", "text", "google/gemini-omni-1.1-flash"),
        ("openai_shorts", "image", "openai-compatible/sora-2"),
        ("ltxv", "image", "replicate/ltx-video"),
        ("zeroscope", "text", "replicate/zeroscope-v2-xl"),
        ("hotshot", "text", "replicate/hotshot-xl"),
    ],
)
def test_an_alias_says_what_it_is_now(alias: str, mode: str, identifier: str) -> None:
    found = CATALOGUE.find(alias, mode)
    assert found.model.id == identifier
    (notice,) = found.notices
    assert (notice.code, notice.field, notice.before, notice.after) == ("MODEL_ALIAS", "model", alias, identifier)


def test_an_alias_means_a_row_that_is_preferred() -> None:
    def elsewhere(row: VideoModel) -> int:
        return 0 if row.provider == "vertex" else 1

    assert CATALOGUE.find("google_veo", "text", elsewhere).model.id == "vertex/veo-3.1"
    assert CATALOGUE.find("svd", "text", elsewhere).model.id == "replicate/cogvideox-5b"


def test_what_may_take_over() -> None:
    veo = CATALOGUE.rows["runway/veo3.1"]
    homes = CATALOGUE.fallbacks(veo)
    assert {"replicate/veo-3.1", "fal/veo-3.1", "vertex/veo-3.1"} <= set(homes)
    assert veo.id not in homes


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("gen4.5", "runway/gen4.5"),
        ("runway/gen45", "runway/gen4.5"),
        ("replicate/minimax-video01", "replicate/minimax-video-01"),
        ("minmax", "minimax"),
        ("", ""),
        ("!!!", ""),
        ("\x00" * 9, ""),
    ],
)
def test_an_unknown_name(name: str, suggestion: str) -> None:
    with pytest.raises(NotFound) as refused:
        CATALOGUE.find(name, "text")
    assert refused.value.reason is Reason.UNKNOWN_MODEL
    assert refused.value.metadata.get("suggestion", "") == suggestion
    assert suggestion in refused.value.message


def test_an_endless_name_is_cut() -> None:
    with pytest.raises(NotFound) as refused:
        CATALOGUE.find("runway/" + "x" * 1_000_000, "text")
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    ("name", "successor"), [("runway/gen3a_turbo", "runway/gen4_turbo"), ("runway/veo3", "runway/veo3.1")]
)
def test_a_retired_id_names_its_successor(name: str, successor: str) -> None:
    with pytest.raises(Precondition) as refused:
        CATALOGUE.find(name, "text")
    assert refused.value.reason is Reason.MODEL_RETIRED
    assert refused.value.metadata["successor"] == successor
    assert successor in refused.value.message


def test_a_deprecated_id_is_bought_with_a_notice() -> None:
    ending = Lifecycle(state=LifecycleState.DEPRECATED, retires=date(2027, 1, 1), successor="runway/veo3.1")
    rows = [replace(row, lifecycle=ending) if row.id == "runway/gen4.5" else row for row in CATALOGUE.rows.values()]
    (notice,) = Catalogue.of(rows, {}).find("runway/gen4.5", "text").notices
    assert (notice.code, notice.after) == ("MODEL_DEPRECATED", "runway/veo3.1")


_ROW = CATALOGUE.rows["runway/gen4.5"]
_PRICE = _ROW.prices[0]
_MODE = Mode(durations=Choices((5, 10)), sizes={("16:9", "720p"): (1280, 720)})


def _priced(**changes: object) -> VideoModel:
    values = {"usd": _PRICE.usd, "since": _PRICE.since, "checked": _PRICE.checked} | changes
    return replace(_ROW, prices=(Price(unit=Unit.SECOND, source="x", **values),))  # type: ignore[arg-type]  # wrong on purpose


_FAULTS: dict[str, tuple[Callable[[], VideoModel], str]] = {
    "id": (lambda: replace(_ROW, id="Runway/Gen"), "vendor/name"),
    "vendor": (lambda: replace(_ROW, id="fal/gen4.5"), "vendor/name"),
    "version": (lambda: replace(_ROW, wire_version="3f0457f4613a"), "64 hex"),
    "float price": (lambda: _priced(usd=0.12), "positive Decimal"),
    "free": (lambda: _priced(usd=Decimal(0)), "positive Decimal"),
    "checked before it counts": (lambda: _priced(checked=date(2020, 1, 1)), "checked on or after"),
    "no price": (lambda: replace(_ROW, prices=()), "has no price"),
    "no price for silence": (
        lambda: replace(_ROW, wire={**_ROW.wire, "audio": "audio"}, prices=(replace(_PRICE, when={"audio": True}),)),
        "has no price",
    ),
    "no mode": (lambda: replace(_ROW, text=None, image=None), "has a mode"),
    "retired without a date": (
        lambda: replace(_ROW, lifecycle=Lifecycle(state=LifecycleState.RETIRED, successor="runway/gen4.5")),
        "has its date",
    ),
    "retired without a successor": (
        lambda: replace(_ROW, lifecycle=Lifecycle(state=LifecycleState.RETIRED, retires=date(2026, 1, 1))),
        "living successor",
    ),
    "unknown word": (lambda: replace(_ROW, wire={**_ROW.wire, "length": "length"}), "none of ours"),
    "option twice": (lambda: replace(_ROW, options={"seed": Option(kind=int)}), "also a word"),
    "motion without values": (lambda: replace(_ROW, wire={**_ROW.wire, "motion": "motion"}), "go together"),
    "fps without choices": (lambda: replace(_ROW, wire={**_ROW.wire, "fps": "fps"}), "go together"),
    "prompt without limit": (lambda: replace(_ROW, prompt_limit=0), "go together"),
    "image without a name": (
        lambda: replace(_ROW, wire={word: name for word, name in _ROW.wire.items() if word != "first_frame"}),
        "go together",
    ),
    "quality of no size": (lambda: replace(_ROW, qualities={Quality.HIGH: "8k"}), "not offered"),
    "fallback to nothing": (lambda: replace(_ROW, default_fallbacks=("fal/x",)), "not a living row"),
    "guide": (lambda: replace(_ROW, speed_class="swift"), "guide"),
    "run times": (lambda: replace(_ROW, typical_seconds=(90, 60)), "typical p50"),
    "default length": (lambda: replace(_ROW, text=replace(_MODE, default_duration=7)), "default duration"),
    "descending lengths": (lambda: replace(_ROW, text=replace(_MODE, durations=Choices((10, 5)))), "ascending"),
    "no size": (lambda: replace(_ROW, text=replace(_MODE, sizes={})), "at least one size"),
    "ratio": (lambda: replace(_ROW, text=replace(_MODE, sizes={("wide", "720p"): (1, 1)})), "W:H"),
}


@pytest.mark.parametrize("name", _FAULTS)
def test_a_fault_is_said(name: str) -> None:
    make, complaint = _FAULTS[name]
    with pytest.raises(ValueError, match=complaint):
        Catalogue.of([make()], {})


def test_ids_are_unique_sorted_and_not_aliases() -> None:
    rows = list(CATALOGUE.rows.values())
    with pytest.raises(ValueError, match="used 2 times"):
        Catalogue.of([*rows, rows[-1]], {})
    with pytest.raises(ValueError, match="not in order"):
        Catalogue.of(rows[::-1], {})
    with pytest.raises(ValueError, match="also an id"):
        Catalogue.of(rows, {"runway/gen4.5": ("runway/veo3.1",)})
    with pytest.raises(ValueError, match="not a living row"):
        Catalogue.of(rows, {"old": ("runway/veo3",)})
