"""Availability in the words of 2.0.1 and 2.1, which say the same."""

from __future__ import annotations

from typing import Any

from voltbridge.csms.blocks.g_availability.change import ACCEPTED, ChangeAvailability, named, settling
from voltbridge.csms.blocks.g_availability.service import AvailabilityService, ReportedStatus
from voltbridge.csms.blocks.given import optional
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, answered
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.stations import LiveStation

__all__ = ["Words", "told_status"]


class Words:
    """Makes requests of the message types of one version, which are those of a module of ``protocol``."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages

    def change_availability(self, wanted: ChangeAvailability, context: Context) -> Prepared:
        """G03; without an EVSE the whole station (G04)."""
        wanted.check()
        evse = None
        if wanted.evse_id is not None:
            evse = self._messages.EVSEType(id=wanted.evse_id, connector_id=optional(wanted.connector_id))
        status = self._messages.OperationalStatusEnumType(wanted.status.value)
        return Prepared(
            self._messages.ChangeAvailabilityRequest(operational_status=status, evse=optional(evse)),
            _change_answer,
            correlation=named(wanted),
            settled=settling(wanted, context),
        )


def told_status(service: AvailabilityService, live: LiveStation, request: Any) -> None:
    """G01: the status of a connector."""
    service.status(
        live,
        ReportedStatus(
            evse_id=request.evse_id,
            connector_id=request.connector_id,
            status=ConnectorStatus(request.connector_status.value),
            at=request.timestamp.moment,
        ),
    )


def _change_answer(response: Any) -> Answer:
    return answered(response, ACCEPTED)
