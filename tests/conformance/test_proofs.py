"""No surface without its proofs: data, an emulator that fits them, the vendor's own SDK, a column in the matrix."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

import pytest

from emulators.vendor import Files, Vendor
from providers import PROVIDERS
from providers.base import BaseVideoProvider
from tests.conformance import matrix
from tests.conformance.playing import emulated
from tests.conformance.surface import CONTRACT, Surface, behaviours, living, surfaces

ROOT = Path(__file__).parents[2]
SURFACES = surfaces()
LIVING = [provider for provider in PROVIDERS if living(provider)]
SDKS = {"runwayml", "luma-agents", "lumaai", "openai", "google-genai", "replicate", "fal-client"}
LEAST_BEHAVIOURS = 24

each_surface = pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)


@pytest.mark.parametrize("provider", LIVING, ids=lambda provider: provider.name)
@pytest.mark.parametrize("file", ["requests", "states", "errors", "conformance"])
def test_every_vendor_that_sells_has_its_data(provider: type[BaseVideoProvider], file: str) -> None:
    path = CONTRACT / provider.name / f"{file}.json"
    assert path.exists(), f"write {path.relative_to(ROOT)}; docs/adding-a-vendor.md tells how"


@pytest.mark.parametrize("provider", LIVING, ids=lambda provider: provider.name)
def test_every_vendor_that_sells_has_its_emulator(provider: type[BaseVideoProvider]) -> None:
    assert emulated(provider.name).name == provider.name


@each_surface
def test_what_the_data_say_is_what_adapter_and_emulator_are(surface: Surface) -> None:
    facts, adapter, vendor = surface.facts, surface.adapter, emulated(surface.name)
    assert (facts["callbacks"], facts["search"]) == (adapter.takes_callbacks, adapter.can_search)
    assert facts["callbacks"] == (vendor.webhooks is not None)
    assert facts["signed"] == (vendor.webhooks is not None and vendor.webhooks.sign is not None)
    assert facts["cancel"] in ("stops", "may finish", "unsupported")
    usual = Files()
    ages = (vendor.files.expires, vendor.files.gone) != (usual.expires, usual.gone)
    assert ages or not facts["output_expires"], "the emulator's files live for ever"
    assert surface.row.provider == surface.name


@each_surface
def test_every_failure_and_every_fault_of_its_own_is_expected_to_become_something(surface: Surface) -> None:
    vendor = emulated(surface.name)
    assert set(surface.facts["failures"]) == set(vendor.failures)
    assert set(surface.facts.get("faults", {})) == {fault.name for fault in vendor.faults}


@each_surface
def test_what_differs_is_a_behaviour_and_says_why(surface: Surface) -> None:
    told = surface.facts.get("differs", {})
    assert set(told) <= {behaviour.name for behaviour in behaviours()}
    assert all(difference.get("why") or difference.get("skip") for difference in told.values())


@each_surface
def test_enough_is_played(surface: Surface) -> None:
    common = [behaviour for behaviour in surface.playable() if behaviour.then not in ("fails", "own")]
    assert len(common) >= LEAST_BEHAVIOURS


@each_surface
def test_a_lost_submit_is_healed_by_webhook_wherever_a_submit_takes_an_address(surface: Surface) -> None:
    healed = [each for each in surface.playable() if each.name.startswith("webhook heals")]
    assert bool(healed) is surface.facts["callbacks"]
    assert {surface.expected(each).state for each in healed} <= {"SUCCEEDED"}


@each_surface
def test_the_vendors_own_sdk_is_a_witness_or_there_is_none(surface: Surface) -> None:
    sdk = surface.facts.get("sdk")
    if sdk is None:
        assert surface.facts.get("no_sdk"), "name the SDK (`sdk`), or say why there is none (`no_sdk`)"
        return
    packages = _packages(sdk)
    for folder, pattern in (("providers", "test_sdk_oracle*.py"), ("emulators", "test_emulated*.py")):
        proofs = [path.name for path in (ROOT / "tests" / folder).glob(pattern) if _speaks_of(path, surface, packages)]
        assert proofs, f"no tests/{folder}/{pattern} has {sdk} speak to {surface.name}"


def _packages(distribution: str) -> set[str]:
    """What `import` calls a distribution: `luma_agents`, `google.genai`."""
    folders = {file.parent for file in files(distribution) or () if file.name == "__init__.py"}
    return {".".join(folder.parts) for folder in folders if not folders & set(folder.parents)}


def _speaks_of(path: Path, surface: Surface, packages: set[str]) -> bool:
    """Whether a proof imports the SDK, itself or by a helper of its own, and speaks of the surface."""
    text = path.read_text(encoding="utf-8")
    names = (surface.name, surface.name.replace("-", "_"), type(surface.adapter).__name__)
    said = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("import ", "from ")))
    imported = any(f"{name}.".startswith(f"{package}.") for name in _imported(text) for package in packages)
    return imported and any(re.search(rf"\b{re.escape(name)}\b", said) for name in names)


def _imported(text: str) -> set[str]:
    """Everything that a test module imports; of modules in `tests/` what these import."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *[f"{node.module}.{alias.name}" for alias in node.names]}
    helpers = [ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in found if name.startswith("tests.")]
    return found.union(*[_imported(path.read_text(encoding="utf-8")) for path in helpers if path.exists()])


def test_every_sdk_of_the_registry_is_somebodys_witness() -> None:
    assert {surface.facts.get("sdk") for surface in SURFACES} >= SDKS


def test_the_matrix_has_every_surface_and_every_behaviour() -> None:
    columns, rows = matrix.shape((ROOT / "docs" / "fault-matrix.md").read_text(encoding="utf-8"))
    assert columns == [surface.name for surface in SURFACES], "run `make faults`"
    assert rows == matrix.rows(), "run `make faults`"


def test_no_behaviour_is_there_twice() -> None:
    names = [behaviour.name for behaviour in behaviours()]
    assert len(names) == len(set(names))


def _vendors() -> Iterator[Vendor]:
    for surface in SURFACES:
        yield emulated(surface.name)


def test_every_fault_of_the_data_is_one_that_the_emulator_plays() -> None:
    played = {vendor.name: set(vendor.played()) for vendor in _vendors()}
    asked = {
        surface.name: {fault["fault"] for behaviour in surface.playable() for fault in behaviour.faults}
        for surface in SURFACES
    }
    assert {name: faults - played[name] for name, faults in asked.items() if faults - played[name]} == {}
