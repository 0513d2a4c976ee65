"""Tests: Mailed links."""
