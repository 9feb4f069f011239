"""A course on its way in: items by skill, ids, licence, the report. This file is the gathering.

What is gathered is checked before it is written: an item with a fault that a build refuses is
counted and left out, so that `content check --profile imported` finds no error in the result.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from engines.exercises.formats import shortest
from engines.exercises.grading import graded, key_spelled
from engines.exercises.limits import ExpressionError
from engines.exercises.marks import localised
from engines.exercises.mentions import numbers_in
from engines.exercises.params import ParamError, Undrawable
from engines.exercises.template import instance
from engines.words import Item
from server.authoring.checking import checked
from server.authoring.findings import MOST as MOST_FINDINGS
from server.authoring.folder import MOST_ITEMS
from server.authoring.oatutor_texts import slug
from server.authoring.writing import FILE_ITEMS, folder_written, has_room, yaml_of
from server.transfer.landing import Progressed, landed, pictures_written
from server.transfer.markup import bare
from server.transfer.questions import MOST_SKILLS, Judged, Question, spelled
from server.transfer.reasons import NOTES, REASONS
from server.transfer.source import Source
from server.transfer.tally import NotImported, Tally

UNSTATED = "NOASSERTION"
"""A licence that nobody stated, by the word SPDX has for it: none is ever made up."""
MOST_HINTS = 20
MOST_TAGS = 50
_SEEDS = 3
"""Draws for which a key must be right; the checks try more."""
_ROUNDS = 20
"""Checks until no item is left out: a check tells at most 200 findings at once."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_THE_ANSWER_IS = {
    "ar": "الجواب هو {}.",
    "de": "Die Antwort ist {}.",
    "en": "The answer is {}.",
    "es": "La respuesta es {}.",
    "fr": "La réponse est {}.",
    "it": "La risposta è {}.",
    "nl": "Het antwoord is {}.",
    "pt": "A resposta é {}.",
    "sv": "Svaret är {}.",
}
"""How a bottom-out that the source does not have is worded; in other languages the key alone."""


