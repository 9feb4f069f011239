"""Learning together: votes, pairs, groups, help, talk. This file is the family's door."""
