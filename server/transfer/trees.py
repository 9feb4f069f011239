"""XML as trees, with nothing of it followed: no DTD, no entity. This file is the one parser here.

Entities are the door of XML's known attacks (expansion, reading of files and addresses), and none
of the formats read here needs a document type: a file that declares one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

MOST_DEPTH = 100
MOST_NODES = 2_000_000
"""Elements of one file: a course of 5,000 items with long texts has some hundred thousand."""


class BadXml(ValueError):  # noqa: N818 (what the text is)
    """A text that is no XML, or XML of a kind that is not opened; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


@dataclass(slots=True)
class Tree:
    """One element: its name without namespace, what it holds in order, where it stands.

    `inside` mixes texts and elements as the file has them.
    """

    name: str
    space: str
    attributes: dict[str, str]
    line: int
    inside: list[str | Tree] = field(default_factory=list)

    @property
    def children(self) -> list[Tree]:
        """The elements directly below."""
        return [each for each in self.inside if isinstance(each, Tree)]

    def all(self, name: str) -> list[Tree]:
        """The elements of a name directly below."""
        return [each for each in self.children if each.name == name]

    def one(self, name: str) -> Tree | None:
        """The first element of a name directly below."""
        return next((each for each in self.children if each.name == name), None)

    def deep(self, *names: str) -> list[Tree]:
        """The elements of these names anywhere below, in the order of the file."""
        found: list[Tree] = []
        stack: list[Tree] = self.children[::-1]
        while stack:
            tree = stack.pop()
            if tree.name in names:
                found.append(tree)
            stack += tree.children[::-1]
        return found

    @property
    def text(self) -> str:
        """Every text below, joined."""
        parts: list[str] = []
        stack: list[str | Tree] = self.inside[::-1]
        while stack:
            each = stack.pop()
            if isinstance(each, str):
                parts.append(each)
            else:
                stack += each.inside[::-1]
        return "".join(parts)

    def text_of(self, name: str) -> str:
        """The text of an element directly below, trimmed; empty where it is not there."""
        found = self.one(name)
        return found.text.strip() if found is not None else ""


def tree_of(text: bytes) -> Tree:
    """The document's root element. Raises `BadXml`.

    >>> tree = tree_of(b"<quiz><question type='x'>One <b>two</b></question></quiz>")
    >>> tree.name, tree.children[0].attributes, tree.children[0].text
    ('quiz', {'type': 'x'}, 'One two')
    """
    return _Grower(text).root


class _Grower:
    """The parser's events to elements; what is refused is refused where it is met."""

    def __init__(self, text: bytes) -> None:
        self._open: list[Tree] = []
        self._root: Tree | None = None
        self._nodes = 0
        self._parser = parser = expat.ParserCreate(namespace_separator="\n")
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise BadXml(f"not well-formed: {what}", error.lineno) from None
        except (LookupError, ValueError) as error:
            if isinstance(error, BadXml):
                raise
            raise BadXml(f"not read: {error}", 1) from None

    @property
    def root(self) -> Tree:
        assert self._root is not None  # a document without an element is not well-formed
        return self._root

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _doctype(self, *_: object) -> None:
        raise BadXml("a document type is not read here; take the <!DOCTYPE ..> out", self._line)

    def _entity(self, *_: object) -> None:
        raise BadXml("an entity is not read here; take the <!ENTITY ..> out", self._line)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise BadXml(f"more than {MOST_NODES} elements", self._line)
        if len(self._open) >= MOST_DEPTH:
            raise BadXml(f"elements nested deeper than {MOST_DEPTH}", self._line)
        space, _, local = name.rpartition("\n")
        named = {key.rpartition("\n")[2]: value for key, value in attributes.items()}
        tree = Tree(local, space, named, self._line)
        if self._open:
            self._open[-1].inside.append(tree)
        else:
            self._root = tree
        self._open.append(tree)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _characters(self, text: str) -> None:
        self._open[-1].inside.append(text)
