"""An answer and its attempt are one act: both are stored, or neither."""

from __future__ import annotations

import asyncio

import pytest

from streaming.log import CommandId, Duplicate, Entry, Fenced, Log, OutOfOrder, stored
from streaming.records import Attempt, Records

T0 = 1_750_000_000_000


def answer(seq: int, at_ms: int = T0) -> list[Entry]:
    return [Entry(seq, at_ms, b"feedback", b"deed %d" % seq), Entry(seq + 1, at_ms, b"item")]


async def test_the_first_entry_is_the_attempt(log: Log, records: Records) -> None:
    claim = await log.claim("s", "n1", at_ms=T0)
    for seq in (1, 3):
        log.append("s", claim.term, None, answer(seq, T0 + seq), "ada")
    await stored(log.append("s", claim.term, None, answer(5)))
    assert await records.attempts("ada") == [
        Attempt("s", claim.epoch, seq, "ada", T0 + seq, b"deed %d" % seq) for seq in (1, 3)
    ]


async def test_it_has_the_time_that_its_entry_has(log: Log, records: Records) -> None:
    claim = await log.claim("s", "n1", at_ms=T0)
    log.append("s", claim.term, None, answer(1, T0 + 50), "ada")
    await stored(log.append("s", claim.term, None, answer(3, T0 + 10), "ada"))
    assert [a.at_ms - T0 for a in await records.attempts("ada")] == [50, 50]


async def test_what_is_refused_leaves_no_attempt(log: Log, records: Records) -> None:
    claim = await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", claim.term, CommandId("used", b"d"), answer(1)))
    refused = [
        log.append("s", claim.term + 1, None, answer(3), "ada"),
        log.append("s", claim.term, CommandId("used", b"d"), answer(3), "ada"),
        log.append("s", claim.term, None, answer(4), "ada"),
        log.append("s", claim.term, CommandId("lone \udc80", b"d"), answer(3), "ada"),
    ]
    for ticket, kind in zip(refused, (Fenced, Duplicate, OutOfOrder, Exception), strict=True):
        with pytest.raises(kind):
            await stored(ticket)
    assert await records.attempts("ada") == []
    await stored(log.append("s", claim.term, CommandId("new", b"d"), answer(3), "ada"))
    assert [a.seq for a in await records.attempts("ada")] == [3]


async def test_an_attempt_that_cannot_be_stored_takes_its_append_along(
    log: Log, records: Records
) -> None:
    claim = await log.claim("s", "n1", at_ms=T0)
    odd = log.append("s", claim.term, None, answer(1), "lone \udc80")
    with pytest.raises(UnicodeEncodeError):
        await stored(odd)
    assert await log.head("s") == (claim.epoch, 0)
    await stored(log.append("s", claim.term, None, answer(1), "ada"))
    assert len(await records.attempts("ada")) == 1


async def test_stored_again_by_hand_it_counts_once(log: Log, records: Records) -> None:
    claim = await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", claim.term, None, answer(1), "ada"))
    again = Attempt("s", claim.epoch, 1, "ada", T0 + 9, b"another")
    await asyncio.gather(stored(records.add_attempt(again)), stored(records.add_attempt(again)))
    assert [(a.seq, a.sealed) for a in await records.attempts("ada")] == [(1, b"deed 1")]
