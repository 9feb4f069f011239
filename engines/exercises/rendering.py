r"""The limited Markdown that may reach a page, made from whatever a model writes. This file is it.

Kept are paragraphs, emphasis, lists, code and `$..$`. HTML, images, links (but for their text),
URLs and signs without width go; headings, quotes, tables and fences are flattened; `\(..\)` becomes
`$..$`. It runs before the guards, so that no markup can split an answer.
"""

from __future__ import annotations

import re
from html.entities import html5

from engines.exercises.folding import word_set

TAG_CHARS = 256
"""A tag that has not ended after so many characters is none."""
LINK_TEXT_CHARS = 120
LINK_TARGET_CHARS = 500

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_OPEN_ENTITY = re.compile(r"&(?:#?[A-Za-z0-9]{0,32})?\Z")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\x80-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SCHEMES = (
    "http", "https", "ftp", "ftps", "file", "mailto", "javascript", "vbscript", "data", "tel",
    "sms", "www",
)  # fmt: skip
_BEGUN = frozenset(s[:n] for s in _SCHEMES for n in range(1, len(s) + 1))
_URL = rf"(?:{'|'.join(s for s in _SCHEMES if s != 'www')})(?=:\S)|www(?=\.\w)"
_NEXT = re.compile(rf"[<\[!\\$\n~|]|(?i:(?<![a-z0-9])(?:{_URL}))|:(?=//)")
_OPEN_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,10}[:.]?\Z|:/?\Z")
_IN_URL = re.compile(r"[^\s<>\"'`$()\[\]{}|*\\]*")
_AFTER_URL = ".,;:!?"
_TAG = re.compile(
    r"<(?:(/?)([A-Za-z][A-Za-z0-9-]*)(?:[\s/][^<>]*)?|![A-Za-z\[][^<>]*|\?[^<>]*"
    r"|[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]{1,64}@[^\s<>]{1,190})>"
)
_OPEN_TAG = re.compile(
    r"<(?:/?(?:[A-Za-z][A-Za-z0-9-]*(?:[\s/][^<>]*)?)?|!-?|![A-Za-z\[][^<>]*|\?[^<>]*"
    r"|[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]{1,64}(?:@[^\s<>]{0,190})?)\Z"
)
_OPEN_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)")
_TAG_NAMES = word_set(
    "a abbr acronym address applet area article aside audio b base bdi bdo big blink "
    "blockquote body br button canvas caption center cite code col colgroup data datalist dd "
    "del details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer "
    "form frame frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd "
    "label legend li link main map mark marquee math menu meta meter mfrac mi mn mo mrow ms "
    "msqrt msub msup mtext nav noscript object ol optgroup option output p param picture pre "
    "progress q rp rt ruby s samp script section select small source span strike strong style "
    "sub summary sup svg table tbody td template textarea tfoot th thead time title tr track "
    "tt u ul var video wbr"
)
_IN_PLACE = {"br": "\n", "p": "\n", "div": "\n", "li": "\n- ", "sup": "^", "sub": "_", "tr": "\n"}
_LINK_TEXT = re.compile(rf"\[([^\[\]\n]{{0,{LINK_TEXT_CHARS}}})\]")
_OPEN_LINK_TEXT = re.compile(rf"\[[^\[\]\n]{{0,{LINK_TEXT_CHARS}}}\Z")
_TARGET = re.compile(
    rf"\((?:[^()\n]|\([^()\n]*\)){{0,{LINK_TARGET_CHARS}}}\)|\[[^\[\]\n]{{0,80}}\]"
)
_OPEN_TARGET = re.compile(
    rf"\((?:[^()\n]|\([^()\n]*\)){{0,{LINK_TARGET_CHARS}}}(?:\([^()\n]*)?\Z|\[[^\[\]\n]{{0,80}}\Z"
)
_ESCAPED = frozenset("*_#~>|!-.+`&<{}[]\"'")
_TO_MATHS = {"(": "$", ")": "$", "[": "$$", "]": "$$"}
_BLANKS = re.compile(r"[ \t]*")
_HEADING = re.compile(r"#{1,6}(?:[ \t]+|(?=\n))")
_OPEN_HEADING = re.compile(r"#{1,6}[ \t]*\Z")
_OPEN_QUOTE = re.compile(r">\Z")
_QUOTE = re.compile(r">(?:[ \t]|(?=[>\n]))")
_FENCE = re.compile(r"(?:`{3,}|~{3,})[^\n]*\n?")
_RULE = re.compile(r"([-=*_])(?:[ \t]*\1)+[ \t]*(?:\n|\Z)")
_OPEN_RULE = re.compile(r"([-=*_])(?:[ \t]*\1)*[ \t]*\Z")
_TABLE_RULE = re.compile(r"\|[ \t:|-]*-[ \t:|-]*(?:\n|\Z)")
_OPEN_TABLE_RULE = re.compile(r"\|[ \t:|-]*\Z")
_CELL = re.compile(r"\|[ \t]*")
_MORE = -1
"""What decides is not there yet."""


