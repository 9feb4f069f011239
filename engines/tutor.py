"""What follows from an answer: verdict, beliefs, next item. This file is the only composer.

`react` grades, then the scoring takes the answer in, mastery and the success band move, and the
next item is chosen. Which answers count, and how much, is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from engines.beliefs import EIDS, Beliefs
from engines.exercises.grading import graded
from engines.exercises.hints import tells
from engines.learner import kernels, selection, telling
from engines.learner.cards import REVIEW_SHARE, Cards, after_answer, next_due, why_due
from engines.learner.forgetting import rated
from engines.maths.dice import Dice
from engines.quantum import interference
from engines.quantum import kernels as quantum
from engines.quantum.final import kernels as final
from engines.quantum.scoring import Scoring
from engines.words import (
    Answered,
    Chosen,
    Decision,
    Floats,
    LiveDifficulty,
    Mode,
    Moved,
    Syllabus,
    Verdict,
)

RAPID_WEIGHT = 0.25
"""Weight of evidence of a rapid guess (ours): it says something, but little."""
_OWN_ORDER = frozenset[Mode](("exam", "review"))
"""Modes whose items come in an order of their own: no skill comes again out of turn."""


def react(
    beliefs: Beliefs,
    evidence: Answered,
    now_s: float,
    rng: Dice,
    lap: Callable[[str], None] | None = None,
) -> Decision:
    """What follows from one submitted answer; same arguments, same bits.

    - An unreadable answer, or a right one that is not in the form asked under the policy `ask`,
      does not use the attempt: nothing moves, nothing closes.
    - The first attempt without hint or steps is scored: it moves ability, band and mastery; a
      rapid guess moves the scoring a little and nothing else. Any other attempt gives one
      opportunity to learn, once an instance (`evidence.learning_done`).
    - A right answer closes the instance, in mode `exam` any that uses the attempt does; the next
      item is then chosen. `difficulty` is there whenever theta moved.
    - An evidence taken in before (by `eid`) changes nothing and decides nothing.

    `now_s` is the evidence's time, `rng` the dice of its place in the log. `lap` hears "check"
    and "score" as these stages end. Raises ValueError for an item or beliefs of another course.
    """
    verdict = graded(evidence.instance, evidence.response, locale=evidence.syllabus.course.locale)
    if lap is not None:
        lap("check")
    decision = decided(beliefs, evidence, verdict, now_s, rng)
    if lap is not None:
        lap("score")
    return decision


def choose(
    beliefs: Beliefs,
    syllabus: Syllabus,
    now_s: float,
    rng: Dice,
    *,
    skill: str | None = None,
    leaving: str | None = None,
    mode: Mode = "practice",
    again: bool = False,
) -> tuple[Beliefs, Chosen]:
    """The next item without an answer before it, and the beliefs that remember it.

    `skill` asks for one skill (its prerequisites are waived), `leaving` is the item that is left
    and not offered again at once; with `again` its first skill is practised once more, as the
    answer was told. In mode `exam` the most informative item is taken.
    Raises ValueError for an unknown skill or item, or a skill without items.
    """
    beliefs.must_be_of(syllabus)
    asked = -1 if skill is None else _index(syllabus.skill_index, skill, "a skill")
    left = -1 if leaving is None else _index(syllabus.item_index, leaving, "an item")
    once_more = again and asked < 0 and left >= 0
    if once_more:
        asked = int(syllabus.item_skills[left, 0])
    return _next(beliefs, now_s, rng, mode, syllabus, skill=asked, leaving=left, again=once_more)


def decided(
    beliefs: Beliefs, evidence: Answered, verdict: Verdict, now_s: float, rng: Dice
) -> Decision:
    """`react` after grading: the same answer with its verdict known."""
    syllabus = evidence.syllabus
    beliefs.must_be_of(syllabus)
    item = syllabus.item_index.get(evidence.instance.item.id)
    if item is None:
        msg = f"expected an item of {syllabus.course.id}, got {evidence.instance.item.id!r}"
        raise ValueError(msg)
    flags = 0 if evidence.eid in beliefs.eids else _flags(evidence, verdict, syllabus, item)
    state, x, f = beliefs.state.copy(), beliefs.x.copy(), beliefs.f.copy()
    scored = _scored(beliefs, x, f, syllabus, item, flags, now_s)
    kernels.answered(
        state,
        syllabus.item_skills,
        syllabus.bkt,
        syllabus.guess_floor,
        item,
        flags,
        scored.p,
        now_s,
    )
    counted = flags & kernels.COUNTED != 0
    difficulty = None
    if counted:
        difficulty = _difficulty(beliefs, state, x, syllabus, item, scored.p, flags)
    moved: tuple[Moved, ...] = ()
    if flags:
        rows = _told(beliefs.scoring, state, x, syllabus, item, flags)
        cards = _reviewed(beliefs.cards, state, evidence, item, flags, now_s)
        moved = _moves(beliefs.cards, cards, state, syllabus, item, rows)
        eids = (*beliefs.eids[1 - EIDS :], evidence.eid)
        beliefs = beliefs.moved_by(state, x, f, cards, eids)
    chosen = None
    if flags & kernels.NEXT and not evidence.aside:
        again = evidence.again and evidence.mode not in _OWN_ORDER
        skill = int(syllabus.item_skills[item, 0]) if again else -1
        beliefs, chosen = _next(
            beliefs, now_s, rng, evidence.mode, syllabus, skill=skill, leaving=item, again=again
        )
    return Decision(
        beliefs,
        verdict,
        scored.p,
        counted,
        _helped(evidence),
        chosen is not None,
        moved,
        difficulty,
        chosen,
        scored.reasons,
        scored.weight,
        scored.gradient,
        scored.p_raw,
    )


def left_told(beliefs: Beliefs, evidence: Answered, now_s: float) -> Decision:
    """What follows when an item is left whose answer was told: one opportunity, assisted.

    It does what an assisted wrong answer does: nothing is measured, and what is told of mastery
    stays until the next answer tells it. No card is reviewed, for nothing was tried. `evidence` is
    of the item that is left; its response is not read.
    Raises ValueError for evidence without help.
    """
    if not _helped(evidence):
        raise ValueError("expected an item on which help was taken, got one without")
    seen = msgspec.structs.replace(evidence, mode="practice", again=False)
    made = decided(beliefs, seen, Verdict("incorrect", ""), now_s, Dice(0, 0))
    n = len(evidence.syllabus.mastery)
    at = kernels.SKILLS + kernels.SKILL_BELIEVED * n
    state = made.beliefs.state.copy()
    state[at : at + n] = beliefs.state[at : at + n]
    return msgspec.structs.replace(made, beliefs=made.beliefs.moved_by(state), moved=())


def warm() -> None:
    """Runs every kernel once, so that the first learner does not pay for first calls."""
    Dice(0, 0).uint64()
    kernels.warm()
    telling.warm()
    quantum.warm()
    final.warm()


class _Scored(NamedTuple):
    """What the scoring said of one answer."""

    p: float
    p_raw: float
    weight: float | None
    gradient: float
    reasons: tuple[str, ...]


def _scored(
    beliefs: Beliefs,
    x: Floats,
    f: Floats,
    syllabus: Syllabus,
    item: int,
    flags: int,
    now_s: float,
) -> _Scored:
    """Take the answer into `x` and `f`: in full, with less weight, as practice alone, or not."""
    scoring, final = beliefs.scoring, beliefs.final
    if not flags & (kernels.COUNTED | kernels.RAPID):
        practised = flags & kernels.LEARNING != 0
        if practised:
            scoring.practised(x, item, flags & kernels.RIGHT != 0)
        p = float(beliefs.told(np.array([item]), now_s)[0])
        return _Scored(p, p, 0.0 if practised else None, 0.0, ())
    weight = RAPID_WEIGHT if flags & kernels.RAPID else 1.0
    right = flags & kernels.RIGHT != 0
    reasons = _forecast_reasons(scoring, x, syllabus, item)
    out = scoring.answer(x, item, right, weight=weight, guess=guess_rate(syllabus, item))
    combination = scoring.combination_of(item)
    reasons += interference.link_reasons(out, syllabus.combination_titles, combination, right)
    if final is None:
        p = scoring.calibrated(out.p)
    elif weight == 1.0:
        p = final.answer(f, item, out.p, out.p_g, right, now_s)
    else:
        one = np.array([out.p]), np.array([out.p_g])
        p = float(final.forecast(f, np.array([item]), *one, now_s)[0])
    return _Scored(p, out.p, weight, out.gradient, tuple(reasons))


def _forecast_reasons(scoring: Scoring, x: Floats, syllabus: Syllabus, item: int) -> list[str]:
    """What beside the answers on this skill went into the forecast, in words."""
    titles = syllabus.combination_titles
    combination = scoring.combination_of(item)
    faded = interference.forgetting_reason(x, scoring.parameters, combination, titles[combination])
    stirred = None
    if not scoring.straight:
        stirred = interference.interference_reason(scoring, x, titles, item)
    return [reason for reason in (faded, stirred) if reason is not None]


def guess_rate(syllabus: Syllabus, item: int) -> float:
    """P(right without knowing) of an item: its primary skill's, at least 1/choices."""
    skill = syllabus.item_skills[item, 0]
    return float(max(syllabus.guess_floor[item], min(syllabus.bkt[skill, 3], 0.5)))


