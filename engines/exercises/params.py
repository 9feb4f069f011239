"""How an item's numbers are drawn: domains, order, conditions. This file is the plan of a draw.

Parameters with a list of possible values are drawn together, as one uniform number below the
product of their sizes: one throw a try, however many parameters there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod
from typing import Any, TypeVar

from engines.exercises.computed import Computed, computed
from engines.exercises.expression import Code, parsed
from engines.exercises.functions import Number, Operand, Scalar
from engines.exercises.lexer import FUNCTION_NAMES, WORD_OPERATORS, narrowed
from engines.exercises.limits import LIMITS, ExpressionError
from engines.maths.dice import Dice

T = TypeVar("T")


class ParamError(ValueError):
    """A parameter that cannot be drawn as it is written; the text names it."""


class ParamCycle(ParamError):  # noqa: N818 (the kind of a ParamError)
    """Parameters computed from one another in a circle."""


class Undrawable(ValueError):  # noqa: N818 (what the draw is, told to the author)
    """No draw met the item's conditions within the tries allowed."""


@dataclass(frozen=True, slots=True)
class Draw:
    """How values come about: listed domains, samples, then computed ones in dependency order."""

    names: tuple[str, ...]
    domains: tuple[Sequence[Operand], ...]
    size: int
    samples: tuple[tuple[str, tuple[Scalar, ...], int], ...]
    rest: tuple[tuple[str, Computed], ...]
    """What is computed from the values drawn."""
    early: tuple[Computed, ...]
    """Conditions on drawn values alone: tried before anything is computed."""
    late: tuple[Computed, ...]


def param_plan(params: Mapping[str, Mapping[str, Any]], where: Sequence[str] = ()) -> Draw:
    """The plan of drawing these parameters.

    Raises ParamError for a bad domain or name, ParamCycle, ExpressionError for a bad expression.
    """
    listed: list[tuple[str, Sequence[Operand]]] = []
    samples: list[tuple[str, tuple[Scalar, ...], int]] = []
    codes: dict[str, Code] = {}
    for name in sorted(params):
        spec = params[name]
        _check_name(name)
        if "expr" in spec:
            codes[name] = parsed(str(spec["expr"]))
        elif "sample" in spec:
            samples.append((name, *_sample(name, spec["sample"])))
        else:
            listed.append((name, _domain(name, spec)))
    conditions = tuple(parsed(text) for text in where)
    for code in (*codes.values(), *conditions):
        known(code, params)
    return Draw(
        tuple(n for n, _ in listed),
        tuple(d for _, d in listed),
        prod(len(d) for _, d in listed),
        tuple(samples),
        tuple((name, computed(codes[name])) for name in _ordered(codes)),
        tuple(computed(c) for c in conditions if not c.names & codes.keys()),
        tuple(computed(c) for c in conditions if c.names & codes.keys()),
    )


def drawn(plan: Draw, dice: Dice) -> dict[str, Operand]:
    """Values that meet the conditions. Raises Undrawable after 200 tries.

    A try whose computed value divides by zero, or whose condition does, counts as not meeting it.
    """
    for _ in range(LIMITS.where_tries):
        values = _thrown(plan, dice)
        try:
            if _holds(plan.early, values):
                for name, value in plan.rest:
                    values[name] = value(values)
                if _holds(plan.late, values):
                    return values
        except ExpressionError:
            if not (plan.early or plan.late):
                raise
    msg = f"no draw of {LIMITS.where_tries} met the conditions"
    raise Undrawable(msg)


def _holds(conditions: tuple[Computed, ...], values: dict[str, Operand]) -> bool:
    for holds in conditions:  # noqa: SIM110 (a generator costs more than most conditions)
        if not holds(values):
            return False
    return True


def _thrown(plan: Draw, dice: Dice) -> dict[str, Operand]:
    values: dict[str, Operand] = {}
    size = plan.size
    if size > 1 << 64:
        for name, domain in zip(plan.names, plan.domains, strict=True):
            values[name] = domain[dice.below(len(domain))]
    elif plan.names:
        throw = dice.below(size)
        for name, domain in zip(plan.names, plan.domains, strict=True):
            throw, place = divmod(throw, len(domain))
            values[name] = domain[place]
    for name, source, n in plan.samples:
        values[name] = shuffled(source, dice, n)
    return values


def shuffled(source: tuple[T, ...], dice: Dice, n: int) -> tuple[T, ...]:
    """The first `n` of the source in a uniform random order (Fisher & Yates 1938)."""
    cards = list(source)
    for i in range(min(n, len(cards) - 1)):
        j = i + dice.below(len(cards) - i)
        cards[i], cards[j] = cards[j], cards[i]
    return tuple(cards[:n])


def known(code: Code, names: Mapping[str, Any] | Sequence[str]) -> Code:
    """The code, if all its names are among those given. Raises ExpressionError else."""
    for op in code.ops:
        if isinstance(op.arg, str) and op.arg in code.names and op.arg not in names:
            raise ExpressionError(op.at + 1, "the name of a parameter", repr(op.arg))
    return code


