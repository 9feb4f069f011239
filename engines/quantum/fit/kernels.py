"""Forward and backward over learners' answers, compiled. This file is the fitter's inner loops.

A Hermitian matrix X is held as the real matrix M = Re X + Im X: Re X is its symmetric, Im X its
antisymmetric part, so nothing is lost, Tr(XY) is the plain scalar product of the two M, and a
scaling by s_j s_k acts on M itself. With U = A + iB the change of basis U X U^dagger is
(AM + BM^t)A^t + (BM - AM^t)B^t: three pairs of real products. A learner who stays with a skill
stays in its basis, so nothing is turned there, and the terms of the basis' gradient cancel between
neighbouring answers but for forgetting, which is linear in Lambda'' and settled once a batch.

`levels` is a tuple of d numbers of which only the length is read: d is then a constant to the
compiler. Matrices are flat rows of d*d numbers. Gradients are added to what the arrays hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic

from engines.maths.kernels import kernel, part

LOGIT_MOST = 20.0
P_LEAST = 1e-5
LAST_LAG = 9
WORK = 12
"""Scratch matrices of d*d numbers that a pass over learners needs."""

_F1, _F2, _F3 = "float64[::1]", "float64[:,::1]", "float64[:,:,::1]"
_I1, _I2 = "int64[::1]", "int64[:,::1]"
TURNED = (3, 4, 8)
"""Levels d that `density_pass` is compiled for."""
STRAIGHT = (2, 3, 4, 8, 16)
"""Levels d that `ladder_pass` is compiled for; 2 are the qubits."""


@intrinsic  # type: ignore[untyped-decorator]
def _two_products(
    _: Any, levels: Any, out: Any, at: Any, left: Any, a: Any, b: Any, right: Any, x: Any, y: Any
) -> Any:
    """out[at:] = left[a:] @ right[x:] + left[b:] @ right[y:], d by d each, one vector a row.

    Numba's loops of 8 steps are unrolled before they are vectorised and come out scalar; this says
    the vectors outright and is four times as fast. The order of additions is fixed.
    """
    d = len(levels)
    word, real = ir.IntType(64), ir.DoubleType()
    vector = ir.VectorType(real, d)
    lane, lanes = ir.IntType(32), ir.VectorType(ir.IntType(32), d)

    def generated(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        o, lf, r = (
            context.make_array(signature.args[i])(context, builder, given[i]).data
            for i in (1, 3, 6)
        )

        def place(base: Any, start: Any, step: int) -> Any:
            return builder.gep(base, [builder.add(start, ir.Constant(word, step))])

        def row(start: Any, k: int) -> Any:
            at_row = builder.bitcast(place(r, start, k * d), vector.as_pointer())
            return builder.load(at_row, align=8)

        def spread(start: Any, k: int) -> Any:
            none = ir.Constant(vector, ir.Undefined)
            one = builder.insert_element(
                none, builder.load(place(lf, start, k)), ir.Constant(lane, 0)
            )
            return builder.shuffle_vector(one, none, ir.Constant(lanes, [0] * d))

        first = [row(given[7], k) for k in range(d)]
        second = [row(given[8], k) for k in range(d)]
        with cgutils.for_range(builder, ir.Constant(word, d)) as loop:
            line = builder.mul(loop.index, ir.Constant(word, d))
            in_a, in_b = builder.add(given[4], line), builder.add(given[5], line)
            one = builder.fmul(spread(in_a, 0), first[0])
            two = builder.fmul(spread(in_b, 0), second[0])
            for k in range(1, d):
                one = builder.fadd(one, builder.fmul(spread(in_a, k), first[k]))
                two = builder.fadd(two, builder.fmul(spread(in_b, k), second[k]))
            to = builder.bitcast(place(o, builder.add(given[2], line), 0), vector.as_pointer())
            builder.store(builder.fadd(one, two), to, align=8)
        return context.get_dummy_value()

    size = types.intp
    return types.void(levels, out, size, left, size, size, right, size, size), generated


# --- pieces of the density matrix's passes -------------------------------------------------------
@part
def _turn(levels: Any, frames: Any, s: Any, back: Any, work: Any, at: Any, to: Any) -> None:
    """work[to] = U X U^dagger of work[at], or U^dagger X U where `back`; scratch 8-11."""
    d = len(levels)
    dd = d * d
    p, n, mt, nt = 8 * dd, 9 * dd, 10 * dd, 11 * dd
    for i in range(d):
        for j in range(d):
            m = work[at + i * d + j]
            work[mt + j * d + i] = m
            work[nt + j * d + i] = -m
    a, b = 4 * s * dd, 4 * s * dd + dd
    a_t, b_t = a + 2 * dd, a + 3 * dd
    if back:
        a, b, a_t, b_t, mt, nt = a_t, b_t, a, b, nt, mt
    _two_products(levels, work, p, frames, a, b, work, at, mt)
    _two_products(levels, work, n, frames, b, a, work, at, nt)
    _two_products(levels, work, to, work, p, n, frames, a_t, b_t)


@part
def _add_commutator(levels: Any, work: Any, x: Any, y: Any, out: Any, s: Any) -> None:
    """out[s] += i[X, Y] of work[x], work[y]; scratch 6-11. [X, Y] = XY - (XY)^dagger."""
    d = len(levels)
    dd = d * d
    re, im, ni, yt, g, h = 6 * dd, 7 * dd, 8 * dd, 9 * dd, 10 * dd, 11 * dd
    for i in range(d):
        for j in range(d):
            m, mt = work[x + i * d + j], work[x + j * d + i]
            work[re + i * d + j] = 0.5 * (m + mt)
            work[im + i * d + j] = 0.5 * (m - mt)
            work[ni + i * d + j] = 0.5 * (mt - m)
            work[yt + j * d + i] = work[y + i * d + j]
    _two_products(levels, work, g, work, re, ni, work, yt, y)
    _two_products(levels, work, h, work, re, im, work, y, yt)
    for i in range(d):
        for j in range(d):
            out[s, i * d + j] += work[g + i * d + j] - work[h + j * d + i]


@part
def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-min(max(x, -LOGIT_MOST), LOGIT_MOST)))


@part
def _forward(
    levels: Any, begin: Any, end: Any, skill: Any, item: Any, right: Any, physics: Any, past: Any,
    seen: Any, p_right: Any, work: Any,
) -> Any:  # fmt: skip
    """Log-likelihood of one learner's rows; `past` holds R before each answer, in its basis."""
    frames, prepared, level, difficulty, forgetting, jump, damp = physics
    d = len(levels)
    dd = d * d
    lam = forgetting[0]
    total = 0.0
    before = -1
    for t in range(begin, end):
        s, y, row = skill[t], right[t], t - begin
        if s != before:
            if before < 0:
                for x in range(dd):
                    work[x] = prepared[s, x]
            else:
                _turn(levels, frames, before, True, work, 0, dd)
                _turn(levels, frames, s, False, work, dd, 0)
            before = s
        for x in range(dd):
            past[row, x] = (1.0 - lam) * work[x] + lam * prepared[s, x]
        p = 0.0
        p1 = 0.0
        for j in range(d):
            e = _sigmoid(level[s, j] - difficulty[item[t]])
            ey = e if y else 1.0 - e
            seen[row, j] = e
            seen[row, d + j] = ey
            p += past[row, j * d + j] * ey
            p1 += past[row, j * d + j] * e
        p_right[row] = p1
        total += np.log(p)
        for j in range(d):
            seen[row, d + j] = np.sqrt(max(0.0, seen[row, d + j] / p))
        _channel(levels, past, seen, row, jump, damp, y, work)
    return total


