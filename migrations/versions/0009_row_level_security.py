"""row-level security: staff connections see the personal data of one section"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ITS_SIGNATURE = "EXISTS (SELECT 1 FROM signature s WHERE s.id = {table}.signature_id)"
# What a connection sees that has named its section. The sub-select is under the policy of `signature` itself.
_OWN = {
    "signature": "section_code = current_setting('tocsin.section', true)",
    "consent": _ITS_SIGNATURE.format(table="consent"),
    # Mail to staff belongs to no section; its recipient is sealed.
    "mail": "signature_id IS NULL OR " + _ITS_SIGNATURE.format(table="mail"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    # Supporters' pages, workers and commands connect as the tables' owner and name no section: they see everything.
    # Whoever names one, and every other role, sees what the second policy lets through.
    # It keeps the search path of today: pg_dump asks with an empty one.
    op.execute(
        """CREATE FUNCTION tocsin_sees_all_sections() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
        SET search_path FROM CURRENT AS $$
        SELECT coalesce(current_setting('tocsin.section', true), '') = '' AND pg_has_role(current_user, relowner, 'USAGE')
        FROM pg_catalog.pg_class WHERE oid = 'signature'::regclass $$"""
    )
    for table, own in _OWN.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # In a sub-select, so that it is asked once a statement and not once a row.
        op.execute(f"CREATE POLICY all_sections ON {table} USING ((SELECT tocsin_sees_all_sections()))")
        op.execute(f"CREATE POLICY own_section ON {table} USING ({own})")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in _OWN:
        op.execute(f"DROP POLICY own_section ON {table}")
        op.execute(f"DROP POLICY all_sections ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION tocsin_sees_all_sections()")
