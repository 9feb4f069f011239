"""The life of a real server process: ready line, signals, drain, kill, exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from server import run as run_module
from server.cli import CONFIGURATION, FAILED, main
from server.commands.serve import _ready_words
from server.run import (
    SEND_BUFFER_BYTES,
    UNREAD_MS,
    Running,
    choose_numba_cache,
    listening_socket,
    running,
    serve,
)
from server.settings import Settings, Token
from tests.wire.node import Learner, open_socket
from tests.wire.sockets import request
from tests.world import small_course

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> str:
    path = tmp_path / "sums.json"
    path.write_bytes(small_course())
    return str(path)


class Process:
    """`tutorstream serve` in a process of its own."""

    def __init__(self, course: str, *flags: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "serve", "--course", course, "--json", *flags],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("TUTORSTREAM_")},
        )
        assert self.popen.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.popen.stdout.readline())
        self.port: int = self.ready["port"]

    def ended(self) -> tuple[int, str]:
        """The exit code and what stood on standard error."""
        _, errors = self.popen.communicate(timeout=30)
        return self.popen.returncode, errors


@pytest.fixture
def process(course: str) -> Iterator[Any]:
    began: list[Process] = []

    def begin(*flags: str) -> Process:
        began.append(Process(course, "--port", "0", *flags))
        return began[-1]

    yield begin
    for each in began:
        if each.popen.poll() is None:
            each.popen.kill()
        each.popen.communicate()


def test_the_ready_line_names_the_port_and_sigterm_drains(process: Any) -> None:
    server = process()
    assert server.ready["ready"] is True
    assert server.ready["courses"] == ["sums"]
    assert server.ready["pid"] == server.popen.pid

    async def go() -> None:
        assert (await request(server.port, "GET", "/readyz")).status == 200
        learner = await Learner.come(server.port)
        await learner.lesson()
        turn = {"t": "turn.start", "id": "t1", "input": {"action": "why"}}
        learner.say(turn)
        await learner.until("delta")
        server.popen.send_signal(signal.SIGTERM)
        assert (await learner.until("drain"))["after_ms"] >= 500
        ready = await request(server.port, "GET", "/readyz")
        assert (ready.status, ready.json()["why"]) == (503, "draining")
        refused = await request(server.port, "POST", "/v1/sessions", b'{"t":"hello"}')
        assert refused.status == 503
        done = await learner.until("turn.done")
        assert done["status"] == "completed", "a running turn ends before the process"
        assert await learner.socket.close_code() == 4001
        await learner.aclose()

    asyncio.run(go())
    assert server.ended() == (0, "")


def test_sighup_has_the_courses_read_again(process: Any, course: str) -> None:
    server = process()
    Path(course).write_bytes(small_course(7))

    async def go() -> list[str]:
        server.popen.send_signal(signal.SIGHUP)
        for _ in range(500):
            told = (await request(server.port, "GET", "/v1/courses")).json()["courses"]
            if told[0]["items"] == 14:
                return [each["id"] for each in told]
            await asyncio.sleep(0.02)
        raise AssertionError("the course was not read again")

    assert asyncio.run(go()) == ["sums"]
    server.popen.send_signal(signal.SIGTERM)
    code, errors = server.ended()
    assert code == 0
    assert "course sums: version" in errors


def test_a_second_signal_stops_at_once(process: Any) -> None:
    server = process()

    async def go() -> None:
        learner = await Learner.come(server.port)
        await learner.lesson()
        learner.say({"t": "turn.start", "id": "t1", "input": {"action": "why"}})
        await learner.until("delta")
        server.popen.send_signal(signal.SIGINT)
        await learner.until("drain")
        server.popen.send_signal(signal.SIGINT)
        assert await learner.socket.close_code() in (1012, 4001)
        await learner.aclose()

    asyncio.run(go())
    code, errors = server.ended()
    assert code == 1
    assert "second signal" in errors


def test_after_kill_9_a_learner_goes_on_with_its_old_token(process: Any, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    server = process("--store", store)
    have: dict[str, Any] = {}

    async def before() -> tuple[str, str]:
        learner = await Learner.come(server.port)
        await learner.lesson()
        feedback = await learner.answer()
        epoch = learner.frames[0]["logs"][0]["epoch"]
        have.update(s="me", epoch=epoch, q=feedback["q"] - 1)
        server.popen.kill()
        await learner.aclose()
        return learner.sid, learner.token

    sid, token = asyncio.run(before())
    server.popen.communicate()
    again = process("--store", store)

    async def after() -> None:
        learner = await Learner.come(again.port, sid=sid, token=token, have=[have])
        assert learner.frames[0]["logs"][0]["epoch"] == have["epoch"]
        assert (await learner.hear())["t"] == "feedback"
        await learner.aclose()

    asyncio.run(after())
    again.popen.terminate()
    assert again.ended()[0] == 0


def test_a_taken_port_is_1_and_one_line(course: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--course", course, "--port", str(port)]) == FAILED
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.count("\n") == 1
    assert "choose another --port" in errors


def test_a_store_that_does_not_open_is_1_and_one_line(
    course: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = f"sqlite:///{tmp_path}"  # a folder
    assert main(["serve", "--course", course, "--port", "0", "--store", store]) == FAILED
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert store in errors


def test_a_course_that_cannot_be_read_is_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text("{}")
    assert main(["serve", "--course", str(path), "--port", "0"]) == CONFIGURATION
    errors = capsys.readouterr().err
    assert "tutorstream content check" in errors
    assert errors.count("\n") == 1


def test_words_for_people_stand_in_the_ready_lines(
    course: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(server: Running) -> None:
        _ready_words(server)
        os.kill(os.getpid(), signal.SIGTERM)

    assert serve(Settings(port=0, courses=[course]), stop) == 0
    gc.unfreeze()  # this process goes on
    first, second = capsys.readouterr().out.splitlines()
    assert "course: sums (12 items, 2 skills)" in first
    assert "tutor: built-in" in first
    assert re.match(
        r"  listening on (http://127\.0\.0\.1:\d+/)   rooms at \1teach   Ctrl-C", second
    )


def test_a_server_that_lets_no_guests_in_says_so(
    course: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(server: Running) -> None:
        _ready_words(server)
        os.kill(os.getpid(), signal.SIGTERM)

    wide = Settings(host="0.0.0.0", port=0, courses=[course], token=Token("k" * 32))
    for settings, words in ((wide, True), (replace(wide, guests="always"), False)):
        assert serve(settings, stop) == 0
        assert ("who comes needs a token" in capsys.readouterr().out) is words
    gc.unfreeze()  # this process goes on


def test_a_long_start_is_explained_and_a_short_one_is_not(
    course: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: Running) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    explained = "the first start on a machine compiles its kernels"
    settings = Settings(port=0, courses=[course])
    monkeypatch.setattr("server.run.SLOW_START_S", 0.0)
    assert serve(settings, stop) == 0
    assert explained in capsys.readouterr().err
    monkeypatch.setattr("server.run.SLOW_START_S", 3600.0)
    assert serve(settings, stop) == 0
    assert explained not in capsys.readouterr().err
    gc.unfreeze()  # this process goes on


def test_in_process_on_a_unix_socket(tmp_path: Path, course: str) -> None:
    path = tmp_path / "t.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))  # as a killed process leaves it
    left.close()

    async def go() -> None:
        async with running(Settings(uds=str(path), courses=[course])) as server:
            assert (server.url, server.port) == (f"unix:{path}", 0)
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in await reader.read()
            writer.close()
            await writer.wait_closed()
        assert not path.exists()

    asyncio.run(go())


def test_what_is_accepted_has_a_small_send_buffer(course: str) -> None:
    async def go() -> None:
        async with running(Settings(port=0, courses=[course])) as server:
            client = await open_socket(server.port)
            client.text('{"t":"hello"}')
            await client.message()
            (connection,) = server.application.edge.connections
            accepted = connection._wire.transport.get_extra_info("socket")  # type: ignore[attr-defined] # the raw socket
            held = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            unread_ms = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert unread_ms == UNREAD_MS
            assert SEND_BUFFER_BYTES <= held <= 4 * SEND_BUFFER_BYTES  # the kernel doubles it
            await client.aclose()

    asyncio.run(go())


def test_a_socket_is_bound_or_the_reason_said() -> None:
    with contextlib.closing(listening_socket(Settings(port=0))) as bound:
        port = bound.getsockname()[1]
        bound.listen()
        with pytest.raises(OSError, match="in use"):
            listening_socket(Settings(port=port))
    with pytest.raises(OSError, match=r"resolve|known|lookup|host"):
        listening_socket(Settings(host="no.such.host.invalid", port=0, i_know=True))


def test_the_compiler_s_cache_is_where_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "chosen")
    assert choose_numba_cache(Settings(numba_cache_dir="other")) == Path("chosen")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert choose_numba_cache(Settings()) is None, "a checkout keeps its own cache"
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # so that it is restored afterwards
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    wanted = tmp_path / "a" / "b"
    assert choose_numba_cache(Settings(numba_cache_dir=str(wanted))) == wanted
    assert os.environ["NUMBA_CACHE_DIR"] == str(wanted)
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(run_module, "ENGINES", tmp_path / "not there")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert choose_numba_cache(Settings()) == tmp_path / "cache" / "tutorstream" / "numba"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    (tmp_path / "file").write_text("")
    assert choose_numba_cache(Settings(numba_cache_dir=str(tmp_path / "file" / "x"))) is None
    assert "NUMBA_CACHE_DIR" not in os.environ
