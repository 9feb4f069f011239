"""The commands, one module each: `add_to(parser)` and `run(args) -> exit code`.

What is heavy is imported inside `run`, so that `--help` is quick; `server.cli` holds the table.
"""
