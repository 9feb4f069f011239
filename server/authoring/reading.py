"""One YAML file as nodes that know their line, core schema only. This file is the loader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server.authoring.nodes import Node, Scalar, Unreadable, eaten, resolved
from server.authoring.quick import Unusual, quickly_read

FILE_BYTES = 2 * 1024 * 1024
NESTING = 40


class AuthoringMissing(Exception):  # noqa: N818 (named by what happened)
    """The extra that reads YAML is not installed."""


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
    composer = _Composer(decoded, file)  # whoever lacks the library is told so in any case
    try:
        return quickly_read(decoded, file, NESTING)
    except Unusual:
        return composer.document()


def fully_read(text: str, file: str) -> Node | None:
    """The document by the YAML library alone, whose word is the last. Raises `Unreadable`."""
    return _Composer(text, file).document()


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
        """Read by the library, one by one, when they are asked for."""
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
        elif event.style == '"' and (lost := self.eaten(event)):
            raise lost
        elif _lone_surrogate(text):
            raise self.refuse(event, "half of a surrogate pair", "write the character itself")
        return Node(self.file, mark.line + 1, mark.column + 1, value, raw=text)

    def eaten(self, event: Any) -> Unreadable | None:
        """The refusal of a text in double quotes that loses a command of LaTeX, or None."""
        start, end = event.start_mark, event.end_mark
        written = self.text[start.index : end.index]
        return eaten(self.file, written, start.line + 1, start.column + 1)


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
