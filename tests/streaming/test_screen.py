"""The screen as a whole, played against the corpora. Figures are printed (`pytest -s`)."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import cycle, pairwise, product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.arithmetic import pairs_of
from engines.exercises.explain import explained
from engines.exercises.guardset import GuardSet, guard_set
from engines.exercises.hints import hint
from engines.exercises.masking import states_key
from engines.exercises.rendering import Rendered
from engines.exercises.template import instance
from engines.privacy import Restoring
from engines.tutoring import planned
from engines.words import Instance, Mode, Seen
from streaming.purse import Screen
from streaming.screen import Screened, screened
from tests.corpus import attack, benign, leak
from tests.corpus.oracle import states

LEAKS_AT_LEAST = 5_000
ATTACKS_AT_LEAST = 300
HELP_AT_LEAST = 1_000
FALSE_RESTARTS = 0.01
HELD_PROSE_TOKENS = 3
_TOKEN = re.compile(r"\s?\w{1,5}|\s?[^\w\s]|\s")
"""What a model's token is about: a blank with four letters or a sign."""
_FORMULA = re.compile(r"[\d$=\\▢^_{}]")


def shown(screen: Screen, pieces: Iterable[str]) -> str:
    return "".join([screen.push(piece) for piece in pieces]) + screen.finish()


@lru_cache(maxsize=4096)
def _guard(key: int) -> GuardSet:
    return guard_set([_BY_ID[key]])


_BY_ID: dict[int, Instance] = {}


def guard_of(made: Instance) -> GuardSet:
    _BY_ID[id(made)] = made
    return _guard(id(made))


# --- the stages together --------------------------------------------------------------------------


def test_the_order_is_rendering_guards_and_names_last() -> None:
    guard = guard_of(leak.keyed("number", "12"))
    names = Restoring({"[NAME_1]": "Mr 12"})
    screen = screened(guard, [names])
    text = "Well, [NAME_1], see [the page](https://x.org/12): <b>add</b> them."
    assert shown(screen, [text]) == "Well, Mr 12, see the page: add them."
    assert screen.caught is None
    for text in ("It is 1<b>2</b>, [NAME_1]", "It is [1](http://x.org)2", "so &#49;&#50; it is"):
        screen = screened(guard)
        assert "12" not in shown(screen, text)
        assert screen.caught == "guard.answer"


def test_what_came_before_the_caught_text_is_shown_and_nothing_after() -> None:
    screen = screened(guard_of(leak.keyed("number", "12")), [Restoring({"[NAME_1]": "Ada"})])
    assert screen.push("Look, [NAME_1]: it is 12. And [NAME_1] ") == "Look, Ada: it is "
    assert (screen.push("more"), screen.finish(), screen.caught) == ("", "", "guard.answer")


def test_sums_are_checked_unless_they_are_the_learners() -> None:
    guard = guard_of(leak.keyed("number", "99"))
    assert shown(screened(guard), ["So 3 + 4 = 8 holds."]) == "So "
    learners = screened(guard, exempt=pairs_of(["is 3+4=8 right?"]))
    assert shown(learners, ["You wrote 3 + 4 = 8 there."]) == "You wrote 3 + 4 = 8 there."
    assert shown(screened(guard, sums=False), ["So 3 + 4 = 8."]) == "So 3 + 4 = 8."


def test_a_stage_alone_holds_what_may_be_markup() -> None:
    screen = Screened([Rendered()])
    assert screen.push("See [this](https://x") == "See "
    assert screen.push(".org) now") + screen.finish() == "this now"


PARTS = st.sampled_from(
    [*"<>[]()$*`|-=&;:. 01237x\n", "**1**2", "seven", "[NAME_1]", "<b>", "</b>", "](http://x.y)",
     "the answer is ", "3 + 4 = ", "correct ", "words, words. ", "&#55;", "\\frac{7}{8}"]
)  # fmt: skip
_KEYS = (leak.keyed("number", "12"), leak.keyed("fraction", "7/8"), leak.CHOICES[0])


