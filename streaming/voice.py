"""One provider's attempt at a turn's answer: watched, screened, billed. This file is that attempt.

An attempt is concluded once, whatever ends it: then its breaker is told, its reservation settled
and its slot given back, in one step that never waits. Its upstream call is closed after that.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any, Literal

from streaming.candidates import Candidate
from streaming.counts import Counts
from streaming.overhead import STAMPS
from streaming.progress import Progress
from streaming.providers.base import (
    End,
    FailureKind,
    Piece,
    ProviderFailed,
    Spent,
    Text,
)
from streaming.purse import Hold
from streaming.speaking import (
    ALARMING,
    LOST_WEIGHT,
    NO_COUNT,
    RETRY_AFTER_S,
    SHUT_S,
    SHUTS,
    UNPAID,
    estimated,
)

_logger = logging.getLogger(__name__)

FIRST_FACTOR = 3.0
"""An attempt may take so many times the p95 of its provider's waits."""

GOODBYE_S = 0.02
"""How long a turn waits for an upstream call to be closed; then that goes on behind it."""

Keep = Callable[["asyncio.Task[Any]"], None]
Said = Text | End
"""What an attempt says to its turn."""
Ending = Literal["done", "failed", "caught", "lost", "left"]
"""How it ended: complete; failed; stopped by a guard; slower than its rival; given up."""


