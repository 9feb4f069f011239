from __future__ import annotations

from dataclasses import replace

import pytest

from engines.modes.policies import policy_of
from engines.modes.worked import steps_given
from engines.words import Act, Seen, Wish

POLICY = policy_of("worked")


def played(steps: int, answered: int, turns: int, wish: Wish = "thanks") -> list[tuple[Act, int]]:
    """The acts of so many turns, each with the steps gone through after it."""
    seen, acts = Seen(mode="worked", example_steps=steps, skill_answers=answered), []
    for _ in range(turns):
        act = POLICY.next_act(seen, wish)
        seen = replace(seen, state=POLICY.after_turn(seen, act, wish), acts=(*seen.acts, act))
        acts.append((act, seen.state.step))
    return acts


def test_each_second_step_is_explained_by_the_learner_and_the_last_is_left_out() -> None:
    acts = [act for act, _ in played(6, 0, 8)]
    assert acts == [
        "show_step", "probe", "show_step", "probe", "show_step",  # five of six are given
        "probe",  # the sixth is the learner's
        "compare", "probe",
    ]  # fmt: skip


def test_more_steps_fade_with_experience() -> None:
    assert [steps_given(5, answered) for answered in (0, 1, 2, 4, 6, 60)] == [4, 4, 3, 2, 1, 1]
    assert steps_given(1, 0) == 1
    shown = [sum(act == "show_step" for act, _ in played(5, n, 9)) for n in (0, 4, 9)]
    assert shown == [2, 1, 1]


@pytest.mark.parametrize("wish", ["help", "statement", "plea", "reason", "nothing", "memory"])
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_every_step_is_gone_through_once(steps: int, wish: Wish) -> None:
    places = [place for _, place in played(steps, 0, steps + 3, wish)]
    assert places == [min(n, steps) for n in range(1, steps + 4)]


def test_an_example_or_a_comparison_is_given_when_asked_for() -> None:
    seen = Seen(mode="worked", example_steps=3)
    assert POLICY.next_act(seen, "example") == "example"
    assert POLICY.next_act(seen, "compare") == "compare"
    assert POLICY.after_turn(seen, "compare", "compare") == seen.state
