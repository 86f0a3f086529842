"""Variable monitoring: setting, replacing and clearing monitors, and the registry of those that stations have.

The registry follows what a station accepts and reports. Setting and clearing are split by what the station takes in
one message (MonitoringCtrlr ItemsPerMessage and BytesPerMessage; N04.FR.09, N06.FR.04), and every monitor has a result
of its own, also where the station did not answer. A boot may change the numbers of monitors: the registry says that it
is outdated until the station has reported them all, which it is asked for as the standard advises (N04.FR.19).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from voltbridge.csms.blocks.b_provisioning.message_limits import Call, chunks
from voltbridge.csms.blocks.n_diagnostics.monitoring_parameters import GetMonitoringReport
from voltbridge.csms.blocks.n_diagnostics.monitoring_ports import (
    Connected,
    KnownStations,
    MonitorBook,
    MonitoringWords,
    MonitorWatch,
    Outcomes,
    Variables,
)
from voltbridge.csms.commands.kinds import RequestIds, Unsupported
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.device_model import Attribute, Component, ReportState, Variable
from voltbridge.domain.errors import InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.monitoring import (
    CRITERION_TYPES,
    ClearStatus,
    EventNotificationType,
    Monitor,
    MonitorCleared,
    MonitorFilter,
    MonitoringBase,
    MonitoringReport,
    MonitoringState,
    MonitorSet,
    SetStatus,
    WantedMonitor,
)
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import CallFailed, StationNotConnected
from voltbridge.domain.stations import LiveStation, RegistrationStatus
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.versions import Version

__all__ = ["REPORT", "MonitoringService", "is_storable_number", "is_storable_variable"]

_log = structlog.stdlib.get_logger(__name__)

REPORT: Final = "monitoring_report"
"""The kind of outcome under which a report of monitors is concluded."""
_STALLED_AFTER: Final = timedelta(seconds=120)
"""A report of which parts are missing counts as incomplete when none has come for this long."""
_MOST_MONITORS: Final = 50_000
"""Of one station; one that reports more is mad, and must not fill the database."""
_BIGGEST: Final = 2**63 - 1
_CONTROLLER: Final = "MonitoringCtrlr"
_CUSTOM: Final = EventNotificationType.CUSTOM_MONITOR
_DONE_AWAY_WITH: Final[Mapping[MonitoringBase, Sequence[EventNotificationType]]] = {
    MonitoringBase.ALL: (),
    MonitoringBase.FACTORY_DEFAULT: (_CUSTOM,),
    MonitoringBase.HARD_WIRED_ONLY: (_CUSTOM, EventNotificationType.PRECONFIGURED_MONITOR),
}
"""N03.FR.03 to N03.FR.05. Monitors of unknown origin stay, in a registry that says it is outdated."""


class MonitoringService:
    """Everything about monitors. ``words`` has the messages of each version that knows them."""

    def __init__(
        self,
        book: MonitorBook,
        stations: KnownStations,
        connected: Connected,
        variables: Variables,
        outcomes: Outcomes,
        alerts: MonitorWatch,
        words: Mapping[Version, MonitoringWords],
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._stations = stations
        self._connected = connected
        self._variables = variables
        self._outcomes = outcomes
        self._alerts = alerts
        self._words = words
        self._events = events
        self._clock = clock
        self._request_ids = RequestIds(clock)

    def now(self) -> datetime:
        """The moment, for translators that make values of the domain."""
        return self._clock.now()

    def words(self, version: Version) -> MonitoringWords:
        """How a version says it. Raises Unsupported."""
        words = self._words.get(version)
        if words is None:
            raise Unsupported(
                f"OCPP {version.label} has no variable monitoring; its stations tell errors of connectors by themselves"
            )
        return words

    # What is known

    async def list(self, wanted: MonitorFilter, page: PageRequest) -> Page[Monitor]:
        """A station's monitors by component and variable. Raises NotFound and InvalidCursor."""
        await self._known_station(wanted.station_id)
        return await self._book.list(wanted, page)

    async def get(self, station_id: str, id: int) -> Monitor:
        """One monitor. Raises NotFound (station, monitor)."""
        found = await self._book.known(station_id, [id])
        if id not in found:
            await self._known_station(station_id)
            raise NotFound("monitor", str(id))
        return found[id]

    async def severities(self, station_id: str, ids: Sequence[int]) -> Mapping[int, int]:
        """How severe those monitors are that are known, by their numbers."""
        return {id: one.severity for id, one in (await self._book.known(station_id, ids)).items()}

    async def state(self, station_id: str) -> MonitoringState:
        """How a station's monitoring is set, as far as known. Raises NotFound."""
        await self._known_station(station_id)
        return await self._book.state(station_id)

    async def reports(self, station_id: str) -> Sequence[tuple[MonitoringReport, ReportState]]:
        """A station's reports of monitors, the newest first. Raises NotFound."""
        await self._known_station(station_id)
        return [(report, self._report_state(report)) for report in await self._book.reports(station_id)]

    # Base and level

    async def base_set(self, station_id: str, base: MonitoringBase) -> None:
        """The station has accepted a monitoring base (N03): forget what it does away with."""
        if gone := _DONE_AWAY_WITH[base]:
            await self._gone(station_id, dict.fromkeys(await self._book.remove_kinds(station_id, gone)))
        await self._book.set_state(station_id, base=base, outdated=True)
        self._events.emit("monitoring.base_set", station_id, base=base.value)

    async def level_set(self, station_id: str, severity: int) -> None:
        """The station has accepted a monitoring level (N05)."""
        await self._book.set_state(station_id, level=severity)
        self._events.emit("monitoring.level_set", station_id, severity=severity)

    # Setting

    async def set(self, station_id: str, wanted: Sequence[WantedMonitor]) -> Sequence[MonitorSet]:
        """Set monitors. Raises NotFound, StationNotConnected and Unsupported."""
        live = await self._connection(station_id)
        return await self.set_by(live, self._variables.caller(live), wanted)

    async def set_by(self, live: LiveStation, call: Call, wanted: Sequence[WantedMonitor]) -> Sequence[MonitorSet]:
        """As ``set``, for a station at hand: one result for each, in the order given."""
        words = self.words(Version(live.report.protocol or ""))
        words.set_request(wanted)  # what the version has no words for is not sent in part
        limits = await self._variables.limits(live, call, "SetVariableMonitoring", len(wanted), _CONTROLLER)
        results: list[MonitorSet] = []
        for chunk in chunks(wanted, limits, words.set_request):
            try:
                told = words.set_results(chunk, await call(words.set_request(chunk)))
            except CallFailed as failure:
                told = [MonitorSet(one, SetStatus.NOT_ANSWERED, str(failure)) for one in chunk]
            await self._keep_set(live.station_id, told)
            results += [await self._explained(live.station_id, one) for one in told]
        self._tell("monitoring.set", live.station_id, results)
        return results

    async def _explained(self, station_id: str, result: MonitorSet) -> MonitorSet:
        """A duplicate with the number to replace, where it is known (N04.FR.10, N04.FR.12)."""
        wanted = result.wanted
        if result.status is not SetStatus.DUPLICATE or result.reason is not None:
            return result
        variable = wanted.variable
        like = MonitorFilter(station_id, variable.component.name, variable.name, None, wanted.type)
        for one in (await self._book.list(like, PageRequest(limit=500))).items:
            if one.variable.key == variable.key and one.severity == wanted.severity:
                return replace(result, reason=f"monitor {one.id} is the same; give its id to replace it")
        return result

    async def _keep_set(self, station_id: str, results: Sequence[MonitorSet]) -> None:
        now = self._clock.now()
        accepted = [
            Monitor(
                station_id=station_id,
                id=one.id,
                variable=one.wanted.variable,
                type=one.wanted.type,
                value=one.wanted.value,
                severity=one.wanted.severity,
                transaction=one.wanted.transaction,
                notification_type=_CUSTOM,  # of one replaced too (N04.FR.15)
                noted_at=now,
            )
            for one in results
            if one.status is SetStatus.ACCEPTED and one.id is not None
        ]
        if accepted:
            await self._book.put(accepted)

    # Clearing

    async def clear(self, station_id: str, ids: Sequence[int]) -> Sequence[MonitorCleared]:
        """Clear monitors. Raises NotFound, StationNotConnected and Unsupported."""
        live = await self._connection(station_id)
        return await self.clear_by(live, self._variables.caller(live), ids)

    async def clear_by(self, live: LiveStation, call: Call, ids: Sequence[int]) -> Sequence[MonitorCleared]:
        """As ``clear``, for a station at hand: one result for each, in the order given."""
        words = self.words(Version(live.report.protocol or ""))
        ids = list(dict.fromkeys(ids))
        limits = await self._variables.limits(live, call, "ClearVariableMonitoring", len(ids), _CONTROLLER)
        results: list[MonitorCleared] = []
        for chunk in chunks(ids, limits, words.clear_request):
            try:
                told = words.clear_results(chunk, await call(words.clear_request(chunk)))
            except CallFailed as failure:
                told = [MonitorCleared(id, ClearStatus.NOT_ANSWERED, str(failure)) for id in chunk]
            gone = [one.id for one in told if one.status in (ClearStatus.ACCEPTED, ClearStatus.NOT_FOUND)]
            if gone:
                await self._book.remove(live.station_id, gone)
                await self._gone(live.station_id, dict.fromkeys(gone))
            results += told
        self._tell("monitoring.cleared", live.station_id, results)
        return results

    def _tell(self, type: str, station_id: str, results: Sequence[MonitorSet] | Sequence[MonitorCleared]) -> None:
        counts: defaultdict[str, int] = defaultdict(int)
        for one in results:
            counts[one.status.value] += 1
        accepted = [one.id for one in results if one.status.value == "Accepted"]
        self._events.emit(type, station_id, counts=dict(counts), monitor_ids=accepted)

    # Reports

    async def report(
        self,
        live: LiveStation,
        call: Call,
        wanted: GetMonitoringReport,
        request_id: int,
        expect: Callable[[str], None] = lambda correlation: None,
    ) -> Any:
        """Ask for a report: the response. ``expect`` is told the number under which the end will be concluded.

        Raises Unsupported, CallFailed, and InvalidValue for more variables than the station takes (N02.FR.07).
        """
        station_id = live.station_id
        request = self.words(Version(live.report.protocol or "")).report_request(wanted, request_id)
        await self._check_count(station_id, len(wanted.variables))
        types = [type for one in wanted.criteria for type in CRITERION_TYPES[one]]
        report = MonitoringReport(
            station_id=station_id,
            request_id=request_id,
            requested_at=self._clock.now(),
            types=tuple(types) or None,
            selected=bool(wanted.variables),
        )
        await self._book.expect_report(report)
        expect(str(request_id))
        try:
            response = await call(request)
        except CallFailed:
            await self._book.forget_report(station_id, request_id)
            raise
        if response.status.value == "EmptyResultSet":  # nothing follows (N02.FR.10)
            await self._gone(station_id, await self._book.nothing_there(report))
            await self._completed(report)
            self._outcomes.conclude(station_id, REPORT, str(request_id), True, {"parts": "", "monitors": 0})
        elif response.status.value != "Accepted":
            await self._book.forget_report(station_id, request_id)
        return response

    async def take_part(
        self,
        live: LiveStation,
        request_id: int,
        seq_no: int,
        is_last: bool,
        told: Sequence[Monitor],
        at: datetime,
    ) -> None:
        """Keep a part of a report. Raises OcppError for what cannot be kept."""
        station_id = live.station_id
        numbers = (request_id, *(number for one in told for number in (one.id, one.severity)))
        if not 0 <= seq_no <= _BIGGEST or not all(map(is_storable_number, numbers)):
            raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a number is out of range")
        if not all(is_storable_variable(one.variable) for one in told):
            raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a component or variable has an impossible name")
        if told and await self._book.count(station_id) + len(told) > _MOST_MONITORS:
            known = await self._book.known(station_id, [one.id for one in told])
            if await self._book.count(station_id) + len(told) - len(known) > _MOST_MONITORS:
                raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "too many monitors for one station")
        report, completed, gone = await self._book.add_part(station_id, request_id, seq_no, is_last, at, told)
        await self._gone(station_id, gone)
        self._events.emit(
            "monitoring.reported",
            station_id,
            request_id=request_id,
            seq_no=seq_no,
            parts=report.parts,
            monitors=len(told),
            complete=report.is_complete,
        )
        told_so_far = {"parts": report.parts, "missing_parts": report.missing, "monitors": report.monitors}
        if completed:
            await self._completed(report)
            self._outcomes.conclude(station_id, REPORT, str(request_id), True, told_so_far)
        elif not report.is_complete:
            self._outcomes.progress(station_id, REPORT, str(request_id), told_so_far)

    async def _gone(self, station_id: str, gone: Mapping[int, int | None]) -> None:
        """Monitors have other numbers, or none any more."""
        if gone:
            await self._alerts.monitors_gone(station_id, gone)

    async def _completed(self, report: MonitoringReport) -> None:
        if report.types is None and not report.selected:
            await self._book.set_state(report.station_id, reported_at=self._clock.now(), outdated=False)

    async def _check_count(self, station_id: str, count: int) -> None:
        most = Attribute(Variable(Component("DeviceDataCtrlr"), "ItemsPerMessage", "GetReport"))
        told = (await self._variables.known(station_id, [most])).get(most.key)
        text = "" if told is None or told.value is None else told.value
        if text.isascii() and text.isdecimal() and 0 < int(text[:10]) < count:
            raise InvalidValue("variables", f"has {count} entries, the station takes {text} at once")

    # Boots

    async def booted(self, live: LiveStation) -> None:
        """The numbers of monitors may have changed (N04.FR.19): ask a station for them that is known to have any."""
        if live.registered is not RegistrationStatus.ACCEPTED:
            return
        version = Version(live.report.protocol or "")
        try:
            if version not in self._words or not await self._book.count(live.station_id):
                return
            await self._book.set_state(live.station_id, outdated=True)
            await self.report(live, self._variables.caller(live), GetMonitoringReport(), self._request_ids.next())
        except (CallFailed, StorageUnavailable) as error:
            _log.info("monitors were not reported after a boot", station=live.station_id, why=str(error))

    async def _connection(self, station_id: str) -> LiveStation:
        live = self._connected.get(station_id)
        if live is None:
            await self._known_station(station_id)
            raise StationNotConnected(station_id)
        return live

    async def _known_station(self, station_id: str) -> None:
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)

    def _report_state(self, report: MonitoringReport) -> ReportState:
        if report.is_complete:
            return ReportState.COMPLETE
        stalled = self._clock.now() - (report.last_part_at or report.requested_at) > _STALLED_AFTER
        return ReportState.INCOMPLETE if stalled else ReportState.RECEIVING


def is_storable_number(number: int | None) -> bool:
    """Whether a row can hold it."""
    return number is None or abs(number) <= _BIGGEST


def is_storable_variable(variable: Variable) -> bool:
    """Whether a row can hold its names and numbers."""
    component = variable.component
    names = (component.name, component.instance, variable.name, variable.instance)
    if not all(is_storable_number(number) for number in (component.evse_id, component.connector_id)):
        return False
    return not any(name is not None and "\0" in name for name in names)
