"""What a node does among others, as metrics. This file is their rows and where each is read.

Nothing is counted here: the log, the keeper of sessions and the rooms count, and are looked at
when the text is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from server.exposition import Metric, Samples, one
from streaming.log import Log
from streaming.ownership import Ownership
from streaming.rooms import Rooms

NODE_METRICS = (
    Metric("tutorstream_mirrors", "gauge", (), "Sessions of other nodes that are followed here."),
    Metric("tutorstream_rooms", "gauge", (), "Rooms in memory."),
    Metric(
        "tutorstream_takeovers_total", "counter", (), "Sessions taken over from nodes that died."
    ),
    Metric("tutorstream_log_appends_total", "counter", (), "Appends sent to Redis."),
    Metric("tutorstream_log_batches_total", "counter", (), "Pipelines they went in."),
    Metric(
        "tutorstream_log_fenced_total",
        "counter",
        (),
        "Appends refused: the session had another owner already.",
    ),
    Metric("tutorstream_log_failures_total", "counter", (), "Appends that Redis did not take."),
    Metric("tutorstream_log_reconnects_total", "counter", (), "Subscriptions to Redis made again."),
)
"""The rows of the table, in the order in which they are told."""


class NodeCounts(NamedTuple):
    """What a node has done since its start, and what it holds now."""

    mirrors: int = 0
    rooms: int = 0
    taken_over: int = 0
    appends: int = 0
    batches: int = 0
    fenced: int = 0
    failed: int = 0
    reconnects: int = 0


def node_counts(ownership: Ownership, rooms: Rooms, log: Log) -> NodeCounts:
    """Look at everything; a log that is not shared counts nothing."""
    counts = getattr(log, "counts", None)
    names = NodeCounts._fields[3:]
    of_log = {name: getattr(counts, name) for name in names} if counts is not None else {}
    return NodeCounts(len(ownership.mirrors), len(rooms), ownership.taken_over, **of_log)


NODE_SAMPLES: dict[str, Callable[[NodeCounts], Samples]] = {
    "tutorstream_mirrors": lambda c: one(c.mirrors),
    "tutorstream_rooms": lambda c: one(c.rooms),
    "tutorstream_takeovers_total": lambda c: one(c.taken_over),
    "tutorstream_log_appends_total": lambda c: one(c.appends),
    "tutorstream_log_batches_total": lambda c: one(c.batches),
    "tutorstream_log_fenced_total": lambda c: one(c.fenced),
    "tutorstream_log_failures_total": lambda c: one(c.failed),
    "tutorstream_log_reconnects_total": lambda c: one(c.reconnects),
}
