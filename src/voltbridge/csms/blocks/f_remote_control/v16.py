"""Remote control in the words of 1.6: a connector is an EVSE of its own."""

from __future__ import annotations

import re
from typing import Final

from msgspec import UNSET

from voltbridge.csms.blocks.f_remote_control.parameters import (
    StartLimit,
    StartTransaction,
    StopTransaction,
    TriggeredMessage,
    TriggerMessage,
    UnlockConnector,
    transaction_to_stop,
)
from voltbridge.csms.blocks.given import optional
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, Unsupported, answered
from voltbridge.protocol import v16

__all__ = ["start_transaction", "stop_transaction", "trigger_message", "unlock_connector"]

_EXTENDED: Final = {
    TriggeredMessage.LOG_STATUS_NOTIFICATION,
    TriggeredMessage.SIGN_CHARGING_STATION_CERTIFICATE,
}
"""Messages of the security extension, which only its own trigger asks for."""
_NUMBER: Final = re.compile(r"-?[0-9]{1,10}")
_OF_A_CONNECTOR: Final = {TriggeredMessage.METER_VALUES, TriggeredMessage.STATUS_NOTIFICATION}


def start_transaction(wanted: StartTransaction, context: Context) -> Prepared:
    """5.11. The start that comes of it is known by its token."""
    if wanted.group_id_token is not None:
        raise Unsupported("OCPP 1.6 starts without a group; leave group_id_token out, the station asks for it")
    return Prepared(
        v16.RemoteStartTransactionRequest(
            connector_id=optional(wanted.evse_id),
            id_tag=wanted.id_token,
            charging_profile=_profile(wanted.limit, context.next_id()) if wanted.limit else UNSET,
        ),
        answered,
        correlation=f"token:{wanted.id_token.casefold()}",
    )


def stop_transaction(wanted: StopTransaction, context: Context) -> Prepared:
    """5.12."""
    transaction_id = transaction_to_stop(wanted, context) or "0"
    if not _NUMBER.fullmatch(transaction_id) or abs(int(transaction_id)) >= 2**31:
        raise Unsupported("OCPP 1.6 knows transactions by number; this one has none, so it cannot be stopped by it")
    request = v16.RemoteStopTransactionRequest(transaction_id=int(transaction_id))
    return Prepared(request, answered, correlation=transaction_id)


def unlock_connector(wanted: UnlockConnector, context: Context) -> Prepared:
    """5.18."""
    _check_connector(wanted.connector_id)
    return Prepared(v16.UnlockConnectorRequest(connector_id=wanted.evse_id), _unlock_answer)


def trigger_message(wanted: TriggerMessage, context: Context) -> Prepared:
    """5.17; ExtendedTriggerMessage of the security whitepaper for what only that can ask."""
    _check_connector(wanted.connector_id)
    if wanted.custom_trigger is not None:
        raise Unsupported("OCPP 1.6 has no triggers of its station's own; leave custom_trigger out")
    extended = wanted.extended or wanted.message in _EXTENDED
    name = wanted.message.value
    if wanted.message is TriggeredMessage.SIGN_CHARGING_STATION_CERTIFICATE:
        name = v16.MessageTriggerEnumType.SIGN_CHARGE_POINT_CERTIFICATE.value
    kinds = v16.MessageTriggerEnumType if extended else v16.MessageTrigger
    if name not in {kind.value for kind in kinds}:
        asks = "ExtendedTriggerMessage" if extended else "TriggerMessage"
        instead = "; ask for MeterValues instead" if wanted.message is TriggeredMessage.TRANSACTION_EVENT else ""
        raise Unsupported(f"the {asks} of OCPP 1.6 cannot ask for {name}{instead}")
    if wanted.evse_id is not None and wanted.message not in _OF_A_CONNECTOR:
        raise Unsupported(f"OCPP 1.6 sends a {wanted.message} for the whole station only; leave evse_id out")
    connector_id = optional(wanted.evse_id)
    if extended:
        return Prepared(
            v16.ExtendedTriggerMessageRequest(
                requested_message=v16.MessageTriggerEnumType(name), connector_id=connector_id
            ),
            answered,
        )
    return Prepared(
        v16.TriggerMessageRequest(requested_message=v16.MessageTrigger(name), connector_id=connector_id), answered
    )


def _check_connector(connector_id: int | None) -> None:
    if connector_id not in (None, 1):
        raise Unsupported("OCPP 1.6 has one connector for each EVSE: leave connector_id out, evse_id tells which")


def _unlock_answer(response: v16.UnlockConnectorResponse) -> Answer:
    return answered(response, frozenset({"Unlocked"}))


def _profile(limit: StartLimit, id: int) -> v16.ChargingProfile:
    """Of the transaction about to start, so without its number (5.11, 3.13.1)."""
    return v16.ChargingProfile(
        charging_profile_id=id,
        stack_level=limit.stack_level,
        charging_profile_purpose=v16.ChargingProfilePurposeType.TX_PROFILE,
        charging_profile_kind=v16.ChargingProfileKindType.RELATIVE,
        charging_schedule=v16.ChargingSchedule(
            duration=optional(limit.duration_s),
            charging_rate_unit=v16.ChargingRateUnitType(limit.unit.value),
            min_charging_rate=optional(limit.min_rate),
            charging_schedule_period=[
                v16.ChargingSchedulePeriod(
                    start_period=period.start_s, limit=period.limit, number_phases=optional(period.number_phases)
                )
                for period in limit.periods
            ],
        ),
    )
