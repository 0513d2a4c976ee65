"""Periodic jobs and the progress of workers."""
