"""A course folder read within limits into one document. This file is that reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines.exercises.course import joined
from server.authoring.findings import Located, Report, Severity
from server.authoring.reading import Node, Unreadable, nodes_of
from server.authoring.schema import COURSE, ITEM
from server.authoring.shapes import ABSENT, nearest

COURSE_BYTES = 20 * 1024 * 1024
MOST_ITEMS = 5_000

_REFERENCE = re.compile(r"(!?)\[[^\]\n]*\]\(\s*<?([^)\s>]+)")
_MATHS = re.compile(r"\$[^$]*\$")
_WRITTEN_AS = {"options": "choices"}


@dataclass
class Sources:
    """A course as read: the document, and the nodes it came from.

    `item_nodes` runs beside `document["items"]`; items with a fault of form are in neither, what
    they name in `dropped`. `unread` are the texts of files that could not be read; `cut` says that
    others were not even opened. `document` is None if the course's head could not be read.
    """

    root: Node
    document: dict[str, Any] | None = None
    profile: str = "authored"
    item_nodes: list[Node] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    cut: bool = False

    def may_hold(self, name: str) -> bool:
        """Whether an id may stand in what was not read: then its absence says nothing."""
        if self.cut or name in self.dropped:
            return True
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
        return any(word.search(text) for text in self.unread)

    def place(self, path: tuple[str | int, ...]) -> tuple[str, int, int]:
        """File, line and column of a path in the document, or of its nearest known part."""
        steps = list(path)
        node = self.root
        if steps[:1] == ["items"] and len(steps) > 1:
            node = self.item_nodes[int(steps[1])]
            steps = steps[2:]
        at = (node.file, node.line, node.column)
        for step in steps:
            name = _WRITTEN_AS.get(step, step) if isinstance(step, str) else step
            below = node.child(name)
            if below is None:
                break
            at = (below.file, below.line, below.column)
            if isinstance(name, str) and node.keys is not None:
                at = (below.file, *node.keys[name])
            node = below
        return at


def read(folder: Path, report: Report) -> Sources:
    """The course in a folder; faults of files and form go to `report`.

    Raises FileNotFoundError where there is no `course.yaml`.
    """
    head = folder / "course.yaml"
    if not head.is_file():
        raise FileNotFoundError(f"{head}: no course.yaml here")
    room = COURSE_BYTES
    nodes: list[tuple[str, Node]] = []
    unread: list[str] = []
    cut = _left_out(folder / "items")
    for path in _files(folder, report):
        name = path.relative_to(folder).as_posix()
        text = path.read_bytes()
        room -= len(text)
        if room < 0:
            _tell(report, name, "C101", f"the course exceeds {COURSE_BYTES} bytes")
            cut = True
            break
        try:
            node = nodes_of(text, name)
        except Unreadable as error:
            report.add(
                Located(error.file, error.line, error.column, "C101", error.message, fix=error.fix)
            )
            unread.append(text.decode(errors="replace"))
            continue
        if node is not None:
            nodes.append((name, node))
    sources = _joined(nodes, report)
    sources.unread, sources.cut = unread, cut
    return sources


def _tell(
    report: Report,
    file: str,
    code: str,
    message: str,
    fix: str = "",
    at: tuple[int, int] = (1, 1),
    severity: Severity = "E",
) -> None:
    report.add(Located(file, *at, code, message, severity, fix))


def _files(folder: Path, report: Report) -> list[Path]:
    """The course's files in order of name; links and stray files are told, not followed."""
    found = [folder / "course.yaml"]
    items = folder / "items"
    if items.is_dir() and not items.is_symlink():
        found += sorted(items.iterdir(), key=lambda path: path.name)
    kept: list[Path] = []
    for path in (*found, items, folder / "locales", folder / "media"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            _tell(report, name, "C105", "a link is not followed", "put the file itself here")
        elif path.name in {"locales", "media"} and path.is_dir():
            fix = "texts take a map by language tag" if path.name == "locales" else "take it out"
            _tell(report, name, "C102", f"{path.name}/ is not read by this version", fix)
        elif path.is_file() and path.suffix == ".yaml":
            kept.append(path)
        elif path.parent == items and not path.name.startswith("."):
            _tell(report, name, "C102", "only *.yaml files are read here", "rename or remove it")
    return kept


def _left_out(items: Path) -> bool:
    """Whether files that look like items are not opened: links, and `*.yml`."""
    if items.is_symlink():
        return True
    inside = items.iterdir() if items.is_dir() else iter(())
    return any(path.is_symlink() or path.suffix == ".yml" for path in inside)


def _joined(nodes: list[tuple[str, Node]], report: Report) -> Sources:
    root = next((node for name, node in nodes if name == "course.yaml"), None)
    if root is None or not isinstance(root.value, dict):
        if root is not None or not report.errors:
            _tell(report, "course.yaml", "C102", "expected a mapping with the key course")
        return Sources(Node("course.yaml", 1, 1, {}, keys={}))
    listed: list[Node] = []
    for name, node in nodes:
        listed += _listed(node, report) if name != "course.yaml" else _own(root, report)
    sources = Sources(root)
    if len(listed) > MOST_ITEMS:
        message = f"{len(listed)} items, at most {MOST_ITEMS} are read"
        _tell(report, "course.yaml", "C101", message, "split the course")
        return sources
    items = [item for node in listed if (item := _item(node, sources, report)) is not None]
    for name, node in nodes:
        if name != "course.yaml" and not isinstance(_items_of(node).value, list):
            sources.dropped.update(_scalars(node))
    head_keys = {key: node for key, node in root.value.items() if key != "items"}
    head_node = Node(root.file, root.line, root.column, head_keys, keys=root.keys)
    head = COURSE.read(head_node, _teller(report))
    if head is ABSENT:
        return sources
    sources.profile = head.pop("profile", "authored")
    head.setdefault("license", "")
    head.setdefault("attribution", [])
    sources.document = joined({**head, "items": items})
    return sources


def _own(root: Node, report: Report) -> list[Node]:
    node = root.child("items")
    if node is None or node.value is None:
        return []
    return _list(node, report)


def _listed(node: Node, report: Report) -> list[Node]:
    """The items of one file under `items/`: a list, or a mapping with the one key `items`."""
    if isinstance(node.value, dict):
        for key in node.value:
            if key != "items":
                at = (node.keys or {}).get(key, (node.line, node.column))
                _tell(
                    report, node.file, "C102", f"unknown key {key!r}", nearest(key, ("items",)), at
                )
    return _list(_items_of(node), report)


def _items_of(node: Node) -> Node:
    """The list of items of a file under `items/`, if it is one."""
    return (node.child("items") or node) if isinstance(node.value, dict) else node


def _list(node: Node, report: Report) -> list[Node]:
    if isinstance(node.value, list):
        return node.value
    _tell(report, node.file, "C102", "expected a list of items", "", (node.line, node.column))
    return []


def _teller(report: Report) -> Any:
    def told(node: Node, message: str, fix: str) -> None:
        report.add(Located(node.file, node.line, node.column, "C102", message, fix=fix))

    return told


def _item(node: Node, sources: Sources, report: Report) -> dict[str, Any] | None:
    item = ITEM.read(node, _teller(report))
    _references(node, report)
    if item is ABSENT or not _whole(item, node, report):
        sources.dropped.update(_scalars(node))
        return None
    sources.item_nodes.append(node)
    found: dict[str, Any] = item
    return found


def _scalars(node: Node) -> Iterator[str]:
    """Every scalar below a node, as written."""
    if isinstance(node.value, dict | list):
        for each in (*node.value.values(),) if isinstance(node.value, dict) else node.value:
            yield from _scalars(each)
    else:
        yield node.raw


def _whole(item: dict[str, Any], node: Node, report: Report) -> bool:
    """Settle every answer of an item; tell what a shape alone cannot know."""
    faults = _settle(item, "answer")
    for place, hint in enumerate(item.get("hints", ())):
        if ("ask" in hint) != ("answer" in hint):
            faults.append(("hints", place, "a hint that asks has both ask and answer"))
        if "answer" in hint:
            faults += [("hints", place, fault) for *_, fault in _settle(hint, "answer")]
        if "say" not in hint and "ask" not in hint:
            faults.append(("hints", place, "a hint says or asks something"))
    for *path, message in faults:
        at: Node = node
        for step in path:
            at = at.child(step) or at
        _tell(report, at.file, "C102", str(message), "", (at.line, at.column))
    return not faults


def _settle(holder: dict[str, Any], name: str) -> list[tuple[Any, ...]]:
    """Give an answer its canonical value and form; the faults found, each ending in its text."""
    answer = holder[name]
    kind = answer["kind"]
    faults: list[tuple[Any, ...]] = []
    if kind != "multi":
        if len(answer["value"]) != 1:
            faults.append((name, f"kind {kind} takes one value"))
        answer["value"] = answer["value"][0]
    if kind == "fraction":
        answer.setdefault("form", "lowest-terms")
    if kind in {"choice", "multi"} and "options" not in holder:
        faults.append((name, f"kind {kind} needs choices"))
    if kind not in {"choice", "multi"} and "options" in holder:
        faults.append((name, f"kind {kind} takes no choices"))
    return faults


def _references(node: Node, report: Report) -> None:
    """Tell of Markdown references that leave the folder, or that no version reads yet."""
    if isinstance(node.value, str):
        if "](" not in node.value:
            return
        for found in _REFERENCE.finditer(_MATHS.sub("", node.value)):
            image, target = found.groups()
            web = target.startswith(("https://", "http://", "#", "mailto:"))
            if image or not web:
                outside = ".." in target.split("/") or target.startswith("/") or ":" in target
                what = "leads outside the folder" if outside else "is a file, not carried yet"
                at = (node.line, node.column)
                _tell(report, node.file, "C105", f"{target!r} {what}", "say it in words", at)
        return
    if isinstance(node.value, dict | list):
        for each in (*node.value.values(),) if isinstance(node.value, dict) else node.value:
            _references(each, report)
