"""K12, K15 to K17: limits of others than the CSMS, and cars that speak ISO 15118 and their schedules."""

from __future__ import annotations

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.authorization import comes_back_after_a_while
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.high_level import (
    charging_told,
    connected_and_authorized,
    plan_told,
    rate_told,
    renegotiated,
    schedule_set,
    talking_cars,
    vehicle_needs,
)
from voltbridge.conformance.station.memory import charging_profile_set
from voltbridge.conformance.station.profiles import charging_profile

__all__: list[str] = []

_OFFLINE_S = 90.0
_EXTERNAL = "ChargingStationExternalConstraints"


@station_case("TC_K_52_CS")
async def external_limit_reported(csms: SimulatedCsms) -> None:
    """A limit of others than the CSMS is reported as what it is."""
    await csms.station.limit_from_outside()
    request = {"requestId": csms.next_id(), "chargingProfile": {"chargingProfilePurpose": _EXTERNAL}}
    response = await csms.call(2, "GetChargingProfiles", request)
    response.expect("status", "Accepted")
    count = 0
    while True:
        report = await csms.take(3, "ReportChargingProfiles")
        report.expect("requestId", request["requestId"])
        for index in range(len(report.at("chargingProfile"))):
            report.expect(f"chargingProfile.{index}.chargingProfilePurpose", _EXTERNAL)
            count += 1
        if report.at("tbc") in (False, ABSENT):
            break
    if count == 0:
        raise StepFailed(csms.step(3), f"at least one {_EXTERNAL}", "none")


@station_case("TC_K_53_CS")
async def load_levelled(csms: SimulatedCsms) -> None:
    """The car's needs are answered with a schedule, and it plans within."""
    await talking_cars(csms)
    event = await connected_and_authorized(csms)
    if event is not None:
        event.expect("eventType", "Updated", "Started")
        event.expect("triggerReason", "Authorized")
    await vehicle_needs(csms, 2)
    await schedule_set(csms, 5, 6.0)
    await plan_told(csms, 6, 6.0, must=True)
    await energy_transfer_started(csms)


@station_case("TC_K_54_CS")
async def no_schedule(csms: SimulatedCsms) -> None:
    """The CSMS has no schedule for the car, which charges all the same."""
    await talking_cars(csms, schedules=False)
    await connected_and_authorized(csms)
    await vehicle_needs(csms, 2)
    await plan_told(csms, 3)
    await charging_told(csms, 5)


@station_case("TC_K_56_CS")
async def offline(csms: SimulatedCsms) -> None:
    """Without a connection the default profile has to do."""
    deviation_s = csms.configuration.time_deviation_s
    await talking_cars(csms)
    await comes_back_after_a_while(csms)
    begins, ends = csms.in_a_while(-deviation_s), csms.in_a_while(deviation_s + 401)
    profile = charging_profile(csms, (0, 6.0), start=begins, duration=400, validFrom=begins, validTo=ends)
    await charging_profile_set(csms, csms.evse_id, profile)
    await connected_and_authorized(csms)
    before = csms.connections
    await csms.close(refuse=True)
    await csms.wait(_OFFLINE_S)
    csms.accept()
    await csms.reconnected(2, after=before)
    event = await charging_told(csms, 5)
    event.expect("offline", True)
    plan = await plan_told(csms, 3, 8.0, first=True)
    if plan is not None:
        plan.expect("chargingSchedule.chargingRateUnit", csms.configuration.charging_rate_unit)
        plan.expect("chargingSchedule.chargingSchedulePeriod.0.startPeriod", 0)


@station_case("TC_K_57_CS")
async def renegotiated_by_car(csms: SimulatedCsms) -> None:
    """The car wants other limits while it charges."""
    await talking_cars(csms)
    await connected_and_authorized(csms)
    await renegotiated(csms)
    csms.forget("TransactionEvent")
    await csms.station.renegotiate(csms.evse_id)
    await vehicle_needs(csms, 1)
    await schedule_set(csms, 4, 15.0)
    await plan_told(csms, 5)
    await rate_told(csms, 7)


@station_case("TC_K_58_CS")
async def renegotiated_by_csms(csms: SimulatedCsms) -> None:
    """The CSMS sets other limits while the car charges."""
    await talking_cars(csms)
    await connected_and_authorized(csms)
    await renegotiated(csms, until_charging=False)
    await energy_transfer_started(csms)
    csms.forget("TransactionEvent")
    await schedule_set(csms, 2, 8.0)
    await plan_told(csms, 3)
    await rate_told(csms, 5)
