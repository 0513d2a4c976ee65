"""Backups: one consistent moment of the database, encrypted before it leaves the process, and its way back."""
