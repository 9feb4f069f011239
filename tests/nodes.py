"""Nodes of one process, told of each other in virtual time. This file is their small network.

A node can be killed (its heartbeat ends), paused (nothing of it runs; what it is told waits) and
its letters lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from streaming.nodes import HEARTBEAT_S, LAPSE_S, Heart


class Hub:
    """What all nodes of a test share."""

    def __init__(self) -> None:
        self.nodes: dict[str, HubNodes] = {}
        self.inboxes: dict[str, dict[str, bytes]] = {}
        self.said: dict[str, set[str]] = {}
        self.loses: Callable[[bytes], bool] = lambda letter: False
        """Whether the network loses a letter."""
        self._ids = 0

    def back(self) -> None:
        """What carries the logs was away: every node that runs is told."""
        for node in self.nodes.values():
            if node.held is None:
                node.heart.back()
            else:
                node.misses_back = True

    def node(self) -> HubNodes:
        """A node that has not appeared yet."""
        return HubNodes(self)

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids}-0"


class HubNodes:
    """The twin of `Nodes` for tests."""

    trouble: str | None = None

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.name = ""
        self.dies_at_s: float | None = None
        self.held: list[bytes] | None = None
        self.misses_back = False

    async def begin(self, node: str, heart: Heart) -> None:
        self.name, self.heart = node, heart
        self._loop = asyncio.get_running_loop()
        self._hub.nodes[node] = self

    def kill(self) -> None:
        """Its heartbeat is not renewed any more."""
        self.dies_at_s = self._loop.time() + HEARTBEAT_S

    def pause(self) -> None:
        """The process stands still: as dead for the others, and it hears nothing."""
        self.kill()
        self.held = []

    def go_on(self, *, lapse: bool = True) -> None:
        """The process runs again, and hears what waited."""
        assert self.dies_at_s is not None
        stood_s = self._loop.time() - (self.dies_at_s - HEARTBEAT_S)
        held, self.held, self.dies_at_s = self.held or [], None, None
        self._hub.nodes[self.name] = self
        if lapse and stood_s > LAPSE_S:
            self.heart.lapsed()
        if self.misses_back:
            self.misses_back = False
            self.heart.back()
        for letter in held:
            self.heart.hear(letter)

    async def lives(self, node: str) -> bool:
        found = self._hub.nodes.get(node)
        if found is None:
            return False
        now_s = self._loop.time()
        return found.dies_at_s is None or now_s < found.dies_at_s

    def tell(self, node: str, letter: bytes) -> None:
        found = self._hub.nodes.get(node)
        if found is None or self.held is not None or self._hub.loses(letter):
            return
        if found.held is not None:
            found.held.append(letter)
        elif found.dies_at_s is None:
            self._loop.call_soon(found.heart.hear, letter)

    def tell_all(self, letter: bytes) -> None:
        for node in list(self._hub.nodes):
            if node != self.name:
                self.tell(node, letter)

    async def post(self, sid: str, letter: bytes) -> None:
        self._hub.inboxes.setdefault(sid, {})[self._hub.new_id()] = letter

    async def posted(self, sid: str) -> list[tuple[str, bytes]]:
        return list(self._hub.inboxes.get(sid, {}).items())

    def taken(self, sid: str, ids: Iterable[str]) -> None:
        for letter_id in ids:
            self._hub.inboxes.get(sid, {}).pop(letter_id, None)

    def speaking(self, name: str, on: bool) -> None:
        said = self._hub.said.setdefault(self.name, set())
        if on:
            said.add(name)
        else:
            said.discard(name)

    async def dead(self) -> list[str]:
        if self.held is not None:  # it stands still
            return []
        return [n for n in sorted(self._hub.nodes) if n != self.name and not await self.lives(n)]

    async def spoke(self, node: str) -> list[str]:
        return sorted(self._hub.said.get(node, ()))

    async def bury(self, node: str) -> None:
        self._hub.nodes.pop(node, None)
        self._hub.said.pop(node, None)

    async def leave(self) -> None:
        await self.bury(self.name)
