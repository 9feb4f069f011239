"""`tutorstream chat` as a person or a script meets it: what it says when things are not right."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.wire.node import node
from tests.wire.process import ROOT
from tests.world import asking_course


async def chat(*words: str, said: bytes = b"") -> tuple[int, str, str]:
    """Run it; its exit code, output and complaint."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server.cli",
        "chat",
        *words,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(said), 30)
    return process.returncode or 0, out.decode(), err.decode()


async def test_it_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    async with node(tmp_path) as there:
        url = f"ws://127.0.0.1:{there.port}/v1/ws"
        for words, code, complaint in (
            (["foo"], 2, "expected ws://"),
            (["ws://127.0.0.1:1/v1/ws"], 1, "no tutorstream server answers"),
            ([url.replace("/ws", "/nope")], 1, "no tutorstream server answers"),
            ([url, "--course", "nope"], 1, "this server teaches: sums"),
        ):
            found, _, err = await chat(*words)
            assert found == code, (words, err)
            assert complaint in err.splitlines()[-1]
            assert "Traceback" not in err


async def test_lines_from_a_pipe_are_answered_before_it_leaves(tmp_path: Path) -> None:
    async with node(tmp_path) as there:
        url = f"ws://127.0.0.1:{there.port}/v1/ws"
        code, out, _ = await chat(url, said=b"/hint\n/why\n5\n")
        assert code == 0
        assert "hint 1/3" in out
        assert "tutor (builtin/1)" in out
        assert "correct" in out or "incorrect" in out


async def test_a_learning_mode_is_set_and_a_wrong_one_is_answered_with_all(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text(
        "/mode funny\n= expected one of practice, socratic, worked, review, exam, peer\n"
        "/mode exam\n= mode: exam\n/hint\n= an exam gives no hint\n/next_step\n= exam\n"
    )
    async with node(tmp_path) as there:
        url = f"ws://127.0.0.1:{there.port}/v1/ws"
        code, _, err = await chat(url, "--script", str(script))
    assert code == 0, err


async def test_a_script_that_is_not_met_fails(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text("/hint\n= hint 1/3\n/nonsense\n= no command\n= never said\n")
    async with node(tmp_path) as there:
        url = f"ws://127.0.0.1:{there.port}/v1/ws"
        code, _, err = await chat(url, "--script", str(script))
    assert code == 1
    assert "expected 'never said'" in err


async def test_a_scaffold_is_shown_and_the_next_line_answers_it(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text(
        "/hint\n= hint 1/3\n/hint\n= your next line answers hint.2\n-7\n= hint.2: incorrect\n"
        "/hint\n= hint 1/2 of hint.2\n/hint\n= hint 2/2 of hint.2\n/back\n= stays open\n"
        "-7\n= incorrect. \n= [\n/hint\n= hint 3/3\n/steps\n= Add.\n"
    )
    async with node(tmp_path, course=asking_course()) as there:
        url = f"ws://127.0.0.1:{there.port}/v1/ws"
        code, _, err = await chat(url, "--script", str(script))
    assert code == 0, err
