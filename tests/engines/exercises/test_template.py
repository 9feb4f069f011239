from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.expression import Operand, evaluated, parsed
from engines.exercises.lexer import NUMBER
from engines.exercises.limits import ExpressionError
from engines.exercises.params import ParamCycle, ParamError, Undrawable, param_plan
from engines.exercises.template import instance, names_in, rendered
from engines.words import AnswerSpec, Item, Misconception
from tests.engines.exercises.items import ALL, BARE, CHOICE, MULTI, TWO_STEP

F = Fraction
VALUES: dict[str, Operand] = {
    "a": 1,
    "b": -3,
    "c": F(-3, 4),
    "m": F(7, 4),
    "n": -1,
    "t": "red",
    "l": (1, F(1, 2)),
}

PRINTED = [
    ("@{a}", "1"),
    ("@{c}", "-3/4"),
    ("$@{c}$", r"$-\frac{3}{4}$"),
    ("$$@{c}$$ @{c}", r"$$-\frac{3}{4}$$ -3/4"),
    (r"\$@{c}", r"\$-3/4"),
    ("@{b:+}", "- 3"),
    ("@{a:+}", "+ 1"),
    ("$@{c:+}$", r"$- \frac{3}{4}$"),
    ("@{a:coef}x", "x"),
    ("@{n:coef}x", "-x"),
    ("@{b:coef}x", "-3x"),
    ("@{a:term}x", "+ x"),
    ("@{n:term}x", "- x"),
    ("@{b:term}x", "- 3x"),
    ("$@{m:frac}$", r"$\frac{7}{4}$"),
    ("$@{b:frac}$", r"$-\frac{3}{1}$"),
    ("@{b:frac}", "-3/1"),
    ("@{m:mixed}", "1 3/4"),
    ("$@{m:mixed}$", r"$1\frac{3}{4}$"),
    ("@{-m:mixed}", "-1 3/4"),
    ("@{c:mixed}", "-3/4"),
    ("@{c:d1}", "-0.8"),
    ("@{c:d2}", "-0.75"),
    ("@{1/3:d0}", "0"),
    ("@{1/200:d2}", "0.01"),
    ("@{-1/3:d2}", "-0.33"),
    ("@{c:pct}", "-75%"),
    ("$@{1/8:pct}$", r"$12.5\%$"),
    ("@{1/3:pct}", "33 1/3%"),
    ("$@{c:raw}$", "$-3/4$"),
    ("@{t}", "red"),
    ("@{l}", "1, 1/2"),
    ("@@{a} is @{a}", "@{a} is 1"),
    ("@{if(a > b, 'x{:}', 'y')}", "x{:}"),
    ("a@b.org {x}", "a@b.org {x}"),
    ("", ""),
]


@pytest.mark.parametrize(("template", "text"), PRINTED)
def test_each_format_prints(template: str, text: str) -> None:
    assert rendered(template, VALUES) == text


@pytest.mark.parametrize(
    ("template", "column"),
    [
        ("x @{a", 3),
        ("x @{a:big}", 7),
        ("x @{a +}", 8),
        ("x @{q}", 5),
        ("x @{1/0}", 6),
        ("@{t:d2}", 1),
        ("@{}", 3),
        ("@{a..b}", 4),
    ],
)
def test_a_faulty_mark_is_told_with_its_column(template: str, column: int) -> None:
    with pytest.raises(ExpressionError) as refused:
        rendered(template, VALUES)
    assert refused.value.column == column


def test_names_in_a_template() -> None:
    assert names_in("@{a*b} $@{if(c > 0, d, 1)}$ @@{e}") == {"a", "b", "c", "d"}


@settings(max_examples=100)
@given(st.fractions(max_denominator=400), st.sampled_from(["", ":frac", ":mixed", ":raw", ":pct"]))
def test_formats_round_trip_through_the_parser(value: F, form: str) -> None:
    for template in (f"@{{v{form}}}", f"$@{{v{form}}}$"):
        printed = rendered(template, {"v": value})
        if form == ":pct" and "frac" not in printed and "/" in printed:
            continue  # a mixed number of per cent reads as 33 + (1/3)%
        if form == ":pct" and "\\frac" in printed:
            continue
        assert evaluated(parsed(printed, NUMBER)) == value


@settings(max_examples=100)
@given(st.text(alphabet="@{}:$'a+d1 ", max_size=25))
def test_any_template_prints_or_is_refused_with_a_place(template: str) -> None:
    try:
        rendered(template, {"a": 2, "d": 3})
    except ExpressionError as refused:
        column = refused.column
    else:
        column = 1
    assert 1 <= column <= len(template) + 2


def test_an_instance_is_its_seed_s_alone() -> None:
    for item in ALL:
        for seed in (0, 1, 2**64 - 1):
            again = instance(
                Item(**{f: getattr(item, f) for f in item.__struct_fields__}), "c", seed
            )
            assert instance(item, "c", seed) == again
    drawn = {instance(TWO_STEP, "c", seed).prompt for seed in range(50)}
    assert len(drawn) > 40
    assert instance(TWO_STEP, "c", 1).values != instance(TWO_STEP, "d", 1).values


