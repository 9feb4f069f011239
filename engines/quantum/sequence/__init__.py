"""Sequencing: which k of n items to take together, by path-integral annealing."""
