"""Retention, erasure, subject access, key rotation."""