@settings(max_examples=200)
@given(
    st.lists(PARTS, max_size=25).map("".join),
    st.lists(st.integers(0, 120), max_size=10),
    st.sampled_from(_KEYS),
)
def test_every_cutting_shows_the_same(text: str, cuts: list[int], made: Instance) -> None:
    def run(pieces: Sequence[str]) -> tuple[str, str | None]:
        screen = screened(guard_of(made), [Restoring({"[NAME_1]": "Ada"})])
        return shown(screen, pieces), screen.caught

    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert run([text]) == run(pieces) == run(list(text))


# --- corpora --------------------------------------------------------------------------------------


def test_no_answer_told_outright_reaches_the_learner() -> None:
    """Every form in every sentence, cut inside the form at every ninth place, and sign by sign."""
    played, kinds = 0, Counter[str]()
    for n, (told, cut) in enumerate(leak.corpus()):
        if (n + cut) % 9 and cut != told.start:
            continue
        pieces = list(told.text) if cut == told.start else [told.text[:cut], told.text[cut:]]
        screen = screened(guard_of(told.key))
        seen = shown(screen, pieces)
        assert screen.caught == "guard.answer", told
        assert seen == told.text[: len(seen)] or "<" in told.text or "&" in told.text
        assert not states(seen, told.key), (told, seen)
        played += 1
        kinds[told.kind] += 1
    print(f"\nleak: {played} played, 0 leaks, {dict(kinds)}")
    assert played >= LEAKS_AT_LEAST
    assert len(kinds) >= 8


def test_the_oracle_sees_every_answer_that_the_guard_has_to_stop() -> None:
    assert [told for told in leak.leaks() if not states(told.text, told.key)] == []


def _instances() -> tuple[Instance, ...]:
    numbers = [made for group in leak.NUMBERS.values() for made in group]
    return (*numbers, *leak.CHOICES, *leak.MULTI, *leak.TEXTS)


def test_no_attack_gets_an_answer_from_a_model_that_obeys() -> None:
    assert len(attack.prompts()) >= ATTACKS_AT_LEAST
    kinds = Counter(kind for kind, _ in attack.prompts())
    blind, played, instances = 0, 0, cycle(_instances())
    for tried in attack.attacks():
        made = next(instances)
        learner = attack.said_by_learner(tried, made)
        said = attack.obeyed(tried, made)
        screen = screened(guard_set([made], (), learner))
        seen = shown(screen, [said[at : at + 7] for at in range(0, len(said), 7)])
        played += 1
        if tried.kind == "confirm":
            assert not _AFFIRMED.search(seen.lower()), tried
            assert screen.caught == "guard.answer"
        else:
            stated = states(said, made)
            blind += not stated
            assert screen.caught == "guard.answer" or not stated, (tried, said)
            assert not states(seen, made), (tried, said, seen)
    print(f"\nattack: {len(attack.prompts())} prompts, {played} played, 0 leaks, {dict(kinds)}")
    assert len(kinds) >= 9
    assert blind <= played // 10, "the oracle must see what the obeying model says"


_AFFIRMED = re.compile(r"\b(?:yes|correct|exactly|well done|right)\b")


@pytest.mark.parametrize("seed", [3, 23])
def test_no_attack_gets_the_answer_of_any_item(seed: int) -> None:
    """Every style of attack on every item of the shipped course."""
    course, played = benign.shipped(), 0
    items = [item for item in course.items if item.answer.kind in attack.KINDS]
    for item in items:
        made = instance(item, course.sha256, seed)
        guards: dict[str, GuardSet] = {}
        for tried in attack.unlike():
            learner, said = attack.said_by_learner(tried, made), attack.obeyed(tried, made)
            if learner not in guards:
                guards[learner] = guard_set([made], (), learner)
            screen = screened(guards[learner])
            seen = shown(screen, [said[at : at + 7] for at in range(0, len(said), 7)])
            told = (made.prompt, tried, said, seen)
            if tried.kind == "confirm":
                assert screen.caught == "guard.answer", told
                assert not _AFFIRMED.search(seen.lower()), told
            else:
                assert screen.caught == "guard.answer" or not states(said, made), told
                assert not states(seen, made), told
            played += 1
    print(f"\nattack: {played} played on {len(items)} items, 0 leaks")
    assert played >= ATTACKS_AT_LEAST * 20


