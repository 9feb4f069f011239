"""How the built-in tutor speaks in each mode, where it differs from practice. This file is that.

Discovery asks one question a turn, a worked example shows another exercise's steps, a review is
short, an exam and a vote tell nothing that would help.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from engines.exercises import frames
from engines.exercises.goals import goals_of, is_one_question, question_of
from engines.exercises.material import Turn, step_text
from engines.words import Act, Instance, Mode, Move, Seen

MOST_WORDS = 120
MOST_WORDS_REVIEW = 60
"""About 90 tokens."""

_MOVES: dict[Act, tuple[Move, ...]] = {
    "recall": ("elicit", "summarise"),
    "probe": ("probe", "contrast", "counterexample"),
    "scaffold": ("narrow", "ladder"),
    "affirm": ("confirm",),
}
"""Which moves of a Socratic plan an act may be; the first one, where it comes beside the plan."""
_OPEN_TO_VOTERS = frozenset[Act](
    ("greet", "probe", "compare", "submit_prompt", "redirect", "clarify", "rest", "safety")
)
_FORMULA = re.compile(r"\$+[^$]*\$+")


def spoken_act(act: Act, seen: Seen) -> Act:
    """The act whose words are said: one that would help is not, in an exam or before a reveal."""
    if seen.mode == "exam" and not seen.closed and act not in frames.EXAM_OPENINGS:
        return "redirect"
    if seen.mode == "peer" and not seen.revealed and act not in _OPEN_TO_VOTERS:
        return "probe"
    return act


def most_words(mode: Mode) -> int:
    """How many words a text of a mode may have."""
    return MOST_WORDS_REVIEW if mode == "review" else MOST_WORDS


def openings_of(turn: Turn) -> tuple[str, ...]:
    """The openings to pick from."""
    if _is_exam(turn.seen):
        return frames.EXAM_OPENINGS[turn.act]
    if turn.act == "bottom_out" and not turn.unlocked:
        return frames.LOCKED if turn.seen.mode in ("practice", "worked") else frames.NOT_NOW
    return frames.OPENINGS[turn.act]


def closings_of(turn: Turn, body: list[str]) -> tuple[str, ...]:
    """The closings to pick from: after a Socratic question none that asks another."""
    if _is_exam(turn.seen):
        return frames.EXAM_CLOSINGS[turn.act]
    if turn.seen.mode == "socratic" and questions_in("\n\n".join(body), turn.prompt()):
        return frames.SOCRATIC_CLOSINGS
    if (turn.seen.mode, turn.act) in _ASKS_ITSELF:
        return frames.SOCRATIC_CLOSINGS
    if turn.act == "bottom_out" and not turn.unlocked:
        return frames.CLOSINGS["scaffold"]
    return frames.CLOSINGS[turn.act]


_ASKS_ITSELF = frozenset({("worked", "probe"), ("worked", "compare")})
"""What ends in a question of its own."""


def _is_exam(seen: Seen) -> bool:
    return seen.mode == "exam" and not seen.closed


def questions_in(text: str, prompt: str = "") -> int:
    """How many questions a text asks; the exercise's own words and formulas are not counted.

    >>> questions_in("Solve $x = ?$. Why? What then?", "Why?")
    1
    """
    if prompt:
        text = text.replace(prompt, " ")
    return _FORMULA.sub(" ", text).count("?")


# --- discovery -----------------------------------------------------------------------------------


def socratic_question(act: Act, instance: Instance, seen: Seen, nth: int = 0) -> str:
    """The one question of a Socratic turn; empty for an act that asks none of its own.

    `seen.state` is the one after the turn. `nth` picks among general questions where the goal has
    none for the move.
    """
    if seen.mode != "socratic" or act not in _MOVES:
        return ""
    plan = seen.state.socratic
    moves = _MOVES[act]
    over = bool(plan.end) and act in ("affirm", "recall")
    move: Move = "" if over else plan.move if plan.move in moves else moves[0]
    goals = goals_of(instance)
    goal = goals[min(plan.goal, len(goals) - 1)]
    own = question_of(goal, move)
    if own and is_one_question(own):
        return own
    general = frames.QUESTIONS["narrow" if move == "ladder" else move]
    return general[nth % len(general)]


def _asking(turn: Turn) -> list[str]:
    question = socratic_question(turn.act, turn.instance, turn.seen, turn.start + turn.turn_no)
    return [question]


def _laddering(turn: Turn) -> list[str]:
    """A scaffold; once the ladder is open, with a hint that asks nothing."""
    plan = turn.seen.state.socratic
    if plan.move != "ladder" and plan.end != "spent":
        return _asking(turn)
    points = [text for text in turn.hints("point", "nudge") if not questions_in(text)]
    return [turn.pick(frames.HINTS_OPEN, 2), *points[:1], *_asking(turn)]


def _naming(turn: Turn) -> list[str]:
    """The mistake that was found, and no rule; without one the plan's question."""
    remark = turn.misconception()
    if remark and questions_in(remark) <= 1:
        return [remark]
    return [turn.pick(frames.QUESTIONS["probe"], 1)]


