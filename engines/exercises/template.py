"""Items with their numbers drawn and their texts printed. This file is where an instance is made.

Every template and plan is compiled once and kept, so that making an instance costs microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from engines.exercises.computed import Computed, computed
from engines.exercises.expression import NAME, Code, Operand, parsed
from engines.exercises.formats import Format, format_named, is_decimal, shortest
from engines.exercises.functions import Inexact
from engines.exercises.keys import SYMBOLIC, key_code, put_in
from engines.exercises.limits import ExpressionError
from engines.exercises.marks import localised
from engines.exercises.params import Draw, drawn, known, param_plan, shuffled
from engines.exercises.units import unit_named, units_asked
from engines.exercises.widgets import expressions, shown_widget, shuffles, templates
from engines.maths.dice import Dice
from engines.widget_words import ShownWidget
from engines.words import Instance, Item, ShownChoice, Value


@dataclass(frozen=True, slots=True)
class Mark:
    """One `@{expr:format}`; `name` is set where the expression is a name alone.

    `local` says that the format prints decimals, whose mark is the locale's.
    """

    code: Code
    form: Format
    latex: bool
    name: str
    column: int
    local: bool = False
    value: Computed = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """The code is made ready once."""
        object.__setattr__(self, "value", computed(self.code))

    def text(self, values: Mapping[str, Operand], locale: str = "en") -> str:
        """The mark printed. Raises ExpressionError where its value does not exist."""
        value = values.get(self.name) if self.name else None
        if type(value) is int and self.form is shortest:
            return str(value)
        try:
            text = self.form(self.value(values), self.latex)
        except ExpressionError as error:
            raise error.moved(self.column + 1) from None
        except Inexact as error:
            raise ExpressionError(self.column, str(error)) from None
        return localised(text, locale, latex=self.latex) if self.local else text


_SIGN = re.compile(r"@@\{|@\{|\\\$|\$+")
_HALVES = re.compile(r"""((?:[^:'"]|'[^']*'|"[^"]*")*)(?::([^'"]*))?""")
_END = re.compile(r"""(?:[^}'"]|'[^']*'|"[^"]*")*\}""")


@lru_cache(maxsize=1 << 16)
def compiled(template: str) -> tuple[str | Mark, ...]:
    """The pieces of a template: texts and marks, in order.

    Raises ExpressionError with the column (in the template) of what does not parse.
    """
    parts: list[str | Mark] = []
    text, at, latex = "", 0, False
    while (sign := _SIGN.search(template, at)) is not None:
        text += template[at : sign.start()]
        at = sign.end()
        if sign.group() == "@{":
            mark, at = _mark(template, at, latex)
            parts += [text, mark]
            text = ""
        elif sign.group() == "@@{":
            text += "@{"
        else:
            latex ^= sign.group()[0] == "$"
            text += sign.group()
    parts.append(text + template[at:])
    return tuple(part for part in parts if part != "") or ("",)


def _mark(template: str, at: int, latex: bool) -> tuple[Mark, int]:
    """The mark whose inside begins at `at`, and where it ends."""
    end = _END.match(template, at)
    if end is None:
        raise ExpressionError(at - 1, "'}' at the end of '@{'", "the end")
    inside = end.group()[:-1]
    halves = _HALVES.fullmatch(inside)
    source, form = (halves[1], halves[2] or "") if halves is not None else (inside, "")
    try:
        code = parsed(source)
    except ExpressionError as error:
        raise error.moved(at) from None
    try:
        shape = format_named(form.strip())
    except Inexact as error:
        raise ExpressionError(at + len(source) + 2, str(error), repr(form)) from None
    alone = str(code.ops[0].arg) if len(code.ops) == 1 and code.ops[0].kind == NAME else ""
    local = is_decimal(form.strip())
    return Mark(code, shape, latex, alone, at - 1, local), end.end()


