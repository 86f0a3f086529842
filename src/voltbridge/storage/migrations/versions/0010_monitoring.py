"""Monitors, alerts, and what stations told of customers."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "monitors",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("monitor_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("variable_key", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("variable", sa.Text(), nullable=False),
        sa.Column("evse_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("notification_type", sa.Text(), nullable=True),
        sa.Column("noted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("monitor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "monitor_id", name=op.f("pk_monitors")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "monitoring_reports",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("types", sa.Text(), nullable=True),
        sa.Column("selected", sa.Boolean(), nullable=False),
        sa.Column("last_part_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("last_seq_no", sa.BigInteger(), nullable=True),
        sa.Column("monitors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "request_id", name=op.f("pk_monitoring_reports")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "monitoring_states",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("reported_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("outdated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_monitoring_states")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("alert_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=True),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("cause_event_id", sa.BigInteger(), nullable=True),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_station_id_alert_key"), "alerts", ["station_id", "alert_key"])
    op.create_index(op.f("ix_alerts_state"), "alerts", ["state"])
    op.create_table(
        "customer_reports",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("report", sa.Boolean(), nullable=False),
        sa.Column("clear", sa.Boolean(), nullable=False),
        sa.Column("last_part_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("last_seq_no", sa.BigInteger(), nullable=True),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "request_id", name=op.f("pk_customer_reports")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "customer_report_parts",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "request_id", "seq_no", name=op.f("pk_customer_report_parts")),
        sqlite_with_rowid=False,
    )
