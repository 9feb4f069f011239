"""`tutorstream eval`: how well each model forecasts a response log. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server.evaluation.task import Task

DONE, FAILED, USAGE = 0, 1, 2
CHOOSE = "choose"

_EPILOG = """\
A log is CSV, plain or gzip, with the columns user,order,item,skill,correct. Learners fall into
folds 0-4 by the md5 of their name (or a column fold); models are fitted on the other folds and
forecast each answer of the test fold before it is seen. Differences against the reference carry
95 % intervals from resampling learners.

models:
{models}

examples:
  tutorstream eval answers.csv.gz
  tutorstream eval answers.csv.gz --model recency,quantum --report page.html
  tutorstream eval answers.csv.gz --model quantum --params fitted.tsp --predictions p.csv
  tutorstream eval answers.csv.gz --ablation --cache fits
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the log, the models and where to write."""
    parser.epilog = _EPILOG.format(models=_models())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("log", type=Path, metavar="FILE", help="responses, CSV, plain or gzip")
    parser.add_argument("--model", default="all", metavar="NAME,...", help="which models (all)")
    parser.add_argument("--reference", metavar="NAME", help="what they are compared with (recency)")
    parser.add_argument(
        "--test-fold", type=int, choices=range(5), default=0, metavar="N", help="0 to 4 (0)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of fits and of resampling (0)")
    parser.add_argument(
        "--params", type=Path, metavar="FILE", help="take our engine from this file, fit nothing"
    )
    parser.add_argument(
        "--kappa", type=_kappa, default=10.0, metavar="N",
        help="pull of our bases to the common one; choose: by the log-loss of fold 1 (10)",
    )  # fmt: skip
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="keep fitted models there")
    parser.add_argument("--predictions", type=Path, metavar="FILE", help="write forecasts as CSV")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a page with figures")
    parser.add_argument(
        "--ablation", action="store_true", help="our engine with and without each of its parts"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """0 where it was judged, 1 where a file is at fault, 2 for a wrong call."""
    from server.evaluation.registry import NoModel
    from server.evaluation.task import NoTask
    from server.fitting import FitRefused
    from server.logs import LogUnreadable

    if args.seed < 0:
        return _complaint(f"expected a seed of 0 or more, {args.seed} came", USAGE)
    for name in ("predictions", "report"):
        path = getattr(args, name)
        if path is not None and (path.is_dir() or not path.resolve().parent.is_dir()):
            return _complaint(f"expected a file in a folder for --{name}, {path} came", USAGE)
    try:
        return _ablated(args) if args.ablation else _judged(args)
    except NoModel as error:
        return _complaint(str(error), USAGE)
    except (NoTask, FitRefused, LogUnreadable, OSError) as error:
        return _complaint(str(error), FAILED)


def _judged(args: argparse.Namespace) -> int:
    from server.evaluation.registry import REFERENCE, entries

    names = [name.strip() for name in args.model.split(",")]
    reference = args.reference or REFERENCE
    asked = entries([*names, reference])
    from server.evaluation import page, scores, table

    task = _task(args)
    task.nested = any(entry.name == "final" for entry in asked)
    it = scores.judged(task, asked, reference)
    name = args.log.name
    if args.predictions is not None:
        table.write_predictions(args.predictions, args.log, it)
    if args.report is not None:
        args.report.write_text(page.page(it, name), encoding="utf-8")
    print(json.dumps(table.facts(it, name)) if args.json else table.text(it, name))
    return DONE


def _ablated(args: argparse.Namespace) -> int:
    from server.evaluation import ablation

    for name in ("predictions", "report", "params"):
        if getattr(args, name) is not None:
            return _complaint(f"--ablation writes no --{name}", USAGE)
    it = ablation.ablated(_task(args))
    name = args.log.name
    print(json.dumps(ablation.facts(it, name)) if args.json else ablation.text(it, name))
    return DONE


def _task(args: argparse.Namespace) -> Task:
    from server.evaluation.task import opened
    from server.fitting import read_fitted

    more: dict[str, Any] = {"seed": args.seed, "cache": args.cache}
    if args.params is not None:
        more["params"] = read_fitted(args.params)
    more["kappa"] = None if args.kappa == CHOOSE else args.kappa
    return opened(args.log, args.test_fold, **more)


def _models() -> str:
    """The models by name, without loading one of them."""
    from server.evaluation.registry import MODELS

    return "\n".join(f"  {entry.name:<10} {entry.line}" for entry in MODELS.values())


def _kappa(text: str) -> float | str:
    if text == CHOOSE:
        return text
    value = float(text)
    if not value >= 0.0:
        raise argparse.ArgumentTypeError(f"expected choose, or 0 and more, came {text}")
    return value


def _complaint(words: str, code: int) -> int:
    print(f"tutorstream eval: {words}", file=sys.stderr)
    return code