def _flags(evidence: Answered, verdict: Verdict, syllabus: Syllabus, item: int) -> int:
    """What the answer does, as flags of the kernel; 0 if it does not use the attempt."""
    name = verdict.verdict
    policy = evidence.instance.item.answer.form_policy
    if name == "unreadable" or (name == "wrong_form" and policy == "ask"):
        return 0
    exam = evidence.mode == "exam"
    flags = kernels.USED | (kernels.EXAM if exam else 0)
    if not evidence.learning_done:
        flags |= kernels.LEARNING
    if _helped(evidence):
        flags |= kernels.HELPED
    elif evidence.attempt_no == 1:
        rapid = 0 < evidence.taken_ms < syllabus.rapid_ms[item]  # 0: the client did not say
        flags |= kernels.RAPID if rapid else kernels.COUNTED
    if name == "correct":
        return flags | kernels.RIGHT | kernels.NEXT
    return flags | kernels.NEXT if exam else flags


def _helped(evidence: Answered) -> bool:
    """Whether help was taken before the answer: a hint, steps, or the tutor's telling."""
    return evidence.hints_used > 0 or evidence.steps_shown


def _told(
    scoring: Scoring, state: Floats, x: Floats, syllabus: Syllabus, item: int, flags: int
) -> dict[int, float]:
    """What is told of mastery from now on, noted in `state`: skill -> mastery told before.

    After a right answer nothing told falls, after a wrong one nothing rises, and after a wrong one
    with help it stays: such an answer measures nothing, and what time let fade meanwhile would
    read as a price of the hint. What is believed is noted beside it.
    """
    fresh = scoring.mastery_all(x, syllabus.references)
    rows = np.empty((len(fresh), 2))
    count = telling.told(state, fresh, syllabus.item_skills, item, flags, rows)
    return {int(row): before for row, before in rows[:count].tolist()}


