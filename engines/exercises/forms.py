"""Forms an answer may be asked for in, and what is said where it is not. This file is their table.

A form is judged on the answer as it was written, before anything is reduced: on the reading of a
number, or on the parsed expression. Several forms may be asked for at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from math import gcd
from typing import NamedTuple

from engines.exercises import tree_forms
from engines.exercises.answer_grammar import answer_code
from engines.exercises.expression import Code
from engines.exercises.reading import Reading
from engines.exercises.tree import Tree, tree_of

ALL = " & "
"""Joins the names of forms that are asked for together."""


class Form(NamedTuple):
    """A form: whether a number has it, whether any answer has it, and how it is asked for.

    `worked` says that what is left to be worked out (`2^2*3`) may be of this form.
    """

    holds: Callable[[Reading], bool]
    fits: Callable[[Code], bool]
    asked: str
    worked: bool = False


def _any(_reading: Reading) -> bool:
    return True


def _integer(reading: Reading) -> bool:
    return reading.shape == "integer"


def _lowest_terms(reading: Reading) -> bool:
    if reading.shape == "fraction":
        return reading.den > 0 and gcd(reading.num, reading.den) == 1
    return reading.shape == "integer" or _proper_mixed(reading)


def _proper_mixed(reading: Reading) -> bool:
    proper = 0 < reading.num < reading.den and gcd(reading.num, reading.den) == 1
    return reading.shape == "mixed" and proper


def _mixed(reading: Reading) -> bool:
    if reading.shape == "fraction":
        return abs(reading.num) < reading.den and _lowest_terms(reading)
    return reading.shape == "integer" or _proper_mixed(reading)


def _decimal(reading: Reading) -> bool:
    return reading.shape in ("decimal", "integer")


def _decimal_to(places: int) -> Callable[[Reading], bool]:
    return lambda reading: _decimal(reading) and reading.places == places


def _scientific(reading: Reading) -> bool:
    if reading.shape == "scientific":
        return reading.den <= abs(reading.num) < 10 * reading.den
    return reading.shape == "integer" and not reading.value


def _significant(reading: Reading) -> tuple[int, int]:
    """Fewest and most digits that may count; noughts at the end of a whole number may or not."""
    if reading.shape == "scientific":
        size = abs(reading.num * 10**reading.places // reading.den)
    elif reading.shape == "percent":
        size = abs(int(reading.value * 100 * 10**reading.places))
    else:
        size = abs(int(reading.value * 10**reading.places))
    digits = str(size)
    if not size:
        return reading.places + 1, reading.places + 1
    fewest = len(digits) if reading.places else len(digits.rstrip("0"))
    return fewest, len(digits)


def _sigfig(count: int) -> Callable[[Reading], bool]:
    def held(reading: Reading) -> bool:
        if reading.shape not in ("integer", "decimal", "percent", "scientific"):
            return False
        fewest, most = _significant(reading)
        return fewest <= count <= most

    return held


# --- forms of trees, asked of a number -----------------------------------------------------------


def _code_of(reading: Reading) -> Code:
    """The parsed form of a number that a pattern read."""
    if reading.code is not None:
        return reading.code
    if reading.shape == "fraction":
        return answer_code(f"{reading.num}/{reading.den}")
    return answer_code(str(reading.value))  # only whether it is whole counts


def _on_tree(judged: Callable[[Tree], bool]) -> Callable[[Code], bool]:
    return lambda code: judged(tree_of(code))


def _numeric(holds: Callable[[Reading], bool], asked: str) -> Form:
    return Form(holds, _on_tree(tree_forms.each_number(holds)), asked)


def _of_tree(judged: Callable[[Tree], bool], asked: str, *, worked: bool = False) -> Form:
    fits = _on_tree(judged)
    return Form(lambda reading: fits(_code_of(reading)), fits, asked, worked)


def _every(judged: Callable[[Tree], bool]) -> Callable[[Tree], bool]:
    return lambda tree: all(judged(each) for each in tree_forms.entries(tree))


_FORMS = {
    "any": Form(_any, lambda _code: True, "as one number"),
    "integer": _numeric(_integer, "as a whole number"),
    "lowest-terms": Form(
        _lowest_terms, _on_tree(tree_forms.lowest_terms(_lowest_terms)), "in lowest terms"
    ),
    "mixed": _numeric(_mixed, "as a mixed number in lowest terms"),
    "decimal": _numeric(_decimal, "as a decimal"),
    "scientific": _numeric(_scientific, "in scientific notation"),
    "expanded": _of_tree(tree_forms.expanded, "multiplied out"),
    "collected": _of_tree(tree_forms.collected, "with like terms collected"),
    "factored": _of_tree(tree_forms.factored, "as a product, fully factored"),
    "prime-factors": _of_tree(
        _every(tree_forms.prime_factors), "as a product of primes", worked=True
    ),
    "rational-denominator": _of_tree(
        tree_forms.rational_denominator, "without a root in a denominator"
    ),
    "simplified-root": _of_tree(tree_forms.simplified_root, "with its roots simplified"),
    "no-parentheses": Form(
        lambda reading: reading.code is None or tree_forms.no_parentheses(reading.code),
        tree_forms.no_parentheses,
        "without brackets",
    ),
}
_COUNTED = re.compile(r"(decimal|sigfig)\((\d{1,2})\)")
_SOLVED = re.compile(r"solved-for\(([^\W\d]\w*)\)")
FORM_NAMES = (*_FORMS, "decimal(n)", "sigfig(n)", "solved-for(x)")


@lru_cache(maxsize=256)
def form_named(name: str) -> Form:
    """The form of a name, or of several joined by `ALL`; see `FORM_NAMES`.

    Raises ValueError for an unknown one.

    >>> form_named("decimal(2)").asked, form_named("expanded & collected").asked
    ('as a decimal with 2 places', 'multiplied out and with like terms collected')
    >>> form_named("factored").fits(answer_code("(x + 1)(x - 2)"))
    True
    """
    if ALL in name:
        return _joined([form_named(each) for each in name.split(ALL)])
    counted, solved = _COUNTED.fullmatch(name), _SOLVED.fullmatch(name)
    if solved is not None:
        return _of_tree(tree_forms.solved_for(solved[1]), f"solved for {solved[1]}")
    if counted is not None and counted[1] == "decimal":
        places = int(counted[2])
        return _numeric(_decimal_to(places), f"as a decimal with {_many(places, 'place')}")
    if counted is not None and int(counted[2]):
        count = int(counted[2])
        return _numeric(_sigfig(count), f"with {_many(count, 'significant figure')}")
    if name not in _FORMS:
        raise ValueError(f"expected one of {', '.join(FORM_NAMES)}, found {name!r}")
    return _FORMS[name]


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _joined(forms: list[Form]) -> Form:
    return Form(
        lambda reading: all(form.holds(reading) for form in forms),
        lambda code: all(form.fits(code) for form in forms),
        " and ".join(form.asked for form in forms if form is not _FORMS["any"]) or "as one number",
        worked=any(form.worked for form in forms),
    )


def asks_for(name: str) -> str:
    """The sentence that asks for a form.

    >>> asks_for("lowest-terms"), asks_for("solved-for(y)")
    ('Write it in lowest terms.', 'Write it solved for y.')
    """
    return f"Write it {form_named(name).asked}."
