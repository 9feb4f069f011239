"""The checker of formulas and the renderer itself agree, command by command."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from engines.exercises import formula_names as names
from engines.exercises.course import course_from
from engines.exercises.formulas import formula_fault, formulas_in
from engines.exercises.template import instance, rendered

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
KATEX = ROOT / "web" / "vendor" / "katex" / "katex.min.js"
COMPILED = ROOT / "server" / "courses" / "linear-equations.json"

TAKES = """formulas => formulas.map(formula => {
  try {
    katex.renderToString(formula, { throwOnError: true, strict: "ignore", trust: false });
    return true;
  } catch { return false; }
})"""

BOTH_WAYS = r"""
x^ | x^1^2 | x_1_2 | x^{ | \frac12 | \frac ab | \frac\frac{1}{2}{3} | \sqrt2 | \sqrt[3]{x}
\sqrt\frac12 | x^\frac12 | x^\sqrt2 | a&b | # | { | } | \left( x | x\right) | x''^2 | x^2'
\begin{matrix}a&b\\c\end{matrix} | \hline | \begin{array}{cc}a&b\end{array} | ^2 | \frac{1} | \frac
\begin{cases}a&b\\c&d\end{cases} | \mathbb R | \operatorname{ab} | \big( | \big x | \not= | \sqrt
x^-3 | \hspace{1em} | \hspace{1} | \limits | \sum\limits_a | \text{x^2} | \text{a b} | \middle|
\left(a\middle|b\right) | a\over b | a\over b\over c | {a\over b}\over c | \text{50%}
\left.x\right|_1
\begin{array}a\end{array} | \begin{bmatrix}1&2\end{pmatrix} | 90^\circ | 5\% | x_\text{a}^2 | \foo
\lim_{x\to 0}\frac{x}{2} | \overbrace{a}^{b} | \xrightarrow[a]{b} | \left\{x\right\} | [2, 5) | x'_1
"""


def spelled() -> list[str]:
    """Each command of the table where it may stand."""
    found = [rf"y\{name} x" for name in names.PLAIN | names.ALONE]
    found += [rf"y^\{name} x" for name in names.PLAIN]
    found += [rf"y\{name}{{1}}x" for name in names.ONE]
    found += [rf"y\{name}{{word}}x" for name in names.TEXT]
    found += [rf"y\{name}{{1}}{{2}}x" for name in names.TWO]
    found += [rf"y\{name}(x" for name in names.SIZED]
    found += [rf"\left\{name} x\right." for name in names.DELIMITERS]
    found += [
        rf"\begin{{{name}}}1&2\\3&4\end{{{name}}}" for name in names.TABLES - {"array", "gathered"}
    ]
    return found


def told() -> list[str]:
    """The formulas of the shipped course, with the numbers of two seeds."""
    course = course_from(COMPILED.read_bytes())
    found: set[str] = set()
    for item in course.items:
        for seed in range(2):
            made = instance(item, course.sha256, seed)
            steps = [text for step in item.steps for text in (step.show, step.why)]
            hints = [text for hint in item.hints for text in (hint.say, hint.ask)]
            texts = [made.prompt, *(rendered(text, made.values) for text in (*steps, *hints))]
            found.update(formula for text in texts for formula in formulas_in(text))
    return sorted(found)


def test_what_the_checker_takes_katex_draws_and_what_katex_refuses_is_told(
    browser: Browser,
) -> None:
    cases = [each.strip() for each in BOTH_WAYS.replace("\n", " | ").split(" | ") if each.strip()]
    page = browser.new_page()
    page.add_script_tag(content=KATEX.read_text(encoding="utf-8"))
    formulas = [*spelled(), *cases, *told()]
    drawn = page.evaluate(TAKES, formulas)
    page.close()
    differ = [
        (formula, takes, formula_fault(formula))
        for formula, takes in zip(formulas, drawn, strict=True)
        if takes != (formula_fault(formula) is None)
    ]
    assert differ == []
    assert drawn.count(False) > 20
