"""The guard and the tutor on formulas, sets, matrices, orders and pairs: no key in any spelling."""

from __future__ import annotations

import random
import re
from itertools import product
from typing import Any, get_args

import msgspec
import pytest

from engines.exercises.acts import wish
from engines.exercises.explain import explained
from engines.exercises.guarded import Guarded
from engines.exercises.guardset import guard_set
from engines.exercises.hints import hint, key_text, ladder_length
from engines.exercises.masking import BOX, masked
from engines.exercises.template import instance
from engines.words import ACTS, AnswerSpec, Instance, Item, Mode, UnitSpec
from tests.engines.exercises.test_all_texts import seen_at
from tests.engines.exercises.widget_items import MATCH, ORDER, PARSONS


def item(kind: str, value: str, prompt: str, **more: Any) -> Item:
    """An item whose hints and steps tell all that they can."""
    source = {
        "id": f"{kind}.1",
        "skills": ["s"],
        "prompt": prompt,
        "answer": {"kind": kind, "value": value, **more.pop("answer", {})},
        "hints": [
            {"level": "nudge", "say": "Which operation comes first?"},
            {"level": "point", "say": f"It is ${more.get('told', value)}$, nearly."},
            {
                "level": "scaffold",
                "ask": "What is $1 + 1$?",
                "answer": {"kind": "number", "value": "2"},
            },
            {"level": "bottom-out"},
        ],
        "steps": [
            {"show": "Begin with what is given.", "why": "Read the question again."},
            {"show": f"${more.pop('told', value)}$", "why": "Carry it out."},
        ],
        **more,
    }
    return msgspec.convert(source, Item)


AB: dict[str, Any] = {"params": {"a": {"int": [2, 9]}, "b": {"int": [2, 9]}}}
EXPANDED = item(
    "expression", "a*x + a*b", "Expand $@{a}(x + @{b})$.",
    answer={"form": "expanded"}, told="@{a}x + @{a*b}", **AB,
)  # fmt: skip
DOUBLED = item("expression", "a*x + a*b", "Say @{a} times a sum.", told="@{a}(x + @{b})", **AB)
LINE = item("equation", "y = a*x + b", "Write the line.", told="y = @{a}x + @{b}", **AB)
SOLVED = item(
    "equation", "x = a", "Solve $2x + @{b} = @{2*a + b}$.",
    answer={"form": "solved-for(x)"}, told="x = @{a}", **AB,
)  # fmt: skip
HALF_OPEN = item("interval", "[a, a + b)", "Solve it.", told="[@{a}, @{a+b})", **AB)
ROOTS = item("set", "{a, -b}", "Which numbers solve it?", told="\\{@{a}, @{-b}\\}", **AB)
GRID = item("matrix", "[[a, b], [b, a]]", "Add both.", told="[[@{a}, @{b}], [@{b}, @{a}]]", **AB)
SURD = item(
    "expression", "sqrt(2)/2", "What is the sine of 45 degrees?", told="\\frac{1}{\\sqrt{2}}"
)
FORMULAS = [EXPANDED, DOUBLED, LINE, SOLVED, HALF_OPEN, ROOTS, GRID, SURD]
ARRANGED = [msgspec.convert(source, Item) for source in (ORDER, MATCH, PARSONS)]


def fixed(kind: str, value: str, prompt: str = "Find it.", **spec: Any) -> Instance:
    answer = AnswerSpec(kind=kind, value=value, **spec)  # type: ignore[arg-type]  # one of the kinds
    return instance(Item("i", ("s",), prompt, answer), "", 0)


def caught(made: Instance, text: str, learner: str = "") -> bool:
    stage = Guarded(guard_set([made], (), learner), sums=False)
    shown = stage.push(text) + stage.finish()
    assert stage.caught is not None or shown == text
    return stage.caught is not None


TWICE = fixed("expression", "2*x + 6", "Three more than $x$, doubled.")
EXPAND = fixed("expression", "2*x + 6", "Expand $2(x+3)$.", form="expanded")
NUMBER = fixed("expression", "-4", "Solve $2x=-8$.", accept=("x = -4",))
SINE = fixed("expression", "sqrt(2)/2", "Sine of 45 degrees?")
SLOPE = fixed("equation", "y = 2*x + 1", "Write the line.")
SOLVE = fixed("equation", "x = 3", "Solve $2x + 1 = 7$.", form="solved-for(x)")
FROM_TWO = fixed("interval", "[2, 5)", "Solve it.")
PAIR = fixed("set", "{1, 2}", "Solve $x^2 - 3x + 2 = 0$.")
MATRIX = fixed("matrix", "[[1, 2], [3, 4]]", "Add.")

