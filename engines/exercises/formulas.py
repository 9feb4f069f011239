r"""Whether the pages can draw a text's formulas. This file is that check.

A formula is read as KaTeX reads it: braces, arguments, exponents, `\left` and `\right`, tables,
and the commands that `formula_names` lists. What KaTeX refuses is refused here; a few rarities that
it would take are refused too.
"""

from __future__ import annotations

import re
from functools import lru_cache

from engines.exercises.formula_names import (
    ALONE,
    BARE,
    DELIMITERS,
    INFIX,
    ONE,
    PLAIN,
    SIGNS,
    SIZED,
    TABLES,
    TEXT,
    TWO,
)

DEPTH = 40
"""Deepest nesting of braces."""

_FORMULA = re.compile(r"\\\$|\$\$([^$]+)\$\$|\$([^$\n]+)\$")
_MARK = re.compile(r"@@?\{(?:[^}'\"]|'[^']*'|\"[^\"]*\")*\}")
_TOKEN = re.compile(r"%.*|\\([a-zA-Z]+\*?|\s|[^a-zA-Z\s]|\Z)|(\s+)|(.)", re.DOTALL)
_SIZE = re.compile(r"\s*\{?\s*-?\d*\.?\d+\s*(em|ex|mu|pt|mm|cm|in|bp|pc|dd|cc|nd|nc|sp)\s*\}?")
_WIDE = frozenset({"hspace", "kern", "mkern", "hskip", "mskip"})
_COLUMNS = re.compile(r"\s*\{[lcr|:\s]+\}")
_MARKS = frozenset("()[]|/<>.")
_BIG = frozenset({"lim", "sum", "prod", "int", "max", "min", "sup", "inf", "limsup", "liminf"})


class _Faulty(Exception):  # noqa: N818 (named by what it tells)
    """What is wrong with a formula."""


def formula_fault(formula: str) -> str | None:
    r"""What is wrong with a formula, in words; None where it can be drawn.

    >>> formula_fault(r"\frac{1}{2}x^{2}"), formula_fault(r"\frac{1}")
    (None, '\\frac lacks its argument 2')
    >>> formula_fault(r"\frc{1}{2}"), formula_fault("x^2^3")
    ('\\frc is no command that can be drawn', 'two exponents in a row; put braces round the first')
    """
    alike = formula.translate(_ALIKE)
    fault = _fault(alike)
    # The words of a fault are those of the formula as it stands.
    return fault if fault is None or alike == formula else _fault(formula)


_ALIKE = {ord(digit): "1" for digit in "023456789"}
"""One digit does as well as another: formulas that differ in their numbers are read once."""


@lru_cache(maxsize=1 << 14)
def _fault(formula: str) -> str | None:
    try:
        _Reader(formula).whole()
    except _Faulty as fault:
        return str(fault)
    return None


def formulas_in(text: str) -> list[str]:
    r"""The formulas of a text, `$...$` and `$$...$$`.

    >>> formulas_in(r"Costs \$3: $x$ or $$y$$.")
    ['x', 'y']
    """
    return [found[1] or found[2] for found in _FORMULA.finditer(text) if found[1] or found[2]]


def text_faults(text: str) -> list[str]:
    r"""What is wrong with the formulas of a text or a template; marks count as a number.

    >>> text_faults(r"Solve $@{a:coef}x = \frac{@{b}{2}$.")
    ['a brace is not closed in $1x = \\frac{1{2}$']
    >>> text_faults("It costs $5.")
    ['a $ without its pair']
    """
    text = _MARK.sub("1", text)
    faults = [
        f"{fault} in ${formula.strip()}$"
        for formula in formulas_in(text)
        if (fault := formula_fault(formula)) is not None
    ]
    if "$" in _FORMULA.sub("", text):
        faults.append("a $ without its pair")
    return faults


