"""What happened, as the log keeps it: one deed an append. This file is the fold's only input.

A deed is sealed: no connection ever sees it. It holds what cannot be computed again (what the
learner said, which provider spoke, which words it used) and nothing that follows from it.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Deed(msgspec.Struct, frozen=True, gc=False, tag_field="k", omit_defaults=True):
    """Base of all deeds."""


class LessonBegan(Deed, frozen=True, tag="lesson"):
    """A lesson on one course version, pinned to one version of what its answers taught.

    `build` names the program that wrote it: on another build a replay says so first. `carried` is
    the learner's scoring state under the version's parameters, where those are others than before:
    stored answers filtered again, which a fold could not do. `locale` is the language of its texts;
    empty: the course's own.
    """

    cmd: str
    learner: str
    course: str
    d_version: str
    mode: str
    seed: int | None
    build: str
    carried: bytes | None = None
    locale: str = ""


class ItemLeft(Deed, frozen=True, tag="next"):
    """The learner asked for another item."""

    cmd: str
    skill: str | None = None


class AnswerGiven(Deed, frozen=True, tag="answer"):
    """One answer, as it came."""

    cmd: str
    item: str
    seed: int
    response: Any
    taken_ms: int


class SubAnswered(Deed, frozen=True, tag="sub"):
    """An answer to the small question `at` inside the open item, as it came."""

    cmd: str
    at: str
    response: Any


class PollAnswered(Deed, frozen=True, tag="vote"):
    """Votes in a room on an item of the lesson's course, once its poll was revealed.

    `cmd` names the reveal: room, epoch, place. `first` is the option chosen before the discussion,
    `again` the one after it; `seed` draws the item as the room saw it.
    """

    cmd: str
    item: str
    seed: int
    first: str | None = None
    again: str | None = None


class HintTaken(Deed, frozen=True, tag="hint"):
    """One more level of the ladder; with `at` one more hint of that scaffold."""

    cmd: str
    at: str | None = None


class StepsTaken(Deed, frozen=True, tag="steps"):
    """The worked steps were shown; asked for again, their blanks were given up: `at`, or all."""

    cmd: str
    at: str | None = None


class TurnAsked(Deed, frozen=True, tag="ask"):
    """A question that waits behind a running turn."""

    cmd: str
    text: str
    action: str | None = None
    item: str | None = None


class TurnBegan(Deed, frozen=True, tag="turn"):
    """A generation began; `provider` is the first choice.

    `prefix` names the blocks of its prompt's stable part. `masks` are the placeholders that this
    text brought, with what they stand for. `safety` is what was read in the learner's words, as
    `explicit self-harm`; then the tutor says a fixed text. With `unlocks` the open item's answer
    may be said from now on. `keep_turns` is how many turns the memory keeps word for word at least.
    """

    gen: str
    cmd: str
    text: str
    action: str | None
    item: str | None
    provider: str
    model: str
    source: str
    act: str
    prefix: str = ""
    masks: dict[str, str] = {}
    safety: str | None = None
    unlocks: bool = False
    keep_turns: int = 8


class ChunkSaid(Deed, frozen=True, tag="chunk"):
    """One chunk of a generation."""

    gen: str
    text: str


class TurnSwitched(Deed, frozen=True, tag="switch"):
    """Another provider starts anew."""

    gen: str
    provider: str
    model: str
    reason: str


class TurnEnded(Deed, frozen=True, tag="end"):
    """The one end of a generation. `cmd` is the cancelling command, where one came.

    `tokens` are those of all attempts: in, out, in from a cache; `estimated` where the provider
    did not count them. `micro_usd` is what they cost, where the prices are known.
    """

    gen: str
    status: str
    reason: str | None = None
    ttft_ms: float = 0.0
    tokens: tuple[int, int, int] | None = None
    estimated: bool = False
    seen_i: int | None = None
    cmd: str | None = None
    micro_usd: int | None = None


class TurnRefused(Deed, frozen=True, tag="unask"):
    """A turn was cancelled before it began: `target` is the id of its `turn.start`."""

    cmd: str
    target: str


class ModeChosen(Deed, frozen=True, tag="mode"):
    """Another learning mode."""

    cmd: str
    mode: str


class PrefsDeclared(Deed, frozen=True, tag="prefs"):
    """Preferences the learner declared; null removes one."""

    cmd: str
    prefs: dict[str, str | int | float | bool | None]


class MoodTold(Deed, frozen=True, tag="mood"):
    """A one-tap self-report."""

    cmd: str
    mood: str


class ReviewAsked(Deed, frozen=True, tag="review"):
    """The learner asked which skills are due."""

    cmd: str


class Restored(Deed, frozen=True, tag="restored"):
    """The log before this entry is gone: the state (`SessionState.to_bytes`) that Records kept."""

    state: bytes


AnyDeed = (
    LessonBegan | ItemLeft | AnswerGiven | SubAnswered | PollAnswered | HintTaken | StepsTaken
    | TurnAsked | TurnBegan | ChunkSaid | TurnSwitched | TurnEnded | TurnRefused | ModeChosen
    | PrefsDeclared | MoodTold | ReviewAsked | Restored
)  # fmt: skip

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[AnyDeed] = msgspec.msgpack.Decoder(AnyDeed)


def sealed(deed: Deed) -> bytes:
    """Return a deed's bytes, as the log keeps them."""
    return _ENCODER.encode(deed)


def unsealed(data: bytes) -> AnyDeed:
    """Return the deed of these bytes; `msgspec.ValidationError` where they are none."""
    return _DECODER.decode(data)


def restores(data: bytes) -> bool:
    """Whether these bytes are a `Restored`: the state is not what the log's events make of it."""
    return bool(data) and isinstance(unsealed(data), Restored)
