"""The order of a connection: what a client may say when. This file is the life of one connection.

Theory of operation
===================

Rule 1: everything that decides whether a command is in order lives in this file, in the table as
far as it goes. Rule 2: this file knows no socket, no clock and no session; the edge tells it what
was heard and what the server did, and it answers with a state or a refusal.

There is one machine per connection, with four states:

* HELLO: nobody is welcomed yet. The one thing to say is `hello`, once; while it is being answered
  the client waits. A clean leave is never out of order.
* OPEN: `welcome` was sent. Everything but a second `hello` is in order.
* DRAINING: `drain` was sent. What runs is finished here: answers, acks and cancels are heard as
  before. Whatever would begin something new is refused with the temporary `moved`, so that the
  client says it again, under the same id, to whoever answers next.
* CLOSED: a last word was said. Nothing is in order any more.

Two kinds of words move it. A *command* is heard from the client (`hear`), and may be refused. An
*act* is done by the server (`opened`, `draining`, `closed`) and never fails, because the server
cannot take it back: a session that is attached after its socket died finds CLOSED and stays there;
one that is attached while the node drains finds DRAINING and stays there.

Three things do not fit a row of the table and stand in `hear`: that `hello` comes once (HELLO leads
to HELLO, because the welcome is the server's act), which refusal is the temporary one, and the
words of the refusal. An SSE stream uses the same machine: its request is the `hello`.

WARNING: `diagram` draws the tables. Whatever is added to `hear` is not in the picture.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from protocol.commands import COMMANDS, Command
from protocol.errors import Code, Refused
from protocol.message import Message, type_of


class State(Enum):
    """Where a connection stands."""

    HELLO = "HELLO"
    OPEN = "OPEN"
    DRAINING = "DRAINING"
    CLOSED = "CLOSED"


class Act(Enum):
    """What the server does to a connection."""

    OPENED = "welcome sent"
    DRAINING = "drain sent"
    CLOSED = "socket closed"


Row: TypeAlias = dict[type[Message], State]

BEGINNINGS: Final = frozenset(
    {
        "hello",
        "lesson.start",
        "turn.start",
        "room.join",
        "room.ask",
        "room.poll.open",
        "board.watch",
    }
)
"""Commands that begin something; a draining node does not."""


def _row(names: frozenset[str], state: State) -> Row:
    return {COMMANDS[name]: state for name in sorted(names)}


_LATER: Final = frozenset(COMMANDS) - {"hello", "bye"}
_BYE: Final = _row(frozenset({"bye"}), State.CLOSED)

HEARD: Final[dict[State, Row]] = {
    State.HELLO: _row(frozenset({"hello"}), State.HELLO) | _BYE,
    State.OPEN: _row(_LATER, State.OPEN) | _BYE,
    State.DRAINING: _row(_LATER - BEGINNINGS, State.DRAINING) | _BYE,
    State.CLOSED: {},
}
"""State -> the commands in order there, and the state each leads to."""

DONE: Final[dict[State, dict[Act, State]]] = {
    State.HELLO: {
        Act.OPENED: State.OPEN,
        Act.DRAINING: State.DRAINING,
        Act.CLOSED: State.CLOSED,
    },
    State.OPEN: {
        Act.OPENED: State.OPEN,
        Act.DRAINING: State.DRAINING,
        Act.CLOSED: State.CLOSED,
    },
    State.DRAINING: {
        Act.OPENED: State.DRAINING,
        Act.DRAINING: State.DRAINING,
        Act.CLOSED: State.CLOSED,
    },
    State.CLOSED: {
        Act.OPENED: State.CLOSED,
        Act.DRAINING: State.CLOSED,
        Act.CLOSED: State.CLOSED,
    },
}
"""State -> where each act of the server leads; total, because an act cannot be refused."""


class Conversation:
    """One connection's place in the order. Costs a dictionary lookup a command.

    >>> talk = Conversation()
    >>> talk.hear(COMMANDS["bye"]())
    >>> talk.state
    <State.CLOSED: 'CLOSED'>
    """

    __slots__ = ("_greeted", "_row", "retry_ms", "state")

    def __init__(self) -> None:
        self.state = State.HELLO
        self.retry_ms: int | None = None
        self._row = HEARD[State.HELLO]
        self._greeted = False

    def hear(self, command: Command) -> None:
        """Take a command that was heard; afterwards `state` is where it led.

        Raises Refused: OUT_OF_ORDER with the state, what it expects and what came; in DRAINING,
        for a command that begins something, MOVED with the drain's delay.
        """
        state = self._row.get(type(command))
        if state is None:
            raise self._refused(command)
        if state is not self.state:
            self._move(state)
        elif state is State.HELLO:
            if self._greeted:
                raise self._refused(command)
            self._greeted = True

    def opened(self) -> None:
        """The welcome was sent."""
        self._move(DONE[self.state][Act.OPENED])

    def draining(self, after_ms: int | None = None) -> None:
        """`drain` was sent, with this delay; refusals pass it on."""
        self.retry_ms = after_ms
        self._move(DONE[self.state][Act.DRAINING])

    def closed(self) -> None:
        """The socket is gone, or its last word was said."""
        self._move(DONE[self.state][Act.CLOSED])

    def _move(self, state: State) -> None:
        self.state = state
        self._row = HEARD[state]

    def _refused(self, command: Command) -> Refused:
        t = type_of(command)
        re = getattr(command, "id", None)
        state = self.state
        again = t == "hello" and self._greeted
        if state is State.HELLO and self._greeted:
            expected = "its one `hello` to be answered by `welcome` first"
        else:
            expected = _named({type_of(kind) for kind in HEARD[state]})
        moved = state is State.DRAINING and t in BEGINNINGS and not again
        code = Code.MOVED if moved else Code.OUT_OF_ORDER
        detail = f"the connection is {state.value}: expected {expected}, came `{t}`"
        return Refused(code, detail, re=re, retry_ms=self.retry_ms)


def _named(names: set[str]) -> str:
    """Commands in words short enough for an error: few by name, many by what is missing."""
    if not names:
        return "nothing any more"
    if len(names) <= 4:
        return " or ".join(f"`{name}`" for name in sorted(names, reverse=True))
    missing = sorted(set(COMMANDS) - names)
    return "any command but " + ", ".join(f"`{name}`" for name in missing)


def diagram() -> str:
    """The tables as a Mermaid state diagram; acts of the server stand in brackets.

    >>> print(diagram().splitlines()[1])
        [*] --> HELLO
    """
    lines = ["stateDiagram-v2", "    [*] --> HELLO"]
    for state in State:
        said: dict[State, set[str]] = {}
        for kind, after in HEARD[state].items():
            said.setdefault(after, set()).add(type_of(kind))
        for after, names in said.items():
            label = _named(names).replace("`", "")
            lines.append(f"    {state.value} --> {after.value}: {label}")
        for act, after in DONE[state].items():
            if after is not state:
                lines.append(f"    {state.value} --> {after.value}: [{act.value}]")
    return "\n".join([*lines, f"    {State.CLOSED.value} --> [*]"])
