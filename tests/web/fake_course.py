"""The course and the beliefs that `fake_server` plays. This file knows no socket.

Nine skills as they are taught, or any number in layers; a dozen items from a script; mastery and
ability that move by a plain rule, with every field the wire has for them.
"""

from __future__ import annotations

import math
from typing import Any

Skill = tuple[str, str, tuple[str, ...]]
"""Id, title, prerequisites."""

SKILLS: list[Skill] = [
    ("frac.equivalent", "Equivalent fractions", ()),
    ("frac.lowest", "Lowest terms", ("frac.equivalent",)),
    ("frac.add-like", "Adding like fractions", ("frac.lowest",)),
    ("frac.add-unlike", "Adding unlike fractions", ("frac.equivalent", "frac.add-like")),
    ("int.signed", "Signed numbers", ()),
    ("expr.collect", "Collecting like terms", ("int.signed",)),
    ("eq.one-step", "One-step equations", ("int.signed",)),
    ("eq.two-step", "Two-step equations", ("eq.one-step", "frac.lowest")),
    ("eq.both-sides", "Unknown on both sides", ("eq.two-step", "expr.collect")),
]
TOPICS = [
    "Ratios",
    "Percentages",
    "Square roots",
    "Powers",
    "Angles and triangles",
    "Scale factors",
    "Reading a graph",
    "Mean and median",
]
MASTERED = 0.85
LINE_KEPT = 40
DAY_MS = 86_400_000


