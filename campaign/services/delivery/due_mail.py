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

# The states are literals: SQLite uses a partial index only where the statement repeats the condition of the index.
_IN_QUEUE = "mail.state IN ('queued', 'retry')"
_IS_DUE = f"{_IN_QUEUE} AND mail.due_at <= :now AND (mail.lease_until IS NULL OR mail.lease_until < :now)"
_NOW = bindparam("now", type_=UtcDateTime())
_ONE: ColumnElement[int] = literal_column("1")


def _next_domains() -> Select[bytes, bool]:
    """Return the query for the next domains with queued mails, each with whether any of them is due.

    It costs one seek in the index for each domain (a loose index scan, which neither database does by itself).
    """

    def domain_after(domain: ColumnElement[Any]) -> ColumnElement[Any]:
        # Not min(): PostgreSQL has it for bytea only from 18 on.
        next_domain = select(Mail.domain_digest).where(text(_IN_QUEUE), Mail.domain_digest > domain)
        return next_domain.order_by(Mail.domain_digest).limit(_ONE).scalar_subquery()

    domains = select(domain_after(bindparam("after")).label("domain"), _ONE.label("position")).cte(
        "walk", recursive=True
    )
    has_next = domains.c.domain.is_not(None), domains.c.position < bindparam("domains")
    domains = domains.union_all(select(domain_after(domains.c.domain), domains.c.position + _ONE).where(*has_next))
    # Not EXISTS, for which PostgreSQL may read all due mails. Without the order, it might read the table from its start
    # until it finds a row.
    due = select(_ONE).where(Mail.domain_digest == domains.c.domain, text(_IS_DUE).bindparams(_NOW))
    is_due = due.order_by(Mail.due_at).limit(_ONE).scalar_subquery().is_not(None).label("is_ready")
    return select(domains.c.domain, is_due).where(domains.c.domain.is_not(None)).order_by(domains.c.position)


def _due_mails(domain: ColumnElement[Any], most: ColumnElement[Any]) -> Select[int]:
    """Return the query that locks the first due mails of a domain and returns their ids."""
    return (
        select(Mail.id)
        .where(Mail.domain_digest == domain, text(_IS_DUE).bindparams(_NOW))
        .order_by(Mail.due_at, Mail.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )


def _due_mails_of_domains() -> Select[int]:
    """Return the same query for many domains at once; the ids come in the order of the domains."""
    domains, most = bindparam("domains", type_=ARRAY(LargeBinary)), bindparam("most", type_=ARRAY(Integer))
    quotas = (
        func.unnest(domains, most)
        .table_valued(column("domain", LargeBinary), column("most", Integer), with_ordinality="place")
        .render_derived(name="quotas")
    )
    due_mails = _due_mails(quotas.c.domain, quotas.c.most).lateral()
    return select(due_mails.c.id).select_from(quotas.join(due_mails, true())).order_by(quotas.c.place)


LEASE_MAILS = (
    update(Mail)
    .where(Mail.id.in_(bindparam("mails", expanding=True)))
    .values(fence=Mail.fence + 1, lease_until=bindparam("until"))
    .returning(Mail.id, Mail.fence, Mail.domain_digest)
    .execution_options(synchronize_session=False)
)
NEXT_DOMAINS = _next_domains()
DUE_MAILS = _due_mails(bindparam("domain"), bindparam("most"))
DUE_MAILS_OF_DOMAINS = _due_mails_of_domains()
