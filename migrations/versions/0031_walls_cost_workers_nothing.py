"""row-level security: what a worker reads costs no look-up of whose it is"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Whether the connection sees all sections: it named none, and works as the table's owner (0009). Written out in each
# policy, where it is asked once a statement; a function of SQL takes four times as long.
_SEES_ALL = """SELECT coalesce(current_setting('tocsin.section', true), '') = ''
    AND pg_has_role(current_user, relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = '{table}'::regclass"""
_SECTION = "section_code = current_setting('tocsin.section', true)"
_ITS_SIGNATURE = "EXISTS (SELECT 1 FROM signature s WHERE s.id = {table}.signature_id)"
_ANNOUNCED = "EXISTS (SELECT 1 FROM announcement a WHERE a.id = announcement_text.announcement_id AND a.{which})"
_OWN = {
    "signature": _SECTION,
    "consent": _ITS_SIGNATURE.format(table="consent"),
    "mail": "signature_id IS NULL OR " + _ITS_SIGNATURE.format(table="mail"),
    "entry": _SECTION,
    "handover": _SECTION,
    "handover_part": "EXISTS (SELECT 1 FROM handover h WHERE h.id = handover_part.handover_id)",
    "invalidation": _SECTION,
    "sheet_row": _SECTION,
    "withheld": "EXISTS (SELECT 1 FROM invalidation i WHERE i.id = withheld.invalidation_id)",
    "announcement": _SECTION,
    "announcement_text": _ANNOUNCED.format(which=_SECTION),
}
# A sub-select in the policy of what hangs on a signature made the planner read all signatures before the first mail, or
# reckon with it. What a function looks up it does not see.
_QUICK = _OWN | {
    "consent": "tocsin_shows_signature(signature_id)",
    "mail": "signature_id IS NULL OR tocsin_shows_signature(signature_id)",
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    # With the rights and the section of the connection: under the policy of `signature` itself.
    op.execute(
        """CREATE FUNCTION tocsin_shows_signature(which bigint) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
        COST 1 SET search_path FROM CURRENT AS $$
        BEGIN RETURN EXISTS (SELECT 1 FROM signature WHERE id = which); END $$"""
    )
    for table, own in _QUICK.items():
        op.execute(f"DROP POLICY all_sections ON {table}")
        op.execute(f"DROP POLICY own_section ON {table}")
        # CASE, for it asks in this order; what OR asks first is the planner's choice.
        sees_all = _SEES_ALL.format(table=table)
        op.execute(f"CREATE POLICY own_section ON {table} USING (CASE WHEN ({sees_all}) THEN true ELSE {own} END)")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, own in _OWN.items():
        op.execute(f"DROP POLICY own_section ON {table}")
        op.execute(f"CREATE POLICY all_sections ON {table} USING ((SELECT tocsin_sees_all_sections()))")
        op.execute(f"CREATE POLICY own_section ON {table} USING ({own})")
    op.execute("DROP FUNCTION tocsin_shows_signature(bigint)")
