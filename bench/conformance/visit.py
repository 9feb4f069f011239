"""The server under test, and one check's stay there. This file opens what a check closes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, NamedTuple

from bench.conformance.contact import Contact, Frame
from bench.conformance.request import Answer, EventStream, asked

QUIET_S = 0.3
"""What must not come is waited for so long."""


class Check(NamedTuple):
    """One clause of the contract: its name, what it says, and how it is asked."""

    name: str
    says: str
    ask: Callable[[Visit], Awaitable[str]]
    """Returns what was seen; raises Broken."""
    slow: bool = False
    """It waits for one of the server's long clocks; asked with `--slow` only."""


def check_of(ask: Callable[[Visit], Awaitable[str]], *, slow: bool = False) -> Check:
    """A check named and described by its function."""
    says = (ask.__doc__ or "").strip().splitlines()[0]
    return Check(ask.__name__.replace("_", "-"), says, ask, slow)


class Target:
    """The server: one address or several of its nodes."""

    def __init__(self, urls: list[str], *, patience_s: float) -> None:
        self.urls = urls
        self.patience_s = patience_s
        self.kept: dict[str, asyncio.Task[Any]] = {}
        """What several checks look at, made once."""

    def url(self, node: int) -> str:
        """The address of a node; where there are fewer, they are gone through again."""
        return self.urls[node % len(self.urls)]


class Visit:
    """One check's connections; all are closed when it is over."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.contacts: list[Contact] = []
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Visit:
        """Begin."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        await self._open.aclose()

    # --- sockets ------------------------------------------------------------------------------

    async def dial(self, node: int = 0, **how: Any) -> Contact:
        """A connection on which nothing was said."""
        contact = await Contact.dial(self.target.url(node), self.target.patience_s, **how)
        self.contacts.append(contact)
        self._open.push_async_callback(contact.aclose)
        return contact

    async def come(self, node: int = 0, **hello: Any) -> Contact:
        """A connection that was welcomed: a new guest, or who `hello` says."""
        contact = await self.dial(node)
        await contact.say({"t": "hello", **hello})
        contact.welcome = await contact.until("welcome")
        return contact

    async def again(self, of: Contact, node: int = 0, **hello: Any) -> Contact:
        """Another connection of the same session."""
        return await self.come(node, sid=of.welcome["sid"], token=of.welcome["token"], **hello)

    async def learner(self, node: int = 0) -> Contact:
        """A new guest whose lesson has begun."""
        contact = await self.come(node)
        await contact.say({"t": "lesson.start", "id": new_id()})
        await contact.until("item")
        return contact

    # --- requests -----------------------------------------------------------------------------

    async def post(
        self, path: str, frames: str, node: int = 0, headers: dict[str, str] | None = None
    ) -> Answer:
        """The answer to a POST of JSON."""
        return await asked(
            self.target.url(node),
            "POST",
            path,
            frames.encode(),
            {"Content-Type": "application/json", **(headers or {})},
            patience_s=self.target.patience_s,
        )

    async def stream(
        self, sid: str, token: str, node: int = 0, headers: dict[str, str] | None = None
    ) -> EventStream:
        """The events of a session without a socket."""
        stream = await EventStream.open(
            self.target.url(node),
            f"/v1/sessions/{sid}/events",
            {**bearer(token), **(headers or {})},
            self.target.patience_s,
        )
        self._open.push_async_callback(stream.aclose)
        return stream


def bearer(token: str) -> dict[str, str]:
    """The header that says whose session is meant."""
    return {"Authorization": f"Bearer {token}"}


def new_id() -> str:
    """An id for a command that nobody has used."""
    return "x" + secrets.token_hex(6)


def answer_to(item: Frame) -> str:
    """Something to answer an item with; whether it is right does not matter."""
    choices = item.get("choices")
    return str(choices[0]["id"]) if choices else "0"


def head_of(welcome: Frame, s: str = "me") -> Frame:
    """What `welcome` says of one log."""
    return next((log for log in welcome["logs"] if log["s"] == s), {})


def message(*frames: Frame) -> str:
    """Frames joined as one message has them."""
    return "\n".join(json.dumps(frame) for frame in frames)
