"""Why a file cannot become an appeal: one exception with a code for programs and one line for people."""

from __future__ import annotations


class DocumentError(ValueError):
    """The file is refused; `code` is stable, the message is one line that says which file and why.

    Codes: `empty`, `too-large`, `not-supported`, `unreadable`, `encrypted`, `no-text`, `no-urgent-action`,
    `several-urgent-actions`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
