"""`tutorstream protocol schema` prints what is committed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.cli import main

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ([], "docs/protocol/schema.json"),
        (["--jsonschema"], "docs/protocol/schema.json"),
        (["--asyncapi", "--json"], "docs/protocol/asyncapi.json"),
        (["--ts"], "web/client/types.d.ts"),
    ],
)
def test_the_document_is_printed(options, path, capsys):
    assert main(["protocol", "schema", *options]) == 0
    assert capsys.readouterr().out == (ROOT / path).read_text(encoding="utf-8")


def test_typescript_comes_as_json_too(capsys):
    assert main(["protocol", "schema", "--ts", "--json"]) == 0
    text = json.loads(capsys.readouterr().out)["typescript"]
    assert text == (ROOT / "web/client/types.d.ts").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [[], ["nope"], ["schema", "--ts", "--asyncapi"]])
def test_wrong_usage_is_one_line_and_code_2(words, capsys):
    assert main(["protocol", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
