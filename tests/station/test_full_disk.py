"""What a disk does not take is told to have failed, and nothing comes of it: not now, and not after a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from ocpp.exceptions import OCPPError
from tests.station.authorities import Authority
from tests.station.blocks.test_m_certificates import hash_data
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201 = Version.V16, Version.V201
BOTH = pytest.mark.parametrize("version", [V16, V201])
Ask = Callable[[CentralSystem], Awaitable[object]]


async def refused(central: CentralSystem, action: str, payload: Message) -> None:
    """It is answered with an error, or with a status that says so."""
    try:
        response = await central.call(action, payload)
    except OCPPError:
        central.refused.clear()
    else:
        assert response["status"] == "Failed"


def hold(
    version: Version,
    action: str,
    wanted: Message,
    look: Ask,
    seconds: float = 2.0,
    *,
    undo: tuple[str, Message] | None = None,
) -> None:
    """``look`` shows the same after a request that the disk refuses as before it; and something else after another.

    The same goes for the request that undoes it.
    """

    async def story(clock: VirtualClock) -> None:
        store = MemoryStore()
        async with charging(clock, version, store=store) as (central, station):
            before = await look(central)
            store.full = True
            await refused(central, action, wanted)
            store.full = False
            await clock.sleep(seconds)
            assert await look(central) == before
            await station.power_cut(5)
            await station.connected()
            await clock.sleep(seconds)
            assert await look(central) == before
            await central.call(action, wanted)
            await clock.sleep(seconds)
            changed = await look(central)
            assert changed != before, "nothing ever comes of it"
            if undo is not None:
                store.full = True
                await refused(central, *undo)
                store.full = False
                assert await look(central) == changed
                await station.power_cut(5)
                await station.connected()
                assert await look(central) == changed

    live(story)


TOKEN = {"idToken": "A", "type": "Central"}
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}]}


async def state(central: CentralSystem) -> object:
    """The connector's, as it is told."""
    central.forget()
    place = {"evse": {"id": 1, "connectorId": 1}} if has_evses(central) else {"connectorId": 1}
    await central.call("TriggerMessage", {"requestedMessage": "StatusNotification", **place})
    told = await central.next("StatusNotification", lambda each: each["connectorId"] == 1)
    return told.get("status", told.get("connectorStatus"))


def has_evses(central: CentralSystem) -> bool:
    return V16 not in central.versions


@BOTH
def test_firmware(version: Version) -> None:
    when = "2026-03-01T12:01:00Z"
    plain = {"location": "ftp://127.0.0.1:9/none", "retrieveDate": when, "retries": 0}
    newer = {"requestId": 1, "retries": 0, "firmware": {"location": "ftp://127.0.0.1:9/none", "retrieveDateTime": when}}

    async def told(central: CentralSystem) -> object:
        return bool(central.of("FirmwareStatusNotification"))

    hold(version, "UpdateFirmware", plain if version is V16 else newer, told, 600)


@BOTH
def test_a_reservation(version: Version) -> None:
    expires = "2026-03-01T18:00:00Z"
    plain = {"reservationId": 1, "connectorId": 1, "idTag": "A", "expiryDate": expires}
    newer = {"id": 1, "evseId": 1, "idToken": TOKEN, "expiryDateTime": expires}
    hold(
        version,
        "ReserveNow",
        plain if version is V16 else newer,
        state,
        undo=("CancelReservation", {"reservationId": 1}),
    )


@BOTH
def test_the_local_list(version: Version) -> None:
    plain = {"listVersion": 3, "updateType": "Full", "localAuthorizationList": [{"idTag": "A"}]}
    entry = {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted"}}
    newer = {"versionNumber": 3, "updateType": "Full", "localAuthorizationList": [entry]}
    if version is V16:
        plain["localAuthorizationList"] = [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}]

    async def number(central: CentralSystem) -> object:
        return await central.call("GetLocalListVersion")

    hold(version, "SendLocalList", plain if version is V16 else newer, number)


@BOTH
def test_availability(version: Version) -> None:
    plain = {"connectorId": 1, "type": "Inoperative"}
    newer = {"operationalStatus": "Inoperative", "evse": {"id": 1, "connectorId": 1}}

    hold(version, "ChangeAvailability", plain if version is V16 else newer, state)


@BOTH
def test_a_charging_profile(version: Version) -> None:
    common = {"stackLevel": 0, "chargingProfileKind": "Relative"}
    plain = {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingSchedule": SCHEDULE,
            **common,
        },
    }
    newer = {
        "evseId": 1,
        "chargingProfile": {
            "id": 1,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingSchedule": [{"id": 1, **SCHEDULE}],
            **common,
        },
    }

    async def composite(central: CentralSystem) -> object:
        place = {"connectorId": 1} if version is V16 else {"evseId": 1}
        made = await central.call("GetCompositeSchedule", {"duration": 60, "chargingRateUnit": "A", **place})
        schedule = made.get("chargingSchedule") or made.get("schedule")
        return schedule and schedule["chargingSchedulePeriod"][0]["limit"]

    undo = ("ClearChargingProfile", {"id": 1} if version is V16 else {"chargingProfileId": 1})
    hold(version, "SetChargingProfile", plain if version is V16 else newer, composite, undo=undo)


@BOTH
def test_a_root_certificate(version: Version, tmp_path: Path) -> None:
    use = "CentralSystemRootCertificate" if version is V16 else "CSMSRootCertificate"
    root = Authority.make(tmp_path, "One")
    undo = ("DeleteCertificate", {"certificateHashData": hash_data(root)})

    async def listed(central: CentralSystem) -> object:
        asked = {"certificateType": use if version is V16 else [use]}
        found = await central.call("GetInstalledCertificateIds", asked)
        chains = found.get("certificateHashDataChain", [])
        return [each["certificateHashData"] for each in chains] + found.get("certificateHashData", [])

    hold(version, "InstallCertificate", {"certificateType": use, "certificate": root.pem}, listed, undo=undo)
