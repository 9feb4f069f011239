"""`tutorstream cluster dev`: several nodes on this machine, with all they need.

This file is that command. It is for trying and for tests; `docs/deploy.md` says how to run nodes
for a school.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.cluster import Cluster, Plan, Tell
    from server.run import Signals

NODES_MOST = 16
PORT_MOST = 65_535
COLOURS = (36, 33, 32, 35, 34, 31)
"""ANSI colours of the names, in turn."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add what a cluster is made of."""
    parser.add_argument("act", choices=["dev"], help="run the nodes until Ctrl-C")
    parser.add_argument("--nodes", type=_nodes, default=2, metavar="N", help="how many (2)")
    parser.add_argument(
        "--port", type=_port, default=8765, help="of the balancer; nodes take the next ones (8765)"
    )
    parser.add_argument("--course", action="append", default=[], metavar="FILE", help="repeatable")
    parser.add_argument("--redis", default="", metavar="URL", help="use this one, start none")
    parser.add_argument("--mongo", default="", metavar="URL", help="use this one, start none")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep the stores there; else they go at the end"
    )
    parser.add_argument("--restart", action="store_true", help="start again what died")
    parser.add_argument("--json", action="store_true", help="print the ready line as JSON")


def run(args: argparse.Namespace) -> int:
    """0 after a drain, 1 where a part did not start or turns were cut off."""
    import asyncio
    import tempfile

    from server.cluster import NotStarted, Plan

    if args.port + args.nodes > PORT_MOST:
        print(
            f"tutorstream cluster: --port {args.port} leaves no ports for {args.nodes} nodes after "
            f"it: choose one up to {PORT_MOST - args.nodes}",
            file=sys.stderr,
        )
        return 2
    plan = Plan(
        args.nodes,
        args.port,
        tuple(args.course),
        args.redis,
        args.mongo,
        args.data,
        args.restart,
    )
    with tempfile.TemporaryDirectory(prefix="tutorstream-", ignore_cleanup_errors=True) as ours:
        folder = args.data or Path(ours)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return asyncio.run(_until_told(plan, folder.resolve(), as_json=args.json))
        except (NotStarted, OSError) as error:
            print(f"tutorstream cluster: {error}", file=sys.stderr)
            return 1


async def _until_told(plan: Plan, folder: Path, *, as_json: bool) -> int:
    """Run until the first signal, then drain; a second one ends at once."""
    import asyncio

    from server.cluster import Cluster
    from server.run import Signals

    signals = Signals(asyncio.get_running_loop())
    signals.listen()
    cluster = Cluster(plan, folder, teller(sys.stderr.isatty()))
    try:
        beginning = asyncio.create_task(cluster.begin())
        first = asyncio.create_task(signals.first.wait())
        await asyncio.wait((beginning, first), return_when=asyncio.FIRST_COMPLETED)
        if not beginning.done():
            beginning.cancel()
            await asyncio.gather(beginning, return_exceptions=True)
            return 1
        beginning.result()
        _say(cluster, as_json=as_json)
        await first
        return await _drained(cluster, signals)
    finally:
        await cluster.aclose()
        signals.ignore()


async def _drained(cluster: Cluster, signals: Signals) -> int:
    import asyncio

    drain = asyncio.create_task(cluster.drain())
    told_again = asyncio.create_task(signals.second.wait())
    await asyncio.wait((drain, told_again), return_when=asyncio.FIRST_COMPLETED)
    told_again.cancel()
    if not drain.done():
        drain.cancel()
        await asyncio.gather(drain, return_exceptions=True)
        return 1
    return min(drain.result(), 1)


def _say(cluster: Cluster, *, as_json: bool) -> None:
    from server.cluster import ready_line

    if as_json:
        print(ready_line(cluster), flush=True)
        return
    nodes = "   ".join(f"{node.name} :{node.port}" for node in cluster.nodes)
    stores = "   ".join(f"{store.name} :{store.port}" for store in cluster.stores)
    words = [f" --url ws://127.0.0.1:{node.port}" for node in cluster.nodes]
    print(
        f"cluster    http://127.0.0.1:{cluster.port}/            (open this)\n"
        f"  rooms    http://127.0.0.1:{cluster.port}/teach\n"
        f"  nodes    {nodes}   {stores}\n"
        f"  check    tutorstream conformance{' '.join(words)}\n"
        "  Ctrl-C drains the nodes one after the other, then stops",
        flush=True,
    )


def teller(colours: bool) -> Tell:
    """Prints what each part says on standard error, its name before it."""
    colours = colours and not os.environ.get("NO_COLOR")
    names: dict[str, int] = {}

    def tell(name: str, words: str) -> None:
        colour = names.setdefault(name, COLOURS[len(names) % len(COLOURS)])
        mark = f"\x1b[{colour}m{name:<8}\x1b[0m" if colours else f"{name:<8}"
        print(f"{mark} | {words}", file=sys.stderr, flush=True)

    return tell


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= PORT_MOST:
        raise argparse.ArgumentTypeError(f"expected 0 to {PORT_MOST}, came {text}")
    return value


def _nodes(text: str) -> int:
    value = int(text)
    if not 1 <= value <= NODES_MOST:
        raise argparse.ArgumentTypeError(f"expected 1 to {NODES_MOST}, came {text}")
    return value
