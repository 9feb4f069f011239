"""One suite for every ledger: all or none, once only, nothing past a cap, nothing lost by death."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from streaming.ledger import HOLD_S, Counter, Ledger, Line, Reserved
from streaming.ledger_redis import RedisLedger
from streaming.ledger_sqlite import SqliteLedger
from streaming.log import StoreUnavailable
from streaming.store_sqlite import SqliteStore
from tests.redis_server import redis_server
from tests.virtual import run

ROOT = Path(__file__).resolve().parents[2]
T0 = time.time()
"""Redis ends keys by its own clock, so these tests live in the present."""
ENDS_S = int(T0) + 86_400


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as (url, _):
        yield url


class Place:
    """Where a twin keeps its counters; `opened` opens it as a further process would."""

    def __init__(self, kind: str, where: str) -> None:
        self.kind = kind
        self.where = where

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Ledger]:
        if self.kind == "redis":
            ledger = RedisLedger.connect(self.where)
            yield ledger
            await ledger.aclose()
        else:
            path = None if self.kind == "memory" else self.where
            store = SqliteStore.open(path, loop=asyncio.get_running_loop())
            yield store.ledger
            await store.aclose()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def place(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Place:
    where = redis_url if request.param == "redis" else str(tmp_path / "store.db")
    return Place(request.param, where)


@pytest.fixture(params=["sqlite", "redis"])
def lasting(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Place:
    where = redis_url if request.param == "redis" else str(tmp_path / "store.db")
    return Place(request.param, where)


@pytest.fixture
async def ledger(place: Place) -> AsyncIterator[Ledger]:
    async with place.opened() as ledger:
        yield ledger


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    """One Redis serves the whole module, so each test is a tenant; its name is not a tame one."""
    return f"{request.node.name} }}:{{ü"


def line(account: str, amount: int, limit: int | None = None) -> Line:
    return Line(account, ENDS_S, amount, limit)


async def test_all_lines_are_set_aside_and_charged_once(ledger: Ledger, tenant: str) -> None:
    lines = [line("learner.day:ada", 100, 1_000), line("tenant.day", 100), line("usd", 7, 50)]
    said = await ledger.reserve(tenant, "h1", lines, now_s=T0)
    assert said == Reserved(None, (Counter(0, 100), Counter(0, 100), Counter(0, 7)))
    names = [one.account for one in lines]
    assert await ledger.spent(tenant, names, now_s=T0) == said.counters
    told = await ledger.settle(tenant, "h1", [60, 60, 9])
    assert told == {
        "learner.day:ada": Counter(60, 0),
        "tenant.day": Counter(60, 0),
        "usd": Counter(9, 0),
    }
    assert await ledger.settle(tenant, "h1", [60, 60, 9]) is None
    assert await ledger.spent(tenant, [*names, "unheard of"], now_s=T0) == (
        Counter(60, 0), Counter(60, 0), Counter(9, 0), Counter(0, 0),
    )  # fmt: skip


async def test_a_refusal_names_the_first_full_line_and_takes_nothing(
    ledger: Ledger, tenant: str
) -> None:
    lines = [line("a", 5, 10), line("b", 5, 4), line("c", 5, 0)]
    said = await ledger.reserve(tenant, "h1", lines, now_s=T0)
    assert said == (1, (Counter(0, 0),) * 3)
    assert await ledger.spent(tenant, ["a", "b", "c"], now_s=T0) == (Counter(0, 0),) * 3
    assert await ledger.settle(tenant, "h1", [5, 5, 5]) is None


async def test_a_limit_may_be_reached_and_not_passed(ledger: Ledger, tenant: str) -> None:
    assert (await ledger.reserve(tenant, "h1", [line("a", 6, 10)], now_s=T0)).refused is None
    assert (await ledger.reserve(tenant, "h2", [line("a", 5, 10)], now_s=T0)).refused == 0
    assert (await ledger.reserve(tenant, "h3", [line("a", 4, 10)], now_s=T0)).refused is None
    await ledger.settle(tenant, "h1", [12])  # more than was thought: it is charged as it is
    assert await ledger.spent(tenant, ["a"], now_s=T0) == (Counter(12, 4),)
    assert (await ledger.reserve(tenant, "h4", [line("a", 0, 10)], now_s=T0)).refused == 0


async def test_a_cap_of_0_refuses_what_costs_nothing_too(ledger: Ledger, tenant: str) -> None:
    assert (await ledger.reserve(tenant, "h1", [line("a", 0, 0)], now_s=T0)).refused == 0
    assert (await ledger.reserve(tenant, "h2", [line("a", 0, 1)], now_s=T0)).refused is None


async def test_a_call_sent_twice_reserves_once(ledger: Ledger, tenant: str) -> None:
    for _ in range(2):
        said = await ledger.reserve(tenant, "h1", [line("a", 6, 10)], now_s=T0)
        assert said == Reserved(None, (Counter(0, 6),))


async def test_tenants_are_strangers(ledger: Ledger, tenant: str) -> None:
    await ledger.reserve(tenant, "h1", [line("a", 6)], now_s=T0)
    assert await ledger.spent(f"{tenant}2", ["a"], now_s=T0) == (Counter(0, 0),)
    assert await ledger.settle(f"{tenant}2", "h1", [1]) is None
    assert await ledger.sweep(f"{tenant}2", now_s=T0 + HOLD_S) == 0
    assert await ledger.spent(tenant, ["a"], now_s=T0) == (Counter(0, 6),)


@pytest.mark.parametrize("by", ["reserve", "spent", "sweep"])
async def test_a_hold_nobody_settles_is_charged_in_full(
    ledger: Ledger, tenant: str, by: str
) -> None:
    await ledger.reserve(tenant, "h1", [line("a", 6, 10), line("b", 0)], now_s=T0)
    assert await ledger.spent(tenant, ["a"], now_s=T0 + HOLD_S - 0.1) == (Counter(0, 6),)
    late_s = T0 + HOLD_S
    if by == "reserve":
        said = await ledger.reserve(tenant, "h2", [line("a", 4, 10)], now_s=late_s)
        assert said == Reserved(None, (Counter(6, 4),))
        await ledger.settle(tenant, "h2", [0])
    elif by == "sweep":
        assert await ledger.sweep(tenant, now_s=late_s) == 1
        assert await ledger.sweep(tenant, now_s=late_s) == 0
    assert await ledger.spent(tenant, ["a", "b"], now_s=late_s) == (Counter(6, 0), Counter(0, 0))
    assert await ledger.settle(tenant, "h1", [1, 1]) is None, "a late settling changes nothing"
    assert await ledger.spent(tenant, ["a", "b"], now_s=late_s) == (Counter(6, 0), Counter(0, 0))


async def test_a_late_settling_before_the_sweep_is_still_good(ledger: Ledger, tenant: str) -> None:
    await ledger.reserve(tenant, "h1", [line("a", 6)], now_s=T0)
    assert await ledger.settle(tenant, "h1", [2]) == {"a": Counter(2, 0)}
    assert await ledger.sweep(tenant, now_s=T0 + HOLD_S) == 0


async def test_lines_without_an_amount_are_charged_in_full(ledger: Ledger, tenant: str) -> None:
    await ledger.reserve(tenant, "h1", [line("a", 6), line("b", 7)], now_s=T0)
    assert await ledger.settle(tenant, "h1", [1]) == {"a": Counter(1, 0), "b": Counter(7, 0)}


async def test_large_amounts_stay_exact(ledger: Ledger, tenant: str) -> None:
    much = 2**52 + 1
    said = await ledger.reserve(tenant, "h1", [line("a", much, 2**53)], now_s=T0)
    assert said.counters == (Counter(0, much),)
    assert await ledger.settle(tenant, "h1", [much]) == {"a": Counter(much, 0)}


@pytest.mark.parametrize(
    ("name", "lines"), [("", [line("a", 1)]), ("t", []), ("t", [line("a", 1), line("a", 2)])]
)
async def test_what_cannot_be_reserved_is_named(
    ledger: Ledger, name: str, lines: list[Line]
) -> None:
    with pytest.raises(ValueError, match="expected"):
        await ledger.reserve(name, "h1", lines, now_s=T0)


def test_a_negative_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an amount >= 0, got -1"):
        line("a", -1)


# --- races ----------------------------------------------------------------------------------------


async def test_a_thousand_race_for_the_last_ten(ledger: Ledger, tenant: str) -> None:
    lines = [line("learner", 220, 150_000), line("tenant", 220, 2_300)]
    said = await asyncio.gather(
        *(ledger.reserve(tenant, f"h{n}", lines, now_s=T0) for n in range(1_000))
    )
    assert sum(one.refused is None for one in said) == 10
    assert {one.refused for one in said} == {None, 1}
    assert await ledger.spent(tenant, ["learner", "tenant"], now_s=T0) == (Counter(0, 2_200),) * 2


async def test_two_ledgers_on_one_place_race_too(lasting: Place, tenant: str) -> None:
    async with contextlib.AsyncExitStack() as open_:
        first = await open_.enter_async_context(lasting.opened())
        if lasting.kind == "sqlite":
            second: Ledger = another(first)
        else:
            second = await open_.enter_async_context(lasting.opened())
        said = await asyncio.gather(
            *(
                (first, second)[n % 2].reserve(tenant, f"h{n}", [line("a", 3, 30)], now_s=T0)
                for n in range(1_000)
            )
        )
        assert sum(one.refused is None for one in said) == 10
        assert await second.spent(tenant, ["a"], now_s=T0) == (Counter(0, 30),)


def another(ledger: Any) -> Ledger:
    """A second ledger on the first one's file."""
    return SqliteLedger(ledger._db, ledger._writer)


