"""A real redis-server on a free port, with nothing kept on disk. This file starts and kills it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

STARTS_IN_S = 60.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def redis_server(
    port: int | None = None, options: Sequence[str] = ()
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A running server: its address and its process, which may be killed meanwhile."""
    port = port or free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--appendonly", "no", "--loglevel", "warning", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            awaited(port, server)
            yield f"redis://127.0.0.1:{port}/0", server
        finally:
            server.kill()


def awaited(port: int, server: subprocess.Popen[bytes], within_s: float = STARTS_IN_S) -> None:
    """Return once a server that was just started listens; it may be of any kind."""
    until_s = time.monotonic() + within_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert server.poll() is None, f"{server.args!r} ended at once"
            assert time.monotonic() < until_s, f"{server.args!r} did not start in {within_s} s"
            time.sleep(0.01)  # another process: there is nothing to await
