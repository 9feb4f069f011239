"""`tutorstream version`: which build this is. This file is that command."""

from __future__ import annotations

import argparse
import json
import platform


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print versions and build as JSON")


def run(args: argparse.Namespace) -> int:
    """Print it; 0."""
    from server.build import build, version, versions

    if args.json:
        facts = {
            "version": version(),
            "protocol": "tutorstream.v1",
            "python": platform.python_version(),
            "machine": platform.machine(),
            "build": build(),
            "libraries": versions(),
        }
        print(json.dumps(facts, indent=1))
    else:
        print(build())
    return 0
