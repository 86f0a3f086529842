"""New passwords, security profiles and versions: tried, kept when they work, given up when not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.station.authorities import Authority
from tests.station.central_system import CentralSystem, Message, charging, live, served

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.root_certificates import CertificateUse, root_of
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201, V21 = Version
ALL = pytest.mark.parametrize("version", list(Version))
OLD = "an old password of 25 chr"
NEW = "a new password of 25 char"


async def set_password(central: CentralSystem, version: Version, password: str) -> str:
    if version is V16:
        response = await central.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": password})
        return str(response["status"])
    data = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": password,
    }
    response = await central.call("SetVariables", {"setVariableData": [data]})
    return str(response["setVariableResult"][0]["attributeStatus"])


@ALL
def test_a_new_password_is_used_from_a_new_connection_on(version: Version) -> None:
    store = MemoryStore()

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, password=OLD, store=store) as (central, station):
            assert await set_password(central, version, "short") == "Rejected"
            assert await set_password(central, version, NEW) == "Accepted"
            central.password = NEW
            while central.connections < 2:
                await clock.sleep(1)
            await station.connected()
            assert central.turned_away == 0
            assert len(central.of("BootNotification")) == 1, "a reconnection is no boot"
            assert not store.all("previous-credentials")

    live(story)


@ALL
def test_a_password_that_the_csms_does_not_take_is_given_up(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, password=OLD) as (central, station):
            assert await set_password(central, version, NEW) == "Accepted"
            while central.connections < 2:
                await clock.sleep(1)
            await station.connected()
            assert central.turned_away >= 1
            assert station.services.context.settings.password == OLD
            name = "FailedToAuthenticateAtCentralSystem" if version is V16 else "FailedToAuthenticateAtCsms"
            event = await central.next("SecurityEventNotification", lambda each: each["type"] == name)
            assert event

    live(story)


@ALL
def test_passwords_are_told_to_nobody(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, password=OLD) as (central, station):
            if version is V16:
                answer: Message = await central.call("GetConfiguration")
            else:
                answer = await central.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
                await central.next("NotifyReport", lambda part: not part.get("tbc"))
            assert OLD not in str(answer) + str(central.received)
            assert isinstance(station, Station)

    live(story)


def test_security_profiles_of_16_can_only_be_raised_and_never_into_nothing() -> None:
    async def change(central: CentralSystem, value: str) -> str:
        status: str = (await central.call("ChangeConfiguration", {"key": "SecurityProfile", "value": value}))["status"]
        return status

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16, password=OLD) as (central, station):
            for value in ("0", "1", "4", "two"):
                assert await change(central, value) == "Rejected"
            assert await change(central, "2") == "Rejected", "there is no root certificate"
            assert await change(central, "3") == "Rejected", "there is no certificate of the station"
            assert station.services.context.settings.security_profile == 1

    live(story)


def test_a_security_profile_that_does_not_work_is_given_up(tmp_path: Path) -> None:
    """The CSMS speaks no TLS at that address, so the station comes back without it (1.6 A05.FR.08)."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16, password=OLD, variables={"OCPPCommCtrlr.RetryBackOffWaitMinimum": "1"}) as (
            central,
            station,
        ):
            root = Authority.make(tmp_path).certificate
            station.engine.roots.put(root_of(root, root, CertificateUse.CSMS))
            response = await central.call("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"})
            assert response["status"] == "Accepted"
            while central.connections < 2:
                await clock.sleep(1)
            await station.connected()
            assert station.services.context.settings.security_profile == 1

    live(story)


def test_a_queue_survives_a_change_of_version() -> None:
    """What happened while the CSMS spoke 1.6 is told in 2.0.1, and the other way round."""
    store = MemoryStore()

    async def lived(clock: VirtualClock, *versions: Version, then: Version) -> CentralSystem:
        async with served(clock, *versions) as first, Network(clock, holds_clock=False) as network:
            url = first.url
            configuration = StationConfiguration(
                "CP-1",
                url,
                versions=(V21, V201, V16),
                variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"},
            )
            async with Station(configuration, network=network, store=store) as station:
                await station.connected()
                await first.cut()
                first.versions = ()
                first.password = "nobody"
                async with station.plug_in() as visit:
                    await visit.swipe("A1")
                    await visit.charged(kwh=0.2)
                await clock.sleep(1)
            async with served(clock, then) as second:
                again = StationConfiguration("CP-1", second.url, versions=(V21, V201, V16))
                async with Station(again, network=network, store=store) as station:
                    await station.connected()
                    await clock.sleep(10)
                    assert station.version is then
                    assert second.refused == []
                    return second

    async def story(clock: VirtualClock) -> None:
        central = await lived(clock, V16, then=V201)
        told = central.of("TransactionEvent")
        assert [event["eventType"] for event in (told[0], told[-1])] == ["Started", "Ended"]
        assert all(event["offline"] for event in told)
        central = await lived(clock, V21, then=V16)
        start, stop = central.of("StartTransaction")[0], central.of("StopTransaction")[0]
        assert stop["transactionId"] == 1
        assert stop["meterStop"] - start["meterStart"] == pytest.approx(200, abs=15)

    live(story)
