"""Files, firmware, logs of stations, rollouts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("md5", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("station_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    op.create_index(op.f("ix_files_station_id_id"), "files", ["station_id", "id"])
    op.create_table(
        "file_grants",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger()),
        sa.Column("completed_at_ms", sa.BigInteger()),
        sa.Column("closed_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_file_grants")),
    )
    op.create_index(op.f("ix_file_grants_reference"), "file_grants", ["reference"])
    op.create_index(op.f("ix_file_grants_expires_at_ms"), "file_grants", ["expires_at_ms"])
    op.create_table(
        "firmware_images",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firmware_images")),
    )
    op.create_index(op.f("ix_firmware_images_file_id"), "firmware_images", ["file_id"])
    op.create_table(
        "firmware_updates",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firmware_updates")),
    )
    op.create_index(op.f("ix_firmware_updates_station_id_id"), "firmware_updates", ["station_id", "id"])
    op.create_index(op.f("ix_firmware_updates_is_open_id"), "firmware_updates", ["is_open", "id"])
    op.create_table(
        "published_firmware",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "checksum", name=op.f("pk_published_firmware")),
    )
    op.create_table(
        "station_logs",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_logs")),
    )
    op.create_index(op.f("ix_station_logs_station_id_id"), "station_logs", ["station_id", "id"])
    op.create_index(op.f("ix_station_logs_is_open_id"), "station_logs", ["is_open", "id"])
    op.create_table(
        "rollouts",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts")),
    )
    op.create_table(
        "rollout_members",
        sa.Column("rollout_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("command_id", sa.BigInteger()),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("rollout_id", "position", name=op.f("pk_rollout_members")),
    )
    op.create_index(
        op.f("ix_rollout_members_rollout_id_state_position"), "rollout_members", ["rollout_id", "state", "position"]
    )
    op.create_index(op.f("ix_rollout_members_station_id"), "rollout_members", ["station_id"])
