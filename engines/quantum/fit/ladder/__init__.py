"""The classical passes of the fitter: U = I, and the skills' qubits."""
