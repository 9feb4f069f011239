"""What a client knows of a study room from its log. This file folds events over a snapshot's state.

A room restored from a snapshot and one folded from the stream agree. What is told beside the log
(`q` 0: a facilitator's totals and previews, leader rows) stays until it is told anew.
"""

from __future__ import annotations

from typing import Any, Final

from protocol.events import Board, Durable, Foreign, Presence, RoomEvent
from protocol.limits import LIMITS

_KEYS: Final = ("title", "code", "you", "members", "says", "poll", "board", "groups", "pairs")


class RoomPicture:
    """One room: members who are here, messages, the poll, the board, groups and pairs.

    All of it as a snapshot's `state` has it (`members` by id, `board` by key, ..).

    >>> room = RoomPicture()
    >>> room.take(RoomEvent("r_1", 4, 0, "board", {"key": "k", "v": "half", "by": "m_1"}))
    >>> room.board
    {'k': {'v': 'half', 'by': 'm_1'}}
    """

    __slots__ = (*_KEYS, "told", "totals")

    def __init__(self, state: Any = None) -> None:
        known = state if isinstance(state, dict) else {}
        self.title: str = known.get("title", "")
        self.code: str = known.get("code", "")
        self.you: dict[str, Any] = dict(known.get("you", {}))
        self.members: dict[str, dict[str, Any]] = dict(known.get("members", {}))
        self.says: list[dict[str, Any]] = list(known.get("says", []))
        self.poll: dict[str, Any] | None = known.get("poll")
        self.board: dict[str, dict[str, Any]] = dict(known.get("board", {}))
        self.groups: list[dict[str, Any]] = list(known.get("groups", []))
        self.pairs: list[dict[str, Any]] = list(known.get("pairs", []))
        self.totals: dict[str, Any] | None = None
        """A facilitator's: the newest count of the round."""
        self.told: dict[str, Any] = {}
        """A facilitator's previews by kind, and everybody's own `leader` rows."""

    def take(self, event: Durable | Foreign) -> None:
        """Work the next event of the log in."""
        if isinstance(event, Presence):
            self._presence(event)
        elif isinstance(event, RoomEvent) and isinstance(event.data, dict):
            self._event(event, event.data)

    def replace(self, event: Durable | Foreign) -> None:
        """Take what is told beside the log."""
        if isinstance(event, Board):
            self.told[event.kind] = event.data
        elif isinstance(event, RoomEvent) and event.kind == "vote_count":
            self.totals = event.data
        elif isinstance(event, RoomEvent):
            self.told[event.kind] = event.data

    def _presence(self, event: Presence) -> None:
        for mid, cids in event.joins.items():
            had = self.members.get(mid, {"name": "", "role": "member", "connections": []})
            named = (event.names or {}).get(mid)
            name, role = (named.name, named.role) if named else (had["name"], had["role"])
            connections = [*had["connections"], *(c for c in cids if c not in had["connections"])]
            self.members[mid] = {"name": name, "role": role, "connections": connections}
        for mid, cids in event.leaves.items():
            had = self.members.get(mid, {"connections": []})
            left = [c for c in had["connections"] if c not in cids]
            if left:
                self.members[mid] = {**had, "connections": left}
            else:
                self.members.pop(mid, None)

    def _event(self, event: RoomEvent, data: dict[str, Any]) -> None:
        poll = self.poll
        same = poll is not None and poll.get("poll") == data.get("poll")
        match event.kind:
            case "say":
                self.says = [*self.says, {"q": event.q, **data, "ts": event.ts}]
                del self.says[: -LIMITS.room_says_kept]
            case "poll":
                goes_on = poll is not None and same and poll.get("round") == data.get("round")
                kept = (
                    {"n": poll.get("n", 0), "voters": poll.get("voters", [])}
                    if poll is not None and goes_on
                    else {"n": 0, "voters": []}
                )
                self.poll = {**data, **kept}
            case "vote_count" if poll is not None and same:
                known = [v for v in poll.get("voters", []) if v not in data["voters"]]
                voters = [*known, *data["voters"]]
                self.poll = {**poll, "n": data["n"], "voters": voters}
            case "reveal" if poll is not None and same:
                open_ = {k: v for k, v in poll.items() if k != "closes_at"}
                self.poll = {**open_, "phase": "revealed", "reveal": data}
            case "board":
                self.board.pop(data["key"], None)
                if data.get("v") is not None:
                    self.board[data["key"]] = {"v": data["v"], "by": data["by"]}
            case "group":
                self.groups = data.get("groups", self.groups)
                self._paired(data.get("pairs", []))

    def _paired(self, told: list[dict[str, Any]]) -> None:
        now = {pair["id"]: pair for pair in self.pairs}
        now.update((pair["id"], pair) for pair in told)
        self.pairs = list(now.values())[-LIMITS.room_pairs :]
