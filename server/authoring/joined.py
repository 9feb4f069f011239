"""Several words that hold at once, written as `{all: [..]}`. This file is their shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.authoring.nodes import Node
from server.authoring.shapes import ABSENT, Key, ListOf, Record, Told, Word


@dataclass(frozen=True)
class AllOf:
    """A word, or `{all: [..]}` of several; the canonical form is one text, joined by a sign.

    That text is read too, so that a course written from its canonical form is the same course.
    `sign` holds nothing that means something in a pattern.
    """

    each: Word
    sign: str
    most: int

    def read(self, node: Node, told: Told) -> Any:
        """The words, joined."""
        if isinstance(node.value, dict):
            found = self._record().read(node, told)
            return found if found is ABSENT else self.sign.join(found["all"])
        return Word(self._joined(), self.each.what).read(node, told)

    def _record(self) -> Record:
        return Record({"all": Key(ListOf(self.each, least=1, most=self.most), needed=True)})

    def _joined(self) -> str:
        more = f"(?:{self.sign}(?:{self.each.pattern}))"
        return f"(?:{self.each.pattern}){more}{{0,{self.most - 1}}}"

    def schema(self) -> dict[str, Any]:
        """A string with a pattern, or an object with a list of them."""
        joined = Word(self._joined(), self.each.what)
        return {"anyOf": [joined.schema(), self._record().schema()]}
