"""One short question to a provider: what it took and what it cost."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Sequence

import pytest

from server.asked import FIXES, OK, QUESTION, asked, asked_all
from streaming.prices import Price, Prices
from streaming.providers.base import End, LlmRequest, Piece, ProviderFailed, Spent, Text

PRICES = Prices(datetime.date(2025, 6, 15), {"cloud": {"known": Price(1_000_000, 2_000_000)}})


class Scripted:
    """A provider with a known answer."""

    first_token_s = 2.5

    def __init__(
        self,
        pieces: Sequence[Piece | ProviderFailed],
        *,
        model: str = "known",
        local: bool = False,
        cold: ProviderFailed | None = None,
    ) -> None:
        self.name = "cloud"
        self.model = model
        self.local = local
        self.ready = False
        self.closed = False
        self.asked: list[LlmRequest] = []
        self._pieces = pieces
        self._cold = cold

    def warm(self) -> float:
        if self._cold is not None:
            raise self._cold
        self.ready = True
        return 0.0

    async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        self.asked.append(request)
        for piece in self._pieces:
            if isinstance(piece, ProviderFailed):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed = True


GOOD = (Text("ready"), Text("."), Spent(10, 2), End("length"))


async def test_an_answer_has_a_time_and_a_price() -> None:
    provider = Scripted(GOOD)
    row = await asked(provider, PRICES)
    assert (row.kind, row.spent, row.micro_usd) == (OK, Spent(10, 2), 14)
    assert row.ttft_ms is not None
    assert row.words.startswith("ok, first text after ")
    assert row.words.endswith("10 tokens in, 2 out, price 0.000014 USD")
    assert provider.asked == [QUESTION]
    assert QUESTION.max_tokens == 8
    assert provider.closed


@pytest.mark.parametrize(
    ("model", "local", "words", "cost"),
    [
        ("new", False, "price unknown", None),
        ("known", True, "price 0.000000 USD", 0),
    ],
)
async def test_what_is_not_known_or_not_paid(
    model: str, local: bool, words: str, cost: int | None
) -> None:
    row = await asked(Scripted(GOOD, model=model, local=local), PRICES)
    assert row.micro_usd == cost
    assert words in row.words


async def test_a_failure_has_its_kind_and_a_fix() -> None:
    provider = Scripted([ProviderFailed("auth", "status 401")])
    row = await asked(provider, PRICES)
    assert (row.kind, row.words, row.fix) == ("auth", "auth: status 401", FIXES["auth"])
    assert provider.closed
    cold = Scripted(GOOD, cold=ProviderFailed("unavailable", "no package openai: pip install x"))
    row = await asked(cold, PRICES)
    assert (row.kind, cold.asked, cold.closed) == ("unavailable", [], True)
    assert "pip install" in row.words
    late = Scripted([Text("re"), ProviderFailed("cut", "the stream broke", emitted=1)])
    row = await asked(late, PRICES)
    assert row.kind == "cut"
    assert row.ttft_ms is not None
    assert row.fix


async def test_all_of_a_chain_are_asked_in_order() -> None:
    first, second = Scripted(GOOD, model="a"), Scripted(GOOD, model="b")
    rows = await asked_all([[first], [second]], PRICES)
    assert [row.model for row in rows] == ["a", "b"]
