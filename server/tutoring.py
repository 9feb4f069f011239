"""The tutor of one process: router, budgets, rules and alerts, as the settings ask. This file is
where they are built and where they end.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import msgspec

from protocol.limits import Limits
from server.providers import budgets_of, prices_of, providers_of, rules_of
from server.settings import Settings
from server.stores import Stores
from streaming.alerts import Alert, Alerts, Told
from streaming.providers.base import Provider
from streaming.providers.builtin import Builtin
from streaming.routing import Routing
from streaming.speaking import limits_for
from streaming.treasury import Treasury

if TYPE_CHECKING:
    from streaming.breaker_redis import SharedBreakers

TOLD_S = 4.0
"""How long the operator's address may take to accept an alert; then it is told again."""


class Tutoring:
    """Everything that a turn needs besides its session; nothing is imported or called yet.

    `treasury` is None where only the built-in tutor speaks: then there is nothing to count.
    Raises Misconfigured.
    """

    def __init__(
        self, settings: Settings, stores: Stores, wall_ms: Callable[[], int], limits: Limits
    ) -> None:
        router = settings.router
        self.tiers: list[list[Provider]] = providers_of(settings)
        models = [provider for tier in self.tiers for provider in tier]
        turn = limits_for(models)
        if router.first_token_ms is not None:
            turn = msgspec.structs.replace(turn, first_token_s=router.first_token_ms / 1000)
        self.routing = Routing(
            [*self.tiers, Builtin()],
            limits=turn,
            hedge=router.hedge,
            cost_weight=router.cost_weight,
            turns_most=limits.node_turns,
        )
        self.rules = rules_of(settings)
        self.alerts = Alerts(stores.records, told_to(settings.tenant.alert_url))
        self.treasury: Treasury | None = None
        self._shared: SharedBreakers | None = None
        if models and settings.redis:
            self._shared = self._shared_breakers(settings.redis)
        if models:
            prices = prices_of(settings).freed(p.name for p in models if p.local)
            budgets, _ = budgets_of(settings, self.tiers, prices)
            self.treasury = Treasury(stores.ledger, budgets, prices, wall_ms=wall_ms)

    def _shared_breakers(self, url: str) -> SharedBreakers:
        from streaming.breaker_redis import SharedBreakers

        return SharedBreakers.connect(url, self.routing.breakers)

    async def begin(self) -> None:
        """Charge what an earlier process left open, tell the alerts that it did not tell."""
        if self._shared is not None:
            self._shared.begin()
        if self.treasury is not None:
            await self.treasury.begin((self.rules.tenant,))
        await self.alerts.begin()

    async def aclose(self) -> None:
        """End what is running; the store is closed after this."""
        await self.alerts.aclose()
        await self.routing.aclose()
        if self.treasury is not None:
            await self.treasury.aclose()
        if self._shared is not None:
            await self._shared.aclose()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is followed without the alert's text: a page to log in at would count as told."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


def told_to(url: str) -> Told | None:
    """Posts an alert as JSON to the operator's address; None where there is none.

    What it returns raises `OSError` where the address does not take the alert.
    """
    if not url:
        return None
    opener = urllib.request.build_opener(_NoRedirects)

    def posted(alert: Alert) -> None:
        body = msgspec.json.encode(alert)
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - the operator's own address, checked to be http
        try:
            with opener.open(request, timeout=TOLD_S):
                return
        except HTTPException as error:
            raise OSError(f"no answer of HTTP: {type(error).__name__}") from None

    async def tell(alert: Alert) -> None:
        await asyncio.to_thread(posted, alert)

    return tell
