"""The fitter: maximum likelihood of the scoring's parameters, offline, over response logs."""
