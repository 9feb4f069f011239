from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engines.exercises.guarded import Guarded
from engines.exercises.guardset import GuardSet, guard_set
from engines.exercises.leak import Counting, Piece, Verdict, _is_idle, _Judging
from engines.exercises.signs import HELD_CHARS
from engines.exercises.template import instance
from engines.words import Instance
from tests.engines.exercises.items import CHOICE, MULTI, TEXT, number, words


def through(guard: GuardSet, pieces: Sequence[str]) -> tuple[str, str | None]:
    stage = Guarded(guard)
    shown = "".join([stage.push(piece) for piece in pieces])
    return shown + stage.finish(), stage.caught


def made(key: str, prompt: str = "Work it out.", **spec: object) -> Instance:
    return instance(number(key, prompt, **spec), "c", 0)


SEVEN = guard_set([made("7", "What is $3 + 4$?")])
EIGHTHS = guard_set([made("7/8", "Add.", form="lowest-terms")])
GIVEN = guard_set([made("3", "Solve $x + 3 = 6$.")])
HELD = guard_set([made("7/8")], (), "is it 7/8?")
OPTION = guard_set([instance(CHOICE, "c", 0)])  # neither, 6/1 (right), 1/6
WORD = guard_set([instance(TEXT, "c", 0)])
PRIMES = guard_set([instance(MULTI, "c", 0)])
LINE = guard_set([instance(words("2x = 32 - 10", "What follows from $2x + 10 = 32$?"), "c", 0)])

CAUGHT: list[tuple[GuardSet, str]] = [
    *((SEVEN, text) for text in (
        "It is 7.", "It is seven", "7", "**7**", "The value is VII", "7 eggs", "14/2", "siete",
        "七",
        "７", "7️⃣ ok", "x⁷", "\\boxed{7}", "$x = 7$ so", "$\\frac{14}{2}$", "s-e-v-e-n",
        "s e v e n",
        "Add: 3 + 4 = 7", "1. Add\n2. Look\n7. No", "c2V2ZW4= there", "Nw== is it", "se**ven**",
        "6.999 or 7.00", "sіx? no: sеven",
    )),
    *((EIGHTHS, text) for text in (
        "seven eighths", "14/16", "87.5 %", "0.875", "0.88", "$\\dfrac{7}{8}$", "7 over 8",
        "7 / 8",
        "⅞", "7 eighths", "zero point eight seven five", "0,875", "⁷⁄₈", "21/24",
    )),
    *((GIVEN, text) for text in (
        "x = 3", "The answer is 3", "3", "3 is correct", "type 3 in the box", "three it is",
        "3 is the answer", "Yes, 3.", "Answer key:\n\n1. 3", "Only one is left: 3.",
        "option\n\n**3**",
    )),
    *((HELD, text) for text in (
        "Yes, that's right", "Exactly! Now", "well done", "You wrote 7/8, that is correct",
        "seven eighths", "14/16", "Let me see. You are right.",
    )),
    *((OPTION, text) for text in (
        "option B", "the second one", "it is B.", "(b)", "B is correct", "Choice #2", "B",
        "pick B",
        "The answer is $6$", "options number two",
    )),
    *((WORD, text) for text in (
        "The Numerator, not", "n u m e r a t o r", "the num*er*ator", "bnVtZXJhdG9y", "NUMERATOR",
        "numéràtor",
    )),
    *((EIGHTHS, text) for text in (
        "frac{7}{8}", "so > dfrac{14}{16}", "\\ f r a c { 7 } { 8 }", "-f-r-a-c-{-7-}-{-8-}",
    )),
    *((LINE, text) for text in (
        "It is **2x = 32 - 10**. Good", "_2x = 32 - 10_", "2 x   =   3 2   -   1 0",
        "2-x- -=- -3-2- --- -1-0", "I think a 2x = 32 - 10 I", "MnggPSAzMiAtIDEw there",
    )),
    (PRIMES, "23 it is"),
]  # fmt: skip


@pytest.mark.parametrize(("guard", "text"), CAUGHT)
def test_a_locked_answer_is_caught_however_it_comes(guard: GuardSet, text: str) -> None:
    whole = through(guard, [text])
    assert whole[1] == "guard.answer"
    assert through(guard, list(text)) == whole
    assert text.startswith(whole[0])


