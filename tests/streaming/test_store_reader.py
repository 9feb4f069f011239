"""A store opened readonly: it sees everything, writes nothing, and says what is missing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from streaming.log import CommandId, Entry, StoreUnavailable, stored
from streaming.records import Attempt, Document
from streaming.store_sqlite import APPLICATION_ID, SCHEMA_VERSION, SqliteStore
from tests.virtual import VirtualLoop

T0 = 1_750_000_000_000


@pytest.mark.parametrize("beside", [True, False], ids=["beside a writer", "after it"])
async def test_a_reader_sees_both_ports(virtual: VirtualLoop, tmp_path: Path, beside: bool) -> None:
    path = str(tmp_path / "store.db")
    writer = SqliteStore.open(path, loop=virtual, inline=True)
    claim = await writer.log.claim("s", "n1", at_ms=T0)
    writer.log.append("s", claim.term, CommandId("c", b"d"), [Entry(1, T0, b"public", b"sealed")])
    writer.records.put("session", "s", b"body", 0)
    attempt = Attempt("s", claim.epoch, 1, "ada", T0, b"sealed")
    await stored(writer.records.add_attempt(attempt))
    if not beside:
        await writer.aclose()
    reader = SqliteStore.open(path, loop=virtual, inline=True, readonly=True)
    assert await reader.log.names() == ["s"]
    assert await reader.log.head("s") == (claim.epoch, 1)
    assert await reader.log.read("s", 0) == [Entry(1, T0, b"public", b"sealed")]
    assert [r.id for r in await reader.log.replies("s", newest=1, since_ms=0)] == ["c"]
    assert await reader.records.get("session", "s") == Document(1, b"body")
    assert await reader.records.attempts("ada") == [attempt]
    assert await reader.records.attempts("nobody") == []
    await reader.aclose()
    await writer.aclose()


async def test_a_reader_changes_nothing(virtual: VirtualLoop, tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    writer = SqliteStore.open(path, loop=virtual, inline=True)
    claim = await writer.log.claim("s", "n1", at_ms=T0)
    reader = SqliteStore.open(path, loop=virtual, inline=True, readonly=True)
    refused = [
        reader.log.append("s", claim.term, None, [Entry(1, T0, b"")]),
        reader.records.put("k", "a", b"", 0),
        reader.records.add_attempt(Attempt("s", "e", 1, "ada", T0, b"")),
    ]
    for ticket in refused:
        with pytest.raises(StoreUnavailable, match="readonly"):
            await stored(ticket)
    await reader.aclose()
    await stored(writer.log.append("s", claim.term, None, [Entry(1, T0, b"")]))
    assert await writer.records.get("k", "a") is None
    assert await writer.records.attempts("ada") == []
    await writer.aclose()


async def test_an_empty_file_has_nothing_to_read(virtual: VirtualLoop, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch()
    with pytest.raises(StoreUnavailable, match=r"store\.db is empty"):
        SqliteStore.open(str(path), loop=virtual, inline=True, readonly=True)
    assert path.stat().st_size == 0


@pytest.mark.parametrize("readonly", [True, False])
async def test_a_marked_file_without_our_tables_is_refused(
    virtual: VirtualLoop, tmp_path: Path, readonly: bool
) -> None:
    path = tmp_path / "store.db"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.close()
    with pytest.raises(StoreUnavailable, match=r"store\.db: no such table: marks"):
        SqliteStore.open(str(path), loop=virtual, inline=True, readonly=readonly)


async def test_a_learner_may_have_no_name(virtual: VirtualLoop) -> None:
    store = SqliteStore.open(None, loop=virtual, inline=True)
    await stored(store.records.add_attempt(Attempt("s", "e", 1, "", T0, b"x")))
    assert [a.seq for a in await store.records.attempts("")] == [1]
    assert await store.records.erase("") == 1
    assert await store.records.attempts("") == []
    await store.aclose()
