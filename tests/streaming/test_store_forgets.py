"""Heads that memory forgot are read from the file as they are, also while tails are being saved."""

from __future__ import annotations

import pytest

from streaming import chain_sqlite, log_sqlite, records_sqlite
from streaming.log import CommandId, Entry, Ticket
from streaming.records import Attempt
from streaming.store_sqlite import SqliteStore
from tests.virtual import VirtualLoop


@pytest.mark.parametrize("save_every", [1, 5, 10, 22, 30, 58, 64])
async def test_a_head_is_true_where_its_reading_saves_the_tails(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch, save_every: int
) -> None:
    """Room for one more head is made by a flush, which may save: what was read before is old."""
    monkeypatch.setattr(log_sqlite, "LOGS_KEPT", 2)
    monkeypatch.setattr(records_sqlite, "LIVES_KEPT", 2)
    monkeypatch.setattr(chain_sqlite, "SAVE_EVERY", save_every)
    store = SqliteStore.open(None, loop=virtual, inline=True)
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        await store.log.claim(name, "n1", at_ms=0)
    tickets: list[Ticket] = []
    for seq in range(1, 21, 2):
        for name in names:
            for each in (seq, seq + 1):
                command = CommandId(f"c{each}", b"d")
                tickets.append(store.log.append(name, 1, command, [Entry(each, each, b"")]))
                attempt = Attempt(name, "e", each, "ada", each, b"")
                tickets.append(store.records.add_attempt(attempt))
    for name in names:
        assert [e.seq for e in await store.log.read(name, 0)] == list(range(1, 21))
        replies = await store.log.replies(name, newest=99, since_ms=0)
        assert [r.seq for r in replies] == list(range(1, 21))
    assert len(await store.records.attempts("ada")) == 100
    assert [ticket.error for ticket in tickets if ticket.error] == []
    await store.aclose()
