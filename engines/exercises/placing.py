"""Where an answer stands in a text, and what affirms one. This file is the reading of that place.

A value that the question prints may be spoken of; it may not stand where an answer stands: after
"is" or "=", as a line of its own, after "option", or with "correct" beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

AFFIRMED_WITHIN = 6
"""Words between a value and what affirms it."""
OPENING_WORDS = 8
"""So many words of a reply are its opening."""

_FILLER = (
    r"(?:just|exactly|simply|only|really|actually|indeed|in fact|then|about|now|also|definitely"
    r"|certainly|obviously|precisely|surely|of course|clearly|always|going to be|the number"
    r"|the value|the fraction|the answer|the word|the term|called|named|known as|equal to|the|a|an)"
)
_LEAD = (
    r"is|are|be|was|were|been|being|equals?|equal to|becomes?|gives?|gave|get|gets|got|makes?|made"
    r"|yields?|leaves?|comes to|comes out to|comes out as|comes out at|turns? out to be|say|says"
    r"|said|type|types|typed|enter|write down|submit|choose|pick|select|answer|answers|solution"
    r"|final|means|namely|es|est|ist|er|blir|lika med|egal|igual a|gleich|sono|sind|son|sont|to be"
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
_LINE_EMPTY = re.compile(r"(?:^|\n)[\s>\"'(\[*_#:\-–—=]*$")
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
    """Whether nothing else stands on the line."""
    if _LINE_EMPTY.search(left[-_LEFT_SEEN:]) is None:
        return False
    found = _LINE_ENDS.match(right)
    return found is not None and (ends or "\n" in found[0])


# --- what affirms ----------------------------------------------------------------------------------

HARD = frozenset(
    ["correct", "correctly", "right", "yes", "yep", "yeah", "yup", "yess", "exactly", "indeed", "precisely", "absolutely", "confirmed", "confirm", "verified", "bingo", "agreed", "oui", "si", "ja", "genau", "richtig", "correcto", "correcta", "exacto", "exactement", "esatto", "giusto", "precies", "juist", "klopt", "ratt", "stimmt", "правильно", "верно", "да", "sim", "certo", "tak", "evet"]
)  # fmt: skip
"""Words that affirm a value beside them."""
SOFT = frozenset(
    [
        "perfect",
        "perfectly",
        "excellent",
        "great",
        "brilliant",
        "fantastic",
        "wonderful",
        "bravo",
        "congratulations",
        "nice",
        "good",
        "well",
        "true",
        "spot",
        "nailed",
        "awesome",
        "amazing",
        "superb",
    ]
)
"""Words that affirm where a reply opens with them, after a learner who gave the key."""
_NOT = frozenset(
    [
        "not",
        "isn't",
        "isnt",
        "aren't",
        "arent",
        "wasn't",
        "never",
        "no",
        "hardly",
        "neither",
        "incorrect",
        "cannot",
        "can't",
        "don't",
        "doesn't",
        "wouldn't",
        "without",
        "almost",
        "nearly",
        "close",
    ]
)
_ASKING = frozenset(["if", "whether", "check", "checks", "decide", "see", "find"])
_RIGHT_BEFORE = frozenset(
    [
        "is",
        "are",
        "was",
        "be",
        "that's",
        "it's",
        "you're",
        "you",
        "are",
        "absolutely",
        "quite",
        "all",
        "so",
        "totally",
        "completely",
        "perfectly",
        "entirely",
        "that",
        "seems",
        "looks",
        "got",
        "exactly",
        ",",
        ".",
        "!",
        ":",
        "—",
    ]
)
_AFTER_RIGHT = frozenset(
    [
        "answer",
        "one",
        "choice",
        "option",
        "value",
        "number",
        "result",
        "solution",
        "word",
        "term",
        "fraction",
    ]
)
LEXICON = HARD | SOFT | _AFTER_RIGHT | frozenset(("done", "on", "it", "is", "job", "work"))
"""Words that are read whole before they may leave."""
_OWN = frozenset(
    ["that", "that's", "it", "it's", "you", "you're", "your", "answer", "this", "is", "are"]
)


def affirms(words: Sequence[str], *, opens: bool) -> bool:
    """Whether the newest of these words affirms; the last six are looked at.

    "Right" is an affirmation after "is" or before "answer", not in "on the right". `opens` says
    that the word opens a sentence.

    >>> affirms(["that", "is", "right"], opens=False), affirms(["the", "right"], opens=False)
    (True, False)
    """
    word, before = words[-1], words[-4:-1]
    if any(w in _NOT for w in before):
        return False
    if word == "right":
        return opens or (bool(before) and before[-1] in _RIGHT_BEFORE)
    if word in _AFTER_RIGHT:
        return bool(before) and (before[-1] in ("right", "correct") or _is_the(word, before))
    if word in ("exactly", "indeed", "precisely", "absolutely", "si", "ja", "sim", "da"):
        return opens or (bool(before) and before[-1] in _OWN)
    if word == "confirm":
        return not before or before[-1] not in ("to", "you")
    return word in HARD


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
    if word == "done":
        return before in ("well", "nicely")
    if word == "on":
        return before == "spot"
    if word == "it":
        return before in ("got", "nailed", "did", "that's")
    if word in ("job", "work"):
        return before in ("good", "great", "nice", "excellent", "brilliant", "fantastic")
    if word == "true":
        return before in ("is", "that's", "it's")
    return word in SOFT and word not in ("good", "nice", "well", "great", "spot", "nailed")


def asks(words: Sequence[str]) -> bool:
    """Whether the words before a value leave it open: "whether 3", "if 3"."""
    return any(w in _ASKING for w in words[-2:])


# --- labels of options -----------------------------------------------------------------------------

_CUE = r"(?i:options?|choices?|letters?|alternatives?|answers?)"
_VERB = r"(?i:pick|choose|select|tick|circle|mark|go with|went with|go for|opt for)"
_BETWEEN = (
    r"[\s:=.\-–—→>]*(?:(?i:is|are|was|be|would be|must be|should be|has to be|just|clearly|option"
    r"|options|choice|letter|number|answer|the|definitely)\b[\s:=\-–—→>]*){0,3}"
)
_LIST = r"(?:\s*(?:[,;&+/]|(?i:and|or)\b)\s*(?:(?i:option|choice)\s+)?{0})*"
_LETTER = r"[A-Ha-h](?![\w'])"
_DIGIT = r"\d{1,2}(?![\w.,/]*\d|\s*[-+×÷*/=^%])"
_LABELS = (
    re.compile(rf"\b{_CUE}(?!\w){_BETWEEN}(?<![\w'])({_LETTER}{_LIST.format(_LETTER)})"),
    re.compile(
        rf"(?:\b(?i:options?|choices?|alternatives?)(?!\w)|#){_BETWEEN}(?<![\w'])"
        rf"({_DIGIT}{_LIST.format(_DIGIT)})"
    ),
    re.compile(rf"\b{_VERB}\b[\s:=\-–—→>]*({_LETTER}{_LIST.format(_LETTER)})"),
    re.compile(rf"(?:\b(?i:is|it's|be|are|was|that's|say)|=)[\s:]*([B-H]{_LIST.format('[A-H]')})(?![\w'])"),
)  # fmt: skip
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
    r"(?<![\w'])([A-H])\W{0,3}(?:\s*(?:is|was|must be|would be|seems|looks)\b|[,:—–-])[^.!?\n]{0,30}$"
)
_MARK = re.compile(r"[*_`$\"()\[\]{}]|\\[a-zA-Z]+")
_ALONE = re.compile(r"(?:^|\n)[\s>:#\-–—]*([A-Ha-h])[\s.!)]*(?:\n|$)")
_ONE_LABEL = re.compile(r"\d{1,2}|(?<![A-Za-z])[A-Ha-h](?![A-Za-z])")


def _position(label: str) -> int:
    return int(label) if label.isdigit() else ord(label.upper()) - ord("A") + 1


def labels_named(text: str, options: int, *, ends: bool) -> list[tuple[frozenset[int], int]]:
    """Positions of options that a folded text names, from 1, and where each naming ends.

    A single letter counts only where a cue stands before it, for `a` is a word and `B` a point.

    >>> [sorted(p) for p, _ in labels_named("Look at options A and C, or the second one.", 4, ends=True)]
    [[1, 3], [2]]
    """
    text = _MARK.sub("", text)
    found = []
    for pattern in _LABELS:
        for match in pattern.finditer(text):
            listed = match[1]
            after = text[match.end() :]
            if (
                listed in ("a", "A")
                and not (ends or after.strip(" "))
                and match.end() == len(text.rstrip())
            ):
                continue
            if listed in ("a", "A") and after[:1] == " " and after.strip()[:1].isalnum():
                continue
            found.append((frozenset(map(_position, _ONE_LABEL.findall(listed))), match.end()))
    for match in _NAMED.finditer(text):
        found.append((frozenset((_NUMBERED[match[1].lower()],)), match.end()))
    for match in _ORDINAL.finditer(text):
        places = {_ordinal(w, options) for w in match.groups() if w}
        found.append((frozenset(p for p in places if p), match.end()))
    for match in _ALONE.finditer(text):
        if ends or match.end() < len(text):
            found.append((frozenset((_position(match[1]),)), match.end()))
    return found


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
