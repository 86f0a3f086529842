"""What a station has to say, free of versions. ``wording`` turns a fact into a message when it is sent.

Every fact can be kept as JSON (``encode_fact``, ``decode_fact``). Names of states, reasons and triggers are those of
OCPP 2.x unless a field says otherwise.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from voltbridge.domain.charging_profiles import ChargingProfile, ChargingSchedule
from voltbridge.domain.device_model import AttributeType, Characteristics, Mutability, Variable
from voltbridge.domain.monitoring import EventNotificationType, MonitorType
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import TransactionPhase
from voltbridge.station.display_messages import DisplayMessage
from voltbridge.station.high_level import VehicleNeeds
from voltbridge.station.readings import MeterReading

__all__ = [
    "AuthorizeQuestion",
    "BootFact",
    "ChargingLimitFact",
    "ChargingProfilesFact",
    "ClearedChargingLimitFact",
    "ConnectorState",
    "CustomerInformationFact",
    "DataTransferQuestion",
    "DisplayMessagesFact",
    "EventsFact",
    "Fact",
    "FirmwareStatusFact",
    "HeartbeatFact",
    "LogStatusFact",
    "MeterFact",
    "MonitoringReportFact",
    "PublishFirmwareStatusFact",
    "ReportFact",
    "ReportedAttribute",
    "ReportedEvent",
    "ReportedMonitor",
    "ReportedVariable",
    "ReservationFact",
    "SecurityEventFact",
    "StatusFact",
    "TransactionFact",
    "VehicleNeedsFact",
    "VehiclePlanFact",
    "decode_fact",
    "encode_fact",
]


class ConnectorState(StrEnum):
    """ChargePointStatus of 1.6, which tells more than ConnectorStatusEnumType of 2.x."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """What all facts share: the tag under which they are kept."""


class BootFact(_Fact, frozen=True, kw_only=True):
    """The station has started, or is asked to say so again. Reason: BootReasonEnumType."""

    reason: str = "PowerUp"


class HeartbeatFact(_Fact, frozen=True, kw_only=True):
    """The station is alive, and would like to know the time."""


class StatusFact(_Fact, frozen=True, kw_only=True):
    """The state of a connector. EVSE 0 is the station as a whole, which only 1.6 tells."""

    at: datetime
    evse_id: int
    connector_id: int
    state: ConnectorState
    """In the words of 1.6."""
    status: str
    """ConnectorStatusEnumType of 2.x."""
    previous_status: str | None = None
    """What was told before in 2.x, which says nothing when that is the same; None: tell in any case."""
    error_code: str = "NoError"
    """ChargePointErrorCode of 1.6."""
    info: str = ""
    vendor_id: str = ""
    vendor_error_code: str = ""


class TransactionFact(_Fact, frozen=True, kw_only=True):
    """The start of a transaction, something that happened in it, or its end."""

    phase: TransactionPhase
    key: str
    """Our own name of the transaction: transactionId of 2.x. 1.6 gets a number for it from the CSMS."""
    sequence: int
    at: datetime
    trigger: str
    """TriggerReasonEnumType."""
    evse_id: int
    connector_id: int
    id_token: IdToken | None = None
    """The token this very message is about: it authorized, or asked to stop."""
    authorizes: bool = False
    """The token has just become the one of the transaction; 1.6 starts the transaction here."""
    authorized: bool = False
    """A driver has been authorized at some time; what never was is no transaction in 1.6."""
    started_at: datetime | None = None
    charging_state: str | None = None
    meter: tuple[MeterReading, ...] = ()
    register_wh: float | None = None
    """The energy register of the outlet at this moment: meterStart and meterStop of 1.6."""
    begin_wh: float | None = None
    """The same register when the transaction started."""
    reason: str | None = None
    """Why it stopped: ``domain.transactions.StopReason``."""
    offline: bool = False
    remote_start_id: int | None = None
    reservation_id: int | None = None
    cable_max_current_a: int | None = None
    number_of_phases: int | None = None
    time_spent_charging_s: int | None = None
    signed: bool = False
    """Legally relevant, so it has attempts of its own: it carries signed values, or its transaction's others do."""
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    """What only some versions say, in their JSON: preconditioningStatus, costDetails, transactionLimit and the like."""


class MeterFact(_Fact, frozen=True, kw_only=True):
    """Readings outside a transaction (2.x), or of the main meter: EVSE 0."""

    evse_id: int
    connector_id: int
    meter: tuple[MeterReading, ...]


class AuthorizeQuestion(_Fact, frozen=True, kw_only=True):
    """May this token charge? Answered with an ``Authorization`` of ``answers``."""

    id_token: IdToken
    certificate: str | None = None
    """The contract certificate chain in PEM (ISO 15118), where the CSMS validates it."""
    certificate_hashes: tuple[dict[str, Any], ...] = ()
    """OCSPRequestDataType, as JSON."""


class SecurityEventFact(_Fact, frozen=True, kw_only=True):
    """A security event happened: one of the standard's list, or a vendor's own."""

    event: str
    at: datetime
    info: str = ""


class DataTransferQuestion(_Fact, frozen=True, kw_only=True):
    """Something between this vendor and the CSMS."""

    vendor_id: str
    message_id: str | None = None
    data: Any = None


