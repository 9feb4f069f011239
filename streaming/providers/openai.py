"""Any endpoint of OpenAI's chat shape, by the unmodified `openai` SDK. This file is that adapter.

The SDK is imported by `load` or `warm`, never by importing this file. A complete answer is one
whose `finish_reason` came: the SDK ends a cut stream without an error, and `[DONE]` is no proof.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
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
from streaming.providers.presets import Preset, Quirks, on_this_machine

if TYPE_CHECKING:
    import httpx2
    import openai

CONNECT_S = 1.0
POOL_WAIT_S = 0.15
SLOTS = 64
KEEPALIVE_S = 60.0
USAGE_S = 1.0
"""How long the usage chunk may take once the answer is complete."""

_NO_KEY = "none"
"""Sent to local servers: the SDK insists on some key."""
_CANNED = (
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Ready."}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
)


class OpenAIChat:
    """One model at one endpoint.

    `first_token_s` and `stall_s` are limits on content text; reasoning is not text. At most
    `slots` calls run at once, a further one waits `POOL_WAIT_S` for its slot.
    """

    def __init__(
        self,
        *,
        name: str,
        model: str,
        base_url: str,
        api_key: str = "",
        quirks: Quirks | None = None,
        first_token_s: float = 2.5,
        stall_s: float = 4.0,
        slots: int = SLOTS,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.model = model
        self.ready = False
        self.base_url = base_url
        self.local = on_this_machine(base_url)
        self.first_token_s = first_token_s
        self._quirks = quirks or Quirks()
        self._api_key = api_key
        self._stall_s = stall_s
        self._slots = slots
        self._wall_s = wall_s
        self._attempts = Attempts(first_token_s=first_token_s, stall_s=stall_s)
        self._client: openai.AsyncOpenAI | None = None

    @classmethod
    def of_preset(
        cls,
        name: str,
        preset: Preset,
        model: str,
        environ: Mapping[str, str],
        *,
        base_url: str | None = None,
    ) -> OpenAIChat:
        """The provider of a preset, its key taken from `environ`.

        Raises `ProviderFailed("auth")` where the preset needs a key and there is none.
        """
        key = environ.get(preset.key_variable, "") if preset.key_variable else ""
        if preset.key_required and not key:
            raise ProviderFailed("auth", f"{name} needs a key: set {preset.key_variable}")
        return cls(
            name=name,
            model=model,
            base_url=base_url or preset.url(environ),
            api_key=key,
            quirks=preset.quirks,
            first_token_s=preset.first_token_s,
        )

    def load(self) -> openai.AsyncOpenAI:
        """The client; imports the SDK when first called, which can take a second."""
        if self._client is None:
            self._client = self._built()
        return self._client

    def warm(self) -> float:
        """Import, build the client, parse a canned answer in memory; the seconds it took.

        Blocks, and runs a loop of its own: call it in a thread, before the first turn. The
        endpoint is not called. Raises `ProviderFailed("unavailable")` without the SDK.
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

    def _built(self, transport: httpx2.AsyncBaseTransport | None = None) -> openai.AsyncOpenAI:
        try:
            import httpx2
            import openai
        except ImportError as missing:
            fix = "pip install 'tutorstream[openai]'"
            raise ProviderFailed("unavailable", f"no package {missing.name}: {fix}") from None
        backstop_s = 2 * max(self.first_token_s, self._stall_s)
        http = openai.DefaultAsyncHttpx2Client(
            timeout=httpx2.Timeout(backstop_s, connect=CONNECT_S, pool=POOL_WAIT_S),
            limits=httpx2.Limits(
                max_connections=self._slots,
                max_keepalive_connections=self._slots,
                keepalive_expiry=KEEPALIVE_S,
            ),
            trust_env=not self.local,  # a proxy for the world outside is not asked for this machine
            transport=transport,
        )
        ours = urlsplit(self.base_url).hostname == "api.openai.com"
        # OPENAI_ORG_ID and OPENAI_PROJECT_ID are read by the SDK; they are nobody else's business.
        headers: Any = {} if ours else {n: openai.Omit() for n in _ACCOUNT_HEADERS}
        return openai.AsyncOpenAI(
            api_key=self._api_key or _NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            http_client=http,
            default_headers={**headers, **self._quirks.extra_headers},
        )

    async def _rehearsed(self) -> None:
        """Parse one canned answer, so that the first learner does not pay for first uses."""
        import httpx2

        body = "".join(f"data: {json.dumps(_chunk(part))}\n\n" for part in _CANNED)
        answer = httpx2.Response(
            200, headers={"content-type": "text/event-stream"}, text=body + "data: [DONE]\n\n"
        )
        client = self._built(httpx2.MockTransport(lambda _: answer))
        request = LlmRequest(messages=(ChatMessage("user", "Ready?"),), max_tokens=1)
        heard = [piece async for piece in self._pieces(client, request)]
        await client.close()
        if not heard or not isinstance(heard[-1], End):
            raise ProviderFailed("internal", "the canned answer was not read to its end")

    # --- one call ---------------------------------------------------------------------------------

    def _params(self, request: LlmRequest) -> dict[str, Any]:
        quirks = self._quirks
        params: dict[str, Any] = {
            "model": self.model,
            "messages": _messages(request.messages, quirks.system_role),
            "stream": True,
            quirks.max_tokens_param: request.max_tokens,
        }
        if quirks.stream_options:
            params["stream_options"] = {"include_usage": True}
        if quirks.store_off:
            params["store"] = False
        if quirks.cache_key and request.cache_key:
            params["prompt_cache_key"] = request.cache_key
        if quirks.reasoning_off:
            params["extra_body"] = quirks.reasoning_off
        return params

    async def _pieces(
        self, client: openai.AsyncOpenAI, request: LlmRequest
    ) -> AsyncGenerator[Piece, None]:
        """One call, unwatched; reads its body to the end, so that the connection is used again."""
        create: Any = client.chat.completions.create
        reading = _Reading()
        answered = False
        try:
            stream = await create(**self._params(request))
            answered = True
            try:
                async with aclosing(_chunks(stream, reading)) as chunks:
                    async for chunk in chunks:
                        for piece in reading.heard(chunk):
                            yield piece
            finally:
                await stream.close()
        except _sdk_errors() as error:
            if not reading.finish:
                raise self._failure(error, answered=answered, emitted=reading.chars > 0) from None
        for piece in reading.rest():
            yield piece

    def _failure(self, error: Exception, *, answered: bool, emitted: bool) -> ProviderFailed:
        """The kind of an SDK's exception; its text stays here, as it may quote the learner."""
        import openai

        if isinstance(error, openai.APIResponseValidationError):
            return ProviderFailed("malformed", "an answer of another shape")
        if isinstance(error, (openai.APIConnectionError, *transport_errors())):
            return by_transport(error, answered=answered, emitted=emitted)
        if isinstance(error, openai.APIError):
            status = error.status_code if isinstance(error, openai.APIStatusError) else None
            headers = error.response.headers if isinstance(error, openai.APIStatusError) else {}
            return by_body(
                status,
                code=error.code,
                kind=error.type,
                message=_message(error),
                retry_after_s=retry_after_s(headers, self._wall_s()),
                quota_words=self._quirks.quota_words,
            )
        if isinstance(error, openai.OpenAIError):
            return ProviderFailed("unavailable", type(error).__name__)
        return ProviderFailed("malformed", type(error).__name__)


