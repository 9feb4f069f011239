"""Every message from the server to a client, as frozen structs. This file is the other half.

`EVENTS` is the closed table, type name to struct. A new field or message may be added; none is
ever renamed.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import field

from protocol.message import Message, Part, table

# --- server -> client: the connection itself --------------------------------------------------


class LogHead(Part, frozen=True):
    """Where a log stands and how this connection catches up with it."""

    s: str
    epoch: str
    head: int
    mode: Literal["live", "replay", "snapshot", "reset"]


class Welcome(Message, frozen=True, tag="welcome"):
    """Answer to `hello`; `token` is a guest's own, to be sent in its later `hello`."""

    cid: str
    sid: str
    node: str
    heartbeat_s: float
    window: int
    logs: list[LogHead]
    token: str | None = None
    expires_at: int | None = None


class GenText(Part, frozen=True):
    """A generation as it stands: its text so far and the number of its next chunk."""

    gen: str
    text: str
    next_i: int
    status: str


class Snapshot(Message, frozen=True, tag="snapshot"):
    """A log's whole state at `q`; live goes on at `q + 1`."""

    s: str
    epoch: str
    q: int
    state: Any
    gens: list[GenText]


class At(Part, frozen=True):
    """Where in a log."""

    s: str
    q: int


class Err(Message, frozen=True, tag="err"):
    """A refusal: what was expected and what came; `re` is the command's id where it was read."""

    code: int
    name: str
    msg: str
    temp: bool
    re: str | None = None
    retry_ms: int | None = None


class Rate(Message, frozen=True, tag="rate"):
    """What is left of the learner's limits."""

    limits: list[RateLimit]


class RateLimit(Part, frozen=True):
    """One limit and when it is full again."""

    name: str
    limit: int
    left: int
    reset_ms: int


class Lag(Message, frozen=True, tag="lag"):
    """The connection reads too slowly; levels 1 to 3."""

    level: int
    unacked: int
    unacked_bytes: int


class AuthExpiring(Message, frozen=True, tag="auth.expiring"):
    """The token ends soon."""

    in_ms: int


class Drain(Message, frozen=True, tag="drain"):
    """The node is leaving: come back after `after_ms`."""

    after_ms: int
    reason: str


class Ping(Message, frozen=True, tag="ping"):
    """Heartbeat with the logs' heads; an idle client finds a gap by it."""

    heads: dict[str, int]
    ts: int


class Preview(Message, frozen=True, tag="preview"):
    """How an answer would be read."""

    item: str
    read_as: str
    column: int | None = None
    note: str | None = None
    at: str | None = None


class EphOut(Message, frozen=True, tag="eph"):
    """Typing, cursor of another member."""

    s: str
    k: str
    v: Any
    from_: str = field(name="from")


# --- server -> client: durable events ---------------------------------------------------------


class Durable(Message, frozen=True):
    """An event of a log: `s` names the log, `q` its place, `ts` its time in ms since 1970.

    `q` 0 is no place: the event moves no reader, it settles a command (`ok` of a room's command) or
    replaces what was told before (a facilitator's totals).

    `span` is how many places the frame covers, ending at `q`: above 1 only for deltas that were
    merged for a slow reader. `dup` marks a stored reply that is sent again.
    """

    s: str
    q: int
    ts: int


class Ok(Durable, frozen=True, tag="ok"):
    """A command had its effect; `changed` says which."""

    re: str
    changed: dict[str, Any] | None = None
    at: At | None = None
    dup: bool = False


class Choice(Part, frozen=True):
    """One option; its id is the response."""

    id: str
    text: str


class Picture(Part, frozen=True):
    """A picture of an item: its address on this server, and what it shows, in words."""

    src: str
    alt: str


