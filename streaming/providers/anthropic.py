"""Anthropic's messages, by the unmodified `anthropic` SDK. This file is that adapter.

The SDK is imported by `load` or `warm`, never by importing this file. A complete answer is one
whose stop reason and `message_stop` both came: the SDK ends a cut stream without an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streaming.providers.attempt import Attempts
from streaming.providers.base import (
    ChatMessage,
    End,
    LlmRequest,
    Piece,
    ProviderFailed,
    Spent,
    Text,
)
from streaming.providers.failures import by_body, by_transport, retry_after_s, transport_errors

if TYPE_CHECKING:
    import anthropic
    import httpx2

BASE_URL = "https://api.anthropic.com"
CONNECT_S = 1.0
POOL_WAIT_S = 0.15
SLOTS = 64
KEEPALIVE_S = 60.0
REST_S = 1.0
"""How long the body's end may take once the answer is complete."""

BYTES_A_TOKEN = 3.5
CACHE_MIN_TOKENS = 1024
_CACHE_MIN_TOKENS = (
    ("claude-haiku-4-5", 4096),
    ("claude-opus-4-5", 4096),
    ("claude-opus-4-6", 4096),
    ("claude-sonnet-4-6", 2048),
    ("claude-3-5-haiku", 2048),
    ("claude-3-haiku", 2048),
)
"""Shortest prefix that is kept, by the model's family; shorter marks would be ignored."""

_EPHEMERAL = {"type": "ephemeral"}
_QUOTA_WORDS = ("credit balance", "api usage limits")
_LENGTH = ("max_tokens", "model_context_window_exceeded")
_CANNED = (
    ("message_start", '{"message":{"id":"m","type":"message","role":"assistant","content":[],'
     '"model":"m","stop_reason":null,"stop_sequence":null,'
     '"usage":{"input_tokens":1,"output_tokens":1}}}'),
    ("content_block_start", '{"index":0,"content_block":{"type":"text","text":""}}'),
    ("content_block_delta", '{"index":0,"delta":{"type":"text_delta","text":"Ready."}}'),
    ("content_block_stop", '{"index":0}'),
    ("message_delta", '{"delta":{"stop_reason":"end_turn","stop_sequence":null},'
     '"usage":{"output_tokens":1}}'),
    ("message_stop", "{}"),
)  # fmt: skip


