"""Faults of skills: circles, unknown names, parameters that never reach mastery."""

from typing import Any

import pytest

from engines.exercises.curriculum import settled_mastery, skill_findings
from engines.words import AnswerSpec, Bkt, Course, Item, Misconception, Option, Skill


def found(*skills: Skill, items: list[Item] | None = None, **changed: Any) -> Any:
    listed = items if items is not None else [item(f"i{n}", s.id) for s in skills for n in "123"]
    made = {"license": "CC0", "attribution": ("me",), **changed}
    course = Course("c", "1", "C", skills=skills, items=tuple(listed), **made)
    return [(each.code, each.path) for each in skill_findings(course)]


def item(name: str, *skills: str, **changed: Any) -> Item:
    return Item(f"{name}.{skills[0]}", skills, "?", AnswerSpec("number", "1"), **changed)


def test_a_sound_course_has_no_findings():
    assert found(Skill("a", "A"), Skill("b", "B", requires=("a",))) == []


def test_each_circle_is_told_once():
    circle = [Skill("a", "A", ("c",)), Skill("b", "B", ("a",)), Skill("c", "C", ("b",))]
    assert found(*circle) == [("C501", ("skills", 0, "requires"))]
    alone = Skill("a", "A", ("a",))
    assert found(alone) == [("C501", ("skills", 0, "requires"))]
    beside = [*circle, Skill("d", "D", ("e", "a")), Skill("e", "E", ("d",))]
    assert [code for code, _ in found(*beside)] == ["C501", "C501"]


def test_a_diamond_and_a_long_chain_are_no_circles():
    diamond = [Skill("a", "A"), Skill("b", "B", ("a",)), Skill("c", "C", ("a",))]
    assert found(*diamond, Skill("d", "D", ("b", "c"))) == []
    chain = [Skill(f"s{n}", "S", (f"s{n + 1}",) if n < 1500 else ()) for n in range(1501)]
    codes = {code for code, _ in found(*chain, items=[item("i", "s0")])}
    assert codes == {"C503", "C504"}


def test_unknown_skills_are_told_where_they_stand():
    skills = [Skill("a", "A", ("x",))]
    items = [item("1", "a"), item("2", "a", "y"), item("3", "a")]
    assert found(*skills, items=items) == [
        ("C502", ("skills", 0, "requires", 0)),
        ("C502", ("items", 1, "skills", 1)),
    ]


def test_repeated_ids_of_every_kind():
    twice = (Option("o", "1"), Option("o", "2"))
    wrong = (Misconception("m", "1", "?"), Misconception("m", "2", "?"))
    items = [item("1", "a", options=twice), item("1", "a", misconceptions=wrong), item("2", "a")]
    assert found(Skill("a", "A"), items=items) == [
        ("C103", ("items", 1, "id")),
        ("C103", ("items", 0, "options", 1, "id")),
        ("C103", ("items", 1, "misconceptions", 1, "id")),
    ]


def test_rights_must_be_named():
    paths = found(Skill("a", "A"), license=" ", attribution=("",))
    assert paths == [("C701", ("license",)), ("C701", ("attribution",))]


@pytest.mark.parametrize(
    ("bkt", "mastery", "place"),
    [
        (Bkt(slip=0.5, guess=0.5), 0.95, "bkt"),
        (Bkt(slip=0.31), 0.95, "bkt"),
        (Bkt(forget=0.2), 0.95, "mastery"),
        (Bkt(), 0.99, "mastery"),
    ],
)
def test_parameters_out_of_reach(bkt, mastery, place):
    skill = Skill("a", "A", bkt=bkt, mastery=mastery)
    assert found(skill) == [("C505", ("skills", 0, place))]


def test_right_answers_settle_below_one_where_there_is_forgetting():
    assert settled_mastery(Skill("a", "A", bkt=Bkt(forget=0.0))) == pytest.approx(1.0)
    assert settled_mastery(Skill("a", "A", bkt=Bkt(guess=0.0, slip=0.0))) == pytest.approx(0.98)
    assert settled_mastery(Skill("a", "A", bkt=Bkt(init=0.0, learn=0.0))) == 0.0