def rendered(template: str, values: Mapping[str, Operand], locale: str = "en") -> str:
    r"""The template printed with these values: LaTeX inside `$...$`, text outside.

    `locale` (BCP 47) says how decimals are written. Raises ExpressionError with the column in the
    template.

    >>> rendered("Solve $@{a:coef}x @{b:+} = @{c}$.", {"a": 1, "b": -3, "c": Fraction(1, 2)})
    'Solve $x - 3 = \\frac{1}{2}$.'
    """
    parts = compiled(template)
    if len(parts) == 1 and type(parts[0]) is str:
        return parts[0]
    return "".join([p if type(p) is str else p.text(values, locale) for p in parts])  # type: ignore[union-attr] # str is handled


def names_in(template: str) -> frozenset[str]:
    """The names a template needs. Raises ExpressionError where it does not parse.

    >>> sorted(names_in("$@{a + b}$ @@{c}"))
    ['a', 'b']
    """
    marks = (part for part in compiled(template) if isinstance(part, Mark))
    return frozenset().union(*(mark.code.names for mark in marks))


class _Plan:
    """What is known of an item before its seed."""

    __slots__ = (
        "draw", "formulas", "item", "kept", "key", "local", "numbers", "numeric", "parts",
        "shuffles", "wrong",
    )  # fmt: skip

    def __init__(self, item: Item) -> None:
        self.item = item
        self.numeric = item.answer.kind in ("number", "fraction")
        self.draw: Draw | None = param_plan(item.params, item.where) if item.params else None
        self.local = False
        """Whether decimals may be printed, so that an instance differs from locale to locale."""
        for template in _templates(item, numeric=self.numeric):
            for part in compiled(template):
                if isinstance(part, Mark):
                    known(part.code, item.params)
                    self.local |= part.local
        value = item.answer.value
        self.key: Computed | None = None
        self.wrong: tuple[tuple[str, Computed], ...] = ()
        if self.numeric:
            if not isinstance(value, str):
                raise ExpressionError(1, "one expression", "a list")
            self.key = _known(value, item)
            for unit in units_asked(item.answer):
                unit_named(unit)
            self.wrong = tuple((m.id, _known(m.when, item)) for m in item.misconceptions)
        self.formulas: _Formulas | None = None
        if item.answer.kind in SYMBOLIC:
            self.formulas = _Formulas(item)
        self.numbers = tuple(_known(n, item) for n in expressions(item.widget))
        """The widget's numbers."""
        self.parts = tuple(_Plan(part) for part in part_items(item))
        self.local |= any(part.local for part in self.parts)
        self.shuffles: bool = (
            bool(item.options) or shuffles(item.widget) or any(part.shuffles for part in self.parts)
        )
        """Whether the seed decides where something stands."""
        self.kept: tuple[str, int, str, Instance] | None = None
        """The newest instance, where the item has no parameters."""


def _known(text: str, item: Item) -> Computed:
    """An expression over an item's params. Raises ExpressionError for another name."""
    return computed(known(parsed(text), item.params))


class _Formulas:
    """The key of a formula and its known wrong ways, parsed."""

    __slots__ = ("item", "key", "wrong")

    def __init__(self, item: Item) -> None:
        self.item = item
        value = item.answer.value
        if not isinstance(value, str):
            raise ExpressionError(1, "one expression", "a list")
        self.key = self._code(value)
        self.wrong = tuple((m.id, m.when, self._code(m.when)) for m in item.misconceptions)

    def _code(self, text: str) -> Code | None:
        """The parsed text over the params; None for a template, and where none is in it."""
        params = frozenset(self.item.params)
        if "@{" in text:
            return None
        code = key_code(text, self.item.answer, params)
        return code if code.names & params else None

    def text(self, code: Code | None, text: str, values: dict[str, Operand]) -> str:
        """The text of a key with the params' values put in."""
        if code is None:
            return rendered(text, values)
        spec = self.item.answer
        return put_in(code, values, spec, worked_out=_PRIMES not in spec.form)

    def wrong_texts(self, values: dict[str, Operand]) -> tuple[tuple[str, Value], ...]:
        """Each misconception's text; one that has no value with these numbers is left out."""
        found: list[tuple[str, Value]] = []
        for name, when, code in self.wrong:
            try:
                found.append((name, self.text(code, when, values)))
            except ExpressionError:
                continue
        return tuple(found)


