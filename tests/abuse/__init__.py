"""Tests: Limits, proof of work, alerts."""
