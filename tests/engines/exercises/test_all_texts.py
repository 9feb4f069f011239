"""Every act in every mode on every shipped item, many seeds each: a text, and no locked answer.

8 seeds an item in a usual run; `SEEDS=200 pytest tests/engines/exercises/test_all_texts.py` plays
993,600 texts.
"""

from __future__ import annotations

import os
import re
from functools import cache
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from engines.exercises.course import course_from
from engines.exercises.explain import explained
from engines.exercises.guarded import Guarded
from engines.exercises.guardset import guard_set
from engines.exercises.hints import hint, ladder_length
from engines.exercises.masking import states_key
from engines.exercises.template import instance
from engines.words import ACTS, Course, Instance, Mode, ModeState, Move, Seen, SocraticState

SEEDS = int(os.environ.get("SEEDS", "8"))
SHIPPED = Path(__file__).parents[3] / "server" / "courses" / "linear-equations.json"
MOVES: tuple[Move, ...] = get_args(Move)
ITEMS = 46
_OPEN_END = re.compile(r"(?:\b(?:is|are|equals?|answer|gives?|gets?|makes?|to)|[=(*/^+−-])[\s:]*$")


@cache
def shipped() -> Course:
    return course_from(SHIPPED.read_bytes())


def test_the_course_has_as_many_items() -> None:
    assert len(shipped().items) == ITEMS


def seen_at(made: Instance, seed: int, nth: int, mode: Mode, shown: tuple[str, ...]) -> Seen:
    """A different place for each seed and act: the mistake, the hints, the move, the step."""
    wrong = made.item.misconceptions
    known = wrong[seed % len(wrong)].id if wrong and seed % 3 else None
    plan = SocraticState(seed % 2, MOVES[(seed + nth) % len(MOVES)], 3)
    return Seen(
        attempts=seed % 4,
        verdict="incorrect" if seed % 4 else None,
        misconception=known,
        hints_used=len(shown),
        hint_texts=shown,
        mode=mode,
        acts=(ACTS[nth],) * (seed % 3),
        state=ModeState(plan, step=(seed + nth) % 4),
        example_given=1 + seed % 2,
    )


@pytest.mark.parametrize("place", range(ITEMS), ids=lambda n: shipped().items[n].id)
def test_no_act_in_no_mode_says_a_locked_answer(place: int) -> None:
    item = shipped().items[place]
    acts: set[tuple[str, str]] = set()
    for seed in range(SEEDS):
        made = instance(item, shipped().sha256, seed)
        hints = [hint(made, n)[0] for n in range(1, ladder_length(item))]
        shown = tuple(text for text in hints[: seed % 4] if not states_key(text, made))
        checked: set[str] = set()
        for mode, (nth, act) in product(get_args(Mode), enumerate(ACTS)):
            seen = seen_at(made, seed, nth, mode, shown)
            text = explained(
                act, made, seen, turn_no=seed, key_unlocked=False, learner=f"{seed % 7}"
            )
            assert len(text) > 30, (mode, act, seed)
            acts.add((mode, act))
            # Options are spoken of alike or not in a text as a whole. A number is stated in one
            # paragraph, as none ends where the next one would stand as its answer.
            # What the question prints is no secret.
            said = text.replace(made.prompt.strip(), "")
            for part in [said] if made.choices else said.split("\n\n"):
                if part not in checked:
                    checked.add(part)
                    assert not states_key(part, made), (mode, act, seed, text)
                    assert not _OPEN_END.search(part), (mode, act, seed, text)
    assert len(acts) == len(ACTS) * 6


def test_the_guard_lets_the_built_in_tutor_speak() -> None:
    """It guards these texts too; what it takes for an answer by chance is one text in a hundred."""
    texts = caught = 0
    for item in shipped().items:
        made = instance(item, shipped().sha256, 17)
        guard = guard_set([made])
        said = {
            explained(act, made, seen_at(made, 17, nth, mode, ()), turn_no=3, key_unlocked=False)
            for mode, (nth, act) in product(get_args(Mode), enumerate(ACTS))
        }
        for text in said:
            stage = Guarded(guard)
            shown = stage.push(text) + stage.finish()
            texts += 1
            caught += stage.caught is not None
            assert shown == text or stage.caught is not None
    assert texts > 1000
    assert caught <= texts / 100, f"{caught} of {texts}"
