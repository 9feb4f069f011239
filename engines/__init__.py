"""What is true of a learner, and what to do next: pure functions over frozen words.

`words` holds the types that cross families, `maths` the tools, `exercises` items and answers,
`learner` the beliefs about a learner, `tutor` composes them: `react(beliefs, evidence, ...)`.
"""
