"""Gemini by Google's older SDK, `google-generativeai`, over gRPC. This file is that adapter.

The SDK has reached its end of life, and its transport without gRPC cannot be used from a loop;
`gemini` is the adapter to choose. It is imported by `load` or `warm`, never by importing this file.
A complete answer is one whose candidate has a finish reason: gRPC ends a short stream with OK.
"""

from __future__ import annotations

import asyncio
import re
import time
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from types import ModuleType
from typing import Any

from streaming.providers.attempt import Attempts
from streaming.providers.base import FailureKind, LlmRequest, Piece, ProviderFailed, Spent
from streaming.providers.gemini_answer import CALL_S, Details, Reading, by_google, parted, said

HOST = "generativelanguage.googleapis.com"
CONNECT_S = 1.0
POOL_WAIT_S = 0.15
SLOTS = 64
REST_S = 1.0
"""How long the call's end may take once the answer is complete."""

_BROKEN = re.compile(
    r"failed to connect|connection (reset|refused|closed|timed out)|socket closed|stream removed"
    r"|resolving|resolution|handshake|broken pipe|goaway|rst_stream|recvmsg",
    re.IGNORECASE,
)
"""How gRPC itself speaks of a connection; it has no status of its own for one."""
_THOUGHT = 11
"""Field of a part that marks it as a thought; newer than this SDK's messages."""


class GeminiLegacy:
    """One of Google's models through the older SDK.

    `first_token_s` and `stall_s` are limits on content text; thoughts are not text. At most `slots`
    calls run at once, a further one waits `POOL_WAIT_S` for its slot. `base_url` is `HOST` or
    `HOST:PORT`, always spoken to by TLS; empty is Google's own.

    The SDK's own `configure` sets one key for the whole process, so each provider here has a client
    of its own. A gRPC channel lives on one event loop: the client is made on the loop that streams.
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
        wall_s: Callable[[], float] = time.time,  # noqa: ARG002 - gRPC tells no dates
    ) -> None:
        self.name = name
        self.model = model
        self.ready = False
        self.base_url = base_url.removeprefix("https://").rstrip("/") or HOST
        self.first_token_s = first_token_s
        self._api_key = api_key
        self._slots = slots
        self._attempts = Attempts(first_token_s=first_token_s, stall_s=stall_s)
        self._sdk: ModuleType | None = None
        self._client: _Client | None = None

    def load(self) -> ModuleType:
        """The SDK; imports it when first called, which can take seconds."""
        if self._sdk is None:
            self._sdk = _imported()
            if not self._api_key:
                raise ProviderFailed("unavailable", f"{self.name} needs a key: set GEMINI_API_KEY")
        return self._sdk

    def warm(self) -> float:
        """Import the SDK, make a client once and let it go; the seconds it took.

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
        sdk = self.load()
        pieces = self._pieces(sdk, self._on_this_loop(), request)
        async with aclosing(self._attempts.watched(pieces)) as watched:
            async for piece in watched:
                yield piece

    async def aclose(self) -> None:
        """End running calls and close the connection."""
        await self._attempts.aclose()
        if self._client is not None and self._client.loop is asyncio.get_running_loop():
            await self._client.aclose()
        self._client = None

    @property
    def open_calls(self) -> int:
        """Calls that are running, those being closed included."""
        return self._attempts.open

    # --- the client -------------------------------------------------------------------------------

    def _on_this_loop(self) -> _Client:
        if self._client is None or self._client.loop is not asyncio.get_running_loop():
            self._client = _Client(self._api_key, self.base_url, self._slots)
        return self._client

    async def _rehearsed(self) -> None:
        """Make a channel, which connects nothing, and a request, so that both are no first use."""
        sdk = self.load()
        client = _Client(self._api_key, self.base_url, self._slots)
        sdk.GenerativeModel(self.model, system_instruction="Ready?")
        sdk.protos.GenerateContentResponse.deserialize(b"")
        await client.aclose()

    # --- one call ---------------------------------------------------------------------------------

    async def _pieces(
        self, sdk: ModuleType, client: _Client, request: LlmRequest
    ) -> AsyncGenerator[Piece, None]:
        """One call, unwatched."""
        reading = Reading()
        began = False
        try:
            async with client.slot(), aclosing(self._chunks(sdk, client, request, reading)) as all_:
                async for chunk in all_:
                    began = True
                    for piece in _heard(reading, chunk):
                        yield piece
        except _sdk_errors() as error:
            if not reading.complete:
                raise _failure(error, began=began, emitted=reading.chars > 0) from None
        for piece in reading.rest():
            yield piece

    async def _chunks(
        self, sdk: ModuleType, client: _Client, request: LlmRequest, reading: Reading
    ) -> AsyncGenerator[Any, None]:
        """The answer's chunks; once it is complete only for `REST_S` more."""
        system, turns = parted(request.messages)
        model = sdk.GenerativeModel(
            self.model,
            system_instruction=system or None,
            generation_config={"max_output_tokens": request.max_tokens},
        )
        call = _Call(sdk, client)
        model._async_client = call  # else it takes the one client of `configure`
        try:
            await model.generate_content_async(
                [{"role": role, "parts": [text]} for role, text in turns],
                stream=True,
                request_options={"timeout": CALL_S, "retry": None},
            )
            async for chunk in call.chunks(reading):
                yield chunk
        finally:
            call.cancel()


