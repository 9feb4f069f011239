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
    add_flags(parser)
    parser.add_argument("--json", action="store_true", help="print the ready line as JSON")


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; 0 after a drain."""
    settings = loaded_by(args).settings
    from server.run import serve

    return serve(settings, ready_json if args.json else _ready_words)


def ready_json(server: Running) -> None:
    """Print the ready line for machines."""
    from server.build import version

    ready = {
        "ready": True,
        "url": server.url,
        "port": server.port,
        "pid": os.getpid(),
        "version": version(),
        "store": server.application.settings.store,
        "courses": [course.id for course in server.application.catalogue.offered],
    }
    print(json.dumps(ready), flush=True)


def _ready_words(server: Running) -> None:
    from server.build import version

    application = server.application
    course = application.catalogue.offered[0]
    provider = application.settings.provider
    tutor = f"{provider.name} {provider.model}".strip() if application.providers else "built-in"
    print(
        f"tutorstream {version()}   course: {course.id} ({len(course.items)} items, "
        f"{len(course.skills)} skills)   tutor: {tutor}   store: {application.settings.store}\n"
        f"  listening on {server.url}   Ctrl-C drains and stops",
        flush=True,
    )
