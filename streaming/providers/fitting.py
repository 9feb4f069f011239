"""An SDK's stream whose readers trip over what does not fit. This file is what they trip into.

Some SDKs add every chunk to an object of their own. One of another shape raises there, whatever the
misfit happens to be: that is the provider's fault, not a bug of the adapter's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from streaming.providers.base import ProviderFailed
from streaming.providers.failures import transport_errors

T = TypeVar("T")
_MISFITS = (AttributeError, LookupError, RuntimeError, TypeError)


class Fitting(Generic[T]):
    """The chunks of a stream; raises `malformed` for one that the SDK could not take in.

    `closed` gives the connection back.
    """

    def __init__(self, chunks: AsyncIterator[T], closed: Callable[[], Awaitable[None]]) -> None:
        self._chunks = chunks
        self._closed = closed

    def __aiter__(self) -> Fitting[T]:
        return self

    async def __anext__(self) -> T:
        """The next chunk, or the SDK's own error."""
        try:
            return await anext(self._chunks)
        except _MISFITS as misfit:
            if isinstance(misfit, transport_errors()):
                raise
            raise ProviderFailed("malformed", type(misfit).__name__) from None

    async def close(self) -> None:
        """Give the connection back."""
        await self._closed()
