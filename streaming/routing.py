"""Which provider speaks now, and who takes over when it fails. This file is the router.

A turn goes down a chain of providers whose last is the built-in tutor. A failure before or after
the first token restarts the answer with the next one; two texts are never spliced.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Literal

import msgspec

from streaming.breaker import Breaker
from streaming.providers.base import (
    ChatMessage,
    End,
    FailureKind,
    LlmRequest,
    Piece,
    Provider,
    ProviderFailed,
    Spent,
    Text,
)
from streaming.providers.builtin import NAME as BUILTIN

_logger = logging.getLogger(__name__)

SHUT_S = 600.0
"""How long a provider is passed over after `auth`, `not_found` or `quota`."""
RETRY_AFTER_S = 5.0
COMPACT_TURNS = 4
BYTES_A_TOKEN = 3.5

_SHUTS: frozenset[FailureKind] = frozenset({"auth", "not_found", "quota", "unavailable"})
_NO_COUNT: frozenset[FailureKind] = frozenset(
    {"context_length", "bad_request", "internal", "refused"}
)
_UNPAID: frozenset[FailureKind] = frozenset(
    {"auth", "not_found", "quota", "unavailable", "bad_request", "context_length", "connect",
     "rate_limited", "overloaded", "server_error", "internal"}
)  # fmt: skip
"""Failures that cost nothing unless text had come."""


class TurnLimits(msgspec.Struct, frozen=True, gc=False):
    """How long a turn may wait and run, in seconds, and how many models may try."""

    first_token_s: float = 2.5
    """From acceptance to the first text, all attempts together; then the built-in tutor speaks."""
    attempt_first_s: float = 1.5
    """The same for one attempt, while another model remains."""
    stall_s: float = 4.0
    turn_s: float = 30.0
    last_start_s: float = 4.0
    """With less than this left of the turn, only the built-in tutor starts."""
    models: int = 3
    """So many models may try, each once; so there are two restarts before the built-in tutor's."""
    retry_s: tuple[float, float] = (0.05, 0.1)
    """Jitter before the one retry of a refused connection."""


class Speaker(msgspec.Struct, frozen=True, gc=False):
    """Who speaks."""

    provider: str
    model: str
    source: Literal["builtin", "llm"]


class Restarted(msgspec.Struct, frozen=True, gc=False):
    """The answer starts anew by another voice.

    `reason` is the failure's kind; `breaker` or `mode` where who was announced may not begin.
    """

    provider: str
    model: str
    reason: str


Routed = Text | Restarted | Spent | End
"""What a turn hears. `Spent` is the sum over the turn's attempts so far: the newest one counts."""


