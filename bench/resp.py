"""Redis' wire (RESP2), as much of it as a checker needs. This file asks a Redis what it holds.

The client shares no code with what it checks: neither the library nor the scripts of the server.
"""

from __future__ import annotations

import socket
from typing import Any

ANSWER_S = 30.0
"""Longest wait for one answer."""
_LINE = b"\r\n"


class RedisRefused(Exception):  # noqa: N818 - named by what happened
    """Redis answered with an error; the message is its own."""


class Redis:
    """One blocking connection; use as a context."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._socket = socket.create_connection((host, port), timeout=ANSWER_S)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Redis:
        """The connection stands already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def ask(self, *words: str | bytes | int) -> Any:
        """The answer to one command: bytes, int, list or None. Raises RedisRefused, OSError."""
        (answer,) = self.ask_all([words])
        if isinstance(answer, RedisRefused):
            raise answer
        return answer

    def ask_all(self, commands: list[tuple[str | bytes | int, ...]]) -> list[Any]:
        """The answers to several commands sent at once; a refusal stands in its place."""
        self._socket.sendall(b"".join(packed(command) for command in commands))
        return [self._answer() for _ in commands]

    def info(self, section: str) -> dict[str, str]:
        """One section of INFO."""
        lines = self.ask("INFO", section).decode().splitlines()
        pairs = (line.partition(":") for line in lines if line and not line.startswith("#"))
        return {name: value for name, _, value in pairs}

    def _answer(self) -> Any:
        line = self._file.readline()
        if not line.endswith(_LINE):
            raise ConnectionError("redis hung up")
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"+":
                return rest
            case b"-":
                return RedisRefused(rest.decode(errors="replace"))
            case b":":
                return int(rest)
            case b"$":
                return self._bytes(int(rest))
            case b"*":
                return None if rest == b"-1" else [self._answer() for _ in range(int(rest))]
        raise ValueError(f"expected an answer of RESP2, came {line[:40]!r}")

    def _bytes(self, size: int) -> bytes | None:
        if size < 0:
            return None
        found = self._file.read(size + 2)
        if len(found) != size + 2:
            raise ConnectionError("redis hung up in mid-answer")
        return found[:-2]


def packed(words: tuple[str | bytes | int, ...]) -> bytes:
    r"""One command's bytes.

    >>> packed(("GET", "é", 7))
    b'*3\r\n$3\r\nGET\r\n$2\r\n\xc3\xa9\r\n$1\r\n7\r\n'
    """
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    body = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"*%d\r\n%b" % (len(parts), body)


def commands_of(stats: dict[str, str]) -> dict[str, dict[str, float]]:
    """INFO commandstats as calls and CPU microseconds by command.

    >>> commands_of({"cmdstat_get": "calls=2,usec=30,usec_per_call=15.00"})
    {'get': {'calls': 2.0, 'usec': 30.0}}
    """
    found = {}
    for name, value in stats.items():
        fields = dict(field.split("=") for field in value.split(","))
        found[name.removeprefix("cmdstat_")] = {
            "calls": float(fields["calls"]),
            "usec": float(fields["usec"]),
        }
    return found
