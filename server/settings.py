"""Settings: one frozen struct, read once, each value with its origin. This file is what may be set.

Precedence: flag > environment `TUTORSTREAM_*` (`__` nests) > `.env` > `tutorstream.toml` >
default (sources.py reads them, and nothing else reads the environment). A key nobody knows is an
error that names the nearest one. A secret may stand in a file named by `..._FILE`. The usual names
of a provider's key and address (`OPENAI_API_KEY`, `OPENAI_BASE_URL`, ...) are honoured where our
own are not given; a key goes to no other provider.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Meta

from server.addresses import MONGODB, check_store, check_url, without_login
from server.chain import (
    BUILTIN,
    LOCAL,
    Candidate,
    checked_chain,
    checked_name,
    parsed_chain,
    usual_accounts,
)
from server.sources import (
    CONFIG_FILE,
    ENV_FILE,
    PREFIX,
    Misconfigured,
    Value,
    config_named,
    env_file,
    first_set,
    from_environment,
    from_flags,
    from_toml,
)

__all__ = [
    "BUILTIN", "PREFIX", "SECRETS", "Account", "Loaded", "Misconfigured", "Settings", "check",
    "is_loopback", "is_secret", "keys", "loaded", "pattern_of", "shown", "value_of",
]  # fmt: skip

SHIPPED_COURSE = Path(__file__).parent / "courses" / "linear-equations.json"
SECRETS = frozenset(
    {
        "token.secret", "redis", "store", "provider.api_key", "providers.NAME.api_key",
        "tenant.alert_url",
    }
)  # fmt: skip
"""Printed as set or unset, `store` without its login; an address may hold a password."""
SECRET_BYTES = 32
"""Shortest token secret: HMAC with SHA-256 wants as much (RFC 7518, 3.2)."""

Tokens = Annotated[int, Meta(ge=0)]
Usd = Annotated[float, Meta(ge=0, le=1e9)]


class Token(msgspec.Struct, frozen=True):
    """How sessions prove who they are."""

    secret: str = ""
    """Key of the tokens, at least 32 bytes. Empty: one is made and kept with the store."""
    days: Annotated[float, Meta(gt=0)] = 30.0
    """How long a guest's token is good for."""


class Provider(msgspec.Struct, frozen=True):
    """Who writes the tutor's text: the short form of a chain with one provider."""

    name: str = BUILTIN
    """`builtin` needs no key; or `openai`, `anthropic`, `groq`, `gemini`, `ollama`, `local`, ..."""
    base_url: str = ""
    """Address of the endpoint; empty: that of `providers.NAME`."""
    api_key: str = ""
    """Key of the endpoint; empty: that of `providers.NAME`."""
    model: str = ""
    """Name of the model; required with every provider but `builtin` and `local`."""


class Account(msgspec.Struct, frozen=True):
    """One provider's key and address."""

    api_key: str = ""
    """Key; empty: what the provider's usual variable holds."""
    base_url: str = ""
    """Address; empty: what the usual variable holds, or the provider's own."""
    api: Literal["chat", "responses"] = "chat"
    """Which of OpenAI's two interfaces is called."""


class Router(msgspec.Struct, frozen=True):
    """Which models may speak, and in what order."""

    chain: list[str] = []
    """One string a tier, candidates parted by `|`, each `provider/model`. The built-in tutor
    always stands last."""
    hedge: bool = False
    """Ask a second provider where the first is slow to begin."""
    first_token_ms: Annotated[int, Meta(ge=1)] | None = None
    """How long a turn waits for its first text. Empty: 2,500, or 8,000 with local models only."""
    cost_weight: Annotated[float, Meta(ge=0)] = 0.0
    """Milliseconds that one micro-USD of an attempt's price counts for inside a tier."""


class Tutor(msgspec.Struct, frozen=True):
    """How the tutor behaves."""

    mode: Literal["practice", "socratic", "worked", "review", "exam", "peer"] = "practice"
    """Mode of a new session."""
    guard: Literal["standard", "strict"] = "standard"
    """`strict` also stops every number that is neither given nor in a shown step."""
    key_in_prompt: Literal["never", "after_hints", "always"] = "after_hints"
    """When a model may be told the answer."""
    max_tokens: Annotated[int, Meta(ge=16, le=4096)] = 220
    """Longest answer of a model."""


