"""Any order of commands and acts on a connection, against the rules said in other words."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.codec import decode, encode, refusal
from protocol.commands import COMMANDS, Bye, Command, Hello
from protocol.conversation import BEGINNINGS, Conversation, State
from protocol.errors import Code, Refused
from protocol.message import type_of
from tests.protocol.strategies import COMMAND


class Order(RuleBasedStateMachine):
    """What a connection may hear, told by what happened so far instead of by a state."""

    def __init__(self) -> None:
        super().__init__()
        self.talk = Conversation()
        self.greeted = self.welcomed = self.drained = self.over = False

    def allowed(self, command: Command) -> bool:
        if self.over:
            return False
        if isinstance(command, Bye):
            return True
        if isinstance(command, Hello):
            return not (self.greeted or self.welcomed or self.drained)
        if self.drained:
            return type_of(command) not in BEGINNINGS
        return self.welcomed

    @rule(command=COMMAND)
    def hear(self, command: Command) -> None:
        before, allowed = self.talk.state, self.allowed(command)
        try:
            self.talk.hear(decode(encode(command)))
        except Refused as came:
            assert not allowed
            self.refused(came, command, before)
        else:
            assert allowed
            self.greeted |= isinstance(command, Hello)
            self.over |= isinstance(command, Bye)

    def refused(self, came: Refused, command: Command, before: State) -> None:
        assert self.talk.state is before
        assert f"the connection is {before.value}: expected " in came.detail
        assert came.detail.endswith(f", came `{type_of(command)}`")
        assert came.re == getattr(command, "id", None)
        later = self.drained and not self.over and type_of(command) in BEGINNINGS
        again = isinstance(command, Hello) and self.greeted
        assert came.code is (Code.MOVED if later and not again else Code.OUT_OF_ORDER)
        assert refusal(came)

    @rule()
    def opened(self) -> None:
        self.talk.opened()
        self.welcomed |= not self.over and not self.drained

    @rule(after_ms=st.none() | st.integers(0, 9999))
    def draining(self, after_ms: int | None) -> None:
        self.talk.draining(after_ms)
        self.drained |= not self.over

    @rule()
    def closed(self) -> None:
        self.talk.closed()
        self.over = True

    @invariant()
    def the_state_says_what_happened(self) -> None:
        if self.over:
            expected = State.CLOSED
        elif self.drained:
            expected = State.DRAINING
        else:
            expected = State.OPEN if self.welcomed else State.HELLO
        assert self.talk.state is expected


TestOrder = Order.TestCase
TestOrder.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_every_command_is_tried_in_every_state() -> None:
    """The machine draws; this walks the whole table once."""
    assert len(COMMANDS) == 32
    for kind in COMMANDS.values():
        for state in State:
            talk = Conversation()
            if state is not State.HELLO:
                talk.hear(Hello())
                talk.opened()
            if state is State.DRAINING:
                talk.draining()
            if state is State.CLOSED:
                talk.closed()
            assert talk.state is state
            in_order = kind in talk._row
            assert in_order == (
                state is not State.CLOSED
                and (
                    kind is Bye
                    or (kind is Hello and state is State.HELLO)
                    or (kind is not Hello and state is State.OPEN)
                    or (state is State.DRAINING and type_of(kind) not in BEGINNINGS)
                )
            )
