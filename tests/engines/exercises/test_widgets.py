"""What is ordered, matched, indented and asked in parts: drawn, judged, refused."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.course import course_from
from engines.exercises.grading import graded, key_spelled, reading
from engines.exercises.hints import key_text
from engines.exercises.masking import masked
from engines.exercises.template import instance
from engines.exercises.widgets import filled
from engines.words import Instance
from tests.engines.exercises.widget_items import AUTHORS_IDS, PLOT, WRITTEN, widget_course

COURSE = course_from(widget_course(*WRITTEN, PLOT))
ITEMS = {item.id: item for item in COURSE.items}


def drawn(name: str, seed: int = 0) -> Instance:
    return instance(ITEMS[name], COURSE.sha256, seed)


def wire(name: str, seed: int = 0) -> Any:
    made = drawn(name, seed)
    assert made.widget is not None
    return made.widget.wire


# --- drawn ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["order.1", "match.1", "parsons.1", "parts.1", "line.1", "poll.1"])
def test_a_key_accepts_itself_with_every_seed(name):
    for seed in range(50):
        made = drawn(name, seed)
        assert graded(made, key_spelled(made)).verdict == "correct"


@pytest.mark.parametrize("name", ["order.1", "parsons.1", "match.1"])
def test_ids_are_numbered_as_shown_and_say_nothing_of_the_key(name):
    orders = set()
    for seed in range(50):
        shown = wire(name, seed)
        for side in shown.keys() & {"tokens", "lines", "left", "right"}:
            ids = [entry["id"] for entry in shown[side]]
            named = "abcdefgh" if side == "right" else "12345678"
            assert ids == list(named[: len(ids)])
        key = key_spelled(drawn(name, seed))
        placed = [e["id"] if isinstance(e, dict) else e for e in key]
        orders.add(tuple(key.items()) if isinstance(key, dict) else tuple(placed))
        assert placed != sorted(placed) or name == "match.1"
        assert not any(each in json.dumps(shown) for each in AUTHORS_IDS)
    assert len(orders) > 5


def test_an_order_is_never_shown_solved_and_every_other_one_is():
    seen = {tuple(key_spelled(drawn("order.1", seed))) for seed in range(400)}
    assert seen == set(permutations("1234")) - {("1", "2", "3", "4")}


def test_the_same_seed_shows_the_same():
    for item in COURSE.items:
        one, other = (instance(item, COURSE.sha256, 7) for _ in range(2))
        assert one.widget == other.widget
        assert [p.widget for p in one.parts] == [p.widget for p in other.parts]


def test_numbers_of_a_widget_are_exact_texts():
    plot = wire("plot.1", 3)
    values = drawn("plot.1", 3).values
    assert plot["sliders"][0] == {
        "name": "m", "low": "-3", "high": "3", "step": "1/2", "start": "0", "label": "slope",
    }  # fmt: skip
    assert plot["points"] == [["0", str(values["b"])]]
    assert wire("line.1")["step"] == "1/4"


def test_the_params_of_a_plot_are_put_in_and_its_sliders_stay():
    assert filled("m*x + b - a", {"a": -2, "x1": 5}) == "m*x + b - (-2)"


# --- judged ---------------------------------------------------------------------------------------


def own_ids(made: Instance, *names: str) -> list[str]:
    """The ids on the wire of entries by the author's."""
    assert made.widget is not None
    found = {author: own for own, author in made.widget.author.items()}
    return [found[name] for name in names]


@pytest.mark.parametrize(
    ("names", "verdict", "share", "misconception"),
    [
        (("zebra", "yak", "wolf", "vole"), "correct", None, None),
        (("yak", "zebra", "wolf", "vole"), "correct", None, None),
        (("yak", "wolf", "vole", "zebra"), "partial", 0.75, None),
        (("vole", "yak", "zebra", "wolf"), "partial", 0.75, None),
        (("wolf", "vole", "zebra", "yak"), "partial", 0.5, None),
        (("vole", "wolf", "yak", "zebra"), "incorrect", None, "reversed"),
        (("vole", "wolf", "zebra", "yak"), "partial", 0.5, None),
    ],
)
def test_an_order_is_judged_by_what_would_stay(names, verdict, share, misconception):
    made = drawn("order.1", 4)
    found = graded(made, own_ids(made, *names))
    assert (found.verdict, found.share, found.misconception) == (verdict, share, misconception)


@pytest.mark.parametrize(
    ("placed", "verdict", "message"),
    [
        ([("raven", 0), ("shrew", 1), ("tapir", 0)], "correct", "right"),
        ([("raven", 0), ("shrew", 1), ("tapir", 1)], "partial", "indented"),
        ([("raven", 0), ("shrew", 1)], "partial", "2 of 3"),
        ([("raven", 0), ("shrew", 1), ("tapir", 0), ("urchin", 0)], "partial", "3 of 4"),
        ([("urchin", 0)], "incorrect", "Not yet"),
    ],
)
def test_lines_are_judged_with_their_indentation_and_distractors(placed, verdict, message):
    made = drawn("parsons.1", 2)
    ids = own_ids(made, *(name for name, _ in placed))
    response = [{"id": i, "indent": n} for i, (_, n) in zip(ids, placed, strict=True)]
    found = graded(made, response)
    assert found.verdict == verdict
    assert message in found.message


