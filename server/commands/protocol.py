"""`tutorstream protocol`: the wire for other languages. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands and their options."""
    commands = parser.add_subparsers(dest="protocol_command", metavar="COMMAND", required=True)
    schema = commands.add_parser("schema", help="print the wire's machine-readable description")
    which = schema.add_mutually_exclusive_group()
    which.add_argument(
        "--jsonschema",
        dest="form",
        action="store_const",
        const="jsonschema",
        help="JSON Schema, draft 2020-12 (the default)",
    )
    which.add_argument(
        "--asyncapi",
        dest="form",
        action="store_const",
        const="asyncapi",
        help="AsyncAPI 3.0 document",
    )
    which.add_argument(
        "--ts",
        dest="form",
        action="store_const",
        const="ts",
        help="TypeScript declarations",
    )
    schema.add_argument(
        "--json",
        action="store_true",
        help="print JSON also for --ts: an object with the file's text",
    )
    schema.set_defaults(form="jsonschema")


def run(args: argparse.Namespace) -> int:
    """Print the document that was asked for; 0."""
    from protocol import schema

    if args.form == "ts":
        text = schema.typescript()
        sys.stdout.write(written({"typescript": text}) if args.json else text)
    else:
        document = schema.asyncapi() if args.form == "asyncapi" else schema.json_schema()
        sys.stdout.write(written(document))
    return 0


def written(document: dict[str, Any]) -> str:
    """The document as text: indented, one newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
