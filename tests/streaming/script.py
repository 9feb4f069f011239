"""Providers that play scripts, purses and screens that note what they are asked, on virtual time.

This file is the small stage of the router's tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from streaming.providers.base import (
    ChatMessage,
    End,
    LlmRequest,
    Piece,
    Provider,
    ProviderFailed,
    Spent,
    Text,
)
from streaming.providers.builtin import Builtin
from streaming.routing import Restarted, Routed, Routing, TurnLimits
from tests.virtual import run

Step = Piece | ProviderFailed | float
REQUEST = LlmRequest(
    messages=(ChatMessage("system", "Teach."), ChatMessage("user", "Why?")),
    max_tokens=220,
    builtin_text="Look at both sides.",
    safe_text="Which step are you sure of?",
)
GOOD: list[Step] = [Text("Think"), Text(" again."), Spent(10, 2), End("stop")]


class Scripted:
    """Plays one script a call, the last one for ever: a number waits so many seconds, a failure
    is raised. `events` notes calls and closings, `close_s` is how long closing takes."""

    def __init__(
        self,
        *scripts: list[Step],
        name: str = "cloud",
        model: str | None = None,
        local: bool = False,
        events: list[str] | None = None,
        close_s: float = 0.0,
    ) -> None:
        self.name = name
        self.model = model or f"{name}-1"
        self.ready = True
        self.local = local
        self.first_token_s = 2.5
        self.scripts = list(scripts)
        self.requests: list[LlmRequest] = []
        self.events = events if events is not None else []
        self.closed = 0
        self.running = 0
        self._close_s = close_s

    def warm(self) -> float:
        return 0.0

    async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        self.requests.append(request)
        self.events.append(f"call {self.name}")
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.running += 1
        try:
            for step in script:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif isinstance(step, ProviderFailed):
                    raise step
                else:
                    yield step
        finally:
            if self._close_s:
                await asyncio.sleep(self._close_s)
            self.running -= 1
            self.closed += 1
            self.events.append(f"close {self.name}")

    async def aclose(self) -> None:
        self.closed += 1000


class NotedHold:
    """A reservation that notes its settlements."""

    def __init__(self, purse: NotedPurse, name: str) -> None:
        self._purse = purse
        self.name = name
        self.settled: list[Spent] = []

    def settle(self, spent: Spent) -> Spent:
        self._purse.events.append(f"settle {self.name}")
        self.settled.append(spent)
        price = self._purse.prices.get(self.name, 1)
        cost = None if price is None else price * (spent.input + spent.output)
        return Spent(
            spent.input,
            spent.output,
            spent.cached_in,
            spent.cache_write,
            estimated=spent.estimated,
            micro_usd=cost,
        )


class NotedPurse:
    """A purse that grants `grants` reservations, each after `wait_s`; prices are a token's."""

    def __init__(
        self,
        *,
        grants: int = 1_000,
        saving: bool = False,
        prices: dict[str, int | None] | None = None,
        events: list[str] | None = None,
        wait_s: float = 0.0,
        refuses: Sequence[str] = (),
    ) -> None:
        self.grants = grants
        self.saving = saving
        self.prices = prices or {}
        self.events = events if events is not None else []
        self.wait_s = wait_s
        self.refuses = refuses
        self.holds: list[NotedHold] = []

    async def reserve(self, provider: str, model: str, request: LlmRequest) -> NotedHold | None:
        await asyncio.sleep(self.wait_s)
        if self.grants == 0 or provider in self.refuses:
            self.events.append(f"refuse {provider}")
            return None
        self.grants -= 1
        self.events.append(f"reserve {provider}")
        hold = NotedHold(self, provider)
        self.holds.append(hold)
        return hold

    async def thrifty(self) -> bool:
        return self.saving

    def price(self, provider: str, model: str, request: LlmRequest) -> int:
        price = self.prices.get(provider, 1)
        return (1_000 if price is None else price) * request.max_tokens

    def settled_once(self) -> bool:
        return all(len(hold.settled) == 1 for hold in self.holds)


class CatchingScreen:
    """Holds the last `hold` characters back and catches a word, however it is cut."""

    def __init__(self, word: str = "SECRET", hold: int = 6, reason: str = "guard.answer") -> None:
        self._word = word
        self._hold = hold
        self._reason = reason
        self._text = ""
        self._shown = 0
        self.caught: str | None = None

    def push(self, text: str) -> str:
        self._text += text
        return self._upto(max(self._shown, len(self._text) - self._hold))

    def finish(self) -> str:
        return self._upto(len(self._text))

    def _upto(self, end: int) -> str:
        if self._word in self._text:
            self.caught = self._reason
            return ""
        new = self._text[self._shown : end]
        self._shown = end
        return new


def failing(kind: str, **more: object) -> list[Step]:
    """A script of one failure."""
    return [ProviderFailed(kind, "scripted", **more)]  # type: ignore[arg-type]  # a kind by name


def routing(*providers: Scripted, limits: TurnLimits | None = None, **more: Any) -> Routing:
    """A router over these, each its own tier, with dice that never explore."""
    chain: list[Provider] = [*providers, Builtin(pace_words_a_s=0)]
    return Routing(chain, limits=limits, **{"dice": lambda: 0.5, **more})


Timed = list[tuple[float, Routed]]


async def heard(router: Routing, request: LlmRequest = REQUEST, *args: Any, **more: Any) -> Timed:
    """Every piece with the seconds after the start at which it came."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    return [
        (round(loop.time() - start, 3), piece)
        async for piece in router.stream(request, *args, **more)
    ]


def shown(timed: Timed) -> str:
    """What is on screen at the end."""
    text = ""
    for _, piece in timed:
        if isinstance(piece, Restarted):
            text = ""
        elif isinstance(piece, Text):
            text += piece.text
    return text


def reasons(timed: Timed) -> list[tuple[str, str]]:
    """Every restart: who speaks then, and why."""
    return [(p.provider, p.reason) for _, p in timed if isinstance(p, Restarted)]


def ends(timed: Timed) -> list[str]:
    """The reasons of all ends."""
    return [p.reason for _, p in timed if isinstance(p, End)]


def total(timed: Timed) -> Spent | None:
    """What the turn cost."""
    return next((p for _, p in reversed(timed) if isinstance(p, Spent)), None)


def first_text_s(timed: Timed) -> float:
    """When the first text came."""
    return next(s for s, p in timed if isinstance(p, Text))


def played(
    *providers: Scripted,
    limits: TurnLimits | None = None,
    setting: dict[str, Any] | None = None,
    then: Callable[[Routing], None] | None = None,
    **more: Any,
) -> Timed:
    """One turn over these providers; checks that it has one end and leaves nothing running."""

    async def scenario() -> Timed:
        router = routing(*providers, limits=limits, **(setting or {}))
        timed = await heard(router, **more)
        await asyncio.sleep(0)
        if then is not None:
            then(router)
        assert router.running == 0
        return timed

    timed = run(scenario())
    assert len(ends(timed)) == 1
    assert isinstance(timed[-1][1], End)
    assert all(provider.running == 0 for provider in providers)
    return timed
