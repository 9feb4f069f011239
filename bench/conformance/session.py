"""One session: its log, its turns, its command ids. This file is the checks of what a learner has.

Most of them look at one recording, made once: a lesson with a hint, an answer and a turn that
ends, another that is cancelled, and commands after both, heard on two connections.
"""

from __future__ import annotations

import asyncio

from bench.conformance import logs
from bench.conformance.contact import Contact, Frame, demand
from bench.conformance.visit import QUIET_S, Check, Target, Visit, answer_to, check_of, new_id
from protocol.errors import Code

QUESTION = "Please explain how to begin."


class Recording:
    """Two connections of one session, on two nodes where there are two, and all they heard."""

    def __init__(self, own: Contact, witness: Contact) -> None:
        self.own = own
        self.witness = witness

    @property
    def both(self) -> tuple[Contact, Contact]:
        """The connection that spoke, and the one that listened."""
        return self.own, self.witness


async def recording(visit: Visit) -> Recording:
    """The recording of this server, made by whoever asks first."""
    kept = visit.target.kept
    if "recording" not in kept:
        kept["recording"] = asyncio.create_task(_recorded(visit.target))
    made = await asyncio.shield(kept["recording"])
    assert isinstance(made, Recording)
    return made


async def _recorded(target: Target) -> Recording:
    async with Visit(target) as visit:
        own = await visit.learner()
        witness = await visit.again(own, node=1)
        item = own.item
        await own.say({"t": "hint.request", "id": new_id(), "item": item["item"]})
        await own.until("hint")
        await answered(own, item)
        await turn(own)
        await mood(own)
        gen = await begun(own)
        await own.until("delta", gen=gen)
        await own.say({"t": "turn.cancel", "id": new_id(), "gen": gen})
        await own.until("turn.done", gen=gen)
        last = await mood(own)
        await asyncio.gather(own.listen(QUIET_S), witness.until("ok", q=last["q"]))
        await witness.listen(QUIET_S)
        return Recording(own, witness)


async def answered(contact: Contact, item: Frame, command: str = "") -> Frame:
    """Answer an item; its feedback."""
    command = command or new_id()
    await contact.say(submit(item, command))
    return await contact.until("feedback", re=command)


def submit(item: Frame, command: str, response: str = "") -> Frame:
    """The command that answers an item."""
    response = response or answer_to(item)
    said = {"t": "answer.submit", "id": command, "item": item["item"]}
    return {**said, "response": response, "taken_ms": 4_000}


async def begun(contact: Contact) -> str:
    """Ask the tutor; the turn's generation once it has begun."""
    command = new_id()
    await contact.say({"t": "turn.start", "id": command, "input": QUESTION})
    return str((await contact.until("turn.started", cmd=command))["gen"])


async def turn(contact: Contact) -> str:
    """Ask the tutor and hear the answer out; its generation."""
    gen = await begun(contact)
    await contact.until("turn.done", gen=gen)
    return gen


async def mood(contact: Contact) -> Frame:
    """A small command with a place in the log; its reply."""
    command = new_id()
    await contact.say({"t": "mood.report", "id": command, "mood": "fine"})
    return await contact.reply(command)


# --- the log ------------------------------------------------------------------------------------


async def order(visit: Visit) -> str:
    """A session's events are numbered one by one without a gap, on every connection."""
    made = await recording(visit)
    found = logs.in_order(made.own.frames, "me", 0)
    logs.in_order(made.witness.frames, "me")
    return found


async def words(visit: Visit) -> str:
    """Every frame is a word of the table, with its fields and no other types in them."""
    made = await recording(visit)
    return logs.as_words([*made.own.raw, *made.witness.raw])


async def one_end(visit: Visit) -> str:
    """Every turn has exactly one `turn.done`."""
    made = await recording(visit)
    logs.ended_once(made.witness.frames)
    return logs.ended_once(made.own.frames)


async def silent_after_end(visit: Visit) -> str:
    """No `delta` follows the `turn.done` of its turn."""
    made = await recording(visit)
    logs.still_after_end(made.witness.frames)
    return logs.still_after_end(made.own.frames)


async def text_hash(visit: Visit) -> str:
    """Chunks follow one another, `n` counts them and `text_sha256` is the shown text's."""
    made = await recording(visit)
    logs.whole_texts(made.witness.frames)
    return logs.whole_texts(made.own.frames)


async def zero_places(visit: Visit) -> str:
    """Every durable event of a session has `s`, `ts` and a `q` above 0."""
    made = await recording(visit)
    return logs.zero_is_no_place([*made.own.frames, *made.witness.frames])


async def two_connections(visit: Visit) -> str:
    """Two connections of a session, on two nodes where there are two, see the same bytes."""
    made = await recording(visit)
    nodes = [contact.welcome["node"] for contact in made.both]
    if len(visit.target.urls) > 1:
        demand(nodes[0] != nodes[1], "two addresses of two nodes", nodes)
    least = len(made.witness.events())
    found = logs.same_bytes(made.own.lines(), made.witness.lines(), max(least, 5))
    return f"{found}, nodes {' and '.join(dict.fromkeys(nodes))}"


