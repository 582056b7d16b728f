"""Puts the generated stubs (`filmgate.v1`) into wheels and sdists, from the repository's one copy of them."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # its parameter is hatchling's own affair
    """Adds `filmgate/`: from the sdist we are in, else from the repository around us."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An editable install finds the stubs through the repository's own editable install instead."""
        if version == "editable":
            return
        inside = Path(self.root) / "filmgate"
        stubs = inside if inside.is_dir() else Path(self.root).parents[1] / "protos" / "filmgate"
        if not stubs.is_dir():
            raise FileNotFoundError("the generated stubs are missing: build from the repository or from an sdist")
        build_data["force_include"][str(stubs)] = "filmgate"
