"""What the order and the last skill do to a forecast, and the reasons told. This file explains.

None of it enters a score. Interference is how far the law of total probability over another
skill's levels fails (Busemeyer & Wang 2018); the order effect follows Trueblood & Busemeyer
(2011). Both are properties of the fitted model, not claims about minds: a Bayesian model can show
them too (Moreira & de Barros 2021). Skills are named by the caller; b is in logits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.quantum.kernels import T_AT
from engines.quantum.measurement import born, effect, root
from engines.quantum.parameters import LAGS, Complexes, Parameters
from engines.quantum.scoring import Outcome, Scoring
from engines.quantum.state import registers_of, replaced, rho_of, turned
from engines.words import Floats

LINK_LEAST = 0.02
"""A neighbour's P(mastered) moved by less is not told."""
ORDER_LEAST = 0.02
INTERFERENCE_LEAST = 0.03
FORGOTTEN_LEAST = 0.05
"""A register's P(mastered) forgotten by less is not told (ours)."""


def dephased(rho: Complexes, basis: Complexes, knob: float = 0.0) -> Complexes:
    """Rho with its off-diagonals in the basis scaled by `knob`: 0 deletes them, 1 keeps all."""
    r = turned(basis, rho)
    kept = knob * r
    kept[np.diag_indices(len(r))] = r.diagonal()
    return turned(basis.conj().T, kept)


def interference(rho: Complexes, e: Complexes, basis: Complexes) -> float:
    """Tr(E rho) - Tr(E D(rho)), D deleting coherence in the other skill's basis; 0 if they agree.

    `rho` (d, d) after forgetting, `e` (d, d) the effect of right, `basis` the other skill's.
    """
    return born(rho, e) - born(dephased(rho, basis), e)


def order_effect(rho: Complexes, first: Complexes, second: Complexes) -> float:
    """P(A right, then B right) - P(B right, then A right), no channel between; 0 if they commute.

    `first`, `second` (d, d) are the effects of right of A and B, `rho` after forgetting.
    """
    a, b = root(first), root(second)
    return born(a @ rho @ a, second) - born(b @ rho @ b, first)


# --- reasons -------------------------------------------------------------------------------------
def link_reasons(outcome: Outcome, names: Sequence[str], skill: int, right: bool) -> list[str]:
    """One sentence a linked skill whose P(mastered) the answer moved by `LINK_LEAST` or more."""
    word = "right" if right else "wrong"
    return [
        f"a {word} answer on {names[skill]} {'raised' if after > before else 'lowered'} "
        f"your {names[other]} skill by {abs(after - before) / 2.0:.2f}"
        for other, before, after in outcome.moved
        if abs(after - before) / 2.0 >= LINK_LEAST
    ]


def order_reason(
    scoring: Scoring, x: Floats, names: Sequence[str], item: int, other: int
) -> str | None:
    """Which of two items comes better first, where that makes `ORDER_LEAST` of a difference."""
    rho = _relaxed(scoring, x)
    difference = order_effect(rho, _effect(scoring, item), _effect(scoring, other))
    if abs(difference) < ORDER_LEAST:
        return None
    first = scoring.combination_of(item if difference > 0.0 else other)
    return f"do {names[first]} first: the pair is {abs(difference):.2f} likelier"


def interference_reason(scoring: Scoring, x: Floats, names: Sequence[str], item: int) -> str | None:
    """That the skill practised last changes this item's forecast, from `INTERFERENCE_LEAST` on."""
    last = x[-scoring.parameters.n_skills :]
    before = int(last.argmax())
    if last[before] < 0.0 or before == scoring.combination_of(item):
        return None
    found = scoring.interfered(x, item, before)
    if abs(found) < INTERFERENCE_LEAST:
        return None
    return f"last practised: {names[before]}; it changes this forecast by {found:+.2f}"


def forgetting_reason(x: Floats, parameters: Parameters, skill: int, name: str) -> str | None:
    """That a skill's register has relaxed since its last answer, from `FORGOTTEN_LEAST` on."""
    z, last = registers_of(x, parameters)
    if last[skill] < 0:
        return None
    gap = int(x[T_AT]) - int(last[skill])
    loss = float(parameters.register_forgetting[min(gap.bit_length() - 1, LAGS - 1)])
    lost = 0.5 * loss * float(z[skill] - parameters.register_start[skill])
    if lost < FORGOTTEN_LEAST:
        return None
    since = "1 answer" if gap == 1 else f"{gap} answers"
    return f"{since} since the last on {name}: {lost:.2f} of it has faded"


def _relaxed(scoring: Scoring, x: Floats) -> Complexes:
    p = scoring.parameters
    return replaced(rho_of(x, p), p.start, p.forgetting)


def _effect(scoring: Scoring, item: int) -> Complexes:
    skill = scoring.combination_of(item)
    return effect(
        scoring.parameters.basis[skill], scoring.level_of(skill), scoring.difficulty_of(item)
    )
