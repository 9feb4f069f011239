"""Words of distress in a turn: a fixed message, an adult, no model, refused in a flood only."""

from __future__ import annotations

from typing import Any

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Code
from protocol.limits import LIMITS
from streaming.alerts import Alert
from streaming.providers.base import End, Text
from streaming.rules import TutorRules
from tests.streaming.test_talking import WORDS, begun, ended, instance, saying, told
from tests.virtual import VirtualLoop
from tests.world import Scripted, World

CRY = "i want to kill myself"


async def test_words_of_distress_get_a_fixed_message_an_adult_and_no_model(
    virtual: VirtualLoop,
) -> None:
    provider, heard = saying(), []

    async def tell(alert: Alert) -> None:
        heard.append(alert)

    world = await World.begin(
        provider, rules=TutorRules(help_lines=("Help line: 116 111",), adult_told=True), tell=tell
    )
    learner = await begun(world)
    before_s = virtual.time()
    await learner.send(cmd.TurnStart("t", CRY))
    assert virtual.time() == before_s
    assert [a.text for a in heard] == [CRY]
    signal = learner.of(ev.Signal)[0]
    assert (signal.kind, signal.level) == ("safety", 2)
    await ended(learner)
    await told(learner, "why?", ends=2)
    done = learner.of(ev.TurnDone)[0]
    assert "116 111" in learner.replica.text(done.gen)
    assert provider.calls == 1, "the second question alone"
    sent = "\n".join(m.content for m in provider.requests[0].messages)
    assert CRY not in sent
    await world.check()


async def test_words_of_distress_need_no_lesson_and_wait_for_no_turn(virtual: VirtualLoop) -> None:
    script: list[Any] = [x for word in WORDS * 20 for x in (Text(word), 0.05)]
    provider = Scripted(*script, End("stop"))
    world = await World.begin(provider)
    fresh = await world.learner()
    await fresh.send(cmd.TurnStart("t", CRY))
    assert not fresh.errors
    assert fresh.of(ev.Signal)
    learner = await begun(world)
    await learner.send(cmd.TurnStart("a", "why?"))
    await learner.send(cmd.TurnStart("b", CRY))
    assert learner.of(ev.TurnDone)[0].status == "superseded"
    assert learner.of(ev.TurnStarted)[-1].source == "builtin"
    await world.check()


async def test_no_model_hears_of_distress_in_an_answer_field(virtual: VirtualLoop) -> None:
    provider = saying()
    world = await World.begin(provider)
    learner = await begun(world)
    item = instance(world).item.id
    await learner.send(cmd.AnswerSubmit(learner.new_id(), item, CRY, 1_000))
    await told(learner, "why?")
    assert provider.calls == 1
    assert CRY not in "\n".join(m.content for m in provider.requests[0].messages)


async def test_words_of_distress_are_heard_where_their_turn_was_cancelled_before_it_came(
    virtual: VirtualLoop,
) -> None:
    provider, heard = saying(), []

    async def tell(alert: Alert) -> None:
        heard.append(alert)

    world = await World.begin(provider, tell=tell)
    learner = await begun(world)
    await learner.send(cmd.TurnCancel("x", cmd="t"))
    await learner.send(cmd.TurnStart("t", CRY))
    assert [a.text for a in heard] == [CRY]
    await ended(learner)
    await told(learner, "why?", ends=2)
    assert CRY not in "\n".join(m.content for m in provider.requests[0].messages)
    await world.check()


async def test_a_flood_of_such_words_is_bounded_as_all_turns_are(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await begun(world)
    for _ in range(LIMITS.turns_a_min + 3):
        await learner.send(cmd.TurnStart(learner.new_id(), CRY))
    assert world.ownership.ground.alerts.raised == LIMITS.turns_a_min
    assert {e.code for e in learner.errors} == {Code.RATE_LIMITED}
