"""Scenario `kernels`: what one answer costs the scoring, called from Python. This file times it.

No server: the compiled loops on a problem of the shipped size, 40 skills of 8 levels in complex
bases with 6 links each. A round takes each kernel's calls in turn, so that all see the same noise.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.options import Options, tell
from bench.record import gate
from bench.stats import middle, quantile
from engines import tutor
from engines.beliefs import Beliefs
from engines.maths import kernels as compiling
from engines.maths.dice import Dice
from engines.pinning import Physics, pinned
from engines.quantum.parameters import LAGS, Parameters
from engines.quantum.scoring import Scoring
from engines.quantum.state import to_bytes
from engines.words import Answered, AnswerSpec, Course, Instance, Item, Skill, Syllabus, Verdict

OURS = "tutorstream"
SKILLS, LEVELS, LINKS, ITEMS = 40, 8, 6, 500
CANDIDATES, CANDIDATE_SKILLS = 1_000, 10
CALLS = 2_000
ANSWER_US, CANDIDATES_US, STATE_BYTES = 5.0, 100.0, 2_048
RIGHT = Verdict("correct", "1")

Call = Callable[[int], object]


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("kernels are timed in this process: it cannot take --url")
    return options._replace(rounds=options.rounds or 5, peers=False)


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    tutor.warm()
    before = compiling.compiled()
    scoring = Scoring(physics(options.seed, SKILLS, ITEMS))
    x = answered(scoring, options.seed)
    calls = scoring_calls(scoring, x, options.seed) | {"react": react_calls(options.seed)}
    took: dict[str, list[list[float]]] = {name: [] for name in calls}
    for number in range(options.rounds):
        tell(f"round {number + 1} of {options.rounds}")
        for name, call in calls.items():
            took[name].append(timed_us(call, CALLS if name != "candidates" else CALLS // 4))
    summary: dict[str, Any] = {"rounds": options.rounds, "compiles": compiling.compiled() - before}
    for name, rounds in took.items():
        summary[f"{name}_us"] = middle([quantile(sorted(us), 0.5) for us in rounds], 2)
        summary[f"{name}_p99_us"] = middle([quantile(sorted(us), 0.99) for us in rounds], 2)
    summary["state_bytes"] = len(to_bytes(x, scoring.parameters))
    body = {
        "summary": {OURS: summary},
        "sizes": {
            "skills": SKILLS, "levels": LEVELS, "links": LINKS, "items": ITEMS,
            "candidates": CANDIDATES, "candidate_skills": CANDIDATE_SKILLS,
        },
    }  # fmt: skip
    return body, gates(summary)


def gates(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The bounds: the best round's median, for noise only ever adds."""
    return [
        gate("answer p50", summary["answer_us"]["min"], ANSWER_US, "us"),
        gate("1,000 candidates p50", summary["candidates_us"]["min"], CANDIDATES_US, "us"),
        gate("state", summary["state_bytes"], STATE_BYTES, "bytes"),
        gate("kernels compiled under load", summary["compiles"], 0.0),
    ]


def timed_us(call: Call, n: int) -> list[float]:
    """Microseconds of each of n calls, collections put off."""
    took = []
    gc.disable()
    try:
        for at in range(n):
            began = time.perf_counter_ns()
            call(at)
            took.append((time.perf_counter_ns() - began) / 1000)
    finally:
        gc.enable()
    return took


def physics(seed: int, skills: int, items: int) -> Parameters:
    """Parameters drawn by seed: every part on, items dealt over the skills in turn."""
    dice = np.random.Generator(np.random.PCG64(seed))
    raw = dice.normal(size=(skills, LEVELS, LEVELS)) + 1j * dice.normal(
        size=(skills, LEVELS, LEVELS)
    )
    basis = np.linalg.qr(raw)[0]
    transition = np.moveaxis(dice.dirichlet(np.ones(LEVELS), (2, LEVELS)), 1, 2)
    register = np.moveaxis(dice.dirichlet(np.ones(2), (2, 2)), 1, 2)
    neighbours = np.array([[(s + k) % skills for k in range(1, LINKS + 1)] for s in range(skills)])
    return Parameters(
        basis=basis,
        level=np.sort(dice.normal(0.0, 2.0, (skills, LEVELS))),
        difficulty=dice.normal(-1.0, 1.0, items),
        combination=np.arange(items) % skills,
        start=dice.dirichlet(np.ones(LEVELS)),
        transition=transition,
        forgetting=0.02,
        register_level=np.array([[-1.2, 1.2]]) + dice.normal(0.0, 0.2, (skills, 2)),
        register_weight=1.0,
        register_transition=register,
        register_forgetting=np.full(LAGS, 0.05),
        register_start=np.zeros(skills),
        neighbours=neighbours,
        correlation=dice.uniform(-0.5, 0.5, (skills, LINKS)),
    )


def answered(scoring: Scoring, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A learner's state after 200 answers on all skills."""
    dice = np.random.Generator(np.random.PCG64(seed))
    x = scoring.fresh()
    for n in range(200):
        scoring.answer(x, n % scoring.parameters.n_items, bool(dice.random() < 0.7))
    return x


def scoring_calls(
    scoring: Scoring, x: np.ndarray[Any, np.dtype[np.float64]], seed: int
) -> dict[str, Call]:
    """The calls of the scoring alone, by name."""
    many = Scoring(physics(seed, CANDIDATE_SKILLS, CANDIDATES))
    other = answered(many, seed)
    candidates = np.arange(CANDIDATES)
    references = np.array([[skill, 0.0] for skill in range(SKILLS)])
    return {
        "answer": lambda n: scoring.answer(x, n % ITEMS, n % 3 != 0),
        "candidates": lambda _: many.score(other, candidates),
        "informed": lambda _: many.informed(other, candidates),
        "mastery_all": lambda _: scoring.mastery_all(x, references),
    }


def course(seed: int) -> Syllabus:
    """A course of the same size, pinned to drawn physics."""
    dice = np.random.Generator(np.random.PCG64(seed))
    skills = tuple(Skill(f"s{k}", f"skill {k}") for k in range(SKILLS))
    spec = AnswerSpec("number", "1")
    items = tuple(
        Item(f"i{n}", (f"s{n % SKILLS}",), "?", spec, difficulty=float(dice.normal(-1.0, 1.0)))
        for n in range(ITEMS)
    )
    made = Course("bench", "1", "Bench", "CC0-1.0", (), skills, items, sha256="0" * 64)
    return pinned(made, Physics(physics(seed, SKILLS, ITEMS), np.zeros(ITEMS)))


def react_calls(seed: int) -> Call:
    """One whole reaction after grading: scoring, mastery told, band, review, the next item."""
    of = course(seed)
    beliefs, chosen = tutor.choose(Beliefs.fresh(of), of, 0.0, Dice(seed, 0))
    kept = [beliefs]

    def react(n: int) -> None:
        item = of.course.items[of.item_index[chosen.item] if n == 0 else n % ITEMS]
        instance = Instance(item, 1, {}, "?", "1", (), (), ())
        seen = Answered(f"e{n}", of, instance, "1", 9_000, 1, 0, False, False)
        decision = tutor.decided(kept[0], seen, RIGHT, float(n), Dice(seed, n + 1))
        kept[0] = decision.beliefs

    return react
