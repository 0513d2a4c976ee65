"""Tests: Editing appeals."""
