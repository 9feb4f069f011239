"""Boosted trees of the final stage."""
