"""The file: who may open it, what it survives, what a full disk does. This file is its proof."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from streaming import checkpoints_sqlite, log_sqlite, records_sqlite
from streaming.log import CommandId, Entry, StoreUnavailable, stored
from streaming.records import Attempt
from streaming.store_sqlite import SCHEMA_VERSION, SqliteStore
from tests.virtual import VirtualLoop

T0 = 1_750_000_000_000
ROOT = Path(__file__).resolve().parents[2]


def entry(seq: int, size: int = 10) -> Entry:
    return Entry(seq, T0 + seq, b"p" * size, b"s" * size)


def opened(path: Path, **kwargs: Any) -> SqliteStore:
    return SqliteStore.open(str(path), loop=asyncio.get_running_loop(), **kwargs)


@pytest.fixture
async def inline(virtual: VirtualLoop, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = opened(tmp_path / "store.db", inline=True)
    yield store
    await store.aclose()


# --- opening --------------------------------------------------------------------------------------


async def test_a_second_store_on_the_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = opened(path)
    with pytest.raises(StoreUnavailable, match=r"store\.db is in use by another process"):
        opened(path)
    await store.aclose()
    await opened(path).aclose()


SECOND = """
import asyncio, sys
from streaming.log import StoreUnavailable
from streaming.store_sqlite import SqliteStore
async def main():
    try:
        SqliteStore.open(sys.argv[1], loop=asyncio.get_running_loop())
    except StoreUnavailable as error:
        print(error)
