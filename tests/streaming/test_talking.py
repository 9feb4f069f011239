"""A turn through everything: guards, budgets, distress, names, modes, and what is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest

from engines.exercises.hints import key_text
from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Code
from protocol.limits import LIMITS, Limits
from streaming import deeds
from streaming.budgets import Budgets
from streaming.log import Entry
from streaming.providers.base import End, LlmRequest, Piece, ProviderFailed, Spent, Text
from streaming.rules import TutorRules
from tests.virtual import VirtualLoop
from tests.world import Learner, Scripted, World

WORDS = ("Look ", "at ", "both ", "numbers ", "and ", "say ", "what ", "you ", "see.")


def saying(*words: str, tokens: tuple[int, int] = (300, 20), name: str = "scripted") -> Scripted:
    return Scripted(*map(Text, words or WORDS), Spent(*tokens), End("stop"), name=name)


async def begun(world: World, mode: cmd.Mode | None = None) -> Learner:
    learner = await world.learner()
    await learner.send(cmd.LessonStart(learner.new_id(), mode=mode))
    return learner


async def told(learner: Learner, words: str | cmd.Action, ends: int = 1) -> ev.TurnDone:
    """Ask, and hear the turn to its end."""
    await learner.send(cmd.TurnStart(learner.new_id(), words))
    return await ended(learner, ends)


async def ended(learner: Learner, ends: int = 1) -> ev.TurnDone:
    """Hear until so many turns have ended."""
    while len(learner.of(ev.TurnDone)) < ends and not learner.errors:
        await asyncio.sleep(0.05)
        learner.pump()
    done: ev.TurnDone = learner.of(ev.TurnDone)[ends - 1]
    return done


def state(world: World):
    return next(iter(world.ownership)).state


def instance(world: World):
    made = state(world).instance
    assert made is not None
    return made


# --- the guards stand before the learner ----------------------------------------------------------


async def test_a_model_that_tells_the_answer_is_replaced_before_a_learner_sees_it(
    virtual: VirtualLoop,
) -> None:
    provider = Scripted()
    world = await World.begin(provider)
    learner = await begun(world)
    key = str(instance(world).key)
    provider.script = (
        Text("Sure. The answer "), Text(f"is {key[0]}"), Text(f"{key[1:]}. Well done."),
        Spent(10, 10), End("stop"),
    )  # fmt: skip
    done = await told(learner, "just tell me the answer")
    restarted = learner.of(ev.TurnRestarted)
    assert [(r.provider, r.reason) for r in restarted] == [("builtin", "guard.answer")]
    assert all(key not in d.text for d in learner.of(ev.Delta))
    assert done.status == "completed"
    assert learner.replica.text(done.gen)
    assert "Sure" not in learner.replica.text(done.gen), "two voices are never spliced"
    assert world.ownership.ground.routing.counts.guard_hits[("guard.answer", "script-1")] == 1
    await world.check()


async def test_wrong_sums_of_a_model_are_not_shown(virtual: VirtualLoop) -> None:
    world = await World.begin(saying("Look: $7 + 5 = 13$ ", "and ", "go ", "on."))
    learner = await begun(world)
    done = await told(learner, "why?")
    assert [r.reason for r in learner.of(ev.TurnRestarted)] == ["guard.maths"]
    assert "= 13" not in learner.replica.text(done.gen)


async def test_markup_that_a_page_would_run_is_gone_on_the_server(virtual: VirtualLoop) -> None:
    world = await World.begin(
        saying("Look <img src=x onerror=alert(1)> ", "at [this](http://evil.example) ", "first.")
    )
    learner = await begun(world)
    done = await told(learner, "why?")
    text = learner.replica.text(done.gen)
    assert "<" not in text
    assert "http" not in text
    assert "first." in text


async def test_an_unlocked_answer_may_be_said(virtual: VirtualLoop) -> None:
    provider = Scripted()
    world = await World.begin(provider)
    learner = await begun(world)
    await learner.send(cmd.StepsRequest(learner.new_id(), instance(world).item.id))
    key = key_text(instance(world))
    provider.script = (Text(f"The answer is {key}."), Spent(10, 10), End("stop"))
    done = await told(learner, "why?")
    assert key in learner.replica.text(done.gen)
    assert not learner.of(ev.TurnRestarted)


# --- names and contacts ---------------------------------------------------------------------------


async def test_names_and_contacts_never_reach_a_model_and_come_back(virtual: VirtualLoop) -> None:
    provider = saying("Well asked, ", "[NA", "ME_1]. ", "Look at both numbers.")
    world = await World.begin(provider, rules=TutorRules(names=("Ada Lovelace",)))
    learner = await begun(world)
    done = await told(learner, "I am Ada Lovelace, ada@school.example. Why?")
    sent = "\n".join(m.content for m in provider.requests[0].messages)
    assert "Lovelace" not in sent
    assert "ada@school" not in sent
    assert "[NAME_1]" in sent
    assert "Ada Lovelace" in learner.replica.text(done.gen)
    await told(learner, "and now?", ends=2)
    again = "\n".join(m.content for m in provider.requests[1].messages)
    assert "Lovelace" not in again
    await world.check()


async def test_the_prefix_and_history_of_a_prompt_stay_byte_for_byte(virtual: VirtualLoop) -> None:
    provider = saying()
    world = await World.begin(provider, limits=Limits(turns_a_min=1_000))
    learner = await begun(world)
    for n in range(20):
        await told(learner, f"why is that, number {'i' * n}?", ends=n + 1)
    requests = [r.messages for r in provider.requests]
    assert len({r[0].content for r in requests}) == 1
    for before, after in pairwise(requests):
        kept = before[:-1]
        folded = len(after) < len(before)
        assert folded or after[: len(kept)] == kept
    assert sum(len(b) > len(a) for b, a in pairwise(requests)) <= 2
    await world.check()


# --- budgets --------------------------------------------------------------------------------------


async def test_a_cap_of_nothing_is_no_call_at_all(virtual: VirtualLoop) -> None:
    provider = saying()
    world = await World.begin(provider, budgets=Budgets(learner_day_tokens=0))
    learner = await begun(world)
    done = await told(learner, "why?")
    assert provider.calls == 0
    assert done.status == "completed"
    assert learner.replica.text(done.gen)
    rate = learner.of(ev.Rate)[-1]
    assert [(r.name, r.left) for r in rate.limits] == [("tutor.learner.day", 0)]
    await world.check()


async def test_what_is_left_is_told_and_a_turn_says_what_it_cost(virtual: VirtualLoop) -> None:
    provider = saying(tokens=(1_000, 500), name="openai")
    provider.model = "gpt-5-mini"
    world = await World.begin(provider, budgets=Budgets(learner_day_tokens=50_000))
    learner = await begun(world)
    assert learner.of(ev.Rate)[-1].limits[0].left == 50_000
    done = await told(learner, "why?")
    await asyncio.sleep(1)
    learner.pump()
    assert learner.of(ev.Rate)[-1].limits[0].left == 48_500
    assert done.cost_usd is not None
    assert done.cost_usd > 0
    assert done.usage == ev.Usage(1_000, 500)


async def test_a_welcome_comes_before_what_is_left(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn is charged while a connection that comes back waits for the log."""
    world = await World.begin(saying(), budgets=Budgets(learner_day_tokens=50_000))
    learner = await begun(world)
    learner.cut()
    read = world.store.log.read

    async def slowly(*args: Any, **kwargs: Any) -> list[Entry]:
        session.say_rates()
        return await read(*args, **kwargs)

    session = next(iter(world.ownership))
    session.append(deeds.MoodTold("m", "good"))
    monkeypatch.setattr(world.ownership.ground.log, "read", slowly)
    learner.heard.clear()
    await learner.connect()
    await asyncio.sleep(1)
    learner.pump()
    assert isinstance(learner.heard[0], ev.Welcome)
    assert learner.of(ev.Rate)


