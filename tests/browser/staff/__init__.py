"""Tests: Staff pages in a browser."""
