"""Figures as SVG, made of strings. This file draws them; colours are classes of the page's style.

Every figure has a title and a description in words; what it shows stands in a table beside it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

LEFT, RIGHT, TOP, BOTTOM = 56, 16, 14, 44
"""Room around a plot, in its own units."""


def safe(text: str) -> str:
    """Text for HTML and SVG."""
    return html.escape(text)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from low to high, about so many.

    >>> ticks(0.0, 1.0), ticks(0.403, 0.487)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.42, 0.44, 0.46, 0.48])
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if power * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def spread(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """A range that holds the values, with some room.

    >>> spread([1.0, 2.0], 0.5)
    (0.5, 2.5)
    """
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * share or 1.0
    return low - room, high + room


@dataclass
class Plot:
    """One plot: data in (x0..x1, y0..y1) on `wide` by `high` units; parts are added in order."""

    x0: float
    x1: float
    y0: float
    y1: float
    wide: int = 640
    high: int = 400
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Across."""
        share = (value - self.x0) / (self.x1 - self.x0)
        return self.left + share * (self.wide - self.left - self.right)

    def y(self, value: float) -> float:
        """Down."""
        share = (value - self.y0) / (self.y1 - self.y0)
        return self.high - self.bottom - share * (self.high - self.top - self.bottom)

    def axes(
        self,
        across: str,
        up: str,
        at_x: Sequence[tuple[float, str]],
        at_y: Sequence[tuple[float, str]],
    ) -> None:
        """Grid lines with their figures, and what is on each axis."""
        floor, end = self.high - self.bottom, self.wide - self.right
        for value, name in at_y:
            y = self.y(value)
            self.parts.append(f'<path class="grid" d="M{self.left} {y:.1f}H{end}"/>')
            self.text(self.left - 7, y + 4, name, "tick", "end")
        for value, name in at_x:
            x = self.x(value)
            self.parts.append(f'<path class="grid" d="M{x:.1f} {floor}v5"/>')
            self.text(x, floor + 18, name, "tick", "middle")
        self.parts.append(f'<path class="axis" d="M{self.left} {floor}H{end}"/>')
        if across:
            self.text((self.left + end) / 2, self.high - 6, across, "name", "middle")
        if up:
            middle = (self.top + floor) / 2
            self.parts.append(
                f'<text class="name" text-anchor="middle" '
                f'transform="translate(13 {middle:.0f}) rotate(-90)">{safe(up)}</text>'
            )

    def line(self, x: Sequence[float], y: Sequence[float], style: str) -> None:
        """A line through points."""
        path = "L".join(f"{self.x(a):.1f} {self.y(b):.1f}" for a, b in zip(x, y, strict=True))
        self.parts.append(f'<path class="line {style}" d="M{path}"/>')

    def area(
        self, x: Sequence[float], low: Sequence[float], high: Sequence[float], style: str
    ) -> None:
        """The area between two lines."""
        there = [f"{self.x(a):.1f} {self.y(b):.1f}" for a, b in zip(x, high, strict=True)]
        back = [f"{self.x(a):.1f} {self.y(b):.1f}" for a, b in zip(x, low, strict=True)]
        self.parts.append(f'<path class="{style}" d="M{"L".join([*there, *reversed(back)])}Z"/>')

    def dots(
        self,
        x: Sequence[float],
        y: Sequence[float],
        style: str,
        size: Sequence[float] | float = 3.0,
    ) -> None:
        """A dot at each point; `size` is the radius, or one for each."""
        sizes = [size] * len(x) if isinstance(size, float) else size
        for a, b, r in zip(x, y, sizes, strict=True):
            place = f'cx="{self.x(a):.1f}" cy="{self.y(b):.1f}"'
            self.parts.append(f'<circle class="dot {style}" {place} r="{r:.1f}"/>')

    def bar(self, x: float, width: float, height: float, style: str) -> None:
        """A bar from the floor: width in data, height in units."""
        floor = self.high - self.bottom
        across = self.x(x + width) - self.x(x) - 1.0
        self.parts.append(
            f'<rect class="{style}" x="{self.x(x):.1f}" y="{floor - height:.1f}" '
            f'width="{across:.1f}" height="{height:.1f}"/>'
        )

    def text(self, x: float, y: float, words: str, style: str, anchor: str = "start") -> None:
        """Words at a place, in the plot's units."""
        self.parts.append(
            f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
            f"{safe(words)}</text>"
        )

    def svg(self, name: str, title: str, description: str) -> str:
        """The plot, named for readers who do not see it; `name` is its id on the page."""
        return (
            f'<svg viewBox="0 0 {self.wide} {self.high}" role="img" '
            f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{safe(title)}</title>'
            f'<desc id="{name}-d">{safe(description)}</desc>{"".join(self.parts)}</svg>'
        )
