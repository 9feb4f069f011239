"""OATutor problems as a course, an item a step (Pardos et al. 2023). This file is the importer."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from engines.exercises.grading import graded, key_spelled
from engines.exercises.limits import ExpressionError
from engines.exercises.template import instance
from engines.words import Item
from server.authoring.folder import MOST_ITEMS
from server.authoring.oatutor_texts import (
    Answer,
    NotImported,
    answer_of,
    has_figure,
    holds_key,
    slug,
    text_of,
    whole,
    without_figures,
)

VERSION = 1
"""Version of this importer, named in the report."""

FIRST_IDS = 20

_LICENSES = {
    "https://creativecommons.org/licenses/by/4.0/": "CC-BY-4.0",
    "https://creativecommons.org/licenses/by-sa/4.0/": "CC-BY-SA-4.0",
    "https://creativecommons.org/licenses/by-nc/4.0/": "CC-BY-NC-4.0",
    "https://creativecommons.org/licenses/by-nc-sa/4.0/": "CC-BY-NC-SA-4.0",
}
_LINKED = re.compile(r"\s*(?:(https?://[^\s<]+)\s*)?(?:<([^>]*)>)?\s*(.*)\Z", re.S)

REASONS = {
    "not-json": "the line is no JSON object of a problem",
    "no-licence": "the problem names no licence",
    "variabilised": "the problem's numbers are drawn from lists of its own",
    "figure": "the question or a choice shows a figure",
    "no-answer": "the step has no answer",
    "no-question": "the step asks nothing",
    "no-skill": "the step names no skill",
    "broken-text": "a text holds half a character",
    "matrix-or-plus-minus": "the answer is a matrix or has two signs: no kind judges it yet",
    "too-few-choices": "fewer than two choices",
    "too-many-choices": "more than 26 choices",
    "key-not-among-choices": "the right answer is none of the choices",
    "repeated-id": "another step has the same id",
    "key-not-accepted": "the answer would not be accepted as typed",
    "over-limit": f"a course holds at most {MOST_ITEMS} items",
}
"""Why a step is not imported."""

NOTES = {
    "no-hints": "the step has no hints; the bottom-out was made from its answer",
    "bottom-out-made": "no last hint stated the answer; the bottom-out was made from it",
    "repeated-choices": "two choices read the same; both right ones are accepted",
    "dangling-dependency": "a hint depends on one that does not exist; the tie was dropped",
    "circular-dependency": "hints depend on one another; they stand in the source's order",
    "sub-hints-in-line": "hints of a scaffold follow it in the ladder",
    "scaffold-as-text": "a scaffold's answer cannot be judged; it became a hint",
    "figure-in-hint": "a hint's figure was left out",
    "more-than-four-skills": "only the first four skills were kept",
}
"""What was changed on the way, the item being imported."""


@dataclass
class Tally:
    """Counts by reason with the first ids."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, what: str) -> None:
        """Count one."""
        self.counts[reason] += 1
        ids = self.first.setdefault(reason, [])
        if len(ids) < FIRST_IDS:
            ids.append(what)

    def told(self, meanings: dict[str, str]) -> dict[str, Any]:
        """As the report has it."""
        return {
            reason: {"count": count, "means": meanings[reason], "first": self.first[reason]}
            for reason, count in sorted(self.counts.items())
        }


