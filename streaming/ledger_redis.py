"""The shared twin of `Ledger`, for several nodes on one Redis. This file is its three scripts.

Each call is one script, so it is atomic and one round trip. The keys of a tenant share a hash tag
and so a Cluster's slot; the scripts find the accounts of dead holds by themselves, in that slot.

| key | holds |
| --- | --- |
| `tutor:{TENANT}:account:NAME` | hash of `used` and `reserved`; ends `KEPT_S` after its period |
| `tutor:{TENANT}:holds` | sorted set of hold ids by the time of reservation |
| `tutor:{TENANT}:lines` | hash of hold id to its lines, as JSON of strings |

A Redis that loses its data forgets what was spent: with a cap that must hold, run it with an
append-only file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streaming.ledger import HOLD_S, KEPT_S, Counter, Line, Reserved, checked
from streaming.log import StoreUnavailable

CONNECTIONS = 8
"""Connections of one process; more calls at once wait their turn."""
SOCKET_S = 2.0
"""Longest wait for Redis to connect or to answer."""
WAIT_S = 5.0
"""Longest wait for a free connection."""
DEAD_A_CALL = 1_000
"""Most dead holds that one call charges; the next call goes on."""

# Amounts stay strings: Lua's numbers would round those beyond 2^53. "-0" is no number to Redis.
_SHARED = """
local function charge(hold, amounts)
  local body = redis.call('HGET', KEYS[2], hold)
  redis.call('ZREM', KEYS[1], hold)
  redis.call('HDEL', KEYS[2], hold)
  local lines = body and cjson.decode(body) or {}
  for i, line in ipairs(lines) do
    if line[3] ~= '0' then redis.call('HINCRBY', line[1], 'reserved', '-' .. line[3]) end
    redis.call('HINCRBY', line[1], 'used', amounts[i] or line[3])
    redis.call('EXPIREAT', line[1], line[2])
  end
  return lines
end
local function sweep(until_s, most)
  local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', until_s, 'LIMIT', 0, most)
  for _, hold in ipairs(dead) do charge(hold, {}) end
  return #dead
