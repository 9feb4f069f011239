"""A session as it stands after an entry. This file is the state that the fold moves.

The state is written to bytes bit by bit the same wherever it was folded: `to_bytes` is what
snapshots keep and what a replay compares.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from engines.beliefs import Beliefs
from engines.exercises.hints import tells
from engines.exercises.subquestions import STEP, Place
from engines.exercises.template import instance as drawn
from engines.memory import Remembered
from engines.words import Instance, Item, ModeState, Syllabus, VerdictName
from protocol.commands import Mode

TURNS_KEPT = 24
"""Turns whose text a session keeps for the snapshot and the tutor's memory: more than its window
of 16 grows to."""
CANCELLED_KEPT = 32
"""Ids of turns that were cancelled before they came, newest kept."""
PREFS_KEPT = 64
"""Preferences a session keeps."""
PREF_CHARS = 200
"""Longest name, and longest text, of a preference."""
LINE_KEPT = 40
"""Points of the live difficulty's line that a session keeps."""
COURSES_KEPT = 8
"""Other courses whose beliefs a session keeps, those left last."""
QUEUED_TURNS = 3
"""Questions that may wait behind a running turn."""


class Sub(msgspec.Struct):
    """What was done on one small question inside the open item."""

    attempts: int = 0
    hints: int = 0
    verdict: VerdictName | None = None
    message: str = ""
    response: Any = None
    given_up: bool = False

    @property
    def over(self) -> bool:
        """Whether it is answered right, or was given up."""
        return self.given_up or self.verdict == "correct"


class Open(msgspec.Struct):
    """The open item instance and what was done on it."""

    item: str
    seed: int
    p_success: float
    why: str
    shown_at_ms: int
    attempts: int = 0
    hints: int = 0
    steps_shown: bool = False
    learning_done: bool = False
    verdict: VerdictName | None = None
    misconception: str | None = None
    message: str = ""
    response: Any = None
    unlocked: bool = False
    """The tutor has told the answer, which counts as help."""
    mode_state: ModeState = ModeState()
    """Where the mode's plan for this item stands."""
    parts: dict[str, VerdictName] | None = None
    """The newest verdict on each of its several questions."""
    subs: dict[str, Sub] = {}
    """Its scaffolds and blanks that something was done on, by their names on the wire."""
    blanks: tuple[int, ...] = ()
    """The worked steps, from 1, that were left out when the steps were shown."""

    @property
    def filled(self) -> frozenset[int]:
        """Those of the blanks that are answered right or given up."""
        return frozenset(n for n in self.blanks if (s := self.blank(n)) is not None and s.over)

    def blank(self, nth: int) -> Sub | None:
        """What was done on the blank in the nth step."""
        return self.subs.get(Place(STEP, nth).at)

    def steps_tell(self, item: Item) -> bool:
        """Whether the steps were shown to the last one, which is not left to the learner."""
        last = len(item.steps)
        return self.steps_shown and (last not in self.blanks or last in self.filled)

    def steps_told(self, item: Item) -> bool:
        """Whether the last step was shown, and is no blank that the learner filled."""
        found = self.blank(len(item.steps))
        return self.steps_tell(item) and (found is None or found.given_up)

    def told(self, item: Item) -> bool:
        """Whether the answer was told: by the ladder's last level, or by the tutor."""
        return self.unlocked or tells(item, self.hints)


class Gen(msgspec.Struct):
    """One tutor turn: who asked what, the chunks said, and how it stands."""

    gen: str
    cmd: str
    input: str
    action: str | None
    item: str | None
    provider: str
    model: str
    source: str
    act: str
    began_at_ms: int
    status: str = "running"
    chunks: list[str] = []
    from_i: int = 0
    seen_i: int | None = None

    @property
    def next_i(self) -> int:
        """Number of the next chunk."""
        return len(self.chunks)

    @property
    def text(self) -> str:
        """What is shown: the chunks from `from_i` on."""
        return "".join(self.chunks[self.from_i :])

    @property
    def seen(self) -> str:
        """What the learner saw of it, as far as we know."""
        if self.seen_i is None:
            return self.text
        return "".join(self.chunks[self.from_i : self.seen_i + 1])


class Asked(msgspec.Struct, frozen=True):
    """A question in the queue."""

    cmd: str
    text: str
    action: str | None
    item: str | None


