"""One YAML file as nodes that know their line, core schema only. This file is the loader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_BYTES = 2 * 1024 * 1024
NESTING = 40
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


class AuthoringMissing(Exception):  # noqa: N818 (named by what happened)
    """The extra that reads YAML is not installed."""


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


def nodes_of(text: bytes, file: str) -> Node | None:
    """The file's one document, or None if it is empty. Raises `Unreadable`.

    Refused: more than 2 MiB, other than UTF-8, nesting beyond 40, duplicate keys, keys that are
    not text, anchors, aliases, tags, directives, more than one document, infinite numbers.
    """
    if len(text) > FILE_BYTES:
        raise Unreadable(
            file, 1, 1, f"file of {len(text)} bytes, at most {FILE_BYTES} are read", "split it"
        )
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Unreadable(file, line, 1, "not UTF-8", "save the file as UTF-8") from None
    return _Composer(decoded, file).document()


def _events(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    yield from YAML(typ="safe", pure=True).parse(text)


class _Composer:
    """Events of the YAML parser to nodes; the refusals stand where the event is met."""

    def __init__(self, text: str, file: str) -> None:
        try:
            from ruamel.yaml.error import YAMLError
        except ImportError:
            raise AuthoringMissing("reading YAML needs the extra: tutorstream[authoring]") from None
        self.file = file
        self.text = text
        self.events = _events(text)
        self.faults = (YAMLError, ValueError, OverflowError)

    def refuse(self, event: Any, message: str, fix: str = "") -> Unreadable:
        mark = event.start_mark
        return Unreadable(self.file, mark.line + 1, mark.column + 1, message, fix)

    def next(self) -> Any:
        try:
            return next(self.events)
        except self.faults as error:
            raise self.translated(error) from None

    def translated(self, error: Exception) -> Unreadable:
        """The YAML library's own error as ours, with its place where it has one."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if mark is None:
            first = str(error).strip().splitlines()[0]
            return Unreadable(self.file, 1, 1, f"YAML: {first}", "remove control characters")
        before = self.text[mark.index - mark.column : mark.index]
        advice = _advice(str(getattr(error, "problem", "")), before)
        return Unreadable(self.file, line, column, f"YAML: {_sentence(error)}", advice)

    def document(self) -> Node | None:
        root: Node | None = None
        documents = 0
        while True:
            event = self.next()
            kind = type(event).__name__
            if kind == "StreamEndEvent":
                return root
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise self.refuse(event, "a second document", "one document a file: drop ---")
                if event.version is not None or event.tags:
                    raise self.refuse(event, "a % directive", "YAML 1.2 is read as it is")
                root = self.node(self.next(), 1)

    def node(self, event: Any, depth: int) -> Node:
        kind = type(event).__name__
        if kind == "AliasEvent" or event.anchor is not None:
            raise self.refuse(event, "anchors and aliases are refused", "write the value out")
        if kind == "ScalarEvent":
            return self.scalar(event)
        if event.tag is not None:
            raise self.refuse(event, f"the tag {event.tag} is refused", "remove the tag")
        if depth > NESTING:
            raise self.refuse(event, f"nested deeper than {NESTING}")
        if kind == "SequenceStartEvent":
            return self.sequence(event, depth)
        return self.mapping(event, depth)

    def sequence(self, start: Any, depth: int) -> Node:
        found: list[Node] = []
        while type(event := self.next()).__name__ != "SequenceEndEvent":
            found.append(self.node(event, depth + 1))
        return Node(self.file, start.start_mark.line + 1, start.start_mark.column + 1, found)

    def mapping(self, start: Any, depth: int) -> Node:
        found: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        while type(event := self.next()).__name__ != "MappingEndEvent":
            key = self.node(event, depth + 1)
            if isinstance(key.value, dict | list):
                raise self.refuse(event, "a key that is not text", "quote the key")
            if key.raw in found:
                first = keys[key.raw][0]
                raise self.refuse(
                    event, f"duplicate key {key.raw!r}, first on line {first}", "keep one of them"
                )
            keys[key.raw] = (key.line, key.column)
            found[key.raw] = self.node(self.next(), depth + 1)
        mark = start.start_mark
        return Node(self.file, mark.line + 1, mark.column + 1, found, keys=keys)

    def scalar(self, event: Any) -> Node:
        if event.tag is not None:
            raise self.refuse(event, f"the tag {event.tag} is refused", "remove the tag")
        mark = event.start_mark
        text: str = event.value
        value: Scalar = text
        if event.implicit[0] and not event.style:
            try:
                value = resolved(text)
            except ValueError as error:
                raise self.refuse(event, str(error)) from None
        elif event.style == '"' and (eaten := self.eaten(event)):
            raise eaten
        elif _lone_surrogate(text):
            raise self.refuse(event, "half of a surrogate pair", "write the character itself")
        return Node(self.file, mark.line + 1, mark.column + 1, value, raw=text)

    def eaten(self, event: Any) -> Unreadable | None:
        """The refusal of a LaTeX command whose backslash YAML would take for an escape, or None.

        In double quotes backslash, f, r, a, c is a form feed and the letters "rac".
        """
        start, end = event.start_mark, event.end_mark
        written = self.text[start.index : end.index]
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
            line = start.line + 1 + before.count("\n")
            broken = before.rfind("\n")
            column = len(before) - broken if broken >= 0 else start.column + 1 + len(before)
            said = f"YAML reads \\{command[0]} of \\{command} as a control character"
            fix = f"write \\\\{command}, or put the text in single quotes"
            return Unreadable(self.file, line, column, said, fix)
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


def _lone_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text) if not text.isascii() else False


def _sentence(error: Any) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return " ".join(", ".join(parts).split()).replace(_TAB, "a TAB")


_TAB = r"character '\t'"
"""How the YAML library writes it."""


def _advice(problem: str, before: str) -> str:
    """What to do about a problem; `before` is its line up to it."""
    if _TAB in problem:
        inside = "put spaces in place of the TAB, or quote the text"
        return inside if before.strip() else "indent with spaces: YAML takes no TAB there"
    if "cannot start any token" in problem:
        return "quote texts that start with @, ` or %"
    if "mapping values are not allowed" in problem:
        return "quote texts that hold a colon and a space; after a key's colon stands a space"
    if "expected ',' or" in problem:
        return "quote texts that hold @{..}, a comma or a bracket, and close every quote"
    if "unknown escape character" in problem:
        return r"write \\ for the backslash of LaTeX, or put the text in single quotes"
    if "expected <block end>" in problem:
        return "check the indentation"
    return ""
