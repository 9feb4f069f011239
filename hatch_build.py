"""Refuses to build a wheel without its pages. This file is the wheel's build hook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NEEDED = ("learner/index.html", "teacher/index.html", "client/index.js", "vendor/vendor.json")


class PagesPresent(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own hooks leave it open too
    """Checks that `make web` has filled server/pages/; an editable install goes without."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise `RuntimeError` where a page that the wheel must carry is absent."""
        del build_data
        if self.target_name != "wheel" or version == "editable":
            return
        pages = Path(self.root) / "server" / "pages"
        absent = [name for name in NEEDED if not (pages / name).is_file()]
        if absent:
            raise RuntimeError(f"server/pages has no {absent[0]}: run `make web` first")
