"""Every scenario of the fake upstream through the unmodified SDK."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from streaming.providers.base import (
    ChatMessage,
    End,
    LlmRequest,
    Piece,
    ProviderFailed,
    Spent,
    Text,
)
from streaming.providers.openai import OpenAIChat
from streaming.providers.presets import Quirks, presets
from tests.fakes.openai_chat import running
from tests.fakes.openai_wire import CACHED_TOKENS, PROMPT_TOKENS, TEXT, WORDS, Fake

LIMIT_S = 0.05
WALL_S = 1_750_000_000.0  # 2025-06-15T15:06:40Z
REQUEST = LlmRequest(
    messages=(ChatMessage("system", "Teach."), ChatMessage("user", "Why?")),
    max_tokens=220,
    cache_key="p0p2",
)
COUNTED = Spent(PROMPT_TOKENS, len(WORDS), cached_in=CACHED_TOKENS)


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
            "wall_s": lambda: WALL_S,
        }
        made.append(OpenAIChat(**{**settings, **more}))  # type: ignore[arg-type]  # by keyword
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
        assert one.open_calls == 0


@dataclass
class Heard:
    pieces: list[Piece] = field(default_factory=list)
    failed: ProviderFailed | None = None

    @property
    def text(self) -> str:
        return "".join(p.text for p in self.pieces if isinstance(p, Text))

    @property
    def spent(self) -> list[Spent]:
        return [p for p in self.pieces if isinstance(p, Spent)]


async def heard(provider: OpenAIChat, request: LlmRequest = REQUEST) -> Heard:
    result = Heard()
    try:
        async for piece in provider.stream(request):
            result.pieces.append(piece)
    except ProviderFailed as failed:
        result.failed = failed
    return result


@pytest.mark.parametrize(
    ("scenario", "end"),
    [("ok", "stop"), ("length", "length"), ("reasoning", "stop"), ("bytewise", "stop"),
     ("crlf", "stop"), ("slow:2000:10", "stop")],
)  # fmt: skip
async def test_a_good_answer(fake: Fake, provider: Make, scenario: str, end: str) -> None:
    result = await heard(provider(scenario))
    assert result.failed is None
    assert result.text == TEXT
    assert result.pieces[-2:] == [COUNTED, End(end)]  # type: ignore[arg-type]  # a reason by name
    assert len(fake.calls) == 1


HALF = "".join(WORDS[:3])
FAILURES = [
    ("429", "rate_limited", 7.0, ""),
    ("429:3600", "rate_limited", 60.0, ""),
    ("429_ms", "rate_limited", 1.5, ""),
    ("429_date", "rate_limited", 20.0, ""),
    ("429_quota", "quota", None, ""),
    ("402", "quota", None, ""),
    ("503", "overloaded", None, ""),
    ("529", "overloaded", None, ""),
    ("500", "server_error", None, ""),
    ("502_html", "server_error", None, ""),
    ("401", "auth", None, ""),
    ("403", "auth", None, ""),
    ("400", "bad_request", None, ""),
    ("422", "bad_request", None, ""),
    ("404", "not_found", None, ""),
    ("413", "context_length", None, ""),
    ("too_long", "context_length", None, ""),
    ("too_long_llama", "context_length", None, ""),
    ("filtered_400", "refused", None, ""),
    ("cut_at_once", "connect", None, ""),
    ("cut", "cut", None, HALF),
    ("error_event", "server_error", None, HALF),
    ("overloaded_event", "overloaded", None, ""),
    ("malformed", "malformed", None, HALF),
    ("wrong_shape", "malformed", None, ""),
    ("eof", "truncated", None, TEXT),
    ("done_without_finish", "truncated", None, TEXT),
    ("content_filter", "refused", None, HALF),
    ("declined", "refused", None, ""),
    ("empty", "empty", None, ""),
]


@pytest.mark.parametrize(("scenario", "kind", "retry_after_s", "text"), FAILURES)
async def test_a_failure(
    fake: Fake, provider: Make, scenario: str, kind: str, retry_after_s: float | None, text: str
) -> None:
    result = await heard(provider(scenario))
    assert result.failed is not None
    assert (result.failed.kind, result.failed.retry_after_s) == (kind, retry_after_s)
    assert result.text == text
    assert result.failed.emitted == sum(isinstance(p, Text) for p in result.pieces)
    assert len(fake.calls) == 1


def test_the_kinds_are_the_same_on_the_servers_own_loop() -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed here")

    async def found() -> list[tuple[str, str, float | None, str]]:
        rows: list[tuple[str, str, float | None, str]] = []
        async with running() as fake:
            for scenario, *_ in FAILURES:
                chat = OpenAIChat(
                    name="fake", model=scenario, base_url=fake.base_url, wall_s=lambda: WALL_S
                )
                result = await heard(chat)
                await chat.aclose()
                assert result.failed is not None
                failed = result.failed
                rows.append((scenario, failed.kind, failed.retry_after_s, result.text))
        return rows

    assert uvloop.run(found()) == FAILURES


@pytest.mark.parametrize(
    ("scenario", "kind", "text"),
    [("silent", "first_token", ""), ("no_first_token", "first_token", ""),
     ("keepalives", "first_token", ""), ("reasoning_only", "first_token", ""),
     ("stall", "stall", HALF)],
)  # fmt: skip
async def test_our_own_clocks_run_on_text(
    fake: Fake, provider: Make, scenario: str, kind: str, text: str
) -> None:
    loop = asyncio.get_running_loop()
    limits = {"stall_s": LIMIT_S} if kind == "stall" else {"first_token_s": LIMIT_S}
    chat = provider(scenario, **limits)
    start = loop.time()
    result = await heard(chat)
    assert result.failed is not None
    assert result.failed.kind == kind
    assert result.text == text
    assert LIMIT_S <= loop.time() - start < 1.0
    assert len(fake.calls) == 1
    await asyncio.wait_for(fake.calls[0].left.wait(), 1.0)


@pytest.mark.parametrize(
    "scenario", ["silent", "no_first_token", "keepalives", "stall", "slow:200:2000"]
)
async def test_cancel_passes_through_and_the_upstream_sees_it(
    fake: Fake, provider: Make, scenario: str
) -> None:
    loop = asyncio.get_running_loop()
    chat = provider(scenario)
    task = asyncio.create_task(heard(chat))
    await fake.called.wait()
    call = fake.calls[0]
    await call.writing.wait()
    cancelled_s = loop.time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loop.time() - cancelled_s < 0.05
    await asyncio.wait_for(call.left.wait(), 1.0)
    assert call.left_s is not None
    assert call.left_s - cancelled_s <= 0.1
    assert len(fake.calls) == 1


async def test_closing_the_stream_early_closes_the_upstream(fake: Fake, provider: Make) -> None:
    pieces = provider("slow:200:2000").stream(REQUEST)
    assert await anext(pieces) == Text(WORDS[0])
    await pieces.aclose()  # type: ignore[attr-defined]  # an async generator by construction
    await asyncio.wait_for(fake.calls[0].left.wait(), 1.0)


@pytest.mark.parametrize("scenario", ["late_usage", "cut_after_finish"])
async def test_a_complete_answer_does_not_wait_for_its_count(
    monkeypatch: pytest.MonkeyPatch, provider: Make, scenario: str
) -> None:
    monkeypatch.setattr("streaming.providers.endpoint.USAGE_S", LIMIT_S)
    result = await heard(provider(scenario))
    assert result.failed is None
    assert result.text == TEXT
    assert result.spent == []
    assert result.pieces[-1] == End("stop")


async def test_connections_are_used_again(fake: Fake, provider: Make) -> None:
    chat = provider("ok")
    for _ in range(3):
        assert (await heard(chat)).text == TEXT
        while chat.open_calls:  # noqa: ASYNC110 - the last bytes are read behind our back
            await asyncio.sleep(0)
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


def test_importing_streaming_loads_no_sdk() -> None:
    code = (
        "import sys, streaming.routing, streaming.providers.openai, streaming.providers.builtin\n"
        "loaded = {'openai', 'httpx', 'httpx2', 'anthropic', 'groq'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(loaded)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.stderr.strip() == ""
    assert done.returncode == 0


def test_without_the_sdk_the_provider_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    chat = OpenAIChat(name="x", model="m", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ProviderFailed) as failed:
        chat.warm()
    assert failed.value.kind == "unavailable"
    assert "tutorstream[openai]" in failed.value.detail
    assert not chat.ready
