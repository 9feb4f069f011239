"""The plan of questions, walked through every sequence of replies up to its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from engines.modes.policies import policy_of
from engines.modes.socratic import ACT_OF, OPEN, PROBES_MOST, TURNS_MOST, aside, step
from engines.words import Act, ModeState, Move, Seen, SocraticState, Wish

POLICY = policy_of("socratic")
REPLIES: dict[str, tuple[Wish, bool]] = {
    "met": ("statement", True),
    "met with a number": ("candidate", True),
    "not met": ("statement", False),
    "off": ("off_topic", False),
    "plea": ("plea", False),
    "candidate": ("candidate", False),
    "wording": ("wording", False),
    "rest": ("rest", False),
    "thanks": ("thanks", False),
    "greeting": ("greeting", False),
    "reason": ("reason", False),
}
LOOKED_BACK_ON = ("rest", "scaffold", "explain", "affirm")
"""Acts that change what comes after them."""
ASKS = frozenset[Act](("recall", "probe", "scaffold", "affirm"))


@dataclass(frozen=True)
class Spot:
    """Where a walk stands: the plan, the acts that the policy looks back on, the probes so far."""

    plan: SocraticState
    acts: tuple[str, ...] = ()
    probes: int = 0
    """Acts `probe` on this goal."""


def after(spot: Spot, reply: str, goals: int, **more: object) -> tuple[Act, Spot]:
    wish, met = REPLIES[reply]
    seen = Seen(mode="socratic", acts=spot.acts, goals=goals, met=met, state=ModeState(spot.plan))
    seen = replace(seen, **more)  # type: ignore[arg-type] # fields of Seen
    act = POLICY.next_act(seen, wish)
    plan = POLICY.after_turn(seen, act, wish).socratic
    same = plan.goal == spot.plan.goal
    probes = (spot.probes if same else 0) + (act == "probe")
    lately = (*spot.acts, act if act in LOOKED_BACK_ON else "other")
    return act, Spot(plan, lately[-2:], probes)


def edges(goals: int, **more: object) -> Iterator[tuple[Spot, str, Act, Spot]]:
    """Every turn that can happen, from every spot that can be reached."""
    reached, waiting = {Spot(SocraticState())}, [Spot(SocraticState())]
    while waiting:
        spot = waiting.pop()
        if spot.plan.end:
            continue
        for reply in REPLIES:
            act, then = after(spot, reply, goals, **more)
            yield spot, reply, act, then
            if then not in reached:
                reached.add(then)
                waiting.append(then)


MORE: list[dict[str, object]] = [
    {},
    {"mood": "stuck"},
    {"wheel_spinning": True},
    {"mood": "tired"},
]


@pytest.mark.parametrize("goals", [1, 2])
@pytest.mark.parametrize("more", MORE, ids=str)
def test_every_sequence_of_replies_ends_within_twelve_turns(
    goals: int, more: dict[str, object]
) -> None:
    turns = list(edges(goals, **more))
    assert len(turns) > 300
    for spot, reply, act, then in turns:
        assert then.plan.turns == spot.plan.turns + 1 <= TURNS_MOST, (spot, reply)
        assert then.plan.turns < TURNS_MOST or then.plan.end
        assert then.probes <= PROBES_MOST, (spot, reply)
        assert act in POLICY.allowed_acts
    ends = {then.plan.end for *_, then in turns}
    assert ends == {"", "met", "told", "spent"}


def paths(goals: int, most: int) -> Iterator[tuple[tuple[str, ...], tuple[Act, ...], Spot]]:
    """All sequences of the brief's five replies, each until the plan's end or so many turns."""
    five = ("met", "not met", "off", "plea", "candidate")

    def walk(
        said: tuple[str, ...], acts: tuple[Act, ...], spot: Spot
    ) -> Iterator[tuple[tuple[str, ...], tuple[Act, ...], Spot]]:
        if spot.plan.end or len(said) == most:
            yield said, acts, spot
            return
        for reply in five:
            act, then = after(spot, reply, goals)
            yield from walk((*said, reply), (*acts, act), then)

    return walk((), (), Spot(SocraticState()))


@pytest.mark.parametrize("goals", [1, 2])
def test_the_way_is_told_only_after_three_probes_without_progress_on_one_goal(goals: int) -> None:
    told = 0
    for spot, reply, act, then in edges(goals):
        if act != "bottom_out":
            continue
        told += 1
        assert spot.probes == PROBES_MOST
        assert spot.plan.move == "ladder"
        assert reply not in ("met", "met with a number", "candidate", "off", "wording")
        assert then.plan.end == "told"
    assert told > 3


def test_seven_turns_of_all_sequences_keep_the_order_of_moves() -> None:
    order: tuple[Move, ...] = ("", "elicit", "probe", "narrow", "contrast", "counterexample",
                               "ladder", "told")  # fmt: skip
    count = 0
    for said, acts, spot in paths(1, 7):
        count += 1
        if "bottom_out" in acts:
            before = said[: acts.index("bottom_out")]
            assert "met" not in before[1:]  # before the first question nothing is met
            assert acts[: acts.index("bottom_out")].count("probe") == PROBES_MOST
        if "met" not in said:
            replies = [r for r in said if r in ("not met", "plea")]
            assert spot.plan.move == order[min(len(replies), len(order) - 1)]
        assert acts.count("submit_prompt") <= said.count("candidate")
    assert count > 10_000


def test_a_met_goal_is_confirmed_then_summed_up_then_the_next_one_begins() -> None:
    spot, acts = Spot(SocraticState()), []
    for reply in ("not met", "met", "not met", "not met", "met", "not met", "not met"):
        act, spot = after(spot, reply, 2)
        acts.append(act)
    assert acts == ["recall", "affirm", "recall", "recall", "affirm", "recall", "affirm"]
    assert spot.plan.end == "met"
    assert spot.plan.goal == 1


BESIDE = {"off": "redirect", "candidate": "submit_prompt", "wording": "clarify"}


def test_nothing_beside_the_plan_moves_it() -> None:
    for spot, reply, act, then in edges(1):
        if reply in BESIDE:
            assert then.plan.move == spot.plan.move
            assert act == BESIDE[reply]
        if reply == "rest" and act != "rest":
            assert act in (*ASKS, "bottom_out")
            assert "rest" in spot.acts


def test_a_number_that_meets_no_goal_is_left_to_the_answer_box() -> None:
    for move in OPEN:
        plan = SocraticState(0, move, 3)
        seen = Seen(mode="socratic", goals=1, state=ModeState(plan))
        assert POLICY.next_act(seen, "candidate") == "submit_prompt"
        assert POLICY.next_act(replace(seen, met=True), "candidate") == "affirm"


def test_after_its_end_the_plan_stands_still() -> None:
    for end in ("met", "told", "spent"):
        state = ModeState(SocraticState(0, "summarise", 7, end))
        seen = Seen(mode="socratic", goals=1, state=state)
        for wish, _ in REPLIES.values():
            act = POLICY.next_act(seen, wish)
            assert POLICY.after_turn(seen, act, wish) == state
            assert act != "bottom_out" or end == "told"
    ended = SocraticState(0, "told", 8, "told")
    assert aside(ended) == ended
    with pytest.raises(ValueError, match="running plan"):
        step(ended, "met", 1)
    with pytest.raises(ValueError, match="0 goals"):
        step(SocraticState(), "met", 0)


def test_a_right_answer_stops_the_questions() -> None:
    seen = Seen(mode="socratic", goals=1, verdict="correct", met=True)
    assert POLICY.next_act(seen, "help") == "affirm"
    assert POLICY.after_turn(seen, "affirm", "help") == seen.state


def test_the_moves_have_one_act_each_and_three_of_them_are_probes() -> None:
    assert max(then.plan.turns for *_, then in edges(1)) == TURNS_MOST
    assert sum(act == "probe" for act in ACT_OF.values()) == PROBES_MOST
    assert set(ACT_OF.values()) == ASKS | {"bottom_out"}
