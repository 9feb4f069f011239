"""Links: two skills' registers as a correlated pair. This file is their readable form.

The pair of skills s, v is (I + z_s Z(x)I + z_v I(x)Z + C Z(x)Z)/4: a classical correlation
(separable, discord 0), for the measurements here could see no other. `engines.quantum.fit.links`
estimates eps from a log; the kernels do the update. The pair is not kept: each answer prepares it
anew from eps (assumed-density filtering; Minka 2001).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engines.quantum.parameters import Parameters
from engines.quantum.state import registers_of
from engines.words import Floats


class Link(NamedTuple):
    """One neighbour of a skill: `eps` in [-1, 1], and the bits the two tell of each other."""

    skill: int
    eps: float
    bits: float


def correlated(z: float, other: float, eps: float, kappa: float) -> float:
    """C = <Z(x)Z>, clipped to what keeps the pair positive; kappa eps is Pearson's correlation.

    Positive is the same as |z + other| - 1 <= C <= 1 - |z - other|.

    >>> correlated(0.0, 0.0, 0.5, 0.5), correlated(0.8, -0.8, 1.0, 1.0)
    (0.25, -0.6000000000000001)
    """
    room = math.sqrt(max(0.0, (1.0 - z * z) * (1.0 - other * other)))
    c = z * other + kappa * eps * room
    return min(max(c, abs(z + other) - 1.0), 1.0 - abs(z - other))


def pair_populations(z: float, other: float, c: float) -> Floats:
    """(2, 2): P(first in i, second in j), 0 not mastered, 1 mastered: (1 ± z ± other ± C) / 4."""
    sign = np.array([-1.0, 1.0])
    pair: Floats = 0.25 * (
        1.0 + z * sign[:, None] + other * sign[None, :] + c * np.outer(sign, sign)
    )
    return pair


def moved(z: float, other: float, c: float, eta: float) -> float:
    """Z expectation of the neighbour after the first skill was measured with evidence eta."""
    return min(max((other + eta * c) / (1.0 + eta * z), -1.0), 1.0)


def mutual_information(pair: Floats) -> float:
    """Bits that the registers of a pair (2, 2) tell of each other; 0 where independent.

    >>> mutual_information(pair_populations(0.0, 0.0, 1.0))
    1.0
    """
    apart = np.outer(pair.sum(axis=1), pair.sum(axis=0))
    there = (pair > 0.0) & (apart > 0.0)
    bits = float((pair[there] * np.log2(pair[there] / apart[there])).sum())
    return max(0.0, bits)


def neighbours(x: Floats, parameters: Parameters, skill: int) -> tuple[Link, ...]:
    """The links of a skill in the state x, in the order in which an answer updates them."""
    z, _ = registers_of(x, parameters)
    found = []
    for v, eps in zip(
        parameters.neighbours[skill].tolist(), parameters.correlation[skill].tolist(), strict=True
    ):
        if v < 0:
            break
        c = correlated(float(z[skill]), float(z[v]), eps, parameters.kappa)
        bits = mutual_information(pair_populations(float(z[skill]), float(z[v]), c))
        found.append(Link(v, eps, bits))
    return tuple(found)