class Attempt:
    """What one provider says in one turn. It takes a permit of its breaker when it is made.

    The caller holds a slot of `candidate` already (the built-in tutor has none), calls `reserve`
    if there is a purse, reads `said` until None, and in any case `aclose`s. `keep` holds tasks
    alive for which nobody waits. `others` says whether another model remains. After None either
    `failure` or `caught` says why there was no end.
    """

    __slots__ = (
        "_called_s",
        "_concluded",
        "_counts",
        "_hold",
        "_keep",
        "_limit",
        "_others",
        "_permit",
        "_pieces",
        "_raw_chars",
        "_screen",
        "_stamps",
        "_usage",
        "candidate",
        "caught",
        "failure",
        "left_behind",
        "raw",
        "request",
        "shown_chars",
        "turn",
    )

    def __init__(
        self,
        turn: Progress,
        candidate: Candidate,
        counts: Counts,
        keep: Keep,
        *,
        others: bool = False,
    ) -> None:
        self.turn = turn
        self.candidate = candidate
        self.request = turn.request
        self.raw: list[str] = []
        """The provider's text, as it came."""
        self.shown_chars = 0
        self.failure: ProviderFailed | None = None
        self.caught: str | None = None
        self.left_behind = False
        """Whether somebody else closes the call; a generator is closed by one only."""
        self._counts = counts
        self._keep = keep
        self._others = others
        self._permit = candidate.breaker.permit()
        self._hold: Hold | None = None
        self._limit: asyncio.Timeout | None = None
        self._raw_chars = 0
        self._usage: Spent | None = None
        self._called_s: float | None = None
        self._concluded = False
        self._screen = turn.screens() if turn.screens is not None else None
        self._stamps = None if candidate.builtin else turn.stamps
        turn.stamps = None
        self._pieces = self._spoken()
        candidate.running += 1

    async def reserve(self) -> bool:
        """Set what this attempt may use aside; False where that was refused or took too long."""
        purse, provider = self.turn.purse, self.candidate.provider
        if purse is None or self.candidate.builtin:
            return True
        asking = asyncio.ensure_future(purse.reserve(provider.name, provider.model, self.request))
        self._keep(asking)
        try:
            async with asyncio.timeout_at(self.turn.patience_s):
                self._hold = await asyncio.shield(asking)
        except TimeoutError:
            asking.add_done_callback(_given_back)
        except asyncio.CancelledError:
            asking.add_done_callback(_given_back)
            raise
        except Exception:  # nothing is spent that cannot be counted, and the tutor answers still
            _logger.exception("a reservation failed")
        return self._hold is not None

    async def said(self) -> Said | None:
        """The next piece: text, or the end. None once it ended otherwise."""
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            return None

    def conclude(self, how: Ending) -> None:
        """End it once: breaker, statistics, bill and slot. Later calls change nothing."""
        if self._concluded:
            return
        self._concluded = True
        candidate = self.candidate
        candidate.running -= 1
        if candidate.builtin:
            candidate.breaker.gave_up(self._permit)
            return
        candidate.slots.release()
        self._judge(how)
        self._settle()

    async def aclose(self) -> None:
        """Conclude it if nothing has, and close its upstream call."""
        self.conclude("left")
        if not self.left_behind:
            await self._pieces.aclose()

    async def closed_after(self, task: asyncio.Task[Said | None]) -> None:
        """Close the upstream call for which `task` waits: it is cancelled, and waited for."""
        self.conclude("left")
        if self._limit is not None:
            with suppress(RuntimeError):  # it was over
                self._limit.reschedule(None)  # it would break in on the provider's goodbye
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is not None:
            _logger.error("a call that was given up broke", exc_info=task.exception())
        await self._pieces.aclose()

    # --- the end ----------------------------------------------------------------------------------

    def _judge(self, how: Ending) -> None:
        candidate, breaker, now_s = self.candidate, self.candidate.breaker, _now_s()
        kind = self.failure.kind if self.failure is not None else None
        if how == "done":
            breaker.succeeded(self._permit)
            candidate.errors.count(now_s, 1, 0)
        elif how == "lost":
            breaker.failed(self._permit, LOST_WEIGHT)
            candidate.errors.count(now_s, 1, LOST_WEIGHT)
        elif how == "failed" and kind is not None and kind not in NO_COUNT:
            self._blame(kind)
            candidate.errors.count(now_s, 1, 1)
        else:
            breaker.gave_up(self._permit)
            if how != "left":
                candidate.errors.count(now_s, 1, 0)
        silent = not self.raw and self._called_s is not None
        if silent and (how == "lost" or kind == "first_token"):
            assert self._called_s is not None
            candidate.first_tokens.in_vain(now_s - self._called_s, now_s)

    def _blame(self, kind: FailureKind) -> None:
        breaker = self.candidate.breaker
        if kind in SHUTS:
            breaker.shut(self._permit, SHUT_S)
        elif kind == "rate_limited":
            assert self.failure is not None
            breaker.shut(self._permit, self.failure.retry_after_s or RETRY_AFTER_S)
        else:
            breaker.failed(self._permit)

    def _settle(self) -> None:
        """Charge what was used: as counted by the provider, else estimated from what it said."""
        spent = self._used()
        if self._hold is not None:
            spent = self._hold.settle(spent)
            self._hold = None
        self._counts.spent(self.candidate.provider.name, spent)
        if spent.input or spent.output or spent.micro_usd:
            self.turn.pay(spent)

    def _used(self) -> Spent:
        if self._usage is not None and self._usage.input > 0:  # no prompt is of no tokens
            return self._usage
        unpaid = self.failure is not None and self.failure.kind in UNPAID and not self.raw
        if unpaid or self._called_s is None:
            return Spent(0, 0)
        return estimated(self.request, "".join(self.raw))

    # --- what is said -----------------------------------------------------------------------------

    async def _spoken(self) -> AsyncGenerator[Said, None]:
        """The screened text up to its end; returns early where it failed or was caught."""
        try:
            async with aclosing(self._timed()) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Spent):
                        self._usage = piece
                        continue
                    if self._stamps is not None:
                        self._stamps.heard()
                    text = self._screened(piece)
                    if self.caught is not None:
                        self.conclude("caught")
                        return
                    if text:
                        self.shown_chars += len(text)
                        yield Text(text)
                        self._logged()
                    if isinstance(piece, End):
                        self.conclude("done")
                        yield piece
                        return
        except ProviderFailed as failed:
            self._fail(failed)

    def _logged(self) -> None:
        """The reader came back: what it was given stands in the log."""
        if self._stamps is not None:
            self._stamps.shown(self._counts.overhead)
            self._stamps = None

    def _screened(self, piece: Said) -> str:
        """What may be shown now; at the end what was held back."""
        screen = self._screen
        if screen is None:
            return piece.text if isinstance(piece, Text) else ""
        start_s = time.perf_counter()
        try:
            text = screen.push(piece.text) if isinstance(piece, Text) else screen.finish()
        except Exception:  # what no guard has passed is not shown, and another voice may pass
            _logger.exception("a guard broke on the text of %s", self._name)
            raise ProviderFailed("internal", "a bug of a guard") from None
        taken_s = time.perf_counter() - start_s
        self.caught = screen.caught
        if self.caught is not None:
            self._counts.guard_hits[self.caught, self.candidate.provider.model] += 1
            text = ""
        if isinstance(piece, Text):
            held_chars = self._raw_chars - self.shown_chars - len(text)
            self._counts.screened.record(taken_s, max(0, held_chars))
        else:
            self._counts.screened.seconds += taken_s
        return text

    def _fail(self, failed: ProviderFailed) -> None:
        self.failure = failed
        name = self.candidate.provider.name
        self._counts.failures[name, failed.kind] += 1
        level = logging.ERROR if failed.kind in ALARMING else logging.WARNING
        _logger.log(level, "provider %s failed: %s", name, failed)
        self.conclude("failed")

    # --- the watch --------------------------------------------------------------------------------

    async def _timed(self) -> AsyncGenerator[Piece, None]:
        """The provider's pieces within the turn's limits; the built-in tutor has none."""
        free, over_s = self.candidate.builtin, self.turn.over_s
        self._called_s = _now_s()
        STAMPS.set(self._stamps)
        if self._stamps is not None:
            self._stamps.called()
        until_s = None if free else min(self._first_by_s(self._called_s), over_s)
        limits = self.turn.limits
        stall_s = limits.local_stall_s if self.candidate.provider.local else limits.stall_s
        pieces = aiter(self.candidate.provider.stream(self.request))
        try:
            while True:
                piece = await self._next(pieces, until_s)
                if isinstance(piece, Text):
                    self._heard(piece.text)
                yield piece
                if isinstance(piece, End):
                    return
                if isinstance(piece, Text):
                    until_s = None if free else min(_now_s() + stall_s, over_s)
        except (asyncio.CancelledError, GeneratorExit):
            self.conclude("left")  # a goodbye may take its time, a bill and a slot need none
            raise
        finally:
            if isinstance(pieces, AsyncGenerator):
                await self._closed(pieces)

    async def _closed(self, pieces: AsyncGenerator[Piece, None]) -> None:
        """Close the upstream call; a slow goodbye goes on behind, also if the turn is cancelled."""
        closing = asyncio.get_running_loop().create_task(_said_goodbye(pieces, self._name))
        self._keep(closing)
        await asyncio.wait({closing}, timeout=GOODBYE_S)

    def _heard(self, text: str) -> None:
        if not self.raw and not self.candidate.builtin:
            assert self._called_s is not None
            now_s, provider = _now_s(), self.candidate.provider
            wait_s = now_s - self._called_s
            self.candidate.first_tokens.heard(wait_s, now_s)
            self._counts.first_text(provider.name, provider.model, wait_s)
        self.raw.append(text)
        self._raw_chars += len(text)

    def _first_by_s(self, now_s: float) -> float:
        """When text is due: soon while another model remains, else at the turn's own limit."""
        turn, limits = self.turn, self.turn.limits
        least_s, most_s = limits.attempt_first_s
        alone_s = limits.first_token_s
        if self._others:
            p95_s = self.candidate.first_tokens.p95_s()
            alone_s = most_s if p95_s is None else clamped(FIRST_FACTOR * p95_s, least_s, most_s)
        by_s = now_s + alone_s
        return by_s if turn.spoke else min(by_s, turn.began_s + limits.first_token_s)

    async def _next(self, pieces: AsyncIterator[Piece], until_s: float | None) -> Piece:
        limit = self._limit = asyncio.timeout_at(until_s)
        try:
            async with limit:
                return await anext(pieces)
        except StopAsyncIteration:
            raise ProviderFailed("truncated", "the provider stopped without an end") from None
        except TimeoutError as error:
            if not limit.expired():
                raise self._broke(error) from None
            if self.raw and until_s is not None and until_s >= self.turn.over_s:
                return End("deadline")
            kind: FailureKind = "stall" if self.raw else "first_token"
            raise ProviderFailed(kind, "the turn's own limit") from None
        except (ProviderFailed, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - logged with its traceback
            raise self._broke(error) from None

    def _broke(self, error: Exception) -> ProviderFailed:
        """The edge of an attempt: a bug of an adapter must not silence the tutor."""
        _logger.error("provider %s raised what is not in its contract", self._name, exc_info=error)
        return ProviderFailed("internal", "a bug of the adapter")

    @property
    def _name(self) -> str:
        return self.candidate.provider.name


def clamped(value: float, least: float, most: float) -> float:
    """The value, no less than `least` and no more than `most`."""
    return min(max(value, least), most)


def _given_back(asking: asyncio.Task[Hold | None]) -> None:
    """A reservation that came too late for its attempt costs nothing."""
    if asking.cancelled():
        return
    if asking.exception() is not None:
        _logger.error("a reservation failed after its turn", exc_info=asking.exception())
        return
    hold = asking.result()
    if hold is not None:
        hold.settle(Spent(0, 0))


async def _said_goodbye(pieces: AsyncGenerator[Piece, None], name: str) -> None:
    try:
        await pieces.aclose()
    except Exception:  # nobody waits for it, and the attempt is over
        _logger.exception("provider %s broke while it was closed", name)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
