"""The device model of every station: filled from reports and answers, read and written in the station's own words.

A report is taken part by part, in any order; what came is shown at once. Reading and writing are split by what the
station takes in one message (DeviceDataCtrlr ItemsPerMessage and BytesPerMessage; B05.FR.11, B06.FR.05), and every
attribute has a result of its own, also where the station did not answer. Secrets are never kept: only that they were
written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog

from voltbridge.csms.blocks.a_security.passwords import check_password
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
from voltbridge.csms.commands.kinds import RequestIds
from voltbridge.csms.events import EventLog
from voltbridge.csms.redaction import tells_secret
from voltbridge.domain.clock import Clock
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    Component,
    Mutability,
    ReadResult,
    ReadStatus,
    ReportState,
    StationReportParts,
    StationVariable,
    ValueProblem,
    Variable,
    VariableFilter,
    WriteResult,
    WriteStatus,
    check_value,
)
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import CallFailed, StationNotConnected
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.codec import encode
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "OUTCOME",
    "REPORT_WITHIN_S",
    "Call",
    "DeviceModelService",
    "MessageLimits",
    "chunks",
    "is_password",
    "is_secret",
]

_log = structlog.stdlib.get_logger(__name__)

OUTCOME: Final = "report"
"""The kind of outcome under which a report is concluded."""
REPORT_WITHIN_S: Final = 600.0
_STALLED_AFTER: Final = timedelta(seconds=120)
"""A report of which parts are missing counts as incomplete when none has come for this long."""

_FRAME_BYTES: Final = 80
"""What is around the payload of a request."""
_UNTOLD_ITEMS: Final = 10
"""In one message to a station that does not say how many it takes."""
_BIGGEST: Final = 2**63 - 1
_MOST_VARIABLES: Final = 50_000
"""Of one station, before events no longer add any: one that makes up names cannot fill the database."""

_FILE_TRANSFER_PROTOCOLS: Final = Attribute(Variable(Component("OCPPCommCtrlr"), "FileTransferProtocols"))
_PASSWORD: Final = Variable(Component("SecurityCtrlr"), "BasicAuthPassword").key

Call = Callable[[Payload], Awaitable[Any]]
"""Sends a request to the station at hand. Raises a CallFailed."""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """What a station takes in one message; None: no limit."""

    items: int | None
    bytes: int | None


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
        self._untold: set[str] = set()
        """Limits that stations were asked for and did not have, as station id and key of the attribute."""

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
        limit = None if told is None or told.value is None else _positive(told.value)
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
            live.station_id, request_id, seq_no, is_last, at, [_without_secret(one) for one in told]
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
        await self._book.put_all(live.station_id, [_without_secret(one) for one in told])
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
                results[result.attribute.key] = _shown(result)
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
            elif (problem := _problem(live.station_id, value, known.get(attribute.key), words)) is not None:
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
        """What the station takes in one message of this kind, asking it where that is not known.

        The component has the variables ItemsPerMessage and BytesPerMessage, the message being their instance.
        """
        if count < 2:
            return MessageLimits(None, None)
        wanted = [
            Attribute(Variable(Component(component), name, message)) for name in ("ItemsPerMessage", "BytesPerMessage")
        ]
        words = self._words[Version(live.report.protocol or "")]
        known = dict(await self._book.known(live.station_id, wanted))
        numbers: list[int | None] = []
        for attribute in wanted:
            mark = f"{live.station_id}\n{attribute.key}"
            if attribute.key not in known and mark not in self._untold and words.unknown(attribute) is None:
                (result,) = await self.read_by(live, call, [attribute])
                if result.status is ReadStatus.ACCEPTED and result.value is not None:
                    numbers.append(_positive(result.value))
                    continue
                if result.status is not ReadStatus.NOT_ANSWERED:
                    self._untold.add(mark)
            one = known.get(attribute.key)
            numbers.append(None if one is None or one.value is None else _positive(one.value))
        return MessageLimits(numbers[0] or _UNTOLD_ITEMS, numbers[1])

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


def is_password(attribute: Attribute) -> bool:
    """Whether this is what the station authenticates with."""
    return attribute.variable.key == _PASSWORD


def is_secret(attribute: Attribute) -> bool:
    """Whether the name tells that the value is a secret."""
    variable = attribute.variable
    component = variable.component
    return tells_secret(variable.name, variable.instance, component.name, component.instance)


def _problem(station_id: str, value: DesiredValue, known: StationVariable | None, words: VariableWords) -> str | None:
    """Why a value is not even sent."""
    if (refusal := words.refusal(value)) is not None:
        return refusal
    if is_password(value.attribute):
        try:
            check_password(value.value, station_id)
        except InvalidValue as error:
            return error.problem
    if known is not None and known.mutability is Mutability.READ_ONLY:
        return "is read-only"
    told = None if known is None else known.characteristics
    characteristics = told or words.characteristics(value.attribute)
    if characteristics is not None:
        try:
            check_value(value.value, characteristics)
        except ValueProblem as problem:
            return str(problem)
    return None


def chunks(
    items: Sequence[Item], limits: MessageLimits, request: Callable[[Sequence[Item]], Payload]
) -> Iterator[Sequence[Item]]:
    """The items in as few messages as the limits allow; one that is too large by itself goes alone."""
    most = limits.items or len(items)
    chunk: list[Item] = []
    size = _FRAME_BYTES
    for item in items:
        own = len(encode(request([item]))) if limits.bytes is not None else 0
        too_large = limits.bytes is not None and size + own > limits.bytes
        if chunk and (len(chunk) >= most or too_large):
            yield chunk
            chunk, size = [], _FRAME_BYTES
        chunk.append(item)
        size += own
    if chunk:
        yield chunk


def _positive(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text) > 0 else None


def _without_secret(one: StationVariable) -> StationVariable:
    return replace(one, value=None) if is_secret(one.attribute) else one


def _shown(result: ReadResult) -> ReadResult:
    return replace(result, value=None) if is_secret(result.attribute) else result