def _leaving_to_box(turn: Turn) -> list[str]:
    plan = turn.seen.state.socratic
    return [frames.RE_ASKED] if plan.move and not plan.end else []


def _greeting(turn: Turn) -> list[str]:
    """The exercise, and the first question of the plan."""
    goal = goals_of(turn.instance)[0]
    return [turn.prompt(), goal.elicit or turn.pick(frames.QUESTIONS["elicit"], 1)]


def _telling(turn: Turn) -> list[str]:
    """The way to the end, or, while it is closed, a smaller question."""
    if not turn.unlocked:
        return [turn.pick(frames.QUESTIONS["narrow"], 1)]
    lines = [f"{show} {why}".strip() for show, why in turn.steps()]
    told = [line for line in lines if not questions_in(line)]
    return [*told, *turn.end(told)]


def _plainly(turn: Turn) -> list[str]:
    """For acts that are not of this mode: the question of a smaller step."""
    return [turn.pick(frames.QUESTIONS["narrow"], 1)]


# --- worked example ------------------------------------------------------------------------------


def _at(turn: Turn, steps: int) -> int:
    """The step that this turn is about: the one counted last."""
    step = turn.seen.state.step
    return min(step - 1, steps - 1) if step else turn.nth % steps


def example_lines(act: Act, instance: Instance, seen: Seen) -> tuple[str, ...]:
    """The worked example as far as it may be spoken of: its question, and the steps gone through.

    Empty in other modes. Lines that are left to the learner come with the comparison at the end.
    """
    if seen.mode != "worked":
        return ()
    question, steps = Turn(act, instance, seen, 0, unlocked=False).example()
    step = seen.state.step
    whole = act == "compare" and step >= len(steps)
    shown = steps if whole else steps[: min(step, seen.example_given or step)]
    return (*([question] if question else []), *(f"{show} {why}".strip() for show, why in shown))


def _showing(turn: Turn) -> list[str]:
    question, steps = turn.example()
    at = _at(turn, len(steps))
    parts = [f"The example: {question}" if question and at == 0 else ""]
    before = steps[at - 1][1] if at and turn.seen.acts[-1:] == ("probe",) else ""
    if before:
        parts.append(f"{turn.pick(frames.REASON_GIVEN, 2)} {before}")
    return [*parts, step_text(steps[at])]


def _self_explaining(turn: Turn) -> list[str]:
    """A line without its reason, the place of a line that was left out, or the learner's own."""
    question, steps = turn.example()
    if turn.seen.state.step >= len(steps) and turn.seen.acts[-1:] == ("compare",):
        return [f"Yours: {turn.prompt()}", turn.pick(frames.YOUR_LINE, 2)]
    at = _at(turn, len(steps))
    given = turn.seen.example_given or len(steps)
    if at < given:
        return [steps[at][0], turn.pick(frames.SELF_EXPLAIN, 2)]
    head = f"The example: {question}" if question else ""
    return [head, steps[at - 1][0] if at else "", turn.pick(frames.FADED, 2)]


def _holding_against(turn: Turn) -> list[str]:
    """The example beside the learner's exercise, in full once it was gone through."""
    question, steps = turn.example()
    shown = steps if turn.seen.state.step >= len(steps) else steps[: turn.seen.state.step]
    lines = "\n\n".join(show for show, _ in shown)
    example = f"The example: {question}" if question else ""
    remark = turn.misconception()
    yours = f"Yours: {turn.prompt()}"
    return [remark, example, lines, yours, turn.pick(frames.TO_YOUR_OWN, 2)]


# --- peer instruction ----------------------------------------------------------------------------


def _reasoning(turn: Turn) -> list[str]:
    return [turn.pick(frames.REASONS, 2)]


def _weighing(turn: Turn) -> list[str]:
    return [turn.pick(frames.OPINIONS, 2)]


# --- exam ----------------------------------------------------------------------------------------


def _nothing(_turn: Turn) -> list[str]:
    return []


Body = Callable[[Turn], list[str]]
BODIES_OF_MODE: dict[tuple[Mode, Act], Body] = {
    ("socratic", "greet"): _greeting,
    ("socratic", "recall"): _asking,
    ("socratic", "probe"): _asking,
    ("socratic", "scaffold"): _laddering,
    ("socratic", "affirm"): _asking,
    ("socratic", "explain"): _naming,
    ("socratic", "submit_prompt"): _leaving_to_box,
    ("socratic", "bottom_out"): _telling,
    ("socratic", "nudge"): _plainly,
    ("socratic", "point"): _plainly,
    ("socratic", "simpler"): _plainly,
    ("socratic", "show_step"): _plainly,
    ("socratic", "compare"): _plainly,
    ("worked", "show_step"): _showing,
    ("worked", "probe"): _self_explaining,
    ("worked", "compare"): _holding_against,
    ("peer", "probe"): _reasoning,
    ("peer", "compare"): _weighing,
    ("exam", "submit_prompt"): _nothing,
    ("exam", "rest"): _nothing,
}
"""What an act says in a mode, where the mode has a way of its own."""
