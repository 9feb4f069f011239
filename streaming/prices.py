"""What models cost, in whole micro-USD. This file is the price list and its arithmetic."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from streaming.providers.base import Spent

MILLION = 1_000_000
"""Prices are for so many tokens; a USD has as many micro-USD."""
ANY_MODEL = "*"
_RELEASE = re.compile(r"-(?:20\d\d-?[01]\d-?[0-3]\d|\d{3}|latest)$")

_NAMES = {"input": "in", "output": "out"}


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename=_NAMES):
    """One model's prices, in micro-USD for a million tokens; None costs as `input`.

    `input` of a `Spent` counts the whole prompt, `cached_in` and `cache_write` are parts of it.
    """

    input: int
    output: int
    cached_in: int | None = None
    cache_write: int | None = None

    def __post_init__(self) -> None:
        if min(self.input, self.output, self.cached_in or 0, self.cache_write or 0) < 0:
            raise ValueError(f"expected prices >= 0, got {self}")

    @property
    def free(self) -> bool:
        """Whether nothing is ever paid."""
        return not (self.input or self.output or self.cached_in or self.cache_write)

    def cost(self, spent: Spent) -> int:
        """Micro-USD of these tokens, rounded up."""
        cached = min(spent.cached_in, spent.input)
        written = min(spent.cache_write, spent.input - cached)
        cached_in = self.input if self.cached_in is None else self.cached_in
        cache_write = self.input if self.cache_write is None else self.cache_write
        total = (
            (spent.input - cached - written) * self.input
            + cached * cached_in
            + written * cache_write
            + spent.output * self.output
        )
        return -(-total // MILLION)

    def most(self, tokens_in: int, tokens_out: int) -> int:
        """The most that so many tokens may cost, however the provider's cache treats them."""
        dearest = max(self.input, self.cached_in or 0, self.cache_write or 0)
        return -(-(tokens_in * dearest + tokens_out * self.output) // MILLION)


class Prices:
    """A price list. `dearest` is what an unknown model is reserved and charged at."""

    def __init__(self, dated: datetime.date, models: Mapping[str, Mapping[str, Price]]) -> None:
        self.dated = dated
        self._models = models
        self.dearest = _dearest(price for listed in models.values() for price in listed.values())

    def of(self, provider: str, model: str) -> Price | None:
        """The price of a provider's model, or None where the list does not say."""
        listed = self._models.get(provider, {})
        found = listed.get(model) or listed.get(_RELEASE.sub("", model))
        return found or listed.get(ANY_MODEL)

    def freed(self, providers: Iterable[str]) -> Prices:
        """The same list where these providers cost nothing: they run on this machine."""
        nothing = {ANY_MODEL: Price(0, 0)}
        return Prices(self.dated, {**self._models, **dict.fromkeys(providers, nothing)})

    def paid(self, provider: str, model: str) -> bool:
        """Whether calls cost money, as far as is known: an unknown model does."""
        price = self.of(provider, model)
        return price is None or not price.free


def prices(path: Path | None = None) -> Prices:
    """The price list of a file; of the shipped one without a path.

    Raises ValueError for a list that cannot be used, in one line that names the file and the place;
    OSError where it cannot be read.
    """
    if path is None:
        text = resources.files("streaming").joinpath("prices.toml").read_text("utf-8")
    else:
        text = path.read_text("utf-8")
    try:
        return _listed(tomllib.loads(text))
    except (ValueError, msgspec.ValidationError) as error:
        raise ValueError(f"prices {path or 'prices.toml'}: {error}") from None


class _Like(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    like: str


def _listed(table: dict[str, Any]) -> Prices:
    dated = table.pop("dated", None)
    if not isinstance(dated, datetime.date):
        raise ValueError(f"expected `dated`, a date, got {dated!r}")
    models: dict[str, Mapping[str, Price]] = {}
    for provider, listed in table.items():
        if isinstance(listed, dict) and "like" in listed:
            other = msgspec.convert(listed, _Like).like
            if other not in models:
                raise ValueError(f"{provider} is like {other!r}, which does not stand before it")
            models[provider] = models[other]
            continue
        try:
            models[provider] = msgspec.convert(listed, dict[str, Price])
        except msgspec.ValidationError as error:
            raise ValueError(f"{provider}: {error}") from None
    return Prices(dated, models)


def _dearest(listed: Iterable[Price]) -> Price:
    """A price above every one of the list, part by part."""
    paid = list(listed)
    if not paid:
        raise ValueError("expected at least one price")
    top = max(max(p.input, p.cached_in or 0, p.cache_write or 0) for p in paid)
    return Price(top, max(p.output for p in paid), top, top)
