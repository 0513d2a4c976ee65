"""People whom a thief is interested in, the forms that they or the thief send, and the rows of all tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.platform import Model, db
from campaign.queries.appeals.appeal import AppealView
from campaign.services.signing.store_sign_up import SignUpRequest as Form
from campaign.services.signing.store_sign_up import sign
from tests.conftest import Clock, context

# The marks of the thief's forms.
MARK, MARKED_LOCALE, MARKED_COUNTRY = "thief", "ar", "TV"

Key = tuple[str, Any]

Tables = dict[Key, dict[str, Any]]


class Person:
    """A person whom the thief is interested in, or any signer."""

    def __init__(self, number: int) -> None:
        self.name = f"Anaïs Number{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)}"
        # Every second person has a rare mail domain.
        domain = "gmail.com" if number % 2 else f"rare{number}.example"
        self.email = f"anais.number{number}@{domain}"
        self.beside = f"somebody{number}@{domain}"


def send_form(appeal: AppealView, name: str, email: str, clock: Clock, *, is_thief: bool = False) -> None:
    country, locale = (MARKED_COUNTRY, MARKED_LOCALE) if is_thief else ("FR", "en")
    via = MARK if is_thief else None
    form = Form(appeal.id, "fr", country, name, parse_address(email), locale, "en", 1, via, network_digest=b"n" * 16)
    sign(form, context=context(clock.now, SUPPORTER))
    clock.now += timedelta(seconds=1)


def all_rows() -> Tables:
    """Return all rows of all tables, as a thief of the files or of a backup has them."""
    db.session.rollback()
    found: Tables = {}
    for table in Model.metadata.sorted_tables:
        keys = [column.name for column in table.primary_key]
        for row in db.session.execute(select(table)):
            values = dict(row._mapping)
            found[table.name, tuple(values[name] for name in keys)] = values
    return found
