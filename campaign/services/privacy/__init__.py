"""Retention, the erasure journal, disclosure to staff, subject access, key rotation."""
