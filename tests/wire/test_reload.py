"""Courses are read again: new lessons get the new version, lessons that run keep theirs."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines.exercises.course import canonical
from server.authoring.compiled import map_path
from server.commands import doctor
from server.settings import Misconfigured, Settings
from server.taught import listed
from streaming.catalogue import VERSIONS_MOST
from tests.wire.node import Learner, node
from tests.wire.sockets import request
from tests.world import small_course


async def came_back(port: int, sid: str, token: str) -> Learner:
    """The learner of an earlier connection, whose ids are not used again."""
    learner = await Learner.come(port, sid=sid, token=token)
    learner._ids = 1_000
    return learner


def version(name: str, *, locales: bool = False, **head: Any) -> bytes:
    """The small course whose questions begin with a word of their own."""
    course = json.loads(small_course())
    course |= {"version": name, **head}
    for each in course["items"]:
        text = f"{name}: {each['prompt']}"
        each["prompt"] = {"en": text, "ar": f"سؤال {text}"} if locales else text
    if locales:
        course["locales"] = ["ar", "en"]
    return canonical(course)


def put(folder: Path, body: bytes, name: str = "sums", *, mapped: bytes | None = None) -> None:
    path = folder / f"{name}.json"
    path.write_bytes(body)
    sha256 = hashlib.sha256(body if mapped is None else mapped).hexdigest()
    map_path(path).write_text(json.dumps({"sha256": sha256}), encoding="utf-8")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what the server does by itself, 10 s at most."""
    for _ in range(1_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


async def asked(learner: Learner) -> str:
    """The question of the next item of the lesson that runs."""
    command_id = learner.new_id()
    learner.say({"t": "item.next", "id": command_id})
    prompt: str = (await learner.until("item", re=command_id))["prompt"]
    return prompt.partition(":")[0]


async def lesson(learner: Learner, **wanted: Any) -> str:
    """The question that a fresh lesson begins with."""
    command_id = learner.new_id()
    learner.say({"t": "lesson.start", "id": command_id, **wanted})
    await learner.until("ok", re=command_id)
    prompt: str = (await learner.until("item"))["prompt"]
    return prompt.partition(":")[0]


async def begun(port: int, **hello: Any) -> tuple[Learner, str]:
    learner = await Learner.come(port, **hello)
    return learner, await lesson(learner)


async def test_a_running_lesson_survives_a_reload_and_a_restart(tmp_path: Path) -> None:
    store: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/store.db", "courses": [str(tmp_path)]}
    async with node(tmp_path, course=version("one"), **store) as server:
        old, word = await begun(server.port)
        assert word == "one"
        put(tmp_path, version("two"))
        assert await server.application.read_courses_again() == ["sums"]
        new, word = await begun(server.port)
        assert word == "two"
        assert await asked(old) == "one"
        assert (await old.answer("0"))["verdict"] == "incorrect"
        sid, token = old.sid, old.token
        await old.aclose()
        await new.aclose()
    async with node(tmp_path, course=version("two"), **store) as server:
        back = await came_back(server.port, sid, token)
        assert await asked(back) == "one", "the version of its lesson is found in the store"
        assert await lesson(back) == "two"
        skills = {each["id"] for each in back.frames[-2]["changed"]["skills"]}
        assert skills == {"add", "more"}
        await back.aclose()


async def test_many_versions_go_side_by_side_and_the_oldest_lesson_goes_on(tmp_path: Path) -> None:
    names = [f"v{n}" for n in range(VERSIONS_MOST + 2)]
    async with node(tmp_path, course=version(names[0]), courses=[str(tmp_path)]) as server:
        learners: list[Learner] = []
        for name in names:
            put(tmp_path, version(name))
            await server.application.read_courses_again()
            learner, word = await begun(server.port)
            assert word == name
            learners.append(learner)
        for learner, name in zip(learners, names, strict=True):
            assert await asked(learner) == name
            await learner.answer("1")
            await learner.aclose()
        assert len(server.application.catalogue.offered) == 1
        put(tmp_path, version(names[1]))
        await server.application.read_courses_again()
        again, word = await begun(server.port)
        assert word == names[1], "an earlier version may come back"
        await again.aclose()


async def test_a_broken_file_is_told_and_the_others_are_taught(tmp_path: Path) -> None:
    put(tmp_path, version("fine")[:-30], "broken", mapped=version("fine"))
    async with node(tmp_path, course=version("one"), courses=[str(tmp_path)]) as server:
        ready = json.loads((await request(server.port, "GET", "/readyz")).body)
        assert ready["ready"] is True
        assert "broken.json" in ready["notes"][0]
        assert "build it again" in ready["notes"][0]
        found = doctor._courses(Settings(courses=[str(tmp_path)]))
        assert not found.ok
        assert "broken.json" in found.found
        put(tmp_path, version("mended", id="other"), "broken")
        assert await server.application.read_courses_again() == ["other"]
        assert server.application.taught.notes == []
        learner = await Learner.come(server.port)
        assert await lesson(learner, course="other") == "mended"
        (tmp_path / "broken.json").unlink()
        await server.application.read_courses_again()
        assert [each.id for each in server.application.catalogue.offered] == ["sums"]
        assert await asked(learner) == "mended"
        await learner.aclose()


async def test_a_compiled_file_that_does_not_fit_its_map_changes_nothing(tmp_path: Path) -> None:
    async with node(tmp_path, course=version("one"), courses=[str(tmp_path)]) as server:
        put(tmp_path, version("two"), mapped=version("three"))
        assert await server.application.read_courses_again() == []
        assert "hash to" in server.application.taught.notes[0]
        learner, word = await begun(server.port)
        assert word == "one"
        await learner.aclose()


async def test_files_are_looked_at_by_the_server_itself_where_it_is_told_to(
    tmp_path: Path,
) -> None:
    watched: dict[str, Any] = {"courses": [str(tmp_path)], "courses_watch_s": 0.01}
    async with node(tmp_path, course=version("one"), **watched) as server:
        put(tmp_path, version("two"))
        await until(lambda: server.application.catalogue.offered[0].version == "two")
        (tmp_path / "sums.json").unlink()
        await until(lambda: bool(server.application.taught.notes))
        learner, word = await begun(server.port)
        assert word == "two"
        await learner.aclose()


def test_folders_of_sources_and_empty_ones_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no compiled course"):
        listed([tmp_path])
    (tmp_path / "course.yaml").write_text("", encoding="utf-8")
    with pytest.raises(Misconfigured, match="content build"):
        listed([tmp_path])


async def test_a_lesson_speaks_the_learners_language(tmp_path: Path) -> None:
    store: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/store.db"}
    async with node(tmp_path, course=version("one", locales=True), **store) as server:
        learner = await Learner.come(server.port)
        assert await lesson(learner, locale="ar-EG") == "سؤال one"
        assert await lesson(learner, locale="sv") == "one"
        learner.say({"t": "prefs.set", "id": "c", "prefs": {"locale": "ar"}})
        assert await lesson(learner) == "سؤال one"
        sid, token = learner.sid, learner.token
        await learner.aclose()
    async with node(tmp_path, course=version("one", locales=True), **store) as server:
        learner = await came_back(server.port, sid, token)
        assert await asked(learner) == "سؤال one"
        told = (await request(server.port, "GET", "/v1/courses")).body
        assert json.loads(told)["courses"][0]["locales"] == ["ar", "en"]
        await learner.aclose()
