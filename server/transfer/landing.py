"""A course that came in, written out with its report. This file is where every importer ends.

The report tells what came through, what did not and why, and what was changed on the way; it lies
in the course's folder as `import-report.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from server.authoring.writing import folder_written, has_room

REPORT = "import-report.json"

Progressed = Callable[[int, int], None]
"""Takes how many items are checked, and of how many."""
Files = Iterable[tuple[str, Sequence[Mapping[str, Any]]]]
"""Items by the name of their file."""


class Landed(Protocol):
    """A course that is ready to be written."""

    def head(self) -> Mapping[str, Any]:
        """The course's own keys."""

    def files(self) -> Files:
        """Its items."""

    def shown(self) -> Mapping[str, bytes]:
        """Its pictures' bytes by their place in the folder."""


def landed(out: Path, course: Landed, report: Mapping[str, Any], *, force: bool) -> None:
    """Write a course's folder: its YAML, its pictures, its report. Nothing, where no item came.

    Raises `Occupied` where something stands in the way and `force` is not given.
    """
    has_room(out, force=force)
    if not report["items"]:
        return
    folder_written(out, course.head(), course.files(), force=force)
    pictures_written(out, course.shown())
    text = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
    (out / REPORT).write_text(text, encoding="utf-8")


def pictures_written(folder: Path, pictures: Mapping[str, bytes]) -> None:
    """Put pictures at their places in a course's folder."""
    for name, body in pictures.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
