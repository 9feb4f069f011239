"""The compiled loops equal their plain twin, and nothing is compiled while a learner waits."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import tutor
from engines.beliefs import Beliefs
from engines.learner import kernels as k
from engines.learner import telling
from engines.maths import kernels as compiling
from engines.words import Syllabus
from tests.engines.courses import Simulated, course, item, skill
from tests.engines.learner.twin import Twin

words = st.integers(0, 2**64 - 1)


@st.composite
def courses(draw):
    """Random courses: any prerequisites that go forward, one to three skills an item."""
    n_skills = draw(st.integers(1, 7))
    pick = st.integers(0, 2**32 - 1)
    bits = np.random.Generator(np.random.PCG64(draw(pick)))
    density = draw(st.sampled_from([0.0, 0.3, 0.8]))
    skills = [
        skill(s, tuple(int(j) for j in np.flatnonzero(bits.random(s) < density)))
        for s in range(n_skills)
    ]
    items = [
        item(
            i,
            tuple(dict.fromkeys(int(s) for s in bits.integers(0, n_skills, bits.integers(1, 4)))),
            float(bits.normal(-1, 1)),
            fixed=bool(bits.random() < 0.5),
        )
        for i in range(draw(st.integers(1, 24)))
    ]
    return course(skills, items), bits


@settings(max_examples=80, deadline=None)
@given(courses(), st.integers(1, 60))
def test_a_lesson_equals_the_twin(made, length: int) -> None:
    of, bits = made
    state = Beliefs.fresh(of).state.copy()
    for n in range(length):
        twin = Twin(state, of)
        kind, at = bits.random(), int(bits.integers(0, len(of.d)))
        if kind < 0.4:
            asked, leaving = (int(bits.integers(-1, size)) for size in (len(of.mastery), len(of.d)))
            _choose(state, twin, of, bits, asked, leaving)
        elif kind < 0.7:
            flags, p = int(bits.integers(0, 256)), float(bits.random())
            k.answered(state, of.item_skills, of.bkt, of.guess_floor, at, flags, p, float(n))
            twin.answered(at, flags, p, float(n))
        else:
            fresh, rows = _fresh(bits, len(of.mastery)), np.empty((len(of.mastery), 2))
            flags = int(bits.integers(0, 256))
            if bits.random() < 0.2:
                telling.tell_all(state, fresh)
                twin.tell_all(fresh)
            count = telling.told(state, fresh, of.item_skills, at, flags, rows)
            twin.believe(fresh, at, flags)
            assert dict(rows[:count].tolist()) == twin.tell(fresh, at, flags)
        assert state == pytest.approx(twin.array(), abs=1e-12)
        if bits.random() < 0.3:  # as `selection.drawn` does for an item without params
            state[k.RING_SEED + (int(state[k.RING_NEXT]) - 1) % k.RING] = 0.0
    assert np.isfinite(state).all()


def _fresh(bits, n: int) -> np.ndarray:
    """Mastery of n skills with its interval."""
    low, p, high = np.sort(bits.random((n, 3))).T
    return np.column_stack([p, low, high])


def _choose(state, twin: Twin, of: Syllabus, bits, asked: int, leaving: int) -> None:
    room = np.empty(len(of.d), np.int64)
    arrays = (of.item_skills, of.items_of, of.needs_of, of.mastery)
    count, *rest = k.candidates(state, *arrays, asked, leaving, room)
    found, *expected = twin.candidates(asked, leaving)
    assert (room[:count].tolist(), rest) == (found, expected)
    if not found:
        return
    p, information = bits.random(count), bits.integers(0, 4, count) / 4.0
    band = ((0.7, 0.8), (0.85, 0.92), (0.6, 0.72), (0.0, 1.0))[bits.integers(4)]
    words = int(bits.integers(2**63)) * 2 + 1, int(bits.integers(2**63)) * 2
    got = k.drawn(state, room[:count], p, information, *band, *words)
    assert got == twin.drawn(found, p, information, band, words)


@given(word=words)
def test_a_used_seed_is_not_given_again(word: int) -> None:
    of = course([skill(0)], [item(0, (0,))])
    state = Beliefs.fresh(of).state.copy()
    found, one = np.zeros(1, np.int64), np.ones(1)
    seeds = [k.drawn(state, found, one, one, 0.0, 1.0, 0, word)[1] for _ in range(k.RING)]
    assert len(set(seeds)) == k.RING
    assert all(1 <= seed < 2**53 and seed == int(seed) for seed in seeds)


def test_nothing_is_compiled_after_import() -> None:
    before = compiling.compiled()
    assert before >= len(compiling.KERNELS) >= 12
    tutor.warm()
    of = course([skill(0)], [item(0, (0,))])
    Simulated(of, 0.0, 1).step()
    room = np.empty(1, np.int64)
    for state in (Beliefs.fresh(of).state.copy(), np.zeros(k.SKILLS + k.BLOCKS)):
        arrays = (of.item_skills, of.items_of, of.needs_of, of.mastery.copy())
        k.candidates(state, *arrays, -1, 0, room)
        for found in (room, room[:1]):
            k.drawn(state, found, np.ones(1), np.ones(1), 0.0, 1.0, 1, 2**64 - 1)
    assert compiling.compiled() == before


def test_without_a_cache_folder_kernels_still_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiling.cached()
    real = numba.njit

    def refusing(*args, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", refusing)
    monkeypatch.setattr(compiling, "KERNELS", [])
    monkeypatch.setattr(compiling, "_uncached", [])
    double: Callable[[float], float] = compiling.kernel("float64(float64)")(lambda x: x + x)
    assert double(2.0) == 4.0
    assert compiling.compiled() == 1
    assert not compiling.cached()
