"""Faults that show only with an item's numbers drawn. This file is what draws and tries them.

Each check looks at 200 seeds (one, where there are no params) and tells its first case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engines.course_words import VARIANTS
from engines.exercises.arranged import arranged_response
from engines.exercises.asked import Asked, Printing
from engines.exercises.formulas import text_faults
from engines.exercises.functions import Operand
from engines.exercises.grading import key_spelled
from engines.exercises.keyboard import unusual
from engines.exercises.limits import ExpressionError
from engines.exercises.mentions import numbers_in
from engines.exercises.naming import keys_of, names_key, plain, shows_key
from engines.exercises.params import ParamError, Undrawable
from engines.exercises.reading import number_read
from engines.exercises.template import Throw, printed, prints_decimals, relocated, thrown
from engines.exercises.widget_checks import widget_faults
from engines.exercises.widgets import entries_shown
from engines.words import AnswerSpec, Finding, Instance, Item, Option

SEEDS = 200
DISTINCT = 8
DRAWN = 40
"""Seeds whose printed formulas are read as the renderer reads them; one template prints alike."""
LEAK_ERROR, LEAK_WARNING = 0.9, 0.2
LONGER = 3

Path = tuple[str | int, ...]
Printed = tuple[Path, str, bool]

_MATHS = re.compile(r"\$+([^$]*)\$+")
_DEGENERATE = (
    (re.compile(r"(?<![\w.,}])[+-]?\s?[01][a-z](?![a-z])"), "0x or 1x"),
    (re.compile(r"[a-z)}]\s?\^\s?\{?1\}?(?![\d/.])"), "x^1"),
    (re.compile(r"[+-]\s*-\s?[\d\\a-z]"), "two signs in a row"),
    (re.compile(r"\\frac\{[^{}]*\}\{0\}"), "a division by zero"),
)


class _Told(NamedTuple):
    """A text told besides the question; `before` where it stands before the bottom-out."""

    place: Path
    printing: Printing
    before: bool


@dataclass
class _Trial:
    """What the seeds of one item have shown so far."""

    item: Item
    path: Path
    course_sha256: str
    locales: tuple[str, ...] = ("en",)
    found: dict[tuple[str, Path], Finding] = field(default_factory=dict)
    leaks: dict[Path, int] = field(default_factory=dict)
    seen: set[tuple[Operand, ...]] = field(default_factory=set)
    """The numbers met: the same numbers print the same texts, which are not tried again."""
    seeds: int = 0
    questions: list[tuple[Path, Item]] = field(default_factory=list)
    """The scaffolds' sub-questions as items of their own, which draw the same numbers."""
    told: list[_Told] = field(default_factory=list)
    drawable: frozenset[Path] = frozenset()
    """Texts whose formulas are sound as they are written: only numbers can spoil those."""

    examples: dict[str, Printing] = field(default_factory=dict)

    def example(self, template: str) -> Printing:
        """An example of an answer, as it is printed."""
        return self.examples.get(template) or self.examples.setdefault(template, Printing(template))

    def tell(self, code: str, place: Path, message: str, fix: str = "", warn: bool = False) -> None:
        """Take a fault; only its first seed is told."""
        key = (code, place)
        if key not in self.found:
            self.found[key] = Finding(
                code, "W" if warn else "E", (*self.path, *place), message, fix
            )


