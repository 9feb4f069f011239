"""A log, a network that drops, doubles, reorders, merges and cuts, and a replica at its end.

The invariant: at whatever place the replica stands, its texts and its item are those that the owner
had at that place of that epoch, or the log began anew and the replica says so. Once the network is
good again the replica is where the owner is, and every command has had one effect.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from protocol.codec import decode, decode_event, encode, encode_command, refusal, repeated
from protocol.commands import Ack, Command, Hello, ItemNext, ReviewDue, Sync
from protocol.conversation import Conversation
from protocol.errors import Code, Refused
from protocol.events import (
    Delta,
    Durable,
    Event,
    Foreign,
    GenText,
    ItemShown,
    LogHead,
    Ok,
    Ping,
    Reward,
    Snapshot,
    TurnDone,
    TurnRestarted,
    TurnStarted,
    Welcome,
)
from protocol.generation import RUNNING
from protocol.replica import Replica

ACTS = st.sampled_from(["a", "bc", "dé ", "", "end", "restart", "reward"])
RARELY = st.sampled_from([False, False, False, True])
PLACES = st.integers(0, 30)

View = tuple[dict[str, tuple[str, int, str]], str | None]
"""Generation -> (text, next chunk, status), and the item's name."""


def item_fields(name: str) -> dict[str, Any]:
    return {
        "item": name,
        "kind": "number",
        "prompt": "2x = 4",
        "skills": ["k"],
        "p_success": 0.7,
        "why": "it is due",
    }


class Owner:
    """The server's side of one log, plain and slow; `views` is what stood at every place."""

    def __init__(self) -> None:
        self.lives = 0
        self.effects: dict[str, int] = {}
        self.views: dict[tuple[str, int], View] = {}
        self.begin_anew()

    def begin_anew(self) -> None:
        self.lives += 1
        self.epoch = f"e{self.lives}"
        self.frames: list[bytes] = []
        self.floor = 0
        self.gens: dict[str, tuple[str, int, str]] = {}
        self.item: str | None = None
        self.replies: dict[str, int] = {}
        self.see()

    @property
    def head(self) -> int:
        return len(self.frames)

    def see(self) -> None:
        self.views[self.epoch, self.head] = (dict(self.gens), self.item)

    def append(self, event: Event) -> bytes:
        frame = encode(event)
        self.frames.append(frame)
        self.see()
        return frame

    def place(self) -> tuple[str, int, int]:
        return ("me", self.head + 1, 0)

    def running(self) -> str | None:
        return next((gen for gen, seen in self.gens.items() if seen[2] == RUNNING), None)

    def start(self) -> bytes:
        gen = f"g{len(self.gens) + 1}"
        self.gens[gen] = ("", 0, RUNNING)
        return self.append(TurnStarted(*self.place(), gen, f"cmd {gen}", "p", "m", "llm"))

    def chunk(self, gen: str, text: str) -> bytes:
        shown, i, _ = self.gens[gen]
        self.gens[gen] = (shown + text, i + 1, RUNNING)
        return self.append(Delta(*self.place(), gen, (i, i), text))

    def restart(self, gen: str) -> bytes:
        i = self.gens[gen][1]
        self.gens[gen] = ("", i, RUNNING)
        return self.append(TurnRestarted(*self.place(), gen, i, "p2", "m2", "it broke"))

    def end(self, gen: str) -> bytes:
        text, i, _ = self.gens[gen]
        self.gens[gen] = (text, i, "completed")
        told = sha256(text.encode()).hexdigest()
        return self.append(TurnDone(*self.place(), gen, "completed", i, told, 1.0))

    def do(self, id_: str) -> list[bytes]:
        """A command's effect, once; the repeat gives the stored reply again."""
        if id_ in self.replies:
            return [repeated(self.frames[self.replies[id_] - 1])]
        self.effects[id_] = self.effects.get(id_, 0) + 1
        self.replies[id_] = self.head + 1
        reply = self.append(Ok(*self.place(), id_))
        self.item = f"item after {id_}"
        return [reply, self.append(ItemShown(*self.place(), **item_fields(self.item)))]

    def snapshot(self) -> bytes:
        gens = [GenText(gen, *seen) for gen, seen in self.gens.items()]
        state = {"item": item_fields(self.item) if self.item else None}
        return encode(Snapshot("me", self.epoch, self.head, state, gens))

    def missed(self, epoch: str, q: int, *, whole: bool) -> tuple[str, list[bytes]]:
        """How a reader at this place catches up, and with what."""
        if epoch != self.epoch or q > self.head:
            return "reset", [self.snapshot()]
        if q == self.head:
            return "live", []
        if whole or q < self.floor:
            return "snapshot", [self.snapshot()]
        return "replay", self.frames[q:]


