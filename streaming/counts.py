"""What a process counts of its tutor turns and its providers' calls. This file is those counters.

They only grow; whoever shows them (the server's metrics) reads them when asked. No count names a
learner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from streaming.overhead import Overhead, Waits
from streaming.providers.base import Spent

WAIT_BOUNDS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.5, 5.0, 8.0)
"""Upper bounds of the buckets of a wait, in seconds; one more bucket holds the rest."""

HedgeOutcome = Literal["sent", "won", "lost", "failed"]


class Screened:
    """What the guards did with the text that came.

    `held_chars` sums over all pieces what had come and was not shown after that piece;
    `held_most_chars` is the largest such number. Markup that is taken out counts as held until its
    attempt has ended.
    """

    __slots__ = ("held_chars", "held_most_chars", "pieces", "seconds")

    def __init__(self) -> None:
        self.pieces = 0
        self.seconds = 0.0
        self.held_chars = 0
        self.held_most_chars = 0

    def record(self, taken_s: float, held_chars: int) -> None:
        """Count one piece: the seconds the guards took, the characters that wait after it."""
        self.pieces += 1
        self.seconds += taken_s
        self.held_chars += held_chars
        self.held_most_chars = max(self.held_most_chars, held_chars)


class Counts:
    """All counters of one router, by the labels named.

    | attribute | labels | what |
    |---|---|---|
    | `ttft` | provider, model | call to first text, of calls that gave text |
    | `overhead` | stage | what the router adds to a first text (`streaming/overhead.py`) |
    | `failures` | provider, kind | attempts that failed |
    | `restarts` | reason | answers begun anew, or by another than was announced |
    | `hedges` | `sent`, `won`, `lost`, `failed` | second calls while the first was silent |
    | `guard_hits` | guard, model | attempts stopped by a guard |
    | `screened` | - | pieces, seconds, characters held by the guards |
    | `tokens` | provider, `input`, `output`, `cached_in` or `cache_write` | as providers counted |
    | `turns` | source | turns that reached their end, by who spoke last |

    The cached share of a provider is `cached_in` over `input`. A breaker's state is asked of
    `Routing.breakers`.
    """

    __slots__ = (
        "failures",
        "guard_hits",
        "hedges",
        "overhead",
        "restarts",
        "screened",
        "tokens",
        "ttft",
        "turns",
    )

    def __init__(self) -> None:
        self.ttft: dict[tuple[str, str], Waits] = {}
        self.overhead = Overhead()
        self.failures: Counter[tuple[str, str]] = Counter()
        self.restarts: Counter[str] = Counter()
        self.hedges: Counter[HedgeOutcome] = Counter()
        self.guard_hits: Counter[tuple[str, str]] = Counter()
        self.screened = Screened()
        self.tokens: Counter[tuple[str, str]] = Counter()
        self.turns: Counter[str] = Counter()

    def first_text(self, provider: str, model: str, wait_s: float) -> None:
        """A call gave its first text after so many seconds."""
        self.ttft.setdefault((provider, model), Waits(WAIT_BOUNDS_S)).record(wait_s)

    def spent(self, provider: str, spent: Spent) -> None:
        """A provider counted a call's tokens; estimates are not counted."""
        if spent.estimated:
            return
        for name, tokens in _tokens(spent).items():
            self.tokens[provider, name] += tokens


def _tokens(spent: Spent) -> Mapping[str, int]:
    return {
        "input": spent.input,
        "output": spent.output,
        "cached_in": spent.cached_in,
        "cache_write": spent.cache_write,
    }