RACER = """
import asyncio, os, sys, time
from streaming.ledger import Line
from streaming.ledger_redis import RedisLedger

async def main():
    url, tenant, name, now_s = *sys.argv[1:4], float(sys.argv[4])
    ledger = RedisLedger.connect(url)
    await ledger.spent(tenant, ["a"], now_s=now_s)
    print("ready", flush=True)
    sys.stdin.readline()
    lines = [Line("a", int(now_s) + 86_400, 3, 30)]
    said = await asyncio.gather(
        *(ledger.reserve(tenant, f"{name}{n}", lines, now_s=now_s) for n in range(500))
    )
    print(sum(one.refused is None for one in said), flush=True)
    await ledger.aclose()

asyncio.run(main())
"""


def test_two_processes_race_for_the_last_ten(redis_url: str, tenant: str) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, redis_url, tenant, name, str(T0)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("x", "y")
    ]  # fmt: skip
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        assert sum(int(racer.communicate(timeout=60)[0]) for racer in racers) == 10
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


# --- death ----------------------------------------------------------------------------------------

DYING = """
import asyncio, sys
from streaming.ledger import Line

async def main():
    kind, where, tenant, now_s = *sys.argv[1:4], float(sys.argv[4])
    if kind == "redis":
        from streaming.ledger_redis import RedisLedger
        ledger = RedisLedger.connect(where)
    else:
        from streaming.store_sqlite import SqliteStore
        ledger = SqliteStore.open(where, loop=asyncio.get_running_loop()).ledger
    ends_s = int(now_s) + 86_400
    await ledger.reserve(tenant, "settled", [Line("a", ends_s, 50)], now_s=now_s)
    await ledger.settle(tenant, "settled", [20])
    lines = [Line("a", ends_s, 300, 1_000), Line("usd", ends_s, 7, 10)]
    said = await ledger.reserve(tenant, "dying", lines, now_s=now_s)
    print("reserved", said.refused, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_kill_9_between_reserve_and_settle_charges_once(lasting: Place, tenant: str) -> None:
    command = [sys.executable, "-c", DYING, lasting.kind, lasting.where, tenant, str(T0)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:  # noqa: ASYNC220 - the loop has nothing else to do
        assert child.stdout is not None
        assert child.stdout.readline() == "reserved None\n"
        child.kill()
    async with lasting.opened() as ledger:
        both = ["a", "usd"]
        assert await ledger.spent(tenant, both, now_s=T0 + 5) == (Counter(20, 300), Counter(0, 7))
        assert await ledger.sweep(tenant, now_s=T0 + HOLD_S) == 1
        charged = (Counter(320, 0), Counter(7, 0))
        assert await ledger.spent(tenant, both, now_s=T0 + HOLD_S) == charged
        assert await ledger.settle(tenant, "dying", [1, 1]) is None
        assert await ledger.spent(tenant, both, now_s=T0 + 2 * HOLD_S) == charged
        said = await ledger.reserve(tenant, "next", [line("usd", 4, 10)], now_s=T0 + HOLD_S)
        assert said.refused == 0


# --- against a model ------------------------------------------------------------------------------

acts: st.SearchStrategy[list[Any]] = st.lists(
    st.one_of(
        st.tuples(
            st.just("reserve"),
            st.integers(0, 5),
            st.lists(st.integers(0, 40), min_size=3, max_size=3),
        ),
        st.tuples(st.just("settle"), st.integers(0, 5), st.lists(st.integers(0, 60), max_size=3)),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 40.0, HOLD_S]), st.just([])),
    ),
    max_size=25,
)
LIMITS = (100, None, 60)


@given(acts)
@settings(max_examples=60, deadline=None)
def test_any_history_adds_up(history: list[Any]) -> None:
    async def go() -> None:
        store = SqliteStore.open(None, loop=asyncio.get_running_loop(), inline=True)
        now_s, used, names = T0, [0, 0, 0], ["a", "b", "c"]
        holds: dict[str, tuple[float, list[int]]] = {}
        for act, which, amounts in history:
            if act == "wait":
                now_s += which
            if act != "settle":
                for hold in [h for h, (at_s, _) in holds.items() if at_s <= now_s - HOLD_S]:
                    used = [u + a for u, a in zip(used, holds.pop(hold)[1], strict=True)]
            hold = f"h{which}"
            taken = [u + sum(h[1][i] for h in holds.values()) for i, u in enumerate(used)]
            if act == "reserve":
                lines = [line(*x) for x in zip(names, amounts, LIMITS, strict=True)]
                said = await store.ledger.reserve("t", hold, lines, now_s=now_s)
                full = [
                    i for i, limit in enumerate(LIMITS)
                    if limit is not None and taken[i] + amounts[i] > limit
                ]  # fmt: skip
                if hold not in holds:
                    assert said.refused == (full[0] if full else None)
                    if not full:
                        holds[hold] = (now_s, amounts)
                        assert all(
                            limit is None or c.taken <= limit
                            for c, limit in zip(said.counters, LIMITS, strict=True)
                        )
            elif act == "settle":
                told = await store.ledger.settle("t", hold, amounts)
                assert (told is None) == (hold not in holds)
                if hold in holds:
                    charged = [*amounts, *holds.pop(hold)[1][len(amounts) :]]
                    used = [u + a for u, a in zip(used, charged, strict=True)]
            else:
                found = await store.ledger.spent("t", names, now_s=now_s)
                assert [c.used for c in found] == used
                assert [c.taken for c in found] == [
                    u + sum(h[1][i] for h in holds.values()) for i, u in enumerate(used)
                ]
        await store.aclose()

    run(go())


# --- each twin's own ------------------------------------------------------------------------------


async def test_counters_of_periods_long_over_are_forgotten(tmp_path: Path) -> None:
    store = SqliteStore.open(str(tmp_path / "store.db"), loop=asyncio.get_running_loop())
    await store.ledger.reserve("t", "h1", [line("day:ada", 5)], now_s=T0)
    await store.ledger.settle("t", "h1", [5])
    assert await store.ledger.spent("t", ["day:ada"], now_s=ENDS_S + 86_400) == (Counter(5, 0),)
    assert await store.ledger.spent("t", ["day:ada"], now_s=ENDS_S + 3 * 86_400) == (Counter(0, 0),)
    await store.aclose()


async def test_redis_ends_all_of_its_keys(redis_url: str, tenant: str) -> None:
    ledger = RedisLedger.connect(redis_url)
    await ledger.reserve(tenant, "h1", [line("a", 5)], now_s=T0)
    keys = [key async for key in ledger._redis.scan_iter(match="tutor:{test_redis_ends*")]
    assert len(keys) == 3
    assert all([0 < await ledger._redis.ttl(key) <= 3 * 86_400 for key in keys])
    assert len({key_slot(key) for key in keys}) == 1, "a Cluster could hold them"
    await ledger.aclose()


async def test_a_redis_that_died_is_unavailable_and_one_that_came_back_serves() -> None:
    with redis_server() as (url, server):
        ledger = RedisLedger.connect(url)
        await ledger.reserve("t", "h1", [line("a", 5)], now_s=T0)
        server.kill()
        server.wait()
        with pytest.raises(StoreUnavailable, match="the ledger's Redis"):
            await ledger.reserve("t", "h2", [line("a", 5)], now_s=T0)
    with redis_server(int(url.rpartition(":")[2].partition("/")[0])):
        assert (await ledger.reserve("t", "h3", [line("a", 5)], now_s=T0)).refused is None
    await ledger.aclose()


async def test_a_closed_store_is_unavailable() -> None:
    store = SqliteStore.open(None, loop=asyncio.get_running_loop())
    await store.aclose()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.ledger.spent("t", ["a"], now_s=T0)
