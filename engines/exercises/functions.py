"""Exact arithmetic on rationals and the functions of templates. This file is what they compute.

Numbers are `int` where whole and `Fraction` else; truth values count as 1 and 0. Nothing here is
approximate: what has no exact rational result is refused.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction

from engines.exercises.lexer import narrowed
from engines.exercises.limits import LIMITS

Number = int | Fraction
Scalar = int | Fraction | str
Operand = Scalar | tuple[Scalar, ...]


class Inexact(ValueError):  # noqa: N818 (a result, told to the reader with its column)
    """A computation without an exact result within the limits; the text says what is expected."""


class Beyond(Inexact):
    """A computation over one of the limits."""


def number(value: Operand) -> Number:
    """The value, if it is a number. Raises Inexact else."""
    if isinstance(value, int | Fraction):
        return value
    msg = "a number"
    raise Inexact(msg)


def whole(value: Operand, what: str = "a whole number") -> int:
    """The value as an int. Raises Inexact for anything but a whole number."""
    if isinstance(value, int):
        return value
    raise Inexact(what)


def within(value: Number) -> Number:
    """The value, whole where it can be. Raises Inexact beyond the bits allowed."""
    if isinstance(value, Fraction):
        value = narrowed(value)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > LIMITS.integer_bits:
        msg = f"numbers of at most {LIMITS.integer_bits} bits"
        raise Beyond(msg)
    return value


def size(value: Number) -> Number:
    """The absolute value."""
    return value if value >= 0 else -value


def sum_of(a: Operand, b: Operand) -> Number:
    """The sum."""
    return within(number(a) + number(b))


def difference(a: Operand, b: Operand) -> Number:
    """The difference."""
    return within(number(a) - number(b))


def product(a: Operand, b: Operand) -> Number:
    """The product."""
    return within(number(a) * number(b))


def quotient(a: Operand, b: Operand) -> Number:
    """The exact quotient. Raises Inexact for the divisor 0.

    >>> quotient(6, 4)
    Fraction(3, 2)
    """
    below = number(b)
    if not below:
        msg = "a divisor other than 0"
        raise Inexact(msg)
    if type(a) is int and type(below) is int:
        return narrowed(Fraction(a, below))  # no longer than its two halves, which are within
    return within(Fraction(number(a)) / below)


def power(a: Operand, b: Operand) -> Number:
    """The power to a whole exponent.

    >>> power(2, -3)
    Fraction(1, 8)
    """
    base, exponent = number(a), whole(b, "a whole exponent")
    if abs(exponent) > LIMITS.exponent:
        msg = f"an exponent of at most {LIMITS.exponent}"
        raise Beyond(msg)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and bits * abs(exponent) > LIMITS.integer_bits + bits:
        msg = f"numbers of at most {LIMITS.integer_bits} bits"
        raise Beyond(msg)
    if exponent < 0 and not base:
        msg = "a base other than 0"
        raise Inexact(msg)
    return within(Fraction(base) ** exponent if exponent < 0 else base**exponent)


def same(a: Operand, b: Operand) -> bool:
    """Whether two values are equal; texts compare with texts."""
    return a == b


BINARY: dict[str, Callable[[Operand, Operand], Operand]] = {
    "+": sum_of,
    "-": difference,
    "*": product,
    "/": quotient,
    "^": power,
    "=": same,
    "≠": lambda a, b: a != b,
    "<": lambda a, b: number(a) < number(b),
    ">": lambda a, b: number(a) > number(b),
    "≤": lambda a, b: number(a) <= number(b),
    "≥": lambda a, b: number(a) >= number(b),
}


WHOLE: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "=": operator.eq,
    "≠": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "≤": operator.le,
    "≥": operator.ge,
}
"""The signs whose result on two whole numbers is whole: the fast way of `BINARY`."""
BOUND = 1 << LIMITS.integer_bits


def factorial(value: Operand) -> int:
    """The factorial of a whole number from 0 to the limit."""
    n = whole(value)
    if not 0 <= n <= LIMITS.factorial:
        msg = f"a factorial of 0 to {LIMITS.factorial}"
        raise Beyond(msg)
    return math.factorial(n)


def percent(value: Operand) -> Number:
    """The value in hundredths."""
    return quotient(value, 100)


def rounded(value: Number, places: int = 0) -> Number:
    """The value to so many decimal places, halves away from zero, as people round by hand.

    >>> rounded(Fraction(-5, 2)), rounded(Fraction(1, 3), 2)
    (-3, Fraction(33, 100))
    """
    scale = 10**places
    size = math.floor(abs(value) * scale + Fraction(1, 2))
    return narrowed(Fraction(size if value >= 0 else -size, scale))


def _round(value: Operand, places: Operand = 0) -> Number:
    n = whole(places)
    if not 0 <= n <= LIMITS.factorial:
        msg = f"0 to {LIMITS.factorial} places"
        raise Beyond(msg)
    return rounded(number(value), n)


def _mod(a: Operand, b: Operand) -> Number:
    below = number(b)
    if not below:
        msg = "a divisor other than 0"
        raise Inexact(msg)
    return within(number(a) % below)


def _choose(n: Operand, k: Operand) -> int:
    top, taken = whole(n), whole(k)
    if not (0 <= taken <= LIMITS.exponent and 0 <= top <= LIMITS.exponent):
        msg = f"choose of numbers from 0 to {LIMITS.exponent}"
        raise Beyond(msg)
    return math.comb(top, taken)


def _sqrt(value: Operand) -> Number:
    square = Fraction(number(value))
    if square >= 0:
        above, below = math.isqrt(square.numerator), math.isqrt(square.denominator)
        if above * above == square.numerator and below * below == square.denominator:
            return narrowed(Fraction(above, below))
    msg = "a number with an exact square root"
    raise Inexact(msg)


_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_PRIME_BITS = 64
"""Below 2**64 the twelve witnesses decide (Sorenson & Webster 2017)."""


def is_prime(value: Operand) -> bool:
    """Whether a whole number below 2**64 is prime (Miller 1976; Rabin 1980).

    >>> [n for n in range(20) if is_prime(n)]
    [2, 3, 5, 7, 11, 13, 17, 19]
    """
    n = whole(value)
    if n.bit_length() > _PRIME_BITS:
        msg = f"a number of at most {_PRIME_BITS} bits"
        raise Beyond(msg)
    if n < 2:
        return False
    if any(n % p == 0 for p in _WITNESSES):
        return n in _WITNESSES
    twos = ((n - 1) & -(n - 1)).bit_length() - 1
    return all(_passes(n, a, twos) for a in _WITNESSES)


def _passes(n: int, witness: int, twos: int) -> bool:
    x = pow(witness, (n - 1) >> twos, n)
    if x in (1, n - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False


def _listed(values: tuple[Operand, ...]) -> list[Number]:
    """Numbers given one by one, or as one list."""
    if len(values) == 1 and isinstance(values[0], tuple):
        values = values[0]
    if not values:
        msg = "at least one number"
        raise Inexact(msg)
    return [number(v) for v in values]


def _len(value: Operand) -> int:
    if isinstance(value, str | tuple):
        return len(value)
    msg = "a list or a text"
    raise Inexact(msg)


def _gcd(*values: Operand) -> int:
    return math.gcd(*(whole(v) for v in _listed(values)))


def _min(*values: Operand) -> Number:
    return sorted(_listed(values))[0]


def _max(*values: Operand) -> Number:
    return sorted(_listed(values))[-1]


def _abs(value: Operand) -> Number:
    return size(number(value))


def _sign(value: Operand) -> int:
    n = number(value)
    return (n > 0) - (n < 0)


def _floor(value: Operand) -> int:
    return math.floor(number(value))


def _ceil(value: Operand) -> int:
    return math.ceil(number(value))


def _lcm(*values: Operand) -> Number:
    return within(math.lcm(*(whole(v) for v in _listed(values))))


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Operand]]] = {
    "gcd": (1, 20, _gcd),
    "lcm": (1, 20, _lcm),
    "min": (1, 20, _min),
    "max": (1, 20, _max),
    "abs": (1, 1, _abs),
    "sign": (1, 1, _sign),
    "floor": (1, 1, _floor),
    "ceil": (1, 1, _ceil),
    "mod": (2, 2, _mod),
    "round": (1, 2, _round),
    "choose": (2, 2, _choose),
    "isprime": (1, 1, is_prime),
    "len": (1, 1, _len),
    "sqrt": (1, 1, _sqrt),
}
"""Name -> fewest arguments, most arguments, function. `if` is the parser's: it skips a branch."""


def entry(values: Operand, index: Operand) -> Operand:
    """One value of a list, counted from 0."""
    if not isinstance(values, tuple):
        msg = "a list before '['"
        raise Inexact(msg)
    n = whole(index)
    if not 0 <= n < len(values):
        msg = f"an index from 0 to {len(values) - 1}"
        raise Inexact(msg)
    return values[n]
