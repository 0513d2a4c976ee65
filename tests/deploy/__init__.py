"""Tests: As it is installed."""
