"""Sending what is owed, and what comes back."""
