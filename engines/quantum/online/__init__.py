"""A course that begins without data: difficulties are learnt while learners answer."""
