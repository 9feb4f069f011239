r"""Texts of other systems as a course's Markdown. This file is what survives of their notation.

A course's text has paragraphs, lists, `**strong**`, `*emphasis*`, `` `code` `` and formulas in
`$...$`; it is a template too, so that dollars and marks of its own are escaped. Formulas come as
`\(...\)`, `\[...\]`, `$$...$$` (the TeX of Moodle's pages) or MathML.
"""

from __future__ import annotations

import re
import unicodedata

STRONG, EMPHASIS, CODE = "\ue000", "\ue001", "\ue002"
"""What stands for a mark until the text around it is escaped: a source that holds these signs of
its own (they have no meaning in Unicode) loses them."""
INLINE_OPEN, INLINE_CLOSE = "\ue003", "\ue004"
DISPLAY_OPEN, DISPLAY_CLOSE = "\ue005", "\ue006"
_OWN = re.compile("[\ue000-\ue006]")
_MARKS = {STRONG: "**", EMPHASIS: "*", CODE: "`"}

_FORMULA = re.compile(
    r"\\\((?P<round>.+?)\\\)|\\\[(?P<square>.+?)\\\]|(?<!\\)\$\$(?P<dollars>.+?)(?<!\\)\$\$"
    f"|{INLINE_OPEN}(?P<inline>.*?){INLINE_CLOSE}|{DISPLAY_OPEN}(?P<display>.*?){DISPLAY_CLOSE}"
    f"|{CODE}(?P<code>[^{CODE}]*){CODE}",
    re.S,
)
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


def finished(text: str) -> str:
    r"""A composed text: formulas in `$`, all else escaped, the stand-ins made to marks.

    >>> finished(r"Solve \(2x = 6\) for $5: " + STRONG + "now" + STRONG)
    'Solve $2x = 6$ for \\$5: **now**'
    """
    made: list[str] = []
    at = 0
    for found in _FORMULA.finditer(text):
        made += [escaped(text[at : found.start()]), _formula(found, text)]
        at = found.end()
    made.append(escaped(text[at:]))
    joined = _OWN.sub(lambda sign: _MARKS.get(sign.group(), ""), "".join(made))
    return tidy(joined)


def _formula(found: re.Match[str], text: str) -> str:
    kind = str(found.lastgroup)
    if kind == "code":
        return f"{CODE}{found[kind].replace('@{', '@@{')}{CODE}"
    tex = formula(found[kind])
    if not tex:
        return ""
    around = text[: found.start()].rpartition("\n")[2] + text[found.end() :].partition("\n")[0]
    alone = not around.strip()
    display = kind in {"square", "display"} or (kind == "dollars" and alone)
    return f"$${tex}$$" if display else f"${tex}$"


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
    made: list[str] = []
    at = 0
    text = without_own(_FORMULA.sub(_as_dollars, text))
    for found in _KEPT.finditer(text):
        made.append(_kept(text[at : found.start()]))
        kind = str(found.lastgroup)
        dollars = "$$" if kind == "display" else "$"
        made.append(f"{dollars}{formula(found[kind])}{dollars}")
        at = found.end()
    return tidy("".join([*made, _kept(text[at:])]))


def _as_dollars(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    if kind == "dollars":
        return found.group()
    dollars = "$$" if kind in {"square", "display"} else "$"
    return f"{dollars}{formula(found[kind])}{dollars}"


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
