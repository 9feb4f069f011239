"""Faults that show only with an item's numbers drawn. This file is what draws and tries them.

Each check looks at 200 seeds (one, where there are no params) and tells its first case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from engines.exercises.grading import graded, key_spelled
from engines.exercises.limits import ExpressionError
from engines.exercises.mentions import numbers_in
from engines.exercises.params import ParamError, Undrawable
from engines.exercises.reading import number_read
from engines.exercises.template import instance, rendered
from engines.words import Finding, Instance, Item

SEEDS = 200
DISTINCT = 8
LEAK_ERROR, LEAK_WARNING = 0.9, 0.2
LONGER = 3

Path = tuple[str | int, ...]

_MATHS = re.compile(r"\$+([^$]*)\$+")
_DEGENERATE = (
    (re.compile(r"(?<![\w.,}])[+-]?\s?[01][a-z](?![a-z])"), "0x or 1x"),
    (re.compile(r"[a-z)}]\s?\^\s?\{?1\}?(?![\d/.])"), "x^1"),
    (re.compile(r"[+-]\s*-\s?[\d\\a-z]"), "two signs in a row"),
    (re.compile(r"\\frac\{[^{}]*\}\{0\}"), "a division by zero"),
)
_LATEX_WORD = re.compile(r"\\[a-zA-Z]+|[{}$\s]")
_WORDS = re.compile(r"[^\W_]+")


@dataclass
class _Trial:
    """What the seeds of one item have shown so far."""

    item: Item
    path: Path
    course_sha256: str
    found: dict[tuple[str, Path], Finding] = field(default_factory=dict)
    leaks: dict[Path, int] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    seeds: int = 0
    questions: list[tuple[Path, Item]] = field(default_factory=list)
    """The scaffolds' sub-questions as items of their own, which draw the same numbers."""

    def tell(self, code: str, place: Path, message: str, fix: str = "", warn: bool = False) -> None:
        """Take a fault; only its first seed is told."""
        key = (code, place)
        if key not in self.found:
            self.found[key] = Finding(
                code, "W" if warn else "E", (*self.path, *place), message, fix
            )


def trial_findings(item: Item, course_sha256: str, path: Path) -> list[Finding]:
    """Every fault found by drawing the item's numbers and answering it."""
    trial = _Trial(item, path, course_sha256, questions=_questions(item))
    for seed in range(SEEDS if item.params else 1):
        drawn = _drawn(trial, seed)
        if drawn is None:
            break
        trial.seeds += 1
        _try(trial, drawn)
    if item.params and trial.seeds == SEEDS and len(trial.seen) < DISTINCT:
        told = f"{len(trial.seen)} distinct instances, {DISTINCT} are wanted"
        trial.tell("C212", ("params",), told, "widen a range", warn=True)
    if not item.params:
        trial.tell("C212", (), "no params: one instance only", "add params", warn=True)
    _tell_leaks(trial)
    return list(trial.found.values())


def _drawn(trial: _Trial, seed: int) -> Instance | None:
    try:
        return instance(trial.item, trial.course_sha256, seed)
    except Undrawable as error:
        fix = "loosen a condition or widen a range"
        trial.tell("C211", ("where",), f"{error} (seed {seed})", fix)
    except ExpressionError as error:
        trial.tell("C213", (), f"seed {seed}: {error}", "exclude these numbers with where")
    except ParamError as error:
        trial.tell("C201", ("params",), str(error))
    return None


def _try(trial: _Trial, drawn: Instance) -> None:
    values = repr(sorted(drawn.values.items()))
    if values in trial.seen:
        return  # the same numbers print the same texts
    trial.seen.add(values)
    told = list(_texts(trial, drawn))
    for place, text in told:
        _degenerate(trial, place, text, drawn)
    _key(trial, drawn)
    _examples(trial, drawn)
    _options(trial, drawn)
    _misconceptions(trial, drawn)
    _scaffolds(trial, drawn)
    _last_step(trial, drawn, told)
    _leaks(trial, drawn, told)