def many(n: int) -> list[Skill]:
    """`n` skills, eight to a layer; each asks for one or two of the layer above."""
    made: list[Skill] = []
    for k in range(n):
        above = [made[k - 8][0], made[(k - 8) // 8 * 8 + (k + 3) % 8][0]] if k >= 8 else []
        needs = tuple(dict.fromkeys(above[: 1 + k % 2]))
        made.append((f"s{k:02}", f"{TOPICS[k % 8]} {k // 8 + 1}", needs))
    return made


def item(n: int, skill: str | None = None) -> dict[str, Any]:
    """One of the script's items, on `skill` where one was asked for."""
    a, x, b = 3 + n % 4, 5 + n % 3, 5 + n
    base = {
        "item": f"eq.two-step.{n:02}",
        "kind": "number",
        "prompt": f"Solve ${a}x + {b} = {a * x + b}$ for $x$.",
        "skills": ["eq.two-step"],
        "p_success": 0.71,
        "why": "Two-step equations are within reach now: about 7 in 10 go right at this point.",
        "hints": 4,
        "title": "Two steps",
        "source": "Written for tutorstream",
    }
    if n % 4 == 2:
        texts = ["$\\frac{3}{4}$", "$\\frac{4}{3}$", "$\\frac{6}{9}$", "None of these"]
        base |= {
            "item": f"frac.lowest.{n:02}",
            "kind": "choice",
            "prompt": "Which of these equals $\\frac{6}{8}$ in lowest terms?",
            "choices": [{"id": f"o{k}", "text": text} for k, text in enumerate(texts)],
            "skills": ["frac.lowest", "frac.equivalent"],
        }
    if skill is not None:
        why = f"The skill you asked for ({skill}, 0.40); it may go either way (0.55)"
        base |= {"item": f"{skill}.{n:02}", "skills": [skill], "p_success": 0.55, "why": why}
    return base


def key(n: int) -> str:
    """What item `n` takes as right."""
    return "o0" if n % 4 == 2 else str(5 + n % 3)


class Beliefs:
    """Mastery in hundredths with its interval, ability by skill, and the line of both."""

    def __init__(self, skills: list[Skill], *, older: bool = False) -> None:
        self.skills = skills
        self.older = older
        self.mastery = {s: 0.25 for s, _, _ in skills} | {skills[0][0]: 0.88}
        self.answers = {s: 3 * (k == 0) for k, (s, _, _) in enumerate(skills)}
        self.theta = {s: 0.1 for s, _, _ in skills}
        self.line: list[dict[str, Any]] = []
        self.cards: dict[str, tuple[int, float]] = {}

    def interval(self, skill: str) -> tuple[float, float]:
        """Narrower with every answer."""
        half = 0.3 / math.sqrt(1 + self.answers[skill])
        at = self.mastery[skill]
        return round(max(0.0, at - half), 2), round(min(1.0, at + half), 2)

    def mastered(self, skill: str) -> bool:
        """Whether it counts as mastered."""
        return self.mastery[skill] >= MASTERED

    def facts(self) -> dict[str, Any]:
        """All of it, as `ok` and the snapshot tell it."""
        told: list[dict[str, Any]] = []
        for skill, title, needs in self.skills:
            fact = {"id": skill, "title": title, "mastery": self.mastery[skill]}
            if not self.older:
                low, high = self.interval(skill)
                fact |= {"low": low, "high": high, "mastered": self.mastered(skill),
                         "requires": list(needs)}  # fmt: skip
            if skill in self.cards:
                fact["due_at"] = self.cards[skill][0]
            told.append(fact)
        facts: dict[str, Any] = {"skills": told, "theta": 0.1, "sd": 0.6}
        if not self.older:
            last = self.line[-1] if self.line else facts
            facts |= {"theta": last["theta"], "sd": last["sd"], "target": [0.7, 0.8]}
            facts["line"] = list(self.line)
        return facts

    def answered(self, skills: list[str], *, right: bool) -> tuple[list[Any], dict[str, Any]]:
        """The moves of `feedback` and the fields of `difficulty`."""
        moves = []
        for skill in [*skills, *self._near(skills)]:
            before = self.mastery[skill]
            share = 0.42 if skill in skills else 0.05
            after = round(before + (1 - before) * share if right else before * (1 - share / 3), 2)
            self.mastery[skill] = after
            self.answers[skill] += skill in skills
            moves.append(self._move(skill, before, after))
        skill = skills[0]
        sd = round(0.9 / math.sqrt(1 + self.answers[skill]), 3)
        b = round(self.theta[skill] - 1.1 + 0.35 * (len(self.line) % 3), 3)
        self.theta[skill] = theta = round(self.theta[skill] + (0.21 if right else -0.32), 3)
        live = {"theta": theta, "sd": sd, "target": [0.7, 0.8], "step": 0.21, "reason": "right"}
        if self.older:
            return moves, live
        items = [round(theta - 1.39, 3), round(theta - 0.85, 3)]
        point: dict[str, Any] = {"theta": theta, "sd": sd, "items": items}
        point |= {"b": b, "right": right, "skill": skill}
        self.line = [*self.line, point][-LINE_KEPT:]
        return moves, live | point

    def reviewed(self, skill: str, at_ms: int) -> None:
        """A right answer on a card puts it off by six days."""
        if skill in self.cards:
            self.cards[skill] = (at_ms + 6 * DAY_MS, 1.0)

    def due(self, at_ms: int) -> list[dict[str, Any]]:
        """The review list, the one most likely forgotten first."""
        days = {"wrong": 1, "assisted": 3, "right": 9, "easy": 20}
        told = []
        late = [(kept, at, skill) for skill, (at, kept) in self.cards.items() if at <= at_ms]
        title = {skill: name for skill, name, _ in self.skills}
        for kept, at, skill in sorted(late):
            reason = (
                f"You last met {title[skill]} 9 days ago; chance of recall about {100 * kept:.0f} %"
            )
            one = {"skill": skill, "at": at, "retrievability": kept, "reason": reason}
            told.append(one | {"next_interval": days})
        return told

    def _near(self, skills: list[str]) -> list[str]:
        needs = [need for s, _, near in self.skills if s in skills for need in near]
        return [] if self.older else [need for need in needs if need not in skills]

    def _move(self, skill: str, before: float, after: float) -> dict[str, Any]:
        """As the wire has it: what holds its default is left out."""
        move: dict[str, Any] = {"id": skill, "before": before, "after": after}
        if self.older:
            return move
        low, high = self.interval(skill)
        more = {"low": low, "high": high, "mastered": self.mastered(skill)}
        defaults = {"low": 0.0, "high": 1.0, "mastered": False}
        return move | {name: more[name] for name in more if more[name] != defaults[name]}
