"""The apply rule, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.commands import Have, Sync
from protocol.position import APPLY, OLD, WAIT, Ask, Position, Reader, position_from


def reader(seq: int = 4, epoch: str = "e1") -> Reader:
    return Reader("me", Position(epoch, seq))


def asks(q: int = 4, epoch: str = "e1") -> Ask:
    return Ask(Sync("me", epoch, q))


@settings(deadline=None)
@given(st.text(), st.integers(0, 2**53 - 1))
def test_a_position_survives_as_text(epoch, seq):
    position = Position(epoch, seq)
    assert position_from(str(position)) == position


@pytest.mark.parametrize(
    "text", ["", "e1", "e1.", "e1.-1", "e1.x", "e1.1e3", "e1.²", "e." + "9" * 17]
)
def test_what_is_no_position_is_refused(text):
    with pytest.raises(ValueError, match="expected a position"):
        position_from(text)


@pytest.mark.parametrize(
    ("q", "span", "judgement"),
    [
        (5, 1, APPLY),
        (8, 4, APPLY),
        (4, 1, OLD),
        (1, 1, OLD),
        (4, 3, OLD),
        (6, 1, asks()),
        (8, 3, asks()),  # begins beyond the place
        (6, 3, asks()),  # merged over it: partly applied already
    ],
)
def test_an_event_is_applied_ignored_or_a_gap(q, span, judgement):
    assert reader().hear(q, span) == judgement


def test_a_gap_is_asked_for_once_and_what_fits_ends_the_wait():
    r = reader()
    assert r.hear(7) == asks()
    assert r.hear(8) is r.hear(9) is WAIT
    assert r.hear(3) is OLD
    assert r.hear(5) is APPLY
    r.advance(5)
    assert r.position == Position("e1", 5)
    assert r.hear(7) == asks(5)


def test_a_snapshot_replaces_unless_it_is_older():
    r = reader()
    assert r.hear(7) == asks()
    waited = [r.waiting]
    assert r.snapshot("e1", 3) is OLD
    waited.append(r.waiting)
    assert r.snapshot("e1", 9) is APPLY
    assert [*waited, r.waiting] == [True, True, False]
    assert r.position == Position("e1", 9)
    assert r.snapshot("e1", 9) is APPLY
    assert r.snapshot("e2", 2) is APPLY
    assert r.position == Position("e2", 2)


@pytest.mark.parametrize(
    ("epoch", "head", "mode", "judgement", "position"),
    [
        ("e1", 4, "live", WAIT, Position("e1", 4)),
        ("e1", 6, "live", asks(4), Position("e1", 4)),
        ("e1", 6, "replay", WAIT, Position("e1", 4)),
        ("e1", 3, "replay", asks(4), Position("e1", 4)),
        ("e1", 6, "snapshot", WAIT, Position("e1", 4)),
        ("e1", 6, "reset", WAIT, Position("e1", 0)),
        ("e2", 6, "reset", WAIT, Position("e2", 0)),
        ("e2", 6, "live", asks(0, "e2"), Position("e2", 0)),
        ("e2", 0, "live", WAIT, Position("e2", 0)),
        ("e2", 6, "replay", WAIT, Position("e2", 0)),
    ],
)
def test_a_welcome_says_how_it_goes_on(epoch, head, mode, judgement, position):
    r = reader()
    assert r.welcomed(epoch, head, mode) == judgement
    assert r.position == position
    assert r.waiting == (mode in ("snapshot", "reset") or isinstance(judgement, Ask))


def test_a_pings_head_finds_the_gap_and_asks_again():
    r = reader()
    assert r.head(4) is OLD
    assert r.head(6) == asks()
    assert r.head(6) == asks()
    assert r.head(3) == asks(0)
    assert r.position == Position("e1", 0)


def test_have_is_the_position():
    assert reader().have() == Have("me", "e1", 4)
    fresh = Reader("me")
    assert fresh.position == Position("", 0)
    assert fresh.ask_all() == Ask(Sync("me", "", 0))
