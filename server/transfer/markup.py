r"""Texts of other systems as a course's Markdown. This file is what survives of their notation.

A course's text has paragraphs, lists, `**strong**`, `*emphasis*`, `` `code` `` and formulas in
`$...$`; it is a template too, so that dollars and marks of its own are escaped. Formulas come as
`\(...\)`, `\[...\]`, `$$...$$` (the TeX of Moodle's pages) or MathML.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from server.transfer.tally import NotImported

STRONG, EMPHASIS, CODE = "\ue000", "\ue001", "\ue002"
"""What stands for a mark until the text around it is escaped: a source that holds these signs of
its own (they have no meaning in Unicode) loses them."""
INLINE_OPEN, INLINE_CLOSE = "\ue003", "\ue004"
DISPLAY_OPEN, DISPLAY_CLOSE = "\ue005", "\ue006"
_OWN = re.compile("[\ue000-\ue006]")
_MARKS = {STRONG: "**", EMPHASIS: "*", CODE: "`"}

_OPENING = re.compile(rf"\\\(|\\\[|(?<!\\)\$\$|[{INLINE_OPEN}{DISPLAY_OPEN}{CODE}]")
_CLOSED_BY = {
    r"\(": r"\)",
    r"\[": r"\]",
    "$$": "$$",
    INLINE_OPEN: INLINE_CLOSE,
    DISPLAY_OPEN: DISPLAY_CLOSE,
    CODE: CODE,
}
_DISPLAYED = frozenset({r"\[", DISPLAY_OPEN})
MOST_CHARACTERS = 20_000
"""Longest text of one question; a page of a book has some 3,000 signs."""
_KEPT = re.compile(
    r"(?<!\\)\$\$(?P<display>[^$]+)(?<!\\)\$\$|(?<!\\)\$(?P<inline>[^$\n]+)(?<!\\)\$"
)
_EMPHASIS = re.compile(r"\*\*[^*\n]+\*\*|\*[^*\s][^*\n]*\*")
_BARE_DOLLAR = re.compile(r"(?<!\\)\$")
_SPACES = re.compile(r"[ \t\xa0]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def without_own(text: str) -> str:
    """A source's text without the signs that stand for marks here."""
    return _OWN.sub("", text)


def formula(tex: str) -> str:
    """The inside of a formula on one line, with nothing that ends it or draws a param."""
    flat = re.sub("[\ue000-\ue002]", "", " ".join(tex.split()))
    return _BARE_DOLLAR.sub(r"\\$", flat).replace("@{", "@@{")


def escaped(text: str) -> str:
    r"""Plain words as a template shows them: dollars, marks, stray asterisks and links.

    >>> escaped("2*3*4 costs $5, @{x}")
    '2∗3∗4 costs \\$5, @@{x}'
    """
    starless = _EMPHASIS.sub(lambda found: found.group().replace("*", "∗"), text)
    return (
        starless.replace("](", "] (").replace("\\$", "$").replace("$", "\\$").replace("@{", "@@{")
    )


Piece = tuple[str, str]
"""What opens a formula or a piece of code, and its inside; words have no opening."""


def pieces(text: str) -> Iterator[Piece]:
    r"""A text in its formulas and what stands between them.

    An opening that nothing closes is looked for once: the time is that of reading the text.

    >>> list(pieces(r"a \(x\) \(b"))
    [('', 'a '), ('\\(', 'x'), ('', ' \\(b')]
    """
    begin = at = 0
    never: set[str] = set()
    while (found := _OPENING.search(text, at)) is not None:
        opening = found.group()
        close = _CLOSED_BY[opening]
        end = -1 if opening in never else text.find(close, found.end())
        if end < 0:
            never.add(opening)
            at = found.end()
            continue
        yield "", text[begin : found.start()]
        yield opening, text[found.end() : end]
        begin = at = end + len(close)
    yield "", text[begin:]


