"""The next item: inside the band, behind no closed door, not again too soon, and with a reason."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import tutor
from engines.beliefs import Beliefs
from engines.learner import kernels as k
from engines.learner import selection
from engines.learnt import Learnt
from engines.maths.dice import Dice
from engines.pinning import pinned, shipped
from engines.words import Syllabus
from tests.engines.courses import RIGHT, WRONG, Simulated, answered, course, item, line, skill


def _with(of: Syllabus, learnt: dict[str, float]) -> Beliefs:
    """Fresh beliefs with P(L) and mastery told set; skills at .95 or more count as mastered."""
    fresh = Beliefs.fresh(of)
    state = fresh.state.copy()
    blocks = state[k.SKILLS :].reshape(k.BLOCKS, -1)
    for name, chance in learnt.items():
        at = of.skill_index[name]
        blocks[:4, at] = (5.0, chance, 1.0, chance)
        blocks[k.SKILL_BELIEVED, at] = chance
    return fresh.moved_by(state)


def _choices(beliefs: Beliefs, of: Syllabus, n: int = 200, **more) -> Counter[str]:
    return Counter(tutor.choose(beliefs, of, 0.0, Dice(9, at), **more)[1].item for at in range(n))


def test_the_lowest_open_skill_comes_first_ties_in_course_order() -> None:
    of = line(4, 8, spread=0.0)
    assert set(_choices(Beliefs.fresh(of), of)) == {"item.0", "item.4"}
    beliefs = _with(of, {"skill.0": 0.6, "skill.1": 0.97, "skill.2": 0.3, "skill.3": 0.3})
    assert set(_choices(beliefs, of)) == {"item.2", "item.6"}


def test_a_skill_opens_once_its_prerequisites_are_mastered() -> None:
    of = line(3, 6, chain=True, spread=0.0)
    beliefs = _with(of, {"skill.0": 0.94, "skill.1": 0.1, "skill.2": 0.0})
    assert set(_choices(beliefs, of)) == {"item.0", "item.3"}
    beliefs = _with(of, {"skill.0": 0.96, "skill.1": 0.6, "skill.2": 0.0})
    assert set(_choices(beliefs, of)) == {"item.1", "item.4"}


def test_an_item_waits_for_all_of_its_skills() -> None:
    of = course(
        [skill(0), skill(1), skill(2, (1,))], [item(0, (0, 2)), item(1, (0, 1)), item(2, (1,))]
    )
    assert set(_choices(Beliefs.fresh(of), of)) == {"item.1"}


def test_when_no_item_fits_the_nearest_skill_is_worked_on() -> None:
    of = course([skill(0), skill(1, (0,))], [item(0, (0, 1))])
    chosen = tutor.choose(Beliefs.fresh(of), of, 0.0, Dice(0, 0))[1]
    assert chosen.item == "item.0"
    assert chosen.why.startswith("Nothing else fits yet; the nearest skill (skill 0,")


def test_all_mastered_keeps_the_weakest_fresh() -> None:
    of = line(3, 6, spread=0.0)
    beliefs = _with(of, {"skill.0": 0.99, "skill.1": 0.96, "skill.2": 0.98})
    assert set(_choices(beliefs, of)) == {"item.1", "item.4"}
    why = tutor.choose(beliefs, of, 0.0, Dice(1, 1))[1].why
    assert why.startswith("All is mastered; your weakest skill (skill 1, 0.96); ")


def test_one_of_the_three_most_informative_inside_the_band() -> None:
    of = course([skill(0)], [item(i, (0,), -3.0 + 0.05 * i) for i in range(80)])
    beliefs = Beliefs.fresh(of)
    inside = [i for i in range(80) if 0.7 <= beliefs.p_right(of, f"item.{i}") <= 0.8]
    told = beliefs.scoring.informed(beliefs.x, np.array(inside))
    best = sorted(inside, key=lambda i: -told[inside.index(i)])[:3]
    drawn = _choices(beliefs, of, 1000)
    assert len(inside) > 3
    assert set(drawn) == {f"item.{i}" for i in best}
    assert all(280 <= times <= 390 for times in drawn.values())


def test_an_item_that_many_have_seen_waits_while_others_would_do() -> None:
    made = course([skill(0)], [item(i, (0,), -1.0, fixed=i < 4) for i in range(6)]).course
    learnt = Learnt.nothing(shipped(made).parameters)
    learnt.shown, learnt.lessons = [50.0, 39.0, 90.0, 41.0, 99.0, 0.0], 100.0
    of = pinned(made, None, learnt)
    drawn = _choices(Beliefs.fresh(of), of)
    assert set(drawn) == {"item.1", "item.4", "item.5"}, "numbers drawn anew are no secret"
    learnt.lessons = 29.0
    of = pinned(made, None, learnt)
    assert len(_choices(Beliefs.fresh(of), of)) == 6
    all_seen = course([skill(0)], [item(i, (0,), fixed=True) for i in range(2)]).course
    worn = Learnt.nothing(shipped(all_seen).parameters)
    worn.shown, worn.lessons = [90.0, 90.0], 100.0
    of = pinned(all_seen, None, worn)
    assert set(_choices(Beliefs.fresh(of), of)) == {"item.0", "item.1"}


def test_outside_the_band_the_nearest() -> None:
    of = course([skill(0)], [item(i, (0,), d) for i, d in enumerate((-5.0, -1.5, -0.7, 2.0))])
    assert set(_choices(Beliefs.fresh(of), of)) == {"item.1"}


def test_equal_items_take_turns() -> None:
    of = course([skill(0)], [item(i, (0,)) for i in range(40)])
    drawn = _choices(Beliefs.fresh(of), of, 2000)
    assert len(drawn) == 40
    assert max(drawn.values()) <= 90


def test_an_examination_measures_whatever_the_success() -> None:
    of = course([skill(0)], [item(i, (0,), -1.0 + 0.2 * i) for i in range(20)])
    beliefs = Beliefs.fresh(of)
    drawn = _choices(beliefs, of, mode="exam")
    told = beliefs.scoring.narrowed(beliefs.x, np.arange(20))
    assert set(drawn) == {f"item.{i}" for i in np.argsort(-told)[:3]}
    chosen = tutor.choose(beliefs, of, 0.0, Dice(0, 0), mode="exam")[1]
    mastery = beliefs.mastery(of)["skill.0"][0]
    assert chosen.why.startswith(
        f"Says most about your level in skill 0 ({mastery:.2f}); chance of success"
    )


def test_a_wish_for_a_skill_is_honoured() -> None:
    of = line(4, 40, chain=True)
    beliefs = Beliefs.fresh(of)
    for at in range(30):
        beliefs, chosen = tutor.choose(beliefs, of, 0.0, Dice(2, at), skill="skill.3")
        assert of.course.items[of.item_index[chosen.item]].skills == ("skill.3",)
        mastery = beliefs.mastery(of)["skill.3"][0]
        assert chosen.why.startswith(f"The skill you asked for (skill 3, {mastery:.2f}); ")


def test_what_is_unknown_is_refused() -> None:
    of = line(2, 4)
    beliefs = Beliefs.fresh(of)
    with pytest.raises(ValueError, match=r"expected a skill .* 'nope'"):
        tutor.choose(beliefs, of, 0.0, Dice(0, 0), skill="nope")
    with pytest.raises(ValueError, match=r"expected an item .* 'nope'"):
        tutor.choose(beliefs, of, 0.0, Dice(0, 0), leaving="nope")
    bare = course([skill(0), skill(1)], [item(0, (0,))])
    with pytest.raises(ValueError, match="found none"):
        tutor.choose(Beliefs.fresh(bare), bare, 0.0, Dice(0, 0), skill="skill.1")


def test_the_item_left_is_not_offered_at_once() -> None:
    of = course([skill(0)], [item(0, (0,)), item(1, (0,))])
    assert set(_choices(Beliefs.fresh(of), of, leaving="item.0")) == {"item.1"}
    alone = course([skill(0)], [item(0, (0,))])
    assert set(_choices(Beliefs.fresh(alone), alone, leaving="item.0")) == {"item.0"}


@pytest.mark.parametrize(("n_skills", "n_items"), [(9, 40), (1, 6), (30, 60), (187, 400)])
@pytest.mark.parametrize("chain", [True, False])
def test_no_item_again_within_five(n_skills: int, n_items: int, chain: bool) -> None:
    of = line(n_skills, n_items, chain=chain)
    learner = Simulated(of, 1.0, 4)
    for _ in range(120):
        learner.step()
    shown = [chosen.item for chosen in learner.shown]
    of_first = sum("skill.0" in each.skills for each in of.course.items)
    if of_first < 6 and chain:  # a lone open skill with few items: none twice in a row at least
        assert all(a != b for a, b in pairwise(shown))
        seen_later = shown[60:] if learner.beliefs.mastered(of) else []
    else:
        seen_later = shown
    for at in range(5, len(seen_later)):
        assert seen_later[at] not in seen_later[at - 5 : at]


def test_seeds_are_new_and_an_unchanging_item_has_none() -> None:
    of = course([skill(0)], [*(item(i, (0,)) for i in range(4)), item(4, (0,), fixed=True)])
    beliefs = Beliefs.fresh(of)
    seen = set()
    for at in range(60):
        beliefs, chosen = tutor.choose(beliefs, of, 0.0, Dice(2, at))
        if chosen.item == "item.4":
            assert chosen.seed == 0
        else:
            assert 1 <= chosen.seed < 2**53
            assert (chosen.item, chosen.seed) not in seen
        seen.add((chosen.item, chosen.seed))


def test_unchanging_items_come_again_only_when_all_were_seen() -> None:
    of = course([skill(0)], [item(i, (0,), 0.1 * i, fixed=True) for i in range(30)])
    beliefs, order = Beliefs.fresh(of), []
    for at in range(30):
        beliefs, chosen = tutor.choose(beliefs, of, 0.0, Dice(2, at))
        order.append(chosen.item)
    assert len(set(order)) == 30


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.1, 0.4, 0.9]))
def test_prerequisites_hold_on_random_graphs(key: int, density: float) -> None:
    bits = np.random.Generator(np.random.PCG64(key))
    n = int(bits.integers(2, 12))
    order = bits.permutation(n)
    needs = {
        int(s): tuple(int(j) for j in order[:at] if bits.random() < density)
        for at, s in enumerate(order)
    }
    of = course(
        [skill(s, needs[s]) for s in range(n)],
        [item(i, (i % n,), float(bits.normal(-1, 1))) for i in range(3 * n)],
    )
    learner = Simulated(of, 2.0, key)
    for _ in range(60):
        mastered = learner.beliefs.mastered(of)
        taught = of.course.items[of.item_index[learner.chosen.item]].skills[0]
        assert set(of.course.skills[of.skill_index[taught]].requires) <= mastered
        learner.step()
        if learner.rights[-1] is False:  # what was mastered may be lost; the item shown stays open
            learner.beliefs, learner.chosen = tutor.choose(
                learner.beliefs, of, 0.0, Dice(key, 1000 + learner.n)
            )


def test_success_stays_inside_the_band() -> None:
    of = line(9, 200, spread=1.5)
    rates, changes = [], []
    for key, theta in enumerate(np.random.Generator(np.random.PCG64(1)).normal(0, 1, 300)):
        learner = Simulated(of, float(theta), key)
        bands = []
        for _ in range(40):
            learner.step()
            bands.append(learner.beliefs.target)
        rates.append(np.mean(learner.rights))
        moved = [n for n in range(1, 40) if bands[n] != bands[n - 1]]
        changes += [b - a for a, b in pairwise(moved)]
    assert 0.65 <= float(np.mean(rates)) <= 0.85
    assert min(changes) >= 3


def _bands(answers: str, p_high: bool = False) -> list[tuple[float, float]]:
    """The target after each scored answer to an item of P about .73, or above .95."""
    of = course([skill(0)], [item(0, (0,), -6.0 if p_high else -1.0)])
    beliefs, targets = Beliefs.fresh(of), []
    for n, answer in enumerate(answers):
        verdict = RIGHT if answer == "R" else WRONG
        decision = tutor.decided(beliefs, answered(of, "item.0", f"{n}"), verdict, 0.0, Dice(0, n))
        beliefs = decision.beliefs
        assert decision.difficulty is not None
        targets.append(decision.difficulty.target)
    return targets


NORMAL, EASIER, HARDER = (0.70, 0.80), (0.85, 0.92), (0.60, 0.72)


def test_two_misses_make_it_easier_and_two_rights_bring_it_back() -> None:
    assert _bands("WWRRR") == [NORMAL, EASIER, EASIER, EASIER, NORMAL]
    assert _bands("RWRWWR") == [NORMAL] * 4 + [EASIER] * 2


def test_five_easy_rights_make_it_harder_and_a_miss_brings_it_back() -> None:
    assert _bands("RRRRRRR", p_high=True) == [NORMAL] * 4 + [HARDER] * 3
    assert _bands("RRRRRRRRW", p_high=True)[-2:] == [HARDER, NORMAL]
    assert _bands("RRRRRW", p_high=True)[-1] == HARDER  # held for three answers


def test_band_reasons() -> None:
    assert [
        selection.band_reason(*change)
        for change in ((0, 1), (0, 2), (1, 0), (2, 0))
    ] == [
        "Two misses: next ones should succeed about 17 times in 20",
        "Five easy ones right in a row: next ones should succeed about 13 times in 20",
        "Two right again: next ones should succeed about 15 times in 20",
        "A miss: next ones should succeed about 15 times in 20",
    ]  # fmt: skip


@pytest.mark.parametrize("cause", range(k.NOTHING))
@pytest.mark.parametrize("n_open", [0, 1, 999])
@pytest.mark.parametrize("p", [0.99, 0.75, 0.5, 0.1])
def test_reasons_are_one_short_sentence(cause: int, n_open: int, p: float) -> None:
    for measuring in (False, True):
        why = selection.why_chosen(cause, "x" * 300, 0.6234, n_open, p, measuring=measuring)
        assert len(why) <= selection.WHY_CHARS
        assert "0.62" in why
        assert f"{p:.2f}" in why
    assert "skills" not in selection.why_chosen(k.OPEN, "x", 0.6, 1, p)