def test_pairs_are_judged_by_their_share():
    made = drawn("match.1", 1)
    key = key_spelled(made)
    assert isinstance(key, dict)
    assert graded(made, key).verdict == "correct"
    lefts = list(key)
    turned = {**key, lefts[0]: key[lefts[1]], lefts[1]: key[lefts[0]]}
    found = graded(made, turned)
    assert found.verdict == "partial"
    assert found.share == pytest.approx(1 / 3)
    (moth,) = own_ids(made, "moth")
    assert made.widget is not None
    quail = next(own for own, author in made.widget.right.items() if author == "quail")
    assert graded(made, {**key, moth: quail}).misconception == "sevenths"


def test_parts_are_right_only_together():
    made = drawn("parts.1", 3)
    key = key_spelled(made)
    assert isinstance(key, dict)
    found = graded(made, {**key, "half": "99"})
    assert found.verdict == "partial"
    assert found.share == pytest.approx(2 / 3)
    assert found.parts == {"half": "incorrect", "more": "correct", "row": "correct"}
    assert found.message == "Part 1: not yet."
    nothing = graded(made, {"half": "99", "more": "y", "row": list(reversed(key["row"]))})
    assert nothing.verdict == "incorrect"


def test_a_part_that_cannot_be_read_is_named_and_no_try_is_used():
    made = drawn("parts.1", 3)
    key = key_spelled(made)
    assert isinstance(key, dict)
    found = graded(made, {**key, "half": "3/"})
    assert found.verdict == "unreadable"
    assert found.message.startswith("Part 1: I could not read that")
    assert reading(made, {**key, "half": "3/"})[2] is not None
    del key["more"]
    assert "more" in graded(made, key).message


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("order.1", lambda key: " ".join(key)),
        ("order.1", lambda key: ", ".join(key)),
        ("order.1", lambda key: [int(each) for each in key]),
        ("parsons.1", lambda key: " ".join(f"{each['id']}:{each['indent']}" for each in key)),
        ("match.1", lambda key: " ".join(f"{a}{b}" for a, b in key.items())),
        ("match.1", lambda key: "; ".join(f"{a} - {b.upper()}" for a, b in key.items())),
        ("parts.1", lambda k: f"half: {k['half']}; more: {k['more']}; row: {' '.join(k['row'])}"),
        ("parts.1", lambda k: f"row= {','.join(k['row'])}\nhalf ={k['half']}\nmore: x"),
    ],
)
def test_every_value_can_be_typed(name, typed):
    for seed in range(5):
        made = drawn(name, seed)
        assert graded(made, typed(key_spelled(made))).verdict == "correct"


# --- hostile values -------------------------------------------------------------------------------

HOSTILE: list[object] = [
    None, True, 1.5, float("nan"), float("inf"), "", " ", "zebra yak wolf vole", "1 1 2 3", [], {},
    [[]], [{}], [None], ["1"] * 10_000, {"1": "1"}, {"1": ["a"]}, {"1": {"1": "a"}}, ["1", "9"],
    [{"id": "1", "indent": -1}], [{"id": "1", "indent": 10**30}], [{"id": "1", "indent": True}],
    [{"id": "1", "x": 1}], [{"id": ["1"]}], "1:x", "1a1b", "a" * 10_000, 10**400, [10**400],
    {"half": None, "more": "x", "row": []}, {"half": {}, "more": [], "row": {}},
    {str(n): "a" for n in range(10_000)}, "half: 1; half: 2", "1a 2b 3z", ["1", float("nan")],
]  # fmt: skip


@pytest.mark.parametrize("name", ["order.1", "match.1", "parsons.1", "parts.1"])
@pytest.mark.parametrize("response", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_value_is_unreadable_and_says_what_was_expected(name, response):
    made = drawn(name)
    found = graded(made, response)
    assert found.verdict == "unreadable"
    assert "expected" in found.message
    assert len(found.read_as) <= 80
    assert reading(made, response)[2]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5) | st.floats() | st.sampled_from("123abc:; "),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["1", "2", "id", "indent", "half", "row"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(response=JSON, name=st.sampled_from(["order.1", "match.1", "parsons.1", "parts.1"]))
def test_no_value_makes_the_judge_fail(response, name):
    made = drawn(name, 1)
    found = graded(made, response)
    assert (found.verdict == "unreadable") == (reading(made, response)[2] is not None)


# --- people's words -------------------------------------------------------------------------------


def test_the_key_is_told_in_the_texts_shown():
    made = drawn("match.1", 1)
    n = made.values["n"]
    assert key_text(made).split("; ")[0].endswith(("halves", "thirds", "fifths"))
    assert f"${n}/2$ – halves" in key_text(made)
    parts = drawn("parts.1", 1)
    assert key_text(parts).startswith("Part 1: $")


def test_the_numbers_of_parts_are_covered():
    made = drawn("parts.1", 1)
    half = made.parts[0].key
    assert str(half) not in masked(f"You get $x = {half}$ then.", made)
