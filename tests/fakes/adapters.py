"""Every adapter beside the fake it is tried on. This file is the columns of `matrix.toml`.

To add an adapter, add one `Column` to `COLUMNS` and nothing else:

* `upstream()` is an async context manager whose value has `base_url`, `calls` and `called`, as
  `tests.fakes.wire.Fake` has (a fake of other bytes needs no more than `Upstream` below). What the
  adapter needs from outside (a variable, a certificate) is set up and put back by it too.
* `built(base_url, scenario, limits)` is the provider: `scenario` is its model's name, by which the
  fake chooses what to play; `limits` are the clocks and slots it must be given.
* `counted` is the usage that its complete answers carry.
* `moved(base_url, where)` is an address where no call gets through; the default suits HTTP.

A fake plays every row of `matrix.toml` under the row's name, and tells `WORDS` one piece a word:
all of them, or as many as the row's `chunks` says. A row that differs for one adapter says so
under `[rows.NAME.cells.COLUMN]`; one that an adapter cannot meet says why there, as `absent`.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from streaming.providers.anthropic import Anthropic
from streaming.providers.base import Provider, Spent
from streaming.providers.gemini import Gemini
from streaming.providers.gemini_legacy import GeminiLegacy
from streaming.providers.groq import Groq
from streaming.providers.openai import OpenAIChat
from streaming.providers.openai_responses import OpenAIResponses
from streaming.providers.presets import presets
from tests.fakes import (
    anthropic_messages,
    gemini_grpc,
    gemini_sse,
    groq_chat,
    openai_chat,
    openai_responses,
)
from tests.fakes.wire import CACHED_TOKENS, PROMPT_TOKENS, WORDS

WALL_S = 1_750_000_000.0
"""The adapters' wall clock: 2025-06-15T15:06:40Z; `429_date` is 20 s later."""
LONG_S = 60.0
"""A limit that must not be met."""
SHORT_S = 0.05
"""A limit that is to be met."""

Where = Literal["", "nobody", "plain", "nowhere"]
"""A call's address: the fake's own; one where it listens no more; its own, but by TLS, which it
does not speak; a host without an address."""

NOWHERE = "nowhere.invalid"
CHAT_COUNTED = Spent(PROMPT_TOKENS, len(WORDS), cached_in=CACHED_TOKENS)
RESPONSES_COUNTED = Spent(
    PROMPT_TOKENS,
    len(WORDS),
    cached_in=CACHED_TOKENS,
    cache_write=openai_responses.WRITTEN_TOKENS,
)


class Seen(Protocol):
    """One request as an upstream saw it."""

    left: asyncio.Event
    """Set when the client went before the answer was over."""
    left_s: float | None
    """When that was, by the loop's clock."""
    writing: asyncio.Event
    """Set once the answer's head was written, or never will be."""


class Upstream(Protocol):
    """A running fake."""

    @property
    def base_url(self) -> str:
        """What an adapter is given as its address."""
        ...

    @property
    def calls(self) -> Sequence[Seen]:
        """Requests so far."""
        ...

    @property
    def called(self) -> asyncio.Event:
        """Set with the first request."""
        ...


@dataclass(frozen=True)
class Limits:
    """What a provider is built with besides its address and model."""

    first_token_s: float = LONG_S
    stall_s: float = LONG_S
    slots: int = 64

    @staticmethod
    def wall_s() -> float:
        """The wall clock."""
        return WALL_S


def elsewhere(base_url: str, where: Where) -> str:
    """The address of an HTTP fake, moved to where no call gets through."""
    if where == "plain":
        return base_url.replace("http://", "https://")
    return base_url.replace("127.0.0.1", NOWHERE) if where == "nowhere" else base_url


@dataclass(frozen=True)
class Column:
    """One adapter and its fake."""

    name: str
    upstream: Callable[[], AbstractAsyncContextManager[Upstream]]
    built: Callable[[str, str, Limits], Provider]
    counted: Spent
    moved: Callable[[str, Where], str] = elsewhere