def _check_name(name: str) -> None:
    if name in FUNCTION_NAMES or name in WORD_OPERATORS or not name.isidentifier():
        raise ParamError(f"param {name!r}: expected a name that is no function's")


def _ordered(codes: Mapping[str, Code]) -> list[str]:
    """Names of computed parameters, each after those it needs."""
    order: list[str] = []
    left = dict(codes)
    while left:
        ready = [n for n, code in left.items() if not code.names & left.keys()]
        if not ready:
            raise ParamCycle(f"params {', '.join(sorted(left))} need one another in a circle")
        order += ready
        for name in ready:
            del left[name]
    return order


def _domain(name: str, spec: Mapping[str, Any]) -> Sequence[Operand]:
    kind = next((k for k in _DOMAINS if k in spec), None)
    if kind is None:
        raise ParamError(f"param {name!r}: expected one of expr, sample, {', '.join(_DOMAINS)}")
    domain = _DOMAINS[kind](name, spec)
    if not domain:
        raise ParamError(f"param {name!r}: its domain is empty")
    return domain


def _int(name: str, spec: Mapping[str, Any]) -> Sequence[Number]:
    low, high = (_whole(name, v) for v in _pair(name, spec["int"]))
    values = range(low, high + 1, _step(name, spec))
    return _without(name, values, spec)


def _step(name: str, spec: Mapping[str, Any]) -> int:
    step = _whole(name, spec.get("step", 1))
    if step < 1:
        raise ParamError(f"param {name!r}: expected a step of 1 or more, found {step}")
    return step


def _without(name: str, values: range, spec: Mapping[str, Any]) -> Sequence[Number]:
    excluded = {exact(name, v) for v in spec.get("not", ())}
    if not excluded:
        return values
    return tuple(v for v in _few(name, values) if v not in excluded)


def _few(name: str, values: Sequence[int]) -> Sequence[int]:
    if len(values) > LIMITS.domain:
        raise ParamError(f"param {name!r}: {len(values)} values, expected <= {LIMITS.domain}")
    return values


def _decimal(name: str, spec: Mapping[str, Any]) -> Sequence[Operand]:
    places = _whole(name, spec.get("places", 1))
    scale = 10**places
    low, high = (exact(name, v) * scale for v in _pair(name, spec["decimal"]))
    values = _few(name, range(-int(-low // 1), int(high // 1) + 1, _step(name, spec)))
    excluded = {exact(name, v) for v in spec.get("not", ())}
    listed = (narrowed(Fraction(v, scale)) for v in values)
    return tuple(v for v in listed if v not in excluded)


def _fraction(name: str, spec: Mapping[str, Any]) -> Sequence[Operand]:
    inner = spec["fraction"]
    try:
        num, den = inner["num"], inner["den"]
    except (KeyError, TypeError):
        raise ParamError(f"param {name!r}: expected fraction: {{num, den}}") from None
    above, below = (
        range(_whole(name, low), _whole(name, high) + 1)
        for low, high in (_pair(name, num), _pair(name, den))
    )
    _few(name, range(len(above) * len(below)))
    lowest = bool(inner.get("lowest", False))
    excluded = {exact(name, v) for v in spec.get("not", ())}
    values = (
        narrowed(Fraction(n, d))
        for d in below
        for n in above
        if d and (gcd(n, d) == 1 or not lowest)
    )
    return tuple(v for v in values if v not in excluded)


def _choice(name: str, spec: Mapping[str, Any]) -> Sequence[Operand]:
    if not isinstance(spec["choice"], list | tuple):
        raise ParamError(f"param {name!r}: expected choice: [...]")
    return tuple(_listed_value(v) for v in spec["choice"])


def _sample(name: str, spec: Mapping[str, Any]) -> tuple[tuple[Scalar, ...], int]:
    source = spec.get("from", ())
    values = (
        _int(name, source) if isinstance(source, Mapping) else [_listed_value(v) for v in source]
    )
    n = _whole(name, spec.get("n", 1))
    if not 1 <= n <= len(values) <= LIMITS.domain:
        raise ParamError(f"param {name!r}: cannot take {n} of {len(values)} values")
    return tuple(values), n


_DOMAINS = {"int": _int, "decimal": _decimal, "fraction": _fraction, "choice": _choice}


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ParamError(f"param {name!r}: expected [low, high], found {value!r}")
    return value[0], value[1]


def _whole(name: str, value: Any) -> int:
    n = exact(name, value)
    if isinstance(n, int):
        return n
    raise ParamError(f"param {name!r}: expected a whole number, found {value!r}")


def exact(name: str, value: Any) -> Number:
    """A number of a course: an int or an exact text as "3/4" or "0.5".

    >>> exact("p", "0.5")
    Fraction(1, 2)
    """
    try:
        return narrowed(Fraction(str(value)))
    except (ValueError, ZeroDivisionError):
        raise ParamError(f"param {name!r}: expected a number, found {value!r}") from None


def _listed_value(value: Any) -> Scalar:
    """A listed value: a number where it reads as one, else a text."""
    try:
        return narrowed(Fraction(str(value)))
    except (ValueError, ZeroDivisionError):
        return str(value)
