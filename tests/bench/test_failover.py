"""The checker of the failures finds each fault; its network can be cut; its Redis client reads."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import Callable
from hashlib import sha256

import pytest

from bench import failover, servers
from bench.failover_check import KINDS, Stored, Verdict, judged, read_logs
from bench.failover_client import Follower
from bench.options import Options
from bench.resp import Redis, RedisRefused, packed
from bench.upstream import answer, tokens
from protocol.codec import encode
from protocol.commands import AnswerSubmit
from protocol.events import (
    Delta,
    Durable,
    Feedback,
    LogHead,
    Timing,
    TurnDone,
    TurnStarted,
    TurnStatus,
    Welcome,
)
from tests.redis_server import redis_server

NAME = "0.1"
LENGTH = 6
WORDS = tokens(NAME, LENGTH)
EPOCH = "e"


def done(q: int, n: int, status: TurnStatus = "completed", text: str | None = None) -> TurnDone:
    shown = answer(NAME, LENGTH) if text is None else text
    return TurnDone("me", q, 0, "g1", status, n, sha256(shown.encode()).hexdigest(), 1.0)


def feedback(q: int, re: str) -> Feedback:
    timing = Timing(0, 0, 0, 0, 0)
    return Feedback("me", q, 0, re, "i", "correct", "1", "Right.", False, [], 0.5, timing)


def whole() -> list[Durable]:
    """A log with a whole turn and an answer."""
    deltas = [Delta("me", 2 + n, 0, "g1", (n, n), word) for n, word in enumerate(WORDS)]
    return [
        TurnStarted("me", 1, 0, "g1", f"ask.{NAME}", "vllm", "known-answers", "llm"),
        *deltas,
        done(2 + LENGTH, LENGTH),
        feedback(3 + LENGTH, "answer.1"),
    ]


def numbered(events: list[Durable]) -> list[tuple[int, bytes]]:
    return [(event.q, encode(event)) for event in events]


def follower_of(events: list[Durable]) -> Follower:
    follower = Follower(0, [], 0, random.Random(1))
    follower.asked[f"ask.{NAME}"] = NAME
    follower._hear(encode(Welcome("c", "s_1", "n", 20.0, 64, [LogHead("me", EPOCH, 0, "live")])))
    for event in events:
        follower._hear(encode(event))
    return follower


def checked(stored: list[Durable], heard: list[Durable] | None = None) -> Verdict:
    """The verdict on a log that holds `stored`, and a client that heard `heard`."""
    follower = follower_of(stored if heard is None else heard)
    log = Stored(EPOCH, stored[-1].q, 0, numbered(stored))
    return judged({"s_1": log}, [follower], {NAME: LENGTH})


def test_a_whole_log_has_no_fault() -> None:
    verdict = checked(whole())
    assert verdict.faults == {}
    assert (verdict.turns, verdict.answers, verdict.resets) == (1, 1, 0)
    assert verdict.statuses == {"completed": 1}


def without(q: int) -> list[Durable]:
    return [event for event in whole() if event.q != q]


def moved(events: list[Durable], *more: Durable) -> list[Durable]:
    return [*events, *more]


LAST = 3 + LENGTH
FAULTS: dict[str, Callable[[], Verdict]] = {
    "missing": lambda: checked(without(4)),
    "doubled": lambda: checked(
        moved(whole(), TurnStarted("me", LAST + 1, 0, "g1", "ask.0.1", "vllm", "m", "llm"))
    ),
    "late": lambda: checked(moved(whole(), Delta("me", LAST + 1, 0, "g1", (LENGTH, LENGTH), "!"))),
    "unended": lambda: checked(whole()[: 1 + LENGTH]),
    "ended_twice": lambda: checked(moved(whole(), done(LAST + 1, LENGTH))),
    "text": lambda: checked([*whole()[:4], done(5, 3, "completed", "".join(WORDS[:3]))]),
    "shown": lambda: checked(whole(), whole()[:4]),
    "behind": lambda: checked(whole(), whole()[:-1]),
    "answers_lost": lambda: checked(whole()[:-1], whole()),
    "answers_twice": lambda: checked(moved(whole(), feedback(LAST + 1, "answer.1"))),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_by_its_kind(kind: str) -> None:
    verdict = FAULTS[kind]()
    assert verdict.count(kind) >= 1, verdict.faults
    assert set(verdict.faults) <= KINDS.keys()


def test_a_lost_turn_is_a_beginning_of_the_answer() -> None:
    begun = [*whole()[:4], done(5, 3, "lost", "".join(WORDS[:3]))]
    verdict = checked(begun)
    assert verdict.faults == {}
    assert verdict.lost_at_ms == [0]
    other = Delta("me", 2, 0, "g1", (0, 0), "Else")
    spoilt = [begun[0], other, done(3, 1, "lost", "Else")]
    assert checked(spoilt).count("text") == 1


def test_a_command_without_a_reply_and_a_client_that_is_gone_are_faults() -> None:
    log = Stored(EPOCH, LAST, 0, numbered(whole()))
    follower = follower_of(whole())
    follower.replica.send(AnswerSubmit("answer.2", "i", "1", 1))
    assert judged({"s_1": log}, [follower], {NAME: LENGTH}).count("unanswered") == 1
    follower._hung_up(4410)
    assert judged({"s_1": log}, [follower], {NAME: LENGTH}).count("gone") == 1


def test_a_log_that_is_not_there_is_a_fault() -> None:
    assert judged({}, [follower_of(whole())], {NAME: LENGTH}).count("behind") == 1


def test_deltas_heard_behind_an_end_are_counted() -> None:
    follower = follower_of([*whole(), Delta("me", LAST + 1, 0, "g1", (LENGTH, LENGTH), "!")])
    assert follower.late_deltas == 1
    follower._hear(encode(done(LAST + 2, LENGTH)))
    assert follower.ended_twice == 1


def test_unknown_failures_and_running_servers_are_not_taken() -> None:
    with pytest.raises(ValueError, match="came nothing"):
        failover.defaults(Options("failover", only="kill,nothing"))
    with pytest.raises(ValueError, match="its own"):
        failover.defaults(Options("failover", url="ws://127.0.0.1:1/v1/ws"))
    made = failover.defaults(Options("failover", only="kill"))
    assert failover.chosen(made) == ["kill"]
    assert failover.chosen(Options("failover")) == list(failover.FAILURES)


# --- Redis ----------------------------------------------------------------------------------------


def test_logs_are_read_out_of_a_real_redis() -> None:
    with redis_server() as (url, _):
        port = int(url.rpartition(":")[2].partition("/")[0])
        with Redis(port) as redis:
            for event in whole():
                place = f"{event.q}-0"
                redis.ask("XADD", "ts:{s_1}:log", place, "t", 0, "p", encode(event), "s", b"")
            redis.ask("HSET", "ts:{s_1}:meta", "epoch", EPOCH, "seq", LAST, "floor", 0)
            assert redis.info("server")["tcp_port"] == str(port)
            assert redis.ask("GET", "none") is None
            with pytest.raises(RedisRefused, match="wrong kind of value"):
                redis.ask("GET", "ts:{s_1}:log")
        found = read_logs(port, ["s_1", "s_2"])
    assert found["s_1"] == Stored(EPOCH, LAST, 0, numbered(whole()))
    assert found["s_2"] == Stored("", 0, 0, [])
    assert judged(found, [follower_of(whole())], {NAME: LENGTH}).faults == {}


async def test_a_stopped_network_holds_bytes_and_delivers_them_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.machine.to_core", lambda of: None)
    with redis_server() as (url, _):
        port = url.rpartition(":")[2].partition("/")[0]
        command = [sys.executable, "-m", "bench.cluster_proxy", port]
        async with servers.serving("proxy", command, core="any") as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(packed(("SET", "a", "1")))
            assert await reader.readline() == b"+OK\r\n"
            proxy.process.send_signal(signal.SIGSTOP)
            writer.write(packed(("SET", "a", "2")))
            writer.close()  # what was sent is on its way all the same
            with Redis(int(port)) as redis:
                await asyncio.sleep(0.1)
                assert redis.ask("GET", "a") == b"1"
                proxy.process.send_signal(signal.SIGCONT)
                async with asyncio.timeout(60):
                    while redis.ask("GET", "a") != b"2":  # noqa: ASYNC110 - another process
                        await asyncio.sleep(0.01)
            await writer.wait_closed()