def trial_findings(
    item: Item, course_sha256: str, path: Path, locales: tuple[str, ...] = ("en",)
) -> list[Finding]:
    """Every fault found by drawing the item's numbers and answering it.

    `locales` are those the course has, its own first: the key is typed in each.
    """
    trial = _Trial(item, path, course_sha256, locales, questions=_questions(item))
    trial.told = [
        _Told(place, Printing(template), _is_before(item, place))
        for place, template in told_places(item)
        if template
    ]
    written = [(("prompt",), item.prompt), *told_places(item)]
    trial.drawable = frozenset(place for place, text in written if not text_faults(text))
    for seed in range(SEEDS if item.params else 1):
        if not _tried(trial, seed):
            break
        trial.seeds += 1
    if item.params and trial.seeds == SEEDS and len(trial.seen) < DISTINCT:
        told = f"{len(trial.seen)} distinct instances, {DISTINCT} are wanted"
        trial.tell("C212", ("params",), told, "widen a range", warn=True)
    if not item.params:
        trial.tell("C212", (), "no params: one instance only", "add params", warn=True)
    _tell_leaks(trial)
    return list(trial.found.values())


def _is_before(item: Item, place: Path) -> bool:
    """Whether a text is told before the bottom-out, and so may not name the key."""
    if place[0] == "hints":
        return item.hints[int(place[1])].level != "bottom-out"
    return place[0] in ("misconceptions", "variants")


def _tried(trial: _Trial, seed: int) -> bool:
    """Try the numbers of a seed, if they are new; whether they could be drawn and printed."""
    try:
        throw = thrown(trial.item, trial.course_sha256, seed)
        values = tuple(throw.values.values())
        if values in trial.seen:
            return True
        drawn = printed(trial.item, throw, trial.locales[0])
    except Undrawable as error:
        fix = "loosen a condition or widen a range"
        trial.tell("C211", ("where",), f"{error} (seed {seed})", fix)
    except ExpressionError as error:
        trial.tell("C213", (), f"seed {seed}: {error}", "exclude these numbers with where")
    except ParamError as error:
        trial.tell("C201", ("params",), str(error))
    else:
        trial.seen.add(values)
        _try(trial, drawn, throw)
        return True
    return False


def _try(trial: _Trial, drawn: Instance, throw: Throw) -> None:
    asked = _asked(drawn)
    _shown(trial, drawn, asked)
    told = list(_texts(trial, drawn, throw))
    sound = {prefix for prefix, question in asked if _widget(trial, question, prefix)}
    for prefix, question in asked:
        if prefix in sound:
            _key(trial, question, (*prefix, "answer"))
            _examples(trial, question, prefix, throw)
        _typed(trial, question.drawn, prefix)
        _options(trial, question.drawn, prefix)
    for locale in trial.locales[1:]:
        if _alike(trial.item, [each for prefix, each in asked if prefix in sound], locale):
            continue
        for prefix, question in _asked(relocated(drawn, throw, locale)):
            if prefix in sound:
                _key(trial, question, (*prefix, "answer"))
    _misconceptions(trial, drawn)
    _scaffolds(trial, drawn, throw)
    whole = Asked(drawn) if drawn.parts else asked[0][1]
    _last_step(trial, whole, told)
    _leaks(trial, drawn, asked, told)


def _asked(drawn: Instance) -> list[tuple[Path, Asked]]:
    """The questions of an instance, each with its way below the item: itself, or its parts."""
    if not drawn.parts:
        return [((), Asked(drawn))]
    return [(("parts", at), Asked(part)) for at, part in enumerate(drawn.parts)]


def _alike(item: Item, asked: list[Asked], locale: str) -> bool:
    """Whether the keys are typed, and read, in another locale as in their own: no need to try."""
    return not prints_decimals(item) and all(each.reads_alike(locale) for each in asked)


def _widget(trial: _Trial, asked: Asked, prefix: Path) -> bool:
    """Tell the faults of a widget; whether its key may be tried."""
    sound = True
    for code, place, message, fix, warn in widget_faults(asked.drawn):
        trial.tell(code, (*prefix, *place), message, fix, warn=warn)
        sound = sound and code != "C307"
    return sound


