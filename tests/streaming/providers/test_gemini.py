"""Gemini's adapter beyond the matrix: its version, its thoughts, the errors of Google's form."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from streaming.providers.base import End, ProviderFailed, Spent, Text
from streaming.providers.gemini import Gemini
from streaming.providers.gemini_answer import Details, by_google, details_of
from tests.fakes.asking import LONGER, heard
from tests.fakes.gemini_sse import THOUGHT_TOKENS, quota, reason, retry, running
from tests.fakes.wire import CACHED_TOKENS, PROMPT_TOKENS, TEXT, WORDS, Fake

SHORT_S = 0.05
COUNTED = Spent(PROMPT_TOKENS, len(WORDS) + THOUGHT_TOKENS, cached_in=CACHED_TOKENS)


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with running() as fake:
        yield fake


Make = Callable[..., Gemini]


@pytest.fixture
async def provider(fake: Fake) -> AsyncIterator[Make]:
    made: list[Gemini] = []

    def make(model: str, **more: object) -> Gemini:
        settings: dict[str, object] = {
            "name": "gemini",
            "model": model,
            "base_url": fake.base_url,
            "api_key": "key",
            "first_token_s": 5.0,
            "stall_s": 5.0,
        }
        made.append(Gemini(**{**settings, **more}))  # type: ignore[arg-type]  # by keyword
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
        assert one.open_calls == 0


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [("400_key", "auth"), ("400_key_text", "auth"), ("400_abroad", "auth"),
     ("codeless_event", "malformed"), ("wrong_field", "malformed"), ("finish", "server_error"),
     ("call", "malformed"), ("unspecified", "truncated")],
)  # fmt: skip
async def test_further_failures(fake: Fake, provider: Make, scenario: str, kind: str) -> None:
    result = await heard(provider(scenario))
    assert (result.kind, result.text) == (kind, "")
    assert len(fake.calls) == 1


async def test_the_finish_reason_may_come_with_text(provider: Make) -> None:
    result = await heard(provider("finish_with_text"))
    assert result.text == TEXT
    assert result.pieces[-2:] == [COUNTED, End("stop")]


async def test_a_complete_answer_waits_for_the_bodys_end_no_longer_than_its_limit(
    monkeypatch: pytest.MonkeyPatch, provider: Make
) -> None:
    monkeypatch.setattr("streaming.providers.endpoint.USAGE_S", SHORT_S)
    result = await heard(provider("open_end"))
    assert (result.kind, result.text) == ("", TEXT)
    assert result.pieces[-2:] == [COUNTED, End("stop")]


async def test_what_is_sent(fake: Fake, provider: Make) -> None:
    """No temperature; the server is told a time in seconds, which the SDK takes in milliseconds."""
    await heard(provider("ok"), LONGER)
    call = fake.calls[0]
    assert call.path == "/v1/models/ok:streamGenerateContent?alt=sse"
    assert call.headers["x-goog-api-key"] == "key"
    assert call.headers["x-server-timeout"] == "40"
    assert call.body == {
        "systemInstruction": {
            "parts": [{"text": "Teach.\n\nThe learner adds well."}],
            "role": "user",
        },
        "contents": [
            {"role": "user", "parts": [{"text": "Why?"}]},
            {"role": "model", "parts": [{"text": "What would undo it?"}]},
            {"role": "user", "parts": [{"text": "Taking 3?"}]},
        ],
        "generationConfig": {"maxOutputTokens": 220},
    }


async def test_the_version_and_the_cloud_by_the_environment(
    fake: Fake, provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's variable chooses the version; the one for another service is not followed."""
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v1beta")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_API_KEY", "another")
    assert (await heard(provider("ok"))).text == TEXT
    assert fake.calls[0].path.startswith("/v1beta/models/ok:")
    assert fake.calls[0].headers["x-goog-api-key"] == "key"


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("gemini-2.5-flash-lite", {"thinking_budget": 0}),
        ("gemini-2.5-pro", {"thinking_budget": 128}),
        ("gemini-3-flash-preview", {"thinking_level": "LOW"}),
        ("gemini-2.0-flash", None),
    ],
)
async def test_a_model_is_asked_to_think_as_little_as_it_can(
    fake: Fake, provider: Make, model: str, thinking: dict[str, object] | None
) -> None:
    assert (await heard(provider(model))).kind == "not_found"
    assert fake.calls[0].body["generationConfig"].get("thinkingConfig") == thinking


