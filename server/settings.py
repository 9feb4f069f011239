"""Settings: one frozen struct, read once, each value with its origin. This file is the only reader.

Precedence: flag > environment `TUTORSTREAM_*` (`__` nests) > `.env` > `tutorstream.toml` >
default. A key nobody knows is an error that names the nearest one. A secret may stand in a file
named by `..._FILE`. The usual name of a provider's key (`OPENAI_API_KEY`, `OPENAI_BASE_URL` and
those of its preset) is honoured where our own key is not given; a key goes to no other provider.
"""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from streaming.providers.presets import presets

PREFIX = "TUTORSTREAM_"
CONFIG_FILE = "tutorstream.toml"
ENV_FILE = ".env"
SHIPPED_COURSE = Path(__file__).parent / "courses" / "linear-equations.json"
SECRETS = frozenset({"token.secret", "provider.api_key"})
BUILTIN = "builtin"
SECRET_BYTES = 32
"""Shortest token secret: HMAC with SHA-256 wants as much (RFC 7518, 3.2)."""


class Misconfigured(Exception):  # noqa: N818 - the operator's word for it
    """The settings do not hold together; the message is one line that names the fix."""


class Token(msgspec.Struct, frozen=True):
    """How sessions prove who they are."""

    secret: str = ""
    """Key of the tokens, at least 32 bytes. Empty: one is made and kept with the store."""
    days: Annotated[float, Meta(gt=0)] = 30.0
    """How long a guest's token is good for."""


class Provider(msgspec.Struct, frozen=True):
    """Who writes the tutor's text."""

    name: str = BUILTIN
    """`builtin` needs no key; or a preset: `openai`, `openrouter`, `ollama`, ..."""
    base_url: str = ""
    """Address of the endpoint; empty: the preset's."""
    api_key: str = ""
    """Key of the endpoint; empty: what the preset's usual variable holds."""
    model: str = ""
    """Name of the model; required with every preset."""


class Sqlite(msgspec.Struct, frozen=True):
    """How the store file is written."""

    synchronous: Literal["NORMAL", "FULL"] = "NORMAL"
    """`NORMAL` survives the death of the process, `FULL` also the loss of power."""