HEAD_S = 0.02
"""How long a call that is cancelled while it begins may still come to its head."""


class _Client:
    """The SDK's client on one event loop, and the slots of its calls."""

    def __init__(self, api_key: str, endpoint: str, slots: int) -> None:
        from google.ai.generativelanguage import GenerativeServiceAsyncClient
        from google.api_core.client_options import ClientOptions

        self.loop = asyncio.get_running_loop()
        self.service: Any = GenerativeServiceAsyncClient(
            transport="grpc_asyncio",
            client_options=ClientOptions(api_key=api_key, api_endpoint=endpoint),
        )
        self._slots = asyncio.Semaphore(slots)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One of the slots; raises `overloaded` where none becomes free in time."""
        try:
            async with asyncio.timeout(POOL_WAIT_S):
                await self._slots.acquire()
        except TimeoutError:
            raise ProviderFailed("overloaded", f"no slot for {POOL_WAIT_S:g} s") from None
        try:
            yield
        finally:
            self._slots.release()

    async def connected(self) -> None:
        """Returns once there is a connection or none can be had; raises `connect` for neither.

        A call waits for its answer's head, which may rightly take longer than connecting may.
        """
        from grpc import ChannelConnectivity

        channel = self.service.transport.grpc_channel
        waiting = (ChannelConnectivity.IDLE, ChannelConnectivity.CONNECTING)
        try:
            async with asyncio.timeout(CONNECT_S):
                while (state := channel.get_state(try_to_connect=True)) in waiting:
                    await channel.wait_for_state_change(state)
        except TimeoutError:
            raise ProviderFailed("connect", f"no connection for {CONNECT_S:g} s") from None

    async def aclose(self) -> None:
        """Close the channel."""
        await self.service.transport.close()


class _Call:
    """One call, in the place where `GenerativeModel` expects its client.

    The model is handed one blank chunk and never read: its own iteration shows each chunk only
    once the next has come, which would hold every word back by one and the first one most.
    """

    def __init__(self, sdk: ModuleType, client: _Client) -> None:
        self._blank = sdk.protos.GenerateContentResponse()
        self._client = client
        self._call: Any = None

    async def stream_generate_content(self, request: Any, **options: Any) -> AsyncIterator[Any]:
        """Begin the call; returns with the answer's head."""
        await self._client.connected()
        begun = asyncio.ensure_future(
            self._client.service.stream_generate_content(request, **options)
        )
        try:
            self._call = await asyncio.shield(begun)
        except asyncio.CancelledError:
            # A head that comes in this very moment leaves a call that nobody holds and gRPC goes on
            # with: it would be paid for unheard. So the head has its moment, then it is cut off.
            await asyncio.wait({begun}, timeout=HEAD_S)
            if not begun.cancel() and not begun.cancelled() and begun.exception() is None:
                self._call = begun.result()
            raise
        return self._nothing()

    async def _nothing(self) -> AsyncIterator[Any]:
        yield self._blank

    async def chunks(self, reading: Reading) -> AsyncIterator[Any]:
        """What the endpoint sends; gRPC turns what it cannot read into None."""
        chunks = aiter(self._call)
        loop = asyncio.get_running_loop()
        until: float | None = None
        while True:
            try:
                async with asyncio.timeout_at(until):
                    chunk = await anext(chunks)
            except (StopAsyncIteration, TimeoutError):
                return
            if chunk is None:
                raise ProviderFailed("malformed", "a chunk that is no message")
            yield chunk
            if reading.complete and until is None:
                until = loop.time() + REST_S

    def cancel(self) -> None:
        """End the call upstream, if it is not over."""
        if self._call is not None:
            self._call.cancel()


