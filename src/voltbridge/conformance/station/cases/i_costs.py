"""I: what a transaction costs, so far and in the end, is shown to the driver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.station.answers import Answer
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
    tx_stop_points,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.display import shown

__all__: list[str] = []

_TIMES: Final = 3
"""How often steps 6 to 9 are repeated."""
_TOTAL: Final = 7.41


async def _needs_tariffs(csms: SimulatedCsms) -> None:
    """Prerequisite: the station supports tariff information; then it has a currency, but need not have the rest."""
    if await csms.value("TariffCostCtrlr", "Currency") is None:
        raise NotApplicable("the station has no TariffCostCtrlr.Currency")
    for instance in ("Tariff", "Cost"):
        if await csms.value("TariffCostCtrlr", "Available", instance) == "false":
            raise NotApplicable(f"TariffCostCtrlr.Available[{instance}] of the station is false")
        if await csms.value("TariffCostCtrlr", "Enabled", instance) is not None:
            await csms.configured("TariffCostCtrlr", "Enabled", "true", instance)


def _words(content: str) -> dict[str, str]:
    """A MessageContentType."""
    return {"format": "UTF8", "content": content}


async def _tells_running_cost(csms: SimulatedCsms, tell: Callable[[SimulatedCsms, float], Awaitable[None]]) -> None:
    """Up to step 7 of both cases; ``tell`` is steps 8 and 9, in which the station learns what it costs by now."""
    await _needs_tariffs(csms)
    # Step 6 needs something to tell while energy flows.
    interval = str(round(csms.configuration.sampled_interval_s))
    await csms.configure("SampledDataCtrlr", "TxUpdatedInterval", interval)
    await ev_connected_pre_session(csms)
    token = csms.session().token
    info = {**csms.answers.token_info(token.id_token), "personalMessage": _words("0.35 per kWh.")}
    csms.answers.once("Authorize", {"idTokenInfo": info})
    await authorized(csms, remote=False)
    await shown(csms, 2, "0.35 per kWh.")
    await energy_transfer_started(csms)
    for number in range(1, _TIMES + 1):
        said = f"0.3{number} per kWh."
        await _updated(csms, 6, {"updatedPersonalMessage": _words(said)})
        await shown(csms, 7, said)
        cost = 1.25 * number
        await tell(csms, cost)
        await shown(csms, 9, f"{cost:.2f}")


async def _updated(csms: SimulatedCsms, step: int, answer: Mapping[str, Any]) -> None:
    """The next the station tells of the transaction is answered so."""
    csms.forget("TransactionEvent")
    csms.answers.once("TransactionEvent", answer)
    wait_s = csms.configuration.sampled_interval_s + csms.configuration.message_timeout_s
    event = await csms.take(step, "TransactionEvent", seconds=wait_s)
    event.expect("eventType", "Updated")


@station_case("TC_I_01_CS")
async def running_cost(csms: SimulatedCsms) -> None:
    """The running cost comes by CostUpdatedRequest."""

    async def tell(csms: SimulatedCsms, cost: float) -> None:
        transaction_id = csms.session().transaction_id or ""
        await csms.call(9, "CostUpdated", {"totalCost": cost, "transactionId": transaction_id})

    await _tells_running_cost(csms, tell)


@station_case("TC_I_07_CS")
async def running_cost_in_response(csms: SimulatedCsms) -> None:
    """The running cost comes by TransactionEventResponse."""

    async def tell(csms: SimulatedCsms, cost: float) -> None:
        await _updated(csms, 8, {"totalCost": cost})

    await _tells_running_cost(csms, tell)


@station_case("TC_I_02_CS")
async def total_cost(csms: SimulatedCsms) -> None:
    """The total cost comes with the end of the transaction."""
    await _needs_tariffs(csms)
    await energy_transfer_started(csms)

    def reply(request: Mapping[str, Any]) -> Answer:
        answer: dict[str, Any] = {"totalCost": _TOTAL} if request["eventType"] == "Ended" else {}
        if "idToken" in request:
            answer["idTokenInfo"] = csms.answers.token_info(request["idToken"]["idToken"])
        return answer

    csms.answers.always("TransactionEvent", reply)
    # Whoever has left the bay by then sees nothing (I03.FR.05).
    to_see = "ParkingBayOccupancy" not in await tx_stop_points(csms)
    states: tuple[Callable[[SimulatedCsms], Awaitable[object]], ...] = (
        stop_authorized,
        ev_connected_post_session,
        ev_disconnected,
        parking_bay_unoccupied,
    )
    for step, state in enumerate(states, 1):
        runs = csms.session().runs()
        await state(csms)
        if runs and not csms.session().runs() and to_see:
            await shown(csms, step, f"{_TOTAL:.2f}")
    if not csms.seen("TransactionEvent", {"eventType": "Ended"}):
        await csms.take(4, "TransactionEvent", {"eventType": "Ended"})
