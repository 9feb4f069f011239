"""Exercises: templates, learners' mathematics, verdicts, hints, and the built-in tutor's words."""
