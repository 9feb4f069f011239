"""The course files that a server teaches from: read at its start, and again when it is asked to.

This file is that reading. A file that cannot be used is told, and what it held before stays taught;
a running lesson keeps the version it began on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from server.authoring.compiled import bytes_of, map_path, pictures_of
from server.settings import Misconfigured
from streaming.catalogue import Catalogue

_LOG = logging.getLogger(__name__)

SOURCE = "course.yaml"
MAP_SUFFIX = ".map.json"
ALL = "files"
"""What `broken` calls all files together."""

Stamp = tuple[tuple[int, int] | None, ...]
"""Time and size of a course's file and of its map."""


class Listed(NamedTuple):
    """A course file, and whether the settings name it: then a server does not start without it."""

    path: Path
    named: bool


def listed(names: list[Path]) -> list[Listed]:
    """The course files of the settings, in order: a folder stands for the compiled ones in it.

    Raises Misconfigured for a folder of YAML, or for one without a course.
    """
    found: list[Listed] = []
    for path in names:
        if not path.is_dir():
            found.append(Listed(path, named=True))
            continue
        if (path / SOURCE).is_file():
            raise Misconfigured(
                f"courses: {path} holds YAML; a server reads compiled courses: "
                f"run `tutorstream content build {path}` and name the file that it writes"
            )
        inside = sorted(each for each in path.glob("*.json") if not each.name.endswith(MAP_SUFFIX))
        if not inside:
            raise Misconfigured(f"courses: {path} holds no compiled course (*.json)")
        found += [Listed(each, named=False) for each in inside]
    return found


class Taught:
    """A server's course files. `broken` says why some are not taught, by name."""

    def __init__(self, names: Callable[[], list[Path]], catalogue: Catalogue) -> None:
        self._names = names
        self.catalogue = catalogue
        self._stamps: dict[Path, Stamp] = {}
        self._taught: dict[Path, str] = {}
        self._turn = asyncio.Lock()
        self.broken: dict[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """What an operator should know: the courses that are not taught, or not their newest."""
        return [f"course {name}: {why}" for name, why in self.broken.items()]

    async def load(self) -> None:
        """Teach every course; raises Misconfigured for a named one that cannot be used, or none."""
        for path, named in await asyncio.to_thread(listed, self._names()):
            await self._teach(path)
            if named and path.name in self.broken:
                why = self.broken[path.name]
                raise Misconfigured(
                    f"courses: {path.name} cannot be used: {why}; see `tutorstream content check`"
                )
        if not self._taught:
            raise Misconfigured(f"courses: none can be used: {'; '.join(self.notes)}")

    async def reload(self) -> list[str]:
        """Look at all files again; the ids of the courses that have another version now."""
        async with self._turn:
            try:
                files = await asyncio.to_thread(listed, self._names())
            except Misconfigured as error:
                self._tell(ALL, str(error))
                return []
            self.broken.pop(ALL, None)
            moved = [found for path, _ in files if (found := await self._teach(path)) is not None]
            self._withdraw([path for path, _ in files])
            return moved

    async def watch(self, every_s: float) -> None:
        """Look at the files again and again, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.reload()
            except Exception:  # noqa: BLE001 - whatever a store raises, it is tried again
                _LOG.exception("courses were not read again")

    async def _teach(self, path: Path) -> str | None:
        """Teach a file's course if the file changed; its id where that is another version."""
        stamp = await asyncio.to_thread(_stamp, path)
        if self._stamps.get(path) == stamp:
            return None
        try:
            canonical = await asyncio.to_thread(bytes_of, path)
            course = await self.catalogue.add(canonical)
            for sha256, kind, body in await asyncio.to_thread(pictures_of, path, course):
                await self.catalogue.keep_picture(sha256, kind, body)
        except (OSError, ValueError) as error:
            self._tell(path.name, str(error).partition("\n")[0])
            return None
        self.broken.pop(path.name, None)
        self._stamps[path] = stamp
        before, self._taught[path] = self._taught.get(path), course.sha256
        if before == course.sha256:
            return None
        if before is not None:
            _LOG.warning("course %s: version %s from now on", course.id, course.sha256[:12])
        return course.id

    def _tell(self, name: str, why: str) -> None:
        if self.broken.get(name) != why:
            _LOG.error("the course file %s is not used: %s", name, why)
        self.broken[name] = why

    def _withdraw(self, there: list[Path]) -> None:
        """Offer what lies in no file any more to nobody new, while anything is left to offer."""
        for path in [path for path in self._taught if path not in there]:
            if len(self._taught) == 1:
                self._tell(path.name, "the file is gone; lessons begin on it all the same")
                return
            sha256 = self._taught.pop(path)
            self._stamps.pop(path, None)
            if sha256 not in self._taught.values():
                self.catalogue.withdraw(sha256)
                _LOG.warning("course %s is gone: no lesson begins on it", path)


def _stamp(path: Path) -> Stamp:
    return tuple(map(_of, (path, map_path(path))))


def _of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
