"""Remote control in the words of 2.0.1."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

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
from voltbridge.domain.errors import InvalidValue
from voltbridge.protocol import v201

__all__ = ["start_transaction", "stop_transaction", "trigger_message", "unlock_connector"]


def start_transaction(wanted: StartTransaction, context: Context) -> Prepared:
    """F01, F02. The start that comes of it is known by ``remote_start_id`` (F01.FR.25)."""
    remote_start_id = context.next_id()
    return Prepared(
        v201.RequestStartTransactionRequest(
            evse_id=optional(wanted.evse_id),
            id_token=_id_token(wanted.id_token, wanted.type),
            group_id_token=_id_token(wanted.group_id_token, "Central") if wanted.group_id_token else UNSET,
            remote_start_id=remote_start_id,
            charging_profile=_profile(wanted.limit, context.next_id()) if wanted.limit else UNSET,
        ),
        answered,
        correlation=f"id:{remote_start_id}",
    )


def stop_transaction(wanted: StopTransaction, context: Context) -> Prepared:
    """F03."""
    transaction_id = transaction_to_stop(wanted, context) or ""
    request = v201.RequestStopTransactionRequest(transaction_id=transaction_id)
    return Prepared(request, answered, correlation=transaction_id)


def unlock_connector(wanted: UnlockConnector, context: Context) -> Prepared:
    """F05."""
    request = v201.UnlockConnectorRequest(evse_id=wanted.evse_id, connector_id=wanted.connector_id)
    return Prepared(request, _unlock_answer)


def trigger_message(wanted: TriggerMessage, context: Context) -> Prepared:
    """F06."""
    if wanted.extended:
        raise Unsupported("OCPP 2.0.1 has one trigger only; leave extended out")
    if wanted.connector_id is not None and wanted.evse_id is None:
        raise InvalidValue("connector_id", "needs the evse_id too")
    if wanted.message is TriggeredMessage.STATUS_NOTIFICATION and wanted.connector_id is None:
        # F06.FR.13
        raise InvalidValue("connector_id", "is needed: a StatusNotification is of one connector, and so is evse_id")
    if wanted.custom_trigger is not None:
        raise Unsupported("OCPP 2.0.1 has no triggers of its station's own; leave custom_trigger out")
    if wanted.message.value not in {kind.value for kind in v201.MessageTriggerEnumType}:
        instead = "; ask for LogStatusNotification instead" if "Diagnostics" in wanted.message else ""
        raise Unsupported(f"OCPP 2.0.1 cannot ask for {wanted.message}{instead}")
    evse: v201.EVSEType | UnsetType = UNSET
    if wanted.evse_id is not None:
        evse = v201.EVSEType(id=wanted.evse_id, connector_id=optional(wanted.connector_id))
    return Prepared(
        v201.TriggerMessageRequest(requested_message=v201.MessageTriggerEnumType(wanted.message.value), evse=evse),
        answered,
    )


def _unlock_answer(response: v201.UnlockConnectorResponse) -> Answer:
    return answered(response, frozenset({"Unlocked"}))


def _id_token(id_token: str, type: str) -> v201.IdTokenType:
    """A token as it goes out."""
    try:
        kind = v201.IdTokenEnumType(type)
    except ValueError:
        known = ", ".join(kind.value for kind in v201.IdTokenEnumType)
        raise Unsupported(f"OCPP 2.0.1 has no tokens of type {type}; it has {known}") from None
    return v201.IdTokenType(id_token=id_token, type=kind)


def _profile(limit: StartLimit, id: int) -> v201.ChargingProfileType:
    """Of the transaction about to start, so without its id (F01.FR.08, F01.FR.11)."""
    return v201.ChargingProfileType(
        id=id,
        stack_level=limit.stack_level,
        charging_profile_purpose=v201.ChargingProfilePurposeEnumType.TX_PROFILE,
        charging_profile_kind=v201.ChargingProfileKindEnumType.RELATIVE,
        charging_schedule=[
            v201.ChargingScheduleType(
                id=1,
                duration=optional(limit.duration_s),
                charging_rate_unit=v201.ChargingRateUnitEnumType(limit.unit.value),
                min_charging_rate=optional(limit.min_rate),
                charging_schedule_period=[
                    v201.ChargingSchedulePeriodType(
                        start_period=period.start_s, limit=period.limit, number_phases=optional(period.number_phases)
                    )
                    for period in limit.periods
                ],
            )
        ],
    )
