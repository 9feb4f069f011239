"""`tutorstream demo`: try it, with nothing to set up. This file is that command."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from server.commands.flags import add_flags, loaded_by

if TYPE_CHECKING:
    from server.run import Running


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
    settings = replace(loaded_by(args).settings, host="127.0.0.1", uds="")
    if args.port is None and _taken(settings.port):
        print(f"port {settings.port} is taken, another one is used", file=sys.stderr)
        settings = replace(settings, port=0)
    from server.commands.serve import ready_json
    from server.run import serve

    def announce(server: Running) -> None:
        if args.json:
            ready_json(server)
        else:
            _say(server)
        if sys.stdout.isatty() and not args.no_browser and not args.json:
            import webbrowser

            webbrowser.open(server.url)

    return serve(settings, announce)


def _say(server: Running) -> None:
    from server.commands.serve import first_line
    from server.providers import start_words

    application = server.application
    print(
        f"{first_line(server)}   store: memory\n"
        f"  learner   {server.url}            (open this)\n"
        f"  terminal  tutorstream chat ws://127.0.0.1:{server.port}/v1/ws\n"
        f"  metrics   {server.url}metrics",
        flush=True,
    )
    for line in start_words(application.settings, application.tiers):
        print(f"  {line}", flush=True)
    print("  Ctrl-C stops; nothing is written to disk", flush=True)


def _taken(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