class Network(RuleBasedStateMachine):
    """Everything that can happen between an owner and one replica."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = Owner()
        self.replica = Replica()
        self.down: list[bytes] = []
        self.up: list[bytes] = []
        self.attached = False
        self.overloaded = False
        self.whole = False
        self.commands = 0
        self.now_s = 0.0
        self.talk = Conversation()
        self.waiting = False

    # --- the owner ----------------------------------------------------------------------------

    def say(self, frames: list[bytes]) -> None:
        if self.attached:
            self.down += frames

    @rule(acts=st.lists(ACTS, min_size=1, max_size=10))
    def the_owner_acts(self, acts: list[str]) -> None:
        owner = self.owner
        for act in acts:
            gen = owner.running()
            if act == "reward":
                frame = owner.append(Reward(*owner.place(), "star", 1, "well done"))
            elif gen is None:
                frame = owner.start()
            elif act == "end":
                frame = owner.end(gen)
            elif act == "restart":
                frame = owner.restart(gen)
            else:
                frame = owner.chunk(gen, act)
            self.say([frame])

    @rule()
    def the_log_is_trimmed(self) -> None:
        self.owner.floor = self.owner.head

    @rule()
    def ping(self) -> None:
        self.say([encode(Ping({"me": self.owner.head}, 0))])

    @rule(overloaded=st.booleans(), whole=st.booleans())
    def the_server_changes_its_mood(self, overloaded: bool, whole: bool) -> None:
        self.overloaded, self.whole = overloaded, whole

    # --- the network --------------------------------------------------------------------------

    @initialize()
    def connect(self) -> None:
        self.reconnect(0, [], False)
        self.all_arrives()

    @rule(heard=st.integers(0, 9), meanwhile=st.lists(ACTS, max_size=6), lost=RARELY)
    def reconnect(self, heard: int, meanwhile: list[str], lost: bool) -> None:
        """The socket dies with frames under way, things happen, the client comes back."""
        self.the_server_hears(heard)
        self.the_replica_hears(heard)
        self.attached = False
        self.down.clear()
        self.up.clear()
        self.replica.cut()
        if lost:
            self.owner.begin_anew()
        self.the_owner_acts(meanwhile)
        self.talk = Conversation()
        self.send([self.replica.hello()])

    @precondition(lambda self: self.down)
    @rule(harm=st.sampled_from(["drop", "double", "move"]), at=PLACES, to=PLACES)
    def a_frame_is_harmed(self, harm: str, at: int, to: int) -> None:
        frame = self.down.pop(at % len(self.down))
        if harm == "move":
            self.down.insert(to % (len(self.down) + 1), frame)
        elif harm == "double" or frame.startswith(b'{"t":"welcome"'):
            self.down.insert(at % (len(self.down) + 1), frame)
            if not frame.startswith(b'{"t":"welcome"'):
                self.down.insert(to % (len(self.down) + 1), frame)

    @precondition(lambda self: self.up)
    @rule(lost=st.booleans(), at=PLACES)
    def a_command_is_lost_or_doubled(self, lost: bool, at: int) -> None:
        frame = self.up.pop(at % len(self.up))
        if not lost:
            self.up += [frame, frame]

    @rule()
    def neighbouring_deltas_are_merged(self) -> None:
        merged: list[bytes] = []
        for frame in self.down:
            event = decode_event(frame)
            last = decode_event(merged[-1]) if merged else None
            if (
                isinstance(event, Delta)
                and isinstance(last, Delta)
                and (last.gen, last.q, last.i[1])
                == (event.gen, event.q - event.span, event.i[0] - 1)
            ):
                span, text = last.span + event.span, last.text + event.text
                i = (last.i[0], event.i[1])
                merged[-1] = encode(replace(event, i=i, text=text, span=span))
            else:
                merged.append(frame)
        self.down = merged

    # --- the two ends -------------------------------------------------------------------------

    def send(self, commands: list[Command]) -> None:
        self.up += [encode_command(command) for command in commands]

    @rule(most=st.integers(1, 12))
    def the_server_hears(self, most: int = 12) -> None:
        frames, self.up = self.up[:most], self.up[most:]
        for frame in frames:
            command = decode(frame)
            try:
                self.talk.hear(command)
            except Refused as refused:
                self.say([refusal(refused)])
                continue
            self.answer(command)

    def answer(self, command: Command) -> None:
        owner = self.owner
        match command:
            case Hello():
                place = next(((h.epoch, h.q) for h in command.have), (owner.epoch, 0))
                mode, frames = owner.missed(*place, whole=self.whole)
                self.attached = True
                head = LogHead("me", owner.epoch, owner.head, mode)  # type: ignore[arg-type]  # one of four
                self.say([encode(Welcome("c", "s", "n", 20.0, 64, [head])), *frames])
                self.talk.opened()
            case Sync():
                self.say(owner.missed(command.epoch, command.q, whole=self.whole)[1])
            case Ack():
                assert command.pos["me"] <= owner.head
            case ReviewDue(id=id_) | ItemNext(id=id_):
                if self.overloaded:
                    full = Refused(Code.OVERLOADED, "full", re=id_, retry_ms=100)
                    self.say([refusal(full)])
                else:
                    self.say(owner.do(id_))

    @rule(most=st.integers(1, 12))
    def the_replica_hears(self, most: int = 12) -> None:
        frames, self.down = self.down[:most], self.down[most:]
        for frame in frames:
            self.replica_hears(decode_event(frame))
            self.the_picture_is_the_owners()

    def replica_hears(self, event: Event | Foreign) -> None:
        """Hear one event and compare with the apply rule as the manual says it."""
        before, resets = self.replica.position, self.replica.counters.resets
        connected = self.replica.connected
        out = self.replica.hear(event, self.now_s)
        after = self.replica.position
        changed = after.epoch != before.epoch and before.epoch != ""
        assert self.replica.counters.resets == resets + changed
        if isinstance(event, Durable) and connected:
            fits = event.q - getattr(event, "span", 1) == before.seq
            overtakes = getattr(event, "dup", False) and event.q > before.seq + 1
            asks = not (fits or overtakes or event.q <= before.seq or self.waiting)
            assert after.seq == (event.q if fits else before.seq)
            assert any(isinstance(command, Sync) for command in out) == asks
            self.waiting = (self.waiting or asks) and not fits
        else:
            self.waiting = self.replica.logs["me"].reader.waiting if self.replica.logs else False
        self.send(out)

    @rule()
    def all_arrives(self) -> None:
        for _ in range(3):
            self.the_server_hears(99)
            self.the_replica_hears(99)

    @rule()
    def a_good_while(self) -> None:
        """Nothing is harmed and a ping comes: a connected replica finds every gap by itself."""
        for _ in range(2):
            self.all_arrives()
            self.ping()
        self.all_arrives()
        if self.replica.connected and self.attached:
            assert self.replica.position.seq == self.owner.head
            assert self.replica.position.epoch == self.owner.epoch

    @rule()
    def a_command_is_given(self) -> None:
        self.commands += 1
        self.send(self.replica.send(ItemNext(f"c{self.commands}")))

    @rule(passed_s=st.floats(0.01, 20.0))
    def time_passes(self, passed_s: float) -> None:
        self.now_s += passed_s
        self.send(self.replica.due(self.now_s))

    # --- what must hold -----------------------------------------------------------------------

    @invariant()
    def the_picture_is_the_owners(self) -> None:
        replica, position = self.replica, self.replica.position
        assert replica.counters.misfits == 0
        if position.seq == 0:  # before the first event, or told of a new log and waiting for it
            return
        gens, item = self.owner.views[position.epoch, position.seq]
        shown = replica.me.generations.items()
        assert {gen: (g.text, g.next_i, g.status) for gen, g in shown} == gens
        assert (replica.item.item if replica.item else None) == item
        assert all(g.intact is not False for _, g in shown)

    @invariant()
    def another_epoch_is_never_silent(self) -> None:
        lives = {epoch for epoch, _ in self.owner.views}
        assert self.replica.position.epoch in lives | {""}

    @invariant()
    def a_command_has_at_most_one_effect_in_a_log(self) -> None:
        assert all(n <= self.owner.lives for n in self.owner.effects.values())
        assert set(self.owner.replies) <= set(self.owner.effects)

    def teardown(self) -> None:
        """With a good network again, everything arrives and every command is answered."""
        self.overloaded = False
        self.reconnect(0, [], False)
        for _ in range(8):
            while self.up or self.down:
                self.the_server_hears()
                self.the_replica_hears()
            self.ping()
            self.time_passes(20.0)
        position, owner = self.replica.position, self.owner
        assert (position.epoch, position.seq) == (owner.epoch, owner.head)
        self.the_picture_is_the_owners()
        assert len(self.replica.pending) == 0
        assert set(owner.effects) == {f"c{n + 1}" for n in range(self.commands)}


TestNetwork = Network.TestCase
TestNetwork.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