@part
def _channel(
    levels: Any, past: Any, seen: Any, row: Any, jump: Any, damp: Any, y: Any, work: Any
) -> None:
    """work[0] = the state after Lüders' update and learning, trace 1; work[dd:] = Q."""
    d = len(levels)
    dd = d * d
    for i in range(d):
        for j in range(d):
            work[dd + i * d + j] = past[row, i * d + j] * seen[row, d + i] * seen[row, d + j]
    for x in range(dd):
        work[x] = work[dd + x] * damp[y, x]
    trace = 0.0
    for i in range(d):
        r = 0.0
        for j in range(d):
            r += jump[y, i * d + j] * work[dd + j * d + j]
        work[i * d + i] = r
        trace += r
    for x in range(dd):
        work[x] /= trace


@part
def _backward(
    levels: Any, begin: Any, end: Any, skill: Any, item: Any, right: Any, physics: Any, past: Any,
    seen: Any, work: Any, gradients: Any,
) -> Any:  # fmt: skip
    """Adds one learner's gradients; the largest |Tr(Lambda_t rho_t) - 1| met."""
    frames, prepared, _, _, forgetting, jump, damp = physics
    by_level, by_item, by_jump, by_damp, by_lag, by_start, by_basis = gradients
    d = len(levels)
    dd = d * d
    lam = forgetting[0]
    effect, two, three = 2 * dd, 3 * dd, 4 * dd
    worst = 0.0
    for x in range(dd):
        work[effect + x] = 0.0
    for j in range(d):
        work[effect + j * d + j] = 1.0
    for t in range(end - 1, begin - 1, -1):
        s, y, row = skill[t], right[t], t - begin
        _channel(levels, past, seen, row, jump, damp, y, work)
        if t + 1 < end and skill[t + 1] != s:
            _add_commutator(levels, work, effect, 0, by_basis, s)
        for k in range(d):
            for j in range(d):
                by_jump[y, k * d + j] += work[effect + k * d + k] * work[dd + j * d + j]
        for x in range(dd):
            by_damp[y, x] += work[effect + x] * work[dd + x]
            work[two + x] = work[effect + x] * damp[y, x]
        for j in range(d):
            r = 0.0
            for k in range(d):
                r += jump[y, k * d + j] * work[effect + k * d + k]
            work[two + j * d + j] = r
        for i in range(d):
            for j in range(d):
                work[two + i * d + j] *= seen[row, d + i] * seen[row, d + j]
        off = _logit_gradient(levels, past, seen, row, work, two, y, s, item[t], by_level, by_item)
        worst = max(worst, abs(off))
        kept = 0.0
        weight = lam if t > begin else 1.0
        for x in range(dd):
            kept += work[two + x] * prepared[s, x]
            by_start[s, x] += weight * work[two + x]
        by_lag[0] += (kept - 1.0) / (1.0 - lam)
        for x in range(dd):
            work[effect + x] = (1.0 - lam) * work[two + x]
        for j in range(d):
            work[effect + j * d + j] += lam * kept
        if t > begin and skill[t - 1] != s:
            for x in range(dd):
                work[three + x] = past[row, x] - lam * prepared[s, x]
            _add_commutator(levels, work, three, two, by_basis, s)
            _turn(levels, frames, s, True, work, effect, three)
            _turn(levels, frames, skill[t - 1], False, work, three, effect)
    return worst


