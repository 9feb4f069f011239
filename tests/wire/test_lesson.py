"""A lesson over a course nobody here wrote, by a client that knows only JSON and sockets."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.wire.process import ROOT, Frame, Plain, serving
from tests.wire.test_kill import replayed

ITEMS = 200


def imported(shared: Path, folder: Path) -> Path:
    """The sample course by the three commands of the README."""
    source = shared / "oatutor" / "elementary-algebra.jsonl"
    if not source.is_file():
        pytest.skip("the OATutor sample is not here: ../shared/oatutor/elementary-algebra.jsonl")
    for words in (
        ["content", "import", "oatutor", str(source), "--out", str(folder / "algebra")],
        ["content", "build", str(folder / "algebra"), "--out", str(folder / "algebra.json")],
    ):
        subprocess.run([sys.executable, "-m", "server.cli", *words], cwd=ROOT, check=True)
    return folder / "algebra.json"


def keys(shared: Path) -> dict[str, dict[str, Any]]:
    """Each step's own answer, by the step's id, as the source has it."""
    found: dict[str, dict[str, Any]] = {}
    with (shared / "oatutor" / "elementary-algebra.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            for step in json.loads(line)["steps"]:
                found[step["id"]] = step
    return found


def response(item: Frame, course: dict[str, Any], steps: dict[str, dict[str, Any]]) -> str:
    """What a learner who knows the source's key would type or click."""
    written = next(i for i in course["items"] if i["id"] == item["item"])
    step = steps[written["source"]["original_id"]]
    key: str = step["stepAnswer"][0]
    if item.get("choices"):
        wanted = "".join(key.replace("$$", "$").split())
        for choice in item["choices"]:
            if "".join(choice["text"].split()) == wanted:
                return str(choice["id"])
    return key.replace("$$", "")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_two_hundred_items_of_an_imported_course(shared: Path, tmp_path: Path) -> None:
    path = await asyncio.to_thread(imported, shared, tmp_path)
    course, steps = json.loads(path.read_bytes()), keys(shared)
    store = f"sqlite:///{tmp_path}/store.db"
    async with serving("--course", str(path), "--store", store) as server:
        learner = await Plain.come(server.url)
        await learner.say({"t": "lesson.start", "id": "lesson"})
        await learner.until("item")
        verdicts: Counter[str] = Counter()
        times_ms: list[float] = []
        for n in range(ITEMS):
            item = learner.item
            said = response(item, course, steps) if n % 5 else "0"
            start = time.perf_counter()
            submit = {"t": "answer.submit", "id": f"a{n}", "item": item["item"]}
            await learner.say({**submit, "response": said, "taken_ms": 6_000})
            feedback = await learner.until("feedback", re=f"a{n}")
            times_ms.append((time.perf_counter() - start) * 1000)
            verdicts[feedback["verdict"]] += 1
            if n % 20 == 0 and not feedback.get("done"):
                await learner.say({"t": "hint.request", "id": f"h{n}", "item": item["item"]})
                assert (await learner.until("hint", re=f"h{n}"))["text"]
            if not feedback.get("done"):
                await learner.say({"t": "item.next", "id": f"n{n}"})
                await learner.until("item", re=f"n{n}")
            else:
                await learner.until("item")
            await asyncio.sleep(0.1)  # the wire takes 20 commands a second
        shown = Counter(f["item"] for f in learner.frames if f["t"] == "item")
        assert len(shown) > ITEMS / 2
        assert verdicts["correct"] >= 0.75 * ITEMS, verdicts
        assert not [f for f in learner.frames if f["t"] == "err"]
        print(f"verdicts {dict(verdicts)}; feedback p50 {sorted(times_ms)[ITEMS // 2]:.1f} ms")
        sid = learner.welcome["sid"]
        await learner.aclose()
        assert await server.drain() == 0
    answers = [row for row in replayed(store, sid) if row.get("deed") == "answer"]
    assert len(answers) == ITEMS
