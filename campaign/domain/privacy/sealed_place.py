"""The place of an encrypted value, which is authenticated with it: a value moved elsewhere cannot be decrypted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SealedPlace:
    """A row of a table. `facts` identify the row's subject, and cannot be moved together with the value."""

    table: str
    facts: tuple[str, ...] = ()

    def column(self, name: str) -> bytes:
        """Return the bytes to authenticate with a value in that column; no two places or columns have the same."""
        parts = (self.table, name, *self.facts)
        return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def at_signature(appeal_id: int, address_digest: bytes | None, link_key: bytes | None) -> SealedPlace:
    """Return the place of a signature's values: bound to the appeal, to the address and to the row's link key.

    Only a mailed link proves the link key, so an attacker cannot move the three values together either.
    """
    return SealedPlace("signature", (str(appeal_id), (address_digest or b"").hex(), (link_key or b"").hex()))


def at_month_key(month: int) -> SealedPlace:
    """Return the place of a month's key: bound to the month."""
    return SealedPlace("month_key", (str(month),))


def at_row_key(batch: int) -> SealedPlace:
    """Return the place of a batch of rows' keys: bound to its id, which is random."""
    return SealedPlace("row_key", (str(batch),))


def at_sign_up(appeal_id: int, address_digest: bytes, link_key: bytes) -> SealedPlace:
    """Return the place of a sign-up's values: bound in the same way as a signature's."""
    return SealedPlace("sign_up", (str(appeal_id), address_digest.hex(), link_key.hex()))


def at_mail(message_id: str | None) -> SealedPlace:
    """Return the place of a mail's values: bound to its Message-ID, which is random and fixed from the start."""
    return SealedPlace("mail", (message_id or "",))


def at_sheet_row(entry_id: int, address_digest: bytes | None) -> SealedPlace:
    """Return the place of the values in a row of a paper sheet: bound to the sheet and to the address."""
    return SealedPlace("sheet_row", (str(entry_id), (address_digest or b"").hex()))


def at_link_request() -> SealedPlace:
    """Return the place of an address that asked for its links: it is the same for all requests."""
    return SealedPlace("link_request")


def at_invalidation(section_code: str, staff_id: int) -> SealedPlace:
    """Return the place of an invalidation's criteria: bound to the section and to the staff account."""
    return SealedPlace("invalidation", (section_code, str(staff_id)))


def at_handover(handover_id: int, name: str) -> SealedPlace:
    """Return the place of a piece of a file that is handed over: bound to the list and to the file's name."""
    return SealedPlace("handover_part", (str(handover_id), name))


def at_staff(link_key: bytes) -> SealedPlace:
    """Return the place of an account's second factors: bound to its link key, which mailed links prove."""
    return SealedPlace("staff", (link_key.hex(),))


def at_address_change(link_key: bytes) -> SealedPlace:
    """Return the place of the address in a link that changes it: bound to the signature's link key."""
    return SealedPlace("address_change", (link_key.hex(),))
