"""The share of right answers an item got. This file is that model: no memory of the learner."""

from __future__ import annotations

from dataclasses import dataclass

from engines.classical.rows import rates
from engines.responses import Responses
from engines.words import Floats, Ints


@dataclass(frozen=True, slots=True)
class ItemMean:
    """`p` (I,): the rate of each item, shrunk to its combination's, that to the rate over all."""

    p: Floats


def fit(log: Responses, train_rows: Ints, seed: int) -> ItemMean:  # noqa: ARG001 - one form
    """The rates on these rows."""
    return ItemMean(rates(log, train_rows)[2])


def predict(model: ItemMean, log: Responses, rows: Ints) -> Floats:
    """The forecast of each row (n,)."""
    return model.p[log.item[rows]]
