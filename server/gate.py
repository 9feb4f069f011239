"""Who may come in, how fast, and what each error is told as. This file is the door.

Origin, then room for one more connection, then the token in `hello`, then rates. `told` is the
one place where an error becomes a frame, a status and a close code.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, NamedTuple, assert_never
from urllib.parse import urlsplit

import jwt

from protocol.commands import Ack, AnswerPreview, Command, Hello, Pong
from protocol.errors import Close, Closing, Code, NotUtf8, Refused
from protocol.limits import LIMITS, Limits
from server.settings import Settings, is_loopback
from streaming.log import Duplicate, Fenced, OutOfOrder, StoreUnavailable
from streaming.providers.base import ProviderFailed
from streaming.records import Conflict

ALGORITHM = "HS256"
LIGHT_FACTOR = 5
"""Acks and pongs have a bucket of their own, so many times as wide as that of commands."""
ADDRESSES_KEPT = 10_000
"""Addresses with missed codes, above which those that no longer matter are forgotten."""
RETRY_MS = 1_000
"""When to try again where the error does not say."""

Known = (
    Refused
    | Fenced
    | StoreUnavailable
    | Duplicate
    | OutOfOrder
    | Conflict
    | ProviderFailed
    | LookupError
)
"""Every error that the rooms below may raise towards a client."""
KNOWN = (
    Refused,
    Fenced,
    StoreUnavailable,
    Duplicate,
    OutOfOrder,
    Conflict,
    ProviderFailed,
    LookupError,
)


class Told(NamedTuple):
    """An error as a client hears it: `err` frame, HTTP status, and the close if there is one."""

    refused: Refused
    status: int
    closing: Closing | None


STATUS = {
    Code.INTERNAL: 500,
    Code.BAD_FRAME: 400,
    Code.UNKNOWN_TYPE: 400,
    Code.UNAUTHORIZED: 401,
    Code.FORBIDDEN: 403,
    Code.TOKEN_EXPIRED: 401,
    Code.NOT_FOUND: 404,
    Code.BUSY: 409,
    Code.GONE: 410,
    Code.TOO_LARGE: 413,
    Code.ID_REUSED: 409,
    Code.NOT_MEMBER: 403,
    Code.ROOM_FULL: 409,
    Code.UNSUPPORTED_VERSION: 400,
    Code.MOVED: 503,
    Code.OUT_OF_ORDER: 409,
    Code.CLOSED: 409,
    Code.BUDGET_SPENT: 402,
    Code.RATE_LIMITED: 429,
    Code.OVERLOADED: 503,
    Code.PROVIDER_TIMEOUT: 504,
    Code.PROVIDER_FAILED: 502,
    Code.STORE_UNAVAILABLE: 503,
}
"""HTTP status of each refusal; total."""

CLOSES = {
    Code.UNAUTHORIZED: Close.INVALID_TOKEN,
    Code.TOKEN_EXPIRED: Close.TOKEN_EXPIRED,
    Code.UNSUPPORTED_VERSION: Close.VERSION,
}
"""Refusals that end a connection; all others leave it open."""


def told(error: Known) -> Told:
    """What a client is told of an error; total over `Known`."""
    match error:
        case NotUtf8():
            return Told(error, 400, Closing(1007, "invalid UTF-8 in a text message"))
        case Refused(code=code):
            close = CLOSES.get(code)
            closing = None if close is None else Closing(close, _reason(error.detail))
            return Told(error, STATUS[code], closing)
        case Fenced():
            return _temporary(Code.MOVED, "another node has this session now", Close.MOVED)
        case StoreUnavailable():
            return _temporary(Code.STORE_UNAVAILABLE, "the store does not answer", None)
        case Duplicate() | OutOfOrder() | Conflict():
            return _temporary(
                Code.STORE_UNAVAILABLE, "the session is taken up again", Close.SERVER_ERROR
            )
        case ProviderFailed():
            return _temporary(Code.PROVIDER_FAILED, f"the tutor's provider: {error.kind}", None)
        case LookupError():
            refused = Refused(Code.NOT_FOUND, f"not in this store: {error}")
            return Told(refused, STATUS[Code.NOT_FOUND], None)
        case _:
            assert_never(error)


def internal() -> Told:
    """What a client is told of our own mistake; the detail stands in the log only."""
    return _temporary(Code.INTERNAL, "a mistake of the server; it is logged", Close.SERVER_ERROR)


def _temporary(code: Code, detail: str, close: Close | None) -> Told:
    refused = Refused(code, detail, retry_ms=RETRY_MS)
    return Told(refused, STATUS[code], None if close is None else Closing(close, detail))


def _reason(detail: str) -> str:
    """A close reason holds 123 bytes of UTF-8."""
    return detail.encode()[:123].decode(errors="ignore")


# --- tokens ---------------------------------------------------------------------------------------


class Admitted(NamedTuple):
    """A hello that was let in: which session, and the token to hand out if there is a new one."""

    sid: str
    token: str | None
    expires_at_s: int


class Tokens:
    """Makes and reads the tokens of sessions (JWT, HS256)."""

    def __init__(self, secret: str, *, days: float, now_s: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._life_s = int(days * 86_400)
        self._now_s = now_s

    def made(self, sid: str) -> tuple[str, int]:
        """`(token, end of its life in seconds since 1970)` for a guest's session."""
        now_s = int(self._now_s())
        claims = {"sid": sid, "role": "guest", "iat": now_s, "exp": now_s + self._life_s}
        return jwt.encode(claims, self._secret, ALGORITHM), now_s + self._life_s

    def read(self, token: str) -> tuple[str, int]:
        """`(sid, end of life)` of a token. Raises Refused: UNAUTHORIZED or TOKEN_EXPIRED."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                [ALGORITHM],
                options={"require": ["exp", "sid"], "verify_exp": False, "verify_iat": False},
            )
            sid, expires_at_s = claims["sid"], int(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Refused(
                Code.UNAUTHORIZED, "expected a token of this server, another came"
            ) from None
        if not isinstance(sid, str) or not 0 < len(sid) <= LIMITS.id_chars:
            raise Refused(Code.UNAUTHORIZED, "the token names no session")
        if expires_at_s <= self._now_s():
            raise Refused(Code.TOKEN_EXPIRED, "the token's time is over")
        return sid, expires_at_s

    def made_for_room(self, rid: str) -> tuple[str, int]:
        """`(token, end of its life in seconds since 1970)` for a room's facilitator."""
        now_s = int(self._now_s())
        expires_at_s = now_s + int(LIMITS.facilitator_s)
        claims = {"rid": rid, "role": "facilitator", "iat": now_s, "exp": expires_at_s}
        return jwt.encode(claims, self._secret, ALGORITHM), expires_at_s

    def room_role(self, token: str, rid: str) -> Literal["member", "facilitator"]:
        """The role that a token gives in a room. Raises Refused (FORBIDDEN).

        The connection goes on: its own token is another one.
        """
        try:
            claims = jwt.decode(
                token,
                self._secret,
                [ALGORITHM],
                options={"require": ["exp", "rid"], "verify_exp": False, "verify_iat": False},
            )
            known, role, expires_at_s = claims["rid"], claims.get("role"), int(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Refused(Code.FORBIDDEN, "expected a facilitator's token, another came") from None
        if known != rid or role != "facilitator":
            raise Refused(Code.FORBIDDEN, f"expected a facilitator's token of {rid}")
        if expires_at_s <= self._now_s():
            raise Refused(Code.FORBIDDEN, "the facilitator's token is no longer good")
        return "facilitator"

    def stale(self, expires_at_s: int) -> bool:
        """Whether more than half of a token's life is over, so that a fresh one is due."""
        return expires_at_s - self._now_s() < self._life_s / 2


# --- rates ----------------------------------------------------------------------------------------


class Bucket:
    """A token bucket on a nanosecond clock: `burst` at once, `rate` a second."""

    __slots__ = ("_burst_ns", "_full_at_ns", "_step_ns")

    def __init__(self, rate: float, burst: int) -> None:
        self._step_ns = int(1e9 / rate)
        self._burst_ns = burst * self._step_ns
        self._full_at_ns = 0

    def take(self, now_ns: int) -> int:
        """0 where one more is allowed, and it is taken; else the nanoseconds until it would be."""
        full_at_ns = max(self._full_at_ns, now_ns) + self._step_ns
        over_ns = full_at_ns - now_ns - self._burst_ns
        if over_ns > 0:
            return over_ns
        self._full_at_ns = full_at_ns
        return 0


class Rates:
    """The limits of one connection: commands, acks, previews; and how often they were broken."""

    __slots__ = ("_commands", "_light", "_limits", "_previews", "_violations_ns")

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._commands = Bucket(limits.commands_a_s, limits.commands_burst)
        self._light = Bucket(
            limits.commands_a_s * LIGHT_FACTOR, limits.commands_burst * LIGHT_FACTOR
        )
        self._previews = Bucket(limits.previews_a_s, int(limits.previews_a_s))
        self._violations_ns: list[int] = []

    def take(self, command: Command | None, now_ns: int) -> bool:
        """Whether to do this command (None: a frame that could not be read) at all.

        A preview too many is dropped. Raises Refused (RATE_LIMITED) for anything else too many.
        """
        kind = type(command)
        if kind is AnswerPreview:
            return not self._previews.take(now_ns)
        bucket = self._light if kind is Ack or kind is Pong else self._commands
        over_ns = bucket.take(now_ns)
        if over_ns:
            self._violations_ns.append(now_ns)
            raise Refused(
                Code.RATE_LIMITED,
                f"at most {self._limits.commands_a_s:g} commands a second, "
                f"{self._limits.commands_burst} at once",
                re=getattr(command, "id", None),
                retry_ms=over_ns // 1_000_000 + 1,
            )
        return True

    def take_light(self, now_ns: int) -> bool:
        """Whether one more ack is allowed; then it is taken."""
        return not self._light.take(now_ns)

    def out_of_hand(self, now_ns: int) -> bool:
        """Whether so many refusals for rate came lately that the connection must end (4429)."""
        since_ns = now_ns - int(self._limits.violations_s * 1e9)
        self._violations_ns = [at_ns for at_ns in self._violations_ns if at_ns > since_ns]
        return len(self._violations_ns) >= self._limits.violations


class CodeTries:
    """How often each address has named a room that is none, so that codes cannot be tried out.

    Only misses count: a class behind one address may all come in at once.
    """

    def __init__(self, now_s: Callable[[], float], limits: Limits = LIMITS) -> None:
        self._now_s = now_s
        self._limits = limits
        self._misses: dict[str, list[float]] = {}
        self._shut_until_s: dict[str, float] = {}

    def of(self, ip: str) -> TriesOf:
        """The tries of one address."""
        return TriesOf(self, ip)

    def expect_left(self, ip: str) -> None:
        """Raise Refused (RATE_LIMITED) while an address is shut out."""
        left_s = self._shut_until_s.get(ip, 0.0) - self._now_s()
        if left_s > 0:
            raise Refused(
                Code.RATE_LIMITED,
                f"{self._limits.code_tries} codes of no room were tried: wait",
                retry_ms=int(left_s * 1000) + 1,
            )

    def missed(self, ip: str) -> None:
        """One more was none."""
        now_s, limits = self._now_s(), self._limits
        self._forget(now_s)
        since_s = now_s - limits.code_tries_s
        misses = [at_s for at_s in self._misses.get(ip, []) if at_s > since_s] + [now_s]
        self._misses[ip] = misses
        if len(misses) >= limits.code_tries:
            del self._misses[ip]
            self._shut_until_s[ip] = now_s + limits.code_shut_s

    def _forget(self, now_s: float) -> None:
        if len(self._misses) + len(self._shut_until_s) < ADDRESSES_KEPT:
            return
        since_s = now_s - self._limits.code_tries_s
        self._misses = {ip: at for ip, at in self._misses.items() if at[-1] > since_s}
        self._shut_until_s = {ip: at for ip, at in self._shut_until_s.items() if at > now_s}


class TriesOf:
    """The tries of one address: `streaming.seats.Tries`."""

    __slots__ = ("_ip", "_tries")

    def __init__(self, tries: CodeTries, ip: str) -> None:
        self._tries = tries
        self._ip = ip

    def expect_left(self) -> None:
        """Raise Refused (RATE_LIMITED) where no more are left for now."""
        self._tries.expect_left(self._ip)

    def missed(self) -> None:
        """One more was none."""
        self._tries.missed(self._ip)


# --- the door -------------------------------------------------------------------------------------


class Gate:
    """The door of one process."""

    def __init__(self, settings: Settings, tokens: Tokens, new_sid: Callable[[], str]) -> None:
        self.tokens = tokens
        self.codes = CodeTries(time.monotonic)
        self._new_sid = new_sid
        self.draining = False
        self._settings = settings
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in settings.origins)
        self._guests = settings.guests == "always" or (
            settings.guests == "loopback" and settings.loopback
        )
        self._by_ip: dict[str, int] = {}
        self._inside = 0

    def origin_allowed(self, origin: str | None, host: str) -> bool:
        """Whether a page of `origin` may speak to us, who were asked for as `host`.

        No origin: not a browser, the token decides. On a loopback address the host's name must be
        a loopback one too, so that a name which a stranger points at us opens nothing.
        """
        if origin is None:
            return True
        if origin.rstrip("/").lower() in self._allowed:
            return True
        try:
            came = urlsplit(origin)
            same = came.netloc.lower() == host.lower() and came.scheme in ("http", "https")
            name = came.hostname or ""
        except ValueError:
            return False
        return same and (not is_loopback(self._settings.host) or is_loopback(name))

    def enter(self, ip: str) -> None:
        """Count one more connection of this address; `leave` must follow. Raises Refused."""
        if self.draining:
            raise Refused(Code.MOVED, "the server is leaving: come back", retry_ms=RETRY_MS)
        if self._inside >= self._settings.connections:
            raise Refused(
                Code.OVERLOADED,
                f"at most {self._settings.connections} connections",
                retry_ms=RETRY_MS,
            )
        held = self._by_ip.get(ip, 0)
        if held >= self._settings.connections_per_ip and not is_loopback(ip):
            raise Refused(
                Code.RATE_LIMITED,
                f"at most {self._settings.connections_per_ip} connections an address",
                retry_ms=RETRY_MS,
            )
        self._by_ip[ip] = held + 1
        self._inside += 1

    def leave(self, ip: str) -> None:
        """One connection of this address ended."""
        self._inside -= 1
        held = self._by_ip[ip] - 1
        if held:
            self._by_ip[ip] = held
        else:
            del self._by_ip[ip]

    def admit(self, hello: Hello) -> Admitted:
        """Which session this hello may join. Raises Refused."""
        if hello.token is not None:
            sid, expires_at_s = self.tokens.read(hello.token)
            if hello.sid is not None and hello.sid != sid:
                raise Refused(Code.UNAUTHORIZED, "the token is another session's")
            if self.tokens.stale(expires_at_s):
                return Admitted(sid, *self.tokens.made(sid))
            return Admitted(sid, None, expires_at_s)
        if hello.sid is not None:
            raise Refused(Code.UNAUTHORIZED, "expected the session's token beside its sid")
        self.expect_guests()
        sid = self._new_sid()
        return Admitted(sid, *self.tokens.made(sid))

    def expect_guests(self) -> None:
        """Raise Refused (UNAUTHORIZED) where nobody is let in without a token."""
        if not self._guests:
            raise Refused(Code.UNAUTHORIZED, "expected a token: guests are not let in here")
