r"""Every number a text states, however it is written. This file is that reading.

It is wider than an answer's reader: words, LaTeX, mixed numbers, percents, digits and letters that
were spaced out, all equal values alike. It works on folded text (`engines.exercises.folding`).
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engines.exercises.spoken import in_digits

MOST_DIGITS = 40
"""A number of more digits is no answer of any exercise, and costs time to compare."""
_APART = "\x02"
"""Stands before a fraction, for a whole number before it makes it mixed and a minus is its sign."""


class Stated(NamedTuple):
    """A number of a flattened text: where, its value, how it is written, and what kind of reading.

    `written` is one spelling for one way of writing: `7`, `6/8`, `1 1/2`, `3/4d` for 0.75, `75%`.
    `places` are decimals written. `weak` marks an everyday word (`one`); `joined` one that was put
    together from single digits or letters.
    """

    start: int
    end: int
    value: Fraction
    written: str
    places: int = 0
    weak: bool = False
    joined: bool = False


# --- LaTeX and marks made flat --------------------------------------------------------------------

_ANY_MARK = re.compile(r"[\\*_~`${}^√]")
_FRAC = re.compile(
    r"(?:\\|(?<![a-z\\]))[dtcs]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))"
)
_OVER = re.compile(r"\{([^{}]*)\\over(?![a-zA-Z])([^{}]*)\}")
_COLOUR = re.compile(r"\\(?:textcolor|colorbox|color)\s*\{[^{}]*\}|\\h?space\*?\s*\{[^{}]*\}")
_NOTHING = re.compile(
    r"\\(?:left|right|displaystyle|textstyle|limits|[Bb]ig+[lr]?|[,;:!]|mathord)(?![a-zA-Z])"
)
_WORN = re.compile(
    r"\\(?:text\w*|math\w*|operatorname|boxed|fbox|mbox|hbox|underline|overline|bold\w*|bf|rm|it"
    r"|em|emph|strut|ensuremath)(?![a-zA-Z])\*?"
)
_SIGNS = {
    "\\cdot": "×", "\\times": "×", "\\ast": "×", "\\div": "÷", "\\%": "%", "\\approx": "≈",
    "\\sim": "≈", "\\simeq": "≈", "\\cong": "≈", "\\ne": "≠", "\\neq": "≠", "\\le": "≤",
    "\\leq": "≤", "\\ge": "≥", "\\geq": "≥", "\\lt": "<", "\\gt": ">", "\\to": "→",
    "\\rightarrow": "→", "\\Rightarrow": "→", "\\implies": "→", "\\therefore": "→",
    "\\longrightarrow": "→", "\\equiv": "=", "\\colon": ":", "\\pm": "±", "\\$": "",
}  # fmt: skip
_COMMAND = re.compile(r"\\(?:[a-zA-Z]+|.)|\\$", re.DOTALL)
_BLANKS = dict.fromkeys(("\\ ", "\\quad", "\\qquad", "\\(", "\\)", "\\[", "\\]", "\\\\"), " ")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]*)\}|√\s*(\d+)")
_TWICE = re.compile(r"\{\s*\{([^{}]*)\}\s*\}")
_SHORT_POWER = re.compile(r"\^\{\s*(-?\w+)\s*\}")
_WHOLE = re.compile(r"\s*([-+]?)\s*(\d+)\s*")
_MARKS = re.compile(r"\*\*|__|~~|[`$]|(?<![\w)\]}*])\*(?=\S)|(?<=\S)\*(?![\w(\[{\\*-])")
_RAISED = re.compile(r"(?<=\^)([-+]?\d)\^(?=[-+]?\d)|\^(\d+)(?=\s*⁄)")


def _frac(found: re.Match[str]) -> str:
    return _over(found[1] or found[2] or "", found[3] or found[4] or "")


def _over(top: str, below: str) -> str:
    whole = _WHOLE.fullmatch(top)
    if whole and _WHOLE.fullmatch(below):
        sign = "-" if whole[1] == "-" else ""
        return f"{_APART}{sign}{whole[2]}/{below.strip()} "
    return f" (({top.strip()})/({below.strip()})) "


def flat(text: str, *, exact: bool = False) -> str:
    r"""A folded text in lower case without LaTeX's and Markdown's marks.

    With `exact` nothing that groups or computes is lost: braces are brackets, and a command that is
    not known is a sign no expression has.

    >>> flat(r"**It** is $\dfrac{7}{8}$ or $1\frac12$").split()
    ['it', 'is', '7/8', 'or', '1', '1/2']
    """
    text = text.lower()
    if _ANY_MARK.search(text) is None:
        return text
    if "\\" in text or "√" in text or "frac{" in text:
        text = _WORN.sub("", _NOTHING.sub("", _COLOUR.sub("", text)))
        text = _TWICE.sub(r"{\1}", _SHORT_POWER.sub(r"^\1", text))
        for _ in range(4):
            made = _OVER.sub(lambda m: _over(m[1], m[2]), _FRAC.sub(_frac, text))
            if made == text:
                break
            text = made
        text = text.replace(f"-{_APART}", "-").replace(_APART, " ")
        if exact:
            text = _ROOT.sub(r"sqrt(\1\2)", text)
        unknown = "¿" if exact else " "
        text = _COMMAND.sub(lambda m: _SIGNS.get(m[0], _BLANKS.get(m[0], unknown)), text)
    if "^" in text:
        while (made := _RAISED.sub(lambda m: m[1] or m[2], text)) != text:
            text = made
    text = _MARKS.sub("", text)
    if "{" not in text and "}" not in text:
        return text
    text = text.replace("{,}", ",")
    if exact:
        return text.replace("{", "(").replace("}", ")")
    return text.replace("{", "").replace("}", "")


# --- numbers of a flat text -----------------------------------------------------------------------

_NUMBER = re.compile(
    r"""(?P<sign>-\s*)?(?P<weak>\x01)?
    (?:(?:(?P<w>\d+)\s+)?(?P<n>\d+)\s*[/⁄]\s*(?P<sd>-)?(?P<d>\d+)(?!\.?\d)
    |(?P<grouped>\d{1,3}(?:(?P<by>[,'\s])\d{3})(?:(?P=by)\d{3})*(?!\d)(?:\.\d+)?)
    |(?P<decimal>\d+(?:\.\d+)?|\.\d+))(?P<percent>\s*%)?""",
    re.VERBOSE,
)
_SINGLES = re.compile(
    r"-?\x01?(?<![\d.,/])\d(?:(?:[\s_\x01]{0,2}\.)?(?:[\s_\x01]{1,3}|[-*])\d)+(?!\d|\s*[/⁄])"
)
_COMMA = re.compile(r"(?<![\d.,])-?\d+,\d+(?!\d|[.,]\d)")
_NOT_DIGITS = re.compile(r"[^\d.]+")
_BRACKETED = re.compile(r"\(\(([-+]?\d+(?:\.\d+)?)\)/\(([-+]?\d+(?:\.\d+)?)\)\)")
_OPERAND = re.compile(r"(?:[\d)\]%]|(?<![^\W\d_])[^\W\d_])\s*$")
_WORD_BEFORE = re.compile(r"[^\W\d_]\s+$|[^\W\d_]{2}$|^\s*$|[\n:;,.!?(\"]\s*$")


@lru_cache(maxsize=4096)
def _quotient(top: str, below: str, whole: str) -> tuple[Fraction, str] | None:
    """The value of a fraction and how it is written; None for a division by zero."""
    if not int(below):
        return None
    part = Fraction(int(top), int(below))
    written = f"{int(top)}/{int(below)}"
    return int(whole or 0) + part, f"{whole} {written}" if whole else written


@lru_cache(maxsize=4096)
def _decimal(text: str) -> tuple[Fraction, str, int]:
    """The value of digits with or without a point, how it is written, and its decimals."""
    value = Fraction(text)
    return value, f"{value}d" if "." in text else f"{value}", len(text.partition(".")[2])


def stated(text: str) -> list[Stated]:
    """The numbers of a flat text in digits, all readings, in no order.

    A minus after an operand is an operation. A comma may group or be decimal, `1 1/2` may be two
    numbers: then all are read.

    >>> [str(s.value) for s in stated("x - 3 = -1/2, 1 1/2, 75%, 1,200")]
    ['3', '-1/2', '3/2', '1/2', '3/4', '1200', '6/5']
    >>> [str(s.value) for s in stated("1 2") if s.joined]
    ['12']
    """
    found: list[Stated] = []
    for match in _NUMBER.finditer(text):
        if match.end() - match.start() <= MOST_DIGITS:
            _read(match, text, found)
    if len(found) > 1:
        for match in _SINGLES.finditer(text):
            found += _singles(match)
    if "," in text:
        for match in _COMMA.finditer(text):
            found += _comma(match)
    if "((" in text:
        for match in _BRACKETED.finditer(text):
            found += _bracketed(match)
    return found


def _read(match: re.Match[str], text: str, found: list[Stated]) -> None:
    sign, weak, whole, top, minus, below, grouped, by, digits, percent = match.groups()
    places = 0
    if below is not None:
        size = _quotient(top, below, whole or "")
        if size is None:
            return
        value, written = size
        value = -value if minus else value
    else:
        value, written, places = _decimal(grouped.replace(by, "") if grouped else digits)
    if percent:
        value, written, places = value / 100, f"{value}%", places + 2
    start, end = match.span()
    if sign is None:
        found.append(Stated(start, end, value, written, places, weak is not None))
    else:
        for factor in _signs(match, text):
            at = start if factor < 0 else start + len(sign)
            found.append(
                Stated(at, end, -value if factor < 0 else value, written, places, weak is not None)
            )
    if whole is not None and (part := _quotient(top, below, "")) is not None:
        found.append(Stated(start, end, part[0], part[1]))  # `2 3/4` may be two numbers


def _signs(match: re.Match[str], text: str) -> tuple[int, ...]:
    """Whether a minus before a number is its sign, an operation, or perhaps a dash."""
    sign = match["sign"]
    if not sign:
        return (1,)
    before = text[max(0, match.start() - 8) : match.start()]
    if _OPERAND.search(before):
        return (1,)
    if len(sign) > 1 and _WORD_BEFORE.search(before):
        return (-1, 1)
    return (-1, 1) if before[-1:].isalpha() else (-1,)


def _singles(match: re.Match[str]) -> list[Stated]:
    digits = _NOT_DIGITS.sub("", match[0])
    if digits.count(".") > 1 or len(digits) > MOST_DIGITS or digits.endswith("."):
        return []
    value = Fraction(f"-{digits}" if match[0][0] == "-" else digits)
    places = len(digits.partition(".")[2])
    written = f"{abs(value)}d" if places else f"{abs(value)}"
    return [Stated(match.start(), match.end(), value, written, places, joined=True)]


def _comma(match: re.Match[str]) -> list[Stated]:
    text = match[0].replace(",", ".")
    if len(text) > MOST_DIGITS:
        return []
    value, places = Fraction(text), len(text.partition(".")[2])
    return [Stated(match.start(), match.end(), value, f"{abs(value)}d", places)]


def _bracketed(match: re.Match[str]) -> list[Stated]:
    """A fraction whose parts are decimals, as LaTeX may write it."""
    below = Fraction(match[2])
    if not below or len(match[0]) > MOST_DIGITS:
        return []
    value = Fraction(match[1]) / below
    return [Stated(match.start(), match.end(), value, f"{match[1]}/{match[2]}")]


def numbers_of(text: str) -> list[Stated]:
    """The numbers a folded text states: flattened, its words in digits.

    >>> from engines.exercises.folding import folded
    >>> [str(s.value) for s in numbers_of(folded("⅞, or seven eighths, or 87.5 per cent"))]
    ['7/8', '7/8', '7/8']
    """
    return stated(in_digits(flat(text)))
