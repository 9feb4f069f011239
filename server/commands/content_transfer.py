"""`tutorstream content import` and `export` of other systems' formats. This file is those two."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from server.commands.progress import Progress

DONE, FAILED, USAGE = 0, 1, 2
SEEDS = 5
MOST_SEEDS = 100
SHOWN_IDS = 5
"""Ids printed of each reason; the report's file has the first 20."""

_IMPORTS = {
    "csv": (
        "csv_in",
        "a table, one question a row",
        "columns (in any order): id, skill, title, prompt, kind, value, form, form_policy,\n"
        "tolerance, accept, options, settings, hint_1 .. hint_4, explanation, misconceptions,\n"
        "difficulty, tags, license, source, url. `prompt` and `value` are needed. Parts of a cell\n"
        "stand between |, options may begin with `a) `, pairs are `wrong -> what is said`.",
    ),
    "gift": ("gift_in", "Moodle's GIFT notation", ""),
    "moodle": (
        "moodle_in",
        "a question bank as Moodle XML",
        "calculated questions become items with params, where wildcards are drawn evenly.",
    ),
    "qti": (
        "qti_in",
        "QTI 3.0: a package (.zip) or one item (.xml)",
        "single interactions judged by match_correct or map_response are read.",
    ),
}
_EXPORTS = {
    "csv": ("csv_out", "a table that `content import csv` reads"),
    "moodle": ("moodle_out", "a question bank as Moodle XML"),
    "qti": ("qti_out", "a package of QTI 3.0"),
}
_NEVER = "Nothing is fetched, no licence is made up, nothing is overwritten without --force."


