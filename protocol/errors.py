"""The closed tables of refusals and of close codes. This file is what may go wrong on the wire."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Code(IntEnum):
    """A refusal's number, as sent in `err.code`; its name is sent in `err.name`."""

    INTERNAL = 100
    BAD_FRAME = 101
    UNKNOWN_TYPE = 102
    UNAUTHORIZED = 103
    FORBIDDEN = 104
    TOKEN_EXPIRED = 105
    NOT_FOUND = 106
    BUSY = 107
    GONE = 108
    TOO_LARGE = 109
    ID_REUSED = 110
    NOT_MEMBER = 111
    ROOM_FULL = 112
    UNSUPPORTED_VERSION = 113
    MOVED = 114
    OUT_OF_ORDER = 115
    CLOSED = 116
    BUDGET_SPENT = 120
    RATE_LIMITED = 129
    OVERLOADED = 150
    PROVIDER_TIMEOUT = 151
    PROVIDER_FAILED = 152
    STORE_UNAVAILABLE = 153


TEMPORARY = frozenset(
    {
        Code.INTERNAL,
        Code.MOVED,
        Code.RATE_LIMITED,
        Code.OVERLOADED,
        Code.PROVIDER_TIMEOUT,
        Code.PROVIDER_FAILED,
        Code.STORE_UNAVAILABLE,
    }
)
"""Codes after which the same command may be sent again, under the same id."""


class Refused(Exception):  # noqa: N818 - the field's word for it; it is an answer, not a fault
    """A command that was heard and not done; becomes one `err` frame.

    `detail` names what was expected and what came. `re` is the id of the command, when it could
    be read. `retry_ms` says when to try again and is only sent with temporary codes.

    >>> Refused(Code.RATE_LIMITED, "20 commands a second allowed, 31 came", retry_ms=550).temporary
    True
    """

    __slots__ = ("code", "detail", "re", "retry_ms")

    def __init__(
        self, code: Code, detail: str, *, re: str | None = None, retry_ms: int | None = None
    ) -> None:
        super().__init__(f"{int(code)} {code.name.lower()}: {detail}")
        self.code = code
        self.detail = detail
        self.re = re
        self.retry_ms = retry_ms

    @property
    def temporary(self) -> bool:
        """True where the same command may succeed later, unchanged."""
        return self.code in TEMPORARY


class NotUtf8(Refused):
    """A text frame that is not UTF-8: the transport must close with 1007 (RFC 6455, 8.1)."""

    __slots__ = ()


class Close(IntEnum):
    """A WebSocket close code of ours. 40xx: come back with resume. 44xx: not without the user."""

    SERVER_ERROR = 4000
    DRAIN = 4001
    MOVED = 4002
    POSITION_LOST = 4003
    TOKEN_EXPIRED = 4005
    SLOW = 4008
    HEARTBEAT_LOST = 4009
    TOO_MANY_COMMANDS = 4029
    BAD_PROTOCOL = 4400
    INVALID_TOKEN = 4401
    FORBIDDEN = 4403
    HELLO_TIMEOUT = 4408
    REPLACED = 4409
    SESSION_ENDED = 4410
    TOO_LARGE = 4413
    VERSION = 4426
    LIMITS = 4429


AS_DRAIN = frozenset({1001, 1006, 1011, 1012, 1013})
"""Close codes of the transport that a client treats as `Close.DRAIN`: reconnect and resume."""


def reconnects(code: int) -> bool:
    """Whether a client may come back by itself after this close code.

    >>> reconnects(4008), reconnects(4413), reconnects(1006), reconnects(1000)
    (True, False, True, False)
    """
    return code in AS_DRAIN or 4000 <= code < 4400


class Closing(NamedTuple):
    """A decision to close: the code and the reason sent with it (at most 123 bytes of UTF-8)."""

    code: int
    reason: str
