"""Google's Gemini, by the unmodified `google-genai` SDK. This file is that adapter.

The SDK is imported by `load` or `warm`, never by importing this file. A complete answer is one
whose candidate has a finish reason: the SDK ends a cut stream without an error. Which version of
the API is called is the SDK's choice: `v1`, unless GOOGLE_GENAI_API_VERSION says else.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streaming.providers.attempt import Attempts
from streaming.providers.base import ChatMessage, End, LlmRequest, Piece, ProviderFailed, Spent
from streaming.providers.failures import by_transport, retry_after_s, transport_errors
from streaming.providers.gemini_answer import (
    CALL_S,
    Reading,
    by_google,
    details_of,
    parted,
    said,
)

if TYPE_CHECKING:
    import httpx2
    from google import genai
    from google.genai import types

BASE_URL = "https://generativelanguage.googleapis.com"
CONNECT_S = 1.0
POOL_WAIT_S = 0.15
SLOTS = 64
KEEPALIVE_S = 60.0
REST_S = 1.0
"""How long the body's end may take once the answer is complete."""

_LEAST_THOUGHT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gemini-2.5-flash", {"thinking_budget": 0}),
    ("gemini-2.5-pro", {"thinking_budget": 128}),
    ("gemini-3", {"thinking_level": "LOW"}),
)
"""The least a family may think: thoughts count against the answer's length and delay its start."""

_CANNED = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "Ready."}]},
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}
_answered: ContextVar[list[httpx2.Response]] = ContextVar("_answered")
"""The response of the running call: the SDK hands out none that could be closed."""


