"""The exception for files that cannot become an appeal: a code for programs and a message for people."""

from __future__ import annotations


class DocumentError(ValueError):
    """A refused file: `code` is stable, `message` is one line that names the file and the reason.

    Codes: `empty`, `too-large`, `not-supported`, `unreadable`, `encrypted`, `no-text`, `no-urgent-action`,
    `several-urgent-actions`.
    """

    def __init__(self, code: str, message: str) -> None:
        """Create the error with its stable code and its message of one line."""
        super().__init__(message)
        self.code = code
        self.message = message
