"""What an author writes beside the exercise changes what a learner hears: variants and goals."""

from msgspec.structs import replace

from engines.course_words import Variants
from engines.exercises.explain import explained
from engines.exercises.goals import goals_of, is_met, question_of
from engines.exercises.mentions import numbers_in
from engines.exercises.template import instance
from engines.tutoring import planned
from engines.words import Act, AnswerSpec, Goal, Instance, ModeState, Seen, SocraticState
from tests.engines.exercises.items import TWO_STEP

VARIED = replace(
    TWO_STEP,
    variants=Variants(
        worked="Take $3x + 4 = 19$.\n\nFirst $3x = 15$, then $x = 5$.",
        analogy="Shoes come off before socks.",
        visual="Draw a balance with @{a} boxes on one side; each holds @{x}.",
        rule="What was done last is undone first.",
    ),
)
UNDO = Goal(
    "inverse-operation",
    elicit="What was done to $x$ last?",
    probe=("How do you see that?", "Where does the line say so?"),
    narrow="What is $@{c} - (@{b})$?",
    contrast="Somebody added @{b}. Why could that be?",
    confirm="What do you have now? It is @{x}.",
    expect=AnswerSpec("number", "c - b"),
)
ORDER = Goal("order", elicit="Which comes first?", phrases=("opposite order", "undo"))


def said(act: Act, seen: Seen, made: Instance) -> str:
    return explained(act, made, seen, turn_no=1, key_unlocked=False, learner="s")


def test_each_way_of_explaining_is_told_once_and_then_what_the_item_has_otherwise():
    made = instance(VARIED, "", 3)
    bare = instance(TWO_STEP, "", 3)
    assert "Shoes come off" in said("simpler", Seen(), made)
    second = said("simpler", Seen(acts=("simpler",)), made)
    assert "Draw a balance" in second
    third = Seen(acts=("simpler", "simpler"))
    assert said("simpler", third, made) == said("simpler", third, bare)
    assert "undone first" in said("explain", Seen(), made)
    assert "First $3x = 15$" in said("example", Seen(), made)
    assert "A similar one, worked" in said("example", Seen(acts=("example",)), made)


def test_a_variant_never_states_the_key_while_it_is_locked():
    for seed in range(40):
        made = instance(VARIED, "", seed)
        text = said("simpler", Seen(acts=("simpler",)), made)
        printed = made.key in numbers_in(made.prompt, parts=True)
        assert printed or f"each holds {made.key}." not in text


def test_the_course_goals_take_the_place_of_those_made_from_the_item():
    made = instance(replace(TWO_STEP, goals=(UNDO, ORDER)), "", 3)
    goals = goals_of(made)
    assert [goal.id for goal in goals] == ["inverse-operation", "order"]
    first = goals[0]
    assert first.elicit == "What was done to $x$ last?"
    assert "@{" not in first.narrow
    assert first.confirm == "", "a text that would say the key is not said"
    assert question_of(first, "probe") == "How do you see that?"
    right = made.values["c"] - made.values["b"]  # type: ignore[operator]  # both are numbers
    assert is_met(first, f"I get {right}", made)
    assert not is_met(first, f"I get {right + 1}", made)
    assert is_met(goals[1], "undo it in the opposite order", made)
    assert not is_met(goals[1], "the opposite", made)


def test_a_goal_that_expects_the_key_is_none():
    goal = Goal("all", expect=AnswerSpec("number", "x"))
    made = instance(replace(TWO_STEP, goals=(goal, ORDER)), "", 3)
    assert [each.id for each in goals_of(made)] == ["order"]


def test_the_plan_of_a_socratic_turn_asks_the_authors_question():
    made = instance(replace(TWO_STEP, goals=(UNDO,)), "", 3)
    seen = Seen(mode="socratic", state=ModeState(socratic=SocraticState(move="elicit", turns=1)))
    plan = planned("I do not see it", seen, made)
    asked = {UNDO.elicit, *UNDO.probe, UNDO.contrast, goals_of(made)[0].narrow}
    assert plan.question in asked
    assert plan.question in said(plan.act, plan.seen, made)
