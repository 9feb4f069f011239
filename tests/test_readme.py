"""The README's commands, in order, as written: what a new user types must work."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
COMMANDS = [
    line for language, block in BLOCKS if language == "sh" for line in block.splitlines() if line
]
PROGRAM = [sys.executable, "-m", "server.cli"]
STARTS = ("serve", "demo")


def words_of(line: str) -> list[str]:
    """A command's words, without the variables before it."""
    return [w for w in shlex.split(line) if not re.match(r"[A-Z_]+=", w)]


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "a-key-of-nobody"}


def run(words: list[str], folder: Path, *, code: int = 0) -> str:
    """Run one command in a folder; its output."""
    done = subprocess.run(
        [*PROGRAM, *words], cwd=folder, capture_output=True, text=True, env=environ(), timeout=110
    )
    assert done.returncode == code, (words, done.stderr)
    return done.stdout


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {words_of(line)[1] for line in COMMANDS if line.startswith("make ")}
    assert named
    assert named <= targets


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a new user would stand: beside the sources, with a small file to import."""
    place = tmp_path_factory.mktemp("user")
    (place / "server").symlink_to(ROOT / "server")
    sample = ROOT / "tests" / "server" / "authoring" / "oatutor.jsonl"
    (place / "elementary-algebra.jsonl").write_bytes(sample.read_bytes())
    return place


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[int]:
    """The README's first `serve`, on a free port."""
    line = next(line for line in COMMANDS if line.startswith("tutorstream serve"))
    words = words_of(line)[1:]
    at = words.index("--port")
    words[at + 1] = "0"
    process = subprocess.Popen(
        [*PROGRAM, *words, "--json"], cwd=folder, stdout=subprocess.PIPE, text=True, env=environ()
    )
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["port"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    process.stdout.close()


CONTENT = [
    line
    for line in COMMANDS
    if line.startswith("tutorstream content") and "preview" not in line  # it serves until Ctrl-C
]


@pytest.mark.xdist_group("readme")
def test_the_courses_commands_run_in_order(folder: Path) -> None:
    for line in CONTENT:
        words = words_of(line)[1:]
        if words[1] == "build" and words[2].startswith("server/"):
            words[-1] = str(folder / words[-1])
        run(words, folder)
    assert (folder / "algebra.json").is_file()


OTHERS = [
    line
    for line in COMMANDS
    if words_of(line)[0] == "tutorstream" and line not in CONTENT and "chat" not in line
]


@pytest.mark.parametrize("line", OTHERS)
def test_every_other_command_is_understood(line: str) -> None:
    command, *flags = words_of(line)[1:]
    known = run([command, "--help"], ROOT)
    for flag in flags:
        if flag.startswith("--"):
            assert flag in known, f"{command} has no {flag}"


@pytest.mark.xdist_group("readme")
@pytest.mark.parametrize(
    "line", [line for line in OTHERS if "config show" in line or "--provider" in line]
)
def test_the_settings_it_shows_hold_together(line: str, folder: Path) -> None:
    flags = [word for word in words_of(line)[2:] if word not in ("show", "--origin")]
    shown = json.loads(run(["config", "show", "--json", *flags], folder))
    assert shown


@pytest.mark.xdist_group("readme")
def test_the_python_example_runs_as_written(server: int, folder: Path) -> None:
    code = next(block for language, block in BLOCKS if language == "python")
    code = code.replace(":8765/", f":{server}/")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "'t': 'item'" in done.stdout


@pytest.mark.xdist_group("readme")
def test_chat_is_a_lesson(server: int, folder: Path) -> None:
    line = next(line for line in COMMANDS if line.startswith("tutorstream chat"))
    script = folder / "script.txt"
    script.write_text("/hint\n= hint 1/\n/cut\n/next\n= exercise\n")
    words = [word.replace(":8765/", f":{server}/") for word in words_of(line)[1:]]
    assert "exercise" in run([*words, "--script", str(script)], folder)


def test_every_file_it_links_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]
