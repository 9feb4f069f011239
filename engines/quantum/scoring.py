"""The scoring of one course: forecast an answer, take it in, say how hard what is. This file calls
the compiled loops of `engines.quantum.kernels` with the parameters laid out for them.
"""

from __future__ import annotations

import math
from typing import overload

import numpy as np

from engines.quantum import kernels as k
from engines.quantum.parameters import LOGIT_MOST, Parameters
from engines.quantum.state import prepared
from engines.words import Floats, Ints

CLAMP = 20.0
"""A logit is clamped to so much either way."""


class Outcome:
    """What one answer showed: the forecasts before it, and what it moved.

    - `p_g`: Born probability of register G alone (internal); `p`: the forecast P, uncalibrated;
    - `eta`: the answer's evidence for the skill's own register, in (-1, 1);
    - `gradient`: G = d ln p / d(c + o), the pull on the skill's offset and on the global one; on
      the item's difficulty it is -G; scaled down with the weight of evidence.
    """

    __slots__ = ("_neighbours", "_out", "eta", "gradient", "p", "p_g")

    def __init__(self, out: Floats, neighbours: tuple[int, ...]) -> None:
        self.p_g, self.p, self.eta, self.gradient = out[: k.MOVED].tolist()
        self._out = out
        self._neighbours = neighbours

    @property
    def moved(self) -> tuple[tuple[int, float, float], ...]:
        """(skill, z before, z after) of each linked skill, in the order of its links."""
        z = self._out[k.MOVED :].tolist()
        return tuple((skill, z[2 * at], z[2 * at + 1]) for at, skill in enumerate(self._neighbours))


