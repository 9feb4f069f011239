"""Texts of another language laid over a course by id. This file is that overlay.

`locales/<tag>.yaml` has the form of the course, with its texts alone: what has an id is named by
it (`items: {eq.1: {prompt: ...}}`), what has none stands in the same order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from server.authoring.nodes import Node
from server.authoring.shapes import Key, ListOf, Record, Shape, Text, Told, nearest

COVERS = "covers"
"""The key under which an overlay names the skills it is meant for, where these are not all."""


def covered(node: Node, skills: set[str], told: Told) -> tuple[set[str], Node]:
    """The skills that an overlay's root names under `covers`, and the root without that key."""
    named = node.child(COVERS)
    if named is None or not isinstance(node.value, dict):
        return set(), node
    found: set[str] = set()
    for each in named.value if isinstance(named.value, list) else [named]:
        if each.raw in skills:
            found.add(each.raw)
        else:
            told(each, f"unknown skill {each.raw!r}", nearest(each.raw, tuple(sorted(skills))))
    texts = {name: each for name, each in node.value.items() if name != COVERS}
    return found, replace(node, value=texts)


def has_text(shape: Shape) -> bool:
    """Whether a learner's text can stand in a value of this shape."""
    if isinstance(shape, Text):
        return True
    if isinstance(shape, ListOf):
        return has_text(shape.each)
    return any(has_text(each.shape) for each in keys_of(shape).values())


def keys_of(shape: Shape) -> dict[str, Key]:
    """The keys of a record; of a choice between records, those of all of them."""
    if isinstance(shape, Record):
        return dict(shape.keys)
    found: dict[str, Key] = {}
    for each in getattr(shape, "shapes", ()):
        found |= keys_of(each)
    return found


def _named(shape: Shape) -> bool:
    return "id" in keys_of(shape)


class Overlay:
    """One language's texts, as they are laid over a document; `own` is the course's language.

    `unread` says of an id whether it may stand in what could not be read: then it is left alone.
    """

    def __init__(self, tag: str, own: str, told: Told, unread: Any) -> None:
        self._tag = tag
        self._own = own
        self._told = told
        self._unread = unread

    def lay(self, shape: Shape, node: Node, holder: Any, key: Any) -> None:
        """Lay a node over `holder[key]`, which has this shape."""
        if isinstance(shape, Text):
            self._text(node, holder, key)
        elif isinstance(shape, ListOf) and _named(shape.each):
            self._by_id(shape, node, holder[key])
        elif isinstance(shape, ListOf):
            self._in_order(shape, node, holder[key])
        else:
            self._record(shape, node, holder[key])

    def _text(self, node: Node, holder: Any, key: Any) -> None:
        found: dict[str, Any] = {}
        self._read(node, found)
        if not found:
            return
        before = holder[key]
        by_tag = before if isinstance(before, dict) else {self._own: before}
        if self._tag in by_tag:
            self._told(node, f"the text has locale {self._tag} in the course already", "drop one")
            return
        holder[key] = {**by_tag, self._tag: found["text"]}

    def _read(self, node: Node, found: dict[str, Any]) -> None:
        if not isinstance(node.value, str):
            self._told(node, "expected a text", "quote it")
            return
        found["text"] = Text().read(node, self._told)

    def _by_id(self, shape: ListOf, node: Node, listed: list[dict[str, Any]]) -> None:
        if not isinstance(node.value, dict):
            self._told(node, "expected a mapping from ids to texts", "name what is meant by its id")
            return
        places = {each["id"]: at for at, each in enumerate(listed)}
        for name, each in node.value.items():
            if name in places:
                alone = _only_text(shape.each)
                if alone and isinstance(each.value, str):
                    self._text(each, listed[places[name]], alone)
                else:
                    self.lay(shape.each, each, listed, places[name])
            elif not self._unread(name):
                at = _at_key(node, name)
                self._told(at, f"the course has no {name!r} here", nearest(name, tuple(places)))

    def _in_order(self, shape: ListOf, node: Node, listed: list[Any]) -> None:
        if shape.lone and isinstance(node.value, str):
            node = Node(node.file, node.line, node.column, [node])
        if not isinstance(node.value, list):
            self._told(node, "expected a list in the order of the course", "null skips one")
            return
        if len(node.value) > len(listed):
            told = f"{len(node.value)} entries, the course has {len(listed)} here"
            self._told(node, told, "null skips one")
            return
        for at, each in enumerate(node.value):
            if each.value is not None:
                self.lay(shape.each, each, listed, at)

    def _record(self, shape: Shape, node: Node, target: dict[str, Any]) -> None:
        if not isinstance(node.value, dict):
            self._told(node, "expected a mapping", "")
            return
        known = {name: key for name, key in keys_of(shape).items() if has_text(key.shape)}
        for name, each in node.value.items():
            key = known.get(name)
            if key is None:
                told = f"{name!r} is no text of the course"
                self._told(_at_key(node, name), told, nearest(name, tuple(known)))
            elif (key.name or name) not in target:
                self._told(_at_key(node, name), f"the course has no {name!r} here", "take it out")
            else:
                self.lay(key.shape, each, target, key.name or name)


def _only_text(shape: Shape) -> str:
    """The one text of a record, which may stand for it: `choices: {a: "..."}`."""
    texts = [key.name or name for name, key in keys_of(shape).items() if has_text(key.shape)]
    return texts[0] if len(texts) == 1 else ""


def _at_key(node: Node, name: str) -> Node:
    assert node.keys is not None
    return Node(node.file, *node.keys[name], None)


def overlay_schema(shape: Shape) -> dict[str, Any]:
    """What an overlay of this shape looks like, as JSON Schema."""
    if isinstance(shape, Text):
        return {"type": "string"}
    if isinstance(shape, ListOf) and _named(shape.each):
        each = overlay_schema(shape.each)
        if _only_text(shape.each):
            each = {"anyOf": [{"type": "string"}, each]}
        return {"type": "object", "additionalProperties": each}
    if isinstance(shape, ListOf):
        entry = {"anyOf": [{"type": "null"}, overlay_schema(shape.each)]}
        many: dict[str, Any] = {"type": "array", "items": entry}
        return {"anyOf": [{"type": "string"}, many]} if shape.lone else many
    texts = {n: overlay_schema(k.shape) for n, k in keys_of(shape).items() if has_text(k.shape)}
    return {"type": "object", "properties": texts, "additionalProperties": False}
