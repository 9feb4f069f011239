"""Holds every stored log against what was said upstream and what each client shows. This file is
the checker of the failures.

It reads the logs out of Redis itself, with its own client, and judges the frames as any client
would; it knows the server's keys and nothing else of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from bench.failover_client import Follower
from bench.resp import Redis
from bench.upstream import answer
from protocol.codec import decode_event
from protocol.events import (
    Delta,
    Durable,
    Event,
    Feedback,
    Foreign,
    TurnDone,
    TurnRestarted,
    TurnStarted,
)

PREFIX = "ts:"
FIRST_KEPT = 10
"""Faults of a kind that are told word by word."""
AT_ONCE = 50
"""Logs read in one round trip."""


class Stored(NamedTuple):
    """One log as Redis holds it; `frames` by their stored number, in order."""

    epoch: str
    head: int
    floor: int
    frames: list[tuple[int, bytes]]


@dataclass
class Turn:
    """One generation as the log has it."""

    gen: str
    cmd: str
    source: str = ""
    text: str = ""
    next_i: int = 0
    done: TurnDone | None = None
    restarts: str = ""
    """Who went on after whom, and why."""


@dataclass
class Verdict:
    """What the logs and the clients say; there must be no `faults`."""

    sessions: int = 0
    entries: int = 0
    turns: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    """Verdicts that stand in the logs."""
    others: list[str] = field(default_factory=list)
    """Turns that another than the model said, in part or whole: the machine was too slow."""
    resets: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)
    lost_at_ms: list[int] = field(default_factory=list)
    """When each lost generation was ended, in ms since 1970."""

    def fault(self, kind: str, words: str) -> None:
        """Note one."""
        self.faults.setdefault(kind, []).append(words)

    def count(self, kind: str) -> int:
        """How many of a kind."""
        return len(self.faults.get(kind, ()))

    def first(self) -> dict[str, list[str]]:
        """The first ones of each kind."""
        return {kind: found[:FIRST_KEPT] for kind, found in self.faults.items()}


KINDS = {
    "missing": "numbers missing from a log",
    "doubled": "numbers or chunks that stand twice",
    "late": "deltas behind the end of their generation",
    "unended": "generations without an end",
    "ended_twice": "generations that ended twice",
    "text": "texts unlike what was said upstream, or unlike their hash",
    "shown": "texts shown that are unlike the log's",
    "behind": "clients that do not stand at the head",
    "misfit": "events that did not fit what was shown",
    "answers_lost": "verdicts heard that no log holds",
    "answers_twice": "answers judged twice",
    "unanswered": "commands without a reply",
    "gone": "clients that could not come back",
}
"""Each kind of fault, in words."""


def read_logs(redis_port: int, sids: list[str]) -> dict[str, Stored]:
    """The stored logs of these sessions. Raises OSError, RedisRefused."""
    found = {}
    with Redis(redis_port) as redis:
        for start in range(0, len(sids), AT_ONCE):
            some = sids[start : start + AT_ONCE]
            asked: list[tuple[str | bytes | int, ...]] = []
            for sid in some:
                stem = f"{PREFIX}{{{quote(sid, safe='')}}}"
                asked.append(("HMGET", f"{stem}:meta", "epoch", "seq", "floor"))
                asked.append(("XRANGE", f"{stem}:log", "-", "+"))
            answers = redis.ask_all(asked)
            for sid, meta, rows in zip(some, answers[::2], answers[1::2], strict=True):
                found[sid] = _stored(meta, rows)
    return found


def _stored(meta: list[bytes | None], rows: list[list[object]]) -> Stored:
    epoch, head, floor = ((value or b"").decode() for value in meta)
    frames = []
    for place, fields in rows:
        assert isinstance(place, bytes)
        assert isinstance(fields, list)
        named = dict(zip(fields[::2], fields[1::2], strict=True))
        frames.append((int(place.partition(b"-")[0]), named[b"p"]))
    return Stored(epoch, int(head or 0), int(floor or 0), frames)


def judged(
    logs: Mapping[str, Stored], followers: list[Follower], lengths: Mapping[str, int]
) -> Verdict:
    """The verdict on all sessions; `lengths` has the tokens of each answer by its name."""
    verdict = Verdict(sessions=len(followers))
    for follower in followers:
        sid = follower.replica.sid or ""
        _judge(verdict, logs.get(sid, Stored("", 0, 0, [])), follower, lengths)
    return verdict


def _judge(verdict: Verdict, log: Stored, follower: Follower, lengths: Mapping[str, int]) -> None:
    who = f"learner {follower.name}"
    verdict.entries += len(log.frames)
    events = _numbered(verdict, log, who)
    turns = _turns(verdict, events, who)
    _answers(verdict, log, events, follower, who)
    for turn in turns.values():
        _text(verdict, turn, follower.asked.get(turn.cmd, ""), lengths, who)
    _shown(verdict, log, turns, follower, who)


def _numbered(verdict: Verdict, log: Stored, who: str) -> list[Event | Foreign]:
    """The events of a log, which must be numbered one by one from behind its floor."""
    due = log.floor
    events = []
    for seq, frame in log.frames:
        if seq != due + 1:
            verdict.fault("missing" if seq > due + 1 else "doubled", f"{who}: {seq} after {due}")
        due = seq
        event = decode_event(frame)
        if not isinstance(event, Durable | Foreign) or event.q != seq:
            verdict.fault("missing", f"{who}: the frame at {seq} has another number")
        events.append(event)
    if due != log.head:
        verdict.fault("missing", f"{who}: the log ends at {due}, its head is {log.head}")
    return events


def _turns(verdict: Verdict, events: list[Event | Foreign], who: str) -> dict[str, Turn]:
    turns: dict[str, Turn] = {}
    for event in events:
        match event:
            case TurnStarted():
                if event.gen in turns:
                    verdict.fault("doubled", f"{who}: {event.gen} started twice")
                turns[event.gen] = Turn(event.gen, event.cmd, event.source)
            case Delta() | TurnDone() | TurnRestarted():
                turn = turns.setdefault(event.gen, Turn(event.gen, ""))
                _turn_event(verdict, turn, event, who)
    for turn in turns.values():
        verdict.turns += 1
        if turn.done is None:
            verdict.fault("unended", f"{who}: {turn.gen}")
        else:
            why = f" {turn.done.reason}" if turn.done.reason else ""
            verdict.statuses[turn.done.status + why] += 1
            if turn.done.status == "lost":
                verdict.lost_at_ms.append(turn.done.ts)
    commands = Counter(turn.cmd for turn in turns.values())
    for cmd, n in commands.items():
        if n > 1:
            verdict.fault("doubled", f"{who}: {cmd} began {n} generations")
    return turns


def _turn_event(
    verdict: Verdict, turn: Turn, event: Delta | TurnDone | TurnRestarted, who: str
) -> None:
    if turn.done is not None:
        kind = "ended_twice" if isinstance(event, TurnDone) else "late"
        verdict.fault(kind, f"{who}: {turn.gen} at {event.q}")
        return
    match event:
        case Delta():
            a, b = event.i
            if a != turn.next_i:
                kind = "doubled" if a < turn.next_i else "missing"
                verdict.fault(kind, f"{who}: {turn.gen} chunk {a} where {turn.next_i} was due")
            turn.text, turn.next_i = turn.text + event.text, b + 1
        case TurnRestarted():
            turn.text = ""
            turn.restarts += f", restarted by {event.provider}: {event.reason}"
        case TurnDone():
            turn.done = event


def _text(verdict: Verdict, turn: Turn, name: str, lengths: Mapping[str, int], who: str) -> None:
    """The text is what was said upstream, whole or, where it ended early, its beginning."""
    done = turn.done
    if done is None:
        return
    if done.n != turn.next_i or sha256(turn.text.encode()).hexdigest() != done.text_sha256:
        verdict.fault("text", f"{who}: {turn.gen} is unlike its hash")
    if name not in lengths:
        verdict.fault("text", f"{who}: {turn.gen} was asked by {turn.cmd!r}, of nobody")
        return
    if turn.source != "llm" or turn.restarts:
        verdict.others.append(f"{who}: {turn.gen} by {turn.source}{turn.restarts}")
        return
    whole = answer(name, lengths[name])
    right = turn.text == whole if done.status == "completed" else whole.startswith(turn.text)
    if not right:
        verdict.fault("text", f"{who}: {turn.gen} {done.status} is unlike {name}")


def _answers(
    verdict: Verdict, log: Stored, events: list[Event | Foreign], follower: Follower, who: str
) -> None:
    places: dict[str, list[int]] = {}
    for event in events:
        if isinstance(event, Feedback):
            places.setdefault(event.re, []).append(event.q)
    verdict.answers += len(places)
    for re, found in places.items():
        if len(found) > 1:
            verdict.fault("answers_twice", f"{who}: {re} at {found}")
    for re, told in follower.verdicts.items():
        if told.epoch == log.epoch and told.q not in places.get(re, ()):
            verdict.fault("answers_lost", f"{who}: {re} was heard at {told.q}")


def _shown(
    verdict: Verdict, log: Stored, turns: Mapping[str, Turn], follower: Follower, who: str
) -> None:
    replica = follower.replica
    counters = replica.counters
    verdict.resets += counters.resets
    if follower.failed is not None:
        verdict.fault("gone", f"{who}: {follower.failed}")
    if len(replica.pending):
        verdict.fault("unanswered", f"{who}: {len(replica.pending)}")
    if counters.misfits:
        verdict.fault("misfit", f"{who}: {counters.misfits}")
    if follower.late_deltas:
        verdict.fault("late", f"{who}: heard {follower.late_deltas}")
    if follower.ended_twice:
        verdict.fault("ended_twice", f"{who}: heard {follower.ended_twice}")
    position = replica.position
    if (position.epoch, position.seq) != (log.epoch, log.head):
        stands = f"stands at {position.seq} of {position.epoch}"
        verdict.fault("behind", f"{who}: {stands}, the log at {log.head} of {log.epoch}")
    for gen, turn in turns.items():
        generation = replica.generation(gen)
        if generation is None or generation.text != turn.text:
            shown = "nothing" if generation is None else f"{len(generation.text)} characters"
            verdict.fault("shown", f"{who}: {gen} shows {shown} of {len(turn.text)}")
