"""The contract of the wire, asked of a running server by a client that believes nothing."""
