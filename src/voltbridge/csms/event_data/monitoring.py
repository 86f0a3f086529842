"""Of monitors, alerts and what stations know of customers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from voltbridge.domain.alerts import AlertState, ClosedBy
from voltbridge.domain.monitoring import MonitoringBase

__all__ = [
    "AlertAbout",
    "CustomerInformationRequested",
    "CustomerInformationTold",
    "MonitoringBaseSet",
    "MonitoringLevelSet",
    "MonitoringReported",
    "MonitorsChanged",
    "StationEventPartsMissing",
]


class MonitorsChanged(Struct):
    """A station has answered to monitors that were to be set or cleared."""

    counts: Annotated[dict[str, int], Meta(description="How many had which status.")]
    monitor_ids: Annotated[list[int], Meta(description="The numbers of those that were accepted.")]


class MonitoringReported(Struct):
    """A part of a report of monitors."""

    request_id: int
    seq_no: int
    parts: Annotated[str, Meta(description="The parts that have arrived: 0-3,5.")]
    monitors: Annotated[int, Meta(description="How many this part has.")]
    complete: bool


class MonitoringBaseSet(Struct):
    """A station has taken another monitoring base."""

    base: MonitoringBase


class MonitoringLevelSet(Struct):
    """A station has taken another monitoring level."""

    severity: Annotated[int, Meta(description="It tells of what is this severe, or more: a smaller number.")]


class StationEventPartsMissing(Struct):
    """A notification of events began before all parts of the one before had come."""

    generated_at: Annotated[str, Meta(description="When the station made the one with missing parts.")]
    parts: Annotated[str, Meta(description="The parts that have arrived: 0-3,5.")]
    missing_parts: list[int]
    last_seq_no: Annotated[int | None, Meta(description="The number of the last part; null: it never came.")]


class AlertAbout(Struct):
    """An alert as it is now."""

    id: str
    state: AlertState
    severity: Annotated[int | None, Meta(description="0, danger, to 9, debugging; null: nobody told.")]
    variable: Annotated[str | None, Meta(description="What is watched: Component@evse.Variable.")]
    monitor_id: int | None
    evse_id: int | None
    connector_id: int | None
    error_code: Annotated[str | None, Meta(description="1.6: the error that a connector tells.")]
    count: Annotated[int, Meta(description="How often it was raised.")]
    closed_by: ClosedBy | None


class CustomerInformationTold(Struct):
    """A part of what a station knows of a customer; the text itself is read apart."""

    request_id: int
    seq_no: int
    parts: Annotated[str, Meta(description="The parts that have arrived: 0-3,5.")]
    characters: Annotated[int, Meta(description="Of all parts so far.")]
    complete: bool


class CustomerInformationRequested(Struct):
    """A report about a customer, by the number of the request."""

    request_id: int