asyncio.run(main())
"""


async def test_a_second_process_is_refused_in_one_line(inline: SqliteStore, tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    told = subprocess.run(  # noqa: ASYNC221 - the loop has nothing else to do
        [sys.executable, "-c", SECOND, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == (
        f"store {path} is in use by another process: stop it or name another file\n"
    )


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await opened(path).aclose()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    for readonly in (False, True):
        with pytest.raises(StoreUnavailable, match="use a newer tutorstream"):
            opened(path, readonly=readonly)


async def test_a_strangers_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    text = tmp_path / "text.db"
    text.write_text("not a database at all, " * 100)
    before = foreign.read_bytes()
    with pytest.raises(StoreUnavailable, match="not of tutorstream"):
        opened(foreign)
    with pytest.raises(StoreUnavailable, match=r"text\.db: file is not a database"):
        opened(text)
    assert foreign.read_bytes() == before


async def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"file/store\.db"):
        opened(tmp_path / "file" / "store.db")
    with pytest.raises(StoreUnavailable, match="unable to open"):
        opened(tmp_path / "absent.db", readonly=True)


async def test_folders_are_made_and_any_name_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a ?mode=ro #%20.db"
    await opened(path).aclose()
    assert path.exists()


async def test_a_reader_sees_what_a_running_store_committed(
    inline: SqliteStore, tmp_path: Path, virtual: VirtualLoop
) -> None:
    await inline.log.claim("s", "n1", at_ms=T0)
    reader = opened(tmp_path / "store.db", inline=True, readonly=True)
    for seq in range(1, 4):
        await stored(inline.log.append("s", 1, CommandId(f"c{seq}", b""), [entry(seq)]))
        assert [e.seq for e in await reader.log.read("s", 0)] == list(range(1, seq + 1))
    assert [r.id for r in await reader.log.replies("s", newest=2, since_ms=T0 + 9)] == ["c2", "c3"]
    with pytest.raises(StoreUnavailable, match="readonly"):
        await reader.log.claim("s", "n2", at_ms=T0)
    await reader.aclose()


# --- the disk -------------------------------------------------------------------------------------


async def test_a_full_disk_fails_the_group_and_the_store_goes_on(inline: SqliteStore) -> None:
    await inline.log.claim("s", "n1", at_ms=T0)
    await inline.log.claim("t", "n1", at_ms=T0)
    await stored(inline.log.append("s", 1, CommandId("c1", b""), [entry(1)]))
    pages = inline.db.execute("PRAGMA page_count").fetchone()[0]
    inline.db.execute(f"PRAGMA max_page_count = {pages}")
    group = [
        inline.log.append("t", 1, None, [entry(1)]),
        inline.log.append("s", 1, CommandId("c2", b""), [entry(2, 100_000)]),
        inline.records.add_attempt(Attempt("s", "e", 2, "ada", T0, b"deed")),
        inline.records.put("k", "a", b"x" * 100_000, 0),
    ]
    for ticket in group:
        with pytest.raises(StoreUnavailable, match="full"):
            await stored(ticket)
    assert len({id(ticket.error) for ticket in group}) == len(group), "each has its own"
    assert [e.seq for e in await inline.log.read("s", 0)] == [1]
    inline.db.execute("PRAGMA max_page_count = 1000000")
    await stored(inline.log.append("s", 1, CommandId("c2", b""), [entry(2, 100_000)]))
    await stored(inline.log.append("t", 1, None, [entry(1)]))
    await stored(inline.records.add_attempt(Attempt("s", "e", 2, "ada", T0, b"deed")))
    assert [e.seq for e in await inline.log.read("s", 0)] == [1, 2]
    assert [e.seq for e in await inline.log.read("t", 0)] == [1]
    assert len(await inline.records.attempts("ada")) == 1
    assert await inline.records.get("k", "a") is None


async def test_a_rollback_loses_no_tail_that_was_not_saved_yet(inline: SqliteStore) -> None:
    for n in range(300):
        name = f"s{n % 7}"
        await inline.log.claim(name, "n1", at_ms=T0)
        await stored(inline.log.append(name, 1, None, [entry(n // 7 + 1)]))
    pages = inline.db.execute("PRAGMA page_count").fetchone()[0]
    inline.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable):
        await stored(inline.log.append("s0", 1, None, [entry(44, 100_000)]))
    inline.db.execute("PRAGMA max_page_count = 1000000")
    for n in range(300, 600):
        await stored(inline.log.append(f"s{n % 7}", 1, None, [entry(n // 7 + 1)]))
    for k in range(7):
        seqs = [e.seq for e in await inline.log.read(f"s{k}", 0)]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) == len(range(k, 600, 7))


async def test_heads_beyond_the_bound_are_read_again(
    inline: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_sqlite, "LOGS_KEPT", 3)
    monkeypatch.setattr(records_sqlite, "LIVES_KEPT", 3)
    names = [f"s{k}" for k in range(10)]
    for name in names:
        await inline.log.claim(name, "n1", at_ms=T0)
    tickets = []
    for seq in range(1, 40):
        for name in names:
            tickets.append(inline.log.append(name, 1, CommandId(f"c{seq}", b""), [entry(seq)]))
            attempt = Attempt(name, "e", seq, "ada", T0, b"")
            tickets.append(inline.records.add_attempt(attempt))
    for name in names:
        assert [e.seq for e in await inline.log.read(name, 0)] == list(range(1, 40))
    assert all(ticket.stored for ticket in tickets)
    assert len(await inline.records.attempts("ada")) == 390


# --- groups and checkpoints -----------------------------------------------------------------------


async def test_what_waits_is_one_transaction(inline: SqliteStore) -> None:
    await inline.log.claim("s", "n1", at_ms=T0)
    statements: list[str] = []
    inline.db.set_trace_callback(statements.append)
    tickets = [inline.log.append("s", 1, None, [entry(n)]) for n in range(1, 101)]
    tickets.append(inline.records.put("k", "a", b"1", 0))
    await stored(tickets[-1])
    assert all(ticket.stored for ticket in tickets)
    assert statements.count("COMMIT") == 1
    inserts = [s for s in statements if s.startswith("INSERT INTO appends")]
    assert len(inserts) == 3, "100 rows go as 64 + 32 + 4"


async def test_nothing_is_lost_between_checkpoints(
    tmp_path: Path, virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints_sqlite, "PASS_EVERY", 4)
    monkeypatch.setattr(checkpoints_sqlite, "MOST_PAGES", 40)
    path = tmp_path / "store.db"
    with virtual.outside():
        store = opened(path, group_ms=0.0)
        await store.log.claim("s", "n1", at_ms=T0)
        for seq in range(1, 401):
            await stored(store.log.append("s", 1, None, [entry(seq, 4_000)]))
        await store.aclose()
        store = opened(path)
        assert [e.seq for e in await store.log.read("s", 0)] == list(range(1, 401))
        await store.aclose()
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check.close()


async def test_someone_who_looks_into_the_file_locks_nobody_out(
    tmp_path: Path, virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints_sqlite, "PASS_EVERY", 4)
    monkeypatch.setattr(checkpoints_sqlite, "MOST_PAGES", 8)
    path = tmp_path / "store.db"
    with virtual.outside():
        store = opened(path, group_ms=0.0)
        await store.log.claim("s", "n1", at_ms=T0)
        looker = sqlite3.connect(path, isolation_level=None)
        looker.execute("BEGIN")
        looker.execute("SELECT count(*) FROM appends").fetchone()
        for seq in range(1, 201):
            await stored(store.log.append("s", 1, None, [entry(seq, 1_000)]))
        looker.execute("COMMIT")
        looker.close()
        assert len(await store.log.read("s", 0)) == 200
        await store.aclose()


# --- kill -9 --------------------------------------------------------------------------------------

CHILD = """
import asyncio, sys
from streaming import checkpoints_sqlite
from streaming.log import CommandId, Entry
from streaming.records import Attempt
from streaming.store_sqlite import SqliteStore

