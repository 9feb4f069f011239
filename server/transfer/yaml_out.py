"""A course back as the YAML that its author may go on editing. This file is that exporter.

The canonical document is led back through the author's form (`server.authoring.schema`): names as
an author writes them, numbers as decimals. What is written is read again and must have the same
version hash.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

from server.authoring.media import ENDINGS
from server.authoring.oatutor_texts import slug
from server.authoring.schema import COURSE, ITEM
from server.authoring.shapes import ListOf, MapOf, Number, Record, Shape
from server.authoring.widgets import ByKind, MapOrList
from server.authoring.writing import folder_written, has_room
from server.transfer.opening import Opened, course_at

_OF_THE_BUILD = frozenset({"format", "locales", "items", "sha256"})
"""What a build puts into a document, or what stands in files of its own."""


class Unlike(ValueError):  # noqa: N818 (what the result is)
    """A course that would not read back as the same version."""


def folder_exported(opened: Opened, out: Path, *, force: bool) -> int:
    """Write a course as a folder; how many files it took.

    It is written beside `out` first and read again: raises `Unlike` where that is another version,
    `Occupied` where something stands in the way and `force` is not given, OSError.
    """
    has_room(out, force=force)
    with tempfile.TemporaryDirectory() as name:
        trial = Path(name) / "course"
        _write(opened, trial, force=False)
        again = course_at(trial).sha256
    if again != opened.sha256:
        raise Unlike(
            f"{opened.course.id}: written out and read again it is version {again[:12]}, not "
            f"{opened.sha256[:12]}; build it with this version first"
        )
    return _write(opened, out, force=force)


def _write(opened: Opened, out: Path, *, force: bool) -> int:
    document = opened.document
    head = authored(COURSE, {k: v for k, v in document.items() if k not in _OF_THE_BUILD})
    if profile := opened.profile or _profile(document):
        head["profile"] = profile
    count = folder_written(out, head, _files(document["items"]), force=force)
    return count + _pictures(opened, out)


def _profile(document: Mapping[str, Any]) -> str:
    """A compiled course does not say its profile: one whose items name what they came from is
    an import.
    """
    came = [item for item in document["items"] if item.get("source", {}).get("original_id")]
    return "imported" if came and len(came) == len(document["items"]) else ""


def _files(items: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Items by file in their order: a file for each run of items of one skill."""
    runs = groupby(items, key=lambda item: str(item["skills"][0]))
    for at, (skill, run) in enumerate(runs, start=1):
        yield f"{at:04}-{slug(skill, 40).replace('.', '-')}", [authored(ITEM, each) for each in run]


def _pictures(opened: Opened, out: Path) -> int:
    kinds = {
        picture["sha256"]: picture["type"]
        for item in opened.document["items"]
        for picture in item.get("media", ())
    }
    for name, kind in kinds.items():
        if name not in opened.pictures:
            raise Unlike(
                f"{opened.course.id}: a compiled file holds no pictures; give the folder it was "
                "built from"
            )
        (out / "media").mkdir(parents=True, exist_ok=True)
        (out / _picture_name(name, kind)).write_bytes(opened.pictures[name])
    return len(kinds)


def _picture_name(sha256: str, kind: str) -> str:
    return f"media/{sha256[:16]}{ENDINGS[kind]}"


def authored(shape: Shape, value: Any) -> Any:
    """A canonical value as an author writes it. Raises `Unlike` for a key the form does not have.

    >>> authored(ITEM, {"id": "a", "difficulty": "-1/5", "options": [{"id": "b", "text": "B"}]})
    {'id': 'a', 'difficulty': Fraction(-1, 5), 'choices': [{'id': 'b', 'text': 'B'}]}
    """
    if isinstance(shape, Record):
        return _record(shape, value)
    if isinstance(shape, ByKind):
        return _record(shape.kinds[value["kind"]], value)
    if isinstance(shape, MapOrList):
        return authored(shape.pairs if isinstance(value, Mapping) else shape.other, value)
    if isinstance(shape, ListOf) and isinstance(value, list):
        return [authored(shape.each, each) for each in value]
    if isinstance(shape, MapOf):
        return {name: authored(shape.each, each) for name, each in value.items()}
    if isinstance(shape, Number) and isinstance(value, str):
        return Fraction(value)
    return value


def _record(shape: Record, value: Mapping[str, Any]) -> dict[str, Any]:
    left = dict(value)
    made: dict[str, Any] = {}
    if "sha256" in left:
        left["file"] = _picture_name(left.pop("sha256"), left.pop("type"))
    for written, key in shape.keys.items():
        name = key.name or written
        if name not in left:
            continue
        inner = left.pop(name)
        if isinstance(key.shape, Record) and isinstance(inner, list):
            (only,) = key.shape.keys
            inner = {only: inner}
        made[written] = authored(key.shape, inner)
    if left:
        raise Unlike(f"the key {min(left)!r} is not of this version's form; build the course again")
    return made
