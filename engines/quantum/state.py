"""A learner's state: packing, preparation, channels, purity, bytes. This file owns its meaning.

A state is one float64 array `x` of 1 + d*d + 2 S numbers: t (answers taken in so far), the packed
density matrix (d diagonal entries; then Re rho_ab for a < b row by row; then Im rho_ab in the same
order), z of each skill's register, and the t of each skill's last answer (-1: none). The dense
forms here explain and prove; the kernels do the same in place.
"""

from __future__ import annotations

import struct

import numpy as np

from engines.quantum.kernels import RHO, T_AT
from engines.quantum.parameters import Complexes, Parameters
from engines.words import Floats, Ints

MAGIC = b"TSQ1"
_HEAD = struct.Struct("<4sHHII")
_RECORD = np.dtype([("skill", "<u4"), ("last", "<u4"), ("z", "<f8")])
NEVER = 0xFFFFFFFF
TRACE_WITHIN = 1e-9


# --- packing -------------------------------------------------------------------------------------
def pack(rho: Complexes) -> Floats:
    """The d*d numbers of a Hermitian matrix (d, d); its lower triangle is not read.

    >>> pack(np.array([[0.5, 0.1 - 0.2j], [0.1 + 0.2j, 0.5]])).tolist()
    [0.5, 0.5, 0.1, -0.2]
    """
    upper = rho[np.triu_indices(len(rho), 1)]
    return np.concatenate([rho.diagonal().real, upper.real, upper.imag])


def unpack(packed: Floats) -> Complexes:
    """The Hermitian matrix (d, d) of d*d numbers; ValueError where that is no square."""
    d = round(len(packed) ** 0.5)
    if d * d != len(packed) or d == 0:
        msg = f"expected d*d numbers, got {len(packed)}"
        raise ValueError(msg)
    n = (d * d - d) // 2
    rho = np.zeros((d, d), np.complex128)
    rho[np.triu_indices(d, 1)] = packed[d : d + n] + 1j * packed[d + n :]
    rho += rho.conj().T
    rho[np.diag_indices(d)] = packed[:d]
    return rho


def rho_of(x: Floats, parameters: Parameters) -> Complexes:
    """The density matrix (d, d) of a state."""
    return unpack(x[RHO : RHO + parameters.levels**2])


def registers_of(x: Floats, parameters: Parameters) -> tuple[Floats, Ints]:
    """(z, last), both (S,): as stored after each skill's last move, not yet relaxed to now."""
    at, skills = RHO + parameters.levels**2, parameters.n_skills
    return x[at : at + skills].copy(), x[at + skills :].astype(np.int64)


def prepared(parameters: Parameters) -> Floats:
    """The state of a learner of whom nothing is known: rho = diag(r0), z = z0, t = 0."""
    d, skills = parameters.levels, parameters.n_skills
    x = np.zeros(1 + d * d + 2 * skills)
    x[RHO : RHO + d] = parameters.start
    at = RHO + d * d
    x[at : at + skills] = parameters.register_start
    x[at + skills :] = -1.0
    return x


# --- change of basis and channels ----------------------------------------------------------------
def turned(basis: Complexes, rho: Complexes) -> Complexes:
    """U rho U^dagger (d, d): rho in the skill's own basis, row j of U being level j."""
    r: Complexes = basis @ rho @ basis.conj().T
    return r


def replaced(rho: Complexes, start: Floats, loss: float) -> Complexes:
    """Forgetting, the replacement channel: (1 - loss) rho + loss Tr(rho) diag(start)."""
    kept: Complexes = (1.0 - loss) * rho
    kept[np.diag_indices(len(start))] += loss * np.trace(rho).real * start
    return kept


def jump_operators(transition: Floats) -> Complexes:
    """Kraus operators (1 + d(d-1), d, d) of the learning channel with T (d, d), T[to, from].

    One that does not jump, diag(sqrt T_jj); then sqrt(T_kj) |k><j| for each k != j. The sum of
    K^dagger K is I because the columns of T sum to 1.
    """
    d = len(transition)
    first = np.diag(np.sqrt(transition.diagonal()))
    jumps = np.zeros((d * d - d, d, d), np.complex128)
    to, origin = np.nonzero(~np.eye(d, dtype=bool))
    jumps[np.arange(d * d - d), to, origin] = np.sqrt(transition[to, origin])
    return np.concatenate([first[None], jumps])


