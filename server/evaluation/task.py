"""What a model is fitted on and judged by, and what it may keep. This file is that task.

With a folder for it, fitted models and the engine's units of work are kept between runs, under a
name made of the log's bytes, the folds, the seed and the bytes of the sources that computed them:
other data or other code never meets them.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.responses import FOLDS, Responses
from engines.words import Ints
from server.evaluation import keeping
from server.logs import read_responses

if TYPE_CHECKING:
    from engines.quantum.fit.fitted import Fitted
    from engines.quantum.fit.nested import Arrays, Settings, Unit

SOURCES = ("responses.py", "words.py", "maths", "classical", "quantum")
KAPPA = 10.0
"""Pull of the bases to the common one where none is chosen."""


class NoTask(ValueError):  # noqa: N818 - named for what it says
    """A log that cannot be evaluated on; the message names what was expected and came."""


@dataclass(eq=False)
class Task:
    """A log with a test fold. `train_rows` are the learners of the other folds.

    `params` are physics fitted before; `kappa` is the pull of the bases, None to choose it;
    `nested`: whether forecasts of the training rows are wanted too; `say` takes progress.
    """

    log: Responses
    test_fold: int
    seed: int = 0
    kappa: float | None = KAPPA
    params: Fitted | None = None
    nested: bool = False
    log_hash: str = ""
    cache: Path | None = None
    say: Callable[[str], None] = field(default=lambda line: print(line, file=sys.stderr))
    reused: bool = False
    """Whether the last fit was found in the folder."""
    _done: dict[str, dict[str, Arrays]] = field(default_factory=dict)

    @cached_property
    def train_folds(self) -> tuple[int, ...]:
        """All folds but the test's."""
        return tuple(fold for fold in range(FOLDS) if fold != self.test_fold)

    @cached_property
    def train_rows(self) -> Ints:
        """What is fitted on."""
        return self.log.rows_of(self.train_folds)

    @cached_property
    def test_rows(self) -> Ints:
        """What is judged by."""
        return self.log.rows_of([self.test_fold])

    def kept(self, name: str, compute: Callable[[], Any]) -> Any:
        """What `compute` gives, from the folder where it is there."""
        self.reused = False
        if self.cache is None:
            return compute()
        place = self.cache / f"{name}-{self._key(name)}.npz"
        if place.is_file():
            self.reused = True
            return keeping.read(place)
        made = compute()
        self.cache.mkdir(parents=True, exist_ok=True)
        keeping.write(place, made)
        return made

    def units(self, settings: Settings, wanted: str) -> dict[str, Arrays]:
        """Results of the engine's plan by unit: of `wanted` and all that it needs."""
        from engines.quantum.fit.nested import plan
        from server.fitting import Progress, run

        asked = f"{settings!r} {wanted}"
        if asked in self._done:
            return self._done[asked]
        try:
            units = needed(plan(self.log, settings), wanted)
        except ValueError as error:
            raise NoTask(str(error)) from error
        folder = None
        if self.cache is not None:
            folder = self.cache / f"fit-{self._key(asked)}"
            self.reused = folder.is_dir()
            folder.mkdir(parents=True, exist_ok=True)
        self._done[asked] = run(units, folder, Progress(units))
        return self._done[asked]

    def _key(self, what: str) -> str:
        facts = f"{what} {self.log_hash} {self.test_fold} {self.seed} {_sources()}"
        return hashlib.sha256(facts.encode()).hexdigest()[:16]


def opened(path: Path, test_fold: int, **more: Any) -> Task:
    """The task of a response log. Raises LogUnreadable, FileNotFoundError and NoTask."""
    log = read_responses(path)
    task = Task(log, test_fold, log_hash=hashlib.sha256(path.read_bytes()).hexdigest(), **more)
    present = [fold for fold in range(FOLDS) if (log.fold == fold).any()]
    came = ", ".join(map(str, present))
    if test_fold not in present:
        raise NoTask(f"{path}: expected learners in the test fold {test_fold}; folds {came} came")
    if present == [test_fold]:
        raise NoTask(f"{path}: expected learners in other folds to fit on; fold {came} alone came")
    for rows, what in ((task.train_rows, "to fit on"), (task.test_rows, "of the test fold")):
        if len(np.unique(log.right[rows])) < 2:
            right = log.right[rows][0]
            raise NoTask(f"{path}: expected right and wrong answers {what}; only {right} came")
    return task


def needed(units: list[Unit], wanted: str) -> list[Unit]:
    """The unit of that name and those it needs, in the plan's order."""
    by_name = {unit.name: unit for unit in units}
    found: set[str] = set()
    left = [wanted]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(by_name[name].needs)
    return [unit for unit in units if unit.name in found]


def _sources() -> str:
    root = Path(__file__).parents[2] / "engines"
    files = [file for name in SOURCES for file in sorted(_python(root / name))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _python(path: Path) -> list[Path]:
    return list(path.rglob("*.py")) if path.is_dir() else [path]
