"""Scenario `selection`: what a rule of choosing items tells of a learner. This file simulates it.

No server, no new answers: a log in which every learner answered (nearly) every item is taken as
known, a rule chooses 30 of a learner's items one by one and reads the answers that were given
(post-hoc simulation; Weiss 1982). The ability told by those 30 is held against the one told by all.
Each fold is the test once; the items' two parameters are fitted on the four others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.options import Options, tell
from bench.record import gate
from bench.stats import RESAMPLES, middle
from engines.responses import FOLDS, Responses
from engines.words import Floats, Ints

QUESTIONS = 30
LOW, WANTED, HIGH = 0.70, 0.75, 0.80
"""The band of the chance of success."""
EXPOSURE_MOST, EXPOSURE_FROM = 0.40, 12
"""No item is shown to a greater share of learners, counted from the 12th on."""
ERROR_GOAL, NEAREST_GOAL = 0.18, 0.203
"""The goal for the live rule was set where nearest to .75 had .203 on fold 0 of this log."""
GRID = np.linspace(-4.0, 4.0, 41)
_PRIOR = np.exp(-GRID * GRID / 2.0)
PRIOR: Floats = _PRIOR / _PRIOR.sum()
SLOPE_SD, SLOPE_FIRST = 0.5, 0.55
"""Log slopes are normal about their mean with this deviation; and where the fit begins."""
ROUNDS_EM, STEPS_NEWTON = 60, 3
ROUNDS = 3
"""How often a rule with dice is simulated; one without tells the same each time."""

Mask = NDArray[np.bool_]


class Items(NamedTuple):
    """Items of two parameters, (I,) each: P(right) = sigmoid(slope theta - hardness)."""

    slope: Floats
    hardness: Floats

    def right(self) -> Floats:
        """P(right) on the grid of abilities, (I, 41)."""
        return _sigmoid(self.slope[:, None] * GRID - self.hardness[:, None])


class Moment(NamedTuple):
    """What a rule sees: items that may be shown, forecasts, belief, and dice."""

    allowed: Ints
    p: Floats
    right: Floats
    belief: Floats
    dice: np.random.Generator


class Rule(NamedTuple):
    """How the next item is chosen, whether the bound on exposure holds, whether dice decide."""

    choose: Callable[[Moment], int]
    bounded: bool = False
    draws: bool = False


class Run(NamedTuple):
    """Of each learner (n,): ability of 30 less that of all, and of all, in logits; and shares."""

    error: Floats
    ability: Floats
    exposure: float
    in_band: float


def _sigmoid(x: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-x))
    return found


# --- the rules ------------------------------------------------------------------------------------


def at_random(now: Moment) -> int:
    """Any item."""
    return int(now.dice.choice(now.allowed))


def nearest(now: Moment) -> int:
    """The item whose forecast is nearest to .75."""
    return int(now.allowed[np.argmin(np.abs(now.p[now.allowed] - WANTED))])


def variance_fall(now: Moment, items: Ints) -> Floats:
    """Expected fall (n,) of the variance of the ability by an answer on each of the items.

    Cov(theta, right)^2 / (p (1 - p)): the mean over both outcomes of the squared move of the mean.
    """
    p = now.p[items]
    mean = now.belief @ GRID
    together = now.right[items] @ (now.belief * GRID) - p * mean
    found: Floats = together * together / (p * (1.0 - p))
    return found


def best_of(top: int, *, band: bool) -> Callable[[Moment], int]:
    """One of the `top` items of greatest fall, drawn; of those inside the band, if there are any.

    Where the band is empty: the item nearest to it.
    """

    def choose(now: Moment) -> int:
        items = now.allowed
        if band:
            p = now.p[items]
            inside = (p >= LOW) & (p <= HIGH)
            if not inside.any():
                return int(items[np.argmin(np.maximum(LOW - p, p - HIGH))])
            items = items[inside]
        order = np.argsort(-variance_fall(now, items))
        return int(items[now.dice.choice(order[:top])])

    return choose


RULES: dict[str, Rule] = {
    "live": Rule(best_of(3, band=True), bounded=True, draws=True),
    "random": Rule(at_random, draws=True),
    "nearest": Rule(nearest),
    "informative": Rule(best_of(1, band=False)),
    "informative in band": Rule(best_of(1, band=True)),
}
"""`live` is the server's rule, drawing from three; the names are the columns of the record."""


# --- the log as a matrix, its items fitted --------------------------------------------------------


