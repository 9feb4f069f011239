"""What is believed of one learner: ability, mastery, next item. This file is the family's door."""
