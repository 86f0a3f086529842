"""Block A: Basic authentication of a station."""

from __future__ import annotations

import secrets

from voltbridge.conformance.case import Start, csms_case
from voltbridge.conformance.connection import Credentials, UpgradeRefused
from voltbridge.conformance.csms.states import booted
from voltbridge.conformance.csms.station import SimulatedStation
from voltbridge.conformance.failure import NotApplicable, StepFailed

__all__: list[str] = []


@csms_case("TC_A_01_CSMS", start=Start.OFFLINE)
async def right_password(station: SimulatedStation) -> None:
    """Basic authentication with the right password is let in."""
    _needs_password(station)
    try:
        await station.connect()
    except UpgradeRefused as refused:
        raise StepFailed(station.step(2), "an upgraded connection", str(refused)) from None
    # Steps 3 to 6 are those of the reusable state: boot, accepted, connectors reported.
    await booted(station)


@csms_case("TC_A_02_CSMS", start=Start.OFFLINE)
async def wrong_username(station: SimulatedStation) -> None:
    """A username that is not the station's identity is refused."""
    configuration = station.configuration
    await _is_refused(station, Credentials(f"{configuration.station_id}Invalid", configuration.password))


@csms_case("TC_A_03_CSMS", start=Start.OFFLINE)
async def wrong_password(station: SimulatedStation) -> None:
    """A wrong password is refused."""
    await _is_refused(station, Credentials(station.configuration.station_id, secrets.token_urlsafe(24)))


async def _is_refused(station: SimulatedStation, credentials: Credentials) -> None:
    _needs_password(station)
    try:
        await station.connect(credentials=credentials)
    except UpgradeRefused as refused:
        if 400 <= refused.status < 500:
            return
        received = str(refused)
    else:
        received = "an upgraded connection"
    raise StepFailed(station.step(2), "an upgrade refused with HTTP 4xx", received)


def _needs_password(station: SimulatedStation) -> None:
    if not station.configuration.basic_auth:
        raise NotApplicable("the CSMS has no password for the station (basic_auth is false)")