class Budget(msgspec.Struct, frozen=True):
    """Caps on what models may use; empty: no cap; 0: no call at all."""

    learner_day_tokens: Tokens | None = 150_000
    """Tokens of one learner a day (UTC)."""
    room_day_tokens: Tokens | None = 300_000
    """Tokens of one room a day."""
    tenant_day_tokens: Tokens | None = None
    """Tokens of all together a day."""
    tenant_month_tokens: Tokens | None = None
    """Tokens of all together a month."""
    tenant_day_usd: Usd | None = None
    """Money of all together a day. With a paid provider and no cap in money: 5."""
    tenant_month_usd: Usd | None = None
    """Money of all together a month."""
    on_spent: Literal["builtin", "refuse"] = "builtin"
    """What a turn beyond a cap is: the built-in tutor's, or refused with `err 120`."""
    prices: str = ""
    """A file of prices instead of the shipped one."""


class Tenant(msgspec.Struct, frozen=True):
    """What the school, or whoever runs the server, allows and adds."""

    external_llm: bool = True
    """False leaves the built-in tutor and models on this machine."""
    providers: list[str] = []
    """Providers that may be called. Empty: all that the chain names."""
    names: list[str] = []
    """Names of the school and of its learners, replaced before a model reads a text."""
    help_lines: list[str] = []
    """Local help lines, told where a learner is in distress."""
    alert_url: str = ""
    """Address to which an alert about a learner in distress is posted. Empty: it is only kept."""


class Local(msgspec.Struct, frozen=True):
    """A model on this machine, run by us."""

    gguf: str = ""
    """The model's file. Its SHA-256 is pinned on first use in `FILE.sha256`."""
    model: str = ""
    """Name shown for it; empty: the file's."""
    sha256: str = ""
    """Digest the file must have; instead of a pin, where its folder cannot be written."""
    demo: bool = False
    """The demonstration model, which makes mistakes; `demo --local-demo` sets it."""


class Context(msgspec.Struct, frozen=True):
    """What a model is told of the conversation so far."""

    keep_turns: Annotated[int, Meta(ge=2, le=12)] = 8
    """So many of the last turns are kept word by word, at least."""


class Sqlite(msgspec.Struct, frozen=True):
    """How the store file is written."""

    synchronous: Literal["NORMAL", "FULL"] = "NORMAL"
    """`NORMAL` survives the death of the process, `FULL` also the loss of power."""


class Mongo(msgspec.Struct, frozen=True):
    """How a store in MongoDB is waited for."""

    wait_ms: Annotated[int, Meta(ge=1)] = 2_000
    """How long a call waits for a primary; more rides out slower fail-overs."""


