"""Block L: updates of firmware with all their ends, and firmware that local controllers publish."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.states import (
    boot,
    energy_transfer_started,
    ev_connected_post_session,
    ev_disconnected,
    stop_authorized,
)
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_SEEN: Final = "Does the CSMS show this answer of the station?"
_UPDATE, _STATUS = "UpdateFirmware", "FirmwareStatusNotification"
_PUBLISH, _PUBLISH_STATUS = "PublishFirmware", "PublishFirmwareStatusNotification"


@csms_case("TC_L_01_CSMS")
async def installed(station: SimulatedStation) -> None:
    """An update runs to its end."""
    asked = await _update(station, 1)
    _expect_certificate(station, asked)
    asked.expect("firmware.signature", station.configuration.firmware.signature)
    await asked.answer({"status": "Accepted"})
    await _to_the_end(station, 3, asked, "Downloading", "Downloaded", "SignatureVerified")


@csms_case("TC_L_02_CSMS")
async def install_scheduled(station: SimulatedStation) -> None:
    """An update is installed at a time to come."""
    at = station.in_a_while(station.configuration.firmware.delay_s)
    asked = await _update(station, 1, installDateTime=at)
    moment = _in_future(station, asked, "firmware.installDateTime")
    await asked.answer({"status": "Accepted"})
    await _tell(station, 3, asked, "Downloading", "Downloaded", "SignatureVerified", "InstallScheduled")
    await _until(station, moment)
    await _to_the_end(station, 11, asked)


@csms_case("TC_L_03_CSMS")
async def download_scheduled(station: SimulatedStation) -> None:
    """An update is fetched at a time to come."""
    at = station.in_a_while(station.configuration.firmware.delay_s)
    asked = await _update(station, 1, retrieveDateTime=at)
    moment = _in_future(station, asked, "firmware.retrieveDateTime")
    await asked.answer({"status": "Accepted"})
    await _tell(station, 3, asked, "DownloadScheduled")
    await _until(station, moment)
    await _to_the_end(station, 5, asked, "Downloading", "Downloaded", "SignatureVerified")


@csms_case("TC_L_04_CSMS")
async def revoked_certificate(station: SimulatedStation) -> None:
    """The station says that the signing certificate is revoked."""
    await (await _update(station, 1)).answer({"status": "RevokedCertificate"}, seen=_SEEN)


@csms_case("TC_L_05_CSMS")
async def invalid_certificate(station: SimulatedStation) -> None:
    """The station says that the signing certificate is invalid."""
    await (await _update(station, 1)).answer({"status": "InvalidCertificate"}, seen=_SEEN)
    await _security_event(station, 3, "InvalidFirmwareSigningCertificate")


@csms_case("TC_L_06_CSMS")
async def invalid_signature(station: SimulatedStation) -> None:
    """The signature turns out to be invalid."""
    asked = await _update(station, 1)
    await asked.answer({"status": "Accepted"})
    await _tell(station, 3, asked, "Downloading", "Downloaded", "InvalidSignature")
    await _security_event(station, 9, "InvalidFirmwareSignature")


@csms_case("TC_L_07_CSMS")
async def download_failed(station: SimulatedStation) -> None:
    """The firmware cannot be fetched."""
    asked = await _update(station, 1)
    await asked.answer({"status": "Accepted"})
    await _tell(station, 3, asked, "Downloading", "DownloadFailed")


@csms_case("TC_L_08_CSMS")
async def install_verification_failed(station: SimulatedStation) -> None:
    """The firmware turns out to be unfit while it is installed."""
    asked = await _update(station, 1)
    await asked.answer({"status": "Accepted"})
    await _tell(
        station, 3, asked, "Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallVerificationFailed"
    )


@csms_case("TC_L_09_CSMS")
async def installation_failed(station: SimulatedStation) -> None:
    """The installation fails after the reboot."""
    asked = await _update(station, 1)
    await asked.answer({"status": "Accepted"})
    statuses = ("Downloading", "Downloaded", "SignatureVerified")
    await _to_the_end(station, 3, asked, *statuses, end="InstallationFailed")


@csms_case("TC_L_10_CSMS")
async def cancelled_for_another(station: SimulatedStation) -> None:
    """A second update takes the place of the first."""
    first = await _update(station, 1)
    await first.answer({"status": "Accepted"})
    await _tell(station, 3, first, "Downloading")
    second = await _update(station, 5, 2)
    await second.answer({"status": "AcceptedCanceled"}, seen=_SEEN)
    await _to_the_end(station, 7, second, "Downloading", "Downloaded", "SignatureVerified")


@csms_case("TC_L_11_CSMS")
async def not_to_be_cancelled(station: SimulatedStation) -> None:
    """A second update is rejected, and the first runs to its end."""
    first = await _update(station, 1)
    await first.answer({"status": "Accepted"})
    await _tell(station, 3, first, "Downloading")
    await (await _update(station, 5, 2)).answer({"status": "Rejected"}, seen=_SEEN)
    await _to_the_end(station, 7, first, "Downloaded", "SignatureVerified")


@csms_case("TC_L_13_CSMS")
async def after_the_transaction(station: SimulatedStation) -> None:
    """An update waits for a transaction; meanwhile no other connector can be used."""
    await energy_transfer_started(station)
    asked = await _update(station, 1)
    _expect_certificate(station, asked)
    await asked.answer({"status": "Accepted"})
    await _tell(station, 3, asked, "DownloadScheduled")
    in_use = (station.evse_id, station.configuration.connector_id)
    await station.report(5, "Unavailable", [one for one in station.configuration.connectors() if one != in_use])
    await stop_authorized(station)
    await ev_connected_post_session(station)
    await ev_disconnected(station)
    await _to_the_end(station, 10, asked, "Downloading", "Downloaded", "SignatureVerified")


@csms_case("TC_L_17_CSMS")
async def published(station: SimulatedStation) -> None:
    """A local controller publishes firmware."""
    asked = await _publish(station)
    await _tell_published(station, asked, "Downloading", "Downloaded", "ChecksumVerified", "Published")


@csms_case("TC_L_24_CSMS")
async def publishing_download_failed(station: SimulatedStation) -> None:
    """A local controller cannot fetch the firmware."""
    await _tell_published(station, await _publish(station), "Downloading", "DownloadFailed")


@csms_case("TC_L_19_CSMS")
async def publishing_invalid_checksum(station: SimulatedStation) -> None:
    """What a local controller has fetched is not what was meant."""
    await _tell_published(station, await _publish(station), "Downloading", "Downloaded", "InvalidChecksum")


@csms_case("TC_L_20_CSMS")
async def publish_failed(station: SimulatedStation) -> None:
    """A local controller cannot publish what it has fetched."""
    statuses = ("Downloading", "Downloaded", "ChecksumVerified", "PublishFailed")
    await _tell_published(station, await _publish(station), *statuses)


@csms_case("TC_L_21_CSMS")
async def unpublished(station: SimulatedStation) -> None:
    """A local controller publishes firmware no longer."""
    await _unpublish(station, "Unpublished")


@csms_case("TC_L_22_CSMS")
async def nothing_to_unpublish(station: SimulatedStation) -> None:
    """A local controller has not published the firmware."""
    await _unpublish(station, "NoFirmware")


@csms_case("TC_L_23_CSMS")
async def unpublished_too_early(station: SimulatedStation) -> None:
    """A station is still fetching the firmware from the local controller."""
    await _unpublish(station, "DownloadOngoing")


async def _update(station: SimulatedStation, step: int, request_id: int = 1, **times: str) -> Asked:
    firmware = station.configuration.firmware
    signed = {"signingCertificate": firmware.signing_certificate, "signature": firmware.signature}
    content = {"location": firmware.location, "retrieveDateTime": station.now(), **signed, **times}
    parameters: dict[str, Any] = {
        "location": firmware.location,
        "signing_certificate": firmware.signing_certificate,
        "signature": firmware.signature,
    }
    if "installDateTime" in times:
        parameters["install_at"] = times["installDateTime"]
    if "retrieveDateTime" in times:
        parameters["retrieve_at"] = times["retrieveDateTime"]
    when = "".join(f", {name} {moment}" for name, moment in times.items())
    text = f"update the station's firmware from {firmware.location}, signed as configured{when}"
    payload = {"requestId": request_id, "firmware": content}
    return await station.asked(step, text, _UPDATE, payload, command=("update_firmware", parameters))


def _expect_certificate(station: SimulatedStation, asked: Asked) -> None:
    asked.expect("firmware.signingCertificate", station.configuration.firmware.signing_certificate)


async def _tell(station: SimulatedStation, step: int, asked: Asked, *statuses: str) -> int:
    """Tell statuses one after the other; the step that follows."""
    for status in statuses:
        await station.call(step, _STATUS, {"status": status, "requestId": asked.request.at("requestId")})
        step += 2
    return step


async def _to_the_end(
    station: SimulatedStation, step: int, asked: Asked, *statuses: str, end: str = "Installed"
) -> None:
    """Statuses, the installation with its reboot, and the last status."""
    step = await _tell(station, step, asked, *statuses, "Installing", "InstallRebooting")
    await boot(station, step, "FirmwareUpdate")
    await station.report(step + 2, "Available")
    await _tell(station, step + 4, asked, end)


async def _security_event(station: SimulatedStation, step: int, type: str) -> None:
    await station.call(step, "SecurityEventNotification", {"type": type, "timestamp": station.now()})


def _in_future(station: SimulatedStation, asked: Asked, path: str) -> datetime:
    """The moment at the path of the request, which must be one to come."""
    told = asked.request.at(path)
    moment = None if told is ABSENT else datetime.fromisoformat(str(told).replace("Z", "+00:00"))
    if moment is None or moment <= station.clock.now():
        shown = "no such field" if moment is None else str(told)
        raise StepFailed(asked.request.step, f"{asked.request.name}.{path} to come", shown)
    return moment


async def _until(station: SimulatedStation, moment: datetime) -> None:
    await station.clock.sleep(max(0.0, (moment - station.clock.now()).total_seconds()))


async def _publish(station: SimulatedStation) -> Asked:
    firmware = station.configuration.firmware
    named = {"location": firmware.location, "checksum": firmware.checksum}
    text = f"have the station publish the firmware at {firmware.location} with the MD5 checksum {firmware.checksum}"
    command = ("publish_firmware", named)
    asked = await station.asked(1, text, _PUBLISH, {**named, "requestId": 1}, command=command)
    asked.expect("location", firmware.location)
    await asked.answer({"status": "Accepted"})
    return asked


async def _tell_published(station: SimulatedStation, asked: Asked, *statuses: str) -> None:
    for number, status in enumerate(statuses):
        said: dict[str, Any] = {"status": status, "requestId": asked.request.at("requestId")}
        if status == "Published":
            said["location"] = [station.configuration.firmware.location]
        await station.call(3 + 2 * number, _PUBLISH_STATUS, said)


async def _unpublish(station: SimulatedStation, status: str) -> None:
    checksum = station.configuration.firmware.checksum
    text = f"have the station publish the firmware with the MD5 checksum {checksum} no longer"
    command = ("unpublish_firmware", {"checksum": checksum})
    asked = await station.asked(1, text, "UnpublishFirmware", {"checksum": checksum}, command=command)
    await asked.answer({"status": status}, seen=_SEEN)
