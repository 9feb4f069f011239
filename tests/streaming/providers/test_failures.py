"""Failure kinds by body, by header and by exception; presets and their keys."""

from __future__ import annotations

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.providers.failures import by_body, by_transport, retry_after_s, transport_errors
from streaming.providers.presets import presets

NOW_S = 1_750_000_000.0  # 2025-06-15T15:06:40Z


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [({}, None), ({"retry-after": "2"}, 2.0), ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
     ({"retry-after": "Sun, 15 Jun 2025 15:06:50 GMT"}, 10.0), ({"retry-after": "soon"}, None),
     ({"retry-after": "Sun, 15 Jun 2025 15:06:30 GMT"}, 0.0), ({"retry-after": "inf"}, 60.0),
     ({"retry-after": "nan"}, None), ({"retry-after": "-3"}, 0.0), ({"retry-after": "1e9"}, 60.0)],
)  # fmt: skip
def test_retry_after(headers: dict[str, str], expected_s: float | None) -> None:
    assert retry_after_s(headers, NOW_S) == expected_s


@given(st.text(), st.text())
def test_any_header_gives_a_wait_within_the_cap(ms: str, s: str) -> None:
    wait_s = retry_after_s({"retry-after-ms": ms, "retry-after": s}, NOW_S)
    assert wait_s is None or 0 <= wait_s <= 60


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize(
    ("name", "answered", "emitted", "kind"),
    [("ConnectError", False, False, "connect"), ("ConnectTimeout", False, False, "connect"),
     ("PoolTimeout", False, False, "overloaded"), ("ReadTimeout", True, False, "first_token"),
     ("ReadTimeout", True, True, "stall"), ("RemoteProtocolError", True, True, "cut"),
     ("RemoteProtocolError", False, False, "connect"), ("ReadError", True, True, "cut"),
     ("DecodingError", True, True, "malformed")],
)  # fmt: skip
def test_both_families_of_transport_errors(
    library: object, name: str, answered: bool, emitted: bool, kind: str
) -> None:
    error = getattr(library, name)("x")
    assert isinstance(error, transport_errors())
    assert by_transport(error, answered=answered, emitted=emitted).kind == kind
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = error
    assert by_transport(wrapped, answered=answered, emitted=emitted).kind == kind


@pytest.mark.parametrize(
    ("code", "kind_word", "kind"),
    [("rate_limit_exceeded", None, "rate_limited"), (None, "insufficient_quota", "quota"),
     (None, "overloaded_error", "overloaded"), ("429", None, "rate_limited"),
     ("402", None, "quota"), (None, "never seen", "server_error"), (None, None, "server_error"),
     ("content_filter", None, "refused"), (None, "invalid_request_error", "bad_request")],
)  # fmt: skip
def test_an_error_inside_a_stream(code: str | None, kind_word: str | None, kind: str) -> None:
    assert by_body(None, code=code, kind=kind_word, message="").kind == kind


@given(st.text(), st.text(), st.text(min_size=1))
def test_a_body_never_speaks_through_the_detail(code: str, kind: str, message: str) -> None:
    failed = by_body(400, code=code, kind=kind, message=f"secret {message} secret")
    assert "secret" not in str(failed).replace(code, "").replace(kind, "")
    assert len(failed.detail) < 200


def test_every_preset_has_an_address_and_its_limits() -> None:
    assert set(presets()) == {
        "openai", "emergent", "openrouter", "ollama", "vllm", "lmstudio", "llamacpp",
    }  # fmt: skip
    for name, preset in presets().items():
        assert preset.base_url_variable
        assert preset.base_url.startswith(("https://", "http://127.0.0.1:"))
        assert preset.key_required == preset.base_url.startswith("https://")
        local = not preset.key_required
        assert preset.first_token_s == (8.0 if local else 2.5)
        assert (preset.quirks.max_tokens_param == "max_completion_tokens") == (name == "openai")
