"""Coming back: live, replay, snapshot, reset, `sync`; with sockets and without. These are checks.

This file holds the client's whole rule (`protocol.replica`) against the server: a replica that
stands anywhere in the log must end with the text that an uncut connection saw.
"""

from __future__ import annotations

import asyncio

from bench.conformance import logs
from bench.conformance.contact import Broken, Contact, Frame, demand, frame_of
from bench.conformance.session import QUESTION, Recording, begun, recording
from bench.conformance.visit import (
    QUIET_S,
    Check,
    Visit,
    bearer,
    check_of,
    head_of,
    message,
)
from protocol.codec import decode_event, encode_command
from protocol.commands import Ack, Pong
from protocol.errors import Code
from protocol.replica import Replica

EVERY_FRAMES = 3
"""The live connection is cut after so many frames."""
CUTS = 200
"""More cuts than any turn has frames; a resume that gains nothing ends the check here."""


async def resume_live(visit: Visit) -> str:
    """Who has everything is told `live` and is sent nothing."""
    contact = await visit.learner()
    await contact.listen(QUIET_S)
    have = place(contact)
    back = await visit.again(contact, node=1, have=[have])
    log = head_of(back.welcome)
    demand(log["mode"] == "live" and log["head"] == have["q"], f"live at {have['q']}", log)
    await back.listen(QUIET_S)
    demand(not back.events() and not back.of("snapshot"), "nothing to catch up", back.frames[-1])
    return f"live at q {have['q']}"


async def resume_replay(visit: Visit) -> str:
    """Who lacks a few events of the same epoch is told `replay` and sent exactly those."""
    contact = await visit.learner()
    await contact.listen(QUIET_S)
    lines, head = contact.lines(), place(contact)
    back = await visit.again(contact, node=1, have=[{**head, "q": head["q"] - 1}])
    log = head_of(back.welcome)
    demand(log["mode"] == "replay", "replay", log)
    await back.listen(QUIET_S * 2)
    sent = sorted(back.lines())
    demand(sent == [head["q"]], f"event {head['q']} alone", sent)
    return logs.same_bytes(lines, back.lines())


async def resume_snapshot(visit: Visit) -> str:
    """Who has nothing of the log is brought to its head by `snapshot` or `replay`."""
    made = await recording(visit)
    back = await visit.again(made.own, node=1)
    log = head_of(back.welcome)
    demand(log["mode"] in ("snapshot", "replay"), "snapshot or replay", log)
    replica = Replica()
    await followed(back, replica, log["head"])
    return f"{log['mode']} at q {log['head']}: {same_texts(made, replica)}"


async def resume_reset(visit: Visit) -> str:
    """A position of another epoch, or beyond the head, is told `reset` with a `snapshot`."""
    contact = await visit.learner()
    head = place(contact)
    for have in ({**head, "epoch": "of-another-life"}, {**head, "q": head["q"] + 1_000}):
        back = await visit.again(contact, node=1, have=[have])
        log = head_of(back.welcome)
        demand(log["mode"] == "reset", f"reset for {have}", log)
        snapshot = await back.until("snapshot", s="me")
        fits = snapshot["epoch"] == head["epoch"] and snapshot["q"] == log["head"]
        demand(fits, f"a snapshot of epoch {head['epoch']} at {log['head']}", snapshot)
    return "reset, with a snapshot of the epoch that is"