def matrix(log: Responses, questions: int = QUESTIONS) -> tuple[Floats, Ints]:
    """Outcomes (learners, items), NaN where not answered, and each learner's fold (learners,).

    Raises ValueError where a learner answered an item twice or too few, or an item was never
    right, or never wrong, outside a fold: then this simulation cannot be made on the log.
    """
    shape = len(log.learners), len(log.items)
    if len(np.unique(log.learner * shape[1] + log.item)) != len(log):
        raise ValueError("selection expected one answer of a learner to an item, repeats came")
    answers = np.full(shape, np.nan)
    answers[log.learner, log.item] = log.right
    least = int((~np.isnan(answers)).sum(axis=1).min())
    if least <= questions:
        raise ValueError(f"selection expected over {questions} answers a learner, {least} came")
    fold = log.fold[log.starts[:-1]]
    for test in range(FOLDS):
        rows = answers[fold != test]
        if not ((rows == 1.0).any(axis=0) & (rows == 0.0).any(axis=0)).all():
            raise ValueError(
                f"selection expected every item right and wrong outside fold {test}, one was not"
            )
    return answers, fold


def fitted(answers: Floats) -> Items:
    """Slopes and hardness by marginal likelihood, ability N(0, 1) (Bock and Aitkin 1981).

    `answers` (learners, items), NaN where there is none. EM, its second step by Newton.
    """
    given = ~np.isnan(answers)
    right = np.nan_to_num(answers)
    rate = np.nanmean(answers, axis=0)
    slope, hardness = np.full(len(rate), SLOPE_FIRST), np.log((1.0 - rate) / rate)
    for _ in range(ROUNDS_EM):
        p = np.clip(Items(slope, hardness).right(), 1e-6, 1.0 - 1e-6)
        belief = beliefs(right @ np.log(p) + (given - right) @ np.log(1.0 - p))
        met, hit = given.T @ belief, right.T @ belief
        centre = np.log(slope).mean()
        for _ in range(STEPS_NEWTON):
            slope, hardness = _newton(slope, hardness, met, hit, centre)
    return Items(slope, hardness)


def _newton(a: Floats, b: Floats, met: Floats, hit: Floats, centre: float) -> tuple[Floats, Floats]:
    """One step of each item's two parameters, with the prior of the slopes."""
    p = Items(a, b).right()
    e, w = hit - met * p, met * p * (1.0 - p)
    grad_a = (e * GRID).sum(1) - (np.log(a) - centre) / a / SLOPE_SD**2
    grad_b = -e.sum(1)
    aa = (w * GRID * GRID).sum(1) + 1.0 / SLOPE_SD**2 / a**2
    ab, bb = -(w * GRID).sum(1), w.sum(1)
    det = aa * bb - ab**2
    slope: Floats = np.clip(a + (bb * grad_a - ab * grad_b) / det, 0.05, 3.0)
    hardness: Floats = b + (-ab * grad_a + aa * grad_b) / det
    return slope, hardness


def beliefs(log_likelihood: Floats) -> Floats:
    """Posterior over the grid, (n, 41), of log-likelihoods (n, 41)."""
    raw = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)) * PRIOR
    found: Floats = raw / raw.sum(axis=1, keepdims=True)
    return found


# --- the simulation -------------------------------------------------------------------------------


def allowed(free: Mask, shown: Ints, learners: int) -> Ints:
    """Items (n,) that the bound on exposure lets the next of `learners` see; else all free ones."""
    within = free & (shown + 1 <= EXPOSURE_MOST * max(learners, EXPOSURE_FROM))
    return np.flatnonzero(within if within.any() else free)


def simulated(
    rule: Rule, answers: Floats, items: Items, seed: int, questions: int = QUESTIONS
) -> Run:
    """The learners of one fold (learners, items), in an order drawn by seed, one after another."""
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(answers))
    dice = np.random.Generator(np.random.PCG64(seed + 1))
    right = items.right()
    log_right, log_wrong = np.log(right), np.log(1.0 - right)
    given = ~np.isnan(answers)
    hits = np.nan_to_num(answers)
    ability = beliefs(hits @ log_right + (given - hits) @ log_wrong) @ GRID
    found, shown, inside = np.empty(len(answers)), np.zeros(answers.shape[1], np.int64), 0
    for n, who in enumerate(order.tolist()):
        free, told = given[who].copy(), np.log(PRIOR)
        for _ in range(questions):
            belief = np.exp(told - told.max())
            belief /= belief.sum()
            p = right @ belief
            may = allowed(free, shown, n + 1) if rule.bounded else np.flatnonzero(free)
            item = rule.choose(Moment(may, p, right, belief, dice))
            free[item] = False
            shown[item] += 1
            inside += int(LOW <= p[item] <= HIGH)
            told = told + (log_right[item] if hits[who, item] else log_wrong[item])
        belief = np.exp(told - told.max())
        found[who] = belief @ GRID / belief.sum()
    logits = float(items.slope.mean())
    n = len(answers)
    return Run(
        (found - ability) * logits,
        ability * logits,
        float(shown.max()) / n,
        inside / (n * questions),
    )


