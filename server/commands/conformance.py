"""`tutorstream conformance`: the contract of the wire, asked of a running server.

This file is that command. It is a client: it needs an address and nothing of the server's.
"""

from __future__ import annotations

import argparse
import json
import sys


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the addresses and which checks to ask."""
    parser.add_argument(
        "--url",
        action="append",
        metavar="URL",
        help="ws://HOST:PORT; repeat it for several nodes of one server (ws://127.0.0.1:8765)",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this check; may be repeated"
    )
    parser.add_argument(
        "--slow", action="store_true", help="also what waits for long clocks: about a minute more"
    )
    parser.add_argument(
        "--patience", type=float, default=15.0, metavar="S", help="wait so long for a frame (15)"
    )
    parser.add_argument("--list", action="store_true", help="print the checks and ask none")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")


def run(args: argparse.Namespace) -> int:
    """0 where every check holds, 1 where one fails or nobody answers, 2 for wrong options."""
    import asyncio

    from websockets.exceptions import WebSocketException

    from bench.conformance.run import CHECKS, Verdict, judged, line, record, table

    if args.list:
        for check in CHECKS:
            print(f"{check.name:<20} {check.says}{' (--slow)' if check.slow else ''}")
        return 0
    urls = args.url or ["ws://127.0.0.1:8765"]

    def told(verdict: Verdict) -> None:
        print(line(verdict), file=sys.stderr if args.json else sys.stdout, flush=True)

    try:
        verdicts = asyncio.run(
            judged(urls, args.only, slow=args.slow, patience_s=args.patience, told=told)
        )
    except ValueError as error:
        print(f"tutorstream conformance: {error}", file=sys.stderr)
        return 2
    except (OSError, WebSocketException, TimeoutError) as error:
        why = str(error) or type(error).__name__
        print(
            f"tutorstream conformance: no server answers at {', '.join(urls)}: {why}; start one "
            "with `tutorstream serve`, or name another --url",
            file=sys.stderr,
        )
        return 1
    if args.json:
        print(json.dumps(record(urls, verdicts), indent=1))
    else:
        print(table(verdicts), end="")
    return 0 if all(verdict.passed for verdict in verdicts) else 1
