"""Who owns a log, who takes it, who hears of it: the same of every twin. This file is the proof."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streaming.log import (
    CommandId,
    Entry,
    Fenced,
    Log,
    News,
    Owned,
    Owner,
    StoreUnavailable,
    stored,
)

T0 = 1_750_000_000_000


def entry(seq: int, at_ms: int = T0, sealed: bytes = b"") -> Entry:
    return Entry(seq, at_ms, b'{"q":%d}' % seq, sealed)


def entries(first: int, count: int, at_ms: int = T0) -> list[Entry]:
    return [entry(seq, at_ms) for seq in range(first, first + count)]


class Heard:
    """What one subscriber heard; `until` waits for it, and so proves that it came."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self._more = asyncio.Event()

    def __call__(self, news: News) -> None:
        self.news.append(news)
        self._more.set()

    @property
    def seqs(self) -> list[int]:
        """Numbers heard, each once: doubles are allowed."""
        return list(dict.fromkeys(e.seq for news in self.news for e in news.entries))

    async def until(self, seq: int) -> None:
        while seq not in self.seqs:
            self._more.clear()
            await self._more.wait()

    async def until_any(self, **fields: Any) -> News:
        while True:
            for news in self.news:
                if all(getattr(news, name) == value for name, value in fields.items()):
                    return news
            self._more.clear()
            await self._more.wait()


# --- owners ---------------------------------------------------------------------------------------


async def test_a_log_names_its_owner(log: Log) -> None:
    assert await log.owner("s") is None
    await log.claim("s", "n1", at_ms=T0)
    assert await log.owner("s") == Owner("n1", 1)
    await log.claim("s", "n2", at_ms=T0)
    assert await log.owner("s") == Owner("n2", 2)
    await log.drop("s")
    assert await log.owner("s") is None


