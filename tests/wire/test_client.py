"""The client that comes back by itself, against a whole server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TypeVar

import pytest

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Close
from server.client import Client, Ended
from tests import virtual
from tests.wire.node import Node, node

E = TypeVar("E")


def run(coroutine: Any) -> None:
    asyncio.run(coroutine)


def url(there: Node) -> str:
    return f"ws://127.0.0.1:{there.port}/v1/ws"


async def until(client: Client, kind: type[E]) -> E:
    """The next event of this kind."""
    async with asyncio.timeout(60):
        async for event in client:
            if isinstance(event, kind):
                return event
    raise AssertionError("the events ended")


def test_a_refused_token_is_the_end_and_no_loop(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            async with Client(url(there), token="another server's") as client:
                with pytest.raises(Ended) as ended:
                    await until(client, ev.Welcome)
            assert ended.value.code == Close.INVALID_TOKEN

    run(go())


def test_a_cut_client_comes_back_and_has_its_reply_once(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there, Client(url(there)) as client:
            await until(client, ev.Welcome)
            client.send(cmd.LessonStart("l"))
            await until(client, ev.ItemShown)
            await client.cut()
            client.send(cmd.PrefsSet("p", {"a": 1}))
            ok = await until(client, ev.Ok)
            assert (ok.re, ok.changed) == ("p", {"prefs": {"a": 1}})
            assert not client.replica.refusals

    run(go())


def test_a_server_that_lets_nobody_in_is_asked_ever_more_rarely() -> None:
    async def go() -> None:
        said: list[str] = []
        client = Client("ws://nowhere", on_state=said.append)

        async def turned_away() -> tuple[int, str]:
            return (4000, "come back") if len(said) < 3 else (4410, "over")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client, "_connected", turned_away)
            patch.setattr("server.client.random.random", lambda: 1.0)
            async with client:
                with pytest.raises(Ended):
                    await until(client, ev.Welcome)
        assert [line.split()[-2] for line in said] == ["0.5", "1.0", "2.0"]

    virtual.run(go())
