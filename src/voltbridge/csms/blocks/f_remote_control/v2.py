"""Remote control in the words of 2.0.1 and 2.1, which differ in what a token may be and what can be triggered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

__all__ = ["Words"]


class Words:
    """Makes requests of the message types of one version, which are those of a module of ``protocol``."""

    def __init__(self, messages: Any, label: str, *, type_of: Callable[[str], Any] = str) -> None:
        """``label`` is the version's name for operators; ``type_of`` gives the wire's type of a token or raises."""
        self._messages = messages
        self._label = label
        self._type_of = type_of

    def start_transaction(self, wanted: StartTransaction, context: Context) -> Prepared:
        """F01, F02. The start that comes of it is known by ``remote_start_id`` (F01.FR.25)."""
        remote_start_id, group = context.next_id(), wanted.group_id_token
        return Prepared(
            self._messages.RequestStartTransactionRequest(
                evse_id=optional(wanted.evse_id),
                id_token=self._id_token(wanted.id_token, wanted.type),
                group_id_token=optional(self._id_token(group, "Central") if group else None),
                remote_start_id=remote_start_id,
                charging_profile=optional(self._profile(wanted.limit, context.next_id()) if wanted.limit else None),
            ),
            answered,
            correlation=f"id:{remote_start_id}",
        )

    def stop_transaction(self, wanted: StopTransaction, context: Context) -> Prepared:
        """F03."""
        transaction_id = transaction_to_stop(wanted, context) or ""
        request = self._messages.RequestStopTransactionRequest(transaction_id=transaction_id)
        return Prepared(request, answered, correlation=transaction_id)

    def unlock_connector(self, wanted: UnlockConnector, context: Context) -> Prepared:
        """F05."""
        request = self._messages.UnlockConnectorRequest(evse_id=wanted.evse_id, connector_id=wanted.connector_id)
        return Prepared(request, _unlock_answer)

    def trigger_message(self, wanted: TriggerMessage, **more: Any) -> Prepared:
        """F06; ``more`` are fields that only this version has."""
        if wanted.extended:
            raise Unsupported(f"{self._label} has one trigger only; leave extended out")
        if wanted.connector_id is not None and wanted.evse_id is None:
            raise InvalidValue("connector_id", "needs the evse_id too")
        if wanted.message is TriggeredMessage.STATUS_NOTIFICATION and wanted.connector_id is None:
            # F06.FR.13
            raise InvalidValue("connector_id", "is needed: a StatusNotification is of one connector, and so is evse_id")
        kinds = self._messages.MessageTriggerEnumType
        if wanted.message.value not in {kind.value for kind in kinds}:
            instead = "; ask for LogStatusNotification instead" if "Diagnostics" in wanted.message else ""
            raise Unsupported(f"{self._label} cannot ask for {wanted.message}{instead}")
        evse = None
        if wanted.evse_id is not None:
            evse = self._messages.EVSEType(id=wanted.evse_id, connector_id=optional(wanted.connector_id))
        request = self._messages.TriggerMessageRequest(
            requested_message=kinds(wanted.message.value), evse=optional(evse), **more
        )
        return Prepared(request, answered)

    def _id_token(self, id_token: str, type: str) -> Any:
        return self._messages.IdTokenType(id_token=id_token, type=self._type_of(type))

    def _profile(self, limit: StartLimit, id: int) -> Any:
        """Of the transaction about to start, so without its id (F01.FR.08, F01.FR.11)."""
        messages = self._messages
        return messages.ChargingProfileType(
            id=id,
            stack_level=limit.stack_level,
            charging_profile_purpose=messages.ChargingProfilePurposeEnumType.TX_PROFILE,
            charging_profile_kind=messages.ChargingProfileKindEnumType.RELATIVE,
            charging_schedule=[
                messages.ChargingScheduleType(
                    id=1,
                    duration=optional(limit.duration_s),
                    charging_rate_unit=messages.ChargingRateUnitEnumType(limit.unit.value),
                    min_charging_rate=optional(limit.min_rate),
                    charging_schedule_period=[
                        messages.ChargingSchedulePeriodType(
                            start_period=one.start_s, limit=one.limit, number_phases=optional(one.number_phases)
                        )
                        for one in limit.periods
                    ],
                )
            ],
        )


def _unlock_answer(response: Any) -> Answer:
    return answered(response, frozenset({"Unlocked"}))
