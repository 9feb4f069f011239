"""The simulated learner's guesses at a widget are values that the judge reads."""

from __future__ import annotations

import random

import pytest

from bench.learner import guessed
from engines.exercises.course import course_from
from engines.exercises.grading import graded
from engines.exercises.template import instance
from streaming.frames import widget_shown
from tests.engines.exercises.widget_items import MATCH, ORDER, PARSONS, PARTS, widget_course

COURSE = course_from(widget_course(ORDER, MATCH, PARSONS, PARTS))


@pytest.mark.parametrize("item", COURSE.items, ids=lambda item: item.id)
def test_a_guess_is_read(item):
    dice = random.Random(3)
    for seed in range(10):
        made = instance(item, COURSE.sha256, seed)
        assert graded(made, guessed(widget_shown(made), dice)).verdict != "unreadable"


def test_where_a_number_is_asked_for_there_is_no_guess():
    assert guessed({"kind": "number-line"}, random.Random(1)) is None
    assert guessed(None, random.Random(1)) is None
