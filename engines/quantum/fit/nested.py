"""Forecasts for every row by models that never met its learner. This file is that plan of fits.

A final stage is trained on forecasts, so each training row needs one that is as honest as a test
row's. For fold k: G fitted without k, and qubits whose own training forecasts p_G come, row of
fold j by row of fold j, from G fitted without j and k: qubits trained on a G that had seen k would
learn the opposite of k (docs/scoring.md). With four training folds G is fitted 1 + 4 + 6
times. The plan is a list of named units of work, each a pure function of earlier ones' arrays, so
that whoever runs it may store what is done and go on after a break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.maths.verification import log_loss
from engines.quantum.fit import cascade
from engines.quantum.fit.cascade import Registers
from engines.quantum.fit.coordinates import Coordinates, Design
from engines.responses import Responses
from engines.words import Floats, Ints

Arrays = dict[str, npt.NDArray[Any]]
Done = Mapping[str, Arrays]
"""Results of the units done, by name."""

CHOICE_FOLD = 1
WITHIN = 0.0002
"""A larger pull wins where its log-loss is no more than this above the best."""
PULLS = (2.0, 5.0, 10.0, 50.0, 200.0)
CHOICE, RESULT = "choice", "forecasts"
ALL = " on all"
"""Ends the name of a unit that leaves no fold out: `G on all`, `qubits on all`."""
_G, _REGISTERS = 1, 2


@dataclass(frozen=True, slots=True)
class Settings:
    """What `plan` is asked for; `designs` has more than one entry where the choice is open."""

    designs: tuple[Design, ...]
    folds: tuple[int, ...]
    seed: int = 0
    registers: bool = True
    linked: bool = True


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work: `compute` takes the results of `needs` (at least) and gives arrays.

    `cost` is in answers passed, for an estimate of the time left.
    """

    name: str
    needs: tuple[str, ...]
    cost: float
    compute: Callable[[Done], Arrays]


def grid(levels: int, *, real: bool = False) -> tuple[Design, ...]:
    """The designs that kappa_H is chosen from: bases ever nearer to the common one, then U = I."""
    turned = tuple(Design(levels, pull=pull, real=real) for pull in PULLS)
    ladders = (Design(levels), Design(16)) if levels < 16 else (Design(levels),)
    return (*turned, *ladders)


def name_of(design: Design) -> str:
    """A design in a word, as `Q8 at 10` or `C16`."""
    if design.straight:
        return f"C{design.levels}" + ("" if design.own is None else f" own {design.own:g}")
    return f"{'R' if design.real else 'Q'}{design.levels} at {design.pull:g}"


def plan(log: Responses, settings: Settings) -> list[Unit]:
    """The units in an order that can be run; the last is `forecasts`.

    Raises ValueError where fewer than three of the folds have learners.
    """
    present = sorted({int(k) for k in log.fold} & set(settings.folds))
    if len(present) < 3:
        msg = f"expected learners in at least 3 of the folds {settings.folds}, got {present}"
        raise ValueError(msg)
    return list(_Plan(log, settings, tuple(present)).units())


def g_of(arrays: Arrays) -> Coordinates:
    """The coordinates in a unit's arrays."""
    return Coordinates(**{f.name: arrays[f.name] for f in fields(Coordinates)})


def registers_of(arrays: Arrays) -> Registers:
    """The second stage in a unit's arrays."""
    return Registers(g_of(arrays), arrays["neighbours"], arrays["correlation"])


def _packed(at: Coordinates) -> Arrays:
    return {f.name: getattr(at, f.name) for f in fields(Coordinates)}


