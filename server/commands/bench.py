"""`tutorstream bench`: measures a server and judges it. This file is that command."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.options import Options, Typed
    from engines.responses import Responses

NAMES = (
    "feedback", "memory", "stream", "resume", "cancel", "failover", "storm", "room", "idle", "llm",
    "kernels", "checker", "cold-start", "selection",
)  # fmt: skip
_PLACES = ("--out", "--compare", "--url", "--data")
_KEPT: dict[str, Callable[[str], list[str]]] = {
    "--url": lambda _: ["--url", "URL"],
    "--data": lambda place: ["--data", Path(place).name],
}
"""What the record keeps of an option that names a place; of the others, nothing."""
_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s)?")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the scenario and its options."""
    parser.add_argument("scenario", choices=NAMES, metavar="SCENARIO", help=", ".join(NAMES))
    parser.add_argument(
        "--connections", "--sessions", type=_positive(int),
        help="learners connected; turns at once (llm); members (room)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=_positive(float), help="answers a second, in all; tokens of a turn"
    )
    parser.add_argument("--duration", type=_positive(float), metavar="S", help="of one window")
    parser.add_argument("--rounds", type=_positive(int), help="windows of each server")
    parser.add_argument("--cuts", type=_positive(int), help="sockets cut (resume)")
    parser.add_argument(
        "--turns", type=_positive(int), help="answers asked for (cancel); of each failure (llm)"
    )
    parser.add_argument(
        "--only", default="", metavar="PARTS", help="these failures, joined by commas (failover)"
    )
    parser.add_argument("--url", default="", help="measure this running server, start none")
    parser.add_argument(
        "--peers",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compare with other servers, installed into an environment of their own",
    )
    parser.add_argument("--budget", type=_milliseconds, default=100.0, help="as in 100ms")
    parser.add_argument("--seed", type=int, default=1, help="of schedules and answers")
    parser.add_argument(
        "--data", type=Path, metavar="FILE",
        help="a response log (cold-start, selection); OATutor problems, or their folder (checker)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help="write record and page there")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="an earlier record")
    parser.add_argument("--json", action="store_true", help="print the record as JSON")


def run(args: argparse.Namespace) -> int:
    """0 where every bound holds, else 1; 2 where the options cannot be."""
    from bench import report, scenario
    from bench.peers.environment import NoPeers
    from bench.servers import NotStarted
    from bench.wire import HandshakeFailed

    earlier = None
    if args.compare is not None:
        try:
            earlier = json.loads(args.compare.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            return _complaint(f"--compare {args.compare}: {error}", 2)
    try:
        made = scenario.run(_options(args), command_line())
    except ValueError as error:
        return _complaint(str(error), 2)
    except (NoPeers, NotStarted, HandshakeFailed, OSError, RuntimeError, TimeoutError) as error:
        return _complaint(str(error) or type(error).__name__, 1)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / f"{args.scenario}.json").write_text(report.text_of(made), encoding="utf-8")
        (args.out / f"{args.scenario}.html").write_text(report.page(made), encoding="utf-8")
    print(report.text_of(made) if args.json else report.table(made, earlier), end="")
    return 0 if made["passed"] else 1


def command_line() -> str:
    """The command as it was typed, without what names a place: files and addresses."""
    words = ["tutorstream"]
    typed = iter(sys.argv[1:])
    for word in typed:
        option, _, value = word.partition("=")
        if option in _PLACES:
            place = value or next(typed, "")
            words += _KEPT[option](place) if option in _KEPT else []
        else:
            words.append(word)
    return " ".join(words)


def _options(args: argparse.Namespace) -> Options:
    from bench.options import Options

    log: Responses | None = None
    answers: tuple[Typed, ...] = ()
    if args.data is not None and args.scenario == "checker":
        from server.authoring.oatutor_typed import typed_answers

        answers = tuple(typed_answers(args.data))
    elif args.data is not None:
        from server.logs import read_responses

        log = read_responses(args.data)
    return Options(
        args.scenario,
        connections=args.connections or 0,
        rate=args.rate or 0.0,
        duration_s=args.duration or 0.0,
        rounds=args.rounds or 0,
        turns=args.turns or 0,
        cuts=args.cuts or 0,
        url=args.url,
        peers=args.peers,
        budget_ms=args.budget,
        seed=args.seed,
        only=args.only,
        data=args.data.name.partition(".")[0] if args.data is not None else "",
        log=log,
        answers=answers,
    )


def _complaint(words: str, code: int) -> int:
    print(f"tutorstream bench: {words}", file=sys.stderr)
    return code


def _positive(kind: type) -> Any:
    def number(text: str) -> Any:
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"expected more than 0, came {text}")
        return value

    number.__name__ = "number"
    return number


def _milliseconds(text: str) -> float:
    found = _BUDGET.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a time as 100ms or 0.1s, came {text!r}")
    return float(found[1]) * (1000 if found[2] == "s" else 1)
