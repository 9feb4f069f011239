"""Alerts: stored first, told at once, told again until somebody was reached, lost by no crash."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from streaming.alerts import Alert, Alerts
from streaming.log import StoreUnavailable, Ticket
from tests.virtual import VirtualLoop
from tests.world import World, settle


def alert(n: int = 1) -> Alert:
    return Alert(f"a{n}", "learner-1", "s_1", "self-harm", 1_000, "words")


class Adult:
    """Somebody who can be reached only after a while."""

    def __init__(self, unreachable: int = 0) -> None:
        self.unreachable = unreachable
        self.heard: list[Alert] = []
        self.reached = asyncio.Event()

    async def tell(self, alert: Alert) -> None:
        if self.unreachable:
            self.unreachable -= 1
            raise OSError("nobody answers")
        self.heard.append(alert)
        self.reached.set()


async def open_alerts(world: World) -> list[Alert]:
    document = await world.store.records.get("alerts", "open")
    return msgspec.json.decode(document.body, type=list[Alert]) if document else []


async def test_an_alert_is_stored_and_told_at_once(virtual: VirtualLoop) -> None:
    world, adult = await World.begin(), Adult()
    alerts = Alerts(world.store.records, adult.tell)
    before_s = virtual.time()
    alerts.raise_alert(alert())
    await settle()
    assert adult.heard == [alert()]
    assert virtual.time() == before_s
    document = await world.store.records.get("alert", "a1")
    assert document is not None
    assert msgspec.json.decode(document.body, type=Alert) == alert()
    assert await open_alerts(world) == []


async def test_an_adult_who_cannot_be_reached_is_told_again(virtual: VirtualLoop) -> None:
    world, adult = await World.begin(), Adult(unreachable=3)
    alerts = Alerts(world.store.records, adult.tell)
    before_s = virtual.time()
    alerts.raise_alert(alert())
    await settle()
    assert await open_alerts(world) == [alert()]
    await adult.reached.wait()
    assert virtual.time() - before_s == 7.0, "1 s, 2 s and 4 s"
    await settle()
    assert await open_alerts(world) == []


async def test_a_crash_loses_no_alert(virtual: VirtualLoop) -> None:
    world, nobody = await World.begin(), Adult(unreachable=10**6)
    first = Alerts(world.store.records, nobody.tell)
    first.raise_alert(alert(1))
    first.raise_alert(alert(2))
    await settle()
    await first.aclose()
    adult = Adult()
    second = Alerts(world.store.records, adult.tell)
    await second.begin()
    await settle()
    assert sorted(a.id for a in adult.heard) == ["a1", "a2"]
    assert await open_alerts(world) == []


async def test_a_process_that_ends_stores_what_was_raised_last(virtual: VirtualLoop) -> None:
    world, adult = await World.begin(), Adult()
    alerts = Alerts(world.store.records, adult.tell)
    alerts.raise_alert(alert())
    await alerts.aclose()
    assert adult.heard or await open_alerts(world) == [alert()]
    assert await world.store.records.get("alert", "a1") is not None


async def test_a_process_killed_between_two_writes_loses_no_alert(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first write, whichever it is, the alert is one that will be told."""
    world, nobody = await World.begin(), Adult(unreachable=10**6)
    alerts = Alerts(world.store.records, nobody.tell)
    put = world.store.records.put
    kinds: list[str] = []

    def once(kind: str, key: str, body: bytes, version: int) -> Ticket:
        kinds.append(kind)
        ticket = Ticket()  # that of a process which died meanwhile
        return put(kind, key, body, version) if len(kinds) == 1 else ticket

    monkeypatch.setattr(world.store.records, "put", once)
    alerts.raise_alert(alert())
    await settle()
    monkeypatch.undo()
    adult = Adult()
    second = Alerts(world.store.records, adult.tell)
    await second.begin()
    await settle()
    assert adult.heard == [alert()]


async def test_without_anybody_configured_alerts_are_kept(virtual: VirtualLoop) -> None:
    world = await World.begin()
    alerts = Alerts(world.store.records)
    alerts.raise_alert(alert())
    await settle()
    assert await open_alerts(world) == [alert()]
    assert (alerts.raised, alerts.told) == (1, 0)


async def test_an_alert_is_told_also_where_it_cannot_be_stored(virtual: VirtualLoop) -> None:
    world, adult = await World.begin(), Adult()
    alerts = Alerts(world.store.records, adult.tell)
    world.kill()
    alerts.raise_alert(alert())
    await asyncio.sleep(1)
    assert adult.heard == [alert()]


async def test_an_alert_raised_again_is_told_once_and_other_words_are_another(
    virtual: VirtualLoop,
) -> None:
    world, adult = await World.begin(), Adult()
    alerts = Alerts(world.store.records, adult.tell)
    alerts.raise_alert(alert())
    alerts.raise_alert(msgspec.structs.replace(alert(), at_ms=2_000))
    await settle()
    alerts.raise_alert(msgspec.structs.replace(alert(), at_ms=3_000))
    alerts.raise_alert(msgspec.structs.replace(alert(), text="other words"))
    await settle()
    assert [a.text for a in adult.heard] == ["words", "other words"]
    assert alerts.raised == 2


async def test_an_alert_that_could_not_be_stored_is_stored_when_it_is_raised_again(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.begin()
    alerts = Alerts(world.store.records)

    def away(*_: object) -> Ticket:
        ticket = Ticket()
        ticket.resolve(StoreUnavailable("no answer"))
        return ticket

    monkeypatch.setattr(world.store.records, "put", away)
    alerts.raise_alert(alert())
    await settle()
    monkeypatch.undo()
    alerts.raise_alert(alert())
    await settle()
    assert await open_alerts(world) == [alert()]
