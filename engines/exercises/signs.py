"""How a text is cut into signs, and what of it may be taken at once. This file is these patterns.

A sign is a word, a number, a run of blanks, a LaTeX command or one mark; which one depends on the
text alone. The longer patterns take many signs that mean nothing by themselves.
"""

from __future__ import annotations

import re

HELD_CHARS = 160
"""A run of mathematics that is longer is caught: it cannot be held, nor let pass unread."""
TOKEN_CHARS = 64
"""A sign is cut off after so many characters."""

SIGN = re.compile(
    r"(?P<han>[\u3040-\u30ff\u3400-\u9fff])"
    rf"|(?P<word>[^\W\d_](?:[^\W\d_\u3040-\u30ff\u3400-\u9fff]|['*_`]){{0,{TOKEN_CHARS - 1}}})"
    rf"|(?P<digits>\d{{1,{TOKEN_CHARS}}})"
    rf"|(?P<space>\s{{1,{TOKEN_CHARS}}})"
    rf"|(?P<command>\\[a-zA-Z]{{0,{TOKEN_CHARS}}})"
    r"|(?P<mark>.)",
    re.DOTALL,
)
"""One sign, of the kind its group names; any text is a sequence of them."""
PLAIN = re.compile(r"(?:([aI]) )?([A-Za-z](?:[A-Za-z]|'(?=[A-Za-z])){1,40})([,.;:!?]?) (?=\S)")
"""A word, perhaps behind an article, its mark, one blank; and more that shows all have closed."""
_TERM = (
    r"(?:[0-9+\-*/^=()<>{}\[\]|%×÷ ]|[g-z](?![^\W\d_]|['*_`])"
    r"|\\(?:[dt]?frac|cdot|times|div|left|right)(?![a-zA-Z]))"
)
MATHS = re.compile(f"{_TERM}+")
"""Numbers, variables and signs of mathematics."""
FORMULA = re.compile(rf"\$({_TERM}{{1,{HELD_CHARS - 20}}})\$(?=[^$])")
"""A whole formula of these between dollar signs."""
AFTER_FORMULA = re.compile(r"([,:]?) ([A-Za-z]{2,40})(?=[^A-Za-z'*_`])")
"""A closed word behind a formula, with the mark before it."""
_NAMES = re.compile(r"\\[a-z]+|(\d+|[a-z])")


def names_in(formula: str) -> list[str]:
    r"""The numbers and variables of plain mathematics, in order; a command is neither.

    >>> names_in(r"3x + \frac{1}{2}")
    ['3', 'x', '1', '2']
    """
    return [name for name in _NAMES.findall(formula) if name]
