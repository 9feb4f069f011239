"""Whether an answer has a form, judged on its tree before anything is reduced. This file judges.

The forms of numbers are asked of every number of an answer: of each entry of a set, each side of a
relation, each coefficient of a sum. An exponent is never asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import gcd, isqrt

from engines.exercises.expression import BINARY_OP, Code
from engines.exercises.functions import Inexact, is_prime
from engines.exercises.lexer import Written
from engines.exercises.polynomials import (
    content,
    degree,
    in_one_name,
    names_of,
    polynomial,
    shared_factor,
    shares_a_power,
    splits,
    whole_number,
)
from engines.exercises.reading import Reading
from engines.exercises.tree import Tree, nodes, shown

LISTS = frozenset(("{}", "()", "[]", "[)", "(]", "matrix", "row", "∪", "relation"))
"""What holds answers instead of being one."""
_RATIONAL = frozenset(("number", "neg", "/", "*", "^", "%", "+"))
_ROOTS = frozenset(("sqrt", "root"))


def entries(tree: Tree) -> Iterator[Tree]:
    """What an answer is made of: entries, ends and sides of lists and relations."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.head in LISTS or node.head == "±":
            waiting.extend(reversed(node.parts))
        else:
            yield node


def is_rational(tree: Tree) -> bool:
    """Whether a tree is made of numbers and the four operations alone."""
    return all(node.head in _RATIONAL for node in nodes(tree))


# --- numbers -------------------------------------------------------------------------------------


def number_of(tree: Tree) -> Reading:
    """A tree of numbers as the reading of a number; what is left to work out is an operation."""
    minus = tree.head == "neg"
    core = tree.parts[0] if minus else tree
    sign = -1 if minus else 1
    made = _plain(core) or _quotient(core) or _scientific(core)
    if made is None:
        return Reading(Fraction(0), "operation", "")
    num = sign * made.num if made.shape in ("fraction", "scientific") else made.num
    return made._replace(value=sign * made.value, num=num)


def _plain(tree: Tree) -> Reading | None:
    if tree.head == "%" and tree.parts[0].head == "number":
        inner = _plain(tree.parts[0])
        if inner is None:
            return None
        return Reading(inner.value / 100, "percent", "", inner.num, inner.den, inner.places)
    written = tree.written
    if written is None:
        return None
    return Reading(
        Fraction(written.value), written.shape, "", written.num, written.den, written.places
    )


def _quotient(tree: Tree) -> Reading | None:
    if tree.head != "/":
        return None
    num, den = (whole_number(part) for part in tree.parts)
    if num is None or not den:
        return None
    return Reading(Fraction(num, den), "fraction", "", num, den)


def _scientific(tree: Tree) -> Reading | None:
    if tree.head != "*" or len(tree.parts) != 2 or tree.parts[1].head != "^":
        return None
    before, power = tree.parts
    minus = before.head == "neg"
    plain = _plain(before.parts[0] if minus else before)
    base, exponent = (whole_number(part) for part in power.parts)
    if plain is None or base != 10 or exponent is None:
        return None
    size = -plain.value if minus else plain.value
    value = size * Fraction(10) ** max(-400, min(400, exponent))
    return Reading(value, "scientific", "", size.numerator, size.denominator, plain.places)


def each_number(holds: Callable[[Reading], bool]) -> Callable[[Tree], bool]:
    """The form of a number asked of every number of an answer.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.tree import tree_of
    >>> whole = each_number(lambda reading: reading.shape == "integer")
    >>> [whole(tree_of(answer_code(text))) for text in ("x = 3", "2x + 1/2", "x^2 - 4")]
    [True, False, True]
    """

    def held(tree: Tree) -> bool:
        return all(holds(number_of(node)) for node in _numbers(tree))

    return held


_ONE = Tree("number", written=Written(1, "integer"))


