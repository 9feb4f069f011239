"""A provider by its name, its adapter imported only then. This file is the list of names.

Nothing here imports an SDK, nor does building a provider: its `warm` does.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple, cast

from streaming.providers.base import Provider, ProviderFailed
from streaming.providers.presets import presets


class _Own(NamedTuple):
    """An adapter with an SDK of its own, and the variables that this SDK's users know."""

    module: str
    kind: str
    keys: tuple[str, ...]
    base_url: str = ""


_OWN: Mapping[str, _Own] = {
    "anthropic": _Own("anthropic", "Anthropic", ("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL"),
    "groq": _Own("groq", "Groq", ("GROQ_API_KEY",), "GROQ_BASE_URL"),
    "gemini": _Own(
        "gemini", "Gemini", ("GOOGLE_API_KEY", "GEMINI_API_KEY"), "GOOGLE_GEMINI_BASE_URL"
    ),
    "gemini_legacy": _Own("gemini_legacy", "GeminiLegacy", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
}
_APIS = {"chat": ("openai", "OpenAIChat"), "responses": ("openai_responses", "OpenAIResponses")}

NAMES: tuple[str, ...] = (*presets(), *_OWN)
"""Every provider that can be built; `builtin` needs no building."""


def provider(
    name: str,
    model: str,
    *,
    api_key: str = "",
    base_url: str = "",
    api: str = "chat",
    first_token_s: float = 0.0,
) -> Provider:
    """One model of a provider, not warm yet.

    `base_url` replaces the usual address; `api` is `chat`, or `responses` where the name is
    `openai`. `first_token_s` is how long a turn may wait for its first text, where that is longer
    than usual. Raises ValueError for an unknown name or interface, and `ProviderFailed("auth")`
    where a key is needed: at the usual address of a provider that answers nobody without one.
    """
    if not model:
        raise ValueError(f"provider {name!r} needs the name of a model")
    needed = key_required(name)
    if api not in _APIS or (api != "chat" and name != "openai"):
        raise ValueError(f"provider {name!r} has no interface {api!r}: expected 'chat'")
    if needed and not api_key and not base_url:
        keys = " or ".join(key_variables(name))
        raise ProviderFailed("auth", f"{name} needs a key: set {keys}")
    own = _OWN.get(name)
    if own is not None:
        from streaming.providers.endpoint import FIRST_TOKEN_S  # what checks settings needs no loop

        kind = getattr(import_module(f"streaming.providers.{own.module}"), own.kind)
        built = kind(
            name=name,
            model=model,
            api_key=api_key,
            base_url=base_url,
            first_token_s=max(FIRST_TOKEN_S, first_token_s),
        )
        return cast("Provider", built)
    preset = presets()[name]
    module, chosen = _APIS[api]
    kind = getattr(import_module(f"streaming.providers.{module}"), chosen)
    built = kind(
        name=name,
        model=model,
        base_url=base_url or preset.base_url,
        api_key=api_key,
        quirks=preset.quirks,
        first_token_s=max(preset.first_token_s, first_token_s),
        stall_s=preset.stall_s,
    )
    return cast("Provider", built)


def key_variables(name: str) -> tuple[str, ...]:
    """The environment variables that usually hold a provider's key, the first set one goes first.

    Empty for an endpoint without keys. Raises ValueError for an unknown name.

    >>> key_variables("gemini")
    ('GOOGLE_API_KEY', 'GEMINI_API_KEY')
    """
    own = _OWN.get(_known(name))
    if own is not None:
        return own.keys
    variable = presets()[name].key_variable
    return (variable,) if variable else ()


def key_required(name: str) -> bool:
    """Whether a provider's usual address answers nobody without a key; ValueError if unknown."""
    return _known(name) in _OWN or presets()[name].key_required


def base_url_variable(name: str) -> str:
    """The environment variable that usually holds a provider's address, or "" if there is none.

    Raises ValueError for an unknown name.

    >>> base_url_variable("openrouter")
    'OPENROUTER_BASE_URL'
    """
    own = _OWN.get(_known(name))
    return own.base_url if own is not None else presets()[name].base_url_variable


def base_url_in(name: str, environ: Mapping[str, str]) -> str:
    """The address that the environment names for a provider, or "" where it names none.

    Raises ValueError for an unknown name.

    >>> base_url_in("ollama", {"OLLAMA_BASE_URL": "http://10.0.0.5:11434"})
    'http://10.0.0.5:11434/v1'
    """
    variable = base_url_variable(name)
    if not variable or not environ.get(variable):
        return ""
    return environ[variable] if name in _OWN else presets()[name].url(environ)


def _known(name: str) -> str:
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.0)[0]
        raise ValueError(f"unknown provider {name!r}; the nearest is {near!r}")
    return name
