"""`tutorstream serve`: the server until SIGTERM. This file is that command."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING

from server.commands.flags import add_flags, loaded_by

if TYPE_CHECKING:
    from server.run import Running


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the settings."""
    add_flags(parser, without=("--local-demo",))  # a demonstration is no tutor
    parser.add_argument("--json", action="store_true", help="print the ready line as JSON")


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; 0 after a drain."""
    settings = loaded_by(args).settings
    from server.run import serve

    return serve(settings, ready_json if args.json else _ready_words)


def ready_json(server: Running, **more: str) -> None:
    """Print the ready line for machines, with `more` at its end."""
    from server.build import version
    from server.providers import tutor_words
    from server.settings import shown

    ready = {
        "ready": True,
        "url": server.url,
        "port": server.port,
        "pid": os.getpid(),
        "version": version(),
        "store": shown(server.application.settings, "store"),
        "courses": [course.id for course in server.application.catalogue.offered],
        "tutor": tutor_words(server.application.tiers),
        **more,
    }
    print(json.dumps(ready), flush=True)


def _ready_words(server: Running) -> None:
    from server.providers import start_words
    from server.settings import shown

    application = server.application
    settings = application.settings
    rooms = "" if settings.uds else f"   rooms at {server.url}teach"
    lines = [
        f"{first_line(server)}   store: {shown(settings, 'store')}",
        f"listening on {server.url}{rooms}   Ctrl-C drains and stops",
        *start_words(settings, application.tiers),
    ]
    if settings.guests == "loopback" and not settings.loopback:
        lines.append('who comes needs a token; guests = "always" lets anyone in')
    print("\n  ".join(lines), flush=True)


def first_line(server: Running) -> str:
    """The build, the course and the tutor."""
    from server.build import version
    from server.providers import tutor_words

    application = server.application
    course = application.catalogue.offered[0]
    tutor = tutor_words(application.tiers) if application.tiers else "built-in, no key"
    return (
        f"tutorstream {version()}   course: {course.id} ({len(course.items)} items, "
        f"{len(course.skills)} skills)   tutor: {tutor}"
    )
