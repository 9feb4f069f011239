"""What every twin of `Log` promises. This file is the port's proof."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streaming.log import (
    CommandId,
    Duplicate,
    Entry,
    Fenced,
    Log,
    OutOfOrder,
    Ticket,
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


# --- claims ---------------------------------------------------------------------------------------


async def test_a_first_claim_begins_the_log(log: Log) -> None:
    assert await log.head("s") is None
    claim = await log.claim("s", "n1", at_ms=T0)
    assert (claim.term, claim.head, claim.floor, claim.at_ms) == (1, 0, 0, T0)
    assert claim.epoch
    assert await log.head("s") == (claim.epoch, 0)


async def test_the_owner_renews_and_another_node_gets_a_higher_term(log: Log) -> None:
    first = await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", 1, None, entries(1, 2, T0 + 5)))
    renewed = await log.claim("s", "n1", at_ms=T0 + 9)
    assert (renewed.term, renewed.epoch, renewed.head) == (first.term, first.epoch, 2)
    assert renewed.at_ms == T0 + 5, "the newest time of the log, not of the claim"
    taken = await log.claim("s", "n2", at_ms=T0 + 9)
    assert (taken.term, taken.epoch, taken.head) == (first.term + 1, first.epoch, 2)
    back = await log.claim("s", "n1", at_ms=T0 + 9)
    assert back.term == first.term + 2


async def test_logs_are_strangers(log: Log) -> None:
    a = await log.claim("a", "n1", at_ms=T0)
    b = await log.claim("b", "n1", at_ms=T0)
    assert a.epoch != b.epoch
    await log.claim("a", "n2", at_ms=T0)
    await stored(log.append("b", b.term, command("c"), entries(1, 1)))
    await stored(log.append("a", a.term + 1, command("c"), entries(1, 1)))
    assert await seqs(log, "a") == await seqs(log, "b") == [1]


# --- appends --------------------------------------------------------------------------------------


async def test_an_append_is_promised_first_and_stored_later(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    heard: list[Ticket] = []
    ticket = log.append("s", 1, command("c1"), [entry(1, sealed=b"deed"), entry(2)])
    ticket.hear(heard.append)
    assert not ticket.resolved
    assert heard == []
    await stored(ticket)
    assert heard == [ticket]
    assert await log.read("s", 0) == [entry(1, sealed=b"deed"), entry(2)]


async def test_appends_resolve_in_order_and_reads_see_those_before(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    order: list[int] = []
    for seq in range(1, 200):
        log.append("s", 1, None, [entry(seq)]).hear(lambda _, seq=seq: order.append(seq))  # type: ignore[misc] # a loop's value
    assert await seqs(log) == list(range(1, 200))
    assert order == list(range(1, 200))


async def test_read_takes_a_part(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    for first in range(1, 21, 4):
        log.append("s", 1, None, entries(first, 4))
    assert await seqs(log, after=17) == [18, 19, 20]
    assert await seqs(log, after=6, limit=3) == [7, 8, 9]
    assert await seqs(log, limit=0) == []
    assert await seqs(log, after=20) == []
    assert await seqs(log, after=99) == []
    assert await seqs(log, "unknown") == []


async def test_an_old_term_is_fenced(log: Log) -> None:
    old = await log.claim("s", "n1", at_ms=T0)
    new = await log.claim("s", "n2", at_ms=T0)
    with pytest.raises(Fenced, match=f"term {new.term} owns it.*term {old.term}"):
        await stored(log.append("s", old.term, command("c"), [entry(1)]))
    await stored(log.append("s", new.term, command("c"), [entry(1)]))
    assert await seqs(log) == [1]


async def test_a_log_nobody_claimed_takes_nothing(log: Log) -> None:
    with pytest.raises(Fenced):
        await stored(log.append("s", 1, None, [entry(1)]))
    assert await log.names() == []


async def test_an_append_needs_entries(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    with pytest.raises(ValueError, match="without entries"):
        log.append("s", 1, command("c"), [])


@pytest.mark.parametrize("numbers", [[2], [4], [3, 5], [3, 3], [0], [3, 4, 4]])
async def test_numbers_must_follow_the_head(log: Log, numbers: list[int]) -> None:
    await log.claim("s", "n1", at_ms=T0)
    log.append("s", 1, None, entries(1, 2))
    with pytest.raises(OutOfOrder, match="the next entry is"):
        await stored(log.append("s", 1, command("c"), [entry(n) for n in numbers]))
    assert await seqs(log) == [1, 2]
    await stored(log.append("s", 1, command("c"), entries(3, 1)))


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("apart", [True, False])
async def test_a_command_takes_effect_once(log: Log, same: bool, apart: bool) -> None:
    await log.claim("s", "n1", at_ms=T0)
    first = log.append("s", 1, command("c1"), entries(1, 3, T0 + 1))
    if apart:
        await stored(first)
    again = command("c1") if same else command("c1", b"other body 16 by")
    with pytest.raises(Duplicate) as caught:
        await stored(log.append("s", 1, again, entries(4, 2)))
    assert first.stored
    assert caught.value.same_body is same
    reply = caught.value.reply
    assert (reply.id, reply.seq, reply.at_ms) == ("c1", 1, T0 + 1)
    assert await log.read("s", reply.seq - 1, limit=1) == [entry(1, T0 + 1)]
    await stored(log.append("s", 1, command("c2"), entries(4, 1)))
    assert await seqs(log) == [1, 2, 3, 4]


async def test_a_failing_append_spoils_no_other(log: Log) -> None:
    for name in ("a", "b", "c"):
        await log.claim(name, "n1", at_ms=T0)
    await stored(log.append("b", 1, command("used"), [entry(1)]))
    good = [log.append("a", 1, command("x"), [entry(1)])]
    bad = [
        log.append("b", 9, None, [entry(2)]),
        log.append("b", 1, command("used"), [entry(2)]),
        log.append("b", 1, command("free"), [entry(7)]),
        log.append("nobody", 1, None, [entry(1)]),
        log.append("c", 1, command("lone surrogate \udc80"), [entry(1)]),
        log.append("c", 1, None, [Entry(1, 2**70, b"")]),
    ]
    good += [
        log.append("b", 1, command("free"), [entry(2)]),
        log.append("c", 1, command("lone"), [entry(1)]),
        log.append("a", 1, command("y"), [entry(2)]),
    ]
    for ticket in good:
        await stored(ticket)
    kinds = [type(ticket.error) for ticket in bad]
    assert kinds[:4] == [Fenced, Duplicate, OutOfOrder, Fenced]
    assert all(isinstance(ticket.error, Exception) for ticket in bad)
    assert [await seqs(log, name) for name in "abc"] == [[1, 2], [1, 2], [1]]


async def test_a_listener_that_fails_keeps_nobody_from_hearing(
    log: Log, virtual: asyncio.AbstractEventLoop
) -> None:
    await log.claim("s", "n1", at_ms=T0)
    told: list[Any] = []
    virtual.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fails(_: Ticket) -> None:
        raise RuntimeError("the listener's own fault")

    first = log.append("s", 1, None, [entry(1)])
    first.hear(fails)
    second = log.append("s", 1, None, [entry(2)])
    await stored(second)
    assert first.stored
    assert [str(e) for e in told] == ["the listener's own fault"]


async def test_times_never_go_back(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    log.append("s", 1, command("a"), [entry(1, T0 + 10), entry(2, T0 + 5)])
    log.append("s", 1, command("b"), [entry(3, T0 - 99), entry(4, T0 + 20)])
    assert [e.at_ms for e in await log.read("s", 0)] == [T0 + 10, T0 + 10, T0 + 10, T0 + 20]
    assert (await log.claim("s", "n1", at_ms=T0)).at_ms == T0 + 20


@pytest.mark.parametrize("text", ["", "\x00", "é漢🙂", "a'b\"c;--", "x" * 64])
async def test_any_text_is_an_id_and_any_bytes_are_kept(log: Log, text: str) -> None:
    name = f"log {text}"
    await log.claim(name, "n1", at_ms=T0)
    body = bytes(range(256)) * 500
    await stored(
        log.append(name, 1, command(text), [Entry(1, T0, body, body[::-1]), Entry(2, T0, b"")])
    )
    assert await log.read(name, 0) == [Entry(1, T0, body, body[::-1]), Entry(2, T0, b"")]
    with pytest.raises(Duplicate):
        await stored(log.append(name, 1, command(text), [entry(3)]))
    assert await log.names() == [name]
