"""What every twin of `Records` promises. This file is the port's proof."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from streaming.log import Entry, Log, StoreUnavailable, stored
from streaming.records import Attempt, Conflict, Document, Records
from tests.mongo_server import real_mongod
from tests.twins.conftest import TWINS, Twin, opened
from tests.twins.mongo import Mongo
from tests.virtual import VirtualLoop

T0 = 1_750_000_000_000
STORES: dict[str, Callable[[], Twin]] = {**TWINS, "mongo": Mongo}
if mongod := real_mongod():
    STORES["mongod"] = lambda: Mongo(mongod)


@pytest.fixture(params=list(STORES))
async def twin(
    request: pytest.FixtureRequest, virtual: VirtualLoop, tmp_path: Path
) -> AsyncIterator[Twin]:
    """Each twin of Records in turn, open."""
    async with opened(STORES[request.param](), virtual, tmp_path) as one:
        yield one


@pytest.fixture(params=[name for name, twin in STORES.items() if twin().durable])
async def durable(
    request: pytest.FixtureRequest, virtual: VirtualLoop, tmp_path: Path
) -> AsyncIterator[Twin]:
    """Each twin of Records that outlives its process, open."""
    async with opened(STORES[request.param](), virtual, tmp_path) as one:
        yield one


def attempt(
    seq: int,
    *,
    log: str = "s",
    epoch: str = "e",
    learner: str = "ada",
    at_ms: int | None = None,
    sealed: bytes | None = None,
) -> Attempt:
    at_ms = T0 + seq if at_ms is None else at_ms
    return Attempt(
        log, epoch, seq, learner, at_ms, b"sealed %d" % seq if sealed is None else sealed
    )


# --- documents ------------------------------------------------------------------------------------


async def test_documents_are_versioned(records: Records) -> None:
    assert await records.get("session", "s") is None
    await stored(records.put("session", "s", b"one", 0))
    assert await records.get("session", "s") == Document(1, b"one")
    await stored(records.put("session", "s", b"two", 1))
    assert await records.get("session", "s") == Document(2, b"two")
    assert await records.get("course", "s") is None


@pytest.mark.parametrize(("expected", "found"), [(0, 2), (1, 2), (3, 2)])
async def test_another_version_is_a_conflict(records: Records, expected: int, found: int) -> None:
    records.put("k", "a", b"1", 0)
    await stored(records.put("k", "a", b"2", 1))
    with pytest.raises(Conflict) as caught:
        await stored(records.put("k", "a", b"other", expected))
    assert (caught.value.expected, caught.value.found) == (expected, found)
    assert await records.get("k", "a") == Document(2, b"2")


async def test_a_document_that_should_be_there_and_is_not(records: Records) -> None:
    with pytest.raises(Conflict) as caught:
        await stored(records.put("k", "a", b"x", 4))
    assert (caught.value.expected, caught.value.found) == (4, 0)
    assert await records.get("k", "a") is None


async def test_of_two_writers_one_wins(records: Records) -> None:
    first, second = records.put("k", "a", b"1", 0), records.put("k", "a", b"2", 0)
    await stored(first)
    with pytest.raises(Conflict):
        await stored(second)
    assert await records.get("k", "a") == Document(1, b"1")


async def test_a_deleted_document_begins_at_version_one(records: Records) -> None:
    records.put("k", "a", b"1", 0)
    records.put("k", "a", b"2", 1)
    await records.delete("k", "a")
    assert await records.get("k", "a") is None
    await stored(records.put("k", "a", b"3", 0))
    assert await records.get("k", "a") == Document(1, b"3")
    await records.delete("k", "unknown")


async def test_a_conflict_spoils_nothing_else_in_its_group(records: Records, log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    tickets = [
        records.put("k", "a", b"1", 0),
        records.put("k", "b", b"1", 7),
        log.append("s", 1, None, [Entry(1, T0, b"x")]),
        records.add_attempt(attempt(1)),
    ]
    with pytest.raises(Conflict):
        await stored(tickets.pop(1))
    for ticket in tickets:
        await stored(ticket)
    assert await records.get("k", "a") == Document(1, b"1")
    assert len(await records.attempts("ada")) == len(await log.read("s", 0)) == 1


# --- attempts -------------------------------------------------------------------------------------


async def test_attempts_come_back_in_order_of_time(records: Records) -> None:
    came = [
        attempt(3, at_ms=T0 + 30),
        attempt(1, log="t", at_ms=T0 + 20),
        attempt(9, at_ms=T0 + 90),
        attempt(2, log="t", at_ms=T0 + 95),
        attempt(1, epoch="e2", at_ms=T0 + 96),
        attempt(4, learner="bob", log="u", at_ms=T0 + 10),
    ]
    for one in came:
        await stored(records.add_attempt(one))
    mine = [one for one in came if one.learner == "ada"]
    assert await records.attempts("ada") == sorted(mine, key=lambda a: a.at_ms)
    assert [a.at_ms - T0 for a in await records.attempts("ada", after_ms=T0 + 90)] == [95, 96]
    assert await records.attempts("bob") == [came[-1]]
    assert await records.attempts("nobody") == []


@pytest.mark.parametrize("apart", [True, False])
async def test_an_attempt_counts_once(records: Records, apart: bool) -> None:
    for seq in (1, 4, 4, 1, 9, 4):
        ticket = records.add_attempt(attempt(seq))
        if apart:
            await stored(ticket)
    await stored(records.add_attempt(attempt(4, sealed=b"another")))
    found = await records.attempts("ada")
    assert [a.seq for a in found] == [1, 4, 9]
    assert found[1].sealed == b"sealed 4", "the first one stays"


async def test_an_attempt_that_comes_late_is_stored(records: Records) -> None:
    for seq in (5, 2, 7, 3):
        await stored(records.add_attempt(attempt(seq)))
    assert [a.seq for a in await records.attempts("ada")] == [2, 3, 5, 7]


async def test_one_place_is_one_attempt_whoever_is_named(records: Records) -> None:
    records.add_attempt(attempt(1))
    await stored(records.add_attempt(attempt(1, learner="bob")))
    assert len(await records.attempts("ada")) == 1
    assert await records.attempts("bob") == []


async def test_two_learners_may_share_a_log(records: Records) -> None:
    for seq in range(1, 9):
        records.add_attempt(attempt(seq, learner="ada" if seq % 2 else "bob"))
    assert [a.seq for a in await records.attempts("ada")] == [1, 3, 5, 7]
    assert [a.seq for a in await records.attempts("bob")] == [2, 4, 6, 8]
    assert await records.erase("ada") == 4
    assert await records.attempts("ada") == []
    assert [a.seq for a in await records.attempts("bob")] == [2, 4, 6, 8]
    await stored(records.add_attempt(attempt(9)))
    assert [a.seq for a in await records.attempts("ada")] == [9]


async def test_erase_forgets_a_learner_alone(records: Records) -> None:
    for seq in range(1, 6):
        records.add_attempt(attempt(seq))
        records.add_attempt(attempt(seq, log="t"))
        records.add_attempt(attempt(seq, log="u", learner="bob"))
    assert await records.erase("ada") == 10
    assert await records.erase("ada") == 0
    assert await records.attempts("ada") == []
    assert len(await records.attempts("bob")) == 5
    await stored(records.add_attempt(attempt(1)))
    assert [a.seq for a in await records.attempts("ada")] == [1]


async def test_attempts_outlive_their_log(records: Records, log: Log) -> None:
    claim = await log.claim("s", "n1", at_ms=T0)
    log.append("s", 1, None, [Entry(1, T0, b"x", b"deed")])
    records.add_attempt(attempt(1, epoch=claim.epoch, sealed=b"deed"))
    await log.drop("s")
    (kept,) = await records.attempts("ada")
    assert (kept.epoch, kept.sealed) == (claim.epoch, b"deed")


async def test_a_restart_forgets_nothing(durable: Any) -> None:
    for seq in range(1, 400):
        durable.records.add_attempt(attempt(seq, log=f"s{seq % 3}"))
    await stored(durable.records.put("k", "a", b"1", 0))
    await durable.reopen()
    assert await durable.records.get("k", "a") == Document(1, b"1")
    assert [a.seq for a in await durable.records.attempts("ada")] == list(range(1, 400))
    await stored(durable.records.add_attempt(attempt(398, log="s2")))
    assert await durable.records.erase("ada") == 399
    await durable.reopen()
    assert await durable.records.attempts("ada") == []


async def test_a_closed_store_takes_nothing(twin: Twin, records: Records) -> None:
    await twin.end()
    with pytest.raises(StoreUnavailable):
        await stored(records.put("k", "a", b"1", 0))
    with pytest.raises(StoreUnavailable):
        await stored(records.add_attempt(attempt(1)))
