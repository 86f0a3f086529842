"""``voltbridge up`` with a storage that does nothing, to measure everything else.

Started as ``voltbridge up`` starts it, with another way to open the storage. What handlers put into the journal is
dropped, and a commit has happened as soon as it is asked for. The database is there, for stations are looked up in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from voltbridge import process
from voltbridge.domain.clock import Clock
from voltbridge.domain.stations import Onboarding
from voltbridge.log import configure
from voltbridge.settings import LogFormat, LogLevel, Settings
from voltbridge.storage import Storage
from voltbridge.storage.database import open_database
from voltbridge.storage.facts import Fact
from voltbridge.storage.journal import SqlJournal
from voltbridge.storage.migrations import upgrade
from voltbridge.storage.writer import Writer

__all__ = ["main"]


class _DroppingJournal(SqlJournal):
    """Only what services write themselves, such as a new station's settings, is kept."""

    def put(self, fact: Fact) -> None:
        pass

    async def committed(self, station_id: str | None = None) -> None:
        pass


async def _open(url: str, clock: Clock) -> Storage:
    upgrade(url)
    database = open_database(url)
    return Storage(database, _DroppingJournal(Writer(database), clock))


def main() -> None:
    """``python -m benches.unstored``; started by the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    arguments = parser.parse_args()
    settings = Settings(
        data=arguments.data,
        ocpp_host="127.0.0.1",
        ocpp_port=0,
        http_port=0,
        onboarding=Onboarding.ACCEPT,
        ready_file=arguments.ready_file,
    )
    configure(LogLevel.WARNING, LogFormat.CONSOLE)
    process.run(settings, lambda running: None, open_storage=_open)


if __name__ == "__main__":
    main()
