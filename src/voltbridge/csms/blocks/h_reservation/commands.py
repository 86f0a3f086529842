"""The commands of reservations."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.h_reservation.parameters import CancelReservation, Reserve
from voltbridge.csms.blocks.h_reservation.service import ReservationService
from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun, Context, Unsupported
from voltbridge.protocol.codec import encode_checked
from voltbridge.protocol.policy import Violation

__all__ = ["COMMANDS"]


def _check_reserve(wanted: Reserve, context: Context) -> None:
    """What no station of the version could be asked for is said before anything is kept or sent."""
    service: ReservationService = context.service
    request = service.words[context.version].reserve_request(1, wanted.terms(context.now))
    try:
        encode_checked(request)
    except Violation as violation:
        problem = f"{violation.path}: {violation.detail}"
        raise Unsupported(f"OCPP {context.version.label} cannot carry this: {problem}") from None


async def _reserve(run: CommandRun) -> Answer:
    wanted: Reserve = run.parameters
    context = run.context
    service: ReservationService = context.service
    return await service.reserve(
        context.station_id,
        context.version,
        wanted.terms(context.now),
        run.call,
        command_id=run.command.id,
        replaces=wanted.reservation_id,
    )


async def _cancel(run: CommandRun) -> Answer:
    wanted: CancelReservation = run.parameters
    context = run.context
    service: ReservationService = context.service
    return await service.cancel(context.station_id, context.version, wanted.reservation_id, run.call)


COMMANDS: Final = (
    CommandKind(
        name="reserve",
        about="Reserve an EVSE, a type of connector or any EVSE for a token; what becomes of it is the reservation.",
        parameters=Reserve,
        run=_reserve,
        check=_check_reserve,
        service="reservations",
    ),
    CommandKind(
        name="cancel_reservation",
        about="Take a reservation back.",
        parameters=CancelReservation,
        run=_cancel,
        service="reservations",
    ),
)
