"""Tests: The platform: settings, database, commands, theme."""
