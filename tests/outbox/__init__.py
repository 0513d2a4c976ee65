"""Tests: The outbox: enqueueing, states and suppression."""
