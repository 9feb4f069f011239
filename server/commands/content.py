"""`tutorstream content`: check, build, import and begin courses. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from server.commands import content_transfer
from server.commands.progress import Progress

if TYPE_CHECKING:
    from server.authoring.checking import Checked

DONE, FAILED, USAGE = 0, 1, 2

_EPILOG = """\
exit codes: 0 clean, 1 errors, 2 usage.
Codes are listed by `content check --codes`.
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands and their options."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="content_command", metavar="COMMAND", required=True)
    check = commands.add_parser("check", help="find a course's faults, each with file and line")
    check.add_argument("folder", nargs="?", type=Path, help="the folder with course.yaml")
    check.add_argument("--codes", action="store_true", help="list the check codes and leave")
    check.add_argument(
        "--since", type=Path, metavar="FILE", help="a compiled version whose ids must live on"
    )
    _add_checking(check)
    build = commands.add_parser("build", help="write a course as canonical JSON and its map")
    build.add_argument("folder", type=Path, help="the folder with course.yaml")
    build.add_argument(
        "--out", type=Path, metavar="FILE", help="the compiled file (default: FOLDER.json)"
    )
    _add_checking(build)
    preview = commands.add_parser(
        "preview", help="show an item as learners meet it, while you edit"
    )
    preview.add_argument("folder", type=Path, help="the folder with course.yaml")
    preview.add_argument("item", nargs="?", default="", help="the item's id (default: the first)")
    preview.add_argument(
        "--port", type=int, default=0, help="port on loopback (default: a free one)"
    )
    preview.add_argument("--json", action="store_true", help="print the ready line as JSON")
    schema = commands.add_parser("schema", help="print the author's form as JSON Schema")
    schema.add_argument("--json", action="store_true", help="accepted: the schema is JSON anyway")
    content_transfer.add_import(commands)
    content_transfer.add_export(commands)
    new = commands.add_parser("new", help="write a small course to begin with")
    new.add_argument("folder", type=Path, help="a folder that is empty or does not exist")
    new.add_argument("--id", help="the course's id (default: the folder's name)")
    new.add_argument("--json", action="store_true", help="print the written files as JSON")


def _add_checking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        choices=("authored", "imported"),
        help="imported: faults of teaching are warnings (default: what course.yaml says)",
    )
    parser.add_argument("--strict", action="store_true", help="warnings are errors")
    parser.add_argument("--json", action="store_true", help="print the findings as one object")


def run(args: argparse.Namespace) -> int:
    """Run the subcommand; 0 clean, 1 errors, 2 usage."""
    from server.authoring.reading import AuthoringMissing
    from server.authoring.writing import Occupied

    parts: dict[str, Callable[[argparse.Namespace], int]] = {
        "check": _check,
        "build": _build,
        "preview": _preview,
        "schema": _schema,
        "import": content_transfer.imported,
        "export": content_transfer.exported,
        "new": _new,
    }
    try:
        return parts[args.content_command](args)
    except (FileNotFoundError, Occupied, AuthoringMissing) as error:
        return _told(str(error), USAGE)
    except BrokenPipeError:
        raise  # the reader of our output has left: no fault of a file
    except (OSError, ValueError) as error:
        return _told(str(error), FAILED)


def _told(message: str, code: int) -> int:
    print(f"tutorstream content: {message}", file=sys.stderr)
    return code


def _check(args: argparse.Namespace) -> int:
    if args.codes:
        return _codes(as_json=args.json)
    if args.folder is None:
        return _told("check needs the folder with course.yaml", USAGE)
    found = _checked(args, since=args.since)
    _print_findings(found, as_json=args.json)
    return FAILED if found.report.errors else DONE


def _checked(args: argparse.Namespace, since: Path | None = None) -> Checked:
    from server.authoring.checking import checked

    folder = args.folder.parent if args.folder.name == "course.yaml" else args.folder
    with Progress("items checked") as progress:
        return checked(
            folder,
            profile=args.profile,
            strict=args.strict,
            since=since,
            progressed=progress.told,
        )


def _print_findings(found: Checked, *, as_json: bool) -> None:
    if as_json:
        print(found.report.json())
        return
    *findings, counts = found.report.text().splitlines()
    for line in findings:
        print(line)
    print(counts, file=sys.stderr if findings else sys.stdout)


def _codes(*, as_json: bool) -> int:
    from server.authoring.checking import CODES

    if as_json:
        print(json.dumps({"codes": CODES}, ensure_ascii=False))
        return DONE
    for code, (severity, means) in CODES.items():
        print(f"{code} {severity}  {means}")
    return DONE


def _build(args: argparse.Namespace) -> int:
    from server.authoring.building import OpenErrors, built

    found = _checked(args)
    folder = args.folder.parent if args.folder.name == "course.yaml" else args.folder
    out = args.out or folder.resolve().with_name(f"{folder.resolve().name}.json")
    try:
        made = built(found, out)
    except OpenErrors as error:
        _print_findings(found, as_json=args.json)
        return FAILED if args.json else _told(str(error), FAILED)
    if args.json:
        told = {"file": str(made.path), "size_bytes": made.size_bytes, "sha256": made.sha256}
        print(json.dumps({**told, "warnings": found.report.warnings}))
    else:
        print(f"{made.path}: {made.size_bytes} bytes, version {made.sha256[:12]}")
        if found.report.warnings:
            print(f"{found.report.warnings} warnings: see content check", file=sys.stderr)
    return DONE


def _preview(args: argparse.Namespace) -> int:
    import asyncio
    import logging

    from server.authoring.desk import Desk
    from server.preview import previewed
    from server.run import choose_numba_cache, ended
    from server.settings import Settings

    folder = args.folder.parent if args.folder.name == "course.yaml" else args.folder
    choose_numba_cache(Settings())
    logging.getLogger("server.taught").setLevel(logging.ERROR)  # new versions are the very purpose

    async def served() -> None:
        async with previewed(Desk(folder), args.item, args.port) as (url, preview):
            pages = {each.tag: each.url for each in preview.shown}
            ready = json.dumps({"ready": True, "url": url, "pages": pages})
            print(ready if args.json else f"preview of {preview.item}: {url}   Ctrl-C ends it")
            sys.stdout.flush()
            await ended()

    try:
        asyncio.run(served())
    except LookupError as error:
        return _told(str(error), FAILED)
    return DONE


def _schema(_args: argparse.Namespace) -> int:
    from server.authoring.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return DONE


def _new(args: argparse.Namespace) -> int:
    from server.authoring.oatutor_texts import slug
    from server.authoring.starter import started

    files = started(args.folder, args.id or slug(args.folder.resolve().name))
    if args.json:
        print(json.dumps({"files": [str(path) for path in files]}))
    else:
        print("\n".join(str(path) for path in files))
        print(f"next: tutorstream content check {args.folder}", file=sys.stderr)
    return DONE