async def test_connections_are_used_again(fake: Fake, provider: Make) -> None:
    one = provider("ok")
    for _ in range(3):
        assert (await heard(one)).text == TEXT
        while one.open_calls:
            await fake.rested()
    assert len(fake.calls) == 3
    assert fake.accepted == 1


async def test_a_full_pool_counts_as_overload(provider: Make) -> None:
    one = provider("stall", slots=1)
    first = one.stream(LONGER)
    await anext(first)
    assert (await heard(one)).kind == "overloaded"
    await first.aclose()  # type: ignore[attr-defined]  # an async generator by construction


async def test_leaving_unread_text_behind_closes_the_upstream(fake: Fake, provider: Make) -> None:
    """The call waits for its reader then, not for the network: the SDK itself would not notice."""
    pieces = provider("slow:100000:100000").stream(LONGER)
    assert await anext(pieces) == Text(WORDS[0])
    await asyncio.sleep(SHORT_S)
    await pieces.aclose()  # type: ignore[attr-defined]  # an async generator by construction
    await asyncio.wait_for(fake.calls[0].left.wait(), 60.0)


async def test_the_words_of_an_error_stay_inside(provider: Make) -> None:
    result = await heard(provider("401"))
    assert result.failed is not None
    assert str(result.failed) == "auth: 401 UNAUTHENTICATED"
    assert result.failed.__cause__ is None


async def test_a_proxy_for_the_world_is_not_asked_for_this_machine(
    provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await heard(provider("ok"))).text == TEXT


def test_the_details_of_an_error() -> None:
    told = [reason("API_KEY_INVALID"), retry("38.25s"), quota("a"), {"@type": "x"}, 5]
    assert details_of(told) == Details(("API_KEY_INVALID",), 38.25, ("a",))
    assert details_of({"not": "a list"}) == Details()
    assert details_of([retry("soon")]) == Details()


@pytest.mark.parametrize(
    ("code", "status", "message", "details", "kind"),
    [
        (429, "RESOURCE_EXHAUSTED", "current quota, billing", Details(), "rate_limited"),
        (429, "", "", Details(quotas=("RequestsPerDayPerProject",)), "quota"),
        (429, "", "", Details(quotas=("requests_per_day",)), "quota"),
        (429, "", "monthly spending cap", Details(), "quota"),
        (None, "INVALID_ARGUMENT", "the limit of input", Details(), "bad_request"),
        (None, "INVALID_ARGUMENT", "", Details(reasons=("API_KEY_INVALID",)), "auth"),
        (504, "DEADLINE_EXCEEDED", "", Details(), "server_error"),
        (499, "CANCELLED", "", Details(), "bad_request"),
        (None, None, "", Details(), "server_error"),
    ],
)
def test_the_kinds_of_googles_errors(
    code: int | None, status: str | None, message: str, details: Details, kind: str
) -> None:
    assert by_google(code, status, message, details).kind == kind


def test_an_errors_words_are_not_repeated() -> None:
    failed = by_google(400, "The learner wrote: I", "The learner wrote: I", Details())
    assert failed.detail == "400"


def test_waits_are_capped_and_the_details_go_first() -> None:
    waits = [
        by_google(429, "", "", Details(retry_after_s=s), retry_after_s=3.0).retry_after_s
        for s in (None, 0.5, 3600.0, -1.0)
    ]
    assert waits == [3.0, 0.5, 60.0, 0.0]


def test_warm_in_a_thread_reads_a_canned_answer_without_any_upstream() -> None:
    one = Gemini(name="gemini", model="m", api_key="k", base_url="http://127.0.0.1:9")
    assert not one.ready
    assert one.warm() > 0
    assert (one.ready, one.local) == (True, False)


def test_without_a_key_or_the_sdk_the_provider_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyless = Gemini(name="gemini", model="m", api_key="")
    with pytest.raises(ProviderFailed, match="GEMINI_API_KEY") as failed:
        keyless.warm()
    assert failed.value.kind == "unavailable"
    import google

    monkeypatch.delattr(google, "genai", raising=False)
    monkeypatch.setitem(sys.modules, "google.genai", None)
    one = Gemini(name="gemini", model="m", api_key="k")
    with pytest.raises(ProviderFailed) as failed:
        one.warm()
    assert failed.value.kind == "unavailable"
    assert "tutorstream[gemini]" in failed.value.detail
    assert not one.ready