class Point(msgspec.Struct, frozen=True):
    """The live difficulty after one scored answer; all in logits but `right` and `skill`."""

    theta: float
    sd: float
    items: tuple[float, float]
    b: float
    right: bool
    skill: str


class Pinned(NamedTuple):
    """What a lesson is pinned to: a course's hash, a version of what its answers taught, and the
    language of its texts; all empty where there is no lesson, `locale` also for the course's own.
    """

    course: str
    d_version: str
    locale: str = ""


class Plain(msgspec.Struct):
    """The part of the state that is plain data."""

    learner: str = ""
    course: str = ""
    d_version: str = ""
    locale: str = ""
    """Language of the lesson's texts; empty: the course's own."""
    mode: Mode = "practice"
    open: Open | None = None
    closed: Open | None = None
    """The item that was answered to its end last: a learner may still look at it, and ask."""
    gens: list[Gen] = []
    turns: int = 0
    queue: list[Asked] = []
    cancelled: list[str] = []
    prefs: dict[str, str | int | float | bool] = {}
    mood: str | None = None
    mood_at_ms: int = 0
    draft_item: str | None = None
    draft: Any = None
    sub_drafts: dict[str, Any] = {}
    """What stands in the boxes of the open item's scaffolds and blanks, by place."""
    answers: int = 0
    keep_turns: int = 8
    """Turns that the tutor's memory keeps word for word at least, as when the last turn began."""
    remembered: Remembered = Remembered()
    masks: dict[str, str] = {}
    """Placeholders for names and contacts, as a model reads them, with what they stand for."""
    line: list[Point] = []
    fading: dict[str, int] = {}
    """Right answers in worked mode, by the item's first skill: so many last steps are left out."""
    left: dict[str, bytes] = {}
    """Beliefs about other courses the learner went away from, by the course's id, oldest first."""
    seq: int = 0
    at_ms: int = 0


FORM = 4
"""Counted up with each change of what the fold makes of a log: a state of another form, as older
programs kept it, lacks what the next turns rest on, and its log is folded from the start."""


class _Kept(msgspec.Struct, array_like=True):
    plain: Plain
    beliefs: bytes
    form: int = 1


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Kept)


