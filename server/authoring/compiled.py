"""A compiled course, opened and compared with its map's hash. This file is the way back in."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engines.exercises.course import BadCourse, course_from
from engines.words import Course


class _Map(msgspec.Struct):
    """The part of a source map that a server needs."""

    sha256: str


def map_path(compiled: Path) -> Path:
    """The source map beside a compiled course: `course.json` has `course.map.json`."""
    return compiled.with_suffix(".map.json")


def opened(compiled: Path, *, locale: str | None = None) -> Course:
    """The course of a compiled file, checked against the hash in its map.

    A file without a map is taken by its own hash. Raises `BadCourse` for altered or truncated
    files, OSError where the file cannot be read.
    """
    beside = map_path(compiled)
    expected: str | None = None
    if beside.is_file():
        try:
            expected = msgspec.json.decode(beside.read_bytes(), type=_Map).sha256
        except msgspec.DecodeError as error:
            raise BadCourse(f"{beside}: not a source map: {error}") from None
    try:
        return course_from(compiled.read_bytes(), locale=locale, sha256=expected)
    except BadCourse as error:
        raise BadCourse(f"{compiled}: {error}; build it again") from None
