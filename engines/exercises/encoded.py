"""Tokens that may be a text in base64, and that text. This file is the one decoding.

A word of prose stops being possible base64 of ASCII text within a few letters, so hardly any is
held for it.
"""

from __future__ import annotations

import binascii

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUE = {sign: n for n, sign in enumerate(_ALPHABET)}
FIRST_SIGNS = frozenset(_ALPHABET[8:32])
"""What a printable ASCII sign (32 to 127) begins with."""
_HIGH = {0: range(1), 2: range(2), 4: range(2, 8), 6: range(8, 32)}
"""What the bits of a sign that is not whole may be."""


def may_decode(token: str) -> bool:
    """Whether a token, or one that begins like it, may be base64 of printable ASCII.

    >>> may_decode("c2V2"), may_decode("seve"), may_decode("Nw=="), may_decode("x")
    (True, False, True, False)
    """
    return _rest(token) is not None


def _rest(token: str) -> int | None:
    """The bits that are left over behind whole signs; None where the token is no base64."""
    if not token or token[0] not in FIRST_SIGNS:
        return None
    body = token.rstrip("=")
    padded = len(token) - len(body)
    if padded > 2 or (padded and (len(body) + padded) % 4 and len(body) % 4 < 2):
        return None
    bits = rest = 0
    for sign in body:
        value = _VALUE.get(sign)
        if value is None:
            return None
        rest, bits = (rest << 6) | value, bits + 6
        if bits >= 8:
            bits -= 8
            byte = rest >> bits
            rest &= (1 << bits) - 1
            if not (32 <= byte < 127 or byte == 10):
                return None
    return rest if rest == 0 or rest in _HIGH[bits] else None


def decoded(token: str) -> str:
    """The text of a base64 token, padded or not; empty where it is none.

    >>> decoded("c2V2ZW4="), decoded("Nw"), decoded("and")
    ('seven', '7', '')
    """
    if len(token) < 2 or _rest(token) != 0:
        return ""
    body = token.rstrip("=")
    if len(body) % 4 == 1:
        return ""
    return binascii.a2b_base64(body + "=" * (-len(body) % 4)).decode("ascii")
