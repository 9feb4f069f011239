"""Pairs of a key and an answer, alike or nearly so, for the oracle. This file is their generator.

A pair is two small trees. They are printed in the notations that learners use for the checker and
as Python for sympy, by printers of their own: nothing of the checker takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

Tree = tuple[Any, ...]
NOTATIONS = ("plain", "latex", "unicode", "starred")
SIZES = {
    "polynomials": 400,
    "rationals": 320,
    "roots": 240,
    "powers": 240,
    "functions": 340,
    "numbers": 60,
    "equations": 220,
    "inequalities": 180,
}
"""Pairs a family: 2,000 in all, of which every other one is meant to be alike."""


LONGEST = 280
"""Signs of a text: one that is too long for the checker says nothing of its judgement."""


class Pair(NamedTuple):
    """Texts for the checker, and each side's Python for sympy; a relation has two sides each."""

    family: str
    kind: str
    key: str
    given: str
    python: tuple[str, ...]


def num(value: int | Fraction) -> Tree:
    return ("num", Fraction(value))


def var(name: str) -> Tree:
    return ("var", name)


def add(*terms: Tree) -> Tree:
    return ("add", *terms) if len(terms) != 1 else terms[0]


def mul(*factors: Tree) -> Tree:
    return ("mul", *factors) if len(factors) != 1 else factors[0]


def over(above: Tree, below: Tree) -> Tree:
    return ("div", above, below)


def power(base: Tree, exponent: Tree | int) -> Tree:
    return ("pow", base, num(exponent) if isinstance(exponent, int) else exponent)


def call(name: str, inside: Tree) -> Tree:
    return ("call", name, inside)


def minus(tree: Tree) -> Tree:
    return ("neg", tree)


# --- printing ------------------------------------------------------------------------------------

_LEVEL = {"add": 1, "neg": 2, "mul": 3, "div": 3, "pow": 4, "call": 5, "var": 5, "num": 5}
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_LATEX_NAMES = {"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan"}


def _level(tree: Tree) -> int:
    if tree[0] == "num":
        value = tree[1]
        return 2 if value < 0 else 3 if value.denominator > 1 else 5
    return _LEVEL[tree[0]]


def printed(tree: Tree, notation: str) -> str:
    """The tree in one of `NOTATIONS`, or as `python`."""

    def inside(part: Tree, least: int) -> str:
        text = printed(part, notation)
        if _level(part) >= least:
            return text
        return rf"\left({text}\right)" if notation == "latex" else f"({text})"

    return _PRINT[tree[0]](tree, notation, inside)


Inside = Callable[[Tree, int], str]


def _num(tree: Tree, notation: str, _inside: Inside) -> str:
    value: Fraction = tree[1]
    if notation == "python":
        return f"Rational({value.numerator}, {value.denominator})"
    sign = "-" if value < 0 else ""
    size = abs(value)
    if size.denominator == 1:
        return f"{sign}{size.numerator}"
    if notation == "latex":
        return rf"{sign}\frac{{{size.numerator}}}{{{size.denominator}}}"
    return f"{sign}{size.numerator}/{size.denominator}"


def _var(tree: Tree, notation: str, _inside: Inside) -> str:
    if tree[1] == "pi" and notation != "plain" and notation != "starred":
        return {"latex": r"\pi", "unicode": "π"}.get(notation, "pi")
    return "E" if tree[1] == "e" and notation == "python" else str(tree[1])


def _add(tree: Tree, notation: str, inside: Inside) -> str:
    text = ""
    for at, term in enumerate(tree[1:]):
        part = inside(term, 2)
        if notation == "unicode" and part[0] == "-":
            part = "−" + part[1:]
        if at and part[0] not in "-−":
            text += "+" if notation != "starred" else " + "
        text += part
    return text


def _neg(tree: Tree, notation: str, inside: Inside) -> str:
    return ("−" if notation == "unicode" else "-") + inside(tree[1], 3)


