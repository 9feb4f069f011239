from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.explain import chunks, explained
from engines.exercises.frames import (
    CLOSINGS,
    EXAM_CLOSINGS,
    EXAM_OPENINGS,
    FADED,
    LOCKED,
    OPENINGS,
    OPINIONS,
    QUESTIONS,
    REASONS,
    SELF_EXPLAIN,
    SOCRATIC_CLOSINGS,
    TO_YOUR_OWN,
    YOUR_LINE,
)
from engines.exercises.hints import hint, ladder_length, worked
from engines.exercises.template import instance
from engines.words import (
    ACTS,
    Act,
    HintStep,
    Instance,
    Item,
    Mode,
    ModeState,
    Move,
    PlanEnd,
    Seen,
    SocraticState,
)
from tests.engines.exercises.items import ADD, ALL, TWO_STEP

WRONG = Seen(attempts=2, verdict="incorrect", misconception="sign-slip", hints_used=1)


def _states(text: str, made: Instance) -> list[str]:
    """An oracle of its own: numbers outside the question that equal the key and are not given."""
    key = made.key
    text = text.replace(made.prompt.strip(), " ")
    if isinstance(key, str):
        if made.item.answer.kind != "text":
            right = next(c.text for c in made.choices if c.id == key)
            others = [c.text for c in made.choices if c.id != key]
            return [right] if right in text and not any(o in text for o in others) else []
        return re.findall(rf"\b{re.escape(key)}\b", text, re.IGNORECASE)
    if not isinstance(key, Fraction):
        return []
    tidy = re.sub(r"\\frac\{(-?\d+)\}\{(\d+)\}", r"\1/\2", text)
    given = {_value(n) for n in re.findall(r"-?\s?\d+(?:/\d+)?", made.prompt)}
    given |= {-v for v in given if re.search(rf"[a-z)\d] - {abs(v)}\b", made.prompt)}
    stated = [n for n in re.findall(r"(?:(?<==\s)-)?\d+(?:/\d+)?", tidy) if _value(n) == key]
    return [] if key in given else stated


def _value(text: str) -> Fraction:
    return Fraction(text.replace(" ", ""))


@pytest.mark.parametrize("item", ALL, ids=lambda i: i.id)
def test_a_locked_key_is_never_said(item: Item) -> None:
    misconceptions = [None, *(m.id for m in item.misconceptions)]
    for seed in range(12):
        made = instance(item, "c", seed)
        shown = tuple(hint(made, n)[0] for n in range(1, ladder_length(item)) if seed % 2)
        for act in ACTS:
            for turn_no, known in enumerate(misconceptions, start=seed):
                seen = Seen(2, "incorrect", known, len(shown), shown, acts=(act,) * (seed % 4))
                text = explained(act, made, seen, turn_no=turn_no, key_unlocked=False)
                assert not _states(text, made), (act, seed, text)


@pytest.mark.parametrize("item", ALL, ids=lambda i: i.id)
def test_every_act_gives_text_and_never_the_same_twice_running(item: Item) -> None:
    made = instance(item, "c", 7)
    for act in ACTS:
        for unlocked in (False, True):
            texts = [
                explained(act, made, Seen(), turn_no=n, key_unlocked=unlocked) for n in range(8)
            ]
            assert all(15 <= len(t.split()) <= 130 for t in texts), texts
            assert all(a != b for a, b in pairwise(texts))
            openings = [t.split("\n\n")[0] for t in texts]
            assert all(a != b for a, b in pairwise(openings))
            again = explained(act, made, Seen(), turn_no=3, key_unlocked=unlocked)
            assert again == texts[3]
            assert all("@{" not in t and t.count("$") % 2 == 0 for t in texts)


def test_with_material_a_text_has_forty_words() -> None:
    made = instance(TWO_STEP, "c", 1)
    for act in ("point", "explain", "simpler", "example", "compare", "submit_prompt", "bottom_out"):
        for turn in range(6):
            text = explained(act, made, WRONG, turn_no=turn, key_unlocked=False)
            assert 35 <= len(text.split()) <= 120, text