class _Candidate:
    """A provider with its breaker."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.breaker = Breaker(_now_s)
        self.builtin = provider.name == BUILTIN

    @property
    def speaker(self) -> Speaker:
        source: Literal["builtin", "llm"] = "builtin" if self.builtin else "llm"
        return Speaker(self.provider.name, self.provider.model, source)

    def may_speak(self) -> bool:
        return self.builtin or (self.provider.ready and self.breaker.allows())


class _Turn:
    """What one turn has tried and spent."""

    def __init__(self, request: LlmRequest, began_s: float) -> None:
        self.request = request
        self.began_s = began_s
        self.left: set[_Candidate] = set()
        self.again: _Candidate | None = None
        self.builtin_only = not request.messages
        self.spoke = False
        self.retried: set[str] = set()
        self._spent = Spent(0, 0)

    def pay(self, spent: Spent) -> Spent:
        """Add what an attempt spent; returns the sum."""
        was = self._spent
        self._spent = Spent(
            was.input + spent.input,
            was.output + spent.output,
            was.cached_in + spent.cached_in,
            was.cache_write + spent.cache_write,
            estimated=was.estimated or spent.estimated,
        )
        return self._spent


class _Attempt:
    """What one provider has said in one turn."""

    def __init__(self, turn: _Turn, candidate: _Candidate) -> None:
        self.turn = turn
        self.candidate = candidate
        self.counted = candidate.builtin  # which charges nothing
        self.shown: list[str] = []
        self.failure: ProviderFailed | None = None

    def bill(self) -> Iterator[Spent]:
        """The estimate, where the attempt has ended uncounted and can have cost something."""
        failure = self.failure
        free = failure is not None and failure.kind in _UNPAID and not self.shown
        if not (self.counted or free):
            self.counted = True
            yield self.turn.pay(estimated(self.turn.request, "".join(self.shown)))


class Routing:
    """Turns a request into one voice's text; the last of `chain` is the built-in tutor.

    Without `limits` they are `limits_for(chain)`. `dice` gives floats in [0, 1) for jitter.
    `failures` counts by `(provider, kind)`.
    Raises ValueError for a chain that does not end with the built-in tutor.
    """

    def __init__(
        self,
        chain: Sequence[Provider],
        *,
        limits: TurnLimits | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._chain = [_Candidate(provider) for provider in chain]
        if [c.builtin for c in self._chain[-1:]] != [True]:
            names = [provider.name for provider in chain]
            raise ValueError(f"a chain ends with {BUILTIN!r}, {names} came")
        self._limits = limits or limits_for(chain)
        self._dice = dice
        self.failures: Counter[tuple[str, str]] = Counter()

    def first(self, request: LlmRequest | None = None) -> Speaker:
        """Who would speak if a turn began now; takes nothing.

        A request without messages may be given to no model: the built-in tutor speaks.
        """
        if request is not None and not request.messages:
            return self._chain[-1].speaker
        return next(c for c in self._chain if c.may_speak()).speaker

    async def stream(
        self, request: LlmRequest, announced: Speaker | None = None
    ) -> AsyncIterator[Routed]:
        """The turn's text, restarts and spending, closed by exactly one `End`.

        `announced` is what `first` said and the learner was told: if another has to begin, the
        stream opens with `Restarted`. Raises `ProviderFailed` only if the built-in tutor failed.
        """
        turn = _Turn(request, _now_s())
        reason, said = "breaker" if request.messages else "mode", announced
        while True:
            candidate = self._choose(turn)
            if said not in (None, candidate.speaker):
                yield Restarted(candidate.provider.name, candidate.provider.model, reason)
            said = candidate.speaker
            attempt = _Attempt(turn, candidate)
            async with aclosing(self._attempted(attempt)) as pieces:
                async for piece in pieces:
                    yield piece
            if attempt.failure is None:
                return
            reason = attempt.failure.kind
            await self._plan(turn, candidate, attempt.failure)

    async def aclose(self) -> None:
        """Close every provider's connections."""
        for candidate in self._chain:
            await candidate.provider.aclose()

    # --- choosing ---------------------------------------------------------------------------------

    def _choose(self, turn: _Turn) -> _Candidate:
        now_s, limits = _now_s(), self._limits
        late = now_s - turn.began_s > limits.turn_s - limits.last_start_s
        silent = not turn.spoke and now_s - turn.began_s >= limits.first_token_s
        if not (turn.builtin_only or late or silent):
            if turn.again is not None and turn.again.may_speak():
                return turn.again
            for candidate in self._models(turn):
                return candidate
        return self._chain[-1]

    def _models(self, turn: _Turn) -> list[_Candidate]:
        if len(turn.left) >= self._limits.models:
            return []
        return [c for c in self._chain if not c.builtin and c not in turn.left and c.may_speak()]

    async def _plan(self, turn: _Turn, candidate: _Candidate, failed: ProviderFailed) -> None:
        """Decide who may come next; waits a moment before the same provider is asked again."""
        turn.again = None
        retry = failed.kind in ("connect", "context_length") and failed.kind not in turn.retried
        if retry and failed.emitted == 0:
            turn.retried.add(failed.kind)
            smaller = compacted(turn.request.messages) if failed.kind == "context_length" else None
            if smaller is not None:
                turn.request = msgspec.structs.replace(turn.request, messages=smaller)
                turn.again = candidate
            elif failed.kind == "connect":
                low_s, high_s = self._limits.retry_s
                await asyncio.sleep(low_s + (high_s - low_s) * self._dice())
                turn.again = candidate
        if turn.again is None:
            turn.left.add(candidate)
        turn.builtin_only = turn.builtin_only or failed.kind == "refused"

    def _note(self, candidate: _Candidate, failed: ProviderFailed) -> None:
        name = candidate.provider.name
        self.failures[name, failed.kind] += 1
        level = logging.ERROR if failed.kind in _SHUTS else logging.WARNING
        _logger.log(level, "provider %s failed: %s", name, failed)

    # --- one attempt ------------------------------------------------------------------------------

    async def _attempted(self, attempt: _Attempt) -> AsyncGenerator[Routed, None]:
        """One provider's pieces up to its end or failure; tells its breaker how it went."""
        breaker = attempt.candidate.breaker
        permit = breaker.permit()
        try:
            async with aclosing(self._timed(attempt)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Spent):
                        attempt.counted = True
                        yield attempt.turn.pay(piece)
                        continue
                    if isinstance(piece, End):
                        breaker.succeeded(permit)
                        for spent in attempt.bill():
                            yield spent
                    yield piece
        except ProviderFailed as failed:
            _tell(breaker, permit, failed)
            self._note(attempt.candidate, failed)
            if attempt.candidate.builtin:
                raise
            attempt.failure = failed
        finally:
            breaker.gave_up(permit)  # a cancelled call frees its place; others are told already
        for spent in attempt.bill():
            yield spent

    async def _timed(self, attempt: _Attempt) -> AsyncGenerator[Piece, None]:
        """A provider's pieces within the turn's limits; the built-in tutor has none."""
        turn, limits, free = attempt.turn, self._limits, attempt.candidate.builtin
        over_s = turn.began_s + limits.turn_s
        until_s = None if free else min(self._first_by_s(attempt), over_s)
        pieces = aiter(attempt.candidate.provider.stream(turn.request))
        try:
            while True:
                piece = await self._next(pieces, until_s, over_s, spoke=bool(attempt.shown))
                yield piece
                if isinstance(piece, End):
                    return
                if isinstance(piece, Text):
                    attempt.shown.append(piece.text)
                    turn.spoke = True
                    until_s = None if free else min(_now_s() + limits.stall_s, over_s)
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()

    def _first_by_s(self, attempt: _Attempt) -> float:
        turn, limits, now_s = attempt.turn, self._limits, _now_s()
        others = any(c is not attempt.candidate for c in self._models(turn))
        alone_s = now_s + (limits.attempt_first_s if others else limits.first_token_s)
        return alone_s if turn.spoke else min(alone_s, turn.began_s + limits.first_token_s)

    async def _next(
        self, pieces: AsyncIterator[Piece], until_s: float | None, over_s: float, *, spoke: bool
    ) -> Piece:
        try:
            async with asyncio.timeout_at(until_s):
                return await anext(pieces)
        except StopAsyncIteration:
            raise ProviderFailed("truncated", "the provider stopped without an end") from None
        except TimeoutError:
            if spoke and until_s is not None and until_s >= over_s:
                return End("deadline")
            kind: FailureKind = "stall" if spoke else "first_token"
            raise ProviderFailed(kind, "the turn's own limit") from None


