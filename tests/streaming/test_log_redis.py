"""The log on a real Redis that is killed, full, read-only, silent, or a Cluster."""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from protocol.limits import LIMITS
from streaming.hearing_redis import packed, unpacked
from streaming.log import (
    CommandId,
    Entry,
    Fenced,
    News,
    Owned,
    StoreUnavailable,
    stored,
)
from streaming.records import Attempt
from tests.redis_server import free_port, redis_server
from tests.streaming.redis_nodes import T0, Heard, Nodes, entries, ill, well


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with redis_server() as (url, _):
        yield url


@pytest.fixture
async def redis(address: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(address, decode_responses=True) as client:
        await client.flushall()
        yield client
        await client.replicaof("NO", "ONE")
        await client.config_set("maxmemory", 0)
        await client.config_set("replica-serve-stale-data", "yes")


@pytest.fixture
async def nodes(address: str, redis: Redis) -> AsyncIterator[Nodes]:
    async with Nodes(address) as nodes:
        yield nodes


# --- two nodes ------------------------------------------------------------------------------------


async def test_a_zombies_append_is_refused_and_counted(nodes: Nodes) -> None:
    old, new = await nodes.join(), await nodes.join()
    await old.claim("s", "n1", at_ms=T0)
    await stored(old.append("s", 1, None, entries(1)))
    await new.claim("s", "n2", at_ms=T0, over=1)
    with pytest.raises(Fenced, match="term 2 owns it, an append came with term 1"):
        await stored(old.append("s", 1, CommandId("c", b"d"), entries(2), "ada"))
    await old.release("s", 1)
    with pytest.raises(Owned):
        await old.claim("s", "n1", at_ms=T0, over=1)
    await stored(new.append("s", 2, CommandId("c", b"d"), entries(2)))
    assert (old.counts.fenced, new.counts.fenced) == (1, 0)
    assert [e.seq for e in await old.read("s", 0)] == [1, 2]
    assert nodes.attempts.taken == []


async def test_a_log_that_was_given_back_is_forgotten_unless_somebody_takes_it_up(
    nodes: Nodes, redis: Redis
) -> None:
    log = await nodes.join()
    first = await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", first.term, CommandId("c", b"d"), entries(1)))
    keys = await redis.keys("*{s}*")
    assert len(keys) == 5
    assert {await redis.pttl(key) for key in keys} == {-1}
    await log.release("s", first.term)
    kept_ms = LIMITS.log_kept_s * 1000
    assert all([kept_ms - 60_000 < await redis.pttl(key) <= kept_ms for key in keys])
    again = await log.claim("s", "n1", at_ms=T0, over=first.term)
    assert (again.epoch, again.head) == (first.epoch, 1)
    assert {await redis.pttl(key) for key in keys} == {-1}
    await log.release("s", again.term)
    for key in keys:
        await redis.pexpire(key, 0)
    anew = await log.claim("s", "n1", at_ms=T0)
    assert (anew.epoch != first.epoch, anew.head) == (True, 0)


async def test_what_one_node_appends_another_hears_and_reads(nodes: Nodes) -> None:
    here, there = await nodes.join(), await nodes.join()
    heard = Heard()
    await there.subscribe("s", heard)
    await here.claim("s", "n1", at_ms=T0)
    for seq in range(1, 101):
        here.append("s", 1, None, entries(seq))
    await heard.until(lambda: len(heard.seqs) == 100)
    assert [e for news in heard.news for e in news.entries] == entries(1, 100)
    assert await there.read("s", 0) == entries(1, 100)
    assert here.counts.appends == 100
    assert here.counts.batches == 1, "one turn of the loop, one pipeline"


async def test_a_long_log_is_read_in_parts(nodes: Nodes) -> None:
    log = await nodes.join()
    await log.claim("s", "n1", at_ms=T0)
    log.append("s", 1, None, entries(1, 1_200))
    assert await log.read("s", 0) == entries(1, 1_200)
    assert await log.read("s", 100, limit=900) == entries(101, 900)


async def test_scripts_that_redis_forgot_are_sent_again(nodes: Nodes, redis: Redis) -> None:
    log = await nodes.join()
    await log.claim("s", "n1", at_ms=T0)
    for seq in range(1, 10, 3):
        await redis.script_flush()
        tickets = [log.append("s", 1, None, entries(n)) for n in range(seq, seq + 3)]
        await stored(tickets[-1])
        assert all(ticket.stored for ticket in tickets)


async def test_a_log_of_which_a_part_is_lost_is_begun_anew(nodes: Nodes, redis: Redis) -> None:
    log = await nodes.join()
    for name, lost in (("a", "log"), ("b", "meta"), ("c", "own")):
        first = await log.claim(name, "n1", at_ms=T0)
        await stored(log.append(name, 1, CommandId("c", b"d"), entries(1, 3)))
        await redis.delete(f"ts:{{{name}}}:{lost}")
        again = await log.claim(name, "n1", at_ms=T0)
        assert again.epoch != first.epoch
        assert (again.head, again.term) == (0, 1 if lost == "own" else 2)
        assert await log.replies(name, newest=9, since_ms=0) == []
        await stored(log.append(name, again.term, CommandId("c", b"d"), entries(1)))


async def test_command_ids_are_bounded_by_number_and_time(nodes: Nodes, redis: Redis) -> None:
    log = await nodes.join()
    await log.claim("s", "n1", at_ms=T0)
    old, later = 1_100, T0 + 700_000
    for n in range(1, old + 1):
        log.append("s", 1, CommandId(f"c{n}", b"d"), [Entry(n, T0, b"")])
    assert await redis.llen("ts:{s}:ids") in range(old)
    await log.replies("s", newest=1, since_ms=0)
    assert await redis.llen("ts:{s}:ids") == old, "all of them came within ten minutes"
    await stored(log.append("s", 1, CommandId("new", b"d"), [Entry(old + 1, later, b"")]))
    assert await redis.llen("ts:{s}:ids") == await redis.hlen("ts:{s}:cmd") == 1_024
    assert (await log.replies("s", newest=1, since_ms=later))[0].id == "new"


async def test_a_publication_of_a_stranger_is_passed_over(
    nodes: Nodes, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    log, heard = await nodes.join(), Heard()
    await log.subscribe("s", heard)
    await log.claim("s", "n1", at_ms=T0)
    for words in ("epoch 1 2 3", "epoch 1 2 30 4\nshort", "epoch one two three four"):
        await redis.publish("ts:{s}:pub", words)
    await stored(log.append("s", 1, None, entries(1)))
    await heard.until(lambda: heard.seqs == [1])
    assert len(heard.news) == 1
    assert caplog.text.count("ts:{s}:pub is none of ours") == 3


def test_news_is_unpacked_as_it_was_packed() -> None:
    some = [Entry(7, T0, b"\n {} \x00", b""), Entry(8, T0 + 1, b"", bytes(range(256)))]
    assert unpacked(packed("e_-1", some)) == News("e_-1", tuple(some))
    assert unpacked(packed("e", [])) == News("e")
    assert unpacked(b"e R") == News("e", released=True)


# --- answers --------------------------------------------------------------------------------------


async def test_an_answer_is_shown_to_nobody_before_it_is_durable(nodes: Nodes) -> None:
    here, there, heard = await nodes.join(), await nodes.join(), Heard()
    claim = await here.claim("s", "n1", at_ms=T0)
    await there.subscribe("s", heard)
    await stored(here.append("s", 1, None, entries(1)))
    await heard.until(lambda: heard.seqs == [1])
    nodes.attempts.at_once = False
    answer = here.append("s", 1, CommandId("c", b"d"), entries(2, 2), "ada")
    behind = [here.append("s", 1, None, entries(4)), here.append("s", 1, None, entries(5), "bob")]
    await nodes.attempts.until(2)
    assert not answer.resolved
    assert not any(ticket.resolved for ticket in behind)
    assert await there.head("s") == (claim.epoch, 1)
    assert [e.seq for e in await there.read("s", 0)] == [1]
    assert await there.read("s", 1) == []
    assert heard.seqs == [1]
    (first, taken), (_, second) = nodes.attempts.taken
    assert first == Attempt("s", claim.epoch, 2, "ada", T0 + 2, b"deed")
    taken.resolve()
    assert answer.stored
    assert behind[0].stored
    await heard.until(lambda: heard.seqs == [1, 2, 3, 4])
    assert [e.seq for e in await there.read("s", 0)] == [1, 2, 3, 4]
    assert not behind[1].resolved
    second.resolve()
    await heard.until(lambda: heard.seqs == [1, 2, 3, 4, 5])
    assert await there.head("s") == (claim.epoch, 5)
    await stored(here.append("s", 1, None, entries(6)))
    await heard.until(lambda: heard.seqs[-1] == 6)


async def test_an_answer_that_records_refuse_ends_its_owner(nodes: Nodes) -> None:
    here, there, heard = await nodes.join(), await nodes.join(), Heard()
    claim = await here.claim("s", "n1", at_ms=T0)
    await there.subscribe("s", heard)
    nodes.attempts.at_once = False
    answer = here.append("s", 1, None, entries(1, 2), "ada")
    await nodes.attempts.until(1)
    nodes.attempts.taken[0][1].resolve(StoreUnavailable("mongo is away"))
    with pytest.raises(StoreUnavailable, match="answer at 1 is not durable: mongo is away"):
        await stored(answer)
    with pytest.raises(StoreUnavailable, match="is not durable"):
        await stored(here.append("s", 1, None, entries(3)))
    assert await there.head("s") == (claim.epoch, 0)
    assert heard.seqs == []
    again = await here.claim("s", "n1", at_ms=T0)
    assert (again.term, again.head) == (1, 3), "its owner folds what is there and adds the attempt"
    assert (await heard.told_to_read()).epoch == claim.epoch
    assert [e.seq for e in await there.read("s", 0)] == [1, 2, 3]
    await stored(here.append("s", 1, None, entries(4)))
    await heard.until(lambda: heard.seqs == [4])


# --- connections ----------------------------------------------------------------------------------


async def test_news_that_was_lost_is_found_by_reading(nodes: Nodes, redis: Redis) -> None:
    here, there, heard, second = await nodes.join(), await nodes.join(), Heard(), Heard()
    claim = await here.claim("s", "n1", at_ms=T0)
    await there.subscribe("s", heard)
    await there.subscribe("t", second)
    await redis.client_kill_filter(_type="pubsub")
    await stored(here.append("s", 1, None, entries(1)))
    assert await heard.told_to_read() == News(claim.epoch)
    assert await second.told_to_read() == News("")
    assert await there.head("s") == (claim.epoch, 1)
    await stored(here.append("s", 1, None, entries(2)))
    await heard.until(lambda: 2 in heard.seqs)
    assert there.counts.reconnects == 1
    await well(there)


async def test_a_redis_that_dies_and_comes_back_empty() -> None:
    port = free_port()
    async with Nodes(f"redis://127.0.0.1:{port}/0") as nodes:
        heard = Heard()
        with redis_server(port) as (_, server):
            log = await nodes.join()
            claim = await log.claim("s", "n1", at_ms=T0)
            await log.subscribe("s", heard)
            await stored(log.append("s", 1, None, entries(1)))
            server.kill()
            server.wait()
            for fails in (
                stored(log.append("s", 1, None, entries(2))),
                log.subscribe("t", Heard()),
                log.read("s", 0),
            ):
                with pytest.raises(StoreUnavailable, match=r"^redis: "):
                    await fails
            assert log.trouble is not None
            assert log.counts.failed == 1
        with redis_server(port):
            assert await heard.told_to_read() == News(""), "the log is gone"
            await well(log)
            with pytest.raises(Fenced):
                await stored(log.append("s", 1, None, entries(2)))
            again = await log.claim("s", "n1", at_ms=T0)
            assert (again.term, again.head) == (1, 0)
            assert again.epoch != claim.epoch
            await stored(log.append("s", 1, None, entries(1)))
            await heard.until(lambda: heard.seqs == [1, 1])


async def test_a_redis_that_says_nothing_fails_appends_and_is_used_again() -> None:
    with redis_server() as (url, server):
        async with Nodes(url) as nodes:
            log = await nodes.join()
            await log.claim("s", "n1", at_ms=T0)
            server.send_signal(signal.SIGSTOP)
            tickets = [log.append("s", 1, None, entries(n)) for n in (1, 2)]
            for ticket in tickets:
                with pytest.raises(StoreUnavailable, match=r"(?i)timeout|timed out"):
                    await stored(ticket)
            server.send_signal(signal.SIGCONT)
            await well(log)
            claim = await log.claim("s", "n1", at_ms=T0)
            assert claim.head in (0, 2), "whether they ran nobody knew; the log says it"
            await stored(log.append("s", 1, None, entries(claim.head + 1)))


async def test_a_log_closes_though_redis_is_away() -> None:
    with redis_server() as (url, server):
        async with Nodes(url) as nodes:
            log = await nodes.join()
            await log.claim("s", "n1", at_ms=T0)
            await log.subscribe("s", Heard())
            server.kill()
            server.wait()
            ticket = log.append("s", 1, None, entries(1))
            await log.aclose()
            assert isinstance(ticket.error, StoreUnavailable)
            with pytest.raises(StoreUnavailable, match="closed"):
                await log.subscribe("s", Heard())


async def test_a_redis_that_is_not_there_is_named() -> None:
    port = free_port()
    with pytest.raises(StoreUnavailable, match=rf"^redis: .*{port}"):
        await Nodes(f"redis://127.0.0.1:{port}/0").join()
    with pytest.raises(ValueError, match="scheme"):
        await Nodes("http://localhost/").join()


# --- refusals -------------------------------------------------------------------------------------


async def test_a_wrong_password_is_named_and_a_new_one_ends_it() -> None:
    with redis_server() as (url, _):
        async with Nodes(url) as nodes:
            log = await nodes.join()
            async with Redis.from_url(url) as client:
                await client.config_set("requirepass", "open sesame")
                for wrong in ("", ":guess@"):
                    with pytest.raises(StoreUnavailable, match=r"^redis: (NOAUTH|WRONGPASS)"):
                        await nodes.join(url.replace("://", f"://{wrong}"))
                await client.client_kill_filter(skipme=True)
                with pytest.raises(StoreUnavailable, match=r"^redis: NOAUTH"):
                    await stored(log.append("s", 1, None, entries(1)))
                assert (log.trouble or "").startswith("redis: NOAUTH")
                await client.config_set("requirepass", "")
            await well(log)
            await log.claim("s", "n1", at_ms=T0)


async def test_a_full_memory_refuses_writes_and_reads_go_on(
    nodes: Nodes, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    log = await nodes.join()
    await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", 1, CommandId("a", b"d"), entries(1)))
    await redis.config_set("maxmemory", 1)
    refused = [
        log.append("s", 1, CommandId("b", b"d"), entries(2)),
        log.append("s", 1, None, entries(2), "ada"),
    ]
    for ticket in refused:
        with pytest.raises(StoreUnavailable, match=r"^redis: OOM"):
            await stored(ticket)
    with pytest.raises(StoreUnavailable, match="OOM"):
        await log.claim("s", "n1", at_ms=T0, anew=True)
    assert "OOM" in (log.trouble or "")
    assert [e.seq for e in await log.read("s", 0)] == [1]
    assert "OOM" in (log.trouble or ""), "a read does not make it well"
    await redis.config_set("maxmemory", 0)
    await well(log)
    await stored(log.append("s", 1, CommandId("b", b"d"), entries(2)))
    assert nodes.attempts.taken == []
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING][-1] == (
        "redis answers again"
    )


async def test_a_replica_refuses_writes_until_it_is_a_master(nodes: Nodes, redis: Redis) -> None:
    log = await nodes.join()
    await log.claim("s", "n1", at_ms=T0)
    await redis.config_set("replica-serve-stale-data", "yes")
    await redis.replicaof("127.0.0.1", str(free_port()))
    with pytest.raises(StoreUnavailable, match="READONLY"):
        await stored(log.append("s", 1, None, entries(1)))
    assert "READONLY" in (log.trouble or "")
    await redis.config_set("replica-serve-stale-data", "no")
    with pytest.raises(StoreUnavailable, match="MASTERDOWN"):
        await log.claim("s", "n1", at_ms=T0)
    await redis.replicaof("NO", "ONE")
    await redis.config_set("replica-serve-stale-data", "yes")
    await well(log)
    await stored(log.append("s", 1, None, entries(1)))


async def test_a_publication_that_failed_is_tried_again(nodes: Nodes, redis: Redis) -> None:
    here, there, heard = await nodes.join(), await nodes.join(), Heard()
    await here.claim("s", "n1", at_ms=T0)
    await there.subscribe("s", heard)
    nodes.attempts.at_once = False
    answer = here.append("s", 1, None, entries(1, 2), "ada")
    await nodes.attempts.until(1)
    await redis.replicaof("127.0.0.1", str(free_port()))
    await redis.config_set("replica-serve-stale-data", "no")
    nodes.attempts.taken[0][1].resolve()
    await stored(answer)
    await ill(here)
    assert heard.seqs == []
    await redis.replicaof("NO", "ONE")
    await redis.config_set("replica-serve-stale-data", "yes")
    await heard.until(lambda: 2 in heard.seqs)
    await well(here)
    assert [e.seq for e in await there.read("s", 0)] == [1, 2]
