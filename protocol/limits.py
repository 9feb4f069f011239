"""Every limit of the wire with its unit. This file is the one place where they are named."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, gc=False):
    """The wire's limits; both sides use the same numbers.

    >>> LIMITS.inbound_bytes
    65536
    """

    # Inbound
    inbound_bytes: int = 64 * 1024
    """Largest WebSocket message from a client; above it close 4413."""
    hello_bytes: int = 16 * 1024
    """Largest message read before `hello` was accepted."""
    hello_s: float = 10.0
    """A connection that has not said a valid `hello` by then is closed with 4408."""
    depth: int = 16
    """Deepest nesting of arrays and objects in one frame."""
    frames_a_message: int = 64
    """Most frames joined by newlines in one WebSocket message from a client."""
    id_chars: int = 64
    """Longest command id, session id, item id."""
    response_chars: int = 2_000
    """Longest text of one answer; the grader's own limits are tighter."""
    input_bytes: int = 2 * 1024
    """Longest text of a `turn.start`, in UTF-8."""
    token_chars: int = 4_096
    have_logs: int = 16
    """Most positions in one `hello`."""

    # Heartbeat
    ping_s: float = 20.0
    """An idle connection is pinged this often, give or take `ping_jitter`."""
    ping_jitter: float = 0.10
    dead_s: float = 30.0
    """A side that hears nothing for so long gives the connection up (close 4009)."""

    # Idempotency and retention
    ids_kept: int = 1_024
    """Command ids remembered by a session, newest first ..."""
    ids_kept_s: float = 600.0
    """... and at least for so long, whichever keeps more."""
    retention_events: int = 2_000
    retention_s: float = 600.0
    """A log's events are kept for so long after its last connection went."""
    log_kept_s: float = 7 * 86_400.0
    """A log that was given back and that nobody takes up is forgotten by Redis after so long; its
    learner's state stays, and a client that comes later is told `reset`."""
    replay_bytes: int = 64 * 1024
    """Largest replay; above it, or above the snapshot's size, a snapshot is sent."""

    # Flow out
    coalesce_ms: float = 33.0
    coalesce_bytes: int = 512
    ack_events: int = 16
    ack_ms: float = 250.0
    room_ack_ms: float = 2_000.0
    """The same in the log of a room, whose members would else answer every message with an ack."""
    window: int = 64
    """Events a client may leave unacknowledged before it should ack; told in `welcome`."""
    lag1_bytes: int = 32 * 1024
    lag1_s: float = 1.0
    room_lag1_s: float = 3.0
    """The same in the log of a room: longer than `room_ack_ms` and a way there and back."""
    lag2_bytes: int = 128 * 1024
    lag2_s: float = 5.0
    lag3_bytes: int = 512 * 1024
    lag3_s: float = 20.0
    send_s: float = 10.0
    """A write that the socket does not take within this time ends the connection (4008)."""

    # Flow in
    commands_a_s: float = 20.0
    commands_burst: int = 40
    violations: int = 3
    """So many refusals for rate within `violations_s` close the connection (4429)."""
    violations_s: float = 10.0
    previews_a_s: float = 10.0
    turns_a_min: int = 10
    running_turns: int = 2
    node_turns: int = 1_000
    """Turns that one node says at once; above it `turn.start` gets `err 150`."""
    connections: int = 8
    """Connections a session; one more replaces the oldest (4409)."""
    abandoned_s: float = 120.0
    """With no connection for so long a running generation is cancelled."""

    # Rooms
    room_members: int = 1_000
    """Members of a room; one more takes the place of who has been away longest, else `err 112`."""
    room_name_chars: int = 40
    """Longest name of a member, in signs with their marks; what is longer is cut."""
    room_name_marks: int = 4
    """Accents and other marks that one sign of a name may carry."""
    room_title_chars: int = 80
    room_says_kept: int = 50
    """Newest messages that a room's snapshot holds."""
    room_talk_kept: int = 500
    """Newest messages of which a room remembers whose they were and when."""
    room_turns_kept: int = 8
    """Newest tutor turns that a room's snapshot holds."""
    room_asks_a_min: int = 10
    """Tutor turns that a room may begin in a minute; above it `err 129`."""
    room_acts: int = 30
    """Commands with an effect in a room that one member may give within `room_acts_s`, by all
    connections; above it messages, notes, thanks and answers get `err 129`."""
    room_acts_s: float = 10.0
    room_thanks_kept: int = 1_000
    room_ids_kept: int = 16_384
    """Command ids that a room remembers at most, however young they are."""
    room_pairs: int = 500
    """Pairs, and groups, that stand in a room at once."""
    board_keys: int = 200
    """Places of a room's shared board that hold something."""
    board_value_bytes: int = 2 * 1024
    """Longest value of one place, as JSON in UTF-8."""
    eph_value_bytes: int = 512
    """Longest value of an `eph`, as JSON in UTF-8; a longer one is dropped."""
    room_eph_frames_a_s: int = 5_000
    """Frames of `eph` that one node passes on in one room in a second; what is beyond is lost."""
    poll_rounds: int = 2
    room_gather_ms: float = 250.0
    """Votes and presence are gathered for so long before they are told ..."""
    room_gather_above: int = 30
    """... in rooms with more members present than this."""
    room_totals_ms: float = 250.0
    """Shortest time between two counts told to a facilitator."""
    room_fanout: int = 128
    """Members to whom one turn of the loop passes a room's frames on."""
    room_head_s: float = 10.0
    """How often a node compares its place in a room's log with the log's head."""
    room_idle_s: float = 60.0
    """A room is put aside so long after the last connection of a node left it."""
    room_kept_s: float = 86_400.0
    """A room that nobody has been in for so long ends, and its code is free again."""
    room_save_entries: int = 200
    """Entries between two stored snapshots of a room."""
    rooms_a_min: int = 10
    """Rooms that one address may make in a minute."""
    facilitator_s: float = 7 * 86_400.0
    """How long a facilitator's token is good for."""
    code_tries: int = 10
    """Codes of no room that one address may name within `code_tries_s` ..."""
    code_tries_s: float = 60.0
    code_shut_s: float = 900.0
    """... before all its codes are refused for so long."""

    # Client back-off
    backoff_first_s: float = 0.25
    backoff_factor: float = 2.0
    backoff_cap_s: float = 15.0

    # Server
    drain_s: float = 60.0
    """Running generations may go on for so long after SIGTERM."""


LIMITS = Limits()
"""The limits of `tutorstream.v1`."""
