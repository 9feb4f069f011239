"""An exam: the wording is clarified, nothing else. This file is that mode's policy.

No model speaks, no help is given, and the answers of all its items stay locked until it closes.
The rules of all modes hold as far as they are no help: nothing is explained.
"""

from __future__ import annotations

from engines.modes.mode import ALWAYS, Base, Help, HintRule
from engines.words import Act, Mode, Seen, Wish


class Exam(Base):
    """Silent on everything but the wording."""

    mode: Mode = "exam"
    allowed_acts = ALWAYS
    hint_rule: HintRule = "none"
    model_allowed = False

    def _own(self, seen: Seen, wish: Wish) -> Act:  # noqa: ARG002 - contract
        return "clarify" if wish in ("nothing", "greeting") else "redirect"

    def locked(self, seen: Seen) -> bool:
        """Locked until the exam closes, whatever was answered."""
        return not seen.closed

    def _held(self, seen: Seen, others: frozenset[str]) -> frozenset[str]:
        """All items of the exam, likewise."""
        return frozenset() if seen.closed else others

    def refusal(self, what: Help, seen: Seen) -> str | None:
        """No help until it closes."""
        name = "worked steps" if what == "steps" else "hint"
        return None if seen.closed else f"an exam gives no {name}"
