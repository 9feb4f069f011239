"""Second calls: when they are made, who is heard, what the loser costs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streaming.counts import Counts
from streaming.hedging import Hedges
from streaming.providers.base import End, Spent, Text
from streaming.routing import Routing, Speaker, estimated
from tests.streaming.script import (
    GOOD,
    REQUEST,
    CatchingScreen,
    NotedPurse,
    Scripted,
    Step,
    Timed,
    failing,
    first_text_s,
    heard,
    reasons,
    routing,
    shown,
    total,
)
from tests.virtual import run, settled

SILENT: list[Step] = [60.0, *GOOD]
OTHER: list[Step] = [Text("Other"), Text(" words."), Spent(20, 4), End("stop")]


async def ready(*providers: Scripted, turns: int = 10, **more: Any) -> Routing:
    """A router that has had so many turns, none of them at a model."""
    router = routing(*providers, hedge=True, **more)
    for _ in range(turns):
        await heard(router, allowed=lambda _: False)
    return router


def opened(router: Routing) -> list[str]:
    return [key for key, breaker in router.breakers.items() if breaker.open]


async def hedged(*providers: Scripted, **more: Any) -> tuple[Routing, Timed]:
    router = await ready(*providers)
    timed = await heard(router, **more)
    await settled()
    assert all(provider.running == 0 for provider in providers)
    assert sum(isinstance(piece, End) for _, piece in timed) == 1
    return router, timed


def test_a_silent_call_gets_a_rival_that_is_heard_alone() -> None:
    async def scenario() -> None:
        a, b = Scripted(SILENT, name="a"), Scripted([0.2, *OTHER], name="b")
        router, timed = await hedged(a, b, announced=Speaker("a", "a-1", "llm"))
        assert reasons(timed) == [("b", "hedge")]
        assert shown(timed) == "Other words."
        assert first_text_s(timed) == pytest.approx(0.9)  # 700 ms, then 200 ms
        assert router.counts.hedges == {"sent": 1, "won": 1}
        assert a.closed == 1

    run(scenario())


def test_the_first_call_is_heard_where_it_is_faster_after_all() -> None:
    async def scenario() -> None:
        a, b = Scripted([0.8, *GOOD], name="a"), Scripted([0.2, *OTHER], name="b")
        router, timed = await hedged(a, b)
        assert reasons(timed) == []
        assert shown(timed) == "Think again."
        assert first_text_s(timed) == pytest.approx(0.8)
        assert router.counts.hedges == {"sent": 1, "lost": 1}
        assert b.closed == 1

    run(scenario())


def test_the_loser_counts_half_at_its_breaker() -> None:
    async def scenario() -> None:
        a, b = Scripted(SILENT, name="a"), Scripted(OTHER, name="b")
        router = await ready(a, b, turns=100)
        for _ in range(5):
            await heard(router)
        assert opened(router) == []
        await heard(router)
        assert opened(router) == ["a/a-1"]
        assert router.counts.failures == {}

    run(scenario())


def test_both_are_reserved_and_both_are_settled_once() -> None:
    async def scenario() -> None:
        a, b = Scripted(SILENT, name="a"), Scripted(OTHER, name="b")
        purse = NotedPurse()
        _, timed = await hedged(a, b, purse=purse)
        assert purse.events == ["reserve a", "reserve b", "settle a", "settle b"]
        lost = estimated(REQUEST, "")
        assert [h.settled for h in purse.holds] == [[lost], [Spent(20, 4)]]
        spent = total(timed)
        assert spent is not None
        assert (spent.input, spent.output) == (lost.input + 20, lost.output + 4)

    run(scenario())


def test_a_slow_goodbye_of_the_loser_delays_nobody() -> None:
    async def scenario() -> None:
        a, b = Scripted(SILENT, name="a", close_s=1.9), Scripted(OTHER, name="b")
        router = await ready(a, b)
        timed = await heard(router)
        assert timed[-1][0] == pytest.approx(0.7)
        assert a.running == 1
        await router.aclose()  # waits for what is being closed
        assert a.running == 0

    run(scenario())


def test_a_first_call_that_fails_leaves_the_race_to_its_rival() -> None:
    async def scenario() -> None:
        a = Scripted([0.8, *failing("overloaded")], name="a")
        b = Scripted([0.5, *OTHER], name="b")
        _, timed = await hedged(a, b)
        assert reasons(timed) == [("b", "overloaded")]
        assert shown(timed) == "Other words."
        assert first_text_s(timed) == pytest.approx(1.2)

    run(scenario())


def test_a_rival_that_fails_leaves_the_first_call_alone() -> None:
    async def scenario() -> None:
        a, b = Scripted([1.0, *GOOD], name="a"), Scripted(failing("auth"), name="b")
        router, timed = await hedged(a, b)
        assert reasons(timed) == []
        assert shown(timed) == "Think again."
        assert router.counts.hedges == {"sent": 1, "failed": 1}

    run(scenario())


def test_where_both_fail_the_next_model_speaks() -> None:
    async def scenario() -> None:
        a = Scripted([0.9, *failing("cut")], name="a")
        b = Scripted([0.1, *failing("overloaded")], name="b")
        c = Scripted(GOOD, name="c")
        _, timed = await hedged(a, b, c)
        assert reasons(timed) == [("c", "cut")]
        assert shown(timed) == "Think again."
        assert [len(p.requests) for p in (a, b, c)] == [1, 1, 1]

    run(scenario())


def test_three_models_may_try_the_rival_among_them() -> None:
    async def scenario() -> None:
        a, b = Scripted(SILENT, name="a"), Scripted([Text("x"), *failing("cut")], name="b")
        c, d = Scripted(failing("cut"), name="c"), Scripted(GOOD, name="d")
        _, timed = await hedged(a, b, c, d)
        assert reasons(timed) == [("b", "hedge"), ("c", "cut"), ("builtin", "cut")]
        assert d.requests == []

    run(scenario())


def test_what_a_guard_catches_ends_the_race_for_both() -> None:
    async def scenario() -> None:
        a = Scripted([0.8, Text("SECRET"), End("stop")], name="a")
        b = Scripted([0.5, *OTHER], name="b")
        router, timed = await hedged(a, b, screens=CatchingScreen)
        assert reasons(timed) == [("builtin", "guard.answer")]
        assert shown(timed) == REQUEST.builtin_text
        assert router.breakers["b/b-1"].state == "closed"

    run(scenario())


def test_a_model_that_declines_ends_the_race_for_both() -> None:
    async def scenario() -> None:
        a, b = Scripted([0.8, *failing("refused")], name="a"), Scripted([0.5, *OTHER], name="b")
        _, timed = await hedged(a, b)
        assert reasons(timed) == [("builtin", "refused")]

    run(scenario())


def test_text_that_is_held_back_needs_no_rival() -> None:
    async def scenario() -> None:
        a = Scripted([Text("Hm"), 1.0, Text("m, a question."), End("stop")], name="a")
        b = Scripted(OTHER, name="b")
        _, timed = await hedged(a, b, screens=CatchingScreen)
        assert b.requests == []
        assert shown(timed) == "Hmm, a question."

    run(scenario())


def test_a_rival_is_of_another_provider() -> None:
    async def scenario() -> None:
        a = Scripted([1.0, *GOOD], name="a", model="large")
        same = Scripted(OTHER, name="a", model="small")
        router, timed = await hedged(a, same)
        assert same.requests == []
        assert shown(timed) == "Think again."
        assert router.counts.hedges == {}

    run(scenario())


def test_there_is_one_rival_a_turn() -> None:
    async def scenario() -> None:
        a, b = Scripted(SILENT, name="a"), Scripted([Text("x"), *failing("cut")], name="b")
        c, d = Scripted([1.0, *GOOD], name="c"), Scripted(OTHER, name="d")
        router = await ready(a, b, c, d, turns=100)
        await heard(router)
        assert d.requests == []
        assert router.counts.hedges["sent"] == 1

    run(scenario())


def test_one_turn_in_ten_may_make_a_second_call() -> None:
    async def scenario() -> None:
        a, b = Scripted([1.0, *GOOD], name="a"), Scripted([60.0, *OTHER], name="b")
        router = routing(a, b, hedge=True)
        for _ in range(40):
            await heard(router)
        # the waits known by then are a second, so all later calls are silent for 700 ms too
        assert router.counts.hedges["sent"] == 4

    run(scenario())


def test_the_share_of_second_calls_is_of_the_last_five_minutes() -> None:
    hedges = Hedges(Counts(), on=True, turns_most=200)
    for _ in range(19):
        hedges.turn(0.0)
    assert hedges.allowed(0.0, 1)
    hedges._sent(0.0)
    assert not hedges.allowed(0.0, 1)
    hedges.turn(0.0)
    assert hedges.allowed(0.0, 1)
    assert not hedges.allowed(311.0, 1)  # those turns are forgotten


def test_a_busy_node_makes_no_second_calls() -> None:
    hedges = Hedges(Counts(), on=True, turns_most=10)
    for _ in range(100):
        hedges.turn(0.0)
    assert hedges.allowed(0.0, 8)
    assert not hedges.allowed(0.0, 9)
    assert not Hedges(Counts(), on=False, turns_most=10).allowed(0.0, 0)


@pytest.mark.parametrize("purse", [NotedPurse(saving=True), NotedPurse(refuses=["b"])])
def test_no_second_call_without_money_for_it(purse: NotedPurse) -> None:
    async def scenario() -> None:
        a, b = Scripted([1.0, *GOOD], name="a"), Scripted(OTHER, name="b")
        _, timed = await hedged(a, b, purse=purse)
        assert b.requests == []
        assert shown(timed) == "Think again."
        assert purse.settled_once()

    run(scenario())


def test_a_first_call_that_speaks_while_money_is_set_aside_needs_no_rival() -> None:
    async def scenario() -> None:
        a, b = Scripted([0.8, *GOOD], name="a"), Scripted(OTHER, name="b")

        class Slow(NotedPurse):
            async def reserve(self, provider: str, *rest: Any) -> Any:
                if provider == "b":
                    await asyncio.sleep(0.3)
                return await super().reserve(provider, *rest)

        purse = Slow()
        router, timed = await hedged(a, b, purse=purse)
        assert b.requests == []
        assert shown(timed) == "Think again."
        assert {h.name: h.settled for h in purse.holds} == {
            "a": [Spent(10, 2)],
            "b": [Spent(0, 0)],
        }
        assert router.counts.hedges == {}

    run(scenario())


def test_hedging_is_off_unless_asked_for() -> None:
    async def scenario() -> None:
        a, b = Scripted([1.0, *GOOD], name="a"), Scripted(OTHER, name="b")
        router = routing(a, b)
        for _ in range(20):
            await heard(router)
        assert b.requests == []

    run(scenario())
