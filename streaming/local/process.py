"""The process of a local model as its parent sees it: start, one answer, end. This file is that.

It blocks, and is called in the thread of its owner (model.py).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import IO, Literal

import msgspec

from streaming.local.weights import Weights, pin
from streaming.providers.base import ProviderFailed

CHILD = Path(__file__).with_name("child.py")
PARALLEL = 4
"""Streams at once; a further one waits in llama.cpp's own queue."""
CONTEXT_TOKENS = 4096
"""Of each stream."""
KEY_BYTES = 32
GOODBYE_S = 2.0
"""How long the process may take to end once its pipe is closed; then it is killed."""
ASKED_S = 5.0
"""How long the request without a key may take."""
KEPT = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "SYSTEMROOT", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
)  # fmt: skip
"""Variables the process inherits; the keys of other providers are not among them."""


class Order(msgspec.Struct, frozen=True):
    """What the process is told on its standard input."""

    path: str
    sha256: str
    key: str
    threads: int
    parallel: int = PARALLEL
    context: int = CONTEXT_TOKENS


class Answer(msgspec.Struct, frozen=True):
    """What it says once, on its standard output; `port` is 0 where it failed."""

    port: int = 0
    sha256: str = ""
    error: Literal["", "digest", "package", "file", "load"] = ""
    detail: str = ""


def spare_cores() -> int:
    """Threads for the model: one core is left to the loop, which all of them would stall."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        cores = os.cpu_count() or 1
    return max(1, cores - 1)


class LocalProcess:
    """One running process; `url` is its endpoint, `key` opens it."""

    def __init__(self, process: subprocess.Popen[bytes], key: str) -> None:
        self._process = process
        self.key = key
        self.url = ""

    @classmethod
    def begin(cls, weights: Weights) -> LocalProcess:
        """Start it and give it its order; `ready` is next.

        Raises `ProviderFailed("unavailable")` where no process can be started.
        """
        key = secrets.token_hex(KEY_BYTES)
        environ = {name: os.environ[name] for name in KEPT if name in os.environ}
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own file
                [sys.executable, "-P", str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environ,
            )
        except OSError as error:
            detail = f"the local model's process does not start: {error.strerror}"
            raise ProviderFailed("unavailable", detail) from None
        order = Order(weights.path, weights.sha256, key, spare_cores())
        with contextlib.suppress(OSError):  # it died at once, which `ready` will find
            stdin = _open(process.stdin)
            stdin.write(msgspec.json.encode(order) + b"\n")
            stdin.flush()
        return cls(process, key)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def ready(self, weights: Weights) -> str:
        """Wait until it listens, pin its file where that is new, see that a key is needed.

        Returns the file's digest.
        Raises `ProviderFailed("unavailable")` for what only an operator can mend (another digest,
        no package, no file), `connect` for what another start might.
        """
        line = _open(self._process.stdout).readline()
        if not line:
            code = self._process.wait()
            raise ProviderFailed("connect", f"the local model's process ended with {code}")
        answer = msgspec.json.decode(line, type=Answer)
        if answer.error:
            raise _failure(weights, answer)
        if not weights.sha256:
            pin(weights, answer.sha256)
        status = _asked_without_key(answer.port)
        if status != http.HTTPStatus.UNAUTHORIZED:
            detail = f"a request without the key got {status}, expected 401"
            raise ProviderFailed("connect", detail)
        self.url = f"http://127.0.0.1:{answer.port}/v1"
        return answer.sha256

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """Close the pipe, at which it ends; kill it where it does not."""
        with contextlib.suppress(OSError):
            _open(self._process.stdin).close()
        try:
            self._process.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # another thread may be in the middle of reading: the end of file is what frees it
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            _open(self._process.stdout).close()


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # both were asked for
    return pipe


def _failure(weights: Weights, answer: Answer) -> ProviderFailed:
    name = Path(weights.path).name
    if answer.error == "digest":
        detail = f"{name} has SHA-256 {answer.sha256}, expected {weights.sha256}: not loaded"
        return ProviderFailed("unavailable", detail)
    if answer.error == "package":
        fix = "pip install 'tutorstream[local]'"
        return ProviderFailed("unavailable", f"{answer.detail}: {fix}")
    kind: Literal["unavailable", "connect"] = "unavailable" if answer.error == "file" else "connect"
    return ProviderFailed(kind, f"{name} cannot be used: {answer.detail}")


def _asked_without_key(port: int) -> int:
    """The status of a request that shows no key."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ASKED_S)
    body = b'{"messages":[{"role":"user","content":"Ready?"}],"max_tokens":1}'
    try:
        connection.request("POST", "/v1/chat/completions", body, {"content-type": "text/json"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        detail = f"the local model's process does not answer: {type(error).__name__}"
        raise ProviderFailed("connect", detail) from None
    finally:
        connection.close()