def _moves(
    old: Cards, cards: Cards, state: Floats, syllabus: Syllabus, item: int, rows: dict[int, float]
) -> tuple[Moved, ...]:
    """The skills of which something is told anew: mastery, its interval, when they are due."""
    n = len(syllabus.mastery)
    at = kernels.SKILLS + kernels.SKILL_TOLD * n
    if cards is not old:
        for k in syllabus.item_skills[item].tolist():
            if k >= 0 and cards.due_s(k) != old.due_s(k):
                rows.setdefault(k, float(state[at + k]))
    return tuple(
        Moved(
            syllabus.course.skills[k].id,
            before,
            float(state[at + k]),
            float(state[at + n + k]),
            float(state[at + 2 * n + k]),
            kernels.mastered_at(state, n, k, syllabus.mastery[k]) != 0,
            cards.due_s(k),
        )
        for k, before in rows.items()
    )


def _difficulty(
    beliefs: Beliefs,
    state: Floats,
    x: Floats,
    syllabus: Syllabus,
    item: int,
    p: float,
    flags: int,
) -> LiveDifficulty:
    scoring = beliefs.scoring
    combination = scoring.combination_of(item)
    theta, _ = scoring.theta(beliefs.x, combination)
    after, sd = scoring.theta(x, combination)
    state[kernels.THETA], state[kernels.SD] = after, sd
    right = flags & kernels.RIGHT != 0
    band, band_after = int(beliefs.state[kernels.BAND]), int(state[kernels.BAND])
    low, high = kernels.BAND_LOW[band_after], kernels.BAND_HIGH[band_after]
    if band == band_after:
        reason = selection.moved_reason(right, p, theta, after)
    else:
        reason = selection.band_reason(band, band_after)
    skill = syllabus.course.items[item].skills[0]
    items = scoring.target(x, combination, low, high)
    b = scoring.difficulty_of(item)
    return LiveDifficulty(after, sd, (low, high), after - theta, reason, items, skill, b, right)