def _imported() -> ModuleType:
    """The SDK; that its support has ended is known, and no reason to warn at every start."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            import google.generativeai as sdk
    except ImportError as missing:
        fix = "pip install 'tutorstream[gemini-legacy]'"
        raise ProviderFailed("unavailable", f"no package {missing.name}: {fix}") from None
    return sdk


def _sdk_errors() -> tuple[type[Exception], ...]:
    """Whatever a call may raise: the SDK's errors, and those of a request that is none."""
    from google.api_core.exceptions import GoogleAPICallError

    return (GoogleAPICallError, ValueError)


def _failure(error: Exception, *, began: bool, emitted: bool) -> ProviderFailed:
    """The kind of an SDK's exception; its text stays here, as it may quote the learner.

    `began`: a chunk had come. `emitted`: text had come.
    """
    status = getattr(error, "grpc_status_code", None)
    if status is None:
        return ProviderFailed("malformed", type(error).__name__)
    message = str(getattr(error, "message", ""))
    ours = not _trailers(getattr(error, "response", None))
    kind: FailureKind | None = None
    if ours and status.name == "DEADLINE_EXCEEDED":
        kind = "stall" if emitted else "first_token"
    elif ours and _BROKEN.search(message):
        kind = "cut" if began else "connect"
    if kind is not None:
        return ProviderFailed(kind, status.name)
    return by_google(None, status.name, message, _details(getattr(error, "details", ())))


def _trailers(response: Any) -> bool:
    """Whether the endpoint ended the call itself: only it sends trailing metadata."""
    told = getattr(response, "trailing_metadata", None)
    return bool(len(told() or ())) if told is not None else False


def _details(told: Iterable[Any]) -> Details:
    """What the messages of `google.rpc` among an error's details say."""
    reasons: list[str] = []
    quotas: list[str] = []
    wait_s: float | None = None
    for detail in told:
        kind = type(detail).__name__
        if kind == "ErrorInfo":
            reasons.append(detail.reason)
        elif kind == "RetryInfo":
            wait_s = detail.retry_delay.ToNanoseconds() / 1e9
        elif kind == "QuotaFailure":
            for violation in detail.violations:
                quotas += [getattr(violation, "quota_id", ""), violation.subject]
    return Details(tuple(reasons), wait_s, tuple(quotas))


def _heard(reading: Reading, chunk: Any) -> list[Piece]:
    candidate = chunk.candidates[0] if chunk.candidates else None
    parts = candidate.content.parts if candidate else ()
    texts = [part.text for part in parts if "text" in part and not _is_thought(part)]
    return list(
        reading.taken(
            texts,
            finish=said(candidate.finish_reason) if candidate else "",
            block=said(chunk.prompt_feedback.block_reason),
            spent=_spent(chunk.usage_metadata) if "usage_metadata" in chunk else None,
        )
    )


def _is_thought(part: Any) -> bool:
    from google.protobuf.unknown_fields import UnknownFieldSet

    fields = UnknownFieldSet(type(part).pb(part))
    return any(field.field_number == _THOUGHT and field.data for field in fields)


def _spent(usage: Any) -> Spent:
    """Old messages do not count thoughts; what is neither prompt nor answer of the total is one."""
    output = max(usage.candidates_token_count, usage.total_token_count - usage.prompt_token_count)
    return Spent(
        input=usage.prompt_token_count,
        output=output,
        cached_in=usage.cached_content_token_count,
    )
