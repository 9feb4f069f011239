"""Small simulated logs for the classical models."""

import numpy as np

from engines.responses import Responses, responses


def simulated(
    learners: int = 60, each: int = 40, seed: int = 1, *, pairs: bool = True
) -> Responses:
    """2PL learners that drift upwards; items of 4 skills, some of two; folds by turns."""
    dice = np.random.Generator(np.random.PCG64(seed))
    ability = dice.normal(size=learners)
    ease = dice.normal(0.5, 1.0, size=24)
    rows = []
    for u in range(learners):
        for n in range(each):
            i = int(dice.integers(24))
            skill = f"s{i % 4}" + (f"~s{(i + 1) % 4}" if pairs and i % 6 == 0 else "")
            chance = 1.0 / (1.0 + np.exp(-(ability[u] + 0.02 * n + ease[i])))
            rows.append((f"u{u}", f"i{i}", skill, int(dice.random() < chance), u % 5, None, None))
    return responses(rows)


def with_right(log: Responses, right: np.ndarray) -> Responses:
    """The same log with other outcomes."""
    from dataclasses import replace

    return replace(log, right=right)