def _texts(trial: _Trial, drawn: Instance) -> Iterator[tuple[Path, str]]:
    """Every learner's text printed; one that cannot be printed is C213."""
    item = trial.item
    yield ("prompt",), drawn.prompt
    templates: list[tuple[Path, str]] = []
    for at, option in enumerate(item.options):
        templates.append((("options", at, "text"), option.text))
    for at, misconception in enumerate(item.misconceptions):
        templates.append((("misconceptions", at, "say"), misconception.say))
    for at, hint in enumerate(item.hints):
        templates += [(("hints", at, "say"), hint.say), (("hints", at, "ask"), hint.ask)]
    for at, step in enumerate(item.steps):
        templates += [(("steps", at, "show"), step.show), (("steps", at, "why"), step.why)]
    for place, template in templates:
        if not template:
            continue
        try:
            yield place, rendered(template, drawn.values, drawn.locale)
        except ExpressionError as error:
            trial.tell("C213", place, f"seed {drawn.seed}: {error}", "exclude these numbers")


def _degenerate(trial: _Trial, place: Path, text: str, drawn: Instance) -> None:
    for formula in _MATHS.findall(text):
        for pattern, what in _DEGENERATE:
            if found := pattern.search(formula):
                told = f"seed {drawn.seed} prints {what}: {found.group().strip()!r}"
                trial.tell("C213", place, told, "use :coef or :term, or exclude it with where")


def _key(trial: _Trial, drawn: Instance, place: Path = ("answer",), code: str = "C301") -> None:
    item = drawn.item
    shown = {option.id for option in item.options}
    keys = set(_keys(drawn))
    if item.answer.kind in {"choice", "multi"} and not keys <= shown:
        told = f"the key {sorted(keys - shown)[0]!r} is no choice's id"
        trial.tell(code, (*place, "value"), told, f"one of {', '.join(sorted(shown))}")
        return
    typed = key_spelled(drawn, locale=drawn.locale)
    verdict = graded(drawn, typed, locale=drawn.locale)
    if verdict.verdict == "correct":
        return
    told = f"seed {drawn.seed}: the key {typed!r} is judged {verdict.verdict}"
    if code == "C301" and verdict.verdict == "wrong_form":
        code, place = "C305", (*place, "form")
        told += f" against the form {item.answer.form}"
    elif code == "C301" and verdict.verdict == "unreadable":
        code = "C307"
    trial.tell(code, place, told, verdict.message)


def _keys(drawn: Instance) -> tuple[str, ...]:
    """The key's texts or option ids; none for a number."""
    if isinstance(drawn.key, tuple):
        return drawn.key
    return (drawn.key,) if isinstance(drawn.key, str) else ()


_WANTED = {
    "right": ("correct",),
    "form": ("wrong_form",),
    "wrong": ("incorrect", "partial"),
}


def _examples(trial: _Trial, drawn: Instance) -> None:
    for name, examples in trial.item.answer.examples.items():
        for at, template in enumerate(examples):
            place: Path = ("answer", "examples", name, at)
            try:
                typed = rendered(template, drawn.values, drawn.locale)
            except ExpressionError as error:
                trial.tell("C302", place, f"seed {drawn.seed}: {error}", "exclude these numbers")
                continue
            many = trial.item.answer.kind == "multi"
            given: object = [each.strip() for each in typed.split(",")] if many else typed
            verdict = graded(drawn, given, locale=drawn.locale).verdict
            if verdict not in _WANTED.get(name, ("correct",)):
                told = f"seed {drawn.seed}: the {name} example {typed!r} is judged {verdict}"
                trial.tell("C302", place, told, "exclude these numbers, or mend the example")


def _options(trial: _Trial, drawn: Instance) -> None:
    order = {option.id: at for at, option in enumerate(trial.item.options)}
    shown = sorted(drawn.choices, key=lambda choice: order[choice.id])
    for at, after in enumerate(shown):
        for before in shown[:at]:
            if _plain(before.text) == _plain(after.text):
                told = f"seed {drawn.seed}: {before.id} and {after.id} both read {after.text!r}"
                trial.tell("C303", ("options", at), told, "exclude these numbers with where")
            elif trial.item.answer.form == "any" and _equal(before.text, after.text):
                told = f"seed {drawn.seed}: {before.id} and {after.id} have one value"
                trial.tell("C308", ("options", at), told, "make the values differ", warn=True)
    lengths = [len(_plain(choice.text)) for choice in shown]
    if lengths and max(lengths) > LONGER * max(min(lengths), 4):
        told = f"the longest choice has {max(lengths)} signs, the shortest {min(lengths)}"
        trial.tell("C306", ("options",), told, "length gives the key away", warn=True)