def _mul(tree: Tree, notation: str, inside: Inside) -> str:
    parts = [inside(factor, 4 if notation != "python" else 3) for factor in tree[1:]]
    sign = {"python": "*", "starred": " * ", "unicode": "·", "latex": r" \cdot "}.get(notation)
    apart = any(part[0].isdigit() for part in parts[1:])
    if sign is None or (notation == "latex" and not apart):
        return _side_by_side(parts, " " if notation == "latex" else "*")
    return sign.join(parts)


def _side_by_side(parts: list[str], sign: str) -> str:
    """Factors without a sign where that reads as a product: never before a digit."""
    text = parts[0]
    for part in parts[1:]:
        apart = part[0].isdigit() or (text[-1].isalpha() and part[0] == "(")
        apart = apart or (text[-1].isalnum() and part[0].isalpha() and len(part) > 1)
        text += (sign if apart else "") + part
    return text


def _div(tree: Tree, notation: str, inside: Inside) -> str:
    if notation == "latex":
        return rf"\frac{{{printed(tree[1], notation)}}}{{{printed(tree[2], notation)}}}"
    sign = {"unicode": "÷", "starred": " / "}.get(notation, "/")
    return inside(tree[1], 4) + sign + inside(tree[2], 4)


def _pow(tree: Tree, notation: str, inside: Inside) -> str:
    base, exponent = tree[1], tree[2]
    below = inside(base, 5)
    if notation == "python":
        return f"({below})**({printed(exponent, notation)})"
    if notation == "latex":
        return f"{below}^{{{printed(exponent, notation)}}}"
    if notation == "unicode" and exponent[0] == "num" and exponent[1].denominator == 1:
        return below + str(exponent[1]).translate(_RAISED)
    return f"{below}^{inside(exponent, 5)}"


def _call(tree: Tree, notation: str, _inside: Inside) -> str:
    name, argument = tree[1], printed(tree[2], notation)
    if notation == "python":
        return f"{'log' if name == 'ln' else name}({argument})"
    if notation == "latex":
        if name == "sqrt":
            return rf"\sqrt{{{argument}}}"
        return rf"{_LATEX_NAMES.get(name) or chr(92) + name}\left({argument}\right)"
    if notation == "unicode" and name == "sqrt":
        return f"√({argument})"
    return f"{name}({argument})"


_PRINT: dict[str, Callable[[Tree, str, Inside], str]] = {
    "num": _num, "var": _var, "add": _add, "neg": _neg, "mul": _mul, "div": _div, "pow": _pow,
    "call": _call,
}  # fmt: skip


# --- polynomials ---------------------------------------------------------------------------------


Poly = dict[tuple[int, ...], Fraction]


def _poly(dice: Random, names: str, degree: int, terms: int) -> Poly:
    found: Poly = {}
    while len(found) < terms:
        left, powers = degree, []
        for _ in names:
            powers.append(dice.randint(0, left))
            left -= powers[-1]
        found[tuple(powers)] = Fraction(dice.choice([-9, -5, -4, -3, -2, -1, 1, 1, 2, 3, 4, 6, 7]))
    return found


def _times(one: Poly, other: Poly) -> Poly:
    found: Poly = {}
    for p, a in one.items():
        for q, b in other.items():
            key = tuple(i + j for i, j in zip(p, q, strict=True))
            found[key] = found.get(key, Fraction(0)) + a * b
    return {key: value for key, value in found.items() if value}


def _written(poly: Poly, names: str, dice: Random) -> Tree:
    """The polynomial with its terms in any order."""
    terms = [_term(powers, value, names) for powers, value in poly.items()]
    dice.shuffle(terms)
    return add(*terms) if terms else num(0)


def _term(powers: tuple[int, ...], value: Fraction, names: str) -> Tree:
    letters = [
        var(name) if n == 1 else power(var(name), n)
        for name, n in zip(names, powers, strict=True)
        if n
    ]
    size = abs(value)
    factors = ([num(size)] if size != 1 or not letters else []) + letters
    return minus(mul(*factors)) if value < 0 else mul(*factors)


