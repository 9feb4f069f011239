"""The tables of messages and the shape they share."""

from __future__ import annotations

import msgspec
import pytest

from protocol.commands import COMMANDS, Command
from protocol.events import DURABLE, EVENTS, Event
from protocol.message import table, type_of

BOTH = [*COMMANDS.values(), *EVENTS.values()]


def test_the_tables_hold_each_member_of_their_union_once():
    assert list(COMMANDS.values()) == list(Command.__args__)
    assert list(EVENTS.values()) == list(Event.__args__)
    assert (len(table(Command)), len(table(Event))) == (32, 26)


@pytest.mark.parametrize("kind", BOTH, ids=lambda kind: kind.__name__)
def test_a_message_is_frozen_untracked_and_leaves_defaults_out(kind):
    config = kind.__struct_config__
    assert config.frozen
    assert not config.gc
    assert config.omit_defaults
    assert config.tag_field == "t"
    assert type_of(kind) in (COMMANDS if kind in COMMANDS.values() else EVENTS)
    assert kind.__doc__


def test_only_eph_is_said_both_ways():
    assert set(COMMANDS) & set(EVENTS) == {"eph"}


@pytest.mark.parametrize("t", sorted(EVENTS))
def test_durable_events_have_a_place(t):
    names = [field.encode_name for field in msgspec.structs.fields(EVENTS[t])]
    assert (names[:3] == ["s", "q", "ts"]) == (t in DURABLE)
