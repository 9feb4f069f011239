"""What answers teach, over several nodes on one store: nothing lost, nothing counted twice."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engines.exercises.course import course_from
from engines.learnt import Attempted, Learnt, Observation, Shown
from engines.pinning import pinned, shipped
from engines.quantum.fit.coordinates import Design
from engines.quantum.fit.finishing import finished
from engines.quantum.fit.fitted import assembled
from engines.quantum.fit.nested import Settings, plan
from engines.words import Syllabus
from protocol import commands as cmd
from server.fitting import run as fitted_by
from streaming.catalogue import AUTHORS, HEAR_EVERY_S, LOOK_EVERY_S, PUBLISH_TRIES, Catalogue
from streaming.log import StoreUnavailable, Ticket
from streaming.records import Document, Records
from streaming.versions import OWN_KEPT, WRITERS_KEPT, Pin, Table, Version
from tests.nodes import Hub
from tests.streaming.test_refit import simulated
from tests.streaming.test_session import answer, started
from tests.virtual import VirtualLoop
from tests.world import World, learn_from, settle, small_course

SHA = course_from(small_course()).sha256
ITEMS = [f"{skill}.{n:02}" for skill in ("add", "more") for n in range(6)]


class Shaky:
    """One node's way to the records of all: `fails` tells how a put of a key ends, if it fails.

    "before" it is stored or "after"; the node hears the same. `written` keeps every put's body.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self.fails: Callable[[str], str | None] = lambda key: None
        self.written: list[tuple[str, bytes, Ticket]] = []

    async def get(self, kind: str, key: str) -> Document | None:
        await asyncio.sleep(0)
        return await self._records.get(kind, key)

    def put(self, kind: str, key: str, body: bytes, expected_version: int) -> Ticket:
        how, told = self.fails(key), Ticket()
        if how == "before":
            asyncio.get_running_loop().call_soon(told.resolve, StoreUnavailable("away"))
            return told
        ticket = self._records.put(kind, key, body, expected_version)
        self.written.append((key, body, ticket))
        error = StoreUnavailable("its answer was lost") if how == "after" else None
        ticket.hear(lambda done: told.resolve(error or done.error))
        return told


class Cluster:
    """Catalogues of several nodes on the records of one world."""

    def __init__(self, world: World, count: int) -> None:
        self.records = world.ownership.ground.records
        self.ways = [Shaky(self.records) for _ in range(count)]
        self.nodes = [Catalogue(way) for way in self.ways]  # type: ignore[arg-type]  # what it uses

    @classmethod
    async def begin(cls, count: int) -> Cluster:
        cluster = cls(await World.begin(), count)
        for node in cluster.nodes:
            await node.add(small_course())
        return cluster

    async def converged(self) -> Version:
        """The newest version, once every node has looked; each node's newest equals it."""
        await asyncio.sleep(HEAR_EVERY_S)
        for node in self.nodes:
            await node.refresh(SHA)
        newest, version = await self.newest()
        for node in self.nodes:
            assert node.pick(None) == (SHA, newest)
            same(node.at_hand(SHA, newest), self.nodes[0].at_hand(SHA, newest))
        await settle()
        return version

    async def newest(self) -> tuple[str, Version]:
        named = await self.records.get("learnt", f"{SHA}:newest")
        assert named is not None
        body = await self.records.get("learnt", f"{SHA}:{named.body.decode()}")
        assert body is not None
        return named.body.decode(), msgspec.msgpack.decode(body.body, type=Version)


def same(one: Syllabus, other: Syllabus) -> None:
    """Two nodes' syllabi of a version have the same bits."""
    assert one.scoring is not None
    assert other.scoring is not None
    assert one.d.tobytes() == other.d.tobytes()
    assert one.rapid_ms.tobytes() == other.rapid_ms.tobytes()
    assert one.exposure.tobytes() == other.exposure.tobytes()
    assert one.scoring.parameters.crc == other.scoring.parameters.crc
    for item in range(len(ITEMS)):
        assert one.scoring.difficulty_of(item) == other.scoring.difficulty_of(item)


