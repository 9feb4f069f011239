"""Learning modes: which act of the tutor is allowed now, what is locked, which help is given."""
