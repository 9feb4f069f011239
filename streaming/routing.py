"""Which provider speaks now, and who takes over when it fails. This file is the router.

A turn goes down a chain of providers whose last is the built-in tutor. A failure before or after
the first token restarts the answer with the next one; two texts are never spliced.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from typing import Any

import msgspec

from streaming.breaker import Breaker
from streaming.candidates import SLOTS, Candidate, Chain, Price
from streaming.counts import Counts
from streaming.hedging import Hedges, Opening
from streaming.overhead import Stamps
from streaming.progress import Progress
from streaming.providers.base import End, LlmRequest, Provider, Text
from streaming.purse import Purse, Screen
from streaming.speaking import (
    THRIFTY_TOKENS,
    Restarted,
    Routed,
    Speaker,
    TurnLimits,
    compacted,
    estimated,
    limits_for,
)
from streaming.voice import Attempt

__all__ = [
    "Restarted",
    "Routed",
    "Routing",
    "Speaker",
    "TurnLimits",
    "compacted",
    "estimated",
    "limits_for",
]

_logger = logging.getLogger(__name__)

TURNS_MOST = 200
"""Turns that a node is made for; second calls stop at 80 % of them."""
CLOSE_S = 5.0
"""Longest wait for stopped turns, and for calls that are being closed, at the process's end."""