def _numbers(tree: Tree) -> Iterator[Tree]:
    """The largest trees of numbers alone, exponents left out."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if is_rational(node):
            yield node
        elif node.head == "/" and is_rational(node.parts[1]):  # `x/2`: a half of x
            yield Tree("/", (_ONE, node.parts[1]))
            waiting.append(node.parts[0])
        else:
            waiting.extend(node.parts[:1] if node.head == "^" else node.parts)


def lowest_terms(holds: Callable[[Reading], bool]) -> Callable[[Tree], bool]:
    """Lowest terms: every number has them, and no quotient can be cancelled.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.tree import tree_of
    >>> form = lowest_terms(lambda reading: reading.num % 2 == 1 or reading.shape == "integer")
    >>> [form(tree_of(answer_code(text))) for text in ("x/2", "2x/4", "(x^2 - 1)/(x - 1)")]
    [True, False, False]
    """
    numbers = each_number(holds)

    def held(tree: Tree) -> bool:
        return numbers(tree) and not any(
            _cancels(node) for node in nodes(tree) if node.head == "/" and not is_rational(node)
        )

    return held


def _cancels(quotient: Tree) -> bool:
    """Whether the two halves of a quotient share a factor, or the lower one is negative."""
    above, below = quotient.parts
    if below.head == "neg" or below.head == "/" or above.head == "/":
        return True
    names = names_of(quotient)
    top, bottom = polynomial(above, names), polynomial(below, names)
    if not top or not bottom:
        shared = {shown(base) for base, _ in _powers(above)}
        return any(shown(base) in shared for base, _ in _powers(below) if base.head != "number")
    if gcd(content(top).numerator, content(bottom).numerator) > 1:
        return True
    if any(min(p[i] for p in top) and min(p[i] for p in bottom) for i in range(len(names))):
        return True
    if len(names) != 1:
        factors = {shown(base) for base, _ in _powers(above) if base.head == "+"}
        return any(shown(base) in factors for base, _ in _powers(below))
    return len(shared_factor(in_one_name(top), in_one_name(bottom))) > 1


# --- sums and products ---------------------------------------------------------------------------


def _factors(tree: Tree) -> Iterator[Tree]:
    """The factors of a product, signs left out; a tree that is none is its own."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.head == "neg":
            waiting.append(node.parts[0])
        elif node.head == "*":
            waiting.extend(reversed(node.parts))
        else:
            yield node


def _powers(tree: Tree) -> Iterator[tuple[Tree, Tree | None]]:
    """The factors of a product as a base and its exponent."""
    for factor in _factors(tree):
        if factor.head == "^":
            yield factor.parts[0], factor.parts[1]
        else:
            yield factor, None


def _bare(tree: Tree) -> Tree:
    while tree.head == "neg":
        tree = tree.parts[0]
    return tree


def expanded(tree: Tree) -> bool:
    """No product of sums, no power of one, no minus before one."""
    for node in nodes(tree):
        if node.head == "*" and any(_bare(part).head == "+" for part in node.parts):
            return False
        if node.head == "neg" and node.parts[0].head == "+":
            return False
        if node.head == "^" and _bare(node.parts[0]).head == "+" and _is_multiplied(node.parts[1]):
            return False
    return True


def _is_multiplied(exponent: Tree) -> bool:
    n = whole_number(exponent)
    return n is not None and n > 1


def collected(tree: Tree) -> bool:
    """Like terms are joined, and so are the numbers and the powers of one base in a product.

    A factor that is a sum may hold terms like others: it is not collected before it is opened.
    """
    for node in nodes(tree):
        if node.head == "+" and not _terms_differ(node):
            return False
        if node.head == "*" and (
            any(_bare(part).head == "+" for part in node.parts) or not _factors_differ(node)
        ):
            return False
    return True


def _terms_differ(total: Tree) -> bool:
    seen: set[str] = set()
    for part in _terms(total):
        name = _likeness(part)
        if name is None or name in seen:
            return False
        seen.add(name)
    return True


def _terms(total: Tree) -> Iterator[Tree]:
    """The terms of a sum; those of a sum that a number multiplies count with them."""
    waiting = list(reversed(total.parts))
    while waiting:
        term = waiting.pop()
        others = [f for f in _factors(term) if not is_rational(f)]
        if len(others) == 1 and others[0].head == "+":
            waiting.extend(reversed(others[0].parts))
        else:
            yield term


def _likeness(term: Tree) -> str | None:
    """What like terms have in common: all but the number before; None for the term 0."""
    above: list[str] = []
    below: list[str] = []
    for factor in _factors(term):
        if is_rational(factor):
            if factor.written is not None and not factor.written.value:
                return None
        elif factor.head == "/":
            above += [shown(f) for f in _factors(factor.parts[0]) if not is_rational(f)]
            below += [shown(f) for f in _factors(factor.parts[1]) if not is_rational(f)]
        else:
            above.append(shown(factor))
    return " ".join([*sorted(above), ":", *sorted(below)])


def _factors_differ(whole: Tree) -> bool:
    numbers = 0
    seen: set[str] = set()
    for base, exponent in _powers(whole):
        if is_rational(base):
            numbers += exponent is None or is_rational(exponent)
            continue
        name = shown(base)
        if name in seen:
            return False
        seen.add(name)
    return numbers <= 1 or number_of(whole).shape == "scientific"


