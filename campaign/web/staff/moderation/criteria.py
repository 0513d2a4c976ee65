"""Common parts of the forms that choose signatures or reports: reading the criteria, and the choice of an appeal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from campaign.domain.errors import InputError
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.appeals.appeal_list import CHOICES, newest_appeals
from campaign.web.http.locale import current_locale
from campaign.web.staff.moderation.captions import FAULTS
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff_form import TokenForm

# The name of a form field, and the function that reads its text and raises InputError.
FieldReader = tuple[str, Callable[[str], Any]]


def read_fields(form: TokenForm, readers: Iterable[FieldReader], faults: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the fields, None for an empty one; add the error message of each wrong field to `faults`."""
    values: dict[str, Any] = {}
    for name, reader in readers:
        text = (form[name].data or "").strip()
        try:
            values[name] = reader(text) if text else None
        except InputError as error:
            faults[name] = FAULTS[error.field, error.code]
    if values.get("since") and values.get("until") and values["since"] >= values["until"]:
        faults["until"] = FAULTS["until", "too-early"]
    return values


def read_appeal_id(slug: str | None, faults: dict[str, Any]) -> int | None:
    """Return the id of the chosen appeal, None without one; add an error message to `faults` if it does not exist."""
    appeal = find_appeal(slug) if slug else None
    if slug and appeal is None:
        faults["appeal"] = FAULTS["appeal", "unknown"]
    return None if appeal is None else appeal.id


def read_network(text: str) -> str:
    """Return the keyed digest of a network, in hex. Raises InputError if the text is not such a digest."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) not in (16, 32):
        raise InputError("network", "unknown", "this is no network of the table")
    return digest.hex()


def read_moment(text: str) -> datetime:
    """Return the moment in UTC; without a time zone, the text is local time of this person's section.

    Raises InputError if the text is not a moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("moment", "not-a-moment", "this is no day and hour") from error
    zone = ZoneInfo(own_section().time_zone)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def appeal_choices(slug: str | None) -> dict[str, Any]:
    """Return the template values for choosing an appeal: slugs and headlines, and whether there are more appeals.

    The appeal `slug` is among them even if it is not one of the newest.
    """
    newest = newest_appeals(included_slug=slug or None)
    appeals = [(appeal.slug, appeal.headline_in(current_locale())) for appeal in newest if appeal.languages]
    return {"appeals": appeals, "has_more": len(newest) >= CHOICES}
