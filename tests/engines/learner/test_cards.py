"""The cards under review: when they open, what moves them, which comes next, how they are kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.learner import forgetting as f
from engines.learner.cards import (
    DAY_S,
    REVIEW_SHARE,
    TOLD_WAIT_S,
    Cards,
    after_answer,
    due_of,
    next_due,
    why_due,
)
from tests.engines.courses import course, item, line, skill

NOW_S = 1_768_000_000.123
RATINGS = st.sampled_from((f.WRONG, f.ASSISTED, f.RIGHT, f.EASY))
HISTORIES = st.lists(st.tuples(st.integers(0, 4), RATINGS, st.floats(0.0, 30.0)), max_size=12)


def after(history: list[tuple[int, f.Rating, float]], n_skills: int = 5) -> tuple[Cards, float]:
    cards, now_s = Cards.none(n_skills), NOW_S
    for reviewed, rating, days in history:
        now_s = round(now_s + days * DAY_S, 3)
        cards = cards.reviewed(reviewed, rating, now_s)
    return cards, now_s


def test_a_card_opens_with_the_first_review_and_comes_back_when_it_said() -> None:
    cards = Cards.none(3).reviewed(1, f.RIGHT, NOW_S)
    assert [cards.has(k) for k in range(3)] == [False, True, False]
    assert (cards.last_s(1), cards.due_s(1), cards.due_s(0)) == (NOW_S, NOW_S + 2 * DAY_S, None)
    assert cards.due(NOW_S + 2 * DAY_S - 0.001) == []
    (due,) = cards.due(NOW_S + 2 * DAY_S)
    assert (due.skill, due.due_s) == (1, NOW_S + 2 * DAY_S)
    assert due.retrievability == pytest.approx(f.retrievability(2.0, 2.3065))


def test_a_review_a_day_later_to_the_millisecond_is_not_of_the_same_day() -> None:
    for at_ms in range(1_768_000_000_001, 1_768_000_000_200):
        cards = Cards.none(1).reviewed(0, f.RIGHT, at_ms / 1000)
        at_last = cards.reviewed(0, f.RIGHT, (at_ms + 86_400_000) / 1000).memory[0, 0]
        assert at_last == f.reviewed(*f.opened(f.RIGHT), 1.0, f.RIGHT)[0]
        assert cards.due((at_ms + 2 * 86_400_000) / 1000)


@given(HISTORIES, st.floats(0.0, 400.0))
def test_the_most_likely_forgotten_comes_first(
    history: list[tuple[int, f.Rating, float]], days: float
) -> None:
    cards, now_s = after(history)
    now_s += days * DAY_S
    found, chance = cards.due(now_s), cards.retrievability(now_s)
    assert [d.retrievability for d in found] == sorted(d.retrievability for d in found)
    assert {d.skill for d in found} == {
        k for k in range(5) if (at := cards.due_s(k)) is not None and at <= now_s
    }
    assert ((chance >= 0.0) & (chance <= 1.0)).all()
    assert [c > 0.0 for c in chance] == [cards.has(k) for k in range(5)]
    for k in range(5):
        if cards.has(k):
            elapsed = (now_s - cards.last_s(k)) / DAY_S
            assert chance[k] == pytest.approx(f.retrievability(elapsed, cards.memory[0, k]))


@given(HISTORIES)
def test_what_is_written_is_read_back_bit_for_bit(
    history: list[tuple[int, f.Rating, float]],
) -> None:
    cards, _ = after(history)
    written = cards.to_bytes()
    read = Cards.from_bytes(written)
    assert read.to_bytes() == written
    assert (read.memory == cards.memory).all()
    assert np.isfinite(cards.memory).all()
    assert Cards.from_bytes(Cards.none(0).to_bytes()).memory.shape == (5, 0)


def test_other_bytes_are_refused() -> None:
    written = Cards.none(2).reviewed(0, f.RIGHT, NOW_S).to_bytes()
    stray = np.frombuffer(written, "<f8", offset=1).copy()
    stray[0] = np.nan
    for bad in (b"", b"\x01" + written[1:], written[:-1], b"\x02" + stray.tobytes()):
        with pytest.raises(ValueError, match="expected"):
            Cards.from_bytes(bad)
    easy = np.frombuffer(written, "<f8", offset=1).copy()
    easy[2] = 0.5  # a difficulty that is none
    with pytest.raises(ValueError, match="difficulty"):
        Cards.from_bytes(b"\x02" + easy.tobytes())


def test_a_review_leaves_the_cards_it_came_from_as_they_were() -> None:
    cards = Cards.none(2).reviewed(0, f.RIGHT, NOW_S)
    before = cards.to_bytes()
    assert cards.reviewed(0, f.WRONG, NOW_S + DAY_S).to_bytes() != before
    assert cards.to_bytes() == before
    with pytest.raises(ValueError, match="read-only"):
        cards.memory[0, 0] = 1.0


def test_cards_go_by_their_skills_ids_into_another_version_of_the_course() -> None:
    cards = Cards.none(3).reviewed(0, f.RIGHT, NOW_S).reviewed(2, f.EASY, NOW_S)
    moved = cards.moved(("a", "b", "c"), ("c", "new", "a", "b"))
    assert [moved.has(k) for k in range(4)] == [True, False, True, False]
    assert (moved.memory[:, 0] == cards.memory[:, 2]).all()
    back = moved.moved(("c", "new", "a", "b"), ("a", "b", "c"))
    assert back.to_bytes() == cards.to_bytes()
    assert cards.moved(("a", "b", "c"), ("b",)).to_bytes() == Cards.none(1).to_bytes()
    with pytest.raises(ValueError, match="ids of 3 skills, got 2"):
        cards.moved(("a", "b"), ("a", "b"))


def test_the_intervals_offered_are_those_that_come_true() -> None:
    cards = Cards.none(1).reviewed(0, f.RIGHT, NOW_S)
    later = NOW_S + 9.3 * DAY_S
    offered = cards.intervals(0, later)
    assert offered.wrong <= offered.assisted <= offered.right <= offered.easy
    for rating, days in zip((1, 2, 3, 4), offered, strict=True):
        due_s = cards.reviewed(0, rating, later).due_s(0)  # type: ignore[arg-type]
        assert due_s == pytest.approx(later + days * DAY_S, abs=1e-3)
    asked = cards.intervals(0, later, retention=0.8)
    assert asked.right > offered.right


# --- what an answer does ----------------------------------------------------------------------

ONE = line(3, 6)
SEVERAL = course([skill(k) for k in range(3)], [item(0, (1, 0, 2), 0.0), item(1, (2,), 0.0)])


def test_a_skill_gets_its_card_when_it_is_mastered_and_not_before() -> None:
    unmastered = after_answer(Cards.none(3), ONE, 1, (), f.RIGHT, NOW_S)
    assert not any(unmastered.has(k) for k in range(3))
    mastered = after_answer(Cards.none(3), ONE, 1, {1}, f.RIGHT, NOW_S)
    assert [mastered.has(k) for k in range(3)] == [False, True, False]


def test_a_card_that_is_there_is_reviewed_though_its_skill_is_mastered_no_more() -> None:
    cards = Cards.none(3).reviewed(1, f.RIGHT, NOW_S)
    lapsed = after_answer(cards, ONE, 1, (), f.WRONG, NOW_S + 3 * DAY_S)
    assert lapsed.last_s(1) == NOW_S + 3 * DAY_S
    assert lapsed.memory[0, 1] < cards.memory[0, 1]


def test_a_right_answer_reviews_all_its_skills_a_wrong_one_the_primary_alone() -> None:
    cards = Cards.none(3)
    for k in range(3):
        cards = cards.reviewed(k, f.RIGHT, NOW_S)
    later = NOW_S + DAY_S
    right = after_answer(cards, SEVERAL, 0, (), f.ASSISTED, later)
    assert [right.last_s(k) for k in range(3)] == [later, later, later]
    wrong = after_answer(cards, SEVERAL, 0, (), f.WRONG, later)
    assert [wrong.last_s(k) for k in range(3)] == [NOW_S, later, NOW_S]


@pytest.mark.parametrize("days", [0.5, 2.0, 30.0])
def test_a_told_answer_leaves_the_memory_and_keeps_the_card_due(days: float) -> None:
    cards = Cards.none(3)
    for k in (0, 1):
        cards = cards.reviewed(k, f.RIGHT, NOW_S)
    now_s = NOW_S + days * DAY_S
    told = after_answer(cards, SEVERAL, 0, {2}, None, now_s)
    assert told.memory[:3].tobytes() == cards.memory[:3].tobytes()
    assert not told.has(2), "a card opens by an answer of one's own"
    assert (told.retrievability(now_s) == cards.retrievability(now_s)).all()
    if days < 2.0:
        assert told.due_s(0) == cards.due_s(0), "what is not due yet is due when it was to be"
        return
    assert told.due(now_s) == [], "not while the text is still before one's eyes"
    assert [due.skill for due in told.due(now_s + TOLD_WAIT_S)] == [0, 1]
    lapsed = after_answer(cards, SEVERAL, 0, (), f.WRONG, now_s)
    assert lapsed.memory[0, 1] < told.memory[0, 1], "and that is what it was before"


def test_to_get_right_what_was_just_told_is_no_recall() -> None:
    later = NOW_S + 9 * DAY_S
    told = after_answer(Cards.none(3).reviewed(1, f.RIGHT, NOW_S), ONE, 1, (), None, later)
    for rating in (f.RIGHT, f.ASSISTED):
        assert after_answer(told, ONE, 1, (), rating, later + 30.0) is told
        again = after_answer(told, ONE, 1, (), rating, later + TOLD_WAIT_S)
        assert again.last_s(1) == later + TOLD_WAIT_S
    missed = after_answer(told, ONE, 1, (), f.WRONG, later + 30.0)
    assert missed.memory[0, 1] < told.memory[0, 1], "to miss it is a lapse all the same"
    assert Cards.from_bytes(told.to_bytes()).just_told(1, later + 30.0)


def test_the_retention_asked_for_sets_the_interval() -> None:
    told = [
        after_answer(Cards.none(3), ONE, 1, {1}, f.RIGHT, NOW_S, asked).due_s(1)
        for asked in (0.97, 0.9, 0.7)
    ]
    assert told == [NOW_S + days * DAY_S for days in (1, 2, 21)]


# --- what comes next --------------------------------------------------------------------------


def test_no_backlog_becomes_a_wall() -> None:
    of = line(40, 40)
    cards = Cards.none(40)
    for k in range(40):
        cards = cards.reviewed(k, f.RIGHT, NOW_S)
    reviews = 0
    for items in range(200):
        if next_due(cards, of, NOW_S + 30 * DAY_S, reviews, items) is not None:
            reviews += 1
        assert reviews <= REVIEW_SHARE * (items + 1)
    assert reviews == 40  # a fifth of all, no less
    assert next_due(cards, of, NOW_S + 30 * DAY_S, 9, 9, share=1.0) is not None


def test_the_next_review_is_the_one_most_likely_forgotten() -> None:
    cards = Cards.none(3).reviewed(0, f.EASY, NOW_S).reviewed(2, f.RIGHT, NOW_S)
    assert next_due(cards, ONE, NOW_S + DAY_S, 0, 99) is None
    assert next_due(cards, ONE, NOW_S + 3 * DAY_S, 0, 99) == 2
    assert [d.skill for d in due_of(cards, ONE, NOW_S + 20 * DAY_S)] == [2, 0]


def test_a_skill_that_lost_its_items_is_not_offered() -> None:
    of = course([skill(0), skill(1)], [item(0, (1,), 0.0)])
    cards = Cards.none(2).reviewed(0, f.RIGHT, NOW_S)
    assert cards.due(NOW_S + 9 * DAY_S)
    assert due_of(cards, of, NOW_S + 9 * DAY_S) == []
    assert next_due(cards, of, NOW_S + 9 * DAY_S, 0, 99) is None


@pytest.mark.parametrize(
    ("title", "days", "chance", "text"),
    [
        ("fractions", 9.3, 0.882, "You last met fractions 9 days ago; chance of recall about 88 %"),
        ("signs", 1.99, 0.9, "You last met signs 1 day ago; chance of recall about 90 %"),
        ("signs", 0.5, 0.97, "You last met signs today; chance of recall about 97 %"),
    ],
)
def test_the_reason_names_skill_days_and_chance(
    title: str, days: float, chance: float, text: str
) -> None:
    assert why_due(title, NOW_S, NOW_S + days * DAY_S, chance) == text


def test_the_reason_is_short_whatever_the_title() -> None:
    assert len(why_due("x" * 400, 0.0, 36_500 * DAY_S, 1.0)) <= 140
