"""row-level security on what sections enter, invalidate and announce"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_SECTION = "section_code = current_setting('tocsin.section', true)"
_ANNOUNCED = "EXISTS (SELECT 1 FROM announcement a WHERE a.id = announcement_text.announcement_id AND a.{which})"
# As for signatures (0009). A sub-select is under the policy of the table it asks.
_OWN = {
    "entry": _SECTION,
    "invalidation": _SECTION,
    "withheld": "EXISTS (SELECT 1 FROM invalidation i WHERE i.id = withheld.invalidation_id)",
    "announcement": _SECTION,
    "announcement_text": _ANNOUNCED.format(which=_SECTION),
}
# What goes to all sections, all may read; who coordinates writes it.
_TO_ALL = {
    "announcement": "section_code IS NULL",
    "announcement_text": _ANNOUNCED.format(which="section_code IS NULL"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, own in _OWN.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY all_sections ON {table} USING ((SELECT tocsin_sees_all_sections()))")
        op.execute(f"CREATE POLICY own_section ON {table} USING ({own})")
    for table, to_all in _TO_ALL.items():
        op.execute(f"CREATE POLICY to_all ON {table} FOR SELECT USING ({to_all})")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in _TO_ALL:
        op.execute(f"DROP POLICY to_all ON {table}")
    for table in _OWN:
        op.execute(f"DROP POLICY own_section ON {table}")
        op.execute(f"DROP POLICY all_sections ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
