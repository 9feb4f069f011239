"""A refit left beside the store: new lessons are scored by it, running ones keep their numbers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from engines.beliefs import Beliefs
from engines.exercises.course import course_from
from engines.pinning import fitted_to, shipped
from engines.quantum.fit.coordinates import Design
from engines.quantum.fit.finishing import finished
from engines.quantum.fit.fitted import Fitted, assembled
from engines.quantum.fit.nested import Settings, plan
from engines.responses import Responses, fold_of, responses
from engines.words import Syllabus
from protocol import commands as cmd
from protocol import events as ev
from server.fitting import run
from server.refit import refit
from streaming.attempts import Told, by_course, evidence
from streaming.catalogue import LOOK_EVERY_S
from tests.streaming.test_session import answer, started
from tests.virtual import VirtualLoop
from tests.world import Learner, World, settle, small_course

ALL = (0, 1, 2, 3, 4)
TAUGHT = course_from(small_course())


def simulated(learners: int = 60, answers: int = 24, seed: int = 1) -> Responses:
    """Learners of the tests' course: ability N(0, 1), a little learning; items differ."""
    dice = np.random.Generator(np.random.PCG64(seed))
    items = [f"{skill}.{n:02}" for skill in ("add", "more") for n in range(6)]
    b = dict(zip(items, dice.normal(0.0, 1.2, len(items)), strict=True))
    rows = []
    for u in range(learners):
        theta = dice.normal(0.5, 1.0)
        for t in range(answers):
            item = items[dice.integers(len(items))]
            right = dice.random() < 1.0 / (1.0 + np.exp(b[item] - theta - 0.02 * t))
            name = f"learner {u}"
            row = (name, item, item.partition(".")[0], int(right), fold_of(name), None, None)
            rows.append(row)
    return responses(rows)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """A classical fit of eight levels on simulated learners."""
    settings = Settings((Design(8),), ALL, 0)
    log = simulated()
    done = run(plan(log, settings))
    return finished(log, settings, done, assembled(log, settings, done))


def standing(learner: Learner) -> tuple[Syllabus, Beliefs]:
    assert learner.attached is not None
    state = learner.attached.session.state
    assert state.syllabus is not None
    assert state.beliefs is not None
    return state.syllabus, state.beliefs


async def answered(learner: Learner, right: bool) -> None:
    """One first attempt; an item that was missed is left."""
    await answer(learner, None if right else "-7")
    if not right:
        await learner.send(cmd.ItemNext(learner.new_id()))


async def test_a_refit_is_taken_over_for_new_lessons_only(
    virtual: VirtualLoop, tmp_path: Path, fitted: Fitted
) -> None:
    fits = tmp_path / "fits"
    world = await World.begin(fits=fits)
    learner = await started(world)
    for _ in range(4):
        await answer(learner)
    before, beliefs = standing(learner)
    crc = beliefs.scoring.parameters.crc
    fits.mkdir()
    (fits / "sums.tsp").write_bytes(fitted.to_bytes())
    await asyncio.sleep(LOOK_EVERY_S + 1)
    other = await world.learner()
    await other.send(cmd.LessonStart("l"))
    await answer(learner)
    syllabus, beliefs = standing(learner)
    assert syllabus is before, "a running lesson keeps its numbers"
    assert beliefs.scoring.parameters.crc == crc
    catalogue = world.ownership.ground.catalogue
    newest = catalogue.at_hand(*catalogue.pick(None))
    assert newest.scoring is not None
    assert newest.scoring.parameters.crc == fitted_to(newest.course, fitted.to_bytes())[0].crc
    assert standing(other)[0] is newest is not before
    await answer(other)
    await world.check()