def joined(runs: list[Run]) -> Run:
    """All folds as one: the greatest exposure of any, the mean share inside the band."""
    sizes = [len(run.error) for run in runs]
    return Run(
        np.concatenate([run.error for run in runs]),
        np.concatenate([run.ability for run in runs]),
        max(run.exposure for run in runs),
        float(np.average([run.in_band for run in runs], weights=sizes)),
    )


def figures(runs: list[Run]) -> dict[str, dict[str, float]]:
    """A rule's column over its rounds: mean |error|, RMSE (logits of an average item), shares."""
    return {
        "error": middle([float(np.abs(run.error).mean()) for run in runs], 4),
        "rmse": middle([float(np.sqrt((run.error**2).mean())) for run in runs], 4),
        "exposure": middle([run.exposure for run in runs], 4),
        "in_band": middle([run.in_band for run in runs], 4),
    }


def error_ratio(ours: list[Run], other: list[Run], seed: int) -> dict[str, float]:
    """Mean |error| of ours over the other's, with a 95 % interval from resampling learners.

    Each learner counts with the mean over the rounds.
    """
    dice = np.random.Generator(np.random.PCG64(seed))
    a, b = (np.mean([np.abs(run.error) for run in runs], axis=0) for runs in (ours, other))
    drawn = np.empty(RESAMPLES)
    for k in range(RESAMPLES):
        picks = dice.integers(len(a), size=len(a))
        drawn[k] = a[picks].mean() / b[picks].mean()
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "ratio": round(float(a.mean() / b.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


def gates(summary: dict[str, dict[str, dict[str, float]]]) -> list[dict[str, Any]]:
    """The live rule tells no less than nearest to .75, spares items, and reaches the goal."""
    live, other = summary["live"], summary["nearest"]
    error, beside = live["error"]["median"], other["error"]["median"]
    return [
        gate("live rule's error, not above nearest's", error, beside, "logits"),
        gate("live rule's highest exposure", live["exposure"]["max"], EXPOSURE_MOST),
        gate(
            "error .18 (live / nearest)",
            round(error / beside, 4),
            round(ERROR_GOAL / NEAREST_GOAL, 4),
        ),
    ]


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("selection is simulated in this process: it cannot take --url")
    if options.log is None:
        raise ValueError("selection expected --data FILE, a response log; none came")
    return options._replace(rounds=options.rounds or ROUNDS, peers=False)


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    log = options.log
    assert log is not None  # `defaults` saw to it
    answers, fold = matrix(log, QUESTIONS)
    tests = [answers[fold == test] for test in range(FOLDS)]
    tell("fitting the items of five folds")
    items = [fitted(answers[fold != test]) for test in range(FOLDS)]
    runs: dict[str, list[Run]] = {}
    for name, rule in RULES.items():
        tell(f"choosing: {name}")
        # two generators a round, of seeds s and s + 1
        seeds = [options.seed + 2 * n for n in range(options.rounds if rule.draws else 1)]
        pairs = list(zip(tests, items, strict=True))
        runs[name] = [
            joined([simulated(rule, t, of, seed, QUESTIONS) for t, of in pairs]) for seed in seeds
        ]
    summary = {name: figures(found) for name, found in runs.items()}
    ours = runs["live"]
    ratios = {
        name: {"error": error_ratio(ours, found, options.seed)}
        for name, found in runs.items()
        if name != "live"
    }
    body = {
        "arrivals": f"{options.data}: learners of each fold one after another, items fitted on "
        f"the other folds, {QUESTIONS} questions each",
        "sizes": {
            "learners": answers.shape[0], "items": answers.shape[1], "answers": len(log),
            "questions": QUESTIONS, "folds": FOLDS,
        },
        "ability_sd": round(float(ours[0].ability.std()), 4),
        "summary": summary,
        "ratios": ratios,
    }  # fmt: skip
    return body, gates(summary)
