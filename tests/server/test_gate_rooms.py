"""The door of rooms: facilitators' tokens, codes that cannot be tried out."""

from __future__ import annotations

import jwt
import pytest

from protocol.errors import Code, Refused
from protocol.limits import LIMITS
from server.gate import ALGORITHM, CodeTries, Tokens

SECRET = "k" * 32
NOW_S = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def tokens(now_s: float = NOW_S) -> Tokens:
    return Tokens(SECRET, days=30, now_s=lambda: now_s)


def test_a_facilitators_token_is_good_for_its_room_alone() -> None:
    token, expires_at_s = tokens().made_for_room("r_1")
    assert expires_at_s == NOW_S + LIMITS.facilitator_s
    assert tokens().room_role(token, "r_1") == "facilitator"
    with pytest.raises(Refused, match="of r_2"):
        tokens().room_role(token, "r_2")
    with pytest.raises(Refused, match="no longer good"):
        tokens(expires_at_s).room_role(token, "r_1")


def test_no_other_token_makes_a_facilitator_and_a_rooms_token_no_session() -> None:
    session, _ = tokens().made("s_1")
    room, _ = tokens().made_for_room("r_1")
    claims = {"rid": "r_1", "role": "member", "exp": NOW_S + 60}
    weak = jwt.encode(claims, SECRET, ALGORITHM)
    forged = jwt.encode({**claims, "role": "facilitator"}, "x" * 32, ALGORITHM)
    odd = jwt.encode({**claims, "exp": "soon"}, SECRET, ALGORITHM)
    for token in (session, weak, forged, odd, "", "nonsense"):
        with pytest.raises(Refused) as refused:
            tokens().room_role(token, "r_1")
        assert refused.value.code is Code.FORBIDDEN  # the connection goes on
    with pytest.raises(Refused) as refused:
        tokens().read(room)
    assert refused.value.code is Code.UNAUTHORIZED


def test_an_address_that_misses_too_often_is_shut_out_for_a_while() -> None:
    clock = Clock()
    tries = CodeTries(clock)
    one, other = tries.of("10.0.0.1"), tries.of("10.0.0.2")
    for _ in range(LIMITS.code_tries):
        one.expect_left()
        one.missed()
        clock.now_s += 1
    with pytest.raises(Refused) as refused:
        one.expect_left()
    assert refused.value.code is Code.RATE_LIMITED
    assert refused.value.retry_ms == pytest.approx((LIMITS.code_shut_s - 1) * 1000, abs=2)
    other.expect_left()
    clock.now_s += LIMITS.code_shut_s
    one.expect_left()


def test_misses_that_are_spread_out_shut_nobody_out() -> None:
    clock = Clock()
    one = CodeTries(clock).of("10.0.0.1")
    for _ in range(5 * LIMITS.code_tries):
        one.missed()
        one.expect_left()
        clock.now_s += LIMITS.code_tries_s / (LIMITS.code_tries - 1)


def test_addresses_are_forgotten_once_they_no_longer_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.gate.ADDRESSES_KEPT", 3)
    clock = Clock()
    tries = CodeTries(clock)
    for n in range(3):
        tries.missed(f"10.0.0.{n}")
    clock.now_s += LIMITS.code_tries_s + 1
    tries.missed("10.0.0.9")
    assert list(tries._misses) == ["10.0.0.9"]
