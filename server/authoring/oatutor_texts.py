"""OATutor texts in a course's notation. This file is their translation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from server.authoring.media import ENDINGS, MEDIA_BYTES, Picture, picture_of, svg_faults
from server.transfer.tally import NotImported

_FIGURE = re.compile(r"##[^#\n]*##")
_BLANKS = re.compile(r"_{2,}")
_SURROGATE = re.compile("[\ud800-\udfff]")
SPACES = re.compile(r"[ \t]+")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def text_of(source: str) -> str:
    r"""A text with `$...$` maths, as a template: dollars and marks of its own are escaped.

    >>> text_of(r"Mayra has $124.\nShe adds $$\frac{1}{2}$$.")
    'Mayra has \\$124.\nShe adds $\\frac{1}{2}$.'
    """
    parts = source.split("$$")
    if len(parts) % 2 == 0:
        parts[-2:] = ["".join(parts[-2:])]
    for at, part in enumerate(parts):
        part = part.replace("@{", "@@{")
        if at % 2:
            parts[at] = _maths(part)
        else:
            parts[at] = part.replace("\\n", "\n").replace("$", "\\$")
    lines = (SPACES.sub(" ", line).strip() for line in "".join(parts).splitlines())
    return unicodedata.normalize("NFC", "\n".join(lines).strip("\n"))


def _maths(formula: str) -> str:
    r"""A formula between dollars; a dollar sign of its own stands outside, where it can be shown.

    >>> _maths(r"I=\$40 y")
    '$I=$\\$$40 y$'
    """
    pieces = [_BLANKS.sub(_underlines, piece.strip()) for piece in formula.split(r"\$")]
    if not all(map(_whole, pieces)):
        pieces = [r"\$".join(pieces)]
    return r"\$".join(f"${piece}$" if piece else "" for piece in pieces)


def _underlines(found: re.Match[str]) -> str:
    return r"\_" * len(found.group())


def _whole(formula: str) -> bool:
    """Whether a formula opens what it closes."""
    ends = formula.count("\\left"), formula.count("\\right")
    return formula.count("{") == formula.count("}") and ends[0] == ends[1]


def has_figure(*texts: str) -> bool:
    """Whether a text shows a figure, which cannot be carried."""
    return any(_FIGURE.search(text) for text in texts)


def without_figures(text: str) -> str:
    """The text with its figures' names taken out."""
    return _FIGURE.sub("", text)


class Figures:
    """The figure files of a problem, and those of them that its texts show.

    `files` is bytes by name. A figure is carried under its own hash, so that problems may use one
    name for different figures.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.used: dict[str, bytes] = {}

    def taken(self, text: str) -> str:
        """The text without its figures, which are kept. Raises `NotImported` for one without file,
        or of a type that courses do not carry.
        """
        for found in _FIGURE.findall(text):
            name = found.strip("#").strip()
            body = self._files.get(name)
            picture = None if body is None else picture_of(name, body)
            if body is None or picture is None or len(body) > MEDIA_BYTES or svg_faults_of(picture):
                raise NotImported("figure")
            self.used[f"{picture.sha256[:16]}{ENDINGS[picture.type]}"] = body
        return without_figures(text)

    def media(self, title: str) -> list[dict[str, str]]:
        """The figures shown as an item's `media`; the source does not say what they show."""
        return [{"file": f"media/{name}", "alt": f"Figure: {title}"} for name in self.used]


def svg_faults_of(picture: Picture) -> bool:
    """Whether a drawing holds what is not let through."""
    return picture.type == "image/svg+xml" and bool(svg_faults(picture.body))


def whole(*texts: str) -> bool:
    """Whether texts are free of broken characters."""
    return not any(_SURROGATE.search(text) for text in texts)


_POWER = re.compile(r"\*\*")
_MINUSES = str.maketrans({"−": "-", "–": "-"})


def formula_of(typed: str) -> str:
    """A formula as the source's learners type it, in the notation of answers: `**` is a power.

    >>> formula_of("12y**3/7")
    '12y^3/7'
    """
    return _POWER.sub("^", typed.translate(_MINUSES))


def slug(name: str, most: int = 64) -> str:
    """An id made from a name: a-z, 0-9, dots and hyphens.

    >>> slug("Derivator av trigonometriska_Områden 3.5")
    'derivator-av-trigonometriska-omraden-3.5'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.]+", "-", plain).strip("-.")[:most].strip("-.") or "x"
