"""The edge: sockets, HTTP, who may come in, settings, process life, the command line.

`app` builds the objects and gives them to one another; `run` is the life of the process. A frame
comes in by `transport` and `websocket` (or `sse`), `gate` decides who may, `streaming` does the
rest. `settings` is read once, `metrics` counts, `cli` and `commands` are what a person types.
"""