@part
def _logit_gradient(
    levels: Any, past: Any, seen: Any, row: Any, work: Any, two: Any, y: Any, s: Any, i: Any,
    by_level: Any, by_item: Any,
) -> Any:  # fmt: skip
    """Adds g_j = (y - e_j) Re sum_k Lambda''_kj R_jk to level and item; Tr(Lambda'' R) - 1."""
    d = len(levels)
    whole = -1.0
    total = 0.0
    for j in range(d):
        u = 0.0
        for k in range(d):
            u += work[two + j * d + k] * past[row, j * d + k]
            u += work[two + k * d + j] * past[row, k * d + j]
        whole += 0.5 * u
        g = (y - seen[row, j]) * 0.5 * u
        by_level[s, j] += g
        total += g
    by_item[i] -= total
    return whole


# --- the classical ladder: U = I, one vector of populations ---------------------------------------
@part
def _climb(
    levels: Any, begin: Any, end: Any, rows: Any, physics: Any, past: Any, seen: Any, p_right: Any,
    work: Any,
) -> Any:  # fmt: skip
    """Log-likelihood of one sequence; `past` holds the populations before each answer."""
    skill, item, right, lag, offset, start_of, channel_of = rows
    level, difficulty, start, forgetting, jump, weight = physics
    d = len(levels)
    total = 0.0
    for j in range(d):
        work[j] = start[start_of[skill[begin]], j]
    for t in range(begin, end):
        s, y, row = skill[t], right[t], t - begin
        group, lam = start_of[s], forgetting[lag[t]]
        channel = 2 * channel_of[s] + y
        x = weight[0] * offset[t]
        p = 0.0
        p1 = 0.0
        for j in range(d):
            q = (1.0 - lam) * work[j] + lam * start[group, j]
            e = _sigmoid(level[s, j] - difficulty[item[t]] + x)
            ey = e if y else 1.0 - e
            past[row, j] = q
            seen[row, j] = e
            p += q * ey
            p1 += q * e
            seen[row, d + j] = ey
        p_right[row] = p1
        total += np.log(p)
        for j in range(d):
            seen[row, d + j] /= p
        _straight_channel(levels, past, seen, row, jump, channel, work)
    return total


