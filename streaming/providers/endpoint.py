"""One model at one address, by an SDK of OpenAI's make. This file is what such adapters share.

OpenAI's and Groq's SDKs come from one generator, so their clients, streams and exceptions have the
same names; no SDK is imported here.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from types import ModuleType
from typing import Any, Protocol

from streaming.providers.attempt import Attempts
from streaming.providers.base import (
    ChatMessage,
    End,
    FailureKind,
    LlmRequest,
    Piece,
    ProviderFailed,
)
from streaming.providers.failures import by_body, by_transport, retry_after_s, transport_errors
from streaming.providers.presets import on_this_machine

CONNECT_S = 1.0
POOL_WAIT_S = 0.15
SLOTS = 64
KEEPALIVE_S = 60.0
FIRST_TOKEN_S = 2.5
STALL_S = 4.0
USAGE_S = 1.0
"""How long the usage may take once the answer is complete."""

NO_KEY = "none"
"""Sent to servers without one: the SDKs insist on some key."""


class Reading(Protocol):
    """What was read of one answer so far."""

    chars: int

    @property
    def complete(self) -> bool:
        """Whether the proof of a complete answer has come."""
        ...

    def heard(self, chunk: Any) -> Iterator[Piece]:
        """The pieces that a chunk of the stream brings."""
        ...

    def rest(self) -> Iterator[Piece]:
        """Usage and the end, once; raises where the answer is not a complete text."""
        ...


class Endpoint(ABC):
    """The life of an adapter: its client, its calls, its failures.

    `first_token_s` and `stall_s` are limits on content text; reasoning is not text. At most
    `slots` calls run at once, a further one waits `POOL_WAIT_S` for its slot. `wall_s` is the
    clock that dates in headers are read by.
    """

    quota_words: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        name: str,
        model: str,
        base_url: str,
        api_key: str = "",
        first_token_s: float = FIRST_TOKEN_S,
        stall_s: float = STALL_S,
        slots: int = SLOTS,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.model = model
        self.ready = False
        self.local = on_this_machine(base_url)
        self.base_url = base_url
        self.first_token_s = first_token_s
        self._api_key = api_key
        self._stall_s = stall_s
        self._slots = slots
        self._wall_s = wall_s
        self._attempts = Attempts(first_token_s=first_token_s, stall_s=stall_s)
        self._client: Any = None

    # --- what an adapter says ---------------------------------------------------------------------

    @abstractmethod
    def _sdk(self) -> ModuleType:
        """The SDK, imported; raises `ProviderFailed("unavailable")` where there is none."""

    @abstractmethod
    def _built(self, *, canned: bool = False) -> Any:
        """A client; with `canned` it answers out of memory, whatever it is asked."""

    @abstractmethod
    async def _opened(self, client: Any, request: LlmRequest) -> Any:
        """The SDK's stream of one call."""

    @abstractmethod
    def _reading(self) -> Reading:
        """A new answer's reading."""

    # --- the contract -----------------------------------------------------------------------------

    def load(self) -> Any:
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

    # --- one call ---------------------------------------------------------------------------------

    async def _rehearsed(self) -> None:
        """Parse one canned answer, so that the first learner does not pay for first uses."""
        client = self._built(canned=True)
        request = LlmRequest(messages=(ChatMessage("user", "Ready?"),), max_tokens=1)
        heard = [piece async for piece in self._pieces(client, request)]
        await client.close()
        if not heard or not isinstance(heard[-1], End):
            raise ProviderFailed("internal", "the canned answer was not read to its end")

    async def _pieces(self, client: Any, request: LlmRequest) -> AsyncGenerator[Piece, None]:
        """One call, unwatched; reads its body to the end, so that the connection is used again."""
        reading = self._reading()
        answered = False
        try:
            stream = await self._opened(client, request)
            answered = True
            try:
                async with aclosing(_chunks(stream, reading)) as chunks:
                    async for chunk in chunks:
                        for piece in reading.heard(chunk):
                            yield piece
            finally:
                await stream.close()
        except self._errors() as error:
            if not reading.complete:
                raise self._failure(error, answered=answered, emitted=reading.chars > 0) from None
        for piece in reading.rest():
            yield piece

    def _errors(self) -> tuple[type[Exception], ...]:
        """Whatever a call raises: the SDK's errors, raw ones of HTTP, those of broken JSON."""
        of_sdk = self._sdk().APIError.__base__  # `OpenAIError`, `GroqError`: one name an SDK
        return (of_sdk, *transport_errors(), ValueError)

    def _failure(self, error: Exception, *, answered: bool, emitted: bool) -> ProviderFailed:
        """The kind of an SDK's exception; its text stays here, as it may quote the learner."""
        sdk = self._sdk()
        if isinstance(error, sdk.APIResponseValidationError):
            return ProviderFailed("malformed", "an answer of another shape")
        if isinstance(error, (sdk.APIConnectionError, *transport_errors())):
            return by_transport(error, answered=answered, emitted=emitted)
        if isinstance(error, sdk.APIError):
            return self._by_answer(error)
        kind: FailureKind = "malformed" if isinstance(error, ValueError) else "unavailable"
        return ProviderFailed(kind, type(error).__name__)

    def _by_answer(self, error: Any) -> ProviderFailed:
        """The kind of an error that the endpoint itself wrote, as a status or in its stream.

        Some SDKs give one in the stream the stream's own status, which is 200 and says nothing.
        """
        response = getattr(error, "response", None)
        status = response.status_code if response is not None else 0
        body = error.body
        if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
            body = body["error"]
        said = body if isinstance(body, Mapping) else {}
        return by_body(
            status if status >= 400 else None,
            code=_word(said.get("code")),
            kind=_word(said.get("type")),
            message=str(error.message) if body is None else f"{error.message} {body}",
            retry_after_s=retry_after_s(response.headers if response else {}, self._wall_s()),
            quota_words=self.quota_words,
        )


def _word(value: object) -> str | None:
    """A body's `code` or `type`: some servers write a number."""
    return str(value) if isinstance(value, str | int) else None


async def _chunks(stream: Any, reading: Reading) -> AsyncGenerator[Any, None]:
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
        if reading.complete and until is None:
            until = loop.time() + USAGE_S


def part(holder: Any, name: str) -> Any:
    """A field of what an SDK read, be it an object or a mapping; None where it is absent."""
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def count(holder: Any, name: str) -> int:
    """A number of tokens; 0 where there is none."""
    number = part(holder, name)
    return number if isinstance(number, int) and number >= 0 else 0
