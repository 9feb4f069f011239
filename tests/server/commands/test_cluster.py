"""`tutorstream cluster dev`: what does not start is said; a whole cluster loses a node, drains."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest

from server.cli import USAGE, main
from server.cluster import Cluster, NotStarted, Part, Plan
from server.commands.cluster import teller
from tests.redis_server import free_port

LISTENS = """
import signal, socket, time
{first}
print("here", flush=True)
listening = socket.create_server(("127.0.0.1", {port}))
time.sleep(600)
"""


def part(first: str = "") -> Part:
    """A process that does something and then listens."""
    port = free_port()
    code = LISTENS.format(port=port, first=first)
    return Part("one", [sys.executable, "-c", code], port)


class Heard:
    """What the parts said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, words: str) -> None:
        self.lines.append((name, words))


async def test_a_part_that_ends_at_once_says_its_last_word() -> None:
    words = [sys.executable, "-c", "print('one'); print('no such store'); raise SystemExit(78)"]
    heard = Heard()
    with pytest.raises(NotStarted, match="node1 ended at once: no such store"):
        await Part("node1", words, free_port()).begin(heard)
    assert heard.lines == [("node1", "one"), ("node1", "no such store")]


async def test_a_part_is_told_to_end_and_killed_where_it_does_not() -> None:
    willing, stubborn = part(), part("signal.signal(15, signal.SIG_IGN)")
    heard = Heard()
    for one in (willing, stubborn):
        await one.begin(heard)
    assert await willing.end(10) == -signal.SIGTERM
    assert await willing.end(10) == -signal.SIGTERM, "a second time does nothing"
    assert await stubborn.end(0.2) == -signal.SIGKILL
    assert ("one", "here") in heard.lines


async def test_a_part_is_of_a_session_of_its_own() -> None:
    """Ctrl-C in a terminal goes to the foreground's processes: it must reach us alone."""
    one = part()
    await one.begin(Heard())
    try:
        assert os.getsid(one.pid) == one.pid != os.getsid(0)
    finally:
        await one.end(10)


@pytest.mark.parametrize(
    ("plan", "fix"),
    [
        (Plan(mongo="mongodb://m/t"), "apt-get install redis-server"),
        (Plan(redis="redis://r"), "install mongod or secantusdb"),
    ],
    ids=["redis", "mongo"],
)
def test_what_is_missing_is_named_with_its_fix(
    plan: Plan, fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotStarted, match=fix):
        Cluster(plan, tmp_path, Heard())


async def test_nodes_are_alike_and_their_secrets_stand_in_no_command(tmp_path: Path) -> None:
    plan = Plan(3, 9000, ("c.json",), "redis://:pw@r/0", "mongodb://u:pw@m/t")
    one, *others = Cluster(plan, tmp_path, Heard()).nodes
    again = Cluster(plan, tmp_path, Heard()).nodes[0]
    assert [node.port for node in (one, *others)] == [9001, 9002, 9003]
    assert all(node.environ == one.environ for node in (*others, again))
    assert one.environ["TUTORSTREAM_REDIS"] == "redis://:pw@r/0"
    assert one.environ["TUTORSTREAM_STORE"] == "mongodb://u:pw@m/t"
    assert len(one.environ["TUTORSTREAM_TOKEN__SECRET"]) >= 32
    assert stat.S_IMODE((tmp_path / "token.secret").stat().st_mode) == 0o600
    words = " ".join(one.words)
    assert not [secret for secret in one.environ.values() if secret in words]
    assert "--course c.json" in words


async def test_a_port_that_is_taken_is_named_with_its_fix(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        plan = Plan(1, taken.getsockname()[1], (), "redis://r", "mongodb://m/t")
        cluster = Cluster(plan, tmp_path, Heard())
        with pytest.raises(NotStarted, match="in use; choose another --port"):
            await cluster.begin()
        await cluster.aclose()
        node = Part("node1", [sys.executable, "-c", ""], taken.getsockname()[1])
        with pytest.raises(NotStarted, match="of node1 is taken; choose another --port"):
            await node.begin(Heard())


@pytest.mark.parametrize(
    ("port", "says"),
    [("65536", "expected 0 to 65535"), ("-1", "expected 0 to 65535"), ("65534", "up to 65533")],
)
def test_ports_that_cannot_be_are_wrong_usage(
    port: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster", "dev", "--port", port]) == USAGE
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_each_line_stands_behind_its_part_s_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    teller(False)("node1", "drains")
    teller(True)("node1", "drains")
    plain, coloured = capsys.readouterr().err.splitlines()
    assert plain == "node1    | drains"
    assert coloured == "\x1b[36mnode1   \x1b[0m | drains"
    monkeypatch.setenv("NO_COLOR", "1")
    teller(True)("node1", "drains")
    assert capsys.readouterr().err == plain + "\n"


async def test_a_part_that_dies_is_said_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.cluster.AGAIN_S", 0.05)
    plan = Plan(1, 0, (), "redis://r", "mongodb://m/t", restart=True)
    heard, again = Heard(), asyncio.Event()

    def tell(name: str, words: str) -> None:
        heard(name, words)
        if heard.lines.count(("one", "here")) == 2:
            again.set()

    cluster = Cluster(plan, tmp_path, tell)
    one = part()
    await one.begin(tell)
    watch = asyncio.create_task(cluster._watch(one))
    os.kill(one.pid, signal.SIGKILL)
    await asyncio.wait_for(again.wait(), 30)
    assert ("one", "ended by itself with SIGKILL; started again in 0.05 s") in heard.lines
    assert await one.end(10) == -signal.SIGTERM
    await asyncio.wait_for(watch, 60)
    assert "ended" not in heard.lines[-1][1], "one that was told to end is not missed"
