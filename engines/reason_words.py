"""Why something is proposed: a code and a sentence. This file is the type of a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

REASON_CHARS = 140
"""Longest text of a reason."""


class Reason(msgspec.Struct, frozen=True):
    """Why something is proposed: a code and its arguments for other languages, and English text.

    Raises ValueError for an empty text or one longer than `REASON_CHARS`.
    """

    code: str
    args: Mapping[str, Any]
    text: str

    def __post_init__(self) -> None:
        if not 0 < len(self.text) <= REASON_CHARS:
            raise ValueError(f"expected 1 to {REASON_CHARS} characters, got {len(self.text)}")
