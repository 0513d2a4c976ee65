"""What is sealed, with its purpose: the first four bytes of each value say by which key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import LargeBinary, func, type_coerce

from campaign.models.entry import SheetRow
from campaign.models.flood import LinkRequest
from campaign.models.handover import HandoverPart
from campaign.models.invalidation import Invalidation
from campaign.models.mail import Mail
from campaign.models.signature import Signature

# Every sealed column; a test compares this with the tables.
SEALED: dict[type[Any], dict[str, str]] = {
    Signature: {"name_sealed": "name", "email_sealed": "email"},
    Mail: {"recipient_sealed": "email", "context_sealed": "context"},
    LinkRequest: {"email_sealed": "email"},
    Invalidation: {"criteria_sealed": "context"},
    SheetRow: {"name_sealed": "name", "email_sealed": "email"},
    HandoverPart: {"content_sealed": "handover"},
}
_ID_LENGTH = 4


def key_of(column: Any) -> Any:
    """The id of the key that sealed the value, cut out by the database."""
    return type_coerce(func.substr(column, 1, _ID_LENGTH), LargeBinary)
