"""The scoring once more, from the formulas: dense matrices, Kraus operators, pairs of registers.

This file shares no code with the package beyond `Parameters`; it is slow and plain. Also here:
random problems for the tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from engines.quantum.parameters import LAGS, Parameters


def sigma(v: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-np.clip(v, -20.0, 20.0)))


def ell(p: float) -> float:
    p = min(max(p, 1e-5), 1.0 - 1e-5)
    return math.log(p / (1.0 - p))


def qubit(z: float) -> Any:
    """Order: not mastered, mastered, so Z = diag(-1, 1)."""
    return np.diag([(1.0 - z) / 2.0, (1.0 + z) / 2.0])


Z = np.diag([-1.0, 1.0])
ZI, IZ, ZZ = np.kron(Z, np.eye(2)), np.kron(np.eye(2), Z), np.kron(Z, Z)


class Twin:
    """One learner: rho (d, d), a 2 by 2 density matrix a skill, the t of each last answer."""

    def __init__(self, p: Parameters) -> None:
        self.p = p
        self.t = 0
        self.rho = np.diag(p.start).astype(complex)
        self.qubits = [qubit(z) for z in p.register_start]
        self.last = [-1] * p.n_skills
        self.kept: dict[tuple[int, int], Any] = {}

    def jumps(self, s: int, y: int) -> Any:
        """Kraus operators of the learning channel in the common basis."""
        if (s, y) not in self.kept:
            u = self.p.basis[s]
            self.kept[s, y] = [u.conj().T @ k @ u for k in kraus(self.p.transition[y])]
        return self.kept[s, y]

    def relaxed(self, s: int) -> Any:
        """Forgetting: rho and the skill's qubit, both towards their preparation."""
        p = self.p
        rho = (1.0 - p.forgetting) * self.rho + p.forgetting * np.diag(p.start)
        bucket = 0
        if self.last[s] >= 0:
            bucket = min(math.floor(math.log2(self.t - self.last[s])), LAGS - 1)
        loss = p.register_forgetting[bucket]
        return rho, (1.0 - loss) * self.qubits[s] + loss * qubit(p.register_start[s])

    def effects(self, item: int) -> Any:
        """E_1 and E_0 in the common basis."""
        s = self.p.combination[item]
        u = self.p.basis[s]
        e = sigma(self.p.level[s] - self.p.difficulty[item])
        one = u.conj().T @ np.diag(e) @ u
        return one, np.eye(len(e)) - one

    def register_effects(self, s: int, p_g: float) -> Any:
        f = sigma(self.p.register_level[s] + self.p.register_weight * ell(p_g))
        return np.diag(f), np.eye(2) - np.diag(f)

    def forecast(self, item: int) -> Any:
        s = int(self.p.combination[item])
        rho, register = self.relaxed(s)
        p_g = np.trace(self.effects(item)[0] @ rho).real
        return p_g, np.trace(self.register_effects(s, p_g)[0] @ register)

    def answer(self, item: int, right: bool, weight: float = 1.0, guess: float = 0.0) -> Any:
        p, s = self.p, int(self.p.combination[item])
        said = self.forecast(item)
        rho, register = self.relaxed(s)
        u, y = p.basis[s], int(right)
        rate = guess if right else 1.0 - guess
        if weight > 0.0:
            e = sigma(p.level[s] - p.difficulty[item])
            e = e if right else 1.0 - e
            k = u.conj().T @ np.diag(np.sqrt(e)) @ u
            rho = weight * k @ rho @ k.conj().T + (1.0 - weight) * rate * rho
            rho = rho / np.trace(rho)
        after = np.zeros_like(rho)
        for k in self.jumps(s, y):
            after += k @ rho @ k.conj().T
        after = (after + after.conj().T) / 2.0
        self.rho = after / np.trace(after).real
        a = self.register_effects(s, said[0])[1 - y] * weight + (1.0 - weight) * rate * np.eye(2)
        if weight > 0.0:
            self._measure_pairs(s, register, a)
            register = np.sqrt(a) @ register @ np.sqrt(a)
            register = register / np.trace(register)
        self.qubits[s] = np.diag(p.register_transition[y] @ register.diagonal())
        self.last[s] = self.t
        self.t += 1
        return said

    def _measure_pairs(self, s: int, register: Any, a: Any) -> None:
        p = self.p
        z = np.trace(Z @ register)
        k = np.kron(np.sqrt(a), np.eye(2))
        for v, eps in zip(p.neighbours[s], p.correlation[s], strict=True):
            if v < 0:
                break
            other = np.trace(Z @ self.qubits[v])
            c = z * other + p.kappa * eps * math.sqrt(max(0.0, (1 - z * z) * (1 - other * other)))
            c = min(max(c, abs(z + other) - 1.0), 1.0 - abs(z - other))
            pair = (np.eye(4) + z * ZI + other * IZ + c * ZZ) / 4.0
            assert pair.diagonal().min() >= -1e-12
            pair = k @ pair @ k
            pair = (pair / np.trace(pair)).reshape(2, 2, 2, 2)
            self.qubits[v] = pair[0, :, 0, :] + pair[1, :, 1, :]

    def array(self) -> Any:
        """The state as the kernels keep it."""
        i, j = np.triu_indices(self.p.levels, 1)
        off = self.rho[i, j]
        z = [np.trace(Z @ q) for q in self.qubits]
        rho = [self.rho.diagonal().real, off.real, off.imag]
        return np.concatenate([[self.t], *rho, z, self.last])


