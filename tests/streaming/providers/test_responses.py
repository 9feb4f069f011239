"""The Responses adapter beyond the matrix: failures as events, what is sent, how it is warmed."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable

import pytest

from streaming.providers.base import ChatMessage, End, LlmRequest, ProviderFailed
from streaming.providers.openai_responses import (
    MIN_OUTPUT_TOKENS,
    OpenAIResponses,
    ResponsesReading,
)
from streaming.providers.presets import presets
from tests.fakes.asking import LONGER, heard
from tests.fakes.openai_responses import running
from tests.fakes.wire import TEXT, WORDS, Fake

SHORT_S = 0.05
HALF = "".join(WORDS[:3])


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with running() as fake:
        yield fake


Make = Callable[..., OpenAIResponses]


@pytest.fixture
async def provider(fake: Fake) -> AsyncIterator[Make]:
    made: list[OpenAIResponses] = []

    def make(model: str, **more: object) -> OpenAIResponses:
        settings: dict[str, object] = {
            "name": "openai",
            "model": model,
            "base_url": fake.base_url,
            "api_key": "key",
            "quirks": presets()["openai"].quirks,
            "first_token_s": 5.0,
            "stall_s": 5.0,
        }
        made.append(OpenAIResponses(**{**settings, **more}))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
        assert one.open_calls == 0


@pytest.mark.parametrize(
    ("scenario", "kind", "text"),
    [("nested_error", "overloaded", ""), ("failed_late", "server_error", HALF),
     ("too_long_event", "context_length", ""), ("no_text", "malformed", ""),
     ("filtered_400", "refused", "")],
)  # fmt: skip
async def test_further_failures(provider: Make, scenario: str, kind: str, text: str) -> None:
    result = await heard(provider(scenario))
    assert (result.kind, result.text) == (kind, text)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("server_error", "server_error"), ("rate_limit_exceeded", "rate_limited"),
     ("invalid_prompt", "bad_request"), ("insufficient_quota", "quota"),
     ("bio_policy", "refused"), ("vector_store_timeout", "server_error"), (None, "server_error")],
)  # fmt: skip
def test_a_failed_response_is_named_by_its_code(code: str | None, kind: str) -> None:
    event = {"type": "response.failed", "response": {"error": {"code": code, "message": "no"}}}
    with pytest.raises(ProviderFailed) as failed:
        list(ResponsesReading().heard(event))
    assert failed.value.kind == kind


def test_a_failed_response_without_its_error_is_the_servers() -> None:
    with pytest.raises(ProviderFailed) as failed:
        list(ResponsesReading().heard({"type": "response.failed", "response": None}))
    assert failed.value.kind == "server_error"


def test_an_end_without_its_response_is_malformed() -> None:
    with pytest.raises(ProviderFailed) as failed:
        list(ResponsesReading().heard({"type": "response.completed", "response": None}))
    assert failed.value.kind == "malformed"


async def test_what_is_sent(fake: Fake, provider: Make) -> None:
    await heard(provider("ok"), LONGER)
    call = fake.calls[0]
    assert call.path == "/v1/responses"
    assert call.headers["authorization"] == "Bearer key"
    assert call.body == {
        "model": "ok",
        "instructions": "Teach.\n\nThe learner adds well.",
        "input": [
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "What would undo it?"},
            {"role": "user", "content": "Taking 3?"},
        ],
        "stream": True,
        "max_output_tokens": 220,
        "store": False,
        "prompt_cache_key": "p0p2",
    }


async def test_a_very_short_answer_is_asked_for_at_the_least_allowed(
    fake: Fake, provider: Make
) -> None:
    await heard(provider("ok"), LlmRequest((ChatMessage("user", "Ready?"),), 8))
    body = fake.calls[0].body
    assert body["max_output_tokens"] == MIN_OUTPUT_TOKENS
    assert "instructions" not in body
    assert "prompt_cache_key" not in body


@pytest.mark.parametrize("scenario", ["late_usage", "cut_after_finish"])
async def test_a_complete_answer_does_not_wait_for_the_bodys_end(
    monkeypatch: pytest.MonkeyPatch, provider: Make, scenario: str
) -> None:
    monkeypatch.setattr("streaming.providers.endpoint.USAGE_S", SHORT_S)
    result = await heard(provider(scenario))
    assert (result.kind, result.text, len(result.spent)) == ("", TEXT, 1)
    assert result.pieces[-1] == End("stop")


async def test_connections_are_used_again(fake: Fake, provider: Make) -> None:
    responses = provider("ok")
    for _ in range(3):
        assert (await heard(responses)).text == TEXT
        while responses.open_calls:
            await fake.rested()
    assert len(fake.calls) == 3
    assert fake.accepted == 1


async def test_the_words_of_an_error_stay_inside(provider: Make) -> None:
    for scenario in ("401", "error_event", "overloaded_event"):
        result = await heard(provider(scenario))
        assert result.failed is not None
        assert "Incorrect" not in str(result.failed)
        assert "had an error" not in str(result.failed)
        assert "reached" not in str(result.failed)
        assert result.failed.__cause__ is None


def test_warm_in_a_thread_reads_a_canned_answer_without_any_upstream() -> None:
    responses = OpenAIResponses(name="openai", model="m", base_url="http://127.0.0.1:9/v1")
    assert not responses.ready
    assert responses.warm() > 0
    assert responses.ready


def test_without_the_sdk_the_provider_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    responses = OpenAIResponses(name="openai", model="m", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ProviderFailed) as failed:
        responses.warm()
    assert failed.value.kind == "unavailable"
    assert "tutorstream[openai]" in failed.value.detail
