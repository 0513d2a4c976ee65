"""Rows with sealed values about a person, for each table, and the function that erases each value."""

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
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.consents import set_sharing
from campaign.services.signing.erase import erase
from campaign.services.signing.new_link import answer_link_requests, request_new_links
from campaign.services.signing.own_letter import mail_own_letter
from tests.conftest import DAY, START, context
from tests.signing.signatures import sign_and_confirm

ADDRESS = parse_address("jeanne@mail.example")


@dataclass(frozen=True)
class SealedValue:
    """A sealed value of a row: the function that opens it, its content, and the function that erases it."""

    sealed: bytes
    open: Callable[[Vault, bytes], str]
    content: str
    erase: Callable[[], object]


@dataclass(frozen=True)
class SealedRowSite:
    """The parts of the application that the cases below need."""

    appeal: AppealView
    deliver: Callable[[], dict[str, int]]
    scope: Scope


def only_value(column: Any) -> bytes:
    """Return the only value of that column."""
    found = db.session.scalars(select(column).where(column.is_not(None))).one()
    db.session.rollback()
    return bytes(found)


def newest_row(model: Any) -> Any:
    """Return the newest row of that model."""
    found = db.session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()
    db.session.expunge_all()
    db.session.rollback()
    return found


def answered_link_request(row_site: SealedRowSite) -> SealedValue:
    request_new_links(ADDRESS, context=context(actor=SUPPORTER))
    return SealedValue(
        only_value(LinkRequest.email_sealed),
        lambda vault, sealed: vault.open_email(sealed, at_link_request()),
        str(ADDRESS),
        lambda: answer_link_requests(context=context()),
    )


def unanswered_link_request(row_site: SealedRowSite) -> SealedValue:
    return replace(answered_link_request(row_site), erase=lambda: purge(START + 2 * DAY))


def finished_handover(row_site: SealedRowSite) -> tuple[int, SealedValue]:
    app_runtime = runtime()
    signature_id = sign_and_confirm(row_site.appeal, "Jeanne Martin", str(ADDRESS))
    set_sharing(signature_id, is_wanted=True, context=context(actor=SUPPORTER))
    number = queue_handover(
        row_site.appeal,
        language="en",
        target=1,
        reason="For the meeting",
        context=context(START, staff_actor(row_site.scope)),
    )
    assert make_handover(number, clock=app_runtime.clock, context=context())
    names = next(name for name in handovers(row_site.scope, row_site.appeal.id)[0].files if name.endswith(".csv"))
    sealed = db.session.scalars(select(HandoverPart.content_sealed).where(HandoverPart.name == names)).one()
    db.session.rollback()
    return signature_id, SealedValue(
        bytes(sealed),
        lambda vault, sealed: vault.open_file(sealed, at_handover(number, names)).decode(),
        "Jeanne Martin",
        lambda: purge(START + 8 * DAY),
    )


def expired_handover(row_site: SealedRowSite) -> SealedValue:
    return finished_handover(row_site)[1]


def handover_with_erased_signer(row_site: SealedRowSite) -> SealedValue:
    signature_id, value_of_row = finished_handover(row_site)
    return replace(value_of_row, erase=lambda: erase(signature_id, context=context(actor=SUPPORTER)))


def handover_with_withdrawn_signer(row_site: SealedRowSite) -> SealedValue:
    signature_id, value_of_row = finished_handover(row_site)
    return replace(
        value_of_row, erase=lambda: set_sharing(signature_id, is_wanted=False, context=context(actor=SUPPORTER))
    )


def signed_up_sheet_row(row_site: SealedRowSite) -> SealedValue:
    app_runtime = runtime()
    rows = [TypedRow(1, "Jeanne Martin", str(ADDRESS), "FR", "y")]
    entered = SheetEntry(read_rows(rows, "FR", ("en",)), START.date(), "Stall", "", "en")
    enter_sheet(
        row_site.appeal.slug, entered, context=context(START, staff_actor(row_site.scope)), is_sure=True, is_again=False
    )
    place = place_of(newest_row(SheetRow))
    return SealedValue(
        only_value(SheetRow.email_sealed),
        lambda vault, sealed: vault.open_email(sealed, place),
        str(ADDRESS),
        lambda: sign_sheet_rows(context=context(), target_mailboxes=TargetMailboxes(app_runtime.settings)),
    )


