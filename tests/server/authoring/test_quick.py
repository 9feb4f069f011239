"""The quick reading of YAML gives what the library gives, or nothing. This file is its test."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from server.authoring.nodes import Node, Unreadable
from server.authoring.quick import Unusual, quickly_read
from server.authoring.reading import NESTING, fully_read

SHIPPED = Path("server/courses/linear-equations")
FAULTY = Path("tests/server/authoring/faulty")
SIGNS = [*":#-[]{}\"'|>,&*!?%@ \\\n\t`~", ": ", "- ", " #", "''", "\\n", "\\times", "é", ".inf"]


def quick(text: str) -> Node | None:
    """The node of the quick reading, if it reads the text."""
    try:
        return quickly_read(text, "f", NESTING)
    except Unusual:
        return None


def full(text: str) -> Node | str | None:
    """The node of the library, or its refusal."""
    try:
        return fully_read(text, "f")
    except Unreadable as error:
        return str(error)


def test_every_file_of_the_shipped_course_is_read_quickly() -> None:
    files = sorted(SHIPPED.rglob("*.yaml"))
    assert len(files) > 9
    for path in files[:3]:
        text = path.read_text(encoding="utf-8")
        assert quick(text) == full(text), path
    assert all(quick(path.read_text(encoding="utf-8")) for path in files)


def test_whatever_is_read_quickly_is_read_as_the_library_reads_it() -> None:
    rng = random.Random(7)
    paths = [*SHIPPED.rglob("*.yaml"), *FAULTY.rglob("*.yaml")]
    sources = [path.read_text(encoding="utf-8").split("\n") for path in sorted(paths)]
    read = 0
    for _ in range(500):
        lines = rng.choice(sources)
        at = rng.randrange(len(lines))
        lines = lines[at : at + rng.randrange(1, 9)]
        deep = min((len(each) - len(each.lstrip(" ")) for each in lines if each.strip()), default=0)
        text = "\n".join(line[deep:] for line in lines) + "\n"
        for _ in range(rng.randrange(3)):
            cut = rng.randrange(len(text) + 1)
            text = text[:cut] + rng.choice(["", *SIGNS]) + text[cut + rng.randrange(2) :]
        if (found := quick(text)) is not None:
            read += 1
            assert found == full(text), text
    assert read > 100


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n  b: 2\n", "a: [1,\n  2]\n", "a: b: c\n", "a: {b: 1, b: 2}\n", "a: 1\na: 2\n",
        "a: &x 1\n", "a: *x\n", "a: !t 1\n", "a: >\n  x\n", "a: |2\n   x\n", "---\na: 1\n",
        "%YAML 1.2\n", "a: 'x\n", 'a: "x" y\n', "a: two\n  lines\n", "a:\n", "- a\nb: 1\n", "",
        "\ta: 1\n", "a: 1", "a: .inf\n", 'a: "\\x41"\n', 'a: "$\\times$"\n', "? a\n: b\n",
        "a: [b: 1]\n", "a: {b}\n", "a: |\n  x\n y\n", "- - a\n", "a: @b\n", "a: x #y\n  z\n",
        "[" * (NESTING + 1) + "]" * (NESTING + 1) + "\n", "a: [1,, 2]\n", "a: {b:1}\n",
    ],
)  # fmt: skip
def test_what_is_out_of_the_ordinary_is_left_to_the_library(text: str) -> None:
    assert quick(text) is None


def test_the_usual_ways_of_writing_are_read() -> None:
    text = (
        "# of a course\n"
        "a: 1 # one\n"
        "b: [x, 'it''s', \"\\u00e9 \\\\frac\", {c: -2, \"d\": [] }]\n"
        "list:\n"
        "- e: |\n"
        "    two\n"
        "\n"
        "     lines\n"
        "  f: |-\n"
        "    end\n"
        "\n"
        "-   g: http://x.org#y\n"
        "    h:\n"
        "      - 0x1f\n"
        "      - null\n"
    )
    found = quick(text)
    assert found is not None
    assert found == full(text)
