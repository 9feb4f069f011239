"""Items that the tests of this folder share: one of each kind, parametrised where that matters."""

from __future__ import annotations

from engines.words import AnswerSpec, HintStep, Item, Misconception, Option, WorkedStep

TWO_STEP = Item(
    id="eq.two-step.01",
    skills=("eq.two-step",),
    params={
        "a": {"int": [2, 9]},
        "x": {"int": [-9, 9], "not": [0]},
        "b": {"int": [-12, 12], "not": [0]},
        "c": {"expr": "a*x + b"},
    },
    where=("gcd(a, b) == 1",),
    prompt="Solve $@{a}x @{b:+} = @{c}$ for $x$.",
    answer=AnswerSpec(kind="fraction", value="x", form="lowest-terms", accept=("x = @{x}",)),
    misconceptions=(
        Misconception("sign-slip", "(c + b)/a", "You added @{b}. What undoes $@{b:+}$?"),
        Misconception("undivided", "c - b", "There is still $@{a}x$ on the left."),
    ),
    hints=(
        HintStep("nudge", "Which operation was done to $x$ last?"),
        HintStep("point", "Undo $@{b:+}$ on both sides."),
        HintStep(
            "scaffold",
            ask="What is $@{c} - (@{b})$?",
            answer=AnswerSpec(kind="number", value="c - b"),
        ),
        HintStep("sibling"),
        HintStep("bottom-out", "$x = @{x}$"),
    ),
    steps=(
        WorkedStep("$@{a}x = @{c-b}$", "Undo the addition on both sides."),
        WorkedStep("$x = @{x}$", "Divide both sides by @{a}."),
    ),
)
ADD = Item(
    id="frac.add.01",
    skills=("frac.add",),
    params={
        "n": {"int": [1, 6]},
        "m": {"int": [1, 6]},
        "d": {"int": [3, 9]},
        "e": {"int": [3, 9]},
        "s": {"expr": "n/d + m/e"},
    },
    where=("d != e", "gcd(n, d) == 1", "gcd(m, e) == 1"),
    prompt="Add $@{n}/@{d} + @{m}/@{e}$.",
    answer=AnswerSpec(kind="fraction", value="s"),
    misconceptions=(
        Misconception("tops-and-bottoms", "(n + m)/(d + e)", "Are the parts of one size yet?"),
    ),
    hints=(
        HintStep("nudge", "Are the parts of one size?"),
        HintStep("point", "A common denominator is $@{lcm(d, e)}$."),
        HintStep("bottom-out", "The sum is $@{s}$."),
    ),
)
CHOICE = Item(
    id="frac.larger.01",
    skills=("frac.compare",),
    params={"a": {"int": [1, 4]}, "b": {"int": [5, 9]}},
    prompt="Which of these is larger than a whole?",
    options=(
        Option("low", "$\\frac{@{a}}{@{b}}$"),
        Option("high", "$\\frac{@{b}}{@{a}}$"),
        Option("none", "neither"),
    ),
    answer=AnswerSpec(kind="choice", value="high"),
    misconceptions=(Misconception("flipped", "low", "Which number tells the size of a part?"),),
    hints=(
        HintStep("nudge", "When is a fraction a whole?"),
        HintStep("bottom-out", "$\\frac{@{b}}{@{a}}$, for its top is larger than its bottom."),
    ),
)
MULTI = Item(
    id="primes.01",
    skills=("primes",),
    prompt="Which of these are prime?",
    options=(Option("a", "$21$"), Option("b", "$23$"), Option("c", "$29$"), Option("d", "$39$")),
    answer=AnswerSpec(kind="multi", value=("b", "c"), partial=True),
    misconceptions=(Misconception("odd", "a", "Try to divide it by 3."),),
)
TEXT = Item(
    id="words.01",
    skills=("words",),
    prompt="What is the number above the line of a fraction called?",
    answer=AnswerSpec(kind="text", value="numerator", accept=("the numerator",), typos=True),
    misconceptions=(Misconception("other", "denominator", "That one is below the line."),),
    hints=(HintStep("nudge", "It counts the parts."), HintStep("bottom-out", "The numerator.")),
)
BARE = Item(
    id="bare.01",
    skills=("s",),
    prompt="What is $3 + 4$?",
    answer=AnswerSpec(kind="number", value="7"),
)
ALL = (TWO_STEP, ADD, CHOICE, MULTI, TEXT, BARE)


def number(value: str, prompt: str = "Work it out.", **spec: object) -> Item:
    """An item without parameters whose key is this number."""
    answer = AnswerSpec(kind="number", value=value, **spec)  # type: ignore[arg-type] # as the test says
    return Item(id=f"n {value} {spec}", skills=("s",), prompt=prompt, answer=answer)


def words(value: str, prompt: str = "Say it.", **spec: object) -> Item:
    """An item without parameters whose key is this text."""
    answer = AnswerSpec(kind="text", value=value, **spec)  # type: ignore[arg-type] # as the test says
    return Item(id=f"w {value} {spec}", skills=("s",), prompt=prompt, answer=answer)
