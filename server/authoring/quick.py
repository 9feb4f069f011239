"""The YAML that nearly all course files are made of, read line by line. This file is that reading.

Block mappings and lists, flow collections and quoted texts on one line, plain texts, literal
blocks. Whatever else stands in a file, or is wrong in it, makes the whole file `Unusual`: then the
YAML library reads it, a hundred times slower, and tells what is wrong. Where a file is read here,
the nodes are the same, place for place.
"""

from __future__ import annotations

import re

from server.authoring.nodes import Node, eaten, resolved

_STRANGE = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "|^(?:---|\\.\\.\\.|%)",
    re.MULTILINE,
)
"""Control characters, TABs, odd line breaks, marks of documents, directives."""
_INDENT = re.compile(" *")
_SKIPPED = re.compile(r" *(?:#.*)?\Z")
_ENTRY = re.compile(r"-( +)(?=[^ #])")
_KEY = re.compile(r"""([A-Za-z0-9_][A-Za-z0-9_.-]{0,99}|"[^"\\]{0,100}"|'[^']{0,100}'):(?=\Z| )""")
_FLOW_KEY = re.compile(
    r"""([A-Za-z0-9_][A-Za-z0-9_.-]{0,99}|"[^"\\]{0,100}"|'[^']{0,100}'): +(?=[^ ])"""
)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_STARTS = r"(?:[^-\s?:,\[\]{}#&*!|>'\"%@`]|-(?=[A-Za-z0-9.(]))"
_PLAIN = re.compile(rf"{_STARTS}(?:[^:#]|:(?=[^ ])|(?<=[^ ])#)*\Z")
_FLOW_PLAIN = re.compile(rf"{_STARTS}[^,\[\]{{}}:#]*(?=[,\]}}])")
_AFTER = re.compile(r" *(?: #.*)?\Z")
_COMMENT = re.compile(r" #")
_BLANKS = re.compile(" *")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPES = {"\\": "\\", '"': '"', "/": "/", "n": "\n", "t": "\t"}
_SURROGATES = range(0xD800, 0xE000)


class Unusual(Exception):  # noqa: N818 (named by what it tells)
    """What stands in a file is not read here."""


def quickly_read(text: str, file: str, deepest: int) -> Node:
    """The node of a file's one document, nested at most so deep. Raises `Unusual`."""
    if not text.endswith("\n") or _STRANGE.search(text):
        raise Unusual
    lines = _Lines(text.split("\n"), file, deepest)
    found = lines.block(lines.upcoming(), 1)
    if lines.upcoming() >= 0:
        raise Unusual
    return found


