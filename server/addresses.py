"""Addresses of stores and other servers: whether they are whole, and how they are shown. This file
is who reads them. An address may hold a password, so no error quotes one.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from server.sources import PREFIX, Misconfigured

MONGODB = ("mongodb://", "mongodb+srv://")
"""How the address of a store of many servers begins."""


def check_url(key: str, url: str, schemes: tuple[str, ...]) -> None:
    """Raise Misconfigured where an address is neither empty nor whole; it is not quoted."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) or not parts.scheme.startswith("http")
        fits = parts.scheme in schemes and whole and (parts.port or 1) > 0
    except ValueError:  # a port that is no number, a bracket left open
        fits = False
    if not fits:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise Misconfigured(f"{key}: expected an address that begins with {wanted}")


def check_store(store: str, redis: str) -> None:
    """Raise Misconfigured where a store's address does not hold; it is not quoted."""
    if not store.startswith(MONGODB):
        if store != "memory:" and not (store.startswith("sqlite:///") and store != "sqlite:///"):
            came = f", came {store!r}" if "@" not in store else ""
            raise Misconfigured(
                f"store: expected `memory:`, `sqlite:///FILE` or `mongodb://HOST/DATABASE`{came}"
            )
        return
    place = store.partition("://")[2].partition("?")[0]
    login, _, place = place.rpartition("@")
    hosts, _, database = place.partition("/")
    holds = all(_is_host(host) for host in hosts.split(","))
    if not holds or "/" in login + database or "@" in login:
        raise Misconfigured(
            "store: expected mongodb://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]]/DATABASE, with "
            "what is special in USER and PASSWORD written as %XX"
        )
    if not redis:
        raise Misconfigured(
            "store: MongoDB keeps what lasts, what is alive needs Redis: set redis, by "
            f"{PREFIX}REDIS, REDIS_URL or --redis redis://HOST:6379/0"
        )


def _is_host(text: str) -> bool:
    """Whether this is a host with or without a port.

    >>> [_is_host(text) for text in ("h:27017", "[::1]:1", "h", "", "u:secret", ":1")]
    [True, True, True, False, False, False]
    """
    try:
        parts = urlsplit(f"//{text}")
        return bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def without_login(store: str) -> str:
    """The address of a store without user, password and options, which may hold other secrets.

    >>> without_login("mongodb://ada:hush@h1,h2/school?replicaSet=rs0")
    'mongodb://***@h1,h2/school?***'
    """
    if not store.startswith(MONGODB):
        return store
    scheme, _, rest = store.partition("://")
    _, at, place = rest.rpartition("@")  # first: a "?" in a password must not end the login
    place, asked, _ = place.partition("?")
    return f"{scheme}://{'***@' if at else ''}{place}{'?***' if asked else ''}"
