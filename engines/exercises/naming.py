"""Whether a printed text names an instance's key. This file is that question, for course checks.

A number is named by digits, LaTeX or words; an option by its words; an expression, an equation, an
interval, a set or a matrix by a formula that the checker takes for the answer.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from engines.exercises.asked import Asked
from engines.exercises.formulas import formulas_in
from engines.exercises.mentions import numbers_in
from engines.exercises.widget_checks import names_arranged
from engines.words import Instance

_ALGEBRA = frozenset({"expression", "equation", "interval", "set", "matrix"})
_ARRANGED = frozenset({"order", "match", "parts"})
_LATEX_WORD = re.compile(r"\\[a-zA-Z]+|[{}$\s]")
_BLANKS = re.compile(r"[$\s]+")
_WORDS = re.compile(r"[^\W_]+")
_SIDES = re.compile(r"=|<|>|\\le(?:q|qslant)?(?![a-z])|\\ge(?:q|qslant)?(?![a-z])")


def plain(text: str) -> str:
    """A text without dollars, blanks and capitals."""
    return _BLANKS.sub("", text).casefold()


def keys_of(drawn: Instance) -> tuple[str, ...]:
    """The key's texts or option ids; none for a number."""
    if isinstance(drawn.key, tuple):
        return drawn.key
    return (drawn.key,) if isinstance(drawn.key, str) else ()


def shows_key(text: str, asked: Asked) -> bool:
    """Whether a text ends a worked example: it holds the answer."""
    drawn = asked.drawn
    kind = drawn.item.answer.kind
    if isinstance(drawn.key, Fraction):
        return drawn.key in numbers_in(text)
    if kind in _ARRANGED:
        return True  # its answer is no text
    if kind in _ALGEBRA:
        return _formula_named(text, asked, frozenset())
    keys = keys_of(drawn)
    wanted = [c.text for c in drawn.choices if c.id in keys] or list(keys)
    return all(plain(each) in plain(text) for each in wanted)


def names_key(text: str, asked: Asked, printed: frozenset[Fraction]) -> bool:
    """Whether a text names the key beyond the numbers and formulas that the prompt prints."""
    drawn = asked.drawn
    kind = drawn.item.answer.kind
    if isinstance(drawn.key, Fraction):
        return drawn.key not in printed and drawn.key in numbers_in(text)
    if kind in _ARRANGED:
        return names_arranged(text, drawn)
    if kind in _ALGEBRA:
        return _formula_named(text, asked, _given(drawn.prompt))
    if drawn.choices:
        return _names_option(text, drawn)
    words = _WORDS.findall(text.casefold())
    key = _WORDS.findall(str(drawn.key).casefold())
    if not key or (printed and plain(str(drawn.key)) in plain(drawn.prompt)):
        return False
    if any(len(word) > 1 for word in key) and "\\" not in str(drawn.key):
        return any(words[at : at + len(key)] == key for at in range(len(words)))
    return len(plain(str(drawn.key))) > 2 and plain(str(drawn.key)) in plain(text)


@lru_cache(maxsize=256)
def _given(prompt: str) -> frozenset[str]:
    """The formulas that a prompt prints, without blanks."""
    return frozenset(map(plain, _candidates(prompt)))


def _candidates(text: str) -> list[str]:
    """The formulas of a text and their sides."""
    formulas = formulas_in(text)
    return formulas + [side for formula in formulas for side in _SIDES.split(formula)]


def _formula_named(text: str, asked: Asked, given: frozenset[str]) -> bool:
    tried = [f for f in _candidates(text) if f.strip() and plain(f) not in given]
    return any(asked.verdict(f).verdict == "correct" for f in tried)


def _names_option(text: str, drawn: Instance) -> bool:
    """Whether a text repeats the right choice and none of the others, in whole words."""
    keys = keys_of(drawn)
    right = [c.text for c in drawn.choices if c.id in keys]
    wrong = [c.text for c in drawn.choices if c.id not in keys]
    text = f" {_bare(text)} "
    named = [f" {_bare(each)} " in text for each in right if len(_bare(each)) > 3]
    return bool(named) and all(named) and not any(f" {_bare(each)} " in text for each in wrong)


@lru_cache(maxsize=4096)
def _bare(text: str) -> str:
    return " ".join(_LATEX_WORD.sub(" ", text.casefold()).split()).strip(" .?!")
