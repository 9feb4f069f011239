"""A room as a client sees it: folded from events it equals what a snapshot holds."""

from __future__ import annotations

from typing import Any

import pytest

from protocol import commands as cmd
from protocol.events import (
    Board,
    Foreign,
    LogHead,
    Named,
    Ok,
    Presence,
    RoomEvent,
    Snapshot,
    TurnStarted,
    Welcome,
)
from protocol.limits import LIMITS
from protocol.replica import Replica
from protocol.room_picture import RoomPicture

RID = "r_1"


def event(q: int, kind: Any, **data: Any) -> RoomEvent:
    return RoomEvent(RID, q, 7, kind, data)


def poll(q: int, phase: str, round_: int = 1) -> RoomEvent:
    return event(q, "poll", poll="p1", phase=phase, round=round_, prompt="?", choices=[])


def folded(*events: Any) -> RoomPicture:
    room = RoomPicture()
    for one in events:
        room.take(one)
    return room


def test_who_comes_goes_and_comes_twice() -> None:
    names = {"m_1": Named("Ann"), "m_2": Named("T", "facilitator")}
    room = folded(
        Presence(RID, 1, 0, {"m_1": ["c1"], "m_2": ["c2"]}, {}, names),
        Presence(RID, 2, 0, {"m_1": ["c3"]}, {"m_2": ["c2"]}),
        Presence(RID, 3, 0, {}, {"m_1": ["c1"], "m_9": ["c9"]}),
    )
    assert room.members == {"m_1": {"name": "Ann", "role": "member", "connections": ["c3"]}}


def test_a_poll_from_its_opening_to_its_reveal() -> None:
    room = folded(
        poll(1, "voting"),
        event(2, "vote_count", poll="p1", round=1, n=1, voters=["m_1"]),
        event(3, "vote_count", poll="p1", round=1, n=2, voters=["m_2", "m_1"]),
        poll(4, "discuss"),
    )
    assert room.poll is not None
    assert (room.poll["phase"], room.poll["n"]) == ("discuss", 2)
    assert room.poll["voters"] == ["m_2", "m_1"]
    room.take(poll(5, "voting", 2))
    assert (room.poll["n"], room.poll["voters"]) == (0, [])
    room.take(event(6, "reveal", poll="p0"))
    assert room.poll["phase"] == "voting"
    room.take(event(7, "reveal", poll="p1", rounds=[], suppressed=True))
    assert room.poll["phase"] == "revealed"
    assert room.poll["reveal"]["suppressed"]


def test_says_board_groups_and_pairs() -> None:
    says = [event(n, "say", member="m_1", name="Ann", text=f"{n}") for n in range(1, 60)]
    room = folded(
        *says,
        event(60, "board", key="k", v=1, by="m_1"),
        event(61, "board", key="k", v=2, by="m_2"),
        event(62, "board", key="gone", v=1, by="m_1"),
        event(63, "board", key="gone", v=None, by="m_1"),
        event(64, "group", groups=[{"id": "t1", "members": ["m_1"], "reason": ""}]),
        event(65, "group", pairs=[{"id": "w1", "members": ["m_1", "m_2"], "state": "invited"}]),
        event(66, "group", pairs=[{"id": "w1", "members": ["m_1", "m_2"], "state": "together"}]),
    )
    assert len(room.says) == LIMITS.room_says_kept
    assert room.says[-1] == {"q": 59, "member": "m_1", "name": "Ann", "text": "59", "ts": 7}
    assert room.board == {"k": {"v": 2, "by": "m_2"}}
    assert [g["id"] for g in room.groups] == ["t1"]
    assert [p["state"] for p in room.pairs] == ["together"]


def test_a_snapshots_state_is_taken_as_it_is_and_not_moved() -> None:
    state: dict[str, Any] = {"title": "Halves", "members": {}, "says": [], "board": {}}
    state["poll"] = None
    room = RoomPicture(state)
    room.take(event(2, "board", key="k", v=1, by="m_1"))
    assert room.title == "Halves"
    assert state["board"] == {}
    assert RoomPicture("of another form").members == {}


def client() -> Replica:
    replica = Replica()
    replica.hello()
    heads = [LogHead("me", "e1", 0, "live"), LogHead(RID, "e2", 3, "snapshot")]
    replica.hear(Welcome("c", "s_1", "n", 20.0, 64, heads))
    replica.hear(Snapshot(RID, "e2", 3, {"title": "Halves"}, []))
    return replica


def test_what_is_told_beside_the_log_moves_no_reader() -> None:
    replica = client()
    replica.hear(event(0, "vote_count", poll="p1", totals={"a": 1}))
    replica.hear(Board(RID, 0, 0, "pairs", {"pairs": []}))
    replica.hear(event(0, "leader", rows=[]))
    kept = replica.logs[RID]
    assert kept.reader.position.seq == 3
    assert kept.picture.room.totals == {"poll": "p1", "totals": {"a": 1}}
    assert set(kept.picture.room.told) == {"pairs", "leader"}
    replica.hear(event(4, "say", member="m", name="A", text="hi"))
    assert [say["text"] for say in kept.picture.says] == ["hi"]


def test_another_members_command_settles_none_of_ours() -> None:
    replica = client()
    replica.send(cmd.RoomAsk("c1", RID, "why?"))
    replica.hear(TurnStarted(RID, 4, 0, "g1", "c1", "builtin", "b", "builtin", by="m_other"))
    assert "c1" in replica.pending
    replica.hear(Ok(RID, 0, 0, "c1"))
    assert "c1" not in replica.pending


def test_a_room_that_was_left_is_forgotten() -> None:
    replica = client()
    replica.send(cmd.RoomLeave("bye", RID))
    assert RID in replica.logs
    replica.hear(Ok(RID, 0, 0, "bye"))
    assert RID not in replica.logs


@pytest.mark.parametrize("listed", [True, False])
def test_a_room_that_a_welcome_does_not_list_is_no_longer_ours(listed: bool) -> None:
    replica = client()
    hello = replica.hello()
    assert {have.s for have in hello.have} >= {RID}
    heads = [LogHead("me", "e1", 0, "live")]
    if listed:
        heads.append(LogHead(RID, "e2", 3, "live"))
    replica.hear(Welcome("c", "s_1", "n", 20.0, 64, heads))
    assert (RID in replica.logs) == listed


def test_an_event_of_a_newer_server_is_stepped_over() -> None:
    room = RoomPicture()
    room.take(Foreign("firework", RID, 1))
    room.replace(Foreign("firework", RID, 0))
    assert room.members == {}
