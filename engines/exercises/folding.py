r"""Text with one sign for each sign, as a reader's eye takes it. This file is that folding.

It goes sign by sign, so that a text folds to the same in whatever pieces it comes: full-width and
styled letters, digits of any script, raised digits (`^7`), fractions in one sign (` 7/8`), minus
signs; what has no width or stands over another sign is dropped.
"""

from __future__ import annotations

import unicodedata

_SAME = {
    **dict.fromkeys("−‐‑‒–﹣－⁃˗", "-"),
    **dict.fromkeys("×⋅·∙∗✕✖⨯", "×"),
    "➗": "÷",
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‘’‚‛′´", "'"),
    **dict.fromkeys("➕＋", "+"),
    **dict.fromkeys("＝꞊﹦", "="),
    "∕": "/",
    "⁄": "⁄",
    "٫": ".",
    "٬": ",",
    "،": ",",
    "。": ".",
    "٪": "%",
    "➖": "-",
    "ı": "i",
    "ø": "o",
    "ß": "ss",
}
_RAISED = {c: f"^{n}" for n, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {"⁻": "^-", "⁺": "^+"}
_LOOK_ALIKE = dict(
    zip("аеорсухіјѕԁһԛԝαονρτυικηАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeopcyxijsdhqwaovptuiknABEKMHOPCTXIJSABEZHIKMNOPTYX", strict=True)
)  # fmt: skip
"""Letters of other alphabets that look like Latin ones; words in those alphabets fold alike."""
_DROPPED = frozenset(("Mn", "Me", "Cf", "Cc", "Cs"))
_FOLDED: dict[str, str] = {chr(n): chr(n) for n in range(32, 127)}
_FOLDED |= {"\n": "\n", "\t": " ", "\r": "", "\v": "\n", "\f": "\n"}
_MOST_KEPT = 1 << 14


def folded_sign(sign: str) -> str:
    """What one sign folds to: none, one or a few ASCII signs where it has them.

    >>> [folded_sign(c) for c in ("７", "٧", "⁷", "⅞", "é", "\u200b")]
    ['7', '7', '^7', ' 7/8', 'e', '']
    """
    known = _FOLDED.get(sign)
    if known is None:
        known = _fold(sign)
        if len(_FOLDED) < _MOST_KEPT:
            _FOLDED[sign] = known
    return known


def _fold(sign: str) -> str:
    for table in (_SAME, _RAISED, _LOOK_ALIKE):
        if sign in table:
            return table[sign]
    kind = unicodedata.category(sign)
    if kind in _DROPPED:
        return ""
    if kind == "Zl" or kind == "Zp" or sign == "\x85":
        return "\n"
    digit = unicodedata.decimal(sign, None)
    if digit is not None:
        return str(digit)
    if kind == "No":
        return _numeric(sign)
    if kind[0] == "S":  # `≠` is no `=` with a mark over it
        return unicodedata.normalize("NFKC", sign)
    plain = unicodedata.normalize("NFKD", sign)
    if plain == sign:
        return sign
    kept = "".join(c for c in plain if unicodedata.category(c) not in _DROPPED)
    return "".join(map(folded_sign, kept)) if kept != sign else sign


def _numeric(sign: str) -> str:
    """A number in one sign: a fraction with a blank before it, so that `2½` stays mixed."""
    plain = unicodedata.normalize("NFKC", sign)
    top, slash, below = plain.partition("⁄")
    if slash:
        return f" {top}/{below}" if below else f"{top}/"
    value = unicodedata.numeric(sign, None)
    if plain != sign and plain.isascii():
        return plain
    return str(int(value)) if value is not None and value == int(value) else plain


def folded(text: str) -> str:
    """A text folded sign by sign.

    >>> folded("𝟏２ – ½ of ｓｅｖｅｎ")
    '12 -  1/2 of seven'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(folded_sign, text))


def word_list(text: str) -> tuple[str, ...]:
    """The folded words of a text in order: how the tables of words are written."""
    return tuple(folded(text).split())


def word_set(text: str) -> frozenset[str]:
    """The folded words of a text."""
    return frozenset(word_list(text))
