"""OATutor texts and answers in a course's notation. This file is their translation."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engines.exercises.limits import ExpressionError
from engines.exercises.mentions import numbers_in
from engines.exercises.reading import Reading, number_read

_FIGURE = re.compile(r"##[^#\n]*##")
_BLANKS = re.compile(r"_{2,}")
_NAMED = re.compile(r"([A-Za-z])\s*=\s*(.+)\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNREAD = re.compile(r"\\begin\{|\\pm(?![a-z])|±|\\mp(?![a-z])")
_SPACES = re.compile(r"[ \t]+")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class NotImported(Exception):  # noqa: N818 (what became of it)
    """A step that cannot become an item; `reason` is the report's code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def text_of(source: str) -> str:
    r"""A text with `$...$` maths, as a template: dollars and marks of its own are escaped.

    >>> text_of(r"Mayra has $124.\nShe adds $$\frac{1}{2}$$.")
    'Mayra has \\$124.\nShe adds $\\frac{1}{2}$.'
    """
    parts = source.split("$$")
    if len(parts) % 2 == 0:
        parts[-2:] = ["".join(parts[-2:])]
    for at, part in enumerate(parts):
        part = part.replace("@{", "@@{")
        if at % 2:
            parts[at] = f"${_maths(part)}$" if part.strip() else ""
        else:
            parts[at] = part.replace("\\n", "\n").replace("$", "\\$")
    lines = (_SPACES.sub(" ", line).strip() for line in "".join(parts).splitlines())
    return unicodedata.normalize("NFC", "\n".join(lines).strip("\n"))


def _maths(formula: str) -> str:
    return _BLANKS.sub(lambda found: r"\_" * len(found.group()), formula.strip())


def has_figure(*texts: str) -> bool:
    """Whether a text shows a figure, which cannot be carried."""
    return any(_FIGURE.search(text) for text in texts)


def without_figures(text: str) -> str:
    """The text with its figures' names taken out."""
    return _FIGURE.sub("", text)


def whole(*texts: str) -> bool:
    """Whether texts are free of broken characters."""
    return not any(_SURROGATE.search(text) for text in texts)


@dataclass(frozen=True)
class Answer:
    """An answer in a course's form: the keys `answer` and perhaps `choices` of an item."""

    fields: dict[str, Any]
    shown: str
    """The key as a learner's text prints it."""
    value: Fraction | None = None
    repeated: bool = False
    """Whether two choices read the same."""


def answer_of(step: dict[str, Any], keys: list[str]) -> Answer:
    """The answer of a step or a scaffold. Raises `NotImported` where no kind here can judge it."""
    key = keys[0].strip() if keys else ""
    if not key:
        raise NotImported("no-answer")
    if step.get("problemType") == "MultipleChoice":
        return _chosen(key, step.get("choices") or [])
    if _UNREAD.search(key):
        raise NotImported("matrix-or-plus-minus")
    bare = key.replace("$$", "").strip()
    exact = step.get("answerType") == "arithmetic" or "," not in bare
    named = _NAMED.match(bare)
    number = _number(named[2] if named else bare) if exact else None
    if number is not None:
        return _counted(key, bare, number, named=bool(named))
    template = unicodedata.normalize("NFC", bare.replace("@{", "@@{"))
    shown = text_of(key if "$$" in key else f"$${key}$$" if "\\" in key else key)
    return Answer({"answer": {"kind": "text", "value": template}}, shown)


def _number(text: str) -> Reading | None:
    """The text as one written number; a sum or a power to work out is none."""
    try:
        read = number_read(text.removeprefix("\\$").removeprefix("$"))
    except ExpressionError:
        return None
    return None if read.shape in {"operation", "scientific"} else read


def _counted(key: str, bare: str, read: Reading, *, named: bool) -> Answer:
    """A number's answer; as in the source, any way to write the right value is taken."""
    answer: dict[str, Any] = {"kind": "number", "value": _expression(read)}
    if read.shape in {"fraction", "mixed"} and read.value.denominator > 1:
        answer = {"kind": "fraction", "value": str(read.value), "form_policy": "accept"}
    if named:
        answer["accept"] = [bare]
    shown = text_of(key if "$$" in key else f"$${key}$$")
    return Answer({"answer": answer}, shown, read.value)


def _expression(read: Reading) -> str:
    if read.value.denominator == 1:
        return str(read.value.numerator)
    if read.shape == "decimal":
        return f"{'-' if read.value < 0 else ''}{_decimal(abs(read.value), read.places)}"
    return str(read.value)


def _decimal(value: Fraction, places: int) -> str:
    digits = str(int(value * 10**places)).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


def _chosen(key: str, choices: list[str]) -> Answer:
    if len(choices) < 2 or len(choices) > len(LETTERS):
        raise NotImported("too-few-choices" if len(choices) < 2 else "too-many-choices")
    if has_figure(*choices):
        raise NotImported("figure")
    places = [at for at, choice in enumerate(choices) if _same(choice, key)]
    if not places:
        raise NotImported("key-not-among-choices")
    texts = [text_of(choice) or "\\_" for choice in choices]
    answer: dict[str, Any] = {"kind": "choice", "value": LETTERS[places[0]]}
    if len(places) > 1:
        answer["accept"] = [LETTERS[at] for at in places[1:]]
    listed = [{"id": LETTERS[at], "text": text} for at, text in enumerate(texts)]
    repeated = len(set(texts)) < len(texts)
    return Answer({"choices": listed, "answer": answer}, texts[places[0]], repeated=repeated)


def _same(one: str, other: str) -> bool:
    return _SPACES.sub("", one) == _SPACES.sub("", other)


def holds_key(text: str, answer: Answer) -> bool:
    """Whether a converted text states the answer."""
    if answer.value is not None:
        return answer.value in numbers_in(text)
    return re.sub(r"[$\s]", "", answer.shown) in re.sub(r"[$\s]", "", text)


def slug(name: str, most: int = 64) -> str:
    """An id made from a name: a-z, 0-9, dots and hyphens.

    >>> slug("Derivator av trigonometriska_Områden 3.5")
    'derivator-av-trigonometriska-omraden-3.5'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.]+", "-", plain).strip("-.")[:most].strip("-.") or "x"
