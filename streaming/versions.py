"""One course's moving table and the versions frozen from it. This file is how nodes share it.

Several nodes teach one course, each with a table of its own: the newest version, and what this
node observed since. A version names its writers and how many observations of each it holds. So a
node that finds another version to be the newest takes that one over and works in again what it
does not hold yet: nothing is lost, and nothing counts twice, though the store should be silent
about whether a write landed.
"""

from __future__ import annotations

import math
from asyncio import Lock
from collections import deque
from typing import NamedTuple

import msgspec
import numpy as np

from engines.learnt import Attempted, Learnt, Observation, Seen, Shown, calibrated, observed
from engines.pinning import Physics, pinned, shipped
from engines.words import Course, Syllabus

SEEN_KEPT = 20_000
"""Newest forecasts with their outcomes kept a course, to calibrate by."""
OWN_KEPT = 20_000
"""Newest observations of a node kept a course until a version that holds them is the newest."""
WRITERS_KEPT = 64
"""Writers that a version names, those that published last: a process that ended needs no name."""


class Version(msgspec.Struct):
    """A published version: what was learnt by item and combination, and under which physics."""

    number: int
    learnt: Learnt
    physics: str = ""
    """Name of a refit; empty for the shipped physics."""
    taken: dict[str, int] = {}
    """By writer, how many of its observations are in it."""


class _Difficulties(msgspec.Struct):
    """A version as it was published before 1.1: difficulties in logits and the answers behind."""

    number: int
    d: bytes
    n: bytes


def older(course: Course, body: bytes) -> Version:
    """A version that was published before 1.1."""
    version = msgspec.msgpack.decode(body, type=_Difficulties)
    learnt = Learnt.nothing(shipped(course).parameters)
    learnt.b = np.frombuffer(version.d, "<f8").tolist()
    learnt.b_answers = np.frombuffer(version.n, "<i8").astype(np.float64).tolist()
    return Version(version.number, learnt)


class Pin(NamedTuple):
    """What lessons are pinned to: a version's name, its physics and that one's name."""

    name: str
    physics_name: str
    physics: Physics
    syllabus: Syllabus


class Frozen(NamedTuple):
    """A version that is to be published in the place of the newest."""

    pin: Pin
    version: Version
    body: bytes
    over: int
    """Version of the document that names the newest, when the table was frozen."""
    upto: int
    """So many observations of this node are in it."""


class Table:
    """One course's table on one node. `writer` tells this node's life from all others.

    `told` is the version of the document that names the newest.
    """

    def __init__(
        self, course: Course, writer: str, newest: Pin, version: Version, told: int
    ) -> None:
        self.course = course
        self.writer = writer
        self.learnt = version.learnt
        self.number = version.number
        self.taken = version.taken
        self.newest = newest
        self.told = told
        self.fresh = 0
        """Scored answers since the table was frozen last."""
        self.observed = 0
        """Observations of this node, all since it began."""
        self.seen: deque[Seen] = deque(maxlen=SEEN_KEPT)
        self.turn = Lock()
        """Held by who publishes, or exchanges the table for a newer one."""
        self.heard_s = self.looked_s = -math.inf
        """When the newest version and the refit's file were looked for last."""
        self.stamp: tuple[int, int] | None = None
        """Time and size of the refit's file when it was read last."""
        self._own: deque[Observation] = deque(maxlen=OWN_KEPT)

    def take_in(self, seen: Observation) -> None:
        """Move the table by one observation of this node."""
        observed(self.learnt, seen)
        self._own.append(seen)
        self.observed += 1
        self.fresh += _counted(seen)

    # --- frozen -------------------------------------------------------------------------------

    def frozen(self) -> Frozen:
        """The table as the next version; it is calibrated before."""
        calibrated(self.learnt, self.seen)
        return self._frozen(self.learnt, self.newest.physics_name, self.newest.physics)

    def refitted(self, name: str, physics: Physics) -> Frozen:
        """The next version under a refit, which has seen what answers taught; times are kept."""
        learnt = Learnt.nothing(physics.parameters, physics.answers)
        learnt.ln_ms, learnt.ln_ms_answers = self.learnt.ln_ms, self.learnt.ln_ms_answers
        learnt.shown, learnt.lessons = self.learnt.shown, self.learnt.lessons
        return self._frozen(learnt, name, physics)

    def _frozen(self, learnt: Learnt, physics_name: str, physics: Physics) -> Frozen:
        self.number, self.fresh = self.number + 1, 0
        name = f"v{self.number}"
        taken = {who: n for who, n in self.taken.items() if who != self.writer}
        taken[self.writer] = self.observed
        newest_writers = dict(list(taken.items())[-WRITERS_KEPT:])
        body = msgspec.msgpack.encode(Version(self.number, learnt, physics_name, newest_writers))
        version = msgspec.msgpack.decode(body, type=Version)
        syllabus = pinned(self.course, physics, version.learnt, name)
        pin = Pin(name, physics_name, physics, syllabus)
        return Frozen(pin, version, body, self.told, self.observed)

    def landed(self, frozen: Frozen) -> None:
        """A version that was frozen here is the newest now."""
        refitted = frozen.pin.physics_name != self.newest.physics_name
        self.newest, self.told = frozen.pin, frozen.over + 1
        self.taken = frozen.version.taken
        self._forget(frozen.upto)
        if refitted:
            self.seen.clear()
            self._over(frozen.version.learnt)

    # --- exchanged ----------------------------------------------------------------------------

    def rebased(self, newest: Pin, version: Version, told: int) -> None:
        """Another node's version is the newest: what it does not hold of ours is worked in.

        Where it stands on a refit, that has seen what answers here taught: their times remain.
        """
        self._forget(version.taken.get(self.writer, 0))
        if newest.physics_name != self.newest.physics_name:
            self.seen.clear()
            self._own = deque(map(_time_alone, self._own), OWN_KEPT)
        self.newest, self.told, self.taken = newest, told, version.taken
        self.number = max(self.number, version.number)
        self.fresh = sum(map(_counted, self._own))
        self._over(version.learnt)

    def _over(self, learnt: Learnt) -> None:
        for seen in self._own:
            observed(learnt, seen)
        self.learnt = learnt

    def _forget(self, upto: int) -> None:
        while self._own and self.observed - len(self._own) < upto:
            self._own.popleft()


def _counted(seen: Observation) -> bool:
    return isinstance(seen, Attempted) and seen.pull is not None


def _time_alone(seen: Observation) -> Observation:
    return seen if isinstance(seen, Shown) else seen._replace(pull=None)
