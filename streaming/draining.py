"""How sessions leave a node that stops: handed over, none before its readers heard the last word.

This file is that order of leaving. What it asks of the node is `ownership`'s.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from protocol.errors import Close
from streaming.mirror import Mirror
from streaming.session import Session

if TYPE_CHECKING:
    from streaming.ownership import Actor, Ownership

GOODBYE_S = 10.0
"""Connections that were told to come back elsewhere are closed so long after the drain began."""
DRAIN_LOOK_S = 0.05
"""How often a drain looks whether turns are still running."""
LAST_WORDS_S = 2.0
"""How long the ends of turns that a drain cuts short may take to be stored, and so to leave."""


async def emptied(ownership: Ownership, timeout_s: float, goodbye_s: float) -> None:
    """Hand sessions over as their readers leave and their turns finish; close what is left.

    Connections that were told to come back elsewhere and have not gone after `goodbye_s` are
    closed with 4001, those with a running turn once it has ended: a node alone has no other
    where the rest of a room's turn is heard.
    """
    loop = ownership.ground.loop
    began_s = loop.time()
    while loop.time() < began_s + timeout_s and ownership.actors:
        late = loop.time() >= began_s + goodbye_s
        _let_go(ownership, late=late or not ownership.running_turns)
        await ownership.given_back()
        if not ownership.actors:
            break
        await asyncio.sleep(DRAIN_LOOK_S)
    await _cut_short(ownership)
    _let_go(ownership, late=True, everything=True)
    await ownership.given_back()


async def _cut_short(ownership: Ownership) -> None:
    """End the turns that still run; returns once their ends have left, or time is over."""
    loop = ownership.ground.loop
    until_s = loop.time() + LAST_WORDS_S
    while True:
        for session in ownership:
            try:
                session.talk.abandon("drained")  # each time: another node may have asked for one
            except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, others go on
                session.fail(error)
        if loop.time() >= until_s or all(map(_silent, ownership.actors)):
            return
        await asyncio.sleep(DRAIN_LOOK_S)


def _let_go(ownership: Ownership, *, late: bool, everything: bool = False) -> None:
    going = [
        actor
        for actor in ownership.actors
        if everything or (_silent(actor) and (late or not actor.attached))
    ]
    for actor in going:
        if isinstance(actor, Session):
            try:
                ownership.hand_over(actor)
            except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, others go on
                actor.fail(error)
            continue
        for attached in list(actor.attached):
            attached.outbox.close(Close.DRAIN, "the server is restarting: come back")
        actor.end()


def _silent(actor: Actor) -> bool:
    """Nobody is owed a frame, of the session or of a room."""
    own = isinstance(actor, Mirror) or actor.silent
    return own and not any(attached.owed for attached in actor.attached)