# --- commands -----------------------------------------------------------------------------------


async def ids_repeat(visit: Visit) -> str:
    """The repeat of a command gets its first reply again, marked `dup`, and has no effect."""
    contact = await visit.learner()
    hint = {"t": "hint.request", "id": "again", "item": contact.item["item"]}
    await contact.say(hint)
    first = await contact.until("hint", re="again")
    await contact.say(hint)
    second = await contact.until("hint", re="again")
    demand(second.get("dup") is True, "`dup` true", second)
    demand({**first, "dup": True} == second, "the first reply again", second)
    demand(
        (await mood(contact))["q"] == first["q"] + 1, f"q {first['q'] + 1} next", contact.frames[-1]
    )
    return f"hint at q {first['q']} twice"


async def ids_elsewhere(visit: Visit) -> str:
    """The repeat through another connection, on another node, finds the first reply."""
    contact = await visit.learner()
    item = contact.item
    first = await answered(contact, item, "again")
    other = await visit.again(contact, node=1)
    await other.say(submit(item, "again"))
    second = await other.until("feedback", re="again", dup=True)
    demand({**first, "dup": True} == second, "the first feedback again", second)
    return f"feedback at q {first['q']} again"


async def ids_reused(visit: Visit) -> str:
    """The same id with another body is `err 110`."""
    contact = await visit.learner()
    item = contact.item
    await answered(contact, item, "mine")
    await contact.say(submit(item, "mine", "1234567"))
    await contact.refused(Code.ID_REUSED, re="mine")
    return "110"


async def answer_once(visit: Visit) -> str:
    """One answer said at once on two connections is one attempt."""
    one = await visit.learner()
    other = await visit.again(one, node=1)
    said = submit(one.item, "both")
    await asyncio.gather(one.say(said), other.say(said))
    await asyncio.gather(*(c.until("feedback", re="both") for c in (one, other)))
    last = await mood(one)
    await other.until("ok", q=last["q"])
    for contact in (one, other):
        await contact.listen(QUIET_S)
        numbers = {f["q"] for f in contact.of("feedback", re="both")}
        demand(len(numbers) == 1, "one feedback, perhaps repeated", sorted(numbers))
        logs.in_order(contact.frames, "me")
    return "one attempt"


# --- turns --------------------------------------------------------------------------------------


async def busy(visit: Visit) -> str:
    """While a turn runs another `turn.start` is `err 107`."""
    contact = await visit.learner()
    gen = await begun(contact)
    await contact.say({"t": "turn.start", "id": "second", "input": QUESTION})
    await contact.refused(Code.BUSY, re="second")
    await contact.until("turn.done", gen=gen)
    return "107"


async def cancel(visit: Visit) -> str:
    """A cancelled turn ends at once as `cancelled`, and nothing of it follows."""
    contact = await visit.learner()
    gen = await begun(contact)
    await contact.until("delta", gen=gen)
    await contact.say({"t": "turn.cancel", "id": "stop", "gen": gen})
    done = await contact.until("turn.done", gen=gen)
    demand(done["status"] == "cancelled", "status cancelled", done)
    await contact.listen(QUIET_S)
    logs.still_after_end(contact.frames)
    logs.whole_texts(contact.frames)
    return f"cancelled after {done['n']} chunks"


async def cancel_before_start(visit: Visit) -> str:
    """`turn.cancel` by `cmd` is legal before the turn was asked for; it then says nothing."""
    contact = await visit.learner()
    await contact.say({"t": "turn.cancel", "id": "stop", "cmd": "later"})
    await contact.reply("stop")
    await contact.say({"t": "turn.start", "id": "later", "input": QUESTION})
    gen = (await contact.until("turn.started", cmd="later"))["gen"]
    done = await contact.until("turn.done", gen=gen)
    demand(done["status"] == "cancelled" and done["n"] == 0, "cancelled with n 0", done)
    await contact.listen(QUIET_S)
    demand(not contact.of("delta", gen=gen), "no delta", contact.of("delta", gen=gen))
    return "it never spoke"


async def cancel_unknown(visit: Visit) -> str:
    """`turn.cancel` of a turn that is over is refused, 108 or 106 where it never was."""
    contact = await visit.learner()
    gen = await begun(contact)
    await contact.say({"t": "turn.cancel", "id": "stop", "gen": gen})
    await contact.until("turn.done", gen=gen)
    await contact.say({"t": "turn.cancel", "id": "late", "gen": gen})
    await contact.refused(Code.GONE, re="late")
    await contact.say({"t": "turn.cancel", "id": "never", "gen": "never"})
    await contact.refused(Code.NOT_FOUND, re="never")
    return "108 and 106"


CHECKS: tuple[Check, ...] = tuple(
    map(
        check_of,
        (
            order,
            words,
            one_end,
            silent_after_end,
            text_hash,
            zero_places,
            two_connections,
            ids_repeat,
            ids_elsewhere,
            ids_reused,
            answer_once,
            busy,
            cancel,
            cancel_before_start,
            cancel_unknown,
        ),
    )
)
