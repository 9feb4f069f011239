"""The courses a server teaches, by hash, and the versions of their item difficulties.

This file is where a deed's `(course, d_version)` becomes a `Syllabus`. Every learner's scored
answers move one live array of difficulties a course (Elo on the item's side, Pelánek 2016); from
time to time the array is published as an immutable version, and a lesson is pinned to the newest
version at its start: so a session's log can be folded again, bit by bit, at any time. Courses
and versions are kept in Records for good.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence

import msgspec
import numpy as np

from engines.exercises.course import course_from, syllabus
from engines.learner.ability import item_step
from engines.words import Course, Syllabus
from protocol.errors import Code, Refused
from streaming.log import Ticket, stored
from streaming.records import Records

_LOG = logging.getLogger(__name__)

PUBLISH_EVERY = 1_000
"""Scored answers on a course between two published versions of its difficulties."""
SYLLABI_KEPT = 64
"""Versions kept in memory; older ones are read again when a session needs them."""


class _Difficulties(msgspec.Struct):
    """A published version: difficulties in logits and answers behind each, by the items' order."""

    number: int
    d: bytes
    n: bytes


class _Live:
    """One course's moving difficulties."""

    __slots__ = ("course", "d", "fresh", "index", "n", "newest", "number", "told")

    def __init__(self, course: Course, first: Syllabus) -> None:
        self.course = course
        self.index = first.item_index
        # Plain lists: one scalar of an array costs ten times as much, and every answer moves one.
        self.d: list[float] = first.d.tolist()
        self.n: list[int] = [0] * len(self.d)
        self.number = 0
        self.newest = first.d_version
        self.fresh = 0
        self.told = 0
        """Version of the document that names the newest."""


class Catalogue:
    """All courses of a server; `load` before use, `add` in the order of the settings."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._courses: dict[str, Course] = {}
        self._offered: list[str] = []
        self._live: dict[str, _Live] = {}
        self._syllabi: OrderedDict[tuple[str, str], Syllabus] = OrderedDict()

    # --- what is taught -----------------------------------------------------------------------

    async def add(self, canonical: bytes) -> Course:
        """Offer a course; its canonical bytes are kept in Records under their hash."""
        course = course_from(canonical)
        sha = course.sha256
        if await self._records.get("course", sha) is None:
            await stored(self._records.put("course", sha, canonical, 0))
        self._courses[sha] = course
        if sha not in self._offered:
            self._offered.append(sha)
        newest, told = await self._newest(sha)
        first = self._keep(sha, newest or "course", await self._read(sha, newest or "course"))
        live = self._live[sha] = _Live(course, first)
        if newest is not None:
            version = await self._version(sha, newest)
            live.number, live.newest, live.told = version.number, newest, told
            live.n = np.frombuffer(version.n, dtype="<i8").tolist()
        return course

    @property
    def offered(self) -> Sequence[Course]:
        """The courses a lesson may be started on, in the order they were added."""
        return [self._courses[sha] for sha in self._offered]

    def pick(self, name: str | None) -> tuple[str, str]:
        """`(hash, newest difficulty version)` of a course by id or hash; the first one for None."""
        for sha in self._offered:
            course = self._courses[sha]
            if name is None or name in (course.id, sha, sha[:12]):
                return sha, self._live[sha].newest
        known = ", ".join(self._courses[sha].id for sha in self._offered) or "none"
        raise Refused(Code.NOT_FOUND, f"no course {name!r}; this server teaches: {known}")

    # --- pinned versions ----------------------------------------------------------------------

    def at_hand(self, sha: str, d_version: str) -> Syllabus:
        """A version that `load` or `add` has brought into memory; `KeyError` otherwise."""
        syllabus_ = self._syllabi[sha, d_version]
        self._syllabi.move_to_end((sha, d_version))
        return syllabus_

    async def load(self, sha: str, d_version: str) -> Syllabus:
        """Bring a version into memory; raises `LookupError` where Records have none."""
        found = self._syllabi.get((sha, d_version))
        if found is not None:
            return found
        return self._keep(sha, d_version, await self._read(sha, d_version))

    def _keep(self, sha: str, d_version: str, syllabus_: Syllabus) -> Syllabus:
        self._syllabi[sha, d_version] = syllabus_
        newest = {(s, live.newest) for s, live in self._live.items()}
        for key in list(self._syllabi)[:-SYLLABI_KEPT]:
            if key not in newest:
                del self._syllabi[key]
        return syllabus_

    async def _read(self, sha: str, d_version: str) -> Syllabus:
        course = self._courses.get(sha)
        if course is None:
            document = await self._records.get("course", sha)
            if document is None:
                raise LookupError(f"course {sha[:12]} is not in this store")
            course = self._courses[sha] = course_from(document.body)
        if d_version == "course":
            return syllabus(course)
        version = await self._version(sha, d_version)
        d = np.frombuffer(version.d, dtype="<f8").astype(np.float64)
        return syllabus(course, d, d_version)

    async def _version(self, sha: str, d_version: str) -> _Difficulties:
        document = await self._records.get("difficulties", f"{sha}:{d_version}")
        if document is None:
            raise LookupError(f"difficulties {d_version} of course {sha[:12]} are not stored")
        return msgspec.msgpack.decode(document.body, type=_Difficulties)

    async def _newest(self, sha: str) -> tuple[str | None, int]:
        document = await self._records.get("difficulties", f"{sha}:newest")
        return (None, 0) if document is None else (document.body.decode(), document.version)

    # --- learning from all learners -----------------------------------------------------------

    def observe(self, sha: str, item: str, p_expected: float, right: bool) -> None:
        """Move an item's live difficulty by one scored answer: harder when it was missed."""
        live = self._live.get(sha)
        if live is None:
            return
        at = live.index[item]
        live.d[at] -= item_step(live.n[at]) * (float(right) - p_expected)
        live.n[at] += 1
        live.fresh += 1
        if live.fresh >= PUBLISH_EVERY:
            self.publish(sha)

    def publish(self, sha: str) -> Ticket | None:
        """Freeze the live difficulties; once stored, new lessons are pinned to this version.

        A lesson pinned to a version that is not stored could never be folded again.
        """
        live = self._live[sha]
        if live.fresh == 0:
            return None
        live.number, live.fresh = live.number + 1, 0
        name = f"v{live.number}"
        body = _Difficulties(
            live.number, np.array(live.d, "<f8").tobytes(), np.array(live.n, "<i8").tobytes()
        )
        frozen = syllabus(live.course, np.array(live.d, np.float64), name)
        version = self._records.put(
            "difficulties", f"{sha}:{name}", msgspec.msgpack.encode(body), 0
        )
        ticket = self._records.put("difficulties", f"{sha}:newest", name.encode(), live.told)
        live.told += 1
        ticket.hear(lambda _: self._published(live, frozen, version, ticket))
        return ticket

    def _published(self, live: _Live, frozen: Syllabus, version: Ticket, newest: Ticket) -> None:
        if newest.error is not None:
            live.told -= 1
        error = version.error or newest.error
        if error is None:
            self._keep(live.course.sha256, frozen.d_version, frozen)
            live.newest = frozen.d_version
        else:
            live.fresh += 1  # the next version holds what this one was to hold
            _LOG.error("item difficulties were not stored: %s", error)

    def publish_all(self) -> None:
        """Freeze what moved since the last version, on every course; done at drain."""
        for sha in self._live:
            self.publish(sha)
