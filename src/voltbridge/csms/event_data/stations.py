"""Of stations, their connectors and their device models."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from voltbridge.csms.event_data.fields import Moment, Reason
from voltbridge.domain.device_model import AttributeType, WriteStatus
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.stations import RegistrationStatus

__all__ = [
    "ConfigurationChanged",
    "ConfigurationRepaired",
    "ConnectorStatusChanged",
    "DataTransferReceived",
    "RepairedVariable",
    "StationBoot",
    "StationConnected",
    "StationDecided",
    "StationDisconnected",
    "StationFound",
    "StationProvisioned",
    "StationRefused",
    "StationSettingsChanged",
    "VariablesReported",
    "VariablesWritten",
    "WrittenVariable",
]


class StationFound(Struct):
    """How a station that nobody had told us about came in."""

    remote_address: str
    secure: Annotated[bool, Meta(description="Whether by TLS.")]
    credentials_offered: bool


class StationDecided(Struct):
    """The operator's word about a station."""

    name: str | None


class StationProvisioned(Struct):
    """A station made known before it first connects."""

    name: str | None
    has_password: bool


class StationSettingsChanged(Struct):
    """Which settings are others now."""

    changed: list[str]


class StationRefused(Struct):
    """A connection that was turned away."""

    identity: Annotated[str, Meta(description="As the peer gave it, cut where it was too long.")]
    http_status: int
    reason: Reason
    remote_address: str
    secure: bool
    more_since_last_event: Annotated[int, Meta(ge=0, description="Such refusals that had no event of their own.")]


class StationConnected(Struct):
    """A connection that stands."""

    protocol: Annotated[str, Meta(description="The WebSocket subprotocol.")]
    remote_address: str
    secure: Annotated[bool, Meta(description="Whether by TLS.")]
    security_profile: Annotated[
        int, Meta(ge=0, le=3, description="OCPP's number; 0: it did not have to prove who it is.")
    ]


class StationDisconnected(Struct):
    """A connection that has ended."""

    reason: Reason


class StationBoot(Struct):
    """What a station told when it booted, and what it was answered."""

    status: RegistrationStatus
    protocol: str | None
    vendor: str | None
    model: str | None
    serial_number: str | None
    firmware_version: str | None
    boot_reason: str | None
    open_transactions: Annotated[list[str], Meta(description="The protocol's ids of those not known to have ended.")]


class ConnectorStatusChanged(Struct):
    """A connector's status; connector 0 stands for the EVSE, EVSE 0 for the station."""

    evse_id: int
    connector_id: int
    status: ConnectorStatus
    previous_status: ConnectorStatus | None
    status_at: Moment
    error_code: str | None
    error_info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    late: Annotated[bool, Meta(description="It arrived after a newer one, and the connector's status is that still.")]


class DataTransferReceived(Struct):
    """A vendor's message and how it was answered."""

    vendor_id: str
    message_id: str | None
    data: Any
    status: str
    problem: Annotated[str | None, Meta(description="What went wrong in the vendor's handler.")]


class VariablesReported(Struct):
    """A part of a report of variables."""

    request_id: Annotated[int | None, Meta(description="Null where the version has no such number.")]
    kind: Annotated[str | None, Meta(description="Which report; null: nobody here asked for it.")]
    seq_no: int
    parts: Annotated[str, Meta(description="The parts that have arrived: 0-3,5.")]
    variables: Annotated[int, Meta(description="How many attributes this part has.")]
    complete: bool


class WrittenVariable(Struct):
    """One attribute of a write."""

    variable: str
    attribute: AttributeType
    status: WriteStatus


class VariablesWritten(Struct):
    """What became of a write."""

    results: list[WrittenVariable]


class RepairedVariable(Struct):
    """One attribute that was not as desired."""

    variable: str
    status: WriteStatus
    reason: str | None


class ConfigurationRepaired(Struct):
    """What became of the values that were not as desired."""

    results: list[RepairedVariable]


class ConfigurationChanged(Struct):
    """A desired configuration."""

    name: str