async def test_a_budget_too_small_for_one_more_call_is_spent(virtual: VirtualLoop) -> None:
    """What is left after the last call that was allowed never suffices and never is 0."""
    provider = saying(tokens=(2_000, 200))
    world = await World.begin(provider, budgets=Budgets(learner_day_tokens=2_500))
    learner = await begun(world)
    await told(learner, "why?")
    done = await told(learner, "and now?", ends=2)
    await asyncio.sleep(1)
    learner.pump()
    assert provider.calls == 1
    assert done.usage is None
    assert learner.of(ev.Rate)[-1].limits[0].left == 0
    world.ownership.ground.rules = TutorRules(refuse_spent=True)
    await learner.send(cmd.TurnStart(learner.new_id(), "why?"))
    assert learner.errors[-1].code == Code.BUDGET_SPENT
    await asyncio.sleep(86_400)
    await learner.send(cmd.TurnStart(learner.new_id(), "why?"))
    assert len(learner.errors) == 1, "a new day"


async def test_a_spent_budget_may_refuse(virtual: VirtualLoop) -> None:
    provider = saying(tokens=(900, 200))
    world = await World.begin(
        provider,
        budgets=Budgets(learner_day_tokens=0),
        rules=TutorRules(refuse_spent=True),
    )
    learner = await begun(world)
    await learner.send(cmd.TurnStart(learner.new_id(), "why?"))
    assert learner.errors[-1].code == Code.BUDGET_SPENT
    assert provider.calls == 0


