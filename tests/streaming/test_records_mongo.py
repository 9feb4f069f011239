"""Records in MongoDB while the server dies, hangs, changes its primary, refuses. This file does it.

What every twin promises stands in `tests/twins/test_records.py`; here the server misbehaves, and
several nodes write at the same moment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from streaming.log import StoreUnavailable, Ticket, stored
from streaming.records import Attempt, Conflict, Document
from streaming.records_mongo import ANSWER_S, ATTEMPTS_A_BATCH, BODY_BYTES, MongoRecords
from tests.mongo_server import closed, mongo_server
from tests.redis_server import free_port

WAIT_S = 0.3
"""How long records wait for a primary where there is none."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with mongo_server() as (address, _):
        yield address


@pytest.fixture
async def records(url: str, request: pytest.FixtureRequest) -> AsyncIterator[MongoRecords]:
    name = "t" + format(abs(hash(request.node.name)), "x")
    opened = await MongoRecords.open(f"{url}/{name}")
    yield opened
    failing(url, [], 0)
    await opened.aclose()


def attempt(seq: int, learner: str = "ada", sealed: bytes = b"sealed") -> Attempt:
    return Attempt("s", "e", seq, learner, 1_750_000_000_000 + seq, sealed)


def failing(url: str, commands: list[str], times: int, **how: Any) -> None:
    """The server fails so many of these commands."""
    with MongoClient[dict[str, Any]](url) as admin:
        data = {"failCommands": commands, "appName": "tutorstream", **how}
        admin.admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)


async def outcomes(tickets: list[Ticket]) -> list[Exception | None]:
    for ticket in tickets:
        try:
            await stored(ticket)
        except (Conflict, StoreUnavailable):
            continue
    return [ticket.error for ticket in tickets]


# --- many nodes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("expected", [0, 1])
async def test_of_twenty_writers_on_two_nodes_one_wins(
    url: str, records: MongoRecords, expected: int
) -> None:
    other = await MongoRecords.open(f"{url}/{records._database}")
    try:
        if expected:
            await stored(records.put("k", "a", b"first", 0))
        nodes = [records, other] * 10
        tickets = [n.put("k", "a", b"%d" % i, expected) for i, n in enumerate(nodes)]
        errors = await outcomes(tickets)
        (winner,) = [i for i, error in enumerate(errors) if error is None]
        found = [e.found for e in errors if isinstance(e, Conflict)]
        assert found == [expected + 1] * 19
        assert await other.get("k", "a") == Document(expected + 1, b"%d" % winner)
    finally:
        await other.aclose()


async def test_two_nodes_that_write_the_same_body_are_not_both_told_that_it_is_theirs(
    url: str, records: MongoRecords
) -> None:
    other = await MongoRecords.open(f"{url}/{records._database}")
    try:
        errors = await outcomes([n.put("k", "a", b"same", 0) for n in (records, other)])
        assert sorted(map(type, errors), key=str) == [type(None), Conflict]
    finally:
        await other.aclose()


async def test_puts_of_one_document_go_in_their_order(records: MongoRecords) -> None:
    tickets = [records.put("k", "a", b"%d" % i, i) for i in range(50)]
    others = [records.put("k", f"b{i}", b"x", 0) for i in range(40)]
    assert await outcomes(tickets + others) == [None] * 90
    assert await records.get("k", "a") == Document(50, b"49")


