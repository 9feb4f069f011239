"""The free numbers behind a stage of the cascade, and where they begin. This file is their form.

Register G and the skills' qubits are the same machine: G has d levels, items and a basis a skill;
the qubits have two levels, no items, ten lags, a preparation a skill and x = logit(p_G) as an
offset. Formulas, priors and step sizes: docs/scoring.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.quantum.fit import bases
from engines.quantum.fit.kernels import TURNED
from engines.quantum.fit.ladder.kernels import STRAIGHT
from engines.quantum.parameters import Complexes
from engines.words import Floats, Ints

SHRINK = 5.0
"""Answers that a mean counts for where a skill or an item has few of its own."""
STAY, FAR = 3.0, 1.5
"""Transition logits at the start: of staying, and the fall for each level beyond a neighbour."""
BASIS_SPREAD = 0.15


@dataclass(frozen=True, slots=True)
class Design:
    """What a stage has and how long it is fitted.

    `pull` is kappa_H, the pull of every basis to the common one, infinite for U = I; `own` is the
    prior weight of transition logits of a skill's own (None: all share T; U = I only).
    """

    levels: int
    pull: float = np.inf
    real: bool = False
    own: float | None = None
    lags: int = 1
    starts_by_skill: bool = False
    items: bool = True
    span: float = 2.0
    deviation_prior: float = 2.0
    forgetting_logit: float = -4.0
    epochs: int = 6
    batches: int = 25
    least: int = 6

    def __post_init__(self) -> None:
        known = STRAIGHT if self.straight else TURNED
        if self.levels not in known:
            msg = f"expected levels of {', '.join(map(str, known))}, got {self.levels}"
            raise ValueError(msg)
        if self.own is not None and not self.straight:
            msg = "expected transitions of a skill's own at U = I only (pull = inf)"
            raise ValueError(msg)

    @property
    def straight(self) -> bool:
        """U = I for all skills: the classical model."""
        return bool(np.isinf(self.pull))


REGISTER = Design(
    2, lags=10, starts_by_skill=True, items=False, span=1.2, deviation_prior=5.0,
    forgetting_logit=-3.0, epochs=8, least=50,
)  # fmt: skip
"""The stage of the qubits."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """Rows in sequences: `starts` (n + 1,); the others (n_rows,); `offset` is x, else 0."""

    starts: Ints
    skill: Ints
    item: Ints
    right: Ints
    lag: Ints
    offset: Floats
    n_skills: int
    n_items: int

    @property
    def longest(self) -> int:
        """Rows of the longest sequence."""
        return int(np.diff(self.starts).max())


@dataclass(slots=True)
class Coordinates:
    """What is fitted: free numbers behind the physics, named as in docs/scoring.md.

    `base` (d,), `bias` (S,), `deviation` (S, d): c = base + bias + deviation; `difficulty` (I,);
    `channel` (2, d, d): tau; `own` (S or 0, d, d): added to tau for both outcomes; `start`
    (groups, d): r-logits; `lag` (lags,): lambda-logits; `weight` (1,): w; `basis` (S, d, d).
    """

    base: Floats
    bias: Floats
    deviation: Floats
    difficulty: Floats
    channel: Floats
    own: Floats
    start: Floats
    lag: Floats
    weight: Floats
    basis: Complexes

    @property
    def level(self) -> Floats:
        """Level logits c (S, d)."""
        return self.base + self.bias[:, None] + self.deviation

    @property
    def transition(self) -> Floats:
        """T[channel, y, to, from], (1 or S, 2, d, d); columns sum to 1."""
        tau = self.channel[None]
        return _softmax(tau + self.own[:, None] if len(self.own) else tau, axis=2)

    @property
    def preparation(self) -> Floats:
        """r0 (groups, d)."""
        return _softmax(self.start, axis=1)

    @property
    def forgetting(self) -> Floats:
        """The lambdas (lags,)."""
        made: Floats = 1.0 / (1.0 + np.exp(-self.lag))
        return made


def _softmax(x: Floats, axis: int) -> Floats:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    made: Floats = e / e.sum(axis=axis, keepdims=True)
    return made


def log_odds(p: Floats) -> Floats:
    """ln(p / (1 - p))."""
    made: Floats = np.log(p / (1.0 - p))
    return made


def begun(design: Design, rows: Sequences, dice: np.random.Generator) -> Coordinates:
    """Where the ascent begins; only bases are drawn."""
    d, skills = design.levels, rows.n_skills
    base = np.linspace(-design.span, design.span, d)
    apart = np.abs(np.arange(d)[:, None] - np.arange(d))
    tau = np.where(apart == 0, STAY, -FAR * np.maximum(0, apart - 1))
    groups = skills if design.starts_by_skill else 1
    start = np.zeros((groups, d)) if design.starts_by_skill else -2.0 * (base / 2.0)[None] ** 2
    bias, difficulty = np.zeros(skills), np.zeros(rows.n_items)
    if design.items:
        bias, difficulty = _rates(rows)
    return Coordinates(
        base=base,
        bias=bias,
        deviation=np.zeros((skills, d)),
        difficulty=difficulty,
        channel=np.stack([tau, tau]),
        own=np.zeros((skills if design.own is not None else 0, d, d)),
        start=start,
        lag=np.full(design.lags, design.forgetting_logit),
        weight=np.ones(1),
        basis=_first_bases(design, skills, dice),
    )


def _first_bases(design: Design, skills: int, dice: np.random.Generator) -> Complexes:
    if design.straight:
        return bases.standard(skills, design.levels)
    return bases.drawn(dice, skills, design.levels, BASIS_SPREAD, real=design.real)


def _rates(rows: Sequences) -> tuple[Floats, Floats]:
    """Bias from a skill's rate of right answers, b from an item's against its skill's."""
    mean = float(rows.right.mean())
    n = np.bincount(rows.skill, minlength=rows.n_skills)
    right = np.bincount(rows.skill, weights=rows.right, minlength=rows.n_skills)
    rate = (right + SHRINK * mean) / (n + SHRINK)
    bias = log_odds(rate)
    n_item = np.bincount(rows.item, minlength=rows.n_items)
    met = np.maximum(n_item, 1)
    right_item = np.bincount(rows.item, weights=rows.right, minlength=rows.n_items)
    rate_of = np.bincount(rows.item, weights=rate[rows.skill], minlength=rows.n_items) / met
    bias_of = np.bincount(rows.item, weights=bias[rows.skill], minlength=rows.n_items) / met
    item_rate = (right_item + SHRINK * rate_of) / (n_item + SHRINK)
    known = n_item > 0
    difficulty = np.zeros(rows.n_items)
    difficulty[known] = bias_of[known] - log_odds(item_rate[known])
    return bias, difficulty