class Scoring:
    """Parameters and a version of what answers taught since, ready for the kernels; immutable.

    `difficulty` (I,) replaces the parameters' own; `offset` (S,) is added to the level logits of
    each skill (its offset plus the global one). A skill here is a combination of skills. `x` is a
    learner's state, float64 of `length`; methods that change it say so, callers copy.
    Raises ValueError for other shapes or numbers that are not finite.
    """

    __slots__ = (
        "_calibrates",
        "_combination",
        "_index",
        "_neighbours",
        "_physics",
        "_slots",
        "_version",
        "length",
        "parameters",
        "straight",
    )

    def __init__(
        self, parameters: Parameters, difficulty: Floats | None = None, offset: Floats | None = None
    ) -> None:
        p = parameters
        self.parameters = p
        self.length = 1 + p.levels**2 + 2 * p.n_skills
        """How many numbers a learner's state has."""
        self._physics, self._index = _unrolled(p)
        self._version = _version(p, difficulty, offset)
        self._combination: list[int] = p.combination.tolist()
        self._neighbours = [tuple(v for v in row if v >= 0) for row in p.neighbours.tolist()]
        self._slots = k.MOVED + 2 * p.neighbours.shape[1]
        self._calibrates = p.slope != 1.0 or p.intercept != 0.0
        self.straight = bool((p.basis == p.basis[:1]).all())
        """Whether all skills share one basis: then nothing interferes."""

    def renewed(self, difficulty: Floats | None = None, offset: Floats | None = None) -> Scoring:
        """The same parameters with another version; everything else is shared, not copied."""
        other = object.__new__(Scoring)
        for name in Scoring.__slots__:
            setattr(other, name, getattr(self, name))
        other._version = _version(self.parameters, difficulty, offset)
        return other

    def fresh(self) -> Floats:
        """The state of a learner of whom nothing is known: rho = diag(r0), z = z0, t = 0."""
        return prepared(self.parameters)

    def answer(
        self, x: Floats, item: int, right: bool, *, weight: float = 1.0, guess: float = 0.0
    ) -> Outcome:
        """Take one answer into x, in place (steps 1 to 7).

        With probability 1 - `weight` the outcome says nothing and is right at the rate `guess`;
        weight 1 is the fitted model. The forecasts are those of weight 1.
        """
        out = np.empty(self._slots)
        k.answer(x, self._physics, self._version, self._index, item, int(right), weight, guess, out)
        return Outcome(out, self._neighbours[self._combination[item]])

    def answer_all(
        self,
        x: Floats,
        items: Ints,
        right: Ints,
        *,
        weight: Floats | None = None,
        guess: Floats | None = None,
    ) -> tuple[Floats, Floats]:
        """`answer` for n answers in order, x in place; (p_G, P) before each, both (n,)."""
        n = len(items)
        out = np.empty((2, n))
        weight = np.ones(n) if weight is None else weight
        guess = np.zeros(n) if guess is None else guess
        k.answer_all(x, self._physics, self._version, self._index, items, right, weight, guess, out)
        return out[0], out[1]

    def practised(self, x: Floats, item: int, right: bool) -> None:
        """Take an assisted attempt into x: no measurement, forgetting and its outcome's channels.

        A wrong one has the channels of wrong: logs count an opportunity that began with help as
        one, so it is these that were fitted to it.
        """
        self.answer(x, item, right, weight=0.0)

    def score(self, x: Floats, items: Ints) -> tuple[Floats, Floats]:
        """(p_G, P) of candidate items, both (n,), uncalibrated."""
        out = np.empty((2, len(items)))
        k.score(x, self._physics, self._version, self._index, items, out)
        return out[0], out[1]

    def informed(self, x: Floats, items: Ints) -> Floats:
        """Information value of items (n,): expected gain of purity, of G and of the register."""
        out = np.empty(len(items))
        k.informed(x, self._physics, self._version, self._index, items, out)
        return out

    def narrowed(self, x: Floats, items: Ints) -> Floats:
        """Expected fall (n,) of the variance of the level logits: for placement and exams."""
        out = np.empty(len(items))
        k.narrowed(x, self._physics, self._version, self._index, items, out)
        return out

    def interfered(self, x: Floats, item: int, skill: int) -> float:
        """Interference of a skill's levels with the item's p_G; see `interference.interference`."""
        found: float = k.interfered(x, self._physics, self._version, self._index, item, skill)
        return found

    def levels(self, x: Floats, skill: int) -> Floats:
        """Populations q (d,) of the skill's levels, after forgetting."""
        p, dd = self.parameters, self.parameters.levels**2
        r = (1.0 - p.forgetting) * x[k.RHO : k.RHO + dd]
        r[: p.levels] += p.forgetting * p.start
        at = int(self._index[k.ROWS_AT]) + dd * p.levels * skill
        q: Floats = r @ self._physics[at : at + dd * p.levels].reshape(dd, p.levels)
        return q

    def theta(self, x: Floats, skill: int) -> tuple[float, float]:
        """Mean and standard deviation of the skill's level logits, offsets included."""
        mean, sd = k.theta(x, self._physics, self._version, self._index, skill)
        return mean, sd

    def mastery(self, x: Floats, skill: int, b: float) -> tuple[float, float, float]:
        """(P, low, high) on an item of the skill with difficulty b, calibrated: what is shown."""
        p, low, high = self.mastery_all(x, np.array([[skill, b]], dtype=np.float64))[0].tolist()
        return p, low, high

    def mastery_all(self, x: Floats, references: Floats) -> Floats:
        """(n, 3): P, low, high on each reference item (skill, difficulty) of (n, 2); calibrated.

        Low and high are the 10 % and 90 % quantiles of P over levels and register, widened to
        hold P.
        """
        out = np.empty((len(references), 3))
        k.mastery_all(x, self._physics, self._version, self._index, references, out)
        return self.calibrated(out)

    def target(self, x: Floats, skill: int, low: float, high: float) -> tuple[float, float]:
        """(least b, most b) of items whose calibrated P lies in [low, high]: P falls in b.

        The least is where P meets `high`. An end that no item reaches is the end of the range of
        difficulties that make a difference.
        """
        low, high = self._uncalibrated(low), self._uncalibrated(high)
        ends = k.target(x, self._physics, self._version, self._index, skill, low, high)
        return ends[0], ends[1]

    def combination_of(self, item: int) -> int:
        """The item's combination of skills."""
        return self._combination[item]

    def difficulty_of(self, item: int) -> float:
        """The item's difficulty b in this version, in logits."""
        p = self.parameters
        return math.log(self._version[p.n_skills * p.levels + item])

    def level_of(self, skill: int) -> Floats:
        """The skill's level logits (d,) in this version: c with offsets."""
        p = self.parameters
        at = (p.n_skills + skill) * p.levels + p.n_items
        return self._version[at : at + p.levels]

    @overload
    def calibrated(self, p: float) -> float: ...
    @overload
    def calibrated(self, p: Floats) -> Floats: ...
    def calibrated(self, p: float | Floats) -> float | Floats:
        """P' = sigmoid(slope * logit(P) + intercept): what leaves the scoring; P where 1 and 0."""
        if not self._calibrates:
            return p
        slope, intercept = self.parameters.slope, self.parameters.intercept
        if isinstance(p, float):
            near = min(max(p, k.P_LEAST), 1.0 - k.P_LEAST)
            v = slope * math.log(near / (1.0 - near)) + intercept
            return 1.0 / (1.0 + math.exp(-min(max(v, -CLAMP), CLAMP)))
        near_all = np.clip(p, k.P_LEAST, 1.0 - k.P_LEAST)
        v_all = slope * np.log(near_all / (1.0 - near_all)) + intercept
        told: Floats = 1.0 / (1.0 + np.exp(-np.clip(v_all, -CLAMP, CLAMP)))
        return told

    def _uncalibrated(self, told: float) -> float:
        """The P that is told as `told`."""
        if not self._calibrates:
            return told
        near = min(max(told, k.P_LEAST), 1.0 - k.P_LEAST)
        v = math.log(near / (1.0 - near)) - self.parameters.intercept
        v = v / self.parameters.slope if self.parameters.slope > 0.0 else math.copysign(1e3, v)
        return 1.0 / (1.0 + math.exp(-min(max(v, -CLAMP), CLAMP)))


