"""views of an appeal's page, counted as the step before signing"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ASPECTS = ("provider", "source")
_STEPS = ("signed", "mailed", "confirmed-5m", "confirmed-1h", "confirmed-1d", "confirmed-3d", "confirmed-later")


def upgrade() -> None:
    _allow(aspect=(*_ASPECTS, "page"), step=("viewed", *_STEPS))


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM tally_step WHERE step = 'viewed'"))
    _allow(aspect=_ASPECTS, step=_STEPS)


def _allow(**choices: tuple[str, ...]) -> None:
    with op.batch_alter_table("tally_step") as batch:
        for column, values in choices.items():
            named = op.f(f"ck_tally_step_{column}")
            batch.drop_constraint(named, type_="check")
            batch.create_check_constraint(named, "{} IN ({})".format(column, ", ".join(f"'{one}'" for one in values)))
