"""One learner's state: scoring, mastery, band, cards, the newest items. This file keeps it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from engines.learner import kernels as k
from engines.learner import telling
from engines.learner.cards import Cards
from engines.quantum.final.stage import Final
from engines.quantum.scoring import Scoring
from engines.quantum.state import from_bytes as scored_from
from engines.quantum.state import to_bytes as scored_bytes
from engines.words import Course, Floats, Ints, Syllabus

VERSION = 3
"""First byte of `to_bytes`."""
EIDS = 16
"""So many newest evidences are recognised when they come again."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """What follows the version byte, in MessagePack; items are those of the ring, by slot."""

    skills: tuple[str, ...]
    items: tuple[str | None, ...]
    state: bytes
    eids: tuple[str, ...]
    scored: bytes
    cards: bytes
    final: bytes
    """CRC-32 of the final stage, then the learner's state in it; empty without one."""


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """A learner's scoring state under other parameters: stored answers filtered again."""

    scored: bytes
    final: bytes


NO_FINAL: Floats = np.empty(0)


class Beliefs:
    """What is believed of one learner in one course; immutable by convention.

    `state` is float64 of `kernels.SKILLS + kernels.BLOCKS * n_skills`, laid out in
    `engines.learner.kernels`; `x` is the scoring's state, laid out in `engines.quantum.kernels`;
    `f` that of the final stage `final`, where the course has one (else empty); none is writeable.
    `cards` are the skills under review, `eids` the newest evidences taken in. About 3 KB for 9
    skills.
    """

    __slots__ = ("cards", "course", "eids", "f", "final", "scoring", "state", "x")

    def __init__(
        self,
        course: Course,
        scoring: Scoring,
        final: Final | None,
        state: Floats,
        x: Floats,
        f: Floats,
        cards: Cards,
        eids: tuple[str, ...],
    ) -> None:
        state.setflags(write=False)
        x.setflags(write=False)
        f.setflags(write=False)
        self.course = course
        self.scoring = scoring
        self.final = final
        self.state = state
        self.x = x
        self.f = f
        self.cards = cards
        self.eids = eids

    @classmethod
    def fresh(cls, syllabus: Syllabus) -> Beliefs:
        """Beliefs about a learner of whom nothing is known: the scoring's preparation."""
        scoring = scoring_of(syllabus)
        state, x = _fresh_state(syllabus), scoring.fresh()
        tell_all(state, x, syllabus)
        final = syllabus.final
        f = NO_FINAL.copy() if final is None else final.fresh()
        cards = Cards.none(len(syllabus.mastery))
        return cls(syllabus.course, scoring, final, state, x, f, cards, ())

    def moved_by(
        self,
        state: Floats,
        x: Floats | None = None,
        f: Floats | None = None,
        cards: Cards | None = None,
        eids: tuple[str, ...] | None = None,
    ) -> Beliefs:
        """The beliefs after something that happened in the same lesson; None: as it was."""
        return Beliefs(
            self.course,
            self.scoring,
            self.final,
            state,
            self.x if x is None else x,
            self.f if f is None else f,
            self.cards if cards is None else cards,
            self.eids if eids is None else eids,
        )

    def told(self, items: Ints, now_s: float) -> Floats:
        """P(right) (n,) of items as it is told: by the final stage, else calibrated."""
        p_g, p = self.scoring.score(self.x, items)
        if self.final is None:
            return self.scoring.calibrated(p)
        return self.final.forecast(self.f, items, p, p_g, now_s)

    @property
    def theta(self) -> float:
        """Ability in logits, on the skill answered last."""
        return float(self.state[k.THETA])

    @property
    def sd(self) -> float:
        """Standard deviation of theta, in logits."""
        return float(self.state[k.SD])

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

    def mastery(self, syllabus: Syllabus) -> dict[str, tuple[float, float, float]]:
        """(mastery, low, high) of each skill as told last, in the course's order.

        Mastery is P(right) on the skill's reference item; low and high are the 10 % and 90 %
        quantiles of what is believed of it.
        """
        self.must_be_of(syllabus)
        rows = zip(
            syllabus.skill_index,
            self._block(k.SKILL_TOLD).tolist(),
            self._block(k.SKILL_LOW).tolist(),
            self._block(k.SKILL_HIGH).tolist(),
            strict=True,
        )
        return {skill: (told, low, high) for skill, told, low, high in rows}

    def learnt(self, syllabus: Syllabus) -> dict[str, float]:
        """P(L) of each skill by knowledge tracing, which decides what counts as mastered."""
        self.must_be_of(syllabus)
        return dict(zip(syllabus.skill_index, self._block(k.SKILL_LEARNT).tolist(), strict=True))

    def mastered(self, syllabus: Syllabus) -> frozenset[str]:
        """Ids of the skills that count as mastered."""
        self.must_be_of(syllabus)
        n = len(syllabus.mastery)
        return frozenset(
            skill
            for at, skill in enumerate(syllabus.skill_index)
            if k.mastered_at(self.state, n, at, syllabus.mastery[at])
        )

    def p_right(self, syllabus: Syllabus, item: str) -> float:
        """P(right) of one item; ValueError if the course has no such item."""
        self.must_be_of(syllabus)
        index = syllabus.item_index.get(item)
        if index is None:
            msg = f"expected an item of course {syllabus.course.id}, got {item!r}"
            raise ValueError(msg)
        return float(self.told(np.array([index]), self.at_s)[0])

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
        scored = scored_bytes(self.x, self.scoring.parameters)
        final = b"" if self.final is None else final_bytes(self.final, self.f)
        cards = self.cards.to_bytes()
        kept = _Stored(skills, items, little, self.eids, scored, cards, final)
        return bytes([VERSION]) + msgspec.msgpack.encode(kept)

    @classmethod
    def from_bytes(cls, syllabus: Syllabus, data: bytes, carried: bytes | None = None) -> Beliefs:
        """The beliefs that `to_bytes` wrote, bit for bit; remapped by id if the course changed.

        A scoring state means nothing under other parameters: it starts fresh there, unless
        `carried` holds the learner's stored answers filtered again under the new ones.
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
        cards = Cards.from_bytes(stored.cards).moved(stored.skills, tuple(syllabus.skill_index))
        scoring = scoring_of(syllabus)
        again = Carried(stored.scored, stored.final)
        if carried is not None:
            again = msgspec.msgpack.decode(carried, type=Carried)
        x, f = _scored(again.scored, scoring), _final(again.final, syllabus.final)
        if carried is not None or tuple(syllabus.skill_index) != stored.skills:
            tell_all(state, x, syllabus)
        return cls(syllabus.course, scoring, syllabus.final, state, x, f, cards, stored.eids)

    def moved_to(self, syllabus: Syllabus, carried: bytes | None = None) -> Beliefs:
        """The same beliefs for another version of the course: skills and items go by their ids.

        What the new version lacks is forgotten; what it adds starts fresh. For `carried` see
        `from_bytes`.
        """
        moved = Beliefs.from_bytes(syllabus, self.to_bytes(), carried)
        state = moved.state.copy()
        state[k.SHOWN] = state[k.REVIEWS] = 0.0
        return moved.moved_by(state)

    def _block(self, block: int) -> Floats:
        n = len(self.course.skills)
        return self.state[k.SKILLS + block * n : k.SKILLS + (block + 1) * n]


def scoring_of(syllabus: Syllabus) -> Scoring:
    """The scoring that a syllabus is pinned to; ValueError where it is pinned to none."""
    if syllabus.scoring is None:
        msg = f"expected a syllabus of {syllabus.course.id} that is pinned to a scoring"
        raise ValueError(msg)
    return syllabus.scoring


def tell_all(state: Floats, x: Floats, syllabus: Syllabus) -> None:
    """Note in `state` what is told of every skill's mastery, in hundredths, and of the ability."""
    scoring = scoring_of(syllabus)
    telling.tell_all(state, scoring.mastery_all(x, syllabus.references))
    state[k.THETA], state[k.SD] = scoring.theta(x, 0)


def _scored(data: bytes, scoring: Scoring) -> Floats:
    try:
        return scored_from(data, scoring.parameters)
    except ValueError:
        return scoring.fresh()


def final_bytes(final: Final, f: Floats) -> bytes:
    """The learner's state in a final stage, behind the stage's CRC-32."""
    return final.crc.to_bytes(4, "little") + f.astype("<f8", copy=False).tobytes()


def _final(data: bytes, final: Final | None) -> Floats:
    """The state that `final_bytes` wrote; fresh where it belongs to another stage or to none."""
    if final is None:
        return NO_FINAL.copy()
    if data[:4] != final.crc.to_bytes(4, "little") or len(data) != 4 + 8 * final.length:
        return final.fresh()
    return np.frombuffer(data, "<f8", offset=4).astype(np.float64)


def _name(course: Course) -> str:
    return f"course {course.id} {course.version} ({course.sha256[:8]})"


def _fresh_state(syllabus: Syllabus) -> Floats:
    n = len(syllabus.mastery)
    state = np.zeros(k.SKILLS + k.BLOCKS * n)
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