class _Reader:
    """One formula being read."""

    def __init__(self, formula: str) -> None:
        self.text = formula
        self.at = 0
        self.depth = 0

    def whole(self) -> None:
        self.row(("",), table=False)

    # --- tokens -------------------------------------------------------------------------------

    def peek(self) -> str:
        """The next sign without blanks: a command with its backslash, a sign, or nothing."""
        while (found := _TOKEN.match(self.text, self.at)) is not None:
            if found[2] or found[0].startswith("%"):
                self.at = found.end()
                continue
            if found[1] == "" and found[0] == "\\":
                raise _Faulty("a backslash at the end")
            return found[0]
        return ""

    def take(self) -> str:
        sign = self.peek()
        self.at += len(sign)
        return sign

    # --- rows ---------------------------------------------------------------------------------

    def row(self, ends: tuple[str, ...], *, table: bool) -> str:
        """Read up to one of the tokens that may end here; the sign."""
        self.depth += 1
        if self.depth > DEPTH:
            raise _Faulty(f"nested deeper than {DEPTH}")
        infix = False
        while (sign := self.peek()) not in ends:
            if sign in ("&", "\\\\", "\\hline", "\\cr") and (table or sign == "\\\\"):
                self.take()
                infix = False
            elif sign[1:] in INFIX and sign[0] == "\\":
                if infix:
                    raise _Faulty(f"two of {sign} in one pair of braces")
                infix = True
                self.take()
            else:
                self.scripted(sign)
        self.depth -= 1
        return self.take()

    def scripted(self, sign: str) -> None:
        """One atom with what stands above and below it."""
        if sign not in ("^", "_", "'"):
            self.atom()
            if sign[1:] in _BIG and self.peek() in ("\\limits", "\\nolimits"):
                self.take()
        seen: set[str] = set()
        while (sign := self.peek()) in ("^", "_", "'"):
            kind = "^" if sign == "'" else sign
            if kind in seen:
                what = "exponents" if kind == "^" else "indices"
                raise _Faulty(f"two {what} in a row; put braces round the first")
            seen.add(kind)
            self.take()
            if sign == "'":
                while self.peek() == "'":
                    self.take()
                if self.peek() != "^":
                    continue
                self.take()
            self.argument("^" if kind == "^" else "_")

    # --- atoms --------------------------------------------------------------------------------

    def atom(self) -> None:
        sign = self.take()
        if sign == "{":
            self.group()
        elif sign == "" or sign == "}":
            raise _Faulty("a brace closes nothing" if sign else "a brace is not closed")
        elif sign in ("&", "#", "$"):
            raise _Faulty(f"{sign} has no place here; write \\{sign} for the sign")
        elif sign[0] == "\\":
            self.command(sign[1:])

    def group(self) -> None:
        if self.row(("}", ""), table=False) == "":
            raise _Faulty("a brace is not closed")

    def command(self, name: str) -> None:
        if name in PLAIN or name in ALONE or name in SIGNS or name.isspace():
            return
        if name in _SPECIAL:
            _SPECIAL[name](self)
        elif name in SIZED:
            self.delimiter(name)
        elif name in _WIDE:
            self.sized(name)
        elif name in TEXT:
            self.words(name)
        elif name in ONE or name in TWO:
            self.arguments(name)
        elif name.endswith("*") and name[:-1] in ("operatorname", "hspace"):
            self.command(name[:-1])
        elif name.endswith("*"):
            self.at -= 1
            self.command(name[:-1])
        else:
            raise _Faulty(f"\\{name} is no command that can be drawn")

    def arguments(self, name: str) -> None:
        if name in ("smash", "xrightarrow", "xleftarrow") and self.peek() == "[":
            self.bracket(name)
        for nth in range(1, 3 if name in TWO else 2):
            lacking = f"\\{name} lacks its argument" + (f" {nth}" if name in TWO else "")
            self.argument(name, lacking)

    def argument(self, of: str, lacking: str = "") -> None:
        """One argument: a pair of braces, a sign, or a command that may stand bare."""
        sign = self.peek()
        if sign in ("", "}", "&", "^", "_", "\\\\", "\\right", "\\end", "]"):
            if sign == "]" and of not in ("^", "_"):
                self.take()
                return
            raise _Faulty(lacking or f"{of} lacks what stands there")
        self.take()
        if sign == "{":
            self.group()
            return
        if sign[0] != "\\":
            return
        name = sign[1:]
        bare = name in PLAIN or name in SIGNS or (name in BARE and of in ("^", "_", "sqrt"))
        if not bare:
            raise _Faulty(f"put braces round {sign} behind {of if of in '^_' else chr(92) + of}")
        self.command(name)

    def words(self, name: str) -> None:
        """An argument in text: words, escaped signs, no formula."""
        if self.take() != "{":
            raise _Faulty(f"\\{name} lacks its argument in braces")
        open_braces = 1
        while open_braces:
            found = _TOKEN.match(self.text, self.at)
            if found is None:
                raise _Faulty("a brace is not closed")
            if found[0].startswith("%"):
                raise _Faulty("a % begins a remark; write \\% for the sign")
            sign = found[0]
            self.at = found.end()
            open_braces += {"{": 1, "}": -1}.get(sign, 0)
            if sign in ("^", "_", "&", "#"):
                raise _Faulty(f"{sign} within \\{name}; write it outside")
            command = sign[1:] if sign[0] == "\\" else " "
            if command not in SIGNS and command not in TEXT and not command.isspace():
                raise _Faulty(f"{sign} within \\{name}; write it outside")

    def delimiter(self, of: str) -> None:
        sign = self.take()
        if sign in _MARKS or sign in ("\\{", "\\}", "\\|"):
            return
        if sign[:1] == "\\" and sign[1:] in DELIMITERS:
            return
        raise _Faulty(f"\\{of} lacks its bracket")

    def sized(self, name: str) -> None:
        found = _SIZE.match(self.text, self.at)
        if found is None:
            raise _Faulty(f"\\{name} lacks its length, as 1em")
        self.at = found.end()

    # --- pairs --------------------------------------------------------------------------------

    def left(self) -> None:
        self.delimiter("left")
        while True:
            end = self.row(("\\right", "\\middle", "", "}"), table=False)
            if end == "\\middle":
                self.delimiter("middle")
                continue
            if end != "\\right":
                raise _Faulty("\\left without its \\right")
            self.delimiter("right")
            return

    def stray(self) -> None:
        raise _Faulty("\\right, \\middle, \\end or \\limits without what it belongs to")

    def root(self) -> None:
        if self.peek() == "[":
            self.bracket("sqrt")
        self.argument("sqrt", "\\sqrt lacks its argument")

    def bracket(self, name: str) -> None:
        self.take()
        if self.row(("]", "", "}"), table=False) != "]":
            raise _Faulty(f"the bracket behind \\{name} is not closed")

    def table(self) -> None:
        name = self.named()
        if name not in TABLES:
            raise _Faulty(f"{name!r} is no table that can be drawn within a line")
        if name == "array":
            found = _COLUMNS.match(self.text, self.at)
            if found is None:
                raise _Faulty("array lacks its columns, as {cc}")
            self.at = found.end()
        if self.row(("\\end", "", "}"), table=True) != "\\end":
            raise _Faulty(f"\\begin{{{name}}} without its \\end")
        if (ended := self.named()) != name:
            raise _Faulty(f"\\begin{{{name}}} ends as {ended!r}")

    def named(self) -> str:
        found = re.compile(r"\s*\{([a-zA-Z*]+)\}").match(self.text, self.at)
        if found is None:
            raise _Faulty("\\begin and \\end take a name in braces")
        self.at = found.end()
        return found[1]


_SPECIAL = {
    "left": _Reader.left,
    "right": _Reader.stray,
    "middle": _Reader.stray,
    "begin": _Reader.table,
    "end": _Reader.stray,
    "limits": _Reader.stray,
    "nolimits": _Reader.stray,
    "hline": _Reader.stray,
    "sqrt": _Reader.root,
}
