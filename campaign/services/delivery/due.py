"""The SQL statements that find the due mails of the outbox, and the statement that leases them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    bindparam,
    column,
    func,
    literal_column,
    select,
    text,
    true,
    update,
)

from campaign.models import Mail
from campaign.platform import UtcDateTime
from campaign.platform.database.any_of_ids import any_of_ids

# The states are literals: SQLite uses a partial index only where the statement repeats the condition of the index.
_QUEUED = "mail.state IN ('queued', 'retry')"
_READY = f"{_QUEUED} AND mail.due_at <= :now AND (mail.lease_until IS NULL OR mail.lease_until < :now)"
_NOW = bindparam("now", type_=UtcDateTime())
_ONE: ColumnElement[int] = literal_column("1")


def _walk() -> Select[bytes, bool]:
    """Return the query for the next domains with mails in the queue, and whether any of theirs is due.

    It costs one seek in the index for each domain (a loose index scan, which neither database does by itself).
    """

    def domain_after(domain: ColumnElement[Any]) -> ColumnElement[Any]:
        # Not min(): PostgreSQL has it for bytea only from 18 on.
        following = select(Mail.domain_digest).where(text(_QUEUED), Mail.domain_digest > domain)
        return following.order_by(Mail.domain_digest).limit(_ONE).scalar_subquery()

    walk = select(domain_after(bindparam("after")).label("domain"), _ONE.label("position")).cte("walk", recursive=True)
    goes_on = walk.c.domain.is_not(None), walk.c.position < bindparam("domains")
    walk = walk.union_all(select(domain_after(walk.c.domain), walk.c.position + _ONE).where(*goes_on))
    # Not EXISTS: for it PostgreSQL may read all due mails, and look the domains up among them. Ordered, or it may read
    # the table from its start until it meets a row.
    ready = select(_ONE).where(Mail.domain_digest == walk.c.domain, text(_READY).bindparams(_NOW))
    is_ready = ready.order_by(Mail.due_at).limit(_ONE).scalar_subquery().is_not(None).label("is_ready")
    return select(walk.c.domain, is_ready).where(walk.c.domain.is_not(None)).order_by(walk.c.position)


def _due(domain: ColumnElement[Any], most: ColumnElement[Any]) -> Select[int]:
    """Return the query for the ids of the first due mails of a domain, which it locks."""
    return (
        select(Mail.id)
        .where(Mail.domain_digest == domain, text(_READY).bindparams(_NOW))
        .order_by(Mail.due_at, Mail.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )


def _due_of_each() -> Select[int]:
    """Return the same query for many domains at once, in their order."""
    domains, most = bindparam("domains", type_=ARRAY(LargeBinary)), bindparam("most", type_=ARRAY(Integer))
    quotas = (
        func.unnest(domains, most)
        .table_valued(column("domain", LargeBinary), column("most", Integer), with_ordinality="place")
        .render_derived(name="quotas")
    )
    due = _due(quotas.c.domain, quotas.c.most).lateral()
    return select(due.c.id).select_from(quotas.join(due, true())).order_by(quotas.c.place)


LEASED = (
    update(Mail)
    .where(any_of_ids(Mail.id, "mails"))
    .values(fence=Mail.fence + 1, lease_until=bindparam("until"))
    .returning(Mail.id, Mail.fence, Mail.domain_digest)
    .execution_options(synchronize_session=False)
)
WALK = _walk()
DUE = _due(bindparam("domain"), bindparam("most"))
DUE_OF_EACH = _due_of_each()