class ItemShown(Durable, frozen=True, tag="item"):
    """The item to work on next, and why this one."""

    item: str
    kind: str
    prompt: str
    skills: list[str]
    p_success: float
    why: str
    choices: list[Choice] | None = None
    widget: Any = None
    hints: int = 0
    title: str | None = None
    source: str | None = None
    re: str | None = None
    dup: bool = False
    media: list[Picture] | None = None


class SkillMoved(Part, frozen=True):
    """Mastery of one skill before and after an answer, in hundredths of [0, 1].

    Mastery is the chance to get the skill's reference item right; `low` and `high` are the 10 %
    and 90 % quantiles of what is believed of it after the answer. `mastered` says whether the
    skill counts as mastered now, `due_at` (ms since 1970) when it is due for review.
    """

    id: str
    before: float
    after: float
    low: float = 0.0
    high: float = 1.0
    mastered: bool = False
    due_at: int | None = None


class Timing(Part, frozen=True):
    """Where an answer's time went, in microseconds.

    `store_us` is the newest finished group commit of the same store: this answer's own commit is
    still ahead when the frame is made. `total_us` runs from the bytes' arrival to the append.
    """

    decode_us: int
    check_us: int
    score_us: int
    store_us: int
    total_us: int


Verdict = Literal["correct", "incorrect", "partial", "wrong_form", "unreadable"]


class Feedback(Durable, frozen=True, tag="feedback"):
    """The verdict on one answer and what it moved.

    `skills` holds every skill whose mastery moved by a hundredth or more, not the item's alone;
    `reasons` says in words what moved a skill that was not answered. With `at` the answer was to
    that scaffold or blank: it is no try at the item and moves nothing. `parts` are the verdicts on
    an item's several questions. The verdict on a vote in a room comes unasked once its poll is
    revealed: `re` is then `rid:epoch:q` of the reveal, and the open item stays as it is.
    """

    re: str
    item: str
    verdict: Verdict
    read_as: str
    message: str
    assisted: bool
    skills: list[SkillMoved]
    p_expected: float
    timing: Timing
    misconception: str | None = None
    attempt: int = 1
    done: bool = False
    reasons: list[str] | None = None
    dup: bool = False
    at: str | None = None
    parts: dict[str, Verdict] | None = None


class Difficulty(Durable, frozen=True, tag="difficulty"):
    """The live difficulty: ability on a skill, its uncertainty and the success band aimed at.

    `theta` is on `skill`; `items` is the range of item difficulties, in logits like `theta`, that
    meets the band; `b` is the difficulty of the item just answered, `right` how it went.
    """

    theta: float
    sd: float
    target: list[float]
    step: float
    reason: str
    items: list[float] | None = None
    skill: str | None = None
    b: float | None = None
    right: bool | None = None


class Scaffold(Part, frozen=True):
    """The small question of a hint: `kind` says what is taken; `hints` it has of its own.

    Where nothing is taken there is no `at`.
    """

    ask: str
    at: str | None = None
    kind: str | None = None
    choices: list[Choice] | None = None
    hints: int = 0


class Hint(Durable, frozen=True, tag="hint"):
    """One level of an item's hint ladder; with `at` a hint of that scaffold.

    `told`: it says the answer, so the item counts as assisted and its skill comes again.
    """

    item: str
    level: int
    of: int
    text: str
    scaffold: Scaffold | None = None
    re: str | None = None
    dup: bool = False
    at: str | None = None
    told: bool = False


class Blank(Part, frozen=True):
    """What a worked step asks: the answer is given with this `at`."""

    at: str
    kind: str
    choices: list[Choice] | None = None


class Step(Part, frozen=True):
    """One worked step and why it is taken; one that asks has no `show` until it is answered."""

    show: str = ""
    why: str = ""
    ask: Blank | None = None


class Steps(Durable, frozen=True, tag="steps"):
    """The worked steps of an item."""

    item: str
    steps: list[Step]
    re: str | None = None
    dup: bool = False