class _Lines:
    """The lines of a file, and the one that is read next."""

    def __init__(self, lines: list[str], file: str, deepest: int) -> None:
        self.lines = lines
        self.file = file
        self.deepest = deepest
        self.at = 0

    def upcoming(self) -> int:
        """Go on to the next line that says something; its indent, -1 at the end."""
        lines, at = self.lines, self.at
        while at < len(lines) and _SKIPPED.match(lines[at]):
            at += 1
        self.at = at
        return len(_INDENT.match(lines[at])[0]) if at < len(lines) else -1  # type: ignore[index] # always matches

    def block(self, indent: int, depth: int) -> Node:
        """The mapping or list whose first line is the present one."""
        if indent < 0 or depth > self.deepest:
            raise Unusual
        if _ENTRY.match(self.lines[self.at], indent):
            return self.listed(indent, depth)
        return self.mapped(indent, indent, depth)

    def listed(self, indent: int, depth: int) -> Node:
        """A list; it ends before a line that is no entry of it."""
        if depth > self.deepest:
            raise Unusual
        first = self.at + 1
        found: list[Node] = []
        while self.upcoming() == indent:
            line = self.lines[self.at]
            entry = _ENTRY.match(line, indent)
            if entry is None:
                break
            column = entry.end()
            if _KEY.match(line, column):
                found.append(self.mapped(column, column, depth + 1))
            else:
                found.append(self.value(column, indent, depth + 1))
        return Node(self.file, first, indent + 1, found)

    def mapped(self, column: int, indent: int, depth: int) -> Node:
        """A mapping whose first key is at a column of the present line, the others below it."""
        if depth > self.deepest:
            raise Unusual
        first = self.at + 1
        found: dict[str, Node] = {}
        places: dict[str, tuple[int, int]] = {}
        while True:
            line = self.lines[self.at]
            match = _KEY.match(line, column)
            if match is None:
                raise Unusual
            key = match[1][1:-1] if match[1][0] in "\"'" else match[1]
            if key in found:
                raise Unusual
            places[key] = (self.at + 1, column + 1)
            found[key] = self.after_key(match.end(), indent, depth + 1)
            following = self.upcoming()
            if following > indent:
                raise Unusual
            if following < indent or _ENTRY.match(self.lines[self.at], indent):
                return Node(self.file, first, indent + 1, found, keys=places)
            column = indent

    def after_key(self, column: int, indent: int, depth: int) -> Node:
        """What follows a key and its colon, on the line or on the next ones."""
        line = self.lines[self.at]
        if not _AFTER.match(line, column):
            return self.value(_BLANKS.match(line, column).end(), indent, depth)  # type: ignore[union-attr] # always matches
        self.at += 1
        following = self.upcoming()
        if following > indent:
            return self.block(following, depth)
        if following == indent and _ENTRY.match(self.lines[self.at], indent):
            return self.listed(indent, depth)
        raise Unusual

    def value(self, column: int, indent: int, depth: int) -> Node:
        """A value that begins on the present line; the next line is the present one then."""
        line = self.lines[self.at]
        sign = line[column]
        if sign == "|":
            return self.literal(column, indent)
        if sign in "[{":
            if depth > self.deepest:
                raise Unusual
            node, end = self.flow(line, column, depth)
        elif sign in "\"'":
            node, end = self.quoted(line, column)
        else:
            node, end = self.plain(line, column), len(line)
        if not _AFTER.match(line, end):
            raise Unusual
        self.at += 1
        return node

    def plain(self, line: str, column: int) -> Node:
        comment = _COMMENT.search(line, column)
        text = line[column : comment.start() if comment else len(line)].rstrip(" ")
        if not _PLAIN.match(text):
            raise Unusual
        return self.of_plain(text, column)

    def of_plain(self, text: str, column: int) -> Node:
        try:
            return Node(self.file, self.at + 1, column + 1, resolved(text), raw=text)
        except ValueError:
            raise Unusual from None

    def quoted(self, line: str, column: int) -> tuple[Node, int]:
        """A text in quotes that ends on its line, and where it ends."""
        match = (_DOUBLE if line[column] == '"' else _SINGLE).match(line, column)
        if match is None:
            raise Unusual
        text = match[1]
        if line[column] == "'":
            text = text.replace("''", "'")
        elif "\\" in text:
            if eaten(self.file, match[0], self.at + 1, column + 1) is not None:
                raise Unusual
            text = _ESCAPE.sub(_unescaped, text)
        return Node(self.file, self.at + 1, column + 1, text, raw=text), match.end()

    def literal(self, column: int, indent: int) -> Node:
        """A literal block whose lines are all indented alike."""
        line = self.at + 1
        head = self.lines[self.at][column:].rstrip(" ")
        if head not in ("|", "|-"):
            raise Unusual
        lines, at = self.lines, self.at + 1
        inner = len(_INDENT.match(lines[at])[0])  # type: ignore[index] # always matches
        if inner <= indent or inner == len(lines[at]):
            raise Unusual
        start, last = at, at
        while at < len(lines):
            each = lines[at]
            if each and not each.isspace():
                if not each.startswith(" " * inner):
                    break
                last = at
            at += 1
        if at < len(lines) and len(_INDENT.match(lines[at])[0]) > indent:  # type: ignore[index] # always matches
            raise Unusual
        if any(len(each) > inner for each in lines[last + 1 : at]):
            raise Unusual  # blanks that would count
        self.at = at
        body = "\n".join([each[inner:] for each in lines[start : last + 1]])
        text = body if head == "|-" else f"{body}\n"
        return Node(self.file, line, column + 1, text, raw=text)

    # --- on one line ----------------------------------------------------------------------------

    def flow(self, line: str, column: int, depth: int) -> tuple[Node, int]:
        """A flow collection that ends on its line, and where it ends."""
        if depth > self.deepest:
            raise Unusual
        if line[column] == "[":
            return self.flow_list(line, column, depth)
        return self.flow_mapping(line, column, depth)

    def flow_list(self, line: str, column: int, depth: int) -> tuple[Node, int]:
        found: list[Node] = []
        at = self.skipped(line, column + 1)
        while line[at] != "]":
            node, at = self.flow_value(line, at, depth + 1)
            found.append(node)
            at = self.parted(line, at, "]")
        return Node(self.file, self.at + 1, column + 1, found), at + 1

    def flow_mapping(self, line: str, column: int, depth: int) -> tuple[Node, int]:
        found: dict[str, Node] = {}
        places: dict[str, tuple[int, int]] = {}
        at = self.skipped(line, column + 1)
        while line[at] != "}":
            match = _FLOW_KEY.match(line, at)
            if match is None:
                raise Unusual
            key = match[1][1:-1] if match[1][0] in "\"'" else match[1]
            if key in found:
                raise Unusual
            places[key] = (self.at + 1, at + 1)
            found[key], at = self.flow_value(line, match.end(), depth + 1)
            at = self.parted(line, at, "}")
        return Node(self.file, self.at + 1, column + 1, found, keys=places), at + 1

    def flow_value(self, line: str, column: int, depth: int) -> tuple[Node, int]:
        sign = line[column]
        if sign in "[{":
            return self.flow(line, column, depth)
        if sign in "\"'":
            return self.quoted(line, column)
        match = _FLOW_PLAIN.match(line, column)
        if match is None:
            raise Unusual
        return self.of_plain(match[0].rstrip(" "), column), match.end()

    def skipped(self, line: str, column: int) -> int:
        """The place of the next sign. Raises `Unusual` at the line's end."""
        at = _BLANKS.match(line, column).end()  # type: ignore[union-attr] # always matches
        if at == len(line):
            raise Unusual
        return at

    def parted(self, line: str, column: int, closing: str) -> int:
        """The place of the next entry, or of the bracket that closes."""
        at = self.skipped(line, column)
        if line[at] == closing:
            return at
        if line[at] != ",":
            raise Unusual
        at = self.skipped(line, at + 1)
        if line[at] in ",]}":
            raise Unusual
        return at


def _unescaped(found: re.Match[str]) -> str:
    sign = found[1]
    if len(sign) > 1:
        if int(sign[1:], 16) in _SURROGATES:
            raise Unusual
        return chr(int(sign[1:], 16))
    if sign not in _ESCAPES:
        raise Unusual
    return _ESCAPES[sign]
