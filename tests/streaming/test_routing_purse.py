"""The router and a turn's budgets: reserved before each call, settled once however it ends."""

from __future__ import annotations

import asyncio

import pytest

from streaming.providers.base import ChatMessage, End, LlmRequest, Spent, Text
from streaming.routing import Speaker, estimated
from tests.streaming.script import (
    GOOD,
    REQUEST,
    NotedPurse,
    Scripted,
    failing,
    first_text_s,
    heard,
    played,
    reasons,
    routing,
    shown,
    total,
)
from tests.virtual import run


def test_each_attempt_is_reserved_before_its_call_and_settled_after() -> None:
    events: list[str] = []
    purse = NotedPurse(events=events)
    first = Scripted([Text("Half"), *failing("cut")], name="a", events=events)
    timed = played(first, Scripted(GOOD, name="b", events=events), purse=purse)
    assert shown(timed) == "Think again."
    own = [e for e in events if not e.startswith("close")]
    assert own == [
        "reserve a", "call a", "settle a",
        "reserve b", "call b", "settle b",
    ]  # fmt: skip
    assert purse.settled_once()


def test_the_sum_holds_what_each_attempt_cost() -> None:
    purse = NotedPurse(prices={"a": 2, "b": 3})
    first = Scripted([Spent(100, 5), *failing("empty")], name="a")
    timed = played(first, Scripted(GOOD, name="b"), purse=purse)
    assert total(timed) == Spent(110, 7, micro_usd=2 * 105 + 3 * 12)


def test_where_one_price_is_unknown_the_sum_has_none() -> None:
    purse = NotedPurse(prices={"a": None, "b": 3})
    first = Scripted([Spent(100, 5), *failing("empty")], name="a")
    spent = total(played(first, Scripted(GOOD, name="b"), purse=purse))
    assert spent is not None
    assert (spent.input, spent.micro_usd) == (110, None)


def test_of_several_counts_of_one_attempt_the_newest_is_charged() -> None:
    purse = NotedPurse()
    script = [Spent(90, 0), Text("Think."), Spent(90, 7), End("stop")]
    timed = played(Scripted(script), purse=purse)  # type: ignore[arg-type]  # pieces all
    assert [h.settled for h in purse.holds] == [[Spent(90, 7)]]
    assert total(timed) == Spent(90, 7, micro_usd=97)


@pytest.mark.parametrize("kind", ["auth", "connect", "rate_limited", "overloaded", "internal"])
def test_a_call_that_was_not_answered_costs_nothing(kind: str) -> None:
    purse = NotedPurse()
    timed = played(Scripted(failing(kind)), purse=purse)
    assert {tuple(h.settled) for h in purse.holds} == {(Spent(0, 0),)}
    assert total(timed) is None


@pytest.mark.parametrize("kind", ["first_token", "cut", "truncated", "refused", "empty"])
def test_a_call_that_was_read_and_not_counted_is_estimated(kind: str) -> None:
    purse = NotedPurse()
    played(Scripted(failing(kind)), purse=purse)
    assert [h.settled for h in purse.holds] == [[estimated(REQUEST, "")]]


def test_a_count_of_nothing_is_no_count() -> None:
    """Some servers of OpenAI's shape send a usage of zeros."""
    purse = NotedPurse()
    played(Scripted([Text("Think."), Spent(0, 0), End("stop")]), purse=purse)
    assert [h.settled for h in purse.holds] == [[estimated(REQUEST, "Think.")]]


def test_what_cannot_be_paid_is_said_by_the_built_in_tutor() -> None:
    first, second = Scripted(GOOD, name="a"), Scripted(GOOD, name="b")
    announced = Speaker("a", "a-1", "llm")
    timed = played(first, second, purse=NotedPurse(grants=0), announced=announced)
    assert reasons(timed) == [("builtin", "budget")]
    assert shown(timed) == REQUEST.builtin_text
    assert first.requests == second.requests == []


