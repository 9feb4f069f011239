"""`tutorstream chat`: a learner in the terminal, over the real wire. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server.terminal import Terminal

HELP = """\
Type an answer and press Enter. Commands:
  /hint   the next hint            /steps  the worked steps
  /next   another item             /ask TEXT  ask the tutor
  /back   answer the exercise, not the small question of a hint or a step
  /simpler /example /why /next_step           the tutor's buttons
  /mode NAME   practice, socratic, worked, review, exam or peer; from the next turn on
  /stop   stop the tutor           /cut    drop the connection, as a bad network would
  /quit   leave
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the address, the token, the script and the form of the output."""
    parser.add_argument(
        "url", nargs="?", default="ws://127.0.0.1:8765/v1/ws", help="the server's socket"
    )
    parser.add_argument("--token", help="a token, where the server asks for one")
    parser.add_argument("--course", help="which course, by id; the server's first one otherwise")
    parser.add_argument(
        "--script",
        metavar="FILE",
        help="play lines from a file ('-' is standard input); a line '= TEXT' expects TEXT in what "
        "was heard since the line before, within 10 s; exit 1 where it is not there",
    )
    parser.add_argument("--json", action="store_true", help="print every event as JSON")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP


def run(args: argparse.Namespace) -> int:
    """Chat until the end of input; 0, or 1 where the server ended it or a script failed."""
    import asyncio

    from server.client import Ended, Unreachable
    from server.terminal import Mismatch, NoLesson, Terminal

    if not args.url.startswith(("ws://", "wss://")):
        print(f"tutorstream chat: expected ws://HOST:PORT/v1/ws, {args.url} came", file=sys.stderr)
        return 2
    terminal = Terminal(args.url, args.token, args.course, _printer(args))
    try:
        lines = _script(args.script) if args.script else None
        asyncio.run(_chat(terminal, lines))
    except (Ended, Unreachable, Mismatch, NoLesson) as error:
        print(f"tutorstream chat: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"tutorstream chat: {args.script}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


async def _chat(terminal: Terminal, lines: list[str] | None) -> None:
    if lines is None:
        await terminal.interact()
    else:
        await terminal.play(lines)


def _script(name: str) -> list[str]:
    if name == "-":
        return sys.stdin.read().splitlines()
    with open(name, encoding="utf-8") as file:
        return file.read().splitlines()


def _printer(args: argparse.Namespace) -> Any:
    if not args.json:
        return None

    def printed(event: Any) -> None:
        import msgspec

        body = event if isinstance(event, dict) else msgspec.to_builtins(event)
        print(json.dumps(body, ensure_ascii=False), flush=True)

    return printed
