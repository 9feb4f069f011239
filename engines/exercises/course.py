"""A course to canonical bytes and back, and the arrays of its scoring. This file is that form."""

from __future__ import annotations

import gc
import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from engines.course_words import VARIANTS
from engines.exercises.checks import item_findings
from engines.exercises.curriculum import skill_findings
from engines.words import Course, Finding, Floats, Syllabus

FORMAT = 1
"""The canonical form's own version; another one is refused."""

MOST_SKILLS = 4

_BKT = ("init", "learn", "slip", "guess", "forget")


class BadCourse(ValueError):  # noqa: N818 (named by what happened)
    """Bytes that are not a course of this format: truncated, altered or unknown."""


def canonical(document: Mapping[str, Any]) -> bytes:
    """The document's one spelling as bytes: UTF-8, NFC, keys sorted, no spaces.

    Numbers must be integers or exact texts as "3/4". Raises ValueError for a float, which has no
    exact spelling, and for what JSON cannot hold.

    >>> canonical({"b": "3/4", "a": [1, True]}).decode()
    '{"a":[1,true],"b":"3/4"}'
    """
    return msgspec.json.encode(_composed(document), order="sorted")


def _composed(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return {_composed(key): _composed(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_composed(each) for each in value]
    if value is None or isinstance(value, bool | int):
        return value
    raise ValueError(f"{type(value).__name__} has no canonical form; write it as an exact text")


def course_from(
    canonical: bytes, *, locale: str | None = None, sha256: str | None = None
) -> Course:
    """The course of canonical bytes, its texts in `locale` (default: the course's own).

    A text without that locale falls back to its language, then to the course's own. `sha256`, if
    given, must be the hash of the bytes. Raises `BadCourse` naming what was expected and found.
    """
    found = hashlib.sha256(canonical).hexdigest()
    if sha256 is not None and sha256 != found:
        raise BadCourse(f"the course's bytes hash to {found[:12]}, expected {sha256[:12]}")
    with _uncollected():
        return _course(canonical, locale, found)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Many objects are made without looking for dead ones in between, which triples the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _course(canonical: bytes, locale: str | None, found: str) -> Course:
    document = _document(canonical)
    try:
        _localise(document, locale)
        _share(document)
        _to_floats(document)
        document["sha256"] = found
        return msgspec.convert(document, Course)
    except _UNLIKE_A_COURSE as error:
        raise BadCourse(f"not a course of format {FORMAT}: {error}") from None


_UNLIKE_A_COURSE = (
    msgspec.ValidationError,
    KeyError,
    ValueError,
    ZeroDivisionError,
    TypeError,
    AttributeError,
)
"""What a document of another shape runs into, before or at its conversion."""


def _localise(document: dict[str, Any], locale: str | None) -> None:
    own = document.get("locale", "en")
    tags = document.pop("locales", [own])
    if tags != [own]:
        for place in _texts(document):
            _resolve(place, locale or own, own)
    if tags != [own]:
        document["locales"] = tags
    document["locale"] = _nearest(locale or own, tags) or own


def in_one_locale(document: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """The document with its texts in one language and no other; what it lacks falls back."""
    copied: dict[str, Any] = msgspec.json.decode(canonical(document))
    _localise(copied, locale)
    copied.pop("locales", None)
    return copied


def _document(canonical: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(canonical)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadCourse(f"{len(canonical)} bytes that are not whole JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadCourse(f"expected an object, found {type(document).__name__}")
    written = document.pop("format", None)
    if written != FORMAT:
        raise BadCourse(f"expected format {FORMAT}, found {written!r}; build the course again")
    if "sha256" in document:
        raise BadCourse("a course's bytes do not name their own hash")
    return document


def _share(document: dict[str, Any]) -> None:
    """What stands once with the course is put where items name it."""
    said = {each["id"]: each["say"] for each in document.get("misconceptions", ())}
    goals = {each["id"]: each for each in document.get("goals", ())}
    for item in document.get("items", ()):
        for wrong in item.get("misconceptions", ()):
            if wrong.get("shared") and "say" not in wrong:
                wrong["say"] = said[wrong["id"]]
        if "goals" in item:
            item["goals"] = [goals[name] for name in item["goals"]]


def _to_floats(document: dict[str, Any]) -> None:
    """Exact texts become float64 where the words of a course hold one."""
    _to_float(document, "reading_grade")
    for skill in document.get("skills", ()):
        _to_float(skill, "mastery")
        if isinstance(bkt := skill.get("bkt"), dict):
            for name in _BKT:
                _to_float(bkt, name)
    for item in document.get("items", ()):
        _to_float(item, "difficulty")
        _to_float(item, "time_hint_s")


def _to_float(place: dict[str, Any], name: str) -> None:
    if isinstance(written := place.get(name), str):
        place[name] = float(Fraction(written))


Place = tuple[Any, Any]
"""An object and a key, or a list and a position."""


def _texts(document: Mapping[str, Any]) -> Iterator[Place]:
    """Every learner's text of a document, as (where, key)."""
    yield from _named(document, "title")
    for skill in document.get("skills", ()):
        yield from _named(skill, "title")
    for item in document.get("items", ()):
        yield from _item_texts(item)
    for shared in document.get("misconceptions", ()):
        yield from _named(shared, "say")
    for goal in document.get("goals", ()):
        yield from _named(goal, *GOAL_TEXTS)
        for option in goal.get("options", ()):
            yield from _named(option, "text")


def _item_texts(item: Mapping[str, Any]) -> Iterator[Place]:
    yield from _named(item, "title")
    for question in (item, *item.get("parts", ())):
        yield from _question_texts(question)
    for misconception in item.get("misconceptions", ()):
        yield from _named(misconception, "say")
    for hint in item.get("hints", ()):
        yield from _named(hint, "say", "ask", "hints")
        for option in hint.get("options", ()):
            yield from _named(option, "text")
    for step in item.get("steps", ()):
        yield from _named(step, "show", "why")
        for option in step.get("options", ()):
            yield from _named(option, "text")
    yield from _named(item.get("variants", {}), *VARIANTS)
    for picture in item.get("media", ()):
        yield from _named(picture, "alt")


def _question_texts(holder: Mapping[str, Any]) -> Iterator[Place]:
    """The texts of one question, an item's or a part's."""
    yield from _named(holder, "prompt")
    for option in holder.get("options", ()):
        yield from _named(option, "text")
    yield from _widget_texts(holder.get("widget", {}))


def _widget_texts(widget: Mapping[str, Any]) -> Iterator[Place]:
    for name in ("tokens", "lines", "left", "right"):
        for entry in widget.get(name, ()):
            yield from _named(entry, "text")
    for slider in widget.get("sliders", ()):
        yield from _named(slider, "label")


GOAL_TEXTS = (
    "elicit",
    "probe",
    "narrow",
    "contrast",
    "counterexample",
    "confirm",
    "summarise",
    "phrases",
)
"""A goal's texts; `probe` and `phrases` are lists of them."""


def _named(place: Any, *names: str) -> Iterator[Place]:
    """The texts under these names; each of a list of texts is a place of its own."""
    for name in names:
        if name not in place:
            continue
        if isinstance(listed := place[name], list):
            yield from ((listed, at) for at in range(len(listed)))
        else:
            yield place, name


def _resolve(place: Place, locale: str, own: str) -> None:
    where, name = place
    if isinstance(by_tag := where[name], dict):
        tag = _nearest(locale, by_tag) or _nearest(own, by_tag) or min(by_tag, default=None)
        where[name] = by_tag[tag] if tag is not None else ""


def locale_of(course: Course, wanted: str | None) -> str:
    """The language of a course that serves a learner's; empty where that is the course's own.

    >>> made = Course("c", "1", "C", "CC0", (), (), (), locale="en", locales=("ar", "en"))
    >>> locale_of(made, "ar-EG"), locale_of(made, "en-GB"), locale_of(made, "sv")
    ('ar', '', '')
    """
    tag = _nearest(wanted, course.locales) if wanted else None
    return "" if tag is None or tag == course.locale else tag


def _nearest(locale: str, tags: Any) -> str | None:
    language = locale.partition("-")[0]
    return locale if locale in tags else language if language in tags else None


def locales(document: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Per locale met in a document's texts: (texts that have it, texts there are).

    A plain text belongs to the course's own locale.
    """
    own = document.get("locale", "en")
    held: dict[str, int] = {own: 0}
    total = 0
    for where, name in _texts(document):
        total += 1
        text = where[name]
        for tag in text if isinstance(text, dict) else (own,):
            held[tag] = held.get(tag, 0) + 1
    return {tag: (count, total) for tag, count in sorted(held.items())}


def joined(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is built: format and locales named, one-locale maps as plain texts.

    Changes and returns its argument.
    """
    tags = sorted(locales(document))
    own = document.setdefault("locale", "en")
    if tags == [own]:
        for place in _texts(document):
            _resolve(place, own, own)
    else:
        document["locales"] = tags
    document["format"] = FORMAT
    return document


def syllabus(course: Course, d: Floats | None = None, d_version: str = "course") -> Syllabus:
    """The course with the arrays of its scoring; `d` pins item difficulties (logits).

    Without `d` the authors' priors stand. Arrays are read-only. Raises ValueError for an unknown
    skill, more than four skills on an item, a repeated id, or `d` of another length.

    >>> from engines.words import AnswerSpec, Item, Skill
    >>> one = Item("a", ("s",), "?", AnswerSpec("number", "1"), difficulty=0.5)
    >>> made = syllabus(Course("c", "1", "C", "CC0", (), (Skill("s", "S"),), (one,)))
    >>> made.item_skills.tolist(), made.d.tolist(), made.mastery.tolist()
    ([[0, -1, -1, -1]], [0.5], [0.95])
    """
    skill_index = _index("skill", [skill.id for skill in course.skills])
    item_index = _index("item", [item.id for item in course.items])
    item_skills = np.full((len(course.items), MOST_SKILLS), -1, dtype=np.int64)
    guess_floor = np.zeros(len(course.items), dtype=np.float64)
    for row, item in enumerate(course.items):
        if not 1 <= len(item.skills) <= MOST_SKILLS:
            raise ValueError(f"item {item.id}: 1 to {MOST_SKILLS} skills, {len(item.skills)} found")
        for column, skill in enumerate(item.skills):
            item_skills[row, column] = _at(skill_index, skill, f"item {item.id}")
        if item.answer.kind == "choice" and item.options:
            guess_floor[row] = 1 / len(item.options)
    requires = np.zeros((len(course.skills), len(course.skills)), dtype=np.bool_)
    for row, each in enumerate(course.skills):
        for needed in each.requires:
            requires[row, _at(skill_index, needed, f"skill {each.id}")] = True
    bkt = [[getattr(skill.bkt, name) for name in _BKT] for skill in course.skills]
    made = Syllabus(
        course=course,
        d_version=d_version,
        d=_pinned(course, d),
        item_skills=item_skills,
        requires=requires,
        bkt=np.array(bkt, dtype=np.float64).reshape(len(bkt), len(_BKT)),
        mastery=np.array([skill.mastery for skill in course.skills], dtype=np.float64),
        guess_floor=guess_floor,
        skill_index=skill_index,
        item_index=item_index,
    )
    for array in (made.d, item_skills, requires, made.bkt, made.mastery, guess_floor):
        array.flags.writeable = False
    return made


def _pinned(course: Course, d: Floats | None) -> Floats:
    if d is None:
        return np.array([item.difficulty for item in course.items], dtype=np.float64)
    if d.shape != (len(course.items),):
        raise ValueError(f"{len(course.items)} difficulties expected, shape {d.shape} found")
    if not np.isfinite(d).all():
        raise ValueError("a difficulty is not finite")
    return np.array(d, dtype=np.float64)


def _index(what: str, ids: list[str]) -> dict[str, int]:
    found = {each: place for place, each in enumerate(ids)}
    if len(found) != len(ids):
        repeated = sorted(each for place, each in enumerate(ids) if found[each] != place)
        raise ValueError(f"{what} id given twice: {repeated[0]}")
    return found


def _at(index: Mapping[str, int], skill: str, where: str) -> int:
    if skill not in index:
        raise ValueError(f"{where}: unknown skill {skill}")
    return index[skill]


def findings(
    course: Course,
    progressed: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Every fault that the course alone shows, by check code (content format, section 5).

    Costs up to 200 instances an item; `progressed` hears how many items are done, and of how many.
    Paths lead through the document's own names.
    """
    found = skill_findings(course)
    locales = (course.locale, *(tag for tag in course.locales if tag != course.locale))
    for at, item in enumerate(course.items):
        found += item_findings(item, course.sha256, ("items", at), locales)
        if progressed is not None:
            progressed(at + 1, len(course.items))
    return found