def _sdk_errors() -> tuple[type[Exception], ...]:
    """Whatever a call may raise: the SDK's errors, raw ones of HTTP, and those of broken JSON."""
    import openai

    return (openai.OpenAIError, *transport_errors(), ValueError)


def _messages(messages: Sequence[ChatMessage], system_role: str) -> list[dict[str, str]]:
    """The wire's messages; a model without a system role is told in the learner's first message."""
    sent = [{"role": m.role, "content": m.content} for m in messages]
    if sent and sent[0]["role"] == "system":
        sent[0]["role"] = system_role
        if system_role == "user" and len(sent) > 1:
            sent[1]["content"] = sent[0]["content"] + "\n\n" + sent[1]["content"]
            del sent[0]
    return sent


_ACCOUNT_HEADERS = ("OpenAI-Organization", "OpenAI-Project")


def _chunk(part: dict[str, Any]) -> dict[str, Any]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    return {**head, **part}


def _message(error: openai.APIError) -> str:
    """All words of an error, for reading only."""
    return f"{error.message} {error.body}" if error.body is not None else error.message


async def _chunks(stream: Any, reading: _Reading) -> AsyncGenerator[Any, None]:
    """The SDK's chunks; once the answer is complete only for `USAGE_S` more."""
    loop = asyncio.get_running_loop()
    until: float | None = None
    while True:
        try:
            async with asyncio.timeout_at(until):
                chunk = await anext(stream, None)
        except TimeoutError:
            return
        if chunk is None:
            return
        yield chunk
        if reading.finish and until is None:
            until = loop.time() + USAGE_S


class _Reading:
    """What was read of one answer so far."""

    def __init__(self) -> None:
        self.chars = 0
        self.finish = ""
        self._declined = False
        self._spent: Spent | None = None
        self._told = False

    def heard(self, chunk: Any) -> Iterator[Piece]:
        """The pieces that a chunk brings; the end as soon as it is proved and counted."""
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list):
            raise ProviderFailed("malformed", "a chunk without choices")
        if choices and not self.finish:
            yield from self._text(choices[0])
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            self._spent = _spent(usage)
        if self.finish and self._spent is not None:
            yield from self.rest()

    def _text(self, choice: Any) -> Iterator[Piece]:
        delta = getattr(choice, "delta", None)
        text = getattr(delta, "content", None)
        if text is not None and not isinstance(text, str):
            raise ProviderFailed("malformed", "a delta whose content is no text")
        if getattr(delta, "refusal", None):
            self._declined = True
        if text:
            self.chars += len(text)
            yield Text(text)
        finish = getattr(choice, "finish_reason", None)
        if finish is not None and not isinstance(finish, str):
            raise ProviderFailed("malformed", "a finish reason that is no text")
        self.finish = finish or ""

    def rest(self) -> Iterator[Piece]:
        """Usage and the end, once; raises where the answer is not a complete text."""
        if self._told:
            return
        self._told = True
        if self._spent is not None:
            yield self._spent
        if not self.finish:
            raise ProviderFailed("truncated", "the stream ended without a finish reason")
        if self.finish == "content_filter" or (self._declined and not self.chars):
            raise ProviderFailed("refused", self.finish)
        if self.finish == "error":
            raise ProviderFailed("server_error", "finish reason error")
        if not self.chars:
            raise ProviderFailed("empty", f"finish reason {self.finish[:32]}")
        yield End("length" if self.finish == "length" else "stop")


def _spent(usage: Any) -> Spent:
    details = getattr(usage, "prompt_tokens_details", None)
    return Spent(
        input=_count(usage, "prompt_tokens"),
        output=_count(usage, "completion_tokens"),
        cached_in=_count(details, "cached_tokens"),
    )


def _count(holder: Any, name: str) -> int:
    number = getattr(holder, name, None)
    return number if isinstance(number, int) and number >= 0 else 0