class SessionState:
    """Everything a session is: plain data, beliefs, the pinned syllabus and the open instance."""

    __slots__ = ("beliefs", "instance", "plain", "syllabus")

    def __init__(self) -> None:
        self.plain = Plain()
        self.beliefs: Beliefs | None = None
        self.syllabus: Syllabus | None = None
        self.instance: Instance | None = None

    def to_bytes(self) -> bytes:
        """Return the state's bytes; equal states have equal bytes. Drafts are no part of it."""
        plain = msgspec.structs.replace(self.plain, draft_item=None, draft=None, sub_drafts={})
        beliefs = self.beliefs.to_bytes() if self.beliefs else b""
        return _ENCODER.encode(_Kept(plain, beliefs, FORM))

    @classmethod
    def from_bytes(cls, data: bytes, syllabus: Syllabus | None) -> SessionState:
        """Return the state of these bytes; `syllabus` is the one `pinned` names.

        Like `pinned` and `at` it raises ValueError for bytes of another form.
        """
        kept = _kept(data)
        state = cls()
        state.plain = kept.plain
        if syllabus is not None and kept.plain.course:
            state.pin(syllabus, Beliefs.from_bytes(syllabus, kept.beliefs))
            state.redraw()
        return state

    @staticmethod
    def pinned(data: bytes) -> Pinned:
        """What these bytes need."""
        plain = _kept(data).plain
        return Pinned(plain.course, plain.d_version, plain.locale)

    @staticmethod
    def at(data: bytes) -> int:
        """The seq of the newest entry that these bytes rest on."""
        return _kept(data).plain.seq

    def leave_for(self, syllabus: Syllabus) -> None:
        """Forget what is open and the course to come has not; also the line of another course."""
        plain, now = self.plain, self.syllabus
        other = now is None or now.course.id != syllabus.course.id
        if other:
            plain.line, plain.fading = [], {}
        if plain.open is not None and (other or plain.open.item not in syllabus.item_index):
            plain.open = self.instance = None
        if plain.closed is not None and (other or plain.closed.item not in syllabus.item_index):
            plain.closed = None

    def beliefs_for(self, syllabus: Syllabus, carried: bytes | None) -> Beliefs:
        """What a lesson on this course begins with; what is believed of another one is kept.

        A course that was left goes on where it was left. `carried` is for the course that is
        pinned now: see `Beliefs.moved_to`.
        """
        now, plain = self.beliefs, self.plain
        if now is None:
            return Beliefs.fresh(syllabus)
        if now.course.id == syllabus.course.id:
            return now.moved_to(syllabus, carried)
        left = {name: kept for name, kept in plain.left.items() if name != now.course.id}
        back = left.pop(syllabus.course.id, None)
        left[now.course.id] = now.to_bytes()
        plain.left = dict(list(left.items())[-COURSES_KEPT:])
        if back is not None:
            now = Beliefs.from_bytes(syllabus, back)
        return now.moved_to(syllabus)

    def pin(self, syllabus: Syllabus, beliefs: Beliefs) -> None:
        """Work on this version of a course from now on."""
        self.syllabus = syllabus
        self.beliefs = beliefs

    def item(self, item_id: str) -> Item:
        """The item of the pinned course; `KeyError` where it has none of that id."""
        assert self.syllabus is not None
        return self.syllabus.course.items[self.syllabus.item_index[item_id]]

    def redraw(self) -> None:
        """Draw the open instance again from its seed."""
        shown = self.plain.open
        if shown is None or self.syllabus is None:
            self.instance = None
        else:
            self.instance = drawn(
                self.item(shown.item),
                self.syllabus.course.sha256,
                shown.seed,
                locale=self.locale,
            )

    def on(self, item: str | None) -> SessionState:
        """The session as it stands on the item a question names: the closed one, else the open."""
        closed, shown = self.plain.closed, self.plain.open
        if closed is None or item != closed.item or (shown is not None and shown.item == item):
            return self
        there = SessionState()
        there.plain = msgspec.structs.replace(self.plain, open=closed)
        there.syllabus, there.beliefs = self.syllabus, self.beliefs
        there.redraw()
        return there

    @property
    def known(self) -> Beliefs:
        """The beliefs of a lesson that has begun."""
        assert self.beliefs is not None
        return self.beliefs

    @property
    def fading(self) -> int:
        """How many of the open item's last steps are left out when its steps are shown now."""
        if self.plain.mode != "worked" or self.instance is None:
            return 0
        return self.plain.fading.get(self.instance.item.skills[0], 0)

    @property
    def locale(self) -> str:
        """The language of the lesson; English before there is one."""
        return self.syllabus.course.locale if self.syllabus is not None else "en"

    @property
    def running(self) -> Gen | None:
        """The generation that is being said now."""
        return next((g for g in reversed(self.plain.gens) if g.status == "running"), None)

    def gen(self, name: str) -> Gen | None:
        """A kept generation by its name."""
        return next((g for g in reversed(self.plain.gens) if g.gen == name), None)


def _kept(data: bytes) -> _Kept:
    kept = _DECODER.decode(data)
    if kept.form != FORM:
        raise ValueError(f"expected a state of form {FORM}, one of form {kept.form} came")
    return kept


class _Saved(msgspec.Struct, array_like=True):
    state: bytes
    draft_item: str | None
    draft: Any
    epoch: str = ""
    sub_drafts: dict[str, Any] = {}


class Saved(NamedTuple):
    """A stored snapshot: the state's bytes, the drafts beside it, and the epoch that its place
    belongs to; empty where an older program wrote it.
    """

    state: bytes
    draft_item: str | None
    draft: Any
    epoch: str
    sub_drafts: dict[str, Any]


def snapshot_body(state: SessionState, epoch: str) -> bytes:
    """Bytes of a stored snapshot."""
    plain = state.plain
    drafts = plain.draft_item, plain.draft
    return msgspec.msgpack.encode(_Saved(state.to_bytes(), *drafts, epoch, plain.sub_drafts))


def snapshot_parts(body: bytes) -> Saved:
    """What a stored snapshot holds."""
    saved = msgspec.msgpack.decode(body, type=_Saved)
    return Saved(saved.state, saved.draft_item, saved.draft, saved.epoch, saved.sub_drafts)
