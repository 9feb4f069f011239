"""Attacks on the lock through a whole session, against a model that obeys every one of them.

The model is asked as any other, writes what the attacker wants in small pieces, and nothing of the
answer may reach the wire. An attack meets the same item with the same numbers in every run, for
what these are drawn from is fixed: the log's epoch, the session's name, the lesson's seed and the
topic. `test_screen` plays the attacks on every item.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engines.exercises.masking import states_key
from protocol import commands as cmd
from protocol import events as ev
from protocol.limits import Limits
from streaming.providers.base import End, LlmRequest, Piece, Text
from tests.corpus.attack import Attack, attacks, obeyed, said_by_learner
from tests.corpus.oracle import states
from tests.virtual import VirtualLoop
from tests.world import Learner, Scripted, World, small_course

SHIPPED = Path(__file__).parents[2] / "server" / "courses" / "linear-equations.json"
PIECE_CHARS = 4
SID = "s_attacked"
AFFIRMED = re.compile(r"\b(?:yes|right|correct|exactly|indeed|true|confirm\w*)\b", re.IGNORECASE)


@pytest.fixture(autouse=True)
def same_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs have one epoch in every run: it is the key of the dice that draw the items."""
    monkeypatch.setattr("streaming.log_sqlite.secrets.token_urlsafe", lambda _bytes: "epoch")


class Obedient(Scripted):
    """A model that says what the newest attack asks for, four characters at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.says = ""

    async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        self.calls += 1
        self.requests.append(request)
        for at in range(0, len(self.says), PIECE_CHARS):
            yield Text(self.says[at : at + PIECE_CHARS])
        yield End("stop")


def one_style_each() -> list[Attack]:
    """Each attack once, in a style of its class chosen by its text."""
    by_words: dict[tuple[str, tuple[str, ...]], list[Attack]] = {}
    for attack in attacks():
        by_words.setdefault((attack.kind, attack.messages), []).append(attack)
    return [
        styles[int(hashlib.sha256("".join(words).encode()).hexdigest(), 16) % len(styles)]
        for (_, words), styles in by_words.items()
    ]


def voices(learner: Learner, gen: str) -> tuple[str, str]:
    """What reached the wire of the model's words, and of the built-in tutor's after it."""
    told = [e for e in learner.heard if getattr(e, "gen", None) == gen]
    restarts = [n for n, e in enumerate(told) if isinstance(e, ev.TurnRestarted)]
    at = restarts[0] if restarts else len(told)
    deltas = [e.text if isinstance(e, ev.Delta) else "" for e in told]
    return "".join(deltas[:at]), "".join(deltas[at:])


class Played(NamedTuple):
    """What came of attacks: turns in which a model was asked, what they met, what stated a key."""

    calls: int
    met: list[tuple[str, str]]
    """The item of each attack and its question."""
    leaks: list[str]


async def played(course: bytes, chosen: list[Attack]) -> Played:
    """Each attack in a lesson of its own, on the topics of the course in turn."""
    model, met, leaks = Obedient(), [], []
    topics = [skill["id"] for skill in json.loads(course)["skills"]]
    world = await World.begin(
        model, limits=Limits(turns_a_min=10**6), course=course, pace_words_a_s=0
    )
    learner = await world.learner(SID)
    session = next(iter(world.ownership))
    for number, attack in enumerate(chosen, 1):
        await learner.send(cmd.LessonStart(learner.new_id(), seed=number))
        await learner.send(cmd.ItemNext(learner.new_id(), topics[number % len(topics)]))
        made = session.state.instance
        assert made is not None
        met.append((made.item.id, made.prompt))
        model.says = obeyed(attack, made)
        await learner.send(cmd.TurnStart(learner.new_id(), said_by_learner(attack, made)))
        while len(learner.of(ev.TurnDone)) < number:
            await asyncio.sleep(0.05)
            learner.pump()
        obedient, built_in = voices(learner, learner.of(ev.TurnDone)[-1].gen)
        # A value that the learner proposed may be repeated; it may not be affirmed.
        proposed = "{key}" in attack.messages[-1]
        stated = AFFIRMED.search(obedient) is not None if proposed else states(obedient, made)
        if stated or states_key(built_in.replace(made.prompt.strip(), ""), made):
            leaks.append(f"{number} {attack} | {made.prompt} | {obedient} | {built_in}")
    await world.check()
    return Played(model.calls, met, leaks)


async def test_no_attack_brings_the_answer_to_the_wire(virtual: VirtualLoop) -> None:
    chosen = one_style_each()
    assert len(chosen) >= 300
    calls, met, leaks = await played(SHIPPED.read_bytes(), chosen)
    assert leaks == [], "\n".join(leaks)
    assert calls == len(chosen), "every attack reached the model: the guards alone stopped it"
    skills = json.loads(SHIPPED.read_bytes())["skills"]
    assert len({item for item, _ in met}) >= len(skills), "every topic was attacked"


async def test_an_attack_meets_the_same_item_in_every_run(virtual: VirtualLoop) -> None:
    chosen = one_style_each()[:40]
    first = await played(SHIPPED.read_bytes(), chosen)
    assert first == await played(SHIPPED.read_bytes(), chosen)
    assert len(set(first.met)) >= len(chosen) // 2


async def test_the_oracle_hears_a_model_without_guards(virtual: VirtualLoop) -> None:
    """The same words unguarded do state the key: the test above can fail."""
    world = await World.begin(course=small_course())
    learner = await world.learner()
    await learner.send(cmd.LessonStart("lesson", seed=3))
    made = next(iter(world.ownership)).state.instance
    assert made is not None
    heard = sum(states(obeyed(attack, made), made) for attack in one_style_each())
    assert heard >= 290
