"""Flags that stand for settings. This file is shared by the commands that read the settings."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server.settings import Loaded

FLAGS: dict[str, tuple[str, dict[str, Any]]] = {
    "--host": ("host", {"help": "address to listen on (127.0.0.1)"}),
    "--port": ("port", {"type": int, "help": "port to listen on; 0 takes a free one (8765)"}),
    "--uds": ("uds", {"metavar": "PATH", "help": "listen on a Unix socket instead"}),
    "--store": (
        "store",
        {"metavar": "URL", "help": "memory:, sqlite:///FILE or mongodb://HOST/NAME (memory:)"},
    ),
    "--redis": ("redis", {"metavar": "URL", "help": "what several servers share while it lives"}),
    "--course": (
        "courses",
        {
            "action": "append",
            "metavar": "FILE",
            "help": "a compiled course, or a folder of them; may be repeated",
        },
    ),
    "--provider": ("provider.name", {"metavar": "NAME", "help": "who writes the tutor's text"}),
    "--model": ("provider.model", {"metavar": "NAME", "help": "the provider's model"}),
    "--local-demo": (
        "local.demo",
        {
            "action": "store_true",
            "default": None,
            "help": "let a small model on this machine speak; it makes mistakes",
        },
    ),
    "--origin": (
        "origins",
        {"action": "append", "metavar": "URL", "help": "a page's origin to let in; repeatable"},
    ),
    "--log-level": ("log_level", {"metavar": "LEVEL", "help": "debug, info, warning or error"}),
    "--i-know": (
        "i_know",
        {"action": "store_true", "default": None, "help": "listen beyond loopback without tokens"},
    ),
}
"""Flag -> the dotted key it sets, and how it is parsed."""


def add_flags(parser: argparse.ArgumentParser, *, without: tuple[str, ...] = ()) -> None:
    """Add the flags of the settings, and `--config`."""
    for flag, (_, how) in FLAGS.items():
        if flag not in without:
            parser.add_argument(flag, **how)
    parser.add_argument("--config", metavar="FILE", help="read this file, not tutorstream.toml")


def loaded_by(args: argparse.Namespace) -> Loaded:
    """The settings with these flags on top. Raises Misconfigured."""
    from server.settings import loaded

    given = {
        key: getattr(args, flag.removeprefix("--").replace("-", "_"), None)
        for flag, (key, _) in FLAGS.items()
    }
    config = Path(args.config) if args.config else None
    return loaded(given, environ=os.environ, folder=Path.cwd(), config=config)