@dataclass
class Import:
    """A course on its way: items by lesson, skills by first lesson, what was left out and why."""

    locale: str = "en"
    problems: int = 0
    steps: int = 0
    course: str = ""
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    """Title by skill; names that differ in spacing only are one skill."""
    lessons_of: dict[str, set[str]] = field(default_factory=dict)
    licenses: dict[str, None] = field(default_factory=dict)
    sources: dict[str, None] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    skipped: Tally = field(default_factory=Tally)
    notes: Tally = field(default_factory=Tally)

    @property
    def count(self) -> int:
        """Items so far."""
        return len(self.ids)

    def head(self) -> dict[str, Any]:
        """The course's own keys, skills in the order of their lessons."""
        order = sorted(self.titles, key=lambda skill: (self._first_lesson(skill), skill))
        return {
            "course": slug(self.course),
            "version": "1.0.0",
            "title": self.course,
            "locale": self.locale,
            "profile": "imported",
            "license": " AND ".join(self.licenses),
            "attribution": [*self.sources, "Imported from OATutor content; notation changed"],
            "skills": [{"id": skill, "title": self.titles[skill]} for skill in order],
        }

    def files(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Items by file, one a lesson, in the lessons' order."""
        lessons = sorted(self.items, key=lesson_order)
        return [
            (f"{at:03}-{slug(lesson, 48).replace('.', '-')}", self.items[lesson])
            for at, lesson in enumerate(lessons, start=1)
        ]

    def _first_lesson(self, skill: str) -> tuple[tuple[int, ...], str]:
        return min(lesson_order(lesson) for lesson in self.lessons_of[skill])

    def suggested(self) -> dict[str, list[str]]:
        """Prerequisites to consider: the skills that begin in the chapter's lesson before."""
        begins: dict[tuple[tuple[int, ...], str], list[str]] = {}
        for skill in self.titles:
            begins.setdefault(self._first_lesson(skill), []).append(skill)
        order = sorted(begins)
        return {
            skill: sorted(begins[before])
            for before, lesson in pairwise(order)
            if before[0][:1] == lesson[0][:1]
            for skill in sorted(begins[lesson])
        }


def lesson_order(lesson: str) -> tuple[tuple[int, ...], str]:
    """What lessons are sorted by: the numbers they begin with, then their names.

    >>> sorted(["1.10 Systems", "1.9 Reals", "Review"], key=lesson_order)
    ['Review', '1.9 Reals', '1.10 Systems']
    """
    found = re.match(r"\s*([0-9.]*)", lesson)
    numbers = re.findall(r"[0-9]+", found[1]) if found else []
    return tuple(int(number) for number in numbers), lesson


def imported(text: bytes, *, locale: str = "en") -> Import:
    """The problems of a JSON Lines file as a course; whatever is left out is counted."""
    made = Import(locale=locale)
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            problem = json.loads(line)
            steps = list(problem["steps"])
            name = str(problem["id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            made.skipped.add("not-json", f"line {number}")
            continue
        made.problems += 1
        made.course = made.course or str(problem.get("courseName") or "OATutor")
        for step in steps:
            made.steps += 1
            which = str(step.get("id", name)) if isinstance(step, dict) else name
            try:
                _take(made, problem, step, which)
            except NotImported as error:
                made.skipped.add(error.reason, which)
            except (AttributeError, KeyError, TypeError, IndexError):
                made.skipped.add("not-json", which)
    return made


def _take(made: Import, problem: dict[str, Any], step: dict[str, Any], which: str) -> None:
    """One step as an item. Raises `NotImported` with the reason."""
    license_, rights = _license(problem)
    if problem.get("variabilization") or step.get("variabilization"):
        raise NotImported("variabilised")
    texts = [str(problem.get("body") or ""), step.get("stepTitle", ""), step.get("stepBody", "")]
    if has_figure(*texts):
        raise NotImported("figure")
    if not whole(json.dumps([problem.get("title"), step], ensure_ascii=False)):
        raise NotImported("broken-text")
    answer = answer_of(step, list(step.get("stepAnswer") or []))
    prompt = "\n\n".join(part for text in texts if (part := text_of(text)))
    title = text_of(str(problem.get("title") or ""))
    if not (prompt or title):
        raise NotImported("no-question")
    notes = list[str]()
    item = {
        "id": slug(which),
        "title": title,
        "skills": _skills(step, notes),
        "prompt": prompt or title,
        **answer.fields,
        "hints": _ladder(step, answer, notes),
        "source": _source(problem, which, rights),
    }
    if not title or not prompt:
        del item["title"]
    _admit(made, item, problem, step)
    made.licenses[license_] = None
    _credit(made, problem, step)
    for note in dict.fromkeys([*notes, *(["repeated-choices"] if answer.repeated else [])]):
        made.notes.add(note, which)


def _admit(
    made: Import, item: dict[str, Any], problem: dict[str, Any], step: dict[str, Any]
) -> None:
    """Take an item if its id is new, its key is accepted and there is room."""
    if made.count >= MOST_ITEMS:
        raise NotImported("over-limit")
    if item["id"] in made.ids:
        raise NotImported("repeated-id")
    if not accepts_itself(item):
        raise NotImported("key-not-accepted")
    lesson = str(problem.get("lesson") or "Lesson").strip()
    names = {slug(name): name for name in reversed(step["knowledgeComponents"])}
    for skill in item["skills"]:
        made.titles.setdefault(skill, names[skill].replace("_", " ").strip().capitalize())
        made.lessons_of.setdefault(skill, set()).add(lesson)
    made.ids.add(item["id"])
    made.items.setdefault(lesson, []).append(item)


def accepts_itself(item: dict[str, Any]) -> bool:
    """Whether an item's key, typed by a learner, is judged correct."""
    try:
        word = msgspec.convert(_renamed(item), Item)
        drawn = instance(word, "", 0)
        return graded(drawn, key_spelled(drawn)).verdict == "correct"
    except (ExpressionError, msgspec.ValidationError):
        return False


def _renamed(item: dict[str, Any]) -> dict[str, Any]:
    """The item under the canonical form's names."""
    named = {("options" if key == "choices" else key): value for key, value in item.items()}
    hints = [
        {("options" if key == "choices" else key): value for key, value in hint.items()}
        for hint in item["hints"]
    ]
    return {**named, "hints": hints}


def _license(problem: dict[str, Any]) -> tuple[str, str]:
    """The licence's short name, and as the source words it."""
    found = _LINKED.match(str(problem.get("license") or ""))
    url, name, rest = found.groups() if found else (None, None, "")
    worded = (name or rest or "").strip()
    if not url and not worded:
        raise NotImported("no-licence")
    short = _LICENSES.get((url or "").rstrip("/") + "/", worded or str(url))
    return short, f"{worded} ({url})" if url and worded else str(url or worded)


def _linked(text: str) -> tuple[str, str]:
    found = _LINKED.match(text)
    if found is None:
        return "", text
    return found[1] or "", (found[2] or found[3] or found[1] or "").strip()


def _source(problem: dict[str, Any], which: str, rights: str) -> dict[str, str]:
    url, name = _linked(str(problem.get("oer") or ""))
    lesson = str(problem.get("lesson") or "").strip()
    title = ", ".join(part for part in (name, lesson) if part)
    told = {"title": title, "url": url, "license": rights, "original_id": which}
    return {key: value for key, value in told.items() if value}


def _credit(made: Import, problem: dict[str, Any], step: dict[str, Any]) -> None:
    """Keep every source's name: the problem's and those of its hints."""
    hints = step.get("tutoring", {}).get("DefaultPathway") or []
    for holder in (problem, *hints):
        url, name = _linked(str(holder.get("oer") or ""))
        if name:
            made.sources[f"{name}, {url}" if url and url != name else name] = None


def _skills(step: dict[str, Any], notes: list[str]) -> list[str]:
    names = list(dict.fromkeys(slug(name) for name in step.get("knowledgeComponents") or []))
    if not names:
        raise NotImported("no-skill")
    if len(names) > 4:
        notes.append("more-than-four-skills")
    return names[:4]


def _ladder(step: dict[str, Any], answer: Answer, notes: list[str]) -> list[dict[str, Any]]:
    """The hints in the order of their dependencies, ended by a bottom-out."""
    pathway = (step.get("tutoring") or {}).get("DefaultPathway") or []
    rungs: list[dict[str, Any]] = []
    for hint in _ordered(pathway, notes):
        rungs.append(_rung(hint, notes))
        for sub in hint.get("subHints") or []:
            notes.append("sub-hints-in-line")
            rungs.append(_rung(sub, notes))
    rungs = [rung for rung in rungs if rung.get("say") or rung.get("ask")]
    if not rungs:
        notes.append("no-hints")
    if rungs and "ask" not in rungs[-1] and holds_key(rungs[-1]["say"], answer):
        last = rungs.pop()["say"]
    else:
        if rungs:
            notes.append("bottom-out-made")
        last = f"The answer is {answer.shown}."
    for at, rung in enumerate(rungs):
        asked = any("ask" in before for before in rungs[: at + 1])
        rung["level"] = "scaffold" if asked else "point" if at else "nudge"
    return [*rungs, {"level": "bottom-out", "say": last}]


def _rung(hint: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    title, body = str(hint.get("title") or ""), str(hint.get("text") or "")
    if has_figure(title, body):
        notes.append("figure-in-hint")
        title, body = without_figures(title), without_figures(body)
    title, body = text_of(title), text_of(body)
    said = f"**{title}**\n\n{body}" if title and body and title != body else body or title
    if hint.get("type") != "scaffold" or not said:
        return {"level": "point", "say": said}
    try:
        asked = answer_of(hint, list(hint.get("hintAnswer") or []))
    except NotImported:
        notes.append("scaffold-as-text")
        return {"level": "point", "say": said}
    rung = {"level": "scaffold", "ask": said, **asked.fields}
    probe = {"id": "x", "skills": ["x"], "prompt": said, "hints": [], **asked.fields}
    if accepts_itself(probe):
        return rung
    notes.append("scaffold-as-text")
    return {"level": "point", "say": said}


def _ordered(pathway: list[dict[str, Any]], notes: list[str]) -> list[dict[str, Any]]:
    """Hints after those they depend on, else in the source's order (Kahn 1962)."""
    known = {hint["id"] for hint in pathway}
    waiting: dict[str, set[str]] = {}
    for hint in pathway:
        needs = set(hint.get("dependencies") or [])
        if needs - known:
            notes.append("dangling-dependency")
        waiting[hint["id"]] = needs & known
    order: list[dict[str, Any]] = []
    left = list(pathway)
    done: set[str] = set()
    while left:
        ready = next((hint for hint in left if waiting[hint["id"]] <= done), None)
        if ready is None:
            notes.append("circular-dependency")
            ready = left[0]
        left.remove(ready)
        done.add(ready["id"])
        order.append(ready)
    return order


def report_of(made: Import, source: Path, text: bytes) -> dict[str, Any]:
    """The import's report: what came through, what did not and why, what was changed."""
    return {
        "importer": f"oatutor {VERSION}",
        "file": source.name,
        "sha256": hashlib.sha256(text).hexdigest(),
        "problems": made.problems,
        "steps": made.steps,
        "items": made.count,
        "usable_share": round(made.count / made.steps, 4) if made.steps else 0.0,
        "not_imported": made.skipped.told(REASONS),
        "changed": made.notes.told(NOTES),
        "suggested_requires": made.suggested(),
    }
