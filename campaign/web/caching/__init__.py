"""Answers and data that are kept for a moment."""
