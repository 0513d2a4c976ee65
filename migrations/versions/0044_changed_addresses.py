"""who left an address for another one, on its way into the file that outlives the database"""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_BEFORE = ("erased", "withdrawn", "updates-ended", "sharing-ended")


def upgrade() -> None:
    _kinds((*_BEFORE, "address-changed"))


def downgrade() -> None:
    # What is left of it for a version that does not know the kind: no updates to the old address.
    op.execute("UPDATE departure SET kind = 'updates-ended' WHERE kind = 'address-changed'")
    _kinds(_BEFORE)


def _kinds(kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table("departure", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("ck_departure_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_departure_kind"), "kind IN ({})".format(", ".join(f"'{k}'" for k in kinds)))
