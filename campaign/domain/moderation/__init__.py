"""Finding signers, and invalidating signatures."""
