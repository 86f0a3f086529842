"""What stations watch: their monitors, set, replaced and cleared here or by commands, and how monitoring is set."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import NOT_TEXT, Flag, Moment, PageOf, PageQuery, RequestBody, Shape, page_of
from voltbridge.api.stations import StationId
from voltbridge.api.variables import Component, ComponentName, Number, VariableName, VariableOf
from voltbridge.csms.blocks.n_diagnostics.monitoring_parameters import MOST_MONITORS, wanted_monitor
from voltbridge.domain import device_model
from voltbridge.domain import monitoring as domain
from voltbridge.domain.device_model import ReportState
from voltbridge.domain.monitoring import (
    LEAST_SEVERE,
    ClearStatus,
    EventNotificationType,
    MonitorFilter,
    MonitoringBase,
    MonitorType,
    SetStatus,
)

__all__ = [
    "ClearResult",
    "Monitor",
    "MonitorBody",
    "MonitorId",
    "MonitorPage",
    "MonitorQuery",
    "Monitoring",
    "MonitoringReport",
    "MonitoringReportPage",
    "NewMonitor",
    "SetResult",
    "SetResults",
    "Severity",
    "ToSet",
    "router",
]

router = APIRouter(tags=["monitoring"])

MonitorId = Annotated[
    int, Path(ge=0, le=2_147_483_647, description="The number that the station gave it.", examples=[1])
]
Severity = Annotated[int, Field(ge=0, le=LEAST_SEVERE, description="0, danger, to 9, debugging."), NOT_TEXT]
_VALUE = (
    "A threshold, a difference, or for periodic monitors seconds; left out for Delta it is 1, which is what variables "
    "without numbers want."
)


class Monitor(Shape):
    """A monitor, as far as the station accepted or reported it."""

    id: int = Field(description="The number that the station gave it. It may change when the station boots.")
    component: Component
    variable: VariableOf
    type: MonitorType
    value: float
    interval_s: float | None = Field(description="Of periodic monitors: the value again.")
    severity: int = Field(description="0, danger, to 9, debugging.")
    transaction: bool = Field(description="Whether it watches only while there is a transaction.")
    notification_type: EventNotificationType | None = Field(
        description="Where it comes from; CustomMonitor was set from here. Null: 2.0.1 stations do not tell."
    )
    noted_at: Moment = Field(description="When the station accepted or reported it last.")


class MonitorPage(PageOf[Monitor]):
    """One page of monitors, by component and variable."""


class MonitorQuery(PageQuery):
    """Which monitors."""

    component: str | None = Field(default=None, max_length=50, description="Name of the component, in any case.")
    variable: str | None = Field(default=None, max_length=50, description="Name of the variable, in any case.")
    evse_id: int | None = Field(default=None, ge=0, le=2_147_483_647)
    type: MonitorType | None = None


class MonitorBody(RequestBody):
    """What a monitor watches for."""

    type: MonitorType = Field(examples=["UpperThreshold"])
    value: Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False), NOT_TEXT] | None = Field(
        default=None, description=_VALUE, examples=[60]
    )
    severity: Severity = Field(examples=[4])
    transaction: Flag = Field(default=False, description="Watch only while there is a transaction.")


class NewMonitor(MonitorBody):
    """A monitor to set."""

    component: ComponentName
    variable: VariableName
    id: Number | None = Field(default=None, description="Replace this one of the same variable.", examples=[None])


class ToSet(RequestBody):
    """What to set on the station."""

    monitors: Annotated[list[NewMonitor], Field(min_length=1, max_length=MOST_MONITORS)]


class SetResult(Shape):
    """What became of one monitor."""

    component: Component
    variable: VariableOf
    type: MonitorType
    severity: int
    status: SetStatus
    reason: str | None
    id: int | None = Field(description="The number that the station gave it; null unless it was accepted.")


class SetResults(Shape):
    """One result for each monitor, in the order given."""

    results: list[SetResult]


class ClearResult(Shape):
    """What became of clearing a monitor."""

    id: int
    status: ClearStatus
    reason: str | None


class Monitoring(Shape):
    """How a station's monitoring is set, as far as that is known."""

    station_id: str
    base: MonitoringBase | None = Field(description="The monitoring base it accepted last; null: none from here.")
    level: int | None = Field(description="It tells of what is this severe, or more; null: never set from here.")
    reported_at: Moment | None = Field(description="When it last reported all its monitors.")
    outdated: bool = Field(
        description="Whether monitors or their numbers may have changed since: it has booted, or taken another base. "
        "The command `get_monitoring_report` puts the list right."
    )


class MonitoringReport(Shape):
    """A report of monitors that came, or comes, in parts."""

    request_id: int
    types: list[MonitorType] | None = Field(description="The types asked for; null: all.")
    state: ReportState
    requested_at: Moment
    last_part_at: Moment | None
    parts: str = Field(description="Numbers of the parts that have come.", examples=["0-4,6"])
    missing_parts: list[int] = Field(description="At most 100 of those that have not come though a later one has.")
    last_seq_no: int | None = Field(description="Number of the last part, once it has come.")
    monitors: int


