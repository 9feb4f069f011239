"""What a learner says of how they are, and what the program says to that. This file is its door."""
