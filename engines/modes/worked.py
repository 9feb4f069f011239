"""Worked example: steps are shown, some are explained by the learner, the last are left out.
This file is that mode's policy.

The learner explains each second step, and the last steps fade, more of them with experience
(Renkl & Atkinson 2003). The example has other numbers; the item that is open is its pair, which
stays the learner's own.
"""

from __future__ import annotations

from msgspec.structs import replace

from engines.modes.mode import ALWAYS, Base, Help, HintRule
from engines.words import Act, Mode, ModeState, Seen, Wish

STEPS_A_PROBE = 2
"""Of so many steps the learner explains one."""
ANSWERS_A_FADE = 2
"""Answered items of a skill after which one more step fades."""


def steps_given(steps: int, answered: int) -> int:
    """How many steps of an example are shown: never the last one, at least the first.

    One more is left out with every second answered item of the skill. An example of one step
    shows it.

    >>> [steps_given(4, answered) for answered in (0, 2, 4, 20)]
    [3, 2, 1, 1]
    """
    return max(1, steps - 1 - answered // ANSWERS_A_FADE)


class Worked(Base):
    """The tutor explains one given step a turn."""

    mode: Mode = "worked"
    allowed_acts = ALWAYS | {"greet", "show_step", "probe", "compare", "example", "explain"}
    hint_rule: HintRule = "faded"

    def _own(self, seen: Seen, wish: Wish) -> Act:
        if wish in ("example", "compare"):
            return "example" if wish == "example" else "compare"
        if seen.verdict == "correct":
            return "compare" if seen.acts[-1:] != ("compare",) else "probe"
        if self._is_faded(seen):
            over = seen.state.step >= seen.example_steps
            return "compare" if over and seen.acts[-1:] != ("compare",) else "probe"
        due = seen.state.step >= STEPS_A_PROBE * (seen.state.steps_explained + 1) - 1
        return "probe" if due else "show_step"

    def _is_faded(self, seen: Seen) -> bool:
        return seen.state.step >= steps_given(seen.example_steps, seen.skill_answers)

    def after_turn(self, seen: Seen, act: Act, wish: Wish) -> ModeState:  # noqa: ARG002 - contract
        """One step further with each step shown, explained or left to the learner."""
        state = seen.state
        if act not in ("show_step", "probe") or state.step >= max(1, seen.example_steps):
            return state
        explained = state.steps_explained + (act == "probe" and not self._is_faded(seen))
        return replace(state, step=state.step + 1, steps_explained=explained)

    def _held(self, seen: Seen, others: frozenset[str]) -> frozenset[str]:  # noqa: ARG002 - contract
        """The pair of an example stays locked."""
        return others

    def refusal(self, what: Help, seen: Seen) -> str | None:
        """The paired item is tried before its own steps, or its last hint, are shown.

        Steps that leave the last one to the learner may come at once.
        """
        if seen.attempts or not self.locked(seen):
            return None
        if what == "steps" and seen.steps_blank:
            return None
        if what == "steps":
            return "the worked example shows the steps: try this one before its own are shown"
        last = seen.hints_used + 1 >= seen.hints_of
        return "the last hint opens after a try of your own" if last else None
