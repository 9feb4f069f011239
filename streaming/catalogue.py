"""The courses a server teaches, by hash, and the versions of what their answers taught it.

This file is where a deed's `(course, d_version)` becomes a `Syllabus`. Every learner's scored
answers move one live table a course (item difficulties, offsets, times); from time to time the
table is published as an immutable version, and a lesson is pinned to the newest version at its
start: so a session's log can be folded again, bit by bit, at any time. A refit of the scoring (its
physics), left in a folder as a file by a command, is a new version too. Courses, physics and
versions are kept in Records for good.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import zlib
from collections import OrderedDict, deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from engines.beliefs import scoring_of
from engines.exercises.course import course_from
from engines.learnt import Learnt, Seen, calibrated, observed
from engines.pinning import Physics, fitted_to, pinned, shipped
from engines.words import Course, Decision, Syllabus
from protocol.errors import Code, Refused
from streaming import deeds
from streaming.log import Entry, Ticket, stored
from streaming.records import Conflict, Records
from streaming.state import SessionState

_LOG = logging.getLogger(__name__)

PUBLISH_EVERY = 1_000
"""Scored answers on a course between two published versions of what they taught."""
SEEN_KEPT = 20_000
"""Newest forecasts with their outcomes kept a course, to calibrate by."""
SYLLABI_KEPT = 64
"""Versions kept in memory; older ones are read again when a session needs them."""
LOOK_EVERY_S = 10.0
"""How often at most a running server looks for a refit of a course."""
FIT_SUFFIX = ".tsp"
"""A course's refit is the file of its id with this ending, in the folder of fits."""
AUTHORS = "course"
"""Name of the version before any answer: the authors' difficulties, the shipped physics."""


class _Version(msgspec.Struct):
    """A published version: what was learnt by item and combination, and under which physics."""

    number: int
    learnt: Learnt
    physics: str = ""
    """Name of a refit; empty for the shipped physics."""


class _Difficulties(msgspec.Struct):
    """A version as it was published before 1.1: difficulties in logits and the answers behind."""

    number: int
    d: bytes
    n: bytes


def _older(course: Course, body: bytes) -> _Version:
    version = msgspec.msgpack.decode(body, type=_Difficulties)
    learnt = Learnt.nothing(shipped(course).parameters)
    learnt.b = np.frombuffer(version.d, "<f8").tolist()
    learnt.b_answers = np.frombuffer(version.n, "<i8").astype(np.float64).tolist()
    return _Version(version.number, learnt)


class _Live:
    """One course's moving table."""

    __slots__ = (
        "course", "fresh", "index", "learnt", "looked_s", "newest", "number", "physics", "seen",
        "stamp", "syllabus", "told",
    )  # fmt: skip

    def __init__(self, course: Course, version: _Version, name: str, first: Syllabus) -> None:
        self.course = course
        self.index = first.item_index
        self.learnt = version.learnt
        self.physics = version.physics
        self.number = version.number
        self.newest = name
        self.syllabus = first
        self.fresh = 0
        self.told = 0
        """Version of the document that names the newest."""
        self.looked_s = -math.inf
        self.stamp: tuple[int, int] | None = None
        """Time and size of the refit's file when it was read last."""
        self.seen: deque[Seen] = deque(maxlen=SEEN_KEPT)


