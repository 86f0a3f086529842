"""A process that stores facts for as long as it lives and says on its standard output what it was told is durable.

Started by ``test_killed.py``: ``python acknowledging.py URL FIRST``. Each line is the number of an acknowledged round.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from voltbridge.clock import SystemClock
from voltbridge.domain.events import Event
from voltbridge.domain.messages import DeviationCount, MessageDirection, MessageRecord
from voltbridge.domain.metering import MeterRecord, SampledValue
from voltbridge.domain.transactions import Transaction, TransactionState
from voltbridge.storage import Storage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATIONS = 20


async def station(storage: Storage, name: str, first: int) -> None:
    journal = storage.journal
    number = first
    while True:
        at = NOON + timedelta(seconds=number)
        at_ms = round(at.timestamp() * 1000)
        values = (SampledValue("Energy.Active.Import.Register", float(number), "Wh"),)
        journal.put(MessageRecord(name, at_ms, MessageDirection.RECEIVED, 2, str(number), "MeterValues", "[]"))
        journal.put(MeterRecord(name, 1, 1, number, at_ms, number, values))
        journal.put(Event(number, "transaction.updated", at, name, {"n": number}))
        journal.put(Transaction(number, str(number), name, TransactionState.ACTIVE, at, at, energy_wh=float(number)))
        journal.put(DeviationCount("V", "M", "1", name, "$", "format", 1, at, at, name, ""))
        await journal.committed(name)
        sys.stdout.write(f"{name} {number}\n")
        sys.stdout.flush()
        number += STATIONS


async def main(url: str, first: int) -> None:
    storage = await Storage.open(url, SystemClock())
    await asyncio.gather(*(station(storage, f"CS-{n}", first + n) for n in range(STATIONS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
