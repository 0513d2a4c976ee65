"""The letter as plain text."""

from __future__ import annotations

from campaign.queries.appeal import TargetView, TextView


def letter_text(text: TextView, name: str | None) -> str:
    """Salutation, paragraphs, closing and the signer's name, parted by blank lines; empty without a model letter."""
    if not text.has_letter:
        return ""
    parts = [text.salutation, *text.paragraphs, "\n".join(part for part in (text.closing, name) if part)]
    return "\n\n".join(part for part in parts if part)


def address_lines(target: TargetView) -> tuple[str, ...]:
    """Role, name and address as they stand on an envelope."""
    return tuple(line for line in (target.role, target.name, *target.address) if line)
