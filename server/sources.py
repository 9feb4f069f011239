"""Where settings come from: flags, environment, `.env`, `tutorstream.toml`. This file reads them.

Each source becomes a table of dotted keys, each value with the words for its origin; what is known
and what is secret is asked of the settings.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PREFIX = "TUTORSTREAM_"
CONFIG_FILE = "tutorstream.toml"
ENV_FILE = ".env"


class Misconfigured(Exception):  # noqa: N818 - the operator's word for it
    """The settings do not hold together; the message is one line that names the fix."""


class Value(NamedTuple):
    """What one source says of one key."""

    value: Any
    origin: str


Known = Callable[[str, str], str]
"""The key, if it is one; raises Misconfigured, quoting what it was named, if it is not."""


def from_flags(flags: Mapping[str, Any], known: Known) -> dict[str, Value]:
    """The flags that were given; None was not."""
    return {
        known(key, key): Value(value, "flag") for key, value in flags.items() if value is not None
    }


def config_named(environ: Mapping[str, str]) -> Path | None:
    """The configuration file that the environment names."""
    name = environ.get(PREFIX + "CONFIG")
    return Path(name) if name else None


def from_environment(
    environ: Mapping[str, str], origin: str, known: Known, secret: Callable[[str], bool]
) -> dict[str, Value]:
    """Our own variables; a secret may stand in a file that `..._FILE` names."""
    found: dict[str, Value] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == PREFIX + "CONFIG":
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        bare = key.removesuffix("_file")
        if key != bare and secret(bare):
            found[known(bare, name)] = Value(secret_in(value, name), f"{origin} {name}")
        else:
            found[known(key, name)] = Value(value, f"{origin} {name}")
    return found


def first_set(environ: Mapping[str, str], names: tuple[str, ...], origin: str) -> Value | None:
    """The value of the first of these variables that is set; `..._FILE` names a file with it."""
    for name in names:
        if environ.get(name):
            return Value(environ[name], f"{origin} {name}")
        if environ.get(f"{name}_FILE"):
            found = secret_in(environ[f"{name}_FILE"], f"{name}_FILE")
            return Value(found, f"{origin} {name}_FILE")
    return None


def secret_in(path: str, name: str) -> str:
    """The text of a file with a secret; `name` is the variable that names it."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{name}: cannot read {path!r}: {error}") from None


def env_file(path: Path) -> dict[str, str]:
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


def from_toml(path: Path, known: Known, *, must_exist: bool) -> dict[str, Value]:
    """The configuration file; tables nest."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if must_exist:
            raise Misconfigured(f"configuration file {str(path)!r} does not exist") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"{path.name}: cannot be read: {error}") from None
    return {
        known(key, f"{path.name}: {key}"): Value(value, path.name) for key, value in flat(document)
    }


def flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted keys of nested tables.

    >>> list(flat({"port": 1, "token": {"days": 2}}))
    [('port', 1), ('token.days', 2)]
    """
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
