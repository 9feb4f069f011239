"""What a value must look like, read and described. This file is the vocabulary of the form.

A shape reports every fault it meets and goes on; what it could not read becomes `ABSENT`.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from server.authoring.nodes import Node

ABSENT = object()

Told = Callable[[Node, str, str], None]
"""Takes a fault: where, what, and how to mend it."""

TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")


class Shape(Protocol):
    """What a value must look like."""

    def read(self, node: Node, told: Told) -> Any:
        """The canonical value, or `ABSENT` after a fault was told."""
        ...

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""
        ...


def exact(number: int | Fraction) -> int | str:
    """A number in canonical form: integers as they are, others as an exact fraction.

    >>> exact(Fraction(3, 4)), exact(Fraction(4, 2))
    ('3/4', 2)
    """
    return int(number) if number == int(number) else f"{number.numerator}/{number.denominator}"


def composed(text: str) -> str:
    """The text in NFC, lines ended by line feeds, blank lines at its ends taken off."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip("\n")


def _kind(node: Node) -> str:
    value = node.value
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {node.raw}"
    return repr(node.raw[:40])


@dataclass(frozen=True)
class Word:
    """A short text of a fixed pattern, as an id."""

    pattern: str
    what: str = "an id of a-z, 0-9, dot and hyphen, at most 64 characters"

    def read(self, node: Node, told: Told) -> Any:
        """The text as written, if the pattern holds."""
        if isinstance(node.value, dict | list) or not re.fullmatch(self.pattern, node.raw):
            told(node, f"expected {self.what}, found {_kind(node)}", "")
            return ABSENT
        return node.raw

    def schema(self) -> dict[str, Any]:
        """A string with a pattern."""
        return {"type": "string", "pattern": f"^({self.pattern})$"}


