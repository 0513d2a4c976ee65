"""Tests: Backups: create, verify, restore."""
