"""Which act of the tutor answers a learner's words or button. This file is the choice of the act.

It is a pure function of the words and of what was seen, so that a replayed log plans the same acts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_letters
from typing import Literal

from engines.exercises.limits import ExpressionError
from engines.exercises.reading import number_read
from engines.words import Mode, VerdictName

Act = Literal[
    "greet", "nudge", "point", "probe", "scaffold", "explain", "simpler", "example", "show_step",
    "bottom_out", "compare", "affirm", "submit_prompt", "clarify", "recall", "redirect", "rest",
]  # fmt: skip
ACTS: tuple[Act, ...] = (
    "greet", "nudge", "point", "probe", "scaffold", "explain", "simpler", "example", "show_step",
    "bottom_out", "compare", "affirm", "submit_prompt", "clarify", "recall", "redirect", "rest",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known when a turn begins: the work on the open item and the tutor's acts so far.

    `attempts`, `verdict` and `misconception` are of the open item, the newest last; `hint_texts`
    are those shown; `acts` are the acts of earlier turns, oldest first.
    """

    attempts: int = 0
    verdict: VerdictName | None = None
    misconception: str | None = None
    hints_used: int = 0
    hint_texts: tuple[str, ...] = ()
    steps_shown: bool = False
    mode: Mode = "practice"
    acts: tuple[str, ...] = ()


_ALWAYS = frozenset[Act](("submit_prompt", "redirect", "clarify", "rest"))
ALLOWED: dict[Mode, frozenset[Act]] = {
    "practice": _ALWAYS | {
        "greet", "nudge", "point", "scaffold", "explain", "simpler", "example", "affirm",
        "recall", "compare", "bottom_out",
    },
    "socratic": _ALWAYS | {"greet", "probe", "scaffold", "affirm", "recall", "bottom_out"},
    "worked": _ALWAYS | {"greet", "show_step", "probe", "compare", "example"},
    "review": _ALWAYS | {"greet", "recall", "point", "explain", "affirm"},
    "exam": _ALWAYS,
    "peer": _ALWAYS | {"greet", "probe", "compare"},
}  # fmt: skip
"""The acts of each mode (tutoring policy, section 7)."""

_INSTEAD: dict[Mode, dict[Act, Act]] = {
    "practice": {"probe": "nudge", "show_step": "scaffold"},
    "socratic": {"simpler": "scaffold", "example": "scaffold", "show_step": "scaffold"},
    "worked": {"greet": "show_step", "nudge": "probe", "affirm": "probe", "recall": "probe"},
    "review": {"nudge": "recall", "probe": "recall", "example": "explain", "bottom_out": "explain"},
    "exam": {"greet": "clarify"},
    "peer": {"explain": "compare", "example": "compare", "show_step": "compare"},
}
_ELSE: dict[Mode, Act] = {
    "practice": "nudge",
    "socratic": "probe",
    "worked": "show_step",
    "review": "point",
    "exam": "redirect",
    "peer": "probe",
}

