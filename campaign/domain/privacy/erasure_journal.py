"""Entries of the erasure journal: a signature was erased or withdrawn, its updates ended, or its address changed.

An entry is stored as a line of text outside the database, so that a restored backup does not bring erased data back.
The line contains keyed digests only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from campaign.domain.errors import TocsinError
from campaign.domain.privacy.cipher import Vault


class ErasureKind(StrEnum):
    """The kinds of entries."""

    ERASED = "erased"
    WITHDRAWN = "withdrawn"
    UPDATES_ENDED = "updates-ended"
    SHARING_ENDED = "sharing-ended"
    # The old address was replaced by another one, which the line does not contain.
    ADDRESS_CHANGED = "address-changed"


class ErasureJournalError(TocsinError):
    """A line of the erasure journal is damaged, or was written with another index key."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """An entry. `signed_at` is the time of the erased signature, so that a later one of the same address stays."""

    kind: ErasureKind
    appeal_id: int
    address_digest: bytes
    signed_at: datetime
    happened_at: datetime

    def as_line(self, vault: Vault) -> str:
        """Return the entry as a line without a line end. Its last word authenticates the others with the index key."""
        fields = (self.kind.value, str(self.appeal_id), self.address_digest.hex())
        text = " ".join((*fields, self.signed_at.isoformat(), self.happened_at.isoformat()))
        return f"{text} {vault.journal_check(text)}"


def read_erasure(line: str, vault: Vault) -> Erasure:
    """Return the entry in a line. Raises ErasureJournalError."""
    text, _, check = line.rpartition(" ")
    if check != vault.journal_check(text):
        raise ErasureJournalError("the line is damaged, or TOCSIN_INDEX_KEY is not the one it was written with")
    kind, appeal_id, digest, signed_at, happened_at = text.split(" ")
    return Erasure(
        ErasureKind(kind),
        int(appeal_id),
        bytes.fromhex(digest),
        datetime.fromisoformat(signed_at),
        datetime.fromisoformat(happened_at),
    )
