"""Quantum-inspired scoring: a learner as a density matrix, items as graded measurements."""
