"""Tests: The mail that is owed."""
