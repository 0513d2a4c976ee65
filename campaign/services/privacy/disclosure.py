"""The gateway through which staff see supporters' names and addresses: with a reason, and within a daily budget.

Every function that decrypts them for staff is in this module and calls `disclose` first, which a test of the code
checks (tests/code/test_disclosure_gateway.py). The pages require a fresh log-in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC
from typing import Any

from sqlalchemy import and_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.domain.counting.small_cells import is_small
from campaign.domain.errors import InputError
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.privacy.disclosure import (
    COUNT_COST,
    FILES_A_DAY,
    SHOWN_A_DAY,
    BudgetError,
    DisclosureKind,
    read_reason,
)
from campaign.domain.signing.address import Address
from campaign.domain.staff.roles import Permission
from campaign.mail.messages.staff_texts import budget_used_up
from campaign.models import DisclosureDay
from campaign.models.abuse.abuse import ALL_APPEALS
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.handover.handover import file_of
from campaign.queries.handover.signatories import Signatory, signatories
from campaign.queries.moderation.moderation import (
    SignerView,
    find_signer_ids,
    open_signers,
    own_signatures_of_same_address,
    sample_of,
)
from campaign.queries.moderation.new_domains import NewDomain, new_domains
from campaign.queries.privacy.subject_access import SubjectAccess, subject_access_of
from campaign.services.abuse.alert import raise_alert
from campaign.services.moderation.invalidate import add_invalidation
from campaign.services.staff.audit import AuditRecord, append

log = logging.getLogger(__name__)

ALERT = "disclosure"


def disclose(
    kind: DisclosureKind,
    subject: str,
    *,
    reason: str,
    context: Context,
    shown: int = 0,
    empty_cost: int = 0,
    files: int = 0,
    details: dict[str, Any] | None = None,
) -> None:
    """Store in the audit log that names or addresses of the own section are disclosed; the caller decrypts afterwards.

    The number of people `shown` and of `files` count against the day's budget. Where no person is shown, `empty_cost`
    counts instead. Raises InputError (`reason`: `missing`, `too-long`), and BudgetError where the budget is used up;
    then coordinators and administrators get an alert.
    """
    reason, scope = read_reason(reason), context.actor.staff_scope
    context.actor.require(Permission.EDIT)
    with transaction() as session:
        is_within = _spend(session, context, shown or empty_cost, files)
        after = (details or {}) | ({"people": shown} if shown else {}) | ({} if is_within else {"refused": True})
        record = AuditRecord(kind.value, subject, scope.section, after=after or None, reason=reason)
        append(session, record, context=context)
    if not is_within:
        _alert(context)
        raise BudgetError("the day's budget of names and addresses is used up")


def search_signers(*, name: str, address: Address | None, reason: str, context: Context) -> tuple[SignerView, ...]:
    """Return the signers of the own section with that name or address. Raises the errors of `disclose`."""
    read_reason(reason)
    signers = find_signer_ids(context.actor.staff_scope, context.vault, name=name, address=address)
    disclose(
        DisclosureKind.SEARCH,
        f"section:{context.actor.staff_scope.section}",
        shown=len(signers),
        empty_cost=1,
        reason=reason,
        context=context,
    )
    return open_signers(signers, context.actor.staff_scope, context.vault)


def count_signers(criteria: Criteria, appeal_id: int | None, *, reason: str, context: Context) -> int:
    """Begin to count the own section's signatures that an invalidation would concern, and return its id.

    The number may reveal something about an address, so each count spends COUNT_COST of the budget, unless the
    signatures are chosen one by one. Raises InputError (`criteria`), and the errors of `disclose`.
    """
    if criteria.is_empty:
        raise InputError("criteria", "missing", "nothing is chosen by: it would concern everybody")
    criteria_names = [name for name, value in asdict(criteria).items() if value]
    cost = 0 if criteria.selects_ids_only else COUNT_COST
    disclose(
        DisclosureKind.COUNT,
        f"section:{context.actor.staff_scope.section}",
        empty_cost=cost,
        details={"by": criteria_names},
        reason=reason,
        context=context,
    )
    return add_invalidation(criteria, appeal_id, context=context)


def rare_domains(slug: str | None, *, reason: str, context: Context) -> tuple[NewDomain, ...]:
    """Return the own section's new mail domains, including those that few people have.

    Each of those counts as one person shown. Raises the errors of `disclose`.
    """
    domains = new_domains(context.actor.staff_scope, context.vault, now=context.now, slug=slug, least=1)
    rare_count = sum(is_small(domain.signed) for domain in domains)
    disclose(
        DisclosureKind.DOMAINS,
        f"section:{context.actor.staff_scope.section}",
        shown=rare_count,
        empty_cost=1,
        reason=reason,
        context=context,
    )
    return domains


def preview_signers(invalidation_id: int, *, reason: str, context: Context) -> tuple[SignerView, ...]:
    """Return the first signers that an invalidation of the own section concerns.

    Raises NotFoundError, and the errors of `disclose`.
    """
    sample = sample_of(context.actor.staff_scope, invalidation_id)
    disclose(
        DisclosureKind.PREVIEW, f"invalidation:{invalidation_id}", shown=len(sample), reason=reason, context=context
    )
    return open_signers(sample, context.actor.staff_scope, context.vault)


def export_signers(
    appeal_id: int, slug: str, *, only_with_updates: bool, addresses: bool, reason: str, context: Context
) -> Iterator[Signatory]:
    """Return the own section's confirmed signers of the appeal, read piece by piece.

    Raises the errors of `disclose`.
    """
    options = {"only_with_updates": only_with_updates, "addresses": addresses}
    disclose(DisclosureKind.EXPORT, f"appeal:{slug}", files=1, details=options, reason=reason, context=context)
    section = context.actor.staff_scope.section
    return signatories(appeal_id, section, context.vault, wanting_updates=only_with_updates, with_email=addresses)


def fetch_handover(slug: str, handover_id: int, name: str, *, reason: str, context: Context) -> Iterator[bytes]:
    """Return a file of a list to hand over, piece by piece; the caller has checked that it is in the own scope.

    Raises the errors of `disclose`.
    """
    disclose(
        DisclosureKind.HANDOVER,
        f"appeal:{slug}",
        files=1,
        details={"handover": handover_id, "file": name},
        reason=reason,
        context=context,
    )
    return file_of(handover_id, name, context.vault)


def subject_access_for(signature_id: int, *, reason: str, context: Context) -> tuple[SubjectAccess, ...]:
    """Return the data that the own section has stored for a signature's address, to be printed for the data subject.

    Raises NotFoundError, and the errors of `disclose`.
    """
    signatures = own_signatures_of_same_address(context.actor.staff_scope, context.vault, signature_id)
    disclose(
        DisclosureKind.SUBJECT_ACCESS,
        f"signature:{signature_id}",
        shown=len(signatures),
        reason=reason,
        context=context,
    )
    data = subject_access_of(signature_id, context.vault)
    return tuple(record for record in data if record.signature.section_code == context.actor.staff_scope.section)


def _spend(session: Session, context: Context, shown: int, files: int) -> bool:
    """Count the disclosure and return whether it is within the budget.

    One conditional statement does both, so that concurrent requests cannot exceed the budget.
    """
    module = sqlite if session.connection().dialect.name == "sqlite" else postgresql
    day = context.now.astimezone(UTC).date()
    inserted = module.insert(DisclosureDay).values(
        staff_id=context.actor.staff_scope.staff_id, day=day, shown=shown, files=files
    )
    totals = {"shown": DisclosureDay.shown + shown, "files": DisclosureDay.files + files}
    within_budget = and_(totals["shown"] <= SHOWN_A_DAY, totals["files"] <= FILES_A_DAY)
    statement = inserted.on_conflict_do_update(index_elements=["staff_id", "day"], set_=totals, where=within_budget)
    return session.execute(statement.returning(DisclosureDay.staff_id)).first() is not None


def _alert(context: Context) -> None:
    """Log that a budget is used up, and alert the coordinators and administrators."""
    log.error("staff %s has used up the day's budget of names and addresses", context.actor.staff_scope.staff_id)

    def alert_text(locale: str) -> dict[str, str]:
        message = budget_used_up(locale, context.actor.staff_scope.staff_id)
        return {"subject": message.subject, "text": message.text, "url": f"{context.settings.base_url}/staff/audit"}

    raise_alert(ALERT, ALL_APPEALS, alert_text, context=context)
