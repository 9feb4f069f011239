"""What follows from an answer: verdict, beliefs, next item. This file is the only composer.

`react` grades, then one compiled call moves ability, mastery and the success band and chooses the
next item. Which answers count is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

from engines.exercises.grading import graded
from engines.learner import ability, kernels, selection
from engines.learner.beliefs import EIDS, Beliefs
from engines.maths.dice import Dice
from engines.words import (
    Answered,
    Chosen,
    Decision,
    LiveDifficulty,
    Mode,
    Moved,
    Syllabus,
    Verdict,
)

Found = tuple[float, ...]
"""What `kernels.answered` returns: live difficulty 0-5, P(L) pairs 6-13, the choice 14-20."""


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
    - The first attempt without hint or steps is scored: it moves ability, band and mastery. Any
      other gives one opportunity to learn, once an instance (`evidence.learning_done`).
    - A right answer closes the instance, in mode `exam` any that uses the attempt does; the next
      item is then chosen. `difficulty` is there whenever theta moved.
    - An evidence taken in before (by `eid`) changes nothing and decides nothing.

    `now_s` is the evidence's time, `rng` the dice of its place in the log. `lap` hears "check"
    and "score" as these stages end. Raises ValueError for an item or beliefs of another course.
    """
    verdict = graded(evidence.instance, evidence.response)
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
) -> tuple[Beliefs, Chosen]:
    """The next item without an answer before it, and the beliefs that remember it.

    `skill` asks for one skill (its prerequisites are waived), `leaving` is the item that is left
    and not offered again at once. In mode `exam` the most informative item is taken.
    Raises ValueError for an unknown skill or item, or a skill without items.
    """
    return selection.following(
        beliefs, syllabus, now_s, rng, skill=skill, leaving=leaving, measuring=mode == "exam"
    )


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
    eids = beliefs.eids
    flags = 0 if evidence.eid in eids else _flags(evidence, verdict)
    following = flags & kernels.NEXT
    word, seed_word = rng.pair() if following else (0, 0)
    state = beliefs.state.copy()
    found = kernels.answered(
        state,
        syllabus.d,
        syllabus.item_skills,
        syllabus.items_of,
        syllabus.needs_of,
        syllabus.bkt,
        syllabus.mastery,
        syllabus.guess_floor,
        item,
        flags,
        now_s,
        word,
        seed_word,
    )
    chosen = None
    if following:
        chosen = selection.told(found[14:], syllabus, state, measuring=evidence.mode == "exam")
    if flags:
        beliefs = Beliefs(syllabus.course, state, (*eids[1 - EIDS :], evidence.eid))
    counted = flags & kernels.COUNTED != 0
    return Decision(
        beliefs,
        verdict,
        found[0],
        counted,
        evidence.hints_used > 0 or evidence.steps_shown,
        following != 0,
        _moved(evidence.instance.item.skills, found),
        _difficulty(found, flags & kernels.RIGHT != 0) if counted else None,
        chosen,
    )


def warm() -> None:
    """Runs every kernel once, so that the first learner does not pay for first calls."""
    Dice(0, 0).uint64()
    kernels.warm()


def _flags(evidence: Answered, verdict: Verdict) -> int:
    """What the answer does, as flags of the kernel; 0 if it does not use the attempt."""
    name = verdict.verdict
    policy = evidence.instance.item.answer.form_policy
    if name == "unreadable" or (name == "wrong_form" and policy == "ask"):
        return 0
    exam = evidence.mode == "exam"
    flags = kernels.USED | (kernels.EXAM if exam else 0)
    if not evidence.learning_done:
        flags |= kernels.LEARNING
    if evidence.attempt_no == 1 and not evidence.hints_used and not evidence.steps_shown:
        flags |= kernels.COUNTED
    if name == "correct":
        return flags | kernels.RIGHT | kernels.NEXT
    return flags | kernels.NEXT if exam else flags


def _moved(skills: tuple[str, ...], found: Found) -> tuple[Moved, ...]:
    if len(skills) == 1:
        return (Moved(skills[0], found[6], found[7]),) if found[6] != found[7] else ()
    pairs = zip(skills, found[6:14:2], found[7:14:2], strict=False)
    return tuple(Moved(skill, old, new) for skill, old, new in pairs if old != new)


def _difficulty(found: Found, right: bool) -> LiveDifficulty:
    p, theta, after, sd, band, band_after = found[:6]
    target = kernels.BAND_LOW[int(band_after)], kernels.BAND_HIGH[int(band_after)]
    if band == band_after:
        reason = ability.moved_reason(right, p, theta, after)
    else:
        reason = selection.band_reason(int(band), int(band_after))
    return LiveDifficulty(after, sd, target, after - theta, reason)
