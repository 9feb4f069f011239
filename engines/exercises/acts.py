"""What a learner's words ask of the tutor, or a button does. This file is that reading.

It looks at the words alone: what is done about them is decided by the mode (`engines.modes`).
"""

from __future__ import annotations

import re
from string import ascii_letters

from engines.exercises.grading import reading
from engines.exercises.limits import ExpressionError
from engines.exercises.reading import number_read
from engines.exercises.telling import FORMULA_KINDS, formulas_in
from engines.exercises.wording import normal
from engines.words import Instance, Wish

BUTTONS: dict[str, Wish] = {
    "simpler": "simpler",
    "example": "example",
    "why": "reason",
    "next_step": "step",
}
"""What a button asks for, by its name on the wire."""
_PATTERNS: tuple[tuple[str, Wish], ...] = (
    (r"\b(tired|exhausted|(need|take|want) a (break|rest|pause)|hate this|give up)\b", "rest"),
    (
        r"\b(simpler|easier|(don'?t|do not|didn'?t|can'?t) (get|understand|follow)|confus\w*"
        r"|too hard|plain words)\b",
        "simpler",
    ),
    (r"\b(example|similar one|another one like)\b", "example"),
    (
        r"\b(next step|what (do i|should i|to) do next|what next|show me (a|the) step)\b",
        "step",
    ),
    (r"\b(compare|difference between|which is better|versus|vs)\b", "compare"),
    (
        r"\b(what does .{1,60} mean|what is (meant|asked|the question)|reword|rephrase"
        r"|don'?t know what (it|this) (wants|asks))\b",
        "wording",
    ),
    (
        r"\b(just tell me|(tell|give|show|send) me the (answer|solution|result|key)"
        r"|what('?s| is) the (answer|solution|result)|(answer|solution) please"
        r"|(you (may|can|must|have to)|allowed to) (tell|give|say|reveal)"
        r"|(say|reveal|spell|translate|encode|write) the (answer|solution|result|key))\b",
        "plea",
    ),
    (r"\b(why|how come|explain|reason|how does)\b", "reason"),
    (r"\b(remind me|remember|forgot|forget|recall|which rule)\b", "memory"),
    # Only as the whole text: "I add the bottoms, ok?" must not be taken as agreement.
    (
        r"^\W*((ok(ay)?|ah|oh|cool|great|thank(s| you)?|got it|((that|it) )?makes sense|i see"
        r"|understood|now|very much|a lot)\b\W*)+$",
        "thanks",
    ),
    (r"\b(hints?|help|stuck|no idea|don'?t know|start|begin|how)\b", "help"),
    (r"^\W*(hi|hello|hey|good (morning|afternoon|evening)|salaam|salam)\b", "greeting"),
)
_WORDS = tuple((re.compile(pattern, re.IGNORECASE), wish) for pattern, wish in _PATTERNS)
_OFF_TOPIC = re.compile(
    r"\b(football|soccer|movie|film|music|song|weather|joke|game|girlfriend|boyfriend|instagram"
    r"|tiktok|youtube|politics|president|recipe|pizza|homework for|essay|poem|story|who are you"
    r"|are you (real|human|a robot|an ai)|your (name|instructions|prompt)|system prompt"
    r"|ignore (all|your|the|any|previous))\b",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(
    r"^\s*(?:so\s+|then\s+|ok(?:ay)?[,\s]+)?(?:(?:is|would|could|isn'?t)\s+(?:it|that|this|the"
    r"\s+answer)(?:\s+be)?|i\s+(?:think|guess|say|got|get)"
    r"(?:\s+(?:it(?:'s|\s+is)?|that|the\s+answer\s+is))?"
    r"|it(?:'s|\s+is)|(?:the|my)\s+answer(?:\s+is)?|answer|maybe|result"
    r"|[a-z]\s+(?:is|equals))\b[\s:,=]*",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"^\s*(?:so\s+)?(?:(?:is|would|could)\s+)?(.{1,40}?)\s+(?:is\s+|be\s+)?"
    r"(?:right|correct|true|(?:the|my)\s+(?:right\s+)?(?:answer|result|one))\W*$",
    re.IGNORECASE,
)
"""`is 7 right?`, `7 is the answer`: the value between."""
_STATED = re.compile(r"\b(my|the) answer is\b|\bi (chose|choose|pick)\b", re.IGNORECASE)
_OPTION = re.compile(r"(?:(?:option|choice|letter)\s+)?\(?[a-e]\)?", re.IGNORECASE)
_PLACE = re.compile(
    r"(?:the\s+)?(?:first|second|third|fourth|fifth|last|top|bottom)(?:\s+(?:one|option|choice))?",
    re.IGNORECASE,
)
_COUNT = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety|hundred|hal(?:f|ves)|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?"
    r"|ninths?|tenths?)"
)
_IN_WORDS = re.compile(
    rf"(?:(?:minus|negative|a|an)\s+)*{_COUNT}(?:[\s-]+(?:and|a|point|over|{_COUNT}))*",
    re.IGNORECASE,
)
"""A number in words alone."""
_MOST_WORDS = 3
"""Words of an answer that is a text, after what leads it in."""


