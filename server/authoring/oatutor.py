"""OATutor problems as a course, an item a step (Pardos et al. 2023). This file is the importer."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from server.authoring.folder import MOST_ITEMS
from server.authoring.oatutor_answers import Answer, Asked, accepts_itself
from server.authoring.oatutor_hints import ladder, pathway_of
from server.authoring.oatutor_texts import (
    LETTERS,
    Figures,
    slug,
    text_of,
    whole,
)
from server.authoring.oatutor_tree import Tree
from server.authoring.oatutor_varied import Variation
from server.transfer.source import source_at
from server.transfer.tally import NotImported, Tally

VERSION = 2
"""Version of this importer, named in the report."""

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
    "variabilised": "the lists that the problem's numbers are drawn from cannot be params",
    "unfilled-template": "a text holds a mark that nothing fills",
    "figure": "the question or a choice shows a figure whose file is missing or of another type",
    "no-answer": "the step has no answer",
    "no-question": "the step asks nothing",
    "no-skill": "the step names no skill",
    "broken-text": "a text holds half a character",
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
    "figure-undescribed": "a figure is carried; the source has no words for it",
    "kept-as-text": "no kind of mathematics reads the answer; it is compared as a text",
    "joined": "a step that asks about an earlier one's answer became a part of one item",
    "more-than-four-skills": "only the first four skills were kept",
}
"""What was changed on the way, the item being imported."""


@dataclass
class Import:
    """A course on its way: items by lesson, skills by first lesson, what was left out and why."""

    locale: str = "en"
    problems: int = 0
    steps: int = 0
    taken: int = 0
    """Steps that are in an item."""
    course: str = ""
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    """Title by skill; names that differ in spacing only are one skill."""
    lessons_of: dict[str, set[str]] = field(default_factory=dict)
    licenses: dict[str, None] = field(default_factory=dict)
    sources: dict[str, None] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    media: dict[str, bytes] = field(default_factory=dict)
    """Figures carried: their bytes by file name."""
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

    def kinds(self) -> Counter[str]:
        """Items by the kind of their answer."""
        return Counter(
            item["answer"]["kind"] if "answer" in item else "parts"
            for listed in self.items.values()
            for item in listed
        )

    def shown(self) -> dict[str, bytes]:
        """The figures, each under the hash of its bytes, by their place in the course's folder."""
        return {f"media/{name}": body for name, body in self.media.items()}

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
            where = str(problem["id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            made.skipped.add("not-json", f"line {number}")
            continue
        _problem(made, problem, where, {})
    return made


def imported_tree(tree: Tree, *, locale: str = "en") -> Import:
    """The problems of the repository's own layout as a course; figures with files are carried."""
    made = Import(locale=locale)
    for where, problem in tree.problems():
        if problem is None:
            made.skipped.add("not-json", where)
        else:
            _problem(made, problem, where, tree.figures(where))
    return made


def read(place: Path, *, locale: str = "en") -> tuple[Import, bytes]:
    """A JSON Lines file or a folder in the original layout as a course, and what was read.

    Raises OSError, and ValueError for a file that is too large or a folder with too many.
    """
    if place.is_dir():
        tree = Tree(place)
        return imported_tree(tree, locale=locale), tree.listing()
    text = source_at(place).data
    return imported(text, locale=locale), text


def _problem(made: Import, problem: dict[str, Any], name: str, files: Mapping[str, bytes]) -> None:
    """Every step of a problem as an item of its own, or all as parts of one."""
    steps = problem.get("steps")
    if not isinstance(steps, list):
        made.skipped.add("not-json", name)
        return
    made.problems += 1
    made.course = made.course or str(problem.get("courseName") or "OATutor")
    made.steps += len(steps)
    joined = _leaning(steps)
    for group in [steps] if joined else [[step] for step in steps]:
        ids = [str(step.get("id", name)) if isinstance(step, dict) else name for step in group]
        try:
            _take(made, problem, group, name if joined else ids[0], Figures(files))
        except NotImported as error:
            for which in ids:
                made.skipped.add(error.reason, which)
        except (AttributeError, KeyError, TypeError, IndexError):
            for which in ids:
                made.skipped.add("not-json", which)
        else:
            made.taken += len(group)
            for which in ids if joined else ():
                made.notes.add("joined", which)


_EARLIER = re.compile(
    r"(?i)\b(?:your|the) (?:previous|earlier|last|first) (?:answer|result|part|step|question)"
    r"|\b(?:answer|result|equation|expression)s? (?:from|of|in) (?:the )?(?:previous|last|first"
    r"|part|step)|\bpart \(?[a-h]\)?(?![a-z])|\bfrom (?:part|step) |\bfrån (?:del|steg)"
    r"|\bföregående (?:svar|del|steg|fråga)"
)


def _leaning(steps: list[Any]) -> bool:
    """Whether a later step asks about an earlier one's answer, in words."""
    texts = (
        f"{step.get('stepTitle', '')}\n{step.get('stepBody', '')}"
        for step in steps[1:]
        if isinstance(step, dict)
    )
    return any(_EARLIER.search(text) for text in texts)


@dataclass
class _Question:
    """A step on its way: what it asks, what is right, how it is helped."""

    prompt: str
    answer: Answer
    hints: list[dict[str, Any]]


def _take(
    made: Import,
    problem: dict[str, Any],
    steps: list[dict[str, Any]],
    which: str,
    figures: Figures,
) -> None:
    """Steps as one item: alone, or as its parts. Raises `NotImported` with the reason."""
    rights = _license(problem)
    told = {key: problem.get(key) for key in ("title", "body")}
    dumped = json.dumps([told, steps], ensure_ascii=False)
    if not whole(dumped):
        raise NotImported("broken-text")
    lists = Variation(problem, *steps, *_hints(steps))
    if "@{" in dumped:
        problem, steps = {**problem, **lists.held(told)}, lists.held(steps)
    notes = list[str]()
    title = text_of(str(problem.get("title") or ""))
    body = text_of(figures.taken(str(problem.get("body") or "")))
    skills = _skills(steps, notes)
    words = f"{title}\n{body}\n{' '.join(skills)}"
    asked = [
        _question(step, lists, figures, Asked("", words, made.locale), notes) for step in steps
    ]
    if len(asked) == 1:
        asked[0].prompt = "\n\n".join(part for part in (body, asked[0].prompt) if part)
        prompt = asked[0].prompt
    else:
        prompt = body
    if not (prompt or title):
        raise NotImported("no-question")
    item = {
        "id": slug(which),
        "title": title,
        "skills": skills,
        "params": lists.params,
        "prompt": prompt or title,
        **(asked[0].answer.fields if len(asked) == 1 else {"parts": _parts(asked)}),
        "hints": asked[0].hints if len(asked) == 1 else _joined(asked),
        "media": figures.media(title or prompt),
        "source": _source(problem, which, rights),
    }
    if not title or not prompt:
        del item["title"]
    item = {key: value for key, value in lists.marked(item).items() if value or key == "hints"}
    _admit(made, item, problem, steps)
    made.media |= figures.used
    made.licenses[rights] = None
    _credit(made, problem, steps)
    if figures.used:
        notes.append("figure-undescribed")
    for note in dict.fromkeys(notes):
        made.notes.add(note, which)


def _hints(steps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """All hints of steps, those below other hints too."""
    found = [hint for step in steps for hint in pathway_of(step)]
    return [*found, *(sub for hint in found for sub in hint.get("subHints") or [])]


def _question(
    step: dict[str, Any], lists: Variation, figures: Figures, asked: Asked, notes: list[str]
) -> _Question:
    texts = [figures.taken(str(step.get(key) or "")) for key in ("stepTitle", "stepBody")]
    prompt = "\n\n".join(part for text in texts if (part := text_of(text)))
    keys = [str(key) for key in step.get("stepAnswer") or []]
    answer = lists.answer(step, keys, asked._replace(prompt=prompt))
    if answer.repeated:
        notes.append("repeated-choices")
    if answer.kind == "text" and step.get("answerType") == "arithmetic":
        notes.append("kept-as-text")
    return _Question(prompt, answer, ladder(step, answer, lists, notes, asked.locale))


def _parts(asked: list[_Question]) -> list[dict[str, Any]]:
    return [
        {"id": LETTERS[at], "prompt": each.prompt or "?", **each.answer.fields}
        for at, each in enumerate(asked)
    ]


def _joined(asked: list[_Question]) -> list[dict[str, Any]]:
    """One ladder of several: their rungs one after another, their ends as one."""
    rungs = [rung for each in asked for rung in each.hints[:-1]]
    scaffolds = [at for at, rung in enumerate(rungs) if "ask" in rung]
    for at, rung in enumerate(rungs):
        below = scaffolds and at >= scaffolds[0]
        rung["level"] = "scaffold" if below else "point" if at else "nudge"
    last = "\n\n".join(each.hints[-1]["say"] for each in asked)
    return [*rungs, {"level": "bottom-out", "say": last}]


def _admit(
    made: Import, item: dict[str, Any], problem: dict[str, Any], steps: list[dict[str, Any]]
) -> None:
    """Take an item if its id is new, its key is accepted and there is room."""
    if made.count >= MOST_ITEMS:
        raise NotImported("over-limit")
    if item["id"] in made.ids:
        raise NotImported("repeated-id")
    if not accepts_itself(item, locale=made.locale):
        raise NotImported("key-not-accepted")
    lesson = str(problem.get("lesson") or "Lesson").strip()
    known = [name for step in steps for name in step.get("knowledgeComponents") or []]
    names = {slug(name): name for name in reversed(known)}
    for skill in item["skills"]:
        made.titles.setdefault(skill, names[skill].replace("_", " ").strip().capitalize())
        made.lessons_of.setdefault(skill, set()).add(lesson)
    made.ids.add(item["id"])
    made.items.setdefault(lesson, []).append(item)


def _license(problem: dict[str, Any]) -> str:
    """The licence's short name (SPDX) where it is a known one, else as the source words it."""
    found = _LINKED.match(str(problem.get("license") or ""))
    url, name, rest = found.groups() if found else (None, None, "")
    worded = (name or rest or "").strip()
    if not url and not worded:
        raise NotImported("no-licence")
    return _LICENSES.get((url or "").rstrip("/") + "/", worded or str(url))


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


def _credit(made: Import, problem: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    """Keep every source's name: the problem's and those of its hints."""
    for holder in (problem, *_hints(steps)):
        url, name = _linked(str(holder.get("oer") or ""))
        if name:
            made.sources[f"{name}, {url}" if url and url != name else name] = None


def _skills(steps: list[dict[str, Any]], notes: list[str]) -> list[str]:
    known = [name for step in steps for name in step.get("knowledgeComponents") or []]
    names = list(dict.fromkeys(map(slug, known)))
    if not names:
        raise NotImported("no-skill")
    if len(names) > 4:
        notes.append("more-than-four-skills")
    return names[:4]


def report_of(made: Import, source: Path, text: bytes) -> dict[str, Any]:
    """The import's report: what came through, what did not and why, what was changed.

    `text` is what was read: a file's bytes, or the list of a tree's files with their hashes.
    """
    return {
        "importer": f"oatutor {VERSION}",
        "file": source.name,
        "sha256": hashlib.sha256(text).hexdigest(),
        "problems": made.problems,
        "steps": made.steps,
        "items": made.count,
        "steps_imported": made.taken,
        "kinds": dict(sorted(made.kinds().items())),
        "usable_share": round(made.taken / made.steps, 4) if made.steps else 0.0,
        "not_imported": made.skipped.told(REASONS),
        "changed": made.notes.told(NOTES),
        "suggested_requires": made.suggested(),
    }
