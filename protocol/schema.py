"""The wire for other languages: JSON Schema, AsyncAPI, TypeScript. This file is the two documents;
`typescript` writes the declarations.

All three are made from the structs and the closed tables, so they cannot say anything else than
the codec does. The committed copies are held equal to them by a test.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from protocol.commands import COMMANDS
from protocol.errors import AS_DRAIN, TEMPORARY, Close, Code, reconnects
from protocol.events import EVENTS
from protocol.limits import LIMITS
from protocol.message import Message
from protocol.typescript import declarations

Json: TypeAlias = dict[str, Any]

SUBPROTOCOL = "tutorstream.v1.json"
TITLE = "tutorstream.v1"
VERSION = "1.0.0"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> Json:
    """The JSON Schema (2020-12) of one frame, either way; `$defs` holds each side and each message.

    >>> json_schema()["$defs"]["ClientMessage"]["oneOf"][0]
    {'$ref': '#/$defs/Hello'}
    """
    components = _components("#/$defs/{name}")
    return {
        "$schema": _DIALECT,
        "$id": "urn:tutorstream:v1",
        "title": TITLE,
        "description": "One frame of the wire. Fields that are not named here are ignored.",
        "anyOf": [{"$ref": "#/$defs/ClientMessage"}, {"$ref": "#/$defs/ServerMessage"}],
        "$defs": {
            "ClientMessage": _union(COMMANDS, "Whatever a client may say."),
            "ServerMessage": _union(EVENTS, "Whatever a server may say."),
            **components,
        },
    }


def asyncapi() -> Json:
    """The AsyncAPI 3.0 document: one channel, both directions as operations, one message each.

    The refusals, the close codes and the limits stand in `x-err-codes`, `x-close-codes` and
    `x-limits`, because the standard has no place for them.
    """
    client = {f"client.{t}": kind for t, kind in COMMANDS.items()}
    server = {f"server.{t}": kind for t, kind in EVENTS.items()}
    messages = {**client, **server}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": (
                "The wire of a real-time tutoring server. One JSON object a frame; a message may "
                "carry several frames joined by newlines."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "ws": {
                "address": "/v1/ws",
                "title": "The socket",
                "description": f"WebSocket with the subprotocol `{SUBPROTOCOL}`.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in sorted(messages)
                },
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "hear": _operation("receive", "What the server hears from a client.", client),
            "say": _operation("send", "What the server says to a client.", server),
        },
        "components": {
            "messages": {name: _message(name, kind) for name, kind in sorted(messages.items())},
            "schemas": {
                name: _draft_07(schema)
                for name, schema in _components("#/components/schemas/{name}").items()
            },
        },
        "x-err-codes": [
            {"code": int(code), "name": code.name.lower(), "temporary": code in TEMPORARY}
            for code in Code
        ],
        "x-close-codes": [
            {"code": int(code), "name": code.name.lower(), "reconnect": reconnects(code)}
            for code in Close
        ],
        "x-close-codes-as-drain": sorted(AS_DRAIN),
        "x-limits": msgspec.to_builtins(LIMITS),
    }


def typescript() -> str:
    """The TypeScript declarations, as a file's text."""
    return declarations()


def _components(template: str) -> Json:
    kinds = [*COMMANDS.values(), *EVENTS.values()]
    return msgspec.json.schema_components(kinds, ref_template=template)[1]


def _union(table: dict[str, type[Message]], description: str) -> Json:
    mapping = {t: f"#/$defs/{kind.__name__}" for t, kind in table.items()}
    return {
        "description": description,
        "oneOf": [{"$ref": ref} for ref in mapping.values()],
        "discriminator": {"propertyName": "t", "mapping": mapping},
    }


def _operation(action: str, summary: str, names: Iterable[str]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/ws"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/ws/messages/{name}"} for name in names],
    }


def _message(name: str, kind: type[Message]) -> Json:
    return {
        "name": name.partition(".")[2],
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").partition("\n")[0],
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }


def _draft_07(schema: Any) -> Any:
    """The schema in AsyncAPI's dialect, where a tuple is `items` with a list."""
    if isinstance(schema, list):
        return [_draft_07(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _draft_07(part) for key, part in schema.items()}
    if "prefixItems" in plain:
        plain["items"] = plain.pop("prefixItems")
        plain["additionalItems"] = False
    return plain
