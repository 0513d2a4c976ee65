"""the minute is known of nothing that somebody did with a signature: reports, consents, taking it back"""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_CUT = {
    "sqlite": "strftime('%Y-%m-%d %H:00:00.000000', {0})",
    "postgresql": "date_trunc('hour', {0}, 'UTC')",
}
_TIMES = {"signature": "ended_at", "consent": "given_at", "action": "counted_at", "withheld": "counted_at"}


def upgrade() -> None:
    cut = _CUT[op.get_bind().dialect.name]
    for table, name in _TIMES.items():
        op.execute(f"UPDATE {table} SET {name} = {cut.format(name)} WHERE {name} <> {cut.format(name)}")


def downgrade() -> None:
    """Minutes that are gone come back no more, and nothing asks for them."""
