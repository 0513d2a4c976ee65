"""Tests: Sending mail, and bounces."""
