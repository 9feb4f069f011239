"""The chat adapter beyond the matrix: what is sent, how connections are kept, what stays inside."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from streaming.providers.base import ChatMessage, End, ProviderFailed, Text
from streaming.providers.chat import instructions, messages_of
from streaming.providers.openai import OpenAIChat
from streaming.providers.presets import Quirks, presets
from tests.fakes.asking import LONGER, REQUEST, heard
from tests.fakes.openai_chat import running
from tests.fakes.wire import TEXT, WORDS, Fake

SHORT_S = 0.05


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with running() as fake:
        yield fake


Make = Callable[..., OpenAIChat]


@pytest.fixture
async def provider(fake: Fake) -> AsyncIterator[Make]:
    """Makes providers for a scenario; the clocks that must not be met are long."""
    made: list[OpenAIChat] = []

    def make(model: str, **more: object) -> OpenAIChat:
        settings: dict[str, object] = {
            "name": "fake",
            "model": model,
            "base_url": fake.base_url,
            "first_token_s": 5.0,
            "stall_s": 5.0,
        }
        made.append(OpenAIChat(**{**settings, **more}))  # type: ignore[arg-type]  # by keyword
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
        assert one.open_calls == 0


@pytest.mark.parametrize(
    ("scenario", "kind", "text"),
    [("too_long_llama", "context_length", ""), ("filtered_400", "refused", ""),
     ("done_without_finish", "truncated", TEXT)],
)  # fmt: skip
async def test_further_failures(provider: Make, scenario: str, kind: str, text: str) -> None:
    result = await heard(provider(scenario))
    assert (result.kind, result.text) == (kind, text)


async def test_closing_the_stream_early_closes_the_upstream(fake: Fake, provider: Make) -> None:
    pieces = provider("slow:200:2000").stream(REQUEST)
    assert await anext(pieces) == Text(WORDS[0])
    await pieces.aclose()  # type: ignore[attr-defined]  # an async generator by construction
    await asyncio.wait_for(fake.calls[0].left.wait(), 60.0)


@pytest.mark.parametrize("scenario", ["late_usage", "cut_after_finish"])
async def test_a_complete_answer_does_not_wait_for_its_count(
    monkeypatch: pytest.MonkeyPatch, provider: Make, scenario: str
) -> None:
    monkeypatch.setattr("streaming.providers.endpoint.USAGE_S", SHORT_S)
    result = await heard(provider(scenario))
    assert result.failed is None
    assert result.text == TEXT
    assert result.spent == []
    assert result.pieces[-1] == End("stop")


async def test_connections_are_used_again(fake: Fake, provider: Make) -> None:
    chat = provider("ok")
    for _ in range(3):
        assert (await heard(chat)).text == TEXT
        while chat.open_calls:
            await fake.rested()
    assert len(fake.calls) == 3
    assert fake.accepted == 1


async def test_nobody_listening_is_connect(provider: Make) -> None:
    async with running() as gone:
        base_url = gone.base_url
    result = await heard(provider("ok", base_url=base_url))
    assert result.failed is not None
    assert result.failed.kind == "connect"


async def test_a_full_pool_counts_as_overload(fake: Fake, provider: Make) -> None:
    chat = provider("stall", slots=1)
    first = asyncio.create_task(heard(chat))
    await fake.called.wait()
    result = await heard(chat)
    assert result.failed is not None
    assert result.failed.kind == "overloaded"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_the_words_of_an_error_stay_inside(provider: Make) -> None:
    result = await heard(provider("401"))
    assert result.failed is not None
    assert str(result.failed) == "auth: 401 invalid_api_key invalid_request_error"
    assert result.failed.__cause__ is None


async def test_what_is_sent_to_openai(fake: Fake, provider: Make) -> None:
    quirks = presets()["openai"].quirks
    await heard(provider("ok", quirks=quirks, api_key="k"))
    call = fake.calls[0]
    assert call.body == {
        "model": "ok",
        "messages": [
            {"role": "system", "content": "Teach."},
            {"role": "user", "content": "Why?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 220,
        "store": False,
        "prompt_cache_key": "p0p2",
    }
    assert call.headers["authorization"] == "Bearer k"


async def test_quirks(fake: Fake, provider: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-ours")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-ours")
    quirks = Quirks(
        stream_options=False,
        max_tokens_param="max_tokens",
        system_role="user",
        extra_headers={"X-Title": "tutor"},
        reasoning_off={"think": False},
    )
    result = await heard(provider("no_options", quirks=quirks))
    assert result.text == TEXT
    assert result.spent == []
    call = fake.calls[0]
    assert call.body == {
        "model": "no_options",
        "messages": [{"role": "user", "content": "Teach.\n\nWhy?"}],
        "stream": True,
        "max_tokens": 220,
        "think": False,
    }
    assert call.headers["x-title"] == "tutor"
    assert "openai-organization" not in call.headers
    assert "openai-project" not in call.headers


@pytest.mark.parametrize("name", sorted(presets()))
async def test_what_is_sent_to_each_preset(fake: Fake, provider: Make, name: str) -> None:
    """OpenAI's own fields go to OpenAI only; every endpoint hears one system message."""
    result = await heard(provider("ok", quirks=presets()[name].quirks), LONGER)
    assert result.text == TEXT
    body = dict(fake.calls[0].body)
    assert body.pop("messages") == [
        {"role": "system", "content": "Teach.\n\nThe learner adds well."},
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "What would undo it?"},
        {"role": "user", "content": "Taking 3?"},
    ]
    common = {"model": "ok", "stream": True, "stream_options": {"include_usage": True}}
    own = {"max_completion_tokens": 220, "store": False, "prompt_cache_key": "p0p2"}
    assert body == common | (own if name == "openai" else {"max_tokens": 220})


