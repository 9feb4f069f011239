"""Spaced review: memory first, then help. This file is that mode's policy.

Retrieval comes before any explanation (Roediger & Karpicke 2006).
"""

from __future__ import annotations

from engines.modes.mode import ALWAYS, Base, Help, HintRule
from engines.words import Act, Mode, Seen, Wish

HINTS_BEFORE = 1
"""Levels of hint before the first try."""

_ASKED: dict[Wish, Act] = {
    "reason": "explain",
    "example": "explain",
    "plea": "explain",
    "compare": "explain",
    "memory": "recall",
    "thanks": "affirm",
    "greeting": "greet",
}


class Review(Base):
    """Short; one level of hint before the answer."""

    mode: Mode = "review"
    allowed_acts = ALWAYS | {"greet", "recall", "point", "explain", "affirm"}
    hint_rule: HintRule = "attempt_first"

    def _own(self, seen: Seen, wish: Wish) -> Act:
        act = _ASKED.get(wish) or self._help(seen)
        untried = not seen.attempts and self.locked(seen)
        if untried and act in ("point", "explain") and seen.acts[-1:] != ("recall",):
            return "recall"
        return act

    def _help(self, seen: Seen) -> Act:
        if seen.verdict == "correct":
            return "affirm"
        return "explain" if "point" in seen.acts[-2:] else "point"

    def refusal(self, what: Help, seen: Seen) -> str | None:
        """One hint before the first try; everything after it."""
        if seen.attempts or not self.locked(seen):
            return None
        if what == "hint" and seen.hints_used < HINTS_BEFORE:
            return None
        return (
            f"in a review try from memory: {HINTS_BEFORE} hint is open before a try, all help after"
        )
