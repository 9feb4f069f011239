"""The closed tables of refusals and close codes."""

from __future__ import annotations

import pytest

from protocol.errors import AS_DRAIN, TEMPORARY, Close, Code, NotUtf8, Refused, reconnects


def test_a_refusal_reads_as_its_code_name_and_detail():
    refused = Refused(Code.BUSY, "a turn is running", re="c1")
    assert str(refused) == "107 busy: a turn is running"
    assert (refused.re, refused.retry_ms, refused.temporary) == ("c1", None, False)
    assert isinstance(NotUtf8(Code.BAD_FRAME, "x"), Refused)


def test_temporary_codes_are_those_of_the_design():
    assert {int(code) for code in TEMPORARY} == {100, 114, 129, 150, 151, 152, 153}


@pytest.mark.parametrize("code", list(Close))
def test_our_close_codes_below_4400_reconnect(code):
    assert reconnects(code) == (code < 4400)
    assert 4000 <= code < 4500


def test_the_transports_codes_reconnect_as_a_drain():
    assert {1001, 1006, 1011, 1012, 1013} == AS_DRAIN
    assert all(map(reconnects, AS_DRAIN))
    assert not any(map(reconnects, (1000, 1002, 1003, 1007, 1008, 1009, 3000)))