end
local function tell(found, key)
  local counter = redis.call('HMGET', key, 'used', 'reserved')
  found[#found + 1] = tonumber(counter[1] or 0)
  found[#found + 1] = tonumber(counter[2] or 0)
end
"""

# KEYS: holds, lines, accounts. ARGV: dead until, most dead, hold, now, keys' end, then for each
# account its end, amount and limit, which is empty where there is none.
_RESERVE = (
    _SHARED
    + """
sweep(ARGV[1], ARGV[2])
local known = redis.call('HEXISTS', KEYS[2], ARGV[3]) == 1
local found, lines, refused = {0}, {}, 0
for i = 3, #KEYS do
  local at = 6 + 3 * (i - 3)
  tell(found, KEYS[i])
  local taken, limit = found[#found - 1] + found[#found], tonumber(ARGV[at + 2])
  if limit and (limit <= 0 or taken + tonumber(ARGV[at + 1]) > limit) and refused == 0 then
    refused = i - 2
  end
  lines[i - 2] = {KEYS[i], ARGV[at], ARGV[at + 1]}
end
if known then return found end
found[1] = refused
if refused > 0 then return found end
for i, line in ipairs(lines) do
  found[2 * i + 1] = redis.call('HINCRBY', line[1], 'reserved', line[3])
  redis.call('EXPIREAT', line[1], line[2])
end
redis.call('HSET', KEYS[2], ARGV[3], cjson.encode(lines))
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[3])
redis.call('EXPIREAT', KEYS[1], ARGV[5])
redis.call('EXPIREAT', KEYS[2], ARGV[5])
return found
"""
)

# KEYS: holds, lines. ARGV: hold, then the amounts.
_SETTLE = (
    _SHARED
    + """
local amounts = {}
for i = 2, #ARGV do amounts[i - 1] = ARGV[i] end
local names, found = {}, {}
for i, line in ipairs(charge(ARGV[1], amounts)) do
  names[i] = line[1]
  tell(found, line[1])
end
return {names, found}
"""
)

# KEYS: holds, lines, accounts. ARGV: dead until, most dead.
_SPENT = (
    _SHARED
    + """
local found = {sweep(ARGV[1], ARGV[2])}
for i = 3, #KEYS do tell(found, KEYS[i]) end
return found
"""
)


class RedisLedger:
    """The ledger of all nodes on one Redis; see `streaming.ledger` for the promises."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._reserve = redis.register_script(_RESERVE)
        self._settle = redis.register_script(_SETTLE)
        self._spent = redis.register_script(_SPENT)

    @classmethod
    def connect(cls, url: str) -> RedisLedger:
        """A ledger on `redis://`, `rediss://` or `unix://`; connects on first use.

        Raises ValueError for another address.
        """
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=WAIT_S,
            socket_timeout=SOCKET_S,
            socket_connect_timeout=SOCKET_S,
            # Once more at once: a connection may have died while it lay idle.
            retry=Retry(NoBackoff(), 1),
        )
        return cls(Redis.from_pool(pool))

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._redis.aclose()

    # --- the port -----------------------------------------------------------------------------

    async def reserve(
        self, tenant: str, hold: str, lines: Sequence[Line], *, now_s: float
    ) -> Reserved:
        """Set all lines aside under `hold`, or none."""
        checked(tenant, lines)
        keys = _keys(tenant, [line.account for line in lines])
        end_s = max(line.ends_s for line in lines) + KEPT_S
        args = [now_s - HOLD_S, DEAD_A_CALL, hold, now_s, end_s]
        for line in lines:
            limit = "" if line.limit is None else line.limit
            args += [line.ends_s + KEPT_S, line.amount, limit]
        refused, *found = await self._asked(self._reserve, keys, args)
        return Reserved(refused - 1 if refused else None, _counters(found))

    async def settle(
        self, tenant: str, hold: str, amounts: Sequence[int]
    ) -> dict[str, Counter] | None:
        """Charge what was used, once."""
        keys = _keys(tenant, ())
        names, found = await self._asked(self._settle, keys, [hold, *amounts])
        prefix = len(_account(tenant, ""))
        accounts = [bytes(name).decode()[prefix:] for name in names]
        return dict(zip(accounts, _counters(found), strict=True)) if accounts else None

    async def spent(
        self, tenant: str, accounts: Sequence[str], *, now_s: float
    ) -> tuple[Counter, ...]:
        """The counters, dead holds charged."""
        keys = _keys(tenant, accounts)
        _, *found = await self._asked(self._spent, keys, [now_s - HOLD_S, DEAD_A_CALL])
        return _counters(found)

    async def sweep(self, tenant: str, *, now_s: float) -> int:
        """Charge dead holds in full."""
        swept = 0
        while True:
            args = [now_s - HOLD_S, DEAD_A_CALL]
            dead: int = (await self._asked(self._spent, _keys(tenant, ()), args))[0]
            swept += dead
            if dead < DEAD_A_CALL:
                return swept

    async def _asked(self, script: Any, keys: list[str], args: list[Any]) -> Any:
        try:
            return await script(keys=keys, args=args)
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(f"the ledger's Redis: {type(error).__name__}") from None


def _keys(tenant: str, accounts: Sequence[str]) -> list[str]:
    tag = f"tutor:{{{quote(tenant, safe='')}}}"
    return [f"{tag}:holds", f"{tag}:lines", *(_account(tenant, name) for name in accounts)]


def _account(tenant: str, name: str) -> str:
    return f"tutor:{{{quote(tenant, safe='')}}}:account:{name}"


def _counters(found: list[int]) -> tuple[Counter, ...]:
    return tuple(map(Counter, found[::2], found[1::2]))
