"""Rules of choosing items, on a small matrix of simulated learners; real logs run elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import report, selection
from bench.options import Options
from bench.record import passed
from bench.selection import GRID, PRIOR, RULES, Items, Moment
from bench.stats import middle
from engines.responses import Responses, fold_of, responses
from engines.words import Floats
from server import cli
from server.commands.bench import command_line

LEARNERS, ITEMS = 150, 60


def truth() -> tuple[Floats, Floats]:
    luck = np.random.Generator(np.random.PCG64(3))
    return luck.uniform(0.4, 1.6, ITEMS), luck.normal(-1.0, 1.0, ITEMS)


def outcomes() -> Floats:
    """(learners, items) of 0 and 1 by the two-parameter model, ability N(0, 1)."""
    slope, hardness = truth()
    luck = np.random.Generator(np.random.PCG64(4))
    theta = luck.normal(size=(LEARNERS, 1))
    chance = 1.0 / (1.0 + np.exp(hardness - slope * theta))
    return (luck.random((LEARNERS, ITEMS)) < chance).astype(np.float64)


def log_of(answers: Floats) -> Responses:
    return responses(
        (f"u{u}", f"i{i}", "s", int(right), fold_of(f"u{u}"), None, None)
        for u, row in enumerate(answers)
        for i, right in enumerate(row)
        if not np.isnan(right)
    )


@pytest.fixture(scope="module")
def log() -> Responses:
    return log_of(outcomes())


@pytest.fixture(scope="module")
def items() -> Items:
    return selection.fitted(outcomes())


def moment(items: Items, theta: float, allowed: list[int] | None = None) -> Moment:
    belief = PRIOR * np.exp(-0.5 * ((GRID - theta) / 0.4) ** 2)
    belief /= belief.sum()
    right = items.right()
    may = np.arange(ITEMS) if allowed is None else np.array(allowed)
    dice = np.random.Generator(np.random.PCG64(1))
    return Moment(may, right @ belief, right, belief, dice)


def test_the_matrix_is_the_log(log: Responses) -> None:
    answers, fold = selection.matrix(log)
    np.testing.assert_array_equal(answers, outcomes())
    assert fold.tolist() == [fold_of(f"u{u}") for u in range(LEARNERS)]


def test_what_cannot_be_simulated_is_refused() -> None:
    answers = outcomes()
    with pytest.raises(ValueError, match="expected over 60 answers a learner, 60 came"):
        selection.matrix(log_of(answers), ITEMS)
    never = answers.copy()
    never[:, 5] = 1.0
    with pytest.raises(ValueError, match="every item right and wrong outside fold"):
        selection.matrix(log_of(never))
    twice = responses([("a", "i", "s", 1, 0, None, None), ("a", "i", "s", 0, 0, None, None)])
    with pytest.raises(ValueError, match="one answer of a learner to an item"):
        selection.matrix(twice, 1)


def test_the_fit_finds_the_items(items: Items) -> None:
    slope, hardness = truth()
    assert np.corrcoef(items.hardness, hardness)[0, 1] > 0.95
    assert np.corrcoef(items.slope, slope)[0, 1] > 0.6


def test_missing_answers_leave_the_others_their_say() -> None:
    answers = outcomes()
    answers[np.random.Generator(np.random.PCG64(8)).random(answers.shape) < 0.1] = np.nan
    assert np.corrcoef(selection.fitted(answers).hardness, truth()[1])[0, 1] > 0.95


def test_the_fall_of_variance_is_that_of_bayes_rule(items: Items) -> None:
    now = moment(items, 0.4)

    def variance(belief: Floats) -> float:
        belief = belief / belief.sum()
        return float(belief @ GRID**2 - (belief @ GRID) ** 2)

    for item in range(0, ITEMS, 7):
        right, p = now.right[item], now.p[item]
        after = p * variance(now.belief * right) + (1 - p) * variance(now.belief * (1 - right))
        fall = selection.variance_fall(now, np.array([item]))[0]
        assert fall == pytest.approx(variance(now.belief) - after, abs=1e-12)


def test_rules_choose_what_they_say(items: Items) -> None:
    now = moment(items, 0.2)
    inside = np.flatnonzero((now.p >= 0.7) & (now.p <= 0.8))
    assert len(inside) > 4
    fall = selection.variance_fall(now, np.arange(ITEMS))
    assert abs(now.p[RULES["nearest"].choose(now)] - 0.75) == np.abs(now.p - 0.75).min()
    assert RULES["informative"].choose(now) == np.argmax(fall)
    assert RULES["informative in band"].choose(now) == inside[np.argmax(fall[inside])]
    best = set(inside[np.argsort(-fall[inside])[:3]].tolist())
    assert {RULES["live"].choose(now) for _ in range(60)} == best


def test_an_empty_band_gives_the_item_nearest_to_it(items: Items) -> None:
    now = moment(items, 0.0)
    outside = np.flatnonzero((now.p < 0.7) | (now.p > 0.8)).tolist()
    now = moment(items, 0.0, outside)
    off = np.maximum(0.7 - now.p[outside], now.p[outside] - 0.8)
    assert RULES["live"].choose(now) == outside[int(np.argmin(off))]


def test_the_bound_on_exposure_holds_from_the_twelfth_learner() -> None:
    free, shown = np.array([True, True, False, True]), np.array([4, 3, 0, 7])
    assert selection.allowed(free, shown, 1).tolist() == [1]
    assert selection.allowed(free, shown, 13).tolist() == [0, 1]
    assert selection.allowed(free, shown, 20).tolist() == [0, 1, 3]
    assert selection.allowed(free, np.full(4, 9), 12).tolist() == [0, 1, 3], "rather that than none"


def test_asking_everything_leaves_no_error(items: Items) -> None:
    run = selection.simulated(RULES["random"], outcomes()[:12], items, 1, ITEMS)
    np.testing.assert_allclose(run.error, 0.0, atol=1e-12)
    assert run.exposure == 1.0


def test_information_tells_more_than_chance_and_the_same_seed_the_same(items: Items) -> None:
    answers = outcomes()
    runs = {n: selection.simulated(rule, answers, items, 1, 10) for n, rule in RULES.items()}
    error = {name: selection.figures([run])["error"]["median"] for name, run in runs.items()}
    assert error["informative"] < error["random"]
    assert runs["live"].exposure <= 0.4 < runs["informative"].exposure
    assert runs["informative in band"].in_band > runs["informative"].in_band
    again = selection.simulated(RULES["live"], answers, items, 1, 10)
    np.testing.assert_array_equal(again.error, runs["live"].error)


def test_a_ratio_of_a_rule_with_itself_is_one() -> None:
    error = np.random.Generator(np.random.PCG64(1)).normal(size=50)
    one, half = (selection.Run(scale * error, error, 1.0, 0.5) for scale in (1.0, 0.5))
    same = {"ratio": 1.0, "low": 1.0, "high": 1.0}
    assert selection.error_ratio([one], [one], 1) == same
    assert selection.error_ratio([half], [one], 1) == dict.fromkeys(same, 0.5)
    assert selection.error_ratio([half, one], [one], 1) == dict.fromkeys(same, 0.75)


@pytest.mark.parametrize(
    ("live", "nearest", "exposure", "ok"),
    [
        (0.17, 0.20, 0.40, [True, True, True]),
        (0.19, 0.20, 0.40, [True, True, False]),
        (0.21, 0.20, 0.41, [False, False, False]),
    ],
)
def test_the_bounds_decide(live: float, nearest: float, exposure: float, ok: list[bool]) -> None:
    column = {"error": middle([live]), "exposure": middle([0.3, exposure])}
    found = selection.gates({"live": column, "nearest": {"error": middle([nearest])}})
    assert [g["ok"] for g in found] == ok
    assert passed(found) == all(ok)


def test_the_options_that_it_needs(log: Responses) -> None:
    with pytest.raises(ValueError, match="expected --data FILE"):
        selection.defaults(Options("selection"))
    with pytest.raises(ValueError, match="--url"):
        selection.defaults(Options("selection", url="ws://127.0.0.1:1", log=log))


def test_the_command_writes_a_record_without_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.machine.to_core", lambda of: None)
    monkeypatch.setattr("bench.selection.QUESTIONS", 10)
    monkeypatch.setattr("bench.selection.ROUNDS_EM", 10)
    place = tmp_path / "answers.csv"
    lines = ["user,order,item,skill,correct"]
    for u, row in enumerate(outcomes()):
        lines += [f"u{u},{i},i{i},s,{int(right)}" for i, right in enumerate(row)]
    place.write_text("\n".join(lines) + "\n")
    typed = ["bench", "selection", "--data", str(place), "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["tutorstream", *typed])
    code = cli.main(typed)
    text = (tmp_path / "selection.json").read_text()
    made: dict[str, Any] = json.loads(text)
    assert code == (0 if made["passed"] else 1)
    assert made["command"] == "tutorstream bench selection --data answers.csv"
    assert command_line() == made["command"]
    assert made["settings"]["data"] == "answers"
    assert "log" not in made["settings"]
    assert str(tmp_path) not in text
    assert list(made["summary"]) == list(RULES)
    assert made["settings"]["rounds"] == 3
    assert made["sizes"]["answers"] == LEARNERS * ITEMS
    assert "highest exposure" in capsys.readouterr().out
    assert report.page(made) == (tmp_path / "selection.html").read_text()


def test_a_log_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "selection"]) == 2
    assert "expected --data FILE" in capsys.readouterr().err
