"""Anthropic's adapter beyond the matrix: its two proofs, its marks for the cache, its counts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from streaming.providers.anthropic import Anthropic, cache_min_tokens, system_blocks
from streaming.providers.base import ChatMessage, End, ProviderFailed, Spent
from tests.fakes.anthropic_messages import WRITTEN_TOKENS, running
from tests.fakes.asking import LONGER, heard
from tests.fakes.wire import CACHED_TOKENS, PROMPT_TOKENS, TEXT, WORDS, Fake

SHORT_S = 0.05
HALF = "".join(WORDS[:3])
COUNTED = Spent(PROMPT_TOKENS, len(WORDS), cached_in=CACHED_TOKENS, cache_write=WRITTEN_TOKENS)


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with running() as fake:
        yield fake


Make = Callable[..., Anthropic]


@pytest.fixture
async def provider(fake: Fake) -> AsyncIterator[Make]:
    made: list[Anthropic] = []

    def make(model: str, **more: object) -> Anthropic:
        settings: dict[str, object] = {
            "name": "anthropic",
            "model": model,
            "base_url": fake.base_url,
            "api_key": "key",
            "first_token_s": 5.0,
            "stall_s": 5.0,
        }
        made.append(Anthropic(**{**settings, **more}))  # type: ignore[arg-type]  # by keyword
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
        assert one.open_calls == 0


@pytest.mark.parametrize(
    ("scenario", "kind", "text"),
    [("rate_limited_event", "rate_limited", HALF), ("unknown_event", "server_error", HALF),
     ("unknown_block", "malformed", ""), ("end_without_stop", "truncated", TEXT),
     ("stop_without_end", "truncated", TEXT)],
)  # fmt: skip
async def test_further_failures(provider: Make, scenario: str, kind: str, text: str) -> None:
    result = await heard(provider(scenario))
    assert (result.kind, result.text) == (kind, text)


async def test_an_answer_without_its_end_is_paid_for_as_it_was_counted(provider: Make) -> None:
    assert (await heard(provider("stop_without_end"))).spent == [COUNTED]
    assert (await heard(provider("eof"))).spent == []  # only the prompt had been counted


async def test_a_block_may_open_with_text(provider: Make) -> None:
    result = await heard(provider("first_words_in_the_block"))
    assert result.text == TEXT
    assert result.pieces[-2:] == [COUNTED, End("stop")]


async def test_a_complete_answer_does_not_wait_for_the_bodys_end(provider: Make) -> None:
    result = await heard(provider("open_end"))
    assert (result.kind, result.text) == ("", TEXT)
    assert result.pieces[-1] == End("stop")


async def test_what_is_sent(fake: Fake, provider: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """System messages apart, no temperature; a token of the environment is not mixed in."""
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another")
    await heard(provider("ok"), LONGER)
    call = fake.calls[0]
    assert call.path == "/v1/messages"
    assert "another" not in str(call.headers)
    assert "key" in (call.headers.get("x-api-key"), call.headers["authorization"].split()[-1])
    assert call.body == {
        "model": "ok",
        "max_tokens": 220,
        "system": [
            {"type": "text", "text": "Teach."},
            {"type": "text", "text": "The learner adds well."},
        ],
        "messages": [
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "What would undo it?"},
            {"role": "user", "content": "Taking 3?"},
        ],
        "stream": True,
    }


async def test_an_address_with_the_version_in_it(fake: Fake, provider: Make) -> None:
    result = await heard(provider("ok", base_url=f"{fake.base_url}/v1/"))
    assert result.text == TEXT
    assert fake.calls[0].path == "/v1/messages"


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("claude-haiku-4-5", 4096), ("claude-opus-4-6-20260205", 4096), ("claude-sonnet-4-6", 2048),
     ("claude-3-5-haiku-latest", 2048), ("claude-sonnet-4-5", 1024), ("a-new-one", 1024)],
)  # fmt: skip
def test_the_shortest_kept_prefix(model: str, tokens: int) -> None:
    assert cache_min_tokens(model) == tokens


def test_marks_stand_only_behind_enough() -> None:
    """The minimum is of all that lies before a mark, not of its own block."""
    policy = ChatMessage("system", "x" * 3400, cache=True)
    pack = ChatMessage("system", "x" * 100)
    summary = ChatMessage("system", "é" * 50, cache=True)
    marked = [
        "cache_control" in block
        for block in system_blocks((policy, pack, summary, ChatMessage("user", "Why?")), 1024)
    ]
    assert marked == [False, False, True]
    assert not any(
        "cache_control" in block for block in system_blocks((policy, pack, summary), 1029)
    )


async def test_a_mark_on_the_wire(fake: Fake, provider: Make) -> None:
    long = ChatMessage("system", "Teach. " * 600, cache=True)
    request = type(LONGER)(messages=(long, *LONGER.messages[1:]), max_tokens=5)
    await heard(provider("ok"), request)
    system = fake.calls[0].body["system"]
    assert [block.get("cache_control") for block in system] == [{"type": "ephemeral"}] * 2


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


async def test_the_words_of_an_error_stay_inside(provider: Make) -> None:
    result = await heard(provider("401"))
    assert result.failed is not None
    assert str(result.failed) == "auth: 401 authentication_error"
    assert result.failed.__cause__ is None


async def test_a_proxy_for_the_world_is_not_asked_for_this_machine(
    provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await heard(provider("ok"))).text == TEXT


def test_warm_in_a_thread_reads_a_canned_answer_without_any_upstream() -> None:
    one = Anthropic(name="anthropic", model="m", api_key="k", base_url="http://127.0.0.1:9")
    assert not one.ready
    assert one.warm() > 0
    assert (one.ready, one.local) == (True, False)


def test_without_a_key_or_the_sdk_the_provider_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyless = Anthropic(name="anthropic", model="m", api_key="")
    with pytest.raises(ProviderFailed, match="ANTHROPIC_API_KEY") as failed:
        keyless.warm()
    assert failed.value.kind == "unavailable"
    monkeypatch.setitem(sys.modules, "anthropic", None)
    one = Anthropic(name="anthropic", model="m", api_key="k")
    with pytest.raises(ProviderFailed) as failed:
        one.warm()
    assert failed.value.kind == "unavailable"
    assert "tutorstream[anthropic]" in failed.value.detail
    assert not one.ready


def test_importing_the_adapters_loads_no_sdk() -> None:
    code = (
        "import sys\n"
        "from streaming.providers import anthropic, gemini, gemini_legacy\n"
        "sdks = {'anthropic', 'google', 'google.genai', 'grpc', 'httpx', 'httpx2'}\n"
        "loaded = sorted(n for n in sdks if getattr(sys.modules.get(n), '__file__', None))\n"
        "sys.exit(', '.join(loaded) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.stderr.strip() == ""
    assert done.returncode == 0
