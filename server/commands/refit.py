"""`tutorstream refit`: a store's courses fitted on its own answers. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.refit import Verdict

_EPILOG = """\
The store may be in use by a running server: it is only read. An accepted refit is left in the
folder STORE.fits; the server takes it over for lessons that begin later, running lessons keep the
numbers they began with. Run it every night.
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the store, the courses and the form of the output."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--store", required=True, metavar="URL", help="sqlite:///FILE")
    parser.add_argument("--course", action="append", metavar="ID", help="only this; repeatable")
    parser.add_argument("--seed", type=int, default=0, help="of bases and batches (0)")
    parser.add_argument("--dry-run", action="store_true", help="judge, and leave nothing")
    parser.add_argument("--json", action="store_true", help="print JSON lines")


def run(args: argparse.Namespace) -> int:
    """0 whatever was accepted, 1 where the store is at fault, 2 for a wrong call."""
    import asyncio

    from streaming.log import StoreUnavailable

    path = args.store.removeprefix("sqlite:///")
    if path == args.store:
        print(f"tutorstream refit: expected --store sqlite:///FILE, {path} came", file=sys.stderr)
        return 2
    try:
        return asyncio.run(_refit(path, args))
    except (LookupError, StoreUnavailable) as error:
        print(f"tutorstream refit: {error}", file=sys.stderr)
        return 1


async def _refit(path: str, args: argparse.Namespace) -> int:
    import asyncio

    from server.refit import refit
    from streaming.attempts import by_course
    from streaming.catalogue import Catalogue
    from streaming.store_sqlite import SqliteStore

    store = SqliteStore.open(path, loop=asyncio.get_running_loop(), readonly=True)
    try:
        catalogue = Catalogue(store.records)
        courses = await by_course(store.log, store.records, catalogue, _reading)
    finally:
        await store.aclose()
    unknown = sorted(set(args.course or ()) - set(courses))
    if unknown:
        known = ", ".join(sorted(courses)) or "none"
        raise LookupError(f"no answers on a course {unknown[0]!r}; there are some on: {known}")
    for course in args.course or sorted(courses):
        told = courses[course]
        _tell(
            refit(course, told, Path(f"{path}.fits"), seed=args.seed, dry=args.dry_run),
            as_json=args.json,
        )
    if not courses:
        print("tutorstream refit: nobody has answered in this store yet", file=sys.stderr)
    return 0


def _reading(done: int, of: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == of else ""
        print(f"\rreading session {done} of {of}", end=end, file=sys.stderr, flush=True)


def _tell(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(verdict.facts()), flush=True)
        return
    state = "accepted" if verdict.accepted else "kept as it is"
    line = (
        f"{verdict.course}: {state}; {verdict.answers:,} answers of {verdict.learners:,} learners"
    )
    if verdict.told is not None and verdict.refitted is not None:
        line += (
            f"; log-loss on those left out {verdict.told:.4f} told, {verdict.refitted:.4f} refitted"
        )
    print(f"{line}; {verdict.why}", flush=True)