@dataclass(frozen=True, slots=True)
class _Plan:
    log: Responses
    settings: Settings
    folds: tuple[int, ...]

    def units(self) -> Iterator[Unit]:
        """Choice first, then the fits with two folds out, one out, none out."""
        if len(self.settings.designs) > 1:
            yield from self._choice()
        done: set[str] = set()
        for left_out in [(), *((k,) for k in self.folds)]:
            for unit in self._fits(left_out, None):
                if unit.name not in done:
                    done.add(unit.name)
                    yield unit
        yield self._result()

    def _rows(self, left_out: tuple[int, ...]) -> Ints:
        return self.log.rows_of(k for k in self.folds if k not in left_out)

    def _design(self, done: Done) -> Design:
        at = int(done[CHOICE]["at"]) if CHOICE in done else 0
        return self.settings.designs[at]

    def _g(self, left_out: tuple[int, ...], design: Design | None) -> Unit:
        """G without these folds; with a design given, one of the choice's candidates."""
        name = _named("G", design, left_out)

        def compute(done: Done) -> Arrays:
            taken = design or self._design(done)
            before = done.get(_named("G", taken, left_out))
            if before is not None:
                return before
            kept = [k for k in self.folds if k not in left_out]
            seed = (self.settings.seed, _G, *(k + 1 for k in left_out))
            return _packed(cascade.fit_g(self.log, taken, kept, seed))

        rows = len(self._rows(left_out))
        epochs = self.settings.designs[0].epochs
        needs = (CHOICE,) if design is None and len(self.settings.designs) > 1 else ()
        return Unit(name, needs, float(rows * epochs), compute)

    def _fits(self, left_out: tuple[int, ...], design: Design | None) -> Iterator[Unit]:
        """G without `left_out`, G without each further fold as well, and the qubits on those."""
        g = self._g(left_out, design)
        yield g
        others = [k for k in self.folds if k not in left_out]
        each = {k: self._g(tuple(sorted((*left_out, k))), design) for k in others}
        if self.settings.registers:
            yield from each.values()
            needs = (g.name, *(unit.name for unit in each.values()))
            rows = self._rows(left_out)

            def compute(done: Done) -> Arrays:
                taken = design or self._design(done)
                p_g = np.full(len(self.log), np.nan)
                for k, unit in each.items():
                    mine = self.log.rows_of([k])
                    at = g_of(done[unit.name])
                    p_g[mine] = cascade.forecast_g(self.log, taken, at, mine)
                seed = (self.settings.seed, _REGISTERS, *(k + 1 for k in left_out))
                made = cascade.fit_registers(
                    self.log, rows, p_g[rows], seed, linked=self.settings.linked
                )
                return _packed(made.at) | {
                    "neighbours": made.neighbours,
                    "correlation": made.correlation,
                }

            name = _named("qubits", design, left_out)
            yield Unit(name, needs, 4.0 * len(rows), compute)

    def forecast(
        self, done: Done, left_out: tuple[int, ...], rows: Ints, design: Design | None = None
    ) -> tuple[Floats, Floats]:
        """(P, p_G) before these rows, by the cascade fitted without `left_out`."""
        taken = design or self._design(done)
        at = g_of(done[_named("G", design, left_out)])
        p_g = cascade.forecast_g(self.log, taken, at, rows)
        if not self.settings.registers:
            return p_g, p_g
        second = registers_of(done[_named("qubits", design, left_out)])
        return cascade.forecast(self.log, second, rows, p_g), p_g

    def _choice(self) -> Iterator[Unit]:
        """The candidates without one fold, judged on it by the log-loss of P."""
        held = CHOICE_FOLD if CHOICE_FOLD in self.folds else self.folds[0]
        needs: list[str] = []
        for design in self.settings.designs:
            for unit in self._fits((held,), design):
                needs.append(unit.name)
                yield unit
        rows = self.log.rows_of([held])

        def compute(done: Done) -> Arrays:
            losses = [
                log_loss(self.log.right[rows], self.forecast(done, (held,), rows, design)[0])
                for design in self.settings.designs
            ]
            at = chosen(self.settings.designs, losses)
            return {"at": np.array(at), "log_loss": np.array(losses)}

        yield Unit(CHOICE, tuple(needs), float(len(rows) * len(self.settings.designs)), compute)

    def _result(self) -> Unit:
        needs = [unit.name for k in self.folds for unit in self._fits((k,), None)]
        needs += [unit.name for unit in self._fits((), None)]

        def compute(done: Done) -> Arrays:
            p, p_g = np.full(len(self.log), np.nan), np.full(len(self.log), np.nan)
            for k in self.folds:
                mine = self.log.rows_of([k])
                p[mine], p_g[mine] = self.forecast(done, (k,), mine)
            rest = np.flatnonzero(~np.isin(self.log.fold, self.folds))
            if len(rest):
                p[rest], p_g[rest] = self.forecast(done, (), rest)
            return {"p": p, "p_g": p_g}

        return Unit(RESULT, tuple(dict.fromkeys(needs)), float(len(self.log)), compute)


def chosen(designs: tuple[Design, ...], losses: list[float]) -> int:
    """The place of the design taken: near the best, the largest pull, then the fewest levels.

    >>> chosen((Design(8, pull=2.0), Design(8, pull=10.0), Design(8)), [0.5, 0.5001, 0.51])
    1
    """
    near = [n for n, loss in enumerate(losses) if loss <= min(losses) + WITHIN]
    return max(near, key=lambda n: (designs[n].pull, -designs[n].levels))


def _named(what: str, design: Design | None, left_out: tuple[int, ...]) -> str:
    of = f" {name_of(design)}" if design is not None else ""
    without = f" without {' and '.join(map(str, left_out))}" if left_out else ALL
    return f"{what}{of}{without}"
