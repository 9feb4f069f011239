"""The router with scripted providers on virtual time."""

from __future__ import annotations

import asyncio
import logging

import pytest

from streaming.providers.base import ChatMessage, End, LlmRequest, ProviderFailed, Spent, Text
from streaming.providers.builtin import Builtin
from streaming.routing import (
    Restarted,
    Routing,
    Speaker,
    compacted,
    estimated,
    limits_for,
)
from tests.streaming.script import (
    GOOD,
    REQUEST,
    Scripted,
    Step,
    ends,
    failing,
    heard,
    played,
    reasons,
    routing,
    shown,
    total,
)
from tests.virtual import run


def test_a_good_provider_is_passed_through() -> None:
    timed = played(Scripted(GOOD))
    assert [p for _, p in timed] == GOOD


def test_a_chain_must_end_with_the_built_in_tutor() -> None:
    with pytest.raises(ValueError, match="ends with 'builtin'"):
        Routing([Scripted(GOOD)])
    with pytest.raises(ValueError, match="ends with 'builtin'"):
        Routing([])


def test_the_built_in_tutor_alone_speaks_and_costs_nothing() -> None:
    timed = played()
    assert shown(timed) == REQUEST.builtin_text
    assert total(timed) is None


@pytest.mark.parametrize(
    "kind",
    ["auth", "quota", "not_found", "bad_request", "rate_limited", "overloaded", "server_error",
     "truncated", "malformed", "refused", "empty", "unavailable", "internal", "context_length"],
)  # fmt: skip
def test_a_failure_before_the_first_token_hands_over_at_once(kind: str) -> None:
    provider = Scripted(failing(kind))
    timed = played(provider)
    assert reasons(timed) == [("builtin", kind)]
    assert shown(timed) == REQUEST.builtin_text
    assert timed[-1][0] == 0
    assert len(provider.requests) == 1


@pytest.mark.parametrize("kind", ["cut", "stall", "truncated", "server_error", "malformed"])
def test_a_failure_in_mid_answer_starts_anew_and_never_splices(kind: str) -> None:
    timed = played(Scripted([Text("Half an "), *failing(kind, emitted=1)]))
    assert reasons(timed) == [("builtin", kind)]
    assert shown(timed) == REQUEST.builtin_text
    spent = total(timed)
    assert spent is not None
    assert spent.estimated
    assert spent.output > 0


def test_a_refused_connection_is_tried_once_more_after_a_jitter() -> None:
    provider = Scripted(failing("connect"), GOOD)
    timed = played(provider)
    assert reasons(timed) == []
    assert timed[0] == (0.075, Text("Think"))


def test_a_connection_refused_twice_hands_over() -> None:
    provider = Scripted(failing("connect"))
    timed = played(provider)
    assert len(provider.requests) == 2
    assert reasons(timed) == [("builtin", "connect")]
    assert timed[-1][0] == 0.075


def test_a_prompt_too_long_is_compacted_once() -> None:
    turns = [ChatMessage("user" if n % 2 == 0 else "assistant", f"m{n}") for n in range(13)]
    request = LlmRequest((ChatMessage("system", "s"), *turns), 220, builtin_text="b")
    provider = Scripted(failing("context_length"), failing("context_length"))
    timed = run(heard(routing(provider), request))
    assert [len(r.messages) for r in provider.requests] == [14, 10]
    assert [m.content for m in provider.requests[1].messages][:2] == ["s", "m4"]
    assert reasons(timed) == [("builtin", "context_length")]


def test_compaction_keeps_a_short_prompt() -> None:
    assert compacted(REQUEST.messages) is None


def test_without_a_first_token_the_built_in_tutor_speaks_after_the_limit() -> None:
    timed = played(Scripted([60.0, *GOOD]))
    first_s = next(s for s, p in timed if isinstance(p, Text))
    assert first_s == 2.5
    assert reasons(timed) == [("builtin", "first_token")]


