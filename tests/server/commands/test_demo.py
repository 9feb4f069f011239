"""`tutorstream demo`: what it prints is there, its room too."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from server.commands.demo import ROOM_TITLE, NoRoom, opened_room

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 60.0
ROOMS_MOST = 20
"""More than one address may make in a minute."""


@contextmanager
def demo(*flags: str, **variables: str) -> Iterator[IO[str]]:
    """A demo on a free port; what it prints."""
    words = [sys.executable, "-m", "server.cli", "demo", "--port", "0", "--no-browser", *flags]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_S) == 0


def ready(said: IO[str]) -> dict[str, Any]:
    """The line for machines."""
    line: dict[str, Any] = json.loads(said.readline())
    return line


def until(line: ClientConnection, t: str) -> dict[str, Any]:
    """The next frame of a type."""
    while True:
        for text in str(line.recv(timeout=WAIT_S)).split("\n"):
            frame: dict[str, Any] = json.loads(text)
            assert frame["t"] != "err", frame
            if frame["t"] == t:
                return frame


def joined(port: int, **words: str) -> dict[str, Any]:
    """What somebody is told who comes into a room."""
    url = f"ws://127.0.0.1:{port}/v1/ws"
    with connect(url, subprotocols=[Subprotocol("tutorstream.v1.json")], proxy=None) as line:
        line.send(json.dumps({"t": "hello"}))
        until(line, "welcome")
        line.send(json.dumps({"t": "room.join", "id": "c1", **words}))
        changed: dict[str, Any] = until(line, "ok")["changed"]
        return changed


def too_many_rooms(port: int) -> None:
    """Make more rooms than are let through."""
    for _ in range(ROOMS_MOST):
        opened_room("127.0.0.1", port)


def test_its_room_is_joined_by_code_and_led_by_address() -> None:
    # A setting of the user's that would shut learners out of their own demo does not.
    with demo("--json", TUTORSTREAM_GUESTS="never") as said:
        line = ready(said)
        room, led = urlsplit(line["room"]), urlsplit(line["facilitator"])
        assert room.port == led.port == line["port"]
        assert (room.path, led.path) == ("/", "/teach")
        code, by = parse_qs(room.query)["c"][0], parse_qs(led.fragment)
        learner = joined(line["port"], rid=code, name="Ana")
        leader = joined(line["port"], rid=by["r"][0], token=by["t"][0], name="Teacher")
    assert (learner["role"], leader["role"]) == ("member", "facilitator")
    assert learner["rid"] == leader["rid"] == by["r"][0]
    assert learner["title"] == ROOM_TITLE


def test_it_tells_people_where_to_go() -> None:
    with demo() as said:
        said.readline()
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(said.readline().strip())
    told = dict(line.split(maxsplit=1) for line in lines)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ +\(open this\)", told["learner"])
    assert re.match(r"http://127\.0\.0\.1:\d+/\?c=[A-Z0-9]{4} ", told["room"])
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/teach#r=r_\S+&t=\S+", told["facilitator"])


def test_where_no_room_is_made_the_reason_is_told(unused_tcp_port: int) -> None:
    with pytest.raises(NoRoom, match="refused"):
        opened_room("127.0.0.1", unused_tcp_port)
    with demo("--json") as said:
        port = ready(said)["port"]
        with pytest.raises(NoRoom, match="at most 10 rooms a minute"):
            too_many_rooms(port)