@dataclass
class Draft:
    """A course as one importer makes it. `rights` is a licence that was stated, or empty."""

    importer: str
    source: Source
    locale: str = "en"
    title: str = ""
    rights: str = ""
    credits: list[str] = field(default_factory=list)
    questions: int = 0
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Items by their first skill."""
    names: dict[str, str] = field(default_factory=dict)
    """Title by skill."""
    whiches: dict[str, str] = field(default_factory=dict)
    """By item, how the report names its question."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """Bodies by the name below the course's folder."""
    skipped: Tally = field(default_factory=Tally)
    notes: Tally = field(default_factory=Tally)
    warnings: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.title = self.title or self.source.stem

    @property
    def file(self) -> str:
        """The name of what is read."""
        return self.source.name

    @property
    def count(self) -> int:
        """Items so far."""
        return len(self.whiches)

    def skip(self, reason: str, which: str) -> None:
        """Count a question that is not imported."""
        self.questions += 1
        self.skipped.add(reason, which)

    def take(self, question: Question) -> None:
        """Make an item of a question, or count why not."""
        try:
            item = self._item(question)
        except NotImported as error:
            self.skip(error.reason, question.which)
            return
        self.questions += 1
        self.whiches[item["id"]] = question.which
        self.items.setdefault(item["skills"][0], []).append(item)
        if question.pictures is not None:
            self.pictures |= question.pictures.bodies
        for note in dict.fromkeys([*question.notes, *question.judged.notes]):
            self.notes.add(note, question.which)

    def _item(self, question: Question) -> dict[str, Any]:
        if self.count >= MOST_ITEMS:
            raise NotImported("over-limit")
        if not question.prompt.strip():
            raise NotImported("no-question")
        title = bare(question.title) if question.title != question.prompt else ""
        item = {
            "id": self._id(question),
            "title": title[:200],
            "skills": self._skills(question),
            "difficulty": question.difficulty,
            "params": question.params,
            "prompt": question.prompt,
            **question.judged.fields,
            "misconceptions": question.judged.misconceptions,
            "hints": ladder(question, self.locale),
            "media": self._media(question, title),
            "tags": list(dict.fromkeys(question.tags))[:MOST_TAGS],
            "source": {"title": self.file, "license": self.rights, **question.source},
        }
        item["source"] = {
            key: value
            for key, value in {**item["source"], "original_id": question.which}.items()
            if value
        }
        if _SURROGATE.search(json.dumps(item, ensure_ascii=False, default=str)):
            raise NotImported("broken-text")
        return {key: value for key, value in item.items() if value or key == "id"}

    def _media(self, question: Question, title: str) -> list[dict[str, str]]:
        if question.pictures is None:
            return []
        if not all(question.pictures.alts.values()):
            question.notes.append("alt-made")
        return question.pictures.media(title or bare(question.prompt)[:200])

    def _id(self, question: Question) -> str:
        wanted = slug(question.which)
        if wanted not in self.whiches:
            return wanted
        question.notes.append("repeated-id")
        names = (f"{slug(question.which, 58)}-{nth}" for nth in count(2))
        return next(name for name in names if name not in self.whiches)

    def _skills(self, question: Question) -> list[str]:
        listed = [name.strip() for name in question.skills if name.strip()] or [self.title]
        if len(listed) > MOST_SKILLS:
            question.notes.append("more-than-four-skills")
        for name in listed[:MOST_SKILLS]:
            self.names.setdefault(slug(name), bare(name) or slug(name))
        return list(dict.fromkeys(slug(name) for name in listed[:MOST_SKILLS]))

    def head(self) -> dict[str, Any]:
        """The course's own keys; skills in the order of their first question."""
        used = dict.fromkeys(
            skill for listed in self.items.values() for item in listed for skill in item["skills"]
        )
        return {
            "course": slug(self.title),
            "version": "1.0.0",
            "title": bare(self.title) or slug(self.title),
            "locale": self.locale,
            "profile": "imported",
            "license": self._rights(),
            "attribution": [*dict.fromkeys(self.credits), f"Imported from {self.file}"],
            "skills": [{"id": skill, "title": self.names[skill]} for skill in used],
        }

    def _rights(self) -> str:
        """The licence stated for the course, else those of its items."""
        named = dict.fromkeys(
            item["source"].get("license", UNSTATED)
            for listed in self.items.values()
            for item in listed
        )
        return self.rights or " AND ".join(named) or UNSTATED

    def files(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Items by file, one a skill."""
        return [
            (f"{at:03}-{slug(skill, 48).replace('.', '-')}", listed)
            for at, (skill, listed) in enumerate(self.items.items(), start=1)
            if listed
        ]

    def written(
        self, out: Path, *, force: bool, progressed: Progressed | None = None
    ) -> dict[str, Any]:
        """Check the course, write what holds with its report; the report.

        Nothing is written where no item holds. Raises `Occupied` where something stands in the
        way and `force` is not given.
        """
        has_room(out, force=force)
        self._sift(progressed)
        report = self.report()
        landed(out, self, report, force=force)
        return report

    def shown(self) -> dict[str, bytes]:
        """The pictures of the items that are left, by their place in the course's folder."""
        return {
            picture["file"]: self.pictures[picture["file"]]
            for listed in self.items.values()
            for item in listed
            for picture in item.get("media", ())
        }

    def _sift(self, progressed: Progressed | None) -> None:
        """Leave out what a check refuses, until it refuses nothing."""
        for _ in range(_ROUNDS):
            if not self.count:
                return
            refused = self._refused(progressed)
            if not refused:
                return
            for name, reason in refused.items():
                self.skipped.add(reason, self.whiches.pop(name))
            for skill, listed in self.items.items():
                self.items[skill] = [item for item in listed if item["id"] not in refused]
        raise ValueError(f"{self.file}: more than {_ROUNDS * MOST_FINDINGS} faults; split it")

    def _refused(self, progressed: Progressed | None) -> dict[str, str]:
        """By item, why it cannot stay: a build would refuse it, or its own key is not right."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "course"
            places = _placed(self.files())
            folder_written(folder, self.head(), places.files, force=False)
            pictures_written(folder, self.shown())
            course = checked(folder, profile="imported", progressed=progressed)
        found = course.report.all
        self.warnings = Counter(each.code for each in found if each.severity == "W")
        refused: dict[str, str] = {}
        for each in found:
            if each.severity == "E":
                where = places.item(each.file, each.line)
                if where is None:
                    raise ValueError(f"{self.file}: the course it makes has a fault: {each}")
                refused.setdefault(where, f"check-{each.code}")
        for item in course.course.items if course.course is not None else ():
            if not accepts_itself(item):
                refused.setdefault(item.id, "key-not-accepted")
        return refused

    def report(self) -> dict[str, Any]:
        """What came through, what did not and why, what was changed."""
        return {
            "importer": self.importer,
            "file": self.file,
            "sha256": self.source.sha256,
            "license": None if (rights := self._rights()) == UNSTATED else rights,
            "questions": self.questions,
            "items": self.count,
            "usable_share": round(self.count / self.questions, 4) if self.questions else 0.0,
            "not_imported": self.skipped.told(REASONS),
            "changed": self.notes.told(NOTES),
            "check_warnings": dict(sorted(self.warnings.items())),
        }


@dataclass
class _Places:
    """The files of a course, none too long for one, and the line each item begins on."""

    files: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    begins: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def item(self, file: str, line: int) -> str | None:
        """The item that a line of a file belongs to; None outside of items."""
        before = [name for begin, name in self.begins.get(file, ()) if begin <= line]
        return before[-1] if before else None


def _placed(files: Iterable[tuple[str, list[dict[str, Any]]]]) -> _Places:
    places = _Places()
    for name, listed in files:
        for at in range(0, len(listed), FILE_ITEMS):
            part = f"{name}-{at:05}"
            items = listed[at : at + FILE_ITEMS]
            places.files.append((part, items))
            line = 1
            begins = places.begins.setdefault(f"items/{part}.yaml", [])
            for item in items:
                begins.append((line, item["id"]))
                line += yaml_of([item]).count("\n") + 1  # one blank line between two items
    return places


def ladder(question: Question, locale: str) -> list[dict[str, str]]:
    """The hints in their order, ended by a bottom-out that states the key."""
    said = [hint for hint in question.hints if hint.strip()][:MOST_HINTS]
    judged = question.judged
    last = "\n\n".join(part for part in (question.explanation, *judged.said) if part.strip())
    if not last and said and states_key(said[-1], judged):
        last = said.pop()
    if not states_key(last, judged):
        made = _THE_ANSWER_IS.get(locale.partition("-")[0], "{}").format(_shown(judged, locale))
        last = f"{last}\n\n{made}" if last else made
        question.notes.append("bottom-out-made")
    rungs = [
        {"level": "nudge" if at == 0 else "point", "say": hint} for at, hint in enumerate(said)
    ]
    return [*rungs, {"level": "bottom-out", "say": last}]


def _shown(judged: Judged, locale: str) -> str:
    """The key inside a learner's text: a number as the language writes it."""
    if judged.value is None:
        return judged.shown
    if judged.fields["answer"]["kind"] == "fraction":
        return f"${shortest(judged.value, True)}$"
    return f"${localised(spelled(judged.value), locale, latex=True)}$"


def accepts_itself(item: Item) -> bool:
    """Whether an item's key, given by a learner, is right for its first few draws."""
    try:
        for seed in range(_SEEDS):
            made = instance(item, "", seed)
            if graded(made, key_spelled(made)).verdict != "correct":
                return False
    except (ExpressionError, ParamError, Undrawable):
        return False
    return True


def states_key(text: str, judged: Judged) -> bool:
    """Whether a text of the course states the answer."""
    if not text:
        return False
    if judged.value is not None:
        return judged.value in numbers_in(text)
    return re.sub(r"[$\s]", "", judged.shown) in re.sub(r"[$\s]", "", text)
