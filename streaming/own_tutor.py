"""Words of distress in a room: the room hears nothing of them, the learner's own tutor answers.

They become a turn of the learner's session, under an id that follows from the room's and from
that of the command: a command that is sent again has one effect. It is answered once that turn is
stored, and refused where the turn was. This file passes them on.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from protocol import commands as cmd
from protocol.errors import Refused
from streaming.log import Duplicate, Fenced, OutOfOrder, StoreUnavailable, Ticket, stored
from streaming.mirror import Aside, Mirror
from streaming.outbox import STORED

if TYPE_CHECKING:
    from streaming.attach import Attached


def tell_own_tutor(attached: Attached, room: str, id_: str, text: str) -> Ticket:
    """Pass the words of command `id_` on at once: a learner may leave before they are answered.

    The ticket is for `heard`. Raises Refused where it is clear at once that they are not taken.
    """
    name = hashlib.blake2b(f"{room} {id_}".encode(), digest_size=12).hexdigest()
    turn = cmd.TurnStart(f"room.{name}", text, on_busy="replace")
    session, aside = attached.session, Aside(attached.cid)
    try:
        session.hear(turn, aside)
    except Refused as refused:
        refused.re = id_  # not that of the turn, which nobody asked for by name
        raise
    return aside.ticket if isinstance(session, Mirror) else session.last_ticket or STORED


async def heard(ticket: Ticket) -> None:
    """Wait until the words are stored. Raises Refused or `StoreUnavailable` where they are not."""
    try:
        await stored(ticket)
    except (Fenced, Duplicate, OutOfOrder) as error:
        raise StoreUnavailable(str(error)) from error  # the session ends; its clients come again
