"""The command line: a table of commands, each loaded when it is asked for. This file is its door.

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration. What went wrong stands on
standard error in one line that names the fix.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

PROGRAM = "tutorstream"
DONE, FAILED, USAGE, CONFIGURATION = 0, 1, 2, 78


class Entry(NamedTuple):
    """One command: its line in the help, and the module with `add_to` and `run`."""

    line: str
    module: str


COMMANDS = {
    "demo": Entry(
        "try it: a course, the built-in tutor, no key, nothing written", "server.commands.demo"
    ),
    "serve": Entry("run the server; SIGTERM drains it", "server.commands.serve"),
    "cluster": Entry(
        "several nodes on this machine, with Redis and MongoDB", "server.commands.cluster"
    ),
    "chat": Entry("be a learner in the terminal, over the real wire", "server.commands.chat"),
    "bench": Entry("measure a server; exit 1 over the budget", "server.commands.bench"),
    "conformance": Entry(
        "ask a running server for every clause of the wire", "server.commands.conformance"
    ),
    "replay": Entry("a session's log, decision by decision", "server.commands.replay"),
    "eval": Entry("how well each model forecasts a response log", "server.commands.eval"),
    "fit": Entry("fit the scoring on response logs", "server.commands.fit"),
    "refit": Entry("fit a store's courses on its own answers", "server.commands.refit"),
    "content": Entry("make, check and build courses", "server.commands.content"),
    "protocol": Entry("the wire as a schema, for other languages", "server.commands.protocol"),
    "config": Entry("show settings and where each comes from", "server.commands.config"),
    "doctor": Entry("check this machine; a fix for each finding", "server.commands.doctor"),
    "version": Entry("which build this is", "server.commands.version"),
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code of the process."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    entry = COMMANDS.get(words[0]) if words else None
    try:
        if entry is None:
            return _without_command(words)
        command = importlib.import_module(entry.module)
        parser = Parser(prog=f"{PROGRAM} {words[0]}", description=entry.line)
        command.add_to(parser)
        code: int = command.run(parser.parse_args(words[1:]))
    except SystemExit as end:  # argparse's way out of --help and of wrong usage
        return end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has left: `tutorstream ... | head`
        sys.stderr.close()
        return FAILED
    except Exception as error:
        if not _misconfigured(error):
            raise
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return CONFIGURATION
    return code


def _misconfigured(error: Exception) -> bool:
    """Whether the settings are at fault; their module is not loaded before a command asks."""
    settings = sys.modules.get("server.settings")
    return settings is not None and isinstance(error, settings.Misconfigured)


def _without_command(words: list[str]) -> int:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}}  {entry.line}" for name, entry in COMMANDS.items())
    parser = Parser(
        prog=PROGRAM,
        description="A real-time streaming server for adaptive tutoring.",
        epilog=f"commands:\n{lines}\n\n{PROGRAM} COMMAND --help tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="the same as the command version")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="one of those below")
    known, _ = parser.parse_known_args(words)
    if known.version:
        return main(["version"])
    if known.command is not None:
        import difflib

        near = difflib.get_close_matches(known.command, COMMANDS, n=1, cutoff=0.0)[0]
        parser.error(f"no command {known.command!r}, the nearest is {near!r}")
    parser.print_help(sys.stderr)
    return USAGE


if __name__ == "__main__":
    sys.exit(main())
