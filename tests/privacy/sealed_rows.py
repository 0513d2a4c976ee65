"""Rows with sealed values about a person, for each table, and the action that erases each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.offline.paper_sheet import TypedRow, read_rows
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_handover, at_link_request
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Scope
from campaign.models import (
    HandoverPart,
    Invalidation,
    LinkRequest,
    Mail,
    SheetRow,
)
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.handover.handover import handovers
from campaign.services.delivery.failed_mail import FailedMailFilter
from campaign.services.delivery.failed_mail import drop as drop_mails
from campaign.services.handover.handover import make_handover, queue_handover
from campaign.services.moderation.invalidate import add_invalidation, drop
from campaign.services.offline.bulk_entry import undo
from campaign.services.offline.paper_sheet import SheetEntry, enter_sheet, sign_sheet_rows
from campaign.services.outbox.notice import Notice
from campaign.services.outbox.refused_recipients import RefusedRecipients
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.new_link import answer_link_requests, request_new_links
from campaign.services.signing.own_letter import mail_own_letter
from campaign.services.signing.withdraw import erase, set_sharing
from tests.conftest import DAY, START, context
from tests.signing.signatures import sign_and_confirm

ADDRESS = parse_address("jeanne@mail.example")


@dataclass(frozen=True)
class SealedValue:
    """A value sealed in a row: how to open it, its content, and what erases the row."""

    sealed: bytes
    open: Callable[[Vault, bytes], str]
    says: str
    erase: Callable[[], object]


@dataclass(frozen=True)
class Site:
    """The parts of the application that the cases below need."""

    appeal: AppealView
    deliver: Callable[[], dict[str, int]]
    scope: Scope


def value(column: Any) -> bytes:
    """Return the only value of that column."""
    found = db.session.scalars(select(column).where(column.is_not(None))).one()
    db.session.rollback()
    return bytes(found)


def row_of(model: Any) -> Any:
    """Return the newest row of that model."""
    found = db.session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()
    db.session.expunge_all()
    db.session.rollback()
    return found


def an_address_that_asked_for_links(site: Site) -> SealedValue:
    request_new_links(ADDRESS, context=context(actor=SUPPORTER))
    return SealedValue(
        value(LinkRequest.email_sealed),
        lambda vault, sealed: vault.open_email(sealed, at_link_request()),
        str(ADDRESS),
        lambda: answer_link_requests(context=context()),
    )


def an_address_that_asked_for_links_of_no_worker(site: Site) -> SealedValue:
    return replace(an_address_that_asked_for_links(site), erase=lambda: prune(START + 2 * DAY))


def a_list_made(site: Site) -> tuple[int, SealedValue]:
    at = runtime()
    signature_id = sign_and_confirm(site.appeal, "Jeanne Martin", str(ADDRESS))
    set_sharing(signature_id, is_wanted=True, context=context(actor=SUPPORTER))
    number = queue_handover(
        site.appeal, language="en", target=1, reason="For the meeting", context=context(START, staff_actor(site.scope))
    )
    assert make_handover(number, clock=at.clock, context=context())
    names = next(name for name in handovers(site.scope, site.appeal.id)[0].files if name.endswith(".csv"))
    sealed = db.session.scalars(select(HandoverPart.content_sealed).where(HandoverPart.name == names)).one()
    db.session.rollback()
    return signature_id, SealedValue(
        bytes(sealed),
        lambda vault, sealed: vault.open_file(sealed, at_handover(number, names)).decode(),
        "Jeanne Martin",
        lambda: prune(START + 8 * DAY),
    )


def a_list_whose_days_are_over(site: Site) -> SealedValue:
    return a_list_made(site)[1]


def a_list_with_somebody_who_erased(site: Site) -> SealedValue:
    signature_id, held = a_list_made(site)
    return replace(held, erase=lambda: erase(signature_id, context=context(actor=SUPPORTER)))


def a_list_with_somebody_who_left(site: Site) -> SealedValue:
    signature_id, held = a_list_made(site)
    return replace(held, erase=lambda: set_sharing(signature_id, is_wanted=False, context=context(actor=SUPPORTER)))


def a_row_signed_up(site: Site) -> SealedValue:
    at = runtime()
    rows = [TypedRow(1, "Jeanne Martin", str(ADDRESS), "FR", "y")]
    entered = SheetEntry(read_rows(rows, "FR", ("en",)), START.date(), "Stall", "", "en")
    enter_sheet(
        site.appeal.slug, entered, context=context(START, staff_actor(site.scope)), is_sure=True, is_again=False
    )
    place = place_of(row_of(SheetRow))
    return SealedValue(
        value(SheetRow.email_sealed),
        lambda vault, sealed: vault.open_email(sealed, place),
        str(ADDRESS),
        lambda: sign_sheet_rows(context=context(), addressees=RefusedRecipients(at.settings)),
    )


def a_row_of_somebody_who_erased(site: Site) -> SealedValue:
    signature_id = sign_and_confirm(site.appeal, "Jeanne Martin", str(ADDRESS))
    held = a_row_signed_up(site)
    return replace(held, erase=lambda: erase(signature_id, context=context(actor=SUPPORTER)))


def a_row_of_a_sheet_undone(site: Site) -> SealedValue:
    held = a_row_signed_up(site)
    entry = row_of(SheetRow).bulk_entry_id
    return replace(held, erase=lambda: undo(site.appeal.slug, entry, context=context(START, staff_actor(site.scope))))


def whom_a_mail_to_staff_went_to(site: Site) -> SealedValue:
    with transaction() as session:
        notice = Notice(MailKind.STAFF_ALERT, ADDRESS, "Look", "At this", "", "en")
        notice.write(session.connection(), context=context())
    place = place_of(row_of(Mail))
    return SealedValue(
        value(Mail.recipient_sealed),
        lambda vault, sealed: vault.open_email(sealed, place),
        str(ADDRESS),
        site.deliver,
    )


def what_a_mail_to_staff_said(site: Site) -> SealedValue:
    held = whom_a_mail_to_staff_went_to(site)
    place = place_of(row_of(Mail))
    return replace(
        held,
        sealed=value(Mail.context_sealed),
        open=lambda vault, sealed: vault.open_context(sealed, place),
        says="At this",
    )


def whom_a_mail_given_up_was_to(site: Site) -> SealedValue:
    held = whom_a_mail_to_staff_went_to(site)
    with transaction() as session:
        session.execute(update(Mail).values(state=MailState.DEAD.value))
    return replace(held, erase=lambda: drop_mails(FailedMailFilter(), context=context()))


def whom_a_mail_never_sent_was_to(site: Site) -> SealedValue:
    return replace(whom_a_mail_given_up_was_to(site), erase=lambda: prune(START + 36 * DAY))


def a_letter_in_own_words(site: Site) -> SealedValue:
    signature_id = sign_and_confirm(site.appeal, "Jeanne Martin", str(ADDRESS))
    site.deliver()
    mail_own_letter(signature_id, "My own words", context=context(actor=SUPPORTER))
    own = select(Mail).where(Mail.kind == MailKind.OWN_LETTER)
    mail = db.session.scalars(own).one()
    place, sealed = place_of(mail), bytes(mail.context_sealed or b"")
    db.session.rollback()
    return SealedValue(
        sealed,
        lambda vault, sealed: vault.open_context(sealed, place),
        "My own words",
        lambda: delivered_and_erased(site, signature_id),
    )


def delivered_and_erased(site: Site, signature_id: int) -> None:
    site.deliver()
    erase(signature_id, context=context(actor=SUPPORTER))


def what_staff_chose_by(site: Site) -> SealedValue:
    number = add_invalidation(Criteria(pattern="jeanne@*"), None, context=context(START, staff_actor(site.scope)))
    place = place_of(row_of(Invalidation))
    return SealedValue(
        value(Invalidation.criteria_sealed),
        lambda vault, sealed: vault.open_context(sealed, place),
        "jeanne@*",
        lambda: drop(number, context=context(START, staff_actor(site.scope))),
    )


def what_staff_chose_by_long_ago(site: Site) -> SealedValue:
    return replace(what_staff_chose_by(site), erase=lambda: prune(START + 31 * DAY))


CASES = [
    *(an_address_that_asked_for_links, an_address_that_asked_for_links_of_no_worker),
    *(a_list_whose_days_are_over, a_list_with_somebody_who_erased, a_list_with_somebody_who_left),
    *(a_row_signed_up, a_row_of_somebody_who_erased, a_row_of_a_sheet_undone),
    *(whom_a_mail_to_staff_went_to, what_a_mail_to_staff_said),
    *(whom_a_mail_given_up_was_to, whom_a_mail_never_sent_was_to, a_letter_in_own_words),
    *(what_staff_chose_by, what_staff_chose_by_long_ago),
]


def prune(now: datetime) -> None:
    purge_expired(may_continue=lambda: True, context=context(now))
