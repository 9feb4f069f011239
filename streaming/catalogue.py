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
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from engines.beliefs import scoring_of
from engines.exercises.course import course_from, locale_of
from engines.learnt import Attempted, Learnt, Seen, Shown
from engines.pinning import Physics, fitted_to, pinned, shipped
from engines.words import Course, Decision, Syllabus
from protocol.errors import Code, Refused
from streaming import deeds
from streaming.log import Entry, stored
from streaming.records import Conflict, Records
from streaming.state import SessionState
from streaming.versions import Frozen, Pin, Table, Version, older

_LOG = logging.getLogger(__name__)

PUBLISH_EVERY = 1_000
"""Scored answers on a course between two published versions of what they taught."""
SYLLABI_KEPT = 64
"""Versions kept in memory; older ones are read again when a session needs them."""
VERSIONS_MOST = 4
"""Versions of one course that learn from answers side by side: the newest, and those that lessons
may still be on. Lessons on an older one go on; their answers teach their own learner alone."""
TEXTS_KEPT = 64
"""Courses in another language than their own, kept in memory."""
PUBLISH_TRIES = 32
"""Tries to publish a version while other nodes publish theirs; of those at once one succeeds."""
HEAR_EVERY_S = 5.0
"""How often at most a node looks whether another one has published."""
LOOK_EVERY_S = 10.0
"""How often at most a running server looks for a refit of a course."""
FIT_SUFFIX = ".tsp"
"""A course's refit is the file of its id with this ending, in the folder of fits."""
AUTHORS = "course"
"""Name of the version before any answer: the authors' difficulties, the shipped physics."""


NEVER = -1
"""No version of a document: what is frozen over it must be frozen again."""


class Overtaken(Exception):  # noqa: N818 - said of a version
    """Other nodes published each time before this one did."""


