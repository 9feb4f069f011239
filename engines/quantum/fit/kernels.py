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
WORK = 12
"""Scratch matrices of d*d numbers that a pass over learners needs."""

_F1, _F2, _I1 = "float64[::1]", "float64[:,::1]", "int64[::1]"
TURNED = (3, 4, 8)
"""Levels d that `density_pass` is compiled for."""


def _products(
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

    return types.void(levels, out, at, left, a, b, right, x, y), generated


_two_products: Any = intrinsic(_products)


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
        _undo_channel(levels, seen, row, jump, damp, y, work, by_jump, by_damp)
        off = _logit_gradient(levels, past, seen, row, work, two, y, s, item[t], by_level, by_item)
        worst = max(worst, abs(off))
        kept = 0.0
        weight = lam if t > begin else 1.0
        for x in range(dd):
            kept += work[two + x] * prepared[s, x]
            by_start[s, x] += weight * work[two + x]
            work[effect + x] = (1.0 - lam) * work[two + x]
        by_lag[0] += (kept - 1.0) / (1.0 - lam)
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
def _undo_channel(
    levels: Any, seen: Any, row: Any, jump: Any, damp: Any, y: Any, work: Any, by_jump: Any,
    by_damp: Any,
) -> None:  # fmt: skip
    """work[3dd:] = Lambda'' of Lambda_R in work[2dd:], and the channel's gradients; Q is known."""
    d = len(levels)
    dd = d * d
    effect, two = 2 * dd, 3 * dd
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


_PHYSICS = f"Tuple(({_F1}, {_F2}, {_F2}, {_F1}, {_F1}, {_F2}, {_F2}))"
_GRADIENTS = f"Tuple(({_F2}, {_F1}, {_F2}, {_F2}, {_F1}, {_F2}, {_F2}))"


@kernel(
    *(
        f"UniTuple(float64, 2)(UniTuple(int64, {d}), {_I1}, {_I1}, {_I1}, {_I1}, {_I1}, "
        f"{_PHYSICS}, {_F2}, {_F2}, {_F1}, {_F1}, {_F1}, boolean, {_GRADIENTS})"
        for d in TURNED
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
