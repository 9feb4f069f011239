"""The providers' SDKs, imported before the first learner comes. This file is the warm-up.

An import can hold the loop up for seconds, so all are done in one thread and before the server
listens; what takes longer than the limit joins when it is ready, and the built-in tutor speaks
until then. A provider in the cloud is never called for it; one on this machine is asked for one
token, so that its model is in memory when a learner comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from streaming.providers.base import ChatMessage, LlmRequest, Provider, ProviderFailed

_logger = logging.getLogger(__name__)

WARM_S = 10.0
"""How long the server waits for its providers before it opens without them."""
SWITCH_S = 0.001
"""So soon the importing thread gives way to the loop."""
GREETING = LlmRequest(messages=(ChatMessage("user", "Ready?"),), max_tokens=1)
"""What a local model is asked."""
GREETING_S = 60.0
"""How long a local model may take to load and to read its first request."""

_greetings: set[asyncio.Task[None]] = set()
"""Greetings that nobody waits for; a loop keeps weak references only."""


@runtime_checkable
class ReadsAhead(Protocol):
    """A provider that can read a prompt before a turn needs it."""

    async def read_ahead(self, request: LlmRequest) -> None:
        """Read it, however long that takes; raises `ProviderFailed`."""
        ...


async def warmed(
    providers: Sequence[Provider], limit_s: float = WARM_S, *, greeting: LlmRequest = GREETING
) -> list[Provider]:
    """Warm all in one thread; those that are not ready after `limit_s`, at the latest then.

    Of those, the ones that are only slow become ready later; one that failed is said in the log.
    Local ones come last, as they load a model, and are asked `greeting`, which asks for one token:
    with the stable part of a lesson's prompt in it, that is read before a learner comes.
    """
    loop = asyncio.get_running_loop()
    waiting = sorted(providers, key=lambda provider: provider.local)
    done = asyncio.Event()
    greeted: list[asyncio.Task[None]] = []

    def tell(call: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(call, *arguments)

    def greet(provider: Provider) -> None:
        task = loop.create_task(_greeted(provider, greeting))
        greeted.append(task)
        _greetings.add(task)
        task.add_done_callback(_greetings.discard)

    def warm_all() -> None:
        with _beside_the_loop():
            for provider in waiting:
                if _warmed(provider) and provider.local:
                    tell(greet, provider)
        tell(done.set)

    if waiting:
        # not the loop's executor: at the end its threads are waited for, however long they take
        threading.Thread(target=warm_all, name="warm-up", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await done.wait()
                await asyncio.gather(*map(asyncio.shield, greeted))
    return [provider for provider in providers if not provider.ready]


@contextlib.contextmanager
def _beside_the_loop() -> Iterator[None]:
    """Imports that disturb a loop little, should it serve already.

    The SDKs' classes are so many objects that Python would collect garbage hundreds of times, each
    full collection holding the loop up for a third of a second; and nothing of them is garbage.
    """
    collects, switch_s = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(switch_s)
        if collects:
            gc.enable()


def _warmed(provider: Provider) -> bool:
    """In the thread: whether the provider is ready now."""
    try:
        took_s = provider.warm()
    except ProviderFailed as failed:
        _logger.warning("provider %s is left out: %s", provider.name, failed)
        return False
    except Exception:  # an SDK of another version may raise anything; the tutor answers without it
        _logger.exception("provider %s is left out", provider.name)
        return False
    _logger.info("provider %s is ready after %.1f s", provider.name, took_s)
    return True


async def _greeted(provider: Provider, greeting: LlmRequest) -> None:
    """Ask a local model for one token; that it does not answer yet is no more than a word."""
    try:
        async with asyncio.timeout(GREETING_S):
            if isinstance(provider, ReadsAhead):
                await provider.read_ahead(greeting)
                return
            async for _ in provider.stream(greeting):
                pass
    except (ProviderFailed, TimeoutError) as error:
        _logger.warning("provider %s did not answer yet: %s", provider.name, error)