class Gemini:
    """One of Google's models through the Gemini API.

    `first_token_s` and `stall_s` are limits on content text; thoughts are not text. At most `slots`
    calls run at once, a further one waits `POOL_WAIT_S` for its slot. `base_url` is the address
    before the version; empty is Google's own.
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
        self.base_url = base_url or BASE_URL
        self.first_token_s = first_token_s
        self._api_key = api_key
        self._stall_s = stall_s
        self._slots = slots
        self._wall_s = wall_s
        self._attempts = Attempts(first_token_s=first_token_s, stall_s=stall_s)
        self._http: httpx2.AsyncClient | None = None
        self._client: genai.Client | None = None

    def load(self) -> genai.Client:
        """The client; imports the SDK when first called, which can take seconds."""
        if self._client is None:
            self._http, self._client = self._built()
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
        if self._client is not None and self._http is not None:
            self._client.close()
            await self._http.aclose()

    @property
    def open_calls(self) -> int:
        """Calls that hold a connection, those being closed included."""
        return self._attempts.open

    # --- the client -------------------------------------------------------------------------------

    def _built(
        self, transport: httpx2.AsyncBaseTransport | None = None
    ) -> tuple[httpx2.AsyncClient, genai.Client]:
        """Our own HTTP client below the SDK's: its limits are ours, whatever else is installed."""
        try:
            import httpx2
            from google import genai
            from google.genai import types
        except ImportError as missing:
            fix = "pip install 'tutorstream[gemini]'"
            raise ProviderFailed("unavailable", f"no package {missing.name}: {fix}") from None
        if not self._api_key:
            raise ProviderFailed("unavailable", f"{self.name} needs a key: set GEMINI_API_KEY")
        on_this_machine = urlsplit(self.base_url).hostname in ("127.0.0.1", "::1", "localhost")
        http = httpx2.AsyncClient(
            limits=httpx2.Limits(
                max_connections=self._slots,
                max_keepalive_connections=self._slots,
                keepalive_expiry=KEEPALIVE_S,
            ),
            trust_env=not on_this_machine,  # a proxy for the world outside is not asked for it
            transport=transport,
            event_hooks={"request": [self._limit], "response": [_keep]},
        )
        options = types.HttpOptions(
            base_url=self.base_url,
            timeout=int(CALL_S * 1000),  # milliseconds; the server is told, too
            retry_options=types.HttpRetryOptions(attempts=1),
            httpx_async_client=http,
        )
        return http, genai.Client(vertexai=False, api_key=self._api_key, http_options=options)

    async def _limit(self, request: httpx2.Request) -> None:
        """The SDK knows one time for everything; connecting and waiting for a slot have theirs."""
        backstop_s = 2 * max(self.first_token_s, self._stall_s)
        request.extensions["timeout"] = {
            "connect": CONNECT_S, "pool": POOL_WAIT_S, "read": backstop_s, "write": backstop_s,
        }  # fmt: skip

    async def _rehearsed(self) -> None:
        """Parse one canned answer, so that the first learner does not pay for first uses."""
        import httpx2

        answer = httpx2.Response(
            200,
            headers={"content-type": "text/event-stream"},
            text=f"data: {json.dumps(_CANNED)}\r\n\r\n",
        )
        http, client = self._built(httpx2.MockTransport(lambda _: answer))
        request = LlmRequest(messages=(ChatMessage("user", "Ready?"),), max_tokens=1)
        heard = [piece async for piece in self._pieces(client, request)]
        client.close()
        await http.aclose()
        if not heard or not isinstance(heard[-1], End):
            raise ProviderFailed("internal", "the canned answer was not read to its end")

    # --- one call ---------------------------------------------------------------------------------

    def _params(self, request: LlmRequest) -> dict[str, Any]:
        from google.genai import types

        system, turns = parted(request.messages)
        thought = next((t for family, t in _LEAST_THOUGHT if self.model.startswith(family)), None)
        config = types.GenerateContentConfig(
            system_instruction=system or None,
            max_output_tokens=request.max_tokens,
            thinking_config=types.ThinkingConfig(**thought) if thought else None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        if "automatic_continuation" in types.GenerateContentConfig.model_fields:
            config.automatic_continuation = False  # it would be a second request
        contents = [types.Content(role=role, parts=[types.Part(text=text)]) for role, text in turns]
        return {"model": self.model, "contents": contents, "config": config}

    async def _pieces(
        self, client: genai.Client, request: LlmRequest
    ) -> AsyncGenerator[Piece, None]:
        """One call, unwatched; reads its body to the end, so that the connection is used again."""
        reading = Reading()
        responses: list[httpx2.Response] = []
        _answered.set(responses)
        try:
            stream = await client.aio.models.generate_content_stream(**self._params(request))
            async with aclosing(_chunks(stream, reading)) as chunks:
                async for chunk in chunks:
                    for piece in _heard(reading, chunk):
                        yield piece
        except _sdk_errors() as error:
            if not reading.finish:
                emitted = reading.chars > 0
                raise self._failure(error, answered=bool(responses), emitted=emitted) from None
        finally:
            for response in responses:
                await response.aclose()
        for piece in reading.rest():
            yield piece

    def _failure(self, error: Exception, *, answered: bool, emitted: bool) -> ProviderFailed:
        """The kind of an SDK's exception; its text stays here, as it may quote the learner."""
        from google.genai import errors

        if isinstance(error, transport_errors()):
            return by_transport(error, answered=answered, emitted=emitted)
        if isinstance(error, errors.APIError):
            told = error.details if isinstance(error.details, dict) else {}
            inner: object = told.get("error", told)
            headers = getattr(error.response, "headers", None) or {}
            return by_google(
                error.code,
                error.status if isinstance(error.status, str) else None,
                str(error.message),
                details_of(inner.get("details") if isinstance(inner, dict) else None),
                retry_after_s=retry_after_s(headers, self._wall_s()),
            )
        return ProviderFailed("malformed", type(error).__name__)


def _sdk_errors() -> tuple[type[Exception], ...]:
    """Whatever a call may raise: the SDK's errors, raw ones of HTTP, and those of broken JSON."""
    from google.genai import errors

    return (errors.APIError, *transport_errors(), ValueError)


async def _keep(response: httpx2.Response) -> None:
    _answered.get().append(response)


async def _chunks(
    stream: Any, reading: Reading
) -> AsyncGenerator[types.GenerateContentResponse, None]:
    """The SDK's chunks; once the answer is complete only for `REST_S` more.

    A chunk of another shape raises in the SDK's readers whatever the misfit happens to be.
    """
    loop = asyncio.get_running_loop()
    until: float | None = None
    while True:
        try:
            async with asyncio.timeout_at(until):
                chunk = await anext(stream, None)
        except TimeoutError:
            return
        except (AttributeError, LookupError, RuntimeError, TypeError) as misfit:
            if isinstance(misfit, transport_errors()):
                raise
            raise ProviderFailed("malformed", type(misfit).__name__) from None
        if chunk is None:
            return
        yield chunk
        if reading.finish and until is None:
            until = loop.time() + REST_S


def _heard(reading: Reading, chunk: types.GenerateContentResponse) -> list[Piece]:
    candidate = chunk.candidates[0] if chunk.candidates else None
    feedback = chunk.prompt_feedback
    return list(
        reading.heard(
            (chunk.text or "",),
            finish=said(candidate.finish_reason) if candidate else "",
            block=said(feedback.block_reason) if feedback else "",
            spent=_spent(chunk.usage_metadata) if chunk.usage_metadata else None,
        )
    )


def _spent(usage: types.GenerateContentResponseUsageMetadata) -> Spent:
    """Thoughts are paid for as output, though they are not shown."""
    return Spent(
        input=usage.prompt_token_count or 0,
        output=(usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        cached_in=usage.cached_content_token_count or 0,
    )
