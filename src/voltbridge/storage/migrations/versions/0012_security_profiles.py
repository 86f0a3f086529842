"""How stations are connected, and how they have to be at least."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("stations", sa.Column("minimum_security_profile", sa.Integer()))
    op.add_column("station_reports", sa.Column("secure", sa.Boolean()))
    op.add_column("station_reports", sa.Column("security_profile", sa.Integer()))
