"""Tests: A database that is away, full, restarted or refusing."""
