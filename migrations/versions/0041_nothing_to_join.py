"""nothing in the tables joins a form that anybody may have sent with a signature

Digests of domains and networks begin anew under the key of a month; what is there is let go. Going down brings back
empty columns.
"""

import base64
import json

import sqlalchemy as sa
from alembic import op

from campaign.domain.privacy.sealed_place import at_sign_up
from campaign.platform.runtime import runtime

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_CUT = {
    "sqlite": "strftime('%Y-%m-%d %H:00:00.000000', {0})",
    "postgresql": "date_trunc('hour', {0}, 'UTC')",
}
_TIMES = {"signature": ("signed_at", "confirmed_at", "ended_at"), "consent": ("given_at",), "action": ("counted_at",)}
_FORM = sa.table(
    "sign_up",
    *(sa.column(name) for name in ("id", "appeal_id", "address_digest", "content_digest", "link_key")),
    *(sa.column(name) for name in ("country", "via", "origin_sealed")),
)
_MESSAGE = "message_id IS NOT NULL"
_NAMED = "name_digest IS NOT NULL"
_UNNAMED = "name_digest IS NULL AND name_sealed IS NOT NULL"
_VIA = "via IS NOT NULL"
_DOMAIN, _NETWORK = "domain_digest IS NOT NULL", "network_digest IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "month_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_month_key")),
    )
    op.add_column("row_key", sa.Column("expires_on", sa.Date(), nullable=True))
    _seal_origins()
    for name in ("ix_signature_appeal_id_via", "ix_signature_name_digest", "ix_signature_unindexed"):
        op.drop_index(name, "signature")
    op.drop_index("ix_signature_network", "signature")
    for name in ("via", "name_digest"):
        op.drop_column("signature", name)
    op.execute("UPDATE signature SET network_digest = NULL, domain_digest = NULL")
    _index("ix_signature_domain", "signature", ["signed_at"], _DOMAIN)
    cut = _CUT[op.get_bind().dialect.name]
    for table, names in _TIMES.items():
        op.execute(f"UPDATE {table} SET " + ", ".join(f"{name} = {cut.format(name)}" for name in names))
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as mail:
        mail.alter_column("message_id", existing_type=sa.String(), nullable=True)
    _index("ix_mail_message_id", "mail", ["created_at"], _MESSAGE)


def _seal_origins() -> None:
    bind, vault = op.get_bind(), runtime().vault
    op.add_column("sign_up", sa.Column("origin_sealed", sa.LargeBinary(), nullable=True))
    for row in bind.execute(sa.select(_FORM)).all():
        place = at_sign_up(row.appeal_id, bytes(row.content_digest), bytes(row.link_key))
        sealed = vault.seal_origin(json.dumps([row.country, row.via, _whose(bytes(row.address_digest))]), place)
        bind.execute(sa.update(_FORM).where(_FORM.c.id == row.id).values(origin_sealed=sealed))
    op.execute("UPDATE sign_up SET network_digest = NULL, domain_digest = NULL")
    with op.batch_alter_table("sign_up") as form:
        form.alter_column("origin_sealed", existing_type=sa.LargeBinary(), nullable=False)
        form.drop_column("country")
        form.drop_column("via")


def downgrade() -> None:
    op.drop_index("ix_mail_message_id", "mail")
    op.execute("UPDATE mail SET message_id = '<' || id || '@gone.invalid>' WHERE message_id IS NULL")
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as mail:
        mail.alter_column("message_id", existing_type=sa.String(), nullable=False)
    op.drop_index("ix_signature_domain", "signature")
    op.add_column("signature", sa.Column("via", sa.String(), nullable=True))
    op.add_column("signature", sa.Column("name_digest", sa.LargeBinary(length=32), nullable=True))
    _index("ix_signature_appeal_id_via", "signature", ["appeal_id", "via"], _VIA)
    _index("ix_signature_name_digest", "signature", ["name_digest"], _NAMED)
    _index("ix_signature_unindexed", "signature", ["id"], _UNNAMED)
    _index("ix_signature_network", "signature", ["signed_at"], _NETWORK)
    _open_origins()
    op.drop_column("row_key", "expires_on")
    op.drop_table("month_key")


def _open_origins() -> None:
    bind, vault = op.get_bind(), runtime().vault
    op.add_column("sign_up", sa.Column("country", sa.String(), nullable=True))
    op.add_column("sign_up", sa.Column("via", sa.String(), nullable=True))
    for row in bind.execute(sa.select(_FORM)).all():
        place = at_sign_up(row.appeal_id, bytes(row.content_digest), bytes(row.link_key))
        country, via, _ = json.loads(vault.open_origin(bytes(row.origin_sealed), place))
        bind.execute(sa.update(_FORM).where(_FORM.c.id == row.id).values(country=country, via=via))
    with op.batch_alter_table("sign_up") as form:
        form.alter_column("country", existing_type=sa.String(), nullable=False)
        form.drop_column("origin_sealed")


def _whose(digest: bytes) -> str:
    """As campaign/queries/signing/sign_up.py had it."""
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
