"""The process of a local model: what it answers when its order cannot be followed."""

from __future__ import annotations

import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streaming.local import process
from streaming.local.process import LocalProcess, spare_cores
from streaming.local.weights import Weights, pin_of
from streaming.providers.base import ProviderFailed

NO_MODEL = b"this is no model"


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    path = tmp_path / "m.gguf"
    path.write_bytes(NO_MODEL)
    return Weights(str(path), "m")


def told(weights: Weights) -> ProviderFailed:
    begun = LocalProcess.begin(weights)
    try:
        with pytest.raises(ProviderFailed) as failed:
            begun.ready(weights)
        return failed.value
    finally:
        begun.stop()


def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    child = tmp_path / "child.py"
    child.write_text("import json, sys, os\norder = json.loads(sys.stdin.readline())\n" + code)
    monkeypatch.setattr(process, "CHILD", child)


def test_a_file_with_another_digest_is_not_loaded(weights: Weights) -> None:
    failed = told(Weights(weights.path, "m", "0" * 64))
    assert failed.kind == "unavailable"
    assert hashlib.sha256(NO_MODEL).hexdigest() in failed.detail
    assert "not loaded" in failed.detail


def test_a_file_that_is_no_model_says_what_llama_said_and_is_not_pinned(weights: Weights) -> None:
    failed = told(weights)
    assert failed.kind == "connect"
    assert "m.gguf cannot be used" in failed.detail
    assert "load" in failed.detail
    assert not pin_of(weights.path).exists()


def test_a_file_that_has_gone_is_not_waited_for(weights: Weights) -> None:
    Path(weights.path).unlink()
    failed = told(weights)
    assert (failed.kind, "No such file" in failed.detail) == ("unavailable", True)


def test_a_process_that_dies_and_one_that_does_not_start(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(tmp_path, monkeypatch, "os._exit(7)")
    failed = told(weights)
    assert (failed.kind, failed.detail) == ("connect", "the local model's process ended with 7")
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))
    with pytest.raises(ProviderFailed, match="does not start"):
        LocalProcess.begin(weights)


def test_a_missing_package_names_its_extra(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(
        tmp_path,
        monkeypatch,
        "print(json.dumps({'error': 'package', 'detail': 'no xllamacpp'}), flush=True)",
    )
    failed = told(weights)
    assert failed.kind == "unavailable"
    assert "tutorstream[local]" in failed.detail


class Open(http.server.BaseHTTPRequestHandler):
    """An endpoint that asks nobody for a key."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def open_port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Open) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_an_endpoint_that_wants_no_key_is_not_used(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_port: int
) -> None:
    code = (
        f"print(json.dumps({{'port': {open_port}, 'sha256': 'd'}}), flush=True)\nsys.stdin.read()"
    )
    scripted(tmp_path, monkeypatch, code)
    failed = told(weights)
    assert (failed.kind, "expected 401" in failed.detail) == ("connect", True)


def test_nobody_at_the_port(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(tmp_path, monkeypatch, "print(json.dumps({'port': 1, 'sha256': 'd'}), flush=True)")
    assert "does not answer" in told(weights).detail


def test_the_order_comes_by_the_pipe_and_keys_of_others_stay_here(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    monkeypatch.setenv("OPENAI_API_KEY", "of-another")
    code = f"""
open({str(seen)!r}, 'w').write(json.dumps([order, sys.argv, dict(os.environ)]))
print(json.dumps({{'error': 'load'}}), flush=True)
"""
    scripted(tmp_path, monkeypatch, code)
    told(weights)
    import json

    order, argv, environ = json.loads(seen.read_text())
    assert len(order["key"]) == 64
    assert order["key"] not in str(argv) + str(environ)
    assert "of-another" not in str(environ)
    assert (order["parallel"], order["context"]) == (4, 4096)
    cores = len(os.sched_getaffinity(0))
    assert order["threads"] == spare_cores() == max(1, cores - 1)


def test_one_that_does_not_leave_is_killed(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GOODBYE_S", 0.05)
    scripted(tmp_path, monkeypatch, "import time\ntime.sleep(600)")
    begun = LocalProcess.begin(weights)
    begun.stop()
    assert begun.ended() == -9
    begun.stop()  # twice does no harm
