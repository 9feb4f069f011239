"""The words of the wire `tutorstream.v1`, their order, their positions and their refusals.

`messages` holds every word, `codec` turns bytes into words and back, `conversation` is the life
of one connection, `position` and `replica` are what a client does with what it hears, `errors`
and `limits` are the closed tables, `schema` writes them out for other languages.
"""