class Catalogue:
    """All courses of a server; `load` before use, `add` in the order of the settings.

    `fits` is the folder where refits are left, None where there is none.
    """

    def __init__(self, records: Records, fits: Path | None = None) -> None:
        self._records = records
        self._fits = fits
        self._courses: dict[str, Course] = {}
        self._offered: list[str] = []
        self._live: dict[str, _Live] = {}
        self._physics: dict[tuple[str, str], Physics] = {}
        self._syllabi: OrderedDict[tuple[str, str], Syllabus] = OrderedDict()

    # --- what is taught -----------------------------------------------------------------------

    async def add(self, canonical: bytes) -> Course:
        """Offer a course; its canonical bytes are kept in Records under their hash."""
        course = course_from(canonical)
        sha = course.sha256
        if await self._records.get("course", sha) is None:
            with contextlib.suppress(Conflict):  # another node was first, with the same bytes
                await stored(self._records.put("course", sha, canonical, 0))
        self._courses[sha] = course
        if sha not in self._offered:
            self._offered.append(sha)
        document = await self._records.get("learnt", f"{sha}:newest")
        old = await self._records.get("difficulties", f"{sha}:newest")
        named = document or old
        newest = AUTHORS if named is None else named.body.decode()
        version = await self._version(course, newest)
        first = self._keep(sha, newest, await self._pinned(course, version, newest))
        live = self._live[sha] = _Live(course, version, newest, first)
        live.told = 0 if document is None else document.version
        await self.refresh(sha)
        return course

    @property
    def offered(self) -> Sequence[Course]:
        """The courses a lesson may be started on, in the order they were added."""
        return [self._courses[sha] for sha in self._offered]

    def pick(self, name: str | None) -> tuple[str, str]:
        """`(hash, newest version)` of a course by id or hash; the first one for None."""
        for sha in self._offered:
            course = self._courses[sha]
            if name is None or name in (course.id, sha, sha[:12]):
                return sha, self._live[sha].newest
        known = ", ".join(self._courses[sha].id for sha in self._offered) or "none"
        raise Refused(Code.NOT_FOUND, f"no course {name!r}; this server teaches: {known}")

    # --- pinned versions ----------------------------------------------------------------------

    def at_hand(self, sha: str, d_version: str) -> Syllabus:
        """A version that `load` or `add` has brought into memory; `KeyError` otherwise."""
        syllabus = self._syllabi[sha, d_version]
        self._syllabi.move_to_end((sha, d_version))
        return syllabus

    async def load(self, sha: str, d_version: str) -> Syllabus:
        """Bring a version into memory; raises `LookupError` where Records have none."""
        found = self._syllabi.get((sha, d_version))
        if found is not None:
            return found
        course = await self._course(sha)
        version = await self._version(course, d_version)
        return self._keep(sha, d_version, await self._pinned(course, version, d_version))

    async def load_named(self, entries: Sequence[Entry]) -> None:
        """Bring every version that these entries name into memory: the fold cannot wait."""
        for entry in entries:
            if entry.sealed:
                deed = deeds.unsealed(entry.sealed)
                if isinstance(deed, deeds.LessonBegan):
                    await self.load(deed.course, deed.d_version)
                elif isinstance(deed, deeds.Restored):
                    course, d_version = SessionState.pinned(deed.state)
                    if course:
                        await self.load(course, d_version)

    def _keep(self, sha: str, d_version: str, syllabus: Syllabus) -> Syllabus:
        self._syllabi[sha, d_version] = syllabus
        newest = {(s, live.newest) for s, live in self._live.items()}
        for key in list(self._syllabi)[:-SYLLABI_KEPT]:
            if key not in newest:
                del self._syllabi[key]
        return syllabus

    async def _course(self, sha: str) -> Course:
        course = self._courses.get(sha)
        if course is None:
            document = await self._records.get("course", sha)
            if document is None:
                raise LookupError(f"course {sha[:12]} is not in this store")
            course = self._courses[sha] = course_from(document.body)
        return course

    async def _version(self, course: Course, name: str) -> _Version:
        if name == AUTHORS:
            return _Version(0, Learnt.nothing(shipped(course).parameters))
        document = await self._records.get("learnt", f"{course.sha256}:{name}")
        if document is not None:
            return msgspec.msgpack.decode(document.body, type=_Version)
        document = await self._records.get("difficulties", f"{course.sha256}:{name}")
        if document is None:
            raise LookupError(f"version {name} of course {course.sha256[:12]} is not stored")
        return _older(course, document.body)

    async def _pinned(self, course: Course, version: _Version, name: str) -> Syllabus:
        physics = await self._physics_of(course, version.physics)
        return pinned(course, physics, version.learnt, name)

    async def _physics_of(self, course: Course, name: str) -> Physics:
        found = self._physics.get((course.sha256, name))
        if found is None:
            found = self._physics[course.sha256, name] = await self._read_physics(course, name)
        return found

    async def _read_physics(self, course: Course, name: str) -> Physics:
        if not name:
            return shipped(course)
        document = await self._records.get("physics", f"{course.sha256}:{name}")
        if document is None:
            raise LookupError(f"physics {name} of course {course.sha256[:12]} is not stored")
        return fitted_to(course, document.body)

    # --- learning from all learners -----------------------------------------------------------

    def observe(self, sha: str, item: str, learner: str, decision: Decision, taken_ms: int) -> None:
        """Take in one first attempt of any learner."""
        live = self._live.get(sha)
        if live is None:
            return
        at = live.index[item]
        combination = scoring_of(live.syllabus).combination_of(at)
        observed(live.learnt, at, combination, decision, taken_ms)
        if decision.counted:
            live.seen.append(Seen(learner, decision.p_raw, decision.verdict.verdict == "correct"))
            live.fresh += 1
            if live.fresh >= PUBLISH_EVERY:
                self.publish(sha)

    def showed(self, sha: str, item: str, *, lesson: bool = False) -> None:
        """Take in that an item was shown; `lesson` counts a lesson begun."""
        live = self._live.get(sha)
        if live is not None:
            live.learnt.shown[live.index[item]] += 1.0
            live.learnt.lessons += lesson

    def publish(self, sha: str) -> Ticket | None:
        """Freeze what was learnt; once stored, new lessons are pinned to this version.

        A lesson pinned to a version that is not stored could never be folded again.
        """
        live = self._live[sha]
        if live.fresh == 0:
            return None
        calibrated(live.learnt, live.seen)
        return self._publish(live, live.physics, live.learnt)

    def _publish(self, live: _Live, name_of_physics: str, learnt: Learnt) -> Ticket:
        sha = live.course.sha256
        live.number, live.fresh = live.number + 1, 0
        name = f"v{live.number}"
        body = msgspec.msgpack.encode(_Version(live.number, learnt, name_of_physics))
        frozen = msgspec.msgpack.decode(body, type=_Version)
        physics = self._physics[sha, name_of_physics]
        syllabus = pinned(live.course, physics, frozen.learnt, name)
        version = self._records.put("learnt", f"{sha}:{name}", body, 0)
        ticket = self._records.put("learnt", f"{sha}:newest", name.encode(), live.told)
        live.told += 1
        ticket.hear(lambda _: self._published(live, syllabus, version, ticket))
        return ticket

    def _published(self, live: _Live, frozen: Syllabus, version: Ticket, newest: Ticket) -> None:
        if newest.error is not None:
            live.told -= 1
        error = version.error or newest.error
        if error is None:
            self._keep(live.course.sha256, frozen.d_version, frozen)
            live.newest, live.syllabus = frozen.d_version, frozen
        else:
            live.fresh += 1  # the next version holds what this one was to hold
            _LOG.error("what a course's answers taught was not stored: %s", error)

    def publish_all(self) -> None:
        """Freeze what moved since the last version, on every course; done at drain."""
        for sha in self._live:
            self.publish(sha)

    # --- a refit of the physics ---------------------------------------------------------------

    async def refresh(self, sha: str) -> None:
        """Take a refit that was left for the course over, as a new version; lessons keep theirs.

        What answers taught since is dropped with the old physics: the refit has seen them.
        """
        live = self._live.get(sha)
        now_s = asyncio.get_running_loop().time()
        if live is None or self._fits is None or now_s - live.looked_s < LOOK_EVERY_S:
            return
        live.looked_s = now_s
        path = self._fits / f"{live.course.id}{FIT_SUFFIX}"
        try:
            stamp = await asyncio.to_thread(_stamp, path)
            if stamp is None or stamp == live.stamp:
                return
            live.stamp = stamp
            data = await asyncio.to_thread(path.read_bytes)
            physics = await asyncio.to_thread(fitted_to, live.course, data)
        except (OSError, ValueError) as error:
            _LOG.error("the refit %s is not used: %s", path, error)
            return
        name = f"{zlib.crc32(data):08x}"
        if name != live.physics:
            await self._take_over(live, name, physics, data)

    async def _take_over(self, live: _Live, name: str, physics: Physics, data: bytes) -> None:
        sha = live.course.sha256
        if await self._records.get("physics", f"{sha}:{name}") is None:
            await stored(self._records.put("physics", f"{sha}:{name}", data, 0))
        self._physics[sha, name] = physics
        learnt = Learnt.nothing(physics.parameters, physics.answers)
        learnt.ln_ms, learnt.ln_ms_answers = live.learnt.ln_ms, live.learnt.ln_ms_answers
        learnt.shown, learnt.lessons = live.learnt.shown, live.learnt.lessons
        live.learnt, live.physics = learnt, name
        live.seen.clear()
        await stored(self._publish(live, name, learnt))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