def test_system_messages_are_joined_and_the_stable_one_stays_in_front() -> None:
    system, rest = instructions(LONGER.messages)
    assert system == "Teach.\n\nThe learner adds well."
    assert system.startswith(instructions(REQUEST.messages)[0])
    assert [m.role for m in rest] == ["user", "assistant", "user"]
    assert instructions(()) == ("", ())
    assert instructions((ChatMessage("system", "Teach."),)) == ("Teach.", ())


@pytest.mark.parametrize(
    ("role", "messages", "expected"),
    [
        ("developer", ("system", "user"), [("developer", "0"), ("user", "1")]),
        ("user", ("system", "system", "user"), [("user", "0\n\n1\n\n2")]),
        ("user", ("system",), [("user", "0")]),
        ("user", ("system", "assistant"), [("user", "0"), ("assistant", "1")]),
        ("system", ("user",), [("user", "0")]),
    ],
)
def test_the_role_of_the_system(
    role: str, messages: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    asked = [ChatMessage(r, str(n)) for n, r in enumerate(messages)]  # type: ignore[arg-type]
    assert [(m["role"], m["content"]) for m in messages_of(asked, role)] == expected


async def test_headers_of_an_openai_account_go_to_openai_only(
    fake: Fake, provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: ours\nAuthorization: Bearer ours")
    await heard(provider("ok", api_key="theirs"))
    headers = fake.calls[0].headers
    assert headers["authorization"] == "Bearer theirs"
    assert "x-secret" not in headers


async def test_a_proxy_for_the_world_is_not_asked_for_this_machine(
    provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await heard(provider("ok"))).text == TEXT


async def test_a_spent_budget_is_quota_by_its_words(provider: Make) -> None:
    result = await heard(provider("budget", quirks=presets()["emergent"].quirks))
    assert result.failed is not None
    assert result.failed.kind == "quota"


async def test_closing_the_provider_ends_running_calls(fake: Fake, provider: Make) -> None:
    chat = provider("no_first_token")
    task = asyncio.create_task(heard(chat))
    await fake.called.wait()
    await fake.calls[0].writing.wait()
    await chat.aclose()
    result = await task
    assert result.failed is not None
    assert result.failed.kind == "cut"


def test_warm_in_a_thread_reads_a_canned_answer_without_any_upstream() -> None:
    chat = OpenAIChat(name="x", model="m", base_url="http://127.0.0.1:9/v1")
    assert not chat.ready
    assert chat.warm() > 0
    assert chat.ready


def test_without_the_sdk_the_provider_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    chat = OpenAIChat(name="x", model="m", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ProviderFailed) as failed:
        chat.warm()
    assert failed.value.kind == "unavailable"
    assert "tutorstream[openai]" in failed.value.detail
    assert not chat.ready
