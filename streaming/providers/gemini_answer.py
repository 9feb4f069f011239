"""What Gemini answers, read alike from both of Google's SDKs. This file is that reading.

It imports neither: an error is told by its status, Google's `google.rpc` details and a message, an
answer by its texts, its finish reason and its counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from streaming.providers.base import (
    ChatMessage,
    End,
    FailureKind,
    Piece,
    ProviderFailed,
    Spent,
    Text,
)
from streaming.providers.failures import RETRY_AFTER_CAP_S

CALL_S = 40.0
"""How long the provider may work on one answer: longer than any turn, so that our clocks decide."""

_BY_STATUS: dict[str, FailureKind] = {
    "UNAUTHENTICATED": "auth",
    "PERMISSION_DENIED": "auth",
    "FAILED_PRECONDITION": "auth",  # the key's country or account may not use the API
    "NOT_FOUND": "not_found",
    "INVALID_ARGUMENT": "bad_request",
    "OUT_OF_RANGE": "bad_request",
    "RESOURCE_EXHAUSTED": "rate_limited",
    "UNAVAILABLE": "overloaded",
}
_BY_CODE: dict[int, FailureKind] = {
    401: "auth", 402: "quota", 403: "auth", 404: "not_found", 413: "context_length",
    429: "rate_limited", 503: "overloaded", 529: "overloaded",
}  # fmt: skip
_BAD_KEY = re.compile(r"api key (not valid|expired|not found)", re.IGNORECASE)
_TOO_LONG = re.compile(r"token count|tokens? (allowed|exceed)|exceeds the limit", re.IGNORECASE)
_NO_CREDIT = re.compile(r"credits? (is|are) (depleted|exhausted)|spending (cap|limit)", re.I)
_PER_DAY = re.compile(r"per_?day", re.IGNORECASE)
_STATUS_WORD = re.compile(r"[A-Z_]{1,40}")

_REFUSED = frozenset({
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "MODEL_ARMOR",
})  # fmt: skip
_BROKEN = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"})
_LENGTH = frozenset({"MAX_TOKENS", "CONTINUATION"})


class Details(msgspec.Struct, frozen=True):
    """What the `google.rpc` details of an error say: its reasons, a waiting time, spent quotas."""

    reasons: tuple[str, ...] = ()
    retry_after_s: float | None = None
    quotas: tuple[str, ...] = ()


def details_of(told: object) -> Details:
    """Read the list `error.details` of a JSON body; whatever has another shape says nothing.

    >>> details_of([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}])
    Details(reasons=(), retry_after_s=7.5, quotas=())
    """
    reasons: list[str] = []
    quotas: list[str] = []
    wait_s: float | None = None
    for detail in _mappings(told):
        kind = str(detail.get("@type", "")).rpartition(".")[2]
        if kind == "ErrorInfo":
            reasons.append(str(detail.get("reason", "")))
        elif kind == "RetryInfo":
            wait_s = _seconds(detail.get("retryDelay"))
        elif kind == "QuotaFailure":
            quotas += [str(v.get("quotaId", "")) for v in _mappings(detail.get("violations"))]
    return Details(tuple(reasons), wait_s, tuple(quotas))


def _mappings(told: object) -> list[Mapping[str, Any]]:
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []


def _seconds(told: object) -> float | None:
    """Protobuf's JSON form of a duration: a number and an `s`."""
    try:
        return float(str(told).removesuffix("s"))
    except ValueError:
        return None


def by_google(
    code: int | None,
    status: str | None,
    message: str,
    details: Details,
    *,
    retry_after_s: float | None = None,
) -> ProviderFailed:
    """The failure that an error of Google's is.

    `code` is its HTTP status, `status` its name such as `RESOURCE_EXHAUSTED`; `retry_after_s` is
    what the headers said, the details go first. The message is read, never repeated. The text of
    a rate limit names quota and billing even where only a minute is full, so a spent day is known
    by its quota's id alone.
    """
    status = status if status and _STATUS_WORD.fullmatch(status) else ""
    kind = _decided(code, status, message, details)
    wait_s = details.retry_after_s if details.retry_after_s is not None else retry_after_s
    wait_s = None if wait_s is None else min(max(wait_s, 0.0), RETRY_AFTER_CAP_S)
    told = " ".join(str(word) for word in (code, status) if word)
    return ProviderFailed(kind, told or "an error without a code", retry_after_s=wait_s)


def _decided(code: int | None, status: str, message: str, details: Details) -> FailureKind:
    kind: FailureKind | None = _BY_STATUS.get(status) or _BY_CODE.get(code or 0)
    if kind is None:
        kind = "bad_request" if code is not None and 400 <= code < 500 else "server_error"
    if kind == "rate_limited":
        spent = any(map(_PER_DAY.search, details.quotas)) or _NO_CREDIT.search(message)
        return "quota" if spent else kind
    if kind == "bad_request":
        if "API_KEY_INVALID" in details.reasons or _BAD_KEY.search(message):
            return "auth"
        return "context_length" if _TOO_LONG.search(message) else kind
    return kind


class Reading:
    """What was read of one answer so far."""

    def __init__(self) -> None:
        self.chars = 0
        self.finish = ""
        """The finish reason; the last one wins."""
        self._block = ""
        self._spent: Spent | None = None

    @property
    def complete(self) -> bool:
        """Whether the proof of a complete answer has come."""
        return bool(self.finish)

    def taken(
        self, texts: Iterable[str], *, finish: str = "", block: str = "", spent: Spent | None = None
    ) -> Iterator[Piece]:
        """Take a chunk: the texts of its first candidate and what else it says.

        `finish` and `block` are names of Google's, empty where there are none.
        """
        for text in texts:
            if text:
                self.chars += len(text)
                yield Text(text)
        self.finish = finish or self.finish
        self._block = block or self._block
        self._spent = spent or self._spent

    def rest(self) -> Iterator[Piece]:
        """Usage and the end; raises where the answer is not a complete text."""
        if self._spent is not None:
            yield self._spent
        if not self.finish:
            if self._block:
                raise ProviderFailed("refused", f"prompt blocked: {self._block[:32]}")
            raise ProviderFailed("truncated", "the stream ended without a finish reason")
        told = f"finish reason {self.finish[:32]}"
        if self.finish in _REFUSED:
            raise ProviderFailed("refused", told)
        if self.finish in _BROKEN:
            raise ProviderFailed("malformed", told)
        if self.finish == "OTHER":
            raise ProviderFailed("server_error", told)
        if not self.chars:
            raise ProviderFailed("empty", told)
        yield End("length" if self.finish in _LENGTH else "stop")


def said(name: object) -> str:
    """An enum's value by name; empty for none and for the unspecified one."""
    text = str(getattr(name, "name", name) or "")
    return "" if text.endswith("_UNSPECIFIED") else text


def parted(messages: Sequence[ChatMessage]) -> tuple[str, list[tuple[str, str]]]:
    """The system text, its messages joined by a blank line, and the turns by Gemini's roles.

    >>> parted((ChatMessage("system", "Teach."), ChatMessage("user", "Why?")))
    ('Teach.', [('user', 'Why?')])
    """
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    roles = {"user": "user", "assistant": "model"}
    return system, [(roles[m.role], m.content) for m in messages if m.role != "system"]
