"""The door: hello, nonsense, sizes, tokens, origins, rates. This file is its checks."""

from __future__ import annotations

from websockets.exceptions import InvalidHandshake, InvalidStatus

from bench.conformance.contact import Broken, Contact, demand
from bench.conformance.visit import Check, Visit, check_of, head_of, new_id
from protocol.errors import Close, Code
from protocol.limits import LIMITS

STRANGE_ORIGIN = "https://stranger.invalid"
TOO_MANY = LIMITS.commands_burst * 3

NO_FRAMES = (
    "garbage",
    "",
    "[]",
    "null",
    '{"t":1}',
    '{"id":"c1"}',
    '{"t":"item.next","id":7}',
    '{"t":"item.next","id":"c1","id":"c2"}',
    '{"t":"answer.submit","id":"c1","item":"i","response":"1","taken_ms":-1}',
    '{"t":"answer.submit","id":"c1","item":"i","response":' + "[" * 40 + "]" * 40 + "}",
    '{"t":"item.next","id":"' + "x" * (LIMITS.id_chars + 1) + '"}',
)
"""Messages that are no frame of the table."""


async def hello_first(visit: Visit) -> str:
    """Before `hello` every command is refused with 115; `welcome` is the first word after it."""
    contact = await visit.dial()
    await contact.say({"t": "item.next", "id": "early"})
    await contact.refused(Code.OUT_OF_ORDER, re="early")
    await contact.say({"t": "hello"})
    frame = await contact.hear()
    demand(frame["t"] == "welcome", "`welcome` as the answer to `hello`", frame)
    return "115 before it, then `welcome`"


async def hello_once(visit: Visit) -> str:
    """A second `hello` is refused with 115 and the connection stays."""
    contact = await visit.come()
    await contact.say({"t": "hello"})
    await contact.refused(Code.OUT_OF_ORDER)
    await _is_alive(contact)
    return "115, and it goes on"


async def welcome(visit: Visit) -> str:
    """`welcome` names connection, session, node, heartbeat, window and the session's log."""
    one, other = await visit.come(), await visit.come()
    for contact in (one, other):
        told = contact.welcome
        kinds = {"cid": str, "sid": str, "node": str, "token": str, "window": int}
        for name, kind in kinds.items():
            demand(isinstance(told.get(name), kind) and bool(told[name]), f"`{name}`", told)
        demand(told.get("heartbeat_s", 0) > 0, "`heartbeat_s` above 0", told)
        log = head_of(told)
        demand(bool(log.get("epoch")) and isinstance(log.get("head"), int), "the log `me`", told)
    for name in ("cid", "sid"):
        came = [c.welcome[name] for c in (one, other)]
        demand(came[0] != came[1], f"two `{name}` of two guests", came)
    demand(head_of(one.welcome)["mode"] == "live", "a new log that is live", one.welcome)
    return f"node {one.welcome['node']}, window {one.welcome['window']}"


async def bad_frame(visit: Visit) -> str:
    """What is no frame of the table is `err 101` with a reason and closes nothing."""
    contact = await visit.come()
    for payload in NO_FRAMES:
        await contact.write(payload)
        frame = await contact.until("err")
        demand(frame["code"] == Code.BAD_FRAME and bool(frame["msg"]), f"101 to {payload!r}", frame)
    await contact.write(b"\x00")
    await contact.refused(Code.BAD_FRAME)
    await _is_alive(contact)
    return f"{len(NO_FRAMES) + 1} messages refused, the connection goes on"


async def bad_utf8(visit: Visit) -> str:
    """A text message that is not UTF-8 ends the connection with 1007."""
    contact = await visit.come()
    await contact.write(b'{"t":"turn.start","id":"c1","input":"\xff\xfe"}', text=True)
    demand(await contact.end() == 1007, "close 1007", contact.closed)
    return "1007"


async def unknown_type(visit: Visit) -> str:
    """A type that no table has is `err 102` naming the command, and closes nothing."""
    contact = await visit.come()
    for t in ("firework", "welcome"):
        await contact.say({"t": t, "id": "c1"})
        await contact.refused(Code.UNKNOWN_TYPE)
    await _is_alive(contact)
    return "102, the connection goes on"


async def refusals(visit: Visit) -> str:
    """An `err` has code, name and reason, and says whether to try again."""
    contact = await visit.come()
    await contact.say({"t": "hint.request", "id": "c1", "item": "none"})
    frame = await contact.until("err", re="c1")
    known = {int(code): code.name.lower() for code in Code}
    demand(known.get(frame["code"]) == frame.get("name"), "a code and its name", frame)
    demand(isinstance(frame.get("temp"), bool), "`temp`", frame)
    return f"{frame['code']} {frame['name']}"


