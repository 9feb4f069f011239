"""The words of mathematics: plain text, Unicode and a LaTeX subset. This file is the lexer.

One lexer serves authors' templates and learners' answers; a `Dialect` says what differs. Columns
are those of the text as it came: nothing is rewritten before it is read.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple

from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.typed import with_small_digits

Shape = Literal["integer", "decimal", "fraction", "mixed"]


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """What a reader allows: `words` are names of many letters, `groups` commas between thousands.

    `letters` allows one-letter variables, `mixed` numbers as `1 1/2`. The others are of answers
    (`engines.exercises.answer_lexer`): the `names` declared (of many letters, or a letter that is
    else a constant), `imaginary` where i is the imaginary unit, `lists` where braces are sets and
    commas separate, `keys` for an author's functions, `scientific` where `2e3` is a number.
    """

    name: str
    words: bool = False
    letters: bool = False
    groups: bool = False
    mixed: bool = False
    names: frozenset[str] = frozenset()
    imaginary: bool = False
    lists: bool = False
    keys: bool = False
    scientific: bool = False


TEMPLATE = Dialect("template", words=True)
NUMBER = Dialect("number", groups=True, mixed=True)
NOTATION = Dialect("notation", letters=True, groups=True, mixed=True)


class Written(NamedTuple):
    """A number as it was written: its value, its shape, and the parts that forms ask about."""

    value: int | Fraction
    shape: Shape
    places: int = 0
    whole: int = 0
    num: int = 0
    den: int = 1


Token = tuple[str, str | Written, int]
"""One word: its kind (num, name, text, op, or a bracket or comma itself), value and place from 0.

A bare tuple: a learner waits for hundreds of them.
"""
Meant = tuple[str, str | Written]
"""Kind and value of a word."""


FUNCTION_NAMES = frozenset(
    ("gcd", "lcm", "min", "max", "abs", "sign", "floor", "ceil", "mod", "round", "choose",
     "isprime", "len", "sqrt", "if")
)  # fmt: skip
WORD_OPERATORS = frozenset(("and", "or", "not"))

_SAME = {
    **dict.fromkeys("−–—‐‑", "-"),
    **dict.fromkeys("×⋅·∙•∗", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys(
        "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u2060\u2066\u2067\u2068\u2069\ufeff\u00a0", " "
    ),
    **dict.fromkeys("\u202f\u2009", "\u2009"),
    "٫": ".",
    "٬": ",",
    "٪": "%",
    **dict.fromkeys("≤⩽≦", "≤"),
    **dict.fromkeys("≥⩾≧", "≥"),
    "≠": "≠",
}
_SUPERSCRIPT = {c: i for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_SUPERSCRIPTS = frozenset("⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_NUMBER = r"\d{1,3}(?:[,\u2009]\d{3})+(?![\d])(?:\.\d+)?|\d+\.?\d*|\.\d+"
_WORD = re.compile(
    r"""(?P<space>\s+|\\[,;:!\ ()]|\\quad(?![a-z])|~)
    |(?P<money>\$)
    |(?P<mixed>(\d+)\s+(?!0)(\d+)\s*/\s*(\d+)(?![\d.]))
    |(?P<latex_mixed>(\d+)\s*\\[dt]?frac\s*(?:\{\s*(\d+)\s*\}|(\d))\s*(?:\{\s*(\d+)\s*\}|(\d)))
    |(?P<vulgar>(\d*)\s*(?:([¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])|([⁰¹²³⁴⁵⁶⁷⁸⁹]+/[₀-₉]+)))
    |(?P<number>NUMBER)
    |(?P<latex>\\(?:[a-zA-Z]+|%))
    |(?P<power>[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)
    |(?P<name>[^\W\d_⁰¹²³⁴⁵⁶⁷⁸⁹₀-₉][^\W⁰¹²³⁴⁵⁶⁷⁸⁹₀-₉]*)
    |(?P<op>\*\*|==|!=|<=|>=|[-+*/^=<>≤≥≠!%])
    |(?P<bracket>[()\[\],{}])
    |(?P<text>'[^']*'|"[^"]*")""".replace("NUMBER", _NUMBER),
    re.VERBOSE,
)
_PIECE = re.compile(
    r"""\d+(?:\.\d+)?(?![eE][-+]?\d)(?=\s*(?:[-+*/^=<>()\[\]{}A-Za-z]|,(?!\d|[^\x00-\x7f])|\\(?![dt]?frac)|\Z))
    |[A-Za-z](?!\w|[^\x00-\x7f])|[-+/()\[\]{},%]|\^(?!\s*\{?\s*\\circ)|\*\*?|[=<>!]=?|\s+
    |\\(?:left|right|cdot|times)(?![a-zA-Z])|\\(?:[dt]?frac|sqrt)\{|(?s:.+)""",
    re.VERBOSE | re.ASCII,
)
"""A word that can be read in one way only, in any dialect that has it; most are such. Else it is
all that is left: no such rest looks like one of the words, for each of them may end a text."""
_REPEATED = re.compile(r"\d+\.\(\d+\)")
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_PLAIN_DECIMAL = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONG = 20
"""Signs from which a piece is not kept: it is seldom seen twice."""
_LATEX_OPERATOR = {
    "\\cdot": "*", "\\times": "*", "\\ast": "*", "\\div": "/", "\\%": "%", "\\le": "≤",
    "\\leq": "≤", "\\ge": "≥", "\\geq": "≥", "\\ne": "≠", "\\neq": "≠", "\\lt": "<", "\\gt": ">",
}  # fmt: skip
_ONE_SIGN = {"**": "^", "==": "=", "!=": "≠", "<=": "≤", ">=": "≥"}
_LATEX_NOTHING = frozenset(("\\left", "\\right", "\\displaystyle", "\\big", "\\Big"))
_FRACTIONS = frozenset(("\\frac", "\\dfrac", "\\tfrac"))
_GREEK = frozenset(
    ("\\alpha", "\\beta", "\\gamma", "\\delta", "\\theta", "\\lambda", "\\mu", "\\pi", "\\phi")
)