def value_said(text: str) -> str:
    """The words without what leads in an answer, and without the mark at their end.

    >>> value_said("so is it 3/4?"), value_said("I get x = 2."), value_said("is 5 right?")
    ('3/4', 'x = 2', '5')
    """
    asked = _ASKED.match(text)
    if asked is not None and _is_value(asked[1].strip()):
        return asked[1].strip()
    lead = _LEAD_IN.match(text)
    rest = text[lead.end() :] if lead is not None else text
    return rest.strip().rstrip("?!.").strip()


def _is_value(text: str, locale: str = "en") -> bool:
    """Whether the words are a number and nothing else."""
    if _IN_WORDS.fullmatch(text):
        return True
    try:
        number_read(text, tuple(ascii_letters), locale)
    except ExpressionError:
        return False
    return True


def _is_formula(text: str, instance: Instance) -> bool:
    """Whether the words are one formula that the item could take, and nothing else."""
    if text in ascii_letters:
        return False  # a pronoun as well as a variable
    found = formulas_in(text, instance.item.answer.kind)
    whole = [span for span in found if (span.start, span.end) == (0, len(text))]
    return any(reading(instance, span.text)[1] is None for span in whole)


def is_candidate(text: str, instance: Instance | None = None) -> bool:
    """Whether the words are an answer that was typed to the tutor instead of into the box.

    The key is not looked at: what an answer to `instance` may look like decides.

    >>> is_candidate("is it 3/4?"), is_candidate("x = -2"), is_candidate("why is it smaller?")
    (True, True, False)
    """
    rest = value_said(text)
    if not rest:
        return False
    led = _LEAD_IN.match(text) is not None
    locale = instance.locale if instance is not None else "en"
    if (led and _OPTION.fullmatch(rest)) or _STATED.search(text) or _is_value(rest, locale):
        return True
    if instance is None:
        return False
    if instance.choices:
        shown = {normal(form) for c in instance.choices for form in (c.id, c.text)}
        chosen = normal(rest) in shown or _OPTION.fullmatch(rest) or _PLACE.fullmatch(rest)
        return bool(chosen)
    if instance.parts:
        return any(is_candidate(text, part) for part in instance.parts)
    if instance.item.answer.kind in FORMULA_KINDS:
        return _is_formula(rest, instance)
    if instance.item.answer.unit is not None:
        return reading(instance, rest)[1] is None
    words = len(rest.split())
    return instance.item.answer.kind == "text" and led and words <= _MOST_WORDS


def wish(said: str, instance: Instance | None = None) -> Wish:
    """What a learner's words ask for, or a button named as on the wire.

    With the open `instance` its options, and words where a word is asked for, count as answers.

    >>> [wish(said) for said in ("is it 7?", "why", "hi", "", "I moved the four over")]
    ['candidate', 'reason', 'greeting', 'nothing', 'statement']
    """
    said = said.strip()
    if not said:
        return "nothing"
    if said in BUTTONS:
        return BUTTONS[said]
    if is_candidate(said, instance):
        return "candidate"
    if _OFF_TOPIC.search(said):
        return "off_topic"
    for pattern, found in _WORDS:
        if pattern.search(said):
            return found
    wordy = instance is not None and instance.item.answer.kind == "text"
    return "candidate" if wordy and len(said.split()) == 1 else "statement"