def sheet_row_of_erased_signer(row_site: SealedRowSite) -> SealedValue:
    signature_id = sign_and_confirm(row_site.appeal, "Jeanne Martin", str(ADDRESS))
    value_of_row = signed_up_sheet_row(row_site)
    return replace(value_of_row, erase=lambda: erase(signature_id, context=context(actor=SUPPORTER)))


def row_of_undone_sheet(row_site: SealedRowSite) -> SealedValue:
    value_of_row = signed_up_sheet_row(row_site)
    entry = newest_row(SheetRow).bulk_entry_id
    return replace(
        value_of_row,
        erase=lambda: undo(row_site.appeal.slug, entry, context=context(START, staff_actor(row_site.scope))),
    )


def recipient_of_staff_mail(row_site: SealedRowSite) -> SealedValue:
    with transaction() as session:
        notice = Notice(MailKind.STAFF_ALERT, ADDRESS, "Look", "At this", "", "en")
        notice.write(session.connection(), context=context())
    place = place_of(newest_row(Mail))
    return SealedValue(
        only_value(Mail.recipient_sealed),
        lambda vault, sealed: vault.open_email(sealed, place),
        str(ADDRESS),
        row_site.deliver,
    )


def content_of_staff_mail(row_site: SealedRowSite) -> SealedValue:
    value_of_row = recipient_of_staff_mail(row_site)
    place = place_of(newest_row(Mail))
    return replace(
        value_of_row,
        sealed=only_value(Mail.context_sealed),
        open=lambda vault, sealed: vault.open_context(sealed, place),
        content="At this",
    )


def recipient_of_failed_mail(row_site: SealedRowSite) -> SealedValue:
    value_of_row = recipient_of_staff_mail(row_site)
    with transaction() as session:
        session.execute(update(Mail).values(state=MailState.DEAD.value))
    return replace(value_of_row, erase=lambda: drop_mails(FailedMailFilter(), context=context()))


def recipient_of_unsent_mail(row_site: SealedRowSite) -> SealedValue:
    return replace(recipient_of_failed_mail(row_site), erase=lambda: purge(START + 36 * DAY))


def own_letter(row_site: SealedRowSite) -> SealedValue:
    signature_id = sign_and_confirm(row_site.appeal, "Jeanne Martin", str(ADDRESS))
    row_site.deliver()
    mail_own_letter(signature_id, "My own words", context=context(actor=SUPPORTER))
    own = select(Mail).where(Mail.kind == MailKind.OWN_LETTER)
    mail = db.session.scalars(own).one()
    place, sealed = place_of(mail), bytes(mail.context_sealed or b"")
    db.session.rollback()
    return SealedValue(
        sealed,
        lambda vault, sealed: vault.open_context(sealed, place),
        "My own words",
        lambda: deliver_and_erase(row_site, signature_id),
    )


def deliver_and_erase(row_site: SealedRowSite, signature_id: int) -> None:
    row_site.deliver()
    erase(signature_id, context=context(actor=SUPPORTER))


def invalidation_criteria(row_site: SealedRowSite) -> SealedValue:
    number = add_invalidation(Criteria(pattern="jeanne@*"), None, context=context(START, staff_actor(row_site.scope)))
    place = place_of(newest_row(Invalidation))
    return SealedValue(
        only_value(Invalidation.criteria_sealed),
        lambda vault, sealed: vault.open_context(sealed, place),
        "jeanne@*",
        lambda: drop(number, context=context(START, staff_actor(row_site.scope))),
    )


def expired_invalidation_criteria(row_site: SealedRowSite) -> SealedValue:
    return replace(invalidation_criteria(row_site), erase=lambda: purge(START + 31 * DAY))


CASES = [
    *(answered_link_request, unanswered_link_request),
    *(expired_handover, handover_with_erased_signer, handover_with_withdrawn_signer),
    *(signed_up_sheet_row, sheet_row_of_erased_signer, row_of_undone_sheet),
    *(recipient_of_staff_mail, content_of_staff_mail),
    *(recipient_of_failed_mail, recipient_of_unsent_mail, own_letter),
    *(invalidation_criteria, expired_invalidation_criteria),
]


def purge(now: datetime) -> None:
    purge_expired(may_continue=lambda: True, context=context(now))
