"""What every twin of `Log` keeps, forgets and finds again. This file is the second half."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.limits import LIMITS
from streaming.log import (
    CommandId,
    Duplicate,
    Entry,
    Fenced,
    Log,
    StoreUnavailable,
    stored,
)

T0 = 1_750_000_000_000


def entry(seq: int, at_ms: int = T0, sealed: bytes = b"") -> Entry:
    return Entry(seq, at_ms, b'{"q":%d}' % seq, sealed)


def entries(first: int, count: int, at_ms: int = T0) -> list[Entry]:
    return [entry(seq, at_ms) for seq in range(first, first + count)]


def command(name: str, body: bytes = b"0" * 16) -> CommandId:
    return CommandId(name, body)


async def seqs(log: Log, name: str = "s", after: int = 0, **kwargs: Any) -> list[int]:
    return [e.seq for e in await log.read(name, after, **kwargs)]


# --- replies --------------------------------------------------------------------------------------


async def test_replies_are_the_newest_and_all_since(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    for n in range(1, 11):
        log.append("s", 1, command(f"c{n}", b"d%d" % n), [entry(2 * n - 1, T0 + n), entry(2 * n)])
    log.append("s", 1, None, [entry(21, T0 + 50)])

    async def ids(newest: int, since_ms: int) -> list[str]:
        return [r.id for r in await log.replies("s", newest=newest, since_ms=since_ms)]

    assert await ids(3, T0 + 99) == ["c8", "c9", "c10"]
    assert await ids(3, T0 + 6) == ["c6", "c7", "c8", "c9", "c10"]
    assert await ids(0, T0 + 99) == []
    assert len(await ids(99, T0 + 99)) == 10
    (newest,) = await log.replies("s", newest=1, since_ms=T0 + 99)
    assert (newest.digest, newest.seq, newest.at_ms) == (b"d10", 19, T0 + 10)
    assert await log.replies("unknown", newest=9, since_ms=0) == []


async def test_ids_are_remembered_beyond_a_trim_then_forgotten(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    kept, old = LIMITS.ids_kept, 40
    for n in range(1, old + kept + 1):
        log.append("s", 1, command(f"c{n}"), [entry(n, T0 + n)])
    await log.trim("s", old + kept)
    replies = await log.replies("s", newest=9_999, since_ms=0)
    assert len(replies) == old + kept, "all came within ten minutes"
    later = T0 + 2 * int(LIMITS.ids_kept_s * 1000)
    await stored(log.append("s", 1, None, [entry(old + kept + 1, later)]))
    await log.trim("s", old + kept + 1)
    assert await seqs(log) == []
    replies = await log.replies("s", newest=9_999, since_ms=0)
    assert [r.id for r in replies] == [f"c{n}" for n in range(old + 1, old + kept + 1)]
    after = old + kept + 2
    with pytest.raises(Duplicate):
        await stored(log.append("s", 1, command(f"c{old + 1}"), [entry(after, later)]))
    await stored(log.append("s", 1, command("c1"), [entry(after, later)]))
    assert await seqs(log) == [after]


# --- trim, drop, names ----------------------------------------------------------------------------


async def test_trim_forgets_entries_and_keeps_the_head(log: Log) -> None:
    begun = await log.claim("s", "n1", at_ms=T0)
    log.append("s", 1, None, entries(1, 3))
    log.append("s", 1, None, entries(4, 3))
    await log.trim("s", 4)
    assert await seqs(log) == [5, 6]
    assert await seqs(log, limit=1) == [5]
    await log.trim("s", 2)
    claim = await log.claim("s", "n1", at_ms=T0)
    assert (claim.head, claim.floor, claim.epoch) == (6, 4, begun.epoch)
    await log.trim("s", 999)
    claim = await log.claim("s", "n1", at_ms=T0)
    assert (claim.head, claim.floor) == (6, 6)
    assert await log.head("s") == (begun.epoch, 6)
    await stored(log.append("s", 1, None, entries(7, 1)))
    assert await seqs(log) == [7]
    await log.trim("unknown", 5)


async def test_a_dropped_log_begins_anew_with_another_epoch(log: Log) -> None:
    first = await log.claim("s", "n1", at_ms=T0)
    await log.claim("other", "n1", at_ms=T0)
    await stored(log.append("other", 1, None, entries(1, 2)))
    await stored(log.append("s", 1, command("c"), entries(1, 3)))
    await log.drop("s")
    assert await log.head("s") is None
    assert await seqs(log) == []
    assert await log.replies("s", newest=9, since_ms=0) == []
    with pytest.raises(Fenced):
        await stored(log.append("s", 1, None, entries(4, 1)))
    again = await log.claim("s", "n1", at_ms=T0)
    assert again.head == 0
    assert again.epoch != first.epoch
    await stored(log.append("s", again.term, command("c"), entries(1, 1)))
    assert await seqs(log) == [1]
    assert await seqs(log, "other") == [1, 2]
    await log.drop("unknown")


async def test_names_are_sorted(log: Log) -> None:
    for name in ("b", "a", "c"):
        await log.claim(name, "n1", at_ms=T0)
    await log.drop("c")
    assert await log.names() == ["a", "b"]


# --- the end and the restart ----------------------------------------------------------------------


async def test_closing_stores_what_is_queued_and_refuses_what_comes_later(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    tickets = [log.append("s", 1, None, [entry(n)]) for n in range(1, 50)]
    await log.aclose()
    assert all(ticket.stored for ticket in tickets)
    with pytest.raises(StoreUnavailable):
        await stored(log.append("s", 1, None, [entry(50)]))
    with pytest.raises(StoreUnavailable):
        await log.read("s", 0)
    await log.aclose()


async def test_a_commit_is_timed(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", 1, None, [entry(1)]))
    assert 0 < log.commit_us < 10_000_000


async def test_a_restart_changes_nothing_but_the_term(durable: Any) -> None:
    first = await durable.log.claim("s", "n1-start1", at_ms=T0)
    for n in range(1, 601):
        durable.log.append("s", first.term, command(f"c{n}"), [entry(n, T0 + n)])
    await durable.log.trim("s", 100)
    await durable.reopen()
    again = await durable.log.claim("s", "n1-start2", at_ms=T0)
    assert (again.epoch, again.head, again.floor) == (first.epoch, 600, 100)
    assert again.at_ms == T0 + 600
    assert again.term > first.term
    assert await seqs(durable.log) == list(range(101, 601))
    with pytest.raises(Fenced):
        await stored(durable.log.append("s", first.term, None, [entry(601)]))
    with pytest.raises(Duplicate) as caught:
        await stored(durable.log.append("s", again.term, command("c7"), [entry(601)]))
    assert caught.value.reply.seq == 7
    await stored(durable.log.append("s", again.term, command("c601"), [entry(601, T0 + 601)]))
    await durable.reopen()
    assert await seqs(durable.log, after=599) == [600, 601]


async def test_a_trim_of_all_survives_a_restart(durable: Any) -> None:
    first = await durable.log.claim("s", "n1", at_ms=T0)
    await stored(durable.log.append("s", 1, None, entries(1, 5, T0 + 7)))
    await durable.log.trim("s", 5)
    await durable.reopen()
    again = await durable.log.claim("s", "n1", at_ms=T0)
    assert (again.epoch, again.head, again.floor, again.at_ms) == (first.epoch, 5, 5, T0 + 7)
    await stored(durable.log.append("s", 1, None, entries(6, 1)))
    assert await seqs(durable.log) == [6]