class Anthropic:
    """One of Anthropic's models, or of an endpoint that speaks as theirs.

    `first_token_s` and `stall_s` are limits on content text; thinking is not text. At most `slots`
    calls run at once, a further one waits `POOL_WAIT_S` for its slot. `base_url` is given without
    `/v1`, which the SDK appends; empty is Anthropic's own.
    """

    local = False

    def __init__(
        self,
        *,
        name: str,
        model: str,
        api_key: str,
        base_url: str = "",
        first_token_s: float = 2.5,
        stall_s: float = 4.0,
        slots: int = SLOTS,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.model = model
        self.ready = False
        self.base_url = (base_url or BASE_URL).rstrip("/").removesuffix("/v1")
        self.first_token_s = first_token_s
        self._api_key = api_key
        self._stall_s = stall_s
        self._slots = slots
        self._wall_s = wall_s
        self._attempts = Attempts(first_token_s=first_token_s, stall_s=stall_s)
        self._client: anthropic.AsyncAnthropic | None = None

    def load(self) -> anthropic.AsyncAnthropic:
        """The client; imports the SDK when first called, which can take a second."""
        if self._client is None:
            self._client = self._built()
        return self._client

    def warm(self) -> float:
        """Import, build the client, parse a canned answer in memory; the seconds it took.

        Blocks, and runs a loop of its own: call it in a thread, before the first turn. The
        endpoint is not called. Raises `ProviderFailed("unavailable")` without the SDK or a key.
        """
        start = time.perf_counter()
        self.load()
        asyncio.run(self._rehearsed())
        self.ready = True
        return time.perf_counter() - start

    async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        """The model's text; see the contract. One upstream request, never repeated here."""
        pieces = self._pieces(self.load(), request)
        async with aclosing(self._attempts.watched(pieces)) as watched:
            async for piece in watched:
                yield piece

    async def aclose(self) -> None:
        """End running calls and close the connections."""
        await self._attempts.aclose()
        if self._client is not None:
            await self._client.close()

    @property
    def open_calls(self) -> int:
        """Calls that hold a connection, those being closed included."""
        return self._attempts.open

    # --- the client -------------------------------------------------------------------------------

    def _built(
        self, transport: httpx2.AsyncBaseTransport | None = None
    ) -> anthropic.AsyncAnthropic:
        try:
            import anthropic
            import httpx2
        except ImportError as missing:
            fix = "pip install 'tutorstream[anthropic]'"
            raise ProviderFailed("unavailable", f"no package {missing.name}: {fix}") from None
        if not self._api_key:
            raise ProviderFailed("unavailable", f"{self.name} needs a key: set ANTHROPIC_API_KEY")
        backstop_s = 2 * max(self.first_token_s, self._stall_s)
        on_this_machine = urlsplit(self.base_url).hostname in ("127.0.0.1", "::1", "localhost")
        http = anthropic.DefaultAsyncHttpxClient(
            timeout=httpx2.Timeout(backstop_s, connect=CONNECT_S, pool=POOL_WAIT_S),
            limits=httpx2.Limits(
                max_connections=self._slots,
                max_keepalive_connections=self._slots,
                keepalive_expiry=KEEPALIVE_S,
            ),
            trust_env=not on_this_machine,  # a proxy for the world outside is not asked for it
            transport=transport,
        )
        return anthropic.AsyncAnthropic(
            api_key=self._api_key, base_url=self.base_url, max_retries=0, http_client=http
        )

    async def _rehearsed(self) -> None:
        """Parse one canned answer, so that the first learner does not pay for first uses."""
        import httpx2

        body = "".join(
            f'event: {kind}\ndata: {{"type":"{kind}"{"," if data != "{}" else ""}{data[1:]}\n\n'
            for kind, data in _CANNED
        )
        answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=body)
        client = self._built(httpx2.MockTransport(lambda _: answer))
        request = LlmRequest(messages=(ChatMessage("user", "Ready?"),), max_tokens=1)
        heard = [piece async for piece in self._pieces(client, request)]
        await client.close()
        if not heard or not isinstance(heard[-1], End):
            raise ProviderFailed("internal", "the canned answer was not read to its end")

    # --- one call ---------------------------------------------------------------------------------

    def _params(self, request: LlmRequest) -> dict[str, Any]:
        turns = [
            {"role": m.role, "content": m.content} for m in request.messages if m.role != "system"
        ]
        system = system_blocks(request.messages, cache_min_tokens(self.model))
        params: dict[str, Any] = {
            "model": self.model,
            "max_tokens": request.max_tokens,
            "messages": turns,
        }
        return {**params, "system": system} if system else params

    async def _pieces(
        self, client: anthropic.AsyncAnthropic, request: LlmRequest
    ) -> AsyncGenerator[Piece, None]:
        """One call, unwatched; reads its body to the end, so that the connection is used again."""
        reading = _Reading()
        answered = False
        try:
            async with client.messages.stream(**self._params(request)) as stream:
                answered = True
                async with aclosing(_events(stream, reading)) as events:
                    async for event in events:
                        for piece in reading.heard(event):
                            yield piece
        except _sdk_errors() as error:
            if not reading.complete:
                raise self._failure(error, answered=answered, emitted=reading.chars > 0) from None
        for piece in reading.rest():
            yield piece

    def _failure(self, error: Exception, *, answered: bool, emitted: bool) -> ProviderFailed:
        """The kind of an SDK's exception; its text stays here, as it may quote the learner."""
        import anthropic

        if isinstance(error, anthropic.APIResponseValidationError):
            return ProviderFailed("malformed", "an answer of another shape")
        if isinstance(error, (anthropic.APIConnectionError, *transport_errors())):
            return by_transport(error, answered=answered, emitted=emitted)
        if isinstance(error, anthropic.APIStatusError):
            # An error inside a stream carries the stream's own status, which says nothing.
            status = error.status_code if error.status_code >= 400 else None
            return by_body(
                status,
                code=None,
                kind=_kind(error.body),
                message=f"{error.message} {error.body}",
                retry_after_s=retry_after_s(error.response.headers, self._wall_s()),
                quota_words=_QUOTA_WORDS,
            )
        if isinstance(error, anthropic.AnthropicError):
            return ProviderFailed("unavailable", type(error).__name__)
        return ProviderFailed("malformed", type(error).__name__)


def cache_min_tokens(model: str) -> int:
    """Tokens below which a model keeps no prefix; by Anthropic's page on prompt caching.

    >>> cache_min_tokens("claude-haiku-4-5-20251001"), cache_min_tokens("claude-sonnet-4-5")
    (4096, 1024)
    """
    return next(
        (n for family, n in _CACHE_MIN_TOKENS if model.startswith(family)), CACHE_MIN_TOKENS
    )