def _shown(trial: _Trial, drawn: Instance, asked: list[tuple[Path, Asked]]) -> None:
    """Look at what is shown of the question and of its widgets."""
    _degenerate(trial, ("prompt",), drawn.prompt, drawn.seed)
    if not drawn.parts and drawn.widget is None:
        return
    for prefix, question in asked:
        if prefix:
            _degenerate(trial, (*prefix, "prompt"), question.drawn.prompt, drawn.seed)
        for text in entries_shown(question.drawn):
            _degenerate(trial, (*prefix, "widget"), text, drawn.seed)


def _texts(trial: _Trial, drawn: Instance, throw: Throw) -> Iterator[Printed]:
    """Every text that is told besides, printed, and whether it stands before the bottom-out.

    Looked at when it is printed first; one that cannot be printed is C213.
    """
    for place, printing, before in trial.told:
        try:
            text, is_new = printing.text(throw.values, drawn.locale)
        except ExpressionError as error:
            trial.tell("C213", place, f"seed {drawn.seed}: {error}", "exclude these numbers")
            continue
        if is_new:
            _degenerate(trial, place, text, drawn.seed)
        yield place, text, before


def told_places(item: Item) -> Iterator[tuple[Path, str]]:
    """Every template of an item that is told besides its question, with its place."""
    for at, option in enumerate(item.options):
        yield ("options", at, "text"), option.text
    for at, misconception in enumerate(item.misconceptions):
        yield ("misconceptions", at, "say"), misconception.say
    for at, hint in enumerate(item.hints):
        yield ("hints", at, "say"), hint.say
        yield ("hints", at, "ask"), hint.ask
        yield from ((("hints", at, "hints", nth), text) for nth, text in enumerate(hint.hints))
    for at, step in enumerate(item.steps):
        yield ("steps", at, "show"), step.show
        yield ("steps", at, "why"), step.why
    yield from ((("media", at, "alt"), each.alt) for at, each in enumerate(item.media))
    for name in VARIANTS if item.variants else ():
        yield ("variants", name), getattr(item.variants, name)
    for at, goal in enumerate(item.goals):
        moves = (goal.elicit, *goal.probe, goal.narrow, goal.contrast, goal.counterexample)
        yield from ((("goals", at), text) for text in (*moves, goal.confirm, goal.summarise))


def _degenerate(trial: _Trial, place: Path, text: str, seed: int) -> None:
    for fault in text_faults(text) if place in trial.drawable and trial.seeds < DRAWN else ():
        trial.tell("C601", place, f"seed {seed}: {fault}", "write it as KaTeX reads it")
    for formula in _MATHS.findall(text):
        for what, found in _degenerated(formula):
            told = f"seed {seed} prints {what}: {found!r}"
            trial.tell("C213", place, told, "use :coef or :term, or exclude it with where")


@lru_cache(maxsize=1 << 14)
def _degenerated(formula: str) -> tuple[tuple[str, str], ...]:
    """What a formula prints that nobody writes, each with the place in it."""
    found = ((what, pattern.search(formula)) for pattern, what in _DEGENERATE)
    return tuple([(what, match.group().strip()) for what, match in found if match is not None])


def _key(trial: _Trial, asked: Asked, place: Path, code: str = "C301") -> None:
    drawn = asked.drawn
    item = drawn.item
    shown = {option.id for option in item.options}
    keys = set(keys_of(drawn))
    if item.answer.kind in {"choice", "multi"} and not keys <= shown:
        told = f"the key {sorted(keys - shown)[0]!r} is no choice's id"
        trial.tell(code, (*place, "value"), told, f"one of {', '.join(sorted(shown))}")
        return
    try:
        typed = key_spelled(drawn, locale=drawn.locale)
    except ExpressionError as error:
        trial.tell("C307" if code == "C301" else code, (*place, "value"), str(error))
        return
    verdict = asked.verdict(typed)
    if verdict.verdict == "correct":
        return
    of = "" if drawn.locale == trial.locales[0] else f" in locale {drawn.locale}"
    told = f"seed {drawn.seed}: the key {typed!r} is judged {verdict.verdict}{of}"
    if code == "C301" and verdict.verdict == "wrong_form":
        code, place = "C305", (*place, "form")
        told += f" against the form {item.answer.form}"
    elif code == "C301" and verdict.verdict == "unreadable":
        code = "C307"
    trial.tell(code, place, told, verdict.message)