async def test_what_a_learner_showed_is_carried_over(
    virtual: VirtualLoop, tmp_path: Path, fitted: Fitted
) -> None:
    fits, path = tmp_path / "fits", f"{tmp_path}/store.db"
    world = await World.begin(path=path, fits=fits)
    learner = await started(world)
    for n in range(8):
        await answered(learner, n % 3 != 0)
    sid = learner.sid
    assert sid is not None
    world.kill()
    learner.cut()
    fits.mkdir()
    (fits / "sums.tsp").write_bytes(fitted.to_bytes())
    learner.world = world = await World.begin(path=path, fits=fits, node="n2")
    await learner.connect()
    await learner.send(cmd.LessonStart("again"))
    syllabus, beliefs = standing(learner)
    scoring, final = syllabus.scoring, syllabus.final
    assert scoring is not None
    assert final is not None
    x, f = scoring.fresh(), final.fresh()
    ground = world.ownership.ground
    async for seen in evidence(sid, ground.log, ground.records, ground.catalogue):
        index = syllabus.item_index[seen.item]
        out = scoring.answer(x, index, seen.right, weight=seen.weight, guess=0.12)
        if seen.weight == 1.0:
            at_s = seen.at_ms / 1000
            final.answer(f, index, out.p, out.p_g, seen.right, at_s)
    assert beliefs.scoring.parameters.crc == scoring.parameters.crc
    assert beliefs.x.tobytes() == x.tobytes()
    assert beliefs.x.tobytes() != scoring.fresh().tobytes()
    assert beliefs.f.tobytes() == f.tobytes()
    await answer(learner)
    await world.check()


@pytest.mark.parametrize("data", [b"", b"TSF1....", b"of another program"])
async def test_a_file_that_is_none_is_told_and_left(
    virtual: VirtualLoop, tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sums.tsp").write_bytes(data)
    world = await World.begin(fits=tmp_path)
    learner = await started(world)
    assert "sums.tsp is not used" in caplog.text
    await answer(learner)
    assert learner.of(ev.Difficulty)


def test_a_fit_is_laid_over_another_version_of_its_course(fitted: Fitted) -> None:
    larger = course_from(small_course(9))
    physics = fitted_to(larger, fitted.to_bytes())
    p, own = physics.parameters, fitted.parameters
    index = {item.id: n for n, item in enumerate(larger.items)}
    assert p.difficulty[index["add.03"]] == own.difficulty[fitted.items.index("add.03")]
    assert p.difficulty[index["add.08"]] == larger.items[index["add.08"]].difficulty
    assert physics.answers[index["add.08"]] == 0
    assert physics.answers.sum() == fitted.item_answers.sum()
    assert (p.level[0] == own.level[fitted.combinations.index("add")]).all()
    assert p.crc != shipped(larger).parameters.crc


def test_a_refit_is_accepted_where_learners_left_out_are_forecast_better(tmp_path: Path) -> None:
    log = simulated()
    poor = Told(log, np.full(len(log), 0.5), TAUGHT)
    verdict = refit("sums", poor, tmp_path, seed=0, dry=True)
    assert verdict.refitted is not None
    assert verdict.refitted < float(np.log(2.0)) == pytest.approx(verdict.told)
    assert (verdict.accepted, verdict.why) == (False, "a dry run")
    assert not list(tmp_path.iterdir())
    knowing = Told(log, np.where(log.right == 1, 0.9, 0.1), TAUGHT)
    assert "no better" in refit("sums", knowing, tmp_path, seed=0, dry=False).why
    few = refit("sums", Told(simulated(20), np.zeros(480), TAUGHT), tmp_path, seed=0, dry=False)
    assert few.why.startswith("expected 30 learners")
    assert not list(tmp_path.iterdir())


async def test_a_store_is_read_as_one_log_a_course(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    outcomes = [True, False, True, True]
    for right in outcomes:
        await answered(learner, right)
    ground = world.ownership.ground
    await settle()
    found = await by_course(ground.log, ground.records, ground.catalogue)
    told = found["sums"]
    first = [f for f in learner.of(ev.Feedback) if f.attempt == 1]
    assert told.p.tolist() == [f.p_expected for f in first]
    assert told.log.right.tolist() == [int(f.verdict == "correct") for f in first]
    assert told.log.learners == (learner.sid,)