def test_material_moves_on_with_every_act() -> None:
    made = instance(ADD, "ab" * 32, 0)
    first = explained("explain", made, Seen(), turn_no=1, key_unlocked=False)
    later = explained("explain", made, Seen(acts=("explain",)), turn_no=3, key_unlocked=False)
    assert "common denominator" in later or "common denominator" in first
    steps = [
        explained("show_step", instance(TWO_STEP, "c", 1), Seen(acts=("show_step",) * n),
                  turn_no=n, key_unlocked=True)
        for n in range(2)
    ]  # fmt: skip
    assert "Undo the addition" in steps[0]
    assert "Divide both sides" in steps[1]


def test_the_way_seen_wrong_is_named() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    text = explained("explain", made, WRONG, turn_no=0, key_unlocked=False)
    assert "You added -4." in text


def test_an_example_is_worked_whole_with_other_numbers() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    text = explained("example", made, Seen(), turn_no=0, key_unlocked=False)
    assert "A similar one, worked" in text
    assert re.search(r"\$x = -?\d+\$", text)
    assert made.prompt not in text


def test_the_end_is_said_only_once_it_is_open() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    locked = explained("bottom_out", made, Seen(), turn_no=0, key_unlocked=False)
    opened = explained("bottom_out", made, Seen(), turn_no=0, key_unlocked=True)
    assert "-7" not in locked
    assert locked.startswith(tuple(LOCKED))
    assert "$x = -7$" in opened


@pytest.mark.parametrize("mode", ["practice", "socratic"])
def test_the_end_is_said_once(mode: Mode) -> None:
    end = "$x = -7$"
    for says in (end, f"So {end}"):
        item = msgspec.structs.replace(
            TWO_STEP,
            hints=(*TWO_STEP.hints[:-1], HintStep("bottom-out", says.replace("-7", "@{x}"))),
        )
        made = instance(item, "ab" * 32, 3)
        told = explained("bottom_out", made, Seen(mode=mode), turn_no=0, key_unlocked=True)
        steps = [show for show, _ in worked(made)]
        assert steps[-1] == end
        assert told.count(end) == (1 if says == end else 2)


def test_frames_are_many_and_hold_no_numbers() -> None:
    for act in ACTS:
        assert len(set(OPENINGS[act])) >= 3
        assert len(set(CLOSINGS[act])) >= 2
    others = [t for tables in (QUESTIONS, EXAM_OPENINGS, EXAM_CLOSINGS) for t in tables.values()]
    others += [SOCRATIC_CLOSINGS, SELF_EXPLAIN, FADED, YOUR_LINE, TO_YOUR_OWN, REASONS, OPINIONS]
    others += [OPENINGS[act] for act in ACTS] + [CLOSINGS[act] for act in ACTS]
    for frames in others:
        assert len(set(frames)) == len(frames) >= 2
        for text in frames:
            assert not re.search(r"\d|\b(two|three|four|five|six|seven|eight|nine|ten)\b", text)


def test_discovery_asks_once_a_frame_and_closes_without_a_question() -> None:
    assert all(text.count("?") == 1 for frames in QUESTIONS.values() for text in frames)
    assert not any("?" in text for text in SOCRATIC_CLOSINGS)
    assert not any("?" in text for frames in OPENINGS.values() for text in frames)
    assert all(text.count("?") <= 1 for frames in CLOSINGS.values() for text in frames)


MODES: tuple[Mode, ...] = get_args(Mode)


