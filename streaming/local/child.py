"""The process a local model runs in: llama.cpp behind OpenAI's HTTP shape, on loopback only.

It is started by path (`python -P child.py`) and imports nothing of ours. One line of JSON comes in
on standard input (`Order` in process.py), one goes out on standard output: the port, or the error.
The key comes the same way, so neither the argument list nor the environment shows it. Standard
input is held open by the parent; when it closes, the parent is gone and so is this process.
This file is that process.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import tempfile
from typing import Any

NICENESS = 10
"""Below the server's own loop, which has learners to answer."""
READ_BYTES = 1 << 20
BATCH_TOKENS = 64
"""A prompt is read by so many tokens at a time. Between two batches a cancelled turn lets go of the
processor, and what was read stays for the next turn; a prompt of one batch is read to its end, for
nobody, and forgotten."""
CACHE_MIB = 256
"""Host memory for prompts of streams that have ended; llama.cpp's own default is 8 GiB."""
ERRORS_ONLY = 1
"""llama.cpp's verbosity; what lies above it may quote prompts."""
TOLD_LINES = 2
"""So many of llama.cpp's last lines go with a failure; its exceptions say nothing."""


def sha256_of(path: str) -> str:
    """The digest of a file, read piece by piece. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def listening(order: dict[str, Any]) -> Any:
    """A server of llama.cpp for this order; its `listening_address` holds the port.

    Raises ImportError without the package, RuntimeError for a file that is no model.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = order["path"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [order["key"]]
    params.n_parallel = order["parallel"]
    params.n_ctx = order["parallel"] * order["context"]  # llama.cpp divides it by the streams
    params.cpuparams.n_threads = order["threads"]
    params.cpuparams_batch.n_threads = order["threads"]
    params.n_batch = BATCH_TOKENS
    params.n_ubatch = BATCH_TOKENS
    params.cache_ram_mib = CACHE_MIB
    params.verbosity = ERRORS_ONLY
    params.offline = True
    params.ui = False
    params.endpoint_slots = False  # it shows prompts
    params.endpoint_props = False
    return xllamacpp.Server(params)


def answered(order: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """What the parent is told, and the server to keep, if there is one."""
    try:
        digest = sha256_of(order["path"])
        if order["sha256"] not in ("", digest):
            return {"error": "digest", "sha256": digest}, None
        server = listening(order)
    except ImportError as missing:
        return {"error": "package", "detail": str(missing)}, None
    except OSError as error:
        return {"error": "file", "detail": error.strerror or str(error)}, None
    except Exception as error:  # noqa: BLE001 - the library raises what it likes; the parent is told
        return {"error": "load", "detail": f"{type(error).__name__}: {error}"}, None
    port = int(server.listening_address.rpartition(":")[2])
    return {"port": port, "sha256": digest}, server


def main() -> None:
    """Serve until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C drains the parent; we end with it
    os.nice(NICENESS)
    told = os.fdopen(os.dup(1), "w")
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        answer, server = answered(json.loads(sys.stdin.readline()))
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
    if answer.get("error") == "load":
        answer["detail"] = "; ".join([answer["detail"], *lines[-TOLD_LINES:]])
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    print(json.dumps(answer), file=told, flush=True)
    if server is not None:
        sys.stdin.read()
    os._exit(0)  # threads of llama.cpp are in the middle of a word: nothing waits for them


if __name__ == "__main__":
    main()
