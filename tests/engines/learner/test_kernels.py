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
from engines.maths import kernels as compiling
from tests.engines.courses import course, item, skill
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
    arrays = (of.d, of.item_skills, of.items_of, of.needs_of)
    for n in range(length):
        word, seed_word = (int(w) for w in bits.integers(0, 2**64, 2, dtype=np.uint64))
        twin = Twin(state, of)
        if bits.random() < 0.2:
            asked = int(bits.integers(-1, len(of.mastery)))
            leaving = int(bits.integers(-1, len(of.d)))
            exam = int(bits.integers(0, 2))
            got = k.chosen(state, *arrays, of.mastery, asked, leaving, exam, word, seed_word)
            expected = twin.choice(asked, leaving, bool(exam), word, seed_word)
            assert got == pytest.approx(expected, abs=1e-12)
        else:
            at, flags = int(bits.integers(0, len(of.d))), int(bits.integers(0, 64))
            got = k.answered(
                state, *arrays, of.bkt, of.mastery, of.guess_floor, at, flags, n, word, seed_word
            )
            live, pairs, choice = twin.answered(at, flags, float(n), word, seed_word)
            assert got[:6] == pytest.approx(live, abs=1e-12)
            flat = [v for pair in pairs for v in pair]
            assert got[6 : 6 + len(flat)] == pytest.approx(flat, abs=1e-12)
            if choice is not None:
                assert got[14:] == pytest.approx(choice, abs=1e-12)
        assert state == pytest.approx(twin.array(), abs=1e-12)
        if bits.random() < 0.3:  # as `selection.told` does for an item without params
            state[k.RING_SEED + (int(state[k.RING_NEXT]) - 1) % k.RING] = 0.0
    assert np.isfinite(state).all()


@given(word=words)
def test_a_used_seed_is_not_given_again(word: int) -> None:
    of = course([skill(0)], [item(0, (0,))])
    state = Beliefs.fresh(of).state.copy()
    arrays = (of.d, of.item_skills, of.items_of, of.needs_of, of.mastery)
    seeds = [k.chosen(state, *arrays, -1, -1, 0, 0, word)[1] for _ in range(k.RING)]
    assert len(set(seeds)) == k.RING
    assert all(1 <= seed < 2**53 and seed == int(seed) for seed in seeds)


def test_nothing_is_compiled_after_import() -> None:
    before = compiling.compiled()
    assert before == len(compiling.KERNELS) >= 12
    tutor.warm()
    of = course([skill(0)], [item(0, (0,))])
    for state in (Beliefs.fresh(of).state.copy(), np.zeros(k.SKILLS + 4)):
        for d in (of.d, of.d.copy()):  # read-only and not
            k.chosen(
                state,
                d,
                of.item_skills,
                of.items_of,
                of.needs_of,
                of.mastery,
                -1,
                0,
                False,
                1,
                2**64 - 1,
            )
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
