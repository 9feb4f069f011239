"""A real model on this machine, end to end: text, usage, cancel, key, and the end of its process.

The demonstration model is small and wrong about fractions, which nothing here depends on. Each test
asks for little, as the model gets what the other tests leave of the processor.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from streaming.local.model import LocalModel
from streaming.local.process import LocalProcess
from streaming.local.weights import DEMO_MODEL, Weights, demonstration, pin_of
from streaming.providers.base import ChatMessage, End, LlmRequest, Provider, Spent, Text
from streaming.providers.builtin import Builtin
from streaming.routing import Routing
from streaming.speaking import TurnLimits
from tests.wire.process import ROOT, Frame, Plain, Process
from tests.world import small_course

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("local model"), pytest.mark.timeout(900)]

TURNS = 50
CANCELLED = 10
AT_ONCE = 4
TOKENS = 6
PATIENT = TurnLimits(first_token_s=600.0, stall_s=600.0, turn_s=600.0)
"""Limits that a busy machine keeps; the real ones are tested on virtual time."""


@contextlib.asynccontextmanager
async def warm_model() -> AsyncIterator[LocalModel]:
    """The demonstration model, listening."""
    model = LocalModel(demonstration(), first_token_s=600.0)
    try:
        await asyncio.to_thread(model.warm)
        yield model
    finally:
        await model.aclose()


@contextlib.contextmanager
def listening() -> Iterator[LocalProcess]:
    """Its process alone."""
    weights = demonstration()
    process = LocalProcess.begin(weights)
    try:
        process.ready(weights)
        yield process
    finally:
        process.stop()


def question(n: int, tokens: int = TOKENS) -> LlmRequest:
    messages = (ChatMessage("user", f"Name a number after {n}."),)
    return LlmRequest(messages, tokens, builtin_text="the built-in tutor speaks")


async def test_fifty_turns_stream_and_ten_are_cancelled() -> None:
    """Through the router, four at once: one voice a turn, every attempt counted."""
    async with warm_model() as model:
        provider: Provider = model
        routing = Routing([provider, Builtin()], limits=PATIENT)
        places = asyncio.Semaphore(AT_ONCE)

        async def heard(n: int) -> tuple[str, Spent]:
            async with places:
                pieces = [piece async for piece in routing.stream(question(n))]
            assert isinstance(pieces[-1], End), pieces
            assert all(isinstance(piece, Text | Spent | End) for piece in pieces), pieces
            spent = [piece for piece in pieces if isinstance(piece, Spent)][-1]
            return "".join(p.text for p in pieces if isinstance(p, Text)), spent

        async def cut_off(n: int) -> None:
            async with places:
                stream = routing.stream(question(n, tokens=200))
                async for piece in stream:
                    if isinstance(piece, Text):
                        break
                await stream.aclose()

        asked = [heard(n) for n in range(TURNS - CANCELLED)]
        cut = [cut_off(n) for n in range(CANCELLED)]
        answers, _ = await asyncio.gather(asyncio.gather(*asked), asyncio.gather(*cut))
        assert len(answers) == TURNS - CANCELLED
        for text, spent in answers:
            assert text
            assert "built-in" not in text
            assert 0 < spent.output <= TOKENS
            assert spent.input > 5
            assert not spent.estimated
        assert model.starts == 1
        assert model.ready
        text, _ = await heard(0)  # what was cancelled left its place
        assert text


def status(process: LocalProcess, key: str | None) -> int:
    port = int(process.url.rpartition(":")[2].partition("/")[0])
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        body = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1})
        connection.request("POST", "/v1/chat/completions", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_who_has_no_key_is_refused_and_the_key_is_nowhere_to_be_seen() -> None:
    with listening() as process:
        assert status(process, None) == 401
        assert status(process, "0" * 64) == 401
        assert status(process, process.key) == 200
        folder = Path("/proc") / str(process.pid)
        for name in ("cmdline", "environ"):
            assert process.key.encode() not in (folder / name).read_bytes()
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 10


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waited for counts as ended."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_it_ends_with_its_parent() -> None:
    """SIGKILL leaves the parent no time to say anything: the pipe says it."""
    code = (
        "import time\n"
        "from streaming.local.process import LocalProcess\n"
        "from streaming.local.weights import demonstration\n"
        "weights = demonstration()\n"
        "process = LocalProcess.begin(weights)\n"
        "process.ready(weights)\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        deadline_s = time.monotonic() + 30
        while not gone(pid):
            assert time.monotonic() < deadline_s, "the model's process outlives its parent"
            time.sleep(0.02)


async def test_one_that_is_killed_comes_back() -> None:
    async with warm_model() as model:
        process = model._process
        assert isinstance(process, LocalProcess)
        os.kill(process.pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while model.starts < 2 or not model.ready:  # noqa: ASYNC110 - a thread does it
                await asyncio.sleep(0.05)
        said = [p async for p in model.stream(question(1)) if isinstance(p, Text)]
        assert said


def test_an_own_file_is_pinned_by_its_first_use(tmp_path: Path) -> None:
    file = tmp_path / "tutor.gguf"
    file.symlink_to(demonstration().path)
    weights = Weights(str(file), "tutor")
    process = LocalProcess.begin(weights)
    try:
        digest = process.ready(weights)
    finally:
        process.stop()
    assert digest == demonstration().sha256
    assert pin_of(str(file)).read_text() == f"{digest}  tutor.gguf\n"


# --- the server -----------------------------------------------------------------------------------


async def turn(learner: Plain, name: str) -> list[Frame]:
    """One turn's frames, from `turn.started` to `turn.done`."""
    await learner.say({"t": "turn.start", "id": name, "input": "What do I do first?"})
    frames = [await learner.until("turn.started", cmd=name)]
    await acknowledge(learner)
    while frames[-1]["t"] != "turn.done":
        with contextlib.suppress(TimeoutError):  # nothing is heard while a model reads
            frames.append(await learner.hear())
            await acknowledge(learner)
    return frames


