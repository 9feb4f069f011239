"""The servers ours is compared with: each does the same lesson as a competent afternoon would.

`environment` makes the environment they run in, `lesson` is the work they share with ours,
`fastapi_naive` and `socketio_naive` put it on a wire, `echo` is the null control.
"""
