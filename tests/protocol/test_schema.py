"""The documents for other languages: equal to the committed ones, and true of every message."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import encode
from protocol.commands import COMMANDS
from protocol.errors import Close, Code
from protocol.events import EVENTS
from protocol.limits import LIMITS
from protocol.schema import asyncapi, json_schema, typescript
from server.commands.protocol import written
from tests.protocol.strategies import COMMAND, EVENT

ROOT = Path(__file__).parents[2]
SCHEMA = json_schema()
ASYNC = asyncapi()


@pytest.mark.parametrize(
    ("path", "option", "text"),
    [
        ("docs/protocol/schema.json", "--jsonschema", written(SCHEMA)),
        ("docs/protocol/asyncapi.json", "--asyncapi", written(ASYNC)),
        ("web/client/types.d.ts", "--ts", typescript()),
    ],
    ids=["jsonschema", "asyncapi", "ts"],
)
def test_the_committed_document_is_the_generated_one(path, option, text):
    committed = (ROOT / path).read_text(encoding="utf-8")
    assert committed == text, f"write it anew: tutorstream protocol schema {option} > {path}"


def validator(name: str) -> Any:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{name}"}]})


CLIENT, SERVER = validator("ClientMessage"), validator("ServerMessage")


@settings(max_examples=60, deadline=None)
@given(COMMAND)
def test_every_command_is_valid_under_the_schema(command):
    CLIENT.validate(json.loads(encode(command)))


@settings(max_examples=60, deadline=None)
@given(EVENT)
def test_every_event_is_valid_under_the_schema(event):
    SERVER.validate(json.loads(encode(event)))


@settings(deadline=None)
@given(COMMAND, st.data())
def test_a_command_without_a_required_field_is_not(command, data):
    kind = type(command)
    fields = json.loads(encode(command))
    required = SCHEMA["$defs"][kind.__name__]["required"]
    del fields[data.draw(st.sampled_from(required))]
    assert not CLIENT.is_valid(fields)


@pytest.mark.parametrize(
    "frame",
    [{"t": "nope"}, {"t": "bye", "id": 7, "s": 1}, {"t": "ack", "pos": {"me": -1}}, [], None],
)
def test_the_schema_refuses_what_the_codec_refuses(frame):
    assert CLIENT.is_valid(frame) == (isinstance(frame, dict) and frame["t"] == "bye")


def test_each_side_lists_its_messages_by_type():
    for side, table in (("ClientMessage", COMMANDS), ("ServerMessage", EVENTS)):
        mapping = SCHEMA["$defs"][side]["discriminator"]["mapping"]
        assert {t: f"#/$defs/{kind.__name__}" for t, kind in table.items()} == mapping


# --- AsyncAPI -----------------------------------------------------------------------------------


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [ref for part in node for ref in references(part)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [ref for part in node.values() for ref in references(part)]


@pytest.mark.parametrize("document", [SCHEMA, ASYNC], ids=["jsonschema", "asyncapi"])
def test_every_reference_leads_somewhere(document):
    found = references(document)
    assert found
    for ref in found:
        node = document
        for step in ref.removeprefix("#/").split("/"):
            node = node[step]


def test_both_directions_are_operations_of_one_channel():
    hear, say = ASYNC["operations"]["hear"], ASYNC["operations"]["say"]
    assert (hear["action"], say["action"]) == ("receive", "send")
    names = [ref["$ref"].rpartition("/")[2] for ref in hear["messages"] + say["messages"]]
    assert names == [f"client.{t}" for t in COMMANDS] + [f"server.{t}" for t in EVENTS]
    assert set(names) == set(ASYNC["channels"]["ws"]["messages"])
    assert set(names) == set(ASYNC["components"]["messages"])
    assert ASYNC["channels"]["ws"]["address"] == "/v1/ws"


def test_codes_and_limits_are_there():
    assert [row["code"] for row in ASYNC["x-err-codes"]] == list(Code)
    assert [row["code"] for row in ASYNC["x-close-codes"]] == list(Close)
    assert {"code": 4008, "name": "slow", "reconnect": True} in ASYNC["x-close-codes"]
    assert {"code": 129, "name": "rate_limited", "temporary": True} in ASYNC["x-err-codes"]
    assert ASYNC["x-limits"]["inbound_bytes"] == LIMITS.inbound_bytes


def test_asyncapis_schemas_are_in_its_own_dialect():
    text = json.dumps(ASYNC)
    assert "prefixItems" not in text
    for schema in ASYNC["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)
    chunks = ASYNC["components"]["schemas"]["Delta"]["properties"]["i"]
    assert jsonschema.Draft7Validator(chunks).is_valid([1, 2])
    assert not jsonschema.Draft7Validator(chunks).is_valid([1, 2, 3])


# --- TypeScript ---------------------------------------------------------------------------------


def test_each_message_is_an_interface_of_its_union():
    text = typescript()
    for name, table in (("ClientMessage", COMMANDS), ("ServerMessage", EVENTS)):
        union = re.search(rf"export type {name} =\n((?:  \| \w+;?\n)+)", text)
        assert union is not None
        assert re.findall(r"\w+", union[1]) == [kind.__name__ for kind in table.values()]
        for t, kind in table.items():
            assert f'export interface {kind.__name__} {{\n  readonly t: "{t}";\n' in text


def test_no_type_is_named_that_is_not_declared():
    text = re.sub(r"/\*\*.*?\*/|//.*?\n", "", typescript(), flags=re.DOTALL)
    declared = set(re.findall(r"export (?:interface|type) (\w+)", text))
    used = set(re.findall(r"\b[A-Z]\w+", re.sub(r'"[^"]*"', "", text)))
    assert used - declared == {"Record"}
