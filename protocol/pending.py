"""Commands that wait for their reply. This file is what makes a lost socket harmless to a command.

A command leaves under the id its client gave it, and stays here until its reply or a final refusal
came. After a reconnect all that are here are sent again, in their order, under their old ids; the
server gives the first reply again instead of a second effect.
"""

from __future__ import annotations

from protocol.commands import AnswerDraft, AuthRefresh, Command
from protocol.events import Err
from protocol.limits import LIMITS

_UNREPEATED = (AnswerDraft, AuthRefresh)
"""Commands with an id that are not sent again: newest wins, or `hello` says it."""


class _Waiting:
    __slots__ = ("command", "due_s", "tries")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.tries = 0
        self.due_s: float | None = None


class Pending:
    """The commands of one client that have no reply yet, oldest first."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._waiting

    def add(self, command: Command) -> None:
        """Remember a command that expects a reply; others are let go."""
        id_ = getattr(command, "id", None)
        if id_ is not None and not isinstance(command, _UNREPEATED):
            self._waiting[id_] = _Waiting(command)

    def settle(self, id_: str) -> bool:
        """The reply came. True where it was waited for."""
        return self._waiting.pop(id_, None) is not None

    def refuse(self, err: Err, now_s: float) -> None:
        """A refusal came: a temporary one is tried again later, any other is final.

        The delay is the server's, but never shorter than the back-off of that many tries.
        """
        waiting = self._waiting.get(err.re or "")
        if waiting is None:
            return
        if not err.temp:
            del self._waiting[err.re or ""]
            return
        backoff_s = LIMITS.backoff_first_s * LIMITS.backoff_factor ** min(waiting.tries, 16)
        waiting.tries += 1
        delay_s = max((err.retry_ms or 0) / 1000, min(backoff_s, LIMITS.backoff_cap_s))
        waiting.due_s = now_s + delay_s

    def again(self) -> list[Command]:
        """All of them, for a new connection."""
        for waiting in self._waiting.values():
            waiting.due_s = None
        return [waiting.command for waiting in self._waiting.values()]

    def due(self, now_s: float) -> list[Command]:
        """Those whose delay after a temporary refusal is over."""
        due = [w for w in self._waiting.values() if w.due_s is not None and w.due_s <= now_s]
        for waiting in due:
            waiting.due_s = None
        return [waiting.command for waiting in due]

    @property
    def wakes_at_s(self) -> float | None:
        """When `due` has something next, or None."""
        times = [w.due_s for w in self._waiting.values() if w.due_s is not None]
        return min(times, default=None)