def _typed(trial: _Trial, drawn: Instance, prefix: Path) -> None:
    """C606 where no right answer can be typed on a phone: words and signs are all of an answer."""
    if drawn.item.answer.kind != "text":
        return
    ways = [*keys_of(drawn), *drawn.accept]
    if ways and all(unusual(way, trial.locales[0]) for way in ways):
        lacking = " ".join(unusual(ways[0], trial.locales[0]))
        told = f"the answer {ways[0]!r} needs signs that a phone's keyboard lacks: {lacking}"
        trial.tell(
            "C606", (*prefix, "answer", "value"), told, "accept a plainer spelling", warn=True
        )


_WANTED = {
    "right": ("correct",),
    "form": ("wrong_form",),
    "wrong": ("incorrect", "partial"),
}


def _examples(trial: _Trial, asked: Asked, prefix: Path, throw: Throw) -> None:
    drawn = asked.drawn
    for name, examples in drawn.item.answer.examples.items():
        for at, template in enumerate(examples):
            place: Path = (*prefix, "answer", "examples", name, at)
            try:
                typed, _ = trial.example(template).text(throw.values, drawn.locale)
                given = _given(drawn, typed)
            except ExpressionError as error:
                trial.tell("C302", place, f"seed {drawn.seed}: {error}", "exclude these numbers")
                continue
            verdict = asked.verdict(given).verdict
            if verdict not in _WANTED.get(name, ("correct",)):
                told = f"seed {drawn.seed}: the {name} example {typed!r} is judged {verdict}"
                trial.tell("C302", place, told, "exclude these numbers, or mend the example")


def _given(drawn: Instance, typed: str) -> object:
    """An example as a learner would give it: text, or ids of what is shown."""
    kind = drawn.item.answer.kind
    if kind in {"order", "match"}:
        return arranged_response(drawn, typed)
    return [each.strip() for each in typed.split(",")] if kind == "multi" else typed


def _options(trial: _Trial, drawn: Instance, prefix: Path) -> None:
    if not drawn.choices:
        return
    order = {option.id: at for at, option in enumerate(drawn.item.options)}
    shown = sorted(drawn.choices, key=lambda choice: order[choice.id])
    texts = [plain(choice.text) for choice in shown]
    numbers = [_number(choice.text) for choice in shown] if drawn.item.answer.form == "any" else []
    for at, after in enumerate(shown):
        place = (*prefix, "options", at)
        for nth, before in enumerate(shown[:at]):
            if texts[nth] == texts[at]:
                told = f"seed {drawn.seed}: {before.id} and {after.id} both read {after.text!r}"
                trial.tell("C303", place, told, "exclude these numbers with where")
            elif numbers and numbers[at] is not None and numbers[nth] == numbers[at]:
                told = f"seed {drawn.seed}: {before.id} and {after.id} have one value"
                trial.tell("C308", place, told, "make the values differ", warn=True)
    lengths = list(map(len, texts))
    if max(lengths) > LONGER * max(min(lengths), 4):
        told = f"the longest choice has {max(lengths)} signs, the shortest {min(lengths)}"
        trial.tell("C306", (*prefix, "options"), told, "length gives the key away", warn=True)


@lru_cache(maxsize=4096)
def _number(text: str) -> Fraction | None:
    """The value of a choice, where it is a number."""
    try:
        return number_read(text.strip().strip("$")).value
    except ExpressionError:
        return None


