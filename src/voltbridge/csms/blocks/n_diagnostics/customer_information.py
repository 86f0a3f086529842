"""What stations know of customers: asked for, put together, kept for a short time; and forgotten (2.0.1 N09, N10).

What is told is personal. It is kept in a place of its own until its retention is over, it is read there alone, and no
event, log or outcome of a command repeats it. That a station forgets a customer changes nothing of our own tokens; the
customer's place in the station's local list goes too, since the station leaves that to us (N10.FR.02).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from voltbridge.csms.blocks.n_diagnostics.customer_parameters import CustomerInformation
from voltbridge.csms.blocks.n_diagnostics.monitoring import is_storable_number
from voltbridge.csms.commands.kinds import Unsupported
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.customer_information import MOST_PARTS, CustomerReport
from voltbridge.domain.errors import NotFound
from voltbridge.domain.station_calls import CallFailed
from voltbridge.domain.stations import LiveStation, Station
from voltbridge.protocol.codec import encode_checked
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.policy import Violation
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "OUTCOME",
    "CustomerBook",
    "CustomerInformationService",
    "CustomerWords",
    "KnownStations",
    "LocalLists",
    "Outcomes",
]

_log = structlog.stdlib.get_logger(__name__)

OUTCOME: Final = "customer_information"
"""The kind of outcome under which a report about a customer is concluded."""
_REPLACEMENT: Final = "\N{SYMBOL FOR NULL}"
"""For a character that no database keeps."""


class CustomerBook(Protocol):
    """Reports about customers. Everything raises StorageUnavailable."""

    async def list(self, station_id: str) -> Sequence[CustomerReport]:
        """The newest first."""

    async def get(self, station_id: str, request_id: int) -> tuple[CustomerReport, str] | None:
        """A report and the text of the parts that have come, in their order."""

    async def expect(self, report: CustomerReport) -> None: ...

    async def forget(self, station_id: str, request_id: int) -> None:
        """Raises NotFound."""

    async def add_part(
        self, station_id: str, request_id: int, seq_no: int, is_last: bool, at: datetime, data: str
    ) -> tuple[CustomerReport, bool] | None:
        """The report as it is now, and whether this part has completed it; None: there are too many parts."""


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...


class Outcomes(Protocol):
    """Where the end of a command is told."""

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None: ...

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None: ...


class LocalLists(Protocol):
    """The local lists of stations."""

    async def leave_out(self, station_id: str, id_token: str, type: str) -> bool:
        """Take a token off a station's list, if it is there: whether it was."""


class CustomerWords(Protocol):
    """How one version asks; each translator module is one."""

    def customer_request(self, wanted: CustomerInformation, request_id: int) -> Payload:
        """Raises Unsupported."""


class CustomerInformationService:
    """Everything about what stations know of customers."""

    def __init__(
        self,
        book: CustomerBook,
        stations: KnownStations,
        outcomes: Outcomes,
        local_lists: LocalLists,
        words: Mapping[Version, CustomerWords],
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._stations = stations
        self._outcomes = outcomes
        self._local_lists = local_lists
        self._words = words
        self._events = events
        self._clock = clock

    async def list(self, station_id: str) -> Sequence[CustomerReport]:
        """A station's reports about customers, the newest first. Raises NotFound."""
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        return await self._book.list(station_id)

    async def get(self, station_id: str, request_id: int) -> tuple[CustomerReport, str]:
        """One report, and the text of what has come of it. Raises NotFound."""
        found = await self._book.get(station_id, request_id) if is_storable_number(request_id) else None
        if found is None:
            raise NotFound("customer information", str(request_id))
        return found

    async def forget(self, station_id: str, request_id: int) -> None:
        """Forget a report before its time. Raises NotFound."""
        if not is_storable_number(request_id):
            raise NotFound("customer information", str(request_id))
        await self._book.forget(station_id, request_id)
        self._events.emit("customer_information.forgotten", station_id, request_id=request_id)

    def request(self, version: Version, wanted: CustomerInformation, request_id: int) -> Payload:
        """The request in the words of a version. Raises Unsupported."""
        words = self._words.get(version)
        if words is None:
            raise Unsupported(f"OCPP {version.label} has no customer information")
        request = words.customer_request(wanted, request_id)
        try:
            encode_checked(request)
        except Violation as violation:
            raise Unsupported(f"OCPP {version.label} cannot carry this: {violation.path}: {violation.detail}") from None
        return request

    async def ask(
        self,
        live: LiveStation,
        call: Callable[[Payload], Awaitable[Any]],
        wanted: CustomerInformation,
        request_id: int,
        expect: Callable[[str], None],
    ) -> Any:
        """Ask the station: its response. ``expect`` is told under which number the end will be concluded.

        Raises Unsupported and a CallFailed.
        """
        station_id = live.station_id
        request = self.request(Version(live.report.protocol or ""), wanted, request_id)
        report = CustomerReport(
            station_id=station_id,
            request_id=request_id,
            requested_at=self._clock.now(),
            asked=True,
            report=wanted.report,
            clear=wanted.clear,
        )
        await self._book.expect(report)
        expect(str(request_id))
        try:
            response = await call(request)
        except CallFailed:
            await self._unasked(station_id, request_id)
            raise
        if response.status.value != "Accepted":
            await self._unasked(station_id, request_id)
        elif wanted.clear:
            self._events.emit("customer_information.cleared", station_id, request_id=request_id)
            if wanted.id_token is not None:
                await self._local_lists.leave_out(station_id, wanted.id_token.id_token, wanted.id_token.type)
        return response

    async def take_part(self, live: LiveStation, request_id: int, seq_no: int, is_last: bool, data: str) -> None:
        """Keep a part of a report. Raises OcppError for what cannot be kept."""
        if not 0 <= seq_no < MOST_PARTS or not is_storable_number(request_id):
            raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a number is out of range")
        station_id = live.station_id
        text = data.replace("\0", _REPLACEMENT)
        kept = await self._book.add_part(station_id, request_id, seq_no, is_last, self._clock.now(), text)
        if kept is None:
            raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, f"a report has at most {MOST_PARTS} parts")
        report, completed = kept
        self._events.emit(
            "customer_information.reported",
            station_id,
            request_id=request_id,
            seq_no=seq_no,
            parts=report.parts,
            characters=report.characters,
            complete=report.is_complete,
        )
        told = {
            "request_id": request_id,
            "parts": report.parts,
            "missing_parts": report.missing,
            "characters": report.characters,
        }
        if completed:
            self._outcomes.conclude(station_id, OUTCOME, str(request_id), True, told)
        elif not report.is_complete:
            self._outcomes.progress(station_id, OUTCOME, str(request_id), told)

    async def _unasked(self, station_id: str, request_id: int) -> None:
        """The station does not answer the question: nothing will come. What came nevertheless is kept."""
        found = await self._book.get(station_id, request_id)
        if found is not None and found[0].parts == "":
            await self._book.forget(station_id, request_id)
