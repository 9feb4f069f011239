"""The physics that a learner's state is moved by. This file is its one frozen object.

Symbols: S combinations of skills (a combination counts as one skill), I items, d levels of
register G, K neighbours a skill. Kernels check nothing, so everything is checked here, once.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from engines.words import Floats, Ints

Complexes = npt.NDArray[np.complex128]

LAGS = 10
"""Buckets of the gap since a skill's last answer: floor(log2(gap)), the last one open."""
MOST_NEIGHBOURS = 6
KAPPA = 0.5
"""Strength of a link: kappa * eps is the correlation of two skills' registers."""
UNITARY_WITHIN = 1e-12
LOGIT_MOST = 700.0
"""Largest logit either way: exp of it, and of its negative, is an ordinary float64."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything fitted; immutable.

    - `basis` (S, d, d) complex128: row j of `basis[s]` is level j of skill s, so that
      R = U rho U^dagger; `level` (S, d): level logits c, base + bias + deviation;
    - `difficulty` (I,): b in logits; `combination` (I,) int64: the item's combination;
    - `start` (d,): r0; `transition` (2, d, d): T[y][to, from]; `forgetting`: lambda;
    - `register_level` (S, 2): m; `register_weight`: w > 0; `register_transition` (2, 2, 2): T^L;
      `register_forgetting` (10,): lambda_k; `register_start` (S,): z0 in [-1, 1];
    - `neighbours` (S, K) int64, -1 ends a row; `correlation` (S, K): eps; `kappa` in [0, 1];
    - `slope`, `intercept`: calibration P' = sigmoid(slope * logit(P) + intercept).

    Raises ValueError naming the field, what was expected and what came.
    """

    basis: Complexes
    level: Floats
    difficulty: Floats
    combination: Ints
    start: Floats
    transition: Floats
    forgetting: float
    register_level: Floats
    register_weight: float
    register_transition: Floats
    register_forgetting: Floats
    register_start: Floats
    neighbours: Ints
    correlation: Floats
    kappa: float = KAPPA
    slope: float = 1.0
    intercept: float = 0.0
    crc: int = field(init=False)
    """CRC-32 of what gives a state its meaning: all but the items and the calibration."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.name == "crc":
                continue
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                frozen = np.ascontiguousarray(value, dtype=_DTYPES[entry.name]).copy()
                frozen.setflags(write=False)
                object.__setattr__(self, entry.name, frozen)
            else:
                object.__setattr__(self, entry.name, float(value))
        _check(self)
        object.__setattr__(self, "crc", zlib.crc32(_bytes_of(self, _MEANING)))

    @property
    def levels(self) -> int:
        """d, the levels of register G."""
        return int(self.start.shape[0])

    @property
    def n_skills(self) -> int:
        """S, the combinations of skills, each with a register of its own."""
        return int(self.level.shape[0])

    @property
    def n_items(self) -> int:
        """I."""
        return int(self.difficulty.shape[0])

    def to_bytes(self) -> bytes:
        """The canonical bytes: MessagePack of shapes and little-endian numbers by field name."""
        return _bytes_of(self, _NAMES)

    @classmethod
    def from_bytes(cls, data: bytes) -> Parameters:
        """What `to_bytes` wrote. Raises ValueError for other bytes."""
        try:
            plain = msgspec.msgpack.decode(data, type=dict[str, Any])
            if set(plain) != set(_NAMES):
                msg = f"expected the fields {', '.join(_NAMES)}, got {', '.join(plain)[:200]}"
                raise ValueError(msg)
            given = {name: _read(name, plain[name]) for name in _NAMES}
        except (msgspec.MsgspecError, TypeError) as error:
            msg = f"expected the bytes of parameters, got others: {error}"
            raise ValueError(msg) from error
        return cls(**given)


_NAMES = tuple(entry.name for entry in fields(Parameters) if entry.name != "crc")
_DTYPES: dict[str, Any] = {
    name: {"basis": np.complex128, "combination": np.int64, "neighbours": np.int64}.get(
        name, np.float64
    )
    for name in _NAMES
}


_MEANING = tuple(
    name for name in _NAMES if name not in ("difficulty", "combination", "slope", "intercept")
)


def _bytes_of(parameters: Parameters, names: tuple[str, ...]) -> bytes:
    plain = {
        name: [list(value.shape), value.astype(value.dtype.newbyteorder("<")).tobytes()]
        if isinstance(value, np.ndarray)
        else value
        for name, value in ((n, getattr(parameters, n)) for n in names)
    }
    return msgspec.msgpack.encode(plain)


def _read(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    shape, raw = value
    return np.frombuffer(raw, np.dtype(_DTYPES[name]).newbyteorder("<")).reshape(shape)


def _check(p: Parameters) -> None:
    skills, d, items = p.level.shape[0], p.start.shape[0], p.difficulty.shape[0]
    k = p.neighbours.shape[1] if p.neighbours.ndim == 2 else -1
    _expect(d >= 1 and skills >= 1, "level", "at least one skill and one level", p.level.shape)
    for name, shape in {
        "basis": (skills, d, d),
        "level": (skills, d),
        "difficulty": (items,),
        "combination": (items,),
        "start": (d,),
        "transition": (2, d, d),
        "register_level": (skills, 2),
        "register_transition": (2, 2, 2),
        "register_forgetting": (LAGS,),
        "register_start": (skills,),
        "neighbours": (skills, k),
        "correlation": (skills, k),
    }.items():
        value = getattr(p, name)
        _expect(value.shape == shape, name, f"shape {shape}", value.shape)
        _expect(bool(np.isfinite(value).all()), name, "finite numbers", "NaN or infinity")
    _check_ranges(p)
    unit = np.einsum("sij,skj->sik", p.basis, p.basis.conj()) - np.eye(d)
    off = float(np.abs(unit).max())
    _expect(off <= UNITARY_WITHIN, "basis", f"unitary within {UNITARY_WITHIN}", off)
    for name in ("transition", "register_transition"):
        off = float(np.abs(getattr(p, name).sum(axis=1) - 1.0).max())
        _expect(off <= UNITARY_WITHIN, name, f"columns that sum to 1 within {UNITARY_WITHIN}", off)
    off = abs(float(p.start.sum()) - 1.0)
    _expect(off <= UNITARY_WITHIN, "start", f"a sum of 1 within {UNITARY_WITHIN}", off)
    _check_neighbours(p)


def _check_ranges(p: Parameters) -> None:
    for name, low, high in (
        ("start", 0.0, 1.0),
        ("transition", 0.0, 1.0),
        ("forgetting", 0.0, 1.0),
        ("register_transition", 0.0, 1.0),
        ("register_forgetting", 0.0, 1.0),
        ("register_start", -1.0, 1.0),
        ("correlation", -1.0, 1.0),
        ("kappa", 0.0, 1.0),
        ("level", -LOGIT_MOST, LOGIT_MOST),
        ("difficulty", -LOGIT_MOST, LOGIT_MOST),
        ("register_level", -LOGIT_MOST, LOGIT_MOST),
        ("register_weight", 0.0, LOGIT_MOST),
        ("slope", 0.0, LOGIT_MOST),
        ("intercept", -LOGIT_MOST, LOGIT_MOST),
        ("combination", 0, p.n_skills - 1),
        ("neighbours", -1, p.n_skills - 1),
    ):
        value = np.asarray(getattr(p, name))
        if value.size:
            came = (float(value.min()), float(value.max()))
            _expect(came[0] >= low and came[1] <= high, name, f"{low} to {high}", came)


def _check_neighbours(p: Parameters) -> None:
    rows = p.neighbours
    _expect(rows.shape[1] <= MOST_NEIGHBOURS, "neighbours", "at most 6 a skill", rows.shape)
    for skill, row in enumerate(rows.tolist()):
        linked = [v for v in row if v >= 0]
        whole = row[: len(linked)] == linked and len(set(linked)) == len(linked)
        _expect(whole and skill not in linked, "neighbours", "distinct other skills, then -1", row)


def _expect(holds: bool, name: str, expected: str, came: object) -> None:
    if not holds:
        msg = f"expected {name} to have {expected}, got {came}"
        raise ValueError(msg)
