"""Limits, proof of work, alerts."""