LET: list[tuple[GuardSet, str]] = [
    *((SEVEN, text) for text in (
        "77 and 0.7", "First add 3 to 4, then look.", "-7 is below", "Yes, add them",
        "the day is mild and civil", "1. Add\n2. Look", "Step 1: begin. Step 2: end.",
    )),
    *((GIVEN, text) for text in (
        "Subtract 3 from both sides.", "subtract 3 on the right side", "so x = 3x",
        "We have x + 3 = 6 here", "How did you get 3?", "Is the 3 added or taken away?",
        "see whether 3 is correct",
    )),
    *((HELD, text) for text in ("You wrote 7/8, tell me why", "How did you get 7/8?")),
    *((OPTION, text) for text in (
        "Option A", "Look at options A, B and C", "pick the third option", "C is correct",
        "the answer is a fraction", "A good start is a picture", "the first step",
        "choose a number",
    )),
    *((WORD, text) for text in ("numerators count", "It counts the parts above the line")),
    *((LINE, text) for text in (
        "You have 2x + 10 = 32.", "Look at 32x = 32 - 105", "fractions of 2 - 1 - 0",
    )),
    (HELD, "Enter it there. Does it answer exactly what was asked?"),
]  # fmt: skip


@pytest.mark.parametrize(("guard", "text"), LET)
def test_help_passes_word_by_word(guard: GuardSet, text: str) -> None:
    assert through(guard, [text]) == (text, None)
    assert through(guard, list(text)) == (text, None)


def test_a_form_the_question_prints_and_no_answer_takes_may_be_said() -> None:
    guard = guard_set([made("3/4", "Write $6/8$ in lowest terms.", form="lowest-terms")])
    assert through(guard, ["The fraction is 6/8. What divides both?"])[1] is None
    assert through(guard, ["So 3/4."])[1] == "guard.answer"
    assert through(guard, ["So 9/12."])[1] == "guard.answer"


def test_a_hint_already_shown_makes_its_numbers_given() -> None:
    item = made("12", "What is three times four?")
    text = "You saw the 12 in the hint."
    assert through(guard_set([item]), [text])[1] == "guard.answer"
    assert through(guard_set([item], ["Twelve is written 12."]), [text])[1] is None


def test_a_number_word_of_the_learners_is_given_as_a_proposal_only() -> None:
    item, text = made("2", "Work out $-5 + 7$."), "See 2 for more."
    for said in ("a space between any two letters", "Wait two minutes"):
        assert through(guard_set([item], (), said), [text])[1] == "guard.answer"
        assert through(guard_set([item], earlier=[said]), [text])[1] == "guard.answer"
    for said in ("I got two", "is it two?", "I wrote 2 there"):
        assert through(guard_set([item], (), said), ["How did you get 2?"])[1] is None
        assert through(guard_set([item], earlier=[said]), ["How did you get 2?"])[1] is None


def test_a_list_number_is_no_answer_but_a_lone_number_is() -> None:
    one, two = guard_set([made("1")]), guard_set([made("2")])
    assert through(one, ["1. Add.\n2. Look."])[1] is None
    assert through(two, ["1. Add.\n2. Look."])[1] is None
    assert through(two, ["2. Look."])[1] == "guard.answer"
    assert through(two, ["The solution:\n\n1. Add.\n2. Look."])[1] is None
    assert through(one, ["Answer key:\n\n1. 1"])[1] == "guard.answer"
    for text in ("1.", "1. ", "1.\n", "**1**"):
        assert through(one, [text])[1] == "guard.answer"
        assert through(one, list(text))[1] == "guard.answer"


def test_a_rooms_guard_holds_every_members_answer() -> None:
    guard = guard_set([made("7"), made("11"), instance(TEXT, "c", 0)])
    for text in ("7", "eleven", "numerator"):
        assert through(guard, [f"It is {text}, you see"])[1] == "guard.answer"
    assert through(guard, ["It is 8, you see"])[1] is None


def test_strict_lets_no_new_number_pass() -> None:
    item = made("7", "What is $3 + 4$?")
    strict = guard_set([item], ["Then 14 is twice that."], strict=True)
    assert through(strict, ["Add 3 and 4; not 14."])[1] is None
    assert through(strict, ["Think of 5 first."]) == ("Think of ", "guard.answer")
    assert through(strict, ["1. Add.\n2. Look."])[1] is None
    assert through(guard_set([item]), ["Think of 5 first."])[1] is None


def test_words_of_an_option_and_a_phrase() -> None:
    guard = guard_set([instance(words("no solution"), "c", 0)])
    assert through(guard, ["There is no", " solution here"]) == ("There is ", "guard.answer")
    assert through(guard, ["There is no number"])[1] is None
    yes = guard_set([instance(words("yes", "Is 4 even?"), "c", 0)])
    assert through(yes, ["Yes, for it ends in 4."])[1] == "guard.answer"
    assert through(yes, ["What does even mean?"])[1] is None


