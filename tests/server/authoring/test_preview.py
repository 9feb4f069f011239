"""The author's preview: one item with the numbers of a seed, in each language, as files change."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from engines.exercises.course import course_from
from engines.exercises.template import instance
from server.authoring.desk import Desk, response_of
from server.authoring.starter import started
from server.preview import previewed
from tests.wire.node import Learner
from tests.wire.sockets import request

ITEM = "add.small.01"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sums"
    started(made, "sums")
    (made / "locales").mkdir()
    overlay = f'title: "جمع"\nitems:\n  {ITEM}:\n    prompt: "كم هو $@{{a}} + @{{b}}$؟"\n'
    (made / "locales" / "ar.yaml").write_text(overlay, encoding="utf-8")
    return made


def test_the_item_stands_alone_with_the_numbers_of_its_seed(folder: Path) -> None:
    desk = Desk(folder)
    assert desk.refreshed()
    assert not desk.refreshed()
    assert desk.locales == ["en", "ar"]
    for seed in (0, 7):
        wanted = desk.drawn(ITEM, seed, "en").instance
        for tag in desk.locales:
            course = course_from(desk.alone(ITEM, seed, tag))
            assert (course.locale, [each.id for each in course.items]) == (tag, [ITEM])
            for other in (0, 1, 2):
                assert instance(course.items[0], course.sha256, other).key == wanted.key
    assert course_from(desk.alone(ITEM, 0, "ar")).items[0].prompt.startswith("كم هو")


def test_what_cannot_be_read_is_told_and_the_last_version_stays(folder: Path) -> None:
    desk = Desk(folder)
    desk.refreshed()
    path = folder / "items" / "01-first.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("prompt:", "promt:"), encoding="utf-8")
    assert desk.refreshed()
    assert desk.version == 2
    assert any("did you mean prompt" in line for line in desk.findings)
    assert desk.drawn(ITEM, 0, "ar").instance.prompt.startswith("كم هو")
    with pytest.raises(LookupError, match=r"expected one of en, ar"):
        desk.drawn(ITEM, 0, "sv")


def test_an_answer_is_read_as_its_kind_takes_it(folder: Path) -> None:
    desk = Desk(folder)
    desk.refreshed()
    item = desk.drawn(ITEM, 0, "en").instance.item
    assert response_of("[2, 3)", item) == "[2, 3)"
    judged = desk.judged(ITEM, 0, "en", str(desk.drawn(ITEM, 0, "en").instance.key))
    assert judged["verdict"]["verdict"] == "correct"
    assert set(judged["values"]) == {"a", "b"}


async def _told(port: int, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    method = "GET" if body is None else "POST"
    sent = b"" if body is None else json.dumps(body).encode()
    kind = {"content-type": "application/json", **headers}
    answer = await request(port, method, path, sent, kind if sent else headers)
    return answer.status, json.loads(answer.body)


def port_of(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2])


async def shown_to_a_learner(url: str) -> str:
    learner = await Learner.come(port_of(url))
    prompt: str = (await learner.lesson())["prompt"]
    await learner.aclose()
    return prompt


async def test_the_pages_show_the_item_that_is_chosen_and_follow_the_files(folder: Path) -> None:
    async with previewed(Desk(folder), ITEM) as (url, preview):
        port = port_of(url)
        status, state = await _told(port, "/state")
        assert (status, state["item"], state["seed"]) == (200, ITEM, 0)
        english, arabic = (each["url"] for each in state["pages"])
        status, state = await _told(port, "/show", {"item": ITEM, "seed": 5})
        wanted = preview.desk.drawn(ITEM, 5, "en").instance
        assert await shown_to_a_learner(english) == wanted.prompt
        assert (await shown_to_a_learner(arabic)).startswith("كم هو")
        status, judged = await _told(port, "/verdict", {"response": str(wanted.key)})
        assert [each["verdict"]["verdict"] for each in judged.values()] == ["correct"] * 2
        path = folder / "items" / "01-first.yaml"
        text = path.read_text(encoding="utf-8").replace('"What is', '"Now what is')
        path.write_text(text, encoding="utf-8")
        for _ in range(1_000):
            if (await _told(port, "/state"))[1]["version"] == 2:
                break
            await asyncio.sleep(0.02)
        for _ in range(1_000):
            if (await shown_to_a_learner(english)).startswith("Now what is"):
                break
            await asyncio.sleep(0.02)
        else:
            raise AssertionError("the page did not follow the file")
        page = await request(port_of(english), "GET", "/")
        assert "frame-ancestors http://127.0.0.1:*" in page.headers["content-security-policy"]
        assert (await _told(port, "/show", {"item": "none", "seed": 0}))[0] == 400
        assert (await _told(port, "/show", {"item": ITEM, "seed": -1}))[0] == 400
        assert (await _told(port, "/verdict", [1]))[0] == 400
        foreign = {"origin": "https://example.org"}
        assert (await _told(port, "/verdict", {"response": "1"}, **foreign))[0] == 400
        assert (await _told(port, "/state", **foreign))[0] == 403


async def test_an_item_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(LookupError, match=r"no item 'none'.*add\.small\.01"):
        async with previewed(Desk(folder), "none"):
            raise AssertionError
