"""A checked course as canonical JSON with its source map beside it. This file is the build."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from server.authoring.checking import Checked
from server.authoring.compiled import map_path, media_path
from server.authoring.folder import Sources
from server.authoring.media import ENDINGS


@dataclass(frozen=True)
class Built:
    """What was written: the compiled file, its size, and the version's hash."""

    path: Path
    size_bytes: int
    sha256: str


class OpenErrors(Exception):  # noqa: N818 (what stands in the way)
    """A course with errors is not built."""


def built(checked: Checked, out: Path) -> Built:
    """The course written to `out`, its map and its pictures beside it.

    The course's bytes depend on the sources alone, and pictures are named by their hash.

    Raises `OpenErrors` if a check found an error, OSError where the file cannot be written.
    """
    if checked.canonical is None or checked.report.errors:
        raise OpenErrors(f"{checked.report.errors} errors: nothing is built")
    sha256 = hashlib.sha256(checked.canonical).hexdigest()
    out.parent.mkdir(parents=True, exist_ok=True)
    if checked.sources.media:
        media_path(out).mkdir(exist_ok=True)
    for name, picture in checked.sources.media.items():
        _put(media_path(out) / f"{name}{ENDINGS[picture.type]}", picture.body)
    _put(out, checked.canonical)
    _put(map_path(out), source_map(checked.sources, sha256).encode())
    return Built(out, len(checked.canonical), sha256)


def _put(path: Path, body: bytes) -> None:
    """Whole or not at all: a server may look at the file at any time."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(body)
    beside.replace(path)


def source_map(sources: Sources, sha256: str) -> str:
    """Where each skill and item was written, as JSON, with the hash of the compiled course."""
    assert sources.document is not None
    ids = {
        part: {
            each["id"]: list(sources.place((part, at))[:2])
            for at, each in enumerate(sources.document[part])
        }
        for part in ("skills", "items")
    }
    named = {"sha256": sha256, **ids}
    return json.dumps(named, ensure_ascii=False, sort_keys=True, indent=0) + "\n"
