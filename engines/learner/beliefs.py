"""One learner's state: ability, mastery, band, the newest items. This file is its only keeper."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from engines.learner import kernels as k
from engines.learner import mastery
from engines.words import Course, Floats, Syllabus

VERSION = 1
"""First byte of `to_bytes`."""
EIDS = 16
"""So many newest evidences are recognised when they come again."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """What follows the version byte, in MessagePack; items are those of the ring, by slot."""

    skills: tuple[str, ...]
    items: tuple[str | None, ...]
    state: bytes
    eids: tuple[str, ...]


class Beliefs:
    """What is believed of one learner in one course; immutable by convention.

    `state` is float64 of `kernels.SKILLS + 4 * n_skills`, laid out in `engines.learner.kernels`
    and not writeable; `eids` are the newest evidences taken in. About 3 KB for 9 skills.
    """

    __slots__ = ("course", "eids", "state")

    def __init__(self, course: Course, state: Floats, eids: tuple[str, ...]) -> None:
        state.setflags(write=False)
        self.course = course
        self.state = state
        self.eids = eids

    @classmethod
    def fresh(cls, syllabus: Syllabus) -> Beliefs:
        """Beliefs about a learner of whom nothing is known: theta 0, variance 1."""
        return cls(syllabus.course, _fresh_state(syllabus), ())

    @property
    def theta(self) -> float:
        """Global ability in logits."""
        return float(self.state[k.THETA])

    @property
    def sd(self) -> float:
        """Standard deviation of theta, in logits."""
        return float(self.state[k.VARIANCE] ** 0.5)

    @property
    def answers(self) -> int:
        """How many scored answers were taken in."""
        return int(self.state[k.ANSWERS])

    @property
    def at_s(self) -> float:
        """When the newest evidence was taken in, on the caller's clock; 0 before the first."""
        return float(self.state[k.AT_S])

    @property
    def target(self) -> tuple[float, float]:
        """The success band aimed at."""
        band = int(self.state[k.BAND])
        return k.BAND_LOW[band], k.BAND_HIGH[band]

    @property
    def recent(self) -> tuple[str, ...]:
        """Ids of the newest items chosen, newest first, at most 64."""
        newest = int(self.state[k.RING_NEXT]) - 1
        slots = [(newest - back) % k.RING for back in range(k.RING)]
        items = [int(self.state[k.RING_ITEM + slot]) for slot in slots]
        return tuple(self.course.items[item].id for item in items if item >= 0)

    def mastery(self, syllabus: Syllabus) -> dict[str, float]:
        """P(L) of each skill, in the course's order."""
        self.must_be_of(syllabus)
        return dict(zip(syllabus.skill_index, self._block(k.SKILL_LEARNT).tolist(), strict=True))

    def mastered(self, syllabus: Syllabus) -> frozenset[str]:
        """Ids of the skills that count as mastered."""
        self.must_be_of(syllabus)
        rows = zip(
            syllabus.skill_index,
            self._block(k.SKILL_LEARNT).tolist(),
            self._block(k.SKILL_ANSWERS).tolist(),
            self._block(k.SKILL_LAST).tolist(),
            syllabus.mastery.tolist(),
            strict=True,
        )
        return frozenset(
            skill
            for skill, learnt, answers, last, threshold in rows
            if mastery.mastered(learnt, int(answers), last > 0.5, threshold)
        )

    def p_right(self, syllabus: Syllabus, item: str) -> float:
        """P(right) of one item; ValueError if the course has no such item."""
        self.must_be_of(syllabus)
        index = syllabus.item_index.get(item)
        if index is None:
            msg = f"expected an item of course {syllabus.course.id}, got {item!r}"
            raise ValueError(msg)
        return float(k.expected(self.state, syllabus.d, syllabus.item_skills, index))

    def must_be_of(self, syllabus: Syllabus) -> None:
        """Raises ValueError if these are beliefs of another course or course version."""
        mine, other = self.course, syllabus.course
        if mine is not other and (mine.sha256 != other.sha256 or mine.id != other.id):
            msg = f"expected beliefs of {_name(other)}, got those of {_name(mine)}: use moved_to"
            raise ValueError(msg)

    def to_bytes(self) -> bytes:
        """A version byte, then the state with its skills and items by id; `from_bytes` reads it."""
        items = tuple(
            self.course.items[int(item)].id if item >= 0 else None
            for item in self.state[k.RING_ITEM : k.RING_SEED].tolist()
        )
        skills = tuple(skill.id for skill in self.course.skills)
        little = self.state.astype("<f8", copy=False).tobytes()
        return bytes([VERSION]) + msgspec.msgpack.encode(_Stored(skills, items, little, self.eids))

    @classmethod
    def from_bytes(cls, syllabus: Syllabus, data: bytes) -> Beliefs:
        """The beliefs that `to_bytes` wrote, bit for bit; remapped by id if the course changed.

        Raises ValueError for another version or bytes that are not beliefs.
        """
        if data[:1] != bytes([VERSION]):
            msg = f"expected beliefs of version {VERSION}, got {data[:1]!r}"
            raise ValueError(msg)
        try:
            stored = msgspec.msgpack.decode(data[1:], type=_Stored)
            state = np.frombuffer(stored.state, "<f8").astype(np.float64)
        except (msgspec.MsgspecError, ValueError) as error:
            msg = f"expected beliefs of version {VERSION}, got other bytes: {error}"
            raise ValueError(msg) from error
        length = k.SKILLS + k.BLOCKS * len(stored.skills)
        if len(state) != length or len(stored.items) != k.RING or not np.isfinite(state).all():
            msg = f"expected {length} finite numbers and {k.RING} items, got {len(state)}"
            raise ValueError(msg)
        state = _remapped(state, stored.skills, stored.items, syllabus)
        return cls(syllabus.course, state, stored.eids)

    def moved_to(self, syllabus: Syllabus) -> Beliefs:
        """The same beliefs for another version of the course: skills and items go by their ids.

        What the new version lacks is forgotten; what it adds starts fresh.
        """
        return Beliefs.from_bytes(syllabus, self.to_bytes())

    def _block(self, block: int) -> Floats:
        n = len(self.course.skills)
        return self.state[k.SKILLS + block * n : k.SKILLS + (block + 1) * n]


