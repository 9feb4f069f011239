"""Which models may speak, as the settings name them. This file reads and checks the chain.

A chain is a list of tiers, asked in their order; inside a tier the router takes the best. The
built-in tutor stands behind every chain and is named in none.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from server.sources import Misconfigured, Value, first_set
from streaming.providers.built import (
    NAMES,
    base_url_in,
    base_url_variable,
    key_required,
    key_variables,
)

if TYPE_CHECKING:
    from server.settings import Settings

BUILTIN = "builtin"
LOCAL = "local"
"""A model on this machine that is run by us: `local.gguf`, or the demonstration."""


class Candidate(NamedTuple):
    """A model of a provider."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}" if self.model else self.provider


def parsed_chain(chain: Sequence[str]) -> list[list[Candidate]]:
    """The tiers; a model's name may hold slashes itself. Raises Misconfigured for an empty name.

    >>> parsed_chain(["groq/llama-3.1-8b-instant | openrouter/qwen/qwen3-8b", "local"])[0][1]
    Candidate(provider='openrouter', model='qwen/qwen3-8b')
    """
    tiers = []
    for number, tier in enumerate(chain, 1):
        parts = [part.strip() for part in tier.split("|")]
        if not all(parts):
            raise Misconfigured(
                f"router.chain: tier {number} is {tier!r}, expected provider/model, "
                "more than one parted by |"
            )
        tiers.append([Candidate(*_halves(part)) for part in parts])
    return tiers


def _halves(part: str) -> tuple[str, str]:
    provider, _, model = part.partition("/")
    return provider.strip(), model.strip()


def usual_accounts(environ: Mapping[str, str], origin: str) -> dict[str, Value]:
    """Keys and addresses in the variables that other programs read too, each for its own provider.

    >>> sorted(usual_accounts({"GROQ_API_KEY": "k", "HOME": "/"}, "environment"))
    ['providers.groq.api_key']
    """
    found: dict[str, Value] = {}
    for name in NAMES:
        key = first_set(environ, key_variables(name), origin)
        if key is not None:
            found[f"providers.{name}.api_key"] = key
        url = base_url_in(name, environ)
        if url:
            found[f"providers.{name}.base_url"] = Value(url, f"{origin} {base_url_variable(name)}")
    return found


def checked_chain(settings: Settings) -> None:
    """Raise Misconfigured where the chain names what cannot speak."""
    own = settings.provider
    short = own.name != BUILTIN or bool(own.model or own.base_url or own.api_key)
    chain = bool(settings.router.chain)
    if short and chain:
        raise Misconfigured(
            "provider and router.chain are both set: provider is the short form of a chain of one; "
            "name every model in router.chain, keys in providers.NAME.api_key"
        )
    if own.name == BUILTIN and own.model:
        raise Misconfigured(
            "provider.model is set and provider.name is not: name the provider too, as in "
            "--provider openai"
        )
    if settings.local.demo and (chain or settings.provider.name != BUILTIN):
        raise Misconfigured("local.demo is a chain of its own: leave provider and router.chain out")
    if settings.local.demo and settings.local.gguf:
        raise Misconfigured("local.demo and local.gguf are both set: choose one model")
    for name in settings.tenant.providers:
        checked_name(name, f"tenant.providers: {name}")
    for name, account in settings.providers.items():
        if account.api != "chat" and name != "openai":
            raise Misconfigured(f"providers.{name}.api: only openai has {account.api!r}")
    named = list(_named(settings))
    for candidate in named:
        _check_candidate(settings, candidate)
    twice = {str(candidate) for candidate in named if named.count(candidate) > 1}
    if twice:
        raise Misconfigured(f"router.chain: {', '.join(sorted(twice))} stands there twice")


def _named(settings: Settings) -> Iterator[Candidate]:
    for tier in settings.tiers:
        yield from tier


def checked_name(name: str, named: str) -> None:
    """Raise Misconfigured, with the nearest, for a provider that is unknown."""
    if name not in (*NAMES, LOCAL):
        near = difflib.get_close_matches(name, [*NAMES, LOCAL, BUILTIN], n=1, cutoff=0.0)[0]
        raise Misconfigured(f"{named}: unknown provider {name!r}; the nearest is {near!r}")


def _check_candidate(settings: Settings, candidate: Candidate) -> None:
    name = candidate.provider
    where = "router.chain" if settings.router.chain else "provider.name"
    if name == BUILTIN:
        raise Misconfigured(f"{where}: the built-in tutor always stands last, leave it out")
    checked_name(name, where)
    if name == LOCAL:
        if not (settings.local.gguf or settings.local.demo):
            raise Misconfigured(f'{where}: "local" needs local.gguf: the path of a GGUF file')
        return
    if not candidate.model:
        example = f"{name}/MODEL in router.chain" if settings.router.chain else "provider.model"
        raise Misconfigured(f'provider "{name}" needs {example}: name the model')
    account = settings.account(name)
    if key_required(name) and not account.api_key and not account.base_url:
        raise Misconfigured(
            f'provider "{name}" needs a key: set {" or ".join(key_variables(name))} '
            f"(or providers.{name}.base_url of an endpoint without one)"
        )
