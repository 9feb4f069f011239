"""The order of a connection, row by row."""

from __future__ import annotations

import pytest

from protocol.codec import decode
from protocol.commands import COMMANDS, Bye, Command, Hello, Pong, ReviewDue, TurnStart
from protocol.conversation import BEGINNINGS, DONE, HEARD, Act, Conversation, State, diagram
from protocol.errors import Code, Refused
from protocol.message import type_of


def refused(talk: Conversation, command: Command) -> Refused:
    before = talk.state
    with pytest.raises(Refused) as caught:
        talk.hear(command)
    assert talk.state is before
    return caught.value


def opened() -> Conversation:
    talk = Conversation()
    talk.hear(Hello())
    talk.opened()
    return talk


def test_a_connection_from_hello_to_bye():
    talk = Conversation()
    seen = [talk.state]
    talk.hear(Hello())
    seen.append(talk.state)
    talk.opened()
    seen.append(talk.state)
    talk.hear(ReviewDue("c1"))
    talk.draining(300)
    seen.append(talk.state)
    talk.hear(Pong())
    talk.hear(Bye())
    seen.append(talk.state)
    assert seen == [State.HELLO, State.HELLO, State.OPEN, State.DRAINING, State.CLOSED]


def test_before_welcome_only_hello_is_in_order_and_only_once():
    talk = Conversation()
    came = refused(talk, ReviewDue("c1"))
    assert (came.code, came.re) == (Code.OUT_OF_ORDER, "c1")
    assert came.detail == ("the connection is HELLO: expected `hello` or `bye`, came `review.due`")
    talk.hear(Hello())
    for command in (Hello(), Pong()):
        assert refused(talk, command).detail == (
            "the connection is HELLO: expected its one `hello` to be answered by `welcome` first, "
            f"came `{type_of(command)}`"
        )


def test_a_second_hello_is_out_of_order():
    came = refused(opened(), Hello())
    assert came.code is Code.OUT_OF_ORDER
    assert came.detail == "the connection is OPEN: expected any command but `hello`, came `hello`"


def test_a_draining_node_begins_nothing_but_says_when_to_come_back():
    talk = opened()
    talk.draining(250)
    came = refused(talk, TurnStart("c1", "why?"))
    assert (came.code, came.temporary, came.retry_ms, came.re) == (Code.MOVED, True, 250, "c1")
    assert "expected any command but `board.watch`, `hello`" in came.detail
    again = refused(talk, Hello())
    assert again.code is Code.OUT_OF_ORDER


def test_a_hello_to_a_draining_node_is_sent_on():
    talk = Conversation()
    talk.draining()
    assert refused(talk, Hello()).code is Code.MOVED
    talk.opened()
    assert talk.state is State.DRAINING


def test_after_the_end_nothing_is_in_order_and_nothing_brings_it_back():
    talk = opened()
    talk.closed()
    assert refused(talk, Bye()).detail == (
        "the connection is CLOSED: expected nothing any more, came `bye`"
    )
    talk.opened()
    talk.draining()
    talk.closed()
    assert talk.state is State.CLOSED


def test_the_tables_are_total_and_know_only_commands():
    for state in State:
        assert set(DONE[state]) == set(Act)
        assert set(HEARD[state]) <= set(COMMANDS.values())
    assert set(COMMANDS) >= BEGINNINGS
    assert {type_of(kind) for kind in HEARD[State.OPEN]} == set(COMMANDS) - {"hello"}
    assert not HEARD[State.CLOSED]


def test_the_picture_shows_every_state():
    picture = diagram()
    for state in State:
        assert f" {state.value}" in picture
    assert "HELLO --> HELLO: hello" in picture
    assert "OPEN --> DRAINING: [drain sent]" in picture


def test_hearing_is_by_type_of_the_decoded_frame():
    talk = opened()
    talk.hear(decode(b'{"t":"eph","s":"me","k":"typing"}'))
    assert talk.state is State.OPEN