def add_import(commands: Any) -> None:
    """Add `content import`."""
    parser = commands.add_parser("import", help="turn another format into a course folder")
    formats = parser.add_subparsers(dest="import_format", metavar="FORMAT", required=True)
    oatutor = formats.add_parser("oatutor", help="OATutor problems, a file or a folder")
    _add_source(oatutor, "a .jsonl file, one problem a line, or the folder with content-pool")
    for name, (_, line, more) in _IMPORTS.items():
        each = formats.add_parser(
            name,
            help=line,
            description=f"{line}, as a course folder with import-report.json. {_NEVER}",
            epilog=more,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_source(each, "the file to read")
        each.add_argument("--title", help="the course's title (default: the file's)")
        each.add_argument(
            "--license", default="", help="the licence, where the file does not state it"
        )
        each.add_argument(
            "--attribution", action="append", default=[], help="whom to name; may be repeated"
        )


def _add_source(parser: argparse.ArgumentParser, source: str) -> None:
    parser.add_argument("file", type=Path, help=source)
    parser.add_argument("--out", type=Path, required=True, help="the course folder to write")
    parser.add_argument("--locale", default="en", help="the texts' language (default: en)")
    parser.add_argument("--force", action="store_true", help="replace a course that is there")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def add_export(commands: Any) -> None:
    """Add `content export`."""
    parser = commands.add_parser("export", help="write a course for another system")
    formats = parser.add_subparsers(dest="export_format", metavar="FORMAT", required=True)
    yaml = formats.add_parser("yaml", help="a course folder to go on editing, same version hash")
    _add_course(yaml, "the course folder to write")
    for name, (_, line) in _EXPORTS.items():
        each = formats.add_parser(name, help=f"{line}, numbers fixed")
        _add_course(each, "the file to write")
        each.add_argument("--locale", help="the texts' language (default: the course's own)")
        each.add_argument(
            "--seeds",
            type=int,
            default=SEEDS,
            metavar="N",
            help=f"draws of an item's numbers, 1 to {MOST_SEEDS} (default: {SEEDS})",
        )


def _add_course(parser: argparse.ArgumentParser, out: str) -> None:
    parser.add_argument("course", type=Path, help="the folder with course.yaml, or a compiled file")
    parser.add_argument("--out", type=Path, required=True, help=out)
    parser.add_argument("--force", action="store_true", help="replace what is there")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def imported(args: argparse.Namespace) -> int:
    """Run `content import`: read, write what came through, tell what did not."""
    from server.authoring.shapes import TAG
    from server.authoring.writing import has_room

    if not TAG.match(args.locale):
        return _told(f"--locale {args.locale!r} is no language tag; as en or pt-BR", USAGE)
    has_room(args.out, force=args.force)
    report, taken, asked = (_problems if args.import_format == "oatutor" else _questions)(args)
    if args.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        share = f"{report['usable_share']:.1%}"
        into = f" into {args.out}" if report["items"] else ""
        print(f"{report[taken]} of {report[asked]} {asked} imported ({share}){into}")
        _print_reasons(report, ("not_imported", "changed"))
    if not report["items"]:
        return _told("nothing came through; nothing is written", FAILED)
    if report.get("license", "") is None:
        print("no licence is stated: give --license before the course is shared", file=sys.stderr)
    return DONE


Outcome = tuple[dict[str, Any], str, str]
"""A report, and under which names it counts what was taken and what was asked for."""


def _questions(args: argparse.Namespace) -> Outcome:
    """A file of questions through its importer and the checks of a course."""
    read: Callable[..., Any] = import_module(
        f"server.transfer.{_IMPORTS[args.import_format][0]}"
    ).imported
    draft = read(args.file, locale=args.locale, rights=args.license)
    draft.title = args.title or draft.title
    draft.credits += args.attribution
    with Progress("items checked") as progress:
        report = draft.written(args.out, force=args.force, progressed=progress.told)
    return report, "items", "questions"


def _problems(args: argparse.Namespace) -> Outcome:
    from server.authoring.oatutor import read, report_of
    from server.transfer.landing import landed

    made, text = read(args.file, locale=args.locale)
    report = report_of(made, args.file, text)
    landed(args.out, made, report, force=args.force)
    return report, "steps_imported", "steps"


def _print_reasons(report: dict[str, Any], parts: tuple[str, ...]) -> None:
    for part in parts:
        for reason, entry in report[part].items():
            ids = ", ".join(entry["first"][:SHOWN_IDS])
            more = ", ..." if entry["count"] > SHOWN_IDS else ""
            print(f"{part.replace('_', ' ')}: {reason} x{entry['count']}: {entry['means']}")
            print(f"    {ids}{more}")


def exported(args: argparse.Namespace) -> int:
    """Run `content export`."""
    from server.transfer.opening import course_at

    if args.export_format == "yaml":
        return _yaml(args)
    if not 1 <= args.seeds <= MOST_SEEDS:
        return _told(f"--seeds {args.seeds}: expected 1 to {MOST_SEEDS}", USAGE)
    if args.out.exists() and not (args.force and args.out.is_file()):
        what = "is there; give --force to replace it" if args.out.is_file() else "is no file"
        return _told(f"{args.out} {what}", USAGE)
    course = course_at(args.course, locale=args.locale).course
    module = import_module(f"server.transfer.{_EXPORTS[args.export_format][0]}")
    data, outcome = module.exported(course, seeds=args.seeds)
    report = outcome.report(f"{args.export_format} {module.VERSION}", course)
    if report["items_written"]:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_bytes(data)
    if args.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        counts = f"{report['items_written']} of {report['items']} items"
        print(f"{args.out}: {counts} as {report['questions']} questions")
        _print_reasons(report, ("not_exported", "lost"))
    if not report["items_written"]:
        return _told("no item can be held; nothing is written", FAILED)
    return DONE


def _yaml(args: argparse.Namespace) -> int:
    from server.transfer.opening import course_at
    from server.transfer.yaml_out import folder_exported

    opened = course_at(args.course)
    files = folder_exported(opened, args.out, force=args.force)
    if args.json:
        print(json.dumps({"files": files, "course": opened.course.id, "version": opened.sha256}))
    else:
        print(f"{args.out}: {files} files, version {opened.sha256[:12]} as before")
    return DONE


def _told(message: str, code: int) -> int:
    print(f"tutorstream content: {message}", file=sys.stderr)
    return code