async def acknowledge(learner: Plain) -> None:
    """All so far: a slow model must not make its learner look like one who reads nothing."""
    position = learner.position()
    await learner.say({"t": "ack", "pos": {"me": position["q"]}})


async def test_the_demonstration_speaks_through_the_server_and_can_be_stopped(
    tmp_path: Path,
) -> None:
    """Its prompt is long for so small a machine: what a turn has read, the next need not read."""
    (tmp_path / "sums.json").write_bytes(small_course())
    server = await Process.start(
        "--local-demo",
        "--course",
        str(tmp_path / "sums.json"),
        command="demo",
        TUTORSTREAM_ROUTER__FIRST_TOKEN_MS="25000",
        TUTORSTREAM_TUTOR__MAX_TOKENS="40",
    )
    try:
        learner = await Plain.come(server.url)
        await learner.say({"t": "lesson.start", "id": "c"})
        await learner.until("item")
        frames: list[Frame] = []
        for n in range(12):
            frames = await turn(learner, f"t{n}")
            done = frames[-1]
            assert done["status"] in ("completed", "incomplete"), done
            restarts = [f["reason"] for f in frames if f["t"] == "turn.restarted"]
            assert not set(restarts) - {"first_token", "guard.answer", "guard.maths", "breaker"}
            if frames[0]["provider"] == "local" and "first_token" not in restarts:
                break
        else:
            pytest.fail(f"no turn of twelve was the model's: {frames}")
        started = frames[0]
        assert (started["model"], started["source"]) == (DEMO_MODEL, "llm")
        assert "makes mistakes" in started["model"]
        assert done["usage"]["input"] > 100
        assert done["usage"]["output"] > 0
        assert done.get("cost_usd", 0) == 0

        await learner.say({"t": "turn.start", "id": "stop", "input": "Please go on."})
        started = await learner.until("turn.started", cmd="stop")
        await learner.say({"t": "turn.cancel", "id": "x", "gen": started["gen"]})
        done = await learner.until("turn.done", gen=started["gen"])
        assert done["status"] == "cancelled"
        assert await server.drain() == 0
    finally:
        if server.process.returncode is None:
            await server.kill()
