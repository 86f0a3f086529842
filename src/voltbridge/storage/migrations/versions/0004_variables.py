"""The device model of stations, its reports, and desired configurations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "variables",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("attribute_key", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("component_instance", sa.Text(), nullable=True),
        sa.Column("evse_id", sa.BigInteger(), nullable=True),
        sa.Column("connector_id", sa.BigInteger(), nullable=True),
        sa.Column("variable", sa.Text(), nullable=False),
        sa.Column("variable_instance", sa.Text(), nullable=True),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("mutability", sa.Text(), nullable=True),
        sa.Column("persistent", sa.Boolean(), nullable=True),
        sa.Column("constant", sa.Boolean(), nullable=True),
        sa.Column("characteristics", sa.Text(), nullable=True),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "attribute_key", name=op.f("pk_variables")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "variable_reports",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_part_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("last_seq_no", sa.BigInteger(), nullable=True),
        sa.Column("variables", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "request_id", name=op.f("pk_variable_reports")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "configurations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("station_ids", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("desired", sa.Text(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_configurations")),
        sqlite_with_rowid=False,
    )
