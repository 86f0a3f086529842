"""Block N: logs that a station delivers."""

from __future__ import annotations

from typing import Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.station import Asked, SimulatedStation

__all__: list[str] = []

_SEEN: Final = "Does the CSMS show this answer of the station?"


@csms_case("TC_N_25_CSMS")
async def diagnostics_log(station: SimulatedStation) -> None:
    """The diagnostics are delivered."""
    asked = await _get_log(station, 1)
    asked.expect("logType", "DiagnosticsLog")
    await asked.answer({"status": "Accepted"})
    await _tell(station, 3, asked, "Uploading", "Uploaded")


@csms_case("TC_N_34_CSMS")
async def no_log(station: SimulatedStation) -> None:
    """The station has no log."""
    await (await _get_log(station, 1)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC_N_35_CSMS")
async def security_log(station: SimulatedStation) -> None:
    """The security log is delivered."""
    asked = await _get_log(station, 1, log_type="SecurityLog")
    asked.expect("logType", "SecurityLog")
    await asked.answer({"status": "Accepted"})
    await _tell(station, 3, asked, "Uploading", "Uploaded")


@csms_case("TC_N_36_CSMS")
async def second_request(station: SimulatedStation) -> None:
    """A second log takes the place of the first."""
    first = await _get_log(station, 1)
    await first.answer({"status": "Accepted"})
    await _tell(station, 3, first, "Uploading")
    second = await _get_log(station, 5, 2)
    await second.answer({"status": "AcceptedCanceled"}, seen=_SEEN)
    await _tell(station, 7, first, "AcceptedCanceled")
    await _tell(station, 9, second, "Uploading", "Uploaded")


async def _get_log(
    station: SimulatedStation, step: int, request_id: int = 1, *, log_type: str = "DiagnosticsLog"
) -> Asked:
    payload = {
        "log": {"remoteLocation": station.configuration.log_location},
        "logType": log_type,
        "requestId": request_id,
    }
    # Without a location the CSMS names its own, if it can take logs itself.
    command = ("get_log", {"log_type": log_type})
    return await station.asked(step, f"get the {log_type} of the station", "GetLog", payload, command=command)


async def _tell(station: SimulatedStation, step: int, asked: Asked, *statuses: str) -> None:
    for number, status in enumerate(statuses):
        said = {"status": status, "requestId": asked.request.at("requestId")}
        await station.call(step + 2 * number, "LogStatusNotification", said)