@lru_cache(maxsize=4096)
def _same_sign(char: str) -> str:
    """One sign for each sign: digits of any script, full-width forms, minus and times."""
    if char in _SAME:
        return _SAME[char]
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) == 1 and char not in _SUPERSCRIPTS else char


def plain(text: str) -> str:
    """The text with one sign for each sign, position by position, so that columns stay.

    >>> plain("٣ − ½")
    '3 - ½'
    """
    return text if text.isascii() else "".join(map(_same_sign, text))


class Lexer:
    """One pass over one text."""

    __slots__ = ("at", "calls", "dialect", "open", "out", "source", "wanted")
    read: ClassVar[dict[str, Callable[..., int]]] = {}
    """What reads a word of each kind, and returns where the next one begins."""
    root_kind: ClassVar[str] = "name"
    """The kind of word that a root is."""
    quick: ClassVar[dict[str, Meant]] = {}
    """What the words mean that can be read in one way only, but for most numbers."""
    quick_numbers: ClassVar[dict[str, Meant]] = {}
    """The same for a dialect without letters."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        source = plain(text)
        if source is not text and not (dialect.words or dialect is NOTATION):
            source = with_small_digits(text, source, dialect.names)
        self.source = source
        self.dialect = dialect
        self.at = 0
        self.out: list[Token] = []
        self.open: list[str] = []
        """Brackets still open; `frac1` and `frac2` are the braces of a fraction."""
        self.wanted = ""
        """Which half of a fraction has to come now."""
        self.calls = 0

    def words(self) -> list[Token]:
        """The words of the text, in order. Raises ExpressionError at what cannot be read."""
        end, out = len(self.source), self.out
        at = 0
        while at < end:
            if not self.wanted:
                at = self._quick_words(at)
            if at < end:
                self.at = at
                self._word()
                at = self.at
        if len(out) > LIMITS.nodes:
            raise TooLarge(end, f"at most {LIMITS.nodes} signs")
        if self.wanted or (self.open and any(b.startswith("frac") for b in self.open)):
            raise ExpressionError(end + 1, "the rest of the fraction", "the end")
        return out

    def _quick_words(self, at: int) -> int:
        """Read from a place on what can be read in one way only; where something else stands."""
        source, put, quick = self.source, self.out.append, self.quick
        if not (self.dialect.words or self.dialect.letters):
            quick = self.quick_numbers
        for piece in _PIECE.findall(source, at):
            known = quick.get(piece) or (_other_piece(piece) if len(piece) < _LONG else None)
            if known is None:
                if piece in self.quick and len(piece) == 1:
                    raise ExpressionError(at + 1, "a number", repr(piece))
                return at
            kind, value = known
            if kind == "(":
                self._opened(piece, at)
            elif kind == ")":
                self._closed(piece, at)
                if self.wanted and not source.startswith("{", at + 1):
                    return at + 1
            elif kind == "{":
                self._before_brace(value, at)
                self._opened("{", at + len(piece) - 1)
            elif kind:
                put((kind, value, at))
            at += len(piece)
        return at

    def _before_brace(self, word: str | Written, at: int) -> None:
        """Put a command whose first brace stands right behind it."""
        if word == "frac":
            self._put("(", "\\frac", at)
            self.wanted = "frac1"
        else:
            self._put(self.root_kind, "sqrt", at)

    def _word(self) -> None:
        """Read the next word, of any kind."""
        found = self._found()
        kind = found.lastgroup or ""
        if self.wanted and kind not in ("space", "money") and found.group() != "{":
            self._half()
        else:
            self.at = self.read[kind](self, found)

    def _found(self) -> re.Match[str]:
        found = _WORD.match(self.source, self.at)
        if found is None:
            raise ExpressionError(self.at + 1, "a number or a sign", _shown(self.source, self.at))
        return found

    def _put(self, kind: str, value: str | Written, at: int) -> None:
        self.out.append((kind, value, at))

    def _half(self) -> None:
        """Half of a fraction without braces: one digit or letter."""
        at, half = self.at, self.wanted
        char = self.source[at]
        if not (char.isdecimal() or char.isalpha()):
            raise ExpressionError(at + 1, "'{'", _shown(self.source, at))
        self.wanted = ""
        self._put("(", "\\frac", at)
        if char.isdecimal():
            self._put("num", _integer(char), at)
        else:
            self._put("name", char, at)
        self.at = at + 1
        self._half_done(half, at)

    def _half_done(self, half: str, at: int) -> None:
        self._put(")", ")", at)
        if half == "frac1":
            self._put("op", "/", at)
            self.wanted = "frac2"
        else:
            self._put(")", ")", at)

    def _space(self, found: re.Match[str]) -> int:
        return found.end()

    def _money(self, found: re.Match[str]) -> int:
        if self.dialect.words:
            raise ExpressionError(found.start() + 1, "a number or a sign", "'$'")
        return found.end()

    def _mixed(self, found: re.Match[str]) -> int:
        whole, num, den = (int(g) for g in found.groups() if g is not None and g.isdigit())
        if not self.dialect.mixed:
            raise ExpressionError(found.start() + 1, "a sign between two numbers", found.group())
        return self._mixed_number(found, whole, num, den)

    def _mixed_number(self, found: re.Match[str], whole: int, num: int, den: int) -> int:
        if not den:
            raise ExpressionError(found.end(), "a denominator other than 0", "0")
        value = whole + Fraction(num, den)
        self._put("num", Written(value, "mixed", 0, whole, num, den), found.start())
        return found.end()

    def _vulgar_parts(self, found: re.Match[str]) -> tuple[int, int, int]:
        """The whole number, numerator and denominator of a fraction in small digits."""
        whole, sign = [g for g in found.groups() if g is not None][1:3]
        small = unicodedata.normalize("NFKC", sign).replace("⁄", "/")
        num, den = (int(n) for n in small.split("/"))
        if not den:
            raise ExpressionError(found.end(), "a denominator other than 0", "0")
        return int(whole or "0"), num, den

    def _vulgar(self, found: re.Match[str]) -> int:
        whole, num, den = self._vulgar_parts(found)
        if whole and self.dialect.mixed:
            return self._mixed_number(found, whole, num, den)
        if whole:
            raise ExpressionError(found.start() + 1, "a sign between two numbers", found.group())
        written = Written(Fraction(num, den), "fraction", 0, 0, num, den)
        self._put("num", written, found.start())
        return found.end()

    def _number(self, found: re.Match[str]) -> int:
        text, at = found.group(), found.start()
        if _REPEATED.match(self.source, at):  # a third, or a product with a point before it?
            raise ExpressionError(found.end(), "a fraction where digits repeat", "'.('")
        if not self.dialect.groups or self.calls:
            plain_number = _PLAIN_NUMBER.match(self.source, at)
            text = plain_number.group() if plain_number else text
        elif self.source[at + len(text) : at + len(text) + 1] == "," and _digit_after(found):
            raise ExpressionError(found.end() + 1, "a decimal point (as in 1.5)", "','")
        self._put("num", _written(text), at)
        return at + len(text)

    def _name(self, found: re.Match[str]) -> int:
        word, at = found.group(), found.start()
        if word in FUNCTION_NAMES or self.dialect.words:
            self._put("op" if word in WORD_OPERATORS else "name", word, at)
            return found.end()
        if not self.dialect.letters:
            raise ExpressionError(at + 1, "a number", repr(word))
        letters = _letters(word)
        for i, letter in enumerate(letters):
            self._put("name", letter, at + i)
        return at + len(letters)

    def _latex(self, found: re.Match[str]) -> int:
        word, at = found.group(), found.start()
        if word in _FRACTIONS:
            self._put("(", "\\frac", at)
            self.wanted = "frac1"
        elif word in _LATEX_OPERATOR:
            self._put("op", _LATEX_OPERATOR[word], at)
        elif word == "\\sqrt":
            self._put("name", "sqrt", at)
        elif word in _GREEK and self.dialect.letters:
            self._put("name", word, at)
        elif word not in _LATEX_NOTHING:
            raise ExpressionError(at + 1, "a number or a sign", word)
        return found.end()

    def _power(self, found: re.Match[str]) -> int:
        text, at = found.group(), found.start()
        digits = "".join(str(_SUPERSCRIPT[c]) for c in text.lstrip("⁻"))
        self._put("op", "^", at)
        if text[0] == "⁻":
            self._put("op", "-", at)
        self._put("num", _integer(digits), at)
        return found.end()

    def _op(self, found: re.Match[str]) -> int:
        sign = found.group()
        self._put("op", _ONE_SIGN.get(sign, sign), found.start())
        return found.end()

    def _bracket(self, found: re.Match[str]) -> int:
        sign, at = found.group(), found.start()
        if sign in "([{":
            self._opened(sign, at)
        elif sign == ",":
            self._put(",", ",", at)
        else:
            self._closed(sign, at)
        return found.end()

    def _opened(self, sign: str, at: int) -> None:
        if len(self.open) >= LIMITS.depth:
            raise TooLarge(at + 1, f"at most {LIMITS.depth} brackets inside one another")
        after_function = bool(self.out) and self.out[-1][1] in FUNCTION_NAMES
        self.calls += after_function
        self.open.append(self.wanted or ("call" if after_function else sign))
        self.wanted = ""
        self._put("[" if sign == "[" else "(", sign, at)

    def _closed(self, sign: str, at: int) -> None:
        if not self.open:
            raise ExpressionError(at + 1, "no bracket, for none is open", f"'{sign}'")
        opened = self.open.pop()
        self.calls -= opened == "call"
        if opened.startswith("frac"):
            if sign != "}":
                raise ExpressionError(at + 1, "'}'", f"'{sign}'")
            self._half_done(opened, at)
        else:
            self._put("]" if sign == "]" else ")", sign, at)

    def _text(self, found: re.Match[str]) -> int:
        if not self.dialect.words:
            raise ExpressionError(found.start() + 1, "a number or a sign", "a quotation mark")
        self._put("text", found.group()[1:-1], found.start())
        return found.end()


@lru_cache(maxsize=1 << 14)
def _other_piece(piece: str) -> Meant | None:
    """What a number or a run of blanks of `_PIECE` means; None for what is another word."""
    if piece.isspace():
        return "", ""
    return ("num", _written(piece)) if _PLAIN_DECIMAL.fullmatch(piece) else None


Lexer.quick_numbers = {
    **{str(n): ("num", Written(n, "integer")) for n in range(200)},
    **{sign: ("op", sign) for sign in "+-*/^=<>!%"},
    **{sign: ("op", one) for sign, one in _ONE_SIGN.items()},
    **dict.fromkeys(("\\cdot", "\\times"), ("op", "*")),
    **dict.fromkeys("([{", ("(", "")),
    **dict.fromkeys(")]}", (")", "")),
    ",": (",", ","),
    **dict.fromkeys(("\\frac{", "\\dfrac{", "\\tfrac{"), ("{", "frac")),
    "\\sqrt{": ("{", "sqrt"),
    **dict.fromkeys((" ", "  ", "\\left", "\\right"), ("", "")),
}
Lexer.quick = {
    **Lexer.quick_numbers,
    **{letter: ("name", letter) for letter in string.ascii_letters},
}
Lexer.read = {
    "space": Lexer._space,
    "money": Lexer._money,
    "mixed": Lexer._mixed,
    "latex_mixed": Lexer._mixed,
    "vulgar": Lexer._vulgar,
    "number": Lexer._number,
    "name": Lexer._name,
    "latex": Lexer._latex,
    "power": Lexer._power,
    "op": Lexer._op,
    "bracket": Lexer._bracket,
    "text": Lexer._text,
}


def _letters(word: str) -> str:
    """The letters at the front of a word: `xy2` is x, y and then a number."""
    return re.match(r"[^\W\d_]*", word).group() or word[0]  # type: ignore[union-attr] # matches ""


def _digit_after(found: re.Match[str]) -> bool:
    return found.string[found.end() + 1 : found.end() + 2].isdigit()


def _shown(source: str, at: int) -> str:
    return repr(source[at]) if at < len(source) else "the end"


def _integer(digits: str) -> Written:
    return Written(int(digits), "integer")


def _written(text: str) -> Written:
    """A run of digits with its separators as a number."""
    text = text.replace(",", "").replace("\u2009", "")
    whole, _, places = text.partition(".")
    if not places:
        return _integer(whole)
    value = Fraction(int((whole or "0") + places), 10 ** len(places))
    return Written(narrowed(value), "decimal", len(places))


def narrowed(value: Fraction) -> int | Fraction:
    """The value as an int where it is whole: arithmetic on ints is ten times faster."""
    return value.numerator if value.denominator == 1 else value


def tokens(text: str, dialect: Dialect) -> list[Token]:
    """The words of a text, in order. Raises ExpressionError with the column of what cannot be read.

    >>> [value for kind, value, _ in tokens("a*x >= 2", TEMPLATE) if kind != "num"]
    ['a', '*', 'x', '≥']
    """
    if len(text) > LIMITS.code_points:
        raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
    return Lexer(text, dialect).words()
