"""Providers by name: which adapter, which address, which variables; no SDK before it is needed."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Mapping

import pytest

from streaming.providers.base import ProviderFailed
from streaming.providers.built import (
    _OWN,
    NAMES,
    base_url_in,
    base_url_variable,
    key_required,
    key_variables,
    provider,
)
from streaming.providers.groq import Groq
from streaming.providers.openai import OpenAIChat
from streaming.providers.openai_responses import OpenAIResponses
from streaming.providers.presets import on_this_machine, presets

LOCAL = {"ollama", "lmstudio", "vllm", "llamacpp"}


@pytest.mark.parametrize("name", sorted(presets()))
def test_a_preset_is_a_chat_at_its_address(name: str) -> None:
    built = provider(name, "m", api_key="k")
    assert isinstance(built, OpenAIChat)
    assert (built.name, built.model, built.ready) == (name, "m", False)
    assert built.base_url == presets()[name].base_url
    assert built.local == (name in LOCAL)
    assert built.first_token_s == (8.0 if name in LOCAL else 2.5)


def test_an_address_of_ones_own_needs_no_key_and_may_lead_here_or_away() -> None:
    here = provider("openai", "m", base_url="http://localhost:9/v1")
    assert isinstance(here, OpenAIChat)
    assert (here.base_url, here.local) == ("http://localhost:9/v1", True)
    assert not provider("vllm", "m", base_url="http://10.0.0.5:8000/v1").local


def test_openai_has_two_interfaces_and_nobody_else_has() -> None:
    assert isinstance(provider("openai", "m", api_key="k", api="responses"), OpenAIResponses)
    for name, api in (("ollama", "responses"), ("groq", "responses"), ("openai", "assistants")):
        with pytest.raises(ValueError, match=f"{name}.*{api}"):
            provider(name, "m", api_key="k", api=api)


def test_groq_is_given_its_root_however_it_is_written() -> None:
    for base_url in ("https://api.groq.com", "https://api.groq.com/openai/v1/", ""):
        built = provider("groq", "m", api_key="k", base_url=base_url)
        assert isinstance(built, Groq)
        assert built.base_url == "https://api.groq.com"


def test_an_unknown_name_is_told_its_nearest() -> None:
    for asked in (key_variables, base_url_variable, key_required, lambda n: provider(n, "m")):
        with pytest.raises(ValueError, match=r"unknown provider 'antropic'.*'anthropic'"):
            asked("antropic")


def test_a_model_has_a_name() -> None:
    with pytest.raises(ValueError, match="needs the name of a model"):
        provider("ollama", "")


@pytest.mark.parametrize("name", sorted(set(NAMES) - LOCAL))
def test_a_missing_key_says_which_variable(name: str) -> None:
    with pytest.raises(ProviderFailed, match=key_variables(name)[0]) as failed:
        provider(name, "m")
    assert failed.value.kind == "auth"


def test_each_key_is_one_providers_own() -> None:
    keys = {name: set(key_variables(name)) for name in NAMES}
    assert all(keys[name] for name in NAMES if key_required(name))
    for one in NAMES:
        for other in NAMES:
            same_house = {one, other} == {"gemini", "gemini_legacy"}
            assert one == other or same_house or not keys[one] & keys[other]


@pytest.mark.parametrize(
    ("name", "environ", "expected"),
    [
        ("openai", {"OPENAI_BASE_URL": "https://eu.test/v1"}, "https://eu.test/v1"),
        ("emergent", {"INTEGRATION_PROXY_URL": "https://proxy.test/"}, "https://proxy.test/llm"),
        ("emergent", {"INTEGRATION_PROXY_URL": "https://p.test/llm"}, "https://p.test/llm"),
        ("ollama", {"OLLAMA_BASE_URL": "http://10.0.0.5:11434"}, "http://10.0.0.5:11434/v1"),
        ("ollama", {"OLLAMA_BASE_URL": "http://10.0.0.5:1/v1/"}, "http://10.0.0.5:1/v1"),
        ("groq", {"GROQ_BASE_URL": "https://groq.test"}, "https://groq.test"),
        ("groq", {}, ""),
        ("vllm", {"OLLAMA_BASE_URL": "http://10.0.0.5:11434"}, ""),
        ("gemini_legacy", {"": "https://no.test"}, ""),
    ],
)
def test_an_address_from_the_environment(
    name: str, environ: Mapping[str, str], expected: str
) -> None:
    assert base_url_in(name, environ) == expected


@pytest.mark.parametrize(
    ("base_url", "here"),
    [("http://127.0.0.1:1/v1", True), ("http://127.8.0.1/", True), ("http://[::1]:8080/v1", True),
     ("http://LOCALHOST:8080", True), ("http://10.0.0.5/v1", False), ("https://api.x.ai", False),
     ("http://127.0.0.1.test/v1", False), ("http://localhost.test", False), ("nonsense", False)],
)  # fmt: skip
def test_what_is_on_this_machine(base_url: str, here: bool) -> None:
    assert on_this_machine(base_url) is here


@pytest.mark.parametrize("name", sorted(_OWN))
def test_an_adapter_of_its_own_is_where_the_list_says(name: str) -> None:
    own = _OWN[name]
    kind = getattr(importlib.import_module(f"streaming.providers.{own.module}"), own.kind)
    assert {"name", "model", "api_key", "base_url"} <= set(inspect.signature(kind).parameters)
    built = provider(name, "m", api_key="k")
    assert (built.name, built.model, built.ready, built.local) == (name, "m", False, False)


def test_building_every_provider_imports_no_sdk() -> None:
    code = (
        "import sys\n"
        "from streaming.providers.built import NAMES, provider\n"
        "for name in NAMES: provider(name, 'm', api_key='k')\n"
        "provider('openai', 'm', api_key='k', api='responses')\n"
        "sdks = {'openai', 'anthropic', 'groq', 'google.genai', 'google.generativeai', 'httpx',\n"
        "        'httpx2', 'grpc'}\n"
        "sys.exit(', '.join(sorted(sdks & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.stderr.strip() == ""
    assert done.returncode == 0