class Settings(msgspec.Struct, frozen=True):
    """Everything an operator may set."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8765
    """Port to listen on; 0 takes a free one."""
    uds: str = ""
    """Path of a Unix socket to listen on instead of host and port."""
    store: str = "memory:"
    """`memory:`, `sqlite:///FILE`, or `mongodb://...` for several servers, which needs `redis`."""
    redis: str = ""
    """`redis://...`: what several servers share while it lives: the logs where the store is
    MongoDB, budgets and breakers with any. Empty: each has its own."""
    courses: list[str] = []
    """Compiled course files, or folders of them; the first is the default one. Empty: the shipped
    course. SIGHUP has a server look at them again."""
    courses_watch_s: Annotated[float, Meta(ge=0)] = 0.0
    """So often a server looks at its course files by itself, in seconds; 0: never."""
    origins: list[str] = []
    """Origins let in besides the server's own, as in `https://school.example`."""
    guests: Literal["loopback", "always", "never"] = "loopback"
    """Who may come without a token: anyone on a loopback address, anyone at all, nobody."""
    connections: Annotated[int, Meta(ge=1)] = 20_000
    """Connections a process takes; above it new ones get 503."""
    connections_per_ip: Annotated[int, Meta(ge=1)] = 64
    """Connections one address may hold; loopback addresses are not counted."""
    idle_s: Annotated[float, Meta(gt=0)] = 600.0
    """A session without a connection leaves memory after so many seconds."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """How much is written to standard error."""
    numba_cache_dir: str = ""
    """Folder for compiled kernels. Empty: the user's cache folder, or none where unwritable."""
    i_know: bool = False
    """Listen beyond loopback without a token secret."""
    token: Token = Token()
    provider: Provider = Provider()
    providers: dict[str, Account] = {}
    router: Router = Router()
    tutor: Tutor = Tutor()
    budget: Budget = Budget()
    tenant: Tenant = Tenant()
    local: Local = Local()
    context: Context = Context()
    sqlite: Sqlite = Sqlite()
    mongo: Mongo = Mongo()

    @property
    def shared(self) -> bool:
        """Whether the store is one of many servers."""
        return self.store.startswith(MONGODB)

    @property
    def course_files(self) -> list[Path]:
        """The course files to load, or folders of them, the default course first."""
        return [Path(name) for name in self.courses] or [SHIPPED_COURSE]

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return bool(self.uds) or is_loopback(self.host)

    def account(self, name: str) -> Account:
        """A provider's key and address, the short form's first where it names this provider."""
        account = self.providers.get(name, Account())
        own = self.provider
        if own.name != name:
            return account
        return Account(
            own.api_key or account.api_key, own.base_url or account.base_url, account.api
        )

    @property
    def tiers(self) -> list[list[Candidate]]:
        """The chain as it is asked for, without the built-in tutor at its end."""
        if self.router.chain:
            return parsed_chain(self.router.chain)
        if self.provider.name != BUILTIN:
            return [[Candidate(self.provider.name, self.provider.model)]]
        return [[Candidate(LOCAL, "")]] if self.local.demo else []


class Loaded(NamedTuple):
    """The settings and, for each dotted key, where its value came from."""

    settings: Settings
    origins: dict[str, str]


def is_loopback(host: str) -> bool:
    """Whether an address names this machine only.

    >>> [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def keys(settings: Settings | None = None) -> Iterator[str]:
    """Every dotted key, in the order of the struct.

    The keys of providers stand under `NAME`; with settings, under each name that is set in them.
    """
    for key in _keys(Settings, ""):
        if settings is None or ".NAME." not in key:
            yield key
        elif key == _PATTERNS[0]:
            for name in settings.providers:
                yield from (pattern.replace("NAME", name) for pattern in _PATTERNS)


def _keys(kind: Any, prefix: str) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if field.name == "providers" and not prefix:
            yield from _keys(Account, "providers.NAME.")
        elif isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _keys(field.type, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


_PATTERNS = [key for key in _keys(Settings, "") if ".NAME." in key]


def pattern_of(key: str) -> str:
    """The key as the manual has it: `NAME` for a provider's name.

    >>> pattern_of("providers.groq.api_key"), pattern_of("provider.api_key")
    ('providers.NAME.api_key', 'provider.api_key')
    """
    group, _, rest = key.partition(".")
    name, dot, field = rest.partition(".")
    return f"providers.NAME.{field}" if group == "providers" and name and dot else key


def is_secret(key: str) -> bool:
    """Whether a key's value is not to be printed."""
    return pattern_of(key) in SECRETS


def value_of(settings: Settings, key: str) -> Any:
    """The value behind a dotted key."""
    found: Any = settings
    for part in key.split("."):
        found = found.get(part, Account()) if isinstance(found, dict) else getattr(found, part)
    return found


def shown(settings: Settings, key: str) -> Any:
    """The value as it may be printed: a secret is `set` or `unset`, the store has no login."""
    value = value_of(settings, key)
    if key == "store":
        return without_login(value)
    if is_secret(key):
        return "set" if value else "unset"
    return value


