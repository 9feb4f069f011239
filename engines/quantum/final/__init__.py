"""The final stage: a logistic stage and small trees behind the density matrix."""