@part
def _straight_channel(
    levels: Any, past: Any, seen: Any, row: Any, jump: Any, channel: Any, work: Any
) -> None:
    """work[0] = populations after Bayes' rule and learning, sum 1; work[d:] = before learning."""
    d = len(levels)
    for j in range(d):
        work[d + j] = past[row, j] * seen[row, d + j]
    total = 0.0
    for i in range(d):
        r = 0.0
        for j in range(d):
            r += jump[channel, i * d + j] * work[d + j]
        work[i] = r
        total += r
    for j in range(d):
        work[j] /= total


@part
def _descend(
    levels: Any, begin: Any, end: Any, rows: Any, physics: Any, past: Any, seen: Any, work: Any,
    gradients: Any,
) -> Any:  # fmt: skip
    """Adds one sequence's gradients; the largest |sum of effect times population - 1| met."""
    skill, item, right, lag, offset, start_of, channel_of = rows
    _, _, start, forgetting, jump, _ = physics
    by_level, by_item, by_start, by_lag, by_jump, by_weight = gradients
    d = len(levels)
    effect, two = 2 * d, 3 * d
    worst = 0.0
    for j in range(d):
        work[effect + j] = 1.0
    for t in range(end - 1, begin - 1, -1):
        s, y, row = skill[t], right[t], t - begin
        group, lam = start_of[s], forgetting[lag[t]]
        channel = 2 * channel_of[s] + y
        _straight_channel(levels, past, seen, row, jump, channel, work)
        for k in range(d):
            for j in range(d):
                by_jump[channel, k * d + j] += work[effect + k] * work[d + j]
        total = 0.0
        whole = -1.0
        kept = 0.0
        weight = lam if t > begin else 1.0
        for j in range(d):
            r = 0.0
            for k in range(d):
                r += jump[channel, k * d + j] * work[effect + k]
            r *= seen[row, d + j]
            work[two + j] = r
            u = r * past[row, j]
            whole += u
            g = (y - seen[row, j]) * u
            by_level[s, j] += g
            total += g
            kept += r * start[group, j]
            by_start[group, j] += weight * r
        by_item[item[t]] -= total
        by_weight[0] += total * offset[t]
        worst = max(worst, abs(whole))
        by_lag[lag[t]] += (kept - 1.0) / (1.0 - lam)
        for j in range(d):
            work[effect + j] = (1.0 - lam) * work[two + j] + lam * kept
    return worst


# --- entries -------------------------------------------------------------------------------------
def _for_each(sizes: tuple[int, ...], form: str) -> list[str]:
    return [form.format(levels=f"UniTuple(int64, {d})") for d in sizes]