# --- families ------------------------------------------------------------------------------------


Two = tuple[Tree, Tree]


def _polynomials(dice: Random) -> Two:
    names = dice.choice(["x", "x", "xy", "ab", "n"])
    size = 3 if len(names) > 1 else 2
    factors = [_poly(dice, names, 2, size) for _ in range(dice.choice([1, 2, 2, 3]))]
    product: Poly = {(0,) * len(names): Fraction(1)}
    for factor in factors:
        product = _times(product, factor)
    apart = mul(*(_written(factor, names, dice) for factor in factors))
    whole = _written(product, names, dice)
    extra = _written(_poly(dice, names, 1, 1), names, dice)
    x, a = var(names[0]), dice.randint(1, 5)
    cube = add(power(x, 3), mul(num(3 * a), power(x, 2)), mul(num(3 * a * a), x), num(a**3))
    return dice.choice(
        [
            (apart, whole),
            (whole, apart),
            (whole, _written(product, names, dice)),
            (whole, add(apart, extra, minus(extra))),
            (minus(apart), mul(num(-1), whole)),
            (power(add(x, num(a)), 3), cube),
        ]
    )


def _rationals(dice: Random) -> Two:
    x = var(dice.choice("xytn"))
    a, b, c, d = (dice.choice([-7, -5, -3, -2, 1, 2, 3, 4, 6]) for _ in range(4))
    b, d = (b, d) if b != d else (b, d + 1)
    left, right = add(x, num(b)), add(x, num(d))
    forms: list[Two] = [
        (
            add(over(num(a), left), over(num(c), right)),
            over(add(mul(num(a), right), mul(num(c), left)), mul(left, right)),
        ),
        (over(mul(left, right), mul(right, add(x, num(a)))), over(left, add(x, num(a)))),
        (over(add(power(x, 2), num(-(b * b))), add(x, num(b))), add(x, num(-b))),
        (over(num(a), add(num(b), minus(x))), over(num(-a), add(x, num(-b)))),
        (over(over(left, right), over(x, right)), over(left, x)),
        (over(mul(num(2 * a), left), num(2 * c)), mul(num(Fraction(a, c)), left)),
        (power(left, -2), over(num(1), power(left, 2))),
        (add(num(1), over(num(a), left)), over(add(x, num(b + a)), left)),
    ]
    return dice.choice(forms)


def _roots(dice: Random) -> Two:
    n = dice.choice([2, 3, 5, 6, 7, 10])
    a, b, k = dice.randint(2, 9), dice.choice([-4, -3, -1, 1, 2, 5]), dice.randint(2, 6)
    root = call("sqrt", num(n))
    x = var(dice.choice("xab"))
    forms: list[Two] = [
        (mul(num(k), root), call("sqrt", num(k * k * n))),
        (over(num(a), root), mul(num(Fraction(a, n)), root)),
        (
            over(num(1), add(num(a), root)),
            over(add(num(a), minus(root)), num(a * a - n)) if a * a != n else num(1),
        ),
        (
            power(add(num(a), mul(num(b), root)), 2),
            add(num(a * a + b * b * n), mul(num(2 * a * b), root)),
        ),
        (
            add(mul(num(a), root), mul(num(b), root)),
            mul(num(a + b), root) if a + b != 0 else num(0),
        ),
        (mul(root, call("sqrt", num(k))), call("sqrt", num(n * k))),
        (power(call("sqrt", x), 2), x),
        (mul(num(a), x, call("sqrt", x)), mul(num(a), power(x, num(Fraction(3, 2))))),
        (
            add(mul(num(a), call("sqrt", x)), mul(num(b), call("sqrt", x))),
            mul(num(a + b), call("sqrt", x)),
        ),
        (over(x, call("sqrt", x)), call("sqrt", x)),
    ]
    return dice.choice(forms)


