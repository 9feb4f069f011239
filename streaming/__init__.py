"""Who is alive and what is being said now: actors, turns, and the two doors to storage.

`session` is the learner's actor, `fold` what an entry does to its state, `turn` one tutor reply,
`outbox` the queue to one client, `attach` joins a client to a log, `ownership` knows which actors
live here. `log` and `records` are the ports; `log_sqlite`, `records_sqlite` their embedded twins.
"""
