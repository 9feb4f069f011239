"""HTML to a course's Markdown by a whitelist, and back. This file is that reduction.

What is on no list (tables, forms, scripts, players) makes its question one that is not imported:
a text with a piece missing would ask something else.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser

from server.transfer.markup import (
    CODE,
    DISPLAY_CLOSE,
    DISPLAY_OPEN,
    EMPHASIS,
    INLINE_CLOSE,
    INLINE_OPEN,
    STRONG,
    finished,
    from_plain,
    without_own,
)
from server.transfer.mathml import latex_of
from server.transfer.tally import NotImported
from server.transfer.trees import MOST_DEPTH, Tree


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_BLOCKS = _names(
    "p div section article h1 h2 h3 h4 h5 h6 blockquote center address header footer body html"
    " main dl dt dd hr figure figcaption qti-prompt qti-content-body qti-item-body"
)
_SEE_THROUGH = _names(
    "span font u small big ins abbr cite q label mark time bdi bdo dfn s strike del nobr wbr"
    " qti-simple-choice qti-simple-associable-choice qti-inline-choice"
)
_MARKS = {
    "b": STRONG, "strong": STRONG, "i": EMPHASIS, "em": EMPHASIS, "var": EMPHASIS,
    "code": CODE, "kbd": CODE, "tt": CODE, "samp": CODE,
}  # fmt: skip
_SKIPPED = frozenset({"style", "head", "title", "link", "meta"})
"""What shows nothing: looks and head matter."""
_PICTURES = frozenset({"img", "picture", "svg"})
_REFUSED = _names(
    "script iframe frame frameset object embed applet audio video canvas form input select textarea"
    " button table thead tbody tfoot tr td th caption col colgroup map area base template"
    " slot dialog details summary ruby rt rp"
)
_EMPTY = frozenset({"br", "hr", "img", "wbr", "input", "link", "meta", "col", "area", "base"})
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:[a-zA-Z][a-zA-Z0-9]*|#\d+|#x[0-9a-fA-F]+);")
_RAISED = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-−()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎")


Shows = Callable[[str, str], None]
"""Takes a picture's source and its description. Raises `NotImported` where it cannot be carried."""


