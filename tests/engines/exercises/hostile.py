"""Strings that are meant to break a reader of mathematics. This file draws them from a seed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_DIGITS = "".join(
    chr(zero + dice) for zero in (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10, 0x1D7CE, 0x1D7D8)
    for dice in range(10)
)  # fmt: skip
_ODD_NUMBERS = "①⑨⑩Ⅷⅷ½¾⅚⅒²³⁹₀₉〇五㈠㊿௱༳"
_MARKS = (
    "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\u200b\u200d\ufeff"
)
_BROKEN = "\x00\x07\x1b\x7f\ud800\udfff\ufffe\uffff\u0300\u0338\u20d2\U000e0041\U0010ffff💥"
_LATEX = (
    "\\frac", "\\frac{", "\\dfrac12", "\\sqrt", "\\sqrt[", "\\left(", "\\right)", "\\left|",
    "\\begin{bmatrix}", "\\end{bmatrix}", "\\begin{", "\\\\", "\\cdot", "\\times", "\\pm", "\\mp",
    "\\infty", "\\cup", "\\le", "\\sin", "\\log_", "\\ln", "\\text{", "\\mathrm{",
    "\\operatorname{",
    "\\input{/etc/passwd}", "\\def\\x{\\x\\x}\\x", "\\newcommand", "\\%", "\\$", "$$", "$", "\\,",
    "^{", "_{", "}", "{", "&", "\\overline{", "\\over", "\\choose", "\\binom{",
)  # fmt: skip
_TOKENS = (
    "x", "y", "e", "pi", "π", "i", "0", "1", "7", "12", "3.5", "1,000", "0.0001", "+", "-", "−",
    "*", "/", "^", "**", "(", ")", "[", "]", "{", "}", "|", "=", "<", ">", "≤", "≥", "≠", "!", "%",
    "°", ",", ";", ":", ".", "±", "∓", "√", "∛", "∞", "∪", "∩", "sin", "cos", "tan", "ln", "log",
    "sqrt", "root", "abs", "exp", "and", "or", "not", "if", "gcd(", "choose(", "@{", "'", '"', "\\",
    " ", "\t", "\n", "\u2009", "²", "⁻¹", "½", "·", "÷",
)  # fmt: skip


def _nested(dice: Random) -> str:
    pairs = [
        ("(", ")"), ("[", "]"), ("{", "}"), ("|", "|"), ("\\frac{1}{", "}"), ("\\sqrt{", "}"),
        ("sqrt(", ")"), ("sin(", ")"), ("-(", ")"), ("2^(", ")"), ("1/(1+", ")"), ("\\left(",
        "\\right)"),
        ("abs(", ")"), ("ln(", ")"), ("(x+", ")^2"), ("{", ", 1}"), ("not ", ""), ("-", ""),
        ("√", ""),
    ]  # fmt: skip
    depth = dice.choice([3, 20, 59, 60, 61, 62, 100, 150])
    opened, closed = dice.choice(pairs)
    if dice.random() < 0.3:
        closed = ""
    inside = dice.choice(["x", "1", "", "9^9^9", "1/0", "x+y"])
    return opened * depth + inside + closed * dice.choice([depth, depth, depth - 1, depth + 1])


def _huge(dice: Random) -> str:
    big = dice.choice(
        ["9" * 40, "9" * 290, "1000", "1001", "99999", "4096", "-1000", "1e999", "0.5"]
    )
    base = dice.choice(
        ["9", "x", "(x+1)", "(x+y+z+1)", "2", "(-2)", "0", "1.0001", "e", "(1/3)", "i"]
    )
    forms = [
        f"{base}^{big}", f"{base}^{base}^{big}", f"{base}^({big})", f"({base}^{big})^{big}",
        f"{big}!", f"{base}!!!", f"({base}!)!", f"100!*100!*100!*{base}", f"{big}*{big}*{big}",
        f"{base}^(1/{big})", f"sqrt({big})", f"root({big}, {base})", f"exp({big})",
        f"exp(exp({big}))",
        f"0^{base}", f"1/({base}-{base})", f"log({big})", f"log_{base}({big})", f"sin({big})",
        f"choose({big}, 500)", f"{base}^{big}-{base}^{big}", f"tan(pi/2)*{base}",
        f"x^{big}+1/x^{big}",
        f"\\sqrt[{big}]{{{base}}}", f"{base}" + "^2" * 60, f"({base}" + ")^9" * 30, f"{base}²³⁹",
        f"x^{big}=y^{big}", f"{{{big}, {base}^{big}}}", f"[{base}, {big})", f"{big}%%%%%%",
    ]  # fmt: skip
    return dice.choice(forms)


def _scripts(dice: Random) -> str:
    alphabet = _DIGITS + _ODD_NUMBERS + "+-*/^.,٫٬=()x"
    return "".join(dice.choice(alphabet) for _ in range(dice.randint(1, 60)))


def _marked(dice: Random) -> str:
    text = dice.choice(["3/4", "2x+1", "x=3", "[2, 5)", "{1, 2}", "-3^2", "1 1/2", "1.234,5"])
    for _ in range(dice.randint(1, 30)):
        at = dice.randint(0, len(text))
        text = text[:at] + dice.choice(_MARKS + _BROKEN) + text[at:]
    return text


def _latex(dice: Random) -> str:
    parts = [dice.choice((*_LATEX, *_TOKENS[:30])) for _ in range(dice.randint(1, 40))]
    return "".join(parts)


def _soup(dice: Random) -> str:
    return dice.choice(["", "", " "]).join(dice.choice(_TOKENS) for _ in range(dice.randint(1, 80)))


def _wide(dice: Random) -> str:
    """Much side by side, up to the most signs and beyond."""
    piece = dice.choice(
        ["(x+1)", "+x", "*x", "/x", "-", "+", "!", "%", "x", "1", "±1", "1±", "{1},", "x=",
         "<x", "1,",
         "(x-y)^9", "sin x", "sqrt2", "√x", "|x|", "|", "∪[1,2]", "\\frac12", "x²", "9^9*",
         "1/7+", "--",
         "\\pm2", "(1±x)", "1 ", "½", "^2", "°", "\\\\ 1 & 2"]
    )  # fmt: skip
    n = dice.choice([2, 10, 40, 100, 300 // len(piece), 301 // len(piece) + 1, 3_000])
    head = dice.choice(["", "x", "1", "{", "\\begin{bmatrix} 1 & 2 "])
    return head + piece * n + dice.choice(["", "1", "x", "}", " \\end{bmatrix}"])


def _mended(dice: Random) -> str:
    """Something sound with a few signs changed."""
    text = list(
        dice.choice(
            ["\\frac{x^2-9}{x+3}", "3(x+2)^2-5", "y = -2x + 7", "(-\\infty, 3] ∪ (5, ∞)", "{-2, 4}",
             "\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}", "\\sqrt[3]{16x^4}", "2·10^{-3}",
             "\\sin^2(x)+\\cos^2(x)", "|x-3| \\le 5", "1 1/2",
             "\\frac{-1}{3}\\pm\\frac{\\sqrt{13}}{3}"]
        )
    )  # fmt: skip
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(text))
        change = dice.randrange(3)
        if change == 0 and len(text) > 1:
            del text[at]
        elif change == 1:
            text.insert(at, dice.choice(_TOKENS))
        else:
            text[at] = dice.choice((*_TOKENS, *_MARKS, *_DIGITS[:20]))
    return "".join(text)


_KINDS: tuple[Callable[[Random], str], ...] = (
    _nested, _huge, _scripts, _marked, _latex, _soup, _wide, _mended,
)  # fmt: skip


def hostile(n: int, seed: int = 1) -> list[str]:
    """So many strings, each kind in turn; the same for a seed on every machine."""
    dice = Random(seed)
    return [_KINDS[at % len(_KINDS)](dice) for at in range(n)]
