"""What must hold of a log's frames as one client heard them. This file is the judge of recordings.

Every function takes frames in the order they came and raises Broken at the first that is wrong;
it returns what was looked at, in words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from bench.conformance.contact import Broken, Frame, demand, is_event, shortened
from protocol.codec import decode_event
from protocol.errors import Refused
from protocol.events import DURABLE, Foreign

WITHOUT_PLACE = ("ok", "err", "board", "room.event", "presence")
"""What may come with `q` 0: the reply to a room's command, and what replaces what was told."""


def in_order(frames: Sequence[Frame], s: str, have: int | None = None) -> str:
    """Numbers follow one another by one; a snapshot sets the place anew.

    `have` is where the client stood; None: where its first event or snapshot puts it.

    >>> in_order([{"t": "ok", "s": "me", "q": q} for q in (1, 2, 3)], "me", 0)
    '3 events of me, 1 to 3'
    >>> in_order([{"t": "ok", "s": "me", "q": q} for q in (1, 3)], "me", 0)
    Traceback (most recent call last):
    bench.conformance.contact.Broken: expected q 2 of me; came {"t": "ok", "s": "me", "q": 3}
    """
    first, count, at = None, 0, have
    for frame in frames:
        if frame.get("s") != s:
            continue
        if frame["t"] == "snapshot":
            at = frame["q"]
        if not is_event(frame):
            continue
        span = frame.get("span", 1)
        at = frame["q"] - span if at is None else at
        demand(frame["q"] == at + span, f"q {at + span} of {s}", frame)
        at = frame["q"]
        first, count = first or at, count + 1
    return f"{count} events of {s}, {first} to {at}"


def as_words(lines: Iterable[str]) -> str:
    """Every frame is a word of the table with the fields that the table gives it."""
    count = 0
    for line in lines:
        try:
            event = decode_event(line.encode())
        except Refused as refused:
            raise Broken(
                "a frame as the table has it", f"{refused.detail}: {shortened(line)}"
            ) from None
        demand(not isinstance(event, Foreign), "a type of the table", line)
        count += 1
    return f"{count} frames are words of the table"


def ended_once(frames: Sequence[Frame]) -> str:
    """Every turn that began has one end, and nothing ends that never began."""
    begun = [f["gen"] for f in frames if f["t"] == "turn.started" and is_event(f)]
    ends = [f["gen"] for f in frames if f["t"] == "turn.done"]
    demand(len(set(begun)) == len(begun), "one `turn.started` a generation", begun)
    for gen in dict.fromkeys([*begun, *ends]):
        came = f"{begun.count(gen)} beginnings and {ends.count(gen)} ends of {gen}"
        demand(begun.count(gen) == ends.count(gen) == 1, "one beginning and one end", came)
    return f"{len(begun)} turns, {len(ends)} ends"


def still_after_end(frames: Sequence[Frame]) -> str:
    """No delta, and no new beginning of its text, follows a turn's end."""
    over: set[str] = set()
    for frame in frames:
        if frame["t"] in ("delta", "turn.restarted"):
            gen = frame["gen"]
            demand(gen not in over, f"nothing of {gen} after its `turn.done`", frame)
        elif frame["t"] == "turn.done":
            over.add(frame["gen"])
    return f"{len(over)} ended turns stayed silent"


def whole_texts(frames: Sequence[Frame]) -> str:
    """Chunks follow one another; the end counts them and its hash is that of the text shown."""
    texts: dict[str, str] = {}
    chunks: dict[str, int] = {}
    ends = 0
    for frame in frames:
        gen = frame.get("gen", "")
        if frame["t"] == "turn.started" and is_event(frame):
            texts[gen], chunks[gen] = "", 0
        elif frame["t"] == "turn.restarted":
            demand(frame["from_i"] == chunks.get(gen), f"from_i {chunks.get(gen)}", frame)
            texts[gen] = ""
        elif frame["t"] == "delta":
            a, b = frame["i"]
            demand(a == chunks.get(gen) and b >= a, f"chunk {chunks.get(gen)} of {gen}", frame)
            texts[gen], chunks[gen] = texts[gen] + frame["text"], b + 1
        elif frame["t"] == "turn.done" and gen in texts:
            demand(frame["n"] == chunks[gen], f"n {chunks[gen]} in the end of {gen}", frame)
            sha256 = hashlib.sha256(texts[gen].encode()).hexdigest()
            demand(frame["text_sha256"] == sha256, f"text_sha256 {sha256[:16]}...", frame)
            ends += 1
    demand(ends > 0, "a turn that began and ended", "none")
    size = sum(len(text.encode()) for text in texts.values())
    return f"{ends} texts, {size} bytes, equal to their hashes"


def zero_is_no_place(frames: Sequence[Frame]) -> str:
    """In a session's log every durable event has a place; `q` 0 is a room's and a board's."""
    count = 0
    for frame in frames:
        if frame["t"] not in DURABLE:
            continue
        q = frame.get("q")
        demand(isinstance(q, int) and not isinstance(q, bool), "a durable event with `q`", frame)
        demand(isinstance(frame.get("ts"), int), "a durable event with `ts`", frame)
        if q == 0:
            fits = frame["t"] in WITHOUT_PLACE and frame.get("s") != "me"
            demand(fits, "`q` 0 on a room's or a board's events only", frame)
            if frame["t"] == "ok":
                at = frame.get("at") or {}
                fits = at.get("s") == frame["s"] and isinstance(at.get("q"), int)
                demand(fits, "the place of the effect in `at` of an `ok` with q 0", frame)
        count += 1
    return f"{count} durable events"


def same_bytes(one: dict[int, str], other: dict[int, str], least: int = 1) -> str:
    """Two connections were sent the same bytes under the same number."""
    both = one.keys() & other.keys()
    demand(len(both) >= least, f"{least} events or more on both connections", f"{len(both)}")
    for q in sorted(both):
        if '"span":' not in one[q] + other[q]:  # deltas merged for a slow reader
            demand(one[q] == other[q], f"at q {q}: {shortened(one[q])}", other[q])
    return f"{len(both)} events the same on both"