async def too_large(visit: Visit) -> str:
    """A message above 64 KiB closes with 4413, one of 64 KiB is heard; 16 KiB before `hello`."""
    contact = await visit.come()
    frame = '{"t":"item.next","id":"largest"}'
    await contact.write(frame + " " * (LIMITS.inbound_bytes - len(frame)))
    await contact.until("err", re="largest")
    await contact.write(frame + " " * LIMITS.inbound_bytes)
    demand(await contact.end() == Close.TOO_LARGE, "close 4413", contact.closed)
    early = await visit.dial()
    await early.write('{"t":"hello"}' + " " * LIMITS.hello_bytes)
    demand(await early.end() == Close.TOO_LARGE, "close 4413 before `hello`", early.closed)
    return "heard at the limit, 4413 above it"


async def too_many_frames(visit: Visit) -> str:
    """More than 64 frames in a message are `err 109`."""
    contact = await visit.come()
    await contact.write('{"t":"pong"}\n' * (LIMITS.frames_a_message + 1))
    await contact.refused(Code.TOO_LARGE)
    await _is_alive(contact)
    return "109"


async def tokens(visit: Visit) -> str:
    """A `sid` without its token, and a token of nobody, are 103 and close 4401."""
    owner, other = await visit.come(), await visit.come()
    sid = owner.welcome["sid"]
    hellos: tuple[dict[str, str], ...] = (
        {"sid": sid},
        {"token": "nonsense"},
        {"sid": sid, "token": other.welcome["token"]},
    )
    for hello in hellos:
        contact = await visit.dial()
        await contact.say({"t": "hello", **hello})
        await contact.refused(Code.UNAUTHORIZED)
        demand(await contact.end() == Close.INVALID_TOKEN, "close 4401", contact.closed)
    return f"{len(hellos)} hellos refused"


async def origin(visit: Visit) -> str:
    """A page of another origin is not let in: 403, or `err 104` and close 4403."""
    try:
        contact = await visit.dial(origin=STRANGE_ORIGIN)
    except InvalidStatus as refused:
        status = refused.response.status_code
        demand(status == 403, "403", f"{status}")
        return "403 to the upgrade"
    await contact.say({"t": "hello"})
    demand(await contact.end() == Close.FORBIDDEN, "close 4403", contact.closed)
    demand(not contact.of("welcome"), "no `welcome`", "one")
    return "4403"


async def version(visit: Visit) -> str:
    """A subprotocol of another version is closed with 4426."""
    try:
        contact = await visit.dial(subprotocol="tutorstream.v999.json")
    except InvalidHandshake as refused:
        raise Broken("close 4426, which a page can see", str(refused)) from None
    demand(await contact.end() == Close.VERSION, "close 4426", contact.closed)
    return "4426"


async def rates(visit: Visit) -> str:
    """Commands beyond the burst are `err 129` with `retry_ms`; the third closes with 4429."""
    contact = await visit.come()
    for _ in range(TOO_MANY):
        await contact.say({"t": "item.next", "id": new_id()})
    demand(await contact.end() == Close.LIMITS, "close 4429", contact.closed)
    told = contact.of("err", code=int(Code.RATE_LIMITED))
    demand(len(told) == LIMITS.violations, f"{LIMITS.violations} refusals 129", f"{len(told)}")
    for frame in told:
        demand(frame["temp"] is True and frame.get("retry_ms", 0) > 0, "`retry_ms`", frame)
    heard = len(contact.of("err")) - len(told) + 1  # `hello` is the first command
    demand(heard >= LIMITS.commands_burst, f"{LIMITS.commands_burst} commands heard", f"{heard}")
    return f"{heard} commands heard, {len(told)} times 129, then 4429"


async def hello_timeout(visit: Visit) -> str:
    """A connection that says no valid `hello` within 10 s is closed with 4408."""
    contact = await visit.dial()
    await contact.listen(LIMITS.hello_s + visit.target.patience_s)
    demand((contact.closed or (0, ""))[0] == Close.HELLO_TIMEOUT, "close 4408", contact.closed)
    return "4408"


async def heartbeat(visit: Visit) -> str:
    """An idle connection hears a `ping` with the logs' heads; one that is silent is given up."""
    contact = await visit.learner()
    within_s = LIMITS.ping_s * (1 + LIMITS.ping_jitter) + visit.target.patience_s
    try:
        while not contact.of("ping"):
            await contact.hear(within_s)
    except TimeoutError:
        raise Broken(f"`ping` within {within_s:g} s", "nothing") from None
    ping = contact.of("ping")[0]
    head = max(contact.lines(), default=0)
    demand(ping["heads"].get("me") == head, f"`heads` with me at {head}", ping)
    return f"`ping` with heads {ping['heads']}"


async def _is_alive(contact: Contact) -> None:
    """A command is still heard here."""
    command = new_id()
    await contact.say({"t": "hint.request", "id": command, "item": "none"})
    await contact.until("err", re=command)


CHECKS: tuple[Check, ...] = (
    *map(
        check_of,
        (
            hello_first,
            hello_once,
            welcome,
            bad_frame,
            bad_utf8,
            unknown_type,
            refusals,
            too_large,
            too_many_frames,
            tokens,
            origin,
            version,
            rates,
        ),
    ),
    check_of(hello_timeout, slow=True),
    check_of(heartbeat, slow=True),
)
