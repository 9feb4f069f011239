"""What a transfer left out or changed, counted by reason. This file is the words of its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST_IDS = 20
"""Ids that a report lists of each reason."""


class NotImported(Exception):  # noqa: N818 (what became of it)
    """A question that cannot become an item; `reason` is the report's code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Tally:
    """Counts by reason with the first ids."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, what: str) -> None:
        """Count one."""
        self.counts[reason] += 1
        ids = self.first.setdefault(reason, [])
        if len(ids) < FIRST_IDS:
            ids.append(what)

    def told(self, meanings: Mapping[str, str]) -> dict[str, Any]:
        """As a report has it: count, meaning and first ids by reason."""
        return {
            reason: {"count": count, "means": meanings[reason], "first": self.first[reason]}
            for reason, count in sorted(self.counts.items())
        }