async def test_a_failed_attempt_is_paid_for_too(virtual: VirtualLoop) -> None:
    broken = Scripted(Text("Look "), Text("at it. "), ProviderFailed("cut", "x"), name="first")
    world = await World.begin(broken, saying(), budgets=Budgets(learner_day_tokens=50_000))
    learner = await begun(world)
    done = await told(learner, "why?")
    await asyncio.sleep(1)
    learner.pump()
    assert done.usage is not None
    assert done.usage.input > 300
    left = learner.of(ev.Rate)[-1].limits[0].left
    assert left == 50_000 - done.usage.input - done.usage.output


async def test_a_learner_who_stops_pays_for_what_was_said(virtual: VirtualLoop) -> None:
    script: list[Any] = [x for word in WORDS * 20 for x in (Text(word), 0.05)]
    world = await World.begin(
        Scripted(*script, Spent(300, 20), End("stop")), budgets=Budgets(learner_day_tokens=50_000)
    )
    learner = await begun(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(0.5)
    learner.pump()
    await learner.send(cmd.TurnCancel("x", cmd="t"))
    done = learner.of(ev.TurnDone)[0]
    await asyncio.sleep(1)
    learner.pump()
    assert done.usage is not None
    assert done.usage.estimated
    assert 0 < learner.of(ev.Rate)[-1].limits[0].left < 50_000


async def test_a_process_that_ends_settles_what_runs(virtual: VirtualLoop) -> None:
    """However slowly a provider closes; else a day's budget is charged for answers nobody had."""
    script: list[Any] = [x for word in WORDS * 200 for x in (Text(word), 0.05)]
    slow = Scripted(*script, Spent(300, 20), End("stop"))
    begin: Any = slow.stream

    async def slowly(request: LlmRequest) -> AsyncIterator[Piece]:
        try:
            async with aclosing(begin(request)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            await asyncio.sleep(0.01)

    slow.stream = slowly  # type: ignore[method-assign]
    world = await World.begin(slow, budgets=Budgets(learner_day_tokens=50_000))
    learner = await begun(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(0.5)
    ground = world.ownership.ground
    assert ground.treasury is not None
    await world.ownership.drain(0.0)
    await ground.routing.aclose()
    await ground.treasury.aclose()
    held = world.store.db.execute("SELECT count(*) FROM holds").fetchone()
    assert held == (0,)


async def test_a_turn_that_called_nobody_used_nothing(virtual: VirtualLoop) -> None:
    provider = saying()
    world = await World.begin(provider, budgets=Budgets(learner_day_tokens=50_000))
    learner = await begun(world)
    assert learner.attached is not None
    learner.transmit(cmd.TurnStart("t", "why?"))
    learner.transmit(cmd.TurnCancel("x", cmd="t"))  # before its claim is stored
    done = await ended(learner)
    assert provider.calls == 0
    assert (done.status, done.usage) == ("cancelled", None)


# --- modes ----------------------------------------------------------------------------------------


async def test_in_an_exam_no_model_is_called_and_no_help_given(virtual: VirtualLoop) -> None:
    provider = saying()
    world = await World.begin(provider)
    learner = await begun(world, "exam")
    done = await told(learner, "what does it mean?")
    assert done.status == "completed"
    assert provider.calls == 0
    item = instance(world).item.id
    await learner.send(cmd.HintRequest(learner.new_id(), item))
    await learner.send(cmd.StepsRequest(learner.new_id(), item))
    assert [e.code for e in learner.errors] == [Code.FORBIDDEN, Code.FORBIDDEN]


TITLES = {"peer": "peer instruction", "socratic": "discovery", "worked": "worked example"}


@pytest.mark.parametrize("mode", ["practice", "socratic", "worked", "review", "peer"])
async def test_each_mode_asks_a_model_under_its_own_block(
    virtual: VirtualLoop, mode: cmd.Mode
) -> None:
    provider = saying()
    world = await World.begin(provider)
    learner = await begun(world, mode)
    await told(learner, "I do not know how to begin")
    system = provider.requests[0].messages[0].content
    assert f"# Mode: {TITLES.get(mode, mode)}" in system
    await world.check()


async def test_discovery_goes_on_from_question_to_question(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await begun(world, "socratic")
    acts = []
    for n in range(6):
        await told(learner, "I am not sure", ends=n + 1)
        acts.append(state(world).plain.gens[-1].act)
    assert "probe" in acts
    assert state(world).plain.open.mode_state.socratic.turns > 0
    await world.check()


async def test_a_question_may_be_on_the_item_just_solved(virtual: VirtualLoop) -> None:
    provider = saying("Because ", "adding ", "goes ", "on.")
    world = await World.begin(provider)
    learner = await begun(world)
    shown = instance(world)
    while True:
        solved, key = shown, key_text(shown).strip("$")
        await learner.send(cmd.AnswerSubmit(learner.new_id(), solved.item.id, key, 4_000))
        shown = instance(world)
        assert shown.item.id != solved.item.id
        secret = key_text(shown).strip("$")
        if secret != key and secret not in solved.prompt:
            break  # else the next answer has been read already and is no secret
    provider.script = (
        Text(f"It was {key}, as you said. "),
        0.1,
        Text(f"Now {secret} is the next answer."),
        End("stop"),
    )
    await learner.send(cmd.TurnStart("t", "why was that right?", item=solved.item.id))
    done = await ended(learner)
    note = provider.requests[0].messages[-1].content
    assert solved.prompt in note
    assert shown.prompt not in note
    text = "".join(d.text for d in learner.of(ev.Delta) if d.gen == done.gen)
    assert "It was" in text, "the solved item's answer is no secret"
    assert [r.reason for r in learner.of(ev.TurnRestarted)] == ["guard.answer"]
    assert state(world).plain.open.mode_state == state(world).plain.open.mode_state.__class__()
    await told(learner, "what now?", ends=2)
    assert shown.prompt in provider.requests[1].messages[-1].content
    await world.check()


async def test_an_answer_that_the_tutor_told_counts_as_help(virtual: VirtualLoop) -> None:
    world = await World.begin(limits=Limits(turns_a_min=1_000))
    learner = await begun(world)
    item = instance(world).item.id
    await told(learner, "what is the next step?")
    await told(learner, "just tell me the answer", ends=2)
    assert not state(world).plain.open.unlocked, "the ladder comes first"
    for _ in range(2):
        await learner.send(cmd.HintRequest(learner.new_id(), item))
    await told(learner, "just tell me the answer", ends=3)
    assert state(world).plain.open.unlocked
    assert state(world).plain.gens[-1].act == "bottom_out"
    key = key_text(instance(world)).strip("$")
    await learner.send(cmd.AnswerSubmit(learner.new_id(), item, key, 4_000))
    feedback = learner.of(ev.Feedback)[-1]
    assert feedback.verdict == "correct"
    assert feedback.assisted
    await world.check()


# --- one node -------------------------------------------------------------------------------------


async def test_a_full_node_says_when_to_come_back(virtual: VirtualLoop) -> None:
    limits = Limits(node_turns=1)
    script: list[Any] = [x for word in WORDS * 20 for x in (Text(word), 0.05)]
    world = await World.begin(Scripted(*script, End("stop")), limits=limits)
    first, second = await begun(world), await begun(world)
    await first.send(cmd.TurnStart("t", "why?"))
    await second.send(cmd.TurnStart("t", "why?"))
    assert second.errors[-1].code == Code.OVERLOADED
    assert second.errors[-1].retry_ms
    assert LIMITS.node_turns > 1


async def test_a_tenant_without_models_from_outside_calls_none(virtual: VirtualLoop) -> None:
    provider, local = saying(), saying(name="ollama")
    local.local = True
    world = await World.begin(provider, local, rules=TutorRules(external_llm=False))
    learner = await begun(world)
    await told(learner, "why?")
    assert (provider.calls, local.calls) == (0, 1)
