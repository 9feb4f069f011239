"""Polynomials with exact coefficients, small ones, as the forms need them. This file is their sums.

A polynomial is a mapping from powers, one for each name, to its coefficient. What is none, or takes
more steps than the budget, is None: a form is then judged on the tree alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from math import gcd, lcm

from engines.exercises.limits import LIMITS
from engines.exercises.reading import factors
from engines.exercises.tree import Tree, nodes

MOST_STEPS = 2_000
"""Most products of two terms in multiplying out."""
MOST_DEGREE = 30
"""Largest power of a name that is multiplied out."""
MOST_CANDIDATES = 500
"""Most rational numbers tried as a root."""
_LARGEST_PRIME = 2_000
"""Largest prime tried in taking a coefficient apart."""
_SAMPLES = ((3, 5, 7, 11), (5, 11, 2, 13), (7, 2, 13, 3), (11, 17, 5, 19), (13, 3, 19, 23))
"""Values for the other names: a factor that is there for all of them is there for good."""

Powers = tuple[int, ...]
Polynomial = dict[Powers, Fraction]


def names_of(tree: Tree) -> tuple[str, ...]:
    """The variables of a tree, in order."""
    return tuple(sorted({node.name for node in nodes(tree) if node.head == "name"}))


def polynomial(tree: Tree, names: Sequence[str]) -> Polynomial | None:
    """The tree multiplied out over the names; None where it is no polynomial or too large.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.tree import tree_of
    >>> sorted(polynomial(tree_of(answer_code("(x + 1)(x - 1)/2")), ["x"]).items())
    [((0,), Fraction(-1, 2)), ((2,), Fraction(1, 2))]
    """
    return _Sums(names).of(tree)


class _Sums:
    """One multiplying out, with what it may still cost."""

    __slots__ = ("left", "names", "one")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.one: Powers = (0,) * len(names)
        self.left = MOST_STEPS

    def of(self, tree: Tree) -> Polynomial | None:
        head, parts = tree.head, tree.parts
        if head == "number":
            value = Fraction(tree.written.value) if tree.written is not None else Fraction(0)
            return {self.one: value} if value else {}
        if head == "name":
            if tree.name not in self.names:
                return None
            return {tuple(int(name == tree.name) for name in self.names): Fraction(1)}
        if head not in _MADE_OF:
            return None
        inner: list[Polynomial] = []
        for part in parts[:1] if head == "^" else parts:  # a tree is no deeper than its limit
            made = self.of(part)
            if made is None:
                return None
            inner.append(made)
        return _MADE_OF[head](self, inner, parts)

    def _sum(self, inner: list[Polynomial], _parts: Sequence[Tree]) -> Polynomial | None:
        total: Polynomial = {}
        for each in inner:
            for powers, c in each.items():
                total[powers] = total.get(powers, Fraction(0)) + c
        return {powers: c for powers, c in total.items() if c}

    def _quotient(self, inner: list[Polynomial], _parts: Sequence[Tree]) -> Polynomial | None:
        below = inner[1].get(self.one)
        if below is None or len(inner[1]) != 1:
            return None
        return {powers: c / below for powers, c in inner[0].items()}

    def _power(self, inner: list[Polynomial], parts: Sequence[Tree]) -> Polynomial | None:
        n = whole_number(parts[1])
        if n is None or not 0 <= n <= MOST_DEGREE:
            return None
        return self._product(inner * n, parts)

    def _product(self, inner: list[Polynomial], _parts: Sequence[Tree]) -> Polynomial | None:
        made: Polynomial = {self.one: Fraction(1)}
        for each in inner:
            next_one = self._times(made, each)
            if next_one is None:
                return None
            made = next_one
        return made

    def _times(self, a: Polynomial, b: Polynomial) -> Polynomial | None:
        self.left -= len(a) * len(b)
        if self.left < 0:
            return None
        made: Polynomial = {}
        for (p, c), (q, d) in product(a.items(), b.items()):
            powers = tuple(i + j for i, j in zip(p, q, strict=True))
            if max(powers, default=0) > MOST_DEGREE:
                return None
            total = made.get(powers, Fraction(0)) + c * d
            if total.numerator.bit_length() > LIMITS.integer_bits:
                return None
            made[powers] = total
        return {powers: c for powers, c in made.items() if c}


_MADE_OF: dict[str, Callable[[_Sums, list[Polynomial], Sequence[Tree]], Polynomial | None]] = {
    "neg": lambda _s, inner, _p: {powers: -c for powers, c in inner[0].items()},
    "%": lambda _s, inner, _p: {powers: c / 100 for powers, c in inner[0].items()},
    "+": _Sums._sum,
    "*": _Sums._product,
    "/": _Sums._quotient,
    "^": _Sums._power,
}


def whole_number(tree: Tree) -> int | None:
    """The value of a tree that is a whole number as written, with a minus or without."""
    if tree.head == "neg":
        inner = whole_number(tree.parts[0])
        return None if inner is None else -inner
    if tree.head == "number" and tree.written is not None and tree.written.shape == "integer":
        return int(tree.written.value)
    return None


def content(poly: Polynomial) -> Fraction:
    """The largest rational that leaves whole coefficients without a common divisor; 0 for 0.

    >>> content({(1,): Fraction(4), (0,): Fraction(6)}), content({(1,): Fraction(1, 2)})
    (Fraction(2, 1), Fraction(1, 2))
    """
    above = gcd(*(c.numerator for c in poly.values()))
    return Fraction(above, lcm(*(c.denominator for c in poly.values())))


def degree(poly: Polynomial) -> int:
    """The total degree; 0 for a number."""
    return max((sum(powers) for powers in poly), default=0)


def shares_a_power(poly: Polynomial) -> bool:
    """Whether a name is in every term."""
    return any(min(column) > 0 for column in zip(*poly, strict=True)) if poly else False


def splits(poly: Polynomial) -> bool:
    """Whether a polynomial has a factor that people look for: one of degree 1, rational.

    In one variable that is a rational root. In several, a root for every sample of the others; or
    two parts that share a factor, as in `xy + x + y + 1`.

    >>> [splits({(2,): Fraction(1), (0,): Fraction(n)}) for n in (-4, 4)]
    [True, False]
    """
    width = len(next(iter(poly), ()))
    used = [i for i in range(width) if any(powers[i] for powers in poly)]
    for name in used:
        rows = [_in_one(poly, name, sample) for sample in _SAMPLES[: 1 if len(used) == 1 else 5]]
        if max(powers[name] for powers in poly) > 1 and all(_has_root(row) for row in rows):
            return True
    return len(used) == 2 and any(_parts_share(poly, *pair) for pair in (used, used[::-1]))


def _in_one(poly: Polynomial, name: int, sample: Sequence[int]) -> list[Fraction]:
    """The coefficients over one name, lowest power first, with values for the others."""
    row = [Fraction(0)] * (max(powers[name] for powers in poly) + 1)
    for powers, c in poly.items():
        for i, power in enumerate(powers):
            if i != name:
                c *= sample[i % len(sample)] ** power
        row[powers[name]] += c
    return row


def _parts_share(poly: Polynomial, name: int, other: int) -> bool:
    """Whether the coefficients over one name, as polynomials in the other, share a factor."""
    rows: dict[int, Polynomial] = {}
    for powers, c in poly.items():
        rows.setdefault(powers[name], {})[(powers[other],)] = c
    if len(rows) < 2:
        return False
    shared = [_row(part) for part in rows.values()]
    found = shared[0]
    for row in shared[1:]:
        found = shared_factor(found, row)
    return len(found) > 1


def _row(poly: Polynomial) -> list[Fraction]:
    row = [Fraction(0)] * (max(powers[0] for powers in poly) + 1)
    for powers, c in poly.items():
        row[powers[0]] = c
    return row


def in_one_name(poly: Polynomial, name: int = 0) -> list[Fraction]:
    """The coefficients over one name, lowest first, of a polynomial that has no other."""
    return _in_one(poly, name, (1,)) if poly else [Fraction(0)]


def shared_factor(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
    """The greatest common divisor of two polynomials in one variable (Euclid), lowest first."""
    a, b = _trimmed(a), _trimmed(b)
    while b:
        while len(a) >= len(b):
            by = a[-1] / b[-1]
            shift = len(a) - len(b)
            a = _trimmed([c - by * b[i - shift] if i >= shift else c for i, c in enumerate(a[:-1])])
        a, b = b, a
    return [c / a[-1] for c in a] if a else a


def _trimmed(row: list[Fraction]) -> list[Fraction]:
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]


def _has_root(row: list[Fraction]) -> bool:
    """Whether a polynomial has a rational root: the rational root theorem."""
    row = _trimmed(row)
    if len(row) < 2:
        return False
    if not row[0]:
        return True
    scale = lcm(*(c.denominator for c in row))
    whole = [int(c * scale) for c in row]
    above, below = _divisors(abs(whole[0])), _divisors(abs(whole[-1]))
    if above is None or below is None or len(above) * len(below) > MOST_CANDIDATES:
        return False
    return any(
        _value(whole, sign * p, q) == 0 for p, q in product(above, below) for sign in (1, -1)
    )


def _value(whole: list[int], p: int, q: int) -> int:
    """The value at p/q times q to the degree, in whole numbers."""
    total, scale = 0, 1
    for c in reversed(whole):
        total = total * p + c * scale
        scale *= q
    return total


def _divisors(n: int) -> list[int] | None:
    powers = factors(n, _LARGEST_PRIME) if n > 1 else []
    if powers is None:
        return None
    found = [1]
    for prime, power in powers:
        found = [d * prime**k for d in found for k in range(power + 1)]
    return found
