"""Answers as evidence, read from logs. This file serves refits, other models, carrying over.

Every session's log is folded again, so what counts as a scored attempt is decided by the one fold
and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from engines.beliefs import scoring_of
from engines.quantum.state import to_bytes
from engines.tutor import guess_rate
from engines.words import Floats, Syllabus
from streaming import deeds
from streaming.catalogue import Catalogue
from streaming.log import Log
from streaming.records import Records
from streaming.replay import Replay

BREATHE_EVERY = 32
"""So many deeds are folded before others on the loop have their turn."""


class Evidence(NamedTuple):
    """One answer that said something: where it stands, what was forecast, what came.

    `weight` is 1 for a scored attempt, less for a rapid guess, 0 for practice alone.
    """

    sid: str
    course: str
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
    course = ""
    folded = 0
    async for decided in Replay(sid, log, records, catalogue).decisions():
        folded += 1
        if folded % BREATHE_EVERY == 0:
            await asyncio.sleep(0)
        deed, decision = decided.deed, decided.decision
        if isinstance(deed, deeds.LessonBegan):
            course = deed.course
        if not isinstance(deed, deeds.AnswerGiven) or decision is None or decision.weight is None:
            continue
        beliefs = decision.beliefs
        item = next(i for i in beliefs.course.items if i.id == deed.item)
        yield Evidence(
            sid,
            course,
            decided.seq,
            decided.at_ms,
            deed.taken_ms,
            deed.item,
            item.skills,
            decision.p_expected,
            decision.verdict.verdict == "correct",
            decision.weight,
        )


async def carried(
    sid: str, log: Log, records: Records, catalogue: Catalogue, syllabus: Syllabus
) -> bytes:
    """The learner's scoring state under the syllabus' physics: all evidence filtered again."""
    scoring = scoring_of(syllabus)
    x: Floats = scoring.fresh()
    async for answer in evidence(sid, log, records, catalogue):
        item = syllabus.item_index.get(answer.item)
        if item is not None:
            guess = guess_rate(syllabus, item)
            right = answer.right or answer.weight == 0.0
            scoring.answer(x, item, right, weight=answer.weight, guess=guess)
    return to_bytes(x, scoring.parameters)
