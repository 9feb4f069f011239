"""Which signs a phone's keyboard has. This file is that list.

Letters of the course's own script and of the Latin one, digits, and the signs that both common
keyboards (Gboard, iOS) show for every language.
"""

from __future__ import annotations

import unicodedata

_SIGNS = frozenset(" !\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~€£¥•°’‘“”")
_SCRIPTS = {
    "ar": "ARABIC",
    "be": "CYRILLIC",
    "bg": "CYRILLIC",
    "el": "GREEK",
    "fa": "ARABIC",
    "he": "HEBREW",
    "hi": "DEVANAGARI",
    "ja": "HIRAGANA",
    "ko": "HANGUL",
    "ru": "CYRILLIC",
    "th": "THAI",
    "uk": "CYRILLIC",
    "ur": "ARABIC",
    "zh": "CJK",
}
"""First word of a letter's name in Unicode, by language; all others write Latin."""


def script_of(locale: str) -> str:
    """The script that a language is written in, as Unicode names its letters.

    >>> script_of("ar-EG"), script_of("sv")
    ('ARABIC', 'LATIN')
    """
    return _SCRIPTS.get(locale.partition("-")[0], "LATIN")


def unusual(text: str, locale: str) -> list[str]:
    """The signs of a text that a phone's keyboard in this language lacks, each once.

    >>> unusual("3/4 of x²", "en"), unusual("α", "en"), unusual("α", "el"), unusual("ناقص", "ar")
    (['²'], ['α'], [], [])
    """
    script = script_of(locale)
    return [sign for sign in dict.fromkeys(text) if not _is_typed(sign, script)]


def _is_typed(sign: str, script: str) -> bool:
    if sign in _SIGNS or (sign.isascii() and sign.isalnum()):
        return True
    kind, name = unicodedata.category(sign), unicodedata.name(sign, "")
    if kind in ("Mn", "Nd"):
        return True
    first = name.split(" ")[0]
    return kind[0] == "L" and first in ("LATIN", script, "KATAKANA" if script != "LATIN" else "")