def finished(text: str) -> str:
    r"""A composed text: formulas in `$`, all else escaped, the stand-ins made to marks.

    Raises `NotImported` for a text of more than 20,000 signs.

    >>> finished(r"Solve \(2x = 6\) for $5: " + STRONG + "now" + STRONG)
    'Solve $2x = 6$ for \\$5: **now**'
    """
    short_enough(text)
    listed = list(pieces(text))
    made: list[str] = []
    for nth, (opening, inside) in enumerate(listed):
        if not opening:
            made.append(escaped(inside))
        elif opening == CODE:
            made.append(f"`{inside.replace('@{', '@@{')}`")
        elif tex := formula(inside):
            before, after = listed[nth - 1][1], listed[nth + 1][1]
            alone = not (before.rpartition("\n")[2] + after.partition("\n")[0]).strip()
            alone = alone and (nth < 2 or "\n" in before)
            alone = alone and (nth + 2 >= len(listed) or "\n" in after)
            display = opening in _DISPLAYED or (opening == "$$" and alone)
            made.append(f"$${tex}$$" if display else f"${tex}$")
    joined = _OWN.sub(lambda sign: _MARKS.get(sign.group(), ""), "".join(made))
    return tidy(joined)


def short_enough(text: str) -> None:
    """Raise `NotImported` for a text that is too long."""
    if len(text) > MOST_CHARACTERS:
        raise NotImported("too-long")


def tidy(text: str) -> str:
    """The text in NFC, spaces and blank lines in single ones, nothing at its ends."""
    lines = [_SPACES.sub(" ", line).strip() for line in text.splitlines()]
    return unicodedata.normalize("NFC", _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip())


def from_plain(text: str) -> str:
    """Words without any notation but formulas; lines are kept."""
    return finished(without_own(text))


def from_markdown(text: str) -> str:
    r"""Markdown as it is, with `$...$` for formulas; a dollar without its partner is a dollar.

    >>> from_markdown("**Solve** $x - @{a}$, it costs $5")
    '**Solve** $x - @@{a}$, it costs \\$5'
    """
    short_enough(text)
    made: list[str] = []
    at = 0
    text = "".join(_as_dollars(*piece) for piece in pieces(without_own(text)))
    for found in _KEPT.finditer(text):
        made.append(_kept(text[at : found.start()]))
        kind = str(found.lastgroup)
        dollars = "$$" if kind == "display" else "$"
        made.append(f"{dollars}{formula(found[kind])}{dollars}")
        at = found.end()
    return tidy("".join([*made, _kept(text[at:])]))


def _as_dollars(opening: str, inside: str) -> str:
    if not opening:
        return inside
    dollars = "$" if opening == r"\(" else "$$"
    return f"{dollars}{inside if dollars == '$$' else formula(inside)}{dollars}"


def _kept(text: str) -> str:
    return _BARE_DOLLAR.sub(r"\\$", text).replace("](", "] (").replace("@{", "@@{")


def bare(text: str) -> str:
    r"""A course's text as plain words: formulas without dollars, marks taken off.

    >>> bare(r"**Solve** $x^2 = 4$ for \$5")
    'Solve x^2 = 4 for $5'
    """
    plain = re.sub(r"\*\*([^*\n]+)\*\*|\*([^*\s][^*\n]*)\*", r"\1\2", text)
    plain = _BARE_DOLLAR.sub("", plain).replace("\\$", "$").replace("@@{", "@{")
    return " ".join(plain.split())


_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_OF_ONE_SIGN = re.compile(r"\w+")


def spoken(text: str) -> str:
    r"""A course's text where neither formulas nor marks are drawn: fractions with a slash.

    >>> spoken(r"$\frac{1}{2}$ of $\frac{x+1}{3}$")
    '1/2 of (x+1)/3'
    """

    def slashed(found: re.Match[str]) -> str:
        halves = (h if _OF_ONE_SIGN.fullmatch(h) else f"({h})" for h in found.groups())
        return "/".join(halves)

    return _FRACTION.sub(slashed, bare(text)).replace("\\cdot", "·").replace("\\times", "×")
