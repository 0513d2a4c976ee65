"""links and second factors of staff accounts are bound to a random key; requests for a new password wait for a worker"""

import secrets
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from campaign.domain.errors import CipherError
from campaign.domain.privacy.sealed_place import Place, at_staff
from campaign.platform.runtime import runtime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STAFF = sa.table(
    "staff",
    *(sa.column(name) for name in ("id", "link_key", "tf_totp_secret", "tf_totp_sealed", "mf_recovery_sealed")),
    sa.column("mf_recovery_codes", sa.JSON(none_as_null=True)),
)


def upgrade() -> None:
    op.add_column("staff", sa.Column("link_key", sa.LargeBinary(length=16), nullable=True))
    for name in ("tf_totp_sealed", "mf_recovery_sealed"):
        op.add_column("staff", sa.Column(name, sa.LargeBinary(), nullable=True))
    bind, vault = op.get_bind(), runtime().vault
    for number, secret, codes in bind.execute(
        sa.select(_STAFF.c.id, _STAFF.c.tf_totp_secret, _STAFF.c.mf_recovery_codes)
    ).all():
        link_key = secrets.token_bytes(16)
        place = at_staff(link_key)
        values = {
            "link_key": link_key,
            "tf_totp_sealed": None if secret is None else vault.seal_totp(secret, place),
            "mf_recovery_sealed": None if codes is None else vault.seal_recovery(codes, place),
        }
        bind.execute(sa.update(_STAFF).where(_STAFF.c.id == number).values(values))
    for name in ("tf_totp_secret", "mf_recovery_codes"):
        op.drop_column("staff", name)
    with op.batch_alter_table("staff", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("link_key", existing_type=sa.LargeBinary(length=16), nullable=False)
    op.create_table(
        "reset_request",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reset_request")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("reset_request")
    op.add_column("staff", sa.Column("tf_totp_secret", sa.String(), nullable=True))
    op.add_column("staff", sa.Column("mf_recovery_codes", sa.JSON(), nullable=True))
    bind, vault = op.get_bind(), runtime().vault
    for number, link_key, secret, codes in bind.execute(
        sa.select(_STAFF.c.id, _STAFF.c.link_key, _STAFF.c.tf_totp_sealed, _STAFF.c.mf_recovery_sealed)
    ).all():
        place = at_staff(bytes(link_key))
        values = {
            "tf_totp_secret": _opened(vault.open_totp, secret, place),
            "mf_recovery_codes": _opened(vault.open_recovery, codes, place),
        }
        bind.execute(sa.update(_STAFF).where(_STAFF.c.id == number).values(values))
    for name in ("tf_totp_sealed", "mf_recovery_sealed", "link_key"):
        op.drop_column("staff", name)


def _opened(opens: Callable[[bytes, Place], Any], sealed: bytes | None, place: Place) -> Any:
    """Of what does not open nothing is left: the second factor is set up anew."""
    try:
        return None if sealed is None else opens(bytes(sealed), place)
    except CipherError:
        return None