def _name(course: Course) -> str:
    return f"course {course.id} {course.version} ({course.sha256[:8]})"


def _fresh_state(syllabus: Syllabus) -> Floats:
    n = len(syllabus.mastery)
    state = np.zeros(k.SKILLS + k.BLOCKS * n)
    state[k.VARIANCE] = 1.0
    state[k.SINCE_CHANGE] = k.HOLD
    state[k.RING_ITEM : k.RING_SEED] = -1.0
    learnt = k.SKILLS + k.SKILL_LEARNT * n
    state[learnt : learnt + n] = syllabus.bkt[:, 0]
    return state


def _remapped(
    old: Floats, skills: tuple[str, ...], items: tuple[str | None, ...], syllabus: Syllabus
) -> Floats:
    state = _fresh_state(syllabus)
    state[: k.RING_ITEM] = old[: k.RING_ITEM]
    state[k.RING_SEED : k.SKILLS] = old[k.RING_SEED : k.SKILLS]
    index = syllabus.item_index
    state[k.RING_ITEM : k.RING_SEED] = [-1 if i is None else index.get(i, -1) for i in items]
    _copy_skills(old, skills, state, syllabus.skill_index)
    return state


def _copy_skills(
    old: Floats, skills: tuple[str, ...], state: Floats, index: Mapping[str, int]
) -> None:
    before = old[k.SKILLS :].reshape(k.BLOCKS, len(skills))
    after = state[k.SKILLS :].reshape(k.BLOCKS, len(index))
    for place, skill in enumerate(skills):
        if skill in index:
            after[:, index[skill]] = before[:, place]
