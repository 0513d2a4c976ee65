"""Tests: Updates, outcomes, reminders and digests."""
