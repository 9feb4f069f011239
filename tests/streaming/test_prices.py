"""What tokens cost: the shipped list, one's own list, and the arithmetic in whole micro-USD."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.prices import Price, prices
from streaming.providers.base import Spent
from streaming.providers.presets import presets

PRICE = Price(3_000_000, 15_000_000, 300_000, 3_750_000)


def written(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text)
    return path


def test_each_kind_of_token_has_its_price() -> None:
    # 1,000 fresh, 2,000 from the cache, 400 written to it, 100 out
    spent = Spent(input=3_400, output=100, cached_in=2_000, cache_write=400)
    assert PRICE.cost(spent) == 3_000 + 600 + 1_500 + 1_500
    assert Price(3_000_000, 15_000_000).cost(spent) == 3_400 * 3 + 1_500


def test_a_fraction_of_a_micro_usd_is_rounded_up() -> None:
    assert Price(50_000, 80_000).cost(Spent(1, 0)) == 1
    assert Price(50_000, 80_000).cost(Spent(0, 0)) == 0
    assert Price(0, 0).cost(Spent(10**6, 10**6)) == 0


def test_more_cached_than_sent_is_taken_for_all_cached() -> None:
    assert PRICE.cost(Spent(input=1_000, output=0, cached_in=5_000, cache_write=5_000)) == 300


counts = st.integers(0, 10**6)


@given(counts, counts, counts, counts)
def test_no_usage_costs_more_than_was_set_aside(sent, out, cached, wrote) -> None:
    spent = Spent(sent, out, cached, wrote)
    shipped = prices()
    for price in (PRICE, Price(100, 3), Price(5, 5, cached_in=9)):
        assert 0 <= price.cost(spent) <= price.most(sent, out)
    known = shipped.of("anthropic", "claude-haiku-4-5")
    assert known is not None
    assert known.cost(spent) <= shipped.dearest.cost(spent)


def test_the_shipped_list_knows_the_providers_and_is_dated() -> None:
    shipped = prices()
    assert shipped.dated.isoformat() == "2026-11-28"
    for provider, model in [
        ("openai", "gpt-6-luna"), ("openai", "gpt-5-mini"), ("anthropic", "claude-haiku-5-5"),
        ("groq", "llama-3.1-8b-instant"), ("groq", "openai/gpt-oss-20b"),
        ("gemini", "gemini-3.5-flash-lite"), ("gemini_legacy", "gemini-2.5-flash"),
    ]:  # fmt: skip
        price = shipped.of(provider, model)
        assert price is not None, (provider, model)
        assert 0 < price.input < price.output <= shipped.dearest.output
        assert (price.cached_in or 0) <= price.input
        assert shipped.paid(provider, model)


def test_servers_of_ones_own_cost_no_money_and_others_do() -> None:
    shipped = prices()
    own = {name for name in presets() if not shipped.paid(name, "any-model")}
    assert own == {"ollama", "lmstudio", "vllm", "llamacpp"}
    assert not shipped.paid("local", "SmolLM2")


@pytest.mark.parametrize(
    "release",
    ["gpt-5-mini-2025-08-07", "gpt-5-mini-20250807", "gpt-5-mini-latest", "gpt-5-mini-001"],
)
def test_a_release_costs_as_its_model(release: str) -> None:
    shipped = prices()
    assert shipped.of("openai", release) == shipped.of("openai", "gpt-5-mini")


@pytest.mark.parametrize("model", ["gpt-5-mini-high", "gpt-5-mini-12", "gpt-99", ""])
def test_an_unknown_model_has_no_price_and_counts_as_paid(model: str) -> None:
    shipped = prices()
    assert shipped.of("openai", model) is None
    assert shipped.of("nobody", model) is None
    assert shipped.paid("openai", model)


def test_the_dearest_is_above_all_in_each_part() -> None:
    assert prices().dearest == Price(30_000_000, 180_000_000, 30_000_000, 30_000_000)


def test_a_list_of_ones_own_replaces_the_shipped_one(tmp_path: Path) -> None:
    own = prices(written(tmp_path, 'dated = 2027-01-01\n[openai]\n"m" = { in = 1, out = 2 }\n'))
    assert own.of("openai", "m") == Price(1, 2)
    assert own.of("openai", "gpt-5-mini") is None
    assert own.dearest == Price(1, 2, 1, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[openai]\n"m" = { in = 1, out = 2 }', "expected `dated`, a date, got None"),
        ("dated = 2027-01-01", "expected at least one price"),
        ('dated = 2027-01-01\n[openai]\n"m" = { in = 1 }', "openai: .*`out`"),
        ('dated = 2027-01-01\n[openai]\n"m" = { in = 0.1, out = 1 }', r"openai: .*`int`.*`float`"),
        ('dated = 2027-01-01\n[openai]\n"m" = { in = -1, out = 1 }', "openai: .*>= 0"),
        ('dated = 2027-01-01\n[openai]\n"m" = { in = 1, out = 1, per = 2 }', "openai: .*`per`"),
        ('dated = 2027-01-01\n[a]\nlike = "b"', "a is like 'b', which does not stand before it"),
        ("dated = 2027-01-01\nopenai = 3", "openai: Expected `object`, got `int`"),
        ("dated =", "Invalid value"),
    ],
)
def test_a_list_that_cannot_be_used_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=rf"prices .*own\.toml: {told}"):
        prices(written(tmp_path, text))


def test_what_runs_on_this_machine_costs_nothing() -> None:
    listed = prices()
    freed = listed.freed(["openai"])
    assert listed.paid("openai", "gpt-5-mini")
    assert not freed.paid("openai", "gpt-5-mini-of-ours")
    assert freed.paid("groq", "a-new-model")
