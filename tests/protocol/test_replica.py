"""A client's picture: what it hears, what it sends for it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Literal

import pytest

from protocol.commands import (
    Ack,
    AnswerDraft,
    AnswerPreview,
    AnswerSubmit,
    AuthRefresh,
    Client,
    Have,
    Hello,
    LessonStart,
    Pong,
    ReviewDue,
    Sync,
    TurnStart,
)
from protocol.events import (
    Delta,
    Drain,
    Err,
    Event,
    Feedback,
    Foreign,
    GenText,
    ItemShown,
    LogHead,
    Ok,
    Ping,
    Reward,
    SkillMoved,
    Snapshot,
    Timing,
    TurnDone,
    TurnStarted,
    Welcome,
)
from protocol.generation import RUNNING
from protocol.position import Position
from protocol.replica import Replica

Mode = Literal["live", "replay", "snapshot", "reset"]


def welcome(head: int = 0, mode: Mode = "live", epoch: str = "e1", **more: Any) -> Welcome:
    return Welcome("c1", "s1", "n1", 20.0, 64, [LogHead("me", epoch, head, mode)], **more)


def connected(head: int = 0, **more: Any) -> Replica:
    replica = Replica(**more)
    replica.hello()
    replica.hear(welcome())
    for q in range(1, head + 1):
        replica.hear(reward(q))
    return replica


def reward(q: int) -> Reward:
    return Reward("me", q, 0, "star", 1, "well done")


def feedback(q: int, re: str, *, dup: bool = False) -> Feedback:
    moved = [SkillMoved("k", 0.1, 0.2)]
    return Feedback(
        "me",
        q,
        0,
        re,
        "i1",
        "correct",
        "4",
        "yes",
        False,
        moved,
        0.5,
        Timing(1, 1, 1, 1, 4),
        dup=dup,
    )


def item(q: int, name: str = "i1") -> ItemShown:
    return ItemShown("me", q, 0, name, "number", "2x = 4", ["k"], 0.7, "first")


def started(q: int, cmd: str = "c9") -> TurnStarted:
    return TurnStarted("me", q, 0, "g1", cmd, "p", "m", "llm")


def delta(q: int, i: int, text: str) -> Delta:
    return Delta("me", q, 0, "g1", (i, i), text)


def done(q: int, n: int, text: str) -> TurnDone:
    return TurnDone("me", q, 0, "g1", "completed", n, sha256(text.encode()).hexdigest(), 1.0)


# --- coming and coming back -----------------------------------------------------------------------


def test_the_first_hello_has_nothing():
    replica = Replica(client=Client("bench", "1"), window=32)
    assert replica.hello() == Hello(client=Client("bench", "1"), window=32)


def test_a_guest_keeps_the_token_it_was_given():
    replica = Replica()
    replica.hello()
    replica.hear(welcome(token="t1"))
    replica.hear(started(1))
    replica.hear(delta(2, 0, "A"))
    assert replica.hello() == Hello(token="t1", sid="s1", have=[Have("me", "e1", 2, gen="g1", i=1)])
    assert not replica.connected
    replica.hear(welcome(2))
    assert replica.token == "t1"
    assert replica.hello("t2").token == "t2"
    replica.send(AuthRefresh("c1", "t3"))
    assert replica.hello().token == "t3"


def test_before_welcome_nothing_is_applied():
    replica = Replica()
    replica.hello()
    assert replica.hear(reward(1)) == []
    assert replica.hear(Snapshot("me", "e1", 1, None, [])) == []
    assert replica.counters.dropped == 2
    assert replica.position == Position("", 0)


def test_a_reset_in_the_same_epoch_is_counted_once():
    replica = connected(3)
    for _ in range(2):
        replica.hear(welcome(5, "reset"))
    assert replica.counters.resets == 1


def test_a_welcome_that_hides_a_gap_is_asked():
    replica = connected(2)
    replica.hello()
    assert replica.hear(welcome(5)) == [Sync("me", "e1", 2)]


def test_another_epoch_is_a_reset_and_the_old_picture_stands_until_the_new():
    replica = connected()
    replica.hear(item(1))
    replica.hello()
    assert replica.hear(welcome(7, "reset", "e2")) == []
    assert replica.counters.resets == 1
    assert replica.me.item == item(1)
    assert replica.hello().have == [Have("me", "e2", 0)]
    replica.hear(welcome(7, "reset", "e2"))
    replica.hear(Snapshot("me", "e2", 7, {"mode": "exam"}, []))
    assert replica.item is None
    assert replica.snapshot_state == {"mode": "exam"}
    assert replica.position == Position("e2", 7)
    assert replica.counters.snapshots == 1


def test_the_first_event_of_a_log_clears_the_picture():
    replica = connected()
    replica.hear(item(1))
    replica.hello()
    replica.hear(welcome(1, "replay", "e2"))
    replica.hear(reward(1))
    assert (replica.item, replica.position) == (None, Position("e2", 1))


def test_a_snapshot_of_another_epoch_without_a_word_is_a_reset_too():
    replica = connected(3)
    replica.hear(Snapshot("me", "e2", 1, None, []))
    assert replica.counters.resets == 1


# --- the apply rule -------------------------------------------------------------------------------


def test_a_gap_is_asked_for_and_duplicates_are_counted():
    replica = connected(2)
    assert replica.hear(reward(1)) == []
    assert replica.hear(reward(4)) == [Sync("me", "e1", 2)]
    assert replica.hear(reward(5)) == []
    counters = replica.counters
    assert (counters.applied, counters.duplicates, counters.gaps, counters.dropped) == (2, 1, 1, 1)
    assert replica.hear(Snapshot("me", "e1", 1, None, [])) == []
    assert counters.duplicates == 2
    for q in (3, 4, 5):
        assert replica.hear(reward(q)) == []
    assert replica.position == Position("e1", 5)


def test_a_ping_is_answered_and_finds_a_gap_at_the_end():
    replica = connected(2)
    assert replica.hear(Ping({"me": 2, "room": 9}, 1)) == [Pong()]
    assert replica.hear(Ping({"me": 3}, 1)) == [Pong(), Sync("me", "e1", 2)]


def test_events_of_an_unknown_log_and_of_an_unknown_type():
    replica = connected(2)
    assert replica.hear(Foreign("firework", "me", 3)) == []
    assert replica.hear(Foreign("confetti")) == []
    assert replica.position == Position("e1", 3)
    assert replica.hear(Delta("room", 1, 0, "g1", (0, 0), "x")) == [Sync("room", "", 0)]
    assert replica.hear(Delta("room", 2, 0, "g1", (1, 1), "y")) == []
    assert replica.hello().have == [Have("me", "e1", 3)]


def test_the_newest_word_without_a_number_is_kept():
    replica = connected()
    drain = Drain(500, "new version")
    assert replica.hear(drain) == []
    assert replica.newest[Drain] == drain


def test_a_turn_is_shown_and_checked():
    replica = connected()
    replica.hear(started(1))
    replica.hear(Delta("me", 3, 0, "g1", (0, 1), "A half", span=2))
    assert replica.text("g1") == "A half"
    replica.hear(done(4, 2, "A half"))
    turn = replica.generation("g1")
    assert turn is not None
    assert turn.intact
    assert replica.text("g2") == ""
    assert replica.generation("g2") is None


def test_a_text_that_does_not_fit_is_asked_for_whole_and_then_taken_as_it_is():
    replica = connected()
    events: list[Event] = [started(1), delta(2, 0, "A"), done(3, 1, "B")]
    assert [replica.hear(event) for event in events] == [[], [], [Sync("me", "e1", 0)]]
    assert replica.counters.misfits == 1
    assert replica.hello().have == [Have("me", "e1", 0)]
    replica.hear(welcome(3, "replay"))
    for event in events:
        assert replica.hear(event) == []
    turn = replica.generation("g1")
    assert turn is not None
    assert (turn.intact, turn.status) == (False, "completed")
    assert replica.position == Position("e1", 3)


def test_a_hole_in_a_text_is_healed_by_a_snapshot():
    replica = connected()
    replica.hear(started(1))
    assert replica.hear(delta(2, 1, "B")) == [Sync("me", "e1", 0)]
    replica.hear(Snapshot("me", "e1", 2, None, [GenText("g1", "AB", 2, RUNNING)]))
    replica.hear(delta(3, 2, "C"))
    assert replica.text("g1") == "ABC"


# --- commands -----------------------------------------------------------------------------------


def test_a_command_waits_for_its_reply_and_is_sent_again_with_its_id():
    replica = Replica()
    answer, turn = AnswerSubmit("c1", "i1", "4"), TurnStart("c2", "why?")
    assert replica.send(answer) == []
    replica.hello()
    assert replica.hear(welcome()) == [answer]
    assert replica.send(turn) == [turn]
    replica.hello()
    assert replica.hear(welcome()) == [answer, turn]
    assert replica.counters.resent == 3
    replica.hear(feedback(1, "c1"))
    replica.hear(started(2, "c2"))
    assert len(replica.pending) == 0
    assert replica.feedback["c1"].verdict == "correct"
    assert replica.replies["c2"] == started(2, "c2")
    replica.hello()
    assert replica.hear(welcome(2)) == []


def test_a_repeated_reply_settles_although_its_place_is_old():
    replica = connected(3)
    replica.send(AnswerSubmit("c1", "i1", "4"))
    assert replica.hear(feedback(2, "c1", dup=True)) == []
    assert "c1" not in replica.pending
    assert "c1" in replica.feedback
    assert replica.position == Position("e1", 3)


def test_a_repeated_reply_that_overtakes_its_log_is_no_gap():
    replica = connected(1)
    replica.send(AnswerSubmit("c1", "i1", "4"))
    assert replica.hear(feedback(3, "c1", dup=True)) == []
    assert "c1" in replica.replies
    assert replica.hear(reward(2)) == []
    assert replica.hear(feedback(3, "c1")) == []
    assert replica.position == Position("e1", 3)


def test_refusals_are_kept_by_id_and_temporary_ones_tried_again():
    replica = connected(1)
    start, due = LessonStart("c1"), ReviewDue("c2")
    replica.send(start)
    replica.send(due)
    replica.hear(Err(106, "not_found", "no course", False, "c1"), 5.0)
    replica.hear(Err(150, "overloaded", "full", True, "c2", 400), 5.0)
    replica.hear(Err(101, "bad_frame", "what?", False))
    assert set(replica.refusals) == {"c1", "c2"}
    assert replica.wakes_at_s == pytest.approx(5.4)
    assert replica.due(5.3) == []
    assert replica.due(5.5) == [due]
    replica.hello()
    assert replica.due(99.0) == []


def test_a_draft_made_offline_is_sent_once_for_the_item_that_stands():
    replica = connected()
    replica.hear(item(1))
    draft = AnswerDraft("i1", "x = ")
    assert replica.send(draft) == [draft, Ack({"me": 1})]
    replica.hello()
    replica.send(draft)
    replica.send(AnswerPreview("i1", "x"))
    assert replica.hear(welcome(1)) == [draft]
    replica.hello()
    small = AnswerDraft("i1", "15", at="hint.2")
    for each in (AnswerDraft("i1", "1", at="hint.2"), draft, small):
        replica.send(each)
    assert replica.hear(welcome(1)) == [draft, small]
    replica.hello()
    replica.send(AnswerDraft("i0", "old"))
    assert replica.hear(welcome(1)) == []


# --- acks ---------------------------------------------------------------------------------------


def test_an_ack_every_16_events():
    replica = connected()
    sent = [replica.hear(reward(q)) for q in range(1, 33)]
    assert [q + 1 for q, out in enumerate(sent) if out] == [16, 32]
    assert sent[15] == [Ack({"me": 16})]


def test_a_smaller_window_is_acked_sooner():
    replica = Replica()
    replica.hear(Welcome("c1", "s1", "n1", 20.0, 2, [LogHead("me", "e1", 0, "live")]))
    assert [replica.hear(reward(q)) for q in (1, 2)] == [[], [Ack({"me": 2})]]


def test_an_ack_after_250_ms_by_the_next_event_or_by_time():
    replica = connected()
    assert replica.wakes_at_s is None
    assert replica.hear(reward(1), 1.0) == []
    assert replica.wakes_at_s == pytest.approx(1.25)
    assert replica.due(1.2) == []
    assert replica.due(1.25) == [Ack({"me": 1})]
    assert replica.wakes_at_s is None
    assert replica.hear(reward(2), 2.0) == []
    assert replica.hear(reward(3), 2.3) == [Ack({"me": 3})]


def test_an_ack_goes_along_with_any_command():
    replica = connected(1)
    assert replica.send(ReviewDue("c1")) == [ReviewDue("c1"), Ack({"me": 1})]
    assert replica.ack() == []
    replica.hear(Ok("me", 2, 0, "c1"))
    assert replica.ack() == [Ack({"me": 2})]
    replica.hear(reward(3))
    replica.cut()
    assert replica.ack() == []
