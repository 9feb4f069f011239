"""The final stage behind the density matrix: features, weights, trees. This file is its object.

P' = sigmoid(beta_0 + h_i + beta f + trees), f from the engine's forecasts and a short memory of
the learner (counts, Elo, the last 16 answers). The density matrix and the registers go on being
updated with their own P; only what is told changes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import msgspec
import numpy as np

from engines.quantum.final import kernels as k
from engines.quantum.final.trees.boosting import Trees
from engines.words import Floats, Ints

MAGIC = b"TSZ1"


class _Stored(msgspec.Struct, frozen=True):
    steps: bytes
    weights: bytes
    tables: bytes
    combination: bytes
    parts: bytes
    skills: tuple[str, ...]
    places: bool
    timed: bool
    trees: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Final:
    """A fitted final stage of I items; immutable.

    - `steps` (8,): Elo's steps; `weights` (FEATURES,) of the features, raw scale;
    - `tables` (I, 4): level beta_0 + h_i, Elo's d_i, rarity u_i, place in the course;
    - `combination` (I,) int64, `parts` ragged: component skills of each combination, which
      `skills` names;
    - `places`: whether places in the course are known; `timed`: whether times of answers are.
    """

    steps: Floats
    weights: Floats
    tables: Floats
    combination: Ints
    parts: Ints
    skills: tuple[str, ...]
    places: bool
    timed: bool
    trees: Trees
    real: Floats = field(init=False, repr=False, compare=False)
    whole: Ints = field(init=False, repr=False, compare=False)
    crc: int = field(init=False, repr=False, compare=False)
    """CRC-32 of `to_bytes`."""

    def __post_init__(self) -> None:
        real, whole = _laid_out(self)
        object.__setattr__(self, "real", real)
        object.__setattr__(self, "whole", whole)
        object.__setattr__(self, "crc", zlib.crc32(self.to_bytes()))

    @property
    def length(self) -> int:
        """How many numbers a learner's state has."""
        return k.SKILLS_AT + 3 * len(self.skills)

    def fresh(self) -> Floats:
        """The state of a learner of whom nothing is known."""
        f = np.zeros(self.length)
        f[k.LAST_S : k.BEFORE_S + 1] = np.nan
        f[k.RING_ITEM : k.RING_LEFT] = -1.0
        f[k.SKILLS_AT + len(self.skills) : k.SKILLS_AT + 2 * len(self.skills)] = np.nan
        return f

    def forecast(self, f: Floats, items: Ints, p: Floats, p_g: Floats, now_s: float) -> Floats:
        """P' (n,) of candidate items; `p` and `p_g` (n,) are the engine's forecasts."""
        out = np.empty(len(items))
        k.forecast(f, self.real, self.whole, items, p, p_g, self._at(now_s), out)
        return out

    def answer(
        self, f: Floats, item: int, p: float, p_g: float, right: bool, now_s: float
    ) -> float:
        """Take one answer into f, in place; P' before it."""
        told: float = k.answer(
            f, self.real, self.whole, item, p, p_g, float(right), self._at(now_s)
        )
        return told

    def _at(self, now_s: float) -> float:
        return now_s if self.timed else float("nan")

    def to_bytes(self) -> bytes:
        """The canonical bytes."""
        trees = self.trees
        body = msgspec.msgpack.encode(
            _Stored(
                self.steps.astype("<f8").tobytes(),
                self.weights.astype("<f8").tobytes(),
                self.tables.astype("<f8").tobytes(),
                self.combination.astype("<i8").tobytes(),
                self.parts.astype("<i8").tobytes(),
                self.skills,
                self.places,
                self.timed,
                (
                    *(each.astype("<i8").tobytes() for each in (trees.roots, trees.column)),
                    *(each.astype("<i8").tobytes() for each in (trees.left, trees.right)),
                    trees.number.astype("<f8").tobytes(),
                ),
            )
        )
        return MAGIC + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Final:
        """What `to_bytes` wrote. Raises ValueError naming what was expected."""
        if data[:4] != MAGIC:
            msg = f"expected a final stage beginning with {MAGIC!r}, got {data[:4]!r}"
            raise ValueError(msg)
        try:
            it = msgspec.msgpack.decode(data[4:], type=_Stored)
            roots, column, left, right, number = it.trees
            trees = Trees(_ints(roots), _ints(column), _ints(left), _ints(right), _floats(number))
            return cls(
                _floats(it.steps),
                _floats(it.weights),
                _floats(it.tables).reshape(-1, k.COLUMNS),
                _ints(it.combination),
                _ints(it.parts),
                it.skills,
                it.places,
                it.timed,
                trees,
            )
        except msgspec.MsgspecError as error:
            msg = f"expected a final stage, got others: {error}"
            raise ValueError(msg) from error


def _ints(data: bytes) -> Ints:
    return np.frombuffer(data, "<i8").astype(np.int64)


def _floats(data: bytes) -> Floats:
    return np.frombuffer(data, "<f8").astype(np.float64)


def _laid_out(final: Final) -> tuple[Floats, Ints]:
    """(real, whole) as `kernels` names their blocks. Raises ValueError for shapes that differ."""
    items, trees = len(final.combination), final.trees
    for name, came, expected in (
        ("steps", final.steps.shape, (8,)),
        ("weights", final.weights.shape, (k.FEATURES,)),
        ("tables", final.tables.shape, (items, k.COLUMNS)),
    ):
        if came != expected or not np.isfinite(getattr(final, name)).all():
            msg = f"expected {name} of shape {expected}, finite, got {came}"
            raise ValueError(msg)
    real = np.concatenate([final.steps, final.weights, final.tables.ravel(), trees.number])
    parts_at = k.COMBINATIONS + items
    nodes_at = parts_at + len(final.parts)
    head = (
        len(final.skills), items, final.places, parts_at, len(trees.roots), nodes_at,
        k.TABLES + final.tables.size,
    )  # fmt: skip
    nodes = np.stack([trees.column, trees.left, trees.right], axis=1).ravel()
    whole = np.concatenate([head, final.combination, final.parts, trees.roots, nodes])
    real.setflags(write=False)
    whole = whole.astype(np.int64)
    whole.setflags(write=False)
    return real, whole
