"""QTI 3.0, a package or one item, as a course. This file is that importer.

Read are single interactions judged by a standard response template (1EdTech, QTI 3.0 ASI
information model, 2.12.1): `match_correct` and `map_response`, named or written out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from server.transfer.archive import Archive, BadArchive, unsafe
from server.transfer.draft import Draft
from server.transfer.hypertext import from_tree
from server.transfer.markup import from_plain
from server.transfer.pictures import Pictures
from server.transfer.qti_items import question_of
from server.transfer.source import source_at
from server.transfer.tally import NotImported
from server.transfer.trees import BadXml, Tree, tree_of

VERSION = 1
"""Version of this importer, named in the report."""
MANIFEST = "imsmanifest.xml"
ITEM = "qti-assessment-item"
_ITEM_TYPE, _TEST_TYPE = "imsqti_item_xmlv3p0", "imsqti_test_xmlv3p0"
_MOST_RIGHTS = 200


@dataclass
class _Package:
    """What an archive holds: its manifest, and by item the section that lists it."""

    archive: Archive
    manifest: Tree | None = None
    sections: dict[str, str] = field(default_factory=dict)

    def tree(self, name: str) -> Tree:
        """A file of the archive as XML. Raises `NotImported`."""
        try:
            return tree_of(self.archive.read(name))
        except KeyError:
            raise NotImported("missing-file") from None
        except BadArchive:
            raise NotImported("bad-archive") from None
        except BadXml:
            raise NotImported("bad-xml") from None


def imported(path: Path, *, locale: str = "en", rights: str = "") -> Draft:
    """A package's items, or the one item of a file, as a course.

    Raises OSError, ValueError for what is neither, or is not opened.
    """
    draft = Draft(f"qti {VERSION}", source_at(path), locale, rights=rights)
    archive = draft.source.archive()
    if archive is not None:
        _read_package(draft, _Package(archive), rights)
        return draft
    tree = draft.source.tree()
    if tree.name not in {ITEM, "assessmentItem"}:
        raise ValueError(f"{path.name}: expected a <{ITEM}> or a package, found <{tree.name}>")
    draft.title = " ".join(tree.attributes.get("title", "").split()) or draft.title
    _take(draft, tree, path.name, None, "")
    return draft


def _read_package(draft: Draft, package: _Package, rights: str) -> None:
    if MANIFEST in package.archive.names:
        try:
            package.manifest = package.tree(MANIFEST)
        except NotImported as error:
            raise ValueError(f"{draft.file}: {MANIFEST} cannot be read ({error.reason})") from None
        draft.title = _stated(package.manifest, "title") or draft.title
        draft.rights = rights or _stated(package.manifest, "rights", "description")
    for name in _listed(draft, package):
        try:
            tree = package.tree(name)
        except NotImported as error:
            draft.skip(error.reason, name)
        else:
            _take(draft, tree, name, package, package.sections.get(name, ""))


def _stated(manifest: Tree, *path: str) -> str:
    """What the manifest's own metadata (IEEE LOM) say, in words: the first of these names."""
    found = manifest.all("metadata")
    for name in path:
        found = [each for holder in found for each in holder.deep(name)][:1]
    words = " ".join(found[0].text.split()) if found else ""
    return words[:_MOST_RIGHTS]


def _listed(draft: Draft, package: _Package) -> Iterator[str]:
    """The files of items: those of the manifest, without one every file that is an item."""
    if package.manifest is None:
        yield from (name for name in package.archive.names if name.endswith(".xml"))
        return
    resources = package.manifest.deep("resource")
    for resource in resources:
        if resource.attributes.get("type", "").startswith(_TEST_TYPE):
            _read_test(draft, package, _inside("", resource.attributes.get("href", "")))
    for resource in resources:
        kind, href = (resource.attributes.get(key, "") for key in ("type", "href"))
        if kind.startswith(_ITEM_TYPE):
            yield _inside("", href)
        elif kind.startswith("imsqti_item"):
            draft.skip("qti-version", href)
        elif not kind.startswith(_TEST_TYPE) and kind != "webcontent":
            draft.notes.add("metadata", href or kind)


def _inside(base: str, href: str) -> str:
    """The archive's name of what a file refers to; what leads outside is named nowhere there."""
    name = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(href)))
    return "" if unsafe(name) or "//" in href.partition("?")[0] else name


def _read_test(draft: Draft, package: _Package, name: str) -> None:
    """Note the section of each item that a test lists."""
    try:
        test = package.tree(name)
    except NotImported:
        draft.notes.add("metadata", name)
        return
    if package.manifest is not None and not _stated(package.manifest, "title"):
        draft.title = " ".join(test.attributes.get("title", "").split()) or draft.title
    for section in test.deep("qti-assessment-section"):
        title = " ".join(section.attributes.get("title", "").split())
        for item in section.all("qti-assessment-item-ref"):
            package.sections[_inside(name, item.attributes.get("href", ""))] = title


def _take(draft: Draft, tree: Tree, name: str, package: _Package | None, section: str) -> None:
    which = tree.attributes.get("identifier") or name
    try:
        if tree.name != ITEM:
            raise NotImported("qti-version" if tree.name == "assessmentItem" else "kind")
        question = question_of(tree, which, Pictures(lambda source: _body(package, name, source)))
        passages = [
            _passage(package, name, each) for each in tree.all("qti-assessment-stimulus-ref")
        ]
    except NotImported as error:
        draft.skip(error.reason, which)
        return
    question.prompt = "\n\n".join(part for part in (*passages, question.prompt) if part)
    question.title = from_plain(tree.attributes.get("title", ""))
    question.skills = [section] if section else []
    draft.take(question)


def _body(package: _Package | None, item: str, source: str) -> bytes:
    """The bytes of a picture of the package; none for what is not in it."""
    try:
        return b"" if package is None else package.archive.read(_inside(item, source))
    except (KeyError, BadArchive):
        return b""


def _passage(package: _Package | None, item: str, reference: Tree) -> str:
    """The text that an item shares with others. Raises `NotImported`."""
    if package is None:
        raise NotImported("missing-file")
    stimulus = package.tree(_inside(item, reference.attributes.get("href", "")))
    body = stimulus.one("qti-stimulus-body")
    return from_tree(body) if body is not None else ""
