"""Measures a server from outside, over its wire.

`scenario` names what is measured, `feedback` measures; `wire` and `learner` are the client, `load`
is the schedule, `servers` and `peers` are what is measured, `machine` and `stats` the figures'
ground, `record` and `report` the outcome.
"""