def test_the_built_in_tutor_reserves_nothing() -> None:
    purse = NotedPurse()
    played(purse=purse)
    played(Scripted(GOOD), purse=purse, request=LlmRequest((), 0, builtin_text="Read it."))
    assert purse.events == []


def test_a_second_attempt_that_cannot_be_paid_is_not_made() -> None:
    second = Scripted(GOOD, name="b")
    purse = NotedPurse(grants=1)
    timed = played(Scripted(failing("overloaded"), name="a"), second, purse=purse)
    assert reasons(timed) == [("builtin", "budget")]
    assert second.requests == []


def test_a_budget_nearly_used_up_takes_the_cheapest_model_and_a_short_answer() -> None:
    dear, cheap = Scripted(GOOD, name="dear"), Scripted(GOOD, name="cheap")
    purse = NotedPurse(saving=True, prices={"dear": 9, "cheap": 2})
    timed = played(dear, cheap, purse=purse, announced=Speaker("dear", "dear-1", "llm"))
    assert reasons(timed) == [("cheap", "budget")]
    assert dear.requests == []
    assert [r.max_tokens for r in cheap.requests] == [120]


def test_a_session_that_saves_is_announced_the_cheapest_at_once() -> None:
    async def scenario() -> None:
        purse = NotedPurse(saving=True, prices={"dear": 9, "cheap": 2})
        router = routing(Scripted(GOOD, name="dear"), Scripted(GOOD, name="cheap"))
        await heard(router, session="s", purse=purse)
        announced = router.first(REQUEST, session="s", purse=purse)
        assert announced.provider == "cheap"
        assert reasons(await heard(router, REQUEST, announced, session="s", purse=purse)) == []
        assert router.first(REQUEST, session="other", purse=purse).provider == "dear"

    run(scenario())


def test_an_answer_already_short_stays_as_short() -> None:
    request = LlmRequest(REQUEST.messages, 90, builtin_text="b")
    provider = Scripted(GOOD)
    played(provider, purse=NotedPurse(saving=True), request=request)
    assert provider.requests == [request]


def test_a_budget_that_does_not_answer_costs_no_more_than_the_first_texts_time() -> None:
    async def scenario() -> None:
        purse = NotedPurse(wait_s=60.0)
        provider = Scripted(GOOD)
        timed = await heard(routing(provider), announced=provider_speaker, purse=purse)
        assert first_text_s(timed) == 2.5
        assert reasons(timed) == [("builtin", "budget")]
        assert provider.requests == []
        await asyncio.sleep(60)
        assert [h.settled for h in purse.holds] == [[Spent(0, 0)]]  # it came too late

    provider_speaker = Speaker("cloud", "cloud-1", "llm")
    run(scenario())


def test_a_broken_budget_lets_nobody_spend_and_the_tutor_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(NotedPurse):
        async def reserve(self, provider: str, model: str, request: LlmRequest) -> None:
            raise ConnectionError("the store is away")

        async def thrifty(self) -> bool:
            raise ConnectionError("the store is away")

    provider = Scripted(GOOD)
    timed = played(provider, purse=Broken(), announced=Speaker("cloud", "cloud-1", "llm"))
    assert reasons(timed) == [("builtin", "budget")]
    assert provider.requests == []
    assert [r.getMessage() for r in caplog.records] == [
        "a budget could not say what is left",
        "a reservation failed",
    ]


def test_a_prompt_that_was_made_smaller_is_reserved_as_it_is_sent() -> None:
    seen: list[int] = []

    class Sized(NotedPurse):
        async def reserve(self, provider: str, model: str, request: LlmRequest):
            seen.append(len(request.messages))
            return await super().reserve(provider, model, request)

    turns = [ChatMessage("user" if n % 2 == 0 else "assistant", f"m{n}") for n in range(13)]
    request = LlmRequest((ChatMessage("system", "s"), *turns), 220, builtin_text="b")
    provider = Scripted(failing("context_length"), GOOD)
    played(provider, request=request, purse=Sized())
    assert seen == [len(r.messages) for r in provider.requests] == [14, 10]