CAUGHT = [
    *((TWICE, text) for text in (
        "so it is 2x + 6.", "that is $2(x+3)$ now", "6+2x", "you get x + x + 6 then",
        "two x plus six it is", "2 times x plus 6", "\\frac{4x+12}{2}", "**2x + 6**", "2·x + 2·3",
        "Hence: $y = 6 + 2x$.", "a 2x + 6", "1. Add\n2. $2x+6$\n",
    )),
    *((EXPAND, text) for text in ("so 2x+6", "6 + 2x", "= 2x + 6", "x + x + 6")),
    *((NUMBER, text) for text in ("x = -4", "so x is minus four", "-8/2", "$x = -\\frac{8}{2}$")),
    *((SINE, text) for text in ("sqrt(2)/2", "1/\\sqrt{2}", "$\\frac{\\sqrt{2}}{2}$", "√2/2")),
    *((SLOPE, text) for text in (
        "y = 2x + 1", "$2x - y + 1 = 0$", "y-1=2x", "the line is 2x + 1 = y", "2y = 4x + 2",
    )),
    *((SOLVE, text) for text in ("x = 3", "then $x=3$", "$2x = 6 \\Rightarrow x = 3$")),
    *((FROM_TWO, text) for text in ("[2, 5)", "2 <= x < 5", "$2 \\le x < 5$", "[2,5) is it")),
    *((PAIR, text) for text in (
        "{1, 2}", "x = 1 or x = 2", "the solutions are 1 and 2", "$\\{2, 1\\}$", "one of them is 1",
    )),
    *((MATRIX, text) for text in (
        "[[1,2],[3,4]]", "$\\begin{pmatrix}1 & 2\\\\ 3 & 4\\end{pmatrix}$",
        "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}",
    )),
]  # fmt: skip
LET = [
    *((TWICE, text) for text in (
        "we have x + 3 and double it", "3 + x", "2x + 5", "Call it $x$.", "What is twice $x + 3$?",
    )),
    *((EXPAND, text) for text in (
        "Look at $2(x+3)$ again.", "What is 2 * 3?", "first 2x, then 2·3", "Keep the $x$.",
    )),
    *((NUMBER, text) for text in ("Halve -8.", "$2x=-8$ says two x are -8.")),
    *((SINE, text) for text in ("sqrt 3 is another", "Draw a square of side 1.")),
    *((SLOPE, text) for text in ("slope 2", "y = mx + b", "y = 2x", "Put x = 0.")),
    *((SOLVE, text) for text in ("$2x + 1 = 7$ holds", "$2x = 6$ comes next", "$2x = 7 - 1$")),
    *((FROM_TWO, text) for text in ("x > 2 is not all", "[2,5] holds one more", "Draw 2 and 5.")),
    *((PAIR, text) for text in (
        "Take 1 step.", "x = 3", "$x^2 - 3x + 2 = 0$", "Look for 2 numbers.", "(x-a)(x-b)",
    )),
    *((MATRIX, text) for text in (
        "[1,2]", "Add place by place.", "$\\begin{pmatrix}1 & 2\\end{pmatrix}$",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("made", "text"), CAUGHT, ids=[text for _, text in CAUGHT])
def test_what_equals_the_key_is_caught(made: Instance, text: str) -> None:
    assert caught(made, text)


@pytest.mark.parametrize(("made", "text"), LET, ids=[text for _, text in LET])
def test_what_does_not_tell_the_key_is_let_through(made: Instance, text: str) -> None:
    assert not caught(made, text)
    assert masked(text, made) == text


def test_what_the_learner_proposed_is_neither_confirmed_nor_denied() -> None:
    assert caught(TWICE, "Yes, exactly!", "is it 2(x + 3)?")
    assert caught(TWICE, "The answer is 2(x+3).", "is it 2(x + 3)?")
    assert not caught(TWICE, "You wrote 2(x+3) into the chat: put it into the box.", "2(x + 3)")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (TWICE, "2x+6"), (TWICE, "is it 2(x + 3)?"), (TWICE, "I think 3x"), (SLOPE, "y = 2x"),
        (FROM_TWO, "2 <= x < 5"), (PAIR, "1 and 2?"), (PAIR, "{3}"), (SINE, "is it sqrt(2)/2?"),
    ],
)  # fmt: skip
def test_a_formula_typed_to_the_tutor_is_an_answer(made: Instance, said: str) -> None:
    assert wish(said, made) == "candidate"


