"""What a YAML file is read to: values that know their place. This file is their form.

Plain texts are values of the YAML 1.2 core schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

DIGITS = 400
"""Longest written number, and largest power of ten: a number nobody reads needs no room."""

_NULL = frozenset({"", "null", "Null", "NULL", "~"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE]([-+]?[0-9]+))?\Z")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")

_ESCAPED = re.compile(r"\\(?:([abefnrtvLNP][A-Za-z]+)|.)", re.DOTALL)
"""A backslash and what it takes with it: a word that YAML cuts, or one sign."""
_EATEN = frozenset(
    {
        "nabla", "natural", "ne", "neg", "neq", "nexists", "ni", "nleq", "nmid", "nonumber",
        "not", "notin", "nparallel", "nu", "rangle", "rbrace", "rceil", "rfloor", "rho",
        "right", "rightarrow", "rm", "tan", "tanh", "tau", "text", "textbf", "textit",
        "tfrac", "theta", "therefore", "tilde", "times", "to", "top", "triangle",
    }
)  # fmt: skip
"""LaTeX that begins with \\n, \\r or \\t: such escapes also part lines and columns of a text."""

Scalar = str | int | Fraction | bool | None


class Unreadable(Exception):  # noqa: N818 (named by what happened)
    """A file cannot be read as YAML here; `line` and `column` count from 1."""

    def __init__(self, file: str, line: int, column: int, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.fix = fix


@dataclass(slots=True)
class Node:
    """One value with its place; `value` holds nodes again for mappings and lists.

    `raw` is the text as written (for scalars), `keys` the place of each key of a mapping.
    """

    file: str
    line: int
    column: int
    value: dict[str, Node] | list[Node] | Scalar
    raw: str = ""
    keys: Mapping[str, tuple[int, int]] | None = None

    def child(self, step: str | int) -> Node | None:
        """The node one step down, or None where there is none."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None


def resolved(text: str) -> Scalar:
    """A plain scalar's value in the YAML 1.2 core schema; decimals are exact.

    Raises ValueError for numbers that are infinite or longer than `DIGITS`.

    >>> resolved("yes"), resolved("0.10"), resolved("12:30"), resolved("0x1F")
    ('yes', Fraction(1, 10), '12:30', 31)
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "+-.0123456789":
        return text
    if len(text) > DIGITS and (_INT.match(text) or _FLOAT.match(text)):
        raise ValueError(f"a number of {len(text)} characters, at most {DIGITS} are read")
    if _INT.match(text):
        return int(text)
    if _BASED.match(text):
        return int(text, 0)
    if found := _FLOAT.match(text):
        if abs(int(found[4] or 0)) > DIGITS:
            raise ValueError(f"an exponent beyond {DIGITS}")
        return Fraction(text)
    if _SPECIAL.match(text):
        raise ValueError(f"{text} is not a number of a course")
    return text


def eaten(file: str, written: str, first: int, at: int) -> Unreadable | None:
    """The refusal of a LaTeX command whose backslash YAML would take for an escape, or None.

    `written` is a text in double quotes, at its line and column: there backslash, f, r, a, c is
    a form feed and the letters "rac".
    """
    if "\\" not in written:
        return None
    dollars, last = 0, 0
    for found in _ESCAPED.finditer(written):
        dollars += written.count("$", last, found.start())
        last = found.end()
        command = found[1]
        if not command or (command[0] in "nrt" and not (dollars % 2 and command in _EATEN)):
            continue
        before = written[: found.start()]
        line = first + before.count("\n")
        broken = before.rfind("\n")
        column = len(before) - broken if broken >= 0 else at + len(before)
        said = f"YAML reads \\{command[0]} of \\{command} as a control character"
        fix = f"write \\\\{command}, or put the text in single quotes"
        return Unreadable(file, line, column, said, fix)
    return None
