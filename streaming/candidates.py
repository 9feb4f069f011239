"""Which provider is asked first, and which next. This file is the order of the chain.

Tiers are the operator's order and are never mixed. Inside a tier the provider with the lowest
score is first:

    score_ms = mean first-token wait * (1 + 3 * error rate of 5 min) + cost_weight * micro_usd

A session stays where it was unless another is more than 30 % better, as a provider keeps what it
has read of a prompt; 2 % of turns measure the one whose last measure is oldest.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from streaming.breaker import Breaker
from streaming.providers.base import Provider
from streaming.providers.builtin import NAME as BUILTIN
from streaming.speaking import Speaker
from streaming.waits import FirstTokens, Share

SLOTS = 64
"""Calls that one provider may have running."""
ERROR_FACTOR = 3.0
STAY = 0.7
"""A session moves only to a provider whose score is below so much of its own one's."""
EXPLORED = 0.02
"""The part of turns that measures another provider of the tier."""
GUESS_MS = 1_000.0
"""The first-token wait of a provider that has none yet, once it has been tried."""
HOMES = 10_000
"""Sessions whose provider is remembered; the ones longest without a turn are forgotten."""


class Candidate:
    """A provider with its breaker, its slots and how it has done lately."""

    __slots__ = (
        "breaker",
        "builtin",
        "errors",
        "first_tokens",
        "key",
        "provider",
        "running",
        "slots",
        "speaker",
        "tier",
    )

    def __init__(
        self, provider: Provider, tier: int, clock: Callable[[], float], slots: int = SLOTS
    ) -> None:
        self.provider = provider
        self.tier = tier
        self.builtin = provider.name == BUILTIN
        self.key = f"{provider.name}/{provider.model}"
        source: Literal["builtin", "llm"] = "builtin" if self.builtin else "llm"
        self.speaker = Speaker(provider.name, provider.model, source)
        self.breaker = Breaker(clock)
        self.slots = asyncio.Semaphore(slots)
        self.first_tokens = FirstTokens()
        self.errors = Share()
        self.running = 0

    def may_speak(self) -> bool:
        """Whether a call may begin now, its slots aside."""
        return self.builtin or (self.provider.ready and self.breaker.allows())

    def unmeasured(self) -> bool:
        """Nobody knows how it does, and no call is about to tell."""
        return self.first_tokens.mean_s is None and not (self.running or self.errors.whole)

    def score_ms(self, now_s: float) -> float:
        """The wait to be expected, made longer by recent failures."""
        mean_s = self.first_tokens.mean_s
        wait_ms = GUESS_MS if mean_s is None else mean_s * 1000.0
        return wait_ms * (1.0 + ERROR_FACTOR * self.errors.at(now_s))


Price = Callable[[Provider], int]
"""Micro-USD that an attempt may cost."""


class Home(NamedTuple):
    """Where a session was answered, and whether a budget of its was nearly used up then."""

    candidate: Candidate
    thrifty: bool


class Chain:
    """Tiers of candidates, the last of them the built-in tutor alone.

    `dice` gives floats in [0, 1). `cost_weight` is milliseconds a micro-USD.
    Raises ValueError for tiers that are empty or end otherwise.
    """

    def __init__(
        self,
        tiers: Sequence[Provider | Sequence[Provider]],
        clock: Callable[[], float],
        *,
        dice: Callable[[], float],
        cost_weight: float = 0.0,
        slots: int = SLOTS,
    ) -> None:
        grouped = [list(t) if isinstance(t, Sequence) else [t] for t in tiers]
        names = [[provider.name for provider in tier] for tier in grouped]
        if names[-1:] != [[BUILTIN]] or any(BUILTIN in tier for tier in names[:-1]):
            raise ValueError(f"a chain ends with {BUILTIN!r} and has it nowhere else, {names} came")
        if [] in names:
            raise ValueError(f"a tier has at least one provider, {names} came")
        self._tiers = [
            [Candidate(provider, n, clock, slots) for provider in tier]
            for n, tier in enumerate(grouped)
        ]
        self._dice = dice
        self._cost_weight = cost_weight
        self._homes: OrderedDict[str, Home] = OrderedDict()
        self.models = [c for tier in self._tiers[:-1] for c in tier]
        """All candidates but the built-in tutor, in the chain's order."""
        self.builtin = self._tiers[-1][0]

    def spoken_by(self, speaker: Speaker) -> Candidate | None:
        """The candidate of that name and model."""
        every = (*self.models, self.builtin)
        return next((c for c in every if c.speaker == speaker), None)

    def best(
        self,
        fit: Iterable[Candidate],
        *,
        now_s: float,
        session: str = "",
        price: Price | None = None,
        explore: bool = False,
    ) -> Candidate | None:
        """The best of those that may be asked, in the first tier that has any.

        With `explore` the dice are thrown. Nothing is remembered.
        """
        able: list[Candidate] = []
        for candidate in fit:
            if able and candidate.tier != able[0].tier:
                break  # the chain's order is by tiers
            able.append(candidate)
        if len(able) < 2:
            return able[0] if able else None
        if explore and self._dice() < EXPLORED:
            return min(able, key=lambda c: c.first_tokens.measured_s)
        home = self._homes.get(session)
        if home is None or home.candidate not in able:
            fresh = next((c for c in able if c.unmeasured()), None)
            if fresh is not None:
                return fresh
        scores = [self._score_ms(c, now_s, price) for c in able]
        least = min(scores)
        own = able.index(home.candidate) if home and home.candidate in able else None
        stays = own is not None and least >= STAY * scores[own]
        return able[own if own is not None and stays else scores.index(least)]

    def cheapest(self, fit: Iterable[Candidate], *, now_s: float, price: Price) -> Candidate | None:
        """The one that may cost least, of any tier; of equal ones the earlier, then the faster."""
        return min(fit, key=lambda c: (price(c.provider), c.tier, c.score_ms(now_s)), default=None)

    def answered(
        self, session: str, candidate: Candidate, *, now_s: float, thrifty: bool, left: bool
    ) -> None:
        """Remember who answered a session.

        A session that was lent to another (to measure it, or for its price) keeps its home;
        `left` says that its home failed in this turn, so that it moves.
        """
        if not session:
            return
        home = self._homes.pop(session, None)
        if home is None or left or self._moved(home.candidate, candidate, now_s):
            keeper = candidate
        else:
            keeper = home.candidate
        self._homes[session] = Home(keeper, thrifty)
        if len(self._homes) > HOMES:
            self._homes.popitem(last=False)

    def home(self, session: str) -> Home | None:
        """Where the session was answered last, if that is remembered."""
        return self._homes.get(session)

    def _moved(self, home: Candidate, other: Candidate, now_s: float) -> bool:
        """Whether a session leaves its home for good, for an earlier tier or a better provider."""
        if other.tier != home.tier:
            return other.tier < home.tier or not home.may_speak()
        return not home.may_speak() or other.score_ms(now_s) < STAY * home.score_ms(now_s)

    def _score_ms(self, candidate: Candidate, now_s: float, price: Price | None) -> float:
        cost = self._cost_weight * price(candidate.provider) if self._cost_weight and price else 0.0
        return candidate.score_ms(now_s) + cost
