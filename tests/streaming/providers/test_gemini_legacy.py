"""The older Google SDK beyond the matrix: its loop, its key, its connection, its warnings."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest
from google.protobuf.json_format import MessageToDict

from streaming.providers.base import End, ProviderFailed, Spent, Text
from streaming.providers.gemini_answer import CALL_S
from streaming.providers.gemini_legacy import HOST, GeminiLegacy
from tests.fakes.asking import LONGER, heard
from tests.fakes.gemini_grpc import Fake, running
from tests.fakes.wire import CACHED_TOKENS, PROMPT_TOKENS, TEXT, WORDS

SHORT_S = 0.05
PATIENCE_S = 10.0
HALF = "".join(WORDS[:3])
COUNTED = Spent(PROMPT_TOKENS, len(WORDS), cached_in=CACHED_TOKENS)


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with running() as fake:
        yield fake


Make = Callable[..., GeminiLegacy]


@pytest.fixture
async def provider(fake: Fake) -> AsyncIterator[Make]:
    made: list[GeminiLegacy] = []

    def make(model: str, **more: object) -> GeminiLegacy:
        settings: dict[str, object] = {
            "name": "gemini_legacy",
            "model": model,
            "base_url": fake.base_url,
            "api_key": "key",
            "first_token_s": 5.0,
            "stall_s": 5.0,
        }
        made.append(GeminiLegacy(**{**settings, **more}))  # type: ignore[arg-type]  # by keyword
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
        assert one.open_calls == 0


@pytest.mark.parametrize(
    ("scenario", "kind", "text"),
    [("400_key", "auth", ""), ("deadline", "server_error", ""), ("nothing", "truncated", ""),
     ("overloaded_late", "overloaded", HALF)],
)  # fmt: skip
async def test_further_failures(
    fake: Fake, provider: Make, scenario: str, kind: str, text: str
) -> None:
    result = await heard(provider(scenario))
    assert (result.kind, result.text) == (kind, text)
    assert len(fake.calls) == 1


async def test_the_finish_reason_may_come_with_text(provider: Make) -> None:
    result = await heard(provider("finish_with_text"))
    assert result.text == TEXT
    assert result.pieces[-2:] == [COUNTED, End("stop")]


async def test_a_complete_answer_waits_for_the_calls_end_no_longer_than_its_limit(
    monkeypatch: pytest.MonkeyPatch, provider: Make
) -> None:
    monkeypatch.setattr("streaming.providers.gemini_legacy.REST_S", SHORT_S)
    result = await heard(provider("open_end"))
    assert (result.kind, result.text) == ("", TEXT)
    assert result.pieces[-2:] == [COUNTED, End("stop")]


async def test_a_word_is_shown_before_the_next_one_comes(provider: Make) -> None:
    """The SDK's own iteration would hold the third back until a fourth."""
    pieces = provider("stall").stream(LONGER)
    shown = [await anext(pieces) for _ in range(3)]
    assert shown == [Text(word) for word in WORDS[:3]]
    await pieces.aclose()  # type: ignore[attr-defined]  # an async generator by construction