def system_blocks(messages: Sequence[ChatMessage], min_tokens: int) -> list[dict[str, Any]]:
    """The system messages as blocks; a mark stands where enough lies before it to be kept.

    >>> system_blocks((ChatMessage("system", "Teach.", cache=True),), 1024)
    [{'type': 'text', 'text': 'Teach.'}]
    >>> system_blocks((ChatMessage("system", "Teach.", cache=True),), 1)[0]["cache_control"]
    {'type': 'ephemeral'}
    """
    blocks: list[dict[str, Any]] = []
    read_bytes = 0
    for message in messages:
        if message.role != "system":
            continue
        read_bytes += len(message.content.encode())
        block: dict[str, Any] = {"type": "text", "text": message.content}
        if message.cache and read_bytes / BYTES_A_TOKEN >= min_tokens:
            block["cache_control"] = dict(_EPHEMERAL)
        blocks.append(block)
    return blocks


def _sdk_errors() -> tuple[type[Exception], ...]:
    """Whatever a call may raise: the SDK's errors, raw ones of HTTP, and those of broken JSON."""
    import anthropic

    return (anthropic.AnthropicError, *transport_errors(), ValueError)


def _kind(body: object) -> str | None:
    error = body.get("error") if isinstance(body, dict) else None
    kind = error.get("type") if isinstance(error, dict) else None
    return kind if isinstance(kind, str) else None


async def _events(stream: Any, reading: _Reading) -> AsyncGenerator[Any, None]:
    """The SDK's events; once the answer is complete only for `REST_S` more.

    The SDK adds every event to a message of its own; one that does not fit raises there whatever
    the misfit happens to be.
    """
    loop = asyncio.get_running_loop()
    events = aiter(stream)
    until: float | None = None
    while True:
        try:
            async with asyncio.timeout_at(until):
                event = await anext(events, None)
        except TimeoutError:
            return
        except (AttributeError, LookupError, RuntimeError, TypeError) as misfit:
            if isinstance(misfit, transport_errors()):
                raise
            raise ProviderFailed("malformed", type(misfit).__name__) from None
        if event is None:
            return
        yield event
        if reading.complete and until is None:
            until = loop.time() + REST_S


class _Reading:
    """What was read of one answer so far."""

    def __init__(self) -> None:
        self.chars = 0
        self.complete = False
        self._stop = ""
        self._counts: dict[str, int] = {}
        self._counted = False
        self._told = False

    def heard(self, event: Any) -> Iterator[Piece]:
        """The pieces that an event brings; derived ones of the SDK's own say nothing new."""
        kind = getattr(event, "type", None)
        if not isinstance(kind, str):
            raise ProviderFailed("malformed", "an event without a type")
        if kind == "message_start":
            self._count(getattr(getattr(event, "message", None), "usage", None))
        elif kind == "content_block_start":
            yield from self._text(getattr(event, "content_block", None), "text")
        elif kind == "content_block_delta":
            yield from self._text(getattr(event, "delta", None), "text_delta")
        elif kind == "message_delta":
            self._stop = getattr(getattr(event, "delta", None), "stop_reason", None) or self._stop
            self._count(getattr(event, "usage", None))
            self._counted = True
        elif kind == "message_stop":
            self.complete = bool(self._stop)
            yield from self.rest() if self.complete else ()

    def _text(self, holder: Any, kind: str) -> Iterator[Piece]:
        if getattr(holder, "type", None) != kind:
            return
        text = getattr(holder, "text", None)
        if not isinstance(text, str):
            raise ProviderFailed("malformed", f"a {kind} whose text is no text")
        if text:
            self.chars += len(text)
            yield Text(text)

    def _count(self, usage: Any) -> None:
        """Keep the counts an event brings; later ones are totals, not differences."""
        for name in (
            "input_tokens", "output_tokens", "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ):  # fmt: skip
            number = getattr(usage, name, None)
            if isinstance(number, int) and number >= 0:
                self._counts[name] = number

    def _spent(self) -> Spent:
        """All of the prompt counts as input, as with every provider: Anthropic counts it apart."""
        counted = self._counts.get
        read, written = (counted(f"cache_{word}_input_tokens", 0) for word in ("read", "creation"))
        return Spent(
            input=counted("input_tokens", 0) + read + written,
            output=counted("output_tokens", 0),
            cached_in=read,
            cache_write=written,
        )

    def rest(self) -> Iterator[Piece]:
        """Usage and the end, once; raises where the answer is not a complete text."""
        if self._told:
            return
        self._told = True
        if self._counted:
            yield self._spent()
        if not self.complete:
            raise ProviderFailed("truncated", "the stream ended without stop reason and end")
        if self._stop == "refusal":
            raise ProviderFailed("refused", "stop reason refusal")
        if not self.chars:
            raise ProviderFailed("empty", f"stop reason {self._stop[:32]}")
        yield End("length" if self._stop in _LENGTH else "stop")