@settings(max_examples=150)
@given(
    st.sampled_from(ACTS),
    st.builds(
        Seen,
        attempts=st.integers(0, 4),
        verdict=st.sampled_from([None, "correct", "incorrect", "unreadable"]),
        misconception=st.sampled_from([None, "sign-slip", "gone"]),
        hints_used=st.integers(0, 5),
        mode=st.sampled_from(MODES),
        acts=st.lists(st.sampled_from(ACTS), max_size=5).map(tuple),
        revealed=st.booleans(),
        state=st.builds(
            ModeState,
            st.builds(
                SocraticState,
                st.integers(0, 2),
                st.sampled_from(get_args(Move)),
                st.integers(0, 12),
                st.sampled_from(get_args(PlanEnd)),
            ),
            st.integers(0, 5),
        ),
    ),
    st.sampled_from(ALL),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_any_act_in_any_state_of_any_mode_gives_a_text(
    act: Act, seen: Seen, item: Item, unlocked: bool, turn_no: int
) -> None:
    made = instance(item, "c", 2)
    text = explained(act, made, seen, turn_no=turn_no, key_unlocked=unlocked)
    assert len(text.split()) >= 8
    assert text == explained(act, made, seen, turn_no=turn_no, key_unlocked=unlocked)
    after = explained(act, made, seen, turn_no=turn_no + 1, key_unlocked=unlocked)
    assert after != text
    if not unlocked:
        assert not _states(text, made)


def test_learners_hear_different_words_and_each_the_same_again() -> None:
    made = instance(TWO_STEP, "c", 1)
    texts = {
        explained("nudge", made, Seen(), turn_no=1, key_unlocked=False, learner=f"learner {n}")
        for n in range(20)
    }
    assert len(texts) > 3
    again = explained("nudge", made, Seen(), turn_no=1, key_unlocked=False, learner="learner 0")
    assert again in texts


def test_a_safety_text_is_the_one_given() -> None:
    made = instance(TWO_STEP, "c", 1)
    given = "Please tell somebody. Line: 0800."
    for mode in MODES:
        seen = Seen(mode=mode)
        said = explained("safety", made, seen, turn_no=1, key_unlocked=False, given=given)
        assert said == given
        own = explained("safety", made, seen, turn_no=1, key_unlocked=False)
        assert "tell an adult you trust" in own


@pytest.mark.parametrize("item", ALL, ids=lambda i: i.id)
def test_an_exam_and_a_vote_give_no_help(item: Item) -> None:
    made = instance(item, "c", 5)
    helpful = [hint(made, n)[0] for n in range(1, ladder_length(item) + 1)]
    helpful += [step.why for step in item.steps if step.why]
    helpful += [m.say for m in item.misconceptions if "@" not in m.say]
    for mode in ("exam", "peer"):
        for act in ACTS:
            for known in (None, *(m.id for m in item.misconceptions)):
                seen = Seen(2, "incorrect", known, mode=mode)
                text = explained(act, made, seen, turn_no=1, key_unlocked=False)
                assert not [h for h in helpful if h != made.prompt and h in text], (mode, act)


def test_an_exam_offers_no_hint_and_no_step() -> None:
    made = instance(TWO_STEP, "c", 5)
    for act in ACTS:
        for turn_no in range(6):
            text = explained(act, made, Seen(mode="exam"), turn_no=turn_no, key_unlocked=False)
            assert not re.search(r"\b(hint|step|example|test it)", text, re.IGNORECASE), text


def test_a_review_is_short() -> None:
    for item in ALL:
        made = instance(item, "c", 5)
        for act in ("recall", "point", "explain", "affirm", "greet"):
            for turn_no in range(6):
                seen = replace(WRONG, mode="review")
                text = explained(act, made, seen, turn_no=turn_no, key_unlocked=False)
                assert len(text.split()) <= 66, text


def test_a_worked_example_shows_other_numbers_and_leaves_lines_out() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    first = Seen(mode="worked", example_given=1, state=ModeState(step=1))
    shown = explained("show_step", made, first, turn_no=1, key_unlocked=False)
    assert "The example: Solve" in shown
    assert "Undo the addition" in shown
    assert made.prompt not in shown
    then = replace(first, acts=("show_step",), state=ModeState(step=2))
    faded = explained("probe", made, then, turn_no=2, key_unlocked=False)
    assert "Divide both sides" not in faded
    assert not re.search(r"x = -?\d", faded.split("Solve")[1].split("$")[2])


def test_a_self_explanation_hides_the_reason_and_the_next_turn_gives_it() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    asked = Seen(mode="worked", example_given=2, state=ModeState(step=1))
    text = explained("probe", made, asked, turn_no=1, key_unlocked=False)
    assert "Undo the addition" not in text
    then = replace(asked, acts=("probe",), state=ModeState(step=2))
    assert "Undo the addition" in explained("show_step", made, then, turn_no=2, key_unlocked=False)


@given(st.text(max_size=80))
def test_chunks_are_the_text(text: str) -> None:
    assert "".join(chunks(text)) == text
    assert all(c for c in chunks(text))