class Composer:
    """Elements and texts, in the order of a document, to one Markdown text.

    Raises `NotImported` where an element is met that has no place there; `pictures` takes source
    and description of each picture, without it there is no place for one.
    """

    def __init__(self, *, lines: bool = False, pictures: Shows | None = None) -> None:
        self._pictures = pictures
        self._lines = lines
        """Whether a line feed of the source is a line of the text."""
        self._blocks: list[tuple[str, bool]] = []
        """Each block, and whether it is an entry of a list."""
        self._inline: list[str] = []
        self._lists: list[int] = []
        """Per open list the number of its newest entry; below 0 where it has dots."""
        self._marks: list[tuple[str, int]] = []
        self._scripts: list[tuple[str, int]] = []
        self._links: list[tuple[str, int]] = []
        self._skipping = 0
        self._preformatted = 0
        self._maths: list[Tree] = []
        self._bullet = ""

    def text(self) -> str:
        """What was composed, finished."""
        self._break()
        made = ""
        before = False
        for block, entry in self._blocks:
            made += f"{chr(10) if entry and before else chr(10) * 2}{block}"
            before = entry
        return finished(made)

    def words(self, text: str) -> None:
        """Take a text."""
        if self._maths:
            self._maths[-1].inside.append(text)
        elif not self._skipping:
            kept = self._preformatted or self._lines
            spaced = re.sub(r"[ \t\r\f]+", " ", text) if kept else re.sub(r"\s+", " ", text)
            self._inline.append(without_own(spaced))

    def blank(self, text: str = "_____") -> None:
        """Take a place where the learner's answer goes."""
        self._inline.append(text)

    def start(self, name: str, attributes: dict[str, str]) -> bool:
        """Take an element's begin; False where the name is no element's."""
        if self._maths or name == "math":
            if len(self._maths) >= MOST_DEPTH:
                raise NotImported("mathml")
            self._maths.append(Tree(name, "", attributes, 0))
        elif name in _SKIPPED:
            self._skipping += name not in _EMPTY
        elif name in _PICTURES:
            if self._pictures is None or name != "img":
                raise NotImported("figure")
            self._pictures(attributes.get("src", ""), attributes.get("alt", ""))
        elif name in _REFUSED:
            raise NotImported("html")
        elif name == "br":
            self._inline.append("\n")
        elif name in {"sub", "sup"}:
            self._scripts.append((name, len(self._inline)))
        elif name == "a":
            self._links.append((attributes.get("href", ""), len(self._inline)))
        elif name in _MARKS:
            self._marks.append((_MARKS[name], len(self._inline)))
        elif name not in _SEE_THROUGH:
            return self._start_block(name)
        return True

    def _start_block(self, name: str) -> bool:
        if name in {"ul", "ol"}:
            self._break()
            self._lists.append(0 if name == "ol" else -1)
        elif name == "li":
            self._break()
            self._bullet = self._next_bullet()
        elif name == "pre":
            self._break()
            self._preformatted += 1
        elif name in _BLOCKS:
            if not (self._bullet and not "".join(self._inline).strip()):
                self._break()
        else:
            return False
        return True

    def _next_bullet(self) -> str:
        if not self._lists or self._lists[-1] < 0:
            return "- "
        self._lists[-1] += 1
        return f"{self._lists[-1]}. "

    def end(self, name: str) -> None:
        """Take an element's end; one that was not open changes nothing."""
        if self._maths:
            self._end_maths(name)
        elif name in _SKIPPED and self._skipping:
            self._skipping -= 1
        elif name in {"sub", "sup"} and self._scripts:
            self._inline.append(_script(*self._closed(self._scripts)))
        elif name == "a" and self._links:
            self._inline.append(_link(*self._closed(self._links)))
        elif name in _MARKS and self._marks:
            self._inline.append(self._marked(*self._closed(self._marks)))
        elif name in {"ul", "ol"}:
            self._break()
            if self._lists:
                self._lists.pop()
        elif name == "pre":
            self._break()
            self._preformatted = max(0, self._preformatted - 1)
        elif name in _BLOCKS or name == "li":
            self._break()

    def _closed(self, opened: list[tuple[str, int]]) -> tuple[str, str]:
        """What stood at an element's begin, and the text since; the text is taken back."""
        what, at = opened.pop()
        inside = "".join(self._inline[at:])
        del self._inline[at:]
        return what, inside

    def _marked(self, mark: str, inside: str) -> str:
        """The text in its marks, line by line; inside another mark it has none of its own."""
        if self._marks:
            return inside
        return "\n".join(_line_marked(mark, line) for line in inside.split("\n"))

    def _end_maths(self, name: str) -> None:
        tree = self._maths.pop()
        if self._maths:
            self._maths[-1].inside.append(tree)
        elif name == "math":
            display = tree.attributes.get("display") == "block"
            around = (DISPLAY_OPEN, DISPLAY_CLOSE) if display else (INLINE_OPEN, INLINE_CLOSE)
            self._inline.append(latex_of(tree).join(around))

    def _break(self) -> None:
        """End the block that is open, if it holds anything."""
        text = "".join(self._inline)
        self._inline.clear()
        self._marks.clear()
        self._scripts.clear()
        self._links.clear()
        if not text.strip():
            return
        if self._preformatted:
            lines = [line.strip() for line in text.strip("\n").split("\n")]
            text = "\n".join(f"{CODE}{line}{CODE}" if line else "" for line in lines)
        if self._bullet:
            text = f"{self._bullet}{' '.join(text.split())}"
        self._blocks.append((text.strip(), bool(self._bullet)))
        self._bullet = ""


def _line_marked(mark: str, line: str) -> str:
    inside = line.strip()
    if not inside or ("`" if mark == CODE else "*") in inside:
        return line
    before, after = line[: len(line) - len(line.lstrip())], line[len(line.rstrip()) :]
    return f"{before}{mark}{inside}{mark}{after}"


def _script(name: str, inside: str) -> str:
    text = inside.strip()
    moved = text.translate(_RAISED if name == "sup" else _LOWERED)
    if all(sign not in text for sign in moved if not sign.isspace()):
        return moved
    sign = "^" if name == "sup" else "_"
    return f"{INLINE_OPEN}{sign}{{{text}}}{INLINE_CLOSE}" if text else ""


def _link(address: str, inside: str) -> str:
    """A link as words: a course's page follows none."""
    if not address.startswith(("http://", "https://")) or address == inside.strip():
        return inside
    return f"{inside} ({address})"


