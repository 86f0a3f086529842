"""L01: firmware is fetched, judged, installed and told of."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.firmware import strange_certificate
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
    parking_bay_unoccupied,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.states import (
    connectors_are,
)

__all__: list[str] = []

_PAST_S: Final = -7200.0
_INVALID_SIGNATURE: Final = base64.b64encode(b"the signature of somebody else").decode()


async def _update(csms: SimulatedCsms, *statuses: str, step: int = 2, **more: Any) -> int:
    """UpdateFirmware as configured; ``more`` in place of what is configured, ABSENT: left out. Its requestId."""
    firmware = csms.configuration.firmware
    number = csms.next_id()
    content = {
        "location": firmware.location,
        "retrieveDateTime": csms.in_a_while(_PAST_S),
        "installDateTime": csms.in_a_while(_PAST_S),
        "signingCertificate": firmware.signing_certificate,
        "signature": firmware.signature,
        **more,
    }
    content = {name: value for name, value in content.items() if value is not ABSENT}
    response = await csms.call(step, "UpdateFirmware", {"requestId": number, "firmware": content})
    response.expect("status", *statuses)
    return number


async def _goes(csms: SimulatedCsms, number: int, statuses: Iterable[str], first: int = 3) -> None:
    """Each status in turn, of this update."""
    for place, status in enumerate(statuses):
        await _told(csms, first + 2 * place, number, status)


async def _told(csms: SimulatedCsms, step: int | str, number: int, *statuses: str) -> Received:
    told = await csms.take(step, "FirmwareStatusNotification", seconds=_wait_s(csms))
    told.expect("status", *statuses)
    told.expect("requestId", number)
    return told


def _wait_s(csms: SimulatedCsms) -> float:
    return csms.configuration.message_timeout_s + csms.configuration.reconnect_s


async def _security_event(csms: SimulatedCsms, step: int, kind: str) -> None:
    await csms.take(step, "SecurityEventNotification", {"type": kind})


async def _installed(csms: SimulatedCsms, number: int, step: int, before: int) -> None:
    """The image is installed and runs, with a reboot before or after; ``step`` is that of the first status."""
    rebooting = False
    for place, allowed in enumerate((("Installing", "InstallRebooting"), ("InstallRebooting", "Installed"))):
        # Either may be left out: with a boot loader that is dumb, or where a reboot is not told of (L01.FR.23, FR.32).
        told = await csms.maybe(step + 2 * place, "FirmwareStatusNotification", seconds=_wait_s(csms))
        if told is None:
            raise StepFailed(csms.step(step + 2 * place), " or ".join(allowed), "nothing")
        told.expect("status", *allowed)
        told.expect("requestId", number)
        if told.at("status") != "Installing":
            rebooting = told.at("status") == "InstallRebooting"
            break
    await csms.reconnected(step + 3, after=before)
    if rebooting:
        boot = await csms.take(step + 2, "BootNotification", seconds=csms.configuration.reconnect_s)
        boot.expect("reason", "FirmwareUpdate")
        if (await _told(csms, step + 6, number, "Installing", "Installed")).at("status") == "Installing":
            await _told(csms, step + 6, number, "Installed")
    await _security_event(csms, step + 8, "FirmwareUpdated")
    await csms.quiet()
    for evse_id, connector_id in csms.configuration.connectors():
        last = _last_status(csms, evse_id, connector_id)
        if last not in (None, "Available"):
            raise StepFailed(csms.step(step + 4), f"connector {connector_id} of EVSE {evse_id} Available", str(last))


async def _fails(csms: SimulatedCsms, number: int, step: int, before: int) -> None:
    """The image cannot be installed, with a reboot before that or without; ``step`` is that of the first status."""
    failed = ("InstallVerificationFailed", "InstallationFailed")
    status = (await _told(csms, step, number, "Installing", "InstallRebooting")).at("status")
    if status == "InstallRebooting":
        await csms.reconnected(step + 1, after=before)
        status = (await _told(csms, step + 1, number, "Installing", *failed)).at("status")
    if status == "Installing":
        await _told(csms, step + 4, number, *failed)
    await csms.quiet()
    for evse_id, connector_id in csms.configuration.connectors():
        last = _last_status(csms, evse_id, connector_id)
        # Unavailable: the failure has left it inoperative, which is not recommended.
        if last not in (None, "Available", "Unavailable"):
            raise StepFailed(csms.step(step + 2), f"connector {connector_id} of EVSE {evse_id} Available", str(last))


def _last_status(csms: SimulatedCsms, evse_id: int, connector_id: int) -> str | None:
    """What was last told of a connector since the case began, by either message."""
    last = None
    for one in csms.seen("StatusNotification", {"evseId": evse_id, "connectorId": connector_id}):
        last = str(one.at("connectorStatus"))
    return last


@station_case("TC_L_01_CS")
async def successful(csms: SimulatedCsms) -> None:
    """An update succeeds."""
    before = csms.connections
    number = await _update(csms, "Accepted")
    await _goes(csms, number, ("Downloading", "Downloaded", "SignatureVerified"))
    await _installed(csms, number, 12, before)


@station_case("TC_L_02_CS")
async def install_scheduled(csms: SimulatedCsms) -> None:
    """An image is installed at the time that is set."""
    before = csms.connections
    wait_s = csms.configuration.message_timeout_s
    number = await _update(csms, "Accepted", installDateTime=csms.in_a_while(wait_s))
    due = csms.clock.monotonic() + wait_s
    await _goes(csms, number, ("Downloading", "Downloaded", "SignatureVerified", "InstallScheduled"))
    await csms.none(9, "FirmwareStatusNotification", seconds=max(0.1, due - csms.clock.monotonic() - 1))
    await _installed(csms, number, 14, before)


@station_case("TC_L_03_CS")
async def download_scheduled(csms: SimulatedCsms) -> None:
    """An image is fetched at the time that is set."""
    before = csms.connections
    wait_s = csms.configuration.message_timeout_s
    number = await _update(csms, "Accepted", retrieveDateTime=csms.in_a_while(wait_s))
    due = csms.clock.monotonic() + wait_s
    await _goes(csms, number, ("DownloadScheduled",))
    await csms.none(3, "FirmwareStatusNotification", seconds=max(0.1, due - csms.clock.monotonic() - 1))
    await _goes(csms, number, ("Downloading", "Downloaded", "SignatureVerified"), 5)
    await _installed(csms, number, 14, before)


@station_case("TC_L_05_CS")
async def invalid_certificate(csms: SimulatedCsms) -> None:
    """The certificate of a stranger is not taken."""
    await _update(csms, "InvalidCertificate", "RevokedCertificate", signingCertificate=strange_certificate())
    await _security_event(csms, 3, "InvalidFirmwareSigningCertificate")


@station_case("TC_L_06_CS")
async def invalid_signature(csms: SimulatedCsms) -> None:
    """An image with the signature of another is not installed."""
    number = await _update(csms, "Accepted", signature=_INVALID_SIGNATURE)
    await _goes(csms, number, ("Downloading", "Downloaded", "InvalidSignature"))
    await _security_event(csms, 9, "InvalidFirmwareSignature")


@station_case("TC_L_07_CS")
async def download_failed(csms: SimulatedCsms) -> None:
    """An image that is not there cannot be fetched."""
    number = await _update(csms, "Accepted", location=csms.configuration.firmware.location + "_does.not.exist")
    told = await csms.maybe(3, "FirmwareStatusNotification", seconds=csms.configuration.message_timeout_s)
    if told is None:
        raise StepFailed(csms.step(3), "Downloading or DownloadFailed", "nothing")
    told.expect("status", "Downloading", "DownloadFailed")
    told.expect("requestId", number)
    if told.at("status") == "Downloading":
        await _told(csms, 5, number, "DownloadFailed")


@station_case("TC_L_08_CS")
async def not_installed(csms: SimulatedCsms) -> None:
    """An image that is well signed cannot be installed."""
    before = csms.connections
    firmware = csms.configuration.firmware
    number = await _update(csms, "Accepted", location=firmware.invalid_location, signature=firmware.invalid_signature)
    await _goes(csms, number, ("Downloading", "Downloaded", "SignatureVerified"))
    await _fails(csms, number, 12, before)


@station_case("TC_L_10_CS")
async def canceled(csms: SimulatedCsms) -> None:
    """A second request takes the place of the first while that is fetched."""
    before = csms.connections
    first = await _update(csms, "Accepted")
    await _goes(csms, first, ("Downloading",))
    second = await _update(csms, "AcceptedCanceled", step=6)
    await _goes(csms, second, ("Downloading", "Downloaded", "SignatureVerified"), 7)
    await _installed(csms, second, 16, before)


@station_case("TC_L_11_CS")
async def not_canceled(csms: SimulatedCsms) -> None:
    """A second request is rejected while the first is carried out."""
    csms.needs("updates that cannot be cancelled")
    before = csms.connections
    number = await _update(csms, "Accepted")
    await _goes(csms, number, ("Downloading",))
    await _update(csms, "Rejected", step=6)
    await _goes(csms, number, ("Downloaded", "SignatureVerified"), 7)
    await _installed(csms, number, 14, before)


@station_case("TC_L_12_CS")
async def fetched_after_charging(csms: SimulatedCsms) -> None:
    """An image is fetched when transactions have ended, also one that begins meanwhile."""
    csms.needs("downloads that wait for charging")
    await csms.configure("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "true")
    before = csms.connections
    await energy_transfer_started(csms)
    number = await _update(csms, "Accepted")
    await _goes(csms, number, ("DownloadScheduled",))
    other = _other(csms)
    await energy_transfer_started(csms, evse_id=other[0])
    await parking_bay_unoccupied(csms)
    await parking_bay_unoccupied(csms, evse_id=other[0])
    await _goes(csms, number, ("Downloading", "Downloaded", "SignatureVerified"), 8)
    await _installed(csms, number, 17, before)


@station_case("TC_L_13_CS")
async def fetched_after_charging_closed(csms: SimulatedCsms) -> None:
    """An image is fetched when the transaction has ended, and no other begins meanwhile."""
    csms.needs("downloads that wait for charging")
    await csms.configured("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "false")
    before = csms.connections
    await energy_transfer_started(csms)
    number = await _update(csms, "Accepted")
    # The note to step 3 leaves it to the station whether it tells that the download is scheduled.
    scheduled = await csms.maybe(3, "FirmwareStatusNotification")
    if scheduled is not None:
        scheduled.expect("status", "DownloadScheduled")
        scheduled.expect("requestId", number)
    await connectors_are(csms, 5, "Unavailable", [_other(csms)])
    await _charging_ends(csms)
    await _goes(csms, number, ("Downloading", "Downloaded", "SignatureVerified"), 8)
    await _installed(csms, number, 17, before)


@station_case("TC_L_16_CS")
async def beside_charging(csms: SimulatedCsms) -> None:
    """An image is fetched and installed while somebody charges."""
    csms.needs("installation while charging")
    before = csms.connections
    await energy_transfer_started(csms)
    number = await _update(csms, "Accepted")
    await _goes(csms, number, ("Downloading", "Downloaded", "SignatureVerified", "Installing"))
    await csms.reconnected(11, after=before)
    await _told(csms, 12, number, "Installed")
    await _security_event(csms, 14, "FirmwareUpdated")


def _other(csms: SimulatedCsms) -> tuple[int, int]:
    """The first connector of another EVSE than the configured one."""
    return next(place for place in csms.configuration.connectors() if place[0] != csms.evse_id)


async def _charging_ends(csms: SimulatedCsms) -> None:
    """The driver goes; what the station then says of the connector depends on its update."""
    await csms.station.present(csms.session().token, csms.evse_id)
    await csms.transaction_duration()
    await csms.station.unplug(csms.evse_id, csms.connector_id)
    await csms.station.drive_out(csms.evse_id)


async def _after_charging(csms: SimulatedCsms, *, allows: bool) -> None:
    before = csms.connections
    await energy_transfer_started(csms)
    number = await _update(csms, "Accepted")
    await _goes(csms, number, ("Downloading", "Downloaded", "SignatureVerified"))
    await _told(csms, 9, number, "InstallScheduled")
    other = _other(csms)
    if allows:
        await energy_transfer_started(csms, evse_id=other[0])
        await parking_bay_unoccupied(csms)
        await parking_bay_unoccupied(csms, evse_id=other[0])
    else:
        await connectors_are(csms, 11, "Unavailable", [other])
        await _charging_ends(csms)
    await _installed(csms, number, 17, before)


@station_case("TC_L_14_CS")
async def after_charging(csms: SimulatedCsms) -> None:
    """An image waits for transactions to end, also for one that begins meanwhile."""
    await csms.configure("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "true")
    await _after_charging(csms, allows=True)


@station_case("TC_L_15_CS")
async def after_charging_closed(csms: SimulatedCsms) -> None:
    """An image waits for transactions to end, and no other begins meanwhile."""
    await csms.configured("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "false")
    await _after_charging(csms, allows=False)


@station_case("TC_L_18_CS")
async def unsigned(csms: SimulatedCsms) -> None:
    """An image without certificate and signature is not taken."""
    await _update(csms, "Rejected", "InvalidCertificate", signingCertificate=ABSENT, signature=ABSENT)