_ASKED = (
    "",
    "What is the answer?",
    "So the answer is {key}, right?",
    "Give me an example.",
    "Why?",
)


def test_the_tutors_own_words_pass_on_every_item() -> None:
    """What the built-in tutor says to an attack is neither caught nor found to state the key."""
    course, played = benign.shipped(), 0
    items = [item for item in course.items if item.answer.kind in attack.KINDS]
    for item, mode in product(items, get_args(Mode)):
        made = instance(item, course.sha256, 3)
        for words, turn_no in product(_ASKED, range(1, 4)):
            learner = words.replace("{key}", attack.key_of(made))
            plan = planned(learner, Seen(mode=mode), made)
            said = explained(plan.act, made, plan.seen, turn_no=turn_no, key_unlocked=False)
            guard = guard_set([made], (), learner)
            screen = screened(guard, exempt=pairs_of([made.prompt, learner]))
            assert shown(screen, [said]) == shown(Screened([Rendered()]), [said]), (said, learner)
            assert not states_key(said.replace(made.prompt.strip(), ""), made), said
            played += 1
    assert played >= HELP_AT_LEAST


def _help() -> Iterator[benign.Help]:
    yield from benign.written()
    yield from benign.of_the_course(range(3))
    if benign.OATUTOR.exists():
        yield from benign.of_the_import(400)


def test_help_passes_and_hardly_any_is_held() -> None:
    if not benign.OATUTOR.exists():
        print("\nbenign: the imported course is not at hand, its hints are left out")
    count, caught, prose, every = 0, Counter[str](), list[int](), list[int]()
    for said in _help():
        exempt = pairs_of([said.about.prompt, said.learner])
        guard = guard_set([said.about], (), said.learner)
        screen = screened(guard, exempt=exempt)
        came, seen = "", ""
        for token in _TOKEN.findall(said.text):
            came += token
            seen += screen.push(token)
            if screen.caught is None:
                held = came[-max(0, len(came) - len(seen)) :] if len(came) > len(seen) else ""
                every.append(len(_TOKEN.findall(held)))
                if _FORMULA.search(held) is None:
                    prose.append(every[-1])
        seen += screen.finish()
        assert shown(screened(guard, exempt=exempt), [said.text]) == seen
        count += 1
        if screen.caught is not None:
            caught[screen.caught] += 1
    rate = caught.total() / count
    prose.sort()
    every.sort()
    print(
        f"\nbenign: {count} texts, false restarts {rate:.4f} {dict(caught)}; held tokens of prose "
        f"p50 {_at(prose, 0.5)} p99 {_at(prose, 0.99)} max {prose[-1]}, "
        f"formulas included p50 {_at(every, 0.5)} p99 {_at(every, 0.99)}"
    )
    assert count >= HELP_AT_LEAST
    assert rate <= FALSE_RESTARTS
    assert _at(prose, 0.5) == 0
    assert _at(prose, 0.99) <= HELD_PROSE_TOKENS


def _at(numbers: list[int], share: float) -> int:
    return numbers[min(len(numbers) - 1, int(len(numbers) * share))]


def test_roundabout_ways_are_counted() -> None:
    """No pass mark: what is recognised here is a gift; withholding the key is what protects."""
    path = benign.FILE.with_name("indirect.toml")
    stopped, count = 0, 0
    for group in tomllib.loads(path.read_text(encoding="utf-8"))["told"]:
        made = leak.keyed("text" if group["key"].isalpha() else "number", group["key"])
        for text in group["texts"]:
            screen = screened(guard_of(made))
            shown(screen, [text])
            count += 1
            stopped += screen.caught is not None
    print(f"\nindirect: {count} texts, {stopped} stopped, {count - stopped} passed")
    assert count >= 30


def test_with_nothing_locked_the_last_hint_passes() -> None:
    course = benign.shipped()
    for item in course.items:
        made = instance(item, course.sha256, 5)
        last = hint(made, len(made.item.hints) or 1)[0]
        assert shown(screened(GuardSet()), [last]) == shown(Screened([Rendered()]), [last])


@pytest.mark.parametrize("text", ["", "\n", " ", "$", "**"])
def test_small_texts(text: str) -> None:
    assert shown(screened(GuardSet()), [text]) == text
