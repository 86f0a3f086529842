"""The storage as ``app.py`` sees it: opened from a URL, with a store for each noun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.storage.database import READING_THREADS, Database, open_database
from voltbridge.storage.failures import is_lost_connection, is_outage
from voltbridge.storage.journal import SqlJournal
from voltbridge.storage.migrations import upgrade
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.ages import Ages
from voltbridge.storage.sql.alerts import Alerts
from voltbridge.storage.sql.anonymisations import Anonymisations
from voltbridge.storage.sql.charging_profiles import ChargingLimits, ChargingProfiles, InstalledProfiles
from voltbridge.storage.sql.commands import Commands, Operations
from voltbridge.storage.sql.configurations import Configurations
from voltbridge.storage.sql.connectors import Connectors
from voltbridge.storage.sql.customer_information import CustomerInformation
from voltbridge.storage.sql.deviations import Deviations
from voltbridge.storage.sql.display_messages import DisplayMessages
from voltbridge.storage.sql.events import Events
from voltbridge.storage.sql.exports import Exports
from voltbridge.storage.sql.files import FileGrants, Files
from voltbridge.storage.sql.firmware import FirmwareImages, FirmwareUpdates, PublishedFirmwares
from voltbridge.storage.sql.local_lists import LocalLists
from voltbridge.storage.sql.messages import Messages
from voltbridge.storage.sql.meter_values import MeterValues
from voltbridge.storage.sql.monitors import Monitors
from voltbridge.storage.sql.pruning import Pruning
from voltbridge.storage.sql.reservations import Reservations
from voltbridge.storage.sql.rollouts import Rollouts
from voltbridge.storage.sql.sites import Sites
from voltbridge.storage.sql.station_logs import StationLogs
from voltbridge.storage.sql.stations import Stations
from voltbridge.storage.sql.tariffs import Tariffs
from voltbridge.storage.sql.tokens import Tokens
from voltbridge.storage.sql.transactions import Transactions
from voltbridge.storage.sql.variables import Variables
from voltbridge.storage.sql.webhooks import DeadLetters, Webhooks
from voltbridge.storage.states import StationStates
from voltbridge.storage.writer import Writer

__all__ = ["Storage"]

T = TypeVar("T")


class Storage:
    """Everything durable. Made by ``open``, ended by ``close``."""

    def __init__(self, database: Database, journal: SqlJournal) -> None:
        self._database = database
        self._threads = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="voltbridge-read")
        self._long_reads = asyncio.Semaphore(READING_THREADS // 2)
        sessions = Sessions(self._read, journal.write)
        long_sessions = Sessions(self._read_at_length, journal.write)
        self.journal = journal
        self.connectors = Connectors(sessions)
        self.tokens = Tokens(sessions)
        self.local_lists = LocalLists(sessions)
        self.meter_values = MeterValues(long_sessions)
        self.transactions = Transactions(sessions, self.meter_values)
        self.messages = Messages(long_sessions)
        self.events = Events(sessions)
        self.deviations = Deviations(sessions)
        self.stations = Stations(sessions, self.messages)
        self.charging_profiles = ChargingProfiles(sessions)
        self.installed_profiles = InstalledProfiles(sessions)
        self.charging_limits = ChargingLimits(sessions)
        self.variables = Variables(sessions)
        self.configurations = Configurations(sessions)
        self.sites = Sites(sessions)
        self.tariffs = Tariffs(sessions)
        self.display_messages = DisplayMessages(sessions)
        self.reservations = Reservations(sessions)
        self.monitors = Monitors(sessions)
        self.alerts = Alerts(sessions)
        self.customer_information = CustomerInformation(sessions)
        self.files = Files(sessions)
        self.file_grants = FileGrants(sessions)
        self.firmware_images = FirmwareImages(sessions)
        self.firmware_updates = FirmwareUpdates(sessions)
        self.published_firmware = PublishedFirmwares(sessions)
        self.station_logs = StationLogs(sessions)
        self.rollouts = Rollouts(sessions)
        self.commands = Commands(sessions)
        self.operations = Operations(sessions)
        self.webhooks = Webhooks(sessions)
        self.dead_letters = DeadLetters(sessions)
        self.states = StationStates(sessions)
        self.ages = Ages(long_sessions)
        self.exports = Exports(long_sessions)
        self.pruning = Pruning(long_sessions)
        self.anonymisations = Anonymisations(long_sessions)

    @classmethod
    async def open(cls, url: str, clock: Clock, *, give_up_after_s: float = 10.0, capacity: int = 50_000) -> Storage:
        """Open the database, bringing its schema up to date first.

        ``give_up_after_s``: how long a write that fails is tried again. ``capacity``: facts that may wait.
        Raises ValueError for a URL of another database, SchemaTooNew, and the driver's error when it cannot be opened.
        """
        await asyncio.get_running_loop().run_in_executor(None, upgrade, url)
        database = open_database(url)
        journal = SqlJournal(Writer(database), clock, give_up_after_s=give_up_after_s, capacity=capacity)
        return cls(database, journal)

    async def close(self) -> None:
        """Commit what was put, and close every connection."""
        await self.journal.close()
        await asyncio.to_thread(self._threads.shutdown)
        self._database.dispose()

    async def _read_at_length(self, work: Callable[[Connection], T]) -> T:
        """As ``_read``, for what may go through many rows: some threads are always left for those who are quick."""
        async with self._long_reads:
            return await self._read(work)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._database.readers.begin() as connection:
                return work(connection)

        for again in (True, False):
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, run)
            except Exception as error:
                if again and is_lost_connection(error):
                    continue  # a server that was restarted; reading twice harms nothing
                if is_outage(error):
                    raise StorageUnavailable(str(error)) from error
                raise
        raise AssertionError("the second attempt returns or raises")
