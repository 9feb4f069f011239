"""What the tutor does in one turn: words, mode and item composed. This file is the plan of a turn.

It is pure: the same words, the same things seen and the same instance give the same plan, so a
replayed log plans the same acts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engines.exercises.acts import wish
from engines.exercises.goals import goals_of, is_met
from engines.exercises.hints import ladder_length, tells
from engines.exercises.manners import example_lines, socratic_question
from engines.exercises.material import example_steps
from engines.modes.mode import Help
from engines.modes.policies import policy_of
from engines.modes.worked import steps_given
from engines.words import Act, Instance, ModeState, Seen


@dataclass(frozen=True, slots=True)
class Plan:
    """What one turn will do, before anybody speaks.

    `seen` is what the tutor's text is made of: completed by the item, its `state` already moved.
    `state` is to be kept once the turn has begun. `unlocks` says that the key must be opened, and
    the help counted, before the act is spoken; `locked` is how it stands then. `question` is the
    one question of a Socratic turn, which a model may only put into other words; `example` are the
    lines of a worked example that it may speak of.
    """

    act: Act
    seen: Seen
    state: ModeState
    locked: bool
    unlocks: bool
    model_allowed: bool
    prompt_block: str
    question: str = ""
    example: tuple[str, ...] = ()


def completed(said: str, seen: Seen, instance: Instance) -> Seen:
    """What was seen, with what the item and the words add to it."""
    item = instance.item
    goals = goals_of(instance) if seen.mode == "socratic" else ()
    nth = seen.state.socratic.goal
    steps = example_steps(instance) if seen.mode == "worked" else 0
    return replace(
        seen,
        hints_of=ladder_length(item),
        told=tells(item, seen.hints_used),
        goals=len(goals),
        met=nth < len(goals) and is_met(goals[nth], said, instance),
        example_steps=steps,
        example_given=steps_given(steps, seen.skill_answers) if steps else 0,
    )


def planned(said: str, seen: Seen, instance: Instance) -> Plan:
    """The plan of a turn that answers a learner's words, or a button named as on the wire.

    `seen.state` is what was kept after the turn before (a fresh one for a new item).
    """
    policy = policy_of(seen.mode)
    full = completed(said, seen, instance)
    asked = wish(said, instance)
    act = policy.next_act(full, asked)
    state = policy.after_turn(full, act, asked)
    after = replace(full, state=state)
    unlocks = act == "bottom_out" and policy.locked(full)
    return Plan(
        act=act,
        seen=after,
        state=state,
        locked=policy.locked(full) and not unlocks,
        unlocks=unlocks,
        model_allowed=policy.model_allowed and act != "safety",
        prompt_block=policy.prompt_block,
        question=socratic_question(act, instance, after),
        example=example_lines(act, instance, after),
    )


def turned(said: str, act: Act, seen: Seen, instance: Instance) -> ModeState:
    """What is remembered of a turn in which `act` was played: for a fold that knows the act.

    It is `planned(...).state` where the act was the planned one.
    """
    full = completed(said, seen, instance)
    return policy_of(seen.mode).after_turn(full, act, wish(said, instance))


def help_refusal(what: Help, seen: Seen, instance: Instance) -> str | None:
    """Why a hint or the steps of the open item are refused now; None where they are given."""
    return policy_of(seen.mode).refusal(what, completed("", seen, instance))


def planned_act(said: str, seen: Seen) -> Act:
    """The act for a learner's words where no item is at hand: without goals or a ladder's length.

    >>> planned_act("is it 7?", Seen()), planned_act("why", Seen()), planned_act("hi", Seen())
    ('submit_prompt', 'explain', 'greet')
    """
    return policy_of(seen.mode).next_act(seen, wish(said))