def test_only_where_all_models_are_local_is_there_more_time_for_the_first_token() -> None:
    local, cloud = Scripted([7.0, *GOOD], name="local"), Scripted([60.0])
    local.first_token_s = 8.0
    assert reasons(played(local)) == []
    assert limits_for([local, cloud, Builtin()]).first_token_s == 2.5
    assert limits_for([Builtin()]).first_token_s == 2.5


def test_the_first_token_limit_covers_all_attempts() -> None:
    slow = [Scripted([60.0], name=name) for name in ("a", "b", "c")]
    timed = played(*slow)
    assert reasons(timed) == [("b", "first_token"), ("builtin", "first_token")]
    assert next(s for s, p in timed if isinstance(p, Text)) == 2.5


def test_pieces_that_are_no_text_do_not_put_the_limit_off() -> None:
    timed = played(Scripted([1.0, Spent(5, 0), 1.0, Spent(5, 0), 1.0, *GOOD]))
    assert reasons(timed) == [("builtin", "first_token")]


def test_a_stall_hands_over_after_four_seconds() -> None:
    timed = played(Scripted([1.0, Text("Half"), 60.0]))
    assert reasons(timed) == [("builtin", "stall")]
    assert timed[-1][0] == 5.0


def test_slow_but_steady_text_ends_at_the_turns_deadline_and_stays() -> None:
    steady: list[Step] = [step for _ in range(40) for step in (1.0, Text("w "))]
    timed = played(Scripted(steady))
    assert ends(timed) == ["deadline"]
    assert reasons(timed) == []
    assert timed[-1][0] == 30.0
    spent = total(timed)
    assert spent is not None
    assert spent.estimated
    assert shown(timed).startswith("w w w ")


def test_late_in_the_turn_only_the_built_in_tutor_starts() -> None:
    steady: list[Step] = [step for _ in range(27) for step in (1.0, Text("w "))]
    second = Scripted(GOOD, name="second")
    timed = played(Scripted([*steady, *failing("cut", emitted=27)]), second)
    assert reasons(timed) == [("builtin", "cut")]
    assert second.requests == []


def test_the_next_model_takes_over_before_the_built_in_tutor() -> None:
    timed = played(Scripted(failing("overloaded"), name="a"), Scripted(GOOD, name="b"))
    assert reasons(timed) == [("b", "overloaded")]
    assert shown(timed) == "Think again."


def test_a_refused_question_goes_straight_to_the_built_in_tutor() -> None:
    second = Scripted(GOOD, name="b")
    timed = played(Scripted(failing("refused"), name="a"), second)
    assert reasons(timed) == [("builtin", "refused")]
    assert second.requests == []


def test_three_models_may_try() -> None:
    many = [Scripted(failing("server_error"), name=name) for name in "abcd"]
    timed = played(*many)
    assert [name for name, _ in reasons(timed)] == ["b", "c", "builtin"]
    assert many[3].requests == []


def test_after_two_restarts_the_next_voice_is_the_built_in_tutor() -> None:
    absent, last = Scripted(GOOD, name="a"), Scripted(GOOD, name="d")
    absent.ready = False
    failed = [Scripted(failing("cut"), name=name) for name in "bc"]
    timed = played(absent, *failed, last, announced=Speaker("a", "a-1", "llm"))
    assert reasons(timed) == [("b", "breaker"), ("c", "cut"), ("builtin", "cut")]
    assert last.requests == []


def test_spending_is_summed_over_attempts() -> None:
    first = Scripted([Spent(100, 5), *failing("empty")], name="a")
    timed = played(first, Scripted(GOOD, name="b"))
    assert total(timed) == Spent(110, 7)


def test_an_uncounted_answer_is_estimated() -> None:
    timed = played(Scripted([Text("Think again."), End("stop")]))
    assert total(timed) == estimated(REQUEST, "Think again.")
    assert isinstance(timed[-2][1], Spent)


def test_a_provider_that_stops_without_an_end_is_truncated() -> None:
    timed = played(Scripted([Text("Half")]))
    assert reasons(timed) == [("builtin", "truncated")]


