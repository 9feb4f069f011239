"""Names of members: what is not seen is out, marks are few, and equal names are told apart."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.limits import LIMITS
from streaming.room_names import cleaned, told_apart
from tests.nodes import Hub
from tests.rooms import a_room, passed, pupil, with_rooms
from tests.virtual import VirtualLoop
from tests.world import World


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("Ann\u202eeiB", "AnneiB"),  # the other direction
        ("\u2066Ann\u2069", "Ann"),
        ("A\u200bn\u200dn\ufeff", "Ann"),
        ("A\u0007n\x00n", "Ann"),
        ("Ann\u00a0\u2003\u3000Lee", "Ann Lee"),
        ("Ann\u3164\u2800Lee\u1160", "Ann Lee"),
        ("\u3164\u2800\u115f", None),
        ("A\ufe0fn\u034fn\U000e0100", "Ann"),
        ("Ann\u2028Lee", "Ann Lee"),
        ("\u0301Ann", "Ann"),  # a mark on nothing
        ("Zoe\u0308", "Zo\u00eb"),
        ("नमस्ते", "नमस्ते"),
        ("Z" + "\u0301" * 50 + "oe", "\u0179" + "\u0301" * LIMITS.room_name_marks + "oe"),
    ],
)
def test_a_name_is_what_is_seen_of_it(given_: str, shown: str | None) -> None:
    assert cleaned(given_) == shown


def test_a_long_name_is_cut_between_signs() -> None:
    assert cleaned("x\u0323" * 90) == "x\u0323" * LIMITS.room_name_chars


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=50), max_size=5))
def test_any_text_becomes_a_bounded_name_that_is_its_own_cleaned_form(
    text: str, others: list[str]
) -> None:
    name = cleaned(text)
    if name is None:
        return
    bases = [c for c in name if unicodedata.category(c)[0] != "M"]
    assert 0 < len(bases) <= LIMITS.room_name_chars
    assert not any(unicodedata.category(c)[0] == "C" for c in name)
    taken = [other for one in (*others, text) if (other := cleaned(one))]
    apart = told_apart(name, taken)
    assert apart not in taken
    assert cleaned(apart) == apart


def test_a_long_name_leaves_place_for_its_number() -> None:
    name = "y" * LIMITS.room_name_chars
    apart = told_apart(name, [name])
    assert apart == "y" * (LIMITS.room_name_chars - 4) + " (2)"


async def test_no_two_members_are_shown_under_one_name(virtual: VirtualLoop) -> None:
    hub = Hub()
    first = await World.begin(nodes=hub.node())
    second = await World.begin(nodes=hub.node(), beside=first, node="n2")
    rooms = with_rooms(first), with_rooms(second, "n2")
    made, room = await a_room(rooms[0])
    names = ["Ms T", "ms t", "Guest 5", "M\u200bs\u3164T", None]
    pupils = [await pupil((first, second)[n % 2], f"c_{n}") for n in range(len(names))]
    for n, (each, name) in enumerate(zip(pupils, names, strict=True)):
        await each.enter(made.rid, name, facilitates=n == 0)
        await passed(0.1, *pupils)
    shown = [room.state.members[each.member].name for each in pupils]
    assert shown == ["Ms T", "ms t (2)", "Guest 5", "Ms T (3)", "Guest 5 (2)"]
    await pupils[1].enter(made.rid, "MS T")  # who comes again keeps a name of their own
    await pupils[4].enter(made.rid)
    await pupils[3].enter(made.rid, "Bo")
    await passed(0.1, *pupils)
    members = pupils[0].room.members
    assert [members[each.member]["name"] for each in pupils] == [
        "Ms T",
        "MS T (2)",
        "Guest 5",
        "Bo",
        "Guest 5 (2)",
    ]
