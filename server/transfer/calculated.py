"""Moodle's calculated questions: wildcards to params, formulas to expressions. This file is it.

A wildcard that is drawn evenly from whole or decimal numbers is a param; a formula is one where it
stays exact: `+ - * /`, whole powers, and functions that the answer grammar computes exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engines.exercises.expression import parsed
from engines.exercises.lexer import FUNCTION_NAMES, WORD_OPERATORS
from engines.exercises.limits import LIMITS, ExpressionError
from server.transfer.questions import number_of, spelled
from server.transfer.tally import NotImported
from server.transfer.trees import Tree

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_WILDCARD = re.compile(r"\{([A-Za-z][^{}<>'\"&]*)\}")
_WORKED_OUT = re.compile(r"\{=((?:[^{}]|\{[^{}]*\})*)\}")
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")
_EXACT = {"abs": "abs", "ceil": "ceil", "floor": "floor", "round": "round", "max": "max",
          "min": "min", "fmod": "mod"}  # fmt: skip
_POWER = re.compile(r"\bpow\s*\(")
_MOST_PLACES = 9


def params_of(question: Tree) -> dict[str, dict[str, Any]]:
    """A question's wildcards as params by the wildcard's name. Raises `NotImported`."""
    found: dict[str, dict[str, Any]] = {}
    for holder in question.all("dataset_definitions"):
        for each in holder.all("dataset_definition"):
            found[each.text_of("name")] = _param(each)
    if not found:
        raise NotImported("wildcard")
    return found


def _param(each: Tree) -> dict[str, Any]:
    if each.text_of("distribution") not in {"uniform", ""}:
        raise NotImported("wildcard")
    try:
        low, high = (number_of(each.text_of(name)) for name in ("minimum", "maximum"))
        places = int(each.text_of("decimals") or "0")
    except (NotImported, ValueError):
        raise NotImported("wildcard") from None
    if not 0 <= places <= _MOST_PLACES or low > high:
        raise NotImported("wildcard")
    if places == 0:
        first, last = -int(-low // 1), int(high // 1)
        if first > last:
            raise NotImported("wildcard")
        return {"int": [first, last]}
    return {"decimal": [low, high], "places": places}


def param_names(wildcards: Mapping[str, object]) -> dict[str, str]:
    """A param's name by wildcard: the wildcard's own where it may be one, else one of its letters.

    >>> param_names({"a": 0, "abs": 0, "the sum": 0})
    {'a': 'a', 'abs': 'abs_', 'the sum': 'the_sum'}
    """
    named: dict[str, str] = {}
    for wildcard in wildcards:
        name = re.sub(r"[^A-Za-z0-9_]", "_", wildcard)[:30]
        if name in FUNCTION_NAMES or name in WORD_OPERATORS or name in named.values():
            name += "_"
        if not _NAME.fullmatch(name) or name in named.values():
            raise NotImported("wildcard")
        named[wildcard] = name
    return named


def expression_of(formula: str, names: Mapping[str, str]) -> str:
    """A formula of wildcards as an expression of params. Raises `NotImported`.

    >>> expression_of("pow({a},2) + 3*{b}/2", {"a": "a", "b": "b"})
    '((a)^(2)) + 3*b/2'
    """
    text = formula.strip().replace("**", "^")
    if len(text) > LIMITS.code_points:
        raise NotImported("formula")
    for name in _CALL.findall(text):
        if name not in _EXACT and name != "pow":
            raise NotImported("formula")
    text = _powers(text)
    text = _CALL.sub(lambda found: f"{_EXACT[found[1]]}(", text)
    text = _WILDCARD.sub(lambda found: _named(found[1], names), text)
    try:
        code = parsed(text)
    except ExpressionError:
        raise NotImported("formula") from None
    if not code.names <= set(names.values()):
        raise NotImported("formula")
    return text


def _named(wildcard: str, names: Mapping[str, str]) -> str:
    if wildcard not in names:
        raise NotImported("wildcard")
    return names[wildcard]


def _powers(text: str) -> str:
    """`pow(x, y)` as `((x)^(y))`, the innermost first."""
    while (found := _last(text)) is not None:
        inside, end = _arguments(text, found.end())
        if len(inside) != 2:
            raise NotImported("formula")
        base, power = (part.strip() for part in inside)
        text = f"{text[: found.start()]}(({base})^({power})){text[end:]}"
    return text


def _last(text: str) -> re.Match[str] | None:
    found = None
    for found in _POWER.finditer(text):  # noqa: B007 (the last one is wanted)
        pass
    return found


def _arguments(text: str, at: int) -> tuple[list[str], int]:
    """The arguments of a call whose inside begins at `at`, and where the call ends."""
    depth, parts, begin = 0, list[str](), at
    for place in range(at, len(text)):
        sign = text[place]
        if sign == ")" and not depth:
            return [*parts, text[begin:place]], place + 1
        if sign == "," and not depth:
            parts.append(text[begin:place])
            begin = place + 1
        depth += (sign == "(") - (sign == ")")
    raise NotImported("formula")


_DRAWN = re.compile("\ue018(\\d+)\ue019")


class Marks:
    """Wildcards in texts: taken out before a text is translated, put in as marks after."""

    def __init__(self, names: Mapping[str, str], params: Mapping[str, Mapping[str, Any]]) -> None:
        self._names = names
        self._places = {names[each]: int(param.get("places", 0)) for each, param in params.items()}
        self._found: list[str] = []

    def taken(self, text: str) -> str:
        """The text with a stand-in for each `{name}` and `{=formula}`. Raises `NotImported`."""
        text = re.sub("[\ue018\ue019]", "", text)
        text = _WORKED_OUT.sub(lambda f: self._stand_in(expression_of(f[1], self._names)), text)
        return _WILDCARD.sub(
            lambda f: self._stand_in(self._names[f[1]]) if f[1] in self._names else f[0], text
        )

    def _stand_in(self, expression: str) -> str:
        self._found.append(self.mark(expression))
        return f"\ue018{len(self._found) - 1}\ue019"

    def put(self, text: str) -> str:
        """The translated text with `@{...}` for each stand-in."""
        return _DRAWN.sub(lambda found: self._found[int(found[1])], text)

    def mark(self, expression: str, places: int | None = None) -> str:
        """The mark that prints an expression: as a decimal where a decimal is drawn for it."""
        drawn = max((self._places[name] for name in parsed(expression).names), default=0)
        if not drawn:
            return f"@{{{expression}}}"
        widens = 2 if set(expression) & set("*/^") else 1
        return f"@{{{expression}:d{drawn * widens if places is None else places}}}"


def tolerance_of(answer: Tree) -> dict[str, str]:
    """How far off an answer may be. Raises `NotImported` for a kind that is not read."""
    amount = number_of(answer.text_of("tolerance") or "0")
    kind = answer.text_of("tolerancetype") or "1"
    if kind not in {"1", "2"}:
        raise NotImported("formula")
    if amount <= 0:
        return {}
    return {("rel" if kind == "1" else "abs"): spelled(amount)}


def shown_places(answer: Tree) -> int | None:
    """The decimals that Moodle shows a right answer with; None where it counts figures."""
    length = answer.text_of("correctanswerlength")
    told = answer.text_of("correctanswerformat") == "1" and length.isdigit() and len(length) == 1
    return int(length) if told else None