class _Reader(HTMLParser):
    """A text of HTML to a composer; a tag of no known name is what it reads as."""

    def __init__(self, composer: Composer) -> None:
        super().__init__(convert_charrefs=True)
        self._composer = composer

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if not self._composer.start(tag, attributes):
            self._composer.words(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._composer.end(tag)

    def handle_data(self, data: str) -> None:
        self._composer.words(data)


def from_html(text: str, *, lines: bool = False, pictures: Shows | None = None) -> str:
    r"""A text of HTML as Markdown; `lines`: its line feeds are lines. Raises `NotImported`.

    `pictures` as in `Composer`.

    >>> from_html(r"<p>Is <b>x<sup>2</sup></b> &lt; 5?</p><ul><li>\(y\)</li><li>$3</li></ul>")
    'Is **x²** < 5?\n\n- $y$\n- \\$3'
    """
    if not _TAG.search(text):
        return from_plain(text if lines else " ".join(text.split()))
    composer = Composer(lines=lines, pictures=pictures)
    reader = _Reader(composer)
    reader.feed(text)
    reader.close()
    return composer.text()


def composed(
    tree: Tree, composer: Composer, special: Mapping[str, Callable[[Tree], None]] | None = None
) -> None:
    """Give an element's inside to a composer, as its file has it. Raises `NotImported`.

    An element whose name is in `special` is given to that instead, with all it holds.
    """
    special = special or {}
    stack: list[Tree | str | tuple[str]] = [*tree.inside[::-1]]
    while stack:
        each = stack.pop()
        if isinstance(each, str):
            composer.words(each)
        elif isinstance(each, tuple):
            composer.end(each[0])
        elif each.name in special:
            special[each.name](each)
        elif not composer.start(each.name, each.attributes):
            raise NotImported("html")
        else:
            stack += [(each.name,), *each.inside[::-1]]


def from_tree(tree: Tree, special: Mapping[str, Callable[[Tree], None]] | None = None) -> str:
    """An element's inside as Markdown; `special` as in `composed`. Raises `NotImported`."""
    composer = Composer()
    composed(tree, composer, special)
    return composer.text()


_SPAN = re.compile(
    r"\\\$|\$\$(?P<display>[^$]+(?:\\\$[^$]*)*)\$\$|\$(?P<inline>(?:\\\$|[^$\n])+)\$"
    r"|`(?P<code>[^`\n]+)`|\*\*(?P<strong>[^*\n]+)\*\*|\*(?P<em>[^*\s][^*\n]*)\*"
)
_BULLET = re.compile(r"\s*[-*•]\s+(.*)\Z")
_NUMBERED = re.compile(r"\s*\d+[.)]\s+(.*)\Z")


def to_html(text: str) -> str:
    r"""A printed text of a course as HTML, its formulas in `\(...\)` and `\[...\]`.

    >>> to_html("Is **$x^2$** < \\$5?\n\n- a\n- b")
    '<p>Is <strong>\\(x^2\\)</strong> &lt; $5?</p><ul><li>a</li><li>b</li></ul>'
    """
    made: list[str] = []
    for kind, lines in _paragraphs(text):
        if kind == "p":
            made.append(f"<p>{inline_html(chr(10).join(lines))}</p>")
        else:
            entries = "".join(f"<li>{inline_html(line)}</li>" for line in lines)
            made.append(f"<{kind}>{entries}</{kind}>")
    return "".join(made)


def _paragraphs(text: str) -> list[tuple[str, list[str]]]:
    """Blocks as the learner's page draws them: paragraphs, and lists by their entries' marks."""
    found: list[tuple[str, list[str]]] = []
    opened = False
    for line in text.split("\n"):
        if not line.strip():
            opened = False
            continue
        bullet, numbered = _BULLET.match(line), _NUMBERED.match(line)
        kind = "ul" if bullet else "ol" if numbered else "p"
        entry = bullet or numbered
        content = entry[1] if entry is not None else line
        if opened and found and found[-1][0] == kind:
            found[-1][1].append(content)
        else:
            found.append((kind, [content]))
        opened = True
    return found


def inline_html(text: str) -> str:
    """A printed text without paragraphs as HTML on one line."""
    made: list[str] = []
    at = 0
    for found in _SPAN.finditer(text):
        made += [_plain(text[at : found.start()]), _span(found)]
        at = found.end()
    return "".join([*made, _plain(text[at:])])


def _plain(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br/>")


def _span(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind is None:
        return "$"
    inside = found[kind]
    if kind in {"display", "inline"}:
        tex = html.escape(" ".join(inside.split()), quote=False)
        return rf"\[{tex}\]" if kind == "display" else rf"\({tex}\)"
    if kind == "code":
        return f"<code>{html.escape(inside, quote=False)}</code>"
    return f"<{kind}>{inline_html(inside)}</{kind}>"