_PRIMES = "prime-factors"
"""The form whose keys keep the products that their numbers make."""


def _templates(item: Item, *, numeric: bool) -> list[str]:
    """Every template of an item that an instance prints, now or later."""
    texts = [item.prompt, *item.answer.accept, *(o.text for o in item.options)]
    texts += templates(item.widget)
    for hint in item.hints:
        texts += [hint.say, hint.ask]
    for step in item.steps:
        texts += [step.show, step.why]
    texts += [m.say for m in item.misconceptions]
    if not numeric:
        value = item.answer.value
        texts += [value] if isinstance(value, str) else value
        texts += value.values() if isinstance(value, Mapping) else ()
        texts += [m.when for m in item.misconceptions]
    return texts


def part_items(item: Item) -> tuple[Item, ...]:
    """An item's several questions as items of their own over the same params; none in most."""
    return tuple(
        Item(
            id=f"{item.id}.{part.id}",
            skills=item.skills,
            prompt=part.prompt,
            answer=part.answer,
            options=part.options,
            widget=part.widget,
            params=item.params,
        )
        for part in item.parts
    )


_PLANS: dict[int, _Plan] = {}
_MOST_PLANS = 1 << 14


def _plan(item: Item) -> _Plan:
    """The plan of an item, kept by the object's identity (the plan holds the item, so it lives)."""
    plan = _PLANS.get(id(item))
    if plan is None:
        plan = _Plan(item)
        while len(_PLANS) >= _MOST_PLANS:
            del _PLANS[next(iter(_PLANS))]
        _PLANS[id(item)] = plan
    return plan


def key_of_dice(course_sha256: str, item_id: str, seed: int) -> int:
    """The dice's key of an instance: the first 128 bits of sha256 over the three."""
    named = f"{course_sha256}\0{item_id}\0{seed}".encode()
    return int.from_bytes(sha256(named).digest()[:16], "big")


def instance(item: Item, course_sha256: str, seed: int, *, locale: str = "en") -> Instance:
    """The item with its numbers drawn from (course, item, seed), the same on any machine.

    Its decimals are printed as in `locale` (BCP 47).

    An item without parameters has the numbers of seed 0 whatever the seed; only the order of its
    options, or of what its widget shows, follows the seed. Raises ExpressionError or ParamError for
    a faulty item, Undrawable where no draw meets its conditions.
    """
    plan = _plan(item)
    if plan.draw is None:
        if not plan.shuffles:
            seed = 0
        if plan.kept is not None:
            course, *of, made = plan.kept
            if of == [seed, locale] and (course == course_sha256 or not plan.shuffles):
                return made
    throw = thrown(item, course_sha256, seed)
    made = _made(plan, throw, throw.dice, locale)
    if plan.draw is None:
        plan.kept = (course_sha256, seed, locale, made)
    return made


class Throw(NamedTuple):
    """The numbers of a seed before anything is printed, and the dice that will shuffle."""

    seed: int
    values: dict[str, Operand]
    shown: dict[str, Value | tuple[Value, ...]]
    """The values as an instance has them, whole numbers as fractions too."""
    dice: Dice


def thrown(item: Item, course_sha256: str, seed: int) -> Throw:
    """The numbers that `instance` draws; whoever prints them several times draws them once.

    Raises as `instance` does.
    """
    draw = _plan(item).draw
    dice = Dice(key_of_dice(course_sha256, item.id, seed), 0)
    return _throw(seed, {} if draw is None else drawn(draw, dice), dice)


def _throw(seed: int, values: dict[str, Operand], dice: Dice) -> Throw:
    return Throw(seed, values, {name: _value(each) for name, each in values.items()}, dice)


def printed(item: Item, throw: Throw, locale: str) -> Instance:
    """The instance of a throw; of another item's throw where id, params and conditions are alike.

    Raises ExpressionError for what cannot be printed.
    """
    return _made(_plan(item), throw, throw.dice.again(), locale)