def test_a_known_instance_byte_for_byte() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    assert made.prompt == "Solve $9x - 4 = -67$ for $x$."
    assert (made.key, made.accept) == (F(-7), ("x = -7",))
    assert made.wrong == (("sign-slip", F(-71, 9)), ("undivided", F(-63)))


def test_numbers_keep_their_domains_and_conditions() -> None:
    for seed in range(200):
        v = instance(TWO_STEP, "c", seed).values
        assert 2 <= v["a"] <= 9  # type: ignore[operator] # numbers
        assert v["x"] != 0 != v["b"]
        assert v["c"] == v["a"] * v["x"] + v["b"]  # type: ignore[operator] # numbers


def test_an_item_without_numbers_has_one_seed_and_shuffles_by_it() -> None:
    assert instance(BARE, "c", 9) is instance(BARE, "c", 0)
    orders = {tuple(c.id for c in instance(MULTI, "c", s).choices) for s in range(100)}
    assert len(orders) == 24
    assert {c.id for c in instance(CHOICE, "c", 5).choices} == {"low", "high", "none"}


def _item(params: dict[str, dict[str, object]], *where: str, prompt: str = "?") -> Item:
    spec = AnswerSpec(kind="number", value="1")
    return Item(id="p", skills=("s",), prompt=prompt, answer=spec, params=params, where=where)


DOMAINS = [
    ({"int": [1, 9], "step": 4}, {1, 5, 9}),
    ({"int": [1, 3], "not": [2]}, {1, 3}),
    ({"decimal": ["0.5", "0.8"], "places": 1}, {F(1, 2), F(3, 5), F(7, 10), F(4, 5)}),
    (
        {"fraction": {"num": [1, 2], "den": [2, 4], "lowest": True}},
        {F(1, 2), F(1, 3), F(1, 4), F(2, 3)},
    ),
    ({"choice": [1, "3/4", "red"]}, {1, F(3, 4), "red"}),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "domain"), DOMAINS)
def test_each_domain_is_drawn_whole_and_nothing_else(
    spec: dict[str, object], domain: set[object]
) -> None:
    item = _item({"p": spec})
    assert {instance(item, "c", s).values["p"] for s in range(100)} == domain


def test_a_sample_takes_different_ones() -> None:
    item = _item({"l": {"sample": {"from": [1, 2, 3, 4], "n": 3}}}, prompt="@{l[0]}, @{l}")
    drawn = [instance(item, "c", s).values["l"] for s in range(200)]
    assert all(len(set(l)) == 3 for l in drawn)  # type: ignore[arg-type] # lists
    assert len(set(drawn)) == 24


def test_draws_are_close_to_uniform() -> None:
    item = _item({"a": {"int": [0, 4]}, "b": {"int": [0, 3]}})
    counts = dict.fromkeys(((F(a), F(b)) for a in range(5) for b in range(4)), 0)
    for seed in range(4000):
        v = instance(item, "c", seed).values
        counts[v["a"], v["b"]] += 1  # type: ignore[index] # numbers
    chi2 = sum((n - 200) ** 2 / 200 for n in counts.values())
    assert chi2 < 43.8  # the 99.9 % point with 19 degrees of freedom


@pytest.mark.parametrize(
    "params",
    [
        {"gcd": {"int": [1, 2]}},
        {"and": {"int": [1, 2]}},
        {"a b": {"int": [1, 2]}},
        {"a": {"int": [2, 1]}},
        {"a": {"int": [1, 2], "not": [1, 2]}},
        {"a": {"int": 3}},
        {"a": {"int": [1, 2], "step": 0}},
        {"a": {"decimal": ["x", 2]}},
        {"a": {"fraction": [1, 2]}},
        {"a": {"choice": "abc"}},
        {"a": {"sample": {"from": [1], "n": 2}}},
        {"a": {}},
        {"a": {"decimal": [0, 10_000], "places": 3}},
    ],
)
def test_a_bad_parameter_is_refused_by_name(params: dict[str, dict[str, object]]) -> None:
    with pytest.raises(ParamError, match="param '"):
        param_plan(params)


def test_cycles_conditions_and_unknown_names() -> None:
    with pytest.raises(ParamCycle, match="a, b"):
        param_plan({"a": {"expr": "b + 1"}, "b": {"expr": "a"}, "c": {"int": [1, 2]}})
    with pytest.raises(Undrawable, match="200"):
        instance(_item({"a": {"int": [1, 5]}}, "a > 5"), "c", 0)
    with pytest.raises(ExpressionError, match="'q'"):
        instance(_item({"a": {"int": [1, 5]}}, "q > 5"), "c", 0)
    with pytest.raises(ExpressionError, match="'q'"):
        instance(_item({"a": {"int": [1, 5]}}, prompt="@{q}"), "c", 0)
    with pytest.raises(ExpressionError, match="divisor"):
        instance(_item({"a": {"int": [0, 0]}, "b": {"expr": "1/a"}}), "c", 0)


def test_a_misconception_without_a_value_is_left_out() -> None:
    base = _item({"a": {"int": [0, 0]}})
    item = Item(
        id="m",
        skills=("s",),
        prompt="?",
        answer=base.answer,
        params=base.params,
        misconceptions=(Misconception("d", "1/a", ""), Misconception("z", "a", "")),
    )
    assert instance(item, "c", 0).wrong == (("z", F(0)),)
