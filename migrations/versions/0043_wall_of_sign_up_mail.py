"""row-level security: mail to who has not confirmed is shown to no staff"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

# As in 0031: whether the connection sees all sections is asked first, once a statement.
_SEES_ALL = """SELECT coalesce(current_setting('tocsin.section', true), '') = ''
    AND pg_has_role(current_user, relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = 'mail'::regclass"""
_SIGNER = "tocsin_shows_signature(signature_id)"


def upgrade() -> None:
    # Mail to staff belongs to no section; mail to a sign-up that waits has no signature either.
    _set(f"signature_id IS NULL AND sign_up_id IS NULL OR {_SIGNER}")


def downgrade() -> None:
    _set(f"signature_id IS NULL OR {_SIGNER}")


def _set(own: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER POLICY own_section ON mail USING (CASE WHEN ({_SEES_ALL}) THEN true ELSE {own} END)")
