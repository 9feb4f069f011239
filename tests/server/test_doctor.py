"""The doctor: what holds, what does not, and what to do about it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.cli import CONFIGURATION, DONE, FAILED, main
from tests.mongo_server import driver_leaves, mongo_server
from tests.redis_server import free_port, redis_server
from tests.world import small_course

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _quiet_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sums.json").write_bytes(small_course())
    (tmp_path / "pages" / "learner").mkdir(parents=True)
    (tmp_path / "pages" / "learner" / "index.html").write_text("<p>")
    monkeypatch.setattr("server.http.PAGES", tmp_path / "pages")
    monkeypatch.setenv("TUTORSTREAM_COURSES", "sums.json")
    monkeypatch.setenv("TUTORSTREAM_PORT", "0")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def findings(
    capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main(["doctor", "--json", *words])
    rows = json.loads(capsys.readouterr().out)
    return code, {row["check"]: row for row in rows}


def test_a_healthy_machine(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys)
    assert code == DONE, found
    assert list(found) == [
        "python", "clock", "libraries", "address", "store", "courses", "kernels", "pages",
        "provider",
    ]  # fmt: skip
    assert all(row["ok"] for row in found.values())
    assert found["courses"]["found"] == "sums"
    assert main(["doctor"]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(found)
    assert all(line.startswith("ok ") for line in lines)


def test_what_does_not_hold_names_its_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.http.PAGES", tmp_path / "none")
    (tmp_path / "bad.json").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        flags = ["--port", str(taken.getsockname()[1]), "--store", f"sqlite:///{tmp_path}"]
        code, found = findings(capsys, *flags, "--course", "bad.json")
        assert code == FAILED
        broken = {name for name, row in found.items() if not row["ok"]}
        assert broken == {"address", "store", "courses", "pages"}
        assert all(found[name]["fix"] for name in broken)
        assert main(["doctor", *flags]) == FAILED
    assert "FAIL  address" in capsys.readouterr().out


def test_a_store_that_is_kept_is_looked_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = findings(capsys, "--store", f"sqlite:///{tmp_path / 's.db'}")
    assert found["store"]["found"].endswith("s.db, 0 sessions")
    assert (tmp_path / "s.db").exists()


def test_online_calls_the_provider(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, without = findings(capsys, "--online")
    assert without["endpoint"]["found"] == "no provider is set"
    with socket.socket() as nobody:  # bound and not listening: a call is refused at once
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        monkeypatch.setenv("TUTORSTREAM_PROVIDER__BASE_URL", url)
        flags = ["--provider", "ollama", "--model", "m", "--online"]
        code, found = findings(capsys, *flags)
    assert code == FAILED
    assert found["provider"]["ok"]
    assert not found["endpoint"]["ok"]
    assert found["endpoint"]["found"].startswith("ollama: connect")


@pytest.fixture
def upstream() -> Iterator[str]:
    """The address of a fake upstream in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.openai_chat", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["base_url"]
        process.terminate()


def test_each_provider_is_asked_once_for_eight_tokens(
    upstream: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(
        "dated = 2025-06-15\n[openai]\nok = { in = 1_000_000, out = 2_000_000 }\n"
    )
    (tmp_path / "tutorstream.toml").write_text(f"""
[router]
chain = ["openai/ok | openai/401", "openrouter/length", "openrouter/empty", "vllm/429"]
[budget]
prices = "mine.toml"
[providers.openai]
base_url = "{upstream}"
[providers.openrouter]
base_url = "{upstream}"
[providers.vllm]
base_url = "{upstream}"
""")
    code, found = findings(capsys, "--llm")
    assert code == FAILED
    rows = {name.removeprefix("llm "): row for name, row in found.items() if "llm" in name}
    assert {name: row["kind"] for name, row in rows.items()} == {
        "openai/ok": "ok",
        "openai/401": "auth",
        "openrouter/length": "ok",  # eight tokens may end in the middle of a word
        "openrouter/empty": "empty",
        "vllm/429": "rate_limited",
    }
    good, bad = rows["openai/ok"], rows["openai/401"]
    assert (good["ok"], bad["ok"]) == (True, False)
    assert good["ttft_ms"] > 0
    assert (bad["ttft_ms"], bad["micro_usd"]) == (None, None)
    assert good["tokens_in"] > 0
    assert good["micro_usd"] == 0  # on this machine nothing is paid
    assert "config show --origin" in bad["fix"]
    assert "endpoint" not in found
    assert main(["doctor", "--llm", "--online"]) == FAILED
    lines = capsys.readouterr().out.splitlines()
    assert any(re.match(r"ok    llm openai/ok +ok, first text after \d+ ms, \d+", n) for n in lines)
    assert any(n.startswith("FAIL  endpoint   openai: auth") for n in lines)


def test_online_names_who_answered(
    upstream: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", upstream)
    code, found = findings(capsys, "--provider", "openai", "--model", "ok", "--online")
    assert code == DONE
    assert found["endpoint"]["found"] == "answered: openai ok"


def test_what_the_tenant_does_not_allow_is_not_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTORSTREAM_TENANT__EXTERNAL_LLM", "false")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    code, found = findings(capsys, "--provider", "openai", "--model", "m", "--llm")
    assert code == DONE
    assert found["provider"]["found"] == "built-in; not allowed: openai/m"
    assert not any("llm" in name for name in found)


def test_wrong_settings_are_78(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--store", "x"]) == CONFIGURATION
    assert "store" in capsys.readouterr().err
    assert "NUMBA_CACHE_DIR" not in os.environ or os.environ["NUMBA_CACHE_DIR"]


def test_both_servers_of_a_shared_store_are_looked_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTORSTREAM_MONGO__WAIT_MS", "200")
    with redis_server() as (redis, _), mongo_server() as (mongo, _):
        monkeypatch.setenv("REDIS_URL", redis)
        monkeypatch.setenv("MONGODB_URI", f"{mongo}/x")
        code, found = findings(capsys)
        assert code == DONE, found
        assert found["store"]["found"] == f"{mongo}/x takes reads and writes"
        assert re.fullmatch(
            r"[\d.]+, maxmemory-policy noeviction, appendonly off", found["redis"]["found"]
        )
        subprocess.run(
            ["redis-cli", "-u", redis, "config", "set", "maxmemory-policy", "allkeys-lru"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        code, found = findings(capsys)
        assert (code, found["redis"]["ok"]) == (FAILED, False)
        assert "noeviction" in found["redis"]["fix"]
    nowhere = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("REDIS_URL", f"redis://:hush@{nowhere}/0")
    monkeypatch.setenv("MONGODB_URI", f"mongodb://ada:hush@{nowhere}/x")
    with driver_leaves():
        code, found = findings(capsys)
    assert code == FAILED
    assert found["store"]["found"] == (
        f"MongoDB at {nowhere}: no primary could be reached in 0.2 s"
    )
    assert nowhere.partition(":")[2] in found["redis"]["found"]
    assert "hush" not in json.dumps(found)
