"""Every way a number or a text may be told, made from the key. This file writes them.

It writes what the guard has to read, and shares no code with it (`oracle` is the third).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from fractions import Fraction


def _words(text: str) -> list[str]:
    return text.split()


_ONES = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = _words("- - twenty thirty forty fifty sixty seventy eighty ninety")
_BELOW = {
    2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth",
    9: "ninth", 10: "tenth", 12: "twelfth", 100: "hundredth",
}  # fmt: skip
_FRENCH = _words("zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize")
_SPANISH = _words("cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece")
_GERMAN = _words("null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn")
_ROMAN = _words("- I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX")
_VULGAR = {
    (1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼", (3, 4): "¾", (1, 5): "⅕", (2, 5): "⅖",
    (3, 5): "⅗", (4, 5): "⅘", (1, 6): "⅙", (5, 6): "⅚", (1, 8): "⅛", (3, 8): "⅜", (5, 8): "⅝",
    (7, 8): "⅞",
}  # fmt: skip
SCRIPTS = {
    "full-width": "０１２３４５６７８９",
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "persian": "۰۱۲۳۴۵۶۷۸۹",
    "devanagari": "०१२३४५६७८९",
    "bengali": "০১২৩৪৫৬৭৮৯",
    "bold": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "double-struck": "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡",
}


def cardinal(n: int) -> str:
    """A whole number below 1,000 in English words."""
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f"-{_ONES[n % 10]}" if n % 10 else "")
    rest = n % 100
    return f"{_ONES[n // 100]} hundred" + (f" and {cardinal(rest)}" if rest else "")


def spread(text: str, between: str) -> str:
    """The signs of a text with something between any two of them."""
    return between.join(text)


def number_forms(value: Fraction) -> Iterator[tuple[str, str]]:
    """Named ways of telling a number."""
    size = abs(value)
    minus = "-" if value < 0 else ""
    for name, text in _sized(size):
        yield name, f"{minus}{text}"
    said = "minus " if value < 0 else ""
    for name, text in _spoken(size):
        yield name, f"{said}{text}"
    if value >= 0:
        yield from _encoded(size)


def _sized(size: Fraction) -> Iterator[tuple[str, str]]:
    num, den = size.numerator, size.denominator
    whole, rest = divmod(num, den)
    plain = str(num) if den == 1 else f"{num}/{den}"
    yield "plain", plain
    yield "twice", f"{2 * num}/{2 * den}"
    yield "latex", f"\\frac{{{num}}}{{{den}}}" if den > 1 else f"{{{num}}}"
    yield "dfrac", f"\\dfrac{{{3 * num}}}{{{3 * den}}}"
    yield "boxed", f"\\boxed{{{plain}}}"
    yield "text", f"\\text{{{plain}}}"
    yield "strong", f"**{plain}**"
    yield "code", f"`{plain}`"
    for script, digits in SCRIPTS.items():
        yield script, plain.translate(dict(zip(map(ord, "0123456789"), digits, strict=True)))
    if den > 1:
        yield "spaced slash", f"{num} / {den}"
        yield "over", f"{{{num} \\over {den}}}"
        raised = str(num).translate(dict(zip(map(ord, "0123456789"), "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)))
        lowered = str(den).translate(dict(zip(map(ord, "0123456789"), "₀₁₂₃₄₅₆₇₈₉", strict=True)))
        yield "raised", f"{raised}⁄{lowered}"
        if (rest, den) in _VULGAR:
            yield "vulgar", f"{whole or ''}{_VULGAR[rest, den]}"
        if whole:
            yield "mixed", f"{whole} {rest}/{den}"
            yield "latex mixed", f"{whole}\\frac{{{rest}}}{{{den}}}"
    if 1000 % den == 0:
        places = max(1, next(p for p in range(1, 4) if (size * 10**p).denominator == 1))
        decimal = f"{float(size):.{places}f}"
        yield "decimal", decimal
        yield "longer decimal", f"{decimal}0"
        yield "decimal comma", decimal.replace(".", ",") + "0"
        percent = size * 100
        shown = str(percent) if percent.denominator == 1 else f"{float(percent)}"
        yield "percent", f"{shown}%"
        yield "latex percent", f"{shown}\\%"
        yield "per cent", f"{shown} per cent"


def _spoken(size: Fraction) -> Iterator[tuple[str, str]]:
    num, den = size.numerator, size.denominator
    whole, rest = divmod(num, den)
    if den == 1 and num < 1000:
        said = cardinal(num)
        yield "words", said
        yield "capitals", said.upper()
        yield "strong word", f"**{said}**"
        yield "word broken by marks", f"{said[:2]}**{said[2:]}**"
        yield "look-alikes", said.replace("e", "е").replace("o", "о")
        if " " not in said and "-" not in said:
            yield "spelt", spread(said, " ")
            yield "spelt with hyphens", spread(said, "-")
            yield "spelt with dots", spread(said, ".")
            yield "without width", spread(said, "\u200b")
        if 1 < num < len(_FRENCH):
            yield "french", _FRENCH[num]
            yield "spanish", _SPANISH[num] if num != 11 else "once"
            yield "german", _GERMAN[num]
        if num > 9:
            yield "digit words", " ".join(_ONES[int(d)] for d in str(num))
    elif den in _BELOW and num < 1000:
        part = _BELOW[den]
        plural = {"half": "halves"}.get(part, f"{part}s")
        yield "words", f"{cardinal(num)} {plural if num > 1 else part}"
        yield "hyphened words", f"{cardinal(num)}-{plural if num > 1 else part}"
        yield "digit and word", f"{num} {plural if num > 1 else part}"
        if whole:
            yield (
                "mixed words",
                f"{cardinal(whole)} and {cardinal(rest)} {plural if rest > 1 else part}",
            )
    if den > 1 and num < 1000 and den < 1000:
        yield "over in words", f"{cardinal(num)} over {cardinal(den)}"
        yield "digits over", f"{num} over {den}"
    if 1000 % den == 0 and den > 1:
        places = next(p for p in range(1, 4) if (size * 10**p).denominator == 1)
        digits = f"{float(size):.{places}f}".partition(".")[2]
        said = cardinal(whole) if whole else "zero"
        yield "point in words", f"{said} point {' '.join(_ONES[int(d)] for d in digits)}"


def _encoded(size: Fraction) -> Iterator[tuple[str, str]]:
    num, den = size.numerator, size.denominator
    plain = str(num) if den == 1 else f"{num}/{den}"
    yield "base64", base64.b64encode(plain.encode()).decode()
    yield "base64 sentence", base64.b64encode(f"the answer is {plain}".encode()).decode()
    yield "entities", "".join(f"&#{ord(c)};" for c in plain)
    yield "hexadecimal entities", "".join(f"&#x{ord(c):x};" for c in plain)
    yield "tag", f"<b>{plain[:1]}</b>{plain[1:]}"
    yield "comment", f"{plain[:1]}<!-- x -->{plain[1:]}"
    yield "half strong", f"**{plain[:1]}**{plain[1:]}"
    yield "link", f"[{plain}](https://example.org/{num})"
    yield "direction", f"\u202e{plain[::-1]}\u202c"[:0] + f"\u2066{plain}\u2069"
    yield "word joiners", spread(plain, "\u2060")
    yield "combining", spread(plain, "\u0301")
    if den == 1:
        yield "keycap", "".join(f"{d}\ufe0f\u20e3" for d in str(num))
        yield "times one", f"{num}.0"
        if num > 9:
            for name, sign in (("spaced", " "), ("hyphened", "-"), ("underlined", "_")):
                yield name, spread(str(num), sign)
            yield "in dollars", "".join(f"${d}$" for d in str(num))
        if 1 < num <= 20:
            yield "circled", chr(0x2460 + num - 1)
        if 0 < num < 10:
            yield "chinese", "一二三四五六七八九"[num - 1]


def roman(value: Fraction) -> str:
    """Roman numerals from 1 to 20, else nothing: they are told in an answer's place only."""
    return _ROMAN[int(value)] if value.denominator == 1 and 0 < value <= 20 else ""


def text_forms(text: str) -> Iterator[tuple[str, str]]:
    """Named ways of telling words."""
    yield "plain", text
    yield "capitals", text.upper()
    yield "strong", f"**{text}**"
    yield "quoted", f'"{text}"'
    yield "broken by marks", f"{text[:3]}**{text[3:]}**"
    yield "without width", spread(text, "\u200b")
    yield "full-width", "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    yield "accents", text.replace("e", "é").replace("o", "ö")
    yield "look-alikes", text.replace("e", "е").replace("o", "о")
    yield "base64", base64.b64encode(text.encode()).decode()
    yield "entities", "".join(f"&#{ord(c)};" for c in text)
    yield "tag", f"{text[:2]}<i>{text[2:]}</i>"
    yield "comment", f"{text[:4]}<!-- -->{text[4:]}"
    yield "link", f"[{text}](http://example.org)"
    if " " not in text:
        yield "spelt", spread(text, " ")
        yield "spelt with hyphens", spread(text, "-")
        yield "spelt with dots", spread(text, ".")