def _meant(entity: re.Match[str]) -> str:
    """The sign of an entity; one that is not known stays."""
    name = entity[0][1:-1]
    if name[0] != "#":
        return html5.get(f"{name};", entity[0])
    value = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    return chr(value) if 0 < value < 0x110000 and not 0xD800 <= value < 0xE000 else ""


class Rendered:
    """The stage of one attempt: pieces of a model's Markdown in, limited Markdown out.

    >>> stage = Rendered()
    >>> stage.push("## See [this](https://x.org/a) <b>1</") + stage.push("b>2 &#55;")
    'See this 12 7'
    """

    __slots__ = (
        "_buffer", "_comment", "_display", "_entity", "_fenced", "_line_start", "_lt", "_maths",
        "_out", "_row", "_url",
    )  # fmt: skip

    caught: str | None = None

    def __init__(self) -> None:
        self._entity = ""
        """The end of what came, where it may begin an entity."""
        self._buffer = " "
        """One sign that was taken already, then what was not."""
        self._out: list[str] = []
        self._line_start = True
        self._maths = self._display = self._row = False
        self._comment = self._url = self._fenced = False
        self._lt = False

    def push(self, text: str) -> str:
        """Take a piece; returns what may go on now, perhaps nothing."""
        text = self._entity + text
        self._entity = ""
        if "&" in text:
            text = _ENTITY.sub(_meant, text)
            tail = _OPEN_ENTITY.search(text, max(0, len(text) - 34))
            if tail is not None:
                self._entity, text = tail[0], text[: tail.start()]
        return self._scanned(text, final=False)

    def finish(self) -> str:
        """The text is complete; returns what was held back."""
        text, self._entity = self._entity, ""
        return self._scanned(text, final=True)

    def _scanned(self, text: str, *, final: bool) -> str:
        self._buffer += _UNSEEN.sub("", text)
        at = 1
        while at < len(self._buffer):
            taken = self._taken(at, final=final)
            if taken == _MORE:
                break
            at = taken
        if at > 1:
            self._buffer = self._buffer[at - 1 :]
        out = "".join(self._out)
        self._out.clear()
        return out

    def _taken(self, at: int, *, final: bool) -> int:
        """Take what stands at a place; returns the place behind it, or `_MORE`."""
        if self._comment:
            return self._in_comment(at)
        if self._url:
            return self._in_url(at, final=final)
        if self._line_start:
            found = self._at_line_start(at, final=final)
            if found != at or self._line_start:
                return found
        found_sign = _NEXT.search(self._buffer, at)
        stop = found_sign.start() if found_sign is not None else len(self._buffer)
        if not final and found_sign is None:
            tail = _OPEN_WORD.search(self._buffer, max(at, stop - 12))
            if tail is not None:
                begun = tail[0][0] == ":" or tail[0].rstrip(":.").lower() in _BEGUN
                stop = tail.start() if begun else tail.end() - (tail[0][-1] == ":")
        if stop > at:
            self._emit(self._buffer[at:stop])
            return stop
        if found_sign is None:
            return _MORE
        sign = found_sign[0]
        if len(sign) > 1 or sign == ":":
            self._url = True
            return at
        return _SIGNS[sign](self, at, final)

    def _emit(self, text: str) -> None:
        """Put a text out. No letter ever follows a `<` at once: nothing out of here is a tag."""
        if not text:
            return
        if self._lt and (text[0].isalpha() or text[0] in "/!?"):
            self._out.append(" ")
        self._out.append(text)
        self._lt = text[-1] == "<"

    # --- lines ------------------------------------------------------------------------------------

    def _at_line_start(self, at: int, *, final: bool) -> int:
        """Take off what only begins a line: marks of headings, quotes, fences, rules, tables."""
        buffer = self._buffer
        blanks = _BLANKS.match(buffer, at)
        start = blanks.end() if blanks is not None else at
        if start == len(buffer) and not final:
            return _MORE
        first = buffer[start : start + 1]
        taken = start
        for marks, take in _AT_LINE_START:
            if first and first in marks:
                taken = take(self, start, final)
                break
        if taken not in (_MORE, start) and first != "#" and not self._row:
            return taken  # the line was taken whole, or a quote may stand in a quote
        if taken == _MORE:
            return _MORE
        self._line_start = False
        if taken == start and start > at:
            self._emit(buffer[at:start])
        return taken

    def _heading(self, start: int, final: bool) -> int:
        return self._mark(_HEADING, _OPEN_HEADING, start, final=final)

    def _quote(self, start: int, final: bool) -> int:
        return self._mark(_QUOTE, _OPEN_QUOTE, start, final=final)

    def _mark(
        self, pattern: re.Pattern[str], begun: re.Pattern[str], start: int, *, final: bool
    ) -> int:
        found = pattern.match(self._buffer, start)
        if found is not None and (final or found.end() < len(self._buffer)):
            return found.end()
        if not final and begun.match(self._buffer, start):
            return _MORE
        return found.end() if found is not None else start

    def _fence(self, start: int, final: bool) -> int:
        buffer = self._buffer
        rest = buffer[start:]
        if not final and len(rest) < 3 and len(set(rest)) == 1:
            return _MORE
        found = _FENCE.match(buffer, start)
        if found is None:
            return start
        if not found[0].endswith("\n") and not final:
            return _MORE if len(found[0]) <= LINK_TEXT_CHARS else start
        return found.end()

    def _rule(self, start: int, final: bool) -> int:
        found = _RULE.match(self._buffer, start)
        if found is not None and (final or found[0].endswith("\n")):
            marks = sum(c in "-=*_" for c in found[0])
            return found.end() if marks >= (2 if found[1] == "=" else 3) else start
        if not final and _OPEN_RULE.match(self._buffer, start):
            return _MORE if len(self._buffer) - start <= LINK_TEXT_CHARS else start
        return start

    def _table(self, start: int, final: bool) -> int:
        if self._display:
            return start
        found = _TABLE_RULE.match(self._buffer, start)
        if found is not None and (final or found[0].endswith("\n")):
            return found.end()
        if not final and _OPEN_TABLE_RULE.match(self._buffer, start):
            return _MORE if len(self._buffer) - start <= LINK_TEXT_CHARS else start
        if self._buffer[start + 1 : start + 2] not in (" ", "\t"):
            return start
        self._row = True
        cell = _CELL.match(self._buffer, start)
        return cell.end() if cell is not None else start

    # --- signs ------------------------------------------------------------------------------------

    def _newline(self, at: int, _final: bool) -> int:
        self._emit("\n")
        self._line_start, self._row = True, False
        if not self._display:
            self._maths = False
        return at + 1

    def _dollar(self, at: int, final: bool) -> int:
        if at + 1 == len(self._buffer) and not final:
            return _MORE
        if self._buffer[at + 1 : at + 2] == "$":
            self._display = not self._display
            self._maths = self._display
            self._emit("$$")
            return at + 2
        self._maths = not self._maths
        self._emit("$")
        return at + 1

    def _backslash(self, at: int, final: bool) -> int:
        after = self._buffer[at + 1 : at + 2]
        if not after:
            if not final:
                return _MORE
            self._emit("\\")
        elif after in _TO_MATHS:
            dollars = _TO_MATHS[after]
            self._maths = after in "(["
            self._display = after == "["
            self._emit(dollars)
        elif after in _ESCAPED and not self._maths:
            self._emit(after)
        elif after.isalpha() or after in "\n:":  # a URL may begin there
            self._emit("\\")
            return at + 1
        else:
            self._emit(f"\\{after}")
        return at + 1 + len(after)

    def _tilde(self, at: int, final: bool) -> int:
        if at + 1 == len(self._buffer) and not final:
            return _MORE
        if self._buffer[at + 1 : at + 2] == "~" and not self._maths:
            return at + 2
        self._emit("~")
        return at + 1

    def _bang(self, at: int, final: bool) -> int:
        if at + 1 == len(self._buffer) and not final:
            return _MORE
        if self._buffer[at + 1 : at + 2] == "[" and not self._maths:
            end, _ = self._link(at + 1, final=final)
            if end == _MORE or end > at + 1:
                return end
        self._emit("!")
        return at + 1

    def _bracket(self, at: int, final: bool) -> int:
        if not self._maths:
            end, text = self._link(at, final=final)
            if end == _MORE:
                return _MORE
            if end > at:
                self._buffer = self._buffer[:at] + text + self._buffer[end:]
                return at
        self._emit("[")
        return at + 1

    def _link(self, at: int, *, final: bool) -> tuple[int, str]:
        """Where a link that begins here ends, and its text; the place itself where none does."""
        buffer = self._buffer
        text = _LINK_TEXT.match(buffer, at)
        if text is None:
            open_ = not final and _OPEN_LINK_TEXT.match(buffer, at) is not None
            return (_MORE if open_ else at), ""
        if text.end() == len(buffer):
            return (at if final else _MORE), ""
        target = _TARGET.match(buffer, text.end())
        if target is not None:
            return target.end(), text[1]
        if not final and _OPEN_TARGET.match(buffer, text.end()):
            return _MORE, ""
        return at, ""

    def _pipe(self, at: int, final: bool) -> int:
        if not self._row or self._maths:
            self._emit("|")
            return at + 1
        cell = _CELL.match(self._buffer, at)
        end = cell.end() if cell is not None else at + 1
        if end == len(self._buffer) and not final:
            return _MORE
        if end < len(self._buffer) and self._buffer[end] != "\n":
            self._emit("; ")
        return end

    def _less(self, at: int, final: bool) -> int:
        """A tag, a comment or an address in `<..>`; or a sign of mathematics."""
        buffer = self._buffer
        if buffer.startswith("<!--", at):
            self._comment = True
            return at + 4
        found = _TAG.match(buffer, at)
        if found is not None and found.end() - at <= TAG_CHARS:
            name = (found[2] or "").lower()
            if not name or self._is_tag(name, found[0]):
                closing = bool(found[1])
                self._replace(name, closing=closing)
                return found.end()
        elif not final and self._may_be_tag(buffer[at : at + TAG_CHARS + 1]):
            return _MORE
        self._emit("<")
        return at + 1

    def _is_tag(self, name: str, tag: str) -> bool:
        if name not in _TAG_NAMES:
            return not self._maths and (tag[1] == "/" or "-" in name)
        return not self._maths or len(name) > 1 or tag[1] == "/"

    def _may_be_tag(self, begun: str) -> bool:
        """Whether what follows may make a tag of it: a whole name must be a known one."""
        if len(begun) > TAG_CHARS or _OPEN_TAG.match(begun) is None:
            return False
        if not self._maths and not any(sign.isspace() for sign in begun):
            return True  # perhaps an address
        found = _OPEN_NAME.match(begun)
        if found is None or found.end() == len(begun):
            return True
        return self._is_tag(found[1].lower(), begun)

    def _replace(self, name: str, *, closing: bool) -> None:
        text = _IN_PLACE.get(name, "")
        if closing and text != "\n":
            return
        if text.startswith("\n"):
            self._emit("\n")
            self._emit(text[1:])
            self._row = False
        else:
            self._emit(text)

    def _in_comment(self, at: int) -> int:
        end = self._buffer.find("-->", at)
        if end < 0:
            self._buffer = self._buffer[:at] + self._buffer[at:][-2:]
            return _MORE
        self._comment = False
        return end + 3

    def _in_url(self, at: int, *, final: bool) -> int:
        found = _IN_URL.match(self._buffer, at)
        end = found.end() if found is not None else at
        kept = end
        while kept > at and self._buffer[kept - 1] in _AFTER_URL:
            kept -= 1
        if end == len(self._buffer) and not final:
            self._buffer = self._buffer[:at] + self._buffer[kept:]
            return _MORE
        self._url = False
        self._emit(self._buffer[kept:end])
        return end


_AT_LINE_START = (
    ("#", Rendered._heading),
    (">", Rendered._quote),
    ("`~", Rendered._fence),
    ("-=*_", Rendered._rule),
    ("|", Rendered._table),
)
_SIGNS = {
    "<": Rendered._less,
    "[": Rendered._bracket,
    "!": Rendered._bang,
    "\\": Rendered._backslash,
    "$": Rendered._dollar,
    "\n": Rendered._newline,
    "~": Rendered._tilde,
    "|": Rendered._pipe,
}
