"""Measures a server from outside, over its wire.

`scenario` names what is measured; `feedback`, `stream`, `resume`, `cancel` and `memory` each measure
one thing; `wire` and `learner` are the client, `load` the schedule, `servers` and `peers` what is
measured, `machine` and `stats` the figures' ground, `report` the record and its page.
"""