def _openai(
    preset: str, kind: type[OpenAIChat | OpenAIResponses] = OpenAIChat
) -> Callable[[str, str, Limits], Provider]:
    def built(base_url: str, scenario: str, limits: Limits) -> Provider:
        return kind(
            name=preset,
            model=scenario,
            base_url=base_url,
            api_key="key",
            quirks=presets()[preset].quirks,
            first_token_s=limits.first_token_s,
            stall_s=limits.stall_s,
            slots=limits.slots,
            wall_s=limits.wall_s,
        )

    return built


def _own(
    kind: type[Anthropic | Gemini | GeminiLegacy | Groq],
) -> Callable[[str, str, Limits], Provider]:
    def built(base_url: str, scenario: str, limits: Limits) -> Provider:
        return kind(
            name="fake",
            model=scenario,
            base_url=base_url,
            api_key="key",
            first_token_s=limits.first_token_s,
            stall_s=limits.stall_s,
            slots=limits.slots,
            wall_s=limits.wall_s,
        )

    return built


ANTHROPIC_COUNTED = Spent(
    PROMPT_TOKENS,
    len(WORDS),
    cached_in=CACHED_TOKENS,
    cache_write=anthropic_messages.WRITTEN_TOKENS,
)
GEMINI_COUNTED = Spent(
    PROMPT_TOKENS, len(WORDS) + gemini_sse.THOUGHT_TOKENS, cached_in=CACHED_TOKENS
)
COLUMNS: tuple[Column, ...] = (
    Column("openai", openai_chat.running, _openai("openai"), CHAT_COUNTED),
    Column("emergent", openai_chat.running, _openai("emergent"), CHAT_COUNTED),
    Column("openrouter", openai_chat.running, _openai("openrouter"), CHAT_COUNTED),
    Column("llamacpp", openai_chat.running, _openai("llamacpp"), CHAT_COUNTED),
    Column(
        "responses", openai_responses.running, _openai("openai", OpenAIResponses), RESPONSES_COUNTED
    ),
    Column("groq", groq_chat.running, _own(Groq), CHAT_COUNTED),
    Column("anthropic", anthropic_messages.running, _own(Anthropic), ANTHROPIC_COUNTED),
    Column("gemini", gemini_sse.running, _own(Gemini), GEMINI_COUNTED),
    Column(
        "gemini_legacy",
        gemini_grpc.running,
        _own(GeminiLegacy),
        CHAT_COUNTED,
        gemini_grpc.elsewhere,
    ),
)


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one adapter does differently in a row; `absent` is why it cannot meet the row at all."""

    absent: str = ""
    kind: str | None = None
    chunks: int | None = None
    retry_after_s: float | None = None
    requests: int | None = None


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is expected when a fake plays a scenario.

    A failure has a `kind`, a good answer an `end`. `chunks` counts the pieces of text before it;
    `limit` names the clock of ours that goes off; `where` moves the call to another address.
    """

    says: str
    chunks: int
    kind: str = ""
    end: Literal["", "stop", "length"] = ""
    retry_after_s: float | None = None
    requests: int = 1
    limit: Literal["", "first_token", "stall"] = ""
    where: Where = ""
    cells: dict[str, Cell] = {}

    def of(self, column: str) -> Row:
        """The row as it is expected of one adapter."""
        own = msgspec.structs.asdict(self.cells.get(column, Cell()))
        del own["absent"]
        return msgspec.structs.replace(self, **{k: v for k, v in own.items() if v is not None})


class Matrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table; `cancelled` are the scenarios in which a turn is cancelled in the middle."""

    cancelled: tuple[str, ...]
    rows: dict[str, Row]


@cache
def matrix() -> Matrix:
    """The expectations of `matrix.toml`."""
    text = Path(__file__).with_name("matrix.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Matrix)
