"""`tutorstream demo`: try it, with nothing to set up. This file is that command."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NamedTuple

from server.commands.flags import add_flags, loaded_by

if TYPE_CHECKING:
    from server.run import Running


ROOM_TITLE = "Study room"
ROOM_WAIT_S = 10.0
"""How long the demo waits for its own server to make the room."""


class NoRoom(Exception):  # noqa: N818 - named by what is missing
    """The server made no room for the demo; the words say why."""


class Opened(NamedTuple):
    """A room that the demo made: where learners join it, and where it is led."""

    room: str
    facilitator: str


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the settings and those of a first look."""
    add_flags(parser, without=("--store", "--host", "--uds", "--i-know"))
    parser.add_argument(
        "--no-browser", action="store_true", help="do not open the learner's page in a browser"
    )
    parser.add_argument("--json", action="store_true", help="print the ready line as JSON")


def run(args: argparse.Namespace) -> int:
    """Serve the demo on loopback, in memory, until Ctrl-C; 0."""
    from msgspec.structs import replace

    args.store = "memory:"  # whatever stores the environment names
    settings = replace(loaded_by(args).settings, host="127.0.0.1", uds="", guests="loopback")
    if args.port is None and _taken(settings.port):
        print(f"port {settings.port} is taken, another one is used", file=sys.stderr)
        settings = replace(settings, port=0)
    from server.commands.serve import ready_json
    from server.run import serve

    def told(server: Running) -> None:
        room, missing = _room_or_why(server)
        if args.json:
            ready_json(server, **(room._asdict() if room else {}))
        else:
            _say(server, room, missing)
        if sys.stdout.isatty() and not args.no_browser and not args.json:
            import webbrowser

            webbrowser.open(server.url)

    def announce(server: Running) -> None:
        from threading import Thread

        # The room is asked for over HTTP, which the loop that calls here must be free to answer.
        Thread(target=told, args=(server,), daemon=True).start()

    return serve(settings, announce)


def opened_room(host: str, port: int) -> Opened:
    """Make a room as any page would, by `POST /v1/rooms`. Raises NoRoom.

    It talks to the port itself, without the proxies that the environment may name.
    """
    import json
    from http.client import HTTPConnection, HTTPException
    from urllib.parse import urlencode

    line = HTTPConnection(host, port, timeout=ROOM_WAIT_S)
    try:
        line.request("POST", "/v1/rooms", json.dumps({"title": ROOM_TITLE}))
        answer = line.getresponse()
        made = json.loads(answer.read())
    except (OSError, HTTPException, ValueError) as error:
        raise NoRoom(str(error) or type(error).__name__) from error
    finally:
        line.close()
    if answer.status != 201:
        raise NoRoom(str(made.get("msg", f"the server answered {answer.status}")))
    site = f"http://{host}:{port}"
    led = urlencode({"r": made["rid"], "t": made["token"]})
    return Opened(f"{site}{made['url']}", f"{site}/teach#{led}")


def _room_or_why(server: Running) -> tuple[Opened | None, str]:
    try:
        return opened_room(server.application.settings.host, server.port), ""
    except NoRoom as error:
        return None, str(error)


def _say(server: Running, room: Opened | None, missing: str) -> None:
    from server.commands.serve import first_line
    from server.providers import start_words

    application = server.application
    rooms = [f"room         none: {missing}"]
    if room is not None:
        rooms = [
            f"room         {room.room}    (here learners join it)",
            f"facilitator  {room.facilitator}",
        ]
    lines = [
        f"learner      {server.url}            (open this)",
        *rooms,
        f"terminal     tutorstream chat ws://127.0.0.1:{server.port}/v1/ws",
        f"metrics      {server.url}metrics",
        *start_words(application.settings, application.tiers),
        "Ctrl-C stops; nothing is written to disk",
    ]
    words = "".join(f"\n  {line}" for line in lines)
    print(f"{first_line(server)}   store: memory{words}", flush=True)


def _taken(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