def held(learnt: Learnt) -> tuple[int, int, int, int]:
    """Scored answers on items and in the course, attempts timed, items shown."""
    of_items, timed, shown = map(sum, (learnt.b_answers, learnt.ln_ms_answers, learnt.shown))
    return int(of_items), int(learnt.everywhere_answers), int(timed), int(shown)


def taught(node: Catalogue, dice: random.Random, answers: int) -> None:
    """Some learners' answers on one node."""
    for _ in range(answers):
        item = dice.choice(ITEMS)
        node.showed(SHA, item, lesson=dice.random() < 0.2)
        learn_from(node, SHA, item, dice.choice(["correct", "incorrect"]))


async def test_what_one_node_learnt_pins_lessons_on_the_other(
    virtual: VirtualLoop, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Hub()
    a = await World.begin(node="a", nodes=hub.node())
    b = await World.begin(node="b", nodes=hub.node(), beside=a)
    of_a, of_b = a.ownership.ground.catalogue, b.ownership.ground.catalogue
    first, second = await started(a), await started(b)
    for _ in range(5):
        await answer(first)
        await answer(second)
    for catalogue in (of_a, of_b, of_a):
        learn_from(catalogue, SHA, "add.01")
        catalogue.publish(SHA)
        await settle()
    assert (of_a.pick(None)[1], of_b.pick(None)[1]) == ("v3", "v2")
    await first.send(cmd.LessonStart("three"))
    await second.send(cmd.LessonStart("two"))
    await asyncio.sleep(HEAR_EVERY_S)
    await second.send(cmd.LessonStart("two again, and meanwhile b hears of the third"))
    await second.send(cmd.LessonStart("three"))
    for learner, d_version in ((first, "v3"), (second, "v3")):
        assert learner.attached is not None
        assert learner.attached.session.state.plain.d_version == d_version
        await answer(learner)
        for world in (a, b):
            result = await world.replayed(learner.sid or "")
            assert result.equal, result.differs
    same(of_a.at_hand(SHA, "v3"), of_b.at_hand(SHA, "v3"))
    await a.check()
    await b.check()
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_version_that_only_another_node_published_is_loaded_with_its_log(
    virtual: VirtualLoop,
) -> None:
    """The other node is gone, and the one that takes its learner up never published at all."""
    hub = Hub()
    a = await World.begin(node="a", nodes=hub.node())
    b = await World.begin(node="b", nodes=hub.node(), beside=a)
    learn_from(a.ownership.ground.catalogue, SHA, "add.01")
    a.ownership.ground.catalogue.publish(SHA)
    await settle()
    learner = await started(a)
    await answer(learner)
    learner.cut()
    await a.ownership.drain(1.0)
    with pytest.raises(KeyError):
        b.ownership.ground.catalogue.at_hand(SHA, "v1")
    learner.world = b
    await learner.connect()
    await answer(learner)
    assert learner.attached is not None
    assert learner.attached.session.state.plain.d_version == "v1"
    await b.check()


async def test_a_drained_node_leaves_what_it_learnt(virtual: VirtualLoop) -> None:
    a = await World.begin()
    learner = await started(a)
    for _ in range(3):
        await answer(learner)
    await a.ownership.drain(1.0)
    b = await World.begin(node="b", beside=a)
    assert b.ownership.ground.catalogue.pick(None) == (SHA, "v1")


@pytest.mark.parametrize("count", [2, 8])
async def test_nodes_that_publish_at_the_same_moment(
    virtual: VirtualLoop, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    cluster, dice = await Cluster.begin(count), random.Random(count)
    told, rounds = 0, 2
    for _ in range(rounds):
        for node in cluster.nodes:
            answers = dice.randrange(1, 6)
            taught(node, dice, answers)
            told += answers
        await asyncio.gather(*(node.publish_all() for node in cluster.nodes))
    version = await cluster.converged()
    assert held(version.learnt) == (told,) * 4
    named = await cluster.records.get("learnt", f"{SHA}:newest")
    assert named is not None
    assert named.version == rounds * count, "each had its turn, and none needed two"
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_node_that_is_many_versions_behind_publishes_at_once(virtual: VirtualLoop) -> None:
    cluster, dice = await Cluster.begin(2), random.Random(3)
    ahead, behind = cluster.nodes
    for _ in range(PUBLISH_TRIES + 1):
        taught(ahead, dice, 1)
        await ahead.publish_all()
    taught(behind, dice, 1)
    await behind.publish_all()
    assert behind.pick(None)[1] == f"v{PUBLISH_TRIES + 2}"
    assert held((await cluster.converged()).learnt) == (PUBLISH_TRIES + 2,) * 4


async def test_answers_that_come_while_versions_are_on_their_way(virtual: VirtualLoop) -> None:
    cluster, dice = await Cluster.begin(3), random.Random(4)
    for _ in range(15):
        for node in cluster.nodes:
            taught(node, dice, 1)
            node.publish(SHA)
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
    await settle()
    for node in cluster.nodes:
        await node.publish_all()
    assert held((await cluster.converged()).learnt) == (45,) * 4


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_is_lost_or_counted_twice_where_the_store_is_silent(
    virtual: VirtualLoop, seed: int
) -> None:
    """Puts fail before or after they land, nodes publish at any moment; in the end all agree."""
    cluster, dice = await Cluster.begin(2 + seed % 3), random.Random(seed)
    told = 0

    def fails(key: str) -> str | None:
        return dice.choice([None, None, None, "before", "after"])

    for way in cluster.ways:
        way.fails = fails
    for _ in range(60):
        node = dice.choice(cluster.nodes)
        taught(node, dice, 1)
        told += 1
        if dice.random() < 0.4:
            node.publish(SHA)
        if dice.random() < 0.3:
            await asyncio.sleep(dice.choice([0.0, 0.0, HEAR_EVERY_S]))
        node.pick(None)
    await settle()
    for way in cluster.ways:
        way.fails = lambda key: None
    for node in cluster.nodes:
        await node.publish_all()
    assert held((await cluster.converged()).learnt) == (told,) * 4
    stored: dict[str, bytes] = {}
    for way in cluster.ways:
        for key, body, ticket in way.written:
            if ticket.stored and not key.endswith(":newest"):
                assert key not in stored, "a version was stored twice"
                stored[key] = body
    for key, body in stored.items():
        assert await cluster.records.get("learnt", key) == Document(1, body)


async def test_a_version_whose_answer_was_lost_counts_once_under_anothers(
    virtual: VirtualLoop, caplog: pytest.LogCaptureFixture
) -> None:
    cluster, dice = await Cluster.begin(2), random.Random(1)
    a, b = cluster.nodes
    taught(a, dice, 4)
    cluster.ways[0].fails = lambda key: "after" if key.endswith(":newest") else None
    await a.publish_all()
    assert "was not stored" in caplog.text
    assert a.pick(None)[1] == AUTHORS
    cluster.ways[0].fails = lambda key: None
    taught(b, dice, 3)
    await b.publish_all()
    taught(a, dice, 2)
    await a.publish_all()
    assert held((await cluster.converged()).learnt) == (9,) * 4


async def test_nodes_that_find_the_same_refit_publish_it_once(
    virtual: VirtualLoop, tmp_path: Path
) -> None:
    log, settings = simulated(40, 16), Settings((Design(8),), (0, 1, 2, 3, 4), 0)
    done = fitted_by(plan(log, settings))
    fit = finished(log, settings, done, assembled(log, settings, done))
    dice = random.Random(2)
    cluster = await Cluster.begin(1)
    nodes = [Catalogue(Shaky(cluster.records), tmp_path) for _ in range(3)]  # type: ignore[arg-type]  # what it uses
    for node in nodes:
        await node.add(small_course())
        taught(node, dice, 3)
    (tmp_path / "sums.tsp").write_bytes(fit.to_bytes())
    await asyncio.sleep(LOOK_EVERY_S)
    await asyncio.gather(*(node.refresh(SHA) for node in nodes))
    cluster.nodes = nodes
    version = await cluster.converged()
    assert version.physics
    named = await cluster.records.get("learnt", f"{SHA}:newest")
    assert named is not None
    assert named.version == 1
    for node in nodes:
        taught(node, dice, 2)
    await asyncio.gather(*(node.publish_all() for node in nodes))
    after = await cluster.converged()
    assert after.physics == version.physics
    before = int(sum(version.learnt.b_answers))
    assert before == fit.item_answers.sum(), "what was answered before is the refit's"
    assert held(after.learnt) == (before + 6, 6, 15, 15)


def table(writer: str = "me") -> Table:
    course = course_from(small_course())
    physics = shipped(course)
    learnt = Learnt.nothing(physics.parameters)
    pin = Pin(AUTHORS, "", physics, pinned(course, physics, learnt))
    return Table(course, writer, pin, Version(0, learnt), 0)


def some(dice: random.Random, count: int) -> list[Observation]:
    """Observations of the tests' course."""
    pulls = [None, -0.6, -0.1, 0.3]
    found: list[Observation] = []
    for _ in range(count):
        item = dice.randrange(len(ITEMS))
        found.append(Attempted(item, item // 6, dice.uniform(900.0, 30_000.0), dice.choice(pulls)))
        found.append(Shown(item, dice.random() < 0.3))
    return found


def test_a_table_on_anothers_version_is_as_one_that_saw_theirs_first() -> None:
    """To the bit; what it took in before it was frozen there is not taken in again."""
    dice = random.Random(5)
    theirs, mine, later = some(dice, 200), some(dice, 150), some(dice, 30)
    one, me, other = table("one"), table("me"), table("other")
    for seen in (*theirs, *mine, *later):
        one.take_in(seen)
    for seen in theirs:
        other.take_in(seen)
    for seen in mine:
        me.take_in(seen)
    published = other.frozen()
    other.landed(published)
    me.rebased(published.pin, published.version, 1)
    unsure = me.frozen()  # of which the store does not say whether it landed; it has
    for seen in later:
        me.take_in(seen)
    again = msgspec.msgpack.decode(unsure.body, type=Version)
    me.rebased(unsure.pin, again, 2)
    assert me.learnt == one.learnt
    assert me.fresh == sum(isinstance(seen, Attempted) and seen.pull is not None for seen in later)
    assert me.frozen().version.taken == {"other": 400, "me": 360}


def test_a_version_names_its_newest_writers_only() -> None:
    mine: Any = table()
    mine.taken = {f"w{n}": n for n in range(WRITERS_KEPT + 5)}
    mine.take_in(Attempted(0, 0, 9_000.0, 0.5))
    taken = mine.frozen().version.taken
    assert list(taken) == [*(f"w{n}" for n in range(6, WRITERS_KEPT + 5)), "me"]
    assert taken["me"] == 1


def test_a_store_that_is_away_for_long_costs_no_more_than_it_may() -> None:
    """The table holds all; should another's version come first then, the oldest is missing."""
    mine, other = table(), table("other")
    for _ in range(OWN_KEPT + 10):
        mine.take_in(Shown(0, lesson=False))
    other.take_in(Attempted(0, 0, 9_000.0, 0.5))
    frozen = other.frozen()
    assert mine.learnt.shown[0] == OWN_KEPT + 10
    mine.rebased(frozen.pin, frozen.version, 1)
    assert mine.learnt.shown[0] == OWN_KEPT
    assert mine.learnt.b_answers[0] == 1
    assert mine.fresh == 0
