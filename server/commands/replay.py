"""`tutorstream replay`: a session's log, decision by decision. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the session, the store and the form of the output."""
    parser.add_argument("session", nargs="?", help="the session's id; with --all every session")
    parser.add_argument(
        "--store", required=True, metavar="URL", help="sqlite:///FILE, or mongodb://..."
    )
    parser.add_argument("--redis", metavar="URL", help="where the logs of a mongodb store are")
    parser.add_argument("--all", action="store_true", help="replay every session; one line each")
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="forecast the same answers by another model too: shipped, elo, recency, pfa, "
        "item-mean, or a file of tutorstream fit",
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines")


def run(args: argparse.Namespace) -> int:
    """0 where every event and snapshot was met bit by bit, 1 where not, 2 for a wrong call."""
    import asyncio

    from streaming.log import StoreUnavailable

    if bool(args.session) == args.all:
        print("tutorstream replay: name one session, or say --all", file=sys.stderr)
        return 2
    try:
        return asyncio.run(_compare(args) if args.model else _replay(args))
    except (LookupError, StoreUnavailable, ValueError) as error:
        if not isinstance(error, LookupError | StoreUnavailable | _no_model()):
            raise
        print(f"tutorstream replay: {error}", file=sys.stderr)
        return 1


async def _replay(args: argparse.Namespace) -> int:
    from server.stores import Stores
    from streaming.catalogue import Catalogue
    from streaming.log import ROOM
    from streaming.replay import Replay

    store = await Stores.read(args.store, args.redis)
    try:
        catalogue = Catalogue(store.records)
        names = await store.log.names() if args.all else [args.session]
        sids = [name for name in names if not name.startswith(ROOM)]
        equal = True
        for sid in sids:
            replay = Replay(sid, store.log, store.records, catalogue)
            async for decided in replay.decisions():
                if not args.all:
                    _print_decided(decided, as_json=args.json)
            assert replay.result is not None
            _print_result(replay.result, as_json=args.json)
            equal = equal and replay.result.equal
        return 0 if equal else 1
    finally:
        await store.aclose()


def _no_model() -> type[Exception]:
    from server.comparing import NoModel

    return NoModel


async def _compare(args: argparse.Namespace) -> int:
    """Each scored answer as it was forecast, and as another model forecasts it."""
    from server.comparing import model
    from server.stores import Stores
    from streaming.attempts import by_course
    from streaming.catalogue import Catalogue

    forecast = model(args.model)
    store = await Stores.read(args.store, args.redis)
    try:
        catalogue = Catalogue(store.records)
        if args.session and args.session not in await store.log.names():
            raise LookupError(f"no session {args.session!r} in this store")
        found = await by_course(store.log, store.records, catalogue)
    finally:
        await store.aclose()
    for course, told in found.items():
        other = forecast(told.course, told)
        log = told.log
        rows = [
            row
            for row in range(len(log))
            if args.all or log.learners[log.learner[row]] == args.session
        ]
        if rows:
            _print_compared(course, told, other, rows, args)
    return 0


def _print_compared(
    course: str, told: Any, other: Any, rows: list[int], args: argparse.Namespace
) -> None:
    from server.comparing import score

    log = told.log
    if not args.all:
        for row in rows:
            item, right = log.items[log.item[row]], bool(log.right[row])
            if args.json:
                line = {"item": item, "right": right, "told": told.p[row], "other": other[row]}
                print(json.dumps(line))
            else:
                mark = "right" if right else "wrong"
                print(f"{item:<32} {mark}  told {told.p[row]:.3f}  {args.model} {other[row]:.3f}")
    scores = {"told": score(log.right[rows], told.p[rows])}
    scores[args.model] = score(log.right[rows], other[rows])
    if args.json:
        plain = {name: each._asdict() for name, each in scores.items()}
        print(json.dumps({"course": course, **plain}))
        return
    width = max(map(len, scores))
    print(f"{course}: {len(rows)} scored answers")
    print(f"{'':<{width}}  {'AUC':>7} {'right':>7} {'log-loss':>9} {'ECE':>7}")
    for name, s in scores.items():
        print(f"{name:<{width}}  {s.auc:7.4f} {s.accuracy:7.4f} {s.log_loss:9.4f} {s.ece:7.4f}")


def _print_decided(decided: Any, *, as_json: bool) -> None:
    import msgspec

    kind = type(decided.deed).__struct_config__.tag
    deed = {k: v for k, v in msgspec.to_builtins(decided.deed).items() if k != "k"}
    if as_json:
        row = {"seq": decided.seq, "at_ms": decided.at_ms, "deed": kind, **deed}
        row["events"] = msgspec.to_builtins(decided.events)
        row["differs"] = decided.differs
        print(json.dumps(row, ensure_ascii=False))
        return
    said = " ".join(f"{k}={v!r}" for k, v in deed.items() if v is not None)
    print(f"{decided.seq:>6}  {kind:<7} {said[:160]}")
    for event in decided.events:
        reason = _reason(event)
        if reason:
            print(f"        {reason}")
    if decided.differs:
        print(f"        DIFFERS: {decided.differs}")


def _reason(event: Any) -> str:
    from protocol import events as ev

    match event:
        case ev.Feedback():
            moved = ", ".join(f"{m.id} {m.before:.3f} -> {m.after:.3f}" for m in event.skills)
            return (
                f"{event.verdict}: read {event.read_as}; expected {event.p_expected:.3f}; {moved}"
            )
        case ev.Difficulty():
            return f"theta {event.theta:.3f} (sd {event.sd:.3f}): {event.reason}"
        case ev.ItemShown():
            return f"next {event.item} (p {event.p_success:.3f}): {event.why}"
        case ev.TurnDone():
            return f"turn {event.gen} {event.status}, {event.n} chunks"
    return ""


def _print_result(result: Any, *, as_json: bool) -> None:
    from server.build import build

    other = [name for name in result.builds if name != build()]
    if as_json:
        facts = ("sid", "epoch", "entries", "decisions", "builds", "snapshot_equal", "differs")
        row = {"equal": result.equal, **{name: getattr(result, name) for name in facts}}
        print(json.dumps(row, ensure_ascii=False))
        return
    if other:
        print(f"{result.sid}: written by another build: {', '.join(other)}")
    snapshot = {True: "equal", False: "DIFFERS", None: "none stored"}[result.snapshot_equal]
    verdict = "equal" if result.equal else "DIFFERS"
    print(
        f"{result.sid}: {verdict}; {result.entries} entries, {result.decisions} decisions, "
        f"snapshot {snapshot}"
    )
