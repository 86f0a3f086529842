"""Counters that outlive the process. The migration that brings a counter inserts its row."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from voltbridge.storage.sql.schema import metadata

__all__ = ["MESSAGE_BLOCKS", "METER_BLOCKS", "TRANSACTION_NUMBERS", "counters"]

MESSAGE_BLOCKS = "message_blocks"
METER_BLOCKS = "meter_blocks"
TRANSACTION_NUMBERS = "transaction_numbers"

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
