r"""Names of members as all others see them. This file cleans a name and tells equal ones apart.

What is not seen is left out: control signs, marks of writing direction, joiners. What looks like a
blank is one. A sign may carry a few marks, so that no name runs over the lines around it.
Which words a name may hold is not judged here, nor which letters of two scripts look alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from protocol.limits import LIMITS

_LIKE_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing; all of Unicode's own blanks are known as such."""
_UNSEEN = frozenset(
    ["\u034f", "\u17b4", "\u17b5", "\u180b", "\u180c", "\u180d", "\u180f"]
    + [chr(n) for n in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))]
)
"""Marks that are not drawn, variation selectors among them; others are in category C."""


def cleaned(name: str | None) -> str | None:
    r"""A name on one line: at most `room_name_chars` signs, each with `room_name_marks` marks.

    None where nothing is left.

    >>> cleaned("  Ada\n\u202e Byr\u200bon\u3164\u2003! "), cleaned(" \t\u2800")
    ('Ada Byron !', None)
    """
    signs = [] if name is None else _signs(unicodedata.normalize("NFC", name))
    return "".join(signs[: LIMITS.room_name_chars]).strip() or None


def told_apart(name: str, taken: Iterable[str]) -> str:
    """The name, with the first number that makes it differ from the others where it does not.

    >>> told_apart("Ann", ["Bo"]), told_apart("ann", ["Ann", "ANN (2)"])
    ('Ann', 'ann (3)')
    """
    known = {_alike(other) for other in taken}
    given, n = name, 1
    while _alike(name) in known:
        n += 1
        suffix = f" ({n})"
        kept = "".join(_signs(given)[: LIMITS.room_name_chars - len(suffix)])
        name = kept.rstrip() + suffix
    return name


@lru_cache(maxsize=8_192)
def _alike(name: str) -> str:
    """What names share that are read alike: case, width and the form of letters do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _signs(text: str) -> list[str]:
    """What is seen of a text, sign by sign, each with its marks; blanks are one and never first."""
    signs: list[str] = []
    marks = 0
    for c in text:
        kind = unicodedata.category(c)[0]
        if c.isspace() or c in _LIKE_BLANK:
            if signs and signs[-1] != " ":
                signs.append(" ")
        elif kind == "C" or c in _UNSEEN:
            continue
        elif kind == "M":
            if signs and signs[-1] != " " and marks < LIMITS.room_name_marks:
                signs[-1] += c
                marks += 1
        else:
            signs.append(c)
            marks = 0
    return signs
