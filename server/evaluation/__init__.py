"""What `tutorstream eval` is made of: models by name, their runs, scores, table and page."""