def limits_for(chain: Sequence[Provider]) -> TurnLimits:
    """The default limits; where only local models are configured, their longer first-token limit.

    A provider's own limit is its `first_token_s`, if it has one.
    """
    usual_s = TurnLimits().first_token_s
    own_s = [float(getattr(p, "first_token_s", usual_s)) for p in chain if p.name != BUILTIN]
    return TurnLimits(first_token_s=min(own_s, default=usual_s))


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _tell(breaker: Breaker, permit: int, failed: ProviderFailed) -> None:
    if failed.kind in _SHUTS:
        breaker.shut(permit, SHUT_S)
    elif failed.kind == "rate_limited":
        breaker.shut(permit, failed.retry_after_s or RETRY_AFTER_S)
    elif failed.kind not in _NO_COUNT:
        breaker.failed(permit)


def estimated(request: LlmRequest, shown: str) -> Spent:
    """Tokens of an attempt that its provider did not count, by the bytes sent and shown."""
    sent = sum(len(message.content.encode()) for message in request.messages)
    output = round(len(shown.encode()) / BYTES_A_TOKEN)
    return Spent(round(sent / BYTES_A_TOKEN), output, estimated=True)


def compacted(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...] | None:
    """The prompt with its last 4 turns only, or None where it has no more than those."""
    turns = list(messages[1:])
    kept = turns[-(2 * COMPACT_TURNS + 1) :]
    return (*messages[:1], *kept) if len(kept) < len(turns) else None