async def test_of_two_that_follow_one_term_one_succeeds(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    taken = await log.claim("s", "n2", at_ms=T0, over=1)
    assert taken.term == 2
    with pytest.raises(Owned, match="term 1 was to be followed, 'n2' has it with 2") as caught:
        await log.claim("s", "n3", at_ms=T0, over=1)
    assert caught.value.owner == Owner("n2", 2)
    assert await log.owner("s") == Owner("n2", 2)


async def test_over_an_unknown_log_begins_it_and_over_ones_own_renews(log: Log) -> None:
    begun = await log.claim("s", "n1", at_ms=T0, over=7)
    assert (begun.term, begun.head) == (1, 0)
    assert await log.claim("s", "n1", at_ms=T0, over=1) == begun
    with pytest.raises(Owned):
        await log.claim("s", "n1", at_ms=T0, over=2)


async def test_a_claim_needs_a_node(log: Log) -> None:
    with pytest.raises(ValueError, match="without a node"):
        await log.claim("s", "", at_ms=T0)


async def test_anew_forgets_what_is_stored_and_goes_on_with_the_terms(log: Log) -> None:
    old = await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", 1, CommandId("c", b"d"), entries(1, 3, T0 + 9)))
    await log.trim("s", 1)
    new = await log.claim("s", "n1", at_ms=T0 + 5, anew=True)
    assert (new.term, new.head, new.floor, new.at_ms) == (2, 0, 0, T0 + 5)
    assert new.epoch != old.epoch
    assert await log.head("s") == (new.epoch, 0)
    assert await log.read("s", 0) == []
    assert await log.replies("s", newest=9, since_ms=0) == []
    with pytest.raises(Fenced):
        await stored(log.append("s", 1, None, entries(4, 1)))
    await stored(log.append("s", 2, CommandId("c", b"other"), entries(1, 1, T0 + 6)))
    assert await log.read("s", 0) == entries(1, 1, T0 + 6)
    with pytest.raises(Owned):
        await log.claim("s", "n2", at_ms=T0, over=1, anew=True)
    assert await log.read("s", 0) == entries(1, 1, T0 + 6)


async def test_anew_of_an_unknown_log_begins_it(log: Log) -> None:
    assert (await log.claim("s", "n1", at_ms=T0, anew=True)).term == 1


# --- giving back ----------------------------------------------------------------------------------


async def test_what_is_given_back_has_no_owner_and_takes_nothing(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    before = log.append("s", 1, None, entries(1, 2))
    await log.release("s", 1)
    assert before.stored
    assert await log.owner("s") == Owner("", 1)
    with pytest.raises(Fenced):
        await stored(log.append("s", 1, None, entries(3, 1)))
    again = await log.claim("s", "n1", at_ms=T0, over=1)
    assert (again.term, again.head) == (2, 2)
    await stored(log.append("s", 2, None, entries(3, 1)))


async def test_an_old_term_gives_nothing_back(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    await log.claim("s", "n2", at_ms=T0)
    heard = Heard()
    await log.subscribe("s", heard)
    await log.release("s", 1)
    await log.release("unknown", 1)
    assert await log.owner("s") == Owner("n2", 2)
    assert await log.owner("unknown") is None
    await stored(log.append("s", 2, None, entries(1, 1)))
    await heard.until(1)
    assert not any(news.released for news in heard.news)


# --- hearing --------------------------------------------------------------------------------------


async def test_a_subscriber_hears_appends_and_the_giving_back(log: Log) -> None:
    early, late = Heard(), Heard()
    await log.subscribe("s", early)
    claim = await log.claim("s", "n1", at_ms=T0)
    log.append("s", 1, None, [entry(1, T0 + 5, b"deed"), entry(2, T0)])
    await early.until(2)
    await log.subscribe("s", late)
    for seq in range(3, 30):
        log.append("s", 1, None, entries(seq, 1, T0 + 5))
    await log.release("s", 1)
    for heard in (early, late):
        news = await heard.until_any(released=True)
        assert news == News(claim.epoch, (), released=True)
    assert early.seqs == list(range(1, 30))
    assert late.seqs == list(range(3, 30))
    told = [e for news in early.news for e in news.entries]
    assert told[0] == entry(1, T0 + 5, b"deed")
    assert told[1] == entry(2, T0 + 5), "as it is stored, not as it came"
    assert {news.epoch for news in early.news} == {claim.epoch}


async def test_what_is_refused_is_heard_by_nobody(log: Log) -> None:
    heard = Heard()
    await log.subscribe("s", heard)
    await log.claim("s", "n1", at_ms=T0)
    log.append("s", 9, None, entries(1, 1))
    log.append("s", 1, None, entries(7, 1))
    await stored(log.append("s", 1, CommandId("c", b"d"), entries(1, 1)))
    log.append("s", 1, CommandId("c", b"d"), entries(2, 2))
    await stored(log.append("s", 1, None, entries(2, 1)))
    await heard.until(2)
    assert heard.seqs == [1, 2]


async def test_who_closed_hears_nothing_more_and_others_hear_on(log: Log) -> None:
    gone, stays, elsewhere = Heard(), Heard(), Heard()
    first = await log.subscribe("s", gone)
    await log.subscribe("s", stays)
    await log.subscribe("t", elsewhere)
    await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", 1, None, entries(1, 1)))
    await gone.until(1)
    first.close()
    first.close()
    await stored(log.append("s", 1, None, entries(2, 1)))
    await stays.until(2)
    assert gone.seqs == [1]
    assert elsewhere.news == []
    again = Heard()
    last = await log.subscribe("s", again)
    await stored(log.append("s", 1, None, entries(3, 1)))
    await again.until(3)
    last.close()
    assert again.seqs == [3]


async def test_a_subscriber_that_fails_harms_nobody(
    log: Log, virtual: asyncio.AbstractEventLoop
) -> None:
    told: list[Any] = []
    virtual.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fails(_: News) -> None:
        raise RuntimeError("the subscriber's own fault")

    await log.subscribe("s", fails)
    heard = Heard()
    await log.subscribe("s", heard)
    await log.claim("s", "n1", at_ms=T0)
    await stored(log.append("s", 1, None, entries(1, 1)))
    await heard.until(1)
    assert {str(e) for e in told} == {"the subscriber's own fault"}


async def test_a_subscriber_hears_that_a_log_began_anew(log: Log) -> None:
    await log.claim("s", "n1", at_ms=T0)
    heard = Heard()
    await log.subscribe("s", heard)
    new = await log.claim("s", "n2", at_ms=T0, anew=True)
    await heard.until_any(epoch=new.epoch, entries=(), released=False)


async def test_a_closed_log_confirms_nothing(log: Log) -> None:
    await log.subscribe("s", Heard())
    await log.aclose()
    with pytest.raises(StoreUnavailable):
        await log.subscribe("s", Heard())
