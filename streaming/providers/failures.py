"""Which failure kind a status, an error body or a broken connection is. This file is that table.

It imports no SDK and no HTTP library: OpenAI's SDK raises `httpx2` exceptions, others raise `httpx`
ones, and both are told apart here by name.
"""

from __future__ import annotations

import email.utils
import re
import sys
from collections.abc import Mapping, Sequence

from streaming.providers.base import FailureKind, ProviderFailed

RETRY_AFTER_CAP_S = 60.0

_TRANSPORTS = ("httpx", "httpx2")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_TOO_LONG = re.compile(
    r"context[ _]length|context window|context size|maximum context|too many tokens"
    r"|prompt is too long|input is too long|reduce the length",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient[ _](quota|credit|funds|balance)|exceeded your current quota|billing", re.I
)
_BY_STATUS: dict[int, FailureKind] = {
    401: "auth", 402: "quota", 403: "auth", 404: "not_found", 408: "server_error",
    409: "server_error", 413: "context_length", 429: "rate_limited", 498: "overloaded",
    503: "overloaded", 529: "overloaded",
}  # fmt: skip
_BY_WORD: dict[str, FailureKind] = {
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "billing_not_active": "quota",
    "context_length_exceeded": "context_length",
    "string_above_max_length": "context_length",
    "content_filter": "refused",
    "content_policy_violation": "refused",
    "bio_policy": "refused",
    "misalignment_policy_violation": "refused",
    "rate_limit_exceeded": "rate_limited",
    "rate_limit_error": "rate_limited",
    "rate_limited": "rate_limited",
    "tokens": "rate_limited",
    "requests": "rate_limited",
    "overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "service_unavailable": "overloaded",
    "invalid_api_key": "auth",
    "authentication_error": "auth",
    "permission_error": "auth",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "invalid_request_error": "bad_request",
    "invalid_prompt": "bad_request",
    "server_error": "server_error",
    "api_error": "server_error",
    "timeout_error": "server_error",
    "billing_error": "quota",
    "request_too_large": "context_length",
}
_DECISIVE: frozenset[FailureKind] = frozenset({"quota", "context_length", "refused"})
"""Kinds that a code names more exactly than the status it came with."""


def by_body(
    status: int | None,
    *,
    code: str | None,
    kind: str | None,
    message: str,
    retry_after_s: float | None = None,
    quota_words: Sequence[str] = (),
) -> ProviderFailed:
    """The failure that an error body is; `status` is None for one inside a stream.

    `code` and `kind` are the body's `code` and `type`. The message is read, never repeated: it may
    quote the learner.
    """
    if status is None and code is not None and code.isdecimal() and 400 <= int(code) <= 599:
        status = int(code)
    named = _BY_WORD.get(code or "") or _BY_WORD.get(kind or "")
    detail = " ".join(str(w) for w in (status, _word(code), _word(kind)) if w)
    found = _by_text(status, message, quota_words)
    if found is None and named in _DECISIVE:
        found = named
    if found is None:
        found = _by_status(status) if status is not None else named or "server_error"
    return ProviderFailed(found, detail or "an error without a code", retry_after_s=retry_after_s)


def _word(text: str | None) -> str:
    return text if text and _IDENTIFIER.fullmatch(text) else ""


def _by_text(status: int | None, message: str, quota_words: Sequence[str]) -> FailureKind | None:
    lowered = message.lower()
    if any(word in lowered for word in quota_words):
        return "quota"
    if status == 429 and _NO_CREDIT.search(message):
        return "quota"
    if status in (None, 400, 422) and _TOO_LONG.search(message):
        return "context_length"
    return None


def _by_status(status: int) -> FailureKind:
    return _BY_STATUS.get(status) or ("server_error" if status >= 500 else "bad_request")


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or a date); at most 60.

    `headers` must be case-insensitive or lower case; `now_s` is the wall clock, for dates.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        wait_s = _number(headers.get(name))
        if wait_s is not None:
            return _capped(wait_s * unit_s)
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return None if date is None else _capped(email.utils.mktime_tz(date) - now_s)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if number == number else None  # a NaN is no waiting time


def _capped(wait_s: float) -> float:
    return min(max(wait_s, 0.0), RETRY_AFTER_CAP_S)


def transport_errors() -> tuple[type[Exception], ...]:
    """What the loaded HTTP libraries raise; an exception's library is loaded by then."""
    modules = [sys.modules[name] for name in _TRANSPORTS if name in sys.modules]
    names = ("HTTPError", "StreamError", "InvalidURL")
    return tuple(getattr(module, name) for module in modules for name in names)


def by_transport(error: BaseException, *, answered: bool, emitted: bool) -> ProviderFailed:
    """The failure that a broken or slow connection is.

    `answered`: headers had come. `emitted`: text had come. A full pool counts as overload.
    """
    names = _names(error) | _names(error.__cause__)
    detail = type(error.__cause__ or error).__name__
    kind: FailureKind
    if names & {"ConnectError", "ConnectTimeout"}:
        kind = "connect"
    elif "PoolTimeout" in names:
        kind = "overloaded"
    elif names & {"TimeoutException", "APITimeoutError"}:
        kind = "stall" if emitted else "first_token"
    elif "DecodingError" in names:
        kind = "malformed"
    else:
        kind = "cut" if answered else "connect"
    return ProviderFailed(kind, detail)


def _names(error: BaseException | None) -> set[str]:
    return {base.__name__ for base in type(error).__mro__} if error is not None else set()
