"""What a learner sees of the board: neighbours by improvement, never a last place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.group.leader import Row, relative_rows

boards = st.dictionaries(
    st.integers(0, 40).map(lambda n: f"m{n:02}"), st.floats(-1.0, 1.0), min_size=1, max_size=30
)


@settings(max_examples=40, deadline=None)
@given(gains=boards, data=st.data())
def test_rows_are_near_and_of_those_who_opted_in(
    gains: dict[str, float], data: st.DataObject
) -> None:
    names = {member: f"name {member}" for member in gains}
    opted = frozenset(data.draw(st.sets(st.sampled_from(sorted(gains)))))
    me = data.draw(st.sampled_from(sorted(gains)))
    rows = relative_rows(gains, me, names, opted)
    if me not in opted or len(opted) < 8:
        assert rows == ()
        return
    assert {row.name for row in rows} <= {names[member] for member in opted}
    mine = [place for place, row in enumerate(rows) if row.me]
    assert [rows[place].name for place in mine] == [names[me]]
    assert mine[0] <= 5
    assert len(rows) - mine[0] - 1 <= 5
    assert [row.gain for row in rows] == sorted((row.gain for row in rows), reverse=True)
    # nobody who opted out moves anything
    without = {member: gain for member, gain in gains.items() if member in opted}
    assert rows == relative_rows(without, me, names, opted)


def test_the_last_of_all_is_seen_by_nobody_else() -> None:
    gains = {f"m{n}": 0.1 * n for n in range(9)}
    names = {member: member.upper() for member in gains}
    boards = {me: relative_rows(gains, me, names, frozenset(gains)) for me in gains}
    for me, rows in boards.items():
        assert (Row("M0", 0, me=True) in rows) == (me == "m0")
        assert Row("M0", 0) not in rows
    # the last and the last but one cannot tell which of them they are
    assert boards["m0"][-1].me
    assert boards["m1"][-1].me
    assert [row.name for row in boards["m0"]] == ["M5", "M4", "M3", "M2", "M1", "M0"]
    assert [row.name for row in boards["m4"]] == ["M8", "M7", "M6", "M5", "M4", "M3", "M2", "M1"]


def test_a_row_has_no_place_in_numbers() -> None:
    assert Row.__struct_fields__ == ("name", "gain", "me")


def test_what_cannot_be_shown_is_refused() -> None:
    gains = {f"m{n}": 0.1 for n in range(8)}
    names = {member: member for member in gains}
    with pytest.raises(ValueError, match="expected a gain"):
        relative_rows(gains | {"m0": 1.5}, "m1", names, frozenset(gains))
    with pytest.raises(ValueError, match="expected a name of 'm7'"):
        relative_rows(gains, "m1", {m: m for m in gains if m != "m7"}, frozenset(gains))