_RHO_PHYSICS = f"Tuple(({_F1}, {_F2}, {_F2}, {_F1}, {_F1}, {_F2}, {_F2}))"
_RHO_GRADIENTS = f"Tuple(({_F2}, {_F1}, {_F2}, {_F2}, {_F1}, {_F2}, {_F2}))"
_SPACE = f"{_F2}, {_F2}, {_F1}, {_F1}"


@kernel(
    *_for_each(
        TURNED,
        f"UniTuple(float64, 2)({{levels}}, {_I1}, {_I1}, {_I1}, {_I1}, {_I1}, {_RHO_PHYSICS}, "
        f"{_SPACE}, {_F1}, boolean, {_RHO_GRADIENTS})",
    )
)
def density_pass(
    levels: Any, chosen: Any, starts: Any, skill: Any, item: Any, right: Any, physics: Any,
    past: Any, seen: Any, p_right: Any, work: Any, out: Any, learn: Any, gradients: Any,
) -> Any:  # fmt: skip
    """Log-likelihood of the chosen learners; out[row] = p_G; where `learn`, gradients as well.

    `starts` (n + 1,): rows of learner u are starts[u]:starts[u + 1]; row arrays int64 (n_rows,).
    `physics`: frames (S*4*d*d,) = A, B, A^t, B^t of each basis; prepared (S, d*d) =
    U diag(r0) U^dagger; level (S, d); difficulty (I,); forgetting (1,); jump (2, d*d) = T; damp
    (2, d*d) = sqrt(T_jj T_kk). `gradients`: level (S, d); item (I,); jump (2, d*d) =
    Lambda_R,kk Q_jj; damp (2, d*d) = Lambda_R o Q; lag (1,); start (S, d*d) = weighted sums of
    Lambda''; basis (S, d*d) = H but for i[prepared, start]. Space: past (L, d*d), seen (L, 2d),
    p_right (L,) for the longest learner, work (WORK*d*d,).
    Returns also the largest |Tr(Lambda_t rho_t) - 1|.
    """
    total = 0.0
    worst = 0.0
    for n in range(chosen.shape[0]):
        begin, end = starts[chosen[n]], starts[chosen[n] + 1]
        total += _forward(
            levels, begin, end, skill, item, right, physics, past, seen, p_right, work
        )
        for t in range(begin, end):
            out[t] = p_right[t - begin]
        if learn:
            off = _backward(
                levels, begin, end, skill, item, right, physics, past, seen, work, gradients
            )
            worst = max(worst, off)
    return total, worst


_Q_ROWS = f"Tuple(({_I1}, {_I1}, {_I1}, {_I1}, {_F1}, {_I1}, {_I1}))"
_Q_PHYSICS = f"Tuple(({_F2}, {_F1}, {_F2}, {_F1}, {_F2}, {_F1}))"


@kernel(
    *_for_each(
        STRAIGHT,
        f"UniTuple(float64, 2)({{levels}}, {_I1}, {_I1}, {_Q_ROWS}, {_Q_PHYSICS}, {_SPACE}, "
        f"{_F1}, boolean, {_Q_PHYSICS})",
    )
)
def ladder_pass(
    levels: Any, chosen: Any, starts: Any, rows: Any, physics: Any, past: Any, seen: Any,
    p_right: Any, work: Any, out: Any, learn: Any, gradients: Any,
) -> Any:  # fmt: skip
    """`density_pass` at U = I, with what the qubits need: lags, an offset, starts by group.

    `rows`: skill, item, right, lag (n_rows,) int64, offset (n_rows,) float64 = x; start_of,
    channel_of (S,) int64: which preparation and which pair of T a skill has. `physics`: level
    (S, d), difficulty (I,), start (groups, d), forgetting (lags,), jump (2*channels, d*d),
    weight (1,) = w. `gradients`: in the same order, at start up to a constant.
    """
    total = 0.0
    worst = 0.0
    for n in range(chosen.shape[0]):
        begin, end = starts[chosen[n]], starts[chosen[n] + 1]
        total += _climb(levels, begin, end, rows, physics, past, seen, p_right, work)
        for t in range(begin, end):
            out[t] = p_right[t - begin]
        if learn:
            off = _descend(levels, begin, end, rows, physics, past, seen, work, gradients)
            worst = max(worst, off)
    return total, worst