async def resume_everywhere(visit: Visit) -> str:
    """From every place of a log the way back ends in the same texts."""
    made = await recording(visit)
    lines = made.own.lines()
    head = max(lines)
    modes: dict[str, int] = {}
    for q in range(1, head + 1, max(1, head // 40)):
        replica = stood(made, q)
        back = await visit.come(q, **hello_of(replica, made.own))
        log = head_of(back.welcome)
        modes[log["mode"]] = modes.get(log["mode"], 0) + 1
        demand(log["mode"] != "reset", f"no reset at q {q}", log)
        await followed(back, replica, head)
        if log["mode"] == "replay":
            sent = sorted(back.lines())
            demand(sent == list(range(q + 1, head + 1)), f"{q + 1} to {head}, no more", sent)
            logs.same_bytes(lines, back.lines(), head - q)
        same_texts(made, replica)
        await back.aclose()
    found = ", ".join(f"{count} {mode}" for mode, count in sorted(modes.items()))
    return f"{sum(modes.values())} places of {head}: {found}"


async def resume_in_turn(visit: Visit) -> str:
    """Cut after every third frame of a running turn, the text is that of an uncut connection."""
    witness = await visit.learner()
    replica = Replica(sid=witness.welcome["sid"], token=witness.welcome["token"])
    gen = await begun(witness)
    watching = asyncio.create_task(witness.until("turn.done", gen=gen))
    cuts = 0
    try:
        while not _over(replica, gen):
            demand(cuts < CUTS, f"the turn's end within {CUTS} connections", replica.position)
            contact = await visit.dial(cuts)
            await contact.write(encode_command(replica.hello()).decode())
            for _ in range(EVERY_FRAMES + 1):
                await hear_into(contact, replica)
                if _over(replica, gen):
                    break
            contact.cut()
            cuts += 1
        done = await watching
    finally:
        watching.cancel()
    logs.whole_texts(witness.frames)
    generation = replica.generation(gen)
    demand(generation is not None and generation.intact is not False, "the same hash", done)
    shown = "".join(f["text"] for f in witness.of("delta", gen=gen))
    if not witness.of("turn.restarted"):
        demand(replica.text(gen) == shown, shown, replica.text(gen))
    demand(replica.counters.resets == 0, "no reset", f"{replica.counters.resets}")
    return f"{cuts} connections, {len(shown)} characters, the same"


async def cut_is_no_cancel(visit: Visit) -> str:
    """A turn goes on while its learner is away, and is whole on the return."""
    contact = await visit.learner()
    gen = await begun(contact)
    contact.cut()
    await contact.end()
    await asyncio.sleep(QUIET_S)
    back = await visit.again(contact, node=1)
    replica = Replica(sid=contact.welcome["sid"])
    await followed(back, replica, head_of(back.welcome)["head"])
    while not _over(replica, gen):
        await hear_into(back, replica)
    generation = replica.generation(gen)
    status = generation.status if generation else None
    demand(status in ("completed", "incomplete"), "a turn that went on to its end", status)
    return f"{gen} is {status}"


async def sync(visit: Visit) -> str:
    """`sync` sends again what follows a place: a replay, or a snapshot."""
    contact = await visit.learner()
    await contact.listen(QUIET_S)
    lines, head = contact.lines(), place(contact)
    replica = Replica(sid=contact.welcome["sid"])
    contact.frames.clear()
    contact.raw.clear()
    await contact.say({"t": "sync", "s": "me", "epoch": head["epoch"], "q": head["q"] - 1})
    await contact.listen(QUIET_S * 2)
    snapshots = contact.of("snapshot", s="me")
    if snapshots:
        demand(snapshots[-1]["q"] == head["q"], f"a snapshot at {head['q']}", snapshots[-1])
        return f"snapshot at q {replica.position.seq or head['q']}"
    sent = sorted(contact.lines())
    demand(sent == [head["q"]], f"event {head['q']} again", sent)
    return logs.same_bytes(lines, contact.lines())


# --- without a socket -----------------------------------------------------------------------------


async def sse(visit: Visit) -> str:
    """By SSE and POST the same frames come under the same numbers as by socket."""
    answer = await visit.post("/v1/sessions", '{"t":"hello"}')
    welcome = answer.frame()
    demand(answer.status in (200, 201) and welcome.get("t") == "welcome", "`welcome`", welcome)
    sid, token = welcome["sid"], welcome["token"]
    stream = await visit.stream(sid, token)
    await stream.until("welcome")
    socket = await visit.come(1, sid=sid, token=token)
    lines: dict[int, str] = {}
    epoch = head_of(welcome)["epoch"]
    commands = f"/v1/sessions/{sid}/commands"
    said = ({"t": "lesson.start", "id": "l"}, {"t": "turn.start", "id": "t", "input": QUESTION})
    sent = await visit.post(commands, message(*said), headers=bearer(token))
    demand(sent.status == 202, "202", f"{sent.status} {sent.body[:100]!r}")
    done: Frame = {}
    while not done:
        event = await stream.hear()
        frame = frame_of(event.data)
        if event.id:
            demand(event.id == f"{epoch}.{frame['q']}", f"id {epoch}.{frame['q']}", event.id)
            lines[frame["q"]] = event.data
        done = frame if frame["t"] == "turn.done" else {}
    await socket.until("turn.done", q=done["q"])
    logs.in_order([frame_of(line) for line in lines.values()], "me", head_of(welcome)["head"])
    return logs.same_bytes(lines, socket.lines(), len(lines))


async def sse_resume(visit: Visit) -> str:
    """`Last-Event-ID` resumes a stream behind that event."""
    contact = await visit.learner()
    await contact.listen(QUIET_S)
    lines, head = contact.lines(), place(contact)
    sid, token = contact.welcome["sid"], contact.welcome["token"]
    last = f"{head['epoch']}.{head['q'] - 1}"
    stream = await visit.stream(sid, token, 1, {"Last-Event-ID": last})
    _, told = await stream.until("welcome")
    demand(head_of(told)["mode"] == "replay", f"replay behind {last}", told)
    while not (event := await stream.hear()).id:
        pass
    demand(event.id == f"{head['epoch']}.{head['q']}", f"event {head['q']}", event.id)
    demand(event.data == lines[head["q"]], lines[head["q"]], event.data)
    return f"replay behind {last}"


async def sse_elsewhere(visit: Visit) -> str:
    """A command by POST need not reach the node that has the stream: nothing sticks to a node."""
    welcome = (await visit.post("/v1/sessions", '{"t":"hello"}')).frame()
    sid, token = welcome["sid"], welcome["token"]
    stream = await visit.stream(sid, token, 0)
    await stream.until("welcome")
    commands, lesson = f"/v1/sessions/{sid}/commands", message({"t": "lesson.start", "id": "l"})
    sent = await visit.post(commands, lesson, 1, headers=bearer(token))
    demand(sent.status == 202, "202", f"{sent.status} {sent.body[:100]!r}")
    _, item = await stream.until("item")
    return f"item at q {item['q']} on the stream"


async def sse_door(visit: Visit) -> str:
    """Without sockets too: a strange origin is 403, no token 401, a frame that is none 400."""
    contact = await visit.learner()
    sid, token = contact.welcome["sid"], contact.welcome["token"]
    commands = f"/v1/sessions/{sid}/commands"
    asked: tuple[tuple[int, str, str, dict[str, str]], ...] = (
        (403, "/v1/sessions", '{"t":"hello"}', {"Origin": "https://stranger.invalid"}),
        (401, commands, '{"t":"pong"}', {}),
        (401, commands, '{"t":"pong"}', bearer("nonsense")),
        (400, "/v1/sessions", "garbage", {}),
    )
    for status, path, body, headers in asked:
        answer = await visit.post(path, body, headers=headers)
        demand(answer.status == status, f"{status} at {path.replace(sid, 'SID')}", answer.status)
        demand(answer.frame().get("t") == "err", "an `err` frame as the body", answer.frame())
    await visit.stream(sid, token)
    answer = await visit.post(commands, '{"t":"nope","id":"c1"}', headers=bearer(token))
    demand(answer.frame().get("code") == Code.UNKNOWN_TYPE, "err 102", answer.frame())
    return "403, 401, 400, each with its `err`"


# --- a replica against the server -----------------------------------------------------------------


def place(contact: Contact, s: str = "me") -> Frame:
    """Where a connection stands, as `hello.have` says it."""
    log = head_of(contact.welcome, s)
    numbers = [f["q"] for f in contact.frames if f.get("s") == s and isinstance(f.get("q"), int)]
    return {"s": s, "epoch": log["epoch"], "q": max(numbers, default=log["head"])}


def stood(made: Recording, q: int) -> Replica:
    """A replica that has heard a recording up to a place."""
    replica = Replica(sid=made.own.welcome["sid"], token=made.own.welcome["token"])
    for frame, line in zip(made.own.frames, made.own.raw, strict=True):
        if frame["t"] == "welcome" or (frame.get("s") == "me" and frame.get("q", 0) <= q):
            replica.hear(decode_event(line.encode()))
    return replica


def hello_of(replica: Replica, own: Contact) -> Frame:
    """The `hello` of a replica, without its type."""
    hello = replica.hello(own.welcome["token"])
    have = [{"s": h.s, "epoch": h.epoch, "q": h.q} for h in hello.have]
    return {"sid": own.welcome["sid"], "token": own.welcome["token"], "have": have}


async def followed(contact: Contact, replica: Replica, head: int) -> None:
    """Tell a replica all that comes until it stands at the head."""
    for line in contact.raw:
        replica.hear(decode_event(line.encode()))
    while replica.position.seq < head:
        await hear_into(contact, replica)


async def hear_into(contact: Contact, replica: Replica) -> None:
    """Tell a replica the next frame, and the server what the replica asks."""
    try:
        await contact.hear()
    except TimeoutError:
        raise Broken("the way back to go on", f"nothing after {replica.position}") from None
    asked = replica.hear(decode_event(contact.raw[-1].encode()))
    asked = [command for command in asked if not isinstance(command, Ack | Pong)]
    if asked:
        await contact.write(b"\n".join(map(encode_command, asked)).decode())


def same_texts(made: Recording, replica: Replica) -> str:
    """Every turn of a recording is shown by a replica as its connection saw it."""
    gens = [f["gen"] for f in made.own.of("turn.started")]
    for gen in gens:
        shown = ""
        for frame in made.own.frames:
            if frame.get("gen") == gen and frame["t"] == "turn.restarted":
                shown = ""
            if frame.get("gen") == gen and frame["t"] == "delta":
                shown += frame["text"]
        demand(replica.text(gen) == shown, shown, replica.text(gen))
        generation = replica.generation(gen)
        demand(generation is not None and not generation.running, f"{gen} ended", gen)
    return f"{len(gens)} texts the same"


def _over(replica: Replica, gen: str) -> bool:
    generation = replica.generation(gen)
    return generation is not None and not generation.running


CHECKS: tuple[Check, ...] = tuple(
    map(
        check_of,
        (
            resume_live,
            resume_replay,
            resume_snapshot,
            resume_reset,
            resume_everywhere,
            resume_in_turn,
            cut_is_no_cancel,
            sync,
            sse,
            sse_resume,
            sse_elsewhere,
            sse_door,
        ),
    )
)
