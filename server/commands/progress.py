"""How far a long piece of work is, on a terminal's last line. This file is that line."""

from __future__ import annotations

import sys
import time
from typing import Self

SILENT_S = 1.0
"""Work that ends sooner needs no line."""
AGAIN_S = 0.2
"""Least time between two changes of the line."""


class Progress:
    """A line on standard error, `120 of 1,864 items checked`; nothing where that is no terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()
        self._next_s = time.monotonic() + SILENT_S
        self._written = False

    def told(self, done: int, of: int) -> None:
        """So much is done."""
        if not self._shown or (now_s := time.monotonic()) < self._next_s:
            return
        self._next_s = now_s + AGAIN_S
        self._written = True
        print(f"\r{done:,} of {of:,} {self._what}", end="\x1b[K", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        if self._written:
            print("\r", end="\x1b[K", file=sys.stderr, flush=True)
