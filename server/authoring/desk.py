"""One item of a course folder as learners meet it, while its author writes. This file is that view.

The folder is read again whenever a file of it changes; what cannot be read is told, and the newest
version that could be stays on show.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from engines.exercises.course import canonical, course_from, in_one_locale
from engines.exercises.grading import graded, key_spelled
from engines.exercises.limits import ExpressionError
from engines.exercises.params import ParamError
from engines.exercises.template import instance
from engines.words import Course, Instance, Item
from server.authoring.checking import Checked, checked
from server.authoring.shapes import exact

MOST_SEED = 2**32


@dataclass(frozen=True)
class Drawn:
    """An item with the numbers of a seed, in one language."""

    tag: str
    course: Course
    instance: Instance


class Desk:
    """A course folder under an author's hands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = 0
        """Counted up with each reading that found another stamp."""
        self.checked: Checked | None = None
        self._document: dict[str, Any] | None = None
        self._courses: dict[str, Course] = {}
        self._stamp: tuple[tuple[str, int, int], ...] = ()

    def refreshed(self) -> bool:
        """Read the folder again if a file changed; whether one did."""
        stamp = _stamp(self.folder)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self.checked = found = checked(self.folder)
        if found.canonical is not None and found.sources.document is not None:
            document: dict[str, Any] = json.loads(found.canonical)
            if document["items"]:
                self._document = document
                self._courses = {
                    tag: course_from(found.canonical, locale=tag) for tag in self.locales
                }
        self.version += 1
        return True

    @property
    def locales(self) -> list[str]:
        """The course's languages, its own first."""
        if self._document is None:
            return []
        own = self._document.get("locale", "en")
        return [own, *(tag for tag in self._document.get("locales", ()) if tag != own)]

    @property
    def items(self) -> list[str]:
        """The ids of all items that could be read."""
        return [] if self._document is None else [each["id"] for each in self._document["items"]]

    @property
    def findings(self) -> list[str]:
        """What the checks found, a line each."""
        return [] if self.checked is None else self.checked.report.text().splitlines()

    def drawn(self, item_id: str, seed: int, tag: str) -> Drawn:
        """An item with its numbers drawn; raises LookupError for an unknown item or language.

        Raises ValueError where the numbers cannot be drawn.
        """
        course = self._courses.get(tag)
        if course is None:
            raise LookupError(f"expected one of {', '.join(self.locales)}, got {tag!r}")
        item = next((each for each in course.items if each.id == item_id), None)
        if item is None:
            raise LookupError(f"the course has no item {item_id!r} that could be read")
        try:
            made = instance(item, course.sha256, seed, locale=course.locale)
        except (ExpressionError, ParamError) as error:
            raise ValueError(f"seed {seed}: {error}") from None
        return Drawn(tag, course, made)

    def alone(self, item_id: str, seed: int, tag: str) -> bytes:
        """A course in one language that holds this item alone, with the numbers of this seed."""
        assert self._document is not None
        made = self.drawn(item_id, seed, tag).instance
        document = in_one_locale(self._document, tag)
        item = next(each for each in document["items"] if each["id"] == item_id)
        item["params"] = {
            name: _fixed(spec, made, name) for name, spec in item.get("params", {}).items()
        }
        skills = [each for each in document["skills"] if each["id"] in item["skills"]]
        for skill in skills:
            skill.pop("requires", None)
        return canonical({**document, "items": [item], "skills": skills, "locale": tag})

    def judged(self, item_id: str, seed: int, tag: str, response: object) -> dict[str, Any]:
        """The verdict on a response, and what stands behind it: key, wrong ways, numbers."""
        made = self.drawn(item_id, seed, tag).instance
        verdict = graded(made, response, locale=made.locale)
        return {
            "verdict": msgspec.to_builtins(verdict),
            "key": key_spelled(made, locale=made.locale),
            "wrong": {name: str(value) for name, value in made.wrong},
            "values": {name: str(value) for name, value in made.values.items()},
        }


def _fixed(spec: dict[str, Any], made: Instance, name: str) -> dict[str, Any]:
    """A param that has one value; what is computed, and the order of a sample, stay as they are."""
    value = made.values[name]
    if "expr" in spec or isinstance(value, tuple):
        return spec
    return {"choice": [exact(value) if isinstance(value, Fraction) else value]}


def response_of(text: str, item: Item) -> object:
    """What an author typed as an answer: JSON for lists and maps, ids between commas for `multi`.

    Raises ValueError for JSON that does not end.
    """
    if text.lstrip().startswith(("[", "{")) and item.answer.kind in ("order", "match", "parts"):
        found: object = json.loads(text)
        return found
    if item.answer.kind == "multi":
        return [each.strip() for each in text.split(",") if each.strip()]
    return text


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            found.append((path.as_posix(), stat.st_mtime_ns, stat.st_size))
    return tuple(found)
