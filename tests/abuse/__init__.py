"""Tests: Limits, proof of work, alerts, hostile input."""
