"""What a Redis says of itself, for whoever checks a machine. This file asks it once."""

from __future__ import annotations

from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from streaming.log import StoreUnavailable

ANSWER_S = 2.0
"""Longest wait for Redis to connect or to answer."""


class RedisFacts(NamedTuple):
    """Its version, what it does when memory is full, and whether it writes an append-only file."""

    version: str
    policy: str
    appendonly: bool


def redis_facts(url: str) -> RedisFacts:
    """Ask Redis, waiting for it. Raises StoreUnavailable with its words, in one line."""
    try:
        with Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as redis:
            told: Any = redis.info("everything")
    except (RedisError, OSError, ValueError) as error:
        raise StoreUnavailable(" ".join(str(error).split())) from None
    return RedisFacts(told["redis_version"], told["maxmemory_policy"], bool(told["aof_enabled"]))
