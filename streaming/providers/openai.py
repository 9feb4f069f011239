"""Any endpoint of OpenAI's chat shape, by the unmodified `openai` SDK. This file is that adapter.

The SDK is imported by `load` or `warm`, never by importing this file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streaming.providers.base import LlmRequest, ProviderFailed
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
)
from streaming.providers.presets import Quirks

if TYPE_CHECKING:
    import httpx2
    import openai

_ACCOUNT_HEADERS = ("OpenAI-Organization", "OpenAI-Project")
_CUSTOM_HEADERS = "OPENAI_CUSTOM_HEADERS"
_OPENAI = "api.openai.com"


class OpenAIEndpoint(Endpoint):
    """What chat and Responses have in common: the SDK, its client, an endpoint's quirks."""

    canned: str
    """The body of a short complete answer."""

    def __init__(
        self,
        *,
        name: str,
        model: str,
        base_url: str,
        api_key: str = "",
        quirks: Quirks | None = None,
        first_token_s: float = FIRST_TOKEN_S,
        stall_s: float = STALL_S,
        slots: int = SLOTS,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            name=name,
            model=model,
            base_url=base_url,
            api_key=api_key,
            first_token_s=first_token_s,
            stall_s=stall_s,
            slots=slots,
            wall_s=wall_s,
        )
        self._quirks = quirks or Quirks()
        self.quota_words = self._quirks.quota_words

    def _sdk(self) -> ModuleType:
        try:
            import openai
        except ImportError as missing:
            fix = "pip install 'tutorstream[openai]'"
            raise ProviderFailed("unavailable", f"no package {missing.name}: {fix}") from None
        return openai

    def _built(self, *, canned: bool = False) -> openai.AsyncOpenAI:
        self._sdk()
        import httpx2
        import openai

        backstop_s = 2 * max(self.first_token_s, self._stall_s)
        http = openai.DefaultAsyncHttpx2Client(
            timeout=httpx2.Timeout(backstop_s, connect=CONNECT_S, pool=POOL_WAIT_S),
            limits=httpx2.Limits(
                max_connections=self._slots,
                max_keepalive_connections=self._slots,
                keepalive_expiry=KEEPALIVE_S,
            ),
            trust_env=not self.local,  # a proxy for the world outside is not asked for this machine
            transport=_memory(self.canned) if canned else None,
        )
        key = self._api_key or NO_KEY
        host = urlsplit(self.base_url).hostname or ""
        headers: Any = {}
        if host != _OPENAI and not host.endswith("." + _OPENAI):
            headers = {name: openai.Omit() for name in _account_headers(os.environ)}
            headers["Authorization"] = f"Bearer {key}"
        return openai.AsyncOpenAI(
            api_key=key,
            base_url=self.base_url,
            max_retries=0,
            http_client=http,
            default_headers={**headers, **self._quirks.extra_headers},
        )


class OpenAIChat(OpenAIEndpoint):
    """One model behind the chat interface."""

    canned = canned_body()

    async def _opened(self, client: openai.AsyncOpenAI, request: LlmRequest) -> Any:
        create: Any = client.chat.completions.create
        return await create(**self._params(request))

    def _reading(self) -> ChatReading:
        return ChatReading()

    def _params(self, request: LlmRequest) -> dict[str, Any]:
        quirks = self._quirks
        params: dict[str, Any] = {
            "model": self.model,
            "messages": messages_of(request.messages, quirks.system_role),
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


def _memory(body: str) -> httpx2.AsyncBaseTransport:
    """A transport that answers every request with one event stream, without any network."""
    import httpx2

    headers = {"content-type": "text/event-stream"}
    return httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, text=body))


def _account_headers(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Headers that the SDK takes from the environment for OpenAI: nobody else's business."""
    lines = environ.get(_CUSTOM_HEADERS, "").split("\n")
    return (*_ACCOUNT_HEADERS, *(line.partition(":")[0].strip() for line in lines if ":" in line))