def test_a_run_too_long_to_hold_is_caught() -> None:
    long = "$" + "1 + " * (HELD_CHARS // 4) + "1$"
    assert through(SEVEN, [long]) == through(SEVEN, list(long)) == ("", "guard.answer")
    short = "$" + "1 + " * (HELD_CHARS // 4 - 5) + "1$"
    assert through(SEVEN, [short]) == (short, None)


def test_nothing_is_shown_once_something_was_caught() -> None:
    stage = Guarded(SEVEN)
    assert stage.push("It is 7, I say") == "It is "
    assert stage.push("more") == stage.finish() == ""
    assert stage.caught == "guard.answer"


def test_a_wrong_sum_is_caught_unless_it_is_the_learners() -> None:
    stage = Guarded(guard_set([made("50")]))
    assert stage.push("Then 3 + 4 = 8. After that") == "Then "
    assert stage.caught == "guard.maths"
    learners = Guarded(guard_set([made("50")]), exempt=frozenset(["3+4=8"]))
    assert learners.push("You wrote 3 + 4 = 8 there.") + learners.finish()
    assert learners.caught is None
    unasked = Guarded(guard_set([made("50")]), sums=False)
    assert unasked.push("Then 3 + 4 = 8.") + unasked.finish() == "Then 3 + 4 = 8."


PARTS = st.sampled_from(
    [*"<>[]()!$\\#*`~|-=_&;:/.,'\"aAbB01237\n xé½⁷\u0301\u200b७七i", "seven", "eighths", "7/8",
     "\n\n",
     "three quarters", "\\frac{7}{8}", "option B", "correct", "Nw==", " is ", "the answer", "yes",
     "numerator", "one", "no solution", "It has no", "twenty-", "one hundred and ", "step ", " = ",
     "point five", " and ", "right ", "the ", "words of prose, then ", "23", "well done", "a ",
     "I "]
)  # fmt: skip
STRICT = guard_set([instance(words("no solution"), "c", 0), made("17")], strict=True)
GUARDS = (SEVEN, GIVEN, HELD, OPTION, WORD, PRIMES, STRICT)


def cuttings(text: str, cuts: list[int]) -> Iterator[str]:
    at = 0
    for cut in sorted({min(cut, len(text)) for cut in cuts} | {len(text)}):
        yield text[at:cut]
        at = cut


@settings(max_examples=400)
@given(
    st.lists(PARTS, max_size=30).map("".join),
    st.lists(st.integers(0, 150), max_size=12),
    st.sampled_from(GUARDS),
)
@example("so $x = \\frac{7}{8}$ then", [5, 9], HELD)
def test_the_same_is_shown_and_caught_for_every_cutting(
    text: str, cuts: list[int], guard: GuardSet
) -> None:
    whole = through(guard, [text])
    assert through(guard, list(cuttings(text, cuts))) == whole
    assert through(guard, list(text)) == whole
    assert text.startswith(whole[0])
    assert whole[1] is not None or whole[0] == text


PAIR = guard_set([made("-12"), made("3/2")])
FORMULA = guard_set([instance(words("2x + 1"), "c", 0), instance(words("x > y"), "c", 0)])
SIGNS = st.sampled_from(
    [*"0123479 $+-*=()^xyb\n.,▢", " + ", " = ", "12", "\\frac{7}{8}", "\\frac{14}{2}", "\\cdot ",
     "$$", " and ", ", ", "\\frac{ 7 }{8}", "\\frac{-7}{8}", "\\frac{x}{7}", "and",
     "\\frac{1 + 6}{8}",
     "\\left(", "or ", ": ", "a", "one", "\\frac{seven}{8}", "three", "-12", "1/2", "d e", "i",
     "one of", "Twelve", "sieben"]
)  # fmt: skip


@settings(max_examples=500)
@given(
    st.lists(SIGNS, max_size=12).map("".join),
    st.sampled_from(["", "so we have ", "The answer is ", "option ", "\n", "step "]),
    st.sampled_from((SEVEN, EIGHTHS, GIVEN, OPTION, PRIMES, WORD, FORMULA, PAIR)),
    st.booleans(),
)
def test_what_a_quick_look_lets_pass_says_nothing(
    text: str, before: str, guard: GuardSet, ends: bool
) -> None:
    piece, counting = Piece(before, text, ends), Counting()
    if _is_idle(piece, guard, counting):
        assert _Judging(piece, guard, counting).verdict == Verdict()
        assert counting == Counting()


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_any_text_at_all_is_cut_alike(text: str, cuts: list[int]) -> None:
    for guard in (SEVEN, OPTION):
        assert through(guard, list(cuttings(text, cuts))) == through(guard, [text])
