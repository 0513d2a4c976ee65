"""the head of the audit log is sealed with a key, so that its end cannot be cut off unseen"""

import sqlalchemy as sa
from alembic import op

from campaign.platform.runtime import runtime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_HEAD = sa.table("audit_head", sa.column("entry_id"), sa.column("seal"), sa.column("digest"))
_ENTRY = sa.table("audit_entry", sa.column("id"), sa.column("digest"))


def upgrade() -> None:
    # As it is found: where the head does not fit its chain, the seal does not, either.
    op.execute("ALTER TABLE audit_head RENAME COLUMN digest TO seal")
    bind = op.get_bind()
    number, digest = bind.execute(sa.select(_HEAD.c.entry_id, _HEAD.c.seal)).one()
    bind.execute(sa.update(_HEAD).values(seal=runtime().vault.head_seal(number, bytes(digest))))


def downgrade() -> None:
    # Entries written meanwhile cannot be verified by the version before: the log is append-only.
    bind = op.get_bind()
    newest = sa.select(_ENTRY.c.digest).order_by(_ENTRY.c.id.desc()).limit(1)
    digest = bind.execute(newest).scalar_one_or_none()
    bind.execute(sa.update(_HEAD).values(seal=bytes(32) if digest is None else digest))
    op.execute("ALTER TABLE audit_head RENAME COLUMN seal TO digest")
