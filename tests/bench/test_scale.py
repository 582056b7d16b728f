"""The capacity model: its simulation agrees with queueing theory, and its document with its inputs."""

import json
import random
from math import isclose

import pytest

from bench import scale
from bench.scale import Model, Station, mean_wait, play
from bench.soak import slope


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(document=json.loads(scale.INPUTS.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("servers", "busy"), [(1, 0.5), (3, 0.7), (10, 0.8)])
def test_the_simulation_agrees_with_erlang_c(servers: int, busy: float) -> None:
    station = Station("M/M/c", servers, lambda chance: chance.expovariate(1.0))
    rate = busy * servers
    play([station], [0], rate, warm=200.0, seconds=60_000 / rate)
    seen = station.seen
    assert isclose(seen.served_seconds / seen.span / servers, busy, rel_tol=0.03)
    expected = mean_wait(servers, seen.arrived / seen.span, seen.served_seconds / seen.arrived)
    assert isclose(seen.mean_wait, expected, rel_tol=0.1)


def test_erlang_c_of_one_server_is_how_busy_it_is() -> None:
    assert isclose(scale.erlang_c(1, 0.3), 0.3)
    assert isclose(mean_wait(1, 0.5, 1.0), 1.0)


def test_littles_law_holds_on_the_way_through_several_stations() -> None:
    loop = Station("loop", 2, lambda chance: chance.expovariate(10.0))
    vendor = Station("vendor", None, lambda chance: chance.uniform(5.0, 15.0))
    took = play([loop, vendor], [0, 1, 0], 6.0, warm=60.0, seconds=3000.0)
    inside = loop.seen.inside + vendor.seen.inside
    assert isclose(inside, len(took) / vendor.seen.span * sum(took) / len(took), rel_tol=0.02)
    assert isclose(vendor.seen.inside, 6.0 * 10.0, rel_tol=0.03)


def test_the_arithmetic_agrees_with_the_simulation_of_a_cell(model: Model) -> None:
    stations, route = scale.cell(model, 4.0, webhooks=False)
    play(stations, route, 4.0, warm=4 * model.run_seconds, seconds=1500.0)
    vendor = next(each for each in stations if each.name == "vendor")
    assert isclose(vendor.seen.inside, 4.0 * model.run_seconds, rel_tol=0.1)


def test_the_same_seed_plays_the_same() -> None:
    def played(seed: int) -> list[float]:
        station = Station("one", 1, lambda chance: chance.expovariate(1.0))
        return play([station], [0], 0.5, warm=0.0, seconds=200.0, seed=seed)

    assert played(1) == played(1) != played(2)


def test_the_document_shows_what_its_inputs_say(model: Model) -> None:
    text = scale.DOCUMENT.read_text(encoding="utf-8")
    assert scale.written(text, scale.tables(model)) == text, "run `python -m bench.scale --write`"
    assert scale.inputs_text(model.document) == scale.INPUTS.read_text(encoding="utf-8")


def test_inputs_are_taken_from_a_page_of_results(model: Model) -> None:
    page = "# Results\n\n## 12,345 clips waiting\n\n| what | got |\n| memory per waiting clip | 1,234 KiB | | |\n"
    found = scale.refreshed(model.document, page)
    assert found["measured"]["waiting"]["value"] == 1234.0
    assert found["measured"]["idle"] == model.document["measured"]["idle"]
    with pytest.raises(ValueError, match="MiB"):
        scale.refreshed(model.document, page.replace("KiB", "MiB"))


def test_a_slope_is_found_again_with_its_error() -> None:
    chance = random.Random(1)
    times = [10.0 * number for number in range(360)]
    values = [100.0 + 2.0 * at / 3600 + chance.gauss(0.0, 0.5) for at in times]
    line = slope(times, values)
    assert abs(line.per_hour - 2.0) < 3 * line.error
    assert 0.01 < line.error < 0.2
