"""The list of encrypted columns. The first four bytes of each value are the id of its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, func, type_coerce

from campaign.domain.privacy.sealed_place import (
    SealedPlace,
    at_handover,
    at_invalidation,
    at_link_request,
    at_mail,
    at_month_key,
    at_row_key,
    at_sheet_row,
    at_sign_up,
    at_signature,
    at_staff,
)
from campaign.models.abuse.abuse import LinkRequest
from campaign.models.handover.handover import HandoverPart
from campaign.models.moderation.invalidation import Invalidation
from campaign.models.offline.bulk_entry import SheetRow
from campaign.models.outbox.mail import Mail
from campaign.models.privacy.month_key import MonthKey
from campaign.models.privacy.row_key import RowKey
from campaign.models.signing.sign_up import SignUp
from campaign.models.signing.signature import Signature
from campaign.models.staff.account import Staff


@dataclass(frozen=True, slots=True)
class Sealed:
    """The encrypted columns of a table.

    Attributes:
        columns: For each column the name that is authenticated with its values.
        facts: The columns whose values `place` requires, in its order.
        place: The function that returns the place of a row's values, which is authenticated too.
    """

    columns: dict[str, str]
    facts: tuple[str, ...]
    place: Callable[..., SealedPlace]

    def place_of(self, row: Any) -> SealedPlace:
        """Return the place of the values in a row. Only its columns in `facts` are read."""
        return self.place(*(getattr(row, name) for name in self.facts))


# The columns that find the row by its address, and the key that mailed links are bound to.
_LINK_COLUMNS = ("appeal_id", "address_digest", "link_key")
# All sealed columns; a test compares this with the tables.
SEALED: dict[type[Any], Sealed] = {
    Signature: Sealed({"name_sealed": "name", "email_sealed": "email"}, _LINK_COLUMNS, at_signature),
    MonthKey: Sealed({"key_sealed": "month"}, ("id",), at_month_key),
    RowKey: Sealed({"seeds_sealed": "seeds"}, ("id",), at_row_key),
    # Not `address_digest`, which changes when a newer form arrives. The digest of the content never changes.
    SignUp: Sealed(
        {"name_sealed": "name", "email_sealed": "email", "origin_sealed": "origin"},
        ("appeal_id", "content_digest", "link_key"),
        at_sign_up,
    ),
    Mail: Sealed({"recipient_sealed": "email", "context_sealed": "context"}, ("message_id",), at_mail),
    LinkRequest: Sealed({"email_sealed": "email"}, (), at_link_request),
    Invalidation: Sealed({"criteria_sealed": "context"}, ("section_code", "staff_id"), at_invalidation),
    SheetRow: Sealed(
        {"name_sealed": "name", "email_sealed": "email"}, ("bulk_entry_id", "address_digest"), at_sheet_row
    ),
    Staff: Sealed({"tf_totp_sealed": "totp", "mf_recovery_sealed": "recovery"}, ("link_key",), at_staff),
    HandoverPart: Sealed({"content_sealed": "handover"}, ("handover_id", "name"), at_handover),
}
_ID_LENGTH = 4


def place_of(row: Any) -> SealedPlace:
    """Return the place of the values in a row that was loaded as a whole."""
    return SEALED[type(row)].place_of(row)


def key_of(column: Any) -> Any:
    """Return the SQL expression for the id of the key that encrypted the column's value."""
    return type_coerce(func.substr(column, 1, _ID_LENGTH), LargeBinary)