def _powers(dice: Random) -> Two:
    x, y = var("x"), var("y")
    m, n, k = dice.randint(2, 9), dice.randint(2, 9), dice.randint(2, 4)
    forms: list[Two] = [
        (mul(power(x, m), power(x, n)), power(x, m + n)),
        (over(power(x, m + n), power(x, n)), power(x, m)),
        (power(power(x, m), k), power(x, m * k)),
        (power(mul(num(k), power(x, m), y), 3), mul(num(k**3), power(x, 3 * m), power(y, 3))),
        (power(x, -m), over(num(1), power(x, m))),
        (power(over(x, y), n), over(power(x, n), power(y, n))),
        (power(num(2), add(var("n"), num(k))), mul(num(2**k), power(num(2), var("n")))),
        (power(num(k), mul(num(2), var("n"))), power(num(k * k), var("n"))),
        (mul(num(m), power(x, 2), power(y, -1)), over(mul(num(m), power(x, 2)), y)),
        (power(x, num(Fraction(1, 3))), power(x, num(Fraction(2, 6)))),
        (power(minus(x), 2 * k), power(x, 2 * k)),
        (power(minus(x), 2 * k + 1), minus(power(x, 2 * k + 1))),
    ]
    return dice.choice(forms)


def _functions(dice: Random) -> Two:
    x, pi, e = var(dice.choice("xt")), var("pi"), var("e")
    a, b, k = dice.randint(2, 7), dice.randint(1, 6), dice.randint(2, 4)
    sin, cos = (call(name, mul(num(a), x)) for name in ("sin", "cos"))
    turn, exp, cos_x = mul(num(b), x), call("exp", x), call("cos", x)
    forms: list[Two] = [
        (add(power(sin, 2), power(cos, 2)), num(1)),
        (mul(num(2), sin, cos), call("sin", mul(num(2 * a), x))),
        (add(num(1), minus(mul(num(2), power(sin, 2)))), call("cos", mul(num(2 * a), x))),
        (over(sin, cos), call("tan", mul(num(a), x))),
        (call("sin", add(x, over(pi, num(2)))), call("cos", x)),
        (minus(call("sin", x)), call("sin", minus(x))),
        (call("cos", add(x, pi)), minus(call("cos", x))),
        (call("exp", add(x, num(b))), mul(power(e, b), power(e, x))),
        (power(e, mul(num(a), x)), power(power(e, x), a)),
        (call("ln", num(k**a)), mul(num(a), call("ln", num(k)))),
        (add(call("ln", num(a)), call("ln", num(b))), call("ln", num(a * b))),
        (mul(num(a), call("cos", add(turn, num(k)))), mul(call("cos", add(num(k), turn)), num(a))),
        (add(mul(num(k), x, exp), exp), mul(exp, add(mul(num(k), x), num(1)))),
        (over(num(1), call("cos", x)), over(call("tan", x), call("sin", x))),
        (mul(x, call("ln", x)), over(call("ln", x), power(x, -1))),
        (call("sin", over(pi, num(6))), num(Fraction(1, 2))),
        (mul(num(2), call("cos", over(pi, num(4)))), call("sqrt", num(2))),
        (add(call("tan", x), num(b)), over(add(call("sin", x), mul(num(b), cos_x)), cos_x)),
    ]  # fmt: skip
    return dice.choice(forms)


def _numbers(dice: Random) -> Two:
    a, b = dice.randint(1, 99), dice.choice([2, 4, 5, 8, 10, 20, 25])
    c = dice.randint(10**9, 10**12)
    forms: list[Two] = [
        (num(Fraction(a, b)), over(num(a * 3), num(b * 3))),
        (power(num(-6), a % 9 + 2), num((-6) ** (a % 9 + 2))),
        (num(c * 2), mul(num(2), num(c))),
        (add(num(Fraction(a, b)), num(Fraction(1, 3))), num(Fraction(a, b) + Fraction(1, 3))),
    ]
    return dice.choice(forms)