@pytest.mark.parametrize("said", ["why 2x?", "how do I start", "a hint", "I", "thanks", "help"])
def test_words_about_a_formula_are_none(said: str) -> None:
    assert wish(said, TWICE) != "candidate"


def test_a_sets_numbers_affirmed_by_chance_are_let_through() -> None:
    assert not caught(PAIR, "There are 2 steps. Yes, go on with the first.")


ORDERED, MATCHED, LINES = (instance(each, "c", 3) for each in ARRANGED)


def test_an_order_is_told_by_its_order_only() -> None:
    entries = key_text(ORDERED).split("; ")
    assert caught(ORDERED, ", then ".join(entries))
    assert caught(ORDERED, f"{entries[0]} < {entries[1]} < {entries[2]}")
    assert not caught(ORDERED, ", ".join(reversed(entries)))
    assert not caught(ORDERED, f"{entries[0]} comes first.")
    assert ORDERED.widget is not None
    page = [token["text"] for token in ORDERED.widget.wire["tokens"]]
    assert not caught(ORDERED, f"They are {', '.join(page)}.")
    assert BOX in masked(", ".join(entries), ORDERED)


def test_a_program_is_told_by_its_lines_in_order() -> None:
    lines = key_text(LINES).split("; ")
    assert caught(LINES, "\n".join(lines))
    assert not caught(LINES, f"Where does `{lines[-1]}` belong?")


def test_pairs_are_told_by_who_stands_beside_whom() -> None:
    pairs = [pair.split(" – ") for pair in key_text(MATCHED).split("; ")]
    assert caught(MATCHED, "; ".join(f"{left} goes with {right}" for left, right in pairs))
    assert caught(MATCHED, "; ".join(f"{right} belongs to {left}" for left, right in pairs))
    assert not caught(MATCHED, "{} goes with {}, for one.".format(*pairs[0]))
    left, right = zip(*pairs, strict=True)
    assert not caught(MATCHED, f"{', '.join(left)} and {', '.join(reversed(right))}")


# --- the built-in tutor ---------------------------------------------------------------------------

_TOKEN = re.compile(r"\d+|[a-z]|[-+*/^()=]")
_POINTS = (({"x": 3, "y": 5}), ({"x": 11, "y": 2}), ({"x": 7, "y": 13}))


def values_of(formula: str) -> tuple[Any, ...] | None:
    """A plain formula at three points, as Python reckons: nothing of the checker is used."""
    spelt = re.sub(r"(?<=[\dxy)])\s*(?=[xy(])", "*", formula.replace("^", "**"))
    if not re.fullmatch(r"[-+*/()\dxy ]+", spelt) or len(spelt) > 60:
        return None
    try:
        return tuple(round(float(eval(spelt, {}, dict(point))), 9) for point in _POINTS)
    except (SyntaxError, TypeError, ZeroDivisionError, OverflowError):
        return None


def holds_value(text: str, key: str) -> str | None:
    """A stretch of a text that has the key's values: every stretch of up to 12 signs is tried."""
    wanted = values_of(key)
    assert wanted is not None, key
    plain = re.sub(r"\\(?:cdot|times)", "*", text.replace("$", "").replace("·", "*"))
    for run in re.findall(r"[-+*/^()\dxy ]{3,}", plain):
        signs = _TOKEN.findall(run)
        for start, stop in product(range(len(signs)), range(1, 13)):
            part = " ".join(signs[start : start + stop])
            if start + stop <= len(signs) and len(part) > 2 and values_of(part) == wanted:
                return part
    return None


def texts_of(each: Item, seeds: range) -> list[tuple[Instance, str]]:
    """What the tutor says on an item while its key is locked: every act in every mode."""
    said: dict[tuple[int, str], Instance] = {}
    for seed in seeds:
        made = instance(each, "c", seed)
        for mode, (nth, act) in product(get_args(Mode), enumerate(ACTS)):
            seen = seen_at(made, seed, nth, mode, ())
            text = explained(act, made, seen, turn_no=seed, key_unlocked=False)
            said[seed, text] = made
    return [(made, text) for (_, text), made in said.items()]


