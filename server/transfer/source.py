"""A file to import from, opened within limits: as text, as XML, as an archive. This file opens it.

Whatever cannot be opened is a ValueError in one line that names the file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from server.transfer.archive import Archive, BadArchive, is_archive
from server.transfer.trees import BadXml, Tree, tree_of

FILE_BYTES = 50 * 1024 * 1024
"""Largest file that is read."""


@dataclass(frozen=True)
class Source:
    """A file's name without its folder, and its bytes."""

    name: str
    data: bytes

    @property
    def stem(self) -> str:
        """The name without its ending: a course's title where the file states none."""
        return Path(self.name).stem

    @property
    def sha256(self) -> str:
        """The hash that a report names the file by."""
        return hashlib.sha256(self.data).hexdigest()

    def text(self) -> str:
        """The file's text. Raises ValueError where it is neither UTF-8 nor UTF-16 with its mark.

        >>> Source("a.txt", "é".encode("utf-16")).text()
        'é'
        """
        marked = self.data[:2] in (b"\xff\xfe", b"\xfe\xff")
        try:
            return self.data.decode("utf-16" if marked else "utf-8-sig")
        except UnicodeDecodeError as error:
            told = f"{self.name}: not UTF-8 (byte {error.start}); save it as UTF-8"
            raise ValueError(told) from None

    def tree(self) -> Tree:
        """The file as XML. Raises ValueError where it is none, or of a kind that is not opened."""
        try:
            return tree_of(self.data)
        except BadXml as error:
            raise ValueError(f"{self.name}: {error}") from None

    def archive(self) -> Archive | None:
        """The file as an archive, None where it is none. Raises ValueError for an unsafe one."""
        if not is_archive(self.data):
            return None
        try:
            return Archive(self.data)
        except BadArchive as error:
            raise ValueError(f"{self.name}: {error}") from None


def source_at(path: Path) -> Source:
    """The file at a path. Raises OSError, ValueError where it is larger than is read."""
    size = path.stat().st_size
    if size > FILE_BYTES:
        raise ValueError(f"{path}: {size} bytes, at most {FILE_BYTES} are read; split it")
    return Source(path.name, path.read_bytes())
