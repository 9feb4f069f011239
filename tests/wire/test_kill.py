"""A server that is killed loses nothing that was said; a drained one says goodbye first."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.wire.process import ROOT, Frame, Plain, Process, serving, stored
from tests.world import small_course

ROUNDS = 20


def course_file(folder: Path) -> str:
    path = folder / "sums.json"
    path.write_bytes(small_course())
    return str(path)


def right(item: Frame) -> str:
    """The answer, computed from the question as a person would."""
    question = item["prompt"].removeprefix("What is $").removesuffix("$?")
    return str(sum(int(number) for number in question.split(" + ")))


async def work(learner: Plain, name: str, done: list[Frame]) -> None:
    """Answer without end; `done` keeps each feedback that was seen."""
    n = 0
    while True:
        n += 1
        submit = {"t": "answer.submit", "id": f"{name}-{n}", "item": learner.item["item"]}
        await learner.say({**submit, "response": right(learner.item), "taken_ms": 7_000})
        seen = await learner.until("feedback", re=f"{name}-{n}")
        done.append(seen)
        await learner.until("item")
        await asyncio.sleep(0.06)  # the wire takes 20 commands a second


async def round_of(url: str, name: str, back: Plain | None, seed: int, server: Process) -> Plain:
    """Answer and stream, kill the server at a random moment; the client as it was then."""
    if back is None:
        learner = await Plain.come(url)
        await learner.say({"t": "lesson.start", "id": f"{name}-l"})
        await learner.until("item")
    else:
        learner = back
    await learner.say({"t": "turn.start", "id": f"{name}-t", "input": "Please explain."})
    await learner.until("turn.started", cmd=f"{name}-t")
    done: list[Frame] = []
    working = asyncio.create_task(work(learner, name, done))
    await asyncio.sleep(0.05 + random.Random(seed).random() * 0.4)
    await server.kill()
    with pytest.raises(ConnectionClosed):
        await working
    return learner


def text_of(frames: list[Frame], gen: str) -> tuple[str, int]:
    """`(text, next chunk)` of a generation from its deltas; a doubled chunk fails."""
    text, next_i = "", 0
    for frame in frames:
        if frame["t"] == "delta" and frame["gen"] == gen:
            a, b = frame["i"]
            assert a == next_i, f"chunk {a} came where {next_i} was due"
            text, next_i = text + frame["text"], b + 1
    return text, next_i


@pytest.mark.slow
@pytest.mark.timeout(900)  # with stores of several nodes each round waits for a heartbeat to end
async def test_kill_during_answers_and_a_stream_loses_nothing(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/store.db"
    arguments = ("--course", course_file(tmp_path), "--store", store)
    seen: dict[str, Frame] = {}
    gen = ""
    back: Plain | None = None
    for n in range(ROUNDS):
        server = await Process.start(*arguments)
        try:
            if back is not None:
                token, sid = back.welcome["token"], back.welcome["sid"]
                position, epoch = back.position(), back.welcome["logs"][0]["epoch"]
                old = back.frames
                back = await Plain.come(server.url, token=token, sid=sid, have=[position])
                assert back.welcome["logs"][0]["epoch"] == epoch
                assert back.welcome["logs"][0]["mode"] in ("replay", "live"), back.welcome
                back.welcome["token"] = token
                back.frames = old + back.frames
                done = next((f for f in old if f["t"] == "turn.done" and f["gen"] == gen), None)
                if done is None:
                    done = await back.until("turn.done", gen=gen)
                    # A store that takes its time holds back an end that is in the log.
                    late = "reason" not in done and store not in stored(["--store", store])
                    assert late or (done["status"], done["reason"]) == ("lost", "owner_lost")
                text, chunks = text_of(back.frames, gen)
                assert done["n"] == chunks
                assert done["text_sha256"] == hashlib.sha256(text.encode()).hexdigest()
                back.item = [f for f in back.frames if f["t"] == "item"][-1]
            back = await round_of(server.url, f"r{n}", back, n, server)
            gen = next(f["gen"] for f in back.frames if f.get("cmd") == f"r{n}-t")
            seen |= {f["re"]: f for f in back.frames if f["t"] == "feedback"}
        finally:
            if server.process.returncode is None:
                await server.kill()
    assert len(seen) > ROUNDS
    async with serving(*arguments) as server:
        assert back is not None
        sid, token = back.welcome["sid"], back.welcome["token"]
        last = await Plain.come(server.url, token=token, sid=sid)
        for command_id, first in random.Random(0).sample(sorted(seen.items()), 10):
            response = first["read_as"].strip("$")
            submit = {"t": "answer.submit", "id": command_id, "item": first["item"]}
            await last.say({**submit, "response": response, "taken_ms": 7_000})
            again = await last.until("feedback", re=command_id, dup=True)
            assert {k: v for k, v in again.items() if k != "dup"} == first
        await last.aclose()
        assert await server.drain() == 0
    logged = replayed(store, sid)
    answers = {row["cmd"]: row for row in logged if row.get("deed") == "answer"}
    assert seen.keys() <= answers.keys()
    mine = [f for f in back.frames if f.get("s") == "me" and "q" in f and not f.get("dup")]
    places = {q for f in mine for q in range(f["q"] - f.get("span", 1) + 1, f["q"] + 1)}
    assert places == set(range(1, max(places) + 1))


def replayed(store: str, sid: str) -> list[dict[str, Any]]:
    """The decisions of a session by `tutorstream replay --json`; it must say `equal`."""
    command = [sys.executable, "-m", "server.cli", "replay", sid]
    command += [*stored(["--store", store]), "--json"]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows[-1]["equal"], rows[-1]
    return rows[:-1]


async def test_a_drain_lets_the_turn_finish_and_says_when_to_come_back(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/store.db"
    async with serving("--course", course_file(tmp_path), "--store", store) as server:
        learner = await Plain.come(server.url)
        await learner.say({"t": "lesson.start", "id": "l"})
        await learner.until("item")
        await learner.say({"t": "turn.start", "id": "t", "input": "Please explain."})
        await learner.until("delta")
        draining = asyncio.create_task(server.drain())
        assert (await learner.until("drain"))["after_ms"] > 0
        done = await learner.until("turn.done")
        assert done["status"] == "completed"
        with pytest.raises(ConnectionClosed) as closed:
            await learner.until("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4001
        assert await draining == 0
    replayed(store, learner.welcome["sid"])