@pytest.mark.parametrize("each", [*FORMULAS, *ARRANGED], ids=lambda e: f"{e.id} {e.prompt[:12]}")
def test_the_tutor_says_no_locked_key_and_the_guard_lets_it_speak(each: Item) -> None:
    texts = texts_of(each, range(2))
    stopped = 0
    for made, text in texts:
        said = text.replace(made.prompt.strip(), "")
        for part in said.split("\n\n"):
            assert masked(part, made) == part, text
        if each is DOUBLED:
            assert holds_value(said, str(made.key)) is None, text
        stopped += caught(made, text)
    assert len(texts) > 60
    assert stopped <= len(texts) / 50, f"{stopped} of {len(texts)}"


@pytest.mark.parametrize("each", FORMULAS, ids=lambda e: f"{e.id} {e.prompt[:12]}")
def test_hints_that_tell_are_covered_while_locked_and_the_last_one_tells(each: Item) -> None:
    for seed in range(4):
        made = instance(each, "c", seed)
        told = hint(made, 2)[0]
        assert BOX in masked(told, made), told
        assert BOX in masked(hint(made, ladder_length(each))[0], made)


# --- a model that leaks ---------------------------------------------------------------------------

LEADS = ("Fine. ", "So the answer would be ", "Let me tell you: ", "I may not say ", "You get ", "")


@pytest.mark.parametrize("each", FORMULAS, ids=lambda e: f"{e.id} {e.prompt[:12]}")
def test_no_leak_of_a_model_passes_however_it_comes_in_pieces(each: Item) -> None:
    dice = random.Random(each.id)
    for seed in range(6):
        made = instance(each, "c", seed)
        spelt = [
            key_text(made),
            key_text(made).strip("$"),
            str(made.key),
            str(made.key).replace(" ", ""),
        ]
        text = f"{dice.choice(LEADS)}{dice.choice(spelt)}{dice.choice(['.', ' and so on.', ''])}"
        stage, shown, at = Guarded(guard_set([made])), "", 0
        while at < len(text):
            step = dice.randint(1, 9)
            shown += stage.push(text[at : at + step])
            at += step
        shown += stage.finish()
        assert stage.caught == "guard.answer", text
        assert masked(shown, made) == shown


ROOT = fixed("expression", "sqrt(2)/2", "What is the sine of 45 degrees?")


@pytest.mark.parametrize(
    "text",
    [
        "It is the square root of 2 over 2.",
        "It is square root of two over two.",
        "That gives root 2 over 2.",
        "It is 1 over root two.",
        "You get the square root of 2 divided by 2, see?",
    ],
)
def test_a_root_in_words_tells_the_key(text: str) -> None:
    assert caught(ROOT, text)


@pytest.mark.parametrize(
    "text",
    [
        "Take the square root of both sides.",
        "A square has four sides, and the root of a tree has none.",
        "Look at the square root of 2 first.",
        "The cube root of 8 is another matter.",
    ],
)
def test_another_root_in_words_tells_nothing(text: str) -> None:
    assert not caught(ROOT, text)


def test_products_and_cube_roots_in_words() -> None:
    assert caught(fixed("expression", "2*sqrt(3)"), "It is 2 times the square root of 3.")
    assert caught(fixed("expression", "root(5, 3)"), "It is the cube root of 5.")
    assert not caught(fixed("expression", "root(5, 3)"), "It is the square root of 5.")


def walked(prompt: str = "How far is it in km?") -> Instance:
    return fixed("number", "5/2", prompt, unit=UnitSpec("km"))


@pytest.mark.parametrize(
    "text",
    [
        "It is 2500 m.",
        "So the distance is 2500 metres.",
        "5000 m / 2 = 2500 m",
        "The answer: 25 000 dm.",
        "It is 2.5 km.",
    ],
)
def test_the_key_in_another_unit_is_the_key(text: str) -> None:
    assert caught(walked(), text)


@pytest.mark.parametrize(
    "text", ["You walk 2500 steps.", "Is it more than 2500 m?", "It is less than 3000 m."]
)
def test_a_number_of_another_unit_tells_nothing_elsewhere(text: str) -> None:
    assert not caught(walked(), text)


def test_what_the_question_prints_in_another_unit_may_be_said() -> None:
    assert not caught(walked("Turn 2500 m into km."), "The way is 2500 m, as it says.")
    assert caught(fixed("number", "90", unit=UnitSpec("min")), "It is 1.5 h.")
    assert not caught(fixed("number", "90"), "It is 1.5 h.")