def test_a_provider_that_is_not_ready_is_passed_over() -> None:
    provider = Scripted(GOOD)
    provider.ready = False

    async def scenario() -> None:
        router = routing(provider)
        assert router.first() == Speaker("builtin", "builtin/1", "builtin")
        await heard(router)

    run(scenario())
    assert provider.requests == []


def test_three_failures_open_the_breaker_and_time_closes_it_again() -> None:
    async def scenario() -> None:
        provider = Scripted(*([failing("server_error")] * 3), GOOD)
        router = routing(provider)
        for _ in range(3):
            assert router.first().source == "llm"
            await heard(router)
        assert router.first().source == "builtin"
        timed = await heard(router)
        assert reasons(timed) == []
        assert len(provider.requests) == 3
        await asyncio.sleep(5)
        assert shown(await heard(router)) == "Think again."
        assert router.counts.failures["cloud", "server_error"] == 3

    run(scenario())


def test_whoever_was_announced_and_may_not_speak_is_restarted() -> None:
    async def scenario() -> None:
        router = routing(Scripted(failing("rate_limited", retry_after_s=20.0)))
        announced = router.first()
        await heard(router)
        timed = await heard(router, announced=announced)
        assert reasons(timed) == [("builtin", "breaker")]
        await asyncio.sleep(19.9)
        assert router.first().source == "builtin"
        await asyncio.sleep(0.2)
        assert router.first() == announced

    run(scenario())


def test_a_request_without_messages_is_given_to_no_model() -> None:
    async def scenario() -> None:
        provider = Scripted(GOOD)
        router = routing(provider)
        silent = LlmRequest((), 0, builtin_text="Read it again.")
        assert router.first(silent).source == "builtin"
        timed = await heard(router, silent, announced=router.first())
        assert reasons(timed) == [("builtin", "mode")]
        assert shown(timed) == "Read it again."
        assert provider.requests == []

    run(scenario())


def test_a_bad_key_shuts_the_provider_for_ten_minutes(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        router = routing(Scripted(failing("auth"), GOOD))
        await heard(router)
        await asyncio.sleep(599)
        assert router.first().source == "builtin"
        await asyncio.sleep(2)
        assert router.first().source == "llm"

    with caplog.at_level(logging.WARNING):
        run(scenario())
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("kind", ["bad_request", "internal", "refused", "context_length"])
def test_the_requests_own_faults_do_not_open_the_breaker(kind: str) -> None:
    async def scenario() -> None:
        router = routing(Scripted(failing(kind)))
        for _ in range(12):
            await heard(router)
        assert router.first().source == "llm"

    run(scenario())


def test_a_cancelled_turn_closes_its_provider_and_frees_the_half_open_place() -> None:
    async def scenario() -> None:
        provider = Scripted(*([failing("server_error")] * 3), [60.0, *GOOD], GOOD)
        router = routing(provider)
        for _ in range(3):
            await heard(router)
        await asyncio.sleep(5)
        task = asyncio.create_task(heard(router))
        await asyncio.sleep(1)
        assert provider.running == 1
        assert router.first().source == "builtin"  # one try at a time
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert provider.running == 0
        assert router.first().source == "llm"

    run(scenario())


def test_closing_the_stream_early_closes_its_provider() -> None:
    async def scenario() -> None:
        provider = Scripted([Text("One"), 1.0, *GOOD])
        pieces = routing(provider).stream(REQUEST)
        assert await anext(pieces) == Text("One")
        await pieces.aclose()
        assert provider.running == 0

    run(scenario())


def test_only_a_failure_of_the_built_in_tutor_is_raised() -> None:
    request = LlmRequest(REQUEST.messages, 220)

    async def scenario() -> None:
        pieces = routing(Scripted(failing("auth"))).stream(request)
        assert await anext(pieces) == Restarted("builtin", "builtin/1", "auth")
        with pytest.raises(ProviderFailed) as failed:
            await anext(pieces)
        assert failed.value.kind == "empty"

    run(scenario())


def test_closing_the_router_closes_the_chain() -> None:
    provider = Scripted(GOOD)
    run(routing(provider).aclose())
    assert provider.closed == 1000