def _plain(text: str) -> str:
    return re.sub(r"[$\s]+", "", text).casefold()


def _equal(one: str, other: str) -> bool:
    try:
        a, b = (number_read(text.strip().strip("$")).value for text in (one, other))
    except ExpressionError:
        return False
    return a == b


def _misconceptions(trial: _Trial, drawn: Instance) -> None:
    item = trial.item
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
    found: list[tuple[Path, Item]] = []
    for at, hint in enumerate(item.hints):
        if hint.answer is not None:
            sub = Item(
                id=item.id,
                skills=item.skills,
                prompt=hint.ask,
                answer=hint.answer,
                params=item.params,
                where=item.where,
                options=hint.options,
            )
            found.append((("hints", at, "answer"), sub))
    return found


def _scaffolds(trial: _Trial, drawn: Instance) -> None:
    for place, question in trial.questions:
        try:
            asked = instance(question, trial.course_sha256, drawn.seed)
        except ExpressionError as error:
            trial.tell("C404", place, f"seed {drawn.seed}: {error}")
            continue
        _key(trial, asked, place, "C404")


def _last_step(trial: _Trial, drawn: Instance, told: list[tuple[Path, str]]) -> None:
    last = len(trial.item.steps) - 1
    for place, text in told:
        if place == ("steps", last, "show") and not _shows_key(text, drawn):
            message = f"seed {drawn.seed}: the last step shows {text!r}, not the answer"
            trial.tell("C405", place, message, "end the steps with the answer", warn=True)


def _shows_key(text: str, drawn: Instance) -> bool:
    if isinstance(drawn.key, Fraction):
        return drawn.key in numbers_in(text)
    keys = _keys(drawn)
    wanted = [c.text for c in drawn.choices if c.id in keys] or list(keys)
    return all(_plain(each) in _plain(text) for each in wanted)


def _leaks(trial: _Trial, drawn: Instance, told: list[tuple[Path, str]]) -> None:
    """Count the texts before the bottom-out that name the key and do not repeat the prompt."""
    item = trial.item
    printed = numbers_in(drawn.prompt, parts=True)
    for place, text in told:
        hint = place[0] == "hints" and item.hints[int(place[1])].level != "bottom-out"
        before = hint or place[0] == "misconceptions"
        if before and _names_key(text, drawn, printed):
            trial.leaks[place] = trial.leaks.get(place, 0) + 1


def _names_key(text: str, drawn: Instance, printed: frozenset[Fraction]) -> bool:
    if isinstance(drawn.key, Fraction):
        return drawn.key in numbers_in(text) - printed
    if drawn.choices:
        return _names_option(text, drawn)
    words = _WORDS.findall(text.casefold())
    key = _WORDS.findall(str(drawn.key).casefold())
    if not key or (printed and _plain(str(drawn.key)) in _plain(drawn.prompt)):
        return False
    if any(len(word) > 1 for word in key) and "\\" not in str(drawn.key):
        return any(words[at : at + len(key)] == key for at in range(len(words)))
    return len(_plain(str(drawn.key))) > 2 and _plain(str(drawn.key)) in _plain(text)


def _names_option(text: str, drawn: Instance) -> bool:
    """Whether a text repeats the right choice and none of the others, in whole words."""
    keys = _keys(drawn)
    right = [c.text for c in drawn.choices if c.id in keys]
    wrong = [c.text for c in drawn.choices if c.id not in keys]
    bare = f" {_bare(text)} "
    named = [f" {_bare(each)} " in bare for each in right if len(_bare(each)) > 3]
    return bool(named) and all(named) and not any(f" {_bare(each)} " in bare for each in wrong)


def _bare(text: str) -> str:
    return " ".join(_LATEX_WORD.sub(" ", text.casefold()).split()).strip(" .?!")


def _tell_leaks(trial: _Trial) -> None:
    for place, count in trial.leaks.items():
        share = count / len(trial.seen)
        if share >= LEAK_WARNING:
            often = f" in {share:.0%} of {len(trial.seen)} cases" if len(trial.seen) > 1 else ""
            told = f"names the key{often}"
            fix = "ask for the step, not for the result"
            trial.tell("C403", place, told, fix, warn=share < LEAK_ERROR)
