"""Groq's adapter beyond the matrix: its own count, its own errors, its own address."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable

import pytest

from streaming.providers.base import End, ProviderFailed, Spent
from streaming.providers.groq import Groq, GroqReading
from tests.fakes.asking import LONGER, heard
from tests.fakes.groq_chat import running
from tests.fakes.wire import CACHED_TOKENS, PROMPT_TOKENS, TEXT, WORDS, Fake

SHORT_S = 0.05
HALF = "".join(WORDS[:3])


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with running() as fake:
        yield fake


Make = Callable[..., Groq]


@pytest.fixture
async def provider(fake: Fake) -> AsyncIterator[Make]:
    made: list[Groq] = []

    def make(model: str, **more: object) -> Groq:
        settings: dict[str, object] = {
            "name": "groq",
            "model": model,
            "base_url": fake.base_url,
            "api_key": "key",
            "first_token_s": 5.0,
            "stall_s": 5.0,
        }
        made.append(Groq(**{**settings, **more}))  # type: ignore[arg-type]  # by keyword
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
        assert one.open_calls == 0


@pytest.mark.parametrize(
    ("scenario", "kind", "text"),
    [("498", "overloaded", ""), ("stopped_early", "server_error", HALF),
     ("done_without_finish", "truncated", TEXT)],
)  # fmt: skip
async def test_further_failures(provider: Make, scenario: str, kind: str, text: str) -> None:
    result = await heard(provider(scenario))
    assert (result.kind, result.text) == (kind, text)


async def test_what_is_sent(fake: Fake, provider: Make) -> None:
    """No usage is asked for, as it comes by itself; no field of OpenAI's own is sent."""
    await heard(provider("ok"), LONGER)
    call = fake.calls[0]
    assert call.path == "/openai/v1/chat/completions"
    assert call.headers["authorization"] == "Bearer key"
    assert call.body == {
        "model": "ok",
        "messages": [
            {"role": "system", "content": "Teach.\n\nThe learner adds well."},
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "What would undo it?"},
            {"role": "user", "content": "Taking 3?"},
        ],
        "stream": True,
        "max_completion_tokens": 220,
    }


async def test_an_address_that_is_whole_already(fake: Fake, provider: Make) -> None:
    result = await heard(provider("ok", base_url=f"{fake.base_url}/openai/v1"))
    assert result.text == TEXT
    assert fake.calls[0].path == "/openai/v1/chat/completions"


def test_usage_comes_in_either_form() -> None:
    usage = {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
    }
    last = {"choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}]}
    for more in ({"x_groq": {"id": "r", "usage": usage}}, {"usage": usage, "x_groq": None}):
        pieces = list(GroqReading().heard({**last, **more}))
        assert pieces[1:] == [Spent(PROMPT_TOKENS, 2, cached_in=CACHED_TOKENS), End("stop")]


@pytest.mark.parametrize("scenario", ["late_usage", "cut_after_finish"])
async def test_a_complete_answer_does_not_wait_for_its_count(
    monkeypatch: pytest.MonkeyPatch, provider: Make, scenario: str
) -> None:
    monkeypatch.setattr("streaming.providers.endpoint.USAGE_S", SHORT_S)
    result = await heard(provider(scenario))
    assert (result.kind, result.text, result.spent) == ("", TEXT, [])
    assert result.pieces[-1] == End("stop")


async def test_connections_are_used_again(fake: Fake, provider: Make) -> None:
    groq = provider("ok")
    for _ in range(3):
        assert (await heard(groq)).text == TEXT
        while groq.open_calls:
            await fake.rested()
    assert len(fake.calls) == 3
    assert fake.accepted == 1


async def test_a_full_pool_counts_as_overload(fake: Fake, provider: Make) -> None:
    groq = provider("stall", slots=1)
    first = groq.stream(LONGER)
    await anext(first)
    assert (await heard(groq)).kind == "overloaded"
    await first.aclose()  # type: ignore[attr-defined]  # an async generator by construction


async def test_the_words_of_an_error_stay_inside(provider: Make) -> None:
    result = await heard(provider("401"))
    assert result.failed is not None
    assert str(result.failed) == "auth: 401 invalid_api_key invalid_request_error"
    assert result.failed.__cause__ is None


async def test_a_proxy_for_the_world_is_not_asked_for_this_machine(
    provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await heard(provider("ok"))).text == TEXT


def test_warm_in_a_thread_reads_a_canned_answer_without_any_upstream() -> None:
    groq = Groq(name="groq", model="m", api_key="", base_url="http://127.0.0.1:9")
    assert groq.warm() > 0
    assert (groq.ready, groq.local) == (True, True)


def test_without_the_sdk_the_provider_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "groq", None)
    groq = Groq(name="groq", model="m", api_key="k")
    with pytest.raises(ProviderFailed) as failed:
        groq.warm()
    assert failed.value.kind == "unavailable"
    assert "tutorstream[groq]" in failed.value.detail
    assert not groq.ready
