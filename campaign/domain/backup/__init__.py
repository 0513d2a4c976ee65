"""Backups: create, verify, restore."""
