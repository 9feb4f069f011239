"""Ways in and out as the tests walk them: a file in, a folder out, checked and opened."""

from __future__ import annotations

import importlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.exercises.grading import graded
from engines.exercises.template import instance
from engines.words import Course, Item
from server.authoring.checking import checked
from server.transfer.opening import course_at

HERE = Path(__file__).parent
EVERY_KIND = HERE / "course"


@dataclass
class Came:
    """What an import made: its report and its course."""

    report: dict[str, Any]
    folder: Path
    course: Course

    @property
    def items(self) -> dict[str, Item]:
        """The items by id."""
        return {item.id: item for item in self.course.items}

    def verdict(self, name: str, response: object) -> str:
        """How an item's answer is judged."""
        return graded(instance(self.items[name], "", 0), response).verdict

    def said(self, name: str, response: object) -> str:
        """What is said to an answer."""
        return graded(instance(self.items[name], "", 0), response).message

    def first(self, part: str) -> dict[str, list[str]]:
        """The ids that a part of the report names, by reason."""
        return {reason: entry["first"] for reason, entry in self.report[part].items()}


def imported(form: str, path: Path, out: Path, **options: str) -> Came:
    """Import a file; the result has no error by the checks of an import."""
    draft = importlib.import_module(f"server.transfer.{form}_in").imported(path, **options)
    report = draft.written(out, force=True)
    found = checked(out, profile="imported").report
    assert [str(each) for each in found.all if each.severity == "E"] == []
    return Came(report, out, course_at(out).course)


def packed(folder: Path, out: Path) -> Path:
    """A folder as a package."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return out