def _reviewed(
    cards: Cards, state: Floats, evidence: Answered, item: int, flags: int, now_s: float
) -> Cards:
    """The review cards after the first answer of an instance; a rapid guess reviews nothing.

    Nor does an answer that was told before: its cards come again soon, as they are.
    """
    if flags & kernels.RAPID or not flags & kernels.LEARNING:
        return cards
    assisted = evidence.hints_used > 0 or evidence.steps_shown
    if evidence.aside and assisted and not flags & kernels.RIGHT:
        return cards
    syllabus = evidence.syllabus
    n = len(syllabus.mastery)
    mastered = [
        k
        for k in syllabus.item_skills[item].tolist()
        if k >= 0 and kernels.mastered_at(state, n, k, syllabus.mastery[k])
    ]
    told = evidence.steps_shown if evidence.steps_told is None else evidence.steps_told
    rating = rated(
        right=flags & kernels.RIGHT != 0,
        assisted=assisted,
        told=told or tells(evidence.instance.item, evidence.hints_used),
    )
    return after_answer(cards, syllabus, item, mastered, rating, now_s)


def _next(
    beliefs: Beliefs,
    now_s: float,
    rng: Dice,
    mode: Mode,
    syllabus: Syllabus,
    *,
    skill: int = -1,
    leaving: int = -1,
    again: bool = False,
) -> tuple[Beliefs, Chosen]:
    """The next item, and the beliefs that remember it: a review, or from the open frontier.

    `again`: the skill is not the learner's wish, but comes once more. Of the frontier's items the
    most informative inside the success band come first.
    """
    state = beliefs.state.copy()
    state[kernels.AT_S] = now_s
    due = None
    if skill < 0 and mode != "exam":
        lately = int(state[kernels.REVIEWS]), int(state[kernels.SHOWN])
        share = 1.0 if mode == "review" else REVIEW_SHARE
        due = next_due(beliefs.cards, syllabus, now_s, *lately, share)
    frontier = selection.frontier(
        state,
        syllabus,
        skill=skill if due is None else due,
        leaving=leaving,
        reviewed=due is not None,
        again=again,
    )
    scoring, x = beliefs.scoring, beliefs.x
    informed = scoring.narrowed if mode == "exam" else scoring.informed
    chosen = selection.drawn(
        state,
        syllabus,
        frontier,
        beliefs.told(frontier.items, now_s),
        informed(x, frontier.items),
        rng,
        measuring=mode == "exam",
    )
    if due is not None:
        recalled = float(beliefs.cards.retrievability(now_s)[due])
        title = syllabus.course.skills[due].title
        why = why_due(title, beliefs.cards.last_s(due), now_s, recalled)
        chosen = msgspec.structs.replace(chosen, why=why)
    return beliefs.moved_by(state), chosen


def _index(indices: Mapping[str, int], name: str, what: str) -> int:
    found = indices.get(name)
    if found is None:
        msg = f"expected {what} of this course, got {name!r}"
        raise ValueError(msg)
    return found
