"""Answers beside the open item, as votes in a room are: nothing is chosen, help is no fault."""

from __future__ import annotations

import pytest

from engines import tutor
from engines.beliefs import Beliefs
from engines.learner import kernels as k
from engines.learner.cards import DAY_S
from engines.maths.dice import Dice
from tests.engines.test_tutor import _evidence, _laddered, _mastered

HELPED = {"steps_shown": True, "steps_told": False}


@pytest.mark.parametrize("response", ["1/2", "1/3"])
def test_nothing_is_chosen_and_the_rest_is_as_for_any_answer(response: str) -> None:
    of = _laddered()
    beliefs = Beliefs.fresh(of)
    seen = _evidence(of, response, aside=True, mode="peer")
    aside = tutor.react(beliefs, seen, 12.0, Dice(3, 1))
    open_ = tutor.react(beliefs, _evidence(of, response), 12.0, Dice(3, 1))
    assert aside.chosen is None
    assert not aside.done
    assert aside.beliefs.state[k.SHOWN] == beliefs.state[k.SHOWN]
    assert (aside.counted, aside.weight, aside.moved) == (True, 1.0, open_.moved)
    assert aside.beliefs.learnt(of) == open_.beliefs.learnt(of)
    assert aside.difficulty == open_.difficulty


def test_a_wrong_one_with_help_is_an_opportunity_and_no_lapse() -> None:
    of = _laddered()
    beliefs = _mastered(of)
    later = beliefs.at_s + 9 * DAY_S
    beside = tutor.react(beliefs, _evidence(of, "1/3", aside=True, **HELPED), later, Dice(3, 1))
    assert beside.beliefs.cards is beliefs.cards
    assert beside.weight == 0.0
    assert not beside.counted
    lesson = tutor.react(beliefs, _evidence(of, "1/3", **HELPED), later, Dice(3, 1))
    assert lesson.beliefs.cards.memory[0, 0] < beliefs.cards.memory[0, 0]
    right = tutor.react(beliefs, _evidence(of, "1/2", aside=True, **HELPED), later, Dice(3, 1))
    assert right.beliefs.cards.last_s(0) == later
