"""Zip archives of which nothing can surprise: sizes, ratio, names. This file opens packages."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from pathlib import PurePosixPath

ARCHIVE_BYTES = 50 * 1024 * 1024
"""Largest archive, and most that all its entries may come to."""
MOST_ENTRIES = 10_000
MOST_RATIO = 100
"""Bytes out for a byte in; text packs 10 to 20 times."""


class BadArchive(ValueError):  # noqa: N818 (what the file is)
    """A file that is no archive, or one that is not opened."""


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin as a zip archive does."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


class Archive:
    """An archive whose entries are listed and safe to read into memory; nothing is unpacked."""

    def __init__(self, data: bytes) -> None:
        if len(data) > ARCHIVE_BYTES:
            raise BadArchive(f"{len(data)} bytes, at most {ARCHIVE_BYTES} are read; split it")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise BadArchive(f"not a zip archive: {error}") from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        infos = self._zip.infolist()
        if len(infos) > MOST_ENTRIES:
            raise BadArchive(f"{len(infos)} entries, at most {MOST_ENTRIES} are read; split it")
        self._left = ARCHIVE_BYTES
        for info in infos:
            self._admit(info)

    def _admit(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        if unsafe(name):
            raise BadArchive(f"the name {name!r} leads outside the archive")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise BadArchive(f"{name!r} is a link")
        if info.flag_bits & 0x1:
            raise BadArchive(f"{name!r} is encrypted")
        if info.is_dir():
            return
        if info.file_size > MOST_RATIO * max(info.compress_size, 1):
            raise BadArchive(f"{name!r} unpacks to more than {MOST_RATIO} times its size")
        self._left -= info.file_size
        if self._left < 0:
            raise BadArchive(f"unpacks to more than {ARCHIVE_BYTES} bytes; split it")
        if name in self._entries:
            raise BadArchive(f"{name!r} stands twice")
        self._entries[name] = info

    @property
    def names(self) -> list[str]:
        """The files, in the archive's order."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """One file's bytes, no more than its entry says. Raises `BadArchive`, KeyError."""
        info = self._entries[name]
        try:
            with self._zip.open(info) as file:
                data = file.read(info.file_size + 1)
        except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, OSError) as error:
            raise BadArchive(f"{name!r} cannot be unpacked: {error}") from None
        if len(data) != info.file_size:
            raise BadArchive(f"{name!r} does not have the size it says")
        return data


def unsafe(name: str) -> bool:
    r"""Whether a name is absolute, climbs by `..`, or is spelled to look like neither.

    >>> [unsafe(name) for name in ("items/a.xml", "../a", "/etc/x", "c:\\x", "a/../../b", "")]
    [False, True, True, True, True, True]
    """
    path = PurePosixPath(name)
    odd = "\\" in name or "\x00" in name or ":" in name.split("/")[0]
    return not name or odd or path.is_absolute() or ".." in path.parts