def kraus(t: Any) -> Iterator[Any]:
    """Learning channel: one operator that does not jump, one for each jump."""
    d = len(t)
    yield np.diag(np.sqrt(t.diagonal()))
    for j in range(d):
        for k in range(d):
            if k != j:
                jump = np.zeros((d, d))
                jump[k, j] = math.sqrt(t[k, j])
                yield jump


# --- problems ------------------------------------------------------------------------------------
def luck_of(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def bases_of(luck: np.random.Generator, n: int, d: int) -> Any:
    """N unitaries (n, d, d)."""
    x = luck.normal(size=(n, d, d)) + 1j * luck.normal(size=(n, d, d))
    return np.linalg.qr(x)[0]


def columns_of(luck: np.random.Generator, d: int, steady: float = 3.0) -> Any:
    """Two column-stochastic matrices (2, d, d)."""
    t = luck.dirichlet(np.full(d, 0.5), size=(2, d)).transpose(0, 2, 1) + steady * np.eye(d)
    t /= t.sum(axis=1, keepdims=True)
    return t / t.sum(axis=1, keepdims=True)


def problem(
    seed: int,
    d: int = 4,
    skills: int = 5,
    items: int = 12,
    slots: int = 3,
    scale: float = 1.0,
    **set_: Any,
) -> Parameters:
    """Random parameters with everything on; `set_` replaces fields."""
    luck = luck_of(seed)
    others = [[v for v in range(skills) if v != s] for s in range(skills)]
    near = np.full((skills, slots), -1)
    for s in range(skills):
        n = int(luck.integers(0, min(slots, skills - 1) + 1))
        near[s, :n] = luck.permutation(others[s])[:n] if n else []
    start = luck.dirichlet(np.ones(d))
    drawn = {
        "basis": bases_of(luck, skills, d),
        "level": scale * np.sort(luck.uniform(-3.0, 3.0, (skills, d))),
        "difficulty": scale * luck.uniform(-2.0, 2.0, items),
        "combination": luck.integers(0, skills, items),
        "start": start / start.sum(),
        "transition": columns_of(luck, d),
        "forgetting": luck.uniform(0.0, 0.1),
        "register_level": scale * luck.uniform(-2.0, 2.0, (skills, 2)),
        "register_weight": luck.uniform(0.5, 1.5),
        "register_transition": columns_of(luck, 2),
        "register_forgetting": np.sort(luck.uniform(0.0, 0.7, LAGS)),
        "register_start": luck.uniform(-0.9, 0.9, skills),
        "neighbours": near,
        "correlation": luck.uniform(-1.0, 1.0, (skills, slots)),
        "kappa": 0.5,
    }
    return Parameters(**{**drawn, **set_})


def replaced(p: Parameters, **set_: Any) -> Parameters:
    """The same parameters with some fields replaced."""
    kept = {f.name: getattr(p, f.name) for f in fields(Parameters) if f.name != "crc"}
    return Parameters(**{**kept, **set_})


def answers_of(seed: int, p: Parameters, n: int) -> Any:
    """N random answers: items (n,), right (n,) int64."""
    luck = luck_of(seed)
    return luck.integers(0, p.n_items, n), luck.integers(0, 2, n)
