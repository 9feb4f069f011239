"""The wire's manual holds every message, field, code and close code, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec import inspect

from protocol.codec import decode, decode_event, encode
from protocol.commands import COMMANDS, Hello
from protocol.conversation import Conversation, State, diagram
from protocol.errors import TEMPORARY, Close, Code
from protocol.events import EVENTS, Foreign, Welcome
from protocol.replica import Replica

MANUAL = (Path(__file__).parents[1] / "protocol" / "README.md").read_text(encoding="utf-8")


def chapter(title: str) -> dict[str, str]:
    """Heading -> text of the sections of one chapter, in order; a heading must not come twice."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", MANUAL, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    parts = re.split(r"^### (.*)\n", found[1], flags=re.MULTILINE)[1:]
    headings = parts[::2]
    assert len(headings) == len(set(headings))
    return dict(zip(headings, parts[1::2], strict=True))


@pytest.mark.parametrize(
    ("title", "table"), [("Client to server", COMMANDS), ("Server to client", EVENTS)]
)
def test_each_message_has_one_heading_in_the_order_of_its_table(title, table):
    names = [re.sub(r"^`(.+)`( \(server\))?$", r"\1", heading) for heading in chapter(title)]
    assert names == list(table)


@pytest.mark.parametrize(
    ("title", "table"), [("Client to server", COMMANDS), ("Server to client", EVENTS)]
)
def test_each_message_names_its_fields_and_says_something(title, table):
    for (heading, text), kind in zip(chapter(title).items(), table.values(), strict=True):
        fields, _, prose = text.strip().partition("\n\n")
        known = {
            field.encode_name + ("" if field.required else "?")
            for field in inspect.type_info(kind).fields  # type: ignore[attr-defined]  # a struct
        }
        assert set(re.findall(r"`([^`]+)`", fields)) == known, heading
        assert len(prose) > 15, heading


def test_each_refusal_has_its_heading_and_says_whether_it_is_temporary():
    sections = chapter("Refusals")
    assert list(sections) == [f"{int(code)} `{code.name.lower()}`" for code in Code]
    for code, text in zip(Code, sections.values(), strict=True):
        assert text.strip().startswith("Temporary. ") == (code in TEMPORARY), code


def test_each_close_code_has_its_heading():
    assert list(chapter("Close codes")) == [f"{int(c)} `{c.name.lower()}`" for c in Close]


def test_the_diagram_is_drawn_from_the_table():
    found = re.search(r"```mermaid\n(.*?)\n```", MANUAL, re.DOTALL)
    assert found is not None
    assert found[1] == diagram()


def example() -> list[tuple[str, str]]:
    found = re.search(r"```frames\n(.*?)\n```", MANUAL, re.DOTALL)
    assert found is not None
    return [(line[0], line[2:]) for line in found[1].splitlines()]


def test_the_example_is_what_a_replica_says_and_hears():
    """Both sides of the example are in order, and the text is whole at its end."""
    talk, replica = Conversation(), Replica()
    for side, line in example():
        if side == "-":
            talk = Conversation()
            replica.cut()
        elif side == "C":
            command = decode(line.encode())
            assert encode(command) == line.encode()
            talk.hear(command)
            replica.send(command)
        else:
            event = decode_event(line.encode())
            assert not isinstance(event, Foreign)
            assert encode(event) == line.encode()
            if isinstance(event, Welcome):
                talk.opened()
            replica.hear(event)
    assert talk.state is State.CLOSED
    assert replica.text("g1") == "Take 7 from both sides. Then halve."
    turn = replica.generation("g1")
    assert turn is not None
    assert turn.intact
    assert replica.feedback["2"].misconception == "adds-instead"
    assert replica.refusals["4"].code == Code.NOT_FOUND
    assert replica.counters.gaps == replica.counters.misfits == 0
    assert len(replica.pending) == 0


def test_the_example_resumes_with_what_a_replica_has():
    replica = Replica()
    hellos: list[Hello] = []
    for side, line in example():
        if side == "C":
            command = decode(line.encode())
            hellos += [command] if isinstance(command, Hello) else []
        elif side == "S":
            event = decode_event(line.encode())
            if isinstance(event, Welcome) and len(hellos) == 2:
                break
            replica.hear(event)
    hello, told = replica.hello(), hellos[1]
    assert (hello.sid, hello.token, hello.have) == (told.sid, told.token, told.have)