_ACTIONS: dict[str, Act] = {"simpler": "simpler", "example": "example", "why": "explain"}
_PATTERNS: tuple[tuple[str, Act], ...] = (
    (r"\b(tired|exhausted|(need|take|want) a (break|rest|pause)|hate this|give up)\b", "rest"),
    (
        r"\b(simpler|easier|(don'?t|do not|didn'?t|can'?t) (get|understand|follow)|confus\w*"
        r"|too hard|plain words)\b",
        "simpler",
    ),
    (r"\b(example|similar one|another one like)\b", "example"),
    (
        r"\b(next step|what (do i|should i|to) do next|what next|show me (a|the) step)\b",
        "show_step",
    ),
    (r"\b(compare|difference between|which is better|versus|vs)\b", "compare"),
    (
        r"\b(what does .{1,60} mean|what is (meant|asked|the question)|reword|rephrase"
        r"|don'?t know what (it|this) (wants|asks))\b",
        "clarify",
    ),
    (
        r"\b(just tell me|tell me the answer|give me the (answer|solution)|what'?s the answer"
        r"|what is the answer|solution please)\b",
        "bottom_out",
    ),
    (r"\b(why|how come|explain|reason|how does)\b", "explain"),
    (r"\b(remind me|remember|forgot|forget|recall|which rule)\b", "recall"),
    # Only as the whole text: "I add the bottoms, ok?" must not be taken as agreement.
    (
        r"^\W*((ok(ay)?|ah|oh|cool|great|thank(s| you)?|got it|((that|it) )?makes sense|i see"
        r"|understood|now|very much|a lot)\b\W*)+$",
        "affirm",
    ),
    (r"\b(hints?|help|stuck|no idea|don'?t know|start|begin|how)\b", "nudge"),
    (r"^\W*(hi|hello|hey|good (morning|afternoon|evening)|salaam|salam)\b", "greet"),
)
_WORDS = tuple((re.compile(pattern, re.IGNORECASE), act) for pattern, act in _PATTERNS)
_OFF_TOPIC = re.compile(
    r"\b(football|soccer|movie|film|music|song|weather|joke|game|girlfriend|boyfriend|instagram"
    r"|tiktok|youtube|politics|president|recipe|pizza|homework for|essay|poem|story|who are you"
    r"|are you (real|human|a robot|an ai)|your name|system prompt|ignore (all|your|previous))\b",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(
    r"^\s*(?:so\s+|then\s+|ok(?:ay)?[,\s]+)?(?:(?:is|would|could|isn'?t)\s+(?:it|that|this|the"
    r"\s+answer)|i\s+(?:think|guess|say|got|get)(?:\s+(?:it(?:'s|\s+is)?|that|the\s+answer\s+is))?"
    r"|it(?:'s|\s+is)|(?:the|my)\s+answer(?:\s+is)?|answer|maybe|result)\b[\s:,=]*",
    re.IGNORECASE,
)
_STATED = re.compile(r"\b(my|the) answer is\b|\bi (chose|choose|pick)\b", re.IGNORECASE)
_OPTION = re.compile(r"(?:(?:option|choice|letter)\s+)?\(?[a-e]\)?", re.IGNORECASE)


def is_candidate(text: str) -> bool:
    """Whether the words are an answer that was typed to the tutor instead of into the box.

    >>> is_candidate("is it 3/4?"), is_candidate("x = -2"), is_candidate("why is it smaller?")
    (True, True, False)
    """
    lead = _LEAD_IN.match(text)
    rest = text[lead.end() :] if lead is not None else text
    rest = rest.strip().rstrip("?!.").strip()
    if not rest:
        return False
    if lead is not None and _OPTION.fullmatch(rest):
        return True
    if _STATED.search(text):
        return True
    try:
        number_read(rest, tuple(ascii_letters))
    except ExpressionError:
        return False
    return True


def planned_act(said: str, seen: Seen) -> Act:
    """The act that answers a learner's words, or one of the buttons' names.

    `said` is the typed text, or `simpler`, `example`, `why` or `next_step`. The mode decides which
    acts may be played; an act it forbids becomes its nearest one.

    >>> planned_act("is it 7?", Seen()), planned_act("why", Seen()), planned_act("hi", Seen())
    ('submit_prompt', 'explain', 'greet')
    """
    wanted = _wanted(said.strip(), seen)
    if wanted == "show_step" and seen.mode == "practice" and seen.steps_shown:
        return "show_step"
    if wanted in ALLOWED[seen.mode]:
        return _review_first(wanted, seen)
    instead = _INSTEAD[seen.mode].get(wanted, _ELSE[seen.mode])
    return _review_first(instead, seen)


def _review_first(act: Act, seen: Seen) -> Act:
    """In review, retrieval comes before any explanation of an item not yet tried."""
    if seen.mode == "review" and act in ("point", "explain") and not seen.attempts:
        return act if seen.acts[-1:] == ("recall",) else "recall"
    return act


def _wanted(said: str, seen: Seen) -> Act:
    """The act that the words ask for, whatever the mode."""
    if said in _ACTIONS:
        return _ACTIONS[said]
    if said == "next_step":
        return "show_step"
    if not said:
        return "greet" if not (seen.acts or seen.attempts) else _help(seen)
    if is_candidate(said):
        return "submit_prompt"
    if _OFF_TOPIC.search(said):
        return "redirect"
    for pattern, act in _WORDS:
        if pattern.search(said):
            return _steered(act, seen)
    return _help(seen)


def _steered(act: Act, seen: Seen) -> Act:
    """The act asked for, or a better one for what was seen."""
    if act == "nudge":
        return _help(seen)
    if act == "rest" and "rest" in seen.acts[-2:]:
        return "scaffold"
    if act == "bottom_out" and not seen.steps_shown and "scaffold" not in seen.acts:
        return _help(seen)
    return act


_LADDER: tuple[Act, ...] = ("nudge", "point", "scaffold", "explain")


def _help(seen: Seen) -> Act:
    """The next rung of help: further with every hint taken and every rung already played."""
    if seen.verdict == "correct":
        return "affirm"
    if seen.misconception and seen.attempts >= 2 and seen.acts[-1:] != ("explain",):
        return "explain"
    played = max((_LADDER.index(a) + 1 for a in seen.acts[-4:] if a in _LADDER), default=0)
    return _LADDER[min(max(seen.hints_used, played), len(_LADDER) - 1)]
