"""`tutorstream fit`: the scoring's numbers from response logs. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    from engines.quantum.fit.fitted import Fitted
    from engines.quantum.fit.nested import Settings
    from engines.responses import Responses

DONE, FAILED, USAGE = 0, 1, 2
CHOOSE = "choose"

_EPILOG = """\
A log is CSV, plain or gzip, with the columns user,order,item,skill,correct; learners fall into
folds 0-4 by name. All are fitted unless --folds leaves some out; those are then forecast answer by
answer and judged. The same logs, settings, seed and build give the same bytes.
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the logs, where to write, and what to fit."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("log", nargs="+", type=Path, metavar="LOG", help="responses, CSV")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the parameters there")
    parser.add_argument("--seed", type=int, default=0, help="of bases and batches (0)")
    parser.add_argument("--levels", type=int, default=8, metavar="D", help="levels of G (8)")
    parser.add_argument(
        "--basis", choices=("complex", "real", "classical"), default="complex",
        help="what a skill's basis may be; classical: all alike (complex)",
    )  # fmt: skip
    parser.add_argument(
        "--kappa", type=_kappa, default=CHOOSE, metavar="N",
        help="pull of the bases to the common one; choose: by the log-loss of fold 1 (choose)",
    )  # fmt: skip
    parser.add_argument("--folds", type=_folds, default=(0, 1, 2, 3, 4), help="as in 1,2,3,4 (all)")
    parser.add_argument(
        "--registers", action=argparse.BooleanOptionalAction, default=True,
        help="a two-level register a skill beside G",
    )  # fmt: skip
    parser.add_argument(
        "--links", action=argparse.BooleanOptionalAction, default=True,
        help="links between the skills' registers",
    )  # fmt: skip
    parser.add_argument(
        "--resume", type=Path, metavar="FOLDER", help="keep results there and go on from them"
    )
    parser.add_argument(
        "--defaults", action="store_true",
        help="print the shipped physics, fitted on all logs and without each in turn",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """0 where parameters were written, 1 where a log or folder is at fault, 2 for a wrong call."""
    from server.fitting import FitRefused
    from server.logs import LogUnreadable

    if args.out is None and not args.defaults:
        return _complaint("expected --out FILE, or --defaults", USAGE)
    if args.out is not None and not args.out.resolve().parent.is_dir():
        return _complaint(f"expected a folder for --out, got {args.out}", USAGE)
    try:
        settings = _settings(args)
    except ValueError as error:
        return _complaint(str(error), USAGE)
    try:
        return _defaults(args) if args.defaults else _fit(args, settings)
    except (FitRefused, LogUnreadable, OSError) as error:
        return _complaint(str(error), FAILED)


def _fit(args: argparse.Namespace, settings: Settings) -> int:
    from engines.quantum.fit.finishing import finished
    from engines.quantum.fit.fitted import assembled
    from engines.quantum.fit.nested import plan
    from server import fitting

    began_s = time.monotonic()
    log = fitting.read_logs(args.log)
    try:
        units = plan(log, settings)
    except ValueError as error:
        raise fitting.FitRefused(str(error)) from error
    folder = None if args.resume is None else fitting.opened(args.resume, args.log, settings)
    done = fitting.run(units, folder, fitting.Progress(units))
    fitted = finished(log, settings, done, assembled(log, settings, done))
    size = fitting.write_fitted(args.out, fitted)
    facts = _facts(log, settings, fitted, done)
    facts |= {"out": str(args.out), "bytes": size, "took_s": round(time.monotonic() - began_s, 1)}
    if args.json:
        print(json.dumps(facts))
    else:
        _tell(facts)
    return DONE


def _defaults(args: argparse.Namespace) -> int:
    """Prints `engines/quantum/defaults.py`: fitted on all logs, and without each in turn."""
    from engines.quantum.fit.coldstart import shipped
    from engines.quantum.fit.joint import joined
    from server.fitting import named_logs, shipped_module

    logs = named_logs(args.log)
    without = {}
    if len(logs) > 1:
        for name in logs:
            others = {other: log for other, log in logs.items() if other != name}
            without[name] = shipped(joined(others), args.seed, args.levels)
    print(shipped_module(shipped(joined(logs), args.seed, args.levels), without), end="")
    return DONE


def _settings(args: argparse.Namespace) -> Settings:
    """Raises ValueError for levels that no loop is compiled for."""
    from engines.quantum.fit.coordinates import Design
    from engines.quantum.fit.nested import Settings, grid

    real = args.basis == "real"
    if args.basis == "classical":
        designs: tuple[Design, ...] = (Design(args.levels),)
    elif args.kappa == CHOOSE:
        designs = grid(args.levels, real=real)
    else:
        designs = (Design(args.levels, pull=args.kappa, real=real),)
    return Settings(
        designs, args.folds, args.seed, registers=args.registers,
        linked=args.registers and args.links,
    )  # fmt: skip


def _facts(
    log: Responses, settings: Settings, fitted: Fitted, done: dict[str, Any]
) -> dict[str, Any]:
    """What was fitted, on whom, and how good its honest forecasts are."""
    import numpy as np

    from engines.quantum.fit.nested import CHOICE, RESULT, name_of

    p = done[RESULT]["p"]
    inside = np.isin(log.fold, settings.folds)
    facts: dict[str, Any] = {
        "design": fitted.design,
        "answers": int(inside.sum()),
        "learners": len(np.unique(log.learner[inside])),
        "items": len(log.items),
        "combinations": len(log.combinations),
        "folds": list(settings.folds),
        "seed": settings.seed,
        "slope": fitted.parameters.slope,
        "intercept": fitted.parameters.intercept,
        "crc": f"{fitted.parameters.crc:08x}",
        "cross_fitted": _scores(log.right[inside], p[inside]),
    }
    if CHOICE in done:
        losses = done[CHOICE]["log_loss"].tolist()
        names = map(name_of, settings.designs)
        facts["choice"] = dict(zip(names, losses, strict=True))
    if not inside.all():
        facts["left_out"] = _scores(log.right[~inside], p[~inside])
    return facts


def _scores(right: npt.NDArray[Any], p: npt.NDArray[Any]) -> dict[str, float]:
    from engines.maths.verification import auc, calibration_error, log_loss

    return {
        "answers": len(right),
        "auc": auc(right, p),
        "log_loss": log_loss(right, p),
        "ece": calibration_error(right, p),
    }


def _tell(facts: dict[str, Any]) -> None:
    for name, loss in facts.get("choice", {}).items():
        taken = "  taken" if name == facts["design"] else ""
        print(f"{name:<12} log-loss {loss:.5f}{taken}")
    folds = ",".join(map(str, facts["folds"]))
    print(
        f"{facts['design']} on {facts['answers']:,} answers of {facts['learners']:,} learners "
        f"(folds {folds}): {facts['items']:,} items, {facts['combinations']:,} combinations"
    )
    for what, name in (("cross_fitted", "cross-fitted"), ("left_out", "left out")):
        if what in facts:
            score = facts[what]
            print(
                f"{name:<12} AUC {score['auc']:.4f}  log-loss {score['log_loss']:.4f}  "
                f"ECE {score['ece']:.4f}  ({score['answers']:,} answers)"
            )
    print(f"{facts['out']}: {facts['bytes']:,} bytes, {facts['crc']}, {facts['took_s']} s")


def _kappa(text: str) -> float | str:
    if text == CHOOSE:
        return text
    value = float(text)
    if not value >= 0.0:
        raise argparse.ArgumentTypeError(f"expected choose, or 0 and more, came {text}")
    return value


def _folds(text: str) -> tuple[int, ...]:
    from engines.responses import FOLDS

    try:
        found = sorted({int(word) for word in text.split(",")})
    except ValueError:
        found = []
    if len(found) < 3 or not set(found) <= set(range(FOLDS)):
        raise argparse.ArgumentTypeError(f"expected three folds at least, as 1,2,3,4; came {text}")
    return tuple(found)


def _complaint(words: str, code: int) -> int:
    print(f"tutorstream fit: {words}", file=sys.stderr)
    return code
