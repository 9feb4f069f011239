"""Bayesian knowledge tracing with forgetting (Corbett & Anderson 1995). This file is its formulas.

P(L) is the belief that a skill is learnt. A scored answer is evidence (Bayes) and an opportunity
to learn; an assisted or a later answer is an opportunity only, once an item instance.
"""

from __future__ import annotations

from engines.learner import kernels

SLIP_MAX = 0.3
GUESS_MAX = 0.5
ANSWERS_MIN = 3


def learnt_given(learnt: float, slip: float, guess: float, right: bool) -> float:
    """P(L) given one scored answer, before anything is learnt from it.

    Raises ValueError unless 0 <= slip <= .3, 0 <= guess <= .5.

    >>> round(learnt_given(0.25, 0.08, 0.12, right=True), 4)
    0.7188
    """
    if not (0.0 <= slip <= SLIP_MAX and 0.0 <= guess <= GUESS_MAX):
        msg = f"expected slip in [0, 0.3] and guess in [0, 0.5], got {slip} and {guess}"
        raise ValueError(msg)
    return float(kernels.evidence_step(learnt, slip, guess, int(right)))


def learnt_after(learnt: float, learn: float, forget: float) -> float:
    """P(L) after one opportunity: `learnt * (1 - forget) + (1 - learnt) * learn`.

    >>> round(learnt_after(0.25, 0.15, 0.02), 4)
    0.3575
    """
    return float(kernels.learning_step(learnt, learn, forget))


def guess_with_floor(guess: float, floor: float) -> float:
    """P(right without knowing): the skill's, at least 1/choices for a choice item, at most .5.

    >>> guess_with_floor(0.12, 0.25), guess_with_floor(0.12, 1.0)
    (0.25, 0.5)
    """
    return min(max(guess, floor), GUESS_MAX)


def mastered(learnt: float, answers: int, last_right: bool, threshold: float) -> bool:
    """Whether a skill counts as mastered: P(L) >= threshold, 3 scored answers, the last one right.

    >>> mastered(0.96, 3, True, 0.95), mastered(0.99, 2, True, 0.95)
    (True, False)
    """
    return bool(kernels.is_mastered(learnt, answers, float(last_right), threshold))
