"""What a fit leaves behind: parameters, names, counts, settings. This file is that one object.

Its bytes are a magic word, a CRC-32 and MessagePack; the same log, settings and seed give the same
bytes on the same build.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from engines.quantum.fit import cascade
from engines.quantum.fit.calibration import calibrated
from engines.quantum.fit.coordinates import Sequences
from engines.quantum.fit.nested import (
    ALL,
    CHOICE,
    RESULT,
    Done,
    Settings,
    g_of,
    name_of,
    registers_of,
)
from engines.quantum.parameters import LAGS, Parameters
from engines.responses import Responses
from engines.words import Ints

MAGIC = b"TSF1"


class _Stored(msgspec.Struct, frozen=True):
    parameters: bytes
    items: tuple[str, ...]
    combinations: tuple[str, ...]
    item_answers: bytes
    combination_answers: bytes
    design: str
    folds: tuple[int, ...]
    seed: int
    final: bytes | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted course: `items` (I,) and `combinations` (S,) name the parameters' rows.

    `item_answers` (I,) and `combination_answers` (S,) count the training rows; `design` and `folds`
    say what was fitted on whom; `final` holds the final stage's bytes, once there is one.
    """

    parameters: Parameters
    items: tuple[str, ...]
    combinations: tuple[str, ...]
    item_answers: Ints
    combination_answers: Ints
    design: str
    folds: tuple[int, ...]
    seed: int
    final: bytes | None = None

    def to_bytes(self) -> bytes:
        """The canonical bytes."""
        body = msgspec.msgpack.encode(
            _Stored(
                self.parameters.to_bytes(),
                self.items,
                self.combinations,
                self.item_answers.astype("<i8").tobytes(),
                self.combination_answers.astype("<i8").tobytes(),
                self.design,
                self.folds,
                self.seed,
                self.final,
            )
        )
        return MAGIC + zlib.crc32(body).to_bytes(4, "little") + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Fitted:
        """What `to_bytes` wrote. Raises ValueError naming what was expected."""
        if data[:4] != MAGIC:
            msg = f"expected fitted parameters beginning with {MAGIC!r}, got {data[:4]!r}"
            raise ValueError(msg)
        crc = int.from_bytes(data[4:8], "little")
        if zlib.crc32(data[8:]) != crc:
            msg = f"expected fitted parameters with CRC {crc:08x}, got {zlib.crc32(data[8:]):08x}"
            raise ValueError(msg)
        try:
            it = msgspec.msgpack.decode(data[8:], type=_Stored)
        except msgspec.MsgspecError as error:
            msg = f"expected fitted parameters, got others: {error}"
            raise ValueError(msg) from error
        made = cls(
            Parameters.from_bytes(it.parameters),
            it.items,
            it.combinations,
            np.frombuffer(it.item_answers, "<i8").astype(np.int64),
            np.frombuffer(it.combination_answers, "<i8").astype(np.int64),
            it.design,
            it.folds,
            it.seed,
            it.final,
        )
        p = made.parameters
        for name, came, expected in (
            ("items", len(made.items), p.n_items),
            ("item_answers", len(made.item_answers), p.n_items),
            ("combinations", len(made.combinations), p.n_skills),
            ("combination_answers", len(made.combination_answers), p.n_skills),
        ):
            if came != expected:
                msg = f"expected {expected} {name}, got {came}"
                raise ValueError(msg)
        return made

    def rows_of(self, log: Responses) -> Sequences:
        """A log's rows under these parameters' numbers; an item not met counts as b = 0.

        Raises ValueError for a combination of skills that was not fitted.
        """
        skills = {name: at for at, name in enumerate(self.combinations)}
        unmet = [name for name in log.combinations if name not in skills]
        if unmet:
            msg = f"expected combinations of skills that were fitted, got {unmet[0]!r}"
            raise ValueError(msg)
        items = {name: at for at, name in enumerate(self.items)}
        skill_of = np.array([skills[name] for name in log.combinations], np.int64)
        item_of = np.array([items.get(name, len(items)) for name in log.items], np.int64)
        return Sequences(
            starts=log.starts,
            skill=skill_of[log.combination],
            item=item_of[log.item],
            right=log.right,
            lag=np.zeros(len(log), np.int64),
            offset=np.zeros(len(log)),
            n_skills=len(skills),
            n_items=len(items),
        )


def assembled(log: Responses, settings: Settings, done: Done) -> Fitted:
    """The served model out of the plan's results: all the folds' learners, calibrated.

    Slope and intercept are fitted on the nested forecasts of the training rows.
    """
    design = settings.designs[int(done[CHOICE]["at"]) if CHOICE in done else 0]
    if design.own is not None:
        msg = "expected one T for all skills, got transitions of a skill's own: an ablation only"
        raise ValueError(msg)
    rows = log.rows_of(settings.folds)
    at = g_of(done[f"G{ALL}"])
    slope, intercept = calibrated(log.right[rows], np.asarray(done[RESULT]["p"])[rows])
    combination = np.zeros(len(log.items), np.int64)
    combination[log.item[::-1]] = log.combination[::-1]  # the first one met stays
    parameters = Parameters(
        basis=at.basis,
        level=at.level,
        difficulty=at.difficulty,
        combination=combination,
        start=at.preparation[0],
        transition=at.transition[0],
        forgetting=float(at.forgetting[0]),
        slope=slope,
        intercept=intercept,
        **_registers(log, settings, done),
    )
    return Fitted(
        parameters,
        log.items,
        log.combinations,
        np.bincount(log.item[rows], minlength=len(log.items)),
        np.bincount(log.combination[rows], minlength=len(log.combinations)),
        name_of(design),
        settings.folds,
        settings.seed,
    )


def _registers(log: Responses, settings: Settings, done: Done) -> dict[str, Any]:
    """The qubits' fields; without qubits those that make P = p_G."""
    names = (
        "register_level", "register_weight", "register_transition", "register_forgetting",
        "register_start", "neighbours", "correlation", "kappa",
    )  # fmt: skip
    if settings.registers:
        return dict(zip(names, cascade.register(registers_of(done[f"qubits{ALL}"])), strict=True))
    skills = len(log.combinations)
    alone = (
        np.zeros((skills, 2)), 1.0, np.stack([np.eye(2), np.eye(2)]), np.zeros(LAGS),
        np.zeros(skills), np.full((skills, 1), -1), np.zeros((skills, 1)), 0.0,
    )  # fmt: skip
    return dict(zip(names, alone, strict=True))
