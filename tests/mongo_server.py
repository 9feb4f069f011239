"""A server that speaks MongoDB's wire, on a free port. This file starts and kills it.

`secantusdb` is one of the tools of the tests and always there; a real `mongod` is used beside it
where `TUTORSTREAM_TEST_MONGOD` or the PATH names one.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streaming.records_mongo import MongoRecords
from tests.redis_server import awaited, free_port

STARTS_IN_S = 60.0


def real_mongod() -> str | None:
    """The program, where this machine has one."""
    return os.environ.get("TUTORSTREAM_TEST_MONGOD") or shutil.which("mongod")


@contextmanager
def mongo_server(
    port: int | None = None,
    folder: Path | None = None,
    *,
    auth: bool = False,
    mongod: str | None = None,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A running server: its address and its process, which may be killed meanwhile.

    What it stored is found again by another one on the same `folder`.
    """
    port = port or free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as ours:
        place = str(folder or ours)
        command = [sys.executable, "-m", "secantus", "--storage-path", place]
        command += ["--enable-test-commands", "--log-level", "ERROR", "--cache-size", "64M"]
        command += ["--host", "127.0.0.1", "--port", str(port), *(["--auth"] if auth else [])]
        if mongod is not None:
            command = [mongod, "--dbpath", place, "--bind_ip", "127.0.0.1", "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                awaited(port, server, STARTS_IN_S)
                yield f"mongodb://127.0.0.1:{port}", server
            finally:
                server.kill()


@contextmanager
def driver_leaves() -> Iterator[None]:
    """MongoDB's monitor, ended while it connects, leaves its socket to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


async def closed(records: MongoRecords) -> None:
    """Close records whose server may be away."""
    with driver_leaves():
        await records.aclose()
