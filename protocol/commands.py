"""Every message from a client to the server, as frozen structs. This file is half the vocabulary.

`COMMANDS` is the closed table, type name to struct. A new field or message may be added; none is
ever renamed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from protocol.limits import LIMITS
from protocol.message import At, Epoch, Id, Message, Part, Response, Seq, Text, table

# --- client -> server: the connection itself -------------------------------------------------


class Have(Part, frozen=True):
    """How far a client has applied one log; `gen`, `i`: a running generation's next chunk."""

    s: Id
    epoch: Epoch
    q: Seq
    gen: Id | None = None
    i: Seq | None = None


class Client(Part, frozen=True):
    """Who speaks; kept for the operator's statistics only."""

    name: Annotated[str, Meta(max_length=64)] = ""
    version: Annotated[str, Meta(max_length=64)] = ""


class Hello(Message, frozen=True, tag="hello"):
    """First frame of a connection: who comes, and what it already has. Resume is part of it."""

    token: Annotated[str, Meta(max_length=LIMITS.token_chars)] | None = None
    sid: Id | None = None
    have: Annotated[list[Have], Meta(max_length=LIMITS.have_logs)] = field(default_factory=list)
    client: Client = Client()
    window: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class Ack(Message, frozen=True, tag="ack"):
    """All events up to these positions were applied (log -> q); cumulative."""

    pos: dict[str, Seq]


class Sync(Message, frozen=True, tag="sync"):
    """The client saw a gap: send again what follows `q` of this epoch (q=0: everything)."""

    s: Id
    epoch: Epoch
    q: Seq


class AuthRefresh(Message, frozen=True, tag="auth.refresh"):
    """A fresh token for the same session; the socket stays."""

    id: Id
    token: Annotated[str, Meta(max_length=LIMITS.token_chars)]


class Pong(Message, frozen=True, tag="pong"):
    """Answer to `ping`."""


class Bye(Message, frozen=True, tag="bye"):
    """A clean leave; a running generation goes on."""


# --- client -> server: the lesson -------------------------------------------------------------

Mode = Literal["practice", "socratic", "worked", "review", "exam", "peer"]


class LessonStart(Message, frozen=True, tag="lesson.start"):
    """Begin a lesson; without `course`, the first one the server was given.

    `locale` is the learner's language (BCP 47): the course speaks it where it can, else its own.
    Without it the preference of that name counts.
    """

    id: Id
    course: Id | None = None
    mode: Mode | None = None
    seed: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    locale: Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None


class ItemNext(Message, frozen=True, tag="item.next"):
    """Leave this item and take the next one; `skill` asks for a topic."""

    id: Id
    skill: Id | None = None


class AnswerSubmit(Message, frozen=True, tag="answer.submit"):
    """One answer to the current item; `taken_ms` is the learner's own time on it.

    With `at` it answers a scaffold or a blank instead: help, never a try at the item.
    """

    id: Id
    item: Id
    response: Response
    taken_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    at: At | None = None


class AnswerPreview(Message, frozen=True, tag="answer.preview"):
    """How would this be read? Ephemeral; never says whether it is right."""

    item: Id
    response: Response
    at: At | None = None


class AnswerDraft(Message, frozen=True, tag="answer.draft"):
    """What stands in the answer box; newest wins, no reply, given back in the snapshot.

    With `at` it stands in the box of a scaffold or a blank; each of them has its own newest.
    """

    item: Id
    response: Response
    id: Id | None = None
    at: At | None = None


class HintRequest(Message, frozen=True, tag="hint.request"):
    """The next hint of the current item, or of the scaffold `at`; assisted, never wrong."""

    id: Id
    item: Id
    at: At | None = None


class StepsRequest(Message, frozen=True, tag="steps.request"):
    """The worked steps of the current item; counts as assisted.

    With `at` that blank is given up and shown, asked again without it all of them are.
    """

    id: Id
    item: Id
    at: At | None = None


class Action(Part, frozen=True):
    """A button instead of words."""

    action: Literal["simpler", "example", "why", "next_step"]


class TurnStart(Message, frozen=True, tag="turn.start"):
    """Ask the tutor; `on_busy` says what to do while another turn runs."""

    id: Id
    input: str | Action
    item: Id | None = None
    on_busy: Literal["reject", "queue", "replace"] = "reject"


class TurnCancel(Message, frozen=True, tag="turn.cancel"):
    """Stop a turn, named by `gen` or by the id of its `turn.start`; legal before it started.

    `seen_i` is the last chunk on screen: the conversation remembers only that much.
    """

    id: Id
    gen: Id | None = None
    cmd: Id | None = None
    seen_i: Annotated[int, Meta(ge=-1)] | None = None


class ModeSet(Message, frozen=True, tag="mode.set"):
    """Change the learning mode."""

    id: Id
    mode: Mode


