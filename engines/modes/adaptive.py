"""Adaptive practice: one move at the present level of help. This file is that mode's policy.

Also here: the sign that more of the same will not help (wheel-spinning, Beck & Gong 2013).
"""

from __future__ import annotations

from engines.modes.mode import ALWAYS, Base, HintRule
from engines.words import Act, Mode, Seen, Wish

LADDER: tuple[Act, ...] = ("nudge", "point", "scaffold", "explain")
"""Acts of help, from least to most."""
TRIES_SPINNING = 3
ANSWERS_SPINNING = 10

_ASKED: dict[Wish, Act] = {
    "simpler": "simpler",
    "example": "example",
    "compare": "compare",
    "reason": "explain",
    "memory": "recall",
    "thanks": "affirm",
    "greeting": "greet",
}


class Practice(Base):
    """Hints are free to ask for; the way to the end comes last, once the ladder was climbed."""

    mode: Mode = "practice"
    allowed_acts = ALWAYS | {
        "greet", "nudge", "point", "scaffold", "explain", "simpler", "example", "affirm",
        "recall", "compare", "show_step", "bottom_out",
    }  # fmt: skip
    hint_rule: HintRule = "ladder"

    def _own(self, seen: Seen, wish: Wish) -> Act:
        if wish in _ASKED:
            return _ASKED[wish]
        if wish == "nothing" and not (seen.acts or seen.attempts):
            return "greet"
        if wish == "step":
            return "show_step" if seen.steps_shown else "scaffold"
        if wish == "plea" and self._at_the_end(seen):
            return "bottom_out"
        return rung(seen)

    def _at_the_end(self, seen: Seen) -> bool:
        """Whether the whole way may be told: it is open, or nothing else is left to give."""
        if not self.locked(seen):
            return True
        return seen.hints_used >= seen.hints_of - 1 and "scaffold" in seen.acts


def rung(seen: Seen) -> Act:
    """The next act of help: further with every hint taken and every such act already played.

    >>> rung(Seen()), rung(Seen(hints_used=1)), rung(Seen(acts=("nudge", "point")))
    ('nudge', 'point', 'scaffold')
    """
    if seen.verdict == "correct":
        return "affirm"
    played = max((LADDER.index(a) + 1 for a in seen.acts[-4:] if a in LADDER), default=0)
    act = LADDER[min(max(seen.hints_used, played), len(LADDER) - 1)]
    # What was just explained is put to use before it is explained again.
    return "scaffold" if act == "explain" and seen.acts[-1:] == ("explain",) else act


def wheel_spinning(
    tries: int, hints_used: int, hints_of: int, answered: int, *, mastered: bool
) -> bool:
    """Whether work on a skill no longer leads to mastery (after Beck & Gong 2013).

    `tries` are the wrong ones on the open item, `answered` the items answered of its first skill.
    It holds after 3 wrong tries with every hint used, and after 10 answered items of a skill that
    is not mastered. Raises ValueError for a negative count.

    >>> wheel_spinning(3, 4, 4, 5, mastered=False), wheel_spinning(2, 4, 4, 5, mastered=False)
    (True, False)
    """
    if min(tries, hints_used, hints_of, answered) < 0:
        raise ValueError(
            f"expected counts of 0 or more, got {(tries, hints_used, hints_of, answered)}"
        )
    stuck_here = tries >= TRIES_SPINNING and hints_used >= hints_of
    return stuck_here or (answered >= ANSWERS_SPINNING and not mastered)