async def test_what_is_sent(fake: Fake, provider: Make) -> None:
    """No temperature, a deadline beyond any turn."""
    await heard(provider("ok"), LONGER)
    call = fake.calls[0]
    sent = MessageToDict(type(call.request).pb(call.request), preserving_proto_field_name=True)
    assert sent == {
        "model": "models/ok",
        "system_instruction": {"parts": [{"text": "Teach.\n\nThe learner adds well."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Why?"}]},
            {"role": "model", "parts": [{"text": "What would undo it?"}]},
            {"role": "user", "parts": [{"text": "Taking 3?"}]},
        ],
        "generation_config": {"max_output_tokens": 220},
    }
    assert call.remaining_s is not None
    assert CALL_S - PATIENCE_S < call.remaining_s <= CALL_S


async def test_each_provider_has_its_own_key(
    fake: Fake, provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "another")
    for one in (provider("ok", api_key="first"), provider("ok", api_key="second")):
        assert (await heard(one)).text == TEXT
    assert [call.metadata["x-goog-api-key"] for call in fake.calls] == ["first", "second"]


async def test_no_slot_in_time_counts_as_overload(provider: Make) -> None:
    one = provider("stall", slots=1)
    first = one.stream(LONGER)
    await anext(first)
    assert (await heard(one)).kind == "overloaded"
    await first.aclose()  # type: ignore[attr-defined]  # an async generator by construction
    while one.open_calls:  # noqa: ASYNC110 - the call is closed behind our back
        await asyncio.sleep(0)
    again = one.stream(LONGER)
    assert await anext(again) == Text(WORDS[0])
    await again.aclose()  # type: ignore[attr-defined]  # as above


async def test_a_door_that_never_answers_is_no_connection(
    provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.providers.gemini_legacy.CONNECT_S", SHORT_S)
    opened: list[asyncio.StreamWriter] = []

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)

    door = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = door.sockets[0].getsockname()[1]
    result = await heard(provider("ok", base_url=f"https://localhost:{port}/"))
    assert result.kind == "connect"
    door.close()
    for writer in opened:
        writer.transport.abort()


async def test_a_connection_without_an_answer_is_one(
    fake: Fake, provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connecting has its own clock, and it stops once the request is sent."""
    one = provider("silent", first_token_s=1.0)
    monkeypatch.setattr("streaming.providers.gemini_legacy.CONNECT_S", 0.5)
    result = await heard(one)
    assert result.kind == "first_token"
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("scenario", "kind", "text"), [("no_first_token", "first_token", ""), ("stall", "stall", HALF)]
)
async def test_the_calls_own_deadline_is_the_last_resort(
    provider: Make, monkeypatch: pytest.MonkeyPatch, scenario: str, kind: str, text: str
) -> None:
    monkeypatch.setattr("streaming.providers.gemini_legacy.CALL_S", 0.5)
    result = await heard(provider(scenario))
    assert (result.kind, result.text) == (kind, text)
    assert result.failed is not None
    assert result.failed.detail == "DEADLINE_EXCEEDED"


async def test_the_words_of_an_error_stay_inside(provider: Make) -> None:
    result = await heard(provider("401"))
    assert result.failed is not None
    assert str(result.failed) == "auth: UNAUTHENTICATED"
    assert result.failed.__cause__ is None


def test_one_provider_on_one_loop_after_another() -> None:
    """Warmed on a loop in a thread, used on the server's: a channel belongs to one loop."""
    texts: list[str] = []

    async def asked(one: GeminiLegacy) -> None:
        async with running() as fake:
            one.base_url = fake.base_url
            texts.append((await heard(one)).text)
            await one.aclose()

    one = GeminiLegacy(name="x", model="ok", api_key="k", first_token_s=5.0)
    assert one.base_url == HOST
    assert one.warm() > 0
    assert (one.ready, one.local) == (True, False)
    for _ in range(2):
        asyncio.run(asked(one))
    assert texts == [TEXT, TEXT]


def test_warming_says_nothing_of_the_sdks_age() -> None:
    code = (
        "from streaming.providers.gemini_legacy import GeminiLegacy\n"
        "GeminiLegacy(name='x', model='m', api_key='k').warm()"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_a_key_or_the_sdk_the_provider_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyless = GeminiLegacy(name="x", model="m", api_key="")
    with pytest.raises(ProviderFailed, match="GEMINI_API_KEY") as failed:
        keyless.warm()
    assert failed.value.kind == "unavailable"
    import google

    monkeypatch.delattr(google, "generativeai", raising=False)
    monkeypatch.setitem(sys.modules, "google.generativeai", None)
    one = GeminiLegacy(name="x", model="m", api_key="k")
    with pytest.raises(ProviderFailed) as failed:
        one.warm()
    assert failed.value.kind == "unavailable"
    assert "tutorstream[gemini-legacy]" in failed.value.detail
    assert not one.ready