@part
def _linked(
    s: Any, z: Any, before: Any, eta: Any, neighbours: Any, correlation: Any, kappa: Any
) -> None:
    """What measuring s does to its neighbours' qubits, the pair prepared anew from eps."""
    for k in range(neighbours.shape[1]):
        v = neighbours[s, k]
        if v < 0:
            break
        spread = np.sqrt(max(0.0, (1.0 - before * before) * (1.0 - z[v] * z[v])))
        c = before * z[v] + kappa * correlation[s, k] * spread
        c = min(max(c, abs(before + z[v]) - 1.0), 1.0 - abs(before - z[v]))
        z[v] = min(max((z[v] + eta * c) / (1.0 + eta * before), -1.0), 1.0)


@part
def _bucket(gap: Any) -> Any:
    k = 0
    while gap > 1 and k < LAST_LAG:
        gap >>= 1
        k += 1
    return k


@part
def _register_answer(s: Any, t: Any, y: Any, p_g: Any, register: Any, z: Any, last: Any) -> Any:
    """P, then the answer's update of the qubits (quantum.md, section 1, steps 1, 3, 6, 7)."""
    m, weight, channel, forgetting, z0, neighbours, correlation, kappa = register
    lam = forgetting[_bucket(t - last[s]) if last[s] >= 0 else 0]
    before = (1.0 - lam) * z[s] + lam * z0[s]
    p = min(max(p_g, P_LEAST), 1.0 - P_LEAST)
    x = weight * np.log(p / (1.0 - p))
    f0, f1 = _sigmoid(m[s, 0] + x), _sigmoid(m[s, 1] + x)
    forecast = 0.5 * (1.0 - before) * f0 + 0.5 * (1.0 + before) * f1
    a0, a1 = (f0, f1) if y else (1.0 - f0, 1.0 - f1)
    eta = (a1 - a0) / (a1 + a0)
    if kappa > 0.0:
        _linked(s, z, before, eta, neighbours, correlation, kappa)
    after = min(max((before + eta) / (1.0 + eta * before), -1.0), 1.0)
    q0, q1 = 0.5 * (1.0 - after), 0.5 * (1.0 + after)
    z[s] = min(max(2.0 * (channel[y, 1, 0] * q0 + channel[y, 1, 1] * q1) - 1.0, -1.0), 1.0)
    last[s] = t
    return forecast


_REGISTER = f"Tuple(({_F2}, float64, {_F3}, {_F1}, {_F1}, {_I2}, {_F2}, float64))"


@kernel(f"void({_I1}, {_I1}, {_I1}, {_I1}, {_F1}, {_REGISTER}, {_F1}, {_I1}, {_F1})")
def register_pass(
    chosen: Any, starts: Any, skill: Any, right: Any, p_g: Any, register: Any, z: Any, last: Any,
    out: Any,
) -> None:  # fmt: skip
    """out[row] = P of the chosen learners' rows, given p_G; links off at kappa = 0.

    `register`: m (S, 2), w, T^L (2, 2, 2), lambda_k (10,), z0 (S,), neighbours and eps (S, K),
    kappa. Space: z (S,) float64, last (S,) int64.
    """
    z0 = register[4]
    for n in range(chosen.shape[0]):
        begin, end = starts[chosen[n]], starts[chosen[n] + 1]
        for s in range(z0.shape[0]):
            z[s] = z0[s]
            last[s] = -1
        for t in range(begin, end):
            out[t] = _register_answer(skill[t], t - begin, right[t], p_g[t], register, z, last)