class PrefsSet(Message, frozen=True, tag="prefs.set"):
    """Set preferences the learner declares; null removes one."""

    id: Id
    prefs: Annotated[dict[str, str | int | float | bool | None], Meta(max_length=32)]


class MoodReport(Message, frozen=True, tag="mood.report"):
    """A one-tap self-report; only ever what the learner says."""

    id: Id
    mood: Literal["fine", "tired", "stuck", "bored", "skip"]


class ReviewDue(Message, frozen=True, tag="review.due"):
    """Which skills are due for review?"""

    id: Id


# --- client -> server: rooms and boards -------------------------------------------------------


class RoomJoin(Message, frozen=True, tag="room.join"):
    """Join a study group and receive its log. `rid` is its id, or the short code on the wall.

    `token` is a facilitator's; a learner needs none.
    """

    id: Id
    rid: Id
    name: Annotated[str, Meta(max_length=64)] | None = None
    have: Have | None = None
    token: Annotated[str, Meta(max_length=LIMITS.token_chars)] | None = None


class RoomLeave(Message, frozen=True, tag="room.leave"):
    """Leave a study group."""

    id: Id
    rid: Id


class RoomSay(Message, frozen=True, tag="room.say"):
    """One chat message to a room."""

    id: Id
    rid: Id
    text: Text


class RoomBoard(Message, frozen=True, tag="room.board"):
    """Write one place of the room's shared board; null clears it."""

    id: Id
    rid: Id
    key: Id
    v: Any = None


class RoomThank(Message, frozen=True, tag="room.thank"):
    """Say that another member's help was of use."""

    id: Id
    rid: Id
    member: Id


class RoomAccept(Message, frozen=True, tag="room.accept"):
    """Answer an invitation to work as a pair."""

    id: Id
    rid: Id
    pair: Id
    yes: bool


class RoomPollOpen(Message, frozen=True, tag="room.poll.open"):
    """Open a poll, or with `poll` the second round of one (facilitator).

    `right` is the place of the right choice, from 0; it is told to nobody before the reveal.
    `predict`: voters are asked too what share will vote as they do. `item` names an item of a
    course that is a poll, in place of `prompt`, `choices` and `right`.
    """

    id: Id
    rid: Id
    prompt: Text = ""
    choices: Annotated[list[Text], Meta(max_length=12)] = field(default_factory=list)
    seconds: Annotated[int, Meta(ge=5, le=3_600)] | None = None
    right: Annotated[int, Meta(ge=0, le=11)] | None = None
    predict: bool = False
    poll: Id | None = None
    item: Id | None = None


class RoomPollClose(Message, frozen=True, tag="room.poll.close"):
    """Close the open round, then discuss, or reveal the totals (facilitator).

    Without `then` the first round is discussed and the second revealed. A poll under discussion
    may be revealed without a second round.
    """

    id: Id
    rid: Id
    poll: Id
    then: Literal["discuss", "reveal"] | None = None


class RoomVote(Message, frozen=True, tag="room.vote"):
    """One vote; `confidence` and `predicted`, the share that will vote alike, are in [0, 1]."""

    id: Id
    rid: Id
    poll: Id
    choice: Id
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    predicted: Annotated[float, Meta(ge=0, le=1)] | None = None


class RoomAsk(Message, frozen=True, tag="room.ask"):
    """One tutor turn that all members of a room see."""

    id: Id
    rid: Id
    input: str | Action


class BoardWatch(Message, frozen=True, tag="board.watch"):
    """Watch a class's board (teacher's token)."""

    id: Id
    class_: Id = field(name="class")
    have: Have | None = None


class BoardAct(Message, frozen=True, tag="board.act"):
    """An act of the teacher on the class."""

    id: Id
    class_: Id = field(name="class")
    act: Literal["send_hint", "pair", "group", "apply", "push_item", "dismiss", "open_poll"]
    args: dict[str, Any] = field(default_factory=dict)


class EphIn(Message, frozen=True, tag="eph"):
    """Typing, cursor: newest wins, may be dropped, no reply."""

    s: Id
    k: Annotated[str, Meta(max_length=32)]
    v: Any = None


Command = (
    Hello | Ack | Sync | AuthRefresh | Pong | Bye
    | LessonStart | ItemNext | AnswerSubmit | AnswerPreview | AnswerDraft | HintRequest
    | StepsRequest | TurnStart | TurnCancel | ModeSet | PrefsSet | MoodReport | ReviewDue
    | RoomJoin | RoomLeave | RoomSay | RoomBoard | RoomThank | RoomAccept
    | RoomPollOpen | RoomPollClose | RoomVote | RoomAsk
    | BoardWatch | BoardAct | EphIn
)  # fmt: skip
"""Whatever a client may say."""

COMMANDS: dict[str, type[Message]] = table(Command)
"""Type name -> struct; closed."""