FAMILIES: dict[str, Callable[[Random], Two]] = {
    "polynomials": _polynomials,
    "rationals": _rationals,
    "roots": _roots,
    "powers": _powers,
    "functions": _functions,
    "numbers": _numbers,
}


# --- near misses ---------------------------------------------------------------------------------


def _places(tree: Tree, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    if tree[0] in ("num", "neg") or (tree[0] == "add" and len(tree) > 2):
        yield path
    for at, part in enumerate(tree):
        if isinstance(part, tuple):
            yield from _places(part, (*path, at))


def _changed(tree: Tree, path: tuple[int, ...], dice: Random) -> Tree:
    if path:
        at, *rest = path
        return (*tree[:at], _changed(tree[at], tuple(rest), dice), *tree[at + 1 :])
    if tree[0] == "neg":
        return tree[1]  # type: ignore[no-any-return] # a tree's parts are trees
    if tree[0] == "add":
        at = dice.randrange(1, len(tree))
        return (*tree[:at], minus(tree[at]), *tree[at + 1 :])
    return num(tree[1] + dice.choice([-1, 1, 1, Fraction(1, 2)]))


def missed(tree: Tree, dice: Random) -> Tree:
    """The tree with one slip: a number off by one or a half, or one sign turned."""
    places = list(_places(tree))
    return _changed(tree, dice.choice(places), dice) if places else add(tree, num(1))


# --- pairs ---------------------------------------------------------------------------------------


def _expression(family: str, dice: Random, near: bool) -> Pair:
    key, given = FAMILIES[family](dice)
    if near:
        given = missed(given, dice)
    one, other = dice.choice(NOTATIONS), dice.choice(NOTATIONS)
    sides = printed(key, "python"), printed(given, "python")
    return Pair(family, "expression", printed(key, one), printed(given, other), sides)


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}


def _relation(family: str, dice: Random, near: bool) -> Pair:
    """A relation, and the same after steps that keep it: swapped, added to, multiplied."""
    make = FAMILIES[dice.choice(["polynomials", "polynomials", "rationals"])]
    left, other_left = make(dice)
    right = add(make(dice)[0], mul(num(dice.randint(2, 5)), var("z")))
    sign = "=" if family == "equations" else dice.choice(["<", ">", "<=", ">="])
    a, b, turned = other_left, right, sign
    for _ in range(dice.randint(1, 2)):
        step = dice.randrange(4)
        if step == 0:
            a, b, turned = b, a, _TURNED[turned]
        elif step == 1:
            extra = mul(num(dice.randint(2, 5)), var(dice.choice("xz")))
            a, b = add(a, extra), add(b, extra)
        else:
            k = dice.choice([-3, -2, 2, 4] if step == 2 else [-1, 5])
            a, b = mul(num(k), a), mul(num(k), b)
            turned = _TURNED[turned] if k < 0 else turned
    if near:
        if sign != "=" and dice.random() < 0.4:
            turned = _TURNED[turned]
        elif dice.random() < 0.5:
            a = missed(a, dice)
        else:
            b = missed(b, dice)
    one, other = dice.choice(NOTATIONS), dice.choice(NOTATIONS)
    key = printed(left, one) + sign + printed(right, one)
    given = printed(a, other) + turned + printed(b, other)
    sides = tuple(printed(side, "python") for side in (left, right, a, b))
    return Pair(family, "equation", key, given, (*sides, sign, turned))


def pairs(seed: int = 1) -> list[Pair]:
    """All pairs, in order; the same for a seed on every machine."""
    found: list[Pair] = []
    for family, size in SIZES.items():
        dice = Random(f"{family} {seed}")
        make = _expression if family in FAMILIES else _relation
        for at in range(size):
            pair = make(family, dice, bool(at % 2))
            while max(len(pair.key), len(pair.given)) > LONGEST:
                pair = make(family, dice, bool(at % 2))
            found.append(pair)
    return found
