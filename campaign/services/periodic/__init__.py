"""Periodic jobs, the clock that they use, and the progress of workers."""