@dataclass(frozen=True)
class Written:
    """A scalar taken exactly as written: expressions, answers, versions."""

    def read(self, node: Node, told: Told) -> Any:
        """The text between its quotes, or the number as typed."""
        if isinstance(node.value, dict | list) or node.value is None:
            told(node, f"expected an expression or a text, found {_kind(node)}", "")
            return ABSENT
        return composed(node.raw)

    def schema(self) -> dict[str, Any]:
        """Text or number."""
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True)
class Text:
    """A learner's text: a string, or a map by language tag."""

    def read(self, node: Node, told: Told) -> Any:
        """A string, or a mapping of tags to strings."""
        if isinstance(node.value, str):
            return composed(node.value)
        if not isinstance(node.value, dict) or not node.value:
            told(node, f"expected a text, found {_kind(node)}", "quote it")
            return ABSENT
        found: dict[str, str] = {}
        for tag, each in node.value.items():
            if not TAG.match(tag):
                told(each, f"{tag!r} is not a language tag", "as en, ar or pt-BR")
            elif isinstance(each.value, str):
                found[tag] = composed(each.value)
            else:
                told(each, f"expected a text, found {_kind(each)}", "quote it")
        return found or ABSENT

    def schema(self) -> dict[str, Any]:
        """String or map of strings."""
        by_tag = {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
        return {"anyOf": [{"type": "string"}, by_tag]}


@dataclass(frozen=True)
class Number:
    """A number in a range, exact; `whole` admits integers only."""

    low: Fraction | int
    high: Fraction | int
    whole: bool = False

    def read(self, node: Node, told: Told) -> Any:
        """An integer, or an exact fraction as text."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | Fraction):
            told(node, f"expected a number, found {_kind(node)}", "")
            return ABSENT
        if self.whole and not isinstance(value, int):
            told(node, f"expected a whole number, found {node.raw}", "")
            return ABSENT
        if not self.low <= value <= self.high:
            bounds = f"{float(self.low):g} to {float(self.high):g}"
            told(node, f"{node.raw} is outside {bounds}", "")
            return ABSENT
        return exact(value)

    def schema(self) -> dict[str, Any]:
        """Number with bounds."""
        kind = "integer" if self.whole else "number"
        return {"type": kind, "minimum": float(self.low), "maximum": float(self.high)}


@dataclass(frozen=True)
class Amount:
    """A number, or an expression over params that gives one; numbers stay exact."""

    def read(self, node: Node, told: Told) -> Any:
        """An integer, an exact fraction as text, or the expression."""
        if isinstance(node.value, bool | dict | list) or node.value is None:
            told(node, f"expected a number or an expression, found {_kind(node)}", "")
            return ABSENT
        if isinstance(node.value, int | Fraction):
            return exact(node.value)
        return composed(node.value)

    def schema(self) -> dict[str, Any]:
        """Number or string."""
        return {"type": ["number", "string"]}


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def read(self, node: Node, told: Told) -> Any:
        """The truth value."""
        if isinstance(node.value, bool):
            return node.value
        told(node, f"expected true or false, found {_kind(node)}", "")
        return ABSENT

    def schema(self) -> dict[str, Any]:
        """Boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class OneOf:
    """One of a closed list of names; `later` names belong to the format but are not read yet."""

    names: tuple[str, ...]
    later: tuple[str, ...] = ()

    def read(self, node: Node, told: Told) -> Any:
        """The name."""
        if not isinstance(node.value, dict | list) and node.raw in self.names:
            return node.raw
        if node.raw in self.later:
            told(
                node,
                f"{node.raw!r} is not read by this version",
                f"one of {', '.join(self.names)}",
            )
            return ABSENT
        told(
            node,
            f"expected one of {', '.join(self.names)}, found {_kind(node)}",
            nearest(node.raw, self.names),
        )
        return ABSENT

    def schema(self) -> dict[str, Any]:
        """Enumeration."""
        return {"enum": list(self.names)}


@dataclass(frozen=True)
class ListOf:
    """A list of one shape; `lone` takes a single value for a list of one."""

    each: Shape
    least: int = 0
    most: int = 10_000
    lone: bool = False

    def read(self, node: Node, told: Told) -> Any:
        """The values that could be read; `ABSENT` if one could not."""
        if not isinstance(node.value, list):
            if self.lone and node.value is not None:
                only = self.each.read(node, told)
                return only if only is ABSENT else [only]
            told(node, f"expected a list, found {_kind(node)}", "")
            return ABSENT
        if not self.least <= len(node.value) <= self.most:
            told(node, f"{len(node.value)} entries, expected {self.least} to {self.most}", "")
            return ABSENT
        found = [self.each.read(each, told) for each in node.value]
        return ABSENT if any(value is ABSENT for value in found) else found

    def schema(self) -> dict[str, Any]:
        """Array; one value alone where that is taken too."""
        each = self.each.schema()
        many = {"type": "array", "items": each, "minItems": self.least, "maxItems": self.most}
        return {"anyOf": [each, many]} if self.lone else many


@dataclass(frozen=True)
class MapOf:
    """A mapping from names of a pattern to one shape."""

    key: str
    each: Shape

    def read(self, node: Node, told: Told) -> Any:
        """A mapping; `ABSENT` if a value could not be read."""
        if not isinstance(node.value, dict):
            told(node, f"expected a mapping, found {_kind(node)}", "")
            return ABSENT
        found: dict[str, Any] = {}
        for name, each in node.value.items():
            if not re.fullmatch(self.key, name):
                told(each, f"the name {name!r} does not fit", f"as the pattern {self.key}")
                found[name] = ABSENT
            else:
                found[name] = self.each.read(each, told)
        return ABSENT if any(value is ABSENT for value in found.values()) else found

    def schema(self) -> dict[str, Any]:
        """Object of one shape."""
        return {
            "type": "object",
            "patternProperties": {f"^{self.key}$": self.each.schema()},
            "additionalProperties": False,
        }


@dataclass(frozen=True)
class Key:
    """One key of a record; `name` is what the canonical form calls it."""

    shape: Shape
    needed: bool = False
    name: str = ""


@dataclass(frozen=True)
class Record:
    """A mapping of known keys; `one_of` names the keys of which exactly one must stand."""

    keys: Mapping[str, Key]
    later: frozenset[str] = field(default=frozenset())
    one_of: tuple[str, ...] = ()

    def read(self, node: Node, told: Told) -> Any:
        """A mapping under canonical names; `ABSENT` if any key could not be read."""
        if not isinstance(node.value, dict):
            told(node, f"expected a mapping, found {_kind(node)}", "")
            return ABSENT
        whole = self._known(node, told)
        found: dict[str, Any] = {}
        for written, each in node.value.items():
            key = self.keys.get(written)
            if key is None:
                continue
            value = key.shape.read(at_key(node, written, each), told)
            found[key.name or written] = value
            whole = whole and value is not ABSENT
        return found if whole else ABSENT

    def _known(self, node: Node, told: Told) -> bool:
        assert isinstance(node.value, dict)
        whole = True
        for written in node.value:
            if written not in self.keys:
                whole = False
                self._unknown(at_key(node, written, node.value[written]), written, told)
        for written, key in self.keys.items():
            if key.needed and written not in node.value:
                whole = False
                told(node, f"the key {written!r} is missing", "")
        if self.one_of and sum(name in node.value for name in self.one_of) != 1:
            whole = False
            told(node, f"exactly one of {', '.join(self.one_of)} must stand here", "")
        return whole

    def _unknown(self, node: Node, written: str, told: Told) -> None:
        if written in self.later:
            told(node, f"the key {written!r} is not read by this version", "take it out")
        else:
            told(node, f"unknown key {written!r}", nearest(written, tuple(self.keys)))

    def schema(self) -> dict[str, Any]:
        """Object of known keys."""
        told: dict[str, Any] = {
            "type": "object",
            "properties": {name: key.shape.schema() for name, key in self.keys.items()},
            "additionalProperties": False,
        }
        if needed := [name for name, key in self.keys.items() if key.needed]:
            told["required"] = needed
        if self.one_of:
            told["oneOf"] = [{"required": [name]} for name in self.one_of]
        return told


def at_key(parent: Node, written: str, node: Node) -> Node:
    """The node under a key, placed where the key stands: that is the line an author looks for."""
    if parent.keys is None or isinstance(node.value, dict | list):
        return node
    line, column = parent.keys[written]
    return Node(node.file, line, column, node.value, raw=node.raw, keys=node.keys)


def nearest(written: str, known: tuple[str, ...]) -> str:
    """Advice naming the known name nearest to what was written, or all of them.

    >>> nearest("promt", ("prompt", "params"))
    'did you mean prompt?'
    """
    found = difflib.get_close_matches(written, known, n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else f"known: {', '.join(known)}"