checkpoints_sqlite.PASS_EVERY, checkpoints_sqlite.MOST_PAGES = 8, 64

async def main():
    store = SqliteStore.open(sys.argv[1], loop=asyncio.get_running_loop(), group_ms=0.5)
    claim = await store.log.claim("s", sys.argv[2], at_ms=0)
    print("epoch", claim.epoch, claim.term, claim.head, flush=True)
    seq = claim.head

    def confirmed(ticket, seq):
        assert ticket.error is None, ticket.error
        print("stored", seq, flush=True)

    while True:
        for _ in range(5):
            entries = [Entry(seq + n, seq + n, b"%d" % (seq + n) * 100, b"x") for n in (1, 2, 3)]
            ticket = store.log.append("s", claim.term, CommandId(f"c{seq + 1}", b"d"), entries)
            store.records.add_attempt(Attempt("s", claim.epoch, seq + 1, "ada", seq + 1, b"x"))
            seq += 3
            ticket.hear(lambda t, seq=seq: confirmed(t, seq))
        await asyncio.sleep(0)

asyncio.run(main())
"""


def killed_after(path: Path, node: str, lines: int) -> tuple[str, int, int]:
    """Run the child, kill it in mid-write; its epoch, its term, the newest number it confirmed."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), node], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        _, epoch, term, head = child.stdout.readline().split()
        newest = int(head)
        for _ in range(lines):
            newest = int(child.stdout.readline().split()[1])
        child.kill()
        for line in child.stdout:  # confirmed before the kill, read after it
            if line.endswith("\n"):
                newest = int(line.split()[1])
    return epoch, int(term), newest


async def test_what_was_confirmed_survives_kill_9(tmp_path: Path, virtual: VirtualLoop) -> None:
    path = tmp_path / "store.db"
    epochs, terms = set(), []
    cut: set[int] = set()
    for n, lines in enumerate((1, 40, 300)):
        epoch, term, newest = killed_after(path, f"start{n}", lines)
        epochs.add(epoch)
        terms.append(term)
        store = opened(path, inline=True)
        claim = await store.log.claim("s", f"check{n}", at_ms=0)
        assert claim.epoch == epoch
        assert claim.head >= newest
        assert claim.head % 3 == 0, "an append is there whole or not at all"
        entries = await store.log.read("s", 0)
        assert [e.seq for e in entries] == list(range(1, claim.head + 1))
        assert all(e.public == b"%d" % e.seq * 100 for e in entries)
        replies = await store.log.replies("s", newest=99_999, since_ms=0)
        assert [r.seq for r in replies] == list(range(1, claim.head + 1, 3))
        attempts = await store.records.attempts("ada")
        cut.add(claim.head - 2)  # each kill may come between the last append and its attempt
        assert {a.seq for a in attempts} >= set(range(1, newest + 1, 3)) - cut
        await store.aclose()
    assert len(epochs) == 1
    assert terms == [1, 3, 5], "each start and each look claimed as another node"
