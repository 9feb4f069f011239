"""Whether a text states a key, judged another way than the guard does. This file is that oracle.

It reads a whole text at once: the text is made plain, then searched for every spelling of the key
that `forms` can write and for every number equal to it, by floats.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from fractions import Fraction

from engines.words import Instance
from tests.corpus.forms import _BELOW, _FRENCH, _GERMAN, _ONES, _SPANISH, cardinal, roman

_LATIN = str.maketrans("еосрхаіАЕОРС", "eocpxaiAEOPC")
_TOKEN = re.compile(r"(?<![\w.])-?\d+(?:\.\d+|/-?\d+)?%?")
_ANSWER = (
    r"(?:=|\bis|\bbe|\banswer:?|\btype|\benter|\bpick|\bchoose|\bsay|->|→)\s*(?:just |exactly )?"
)


def plain(text: str) -> str:
    """The text as the eye takes it, in lower case and ASCII where it can be."""
    text = re.sub(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", "", html.unescape(text))
    text = re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    text = text.replace("²", "^2").replace("⁷", "7")
    text = re.sub(r"(?<=\d)(?=[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])", " ", text)
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf"))
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    text = text.translate(_LATIN).lower().replace("⁄", "/").replace("−", "-")
    text = re.sub(r"-\\[dt]?frac\s*\{(\d+)\}\s*\{(\d+)\}", r" -\1/\2", text)
    text = re.sub(r"\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(-?\d+)\s*\}", r" \1/\2", text)
    text = re.sub(r"\{\s*(-?\d+)\s*\\over\s*(-?\d+)\s*\}", r"\1/\2", text)
    text = re.sub(r"\\(?:boxed|text|mathbf)|\\(?=%)", "", text)
    text = re.sub(r"[*`${}\"“”_]", "", text)
    text = re.sub(r"(\d)\s*/\s*(\d)", r"\1/\2", text)
    return re.sub(r"[ \t]+", " ", text)


def _values(text: str) -> list[tuple[float, int, int]]:
    found = []
    for match in _TOKEN.finditer(text):
        body = match[0].rstrip("%")
        top, slash, below = body.partition("/")
        if slash and not float(below):
            continue
        value = float(top) / float(below) if slash else float(top)
        found.append((value / 100 if match[0].endswith("%") else value, *match.span()))
    for match in re.finditer(r"(-?)(\d+) (\d+)/(\d+)", text):
        size = int(match[2]) + int(match[3]) / int(match[4])
        found.append((-size if match[1] else size, *match.span()))
    commas = re.finditer(r"(?<![\d.,])(-?\d+),(\d+)(?!\d|[.,]\d)", text)
    found += [(float(f"{m[1]}.{m[2]}"), *m.span()) for m in commas]
    hundredths = re.finditer(r"(-?\d+(?:\.\d+)?) per cent", text)
    return found + [(float(m[1]) / 100, *m.span()) for m in hundredths]


def _spelt(text: str) -> str:
    """Single letters and digits that stand apart, joined."""
    return re.sub(r"(?<=\b\w)[ .\-]+(?=\w\b)", "", text)


def _said(value: Fraction) -> list[str]:
    """The words that tell a number, as patterns."""
    size = abs(value)
    num, den = size.numerator, size.denominator
    whole, rest = divmod(num, den)
    words = []
    if den == 1:
        words.append(cardinal(num))
        if num > 9:
            words.append(" ".join(_ONES[int(d)] for d in str(num)))
        if 1 < num < len(_FRENCH):
            words += [_FRENCH[num], _SPANISH[num], _GERMAN[num]]
            words += ["一二三四五六七八九"[num - 1]] if num < 10 else []
    else:
        if den in _BELOW:
            for stem in ("half", "halves") if den == 2 else (_BELOW[den],):
                words += [f"{cardinal(num)} {stem}", f"{num} {stem}"]
                words.append(f"{cardinal(whole)} and {cardinal(rest)} {stem}")
        words += [f"{cardinal(num)} over {cardinal(den)}", f"{num} over {den}"]
        if 1000 % den == 0:
            places = next(p for p in range(1, 4) if (size * 10**p).denominator == 1)
            digits = f"{float(size):.{places}f}".partition(".")[2]
            words.append(f"point {' '.join(_ONES[int(d)] for d in digits)}")
    sign = r"(?:minus|negative|-)\s*" if value < 0 else r"(?<!minus )(?<!negative )"
    return [sign + r"[\s\-]+".join(map(re.escape, re.split(r"[\s\-]+", plain(w)))) for w in words]


def states_number(text: str, key: Fraction, prompt: str = "") -> bool:
    """Whether a text states a number that its prompt does not print; else in an answer's place."""
    shown = plain(text)
    given = any(abs(v - float(key)) < 1e-9 for v in _printed(plain(prompt)))
    joined = _spelt(shown)
    for version in (shown, joined):
        for value, start, _ in _values(version):
            if abs(value - float(key)) < 1e-9 and (not given or _placed(version[:start])):
                return True
        for pattern in _said(key):
            for match in re.finditer(rf"(?<![a-z]){pattern}(?![a-z]{{3}})", version):
                if (not given and key not in (0, 1)) or _placed(version[: match.start()]):
                    return True
    numeral = roman(key)
    if numeral and re.search(rf"{_ANSWER}{numeral.lower()}\b", shown):
        return True
    return any(states_number(found, key) for found in _decoded(text))


