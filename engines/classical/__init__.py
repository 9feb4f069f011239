"""Classical models of learners, as opponents and as explanations: each in a file of its own."""
