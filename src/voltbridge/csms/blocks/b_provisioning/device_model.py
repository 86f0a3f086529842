"""The device model of every station: filled from reports and answers, read and written in the station's own words.

A report is taken part by part, in any order; what came is shown at once. Reading and writing are split by what the
station takes in one message (DeviceDataCtrlr ItemsPerMessage and BytesPerMessage; B05.FR.11, B06.FR.05), and every
attribute has a result of its own, also where the station did not answer. Secrets are never kept: only that they were
written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from voltbridge.csms.blocks.a_security.passwords import check_password
from voltbridge.csms.blocks.b_provisioning.message_limits import Call, MessageLimits, StationLimits, chunks, positive
from voltbridge.csms.blocks.b_provisioning.ports import (
    Calls,
    Connected,
    Outcomes,
    Passwords,
    Stations,
    VariableBook,
    VariableWords,
)
from voltbridge.csms.blocks.b_provisioning.variable_parameters import Report, ReportKind
from voltbridge.csms.blocks.b_provisioning.variable_rules import (
    is_password,
    is_secret,
    problem_of,
    shown,
    without_secret,
)
from voltbridge.csms.commands.kinds import RequestIds
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    Component,
    ReadResult,
    ReadStatus,
    ReportState,
    StationReportParts,
    StationVariable,
    Variable,
    VariableFilter,
    WriteResult,
    WriteStatus,
)
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import CallFailed, StationNotConnected
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["OUTCOME", "REPORT_WITHIN_S", "DeviceModelService"]

_log = structlog.stdlib.get_logger(__name__)

OUTCOME: Final = "report"
"""The kind of outcome under which a report is concluded."""
REPORT_WITHIN_S: Final = 600.0
_STALLED_AFTER: Final = timedelta(seconds=120)
"""A report of which parts are missing counts as incomplete when none has come for this long."""

_BIGGEST: Final = 2**63 - 1
_MOST_VARIABLES: Final = 50_000
"""Of one station, before events and reports no longer add any: one that makes up names cannot fill the database."""

_FILE_TRANSFER_PROTOCOLS: Final = Attribute(Variable(Component("OCPPCommCtrlr"), "FileTransferProtocols"))


class DeviceModelService:
    """Everything about variables. ``words`` has the requests of each version; ``serve`` completes it."""

    def __init__(
        self,
        book: VariableBook,
        stations: Stations,
        connected: Connected,
        calls: Calls,
        words: Mapping[Version, VariableWords],
        outcomes: Outcomes,
        passwords: Passwords,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._stations = stations
        self._connected = connected
        self._calls = calls
        self._words = words
        self._outcomes = outcomes
        self._passwords = passwords
        self._events = events
        self._clock = clock
        self._request_ids = RequestIds(clock)
        self._limits = StationLimits(book, words, self.read_by)

    def now(self) -> datetime:
        """The moment, for translators that make values of the domain."""
        return self._clock.now()

    def words(self, version: Version) -> VariableWords:
        """How a version says it."""
        return self._words[version]

    # What is known

    async def list(self, wanted: VariableFilter, page: PageRequest) -> Page[StationVariable]:
        """A station's variables by component. Raises NotFound and InvalidCursor."""
        await self._known_station(wanted.station_id)
        return await self._book.list(wanted, page)

    async def known(self, station_id: str, attributes: Sequence[Attribute]) -> Mapping[str, StationVariable]:
        """What is known of these attributes, by their keys."""
        return await self._book.known(station_id, attributes)

    async def file_transfer_protocols(self, station_id: str) -> str | None:
        """The list of protocols for files that the station tells, None where it tells none; 1.6 has a key for it."""
        told = (await self._book.known(station_id, [_FILE_TRANSFER_PROTOCOLS])).get(_FILE_TRANSFER_PROTOCOLS.key)
        return None if told is None else told.value

    async def reports(self, station_id: str) -> Sequence[tuple[StationReportParts, ReportState]]:
        """A station's reports, the newest first. Raises NotFound."""
        await self._known_station(station_id)
        return [(report, self._state(report)) for report in await self._book.reports(station_id)]

    # Reports

    async def report(
        self,
        live: LiveStation,
        call: Call,
        wanted: Report,
        request_id: int,
        expect: Callable[[str], None] = lambda correlation: None,
    ) -> tuple[Any, int | None]:
        """Ask for a report: the response, and how many attributes it told where it is the report itself.

        Otherwise ``expect`` is told the number under which its end will be concluded. Raises Unsupported, CallFailed,
        and InvalidValue for more variables than the station takes in one request.
        """
        words = self._words[Version(live.report.protocol or "")]
        request = words.report_request(wanted, request_id)
        if words.ANSWERS_WITH_REPORT:
            response = await call(request)
            return response, await self._take_all(live, words.reported(response, live.station_id, self._clock.now()))
        most = Attribute(Variable(Component("DeviceDataCtrlr"), "ItemsPerMessage", "GetReport"))
        told = (await self._book.known(live.station_id, [most])).get(most.key)
        limit = None if told is None or told.value is None else positive(told.value)
        if limit is not None and len(wanted.variables) > limit:
            raise InvalidValue("variables", f"has {len(wanted.variables)} entries, the station takes {limit} at once")
        await self._book.expect_report(
            StationReportParts(
                station_id=live.station_id,
                request_id=request_id,
                kind=wanted.kind.value,
                requested_at=self._clock.now(),
            )
        )
        expect(str(request_id))
        try:
            response = await call(request)
        except CallFailed:
            await self._book.forget_report(live.station_id, request_id)
            raise
        if response.status.value != "Accepted":
            await self._book.forget_report(live.station_id, request_id)
            if response.status.value == "EmptyResultSet":  # nothing follows (B08.FR.15)
                self._outcomes.conclude(live.station_id, OUTCOME, str(request_id), True, {"parts": "", "variables": 0})
        return response, None

    async def refresh(self, live: LiveStation) -> None:
        """Ask for the whole device model; nothing depends on the answer."""
        try:
            await self.report(live, self.caller(live), Report(), self._request_ids.next())
        except CallFailed as failure:
            _log.info("a report was not answered", station=live.station_id, why=str(failure))

    async def take_part(
        self,
        live: LiveStation,
        request_id: int,
        seq_no: int,
        is_last: bool,
        told: Sequence[StationVariable],
        at: datetime,
    ) -> None:
        """Keep a part of a report. Raises OcppError for numbers that cannot be."""
        evses = (one.attribute.variable.component.evse_id or 0 for one in told)
        if not 0 <= seq_no <= _BIGGEST or abs(request_id) > _BIGGEST or any(abs(evse) > _BIGGEST for evse in evses):
            raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a number is out of range")
        report, completed = await self._book.add_part(
            live.station_id, request_id, seq_no, is_last, at, [without_secret(one) for one in told], _MOST_VARIABLES
        )
        data = {
            "request_id": request_id,
            "kind": report.kind,
            "seq_no": seq_no,
            "parts": report.parts,
            "variables": len(told),
            "complete": report.is_complete,
        }
        self._events.emit("variables.reported", live.station_id, **data)
        told_so_far = {"parts": report.parts, "variables": report.variables}
        if completed:
            self._outcomes.conclude(live.station_id, OUTCOME, str(request_id), True, told_so_far)
        elif not report.is_complete:
            self._outcomes.progress(live.station_id, OUTCOME, str(request_id), told_so_far)

    async def _take_all(self, live: LiveStation, told: Sequence[StationVariable]) -> int:
        """Keep a whole inventory that came in one answer; how many attributes it has."""
        await self._book.put_all(live.station_id, [without_secret(one) for one in told])
        data = {"request_id": None, "kind": ReportKind.FULL_INVENTORY.value, "seq_no": 0, "parts": "0"}
        self._events.emit("variables.reported", live.station_id, **data, variables=len(told), complete=True)
        return len(told)

    # Reading

    async def read(self, station_id: str, attributes: Sequence[Attribute]) -> Sequence[ReadResult]:
        """Read from the station. Raises NotFound and StationNotConnected."""
        return await self.read_by(*(await self._connection(station_id)), attributes)

    async def read_by(self, live: LiveStation, call: Call, attributes: Sequence[Attribute]) -> Sequence[ReadResult]:
        """As ``read``, for a station at hand."""
        words = self._words[Version(live.report.protocol or "")]
        results: dict[str, ReadResult] = {}
        wanted: dict[str, Attribute] = {}
        for attribute in attributes:
            status = words.unknown(attribute)
            if status is None:
                wanted[attribute.key] = attribute
            else:
                results[attribute.key] = ReadResult(attribute, status)
        limits = await self.limits(live, call, "GetVariables", len(wanted))
        for chunk in chunks(list(wanted.values()), limits, words.read_request):
            try:
                told = words.read_results(chunk, await call(words.read_request(chunk)))
            except CallFailed as failure:
                told = [ReadResult(one, ReadStatus.NOT_ANSWERED, reason=str(failure)) for one in chunk]
            for result in told:
                results[result.attribute.key] = shown(result)
        done = [results[attribute.key] for attribute in attributes]
        await self._keep_read(live.station_id, done, words)
        return done

    async def _keep_read(self, station_id: str, results: Sequence[ReadResult], words: VariableWords) -> None:
        now = self._clock.now()
        told = [
            StationVariable(
                station_id=station_id,
                attribute=one.attribute,
                updated_at=now,
                value=one.value,
                mutability=one.mutability,
                characteristics=words.characteristics(one.attribute),
            )
            for one in results
            if one.status is ReadStatus.ACCEPTED
        ]
        if told:
            await self._book.put_values(told)

    async def told_by_events(self, station_id: str, values: Mapping[Variable, str]) -> None:
        """Note actual values that monitors told (N07, N08). Of variables never seen before only so many are kept."""
        now = self._clock.now()
        told = [
            StationVariable(station_id=station_id, attribute=attribute, updated_at=now, value=value)
            for attribute, value in ((Attribute(variable), value) for variable, value in values.items())
            if not is_secret(attribute)
        ]
        if told:
            await self._book.note_values(station_id, told, _MOST_VARIABLES)

    # Writing

    async def write(self, station_id: str, values: Sequence[DesiredValue]) -> Sequence[WriteResult]:
        """Write to the station. Raises NotFound and StationNotConnected."""
        return await self.write_by(*(await self._connection(station_id)), values)

    async def write_by(self, live: LiveStation, call: Call, values: Sequence[DesiredValue]) -> Sequence[WriteResult]:
        """As ``write``, for a station at hand. Of two values for one attribute the last counts."""
        words = self._words[Version(live.report.protocol or "")]
        known = await self._book.known(live.station_id, [value.attribute for value in values])
        results: dict[str, WriteResult] = {}
        wanted: dict[str, DesiredValue] = {}
        for value in values:
            attribute = value.attribute
            wanted.pop(attribute.key, None)
            status = words.unknown(attribute)
            if status is not None:
                results[attribute.key] = WriteResult(attribute, WriteStatus(status.value))
            elif (problem := problem_of(live.station_id, value, known.get(attribute.key), words)) is not None:
                results[attribute.key] = WriteResult(attribute, WriteStatus.INVALID, problem)
            else:
                wanted[attribute.key] = value
        limits = await self.limits(live, call, "SetVariables", len(wanted))
        if words.MOST_WRITTEN is not None:
            limits = replace(limits, items=words.MOST_WRITTEN)
        for chunk in chunks(list(wanted.values()), limits, words.write_request):
            try:
                told = words.write_results(chunk, await call(words.write_request(chunk)))
            except CallFailed as failure:
                told = [WriteResult(one.attribute, WriteStatus.NOT_ANSWERED, str(failure)) for one in chunk]
            for result in told:
                results[result.attribute.key] = result
                await self._take_over(live.station_id, wanted[result.attribute.key], result)
        await self._keep_written(live.station_id, wanted, results)
        return [results[value.attribute.key] for value in values]

    async def _take_over(self, station_id: str, value: DesiredValue, result: WriteResult) -> None:
        """Go by what a station took, where that is more than a value to be shown."""
        if result.status.is_taken and is_password(value.attribute):
            # From now on the old one is refused (A01.FR.03); the connection stays.
            await self._passwords.set_password(station_id, value.value)

    # Writing by messages that others make: the door that takes any message

    def check(self, station_id: str, version: Version, request: Payload) -> None:
        """Raise InvalidValue for a password that could not be set here once the station has taken it."""
        for value in self._words[version].written(request):
            if is_password(value.attribute):
                check_password(value.value, station_id)

    async def answered(self, station_id: str, version: Version, request: Payload, response: Payload) -> None:
        """Go by what a station says to a message that sets values. Raises StorageUnavailable."""
        words = self._words[version]
        wanted = {value.attribute.key: value for value in words.written(request)}
        results = {one.attribute.key: one for one in words.write_results(list(wanted.values()), response)}
        for key, value in wanted.items():
            await self._take_over(station_id, value, results[key])
        await self._keep_written(station_id, wanted, results)

    async def _keep_written(
        self, station_id: str, wanted: Mapping[str, DesiredValue], results: Mapping[str, WriteResult]
    ) -> None:
        now = self._clock.now()
        in_force = [
            StationVariable(station_id=station_id, attribute=value.attribute, updated_at=now, value=value.value)
            for key, value in wanted.items()
            # What needs a reboot is not in force yet.
            if results[key].status is WriteStatus.ACCEPTED and not is_secret(value.attribute)
        ]
        if in_force:
            await self._book.put_values(in_force)
        if results:
            self._events.emit(
                "variables.written",
                station_id,
                results=[
                    {
                        "variable": str(one.attribute.variable),
                        "attribute": one.attribute.type.value,
                        "status": one.status,
                    }
                    for one in results.values()
                ],
            )

    # Limits

    async def limits(
        self, live: LiveStation, call: Call, message: str, count: int, component: str = "DeviceDataCtrlr"
    ) -> MessageLimits:
        """What the station takes in one message of this kind, asking it where that is not known."""
        return await self._limits.of(live, call, message, count, component)

    async def _connection(self, station_id: str) -> tuple[LiveStation, Call]:
        live = self._connected.get(station_id)
        if live is None:
            await self._known_station(station_id)
            raise StationNotConnected(station_id)
        return live, self.caller(live)

    def caller(self, live: LiveStation) -> Call:
        """A way to call the station."""
        version = Version(live.report.protocol or "")

        async def call(request: Payload) -> Any:
            return await self._calls.call(live, version, request)

        return call

    async def _known_station(self, station_id: str) -> None:
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)

    def _state(self, report: StationReportParts) -> ReportState:
        if report.is_complete:
            return ReportState.COMPLETE
        stalled = self._clock.now() - (report.last_part_at or report.requested_at) > _STALLED_AFTER
        return ReportState.INCOMPLETE if stalled else ReportState.RECEIVING
