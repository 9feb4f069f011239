"""The command line: its table, its speed, its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from server import cli
from server.cli import COMMANDS, CONFIGURATION, DONE, FAILED, USAGE, main
from server.commands.flags import FLAGS
from server.settings import Settings, keys

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"numba", "numpy", "openai", "starlette", "uvicorn", "websockets", "jwt", "asyncio"}
MOST_MODULES = 130
"""Modules that a help may load. A bare interpreter has some 50; each more is a file to read."""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def fresh(code: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return ended.stdout.splitlines()[-1]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_little_and_nothing_heavy(command: str) -> None:
    if command and find_spec(COMMANDS[command].module) is None:
        pytest.fail(f"{command} is in the table and has no module")
    words = [command, "--help"] if command else ["--help"]
    code = (
        f"from server.cli import main; code = main({words!r}); assert code == 0, code\n"
        "import json, sys; print(json.dumps(sorted(sys.modules)))"
    )
    modules = json.loads(fresh(code))
    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert len(modules) < MOST_MODULES


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == DONE
    told = capsys.readouterr().out
    for name, entry in COMMANDS.items():
        assert f"  {name}" in told
        assert entry.line in told


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], USAGE, "commands:"),
        (["srve"], USAGE, "nearest is 'serve'"),
        (["serve", "--prot", "1"], USAGE, "--help"),
        (["serve", "--port", "x"], USAGE, "invalid int value"),
        (["config"], USAGE, "COMMAND"),
        (["config", "check", "--store", "x"], CONFIGURATION, "expected `memory:`"),
        (["config", "check", "--host", "0.0.0.0"], CONFIGURATION, "--i-know"),
        (["serve", "--host", "0.0.0.0"], CONFIGURATION, "--i-know"),
        (["serve", "--course", "none.json"], CONFIGURATION, "no file"),
        (["serve", "--config", "none.toml"], CONFIGURATION, "does not exist"),
    ],
)
def test_wrong_words_are_told_in_one_line(
    words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    if words:
        assert err.count("\n") == 1


def test_a_wrong_environment_is_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUTORSTREAM_PROT", "1")
    assert main(["config", "show"]) == CONFIGURATION
    assert "TUTORSTREAM_PORT" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == DONE
    line = capsys.readouterr().out
    assert main(["--version"]) == DONE
    assert capsys.readouterr().out == line
    assert main(["version", "--json"]) == DONE
    facts = json.loads(capsys.readouterr().out)
    assert facts["build"] == line.strip()
    assert facts["libraries"]["numba"] in line
    assert facts["protocol"] == "tutorstream.v1"


def test_config_show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TUTORSTREAM_TOKEN__SECRET", "hush" * 8)
    assert main(["config", "show", "--port", "5", "--origin"]) == DONE
    told = capsys.readouterr().out
    assert "hush" not in told
    lines = {line.split()[0]: line for line in told.splitlines()}
    assert set(lines) >= set(keys(Settings()))
    assert lines["port"].split()[1:] == ["5", "flag"]
    assert "environment TUTORSTREAM_TOKEN__SECRET" in lines["token.secret"]
    assert main(["config", "show", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["token.secret"] == "set"
    assert main(["config", "show", "--json", "--origin"]) == DONE
    both = json.loads(capsys.readouterr().out)
    assert both["store"] == {"value": "memory:", "origin": "default"}
    assert main(["config", "check"]) == DONE
    assert "hold together" in capsys.readouterr().out


def test_each_flag_stands_for_a_setting() -> None:
    assert {key for key, _ in FLAGS.values()} <= set(keys())


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(words: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "_without_command", broken)
    with pytest.raises(ZeroDivisionError):
        main([])

    def stopped(words: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_without_command", stopped)
    assert main([]) == 130
    assert FAILED == 1
