"""Tokens that may be a text in base64, and that text. This file is the one decoding.

A word of prose stops being possible base64 of ASCII text within a few letters, so hardly any is
held for it.
"""

from __future__ import annotations

import binascii

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUE = {sign: n for n, sign in enumerate(_ALPHABET)}
_FIRST = frozenset(_ALPHABET[8:32])
"""What a printable ASCII sign (32 to 127) begins with."""
_HIGH = {0: range(1), 2: range(2), 4: range(2, 8), 6: range(8, 32)}
"""What the bits of a sign that is not whole may be."""


def may_decode(token: str) -> bool:
    """Whether a token, or one that begins like it, may be base64 of printable ASCII.

    >>> may_decode("c2V2"), may_decode("seve"), may_decode("Nw=="), may_decode("x")
    (True, False, True, False)
    """
    if not token or token[0] not in _FIRST:
        return False
    body = token.rstrip("=")
    padded = len(token) - len(body)
    if padded > 2 or (padded and (len(body) + padded) % 4 and len(body) % 4 < 2):
        return False
    bits = rest = 0
    for sign in body:
        value = _VALUE.get(sign)
        if value is None:
            return False
        rest, bits = (rest << 6) | value, bits + 6
        if bits >= 8:
            bits -= 8
            byte = rest >> bits
            rest &= (1 << bits) - 1
            if not (32 <= byte < 127 or byte == 10):
                return False
    return rest == 0 or rest in _HIGH[bits]


def decoded(token: str) -> str:
    """The text of a base64 token, padded or not; empty where it is none.

    >>> decoded("c2V2ZW4="), decoded("Nw"), decoded("hello")
    ('seven', '7', '')
    """
    body = token.rstrip("=")
    if len(body) < 2 or len(body) % 4 == 1 or not may_decode(token):
        return ""
    try:
        return binascii.a2b_base64(body + "=" * (-len(body) % 4)).decode("ascii")
    except ValueError:
        return ""
