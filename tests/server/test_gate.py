"""The door: origins, tokens, rates, and what every error is told as."""

from __future__ import annotations

import itertools
from typing import get_args

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.commands import Ack, AnswerPreview, Hello, ItemNext, Pong
from protocol.errors import Close, Code, NotUtf8, Refused
from protocol.limits import LIMITS
from server import gate as gate_module
from server.gate import CLOSES, KNOWN, STATUS, Bucket, Gate, Known, Rates, Tokens, internal, told
from server.settings import Settings
from streaming.log import Duplicate, Fenced, OutOfOrder, Reply, StoreUnavailable
from streaming.providers.base import ProviderFailed
from streaming.records import Conflict

SECRET = "k" * 32
NOW_S = 1_800_000_000.0


def gate_of(**settings) -> Gate:
    sids = (f"s_{n}" for n in itertools.count(1))
    tokens = Tokens(SECRET, days=30, now_s=lambda: NOW_S)
    return Gate(Settings(**settings), tokens, lambda: next(sids))


# --- origins --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "127.0.0.1:8765", True),
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://localhost:8765", "localhost:8765", True),
        ("http://[::1]:8765", "[::1]:8765", True),
        ("https://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://127.0.0.1:9", "127.0.0.1:8765", False),
        ("https://evil.example", "127.0.0.1:8765", False),
        ("http://evil.example:8765", "evil.example:8765", False),  # a name pointed at loopback
        ("null", "127.0.0.1:8765", False),
        ("", "127.0.0.1:8765", False),
        ("file://", "", False),
        ("http://[", "127.0.0.1:8765", False),
        ("https://School.example", "127.0.0.1:8765", True),
    ],
)
def test_a_page_speaks_to_its_own_server_only(origin, host: str, allowed: bool) -> None:
    gate = gate_of(origins=["https://school.example/"])
    assert gate.origin_allowed(origin, host) is allowed


def test_beyond_loopback_the_own_name_is_enough() -> None:
    gate = gate_of(host="0.0.0.0", i_know=True)
    assert gate.origin_allowed("https://tutor.example", "tutor.example")
    assert not gate.origin_allowed("https://evil.example", "tutor.example")


# --- tokens ---------------------------------------------------------------------------------------


def test_a_guest_gets_a_session_and_comes_back_with_its_token() -> None:
    gate = gate_of()
    first = gate.admit(Hello())
    assert first.sid == "s_1"
    assert first.token is not None
    assert first.expires_at_s == NOW_S + 30 * 86_400
    again = gate.admit(Hello(token=first.token))
    assert again == (first.sid, None, first.expires_at_s)
    assert gate.admit(Hello(token=first.token, sid=first.sid)).sid == first.sid


def refusal_of(gate: Gate, hello: Hello) -> Refused:
    with pytest.raises(Refused) as refused:
        gate.admit(hello)
    return refused.value


def test_a_session_without_its_token_is_103_and_4401() -> None:
    gate = gate_of()
    token = gate.admit(Hello()).token
    for hello in (Hello(sid="s_1"), Hello(sid="s_9", token=token), Hello(token="nonsense")):
        refused = refusal_of(gate, hello)
        assert refused.code is Code.UNAUTHORIZED
        closing = told(refused).closing
        assert closing is not None
        assert closing.code == Close.INVALID_TOKEN


def forged(claims: dict[str, object], *, key: str = SECRET, algorithm: str = "HS256") -> Hello:
    return Hello(token=jwt.encode(claims, key, algorithm))


GOOD = {"sid": "s_1", "exp": NOW_S + 100}


@pytest.mark.parametrize(
    "hello",
    [
        forged(GOOD, key="z" * 32),
        forged({"sid": "s_1"}),
        forged({"exp": NOW_S + 100}),
        forged({**GOOD, "sid": 7}),
        forged({**GOOD, "sid": ""}),
        forged({**GOOD, "sid": "x" * 65}),
        forged({**GOOD, "exp": "soon"}),
        forged(GOOD, key="k" * 64, algorithm="HS512"),
        Hello(token=jwt.encode(GOOD, "", "none")),
    ],
)
def test_a_forged_token_opens_nothing(hello: Hello) -> None:
    assert refusal_of(gate_of(), hello).code is Code.UNAUTHORIZED


def test_a_token_s_time_ends_and_is_renewed_before() -> None:
    gate = gate_of()
    over = refusal_of(gate, forged({**GOOD, "exp": NOW_S - 1}))
    assert over.code is Code.TOKEN_EXPIRED
    closing = told(over).closing
    assert closing is not None
    assert closing.code == Close.TOKEN_EXPIRED
    renewed = gate.admit(forged(GOOD))
    assert renewed.token is not None
    assert renewed.expires_at_s == NOW_S + 30 * 86_400


@pytest.mark.parametrize(
    ("settings", "let_in"),
    [
        ({}, True),
        ({"host": "0.0.0.0"}, False),
        ({"host": "0.0.0.0", "guests": "always"}, True),
        ({"guests": "never"}, False),
        ({"uds": "/run/x.sock"}, True),
    ],
)
def test_guests_come_on_loopback_unless_configured(settings, let_in: bool) -> None:
    gate = gate_of(**settings)
    if let_in:
        assert gate.admit(Hello()).token
    else:
        assert refusal_of(gate, Hello()).code is Code.UNAUTHORIZED


