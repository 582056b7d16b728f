"""Our rooms sit at the top level of the import system, so no installed distribution may own one of their names."""

from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

OURS = {"filmgate", "filmgate-client"}
PLANNED = {"films", "prompts"}


def test_no_other_distribution_owns_a_name_of_ours(root: Path) -> None:
    rooms = {path.parent.name for path in root.glob("*/__init__.py")} | PLANNED | {"filmgate", "filmgate_client"}
    owners = packages_distributions()
    assert {room: owners[room] for room in rooms if set(owners.get(room, ())) - OURS} == {}


@pytest.mark.parametrize("folder", ["tests", "protos"])
def test_namespace_folders_stay_namespaces(root: Path, folder: str) -> None:
    assert list((root / folder).rglob("__init__.py")) == []
