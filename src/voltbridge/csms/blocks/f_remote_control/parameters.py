"""What remote control is asked for with, whatever the version (2.0.1 block F; 1.6 5.11, 5.12, 5.17, 5.18)."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from msgspec import Meta, Struct

from voltbridge.csms.commands.kinds import Context, Parameters
from voltbridge.domain.charging_profiles import RateUnit
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.transactions import TransactionState

__all__ = [
    "StartLimit",
    "StartLimitPeriod",
    "StartTransaction",
    "StopTransaction",
    "TriggerMessage",
    "TriggeredMessage",
    "UnlockConnector",
    "transaction_to_stop",
]

_EvseId = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_Text = Annotated[str, Meta(min_length=1, max_length=255)]


class StartLimitPeriod(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit from one moment after the start on."""

    start_s: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[float, Meta(ge=0, le=1e9)]
    number_phases: Annotated[int, Meta(ge=1, le=3)] | None = None


class StartLimit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A charging profile for the transaction alone, counted from its start."""

    unit: RateUnit
    periods: Annotated[tuple[StartLimitPeriod, ...], Meta(min_length=1, max_length=1024)]
    stack_level: Annotated[int, Meta(ge=0, le=1000)] = 0
    duration_s: Annotated[int, Meta(ge=1)] | None = None
    min_rate: Annotated[float, Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        starts = [period.start_s for period in self.periods]
        if starts[0] != 0 or any(one >= other for one, other in pairwise(starts)):
            raise ValueError("periods must start at 0 and follow each other in time")


class StartTransaction(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Start charging for a token."""

    id_token: _Text
    type: Annotated[str, Meta(min_length=1, max_length=20)] = "ISO14443"
    """The kind of token; 1.6 has no kinds."""
    evse_id: _EvseId | None = None
    """Where; None leaves it to the station."""
    group_id_token: _Text | None = None
    limit: StartLimit | None = None


class StopTransaction(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stop charging. Without parameters: the only transaction that runs."""

    transaction_id: Annotated[str, Meta(min_length=1, max_length=36)] | None = None
    """As the protocol has it."""
    evse_id: _EvseId | None = None
    """The transaction that runs there."""


class UnlockConnector(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Release the cable of a connector. It does not end a transaction."""

    evse_id: _EvseId
    connector_id: _EvseId = 1


class TriggeredMessage(StrEnum):
    """The messages a station can be asked for, of all versions."""

    BOOT_NOTIFICATION = "BootNotification"
    CUSTOM_TRIGGER = "CustomTrigger"
    DIAGNOSTICS_STATUS_NOTIFICATION = "DiagnosticsStatusNotification"
    FIRMWARE_STATUS_NOTIFICATION = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    LOG_STATUS_NOTIFICATION = "LogStatusNotification"
    METER_VALUES = "MeterValues"
    PUBLISH_FIRMWARE_STATUS_NOTIFICATION = "PublishFirmwareStatusNotification"
    SIGN_CHARGING_STATION_CERTIFICATE = "SignChargingStationCertificate"
    SIGN_COMBINED_CERTIFICATE = "SignCombinedCertificate"
    SIGN_V2G_CERTIFICATE = "SignV2GCertificate"
    SIGN_V2G20_CERTIFICATE = "SignV2G20Certificate"
    STATUS_NOTIFICATION = "StatusNotification"
    TRANSACTION_EVENT = "TransactionEvent"


class TriggerMessage(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station send a message."""

    message: TriggeredMessage
    evse_id: _EvseId | None = None
    """Only of this EVSE; None: of all, or of the station."""
    connector_id: _EvseId | None = None
    """Of this connector of the EVSE: a StatusNotification needs it from 2.0.1 on."""
    extended: bool = False
    """Ask by the ExtendedTriggerMessage of 1.6, even where the plain one would do."""
    custom_trigger: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    """What a CustomTrigger of 2.1 asks for."""


def transaction_to_stop(wanted: StopTransaction, context: Context) -> str | None:
    """The protocol's id of the transaction meant; None while the station is away and only it could tell.

    Raises InvalidValue when there is no such transaction, or more than one.
    """
    if wanted.transaction_id is not None:
        if wanted.evse_id is not None:
            raise InvalidValue("evse_id", "and transaction_id: give one of the two")
        return wanted.transaction_id
    if context.live is None:
        return None
    running = [
        one.transaction_id
        for one in context.live.transactions.values()
        if one.state is TransactionState.ACTIVE and one.superseded_by is None and wanted.evse_id in (None, one.evse_id)
    ]
    if len(running) != 1:
        where = "" if wanted.evse_id is None else f" on EVSE {wanted.evse_id}"
        field = "transaction_id" if wanted.evse_id is None else "evse_id"
        problem = f"is needed: {len(running)} transactions run{where}" if running else f"no transaction runs{where}"
        raise InvalidValue(field, problem)
    return running[0]
