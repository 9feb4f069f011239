"""The YAML loader: core schema, exact numbers, refusals with their place."""

from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.authoring.nodes import DIGITS, Node, Unreadable
from server.authoring.reading import FILE_BYTES, nodes_of
from server.authoring.writing import yaml_of


def plain(node: Node | None) -> Any:
    if node is None:
        return None
    if isinstance(node.value, dict):
        return {key: plain(each) for key, each in node.value.items()}
    if isinstance(node.value, list):
        return [plain(each) for each in node.value]
    return node.value


def read(text: str) -> Any:
    return plain(nodes_of(text.encode(), "f.yaml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("12:30", "12:30"),
        ("2024-05-06", "2024-05-06"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o17", 15),
        ("-0x", "-0x"),
        ("0.10", Fraction(1, 10)),
        ("-1.5e-1", Fraction(-3, 20)),
        ("~", None),
        ("True", True),
        ("'12'", "12"),
        ('"null"', "null"),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_the_core_schema(text, value):
    assert read(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1, "duplicate key 'a', first on line 1"),
        ("a: &x 1", 1, 4, "anchors and aliases are refused"),
        ("a: *x", 1, 4, "anchors and aliases are refused"),
        ("a: !!str 1", 1, 4, "the tag tag:yaml.org,2002:str is refused"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "is refused"),
        ("%YAML 1.1\n---\na: 1", 2, 1, "a % directive"),
        ("a: 1\n---\nb: 2", 2, 1, "a second document"),
        ("a: @{x}", 1, 4, "cannot start any token"),
        ("a: [1", 1, 6, "expected ',' or ']'"),
        ("a: b: c", 1, 5, "mapping values are not allowed"),
        ("? [1]\n: 2", 1, 3, "a key that is not text"),
        ("a: .inf", 1, 4, ".inf is not a number"),
        ("a: 1e999999", 1, 4, f"an exponent beyond {DIGITS}"),
        ("a: " + "9" * 500, 1, 4, "a number of 500 characters"),
        ('a: "\\ud800"', 1, 4, "half of a surrogate pair"),
        ("a: " + "[" * 45 + "]" * 45, 1, 43, "nested deeper than 40"),
        ("a: \x01", 1, 1, "special characters are not allowed"),
    ],
)
def test_refusals_name_their_place(text, line, column, words):
    with pytest.raises(Unreadable) as found:
        read(text)
    assert words in found.value.message
    assert (found.value.line, found.value.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "column", "fix"),
    [
        (r'a: "is $\frac{1}{2}$"', 9, r"\\frac"),
        (r'a: "\beta"', 5, r"\\beta"),
        (r'a: "$2 \times 3$"', 8, r"\\times"),
        (r'a: "$2$ and $2 \neq 3$"', 16, r"\\neq"),
        (r'a: "$\rho$"', 6, r"\\rho"),
        (r'a: "$\cdot$"', 7, "single quotes"),
        ("a: {say: Count on @{a}}", 20, "quote texts that hold @{..}"),
        ("a: kind:number: 2", 15, "after a key's colon stands a space"),
    ],
)
def test_latex_that_yaml_would_eat_is_told_with_its_cure(text, column, fix):
    with pytest.raises(Unreadable) as found:
        read(text)
    assert fix in found.value.fix
    assert (found.value.line, found.value.column) == (1, column)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'a: "$\\frac{1}{2}$"', r"$\frac{1}{2}$"),
        (r"a: '$\frac{1}{2} \times 3$'", r"$\frac{1}{2} \times 3$"),
        (r'a: "one\nto\ttwo"', "one\nto\ttwo"),
        (r'a: "$1$\nnot \"two\""', '$1$\nnot "two"'),
        (r'a: "$\\$\nnu"', "$\\$\nnu"),
    ],
)
def test_escapes_that_are_meant_are_kept(text, value):
    assert read(text)["a"] == value


def test_a_forgotten_quote_before_a_mark_says_how_to_mend_it():
    with pytest.raises(Unreadable) as found:
        read("prompt: @{a}")
    assert "quote texts" in found.value.fix


@pytest.mark.parametrize(
    ("text", "line", "fix"),
    [
        ("a:\n\tb: 1", 2, "indent with spaces"),
        ("items:\n  - id: one\n  \tskills: [s]", 3, "indent with spaces"),
        ("a: b\r\tc: d", 2, "indent with spaces"),
        ("a: 1\r\n\r\n\tb: 2", 3, "indent with spaces"),
        ("a:\t1", 1, "put spaces in place of the TAB"),
        ("a: one\ttwo", 1, "put spaces in place of the TAB, or quote the text"),
    ],
)
def test_a_tab_is_named_and_its_cure_is_spaces(text, line, fix):
    with pytest.raises(Unreadable) as found:
        read(text)
    assert "found a TAB" in found.value.message
    assert "\\t" not in found.value.message
    assert found.value.fix.startswith(fix)
    assert "TAB" in found.value.fix
    assert "@" not in found.value.fix
    assert found.value.line == line


def test_other_encodings_and_large_files_are_refused():
    with pytest.raises(Unreadable, match="not UTF-8"):
        nodes_of(b"a: 1\nb: \xff", "f.yaml")
    with pytest.raises(Unreadable, match="at most"):
        nodes_of(b"#" * (FILE_BYTES + 1), "f.yaml")


def test_nodes_know_where_they_and_their_keys_stand():
    node: Any = nodes_of(b"a:\n  - x: 1\n    y: [2, 3]\n", "f.yaml")
    item = node.child("a").child(0)
    assert (item.line, item.column) == (2, 5)
    assert item.keys == {"x": (2, 5), "y": (3, 5)}
    assert (item.child("y").child(1).line, item.child("y").child(1).column) == (3, 12)
    assert item.child("z") is None
    assert nodes_of(b"", "f.yaml") is None


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n"),
    max_size=40,
)
VALUES = st.recursive(
    TEXTS | st.integers(-(10**9), 10**9) | st.booleans() | st.none(),
    lambda inner: st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def as_read(value: Any) -> Any:
    return {key: as_read(each) for key, each in value.items()} if isinstance(value, dict) else value


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), VALUES, min_size=1))
def test_what_is_written_is_read_back(value):
    assert read(yaml_of(value)) == as_read(value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), TEXTS | st.lists(TEXTS), min_size=1)))
def test_lists_of_mappings_are_read_back(value):
    text = yaml_of({"items": value}) if value else "items: []"
    assert read(text) == {"items": value}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_unreadable(text):
    with suppress(Unreadable):
        nodes_of(text, "f.yaml")


@settings(max_examples=100, deadline=None)
@given(st.text("ab:-[]{}#&*!|>'\"%@`, \n\t1.~?<=\\u0", max_size=60))
def test_no_text_raises_anything_but_unreadable(text):
    with suppress(Unreadable):
        nodes_of(text.encode(), "f.yaml")