def jumped(r: Complexes, transition: Floats) -> Complexes:
    """The learning channel on R in the skill's basis: T on the diagonal, roots off it (step 5)."""
    root = np.sqrt(transition.diagonal())
    moved: Complexes = r * np.outer(root, root)
    moved[np.diag_indices(len(root))] = transition @ r.diagonal().real
    return moved


def purity(rho: Complexes) -> float:
    """Tr rho^2: 1/d where nothing is known, 1 for a pure state."""
    return float(np.vdot(rho, rho).real)


def coherence(rho: Complexes) -> float:
    """Sum of |rho_jk| over j != k (l1 norm of coherence); depends on the basis rho is given in."""
    return float(np.abs(rho).sum() - np.abs(rho.diagonal()).sum())


# --- bytes ---------------------------------------------------------------------------------------
def to_bytes(x: Floats, parameters: Parameters) -> bytes:
    """The state, little-endian, bit for bit: head, packed rho, one record a skill that has moved.

    A record is (u32 skill, u32 last, f64 z), by skill; for every skill that was answered or whose
    z differs from z0, for neighbours move without being answered.
    """
    d, skills = parameters.levels, parameters.n_skills
    z_at = RHO + d * d
    z, last = x[z_at : z_at + skills], x[z_at + skills :]
    kept = np.flatnonzero((last >= 0.0) | (z != parameters.register_start))
    records = np.empty(len(kept), _RECORD)
    records["skill"] = kept
    records["last"] = np.where(last[kept] >= 0.0, last[kept], NEVER)
    records["z"] = z[kept]
    head = _HEAD.pack(MAGIC, d, len(kept), int(x[T_AT]), parameters.crc)
    return head + x[RHO:z_at].astype("<f8").tobytes() + records.tobytes()


def from_bytes(data: bytes, parameters: Parameters) -> Floats:
    """The state that `to_bytes` wrote; ValueError for any other bytes, or other parameters."""
    d, skills = parameters.levels, parameters.n_skills
    if data[:4] != MAGIC:
        _refuse(f"the mark {MAGIC!r}", repr(bytes(data[:4])))
    if len(data) < _HEAD.size:
        _refuse(f"a head of {_HEAD.size} bytes", f"{len(data)}")
    _, d_given, n, t, crc = _HEAD.unpack_from(data)
    if crc != parameters.crc:
        _refuse(f"parameters {parameters.crc:08x}", f"those of {crc:08x}")
    if d_given != d:
        _refuse(f"{d} levels", f"{d_given}")
    length = _HEAD.size + 8 * d * d + _RECORD.itemsize * n
    if len(data) != length:
        _refuse(f"{length} bytes for {n} records", f"{len(data)}")
    x = prepared(parameters)
    x[T_AT] = t
    z_at = RHO + d * d
    x[RHO:z_at] = np.frombuffer(data, "<f8", d * d, _HEAD.size)
    records = np.frombuffer(data, _RECORD, n, _HEAD.size + 8 * d * d)
    rows, last, z = records["skill"].astype(np.int64), records["last"], records["z"]
    _check(x[RHO:z_at], d, rows, skills, z)
    answered = last != NEVER
    if (last[answered] >= t).any():
        _refuse(f"last answers before t = {t}", f"{int(last[answered].max())}")
    x[z_at + rows] = z
    x[z_at + skills + rows[answered]] = last[answered]
    return x


def _check(packed: Floats, d: int, rows: Ints, skills: int, z: Floats) -> None:
    if not (np.isfinite(packed).all() and np.isfinite(z).all()):
        _refuse("finite numbers", "NaN or infinity")
    trace = float(packed[:d].sum())
    if abs(trace - 1.0) > TRACE_WITHIN:
        _refuse(f"a trace of 1 within {TRACE_WITHIN}", f"{trace}")
    if (np.diff(rows) <= 0).any():
        _refuse("records by rising skill", f"{rows.tolist()[:20]}")
    if len(rows) and rows[-1] >= skills:
        _refuse(f"skills below {skills}", f"{rows[-1]}")
    if (np.abs(z) > 1.0).any():
        _refuse("every |z| at most 1", f"{float(np.abs(z).max())}")


def _refuse(expected: str, came: str) -> None:
    msg = f"expected a state with {expected}, got {came}"
    raise ValueError(msg)
