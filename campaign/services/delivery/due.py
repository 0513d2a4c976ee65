"""Which mails of the outbox are due, as SQL, and the statement that takes them under a lease."""

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

# The state is written out: SQLite uses a partial index only where the statement names what the index does.
_QUEUED = "mail.state IN ('queued', 'retry')"
_READY = f"{_QUEUED} AND mail.due_at <= :now AND (mail.lease_until IS NULL OR mail.lease_until < :now)"
_AT = bindparam("now", type_=UtcDateTime())
_ONE: ColumnElement[int] = literal_column("1")


def _walk() -> Select[bytes, bool]:
    """The next domains with anything in the queue, one seek in the index for each (a loose index scan, which neither
    database does by itself), and whether something of theirs is due.
    """

    def behind(domain: ColumnElement[Any]) -> ColumnElement[Any]:
        # No min(): PostgreSQL has one for bytea from 18 on.
        found = select(Mail.domain_digest).where(text(_QUEUED), Mail.domain_digest > domain)
        return found.order_by(Mail.domain_digest).limit(_ONE).scalar_subquery()

    walk = select(behind(bindparam("after")).label("domain"), _ONE.label("position")).cte("walk", recursive=True)
    goes_on = walk.c.domain.is_not(None), walk.c.position < bindparam("domains")
    walk = walk.union_all(select(behind(walk.c.domain), walk.c.position + _ONE).where(*goes_on))
    # No EXISTS: PostgreSQL may read all that is due for it, to look the domains up in that. In an order, or it may read
    # the table from its start until it meets one.
    ready = select(_ONE).where(Mail.domain_digest == walk.c.domain, text(_READY).bindparams(_AT))
    is_ready = ready.order_by(Mail.due_at).limit(_ONE).scalar_subquery().is_not(None).label("is_ready")
    return select(walk.c.domain, is_ready).where(walk.c.domain.is_not(None)).order_by(walk.c.position)


def _due(domain: ColumnElement[Any], most: ColumnElement[Any]) -> Select[int]:
    """The first due mails of a domain."""
    return (
        select(Mail.id)
        .where(Mail.domain_digest == domain, text(_READY).bindparams(_AT))
        .order_by(Mail.due_at, Mail.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )


def _due_of_each() -> Select[int]:
    """The same for many domains, at once and in their order."""
    domains, most = bindparam("domains", type_=ARRAY(LargeBinary)), bindparam("most", type_=ARRAY(Integer))
    asked = (
        func.unnest(domains, most)
        .table_valued(column("domain", LargeBinary), column("most", Integer), with_ordinality="place")
        .render_derived(name="asked")
    )
    found = _due(asked.c.domain, asked.c.most).lateral()
    return select(found.c.id).select_from(asked.join(found, true())).order_by(asked.c.place)


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
