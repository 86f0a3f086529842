"""Counters that outlive the process. The migration that brings a counter inserts its row."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from voltbridge.storage.sql.schema import metadata

__all__ = [
    "EVENTS_PRUNED",
    "MESSAGE_BLOCKS",
    "METER_BLOCKS",
    "RESERVATIONS",
    "TOLD_TO_STATIONS",
    "TRANSACTION_NUMBERS",
    "counters",
]

EVENTS_PRUNED = "events_pruned"
"""Id of the newest event that was forgotten."""
MESSAGE_BLOCKS = "message_blocks"
METER_BLOCKS = "meter_blocks"
RESERVATIONS = "reservations"
TRANSACTION_NUMBERS = "transaction_numbers"

TOLD_TO_STATIONS = (RESERVATIONS, TRANSACTION_NUMBERS)
"""Counters whose numbers stations remember."""

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
