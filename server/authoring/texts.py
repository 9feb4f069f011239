"""What is wrong with a course's texts in any of its languages, each at its place. This file is it.

Formulas that cannot be drawn (C601), raw HTML and unsafe addresses (C603), texts harder to read
than the course wants (C605).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from engines.exercises.formulas import text_faults
from engines.exercises.readability import grade_of
from server.authoring.findings import Located
from server.authoring.folder import UNSAFE, Sources
from server.authoring.nodes import Node
from server.authoring.overlays import keys_of
from server.authoring.schema import COURSE, ITEM
from server.authoring.shapes import ListOf, Shape, Text, at_key

_CODE = re.compile(r"`[^`\n]*`|\$+[^$]*\$+|@@?\{[^}]*\}")
_TAG = re.compile(
    r"<!--|</?(?:a|abbr|audio|b|big|blockquote|br|button|center|code|div|em|embed|font|form|h[1-6]"
    r"|hr|i|iframe|img|input|li|link|meta|object|ol|p|pre|s|script|small|span|strike|strong|style"
    r"|sub|sup|svg|table|tbody|td|th|thead|tr|u|ul|video)\b[^>]*>",
    re.IGNORECASE,
)
_ADDRESS = re.compile(rf"\]\(\s*<?({UNSAFE.pattern}[^)\s>]*)", re.IGNORECASE)


class Said(NamedTuple):
    """A learner's text where it is written; `tag` is its language."""

    node: Node
    text: str
    tag: str


def texts_of(shape: Shape, node: Node, tag: str) -> Iterator[Said]:
    """Every learner's text below a node of this shape, in all its languages."""
    if isinstance(shape, Text):
        if isinstance(node.value, dict):
            for name, each in node.value.items():
                if isinstance(each.value, str):
                    yield Said(at_key(node, name, each), each.value, name)
        elif isinstance(node.value, str):
            yield Said(node, node.value, tag)
    elif isinstance(shape, ListOf):
        for each in node.value if isinstance(node.value, list) else ():
            yield from texts_of(shape.each, each, tag)
    elif isinstance(node.value, dict):
        for name, key in keys_of(shape).items():
            if name in node.value:
                yield from texts_of(key.shape, at_key(node, name, node.value[name]), tag)


def overlaid(node: Node, tag: str) -> Iterator[Said]:
    """Every text of an overlay: all that is written there is one."""
    if isinstance(node.value, str):
        yield Said(node, node.value, tag)
    elif isinstance(node.value, list):
        for each in node.value:
            yield from overlaid(each, tag)
    elif isinstance(node.value, dict):
        for name, each in node.value.items():
            yield from overlaid(at_key(node, name, each), tag)


def text_findings(sources: Sources) -> Iterator[Located]:
    """The faults of all texts of a course, its locales' files included."""
    assert sources.document is not None
    own = sources.document.get("locale", "en")
    limit = sources.document.get("reading_grade")
    head = {name: each for name, each in _mapping(sources.root).items() if name != "items"}
    root = Node(sources.root.file, 1, 1, head, keys=sources.root.keys)
    for said in texts_of(COURSE, root, own):
        yield from _faults(said)
    for node in sources.item_nodes:
        item = list(texts_of(ITEM, node, own))
        for said in item:
            yield from _faults(said)
        if limit is not None:
            yield from _hard([said._replace(node=node) for said in item], float(Fraction(limit)))
    for tag, node in sources.overlays:
        for said in overlaid(node, tag):
            yield from _faults(said)
        items = node.child("items")
        if items is not None and limit is not None:
            for name, each in _mapping(items).items():
                place = at_key(items, name, each)
                laid = [said._replace(node=place) for said in overlaid(each, tag)]
                yield from _hard(laid, float(Fraction(limit)))


def _mapping(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _faults(said: Said) -> Iterator[Located]:
    node, bare = said.node, _CODE.sub(" ", said.text)
    at = (node.file, node.line, node.column)
    for fault in text_faults(said.text):
        yield Located(*at, "C601", fault, fix="write it as KaTeX reads it")
    if tag := _TAG.search(bare):
        yield Located(*at, "C603", f"raw HTML: {tag[0][:40]!r}", fix="write it as Markdown")
    if address := _ADDRESS.search(bare):
        told = f"an address that can run or load: {address[1][:40]!r}"
        yield Located(*at, "C603", told, fix="link to https:// or say it in words")


def _hard(texts: list[Said], limit: float) -> Iterator[Located]:
    """One finding a language where an item's texts together are too hard to read."""
    for tag in dict.fromkeys(said.tag for said in texts):
        own = [said for said in texts if said.tag == tag]
        whole = "\n\n".join(_ended(said.text) for said in own)
        grade = grade_of(whole, tag)
        if grade is not None and grade > limit:
            node = own[0].node
            told = f"the texts ({tag}) are of grade {grade:.1f}, the course's limit is {limit:g}"
            fix = "shorter sentences, plainer words"
            yield Located(node.file, node.line, node.column, "C605", told, "W", fix)


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."
