"""Courses, evidence and simulated learners for the tests of the engines. This file makes them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from engines import tutor
from engines.beliefs import Beliefs
from engines.maths.dice import Dice
from engines.pinning import pinned
from engines.words import (
    Answered,
    AnswerSpec,
    Bkt,
    Chosen,
    Course,
    Decision,
    Instance,
    Item,
    Skill,
    Syllabus,
    Verdict,
)

RIGHT = Verdict("correct", "1")
WRONG = Verdict("incorrect", "2")
SPEC = AnswerSpec(kind="number", value="1")
PARAMS = {"a": {"from": 1, "to": 9}}


def skill(k: int, requires: tuple[int, ...] = (), bkt: Bkt | None = None) -> Skill:
    needs = tuple(f"skill.{j}" for j in requires)
    return Skill(f"skill.{k}", f"skill {k}", needs, bkt=bkt or Bkt())


def item(
    i: int, skills: tuple[int, ...], d: float = 0.0, *, fixed: bool = False, spec=SPEC
) -> Item:
    params = {} if fixed else PARAMS
    ids = tuple(f"skill.{k}" for k in skills)
    return Item(f"item.{i}", ids, "?", spec, difficulty=d, params=params)


def course(skills, items, name: str = "c", version: str = "1") -> Syllabus:
    sha256 = f"{name}-{version}".ljust(64, "0")
    made = Course(name, version, "C", "CC0", (), tuple(skills), tuple(items), sha256=sha256)
    return pinned(made)


def line(
    n_skills: int,
    n_items: int,
    *,
    chain: bool = False,
    per_item: int = 1,
    spread: float = 1.0,
    fixed: bool = False,
    seed: int = 1,
) -> Syllabus:
    """Items dealt over skills in turn; a chain of prerequisites if asked; d is N(-1, spread)."""
    bits = np.random.Generator(np.random.PCG64(seed))
    skills = [skill(k, (k - 1,) if chain and k else ()) for k in range(n_skills)]
    items = []
    for i in range(n_items):
        last = i % n_skills
        more = [int(k) for k in bits.integers(0, last + 1, per_item - 1)]
        taught = tuple(dict.fromkeys([last, *more]))
        items.append(item(i, taught, float(bits.normal(-1.0, spread)), fixed=fixed))
    return course(skills, items)


def instance(of: Syllabus, name: str, seed: int = 1) -> Instance:
    return Instance(of.course.items[of.item_index[name]], seed, {}, "?", Fraction(1), (), (), ())


def answered(of: Syllabus, name: str, eid: str = "e", **more) -> Answered:
    fields = {
        "response": "1",
        "taken_ms": 9000,
        "attempt_no": 1,
        "hints_used": 0,
        "steps_shown": False,
        "learning_done": False,
    }
    return Answered(eid=eid, syllabus=of, instance=instance(of, name), **{**fields, **more})


class Simulated:
    """A learner who answers by chance at a true ability, and what the tutor makes of it."""

    def __init__(self, of: Syllabus, ability: float, key: int) -> None:
        self.syllabus = of
        self.ability = ability
        self.key = key
        self.n = 0
        self.luck = Dice(key + (1 << 64), 0)
        self.beliefs, self.chosen = tutor.choose(Beliefs.fresh(of), of, 0.0, Dice(key, 0))
        self.rights: list[bool] = []
        self.shown: list[Chosen] = [self.chosen]

    def step(self) -> Decision:
        """One scored answer to the item shown; a miss leaves the item for the next."""
        of = self.syllabus
        d = of.d[of.item_index[self.chosen.item]]
        right = self.luck.random() < 1.0 / (1.0 + np.exp(d - self.ability))
        self.n += 1
        evidence = answered(of, self.chosen.item, f"e{self.n}")
        rng = Dice(self.key, self.n)
        verdict = RIGHT if right else WRONG
        decision = tutor.decided(self.beliefs, evidence, verdict, float(self.n), rng)
        self.beliefs = decision.beliefs
        if decision.chosen is None:
            left = self.chosen.item
            self.beliefs, self.chosen = tutor.choose(
                self.beliefs, of, float(self.n), rng, leaving=left
            )
        else:
            self.chosen = decision.chosen
        self.rights.append(right)
        self.shown.append(self.chosen)
        return decision
