"""Anthropic's messages, by the unmodified `anthropic` SDK. This file is that adapter.

The SDK is imported by `load` or `warm`, never by importing this file. A complete answer is one
whose stop reason and `message_stop` both came: the SDK ends a cut stream without an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from streaming.providers.base import (
    ChatMessage,
    End,
    LlmRequest,
    Piece,
    ProviderFailed,
    Spent,
    Text,
)
from streaming.providers.endpoint import (
    CONNECT_S,
    FIRST_TOKEN_S,
    KEEPALIVE_S,
    NO_KEY,
    POOL_WAIT_S,
    SLOTS,
    STALL_S,
    Endpoint,
)
from streaming.providers.fitting import Fitting
from streaming.providers.presets import on_this_machine

if TYPE_CHECKING:
    import anthropic
    import httpx2

BASE_URL = "https://api.anthropic.com"

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
    ("message_start", '{"type":"message_start","message":{"id":"m","type":"message",'
     '"role":"assistant","content":[],"model":"m","stop_reason":null,"stop_sequence":null,'
     '"usage":{"input_tokens":1,"output_tokens":1}}}'),
    ("content_block_start", '{"type":"content_block_start","index":0,'
     '"content_block":{"type":"text","text":""}}'),
    ("content_block_delta", '{"type":"content_block_delta","index":0,'
     '"delta":{"type":"text_delta","text":"Ready."}}'),
    ("content_block_stop", '{"type":"content_block_stop","index":0}'),
    ("message_delta", '{"type":"message_delta","delta":{"stop_reason":"end_turn",'
     '"stop_sequence":null},"usage":{"output_tokens":1}}'),
    ("message_stop", '{"type":"message_stop"}'),
)  # fmt: skip


class Anthropic(Endpoint):
    """One of Anthropic's models, or of a gateway that speaks as theirs.

    `base_url` ends before `/v1`, which the SDK appends; empty is Anthropic's own. It never counts
    as local: a gateway on this machine passes on what it is sent.
    """

    quota_words = _QUOTA_WORDS

    def __init__(
        self,
        *,
        name: str,
        model: str,
        api_key: str,
        base_url: str = "",
        first_token_s: float = FIRST_TOKEN_S,
        stall_s: float = STALL_S,
        slots: int = SLOTS,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            name=name,
            model=model,
            base_url=(base_url or BASE_URL).rstrip("/").removesuffix("/v1"),
            api_key=api_key,
            first_token_s=first_token_s,
            stall_s=stall_s,
            slots=slots,
            wall_s=wall_s,
        )
        self.local = False

    def _sdk(self) -> ModuleType:
        try:
            import anthropic
        except ImportError as missing:
            fix = "pip install 'tutorstream[anthropic]'"
            raise ProviderFailed("unavailable", f"no package {missing.name}: {fix}") from None
        return anthropic

    def _built(self, *, canned: bool = False) -> anthropic.AsyncAnthropic:
        self._sdk()
        import anthropic
        import httpx2

        if not self._api_key and self.base_url == BASE_URL:
            raise ProviderFailed("unavailable", f"{self.name} needs a key: set ANTHROPIC_API_KEY")
        backstop_s = 2 * max(self.first_token_s, self._stall_s)
        http = anthropic.DefaultAsyncHttpxClient(
            timeout=httpx2.Timeout(backstop_s, connect=CONNECT_S, pool=POOL_WAIT_S),
            limits=httpx2.Limits(
                max_connections=self._slots,
                max_keepalive_connections=self._slots,
                keepalive_expiry=KEEPALIVE_S,
            ),
            # A proxy for the world outside is not asked for this machine.
            trust_env=not on_this_machine(self.base_url),
            transport=_memory() if canned else None,
        )
        return anthropic.AsyncAnthropic(
            api_key=self._api_key or NO_KEY, base_url=self.base_url, max_retries=0, http_client=http
        )

    async def _opened(self, client: anthropic.AsyncAnthropic, request: LlmRequest) -> Fitting[Any]:
        turns = [
            {"role": m.role, "content": m.content} for m in request.messages if m.role != "system"
        ]
        system = system_blocks(request.messages, cache_min_tokens(self.model))
        begun: Any = client.messages.stream
        stream = await begun(
            model=self.model,
            max_tokens=request.max_tokens,
            messages=turns,
            **({"system": system} if system else {}),
        ).__aenter__()
        return Fitting(stream, stream.close)

    def _reading(self) -> _Reading:
        return _Reading()


def _memory() -> httpx2.AsyncBaseTransport:
    """A transport that answers every request with one event stream, without any network."""
    import httpx2

    body = "".join(f"event: {kind}\ndata: {data}\n\n" for kind, data in _CANNED)
    headers = {"content-type": "text/event-stream"}
    return httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, text=body))


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
