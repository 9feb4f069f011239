"""Appends whose answers are lost: sent again, stored once, told to the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

from streaming.link_redis import Call, Link
from streaming.log import CommandId, Fenced, StoreUnavailable, stored
from streaming.log_redis import RedisLog
from tests.redis_server import redis_server
from tests.streaming.redis_nodes import T0, Heard, Nodes, entries

HOLD_S = 20.0


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with redis_server() as (address, _):
        yield address


@pytest.fixture
async def nodes(url: str) -> AsyncIterator[Nodes]:
    async with Nodes(url) as found:
        yield found


class Lossy:
    """The next rounds of calls get no answer, whether they ran or not."""

    def __init__(self, log: RedisLog, monkeypatch: pytest.MonkeyPatch, *, ran: list[bool]) -> None:
        link: Link = log._link
        run = link.run

        async def lossy(calls: Sequence[Call]) -> list[Any]:
            if not ran:
                return await run(calls)
            if ran.pop(0):
                await run(calls)
            return [ConnectionError("gone")] * len(calls)

        monkeypatch.setattr(link, "run", lossy)


@pytest.mark.parametrize("ran", [[True], [False], [True, True], [False, True, False]])
async def test_an_append_without_an_answer_is_stored_once(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, ran: list[bool]
) -> None:
    name = "".join("ny"[one] for one in ran)
    here, there = await nodes.join(hold_s=HOLD_S), await nodes.join()
    heard = Heard()
    await there.subscribe(name, heard)
    await here.claim(name, "n1", at_ms=T0)
    Lossy(here, monkeypatch, ran=ran)
    tickets = [
        here.append(name, 1, CommandId("c", b"d"), entries(1, 2)),
        here.append(name, 1, None, entries(3)),
        here.append(name, 1, None, entries(4), attempt_of="ada"),
        here.append(name, 1, None, entries(5)),
    ]
    for ticket in tickets:
        await stored(ticket)
    await heard.until(lambda: set(heard.seqs) == {1, 2, 3, 4, 5})  # what was held is shown then
    assert await there.read(name, 0) == entries(1, 5)
    assert [a.seq for a, _ in nodes.attempts.taken] == [4]
    assert here.trouble is None
    await stored(here.append(name, 1, CommandId("e", b"d"), entries(6)))


async def test_a_second_sending_finds_another_owner(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = await nodes.join(hold_s=HOLD_S), await nodes.join()
    await here.claim("s", "n1", at_ms=T0)
    await there.claim("s", "n2", at_ms=T0)
    Lossy(here, monkeypatch, ran=[True])
    with pytest.raises(Fenced):
        await stored(here.append("s", 1, None, entries(1)))


async def test_it_fails_in_the_end(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    here = await nodes.join(hold_s=0.3)
    await here.claim("t", "n1", at_ms=T0)
    Lossy(here, monkeypatch, ran=[False] * 50)
    with pytest.raises(StoreUnavailable, match="gone"):
        await stored(here.append("t", 1, None, entries(1)))