async def test_attempts_of_one_turn_go_together(
    records: MongoRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    insert = records._attempts.insert_many

    async def counted(rows: list[Any], **how: Any) -> Any:
        sent.append(len(rows))
        return await insert(rows, **how)

    monkeypatch.setattr(records._attempts, "insert_many", counted)
    count = ATTEMPTS_A_BATCH + 7
    tickets = [records.add_attempt(attempt(seq)) for seq in range(count)]
    tickets.append(records.add_attempt(attempt(3)))
    assert await outcomes(tickets) == [None] * (count + 1)
    assert sent == [ATTEMPTS_A_BATCH, 8]
    assert [a.seq for a in await records.attempts("ada")] == list(range(count))


# --- what cannot be stored ------------------------------------------------------------------------


async def test_a_body_beyond_mongodb_is_refused_alone(records: MongoRecords) -> None:
    tickets = [
        records.put("k", "large", bytes(BODY_BYTES + 1), 0),
        records.add_attempt(attempt(1, sealed=bytes(BODY_BYTES + 1))),
        records.add_attempt(attempt(2)),
        records.put("k", "most", bytes(BODY_BYTES), 0),
    ]
    errors = await outcomes(tickets)
    assert str(errors[0]) == (
        f"k/large: at most {BODY_BYTES} bytes can be stored, {BODY_BYTES + 1} came"
    )
    assert isinstance(errors[1], StoreUnavailable)
    assert errors[2:] == [None, None]
    assert records.trouble is None


async def test_a_name_that_is_no_text_fails_its_own_ticket(records: MongoRecords) -> None:
    errors = await outcomes([records.put("k", "\ud800", b"x", 0), records.put("k", "a", b"x", 0)])
    assert "UnicodeEncodeError" in str(errors[0])
    assert errors[1] is None


# --- a primary that changes -----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stepped down", "connections cut"])
async def test_a_fail_over_is_ridden_out(url: str, records: MongoRecords, how: str) -> None:
    await stored(records.put("k", "a", b"1", 0))
    await stored(records.add_attempt(attempt(9, "bob")))
    if how == "stepped down":
        with MongoClient[dict[str, Any]](url) as admin:
            admin.admin.command("replSetStepDown", 1, force=True)
    else:  # more often than the driver itself sends a call again
        failing(url, ["update", "insert", "find", "delete"], 8, closeConnection=True)
    tickets = [records.put("k", "a", b"2", 1), records.add_attempt(attempt(1))]
    tickets.append(records.put("k", "b", b"1", 0))
    read, erased = await asyncio.gather(records.get("k", "a"), records.erase("bob"))
    assert await outcomes(tickets) == [None] * 3
    assert (read, erased) == (Document(2, b"2"), 1)
    assert await records.attempts("bob") == []
    assert len(await records.attempts("ada")) == 1
    assert records.trouble is None


class Deaf:
    """The server does what it is told, and its answer is lost: as where a primary dies."""

    def __init__(self, times: int, records: MongoRecords, *methods: str) -> None:
        self.times = times
        self._documents: Any = records._documents
        for name in methods:
            setattr(self, name, self._lost(getattr(records._documents, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    def _lost(self, method: Any) -> Any:
        from pymongo.errors import AutoReconnect

        async def call(*args: Any) -> Any:
            said = await method(*args)
            if self.times:
                self.times -= 1
                raise AutoReconnect("the answer is lost")
            return said

        return call


async def test_a_put_whose_answer_was_lost_is_known_by_what_is_stored(
    records: MongoRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    for expected in (0, 1):
        deaf = Deaf(1, records, "insert_one", "update_one")
        monkeypatch.setattr(records, "_documents", deaf)
        await stored(records.put("k", "a", b"same", expected))
        monkeypatch.undo()
        assert deaf.times == 0
        assert await records.get("k", "a") == Document(expected + 1, b"same")


async def test_another_write_of_the_same_body_is_not_taken_for_ours(
    url: str, records: MongoRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours was never sent; another node's stands there, byte for byte the same."""
    from pymongo.errors import AutoReconnect

    insert = records._documents.insert_one
    calls = 0

    async def cut_off(fields: dict[str, Any]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            await insert({**fields, "by": b"another"})
            raise AutoReconnect("never sent")
        return await insert(fields)

    deaf = Deaf(0, records)
    monkeypatch.setattr(deaf, "insert_one", cut_off, raising=False)
    monkeypatch.setattr(records, "_documents", deaf)
    with pytest.raises(Conflict):
        await stored(records.put("k", "a", b"same", 0))
    assert calls == 2


async def test_a_write_that_no_majority_has_is_not_called_stored(
    url: str, records: MongoRecords
) -> None:
    concern = {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}
    failing(url, ["insert"], 2, **concern)
    errors = await outcomes([records.put("k", "a", b"1", 0), records.add_attempt(attempt(1))])
    assert [str(e).partition(": ")[2] for e in errors] == [
        "no majority of its members has stored the write"
    ] * 2
    assert records.trouble is not None
    await records.look()
    assert records.trouble is None


# --- a server that is away ------------------------------------------------------------------------


async def test_a_server_that_is_killed_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    with mongo_server(port, tmp_path) as (url, server):
        records = await MongoRecords.open(f"{url}/x", wait_s=WAIT_S)
        try:
            await stored(records.put("k", "a", b"1", 0))
            await stored(records.add_attempt(attempt(1)))
            server.kill()
            server.wait()
            start_s = time.monotonic()
            lost = [records.put("k", "a", b"2", 1), records.add_attempt(attempt(2))]
            errors = await outcomes(lost)
            line = f"MongoDB at 127.0.0.1:{port}: no primary could be reached in {WAIT_S:g} s"
            assert [str(error) for error in errors] == [line] * 2
            assert records.trouble == line
            with pytest.raises(StoreUnavailable, match="no primary"):
                await records.get("k", "a")
            assert time.monotonic() - start_s < 2 * (WAIT_S + ANSWER_S)
            with mongo_server(port, tmp_path):
                await back(records)
                assert await records.get("k", "a") == Document(1, b"1")
                await stored(records.put("k", "a", b"2", 1))
                await stored(records.add_attempt(attempt(1)))
                assert [a.seq for a in await records.attempts("ada")] == [1]
        finally:
            await closed(records)
    assert [r.message for r in caplog.records if "MongoDB is back" in r.message]


async def back(records: MongoRecords) -> None:
    """Returns once the records have seen by themselves that the server is there."""
    async with asyncio.timeout(60):
        while records.trouble is not None:  # noqa: ASYNC110 - it tells nobody of itself
            await asyncio.sleep(0.05)


async def test_a_server_that_hangs_holds_a_ticket_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.records_mongo.ANSWER_S", 0.7)
    with mongo_server(None, tmp_path) as (url, server):
        records = await MongoRecords.open(f"{url}/hangs", wait_s=WAIT_S)
        try:
            await stored(records.put("k", "a", b"0", 0))
            os.kill(server.pid, signal.SIGSTOP)
            start_s = time.monotonic()
            tickets = [records.put("k", "a", b"1", 1), records.put("k", "a", b"2", 2)]
            tickets += [records.put("k", f"b{i}", b"1", 0) for i in range(100)]
            tickets += [records.add_attempt(attempt(seq)) for seq in range(2 * ATTEMPTS_A_BATCH)]
            errors = await outcomes(tickets)
            assert all(isinstance(error, StoreUnavailable) for error in errors)
            assert time.monotonic() - start_s < 30, "one after the other over a minute"
            assert "MongoDB at" in str(records.trouble)
            os.kill(server.pid, signal.SIGCONT)
            await back(records)
            found = await records.get("k", "a")
            assert found is not None
            await stored(records.put("k", "a", b"3", found.version))
        finally:
            os.kill(server.pid, signal.SIGCONT)
            await closed(records)


async def test_a_server_that_is_away_at_the_start_is_trouble_and_no_error(tmp_path: Path) -> None:
    port = free_port()
    records = await MongoRecords.open(f"mongodb://u:secret@127.0.0.1:{port}/x", wait_s=WAIT_S)
    try:
        assert records.trouble == (
            f"MongoDB at 127.0.0.1:{port}: no primary could be reached in {WAIT_S:g} s"
        )
    finally:
        await closed(records)
    ticket = records.put("k", "a", b"x", 0)
    assert str(ticket.error) == "the store is closed"


async def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    port = free_port()
    with (
        mongo_server(port, tmp_path) as (url, server),
        MongoClient[dict[str, Any]](url) as admin,
    ):
        for user, role in (("ada", "readWrite"), ("bob", "read")):
            roles = [{"role": role, "db": "tutorstream"}]
            admin.admin.command("createUser", user, pwd="right", roles=roles)
        admin.close()  # it would wait for its clients
        server.terminate()
        server.wait()
    where = f"127.0.0.1:{port}"
    with mongo_server(port, tmp_path, auth=True):
        for login, words in (
            ("ada:wrong", f"MongoDB at {where}: the user or the password is refused"),
            ("ada:right", None),
            ("bob:right", f"MongoDB at {where}: the user may not read and write the database x"),
        ):
            database = "x" if login.startswith("bob") else ""
            url = f"mongodb://{login}@{where}/{database}?authSource=admin"
            records = await MongoRecords.open(url, wait_s=WAIT_S)
            try:
                assert records.trouble == words
                if words is None:
                    await stored(records.put("k", "a", b"1", 0))
            finally:
                await closed(records)


@pytest.mark.parametrize("url", ["mongodb://a:sec/ret@h/x", "mongodb://h:port", "http://h", "h"])
async def test_an_address_that_cannot_be_read_is_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="expected mongodb://") as caught:
        await MongoRecords.open(url)
    assert "sec" not in str(caught.value)
    assert "port" not in str(caught.value)


async def test_a_cluster_whose_name_is_not_known_is_trouble() -> None:
    records = await MongoRecords.open("mongodb+srv://nowhere.invalid/x", wait_s=WAIT_S)
    try:
        assert records.trouble is not None
        assert records.trouble.startswith("MongoDB at nowhere.invalid: ")
        assert "\n" not in records.trouble
    finally:
        await closed(records)
