"""MathML as LaTeX: the elements that school mathematics is set in. This file is the translation."""

from __future__ import annotations

from collections.abc import Callable

from server.transfer.tally import NotImported
from server.transfer.trees import Tree

_SIGNS = {
    "−": "-", "×": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ", "÷": r"\div ", "±": r"\pm ",
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "∞": r"\infty ", "π": r"\pi ",
    "√": r"\surd ", "∈": r"\in ", "∪": r"\cup ", "∩": r"\cap ", "→": r"\to ", "°": r"^{\circ}",
    "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "Δ": r"\Delta ", "∠": r"\angle ",
    "…": r"\dots ", "{": r"\{", "}": r"\}", "%": r"\%", "$": r"\$", "#": r"\#", "&": r"\&",
    "<": "<", ">": ">",
    "\u2061": "", "\u2062": "", "\u2063": ",", "\u2064": "+",
}  # fmt: skip
_NAMES = frozenset({"sin", "cos", "tan", "log", "ln", "exp", "lim", "max", "min", "gcd"})


def latex_of(tree: Tree) -> str:
    r"""The formula of a `math` element. Raises `NotImported` for an element that is not known here.

    >>> from server.transfer.trees import tree_of
    >>> latex_of(tree_of(b"<math><mfrac><mn>1</mn><mi>x</mi></mfrac><mo>+</mo><mn>2</mn></math>"))
    '\\frac{1}{x}+2'
    """
    for each in tree.deep("annotation"):
        if each.attributes.get("encoding", "").lower() in {"application/x-tex", "latex", "tex"}:
            return each.text.strip()
    return " ".join(_row(tree).split())


def _row(tree: Tree) -> str:
    return "".join(_one(each) for each in tree.children)


def _one(tree: Tree) -> str:
    made = _ELEMENTS.get(tree.name)
    if made is None:
        raise NotImported("mathml")
    return made(tree)


def _sign(tree: Tree) -> str:
    return "".join(_SIGNS.get(each, each) for each in tree.text.strip())


def _name(tree: Tree) -> str:
    text = tree.text.strip()
    if text in _NAMES:
        return f"\\{text} "
    return _sign(tree) if len(text) == 1 else rf"\mathrm{{{_sign(tree)}}}"


def _parts(tree: Tree, count: int) -> list[str]:
    parts = [_one(each) for each in tree.children]
    if len(parts) != count:
        raise NotImported("mathml")
    return parts


def _fraction(tree: Tree) -> str:
    above, below = _parts(tree, 2)
    return rf"\frac{{{above}}}{{{below}}}"


def _root(tree: Tree) -> str:
    inside, index = _parts(tree, 2)
    return rf"\sqrt[{index}]{{{inside}}}"


def _raised(tree: Tree) -> str:
    base, above = _parts(tree, 2)
    return f"{_group(base)}^{{{above}}}"


def _lowered(tree: Tree) -> str:
    base, below = _parts(tree, 2)
    return f"{_group(base)}_{{{below}}}"


def _both(tree: Tree) -> str:
    base, below, above = _parts(tree, 3)
    return f"{_group(base)}_{{{below}}}^{{{above}}}"


def _group(base: str) -> str:
    return base if len(base) == 1 or base.startswith("\\") else f"{{{base}}}"


def _fenced(tree: Tree) -> str:
    left, right = tree.attributes.get("open", "("), tree.attributes.get("close", ")")
    between = tree.attributes.get("separators", ",")[:1]
    inside = between.join(_one(each) for each in tree.children)
    return rf"\left{_SIGNS.get(left, left)}{inside}\right{_SIGNS.get(right, right)}"


def _text(tree: Tree) -> str:
    words = tree.text.strip()
    return rf"\text{{{words}}}" if words else ""


_ELEMENTS: dict[str, Callable[[Tree], str]] = {
    "mn": _sign,
    "mo": _sign,
    "mi": _name,
    "mtext": _text,
    "mspace": lambda _: r"\ ",
    "mrow": _row,
    "mstyle": _row,
    "mpadded": _row,
    "semantics": lambda tree: _one(tree.children[0]) if tree.children else "",
    "mfrac": _fraction,
    "msqrt": lambda tree: rf"\sqrt{{{_row(tree)}}}",
    "mroot": _root,
    "msup": _raised,
    "msub": _lowered,
    "msubsup": _both,
    "mfenced": _fenced,
}
