r"""The words of learners' answers: sets, intervals, matrices, functions. This file is their lexer.

It reads what the lexer of templates reads, and more: `\pm`, `|x|`, `log_2`, `\begin{bmatrix}`,
Greek letters, `≤` and `∪`. A run of letters is cut into known names, else into single letters.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from engines.exercises.lexer import Dialect, Lexer, Shape, Token, Written, plain
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.typed import INDEX_DIGITS

ROOTS = frozenset(("sqrt", "root"))
ANSWER_FUNCTIONS: dict[str, tuple[int, int]] = {
    "sqrt": (1, 1), "root": (2, 2), "abs": (1, 1), "exp": (1, 1), "ln": (1, 1), "log": (1, 1),
    "log_b": (2, 2), "sin": (1, 1), "cos": (1, 1), "tan": (1, 1), "asin": (1, 1), "acos": (1, 1),
    "atan": (1, 1),
}  # fmt: skip
"""Functions of answers, with the fewest and the most values they take."""
KEY_FUNCTIONS: dict[str, tuple[int, int]] = {
    "gcd": (1, 20), "lcm": (1, 20), "min": (1, 20), "max": (1, 20), "sign": (1, 1),
    "floor": (1, 1), "ceil": (1, 1), "mod": (2, 2), "round": (1, 2), "choose": (2, 2),
}  # fmt: skip
"""Functions an author may use besides, of numbers that are known when the item is drawn."""
_OTHER_NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ",
    "lambda": "λ", "mu": "μ", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω",
}  # fmt: skip
_GREEK_WORDS = frozenset(GREEK) - {"mu", "rho", "tau", "phi"}
"""Greek letters that may be spelled without a backslash; the short ones are products."""
_PLAIN_WORDS = {
    **{name: ("fn", name) for name in ANSWER_FUNCTIONS if name != "log_b"},
    **{name: ("fn", one) for name, one in _OTHER_NAMES.items()},
    "pi": ("symbol", "pi"),
    **{name: ("name", GREEK[name]) for name in _GREEK_WORDS},
}
_ENDS = frozenset(("inf", "infinity", "infty", "oo"))
"""How the ends of an interval without end are spelled."""
_LATEX_WORDS = {
    **{f"\\{name}": ("fn", name) for name in ANSWER_FUNCTIONS if name != "log_b"},
    **{f"\\{name}": ("fn", one) for name, one in _OTHER_NAMES.items()},
    **{f"\\{name}": ("name", sign) for name, sign in GREEK.items()},
    "\\varepsilon": ("name", "ε"), "\\varphi": ("name", "φ"), "\\vartheta": ("name", "θ"),
    "\\pi": ("symbol", "pi"), "\\infty": ("symbol", "inf"),
    "\\pm": ("op", "±"), "\\mp": ("op", "∓"), "\\cup": ("op", "∪"), "\\in": ("op", "∈"),
    "\\lt": ("op", "<"), "\\gt": ("op", ">"), "\\degree": ("op", "°"),
    "\\lor": ("or", "or"), "\\vee": ("or", "or"), "\\land": ("or", "and"), "\\wedge": ("or", "and"),
    "\\emptyset": ("empty", "∅"), "\\varnothing": ("empty", "∅"), "\\lbrace": ("{", "{"),
    "\\rbrace": ("}", "}"), "\\lvert": ("|", "|"), "\\rvert": ("|", "|"), "\\vert": ("|", "|"),
    "\\mid": ("|", "|"),
}  # fmt: skip
_NO_SIGN = frozenset(("\\displaystyle", "\\limits", "\\quad", "\\qquad"))
_SIGNS = {
    "±": ("op", "±"), "∓": ("op", "∓"), "∪": ("op", "∪"), "∈": ("op", "∈"), "°": ("op", "°"),
    "∞": ("symbol", "inf"), "√": ("fn", "sqrt"), "∅": ("empty", "∅"), "|": ("|", "|"),
    ";": (";", ";"), "&": (",", ","), "∨": ("or", "or"), "∧": ("or", "and"), "\\\\": (";", "row"),
    "\\{": ("{", "{"), "\\}": ("}", "}"), "\\|": ("|", "|"),
}  # fmt: skip
_MORE = re.compile(
    r"(?P<matrix>\\begin\s*\{[a-z]*matrix\})|(?P<end>\\end\s*\{[a-z]*matrix\})"
    r"|(?P<grouped>\\(?:text|mathrm|operatorname|mathbb|mathit|mbox)\s*\{\s*(?P<inner>[a-zA-Z]*)\s*\})"
    r"|(?P<circle>\^\s*(?:\\circ(?![a-zA-Z])|\{\s*\\circ\s*\}))|(?P<sign>\\[\\{}|]|[±∓∪∈°∞√∅|;&∨∧])"
    r"|(?P<higher>[∛∜])"
)
_MORE_SIGNS = frozenset("\\^|;&")
"""What a word of `_MORE` begins with, of ASCII."""
_SUBSCRIPT = re.compile(r"_(?:(\d{1,4}|[a-zA-Z])|\{\s*([a-zA-Z0-9]{1,8})\s*\})|([₀-₉]{1,4})")
_POWER = re.compile(
    r"\s*\^\s*(?:\{\s*(-?\d{1,3})\s*\}|\(\s*(-?\d{1,3})\s*\)|(-?\d{1,3}))|\s*(⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})"
)
_SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_BASE = re.compile(r"\s*_\s*(?:(\d{1,9})|([a-zA-Z])|([({]))|(?P<low>[₀-₉]{1,9})")
_INDEX = re.compile(r"\s*\[")
_LETTERS = re.compile(r"[^\W\d_⁰¹²³⁴⁵⁶⁷⁸⁹₀-₉]+")
_TIMES_TEN = re.compile(r"[eE]([-+]?)(\d{1,4})(?![\d.])", re.ASCII)
_TEN = frozenset("eE")
"""Letters that stand for a power of ten, unless they are declared."""
_BEGINS_NUMBER = frozenset(("op", "(", "[", "{", ",", ";", "or", "fn", "|", "index)"))
"""Kinds of words behind which a number begins an operand."""
_MOST_LETTERS = 2
"""Letters that an author may write side by side for a product; more are a name mistyped."""
_LONGEST = max(map(len, (*_PLAIN_WORDS, *_ENDS)))
_EMPTY = frozenset("Øø")
"""Letters of Nordic keyboards that are typed for the empty set."""


class AnswerLexer(Lexer):
    """One pass over one answer."""

    __slots__ = ()
    root_kind = "fn"

    def _found(self) -> re.Match[str]:
        first = self.source[self.at]
        if first in _MORE_SIGNS or first > "\x7f":
            return _MORE.match(self.source, self.at) or super()._found()
        return super()._found()

    # --- names ------------------------------------------------------------------------------

    def _name(self, found: re.Match[str]) -> int:
        at = found.start()
        name = self._declared(at)
        if name:
            self._put("name", name, at)
            return at + len(name)
        word = _LETTERS.match(self.source, at)
        assert word is not None
        letters = word.group()
        if letters in ("or", "and", "in") and self.dialect.lists:
            self._put(*(("op", "∈") if letters == "in" else ("or", letters)), at)
            return word.end()
        if letters in _EMPTY and self.dialect.lists:
            return self._known("empty", "∅", at, word.end())
        for length in range(min(len(letters), _LONGEST), 1, -1):
            known = _PLAIN_WORDS.get(letters[:length]) or self._more_names(letters[:length])
            if known is not None:
                return self._known(*known, at, at + length)
        if self.dialect.keys and len(letters) > _MOST_LETTERS:
            raise ExpressionError(at + 1, "a declared name, or a sign between letters", letters)
        return self._letter(letters[0], at)

    def _more_names(self, word: str) -> tuple[str, str] | None:
        """Names of lists alone, and those of an author."""
        if word in _ENDS and self.dialect.lists:
            return "symbol", "inf"
        return ("fn", word) if word in KEY_FUNCTIONS and self.dialect.keys else None

    def _declared(self, at: int) -> str:
        """The longest declared name that stands here."""
        names = [n for n in self.dialect.names if self.source.startswith(n, at)]
        return max(names, key=len, default="")

    def _letter(self, letter: str, at: int) -> int:
        if letter == "π":
            return self._known("symbol", "pi", at, at + 1)
        index = _SUBSCRIPT.match(self.source, at + 1)
        if index is None:
            self._put("name", letter, at)
            return at + 1
        digits = index[1] or index[2] or index[3].translate(INDEX_DIGITS)
        self._put("name", f"{letter}_{digits}", at)
        return index.end()

    def _known(self, kind: str, name: str, at: int, end: int) -> int:
        """Put a known name; a function takes its base, index or power with it."""
        if kind != "fn":
            self._put(kind, name, at)
            return end
        if name == "log":
            base = _BASE.match(self.source, end)
            if base is not None:
                self._put("fn", "log_b", at)
                return self._index(base)
        if name == "sqrt" and self.source[at] == "\\":
            index = _INDEX.match(self.source, end)
            if index is not None:
                self._put("fn", "root", at)
                self._open_index("[", index.end() - 1)
                return index.end()
        self._put("fn", name, at)
        power = None if name in ROOTS else _POWER.match(self.source, end)
        if power is None:
            return end
        digits = next(g for g in power.groups() if g is not None).translate(_SUPERSCRIPT)
        self._put("power", digits, power.start())
        return power.end()

    def _index(self, base: re.Match[str]) -> int:
        """The base of a logarithm, in brackets of its own."""
        if base[3]:
            self._open_index(base[3], base.start(3))
            return base.end()
        digits = base[1] or (base["low"] or "").translate(INDEX_DIGITS)
        at = next(base.start(group) for group in (1, 2, "low") if base[group])
        self._put("index(", "(", at)
        if digits:
            self._put("num", Written(int(digits), "integer"), at)
        else:
            self._put("name", base[2], at)
        self._put("index)", ")", at)
        return base.end()

    def _open_index(self, sign: str, at: int) -> None:
        if len(self.open) >= LIMITS.depth:
            raise TooLarge(at + 1, f"at most {LIMITS.depth} brackets inside one another")
        self.open.append("index")
        self._put("index(", sign, at)

    # --- signs ------------------------------------------------------------------------------

    def _latex(self, found: re.Match[str]) -> int:
        word, at = found.group(), found.start()
        known = _LATEX_WORDS.get(word)
        if known is not None:
            return self._known(*known, at, found.end())
        if word in _NO_SIGN:
            return found.end()
        return super()._latex(found)

    def _grouped(self, found: re.Match[str]) -> int:
        r"""`\operatorname{asin}`, `\text{ or }`, `\mathbb{R}`: the word inside."""
        word, at = found["inner"], found.start()
        if word in ("or", "and"):
            self._put("or", word, at)
        elif word in _PLAIN_WORDS:
            return self._known(*_PLAIN_WORDS[word], at, found.end())
        elif len(word) == 1 or word in self.dialect.names:
            self._put("name", word, at)
        elif word:
            raise ExpressionError(at + 1, "a number or a sign", repr(word))
        return found.end()

    def _sign(self, found: re.Match[str]) -> int:
        kind, value = _SIGNS[found.group()]
        return self._known(kind, value, found.start(), found.end())

    def _vulgar(self, found: re.Match[str]) -> int:
        whole, num, den = self._vulgar_parts(found)
        shape: Shape = "mixed" if whole else "fraction"
        written = Written(whole + Fraction(num, den), shape, 0, whole, num, den)
        self._put("num", written, found.start())
        return found.end()

    def _higher(self, found: re.Match[str]) -> int:
        at = found.start()
        self._put("fn", "root", at)
        self._put("index(", "(", at)
        self._put("num", Written(3 if found.group() == "∛" else 4, "integer"), at)
        self._put("index)", ")", at)
        return found.end()

    def _circle(self, found: re.Match[str]) -> int:
        self._put("op", "°", found.start())
        return found.end()

    def _matrix(self, found: re.Match[str]) -> int:
        self.open.append("matrix")
        self._put("[", "matrix", found.start())
        return found.end()

    def _end(self, found: re.Match[str]) -> int:
        if not self.open or self.open.pop() != "matrix":
            raise ExpressionError(found.start() + 1, "no end, for no matrix is open", found.group())
        self._put("]", "matrix", found.start())
        return found.end()

    def _opened(self, sign: str, at: int) -> None:
        if len(self.open) >= LIMITS.depth:
            raise TooLarge(at + 1, f"at most {LIMITS.depth} brackets inside one another")
        last = self.out[-1] if self.out else ("", "", 0)
        called = last[0] in ("fn", "index)")
        kind = "[" if sign == "[" else "("
        if sign == "{" and self.dialect.lists and not (self.wanted or called or last[1] == "^"):
            kind = "{"
        self.calls += called
        self.open.append(self.wanted or ("call" if called else kind) + sign)
        self.wanted = ""
        self._put(kind, sign, at)

    def _closed(self, sign: str, at: int) -> None:
        if not self.open:
            raise ExpressionError(at + 1, "no bracket, for none is open", f"'{sign}'")
        opened = self.open[-1]
        if opened != "index" and (sign == "}") != (opened.endswith("{") or opened[:4] == "frac"):
            raise ExpressionError(at + 1, "another bracket", f"'{sign}'")
        self.open.pop()
        self.calls -= opened.startswith("call")
        if opened.startswith("frac"):
            self._half_done(opened, at)
        elif opened == "index":
            self._put("index)", sign, at)
        else:
            self._put("}" if opened == "{{" else "]" if sign == "]" else ")", sign, at)

    def _number(self, found: re.Match[str]) -> int:
        power = self._power_of_ten(found.end())
        if power is None:
            return self._plain_number(found)
        at, (sign, digits) = power.start(), power.groups()
        self._put("(", "e", found.start())
        self._plain_number(found)
        self._put("op", "*", at)
        self._put("num", Written(10, "integer"), at)
        self._put("op", "^", at)
        if sign == "-":
            self._put("op", "-", at)
        self._put("num", Written(int(digits), "integer"), power.start(2))
        self._put(")", ")", at)
        return power.end()

    def _power_of_ten(self, at: int) -> re.Match[str] | None:
        """The rest of a number as calculators show it: `e9`."""
        if not self.dialect.scientific or self.dialect.names & _TEN:
            return None
        behind = bool(self.out) and self.out[-1][0] not in _BEGINS_NUMBER
        return None if behind else _TIMES_TEN.match(self.source, at)

    def _plain_number(self, found: re.Match[str]) -> int:
        if self.dialect.lists:
            self.calls += 1  # a comma separates, as in a call
            end = super()._number(found)
            self.calls -= 1
            return end
        return super()._number(found)


AnswerLexer.read = {
    **Lexer.read,
    "name": AnswerLexer._name,
    "latex": AnswerLexer._latex,
    "bracket": AnswerLexer._bracket,
    "number": AnswerLexer._number,
    "vulgar": AnswerLexer._vulgar,
    "matrix": AnswerLexer._matrix,
    "end": AnswerLexer._end,
    "grouped": AnswerLexer._grouped,
    "sign": AnswerLexer._sign,
    "higher": AnswerLexer._higher,
    "circle": AnswerLexer._circle,
}


def answer_tokens(text: str, dialect: Dialect) -> list[Token]:
    r"""The words of an answer, in order. Raises ExpressionError with the column of a fault.

    >>> [value for _, value, _ in answer_tokens(r"2sin x ≤ \pi", answer_dialect())][1:]
    ['sin', 'x', '≤', 'pi']
    """
    if len(text) > LIMITS.code_points:
        raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
    return AnswerLexer(text, dialect).words()


@lru_cache(maxsize=1024)
def answer_dialect(
    names: frozenset[str] = frozenset(),
    *,
    imaginary: bool = False,
    lists: bool = False,
    mixed: bool = False,
    keys: bool = False,
    scientific: bool = False,
) -> Dialect:
    """The dialect of an answer; the same object for the same wishes, so that it is a quick key.

    `names` are those declared; `lists` reads braces as sets and commas as separators; `keys`
    allows an author's functions; `scientific` reads `2.4e9` as a number.
    """
    return Dialect(
        "answer", letters=True, groups=True, mixed=mixed, names=frozenset(map(plain, names)),
        imaginary=imaginary, lists=lists, keys=keys, scientific=scientific,
    )  # fmt: skip