def _printed(prompt: str) -> list[float]:
    """The values a prompt prints; `6x - 4` prints the -4 too, for so its term is spoken of."""
    found = _values(prompt)
    return [v for v, _, _ in found] + [-v for v, at, _ in found if re.search(r"-\s*$", prompt[:at])]


def _placed(left: str) -> bool:
    return re.search(_ANSWER + r"$", left) is not None or not left.strip(" \n:.-(")


def _decoded(text: str) -> list[str]:
    found = []
    for token in re.findall(r"[A-Za-z0-9+/]{2,}={0,2}", text):
        if len(token) % 4 == 0:
            try:
                found.append(base64.b64decode(token, validate=True).decode("ascii"))
            except (binascii.Error, UnicodeDecodeError):
                continue
    return [t for t in found if t.isprintable()]


def states_words(text: str, words: str) -> bool:
    """Whether a text holds these words, however they are broken up."""
    wanted, shown = plain(words), plain(text)
    squeezed = re.sub(r"[\s.\-]+", "", shown)
    if re.search(rf"(?<![a-z]){re.escape(wanted)}(?![a-z])", shown):
        return True
    spelt = re.findall(r"(?<![a-z])[a-z](?:[\s.\-]+[a-z]){2,}(?![a-z])", shown)
    if any(re.sub(r"\W", "", wanted) in re.sub(r"\W", "", part) for part in spelt):
        return True
    if "\u200b" in text and re.sub(r"\W", "", wanted) in squeezed:
        return True
    return any(states_words(found, words) for found in _decoded(text))


def states_label(text: str, position: int) -> bool:
    """Whether a text names an option by its letter or its place."""
    letter = "abcdefgh"[position - 1]
    place = ("first", "second", "third", "fourth", "fifth")[position - 1]
    shown = plain(text)
    cue = r"(?:option|choice|answer|letter|pick|choose|select)s?"
    return bool(
        re.search(
            rf"\b{cue}\W{{0,3}}(?:is |number |letter |must be )*\(?{letter}\b(?!\s[a-z])", shown
        )
        or re.search(rf"\b(?:option|choice)s? (?:number )?{position}\b", shown)
        or re.search(rf"\b{place} (?:option|choice|one|answer)\b", shown)
        or re.search(rf"\bis\W{{0,3}}{letter.upper()}\b(?!\s[a-z])", text)
        or re.fullmatch(rf"\W*{letter}\W*", shown)
    )


def states(text: str, instance: Instance) -> bool:
    """Whether a text states the key of an instance."""
    key = instance.key
    if isinstance(key, Fraction):
        return states_number(text, key, instance.prompt)
    if instance.item.answer.kind == "text":
        return states_words(text, str(key))
    right = {key} if isinstance(key, str) else set(key)
    for at, choice in enumerate(instance.choices, 1):
        if choice.id in right:
            if states_label(text, at):
                return True
            value = re.fullmatch(r"\$?(-?\d+)(?:/(\d+))?\$?", plain(choice.text).strip())
            if value is None and states_words(text, choice.text):
                return True
            if value is not None and states_number(
                text, Fraction(int(value[1]), int(value[2] or 1))
            ):
                return True
    return False
