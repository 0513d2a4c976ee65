"""Counting against limits, in Redis or in the process."""
