r"""Where a text holds an e-mail or postal address, a phone number, a URL, a handle, an own name.

This file is the patterns. They read forms, not meaning, and leave formulas whole: digits in groups
are a telephone number by their form or by the words before them, and no part of a calculation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

KINDS = ("EMAIL", "URL", "HANDLE", "PHONE", "ADDRESS", "NAME")
PHONE_DIGITS = (7, 15)
"""Fewest and most digits of a telephone number (E.164 allows 15)."""
CONTEXT_CHARS = 48
"""How far before a number a word such as "call me" makes it a telephone number."""

Span = tuple[int, int, str]
"""Start, end and kind of what is to be covered; no kind for what is covered already."""


def contacts_in(text: str) -> Iterator[Span]:
    """The contacts of a text, kind by kind; spans may meet, the earlier one counts.

    >>> list(contacts_in("ask ada@school.org or 555-123-4567"))
    [(4, 18, 'EMAIL'), (22, 34, 'PHONE')]
    """
    folded = text.casefold()
    yield from _matches(text, folded, _CONTACTS)
    yield from _phones(text)
    yield from _matches(text, folded, _PLACES)


def _matches(text: str, folded: str, sought: tuple[_Sought, ...]) -> Iterator[Span]:
    """Where patterns stand: the group that matched, where they have one, else the whole."""
    for kind, hints, pattern in sought:
        if any(hint in folded for hint in hints):
            for found in pattern.finditer(text):
                group = found.lastgroup or 0
                yield found.start(group), found.end(group), kind


class _Sought(NamedTuple):
    """A pattern of one kind. It is looked for only where one of its hints is in the text: most
    texts hold none of them, and every text waits for this.
    """

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _sought(kind: str, hints: str, pattern: str, *, cased: bool = False) -> _Sought:
    flags = re.NOFLAG if cased else re.IGNORECASE
    return _Sought(kind, tuple(hints.split("|")), re.compile(pattern, flags))


_TOP = "com|org|net|edu|gov|info|biz|io|app|dev|xyz|gg|tv|uk|de|fr|nl|pl|ch|eu|ca|au|nz"
_SHORTENERS = "t.me/|youtu.be/|bit.ly/|fb.me/|wa.me/"
_CONTACTS = (
    _sought("", "[", rf"\[(?:{'|'.join(KINDS)})_[0-9]{{1,3}}\]", cased=True),
    _sought(
        "EMAIL", "@", r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[^\W\d_]{2,24}(?![\w-])"
    ),
    _sought(
        "EMAIL",
        "dot",
        r"(?<![\w.+-])[\w.+-]{1,64}\s?(?:\(at\)|\[at\]|\sat\s)\s?[\w-]{1,63}\s?"
        rf"(?:\(dot\)|\[dot\]|\sdot\s)\s?(?:{_TOP})(?!\w)",
    ),
    _sought("URL", "://", r"(?<!\w)https?://[^\s<>\"']{1,2000}(?<![.,;:!?)])"),
    _sought("URL", "www.", r"(?<!\w)www\.[^\s<>\"']{1,2000}(?<![.,;:!?)])"),
    _sought(
        "URL",
        "|".join(f".{top}" for top in _TOP.split("|")),
        rf"(?<![\w@.-])(?:[a-z0-9-]{{1,63}}\.){{1,5}}(?:{_TOP})(?![\w-])"
        r"(?:[/?#](?:[^\s<>\"']{0,2000}[^\s<>\"'.,;:!?)])?)?",
    ),
    _sought(
        "URL", _SHORTENERS, rf"(?<!\w)(?:{_SHORTENERS.replace('.', '[.]')})[^\s<>\"']{{1,2000}}"
    ),
    _sought("HANDLE", "@", r"(?<![\w@./+*^=-])@[^\W\d]\w[\w.]{0,29}\w"),
    _sought("HANDLE", "#", r"(?<!\w)\w{2,32}#\d{4}(?!\d)"),
    _sought(
        "HANDLE",
        "my insta|my snap|my discord|my tik|my roblox|my telegram",
        r"\bmy (?:insta(?:gram)?|snap(?:chat)?|discord|tik ?tok|roblox|telegram)"
        r"(?:\s(?:name|user ?name|handle|account|id))?\s?(?:is|:)\s?(?P<it>[\w.]*\w)",
    ),
)


# --- telephone numbers ----------------------------------------------------------------------------

_DIGITS = re.compile(r"(?<![\w.,])\+?\(?\d(?:[ \t()./-]{0,2}\d){6,17}(?![\w%]|[.,]\d)")
_SEVEN_DIGITS = re.compile(r"\d(?:[ \t()./-]{0,2}\d){6}")
_NORTH_AMERICAN = re.compile(r"(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}")
_TRUNK = re.compile(r"\(?0\d{1,5}\)?(?:[\s/-]{1,2}\d{2,9}){1,5}|0\d{9,11}")
_COUNTRY = re.compile(r"\+[1-9]\d{0,2}[\s(.-]?.*")
_CALL = re.compile(
    r"\b(?:(?:call|text|ring|phone|reach) (?:me|us|him|her|my \w+)|(?:tele)?phone|whats ?app|mobile"
    r"|my cell|cell ?(?:phone|number)|tel|my (?:\w+ )?number)\b",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"\d+\.\d+")
_OPERATION_BEFORE = re.compile(r"(?:[\d)}\]=+*/^<>×·÷−-]|(?<![^\W\d_])[^\W\d_])\s*$")
_OPERATION_AFTER = re.compile(r"\s*[=+*^<>×·÷−]|\s+[-/]\s")
_FORMULA = re.compile(r"\$[^$\n]{1,200}\$")
_WORDS_WITHIN = re.compile(r"(?<!\\)\b[^\W\d_]{3,}")


def _phones(text: str) -> Iterator[Span]:
    if not _SEVEN_DIGITS.search(text):
        return
    formulas = [
        (m.start(), m.end()) for m in _FORMULA.finditer(text) if not _WORDS_WITHIN.search(m.group())
    ]
    for found in _DIGITS.finditer(text):
        start, end = found.span()
        if any(a < start < b for a, b in formulas):
            continue
        fewest, most = PHONE_DIGITS
        if fewest <= sum(c.isdigit() for c in found.group()) <= most and _is_phone(found):
            yield start, end, "PHONE"


def _is_phone(found: re.Match[str]) -> bool:
    """Whether digits in groups are a telephone number: by their form, or by the words before."""
    text, digits = found.string, found.group()
    before = text[max(0, found.start() - CONTEXT_CHARS) : found.start()]
    if _DECIMAL.fullmatch(digits):
        return False
    if _CALL.search(before):
        return True
    if _OPERATION_BEFORE.search(before) or _OPERATION_AFTER.match(text, found.end()):
        return False
    forms = (_NORTH_AMERICAN, _TRUNK, _COUNTRY)
    return any(form.fullmatch(digits) for form in forms)


# --- postal addresses -----------------------------------------------------------------------------

_STREET = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Square|Way|Close"
    "|Crescent|Terrace|Gardens|Highway|Hwy|Parkway|Grove|Hill"
)
_UNIT = r"(?:,?\s(?:Apt|Apartment|Flat|Unit|Suite|#)\.?\s?\w{1,6})?"
_PLACES = (
    _sought(
        "ADDRESS",
        " " + _STREET.casefold().replace("|", "| "),
        rf"(?<![\w.,/])\d{{1,5}}[a-z]?,?\s(?:[^\W\d_a-z][\w'.-]{{0,30}}\s){{1,4}}(?:{_STREET})\b\.?{_UNIT}",
        cased=True,
    ),
    _sought(
        "ADDRESS",
        "straße|strasse|str.|weg |platz |allee |gasse ",
        r"\b[^\W\d_a-z][\w-]{1,40}(?:straße|strasse|str\.|weg|platz|allee|gasse)\s\d{1,4}[a-z]?\b",
        cased=True,
    ),
    _sought(
        "ADDRESS",
        " rue | boulevard | chemin | calle | via ",
        r"(?<![\w.,/])\d{1,4},?\s(?:rue|boulevard|chemin|calle|via)(?:\s[\w']{1,30}){1,5}",
    ),
    _sought("ADDRESS", "box ", r"\bP\.?\s?O\.?\sBox\s\d{1,6}\b"),
    _sought(
        "ADDRESS", ", ", r"\b[^\W\d_a-z][^\W\d_]{1,30},\s[A-Z]{2}\s\d{5}(?:-\d{4})?\b", cased=True
    ),
    _sought("ADDRESS", " ", r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b", cased=True),
    _sought(
        "ADDRESS",
        "i live|'m at|’m at|im at|home at|my house|come to",
        r"\b(?:i live (?:at|on)|i['’]?m (?:home )?at|my house is(?: at| on)?|come to)\s"
        rf"(?P<it>(?:\d{{1,5}}[a-z]?\s)?(?:\w{{1,30}}\s){{1,3}}(?:{_STREET})\b)",
    ),
    _sought(
        "ADDRESS", "address", r"\b(?:home |postal )?address\s?(?:is|:)\s?(?P<it>[^\n.;]{5,80})"
    ),
    _sought(
        "NAME",
        "name",
        r"\bmy (?:(?:full|first|last|real) )?name(?:['’]?s| is)\s"
        r"(?!(?:not|the|a|an|on|in|at|too|so|very|hard|spelled|no)\b)"
        r"(?P<it>[^\W\d_][\w'’-]{1,30}(?:\s(?-i:[^\W\d_a-z])[\w'’-]{1,30}){0,2})",
    ),
)
