"""Placeholder until the format is read."""

from __future__ import annotations

from .errors import DocumentError


def read_pdf(data: bytes, name: str) -> str:
    """Refuses the file."""
    raise DocumentError("not-supported", f"{name}: this format ({len(data)} bytes) is not read yet")