class Settings(msgspec.Struct, frozen=True):
    """Everything an operator may set."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8765
    """Port to listen on; 0 takes a free one."""
    uds: str = ""
    """Path of a Unix socket to listen on instead of host and port."""
    store: str = "memory:"
    """`memory:` or `sqlite:///FILE`."""
    courses: list[str] = []
    """Compiled course files, the first is the default one. Empty: the shipped course."""
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
    sqlite: Sqlite = Sqlite()

    @property
    def course_files(self) -> list[Path]:
        """The course files to load, the default course first."""
        return [Path(name) for name in self.courses] or [SHIPPED_COURSE]

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return bool(self.uds) or is_loopback(self.host)


class Loaded(NamedTuple):
    """The settings and, for each dotted key, where its value came from."""

    settings: Settings
    origins: dict[str, str]


class _Value(NamedTuple):
    value: Any
    origin: str


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


def keys(kind: type[msgspec.Struct] = Settings, prefix: str = "") -> Iterator[str]:
    """Every dotted key, in the order of the struct."""
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from keys(field.type, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def value_of(settings: Settings, key: str) -> Any:
    """The value behind a dotted key."""
    found: Any = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found


def shown(settings: Settings, key: str) -> Any:
    """The value as it may be printed: a secret is `set` or `unset`."""
    value = value_of(settings, key)
    if key in SECRETS:
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
    found: dict[str, _Value] = {}
    config = config or _config_named(environ)
    dot_env = _env_file(folder / ENV_FILE)
    for layer in (
        _from_toml(config or folder / CONFIG_FILE, must_exist=config is not None),
        _from_environment(dot_env, ENV_FILE),
        _from_environment(environ, "environment"),
        _from_flags(flags or {}),
    ):
        found.update(layer)
    named = str(found["provider.name"].value) if "provider.name" in found else BUILTIN
    for variables, origin in ((environ, "environment"), (dot_env, ENV_FILE)):
        for key, value in _usual(named, variables, origin).items():
            found.setdefault(key, value)
    settings = _built(found)
    check(settings)
    origins = {key: found[key].origin if key in found else "default" for key in keys()}
    return Loaded(settings, origins)


def check(settings: Settings) -> None:
    """Raise Misconfigured where values are well-formed but do not hold together."""
    store = settings.store
    if store != "memory:" and not (store.startswith("sqlite:///") and store != "sqlite:///"):
        raise Misconfigured(f"store: expected `memory:` or `sqlite:///FILE`, came {store!r}")
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
    _check_provider(settings.provider)
    for course in settings.course_files:
        if not course.is_file():
            raise Misconfigured(f"courses: there is no file {str(course)!r}")


def _check_provider(provider: Provider) -> None:
    known = presets()
    if provider.name == BUILTIN:
        return
    if provider.name not in known:
        near = difflib.get_close_matches(provider.name, [BUILTIN, *known], n=1, cutoff=0.0)[0]
        raise Misconfigured(f"provider.name: unknown {provider.name!r}; the nearest is {near!r}")
    if not provider.model:
        raise Misconfigured(f'provider "{provider.name}" needs provider.model: name the model')
    preset = known[provider.name]
    if preset.key_required and not provider.api_key and not provider.base_url:
        raise Misconfigured(
            f'provider "{provider.name}" needs a key: set {preset.key_variable} '
            "(or provider.base_url of an endpoint without one)"
        )


# --- the sources --------------------------------------------------------------------------------


def _from_flags(flags: Mapping[str, Any]) -> dict[str, _Value]:
    return {
        _known(key, key): _Value(value, "flag") for key, value in flags.items() if value is not None
    }


def _config_named(environ: Mapping[str, str]) -> Path | None:
    name = environ.get(PREFIX + "CONFIG")
    return Path(name) if name else None


def _from_environment(environ: Mapping[str, str], origin: str) -> dict[str, _Value]:
    found: dict[str, _Value] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == PREFIX + "CONFIG":
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        secret = key.removesuffix("_file")
        if key != secret and secret in SECRETS:
            found[secret] = _Value(_secret_in(value, name), f"{origin} {name}")
        else:
            found[_known(key, name)] = _Value(value, f"{origin} {name}")
    return found


def _usual(provider: str, environ: Mapping[str, str], origin: str) -> dict[str, _Value]:
    """What the variables hold that other programs read for this provider too."""
    preset = presets().get("openai" if provider == BUILTIN else provider)
    if preset is None:
        return {}
    found: dict[str, _Value] = {}
    if environ.get(preset.key_variable):
        found["provider.api_key"] = _Value(
            environ[preset.key_variable], f"{origin} {preset.key_variable}"
        )
    base = "OPENAI_BASE_URL" if preset.key_variable == "OPENAI_API_KEY" else ""
    base = base or preset.base_url_variable
    if environ.get(base):
        value = environ[base] if base == "OPENAI_BASE_URL" else preset.url(environ)
        found["provider.base_url"] = _Value(value, f"{origin} {base}")
    return found


def _secret_in(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{name}: cannot read {path!r}: {error}") from None


def _env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; quotes around a value and `export` before a name are taken off."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path.name}: cannot be read: {error}") from None
    found = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.removeprefix("export ").partition("=")
        if not equals:
            raise Misconfigured(f"{path.name} line {number}: expected NAME=value")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[name.strip()] = value
    return found


def _from_toml(path: Path, *, must_exist: bool) -> dict[str, _Value]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if must_exist:
            raise Misconfigured(f"configuration file {str(path)!r} does not exist") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"{path.name}: cannot be read: {error}") from None
    return {
        _known(key, f"{path.name}: {key}"): _Value(value, path.name)
        for key, value in _flat(document)
    }


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _known(key: str, named: str) -> str:
    known = list(keys())
    if key in known:
        return key
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
    if named.startswith(PREFIX):
        near = PREFIX + near.upper().replace(".", "__")
    raise Misconfigured(f"unknown setting {named}; the nearest known one is {near}")


# --- the struct ---------------------------------------------------------------------------------


def _built(found: Mapping[str, _Value]) -> Settings:
    tree: dict[str, Any] = {}
    for key, (value, origin) in found.items():
        *groups, name = key.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = _typed(key, value, origin)
    return msgspec.convert(tree, Settings)


def _typed(key: str, value: Any, origin: str) -> Any:
    """The value in its key's type; a text of commas becomes a list."""
    kind: Any = Settings
    for part in key.split("."):
        kind = next(f.type for f in msgspec.structs.fields(kind) if f.name == part)
    if kind == list[str] and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if kind is bool and isinstance(value, str):
        value = value.strip().lower()
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        told = "a secret" if key in SECRETS else repr(value)
        raise Misconfigured(f"{key} (from {origin}): {error}, came {told}") from None
