"""A course folder read within limits into one document. This file is that reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines.exercises.course import joined
from server.authoring.findings import Located, Report, Severity
from server.authoring.media import MEDIA_BYTES, Picture, picture_of, svg_faults
from server.authoring.nodes import Node, Unreadable
from server.authoring.overlays import Overlay, covered
from server.authoring.reading import nodes_of
from server.authoring.schema import COURSE, ITEM
from server.authoring.settling import Fault, course_settled, item_settled, item_unknown
from server.authoring.shapes import ABSENT, TAG, nearest

COURSE_BYTES = 20 * 1024 * 1024
MOST_ITEMS = 5_000

_REFERENCE = re.compile(r"(!?)\[[^\]\n]*\]\(\s*<?([^)\s>]+)")
UNSAFE = re.compile(r"(?:javascript|data|vbscript|file|blob):", re.IGNORECASE)
"""Addresses that run or load something."""
_MATHS = re.compile(r"\$[^$]*\$")
_WRITTEN_AS: dict[str, tuple[str, ...]] = {"options": ("choices",), "goals": ("socratic", "goals")}
_OVERLAYS = "locales/"
FOLDERS = ("items", "locales", "media")
"""What a course's folder may hold beside `course.yaml`."""


@dataclass
class Sources:
    """A course as read: the document, and the nodes it came from.

    `item_nodes` runs beside `document["items"]`; items with a fault of form are in neither, what
    they name in `dropped`. `unread` are the texts of files that could not be read; `cut` says that
    others were not even opened. `document` is None if the course's head could not be read.
    `media` are the pictures that items show, by their hash; `overlays` the locales' files.
    """

    root: Node
    document: dict[str, Any] | None = None
    profile: str = "authored"
    item_nodes: list[Node] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    cut: bool = False
    media: dict[str, Picture] = field(default_factory=dict)
    overlays: list[tuple[str, Node]] = field(default_factory=list)
    covers: dict[str, set[str]] = field(default_factory=dict)
    """The skills that a locale is meant for, where its file names them."""

    def may_hold(self, name: str) -> bool:
        """Whether an id may stand in what was not read: then its absence says nothing."""
        if self.cut or name in self.dropped:
            return True
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
        return any(word.search(text) for text in self.unread)

    def place(self, path: tuple[str | int, ...]) -> tuple[str, int, int]:
        """File, line and column of a path in the document, or of its nearest known part."""
        if path[:1] == ("items",) and len(path) > 1:
            return _below(self.item_nodes[int(path[1])], path[2:])
        return _below(self.root, path)


def _below(node: Node, path: tuple[str | int, ...]) -> tuple[str, int, int]:
    """File, line and column of a canonical path below a node, or of its nearest known part."""
    at = (node.file, node.line, node.column)
    for step in path:
        for name in _WRITTEN_AS.get(step, (step,)) if isinstance(step, str) else (step,):
            below = node.child(name)
            if below is None:
                return at
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
    sources = Sources(Node("course.yaml", 1, 1, {}, keys={}), cut=_left_out(folder / "items"))
    nodes: list[tuple[str, Node]] = []
    for path in _files(folder, report):
        name = path.relative_to(folder).as_posix()
        text = path.read_bytes()
        room -= len(text)
        if room < 0:
            _tell(report, name, "C101", f"the course exceeds {COURSE_BYTES} bytes")
            sources.cut = True
            break
        try:
            node = nodes_of(text, name)
        except Unreadable as error:
            report.add(
                Located(error.file, error.line, error.column, "C101", error.message, fix=error.fix)
            )
            sources.unread.append(text.decode(errors="replace"))
            continue
        if node is not None:
            nodes.append((name, node))
    _joined(folder, nodes, sources, report)
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
    for part in ("items", "locales"):
        inside = folder / part
        if inside.is_dir() and not inside.is_symlink():
            found += sorted(inside.iterdir(), key=lambda path: path.name)
    kept: list[Path] = []
    for path in (*found, *(folder / part for part in FOLDERS)):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            _tell(report, name, "C105", "a link is not followed", "put the file itself here")
        elif path.is_file() and path.suffix == ".yaml":
            kept.append(path)
        elif path.parent != folder and not path.name.startswith("."):
            _tell(report, name, "C102", "only *.yaml files are read here", "rename or remove it")
    return kept


def _left_out(items: Path) -> bool:
    """Whether files that look like items are not opened: links, and `*.yml`."""
    if items.is_symlink():
        return True
    inside = items.iterdir() if items.is_dir() else iter(())
    return any(path.is_symlink() or path.suffix == ".yml" for path in inside)


def _joined(folder: Path, nodes: list[tuple[str, Node]], sources: Sources, report: Report) -> None:
    """Read all nodes into one document, and what stands beside it into `sources`."""
    root = next((node for name, node in nodes if name == "course.yaml"), None)
    if root is None or not isinstance(root.value, dict):
        if root is not None or not report.errors:
            _tell(report, "course.yaml", "C102", "expected a mapping with the key course")
        return
    sources.root = root
    sources.overlays = [
        (name[len(_OVERLAYS) : -len(".yaml")], node)
        for name, node in nodes
        if name.startswith(_OVERLAYS)
    ]
    nodes = [(name, node) for name, node in nodes if not name.startswith(_OVERLAYS)]
    listed: list[Node] = []
    for name, node in nodes:
        listed += _listed(node, report) if name != "course.yaml" else _own(root, report)
    if len(listed) > MOST_ITEMS:
        message = f"{len(listed)} items, at most {MOST_ITEMS} are read"
        _tell(report, "course.yaml", "C101", message, "split the course")
        return
    head_keys = {key: node for key, node in root.value.items() if key != "items"}
    head_node = Node(root.file, root.line, root.column, head_keys, keys=root.keys)
    head = COURSE.read(head_node, _teller(report))
    shelf = Shelf(folder, report, sources.media)
    known = None if head is ABSENT else head
    items = [item for each in listed if (item := _item(each, known, shelf, sources)) is not None]
    for name, node in nodes:
        if name != "course.yaml" and not isinstance(_items_of(node).value, list):
            sources.dropped.update(_scalars(node))
    if head is not ABSENT:
        _whole(head, items, sources, report)


