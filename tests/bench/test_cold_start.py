"""A course without data: the compiled stream is the live scoring, and it beats Elo on real logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cold_start
from bench.cold_start import ELO, OURS, TUNED
from bench.options import Options
from bench.record import passed
from engines.quantum.defaults import SHIPPED, WITHOUT
from engines.quantum.difficulty import Offsets, calibration, observed
from engines.quantum.scoring import Scoring
from engines.responses import Responses, responses
from server.logs import read_responses


def log_of(learners: int = 40, each: int = 30, seed: int = 1) -> Responses:
    """Simulated answers: 20 items of 4 combinations, hard and easy ones."""
    luck = np.random.Generator(np.random.PCG64(seed))
    b = luck.normal(0.0, 1.2, 20)
    rows: list[Any] = []
    for u in range(learners):
        ability = luck.normal(0.5, 1.0)
        for item in luck.integers(0, 20, each).tolist():
            right = int(luck.random() < 1.0 / (1.0 + np.exp(b[item] - ability)))
            skills = ("x", "y", "x~y", "z")[item % 4]
            rows.append((f"u{u}", f"i{item}", skills, right, 0, None, None))
    return responses(rows)


def by_live_scoring(log: Responses) -> tuple[list[float], Offsets]:
    """The same stream by `Scoring.answer` and `observed`, a new version after every answer."""
    n = len(log.combinations)
    none, zero = np.full((n, 1), -1), np.zeros((n, 1))
    item_of = np.zeros(len(log.items), np.int64)
    item_of[log.item] = log.combination
    scoring = Scoring(SHIPPED.parameters(n, item_of, np.zeros(len(log.items)), none, zero))
    table, p = Offsets.before(np.zeros(len(log.items)), n), []
    for u in range(len(log.learners)):
        x = scoring.fresh()
        for row in range(log.starts[u], log.starts[u + 1]):
            item, skill = int(log.item[row]), int(log.combination[row])
            ease = np.array([table.ease(s) for s in range(n)])
            out = scoring.renewed(table.b, ease).answer(x, item, bool(log.right[row]))
            p.append(out.p)
            observed(table, item, skill, out.gradient)
    return p, table


def test_the_compiled_stream_is_the_live_scoring_and_its_table() -> None:
    log = log_of()
    found = cold_start.stream(log, np.arange(len(log)), SHIPPED)
    p, table = by_live_scoring(log)
    np.testing.assert_allclose(found.p, p, rtol=0.0, atol=1e-10)
    for name in ("b", "b_answers", "skill", "skill_answers"):
        ours, theirs = getattr(found.table, name), getattr(table, name)
        np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=1e-10)
    assert found.table.course == pytest.approx(table.course, abs=1e-10)
    assert found.table.course_answers == len(log)


def test_the_cap_holds_in_the_stream_too() -> None:
    log = log_of(learners=70, each=30, seed=3)
    only = responses(
        [
            (log.learners[u], "one", "x", int(y), 0, None, None)
            for u, y in zip(log.learner, log.right, strict=True)
        ]
    )
    found = cold_start.stream(only, np.arange(len(only)), SHIPPED)
    p, table = by_live_scoring(only)
    assert table.b_answers[0] > 2000
    np.testing.assert_allclose(found.p, p, rtol=0.0, atol=1e-10)


def test_an_outcome_does_not_reach_forecasts_before_it() -> None:
    log = log_of()
    rows = np.arange(len(log))
    before = cold_start.stream(log, rows, SHIPPED).p
    cut = 700
    log.right[cut:] = 1 - log.right[cut:]
    after = cold_start.stream(log, rows, SHIPPED).p
    assert before[: cut + 1].tobytes() == after[: cut + 1].tobytes()
    assert (before[cut + 1 :] != after[cut + 1 :]).any()


def test_elo_by_hand() -> None:
    log = responses([("a", "i", "s", 1, 0, None, None), ("a", "i", "s", 0, 0, None, None),
                     ("b", "i", "s", 1, 0, None, None)])  # fmt: skip
    p = cold_start.elo(log, np.arange(3), (1.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.25, 0.0), (0.125, 0.0))
    second = 1.0 / (1.0 + np.exp(-(0.5 * (1.0 + 0.5 + 0.25 + 0.125))))
    rest = 0.375 * (0.5 - second)  # what b meets: the item and the skill, moved twice
    assert p.tolist() == pytest.approx([0.5, second, 1.0 / (1.0 + np.exp(-rest))])


def test_what_is_told_is_calibrated_from_earlier_answers_only() -> None:
    log = log_of(learners=80)
    rows = np.arange(len(log))
    p = cold_start.stream(log, rows, SHIPPED).p ** 0.4  # far too sure of success
    told = cold_start.recalibrated(log.right, p, log.learner)
    np.testing.assert_array_equal(told[:1000], p[:1000])
    names = [str(u) for u in log.learner.tolist()]
    found = calibration(log.right[:1000], p[:1000], names[:1000])
    assert found is not None
    assert abs(np.mean(told[1000:]) - log.right[1000:].mean()) < abs(
        np.mean(p[1000:]) - log.right[1000:].mean()
    )
    right = log.right.copy()
    right[2000:] = 1 - right[2000:]
    again = cold_start.recalibrated(right, p, log.learner)
    assert again[:2000].tobytes() == told[:2000].tobytes()


@pytest.mark.parametrize(
    ("auc", "loss", "ece", "ok"),
    [(0.78, 0.44, 0.015, True), (0.76, 0.44, 0.015, False), (0.78, 0.46, 0.015, False),
     (0.78, 0.44, 0.021, False), (0.78, 0.44, None, True)],
)  # fmt: skip
def test_the_bounds_decide(auc: float, loss: float, ece: float | None, ok: bool) -> None:
    summary = {
        OURS: {"auc": auc, "log_loss": loss, "late_ece": ece},
        ELO: {"auc": 0.77, "log_loss": 0.45},
    }
    assert passed(cold_start.gates(summary)) == ok


def test_a_log_is_needed() -> None:
    with pytest.raises(ValueError, match="--data FILE"):
        cold_start.defaults(Options("cold-start"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "elo_auc", "elo_loss"),
    [("assist2009", 0.7441, 0.5488), ("statics2011", 0.7813, 0.4528), ("algebra05_sub", 0.0, 9.0)],
)
def test_a_course_without_data_beats_elo(
    shared: Path, name: str, elo_auc: float, elo_loss: float
) -> None:
    """Fold 0 whole; physics without the set. The numbers given are the design's Elo from zero."""
    path = shared / "data" / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"real data is not here: {name}")
    assert name in WITHOUT
    log = read_responses(path)
    summary = cold_start.judged(log, log.rows_of([0]), name)
    print(name, summary)
    ours, elo = summary[OURS], summary[ELO]
    assert ours["auc"] > max(elo["auc"], elo_auc)
    assert ours["log_loss"] < min(elo["log_loss"], elo_loss)
    assert TUNED in summary
    assert (ours["late_ece"] is None) == (ours["learners"] <= 30)
    assert ours["late_ece"] is None or ours["late_ece"] <= 0.02
