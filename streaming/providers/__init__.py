"""Who can speak for the tutor: `base` is the contract, one file an adapter, `builtin` keyless."""