def _unrolled(p: Parameters) -> tuple[Floats, Ints]:
    """(physics, index): the parameters in the blocks that `engines.quantum.kernels` names."""
    turned = p.basis.transpose(0, 2, 1)
    planes = np.stack([p.basis.real, p.basis.imag, turned.real, turned.imag], axis=1)
    high, wide = np.triu_indices(p.levels, 1)
    pair = 2.0 * p.basis[:, :, high] * p.basis[:, :, wide].conj()
    rows = np.concatenate([np.abs(p.basis) ** 2, pair.real, -pair.imag], axis=2)
    head = [
        np.array([p.forgetting, p.register_weight, p.kappa]),
        p.register_forgetting,
        p.register_transition,
        p.start,
        p.transition,
        np.sqrt(np.diagonal(p.transition, axis1=1, axis2=2)),
    ]
    tables = [
        p.register_start,
        np.exp(-p.register_level),
        p.correlation,
        planes,
        rows.transpose(0, 2, 1),
    ]
    ends = np.cumsum([sum(block.size for block in head), *(block.size for block in tables)])
    physics: Floats = np.concatenate([block.ravel() for block in (*head, *tables)])
    sizes = [p.levels, p.n_skills, p.n_items, p.neighbours.shape[1]]
    index: Ints = np.concatenate([sizes, ends[:-1], p.combination, p.neighbours.ravel()])
    physics.setflags(write=False)
    index.setflags(write=False)
    return physics, index


def _version(p: Parameters, difficulty: Floats | None, offset: Floats | None) -> Floats:
    """What moves with use, in the blocks that `engines.quantum.kernels` names."""
    b = p.difficulty if difficulty is None else difficulty
    c = p.level if offset is None else p.level + offset[:, None]
    for name, value, shape in (("difficulty", b, (p.n_items,)), ("offset", c, p.level.shape)):
        if value.shape != shape or not (np.abs(value) <= LOGIT_MOST).all():
            msg = f"expected {name} to give {shape} logits of at most {LOGIT_MOST:g} either way, "
            raise ValueError(msg + f"got shape {value.shape}")
    whole: Floats = np.concatenate([np.exp(-c).ravel(), np.exp(b), c.ravel()])
    whole.setflags(write=False)
    return whole