def _misconceptions(trial: _Trial, drawn: Instance) -> None:
    item = trial.item
    if item.answer.kind in {"order", "match"}:
        return  # told with the widget
    places = {each.id: at for at, each in enumerate(item.misconceptions)}
    options = {option.id for option in item.options}
    met: dict[object, str] = {}
    for name, wrong in drawn.wrong:
        place: Path = ("misconceptions", places[name], "when")
        value = wrong.strip().casefold() if isinstance(wrong, str) else wrong
        key = drawn.key.strip().casefold() if isinstance(drawn.key, str) else drawn.key
        if item.answer.kind == "choice" and wrong not in options:
            trial.tell("C304", place, f"{wrong!r} is no choice's id")
        elif value == key:
            told = f"seed {drawn.seed}: the misconception {name} equals the key"
            trial.tell("C304", place, told, "exclude these numbers with where")
        elif value in met:
            told = f"seed {drawn.seed}: {name} and {met[value]} lead to one value"
            trial.tell("C304", place, told, "exclude these numbers with where")
        met.setdefault(value, name)


def _questions(item: Item) -> list[tuple[Path, Item]]:
    """The answers asked for on the way: of scaffolds, of blanks in the steps, of goals."""
    found: list[tuple[Path, Item]] = []

    def asked(path: Path, prompt: str, answer: AnswerSpec | None, options: Options) -> None:
        if answer is not None:
            sub = Item(
                id=item.id,
                skills=item.skills,
                prompt=prompt,
                answer=answer,
                params=item.params,
                where=item.where,
                options=options,
            )
            found.append((path, sub))

    for at, hint in enumerate(item.hints):
        asked(("hints", at, "answer"), hint.ask, hint.answer, hint.options)
    for at, step in enumerate(item.steps):
        asked(("steps", at, "ask"), step.why, step.ask, step.options)
    for at, goal in enumerate(item.goals):
        asked(("goals", at), goal.narrow, goal.expect, goal.options)
    return found


Options = tuple[Option, ...]


def _scaffolds(trial: _Trial, drawn: Instance, throw: Throw) -> None:
    for place, question in trial.questions:
        try:
            asked = Asked(printed(question, throw, drawn.locale))
        except ExpressionError as error:
            trial.tell("C404", place, f"seed {drawn.seed}: {error}")
            continue
        _key(trial, asked, place, "C404")


def _last_step(trial: _Trial, asked: Asked, told: list[Printed]) -> None:
    last = ("steps", len(trial.item.steps) - 1, "show")
    for place, text, _ in told:
        if place == last and not shows_key(text, asked):
            message = f"seed {asked.drawn.seed}: the last step shows {text!r}, not the answer"
            trial.tell("C405", place, message, "end the steps with the answer", warn=True)


def _leaks(
    trial: _Trial, drawn: Instance, asked: list[tuple[Path, Asked]], told: list[Printed]
) -> None:
    """Count the texts before the bottom-out that name the key and do not repeat the prompt."""
    stated = frozenset[Fraction]()
    if any(_beside_the_prompt(each.drawn) for _, each in asked):
        prompts = "\n".join([drawn.prompt, *(part.prompt for part in drawn.parts)])
        stated = numbers_in(prompts, parts=True)
    hidden = [each for _, each in asked if each.drawn.key not in stated]
    if not hidden:
        return
    for place, text, before in told:
        if before and any(names_key(text, question, stated) for question in hidden):
            trial.leaks[place] = trial.leaks.get(place, 0) + 1


def _beside_the_prompt(drawn: Instance) -> bool:
    """Whether the numbers that the prompt prints count where its key is looked for."""
    return isinstance(drawn.key, Fraction) or drawn.item.answer.kind == "text"


def _tell_leaks(trial: _Trial) -> None:
    for place, count in trial.leaks.items():
        share = count / len(trial.seen)
        if share >= LEAK_WARNING:
            often = f" in {share:.0%} of {len(trial.seen)} cases" if len(trial.seen) > 1 else ""
            told = f"names the key{often}"
            fix = "ask for the step, not for the result"
            trial.tell("C403", place, told, fix, warn=share < LEAK_ERROR)
