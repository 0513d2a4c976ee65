"""Which mails of the outbox are due, as SQL, and the statement that takes them under a lease."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    bindparam,
    column,
    func,
    select,
    text,
    true,
    update,
)

from campaign.extensions import UtcDateTime
from campaign.extensions.among import among
from campaign.models import Mail

# The state is written out: SQLite uses a partial index only where the statement names what the index does.
_READY = """mail.state IN ('queued', 'retry') AND mail.due_at <= :now
             AND (mail.lease_until IS NULL OR mail.lease_until < :now)"""
_AT = bindparam("now", type_=UtcDateTime())
# One seek in the index a domain (a loose index scan, which neither database does by itself). No EXISTS: PostgreSQL
# may read all that is due for it, to look the domains up in that.
WALK = (
    text(
        f"""
    WITH RECURSIVE walk(domain, position) AS (
      SELECT min(domain_digest), 1 FROM mail WHERE state IN ('queued', 'retry') AND domain_digest > :after
      UNION ALL
      SELECT (SELECT min(domain_digest) FROM mail WHERE state IN ('queued', 'retry') AND domain_digest > walk.domain),
             walk.position + 1
      FROM walk WHERE walk.domain IS NOT NULL AND walk.position < :domains
    )
    SELECT domain,
      (SELECT 1 FROM mail WHERE mail.domain_digest = walk.domain AND {_READY} LIMIT 1) IS NOT NULL AS is_ready
    FROM walk WHERE domain IS NOT NULL ORDER BY position
    """  # noqa: S608  constants
    )
    .bindparams(_AT)
    .columns(domain=LargeBinary(32), is_ready=Boolean())
)


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
    .where(among(Mail.id, "mails"))
    .values(fence=Mail.fence + 1, lease_until=bindparam("until"))
    .returning(Mail.id, Mail.fence, Mail.domain_digest)
    .execution_options(synchronize_session=False)
)
DUE = _due(bindparam("domain"), bindparam("most"))
DUE_OF_EACH = _due_of_each()
