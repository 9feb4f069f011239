"""The providers that the settings ask for, built and not yet called. This file is that list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from server.chain import BUILTIN, LOCAL, Candidate
from server.sources import Misconfigured
from streaming.budgets import MICRO, Budgets, capped
from streaming.local import weights
from streaming.local.model import LocalModel
from streaming.prices import Prices, prices
from streaming.providers.base import Provider, ProviderFailed
from streaming.providers.built import provider
from streaming.rules import TutorRules

if TYPE_CHECKING:
    from server.settings import Settings


DEMO_FIRST_TOKEN_S = 20.0
"""A machine of two cores leaves the demonstration one, which reads some 50 tokens a second; a
lesson's first prompt has 800."""


class Extra(NamedTuple):
    """What a provider needs installed: the name of our extra, and the packages it brings."""

    name: str
    packages: tuple[str, ...]


EXTRAS = {
    "anthropic": Extra("anthropic", ("anthropic",)),
    "groq": Extra("groq", ("groq",)),
    "gemini": Extra("gemini", ("google-genai",)),
    "gemini_legacy": Extra("gemini-legacy", ("google-generativeai",)),
    LOCAL: Extra("local,openai", ("xllamacpp", "openai")),
}
"""By provider; every other one is of OpenAI's shape."""
OPENAI = Extra("openai", ("openai",))


def providers_of(settings: Settings) -> list[list[Provider]]:
    """The chain's tiers without the built-in tutor; nothing is imported or called yet.

    What the tenant does not allow is left out. Raises Misconfigured for a missing extra or file.
    """
    tiers = [
        [built for candidate in tier if (built := _allowed(settings, candidate)) is not None]
        for tier in settings.tiers
    ]
    return [tier for tier in tiers if tier]


def refused(settings: Settings) -> list[Candidate]:
    """What the chain names and the tenant does not allow."""
    return [c for tier in settings.tiers for c in tier if _allowed(settings, c) is None]


def missing(name: str) -> str | None:
    """What to do about a provider's packages, if one is not installed.

    >>> missing("builtin") is None
    True
    """
    if name == BUILTIN:
        return None
    extra = EXTRAS.get(name, OPENAI)
    for package in extra.packages:
        try:
            distribution(package)
        except PackageNotFoundError:
            return f'provider "{name}" needs: pip install "tutorstream[{extra.name}]"'
    return None


def _allowed(settings: Settings, candidate: Candidate) -> Provider | None:
    built = _built(settings, candidate)
    return built if rules_of(settings).may_call(built.name, local=built.local) else None


def _built(settings: Settings, candidate: Candidate) -> Provider:
    name, model = candidate
    lacking = missing(name)
    if lacking is not None:
        raise Misconfigured(lacking)
    if name == LOCAL:
        return LocalModel(_weights(settings, model), first_token_s=_first_s(settings))
    account = settings.account(name)
    return provider(
        name,
        model,
        api_key=account.api_key,
        base_url=account.base_url,
        api=account.api,
        first_token_s=_first_s(settings) or 0.0,
    )


def _first_s(settings: Settings) -> float | None:
    """How long a model may take to its first text; None leaves it the usual."""
    if settings.router.first_token_ms is not None:
        return settings.router.first_token_ms / 1000
    return DEMO_FIRST_TOKEN_S if settings.local.demo else None


def _weights(settings: Settings, model: str) -> weights.Weights:
    local = settings.local
    try:
        if local.demo:
            return weights.demonstration()
        return weights.own(local.gguf, local.model or model, local.sha256)
    except ProviderFailed as failed:
        raise Misconfigured(failed.detail) from None


# --- what the operator decided and is told --------------------------------------------------------


def rules_of(settings: Settings) -> TutorRules:
    """How the tutor speaks, for whom, and what leaves the machine."""
    tutor, tenant = settings.tutor, settings.tenant
    return TutorRules(
        strict=tutor.guard == "strict",
        key_in_prompt=tutor.key_in_prompt,
        max_tokens=tutor.max_tokens,
        keep_turns=settings.context.keep_turns,
        external_llm=tenant.external_llm,
        providers=tuple(tenant.providers),
        names=tuple(tenant.names),
        help_lines=tuple(tenant.help_lines),
        adult_told=bool(tenant.alert_url),
        mode=tutor.mode,
        refuse_spent=settings.budget.on_spent == "refuse",
    )


def budgets_of(
    settings: Settings, tiers: Sequence[Sequence[Provider]], listed: Prices
) -> tuple[Budgets, str]:
    """The caps a server starts with, and what its start-up text says of money, if anything.

    With a paid provider and no cap in money there is one of 5 USD a day.
    """
    asked = settings.budget
    budgets = Budgets(
        learner_day_tokens=asked.learner_day_tokens,
        room_day_tokens=asked.room_day_tokens,
        tenant_day_tokens=asked.tenant_day_tokens,
        tenant_month_tokens=asked.tenant_month_tokens,
        tenant_day_micro_usd=_micro(asked.tenant_day_usd),
        tenant_month_micro_usd=_micro(asked.tenant_month_usd),
    )
    providers = [provider for tier in tiers for provider in tier if not provider.local]
    return capped(budgets, [p.name for p in providers if listed.paid(p.name, p.model)])


def prices_of(settings: Settings) -> Prices:
    """The price list: the operator's own, or the shipped one. Raises Misconfigured."""
    own = settings.budget.prices
    try:
        return prices(Path(own).expanduser() if own else None)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"budget.prices: {error}") from None


def _micro(usd: float | None) -> int | None:
    return None if usd is None else round(usd * MICRO)


def tutor_words(tiers: Sequence[Sequence[Provider]]) -> str:
    """Who speaks, in one line: tiers parted by `>`, candidates of a tier by `|`."""
    named = [" | ".join(f"{p.name} {p.model}" for p in tier) for tier in tiers]
    return " > ".join([*named, "built-in"])


def start_words(settings: Settings, tiers: Sequence[Sequence[Provider]]) -> Iterator[str]:
    """Lines beside the ready line: money, and who was left out."""
    _, money = budgets_of(settings, tiers, prices_of(settings))
    if money:
        yield money
    left_out = ", ".join(map(str, refused(settings)))
    if left_out:
        yield f"not called, by tenant.external_llm or tenant.providers: {left_out}"
