"""sign-ups in a table of their own until their mailbox confirms, and limits by mailbox"""

import secrets

import sqlalchemy as sa
from alembic import op

from campaign.domain.signing.address import parse_address
from campaign.domain.errors import CipherError
from campaign.domain.privacy.sealed_place import at_sign_up, at_signature
from campaign.platform.runtime import runtime

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_SIGN_UP = sa.table(
    "sign_up",
    *(sa.column(name) for name in ("id", "appeal_id", "section_code", "country", "locale", "text_language", "via")),
    *(sa.column(name) for name in ("text_version", "wording", "flag", "signature_id", "name_sealed", "email_sealed")),
    *(sa.column(name) for name in ("address_digest", "content_digest", "link_key", "network_digest", "domain_digest")),
    sa.column("signed_at", _TIME),
)
_SAME = ("appeal_id", "section_code", "country", "locale", "via", "flag", "network_digest", "domain_digest", "signed_at")
_SIGNATURE = sa.table(
    "signature",
    *(sa.column(name) for name in ("id", "state", "address_digest", "link_key", "name_sealed", "email_sealed")),
    *(sa.column(name) for name in _SAME[:-1]),
    *(sa.column(name, sa.Boolean()) for name in ("wants_updates", "shares_name", "is_repeat")),
    sa.column("standing"),
    sa.column("signed_at", _TIME),
)
_CONSENT = sa.table(
    "consent",
    *(sa.column(name) for name in ("id", "signature_id", "text_language", "text_version", "locale", "wording")),
    *(sa.column(name, sa.Boolean()) for name in ("to_appeal", "to_updates", "to_sharing_name")),
    sa.column("given_at", _TIME),
)
_MAIL = sa.table("mail", sa.column("id"), sa.column("signature_id"), sa.column("sign_up_id"), sa.column("state"))
_TABLES = ("sign_up", "mailbox_limit")
# As in 0031: whether the connection sees all sections.
_SEES_ALL = """SELECT coalesce(current_setting('tocsin.section', true), '') = ''
    AND pg_has_role(current_user, relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = '{table}'::regclass"""


def upgrade() -> None:
    connection = op.get_bind()
    dialect = connection.dialect.name
    _create_tables()
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as mail:
        mail.add_column(sa.Column("sign_up_id", _ID, nullable=True))
        mail.create_foreign_key("fk_mail_sign_up_id_sign_up", "sign_up", ["sign_up_id"], ["id"], ondelete="CASCADE")
        mail.create_index("ix_mail_sign_up_id", ["sign_up_id"])
        mail.drop_index("ix_mail_mailbox_digest_created_at")
        mail.drop_column("mailbox_digest")
        mail.drop_index("uq_mail_reminder")
    _move(connection)
    op.execute("DELETE FROM signature WHERE state = 'pending'")
    op.drop_column("signature", "standing")
    op.drop_column("signature", "flag")
    if dialect == "postgresql":
        for table in _TABLES:
            # Of no section: what is not confirmed is shown to nobody.
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY own_section ON {table} USING (({_SEES_ALL.format(table=table)}))")


def _move(connection: sa.Connection) -> None:
    """Give each pending signature a row of its own and the mails that are owed to it. Their links of old have expired.

    One that no key opens is let go: nobody can write to it, and it counts nothing.
    """
    vault = runtime().vault
    pending = sa.select(_SIGNATURE).where(_SIGNATURE.c.state == "pending", _SIGNATURE.c.address_digest.is_not(None))
    for row in connection.execute(pending).all():
        consents = sa.select(_CONSENT).where(_CONSENT.c.signature_id == row.id).order_by(_CONSENT.c.id.desc())
        consent = connection.execute(consents.limit(1)).first()
        digest = vault.waiting_digest(bytes(row.address_digest))
        content, link_key = secrets.token_bytes(32), secrets.token_bytes(16)
        old = at_signature(row.appeal_id, bytes(row.address_digest), bytes(row.link_key))
        new = at_sign_up(row.appeal_id, content, link_key)
        try:
            name, email = vault.open_name(row.name_sealed, old), vault.open_email(row.email_sealed, old)
        except CipherError:
            continue
        values = {name_: getattr(row, name_) for name_ in _SAME} | {
            "id": secrets.randbits(62),
            "address_digest": digest,
            "content_digest": content,
            "link_key": link_key,
            "name_sealed": vault.seal_name(name, new),
            "email_sealed": vault.seal_email(parse_address(email), new),
            "text_language": row.locale if consent is None else consent.text_language,
            "text_version": 1 if consent is None else consent.text_version,
            "wording": 1 if consent is None else consent.wording,
        }
        connection.execute(sa.insert(_SIGN_UP).values(values))
        waiting = _MAIL.c.signature_id == row.id, _MAIL.c.state.in_(["queued", "retry"])
        connection.execute(sa.update(_MAIL).where(*waiting).values(sign_up_id=values["id"], signature_id=None))