def _whole(
    head: dict[str, Any], items: list[dict[str, Any]], sources: Sources, report: Report
) -> None:
    """Lay the overlays over the course, settle what stands with it, and name the document."""
    sources.profile = head.pop("profile", "authored")
    head.setdefault("license", "")
    head.setdefault("attribution", [])
    document = {**head, "items": items}
    own = head.get("locale", "en")
    for tag, node in sources.overlays:
        if not TAG.match(tag):
            _tell(report, node.file, "C102", f"{tag!r} is not a language tag", "as ar.yaml")
        elif tag == own:
            told = f"{tag} is the course's own language"
            _tell(report, node.file, "C102", told, "write its texts into the course")
        else:
            covers, texts = covered(node, {s["id"] for s in document["skills"]}, _teller(report))
            if covers:
                sources.covers[tag] = covers
            overlay = Overlay(tag, own, _teller(report), sources.may_hold)
            overlay.lay(COURSE, texts, {"course": document}, "course")
    if not _told_at(sources.root, course_settled(document), report):
        sources.document = joined(document)


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


def _item(
    node: Node, head: dict[str, Any] | None, shelf: Shelf, sources: Sources
) -> dict[str, Any] | None:
    report = shelf.report
    item = ITEM.read(node, _teller(report))
    _references(node, report)
    if item is not ABSENT:
        faults = item_settled(item) + (item_unknown(item, head) if head is not None else [])
        if not _told_at(node, faults, report) and shelf.filled(item, node):
            sources.item_nodes.append(node)
            found: dict[str, Any] = item
            return found
    sources.dropped.update(_scalars(node))
    return None


def _scalars(node: Node) -> Iterator[str]:
    """Every scalar below a node, as written."""
    if isinstance(node.value, dict | list):
        for each in (*node.value.values(),) if isinstance(node.value, dict) else node.value:
            yield from _scalars(each)
    else:
        yield node.raw


def _told_at(node: Node, faults: list[Fault], report: Report) -> bool:
    """Tell faults at their places below a node; whether there were any."""
    for path, message, fix in faults:
        _tell(report, node.file, "C102", message, fix, _below(node, path)[1:])
    return bool(faults)


def _references(node: Node, report: Report) -> None:
    """Tell of Markdown references that are no addresses: a text holds no picture and no file."""
    if isinstance(node.value, str):
        if "](" not in node.value:
            return
        for found in _REFERENCE.finditer(_MATHS.sub("", node.value)):
            image, target = found.groups()
            if UNSAFE.match(target):
                continue  # C603, with the other texts
            if image or not target.startswith(("https://", "http://", "#", "mailto:")):
                outside = ".." in target.split("/") or target.startswith("/") or ":" in target
                what = "leads outside the folder" if outside else "is a file inside a text"
                fix = "name pictures under media of the item" if image else "say it in words"
                at = (node.line, node.column)
                _tell(report, node.file, "C105", f"{target!r} {what}", fix, at)
        return
    if isinstance(node.value, dict | list):
        for each in (*node.value.values(),) if isinstance(node.value, dict) else node.value:
            _references(each, report)


class Shelf:
    """The pictures of a folder, each read once; what is wrong with one goes to `report`."""

    def __init__(self, folder: Path, report: Report, kept: dict[str, Picture]) -> None:
        self.report = report
        self._folder = folder
        self._kept = kept
        self._read: dict[str, Picture | None] = {}

    def filled(self, item: dict[str, Any], node: Node) -> bool:
        """Put hash and type of an item's pictures in the place of their names; whether all can."""
        whole = True
        for at, named in enumerate(item.get("media", ())):
            place = _below(node, ("media", at))[1:]
            name = named.pop("file")
            if "alt" not in named:
                told = f"{name} has no alt"
                _tell(self.report, node.file, "C602", told, "say what it shows", place)
                named["alt"] = ""
            if name not in self._read:
                self._read[name] = self._picture(name, node.file, place)
            picture = self._read[name]
            whole = whole and picture is not None
            if picture is not None:
                named |= {"sha256": picture.sha256, "type": picture.type}
                self._kept[picture.sha256] = picture
        return whole

    def _picture(self, name: str, file: str, place: tuple[int, int]) -> Picture | None:
        path = self._folder / name
        if path.is_symlink() or path.parent.is_symlink():
            _tell(self.report, file, "C105", f"{name} is a link", "put the file itself here", place)
            return None
        if not path.is_file():
            _tell(self.report, file, "C105", f"{name} is not there", "put it into media/", place)
            return None
        if (size := path.stat().st_size) > MEDIA_BYTES:
            told = f"{name} has {size} bytes, at most {MEDIA_BYTES} are carried"
            _tell(self.report, file, "C101", told, "make it smaller", place)
            return None
        picture = picture_of(name, path.read_bytes())
        if picture is None:
            told, fix = f"{name} is no picture of its type", "png, jpeg, webp or svg"
            _tell(self.report, file, "C102", told, fix, place)
        elif picture.type == "image/svg+xml":
            for fault in svg_faults(picture.body):
                at = (fault.line, fault.column)
                _tell(self.report, name, "C603", fault.message, "draw it without", at)
        return picture
