"""`tutorstream config`: the settings as the server would read them. This file is that command."""

from __future__ import annotations

import argparse
import json
from typing import Any

from server.commands.flags import add_flags, loaded_by


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add `show` and `check`."""
    commands = parser.add_subparsers(dest="config_command", metavar="COMMAND", required=True)
    show = commands.add_parser("show", help="print every setting")
    add_flags(show, without=("--origin",))
    show.add_argument("--origin", action="store_true", help="say where each value comes from")
    show.add_argument("--json", action="store_true", help="print JSON")
    check = commands.add_parser("check", help="read everything and say whether it holds together")
    add_flags(check)
    check.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the settings; a wrong one is told with exit 78."""
    if args.config_command == "check":
        loaded_by(args)
        print(json.dumps({"ok": True}) if args.json else "the settings hold together")
        return 0
    return _show(args)


def _show(args: argparse.Namespace) -> int:
    from server.settings import keys, shown

    wanted, args.origin = args.origin, None
    settings, origins = loaded_by(args)
    values: dict[str, Any] = {key: shown(settings, key) for key in keys(settings)}
    if args.json:
        rows = {key: {"value": value, "origin": origins[key]} for key, value in values.items()}
        print(json.dumps(rows if wanted else values, indent=1))
        return 0
    width = max(map(len, values))
    for key, value in values.items():
        line = f"{key:<{width}}  {value!r}"
        print(f"{line:<{width + 40}}  {origins[key]}" if wanted else line)
    return 0