class MonitoringReportPage(PageOf[MonitoringReport]):
    """A station's latest reports of monitors, newest first, on one page."""


@router.get("/stations/{station_id}/monitors", response_model=MonitorPage, responses=responses(400, 401, 404, 422))
async def list_monitors(services: UsesServices, station_id: StationId, query: Annotated[MonitorQuery, Query()]) -> Any:
    """List the monitors of a station, by what it accepted and reported.

    Ask for all with the command `get_monitoring_report`.
    """
    wanted = MonitorFilter(station_id, query.component, query.variable, query.evse_id, query.type)
    return page_of(await services.monitoring.list(wanted, query.page), _shown)


@router.get("/stations/{station_id}/monitors/{monitor_id}", response_model=Monitor, responses=responses(400, 401, 404))
async def get_monitor(services: UsesServices, station_id: StationId, monitor_id: MonitorId) -> Any:
    """One monitor of a station."""
    return _shown(await services.monitoring.get(station_id, monitor_id))


@router.post("/stations/{station_id}/monitors", response_model=SetResults, responses=responses(400, 401, 404, 409, 422))
async def set_monitors(services: UsesServices, station_id: StationId, wanted: ToSet) -> Any:
    """Set monitors on the station, in as many messages as it needs. Each has a result of its own."""
    monitors = [
        wanted_monitor(
            _variable(one),
            one.type,
            one.value,
            one.severity,
            transaction=one.transaction,
            id=one.id,
            at=f"monitors[{index}].",
        )
        for index, one in enumerate(wanted.monitors)
    ]
    return SetResults(results=[_set_result(one) for one in await services.monitoring.set(station_id, monitors)])


@router.put(
    "/stations/{station_id}/monitors/{monitor_id}",
    response_model=SetResult,
    responses=responses(400, 401, 404, 409, 422),
)
async def replace_monitor(
    services: UsesServices, station_id: StationId, monitor_id: MonitorId, body: MonitorBody
) -> Any:
    """Replace a monitor that the station has by another on the same variable."""
    known = await services.monitoring.get(station_id, monitor_id)
    wanted = wanted_monitor(
        known.variable, body.type, body.value, body.severity, transaction=body.transaction, id=monitor_id
    )
    (result,) = await services.monitoring.set(station_id, [wanted])
    return _set_result(result)


@router.delete(
    "/stations/{station_id}/monitors/{monitor_id}",
    response_model=ClearResult,
    responses=responses(400, 401, 404, 409, 422),
)
async def clear_monitor(services: UsesServices, station_id: StationId, monitor_id: MonitorId) -> Any:
    """Clear a monitor. Those that are hard-wired stay: the result says Rejected."""
    (result,) = await services.monitoring.clear(station_id, [monitor_id])
    return ClearResult.model_validate(result)


@router.get("/stations/{station_id}/monitoring", response_model=Monitoring, responses=responses(401, 404))
async def get_monitoring(services: UsesServices, station_id: StationId) -> Any:
    """How a station's monitoring is set. Change it with `set_monitoring_base` and `set_monitoring_level`."""
    return Monitoring.model_validate(await services.monitoring.state(station_id))


@router.get(
    "/stations/{station_id}/monitoring-reports", response_model=MonitoringReportPage, responses=responses(401, 404)
)
async def list_monitoring_reports(services: UsesServices, station_id: StationId) -> Any:
    """The reports that fill the list of monitors, and what is missing of them."""
    return {
        "items": [
            MonitoringReport(
                request_id=report.request_id,
                types=None if report.types is None else list(report.types),
                state=state,
                requested_at=report.requested_at,
                last_part_at=report.last_part_at,
                parts=report.parts,
                missing_parts=report.missing,
                last_seq_no=report.last_seq_no,
                monitors=report.monitors,
            )
            for report, state in await services.monitoring.reports(station_id)
        ],
        "next": None,
    }


def _variable(one: NewMonitor) -> device_model.Variable:
    component = one.component
    named = device_model.Component(component.name, component.instance, component.evse_id, component.connector_id)
    return device_model.Variable(named, one.variable.name, one.variable.instance)


def _named(variable: device_model.Variable) -> dict[str, Any]:
    return {
        "component": Component.model_validate(variable.component),
        "variable": VariableOf(name=variable.name, instance=variable.instance),
    }


def _shown(one: domain.Monitor) -> Monitor:
    return Monitor(
        id=one.id,
        **_named(one.variable),
        type=one.type,
        value=one.value,
        interval_s=one.value if one.type.is_periodic else None,
        severity=one.severity,
        transaction=one.transaction,
        notification_type=one.notification_type,
        noted_at=one.noted_at,
    )


def _set_result(one: domain.MonitorSet) -> SetResult:
    wanted = one.wanted
    return SetResult(
        **_named(wanted.variable),
        type=wanted.type,
        severity=wanted.severity,
        status=one.status,
        reason=one.reason,
        id=one.id,
    )
