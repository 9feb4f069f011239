"""Ability by Elo as an online Rasch model (Pelanek 2016). This file is the formulas, one by one.

`P(right) = sigmoid(theta + mean_k theta_k - d)`: theta is the learner's, theta_k one skill's, d the
item's difficulty, all in logits. After a scored answer each term moves by its own shrinking step
times the surprise. The learner's terms live in `Beliefs`; an item's difficulty belongs to the
course's version and is moved by whoever owns it, with `difficulty_after`.
"""

from __future__ import annotations

from engines.learner import kernels


def p_right(ability: float, difficulty: float) -> float:
    """P(right) in [0, 1]; `ability` is theta plus the mean of the item's theta_k.

    >>> p_right(0.0, 0.0)
    0.5
    """
    return float(kernels.sigmoid(ability - difficulty))


def ability_step(n: int) -> float:
    """Step of theta after `n` scored answers, in logits a unit of surprise.

    The floor of .03 stays for ever, because learners change.

    >>> round(ability_step(0), 3)
    0.43
    """
    return float(kernels.ability_step(_counted(n)))


def skill_step(n: int) -> float:
    """Step of theta_k after `n` scored answers on skill k.

    >>> round(skill_step(0), 3)
    0.22
    """
    return float(kernels.skill_step(_counted(n)))


def item_step(n: int) -> float:
    """Step of an item's difficulty after `n` scored answers to it, by all learners.

    At most .005 from the 500th on: under adaptive selection ratings would drift otherwise
    (Brinkhuis & Maris 2020).

    >>> item_step(0), item_step(500)
    (0.4, 0.005)
    """
    return float(kernels.item_step(_counted(n)))


def difficulty_after(difficulty: float, n: int, p_expected: float, right: bool) -> float:
    """An item's difficulty after one more scored answer; `n` counts those before it.

    `p_expected` is what was expected before the answer (`Decision.p_expected`).

    >>> difficulty_after(0.0, 0, 0.5, right=False)
    0.2
    """
    return difficulty - item_step(n) * (float(right) - p_expected)


def variance_after(variance: float, p_expected: float) -> float:
    """Variance of theta after one scored answer: its information in, .002 of drift added.

    >>> round(variance_after(1.0, 0.5), 3)
    0.802
    """
    return float(kernels.variance_after(variance, p_expected))


def moved_reason(right: bool, p_expected: float, before: float, after: float) -> str:
    """Why theta moved, in one sentence.

    >>> moved_reason(True, 0.72, 0.31, 0.42)
    'Right at an expected 0.72: ability 0.31 -> 0.42'
    """
    word = "Right" if right else "Not right"
    return f"{word} at an expected {p_expected:.2f}: ability {before:.2f} -> {after:.2f}"


def _counted(n: int) -> int:
    if n < 0:
        msg = f"expected a count of answers >= 0, got {n}"
        raise ValueError(msg)
    return n
