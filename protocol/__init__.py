"""The words of the wire `tutorstream.v1`, their order, their positions and their refusals.

`message`, `commands` and `events` hold every word, `codec` turns bytes into words and back with
`shape` and `diagnosis` for frames that are wrong, `conversation` is the life of one connection.
`position`, `generation`, `picture`, `pending` and `replica` are what a client does with what it
hears. `errors` and `limits` are the closed tables, `schema` and `typescript` write all of it out
for other languages.
"""
