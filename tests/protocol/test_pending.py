"""Commands that wait for their reply."""

from __future__ import annotations

import pytest

from protocol.commands import AnswerDraft, AuthRefresh, Bye, ReviewDue
from protocol.events import Err
from protocol.pending import Pending


def err(re: str | None, *, temp: bool, retry_ms: int | None = None) -> Err:
    return Err(129, "rate_limited", "too many", temp, re, retry_ms)


def waiting() -> Pending:
    pending = Pending()
    for n in (1, 2):
        pending.add(ReviewDue(f"c{n}"))
    return pending


def test_a_command_waits_until_its_reply():
    pending = waiting()
    assert "c1" in pending
    assert len(pending) == 2
    assert pending.settle("c1")
    assert not pending.settle("c1")
    assert pending.again() == [ReviewDue("c2")]


def test_what_is_newest_wins_or_has_no_id_does_not_wait():
    pending = Pending()
    for command in (Bye(), AuthRefresh("c1", "t"), AnswerDraft("i", "x", "c2")):
        pending.add(command)
    assert len(pending) == 0


def test_a_final_refusal_ends_the_wait():
    pending = waiting()
    pending.refuse(err("c1", temp=False), 0.0)
    pending.refuse(err(None, temp=False), 0.0)
    pending.refuse(err("another tab's", temp=True), 0.0)
    assert pending.again() == [ReviewDue("c2")]
    assert pending.wakes_at_s is None


def test_a_temporary_refusal_is_tried_again_after_its_delay():
    pending = waiting()
    pending.refuse(err("c1", temp=True, retry_ms=700), 10.0)
    assert pending.wakes_at_s == pytest.approx(10.7)
    assert pending.due(10.6) == []
    assert pending.due(10.7) == [ReviewDue("c1")]
    assert pending.due(99.0) == []
    assert "c1" in pending


def test_the_delay_grows_with_each_try_up_to_a_cap():
    pending, delays = waiting(), []
    for _ in range(9):
        pending.refuse(err("c1", temp=True), 0.0)
        delays.append(pending.wakes_at_s)
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_a_new_connection_sends_all_at_once_and_forgets_delays():
    pending = waiting()
    pending.refuse(err("c1", temp=True), 0.0)
    assert pending.again() == [ReviewDue("c1"), ReviewDue("c2")]
    assert pending.wakes_at_s is None
