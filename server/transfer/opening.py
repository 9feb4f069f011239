"""A course to be written out: from its folder or from its compiled file. This file opens it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engines.exercises.course import canonical, course_from
from engines.words import Course
from server.authoring.compiled import opened
from server.authoring.findings import Report
from server.authoring.folder import read


@dataclass(frozen=True)
class Opened:
    """A course with the document it was made from; `pictures` are bodies by their hash."""

    course: Course
    document: dict[str, Any]
    sha256: str
    profile: str = ""
    """The profile that its folder names; empty for a compiled file, which has none."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def course_at(path: Path, *, locale: str | None = None) -> Opened:
    """The course of a folder (or its `course.yaml`) or of a compiled file, in one locale.

    Raises OSError where there is none, ValueError for one with faults, `BadCourse` for an altered
    file.
    """
    folder = path.parent if path.name == "course.yaml" else path
    if folder.is_dir():
        return _of_folder(folder, locale)
    opened(path)  # refuses a file whose hash is not its map's
    return _of_bytes(path.read_bytes(), locale)


def _of_bytes(written: bytes, locale: str | None) -> Opened:
    document = msgspec.json.decode(written)
    course = course_from(written, locale=locale)
    return Opened(course, document, hashlib.sha256(written).hexdigest())


def _of_folder(folder: Path, locale: str | None) -> Opened:
    report = Report()
    sources = read(folder, report)
    if sources.document is None or report.errors:
        first = next((str(each) for each in report.shown()), "")
        raise ValueError(f"{folder}: {report.errors} errors, the first: {first}; see content check")
    made = _of_bytes(canonical(sources.document), locale)
    pictures = {name: picture.body for name, picture in sources.media.items()}
    return Opened(made.course, made.document, made.sha256, sources.profile, pictures)