def loaded(
    flags: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str],
    folder: Path,
    config: Path | None = None,
) -> Loaded:
    """Read every source and check the result. Raises Misconfigured.

    `flags` holds dotted keys; those that are None were not given. `folder` is where `.env` and
    `tutorstream.toml` are looked for; `config` names another file instead of the latter.
    """
    found: dict[str, Value] = {}
    config = config or config_named(environ)
    dot_env = env_file(folder / ENV_FILE)
    for layer in (
        from_toml(config or folder / CONFIG_FILE, known, must_exist=config is not None),
        from_environment(dot_env, ENV_FILE, known, is_secret),
        from_environment(environ, "environment", known, is_secret),
        from_flags(flags or {}, known),
    ):
        found.update(layer)
    for variables, origin in ((environ, "environment"), (dot_env, ENV_FILE)):
        usual = usual_accounts(variables, origin)
        for key, name in (("redis", "REDIS_URL"), ("store", "MONGODB_URI")):
            if (address := first_set(variables, (name,), origin)) is not None:
                usual[key] = address
        for key, value in usual.items():
            found.setdefault(key, value)
    settings = _built(found)
    check(settings)
    origins = {key: found[key].origin if key in found else "default" for key in keys(settings)}
    return Loaded(settings, origins)


def check(settings: Settings) -> None:
    """Raise Misconfigured where values are well-formed but do not hold together."""
    check_store(settings.store, settings.redis)
    secret_bytes = len(settings.token.secret.encode())
    if 0 < secret_bytes < SECRET_BYTES:
        raise Misconfigured(
            f"token.secret: at least {SECRET_BYTES} bytes are needed, {secret_bytes} came; "
            'make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    if not settings.loopback and not secret_bytes and not settings.i_know:
        raise Misconfigured(
            f"host {settings.host} is reachable from outside and token.secret is not set: "
            f"set {PREFIX}TOKEN__SECRET, or listen on 127.0.0.1, or say --i-know"
        )
    check_url("redis", settings.redis, ("redis", "rediss", "unix"))
    check_url("tenant.alert_url", settings.tenant.alert_url, ("http", "https"))
    own = settings.provider
    addresses = {"provider.base_url": (own.name, own.base_url)} | {
        f"providers.{name}.base_url": (name, account.base_url)
        for name, account in settings.providers.items()
    }
    for key, (name, url) in addresses.items():
        if name != "gemini_legacy":  # it speaks gRPC: a host and a port
            check_url(key, url, ("http", "https"))
    checked_chain(settings)
    for course in settings.course_files:
        if not course.exists():
            raise Misconfigured(f"courses: there is no file or folder {str(course)!r}")
    named = (("budget.prices", settings.budget.prices), ("local.gguf", settings.local.gguf))
    for key, name in named:
        if name and not Path(name).expanduser().is_file():
            raise Misconfigured(f"{key}: there is no file {name!r}")


def known(key: str, named: str) -> str:
    """The key, if it is one; raises Misconfigured with the nearest if it is not."""
    every = list(keys())
    if key in every and ".NAME." not in key:
        return key
    if pattern_of(key) in _PATTERNS:
        checked_name(key.split(".")[1], named)
        return key
    near = difflib.get_close_matches(pattern_of(key), every, n=1, cutoff=0.0)[0]
    if named.startswith(PREFIX):
        near = PREFIX + near.upper().replace(".", "__")
    raise Misconfigured(f"unknown setting {named}; the nearest known one is {near}")


# --- the struct ---------------------------------------------------------------------------------


def _built(found: Mapping[str, Value]) -> Settings:
    tree: dict[str, Any] = {}
    for key, (value, origin) in found.items():
        *groups, name = key.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = _typed(key, value, origin)
    return msgspec.convert(tree, Settings)


def _typed(key: str, value: Any, origin: str) -> Any:
    """The value in its key's type; a text of commas becomes a list, an empty one no value."""
    kind: Any = Settings
    for part in key.split("."):
        if kind == dict[str, Account]:
            kind = Account
        else:
            kind = next(f.type for f in msgspec.structs.fields(kind) if f.name == part)
    if isinstance(value, str):
        if kind == list[str]:
            value = [part.strip() for part in value.split(",") if part.strip()]
        elif kind is bool:
            value = value.strip().lower()
        elif not value.strip() and NoneType in get_args(kind):
            value = None
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        told = "a secret" if is_secret(key) else repr(value)
        words = ", ".join(map(str, get_args(kind))) if get_origin(kind) is Literal else ""
        wanted = f"expected one of {words}" if words else str(error)
        raise Misconfigured(f"{key} (from {origin}): {wanted}, came {told}") from None
