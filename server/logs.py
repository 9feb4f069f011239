"""Response logs on disk: CSV, plain or gzip. This file reads them.

Columns `user,order,item,skill,correct` and, where there are any, `time_ms`, `timestamp` (seconds)
and `fold`; `skill` may hold several names joined by `~`. Without `fold` a learner's is the first
32 bits of md5 of the name, modulo 5, so that the same learner is always on the same side.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import IO

from engines.responses import FOLDS, Responses, fold_of, responses

NEEDED = ("user", "order", "item", "skill", "correct")

Row = tuple[str, int, str, str, int, int, float | None, float | None]


class LogUnreadable(ValueError):  # noqa: N818 - named for what it says
    """A response log that is none; the message names file, line, what was expected and came."""


def read_responses(path: Path) -> Responses:
    """The responses of one file, sorted by learner in order of appearance, then by `order`.

    Raises LogUnreadable, and FileNotFoundError.
    """
    rows = list(_rows(path))
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row[0], len(first))
    rows.sort(key=lambda row: (first[row[0]], row[1]))
    try:
        return responses(map(itemgetter(0, 2, 3, 4, 5, 6, 7), rows))
    except ValueError as error:
        raise LogUnreadable(f"{path}: {error}") from error


def _rows(path: Path) -> Iterator[Row]:
    with _opened(path) as lines:
        table = csv.reader(lines)
        try:
            head = next(table, None)
            at = _columns(path, head)
            for row in table:
                yield _row(path, table.line_num, row, at)
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise LogUnreadable(f"{path}: expected CSV, plain or gzip: {error}") from error


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    if zipped:
        return gzip.open(path, "rt", newline="", encoding="utf-8")
    return path.open(newline="", encoding="utf-8")


def _columns(path: Path, head: list[str] | None) -> dict[str, int]:
    at = {name: place for place, name in enumerate(head or ())}
    missing = [name for name in NEEDED if name not in at]
    if missing:
        came = ",".join(head or ()) or "nothing"
        raise LogUnreadable(f"{path}:1: expected columns {', '.join(missing)}; {came[:200]} came")
    return at


def _row(path: Path, line: int, row: list[str], at: dict[str, int]) -> Row:
    try:
        user, item, skill = row[at["user"]], row[at["item"]], row[at["skill"]]
        order, right = int(row[at["order"]]), int(row[at["correct"]])
        fold = int(row[at["fold"]]) if "fold" in at else fold_of(user)
        at_s = _number(row, at.get("timestamp"))
        taken_ms = _number(row, at.get("time_ms"))
    except (ValueError, IndexError) as error:
        came = ",".join(row)[:120]
        raise LogUnreadable(f"{path}:{line}: expected a response; {came!r} came ({error})") from (
            error
        )
    if right not in (0, 1) or not 0 <= fold < FOLDS or not user or not item or not skill:
        came = ",".join(row)[:120]
        raise LogUnreadable(
            f"{path}:{line}: expected user, item, skill, correct 0 or 1, fold 0-4; {came!r} came"
        )
    return user, order, item, skill, right, fold, at_s, taken_ms


def _number(row: list[str], place: int | None) -> float | None:
    return float(row[place]) if place is not None and row[place] else None