def prints_decimals(item: Item) -> bool:
    """Whether an instance may print decimals, whose mark is the locale's. Raises as `thrown`."""
    return _plan(item).local


def relocated(made: Instance, throw: Throw, locale: str) -> Instance:
    """The instance of a throw in another locale, printed anew only where decimals may differ."""
    if prints_decimals(made.item):
        return printed(made.item, throw, locale)
    parts = tuple([replace(part, locale=locale) for part in made.parts])
    return replace(made, locale=locale, parts=parts)


def with_values(
    item: Item,
    values: Mapping[str, Operand],
    seed: int,
    *,
    kept: bool = False,
    locale: str = "en",
) -> Instance:
    """The item with these values instead of drawn ones; options are shuffled by id and seed.

    For a sub-question that shares its numbers with the item around it. Compiled anew each time,
    unless the caller keeps the item and says so by `kept`.
    """
    dice = Dice(key_of_dice("", item.id, seed), 0)
    throw = _throw(seed, dict(values), dice)
    return _made(_plan(item) if kept else _Plan(item), throw, dice, locale)


def _made(plan: _Plan, throw: Throw, dice: Dice, locale: str) -> Instance:
    item, values = plan.item, throw.values
    answer = item.answer
    choices = tuple([ShownChoice(o.id, rendered(o.text, values, locale)) for o in item.options])
    key = _key(plan, values, locale)
    choices = shuffled(choices, dice, len(choices)) if choices else ()
    return Instance(
        item=item,
        seed=throw.seed,
        values=throw.shown,
        prompt=rendered(item.prompt, values, locale),
        key=key,
        choices=choices,
        accept=tuple([rendered(t, values, locale) for t in answer.accept]),
        wrong=_wrong(plan, values, locale),
        widget=_widget(plan, values, key, dice, locale) if item.widget is not None else None,
        locale=locale,
        parts=tuple([_made(part, throw, dice, locale) for part in plan.parts]),
    )


def _widget(
    plan: _Plan, values: dict[str, Operand], key: object, dice: Dice, locale: str
) -> ShownWidget:
    widget = plan.item.widget
    assert widget is not None
    texts = [rendered(text, values, locale) for text in templates(widget)]
    numbers = [_number(value(values)) for value in plan.numbers]
    return shown_widget(widget, texts, numbers, key, values, dice)


def _value(value: Operand) -> Value | tuple[Value, ...]:
    if type(value) is int:
        return Fraction(value)
    if isinstance(value, tuple):
        return tuple(v if isinstance(v, str) else Fraction(v) for v in value)
    return value if isinstance(value, str | Fraction) else Fraction(value)


def _key(plan: _Plan, values: dict[str, Operand], locale: str) -> Value | tuple[str, ...]:
    if plan.key is not None:
        return _number(plan.key(values))
    value = plan.item.answer.value
    if plan.formulas is not None:
        return plan.formulas.text(plan.formulas.key, str(value), values)
    if isinstance(value, str):
        return rendered(value, values, locale)
    if isinstance(value, Mapping):
        return tuple(f"{left}:{rendered(right, values, locale)}" for left, right in value.items())
    return tuple(rendered(v, values, locale) for v in value)


def _number(value: Operand) -> Fraction:
    if type(value) is Fraction:
        return value
    if isinstance(value, int):
        return Fraction(value)
    raise ExpressionError(1, "a number as the answer's value", repr(value))


def _wrong(plan: _Plan, values: dict[str, Operand], locale: str) -> tuple[tuple[str, Value], ...]:
    """Each misconception's value; one that has none with these numbers is left out."""
    if plan.formulas is not None:
        return plan.formulas.wrong_texts(values)
    if not plan.numeric:
        return tuple((m.id, rendered(m.when, values, locale)) for m in plan.item.misconceptions)
    found: list[tuple[str, Value]] = []
    for name, value in plan.wrong:
        try:
            found.append((name, _number(value(values))))
        except ExpressionError:
            continue
    return tuple(found)