class Catalogue:
    """All courses of a server; `load` before use, `add` in the order of the settings.

    `fits` is the folder where refits are left, None where there is none.
    """

    def __init__(self, records: Records, fits: Path | None = None) -> None:
        self._records = records
        self._fits = fits
        self._courses: dict[str, Course] = {}
        self._texts: OrderedDict[tuple[str, str], Course] = OrderedDict()
        """Courses in other languages than their own."""
        self._offered: list[str] = []
        self._versions: dict[str, list[str]] = {}
        """By id of a course, the hashes of its versions that are taught, the newest last."""
        self._live: dict[str, Table] = {}
        self._writer = secrets.token_hex(6)
        self._tasks: set[asyncio.Task[None]] = set()
        self._physics: dict[tuple[str, str], Physics] = {}
        self._syllabi: OrderedDict[tuple[str, str, str], Syllabus] = OrderedDict()

    # --- what is taught -----------------------------------------------------------------------

    async def add(self, canonical: bytes) -> Course:
        """Offer a course; its canonical bytes are kept in Records under their hash.

        Another version of a course that is offered takes its place: lessons begun stay with theirs.
        """
        course = await asyncio.to_thread(_read, canonical)
        sha = course.sha256
        if sha in self._live:  # an earlier version is back
            await self._offer(course)
            return course
        await self._keep_bytes("course", sha, canonical)
        for tag in course.locales:
            if tag != course.locale:
                self._texts[sha, tag] = await asyncio.to_thread(_read, canonical, tag)
        self._courses[sha] = course
        document = await self._records.get("learnt", f"{sha}:newest")
        old = await self._records.get("difficulties", f"{sha}:newest")
        named = document or old
        newest = AUTHORS if named is None else named.body.decode()
        version = await self._version(course, newest)
        pin = await self._pin(course, version, newest)
        told = 0 if document is None else document.version
        live = self._live[sha] = Table(course, self._writer, pin, version, told)
        live.heard_s = asyncio.get_running_loop().time()
        self._keep(sha, pin)
        await self.refresh(sha)
        await self._offer(course)
        return course

    async def _offer(self, course: Course) -> None:
        """Lessons begin on this version from now on; the oldest one beyond the limit is let go."""
        of = self._versions.setdefault(course.id, [])
        before = of[-1] if of else None
        if course.sha256 in of:
            of.remove(course.sha256)
        of.append(course.sha256)
        if course.sha256 not in self._offered:
            if before in self._offered:
                self._offered[self._offered.index(before)] = course.sha256
            else:
                self._offered.append(course.sha256)
        while len(of) > VERSIONS_MOST:
            await self._let_go(of.pop(0))

    async def _let_go(self, sha: str) -> None:
        """Forget a version here; lessons on it go on with what they hold, or read it again."""
        publishing = self.publish(sha)
        if publishing is not None:
            await publishing
        del self._live[sha], self._courses[sha]
        for key in [key for key in self._texts if key[0] == sha]:
            del self._texts[key]

    def withdraw(self, sha: str) -> None:
        """Offer a version no more; lessons begun on it go on."""
        if sha in self._offered:
            self._offered.remove(sha)

    async def keep_picture(self, sha256: str, kind: str, body: bytes) -> None:
        """Keep a picture of a course in Records, for every node and for lessons on old versions."""
        await self._keep_bytes("media", sha256, kind.encode() + b"\n" + body)

    async def picture(self, sha256: str) -> tuple[str, bytes] | None:
        """Type and bytes of a picture; None where no course has it."""
        document = await self._records.get("media", sha256)
        if document is None:
            return None
        kind, _, body = document.body.partition(b"\n")
        return kind.decode(), body

    async def _keep_bytes(self, kind: str, key: str, body: bytes) -> None:
        if await self._records.get(kind, key) is None:
            with contextlib.suppress(Conflict):  # another node was first, with the same bytes
                await stored(self._records.put(kind, key, body, 0))

    @property
    def offered(self) -> Sequence[Course]:
        """The courses a lesson may be started on, in the order they were added."""
        return [self._courses[sha] for sha in self._offered]

    def pick(self, name: str | None) -> tuple[str, str]:
        """`(hash, newest version)` of a course by id or hash; the first one for None.

        It is the newest that this node knows; others' are looked for meanwhile, where it is time.
        """
        for sha in self._offered:
            course = self._courses[sha]
            if name is None or name in (course.id, sha, sha[:12]):
                live = self._live[sha]
                if _may_hear(live):
                    self._spawned(self._heard(live))
                return sha, live.newest.name
        known = ", ".join(self._courses[sha].id for sha in self._offered) or "none"
        raise Refused(Code.NOT_FOUND, f"no course {name!r}; this server teaches: {known}")

    # --- pinned versions ----------------------------------------------------------------------

    def locale_of(self, sha: str, wanted: object) -> str:
        """The language in which an offered course serves a learner; empty for its own."""
        return locale_of(self._courses[sha], wanted if isinstance(wanted, str) else None)

    def at_hand(self, sha: str, d_version: str, locale: str = "") -> Syllabus:
        """A version that `load` or `add` has brought into memory; `KeyError` otherwise.

        With a `locale` its texts are in that language.
        """
        found = self._syllabi.get((sha, d_version, locale))
        if found is None:
            own = self._syllabi[sha, d_version, ""]
            found = replace(own, course=self._texts[sha, locale])
            self._syllabi[sha, d_version, locale] = found
        self._syllabi.move_to_end((sha, d_version, locale))
        return found

    async def load(self, sha: str, d_version: str, locale: str = "") -> Syllabus:
        """Bring a version into memory; raises `LookupError` where Records have none."""
        if locale and (sha, locale) not in self._texts:
            body = await self._bytes_of(sha)
            self._texts[sha, locale] = await asyncio.to_thread(_read, body, locale)
            while len(self._texts) > TEXTS_KEPT:
                self._texts.popitem(last=False)
        if (sha, d_version, "") not in self._syllabi:
            course = await self._course(sha)
            version = await self._version(course, d_version)
            self._keep(sha, await self._pin(course, version, d_version))
        return self.at_hand(sha, d_version, locale)

    async def load_named(self, entries: Sequence[Entry]) -> None:
        """Bring every version that these entries name into memory: the fold cannot wait."""
        for entry in entries:
            if entry.sealed:
                deed = deeds.unsealed(entry.sealed)
                if isinstance(deed, deeds.LessonBegan):
                    await self.load(deed.course, deed.d_version, deed.locale)
                elif isinstance(deed, deeds.Restored):
                    named = SessionState.pinned(deed.state)
                    if named.course:
                        await self.load(*named)

    def _keep(self, sha: str, pin: Pin) -> Syllabus:
        self._syllabi[sha, pin.name, ""] = pin.syllabus
        newest = {(s, live.newest.name) for s, live in self._live.items()}
        for key in list(self._syllabi)[:-SYLLABI_KEPT]:
            if key[:2] not in newest:
                del self._syllabi[key]
        return pin.syllabus

    async def _course(self, sha: str) -> Course:
        course = self._courses.get(sha)
        if course is None:
            body = await self._bytes_of(sha)
            course = self._courses[sha] = await asyncio.to_thread(_read, body)
        return course

    async def _bytes_of(self, sha: str) -> bytes:
        document = await self._records.get("course", sha)
        if document is None:
            raise LookupError(f"course {sha[:12]} is not in this store")
        return document.body

    async def _version(self, course: Course, name: str) -> Version:
        if name == AUTHORS:
            return Version(0, Learnt.nothing(shipped(course).parameters))
        document = await self._records.get("learnt", f"{course.sha256}:{name}")
        if document is not None:
            return msgspec.msgpack.decode(document.body, type=Version)
        document = await self._records.get("difficulties", f"{course.sha256}:{name}")
        if document is None:
            raise LookupError(f"version {name} of course {course.sha256[:12]} is not stored")
        return older(course, document.body)

    async def _pin(self, course: Course, version: Version, name: str) -> Pin:
        physics = await self._physics_of(course, version.physics)
        return Pin(name, version.physics, physics, pinned(course, physics, version.learnt, name))

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
        syllabus = live.newest.syllabus
        at = syllabus.item_index[item]
        combination = scoring_of(syllabus).combination_of(at)
        pull = decision.gradient if decision.counted else None
        live.take_in(Attempted(at, combination, taken_ms, pull))
        if pull is not None:
            live.seen.append(Seen(learner, decision.p_raw, decision.verdict.verdict == "correct"))
            if live.fresh >= PUBLISH_EVERY:
                self.publish(sha)

    def showed(self, sha: str, item: str, *, lesson: bool = False) -> None:
        """Take in that an item was shown; `lesson` counts a lesson begun."""
        live = self._live.get(sha)
        if live is not None:
            live.take_in(Shown(live.newest.syllabus.item_index[item], lesson))

    def publish(self, sha: str) -> asyncio.Task[None] | None:
        """Freeze what was learnt; once stored, new lessons are pinned to this version.

        A lesson pinned to a version that is not stored could never be folded again. None where
        nothing was learnt since the last one.
        """
        live = self._live[sha]
        if live.fresh == 0:
            return None
        return self._spawned(self._published(live, live.frozen()))

    def _spawned(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _published(self, live: Table, frozen: Frozen) -> None:
        async with live.turn:
            try:
                await self._landed(live, frozen, live.frozen)
            except Exception as error:  # noqa: BLE001 - whatever a store raises, lessons go on
                live.fresh += 1  # the next version holds what this one was to hold
                _LOG.error("what a course's answers taught was not stored: %s", error)

    async def _landed(self, live: Table, first: Frozen, again: Callable[[], Frozen | None]) -> None:
        """Store a version and name it as the newest; the caller has the table's turn.

        Each version holds all that the one before held, and nobody names it before it is stored.
        Where another node was faster, the table is based on that one's version, and `again`
        freezes it; None: there is nothing to publish any more.
        """
        sha, frozen = live.course.sha256, first
        for _ in range(PUBLISH_TRIES):
            if await self._caught_up(live) or frozen.over != live.told:
                new = again()
                if new is None:
                    return
                frozen = new
            try:
                await stored(
                    self._records.put("learnt", f"{sha}:{frozen.pin.name}", frozen.body, 0)
                )
                name = frozen.pin.name.encode()
                await stored(self._records.put("learnt", f"{sha}:newest", name, frozen.over))
            except Conflict:
                frozen = frozen._replace(over=NEVER)
                continue
            live.landed(frozen)
            self._keep(sha, frozen.pin)
            return
        raise Overtaken(f"other nodes published {PUBLISH_TRIES} versions meanwhile")

    async def _caught_up(self, live: Table) -> bool:
        """Whether another version than this table's was the newest; then it is based on that."""
        sha = live.course.sha256
        document = await self._records.get("learnt", f"{sha}:newest")
        if document is None or document.version == live.told:
            return False
        name = document.body.decode()
        version = await self._version(live.course, name)
        pin = await self._pin(live.course, version, name)
        live.rebased(pin, version, document.version)
        self._keep(sha, pin)
        return True

    async def publish_all(self) -> None:
        """Freeze and store what moved since the last version, on every course; done at drain."""
        tasks = [self.publish(sha) for sha in self._live]
        await asyncio.gather(*(task for task in tasks if task is not None))

    # --- what others publish, and a refit of the physics --------------------------------------

    async def refresh(self, sha: str) -> None:
        """Take over what other nodes published, and a refit that was left for the course.

        A refit becomes a new version; lessons keep theirs. What answers taught since is dropped
        with the old physics: the refit has seen them.
        """
        live = self._live.get(sha)
        if live is None:
            return
        if _may_hear(live):
            await self._heard(live)
        now_s = asyncio.get_running_loop().time()
        if self._fits is not None and now_s - live.looked_s >= LOOK_EVERY_S:
            live.looked_s = now_s
            await self._looked(live, self._fits / f"{live.course.id}{FIT_SUFFIX}")

    async def _heard(self, live: Table) -> None:
        try:
            async with live.turn:
                await self._caught_up(live)
        except Exception as error:  # noqa: BLE001 - lessons go on with the version that is here
            _LOG.warning("what other nodes published of a course was not read: %s", error)

    async def _looked(self, live: Table, path: Path) -> None:
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
        try:
            async with live.turn:
                await self._take_over(live, f"{zlib.crc32(data):08x}", physics, data)
        except BaseException:
            live.stamp = None  # it is read again with the next look
            live.fresh += 1
            raise

    async def _take_over(self, live: Table, name: str, physics: Physics, data: bytes) -> None:
        sha = live.course.sha256

        def refitted() -> Frozen | None:
            known = live.newest.physics_name == name  # or another node has taken it over
            return None if known else live.refitted(name, physics)

        first = refitted()
        if first is None:
            return
        if await self._records.get("physics", f"{sha}:{name}") is None:
            with contextlib.suppress(Conflict):  # another node was first, with the same bytes
                await stored(self._records.put("physics", f"{sha}:{name}", data, 0))
        self._physics[sha, name] = physics
        await self._landed(live, first, refitted)


def _read(canonical: bytes, locale: str | None = None) -> Course:
    return course_from(canonical, locale=locale)


def _may_hear(live: Table) -> bool:
    """Whether to look for others' versions now: who publishes looks anyway."""
    now_s = asyncio.get_running_loop().time()
    if live.turn.locked() or now_s - live.heard_s < HEAR_EVERY_S:
        return False
    live.heard_s = now_s
    return True


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
