"""Google's Gemini, by the unmodified `google-genai` SDK. This file is that adapter.

The SDK is imported by `load` or `warm`, never by importing this file. A complete answer is one
whose candidate has a finish reason: the SDK ends a cut stream without an error. Which version of
the API is called is the SDK's choice: `v1`, unless GOOGLE_GENAI_API_VERSION says else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from streaming.providers.base import LlmRequest, Piece, ProviderFailed, Spent
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
from streaming.providers.failures import by_transport, retry_after_s, transport_errors
from streaming.providers.fitting import Fitting
from streaming.providers.gemini_answer import (
    CALL_S,
    Reading,
    by_google,
    details_of,
    parted,
    said,
)
from streaming.providers.presets import on_this_machine

if TYPE_CHECKING:
    import httpx2
    from google import genai
    from google.genai import types

BASE_URL = "https://generativelanguage.googleapis.com"

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


class Gemini(Endpoint):
    """One of Google's models through the Gemini API.

    `base_url` is the address before the version; empty is Google's own. It never counts as local:
    a gateway on this machine passes on what it is sent.
    """

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
            base_url=base_url or BASE_URL,
            api_key=api_key,
            first_token_s=first_token_s,
            stall_s=stall_s,
            slots=slots,
            wall_s=wall_s,
        )
        self.local = False

    def _sdk(self) -> ModuleType:
        try:
            from google import genai
        except ImportError as missing:
            fix = "pip install 'tutorstream[gemini]'"
            raise ProviderFailed("unavailable", f"no package {missing.name}: {fix}") from None
        return genai

    def _built(self, *, canned: bool = False) -> _Client:
        """Our own HTTP client below the SDK's: its limits are ours, whatever else is installed."""
        self._sdk()
        import httpx2
        from google import genai
        from google.genai import types

        if not self._api_key and self.base_url == BASE_URL:
            raise ProviderFailed("unavailable", f"{self.name} needs a key: set GEMINI_API_KEY")
        http = httpx2.AsyncClient(
            limits=httpx2.Limits(
                max_connections=self._slots,
                max_keepalive_connections=self._slots,
                keepalive_expiry=KEEPALIVE_S,
            ),
            # A proxy for the world outside is not asked for this machine.
            trust_env=not on_this_machine(self.base_url),
            transport=_memory() if canned else None,
            event_hooks={"request": [self._limit], "response": [_keep]},
        )
        options = types.HttpOptions(
            base_url=self.base_url,
            timeout=int(CALL_S * 1000),  # milliseconds; the server is told, too
            retry_options=types.HttpRetryOptions(attempts=1),
            httpx_async_client=http,
        )
        key = self._api_key or NO_KEY
        return _Client(http, genai.Client(vertexai=False, api_key=key, http_options=options))

    async def _limit(self, request: httpx2.Request) -> None:
        """The SDK knows one time for everything; connecting and waiting for a slot have theirs."""
        backstop_s = 2 * max(self.first_token_s, self._stall_s)
        request.extensions["timeout"] = {
            "connect": CONNECT_S, "pool": POOL_WAIT_S, "read": backstop_s, "write": backstop_s,
        }  # fmt: skip

    async def _opened(self, client: _Client, request: LlmRequest) -> Fitting[Any]:
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
        responses: list[httpx2.Response] = []
        _answered.set(responses)
        stream = await client.sdk.aio.models.generate_content_stream(
            model=self.model,
            contents=[types.Content(role=r, parts=[types.Part(text=t)]) for r, t in turns],
            config=config,
        )

        async def close() -> None:
            for response in responses:
                await response.aclose()

        return Fitting(stream, close)

    def _reading(self) -> GeminiReading:
        return GeminiReading()

    def _errors(self) -> tuple[type[Exception], ...]:
        from google.genai import errors

        return (errors.APIError, *transport_errors(), ValueError)

    def _failure(self, error: Exception, *, answered: bool, emitted: bool) -> ProviderFailed:
        """The kind of an SDK's exception; its text stays here, as it may quote the learner."""
        from google.genai import errors

        if isinstance(error, transport_errors()):
            # The SDK asks only when it is asked for the first chunk.
            answered = answered and bool(_answered.get([]))
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


class _Client(NamedTuple):
    """The SDK's client and the HTTP client below it, which is ours to close."""

    http: httpx2.AsyncClient
    sdk: genai.Client

    async def close(self) -> None:
        """Close the connections."""
        self.sdk.close()
        await self.http.aclose()


async def _keep(response: httpx2.Response) -> None:
    _answered.get().append(response)


def _memory() -> httpx2.AsyncBaseTransport:
    """A transport that answers every request with one event stream, without any network."""
    import httpx2

    headers = {"content-type": "text/event-stream"}
    body = f"data: {json.dumps(_CANNED)}\r\n\r\n"
    return httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, text=body))


class GeminiReading(Reading):
    """What was read of one answer so far."""

    def heard(self, chunk: types.GenerateContentResponse) -> Iterator[Piece]:
        """The pieces that a chunk brings."""
        candidate = chunk.candidates[0] if chunk.candidates else None
        feedback = chunk.prompt_feedback
        yield from self.taken(
            (chunk.text or "",),
            finish=said(candidate.finish_reason) if candidate else "",
            block=said(feedback.block_reason) if feedback else "",
            spent=_spent(chunk.usage_metadata) if chunk.usage_metadata else None,
        )


def _spent(usage: types.GenerateContentResponseUsageMetadata) -> Spent:
    """Thoughts are paid for as output, though they are not shown."""
    return Spent(
        input=usage.prompt_token_count or 0,
        output=(usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        cached_in=usage.cached_content_token_count or 0,
    )