class TurnStarted(Durable, frozen=True, tag="turn.started"):
    """A generation exists: who speaks, and which command asked; in a room, `by` which member."""

    gen: str
    cmd: str
    provider: str
    model: str
    source: Literal["builtin", "llm"]
    input: str | None = None
    item: str | None = None
    dup: bool = False
    by: str | None = None


class Delta(Durable, frozen=True, tag="delta"):
    """Chunks a..b of a generation's text."""

    gen: str
    i: tuple[int, int]
    text: str
    span: int = 1


class TurnRestarted(Durable, frozen=True, tag="turn.restarted"):
    """A provider failed in mid-answer: what is shown is the text of chunks from `from_i` on."""

    gen: str
    from_i: int
    provider: str
    model: str
    reason: str


TurnStatus = Literal["completed", "cancelled", "superseded", "incomplete", "failed", "lost"]


class Usage(Part, frozen=True):
    """Tokens of all attempts of a turn."""

    input: int
    output: int
    cached_in: int = 0
    estimated: bool = False


class TurnDone(Durable, frozen=True, tag="turn.done"):
    """The one end of a generation; `n` counts all chunks, `text_sha256` is of what is shown."""

    gen: str
    status: TurnStatus
    n: int
    text_sha256: str
    ttft_ms: float
    reason: str | None = None
    usage: Usage | None = None
    cost_usd: float | None = None


class Reward(Durable, frozen=True, tag="reward"):
    """Something was earned, and why."""

    kind: str
    points: int
    reason: str
    achievement: str | None = None


class Signal(Durable, frozen=True, tag="signal"):
    """What was seen in the work, and what is offered."""

    kind: str
    level: int
    reasons: list[str]
    offer: str | None = None


class NextInterval(Part, frozen=True):
    """Whole days until a skill comes back, by how its review goes now."""

    wrong: int
    assisted: int
    right: int
    easy: int


class Due(Part, frozen=True):
    """A skill that is due, since when (ms since 1970), and the chance it is still recalled."""

    skill: str
    at: int
    retrievability: float
    next_interval: NextInterval | None = None
    reason: str = ""


class Review(Durable, frozen=True, tag="review"):
    """The skills that are due for review, the one most likely forgotten first."""

    due: list[Due]
    re: str | None = None
    dup: bool = False


class Board(Durable, frozen=True, tag="board"):
    """One event of a class's board."""

    kind: Literal[
        "tile", "alert", "calibration", "curve", "groups", "pairs", "network", "talk", "spend"
    ]
    data: Any = None


class RoomEvent(Durable, frozen=True, tag="room.event"):
    """One event of a room."""

    kind: Literal["say", "poll", "vote_count", "reveal", "leader", "board", "group"]
    data: Any = None


class Named(Part, frozen=True):
    """What others see of a member."""

    name: str
    role: Literal["member", "facilitator"] = "member"


class Presence(Durable, frozen=True, tag="presence"):
    """Who came and who went, by member with its connections; `names` are of those who came."""

    joins: dict[str, list[str]]
    leaves: dict[str, list[str]]
    names: dict[str, Named] | None = None


Event = (
    Welcome | Snapshot | Err | Rate | Lag | AuthExpiring | Drain | Ping | Preview | EphOut
    | Ok | ItemShown | Feedback | Difficulty | Hint | Steps | TurnStarted | Delta
    | TurnRestarted | TurnDone | Reward | Signal | Review | Board | RoomEvent | Presence
)  # fmt: skip
"""Whatever a server may say."""


class Foreign(Part, frozen=True):
    """An event whose type this build does not know, from a newer server.

    Only its place in the log is understood; a reader steps over it.
    """

    t: str
    s: str | None = None
    q: int | None = None
    span: int = 1


EVENTS: dict[str, type[Message]] = table(Event)
"""Type name -> struct; closed."""

DURABLE = frozenset(t for t, kind in EVENTS.items() if issubclass(kind, Durable))
"""Type names that carry `s`, `q` and `ts`."""