class Routing:
    """Turns a request into one voice's text; the last of `chain` is the built-in tutor.

    `chain` holds providers or tiers of providers (lists); a provider by itself is its own tier.
    Without `limits` they are `limits_for` its providers. `dice` gives floats in [0, 1): for jitter
    and for the 2 % of turns that measure another provider. `cost_weight` is milliseconds of wait
    that a micro-USD is worth inside a tier. `hedge` allows second calls (`streaming/hedging.py`).

    What it remembers, in this process only: each provider's breaker, its newest 100 waits and its
    errors of 5 minutes; which provider answered a session last (10,000 sessions). `counts` are its
    counters, `breakers` the breakers by `provider/model`.
    Raises ValueError for a chain that does not end with the built-in tutor.
    """

    def __init__(
        self,
        chain: Sequence[Provider | Sequence[Provider]],
        *,
        limits: TurnLimits | None = None,
        dice: Callable[[], float] = random.random,
        hedge: bool = False,
        cost_weight: float = 0.0,
        slots: int = SLOTS,
        turns_most: int = TURNS_MOST,
    ) -> None:
        self._chain = Chain(chain, _now_s, dice=dice, cost_weight=cost_weight, slots=slots)
        self._limits = limits or limits_for([c.provider for c in self._chain.models])
        self._dice = dice
        self.counts = Counts()
        self._hedges = Hedges(self.counts, on=hedge, turns_most=turns_most)
        self._running = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._behind: set[asyncio.Task[object]] = set()

    @property
    def running(self) -> int:
        """Turns that are being said now."""
        return self._running

    @property
    def breakers(self) -> dict[str, Breaker]:
        """Each model's breaker by `provider/model`."""
        return {c.key: c.breaker for c in self._chain.models}

    def first(
        self,
        request: LlmRequest | None = None,
        *,
        session: str = "",
        allowed: Callable[[Provider], bool] | None = None,
        purse: Purse | None = None,
    ) -> Speaker:
        """Who would speak if a turn began now; takes nothing.

        Give it what `stream` will be given. A request without messages may be given to no model:
        the built-in tutor speaks.
        """
        if request is not None and not request.messages:
            return self._chain.builtin.speaker
        turn = self._progress(request or _UNASKED, purse, None, session, allowed)
        home = self._chain.home(session)
        turn.thrifty = purse is not None and home is not None and home.thrifty
        return (self._best(turn, explore=True) or self._chain.builtin).speaker

    async def stream(
        self,
        request: LlmRequest,
        announced: Speaker | None = None,
        *,
        purse: Purse | None = None,
        screens: Callable[[], Screen] | None = None,
        session: str = "",
        allowed: Callable[[Provider], bool] | None = None,
        stamps: Stamps | None = None,
    ) -> AsyncGenerator[Routed, None]:
        """The turn's text, restarts and spending, closed by exactly one `End`.

        `announced` is what `first` said and the learner was told: if another has to begin, the
        stream opens with `Restarted`. Each attempt at a model is reserved in `purse` before its
        call and settled once; each attempt, the built-in tutor's too, passes a screen of its own.
        `session` keeps a learner with a provider. `allowed` is the tenant's list.
        With `stamps` what is added to the first text is counted; the reader has put a piece into
        the log when it asks for the next one.
        Raises `ProviderFailed` only if the built-in tutor failed.
        """
        turn = self._progress(request, purse, screens, session, allowed)
        turn.stamps = stamps
        self._hedges.turn(turn.began_s)
        self._running += 1
        self._quiet.clear()
        try:
            async with aclosing(self._spoken(turn, announced)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._running -= 1
            if not self._running:
                self._quiet.set()

    async def aclose(self) -> None:
        """Close what is still being closed, and every provider's connections.

        Turns that were stopped are waited for, so that they are settled when this returns.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._quiet.wait()
        if self._behind:
            await asyncio.wait(set(self._behind), timeout=CLOSE_S)
        for candidate in (*self._chain.models, self._chain.builtin):
            try:
                await candidate.provider.aclose()
            except Exception:  # the others are closed all the same
                _logger.exception("provider %s broke while it was closed", candidate.key)

    # --- one turn ---------------------------------------------------------------------------------

    async def _spoken(
        self, turn: Progress, announced: Speaker | None
    ) -> AsyncGenerator[Routed, None]:
        said = announced
        while True:
            attempt = await self._opened(turn, announced)
            announced = None
            try:
                if said not in (None, attempt.candidate.speaker):
                    yield self._restarted(turn, attempt)
                said = attempt.candidate.speaker
                attempt, piece = await self._opening(turn, attempt)
                if piece is not None and said != attempt.candidate.speaker:
                    yield self._restarted(turn, attempt)
                    said = attempt.candidate.speaker
                while piece is not None:
                    ended = isinstance(piece, End)
                    turn.spoke = turn.spoke or not ended
                    if ended and (spent := turn.bill()) is not None:
                        yield spent
                    if ended:
                        self._answered(turn, attempt.candidate)
                    yield piece
                    if ended:
                        return
                    piece = await attempt.said()
            finally:
                await attempt.aclose()
            if (spent := turn.bill()) is not None:
                yield spent
            if attempt.candidate.builtin:
                for last in self._last_words(turn, attempt):
                    yield last
                return
            await self._plan(turn, attempt)

    async def _opening(self, turn: Progress, attempt: Attempt) -> tuple[Attempt, Opening]:
        """The voice of this part of the turn, and its first piece."""
        alone = attempt.candidate.builtin or turn.hedged or turn.thrifty
        if alone or turn.restarts >= turn.limits.restarts:
            return attempt, await attempt.said()
        if not self._hedges.allowed(_now_s(), self._running):
            return attempt, await attempt.said()

        async def rival() -> Attempt | None:
            return await self._rival(turn, attempt)

        voice, piece = await self._hedges.raced(attempt, rival, self._let_go)
        if voice is not attempt:
            turn.reason = attempt.failure.kind if attempt.failure is not None else "hedge"
        return voice, piece

    def _last_words(self, turn: Progress, attempt: Attempt) -> Iterable[Routed]:
        """The end of a turn whose built-in text did not reach its own; raises where it failed."""
        if attempt.failure is not None:
            raise attempt.failure
        _logger.error("the built-in tutor's own text was caught: %s", attempt.caught)
        turn.reason = attempt.caught or turn.reason
        if attempt.shown_chars:
            yield self._restarted(turn, attempt)
        if attempt.request.safe_text:
            yield Text(attempt.request.safe_text)
        self.counts.turns[attempt.candidate.speaker.source] += 1
        yield End("stop")

    def _restarted(self, turn: Progress, attempt: Attempt) -> Restarted:
        turn.restarts += 1
        self.counts.restarts[turn.reason] += 1
        speaker = attempt.candidate.speaker
        return Restarted(speaker.provider, speaker.model, turn.reason)

    def _answered(self, turn: Progress, candidate: Candidate) -> None:
        self.counts.turns[candidate.speaker.source] += 1
        if not candidate.builtin:
            self._chain.answered(
                turn.session,
                candidate,
                now_s=_now_s(),
                thrifty=turn.thrifty,
                left=turn.homeless,
            )

    async def _plan(self, turn: Progress, attempt: Attempt) -> None:
        """Decide who may come next; waits a moment before the same provider is asked again."""
        turn.homeless = True
        if attempt.caught is not None:
            turn.reason, turn.builtin_only = attempt.caught, True
            return
        assert attempt.failure is not None
        kind, candidate = attempt.failure.kind, attempt.candidate
        turn.reason = kind
        turn.builtin_only = turn.builtin_only or kind == "refused"
        if kind not in ("connect", "context_length") or attempt.raw:
            return
        if (candidate, kind) in turn.retried:
            return
        turn.retried.add((candidate, kind))
        if kind == "connect":
            low_s, high_s = turn.limits.retry_s
            await asyncio.sleep(low_s + (high_s - low_s) * self._dice())
            turn.again = candidate
        elif (smaller := compacted(turn.request.messages)) is not None:
            turn.request = msgspec.structs.replace(turn.request, messages=smaller)
            turn.again = candidate

    # --- opening an attempt -----------------------------------------------------------------------

    async def _opened(self, turn: Progress, announced: Speaker | None) -> Attempt:
        """An attempt that may be called: its slot taken, its cost set aside."""
        await self._ask_purse(turn)
        while True:
            candidate = self._choose(turn, announced)
            announced = None
            if candidate.builtin:
                return Attempt(turn, candidate, self.counts, self._keep)
            if not await self._seated(turn, candidate):
                turn.passed.add(candidate)
                turn.reason = "slots"
                continue
            attempt = self._begun(turn, candidate)
            if await self._reserved(attempt):
                return attempt
            turn.builtin_only = True
            turn.reason = "budget"

    async def _rival(self, turn: Progress, first: Attempt) -> Attempt | None:
        """The attempt that races `first`: another provider that is free at once, or None."""
        await self._ask_purse(turn)
        name = first.candidate.provider.name
        fit = [c for c in self._fit(turn) if c.provider.name != name and not c.slots.locked()]
        candidate = self._chain.best(fit, now_s=_now_s(), session=turn.session, price=_price(turn))
        if turn.thrifty or candidate is None:
            return None
        turn.hedged = True
        await candidate.slots.acquire()  # at once: it is not locked
        attempt = self._begun(turn, candidate)
        if await self._reserved(attempt):
            return attempt
        turn.tried.discard(candidate)  # it was not called
        return None

    def _begun(self, turn: Progress, candidate: Candidate) -> Attempt:
        turn.tried.add(candidate)
        others = bool(self._fit(turn))
        return Attempt(turn, candidate, self.counts, self._keep, others=others)

    async def _reserved(self, attempt: Attempt) -> bool:
        """Whether there is money for it; else, or if the turn is cancelled, it is concluded."""
        enough = False
        try:
            enough = await attempt.reserve()
        finally:
            if not enough:
                attempt.conclude("left")
        return enough

    async def _ask_purse(self, turn: Progress) -> None:
        """Learn whether this turn has to save; it has to where no answer comes in time."""
        if turn.purse is None or turn.builtin_only:
            return
        try:
            async with asyncio.timeout_at(turn.patience_s):
                turn.thrifty = await turn.purse.thrifty()
        except TimeoutError:
            turn.thrifty = True
        except Exception:  # who cannot say what is left is asked to spend little
            _logger.exception("a budget could not say what is left")
            turn.thrifty = True
        if turn.thrifty and turn.request.max_tokens > THRIFTY_TOKENS:
            turn.request = msgspec.structs.replace(turn.request, max_tokens=THRIFTY_TOKENS)

    async def _seated(self, turn: Progress, candidate: Candidate) -> bool:
        """Take one of the provider's slots, waiting a moment where all are taken."""
        try:
            async with asyncio.timeout_at(min(_now_s() + turn.limits.slot_s, turn.patience_s)):
                await candidate.slots.acquire()
        except TimeoutError:
            return False
        if candidate.may_speak():
            return True
        candidate.slots.release()  # its breaker opened meanwhile
        return False

    # --- choosing ---------------------------------------------------------------------------------

    def _choose(self, turn: Progress, announced: Speaker | None) -> Candidate:
        now_s, limits = _now_s(), turn.limits
        late = now_s > turn.over_s - limits.last_start_s
        silent = not turn.spoke and now_s >= turn.patience_s
        if turn.builtin_only or late or silent or turn.restarts >= limits.restarts:
            return self._chain.builtin
        again, turn.again = turn.again, None
        if again is not None and again.may_speak():
            return again
        best = self._best(turn, explore=announced is None and not turn.tried)
        if announced is None:
            return best or self._chain.builtin
        return self._as_announced(turn, announced, best)

    def _as_announced(
        self, turn: Progress, announced: Speaker, best: Candidate | None
    ) -> Candidate:
        """Who was announced, if they may begin; they were chosen a moment ago."""
        told = self._chain.spoken_by(announced)
        if told is not None and told.builtin:
            turn.builtin_only = True
            return told
        if best is None or told is None or told not in self._fit(turn):
            return best or self._chain.builtin
        if told.slots.locked():
            turn.reason = "slots"
            return best
        price = _price(turn)
        if turn.thrifty and price is not None and price(told.provider) > price(best.provider):
            turn.reason = "budget"
            return best
        return told

    def _best(self, turn: Progress, *, explore: bool) -> Candidate | None:
        """The best that may be asked; one with a free slot before one without."""
        now_s, fit, price = _now_s(), self._fit(turn), _price(turn)
        free = [c for c in fit if not c.slots.locked()] or fit
        if turn.thrifty and price is not None:
            return self._chain.cheapest(free, now_s=now_s, price=price)
        return self._chain.best(
            free, now_s=now_s, session=turn.session, price=price, explore=explore
        )

    def _fit(self, turn: Progress) -> list[Candidate]:
        """Models that may still be asked in this turn, in the chain's order."""
        tried, passed, allowed = turn.tried, turn.passed, turn.allowed
        if len(tried) >= turn.limits.models:
            return []
        return [
            c
            for c in self._chain.models
            if c not in tried
            and c not in passed
            and c.may_speak()
            and (allowed is None or allowed(c.provider))
        ]

    # --- behind -----------------------------------------------------------------------------------

    def _progress(
        self,
        request: LlmRequest,
        purse: Purse | None,
        screens: Callable[[], Screen] | None,
        session: str,
        allowed: Callable[[Provider], bool] | None,
    ) -> Progress:
        return Progress(
            request,
            _now_s(),
            self._limits,
            purse=purse,
            screens=screens,
            session=session,
            allowed=allowed,
        )

    def _keep(self, task: asyncio.Task[Any]) -> None:
        """Hold a task alive until it is done."""
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)

    def _let_go(self, attempt: Attempt, task: asyncio.Task[Opening]) -> None:
        """Close an attempt behind the turn's back."""
        attempt.left_behind = True
        self._keep(asyncio.get_running_loop().create_task(attempt.closed_after(task)))


_UNASKED = LlmRequest(messages=(), max_tokens=0)
"""Stands in where `first` is asked about no request in particular."""


def _price(turn: Progress) -> Price | None:
    """What an attempt of this turn may cost, asked of the purse."""
    purse = turn.purse
    if purse is None:
        return None

    def priced(provider: Provider) -> int:
        return purse.price(provider.name, provider.model, turn.request)

    return priced


def _now_s() -> float:
    return asyncio.get_running_loop().time()
