"""Tests: The counts and the funnel."""
