"""Alerts: what is wrong at stations, acknowledged and closed by operators."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Id, Moment, PageOf, PageQuery, RequestBody, Shape, number_of, page_of
from voltbridge.api.variables import Component, VariableOf
from voltbridge.domain import alerts as domain
from voltbridge.domain.alerts import AlertFilter, AlertState, ClosedBy
from voltbridge.domain.monitoring import LEAST_SEVERE, EventNotificationType

__all__ = ["Alert", "AlertId", "AlertPage", "AlertQuery", "Decision", "router", "show"]

router = APIRouter(tags=["alerts"])

AlertId = Annotated[Id, Path(description="The alert's id.")]


class Alert(Shape):
    """Something that is, or was, wrong at a station. What describes it is what was told last."""

    id: str = Field(examples=["1893456000000123456"])
    station_id: str = Field(examples=["CP-1"])
    state: AlertState
    severity: int | None = Field(
        description="0, danger, to 9, debugging; the most severe that was told. Null: nobody told."
    )
    opened_at: Moment = Field(description="When it was first heard of.")
    last_at: Moment = Field(description="When it was last heard of.")
    told_at: Moment = Field(description="The station's time of what it told last.")
    count: int = Field(description="How often it was raised.")
    component: Component | None = Field(description="2.x: whose variable it is about.")
    variable: VariableOf | None
    monitor_id: int | None
    notification_type: EventNotificationType | None
    evse_id: int | None
    connector_id: int | None
    error_code: str | None = Field(description="1.6: the error that the connector tells.", examples=["GroundFailure"])
    vendor_id: str | None
    vendor_error_code: str | None
    value: str | None = Field(description="Of the variable; null: not told, or a secret.")
    tech_code: str | None
    tech_info: str | None
    transaction_id: str | None = Field(description="The protocol's id of the transaction it concerns.")
    event_id: int | None = Field(description="The station's number of the event that told of it last.")
    cause_event_id: int | None = Field(description="The station's number of the event that caused it.")
    cause_alert_id: str | None = Field(description="The alert of that event.")
    acknowledged_at: Moment | None
    closed_at: Moment | None
    closed_by: ClosedBy | None
    note: str | None = Field(description="The operator's.")


class AlertPage(PageOf[Alert]):
    """One page of alerts, newest first."""


class AlertQuery(PageQuery):
    """Which alerts."""

    station_id: str | None = Field(default=None, max_length=255)
    state: list[AlertState] = Field(default=[], max_length=3, description="Any of these; left out: all.")
    severity: int | None = Field(
        default=None, ge=0, le=LEAST_SEVERE, description="This severe or more: this number or a smaller one."
    )


class Decision(RequestBody):
    """What an operator says of an alert."""

    note: str | None = Field(default=None, max_length=1000, examples=["A technician is on the way."])


_NO_NOTE: Final = Decision()


def show(alert: domain.Alert) -> Alert:
    """An alert of the domain as the API shows it."""
    variable = alert.variable
    return Alert(
        id=str(alert.id),
        station_id=alert.station_id,
        state=alert.state,
        severity=alert.severity,
        opened_at=alert.opened_at,
        last_at=alert.last_at,
        told_at=alert.told_at,
        count=alert.count,
        component=None if variable is None else Component.model_validate(variable.component),
        variable=None if variable is None else VariableOf(name=variable.name, instance=variable.instance),
        monitor_id=alert.monitor_id,
        notification_type=alert.notification_type,
        evse_id=alert.evse_id,
        connector_id=alert.connector_id,
        error_code=alert.error_code,
        vendor_id=alert.vendor_id,
        vendor_error_code=alert.vendor_error_code,
        value=alert.value,
        tech_code=alert.tech_code,
        tech_info=alert.tech_info,
        transaction_id=alert.transaction_id,
        event_id=alert.event_id,
        cause_event_id=alert.cause_event_id,
        cause_alert_id=None if alert.cause_alert_id is None else str(alert.cause_alert_id),
        acknowledged_at=alert.acknowledged_at,
        closed_at=alert.closed_at,
        closed_by=alert.closed_by,
        note=alert.note,
    )


@router.get("/alerts", response_model=AlertPage, responses=responses(400, 401, 422))
async def list_alerts(services: UsesServices, query: Annotated[AlertQuery, Query()]) -> Any:
    """List alerts, newest first. `state=Open&state=Acknowledged` are those that are not over."""
    wanted = AlertFilter(query.station_id, tuple(query.state), query.severity)
    return page_of(await services.alerts.list(wanted, query.page), show)


@router.get("/alerts/{id}", response_model=Alert, responses=responses(400, 401, 404))
async def get_alert(services: UsesServices, id: AlertId) -> Any:
    """One alert."""
    return show(await services.alerts.get(number_of(id)))


@router.post("/alerts/{id}/acknowledge", response_model=Alert, responses=responses(400, 401, 404, 409))
async def acknowledge_alert(services: UsesServices, id: AlertId, decision: Decision = _NO_NOTE) -> Any:
    """Say that somebody has seen it. It stays until the station clears it or it is closed."""
    return show(await services.alerts.acknowledge(number_of(id), decision.note))


@router.post("/alerts/{id}/close", response_model=Alert, responses=responses(400, 401, 404, 409))
async def close_alert(services: UsesServices, id: AlertId, decision: Decision = _NO_NOTE) -> Any:
    """Say that it is over. When the station tells of it again, that is a new alert."""
    return show(await services.alerts.close(number_of(id), decision.note))
