"""The one way by which staff get supporters' names and addresses: for a reason, written down first, within a budget.

Everything that opens one for staff is here, and `disclose` stands before each; a test of the code refuses other ways
(tests/code/test_disclosure_gateway.py). The page in front asks for a fresh log-in.
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
    COUNT_COSTS,
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
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.handover.handover import file_of
from campaign.queries.handover.signatories import Signatory, signatories
from campaign.queries.moderation.moderation import (
    SignerView,
    open_signers,
    own_signatures_of_same_address,
    sample_of,
    signers_found,
)
from campaign.queries.moderation.new_domains import NewDomain, new_domains
from campaign.queries.privacy.subject_access import SubjectAccess, subject_access_of
from campaign.services.abuse.alert import raise_alert
from campaign.services.moderation.invalidate import prepare
from campaign.services.staff.audit import AuditRecord, append

log = logging.getLogger(__name__)

ALERT = "disclosure"


def disclose(
    opened: DisclosureKind,
    subject: str,
    *,
    reason: str,
    context: Context,
    shown: int = 0,
    asked: int = 0,
    files: int = 0,
    more: dict[str, Any] | None = None,
) -> None:
    """Write down that the own section's names or addresses are opened; whoever calls it opens them afterwards.

    `shown` people on a page, or `files`, count against the day's budget, and where nobody is shown what is `asked`.
    Raises InputError (`reason`: `missing`, `too-long`), and BudgetError where the budget is used up; then coordinators
    and administrators are told.
    """
    reason, scope = read_reason(reason), context.actor.member
    context.actor.require(Permission.EDIT)
    with transaction() as session:
        is_within = _spend(session, context, shown or asked, files)
        after = (more or {}) | ({"people": shown} if shown else {}) | ({} if is_within else {"refused": True})
        act = AuditRecord(opened.value, subject, scope.section, after=after or None, reason=reason)
        append(session, act, context=context)
    if not is_within:
        _alert(context)
        raise BudgetError("the day's budget of names and addresses is used up")


def search_signers(*, name: str, address: Address | None, reason: str, context: Context) -> tuple[SignerView, ...]:
    """Return who signed in the own section under that name or address. Raises as `disclose`."""
    read_reason(reason)
    found = signers_found(context.actor.member, context.vault, name=name, address=address)
    disclose(
        DisclosureKind.SEARCH,
        f"section:{context.actor.member.section}",
        shown=len(found),
        asked=1,
        reason=reason,
        context=context,
    )
    return open_signers(found, context.actor.member, context.vault)


def count_signers(criteria: Criteria, appeal_id: int | None, *, reason: str, context: Context) -> int:
    """Begin to count the own section's signatures that an invalidation would concern, and return its id.

    A number of them answers a question about an address, so each spends COUNT_COSTS of the budget; of signatures
    chosen one by one it answers none. Raises InputError (`criteria`), and as `disclose`.
    """
    if criteria.is_empty:
        raise InputError("criteria", "missing", "nothing is chosen by: it would concern everybody")
    asked = [name for name, value in asdict(criteria).items() if value]
    costs = 0 if criteria.asks_nothing else COUNT_COSTS
    disclose(
        DisclosureKind.COUNT,
        f"section:{context.actor.member.section}",
        asked=costs,
        more={"by": asked},
        reason=reason,
        context=context,
    )
    return prepare(criteria, appeal_id, context=context)


def rare_domains(slug: str | None, *, reason: str, context: Context) -> tuple[NewDomain, ...]:
    """Return the own section's new mail domains with those that few people have, each of which is shown as one person.

    Raises as `disclose`.
    """
    found = new_domains(context.actor.member, context.vault, now=context.now, slug=slug, least=1)
    rare = sum(is_small(one.signed) for one in found)
    disclose(
        DisclosureKind.DOMAINS,
        f"section:{context.actor.member.section}",
        shown=rare,
        asked=1,
        reason=reason,
        context=context,
    )
    return found


def preview_signers(invalidation_id: int, *, reason: str, context: Context) -> tuple[SignerView, ...]:
    """Return the first whom an invalidation of the own section concerns. Raises NotFoundError, and as `disclose`."""
    found = sample_of(context.actor.member, invalidation_id)
    disclose(
        DisclosureKind.PREVIEW, f"invalidation:{invalidation_id}", shown=len(found), reason=reason, context=context
    )
    return open_signers(found, context.actor.member, context.vault)


def export_signers(
    appeal_id: int, slug: str, *, only_with_updates: bool, addresses: bool, reason: str, context: Context
) -> Iterator[Signatory]:
    """Return the own section's confirmed signers under the appeal, read piece by piece. Raises as `disclose`."""
    what = {"only_with_updates": only_with_updates, "addresses": addresses}
    disclose(DisclosureKind.EXPORT, f"appeal:{slug}", files=1, more=what, reason=reason, context=context)
    section = context.actor.member.section
    return signatories(appeal_id, section, context.vault, wanting_updates=only_with_updates, with_email=addresses)


def fetch_handover(slug: str, handover_id: int, name: str, *, reason: str, context: Context) -> Iterator[bytes]:
    """Return a file of a list made to be handed over, piece by piece; the caller has found it in the own scope.

    Raises as `disclose`.
    """
    disclose(
        DisclosureKind.HANDOVER,
        f"appeal:{slug}",
        files=1,
        more={"handover": handover_id, "file": name},
        reason=reason,
        context=context,
    )
    return file_of(handover_id, name, context.vault)


def subject_access_for(signature_id: int, *, reason: str, context: Context) -> tuple[SubjectAccess, ...]:
    """Return all that the own section holds under a signature's address, to be printed for whom it belongs to.

    Raises NotFoundError, and as `disclose`.
    """
    own = own_signatures_of_same_address(context.actor.member, context.vault, signature_id)
    disclose(DisclosureKind.HELD, f"signature:{signature_id}", shown=len(own), reason=reason, context=context)
    found = subject_access_of(signature_id, context.vault)
    return tuple(one for one in found if one.signature.section_code == context.actor.member.section)


def _spend(session: Session, context: Context, shown: int, files: int) -> bool:
    """Count it in one conditional statement, so that many pages asked for at once do not go beyond the budget."""
    module = sqlite if session.connection().dialect.name == "sqlite" else postgresql
    day = context.now.astimezone(UTC).date()
    first = module.insert(DisclosureDay).values(
        staff_id=context.actor.member.staff_id, day=day, shown=shown, files=files
    )
    total = {"shown": DisclosureDay.shown + shown, "files": DisclosureDay.files + files}
    within = and_(total["shown"] <= SHOWN_A_DAY, total["files"] <= FILES_A_DAY)
    counted = first.on_conflict_do_update(index_elements=["staff_id", "day"], set_=total, where=within)
    return session.execute(counted.returning(DisclosureDay.staff_id)).first() is not None


def _alert(context: Context) -> None:
    log.error("staff %s has used up the day's budget of names and addresses", context.actor.member.staff_id)

    def words(locale: str) -> dict[str, str]:
        said = budget_used_up(locale, context.actor.member.staff_id)
        return {"subject": said.subject, "text": said.text, "url": f"{context.settings.base_url}/staff/audit"}

    raise_alert(ALERT, 0, words, context=context)
