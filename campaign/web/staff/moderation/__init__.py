"""Finding signers, and invalidating signatures and reports."""
