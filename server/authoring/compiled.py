"""A compiled course, opened and compared with its map's hash. This file is the way back in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from engines.exercises.course import BadCourse, course_from
from engines.words import Course
from server.authoring.media import ENDINGS


class _Map(msgspec.Struct):
    """The part of a source map that a server needs."""

    sha256: str


def map_path(compiled: Path) -> Path:
    """The source map beside a compiled course: `course.json` has `course.map.json`."""
    return compiled.with_suffix(".map.json")


def media_path(compiled: Path) -> Path:
    """The folder of a compiled course's pictures: `course.json` has `course.media`."""
    return compiled.with_suffix(".media")


def bytes_of(compiled: Path) -> bytes:
    """The bytes of a compiled file, which hash to what its map says, where it has one.

    Raises `BadCourse` for altered or truncated files, OSError where the file cannot be read.
    """
    beside = map_path(compiled)
    expected: str | None = None
    if beside.is_file():
        try:
            expected = msgspec.json.decode(beside.read_bytes(), type=_Map).sha256
        except msgspec.DecodeError as error:
            raise BadCourse(f"{beside}: not a source map: {error}") from None
    found = compiled.read_bytes()
    sha256 = hashlib.sha256(found).hexdigest()
    if expected is not None and sha256 != expected:
        raise BadCourse(
            f"{compiled}: the course's bytes hash to {sha256[:12]}, expected {expected[:12]}; "
            "build it again"
        )
    return found


def opened(compiled: Path, *, locale: str | None = None) -> Course:
    """The course of a compiled file, checked against the hash in its map.

    A file without a map is taken by its own hash. Raises `BadCourse` for altered or truncated
    files, OSError where the file cannot be read.
    """
    canonical = bytes_of(compiled)
    try:
        return course_from(canonical, locale=locale)
    except BadCourse as error:
        raise BadCourse(f"{compiled}: {error}; build it again") from None


def pictures_of(compiled: Path, course: Course) -> list[tuple[str, str, bytes]]:
    """The pictures that a course shows: hash, type and bytes of each.

    Raises `BadCourse` for one that is missing or altered.
    """
    named = {each.sha256: each.type for item in course.items for each in item.media}
    found: list[tuple[str, str, bytes]] = []
    for sha256, kind in sorted(named.items()):
        path = media_path(compiled) / f"{sha256}{ENDINGS.get(kind, '')}"
        body = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(body).hexdigest() != sha256:
            raise BadCourse(f"{path}: this picture is missing or altered; build the course again")
        found.append((sha256, kind, body))
    return found
