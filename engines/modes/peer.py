"""Peer instruction: reasons are asked for and compared (Mazur 1997). This file is that mode's
policy.

Until the facilitator reveals the answer nothing is said that tells which choice is right, also not
that a mistake was found.
"""

from __future__ import annotations

from dataclasses import replace

from engines.modes.mode import ALWAYS, Base, Help, HintRule, in_all_modes
from engines.words import Act, Mode, Seen, Wish

BEFORE: frozenset[Act] = ALWAYS | frozenset[Act](("greet", "probe", "compare"))
"""Acts before the reveal."""

_NAMES: dict[Help, str] = {"hint": "hints", "steps": "worked steps"}


class Peer(Base):
    """Asks for reasons; explains after the reveal."""

    mode: Mode = "peer"
    allowed_acts: frozenset[Act] = BEFORE | frozenset[Act](("explain",))
    hint_rule: HintRule = "after_reveal"

    def next_act(self, seen: Seen, wish: Wish) -> Act:
        """Before the reveal neither a verdict nor a mistake found moves the act."""
        if seen.revealed:
            return super().next_act(seen, wish)
        blind = replace(seen, verdict=None, misconception=None)
        return in_all_modes(blind, wish, BEFORE) or self._before(seen, wish)

    def _before(self, seen: Seen, wish: Wish) -> Act:
        if wish == "greeting" and not seen.acts:
            return "greet"
        return "compare" if wish in ("reason", "compare") else _in_turn(seen)

    def _own(self, seen: Seen, wish: Wish) -> Act:
        if wish == "greeting" and not seen.acts:
            return "greet"
        if wish == "compare":
            return "compare"
        return _in_turn(seen) if seen.acts[-1:] == ("explain",) else "explain"

    def locked(self, seen: Seen) -> bool:
        """Locked until the reveal, also for who chose right."""
        return not seen.revealed

    def _held(self, seen: Seen, others: frozenset[str]) -> frozenset[str]:
        """What is voted on with it, likewise."""
        return frozenset() if seen.revealed else others

    def refusal(self, what: Help, seen: Seen) -> str | None:
        """No help before the reveal."""
        return None if seen.revealed else f"{_NAMES[what]} open once the answer has been revealed"


def _in_turn(seen: Seen) -> Act:
    return "compare" if "probe" in seen.acts[-1:] else "probe"
