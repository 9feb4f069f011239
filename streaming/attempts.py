"""Answers as evidence, read from logs. This file serves refits, other models, carrying over.

Every session's log is folded again, so what counts as a scored attempt is decided by the one fold
and nowhere else.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import msgspec
import numpy as np

from engines.beliefs import Carried, final_bytes, scoring_of
from engines.quantum.state import to_bytes
from engines.responses import Responses, Row, fold_of, responses
from engines.tutor import guess_rate
from engines.words import Course, Floats, Syllabus
from streaming import deeds
from streaming.catalogue import Catalogue
from streaming.log import ROOM, Log
from streaming.records import Records
from streaming.replay import Replay

BREATHE_EVERY = 32
"""So many deeds are folded before others on the loop have their turn."""


class Evidence(NamedTuple):
    """One answer that said something: where it stands, what was forecast, what came.

    `weight` is 1 for a scored attempt, less for a rapid guess, 0 for
    practice alone.
    """

    sid: str
    course: Course
    seq: int
    at_ms: int
    taken_ms: int
    item: str
    skills: tuple[str, ...]
    p: float
    right: bool
    weight: float


async def evidence(
    sid: str, log: Log, records: Records, catalogue: Catalogue
) -> AsyncIterator[Evidence]:
    """One session's evidence in order."""
    folded = 0
    async for decided in Replay(sid, log, records, catalogue).decisions():
        folded += 1
        if folded % BREATHE_EVERY == 0:
            await asyncio.sleep(0)
        deed, decision = decided.deed, decided.decision
        if decision is None or decision.weight is None:
            continue
        course, name = decision.beliefs.course, decided.item
        assert name is not None
        yield Evidence(
            sid,
            course,
            decided.seq,
            decided.at_ms,
            deed.taken_ms if isinstance(deed, deeds.AnswerGiven) else 0,
            name,
            next(item.skills for item in course.items if item.id == name),
            decision.p_expected,
            decision.verdict.verdict == "correct",
            decision.weight,
        )


class Told(NamedTuple):
    """A course's scored answers as one log, and what was told before each, (n,).

    `course` is its newest version that was answered.
    """

    log: Responses
    p: Floats
    course: Course


async def by_course(
    log: Log,
    records: Records,
    catalogue: Catalogue,
    reading: Callable[[int, int], None] | None = None,
) -> dict[str, Told]:
    """Every course's scored answers, by the course's id, whatever its version.

    Learners go by their session's name, and their fold by it; `reading` hears how many of how
    many sessions were read.
    """
    rows: dict[str, list[Row]] = {}
    told: dict[str, list[float]] = {}
    newest_ms: dict[str, int] = {}
    courses: dict[str, Course] = {}
    names = [name for name in await log.names() if not name.startswith(ROOM)]
    for done, sid in enumerate(names, 1):
        async for it in evidence(sid, log, records, catalogue):
            if it.weight == 1.0:
                skills = "~".join(sorted(it.skills))
                at_s, taken_ms = it.at_ms / 1000, float(it.taken_ms)
                row = (sid, it.item, skills, int(it.right), fold_of(sid), at_s, taken_ms)
                rows.setdefault(it.course.id, []).append(row)
                told.setdefault(it.course.id, []).append(it.p)
                if it.at_ms >= newest_ms.get(it.course.id, 0):
                    newest_ms[it.course.id], courses[it.course.id] = it.at_ms, it.course
        if reading is not None:
            reading(done, len(names))
    return {
        name: Told(_placed(responses(rows[name]), course), np.array(told[name]), course)
        for name, course in courses.items()
    }


def _placed(log: Responses, course: Course) -> Responses:
    """The log with the course's order as the items' places; items it lacks come behind."""
    place = {item.id: at for at, item in enumerate(course.items)}
    end = len(place)
    position = np.array([place.get(name, end) for name in log.items], dtype=np.int64)
    return dataclasses.replace(log, position=position)


async def carried(
    sid: str, log: Log, records: Records, catalogue: Catalogue, syllabus: Syllabus
) -> bytes:
    """The learner's scoring state under the syllabus' physics: all evidence filtered again."""
    scoring, final = scoring_of(syllabus), syllabus.final
    x: Floats = scoring.fresh()
    f: Floats = np.empty(0) if final is None else final.fresh()
    async for answer in evidence(sid, log, records, catalogue):
        item = syllabus.item_index.get(answer.item)
        if item is not None:
            guess = guess_rate(syllabus, item)
            out = scoring.answer(x, item, answer.right, weight=answer.weight, guess=guess)
            if final is not None and answer.weight == 1.0:
                final.answer(f, item, out.p, out.p_g, answer.right, answer.at_ms / 1000)
    scored = to_bytes(x, scoring.parameters)
    kept = b"" if final is None else final_bytes(final, f)
    return msgspec.msgpack.encode(Carried(scored, kept))
