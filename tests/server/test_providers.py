"""Which providers the settings give, and what an operator is told about them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert

from server import providers
from server.chain import Candidate
from server.providers import (
    budgets_of,
    missing,
    prices_of,
    providers_of,
    refused,
    rules_of,
    start_words,
    tutor_words,
)
from server.settings import Misconfigured, Settings
from streaming.budgets import Budgets
from streaming.local.model import LocalModel
from streaming.local.weights import DEMO_MODEL
from streaming.rules import TutorRules

CHAIN = ["groq/llama-3.1-8b-instant | openai/gpt-5-mini", "ollama/llama3.2"]
KEYS = {"groq": {"api_key": "g"}, "openai": {"api_key": "o"}}


def settings(**groups: Any) -> Settings:
    return convert({"providers": KEYS, **groups}, Settings)


def test_tiers_are_built_in_the_chains_order_with_their_own_keys() -> None:
    tiers = providers_of(settings(router={"chain": CHAIN}))
    assert [[(p.name, p.model, p.local) for p in tier] for tier in tiers] == [
        [("groq", "llama-3.1-8b-instant", False), ("openai", "gpt-5-mini", False)],
        [("ollama", "llama3.2", True)],
    ]
    assert not any(p.ready for tier in tiers for p in tier)
    assert tutor_words(tiers) == (
        "groq llama-3.1-8b-instant | openai gpt-5-mini > ollama llama3.2 > built-in"
    )
    assert providers_of(settings()) == []
    assert tutor_words([]) == "built-in"


@pytest.mark.parametrize(("asked_ms", "waits_s"), [(None, 2.5), (6_000, 6.0), (900, 2.5)])
def test_a_turn_that_may_wait_longer_is_not_cut_by_its_provider(
    asked_ms: int | None, waits_s: float
) -> None:
    """The turn's limit is the router's; a provider's own is never below it."""
    chain = ["groq/a", "openai/b", "anthropic/c", "gemini/d"]
    keys = {name.partition("/")[0]: {"api_key": "k"} for name in chain}
    given = settings(providers=keys, router={"chain": chain, "first_token_ms": asked_ms})
    assert [p.first_token_s for tier in providers_of(given) for p in tier] == [waits_s] * 4


def test_what_the_tenant_does_not_allow_is_not_built() -> None:
    inside = settings(router={"chain": CHAIN}, tenant={"external_llm": False})
    assert [[p.name for p in tier] for tier in providers_of(inside)] == [["ollama"]]
    some = settings(router={"chain": CHAIN}, tenant={"providers": ["openai"]})
    assert [[p.name for p in tier] for tier in providers_of(some)] == [["openai"], ["ollama"]]
    assert refused(some) == [Candidate("groq", "llama-3.1-8b-instant")]
    lines = list(start_words(inside, providers_of(inside)))
    assert lines == [
        "not called, by tenant.external_llm or tenant.providers: "
        "groq/llama-3.1-8b-instant, openai/gpt-5-mini"
    ]


def test_the_demonstration_names_itself_and_stands_in_no_chain_by_default() -> None:
    [[model]] = providers_of(settings(local={"demo": True}))
    assert isinstance(model, LocalModel)
    assert (model.name, model.model, model.local) == ("local", DEMO_MODEL, True)
    assert model.first_token_s == 20.0  # it reads slowly
    [[quick]] = providers_of(settings(local={"demo": True}, router={"first_token_ms": 5_000}))
    assert quick.first_token_s == 5.0
    assert providers_of(settings()) == []


def test_an_own_file_is_shown_by_its_name_or_a_given_one(tmp_path: Path) -> None:
    file = tmp_path / "tutor-4b.gguf"
    file.write_bytes(b"")

    def shown(chain: str, **local: str) -> str:
        built = providers_of(
            settings(router={"chain": [chain]}, local={"gguf": str(file), **local})
        )
        return built[0][0].model

    assert shown("local") == "tutor-4b"
    chosen = settings(router={"chain": ["local"]}, local={"gguf": str(file)})
    assert providers_of(chosen)[0][0].first_token_s == 8.0
    assert shown("local/Tutor") == "Tutor"
    assert shown("local", model="Ours") == "Ours"
    file.with_name("tutor-4b.gguf.sha256").write_text("nonsense")
    with pytest.raises(Misconfigured, match="holds no SHA-256"):
        shown("local")


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("openai", "openai", "openai"),
        ("openrouter", "openai", "openai"),
        ("groq", "groq", "groq"),
        ("anthropic", "anthropic", "anthropic"),
        ("gemini", "google-genai", "gemini"),
        ("gemini_legacy", "google-generativeai", "gemini-legacy"),
        ("local", "xllamacpp", "local,openai"),
    ],
)
def test_a_missing_extra_is_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str, extra: str
) -> None:
    assert missing(name) is None

    def absent(asked: str) -> None:
        if asked == package:
            raise PackageNotFoundError(asked)

    monkeypatch.setattr(providers, "distribution", absent)
    assert missing(name) == f'provider "{name}" needs: pip install "tutorstream[{extra}]"'
    if name == "groq":
        with pytest.raises(Misconfigured, match=r"tutorstream\[groq\]"):
            providers_of(settings(router={"chain": CHAIN}))


def test_a_paid_provider_without_a_cap_gets_one_and_says_so() -> None:
    def told(**groups: Any) -> tuple[Budgets, list[str]]:
        chosen = settings(**groups)
        tiers = providers_of(chosen)
        budgets, _ = budgets_of(chosen, tiers, prices_of(chosen))
        return budgets, list(start_words(chosen, tiers))

    budgets, lines = told(router={"chain": CHAIN})
    assert budgets.tenant_day_micro_usd == 5_000_000
    assert len(lines) == 1
    assert "5.00 USD a day" in lines[0]
    budgets, _ = told(router={"chain": CHAIN}, budget={"tenant_day_usd": 0.25})
    assert budgets.tenant_day_micro_usd == 250_000
    budgets, _ = told(router={"chain": CHAIN}, budget={"tenant_month_usd": 30})
    assert (budgets.tenant_day_micro_usd, budgets.tenant_month_micro_usd) == (None, 30_000_000)
    budgets, lines = told(router={"chain": CHAIN[1:]})
    assert (budgets, lines) == (Budgets(), [])  # nothing that stays on this machine is paid


def test_the_operators_rules_are_those_of_the_settings() -> None:
    assert rules_of(settings()) == TutorRules()
    chosen = settings(
        tutor={"guard": "strict", "key_in_prompt": "never", "max_tokens": 100},
        tenant={"names": ["Hill School"], "help_lines": ["116 111"], "providers": ["groq"]},
        budget={"on_spent": "refuse"},
        context={"keep_turns": 4},
    )
    assert rules_of(chosen) == TutorRules(
        strict=True,
        key_in_prompt="never",
        max_tokens=100,
        keep_turns=4,
        names=("Hill School",),
        help_lines=("116 111",),
        providers=("groq",),
        refuse_spent=True,
    )


def test_prices_that_cannot_be_read_are_78(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text("dated = 'never'")
    with pytest.raises(Misconfigured, match=r"budget.prices: .*dated"):
        prices_of(settings(budget={"prices": str(file)}))
    assert prices_of(settings()).paid("openai", "gpt-5-mini")
