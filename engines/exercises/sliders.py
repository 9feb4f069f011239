"""The setting of a slider plot that gives its key. This file seeks it.

Most plots are affine in their sliders: then it is solved for exactly. Others are tried setting by
setting, where there are few enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod

from engines.exercises.expression import Code, evaluated, parsed
from engines.exercises.limits import ExpressionError
from engines.words import Instance

MOST_SETTINGS = 1_000
"""Most settings that are tried one by one."""
_PLACES = 7
"""Places of the window at which plot and key are compared, its ends left out."""

Setting = dict[str, Fraction]


def setting(drawn: Instance) -> Setting | None:
    """The setting that gives the key; empty where none does, None where it cannot be told."""
    assert drawn.widget is not None
    wire = drawn.widget.wire
    value = drawn.item.answer.value
    if not isinstance(value, str):
        return None
    params = {n: v for n, v in drawn.values.items() if isinstance(v, Fraction)}
    try:
        plot, key = parsed(wire["plot"]), parsed(value)
    except ExpressionError:
        return None
    low, high = map(Fraction, wire["x"])
    seeking = _Seeking(plot, wire["variable"], [s["name"] for s in wire["sliders"]])
    for nth in range(1, _PLACES):
        seeking.place(low + (high - low) * nth / _PLACES, key, params)
    grids = [_grid(slider) for slider in wire["sliders"]]
    return seeking.found(grids)


def _grid(slider: Mapping[str, str]) -> list[Fraction]:
    low, high, step = (Fraction(slider[name]) for name in ("low", "high", "step"))
    return [low + step * n for n in range(int((high - low) / step) + 1)]


class _Seeking:
    """A plot, and what it must give at some places."""

    def __init__(self, plot: Code, variable: str, names: Sequence[str]) -> None:
        self._plot = plot
        self._variable = variable
        self._names = names
        self._wanted: list[tuple[Fraction, Fraction]] = []

    def place(self, at: Fraction, key: Code, params: Mapping[str, Fraction]) -> None:
        """One more place to compare at, where the key has an exact value there."""
        value = _value(key, {**params, self._variable: at})
        if value is not None:
            self._wanted.append((at, value))

    def found(self, grids: Sequence[Sequence[Fraction]]) -> Setting | None:
        """The setting among those of the sliders' grids."""
        if not self._wanted:
            return None
        solved = self._solved()
        if solved is not None:
            on_grid = all(v in grid for v, grid in zip(solved, grids, strict=False))
            return self._named(solved) if solved and on_grid else {}
        if prod(len(grid) for grid in grids) > MOST_SETTINGS:
            return None
        tried = (values for values in product(*grids) if self._gives(values))
        first = next(tried, None)
        return {} if first is None else self._named(first)

    def _named(self, values: Sequence[Fraction]) -> Setting:
        return dict(zip(self._names, values, strict=True))

    def _at(self, values: Sequence[Fraction], x: Fraction) -> Fraction | None:
        return _value(self._plot, {**self._named(values), self._variable: x})

    def _gives(self, values: Sequence[Fraction]) -> bool:
        return all(self._at(values, x) == wanted for x, wanted in self._wanted)

    def _solved(self) -> list[Fraction] | None:
        """The one solution where the plot is affine in its sliders; empty where it has none.

        None where it is not affine, or has many.
        """
        n = len(self._names)
        none = [Fraction(0)] * n
        rows: list[list[Fraction]] = []
        for x, wanted in self._wanted:
            base = self._at(none, x)
            units = [self._at([Fraction(i == k) for i in range(n)], x) for k in range(n)]
            if base is None or any(unit is None for unit in units):
                return None
            rows.append([*(u - base for u in units if u is not None), wanted - base])
        return _unique(rows, n) if self._is_affine() else None

    def _is_affine(self) -> bool:
        """Whether a double step in each slider alone, and in all at once, goes twice as far."""
        n = len(self._names)
        steps = [[Fraction(i == k) for i in range(n)] for k in range(n)] + [[Fraction(1)] * n]
        for x, _ in self._wanted[:2]:
            base = self._at([Fraction(0)] * n, x)
            for step in steps:
                once, twice = self._at(step, x), self._at([2 * s for s in step], x)
                if base is None or once is None or twice is None:
                    return False
                if twice - base != 2 * (once - base):
                    return False
        return True


def _value(code: Code, values: Mapping[str, Fraction]) -> Fraction | None:
    try:
        value = evaluated(code, dict(values))
    except (ExpressionError, ArithmeticError):
        return None
    return Fraction(value) if isinstance(value, int | Fraction) else None


def _unique(rows: list[list[Fraction]], n: int) -> list[Fraction] | None:
    """The one solution of linear equations in `n` unknowns, exactly.

    Empty where there is none, None where there are many.

    >>> _unique([[Fraction(2), Fraction(6)], [Fraction(1), Fraction(3)]], 1)
    [Fraction(3, 1)]
    """
    left = [row[:] for row in rows]
    solved: list[list[Fraction]] = []
    for column in range(n):
        pivot = next((row for row in left if row[column]), None)
        if pivot is None:
            return None
        left.remove(pivot)
        scaled = [value / pivot[column] for value in pivot]
        left = [_less(row, scaled, column) for row in left]
        solved = [_less(row, scaled, column) for row in solved] + [scaled]
    if any(row[n] for row in left):
        return []
    return [row[n] for row in solved]


def _less(row: Sequence[Fraction], other: Sequence[Fraction], column: int) -> list[Fraction]:
    """A row less so much of another that nothing is left in one column."""
    factor = row[column]
    return [a - factor * b for a, b in zip(row, other, strict=True)]