# --- room -----------------------------------------------------------------------------------------


def test_connections_are_counted_by_address_and_in_all() -> None:
    gate = gate_of(connections=4, connections_per_ip=2)
    gate.enter("10.0.0.1")
    gate.enter("10.0.0.1")
    with pytest.raises(Refused, match="an address") as refused:
        gate.enter("10.0.0.1")
    assert told(refused.value).status == 429
    gate.enter("127.0.0.1")
    gate.enter("127.0.0.1")
    with pytest.raises(Refused, match="at most 4 connections") as refused:
        gate.enter("10.0.0.2")
    assert told(refused.value).status == 503
    gate.leave("10.0.0.1")
    gate.leave("10.0.0.1")
    gate.enter("10.0.0.2")
    gate.draining = True
    with pytest.raises(Refused) as refused:
        gate.enter("10.0.0.3")
    assert refused.value.code is Code.MOVED


# --- rates ----------------------------------------------------------------------------------------


@given(
    gaps_ns=st.lists(st.integers(0, 400_000_000), min_size=1, max_size=200),
    rate=st.integers(1, 50),
    burst=st.integers(1, 50),
)
def test_a_bucket_lets_through_its_burst_and_its_rate(gaps_ns, rate: int, burst: int) -> None:
    bucket = Bucket(rate, burst)
    step_ns = int(1e9 / rate)
    now_ns, taken = 10**12, []
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        over_ns = bucket.take(now_ns)
        if over_ns:
            assert bucket.take(now_ns + over_ns - 1) != 0 or over_ns == 1
        else:
            taken.append(now_ns)
    for first, start_ns in enumerate(taken):  # never more than the burst beyond the rate
        for count, end_ns in enumerate(taken[first:], 1):
            assert count <= burst + (end_ns - start_ns) // step_ns + 1


def test_commands_acks_and_previews_have_buckets_of_their_own() -> None:
    rates = Rates()
    for _ in range(40):
        assert rates.take(ItemNext("c1"), 0)
    for _ in range(100):
        assert rates.take(Ack({}), 0)
        assert rates.take(Pong(), 0)
    previews = [rates.take(AnswerPreview("i", "1"), 0) for _ in range(20)]
    assert previews == [True] * 10 + [False] * 10
    with pytest.raises(Refused) as refused:
        rates.take(ItemNext("c41"), 0)
    assert refused.value.code is Code.RATE_LIMITED
    assert refused.value.re == "c41"
    assert refused.value.retry_ms == 51
    assert rates.take(ItemNext("c41"), 51_000_000)
    with pytest.raises(Refused):
        rates.take(Ack({}), 0)


def test_three_refusals_for_rate_in_ten_seconds_are_too_many() -> None:
    rates = Rates()
    second_ns = 10**9

    def flood(now_ns: int) -> None:
        for _ in range(41):
            try:
                rates.take(None, now_ns)
            except Refused:
                return

    for at_s in (0, 6, 12, 18):
        flood(at_s * second_ns)
        assert not rates.out_of_hand(at_s * second_ns)
    flood(19 * second_ns)
    assert rates.out_of_hand(19 * second_ns)


# --- told -----------------------------------------------------------------------------------------

REPLY = Reply("c1", b"", 1, 0)
ERRORS = [
    Refused(Code.BUSY, "x"),
    NotUtf8(Code.BAD_FRAME, "x"),
    Fenced("me", 1, 2),
    StoreUnavailable("disk"),
    Duplicate("me", REPLY, same_body=True),
    OutOfOrder("me", 1, 2),
    Conflict("k", "v", 1, 2),
    ProviderFailed("stall", "x"),
    LookupError("course x"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_every_known_error_is_told_by_the_tables(error) -> None:
    what = told(error)
    assert what.refused.code in Code
    assert what.status == STATUS[what.refused.code]
    if what.closing is not None:
        assert what.closing.code in set(Close) | {1007}
        assert len(what.closing.reason.encode()) <= 123


def test_the_tables_are_total_and_the_two_lists_of_known_errors_agree() -> None:
    assert set(STATUS) == set(Code)
    assert set(get_args(Known)) == set(KNOWN)
    assert {type(error) for error in ERRORS} == set(KNOWN) | {NotUtf8}
    assert set(CLOSES) <= set(Code)


def test_codes_lead_to_their_status_and_close() -> None:
    assert told(Refused(Code.BUSY, "x"))[1:] == (409, None)
    assert told(NotUtf8(Code.BAD_FRAME, "x")).closing == (1007, "invalid UTF-8 in a text message")
    fenced = told(Fenced("me", 1, 2))
    assert fenced.closing is not None
    assert fenced.closing.code == Close.MOVED
    long = told(Refused(Code.UNAUTHORIZED, "ä" * 200)).closing
    assert long is not None
    assert len(long.reason.encode()) <= 123
    mistake = internal()
    assert mistake.status == 500
    assert mistake.refused.temporary
    assert LIMITS.violations == 3
    assert gate_module.RETRY_MS == 1_000
