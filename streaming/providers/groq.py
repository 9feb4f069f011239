"""Groq's chat interface, by the unmodified `groq` SDK. This file is that adapter.

Its chunks are OpenAI's, with the count of tokens in `x_groq` of the last one; its SDK raises
`httpx` exceptions where OpenAI's raises `httpx2` ones. The SDK appends `/openai/v1` to its address.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from streaming.providers.base import LlmRequest, Piece, ProviderFailed
from streaming.providers.chat import ChatReading, canned_body, messages_of
from streaming.providers.endpoint import (
    CONNECT_S,
    FIRST_TOKEN_S,
    KEEPALIVE_S,
    NO_KEY,
    POOL_WAIT_S,
    SLOTS,
    STALL_S,
    Endpoint,
    part,
)

if TYPE_CHECKING:
    import groq
    import httpx

BASE_URL = "https://api.groq.com"
_APPENDED = "/openai/v1"


class Groq(Endpoint):
    """One model at Groq, or at a gateway that speaks as it does."""

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
            base_url=(base_url or BASE_URL).rstrip("/").removesuffix(_APPENDED),
            api_key=api_key,
            first_token_s=first_token_s,
            stall_s=stall_s,
            slots=slots,
            wall_s=wall_s,
        )

    def _sdk(self) -> ModuleType:
        try:
            import groq
        except ImportError as missing:
            fix = "pip install 'tutorstream[groq]'"
            raise ProviderFailed("unavailable", f"no package {missing.name}: {fix}") from None
        return groq

    def _built(self, *, canned: bool = False) -> groq.AsyncGroq:
        self._sdk()
        import groq
        import httpx

        backstop_s = 2 * max(self.first_token_s, self._stall_s)
        http = groq.DefaultAsyncHttpxClient(
            timeout=httpx.Timeout(backstop_s, connect=CONNECT_S, pool=POOL_WAIT_S),
            limits=httpx.Limits(
                max_connections=self._slots,
                max_keepalive_connections=self._slots,
                keepalive_expiry=KEEPALIVE_S,
            ),
            trust_env=not self.local,  # a proxy for the world outside is not asked for this machine
            transport=_memory(canned_body()) if canned else None,
        )
        return groq.AsyncGroq(
            api_key=self._api_key or NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            http_client=http,
        )

    async def _opened(self, client: groq.AsyncGroq, request: LlmRequest) -> Any:
        create: Any = client.chat.completions.create
        return await create(
            model=self.model,
            messages=messages_of(request.messages, "system"),
            stream=True,
            max_completion_tokens=request.max_tokens,
        )

    def _reading(self) -> GroqReading:
        return GroqReading()


class GroqReading(ChatReading):
    """What was read of one answer so far."""

    def heard(self, chunk: Any) -> Iterator[Piece]:
        """As in chat; an event with a name comes wrapped, an early stop carries its reason."""
        wrapped = part(chunk, "data")
        if wrapped is not None:
            chunk = wrapped
        if part(part(chunk, "x_groq"), "error"):
            raise ProviderFailed("server_error", "x_groq.error")
        yield from super().heard(chunk)

    def usage(self, chunk: Any) -> Any:
        """The count that Groq adds by itself, else the one of OpenAI's form."""
        return part(part(chunk, "x_groq"), "usage") or super().usage(chunk)


def _memory(body: str) -> httpx.AsyncBaseTransport:
    """A transport that answers every request with one event stream, without any network."""
    import httpx

    headers = {"content-type": "text/event-stream"}
    return httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, text=body))
