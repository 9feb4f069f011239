"""Discovery by questions: a finite plan for each goal. This file is that mode's policy.

The moves are those of Collins & Stevens (1982): elicit, probe, narrow, contrast, counterexample,
then confirm and summarise as soon as the goal is met. The rule is never said before the learner
says it. Three probes without progress on one goal open the ladder of hints, then the way is told.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec.structs import replace

from engines.modes.mode import ALWAYS, Base, Help, HintRule
from engines.words import Act, Mode, ModeState, Move, Seen, SocraticState, Wish

TURNS_MOST = 12
"""Turns of one plan, detours included; then the hints open."""
PROBES_MOST = 3
"""Acts `probe` for one goal without progress."""

Reply = Literal["met", "unmet"]
"""How a learner's words bear on the open question."""

_UNMET: dict[Move, Move] = {
    "": "elicit",
    "elicit": "probe",
    "probe": "narrow",
    "narrow": "contrast",
    "contrast": "counterexample",
    "counterexample": "ladder",
    "ladder": "told",
    "confirm": "summarise",
}
ACT_OF: dict[Move, Act] = {
    "elicit": "recall",
    "probe": "probe",
    "narrow": "scaffold",
    "contrast": "probe",
    "counterexample": "probe",
    "confirm": "affirm",
    "summarise": "recall",
    "ladder": "scaffold",
    "told": "bottom_out",
}
"""The act that plays a move. Of those before the ladder three are probes (`PROBES_MOST`)."""
OPEN: frozenset[Move] = frozenset(
    ("elicit", "probe", "narrow", "contrast", "counterexample", "ladder")
)
"""Moves after which the goal's question stands open."""


class Step(NamedTuple):
    """One turn of a plan: its act, and where the plan stands then."""

    act: Act
    state: SocraticState


def step(state: SocraticState, reply: Reply, goals: int) -> Step:
    """The next turn of a running plan over so many goals, for a reply to the open question.

    Raises ValueError where the plan has ended or there is no goal.

    >>> step(SocraticState(), "unmet", 1)
    Step(act='recall', state=SocraticState(goal=0, move='elicit', turns=1, end=''))
    >>> step(SocraticState(0, "probe", 2), "met", 1).act
    'affirm'
    """
    if state.end or goals < 1:
        raise ValueError(f"expected a running plan with a goal, got {state} and {goals} goals")
    if state.move == "summarise":
        if state.goal + 1 >= goals:
            return Step("affirm", _counted(replace(state, end="met")))
        return Step("recall", _counted(replace(state, goal=state.goal + 1, move="elicit")))
    move: Move = "confirm" if reply == "met" and state.move in OPEN else _UNMET[state.move]
    end = "told" if move == "told" else state.end
    return Step(ACT_OF[move], _counted(replace(state, move=move, end=end)))


def aside(state: SocraticState) -> SocraticState:
    """The plan after a turn beside it: the same place, one turn later."""
    return state if state.end else _counted(state)


def _counted(state: SocraticState) -> SocraticState:
    turns = state.turns + 1
    return replace(state, turns=turns, end=state.end or ("spent" if turns >= TURNS_MOST else ""))


_WITHOUT_GOALS: dict[Wish, Act] = {
    "simpler": "scaffold",
    "example": "scaffold",
    "step": "scaffold",
    "memory": "recall",
    "thanks": "affirm",
    "greeting": "greet",
}


class Socratic(Base):
    """One question a turn, towards the item's goals."""

    mode: Mode = "socratic"
    allowed_acts = ALWAYS | {
        "greet", "probe", "scaffold", "affirm", "recall", "explain", "bottom_out",
    }  # fmt: skip
    hint_rule: HintRule = "goals"

    def next_act(self, seen: Seen, wish: Wish) -> Act:
        """A met goal goes before all else: a number may answer the tutor's own question."""
        if self._meets(seen):
            return step(seen.state.socratic, "met", seen.goals).act
        return super().next_act(seen, wish)

    def _own(self, seen: Seen, wish: Wish) -> Act:
        plan = seen.state.socratic
        if seen.verdict == "correct":
            return "affirm"
        if seen.goals < 1:
            return _WITHOUT_GOALS.get(wish, "probe")
        if plan.end:
            return self._after(seen, wish)
        if wish == "greeting" and not plan.move and not seen.acts:
            return "greet"
        return step(plan, "unmet", seen.goals).act

    def _meets(self, seen: Seen) -> bool:
        plan = seen.state.socratic
        running = seen.goals > 0 and not plan.end and seen.verdict != "correct"
        return seen.met and running and plan.move in OPEN

    def _after(self, seen: Seen, wish: Wish) -> Act:
        """Turns after the plan's end."""
        end = seen.state.socratic.end
        if end == "told" and wish != "thanks":
            return "bottom_out"
        if end == "spent":
            return "scaffold"
        return "recall" if seen.acts[-1:] == ("affirm",) else "affirm"

    def after_turn(self, seen: Seen, act: Act, wish: Wish) -> ModeState:  # noqa: ARG002 - contract
        """The plan one turn on: moved where the act was the plan's own."""
        plan = seen.state.socratic
        if plan.end or seen.goals < 1 or seen.verdict == "correct":
            return seen.state
        if act == "greet" and not plan.move:  # its text asks the first question
            return replace(seen.state, socratic=step(plan, "unmet", seen.goals).state)
        then = step(plan, "met" if self._meets(seen) else "unmet", seen.goals)
        return replace(seen.state, socratic=then.state if act == then.act else aside(plan))

    def refusal(self, what: Help, seen: Seen) -> str | None:
        """The tutor's questions come before hints and steps."""
        plan = seen.state.socratic
        if not self.locked(seen) or plan.end or plan.move in ("ladder", "told"):
            return None
        return (
            f"in discovery the tutor's questions come first: {what}s open after "
            f"{PROBES_MOST} probes without progress, or once its questions are done"
        )
