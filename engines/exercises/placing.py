"""Where an answer stands in a text, and what affirms one. This file is the reading of that place.

A value that the question prints may be spoken of; it may not stand where an answer stands: after
"is" or "=", as a line of its own, after "option", or with "correct" beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engines.exercises.folding import word_set

AFFIRMED_WITHIN = 6
"""Words between a value and what affirms it."""

_FILLER = (
    r"(?:just|exactly|simply|only|really|actually|indeed|in fact|then|about|now|also|definitely"
    r"|certainly|obviously|precisely|surely|of course|clearly|always|going to be|the number"
    r"|the value|the fraction|the answer|the word|the term|called|named|known as|equal to)"
)
_LEAD = (
    r"is|are|be|was|were|been|being|equals?|equal to|becomes?|gives?|gave|get|gets|got|makes?|made"
    r"|yields?|leaves?|comes to|comes out to|comes out as|comes out at|turns? out to be|say|says"
    r"|said|type|types|typed|enter|write down|submit|choose|pick|select|answer|answers|solution"
    r"|final|es|est|ist|er|blir|lika med|egal|igual a|gleich|sono|sind|son|sont|to be"
    r"|respuesta|reponse|antwort|resultado|losung|svaret|antwoord|resposta|risposta"
)
_BEFORE = re.compile(
    rf"(?:(?<![a-z])(?:{_LEAD})(?![a-z])|(?<=[a-z])'s(?![a-z]))[\s:]*"
    rf"(?:(?<![a-z]){_FILLER}(?![a-z])[\s:,]*){{0,4}}[\s:\"'(\[=\-–—…>*_\x01]*$"
)
_ASKED = re.compile(r"\b(?:did|do|does)\s+(?:you|we|they|it|i)\s+(?:\w+\s+)?\w+[\s:\"'(]*$")
_RELATION = re.compile(r"(?:=|→|=>|->|⇒|≈|≡|:=)[\s\"'(\[*_\x01]*$")
_GOES_ON = re.compile(r"\s*(?:[-+×÷*/^(]|[a-z](?![a-z'])|[a-z]{0,3}\^|or\b)")
_SIDE_ENDS = re.compile(r"\s*(?:$|[.,;:!?)\]\"'|→=<>≤≥≠≈*_\n]|and\b|or\b)")
_LINE_EMPTY = re.compile(r"(?:^|\n)\s*(?:\d{1,2}[.)])?[\s>\"'(\[*_#:\-–—=]*$")
_COLON = re.compile(r":[\s\"'(\[*_]*$")
_LINE_ENDS = re.compile(r"[\s]*[.!\"')\]*_…]*[^\S\n]*(?:\n|$)")
_LEFT_SEEN = 60
"""So many signs before a value are looked at."""


def as_answer(left: str, right: str, *, ends: bool) -> bool:
    r"""Whether what stands between two flat texts stands where an answer does.

    `right` is what follows as far as it is known; with `ends` the line or the text ends there.

    >>> as_answer("so x = ", "", ends=False), as_answer("add ", " to both", ends=False)
    (True, False)
    >>> as_answer("it is ", "x + 2", ends=False), as_answer("the answer would be ", ".", ends=False)
    (False, True)
    """
    before = left[-_LEFT_SEEN:]
    if _RELATION.search(before):
        return _SIDE_ENDS.match(right) is not None
    if _BEFORE.search(before):
        return _GOES_ON.match(right) is None and _ASKED.search(before) is None
    return alone(left, right, ends=ends)


def alone(left: str, right: str, *, ends: bool) -> bool:
    """Whether nothing else stands on the line, or only a colon before it."""
    before = left[-_LEFT_SEEN:]
    if _LINE_EMPTY.search(before) is None and _COLON.search(before) is None:
        return False
    found = _LINE_ENDS.match(right)
    return found is not None and (ends or "\n" in found[0])


# --- what affirms ---------------------------------------------------------------------------------

HARD = word_set(
    "correct correctly right yes yep yeah yup yess exactly indeed precisely absolutely "
    "confirmed confirm verified bingo agreed oui si ja genau richtig correcto correcta exacto "
    "exactement esatto giusto precies juist klopt ratt stimmt правильно верно да sim certo "
    "tak evet"
)
"""Words that affirm a value beside them."""
SOFT = word_set(
    "perfect perfectly excellent brilliant fantastic wonderful bravo congratulations awesome "
    "amazing superb"
)
"""Words that affirm where a reply opens with them, after a learner who gave the key."""
_NOT = word_set(
    "not isn't isnt aren't arent wasn't never hardly neither incorrect cannot can't don't "
    "doesn't wouldn't without almost nearly close"
)
_ASKING = word_set("if whether check checks decide see find")
_RIGHT_BEFORE = word_set(
    "is are was be that's it's you're you are absolutely quite so totally completely "
    "perfectly entirely that seems looks got exactly , . ! : —"
)
_AFTER_RIGHT = word_set("answer one choice option value number result solution word term fraction")
PAIRS: dict[str, frozenset[str]] = {
    **dict.fromkeys(_AFTER_RIGHT, word_set("right correct the your our final")),
    **dict.fromkeys(("job", "work"), word_set("good great nice excellent brilliant fantastic")),
    "done": word_set("well nicely"),
    "on": word_set("spot"),
    "it": word_set("got nailed did that's"),
    "is": word_set("it"),
    "true": word_set("is that's it's"),
}
"""Words that say something behind certain others only."""
PAIR_FIRSTS = frozenset(word for firsts in PAIRS.values() for word in firsts)
PAIR_PREFIXES = frozenset(word[:n] for word in PAIRS for n in range(1, len(word) + 1))
_OWN = word_set("that that's it it's you you're your answer this is are")


def affirms(words: Sequence[str], *, opens: bool) -> bool:
    """Whether the newest of these words affirms; the last six are looked at.

    "Right" is an affirmation after "is" or before "answer", not in "on the right". `opens` says
    that the word opens a sentence.

    >>> affirms(["that", "is", "right"], opens=False), affirms(["the", "right"], opens=False)
    (True, False)
    >>> affirms(["does", "it", "answer", "exactly"], opens=False)
    False
    """
    word, before = words[-1], words[-4:-1]
    if any(w in _NOT for w in before):
        return False
    if word == "right":
        return opens or (bool(before) and before[-1] in _RIGHT_BEFORE)
    if word in _AFTER_RIGHT:
        return bool(before) and (before[-1] in ("right", "correct") or _is_the(word, before))
    if word in ("exactly", "indeed", "precisely", "absolutely", "si", "ja", "sim", "da"):
        return opens or (bool(before) and before[-1] in _OWN and not _is_verb(before))
    if word == "confirm":
        return not before or before[-1] not in ("to", "you")
    return word in HARD


def _is_verb(before: Sequence[str]) -> bool:
    """`does it answer ..`, not `your answer ..`."""
    return before[-1] == "answer" and len(before) > 1 and before[-2] in _SUBJECTS


_SUBJECTS = word_set("it that this they you we i to not does do did must should can will")


def _is_the(word: str, before: Sequence[str]) -> bool:
    """`3 is the answer`."""
    final = word in ("answer", "solution", "result") and before[-1] in ("the", "your", "final")
    return final and len(before) > 1 and before[-2] in ("is", "be", "was", "the", "that's")


def praises(words: Sequence[str]) -> bool:
    """Whether the newest words praise an answer: "well done", "you got it", "spot on".

    >>> praises(["well", "done"]), praises(["that", "is", "true"]), praises(["good", "start"])
    (True, True, False)
    """
    word, before = words[-1], words[-2] if len(words) > 1 else ""
    if any(w in _NOT for w in words[-4:-1]):
        return False
    if word in ("done", "on", "it", "job", "work", "true"):
        return before in PAIRS[word]
    return word in SOFT


def asks(before: str) -> bool:
    """Whether the words before a value leave it open: "whether 3", "if 3".

    >>> asks("see whether $x = "), asks("you found that ")
    (True, False)
    """
    return any(word in _ASKING for word in _LAST_WORDS.findall(before[-24:].lower())[-2:])


_LAST_WORDS = re.compile(r"[^\W\d_]{2,}")

# --- labels of options ----------------------------------------------------------------------------

_CUE = r"(?i:options?|choices?|letters?|alternatives?|answers?)"
_VERB = r"(?i:pick|choose|select|tick|circle|mark|go with|went with|go for|opt for)"
_BETWEEN = (
    r"[\s:=\-–—→>]*(?:(?i:is|are|was|be|would be|must be|should be|has to be|just|clearly|option"
    r"|options|choice|letter|number|answer|the|definitely)\b[\s:=\-–—→>]*){0,3}"
)
_LIST = r"(?:\s*(?:[,;&+/]|(?i:and|or)\b)\s*(?:(?i:option|choice)\s+)?{0})*"
_LETTER = r"[A-Ha-h](?![\w'])"
_DIGIT = r"\d{1,2}(?![\w.,/]*\d|\s*[-+×÷*/=^%])"
_LABELS = (
    re.compile(rf"\b{_CUE}(?!\w){_BETWEEN}(?<![\w'])({_LETTER}{_LIST.format(_LETTER)})"),
    re.compile(rf"\b{_VERB}\b[\s:=\-–—→>]*({_LETTER}{_LIST.format(_LETTER)})"),
    re.compile(
        r"(?:\b(?i:is|it's|be|are|was|that's|say)|=)[\s:]*"
        rf"([A-H]{_LIST.format('[A-H]')})(?![\w'])"
    ),
)
_NUMBERS = re.compile(
    rf"(?:\b(?i:options?|choices?|alternatives?)(?!\w)|#){_BETWEEN}(?<![\w'])"
    rf"({_DIGIT}{_LIST.format(_DIGIT)})"
)
_NUMBERED = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_NAMED = re.compile(
    rf"\b(?i:option|choice|alternative)s?\s+(?i:number\s+)?({'|'.join(_NUMBERED)})\b", re.IGNORECASE
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_ORDINAL = re.compile(
    rf"\b({'|'.join(_ORDINALS)}|last|final|[1-8](?:st|nd|rd|th))\s+"
    r"(?:and\s+(?:the\s+)?(\w+)\s+)?(?:option|choice|one|answer|alternative)s?\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?<![\w'])([A-H])\W{0,3}(?:\s*(?:is|was|must be|would be|seems|looks)\b|[,:—–-])"
    r"[^.!?\n]{0,30}$"
)
_MARK = re.compile(r"[*_`$\"()\[\]{}]|\\[a-zA-Z]+")
_ALONE = re.compile(r"(?:^|\n)[\s>:#\-–—]*([A-Ha-h])[\s.!)]*(?:\n|$)")
_ONE_LABEL = re.compile(r"\d{1,2}|(?<![A-Za-z])[A-Ha-h](?![A-Za-z])")


def _position(label: str) -> int:
    return int(label) if label.isdigit() else ord(label.upper()) - ord("A") + 1


_ANY_LETTER = re.compile(r"(?<![\w'])[A-Ha-h](?![\w'])")
_ANY_NOUN = re.compile(r"option|choice|alternative|#", re.IGNORECASE)
_ANY_PLACE = re.compile(r"\b(?:one|option|choice|answer|alternative)s?\b", re.IGNORECASE)


def labels_named(text: str, options: int, *, ends: bool, before: str = "") -> list[frozenset[int]]:
    """Positions of options that a folded text names, from 1, one set for each naming.

    A single letter counts only where a cue stands before it, for `a` is a word and `B` a point;
    the cue may stand in `before`.

    >>> [sorted(p) for p in labels_named("options A and C, or the second one", 4, ends=True)]
    [[1, 3], [2]]
    """
    found: list[frozenset[int]] = []
    if _ANY_LETTER.search(text):
        found += _letters(_MARK.sub("", before + text), ends=ends)
    if _ANY_PLACE.search(text):
        for match in _ORDINAL.finditer(text):
            places = (_ordinal(word, options) for word in match.groups() if word)
            found.append(frozenset(place for place in places if place))
    if _ANY_NOUN.search(before) or _ANY_NOUN.search(text):
        around = _MARK.sub("", before + text)
        found += [_listed(m[1]) for m in _NUMBERS.finditer(around)]
        found += [frozenset((_NUMBERED[m[1].lower()],)) for m in _NAMED.finditer(around)]
    return found


def _letters(text: str, *, ends: bool) -> list[frozenset[int]]:
    found = [
        _listed(match[1])
        for pattern in _LABELS
        for match in pattern.finditer(text)
        if match[1] != "a" or not _is_word(text[match.end() :], ends=ends)
    ]
    return found + [
        frozenset((_position(m[1]),)) for m in _ALONE.finditer(text) if ends or m.end() < len(text)
    ]


def _listed(labels: str) -> frozenset[int]:
    return frozenset(map(_position, _ONE_LABEL.findall(labels)))


def _is_word(after: str, *, ends: bool) -> bool:
    """Whether an `a` is the article: a word follows, or may follow."""
    rest = after.lstrip(" ")
    return not ends if not rest else rest[0].isalnum()


def _ordinal(word: str, options: int) -> int:
    word = word.lower()
    if word in ("last", "final"):
        return options
    if word[0].isdigit():
        return int(word[0])
    return _ORDINALS.index(word) + 1 if word in _ORDINALS else 0


def label_affirmed(text: str) -> int:
    """The position of the option that "B is .." names at the end of a folded text, or 0."""
    found = _AFTER.search(_MARK.sub("", text[-80:]))
    return _position(found[1]) if found else 0
