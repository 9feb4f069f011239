"""Every failure of every adapter, through its unmodified SDK: the cells of `matrix.toml`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import get_args

import pytest
import uvloop

from streaming.providers.base import (
    ChatMessage,
    End,
    FailureKind,
    LlmRequest,
    Piece,
    Provider,
    ProviderFailed,
    Text,
)
from tests.fakes.adapters import COLUMNS, NOWHERE, SHORT_S, Column, Limits, Row, Upstream, matrix
from tests.fakes.wire import WORDS

CLOSED_S = 2.0
"""A cancelled call's connection is closed within this."""
PATIENCE_S = 60.0
"""More than any wait here needs on a busy machine."""
ELSEWHERE = frozenset({"unavailable", "internal"})
"""Kinds of no upstream: no SDK, and a bug."""

REQUEST = LlmRequest(
    messages=(
        ChatMessage("system", "Teach."),
        ChatMessage("system", "The learner adds well.", cache=True),
        ChatMessage("user", "Why?"),
    ),
    max_tokens=220,
    cache_key="p0p2",
)


def rows_of(column: Column) -> dict[str, Row]:
    """The rows that an adapter can meet, as they are expected of it."""
    rows = matrix().rows.items()
    absent = {
        name for name, row in rows if column.name in row.cells and row.cells[column.name].absent
    }
    return {name: row.of(column.name) for name, row in rows if name not in absent}


CANCELLED = [
    pytest.param(column, scenario, id=f"{scenario}-{column.name}")
    for scenario in matrix().cancelled
    for column in COLUMNS
]


@asynccontextmanager
async def closing(provider: Provider) -> AsyncIterator[Provider]:
    try:
        yield provider
    finally:
        await provider.aclose()


async def heard(provider: Provider) -> tuple[list[Piece], ProviderFailed | None]:
    pieces: list[Piece] = []
    try:
        async for piece in provider.stream(REQUEST):
            pieces.append(piece)  # noqa: PERF401 - what came before a failure counts
    except ProviderFailed as failed:
        return pieces, failed
    return pieces, None


def limits_of(row: Row, short_s: float) -> Limits:
    if row.limit == "first_token":
        return Limits(first_token_s=short_s)
    return Limits(stall_s=short_s) if row.limit == "stall" else Limits()


@asynccontextmanager
async def reached(column: Column, row: Row) -> AsyncIterator[tuple[str, Upstream]]:
    """An address and the fake; the fake is gone already where nobody is to listen."""
    async with column.upstream() as upstream:
        if row.where != "nobody":
            yield column.moved(upstream.base_url, row.where), upstream
            return
    yield upstream.base_url, upstream


@pytest.fixture
def without_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without an address is known to be one without asking any network."""
    found = socket.getaddrinfo

    def asked(host, *args, **kwargs):
        if host in (NOWHERE, NOWHERE.encode()):
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return found(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", asked)


async def played(
    column: Column, scenario: str, row: Row, short_s: float
) -> tuple[list[Piece], ProviderFailed | None, Upstream]:
    async with (
        reached(column, row) as (base_url, upstream),
        closing(column.built(base_url, scenario, limits_of(row, short_s))) as provider,
    ):
        pieces, failed = await heard(provider)
        if row.limit and upstream.calls:
            await asyncio.wait_for(upstream.calls[0].left.wait(), PATIENCE_S)
    return pieces, failed, upstream


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_the_kinds_are_the_same_on_the_servers_own_loop(column: Column) -> None:
    of_the_loop = {"connect", "cut", "truncated", "malformed", ""}
    rows = {
        name: row
        for name, row in rows_of(column).items()
        if row.kind in of_the_loop and row.where != "nowhere"  # its names are looked up outside
    }

    async def found() -> dict[str, tuple[str, int]]:
        kinds: dict[str, tuple[str, int]] = {}
        for scenario, row in rows.items():
            pieces, failed, _ = await played(column, scenario, row, SHORT_S)
            told = sum(isinstance(piece, Text) for piece in pieces)
            kinds[scenario] = (failed.kind if failed else "", told)
        return kinds

    assert uvloop.run(found()) == {name: (row.kind, row.chunks) for name, row in rows.items()}


@pytest.mark.usefixtures("without_nowhere")
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
async def test_every_cell_of_a_column(column: Column) -> None:
    """One client plays all rows that need no clock or address of their own."""
    rows = rows_of(column)
    usual = {name: row for name, row in rows.items() if not (row.limit or row.where)}
    async with (
        column.upstream() as upstream,
        closing(column.built(upstream.base_url, "ok", Limits())) as provider,
    ):
        for scenario, row in usual.items():
            provider.model = scenario
            asked = len(upstream.calls)
            pieces, failed = await heard(provider)
            compare(column, scenario, row, pieces, failed, len(upstream.calls) - asked)
    for scenario, row in rows.items():
        if scenario in usual:
            continue
        pieces, failed, upstream = await played(column, scenario, row, SHORT_S)
        if row.limit and not upstream.calls:  # a busy machine took longer than that to ask at all
            pieces, failed, upstream = await played(column, scenario, row, 20 * SHORT_S)
        compare(column, scenario, row, pieces, failed, len(upstream.calls))


def compare(
    column: Column,
    scenario: str,
    row: Row,
    pieces: list[Piece],
    failed: ProviderFailed | None,
    requests: int,
) -> None:
    text = [piece.text for piece in pieces if isinstance(piece, Text)]
    assert text == list(WORDS[: row.chunks]), scenario
    assert requests == row.requests, scenario
    if row.end:
        assert failed is None, scenario
        assert pieces[row.chunks :] == [column.counted, End(row.end)], scenario
    else:
        assert failed is not None, scenario
        assert (failed.kind, failed.retry_after_s) == (row.kind, row.retry_after_s), scenario
        assert failed.emitted == row.chunks, scenario
        assert not any(isinstance(piece, End) for piece in pieces), scenario


@pytest.mark.parametrize(("column", "scenario"), CANCELLED)
async def test_a_cancel_reaches_the_upstream(column: Column, scenario: str) -> None:
    loop = asyncio.get_running_loop()
    async with (
        column.upstream() as upstream,
        closing(column.built(upstream.base_url, scenario, Limits())) as provider,
    ):
        task = asyncio.create_task(heard(provider))
        await asyncio.wait_for(upstream.called.wait(), PATIENCE_S)
        (call,) = upstream.calls
        await asyncio.wait_for(call.writing.wait(), PATIENCE_S)
        cancelled_s = loop.time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(call.left.wait(), PATIENCE_S)
        assert call.left_s is not None
        assert call.left_s - cancelled_s <= CLOSED_S
        assert len(upstream.calls) == 1


def test_the_table_names_every_kind_and_no_bug() -> None:
    rows = [row for column in COLUMNS for row in rows_of(column).values()]
    kinds = {row.kind for row in rows if row.kind}
    assert kinds == set(get_args(FailureKind)) - ELSEWHERE
    for name, row in matrix().rows.items():
        assert bool(row.kind) != bool(row.end), f"{name} is either a failure or an end"
        assert row.cells.keys() <= {column.name for column in COLUMNS}, name
