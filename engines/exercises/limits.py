"""What the reading of mathematics may cost, and how a refusal is told. This file is the ceiling.

All limits are counters, never timers, so a refusal is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of one expression; past one of them it is refused as too large."""

    code_points: int = 300
    depth: int = 60
    """Open brackets, signs and powers that wait for their operand."""
    tree_depth: int = 200
    """Nodes above one another in an answer's tree: what stands in `depth` brackets, and divisions
    by one another."""
    exponent: int = 1_000
    """Largest absolute value of an exponent, and of the `k` of `choose(n, k)`."""
    factorial: int = 100
    integer_bits: int = 4_096
    nodes: int = 2_000
    """Also the most steps of an evaluation, which runs forward only, one step a node."""
    where_tries: int = 200
    domain: int = 20_000
    """Most values a drawn parameter may have where they must be listed one by one."""


LIMITS = Limits()


class ExpressionError(ValueError):
    """A text that is no expression: `column` (1-based) is where, `expected` is what would fit.

    >>> str(ExpressionError(3, "a number", "')'"))
    "column 3: expected a number, found ')'"
    """

    def __init__(self, column: int, expected: str, found: str = "") -> None:
        self.column = column
        self.expected = expected
        self.found = found
        super().__init__(column, expected, found)

    def __str__(self) -> str:
        return f"column {self.column}: {self.reason}"

    def moved(self, by: int) -> ExpressionError:
        """The same refusal for a text that begins `by` signs earlier."""
        if isinstance(self, TooLarge):
            return TooLarge(self.column + by, self.expected)
        return ExpressionError(self.column + by, self.expected, self.found)

    @property
    def reason(self) -> str:
        """The sentence without its column."""
        return f"expected {self.expected}" + (f", found {self.found}" if self.found else "")


class TooLarge(ExpressionError):  # noqa: N818 (named as the verdict's words name it)
    """An expression over one of `LIMITS`, which `expected` names."""

    def __init__(self, column: int, limit: str, _found: str = "") -> None:
        super().__init__(column, limit)

    @property
    def reason(self) -> str:
        """The sentence without its column."""
        return f"too large: expected {self.expected}"
