"""Tests: Finding signers, and invalidating signatures."""
