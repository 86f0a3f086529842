"""What the cases about ISO 15118 share: cars that talk, their needs, schedules for them, their plans.

The document authorizes in two ways, Authorized and Authorized15118, and names both in some cases; presenting the same
idToken twice would stop the session, so here the session is authorized once, with an idToken (EIM).
"""

from __future__ import annotations

from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.charging_states import (
    authorized,
    ev_connected_pre_session,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.profiles import charging_profile, set_profile

__all__ = [
    "charging_told",
    "connected_and_authorized",
    "plan_told",
    "rate_told",
    "renegotiated",
    "schedule_set",
    "talking_cars",
    "vehicle_needs",
]

_VOLTS: Final = 230.0
_TOLERANCE: Final = 1.001


async def talking_cars(csms: SimulatedCsms, *, schedules: bool = True) -> None:
    """From now on cars at the EVSE speak ISO 15118; without ``schedules`` their needs are answered with Rejected."""
    csms.needs("high level communication")
    await csms.station.talk(csms.evse_id)
    if not schedules:
        csms.answers.always("NotifyEVChargingNeeds", {"status": "Rejected"})


async def connected_and_authorized(csms: SimulatedCsms) -> Received | None:
    """EVConnectedPreSession and Authorized15118; the TransactionEventRequest about the authorization."""
    await ev_connected_pre_session(csms)
    return await authorized(csms, remote=False)


async def vehicle_needs(csms: SimulatedCsms, step: int) -> Received:
    """The station tells the needs of the car: of direct or of alternating current, as it says."""
    told = await csms.take(step, "NotifyEVChargingNeeds")
    told.expect("evseId", csms.evse_id)
    direct = str(told.at("chargingNeeds.requestedEnergyTransfer")).startswith("DC")
    name = "dcChargingParameters" if direct else "acChargingParameters"
    if told.at(f"chargingNeeds.{name}") is ABSENT:
        raise StepFailed(told.step, f"a {told.name} with {name}", "none")
    return told


async def schedule_set(csms: SimulatedCsms, step: int, amperes: float, duration: int | None = None) -> dict[str, Any]:
    """A TxProfile with this limit is taken for the transaction that runs."""
    key = csms.session().transaction_id
    more: dict[str, Any] = {"transactionId": key}
    profile = charging_profile(csms, (0, amperes), purpose="TxProfile", duration=duration, number=_PROFILE, **more)
    await set_profile(csms, step, csms.evse_id, profile)
    return profile


_PROFILE: Final = 15118
"""Each schedule takes the place of the one before."""


async def plan_told(
    csms: SimulatedCsms, step: int, amperes: float | None = None, *, must: bool = False, first: bool = False
) -> Received | None:
    """What the car will take, within this limit where one is given; optional, unless it must be told.

    ``first``: only the first period has to be within.
    """
    name = "NotifyEVChargingSchedule"
    told = await (csms.take(step, name) if must else csms.maybe(step, name))
    if told is None:
        return None
    told.expect("evseId", csms.evse_id)
    if amperes is None:
        return told
    unit = told.at("chargingSchedule.chargingRateUnit")
    most = amperes * (_VOLTS * csms.configuration.number_phases if unit == "W" else 1.0)
    periods = told.at("chargingSchedule.chargingSchedulePeriod")
    for index, period in enumerate(periods[:1] if first else periods):
        if period["limit"] > most * _TOLERANCE:
            where = f"{told.name}.chargingSchedule.chargingSchedulePeriod[{index}].limit"
            raise StepFailed(told.step, f"{where} of at most {most:g} {unit}", f"{period['limit']:g}")
    return told


async def charging_told(csms: SimulatedCsms, step: int) -> Received:
    """The TransactionEventRequest that says that energy flows."""
    wanted = {"triggerReason": "ChargingStateChanged", "transactionInfo.chargingState": "Charging"}
    return await csms.take(step, "TransactionEvent", wanted)


async def rate_told(csms: SimulatedCsms, step: int) -> None:
    """An optional TransactionEventRequest: what the car takes has changed. Samples between do not count."""
    csms.check(step)
    event = await csms.maybe(step, "TransactionEvent")
    while event is not None and str(event.at("triggerReason")).startswith("MeterValue"):
        event = await csms.maybe(step, "TransactionEvent")
    if event is not None:
        event.expect("triggerReason", "ChargingRateChanged")


async def renegotiated(csms: SimulatedCsms, *, until_charging: bool = True) -> None:
    """The reusable state RenegotiateChargingLimits. ``until_charging``: what says that energy flows is part of it."""
    with csms.stage("RenegotiateChargingLimits"):
        await csms.station.renegotiate(csms.evse_id)
        await vehicle_needs(csms, 1)
        await schedule_set(csms, 4, 10.0, 300)
        await plan_told(csms, 5)
        if until_charging:
            event = await charging_told(csms, 7)
            if event.at("evse.id") is not ABSENT:
                event.expect("evse.id", csms.evse_id)
