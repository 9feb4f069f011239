"""Known endpoints of OpenAI's shape: address, key variable, quirks. This file is their form."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec


class Quirks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an endpoint differs from OpenAI's own.

    `reasoning_off` is sent as further body fields; `system_role` is the role of the first message;
    `quota_words` in an error's text mean that the money is spent.
    """

    stream_options: bool = True
    max_tokens_param: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    system_role: Literal["system", "developer", "user"] = "system"
    extra_headers: dict[str, str] = {}
    reasoning_off: dict[str, Any] = {}
    store_off: bool = False
    cache_key: bool = False
    quota_words: tuple[str, ...] = ()


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One endpoint.

    `base_url_variable` names a variable that replaces its address, if set; `base_url_suffix` is
    added to what that holds, where it does not end so already.
    """

    base_url: str
    key_variable: str = ""
    key_required: bool = False
    base_url_variable: str = ""
    base_url_suffix: str = ""
    first_token_s: float = 2.5
    stall_s: float = 4.0
    quirks: Quirks = Quirks()

    def url(self, environ: Mapping[str, str]) -> str:
        """The endpoint's address, by the environment where that names one."""
        named = environ.get(self.base_url_variable, "") if self.base_url_variable else ""
        if not named:
            return self.base_url
        return named.rstrip("/").removesuffix(self.base_url_suffix) + self.base_url_suffix


@cache
def presets() -> dict[str, Preset]:
    """Every preset by its name."""
    text = resources.files("streaming.providers").joinpath("presets.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Preset])


def on_this_machine(base_url: str) -> bool:
    """Whether an endpoint is on loopback, so that nothing sent to it leaves this machine.

    A name other than `localhost` counts as elsewhere: where it leads is not ours to know.
    """
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