def factored(tree: Tree) -> bool:
    """A product whose factors have no number in common and no factor of degree 1 left in them."""
    return all(_is_product(each) for each in entries(tree) if not is_rational(each))


def _is_product(tree: Tree) -> bool:
    if _bare(tree).head == "/":
        above, below = _bare(tree).parts
        return not _cancels(_bare(tree)) and _is_product(above) and _is_product(below)
    names = names_of(tree)
    return all(_is_prime(base, names) for base, _ in _powers(tree) if not is_rational(base))


def _is_prime(base: Tree, names: tuple[str, ...]) -> bool:
    if base.head == "/":
        return _is_product(base)
    poly = polynomial(base, names)
    if poly is None:
        return base.head != "+" or not _share_a_factor(base)
    if base.head == "name":
        return True
    if base.head not in ("+", "/"):
        return degree(poly) <= 1
    if content(poly) != 1 or shares_a_power(poly):
        return False
    return degree(poly) < 2 or not splits(poly)


def _share_a_factor(total: Tree) -> bool:
    """Whether all terms of a sum have a factor in common, by how it is written."""
    shared = [{shown(f) for f in _factors(term) if not is_rational(f)} for term in total.parts]
    return bool(set.intersection(*shared))


def prime_factors(tree: Tree) -> bool:
    """A product of primes and powers of primes; a prime, and 1, is its own."""
    if not is_rational(tree):
        return False
    return all(_is_prime_power(base, exponent) for base, exponent in _powers(tree))


def _is_prime_power(base: Tree, exponent: Tree | None) -> bool:
    prime = whole_number(base)
    if prime is None or (exponent is not None and not (whole_number(exponent) or 0) > 0):
        return False
    try:
        return is_prime(prime) or prime == 1
    except Inexact:
        return False


# --- roots ---------------------------------------------------------------------------------------


def rational_denominator(tree: Tree) -> bool:
    """No root below a line, nor one raised to a negative power."""
    for node in nodes(tree):
        if node.head == "/" and _has_root(node.parts[1]):
            return False
        if node.head == "^" and node.parts[1].head == "neg" and _has_root(node):
            return False
    return True


def _has_root(tree: Tree) -> bool:
    return any(
        node.head in _ROOTS or (node.head == "^" and _bare(node.parts[1]).head == "/")
        for node in nodes(tree)
    )


def simplified_root(tree: Tree) -> bool:
    """Every root holds a whole number or a product that no power can be taken out of."""
    for node in nodes(tree):
        if node.head in _ROOTS and not _is_simple(node):
            return False
        if node.head == "*" and sum(f.head == "sqrt" for f in _factors(node)) > 1:
            return False
    return True


def _is_simple(root: Tree) -> bool:
    index = 2 if root.head == "sqrt" else whole_number(root.parts[1])
    if index is None or index < 2:
        return False
    inside = root.parts[0]
    if is_rational(inside):
        n = whole_number(inside)
        return n is not None and n >= 2 and _is_powerless(n, index)
    names = names_of(inside)
    poly = polynomial(inside, names)
    if not poly:
        return not any(node.head == "/" for node in nodes(inside))
    if any(c.denominator > 1 for c in poly.values()):
        return False
    highest = max(min(p[i] for p in poly) for i in range(len(names)))
    return highest < index and _is_powerless(int(content(poly)), index)


def _is_powerless(n: int, index: int) -> bool:
    """Whether no whole number above 1, to this power, divides n."""
    if index == 2:
        root = isqrt(n)
        if n > 1 and root * root == n:
            return False
    base = 2
    while base**index <= n and base <= _LARGEST_BASE:
        if n % base**index == 0:
            return False
        base += 1
    return True


_LARGEST_BASE = 1_000
"""Largest number whose powers are looked for below a root."""


# --- relations and brackets ----------------------------------------------------------------------


def solved_for(name: str) -> Callable[[Tree], bool]:
    """One relation with the name alone on one side and nowhere on the other.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.tree import tree_of
    >>> [solved_for("y")(tree_of(answer_code(text))) for text in ("y = 2x", "2y = x", "5 > y")]
    [True, False, True]
    """

    def held(tree: Tree) -> bool:
        if tree.head != "relation" or len(tree.parts) != 2:
            return False
        for alone, other in (tree.parts, tree.parts[::-1]):
            if alone.head == "name" and alone.name == name:
                return name not in names_of(other)
        return False

    return held


def no_parentheses(code: Code) -> bool:
    """No brackets around a part of the answer; those around an exponent are no brackets."""
    raised = {op.at for op in code.ops if op.kind == BINARY_OP and op.arg == "^"}
    return not any(at - 1 not in raised and at - 2 not in raised for at in code.grouped)