class ReportedAttribute(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attribute of a reported variable. ``value`` is None where it is write-only or not set."""

    type: AttributeType = AttributeType.ACTUAL
    value: str | None = None
    mutability: Mutability = Mutability.READ_WRITE
    persistent: bool = False
    constant: bool = False


class ReportedVariable(msgspec.Struct, frozen=True, omit_defaults=True):
    """A variable as a report tells it."""

    variable: Variable
    attributes: tuple[ReportedAttribute, ...]
    characteristics: Characteristics | None = None


class ReportFact(_Fact, frozen=True, kw_only=True):
    """A part of a report of variables."""

    request_id: int
    generated_at: datetime
    sequence: int
    to_be_continued: bool
    variables: tuple[ReportedVariable, ...]


class ReservationFact(_Fact, frozen=True, kw_only=True):
    """A reservation has ended by itself: ReservationUpdateStatusEnumType."""

    reservation_id: int
    status: str


class LogStatusFact(_Fact, frozen=True, kw_only=True):
    """How an upload of a log goes on: UploadLogStatusEnumType. ``diagnostics`` is GetDiagnostics of 1.6."""

    status: str
    request_id: int | None = None
    diagnostics: bool = False


class FirmwareStatusFact(_Fact, frozen=True, kw_only=True):
    """How a firmware update goes on: FirmwareStatusEnumType. ``signed`` is SignedUpdateFirmware of 1.6."""

    status: str
    request_id: int | None = None
    signed: bool = False


class PublishFirmwareStatusFact(_Fact, frozen=True, kw_only=True):
    """How a local controller gets on with publishing firmware: PublishFirmwareStatusEnumType."""

    status: str
    request_id: int | None = None
    locations: tuple[str, ...] = ()
    """Where it is published."""


class ChargingProfilesFact(_Fact, frozen=True, kw_only=True):
    """A part of the report of charging profiles: those of one EVSE and one source (``LimitSource``)."""

    request_id: int
    evse_id: int
    source: str
    profiles: tuple[ChargingProfile, ...]
    to_be_continued: bool = False


class ChargingLimitFact(_Fact, frozen=True, kw_only=True):
    """Somebody else than the CSMS limits the station (EVSE 0) or an EVSE. Without schedules: it is not told how."""

    evse_id: int
    source: str
    grid_critical: bool | None = None
    schedules: tuple[ChargingSchedule, ...] = ()


class ClearedChargingLimitFact(_Fact, frozen=True, kw_only=True):
    """A limit of somebody else is gone."""

    evse_id: int
    source: str


class VehicleNeedsFact(_Fact, frozen=True, kw_only=True):
    """A vehicle told what it needs over ISO 15118. ``late``: it could not be told when that was so."""

    evse_id: int
    at: datetime
    needs: VehicleNeeds
    late: bool = False


class VehiclePlanFact(_Fact, frozen=True, kw_only=True):
    """What a vehicle will take. ``selected``: the schedule of the CSMS it has chosen, if it was one of its."""

    evse_id: int
    time_base: datetime
    schedule: ChargingSchedule
    selected: int | None = None


class ReportedMonitor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A monitor as a report tells it."""

    id: int
    variable: Variable
    type: MonitorType
    value: float
    severity: int
    transaction: bool = False
    origin: EventNotificationType = EventNotificationType.CUSTOM_MONITOR


class MonitoringReportFact(_Fact, frozen=True, kw_only=True):
    """A part of a report of monitors."""

    request_id: int
    generated_at: datetime
    sequence: int
    to_be_continued: bool
    monitors: tuple[ReportedMonitor, ...]


class ReportedEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a monitor has seen. ``trigger``: EventTriggerEnumType."""

    id: int
    at: datetime
    trigger: str
    value: str
    variable: Variable
    origin: EventNotificationType
    severity: int
    monitor_id: int | None = None
    cleared: bool = False
    transaction: str | None = None


class EventsFact(_Fact, frozen=True, kw_only=True):
    """What monitors have seen at one moment, or a part of it."""

    generated_at: datetime
    sequence: int
    to_be_continued: bool
    events: tuple[ReportedEvent, ...]


class CustomerInformationFact(_Fact, frozen=True, kw_only=True):
    """A part of what is known of a customer; empty: nothing is."""

    request_id: int
    generated_at: datetime
    sequence: int
    to_be_continued: bool
    data: str


class DisplayMessagesFact(_Fact, frozen=True, kw_only=True):
    """A part of the report of display messages."""

    request_id: int
    messages: tuple[DisplayMessage, ...]
    to_be_continued: bool = False


Fact = (
    BootFact
    | HeartbeatFact
    | StatusFact
    | TransactionFact
    | MeterFact
    | AuthorizeQuestion
    | SecurityEventFact
    | DataTransferQuestion
    | ReportFact
    | ReservationFact
    | LogStatusFact
    | FirmwareStatusFact
    | PublishFirmwareStatusFact
    | DisplayMessagesFact
    | MonitoringReportFact
    | EventsFact
    | CustomerInformationFact
    | ChargingProfilesFact
    | ChargingLimitFact
    | ClearedChargingLimitFact
    | VehicleNeedsFact
    | VehiclePlanFact
)
"""One union, so that a kept fact says itself what it is."""

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Fact)


def encode_fact(fact: Fact) -> bytes:
    """The fact as JSON, with its kind."""
    return _ENCODER.encode(fact)


def decode_fact(data: bytes) -> Fact:
    """The fact that was kept. Raises msgspec.DecodeError (ValidationError) for what is none."""
    fact: Fact = _DECODER.decode(data)
    return fact
