"""Stores opened by settings, and a server whose stores are away. This file takes them away."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from protocol.errors import Close
from server.app import kept_secret
from server.run import Stopped, running
from server.settings import Misconfigured, Settings
from server.stores import Stores, store_path
from streaming.ledger_redis import RedisLedger
from streaming.ledger_sqlite import SqliteLedger
from streaming.log import StoreUnavailable, stored
from streaming.log_redis import RedisLog
from streaming.log_sqlite import SqliteLog
from streaming.nodes import Alone
from streaming.nodes_redis import RedisNodes
from streaming.records import Document
from streaming.records_mongo import MongoRecords
from streaming.records_sqlite import SqliteRecords
from tests.mongo_server import driver_leaves, mongo_server
from tests.redis_server import free_port, redis_server
from tests.wire.node import Learner, open_socket
from tests.world import small_course

WAIT_MS = 300
"""How long these servers wait for a primary."""
SOON_S = 60.0


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as (url, _):
        yield url


@pytest.fixture(scope="module")
def mongo_url() -> Iterator[str]:
    with mongo_server() as (url, _):
        yield url


@pytest.fixture
def course(tmp_path: Path) -> str:
    path = tmp_path / "sums.json"
    path.write_bytes(small_course())
    return str(path)


def away(redis: str, mongo: str, **more: Any) -> Settings:
    """Settings of one of several servers."""
    from server.settings import Mongo

    return Settings(store=mongo, redis=redis, mongo=Mongo(WAIT_MS), **more)


# --- what is opened -------------------------------------------------------------------------------


async def test_each_store_brings_its_ports(redis_url: str, mongo_url: str, tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path / 's.db'}"
    for settings, kinds in (
        (Settings(), (SqliteLog, SqliteRecords, SqliteLedger, Alone)),
        (Settings(store=file), (SqliteLog, SqliteRecords, SqliteLedger, Alone)),
        (Settings(redis=redis_url), (SqliteLog, SqliteRecords, RedisLedger, Alone)),
        (away(redis_url, mongo_url + "/x"), (RedisLog, MongoRecords, RedisLedger, RedisNodes)),
    ):
        stores = await Stores.open(settings)
        opened = (stores.log, stores.records, stores.ledger, stores.nodes)
        assert tuple(map(type, opened)) == kinds
        assert stores.trouble == []
        await stored(stores.records.put("k", "a", b"x", 0))
        assert await stores.records.get("k", "a") == Document(1, b"x")
        await stores.aclose()
        await stores.aclose()
    assert store_path(Settings(store=file)) == str(tmp_path / "s.db")
    assert store_path(Settings()) is None
    assert store_path(away("r", "mongodb://h/x")) is None


async def test_what_is_away_is_named(redis_url: str, mongo_url: str) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    with (
        driver_leaves(),
        pytest.raises(StoreUnavailable, match=f"MongoDB at {nowhere}: no primary"),
    ):
        await Stores.open(away(redis_url, f"mongodb://ada:hush@{nowhere}/x"))
    with pytest.raises(StoreUnavailable, match=f"redis: .*{nowhere.partition(':')[2]}"):
        await Stores.open(away(f"redis://{nowhere}/0", mongo_url))


async def test_an_address_that_a_client_cannot_read_is_misconfigured(mongo_url: str) -> None:
    with pytest.raises(Misconfigured, match="store: expected mongodb://") as told:
        await Stores.open(away("redis://127.0.0.1/0", "mongodb://a%zz:hush@h/x?w=hush"))
    assert "hush" not in str(told.value)


async def test_a_client_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="pymongo.errors")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(Misconfigured, match=r'pip install "tutorstream\[mongo\]"'):
        await Stores.open(away("redis://127.0.0.1/0", "mongodb://h/x"))


async def test_nodes_that_begin_together_have_one_secret(redis_url: str, mongo_url: str) -> None:
    opened = [await MongoRecords.open(f"{mongo_url}/secrets") for _ in range(3)]
    try:
        found = await asyncio.gather(*(kept_secret(one) for one in opened * 4))
        assert len(set(found)) == 1
        assert await kept_secret(opened[0]) == found[0]
    finally:
        for one in opened:
            await one.aclose()


# --- a server whose stores are away ---------------------------------------------------------------


async def asked(port: int, path: str, *, body: str | None = None) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    method, data = ("GET", b"") if body is None else ("POST", body.encode())
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    first, _, document = answer.partition(b"\r\n\r\n")
    return int(first.split()[1]), json.loads(document)


async def until_ready(port: int, why: str | None) -> None:
    """Returns once /readyz says this, or 200 for None."""
    said: Any = None
    try:
        async with asyncio.timeout(SOON_S):
            while True:
                with contextlib.suppress(OSError):
                    status, said = await asked(port, "/readyz")
                    if status == 200 if why is None else why in said.get("why", ""):
                        return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"expected {why!r}, /readyz says {said}") from None


@contextlib.asynccontextmanager
async def starting(settings: Settings) -> AsyncIterator[asyncio.Event]:
    """A server in this process that may have to wait; set the event to end it."""
    stop = asyncio.Event()

    async def live() -> None:
        try:
            async with running(settings, stop=stop):
                await stop.wait()
        except Stopped:
            return

    task = asyncio.create_task(live())
    try:
        yield stop
    finally:
        stop.set()
        await task


async def test_a_server_starts_without_its_stores_and_goes_on_without_them(
    tmp_path: Path, course: str, caplog: pytest.LogCaptureFixture
) -> None:
    redis, mongo, port = free_port(), free_port(), free_port()
    settings = away(
        f"redis://:hush@127.0.0.1:{redis}/0",
        f"mongodb://127.0.0.1:{mongo}/x",
        port=port,
        courses=[course],
    )
    redis_away = str(redis)
    mongo_away = f"MongoDB at 127.0.0.1:{mongo}: no primary could be reached in 0.3 s"
    with driver_leaves():
        async with starting(settings):
            await until_ready(port, mongo_away)
            assert (await asked(port, "/livez"))[0] == 200
            client = await open_socket(port)
            client.text('{"t":"hello"}\n{"t":"lesson.start","id":"c1"}')
            first, second = (json.loads(f) for f in (await client.message()).split(b"\n"))
            assert (first["t"], first["code"], first.get("re")) == ("err", 153, None)
            assert (second["code"], second["re"]) == (153, "c1")
            assert first["retry_ms"] > 0
            assert await client.close_code() == Close.SERVER_ERROR
            await client.aclose()
            status, said = await asked(port, "/v1/sessions", body='{"t":"hello"}')
            assert (status, said["code"]) == (503, 153)
            with mongo_server(mongo, tmp_path / "m") as (_, process):
                await until_ready(port, redis_away)
                with redis_server(redis):
                    await until_ready(port, "AUTH")
                assert process.poll() is None
    assert "hush" not in caplog.text
    assert any(mongo_away in record.message for record in caplog.records)


async def test_stores_that_go_and_come_back_take_readiness_with_them(
    tmp_path: Path, course: str
) -> None:
    redis, mongo, port = free_port(), free_port(), free_port()
    settings = away(
        f"redis://127.0.0.1:{redis}/0",
        f"mongodb://127.0.0.1:{mongo}/x",
        port=port,
        courses=[course],
    )
    with driver_leaves():
        async with starting(settings):
            with redis_server(redis), mongo_server(mongo, tmp_path) as (_, process):
                await until_ready(port, None)
                learner = await Learner.come(port)
                await learner.lesson()
                await learner.answer()
                process.kill()
                process.wait()
                await until_ready(port, f"MongoDB at 127.0.0.1:{mongo}")
                answer = {"t": "answer.submit", "id": "late", "item": learner.item}
                learner.say({**answer, "response": "0", "taken_ms": 9_000})
                assert await learner.socket.close_code() == Close.SERVER_ERROR, "no feedback"
                await learner.aclose()
                refused = await open_socket(port)
                hello = {"t": "hello", "sid": learner.sid, "token": learner.token}
                refused.text(json.dumps(hello))
                assert json.loads(await refused.message())["code"] == 153
                await refused.aclose()
                with mongo_server(mongo, tmp_path) as (url, _):
                    await until_ready(port, None)
                    again = await Learner.come(port, token=learner.token, sid=learner.sid)
                    assert again.sid == learner.sid
                    kept = await again.until("feedback", re="late")
                    assert kept["verdict"] == "incorrect", "it waited in the log"
                    with MongoClient[dict[str, Any]](url) as client:
                        assert client["x"]["attempts"].count_documents({}) == 2
                    await again.aclose()


async def test_a_server_that_waits_can_be_stopped(course: str) -> None:
    nowhere = f"127.0.0.1:{free_port()}/0"
    settings = away(f"redis://{nowhere}", f"mongodb://{nowhere}", port=0, courses=[course])
    stop = asyncio.Event()
    stop.set()
    with driver_leaves(), pytest.raises(Stopped):
        async with running(settings, stop=stop):
            raise AssertionError("it cannot have begun")
