"""How numbers are written in a language: decimal mark, grouping, lists. This file is their table.

The grammar reads the English marks. A text of another locale is respelled before it is read, sign
for sign, so that columns stay (after Unicode CLDR's number symbols).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from engines.exercises.limits import LIMITS


class Marks(NamedTuple):
    """The marks of a locale: `decimal` is printed; those in `decimals` and `groups` are read.

    `alone` are further decimal marks where a list cannot stand, `listed` are signs between the
    entries of a list besides the comma, `digits` is the zero of the digits that texts are printed
    in, `lakh` groups by two above the thousands (Indian numbering).
    """

    decimal: str = "."
    decimals: str = "."
    groups: str = ","
    alone: str = ""
    listed: str = ""
    digits: str = "0"
    lakh: bool = False


_SPACES = "\u0020\u00a0\u2009\u202f"
"""Blanks between thousands (ISO 80000-1 asks for a small one)."""
_ENGLISH = Marks()
_COMMA = Marks(",", ",", _SPACES, listed=";")
_COMMA_DOT = Marks(",", ",", "." + _SPACES, listed=";")
_COMMA_TICK = Marks(",", ",", "'’" + _SPACES, listed=";")
_DOT_TICK = Marks(".", ".", "'’" + _SPACES, listed=";")
_LAKH = Marks(lakh=True)
_ARABIC = Marks("٫", "٫", "٬,", alone="،,", listed="؛،;", digits="٠")
_PERSIAN = _ARABIC._replace(digits="۰")

_WRITTEN: tuple[tuple[Marks, str], ...] = (
    (_COMMA, "af be bg cs et fi fr hu hy ka kk ky lt lv nb nn no pl ru se sk sq sv tk uk uz"),
    (_COMMA_DOT, "az bs ca da de el es eu fo fy gl hr id is it jv kl lb mk nl pt ro sl sr tr vi"),
    (_COMMA_DOT, "ar-DZ ar-EH ar-LY ar-MA ar-TN de-AT en-ZA ms-BN pt-PT"),
    (_COMMA_TICK, "fr-CH"),
    (_DOT_TICK, "de-CH de-LI gsw it-CH rm"),
    (_LAKH, "as bn en-IN gu hi kn ml mr ne or pa ta te"),
    (_ARABIC, "ar ckb sd ug"),
    (_PERSIAN, "fa ps"),
    (_ENGLISH, "es-419 es-DO es-GT es-HN es-MX es-NI es-PA es-PE es-PR es-SV es-US"),
)
_LANGUAGES = {tag: marks for marks, tags in _WRITTEN for tag in tags.split()}


@lru_cache(maxsize=512)
def marks_of(locale: str) -> Marks:
    """The marks of a locale (BCP 47): its own, else its language's, else the English ones.

    >>> marks_of("sv-FI").decimal, marks_of("de-CH").decimal, marks_of("xx").decimal
    (',', '.', '.')
    """
    parts = locale.replace("_", "-").split("-")
    language = parts[0].lower()
    regions = (p.upper() for p in parts[1:] if len(p) == 2 or p.isdigit())
    tag = f"{language}-{next(regions, '')}"
    return _LANGUAGES.get(tag) or _LANGUAGES.get(language) or _ENGLISH


class _Rules(NamedTuple):
    """What a text of a locale is searched by; `valid` is a number as the locale writes it."""

    run: re.Pattern[str]
    valid: re.Pattern[str]
    valid_alone: re.Pattern[str]
    lists: dict[int, str]
    rows: dict[int, str]


_LEADS = r"(?![0٠۰])\d"
"""No number in groups begins with 0."""
_ENGLISH_NUMBER = re.compile(rf"\d*(?:\.\d+)?|{_LEADS}\d{{0,2}}(?:,\d{{3}})+(?:\.\d+)?")
_OPENS = r"(?<![^\s+\-−*×·/÷^=<>≤≥(\[{;:؛])"
"""Nothing that ends an operand stands before a mark that begins a number."""
_ROWS = ";؛"
"""What parts the rows of a matrix where its commas part entries."""
_MIXED = re.compile(r"\s*[/⁄∕÷]\s*(\d+)")


@lru_cache(maxsize=64)
def _rules(marks: Marks) -> _Rules:
    signs = re.escape("".join(dict.fromkeys(".,'’٫٬،")))
    run = rf"(?:{_OPENS}[.,٫])?\d(?:\d|[{signs}](?=\d)|[{_SPACES}](?=\d{{3}}(?!\d)))*"
    group = f"([{re.escape(marks.groups)}])"
    whole = rf"{_LEADS}\d{{0,2}}{group}\d{{3}}(?:\1\d{{3}})*"
    if marks.lakh:
        whole = rf"{_LEADS}\d?(?:{group}\d{{2}})*,\d{{3}}|{_LEADS}\d{{0,2}}(?:,\d{{3}})+"
    decimals = re.escape(marks.decimals)
    alone = re.escape(marks.decimals + marks.alone)
    return _Rules(
        re.compile(run),
        re.compile(rf"(?:{whole}|\d*)(?:[{decimals}]\d+)?"),
        re.compile(rf"(?:{whole}|\d*)(?:[{alone}]\d+)?"),
        {ord(sign): "," for sign in marks.listed},
        {ord(sign): ";" if sign in _ROWS else "," for sign in marks.listed},
    )


def respelled(text: str, locale: str, *, lists: bool = True, rows: bool = False) -> str:
    """A text of a locale with the marks of the grammar, as long as it was.

    Blanks take the place of what a number has fewer signs for. A number that the locale cannot
    mean is left as it is, and so is a whole text whose numbers are all English while one of them
    is nothing else, or one that is too long to be read. `lists` says that commas may also part the
    entries of a list, `rows` that semicolons part the rows of a matrix.

    >>> respelled("3,5", "sv"), respelled("1.234,5 + 2", "de"), respelled("{1,5; 2}", "fr")
    ('3.5', '1234.5  + 2', '{1.5, 2}')
    >>> respelled("0.125", "de"), respelled("1.125", "de"), respelled("3.5 + 1.125", "de")
    ('0.125', '1125 ', '3.5 + 1.125')
    """
    marks = marks_of(locale)
    if marks is _ENGLISH or len(text) > LIMITS.code_points:
        return text
    rules = _rules(marks)
    parting = rules.rows if rows else rules.lists
    valid = rules.valid if lists else rules.valid_alone
    runs = [run for run in rules.run.finditer(text) if not run[0].isdecimal()]
    english = [_ENGLISH_NUMBER.fullmatch(run[0]) is not None for run in runs]
    local = [valid.fullmatch(run[0]) is not None for run in runs]
    if not all(local) and all(english):
        return text.translate(parting) if marks.listed else text
    parts, at = [], 0
    for run, is_local in zip(runs, local, strict=True):
        if is_local and not _is_mixed(run):
            parts += [text[at : run.start()].translate(parting), _plain(run[0], marks, lists)]
            at = run.end()
    parts.append(text[at:].translate(parting))
    return "".join(parts)


def _is_mixed(run: re.Match[str]) -> bool:
    """Whether a blank parts a whole number from a proper fraction: `1 125/250`."""
    whole, blank, part = run[0].rpartition(" ")
    if not blank or not whole.isdecimal() or part.startswith("0"):
        return False
    below = _MIXED.match(run.string, run.end())
    return below is not None and int(part) < int(below[1])


def _plain(number: str, marks: Marks, lists: bool) -> str:
    """A number of the locale with a point, without groups, filled up with blanks."""
    decimals = marks.decimals if lists else marks.decimals + marks.alone
    at = next((i for i in range(len(number) - 1, -1, -1) if not number[i].isdecimal()), -1)
    is_decimal = at >= 0 and number[at] in decimals
    if is_decimal and number[at] in marks.groups:  # `1,234` is a group where it can be one
        is_decimal = _GROUPED.fullmatch(number) is None
    whole, part = (number[:at], f".{number[at + 1 :]}") if is_decimal else (number, "")
    digits = "".join(c for c in whole if c.isdecimal())
    return f"{digits}{part}".ljust(len(number))


_GROUPED = re.compile(rf"{_LEADS}\d{{0,2}}(?:[,٬]\d{{3}})+")


_BLANK_GROUP = re.compile(rf"\d[{_SPACES}]\d\d\d")
_BLANK_GROUPS = re.compile(
    rf"(?<![\w.,^]){_LEADS}\d{{0,2}}([{_SPACES}])\d{{3}}(?:\1\d{{3}})*(?:\.\d+)?(?![\d,.])"
)


def without_blank_groups(text: str, locale: str = "en") -> str:
    """A text without the blanks between the thousands of its numbers (ISO 80000-1), as long.

    For what cannot be read with them: a mixed number has its blank, and keeps it. Where commas are
    decimal `respelled` knows the blanks already.

    >>> without_blank_groups("12 500.5 + 1"), without_blank_groups("1 125/250")
    ('12500.5  + 1', '1 125/250')
    """
    if marks_of(locale).decimals != ".":
        return text
    return text if _BLANK_GROUP.search(text) is None else _BLANK_GROUPS.sub(_joined, text)


def _joined(found: re.Match[str]) -> str:
    digits = "".join(sign for sign in found[0] if sign not in _SPACES)
    return found[0] if _is_mixed(found) else digits.ljust(len(found[0]))


def localised(number: str, locale: str, *, latex: bool = False) -> str:
    """A number of plain digits as the locale prints it; LaTeX keeps the digits it can set.

    >>> localised("-0.50", "sv"), localised("0.5", "sv", latex=True), localised("2.75", "ar")
    ('-0,50', '0{,}5', '٢٫٧٥')
    """
    marks = marks_of(locale)
    if latex:
        return number.replace(".", "{,}") if marks.decimal == "," else number
    if marks.digits != "0":
        number = number.translate(_digits(marks.digits))
    return number.replace(".", marks.decimal)


@lru_cache(maxsize=8)
def _digits(zero: str) -> dict[int, str]:
    return {ord("0") + n: chr(ord(zero) + n) for n in range(10)}


_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_NEXT = re.compile(r", ")


def latex_localised(latex: str, locale: str) -> str:
    r"""The LaTeX of what was understood, with the locale's decimal mark and list separator.

    >>> latex_localised(r"\frac{2.5}{3}", "de"), latex_localised(r"\{1.5, 2\}", "sv")
    ('\\frac{2{,}5}{3}', '\\{1{,}5; 2\\}')
    """
    if marks_of(locale).decimal != ",":
        return latex
    return _POINT.sub("{,}", _NEXT.sub("; ", latex))


__all__ = [
    "Marks",
    "latex_localised",
    "localised",
    "marks_of",
    "respelled",
    "without_blank_groups",
]
