"""the language of an appeal's first text: what readers see for whom there is none in their own"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("appeal", sa.Column("first_language", sa.String(), nullable=True))
    op.execute(
        "UPDATE appeal SET first_language = (SELECT language FROM appeal_text"
        " WHERE appeal_text.appeal_id = appeal.id ORDER BY created_at, language LIMIT 1)"
    )


def downgrade() -> None:
    op.drop_column("appeal", "first_language")