def _move_back(connection: sa.Connection) -> None:
    vault = runtime().vault
    waiting = sa.select(_SIGN_UP).where(_SIGN_UP.c.signature_id.is_(None))
    for row in connection.execute(waiting).all():
        try:
            place = at_sign_up(row.appeal_id, bytes(row.content_digest), bytes(row.link_key))
            name, email = vault.open_name(row.name_sealed, place), vault.open_email(row.email_sealed, place)
        except CipherError:
            continue
        digest = vault.address_digest(row.appeal_id, parse_address(email))
        there = sa.select(_SIGNATURE.c.id).where(_SIGNATURE.c.address_digest == digest)
        if connection.execute(there).first() is not None:
            continue
        place = at_signature(row.appeal_id, digest, bytes(row.link_key))
        values = {name_: getattr(row, name_) for name_ in _SAME} | {
            "state": "pending",
            "address_digest": digest,
            "link_key": row.link_key,
            "name_sealed": vault.seal_name(name, place),
            "email_sealed": vault.seal_email(parse_address(email), place),
            **dict.fromkeys(("wants_updates", "shares_name", "is_repeat"), False),
            "standing": 3,
        }
        connection.execute(sa.insert(_SIGNATURE).values(values))
        agreed = {name_: getattr(row, name_) for name_ in ("text_language", "text_version", "locale", "wording")}
        signature_id = connection.execute(there).scalar_one()
        kept = {"to_appeal": True, "to_updates": False, "to_sharing_name": False, "given_at": row.signed_at}
        connection.execute(sa.insert(_CONSENT).values(agreed | kept | {"signature_id": signature_id}))


def _create_tables() -> None:
    op.create_table(
        "sign_up",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("address_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("link_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("text_language", sa.String(), nullable=False),
        sa.Column("text_version", sa.Integer(), nullable=False),
        sa.Column("wording", sa.Integer(), nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.Column("flag", sa.String(), nullable=True),
        sa.Column("network_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("domain_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("signed_at", _TIME, nullable=False),
        sa.Column("mailed_at", _TIME, nullable=True),
        sa.Column("reminded_at", _TIME, nullable=True),
        sa.Column("signature_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_sign_up_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_sign_up_section_code_section")),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signature.id"], name=op.f("fk_sign_up_signature_id_signature"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up")),
        sa.UniqueConstraint("appeal_id", "address_digest", name=op.f("uq_sign_up_appeal_id_address_digest")),
    )
    for column in ("address_digest", "signed_at", "signature_id"):
        op.create_index(f"ix_sign_up_{column}", "sign_up", [column])
    op.create_table(
        "mailbox_limit",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_mailbox_limit")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    connection = op.get_bind()
    op.add_column("signature", sa.Column("standing", sa.SmallInteger(), server_default="3", nullable=False))
    op.add_column("signature", sa.Column("flag", sa.String(), nullable=True))
    _move_back(connection)
    # What was owed to a sign-up has a link that an older version does not read.
    op.execute("DELETE FROM mail WHERE sign_up_id IS NOT NULL")
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as mail:
        mail.drop_index("ix_mail_sign_up_id")
        mail.drop_constraint("fk_mail_sign_up_id_sign_up", type_="foreignkey")
        mail.drop_column("sign_up_id")
        # Nobody is known to have had any mail: what is stored no longer tells.
        empty = sa.text("''::bytea" if connection.dialect.name == "postgresql" else "x''")
        mail.add_column(sa.Column("mailbox_digest", sa.LargeBinary(length=32), server_default=empty, nullable=False))
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as mail:
        mail.alter_column("mailbox_digest", server_default=None)
        mail.create_index("ix_mail_mailbox_digest_created_at", ["mailbox_digest", "created_at"])
        mail.create_index(
            "uq_mail_reminder",
            ["signature_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'confirmation_reminder'"),
            postgresql_where=sa.text("kind = 'confirmation_reminder'"),
        )
    op.drop_table("mailbox_limit")
    op.drop_table("sign_up")
