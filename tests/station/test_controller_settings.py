"""What operators of a charge controller set, by the keys of 1.6, and what comes of it at a central system of others.

Which setting of which row is shown where: ``test_controller_rows``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.station.authorities import Authority
from tests.station.central_system import CentralSystem, Message, charging, live
from tests.station.plain_csms import PlainCsms

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.control.actions import do
from voltbridge.station.network import Network
from voltbridge.station.network_profiles import NetworkProfile
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.uplinks import ETHERNET, MODEM, chosen
from voltbridge.station.virtual_clock import VirtualClock

V16 = Version.V16
PASSWORD = "0123456789abcdef"
QUICK = {"OCPPCommCtrlr.RetryBackOffWaitMinimum": "5", "OCPPCommCtrlr.RetryBackOffRepeatTimes": "1"}
BOOT = {"status": "Accepted", "currentTime": "2026-03-01T12:00:00Z", "interval": 300}


async def put(central: CentralSystem, key: str, value: str, status: str = "Accepted") -> None:
    response = await central.call("ChangeConfiguration", {"key": key, "value": value})
    assert response["status"] == status


async def get(central: CentralSystem, key: str) -> Any:
    return (await central.call("GetConfiguration", {"key": [key]}))["configurationKey"][0]["value"]


async def restarted(clock: VirtualClock, central: CentralSystem, station: Station) -> None:
    await central.call("Reset", {"type": "Hard"})
    while station.running:
        await clock.sleep(1)
    await station.connected()


def statuses(central: CentralSystem) -> list[tuple[int, str, str, str]]:
    return [
        (each["connectorId"], each["status"], each["errorCode"], each.get("info", ""))
        for each in central.of("StatusNotification")
    ]


def hardware(station: Station) -> VirtualHardware:
    assert isinstance(station.hardware, VirtualHardware)
    return station.hardware


# Connection


@pytest.mark.parametrize(
    ("kind", "there", "expected"),
    [
        ("Ethernet", {ETHERNET, MODEM}, ETHERNET),
        ("Ethernet", {MODEM}, ""),
        ("GSM", {ETHERNET, MODEM}, ETHERNET),
        ("GSM", {MODEM}, MODEM),
        ("GSM", set(), ""),
        ("NoBackend", {ETHERNET, MODEM}, ""),
    ],
)
def test_which_interface_is_taken(kind: str, there: set[str], expected: str) -> None:
    assert chosen(kind, frozenset(there)) == expected


def test_the_type_of_the_connection() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16, variables=QUICK) as (central, station):
            await do(station, "uplink", {"up": False, "interface": ETHERNET})
            await clock.sleep(120)
            assert not station.online, "the modem is off"
            await do(station, "uplink", {"up": True, "interface": ETHERNET})
            await station.connected()
            await put(central, "SendInformativeStatusNotifications", "true")
            await put(central, "ConnectionType", "GSM")
            assert await get(central, "InterfaceInUse") == ETHERNET
            for up, interface in ((False, MODEM), (True, ETHERNET)):
                await do(station, "uplink", {"up": up, "interface": ETHERNET})
                await clock.sleep(60)
                await station.connected()
                assert await get(central, "InterfaceInUse") == (interface if up else MODEM)
                assert (0, "Available", "NoError", f"network by {interface if up else MODEM}") in statuses(central)
            connections = central.connections
            await put(central, "ConnectionType", "NoBackend")
            await clock.sleep(3600)
            assert (station.online, central.connections) == (False, connections)

    live(story)


def test_without_a_backend_nothing_is_said_shown_or_restarted() -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {
            "BackendCtrlr.ConnectionType": "NoBackend",
            "BackendCtrlr.TcpWatchdogTimeout": "60",
            "BackendCtrlr.DisplayBackendDisconnectAsError": "true",
        }
        async with charging(clock, V16, variables=variables, connected=False) as (central, station):
            await clock.sleep(3600)
            assert central.connections == 0
            assert hardware(station).text == ""
            assert hardware(station).reboots == []

    live(story)


def test_how_long_an_attempt_to_connect_may_take() -> None:
    async def story(clock: VirtualClock) -> None:
        asked: list[float] = []
        writers: list[asyncio.StreamWriter] = []

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(clock.monotonic())
            writers.append(writer)
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server, Network(clock, holds_clock=False) as network:
            variables = {
                "BackendCtrlr.BackendConnectionTimeout": "17",
                "OCPPCommCtrlr.RetryBackOffWaitMinimum": "1",
                "OCPPCommCtrlr.RetryBackOffRandomRange": "0",
                "OCPPCommCtrlr.RetryBackOffRepeatTimes": "0",
            }
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
            async with Station(StationConfiguration("CP-1", url, (V16,), variables=variables), network=network):
                while len(asked) < 3:
                    await clock.sleep(1)
            for writer in writers:
                writer.close()
        assert [round(after - before) for before, after in pairwise(asked[1:])] == [pytest.approx(18, abs=2)]

    live(story)


def test_a_proxy_counts_after_a_restart() -> None:
    async def story(clock: VirtualClock) -> None:
        asked: list[str] = []

        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            asked.append(head.split(b"\r\n")[0].decode())
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        async with server, charging(clock, V16, variables=QUICK) as (central, station):
            port = server.sockets[0].getsockname()[1]
            await put(central, "WebSocketsProxy", f"127.0.0.1:{port}", "RebootRequired")
            connections = central.connections
            await central.call("Reset", {"type": "Hard"})
            while not asked:
                await clock.sleep(1)
            assert asked[0] == f"GET {central.url.replace('ws:', 'http:')}/CP-1 HTTP/1.1"
            assert central.connections == connections
            assert not station.online

    live(story)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("BackendCtrlr.ConnectionStrictness", "all-cyphers"), ("BackendCtrlr.SslStrictness", "SkipHostCheck")],
)
def test_how_strict_tls_is(variable: str, value: str, tmp_path: Path) -> None:
    """A server of old suites, and one whose certificate is of another host: let in only where that is set."""
    authority = Authority.make(tmp_path)
    context = authority.server() if value == "all-cyphers" else authority.server(host="127.0.0.2")
    if value == "all-cyphers":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")

    async def story(clock: VirtualClock) -> None:
        def answering(action: str, payload: Message) -> Message:
            return BOOT if action == "BootNotification" else {}

        async with PlainCsms(answering, versions=(V16,), tls=context) as csms:
            for variables in ({}, {variable: value}):
                configuration = StationConfiguration(
                    "CP-1",
                    csms.url,
                    (V16,),
                    password=PASSWORD,
                    security_profile=2,
                    ca_file=str(authority.ca_file),
                    variables=QUICK | variables,
                )
                async with (
                    Network(clock, holds_clock=False) as network,
                    Station(configuration, network=network) as station,
                ):
                    if variables:
                        await station.connected()
                    else:
                        await clock.sleep(60)
                        assert csms.attempts == []

    live(story)


def test_heartbeats_may_be_forced() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            await put(central, "HeartbeatInterval", "60")
            await put(central, "MeterValueSampleInterval", "20")
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                central.forget()
                await clock.sleep(600)
                assert central.of("Heartbeat") == [], "readings say as much"
                await put(central, "ForceHeartbeat", "true")
                await clock.sleep(601)
                assert len(central.of("Heartbeat")) == pytest.approx(10, abs=1)

    live(story)


def test_a_disconnect_is_an_error_on_the_display_from_the_first_failure_on() -> None:
    async def story(clock: VirtualClock) -> None:
        variables = QUICK | {"BackendCtrlr.DisplayBackendDisconnectAsError": "true"}
        async with PlainCsms(versions=(V16,)) as csms, Network(clock, holds_clock=False) as network:
            csms.refuse_with = 503
            configuration = StationConfiguration("CP-1", csms.url, (V16,), variables=variables)
            async with Station(configuration, network=network) as station:
                await csms.attempted.get()
                await clock.sleep(1)
                assert hardware(station).text == "No connection to the backend"
                csms.refuse_with = None
                await station.connected()
                assert hardware(station).text == ""
                station.services.context.device_model.set("BackendCtrlr.DisplayBackendDisconnectAsError", "false")
                (await csms.visits.get()).cut()
                await clock.sleep(1)
                assert hardware(station).text == ""

    live(story)


# What is told of the station


def test_errors_warnings_and_devices_at_usb() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            await clock.sleep(1)

            async def told() -> list[tuple[str, str]]:
                central.forget()
                await do(station, "fault", {"code": "HighTemperature", "stops": False})
                await do(station, "usb", {"device": "modem"})
                await clock.sleep(1)
                await do(station, "repair", {"code": "HighTemperature"})
                await do(station, "usb", {"device": "modem", "broken": False})
                await clock.sleep(1)
                return [
                    (each["errorCode"], each.get("vendorErrorCode", "")) for each in central.of("StatusNotification")
                ]

            warning = [("HighTemperature", ""), ("NoError", "")]
            usb = [("OtherError", "USB_modem"), ("NoError", "USB_modem")]
            assert await told() == warning, "of USB nothing, unless it is wanted"
            await put(central, "SendUsbErrorStatusNotifications", "true")
            assert sorted(await told()) == sorted(warning + usb)
            await put(central, "SendErrorStatusNotifications", "false")
            assert await told() == usb

    live(story)


def test_logins_and_other_information() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            await clock.sleep(1)
            for login, informative in ((False, False), (True, False), (False, True)):
                await put(central, "SendStatusForWebuiLogin", str(login).lower())
                await put(central, "SendInformativeStatusNotifications", str(informative).lower())
                central.forget()
                await do(station, "web-login", {"name": "anna"})
                await do(station, "swipe", {"id_token": "A1", "evse": 1})
                await clock.sleep(1)
                infos = [info for _, _, _, info in statuses(central) if info]
                assert any("anna" in info for info in infos) is login
                assert any(info == "token Accepted" for info in infos) is informative
                await do(station, "swipe", {"id_token": "A1", "evse": 1})
                await clock.sleep(1)

    live(story)


def test_a_forced_state_of_the_connectors() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            await clock.sleep(1)
            await put(central, "ForceConnectorState", "Unavailable")
            await clock.sleep(1)
            assert statuses(central)[-1][:2] == (1, "Unavailable")
            request = {"connectorId": 1, "type": "Inoperative"}
            assert (await central.call("ChangeAvailability", request))["status"] == "Accepted"
            await put(central, "ForceConnectorState", "Available")
            await clock.sleep(1)
            assert statuses(central)[-1][:2] == (1, "Available"), "whatever the CSMS has said"
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
            await put(central, "ForceConnectorState", "None")
            await clock.sleep(1)
            assert statuses(central)[-1][:2] == (1, "Unavailable")

    live(story)


@pytest.mark.parametrize("strategy", ["OccupiedOnPlugged", "OccupiedOnCharging"])
def test_when_a_connector_counts_as_in_use(strategy: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            await put(central, "StatusNotificationStrategy", strategy)
            await clock.sleep(1)
            central.forget()
            async with station.plug_in() as visit:
                await clock.sleep(5)
                assert [status for _, status, _, _ in statuses(central)] == (
                    ["Preparing"] if strategy == "OccupiedOnPlugged" else []
                )
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(2)
                assert statuses(central)[-1][1] == "Charging"

    live(story)


# Keys themselves


def test_long_values() -> None:
    async def story(clock: VirtualClock) -> None:
        url = "wss://example.com/" + "x" * 490
        async with charging(clock, V16) as (central, station):
            station.engine.profiles.put(2, NetworkProfile(csms_url=url))
            assert await get(central, "NetworkConnectionProfile2") == url[:500]
            await put(central, "AllowLongGetConfigurationKeys", "true")
            # Such a value breaks the schema of 1.6: a central system that holds to it would refuse the answer.
            await central.send_raw(json.dumps([2, "long", "GetConfiguration", {"key": ["NetworkConnectionProfile2"]}]))
            while not (found := [each for each in map(json.loads, central.frames) if each[1] == "long"]):
                await clock.sleep(1)
            assert found[0][2]["configurationKey"][0]["value"] == url

    live(story)


def test_booleans_as_numbers() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, _):
            assert await get(central, "LocalAuthorizeOffline") == "true"
            await put(central, "IntegerValuesForBooleans", "true")
            assert await get(central, "LocalAuthorizeOffline") == "1"
            await put(central, "LocalAuthorizeOffline", "0")
            assert await get(central, "LocalAuthorizeOffline") == "0"
            assert await get(central, "MeterValueSampleInterval") == "60", "numbers stay numbers"

    live(story)


# Messages about transactions


@pytest.mark.parametrize(("signs", "attempts"), [(False, 2), (True, 4)])
def test_attempts_of_legally_relevant_messages(signs: bool, attempts: int) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"OCPPCommCtrlr.MessageTimeout[Default]": "5"}
        evse = EvseConfiguration(signed_meter=signs)
        async with charging(clock, V16, variables=variables, evse=evse) as (central, station):
            await put(central, "TransactionMessageAttempts", "2")
            await put(central, "TransactionMessageRetryInterval", "10")
            await put(central, "EichrechtTransactionMessageAttempts", "4")
            await put(central, "MeterValueSampleInterval", "0")
            if signs:
                await put(central, "SampledDataSignReadings", "true")
            central.silent |= {"StartTransaction", "StopTransaction"}
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(1000)
                assert len(central.of("StartTransaction")) == attempts
            await clock.sleep(1000)
            assert len(central.of("StopTransaction")) == attempts

    live(story)


@pytest.mark.parametrize("retransmit", ["true", "false"])
def test_readings_are_sent_again_where_that_is_set(retransmit: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16, variables=QUICK) as (central, station):
            await put(central, "RetransmitMeterValues", retransmit)
            await put(central, "MeterValueSampleInterval", "20")
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(5)
                central.forget()
                hardware(station).uplink(False)
                await clock.sleep(100)
                hardware(station).uplink(True)
                await station.connected()
                await station.engine.outbox.idle()
                assert len(central.of("MeterValues")) >= 5 if retransmit == "true" else not central.of("MeterValues")

    live(story)


def test_tariff_and_total_usage_by_data_transfer() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
            await clock.sleep(5)
            assert central.of("DataTransfer") == []
            central.answers["DataTransfer"] = lambda message: (
                {"status": "Accepted", "data": "0.39 EUR/kWh"}
                if message["messageId"] == "Tariff"
                else {"status": "Accepted"}
            )
            await put(central, "DataTransferForTariffAndTotalUsage", "true")
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                asked = await central.next("DataTransfer", lambda message: message["messageId"] == "Tariff")
                assert json.loads(asked["data"]) == {"transactionId": 2, "connectorId": 1, "idTag": "A1"}
                assert asked["vendorId"] == "Voltbridge"
                await clock.sleep(1)
                assert hardware(station).text == "0.39 EUR/kWh"
                await visit.charged(kwh=1)
                station.services.context.device_model.set("TxCtrlr.ResumptionTimeout", "600")
                await station.power_cut(5)
                await station.connected()
            told = await central.next("DataTransfer", lambda message: message["messageId"] == "TotalUsage")
            start, stop = central.of("StartTransaction")[-1], central.of("StopTransaction")[-1]
            usage = json.loads(told["data"])
            assert usage["energyWh"] == stop["meterStop"] - start["meterStart"] >= 1000
            assert usage["transactionId"] == 2
            assert usage["durationSeconds"] > 60

    live(story)


# Messages that no other test of a station's blocks shows


def test_a_reservation_and_its_end() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            await clock.sleep(1)
            until = (clock.now() + timedelta(hours=1)).isoformat()
            request = {"connectorId": 1, "expiryDate": until, "idTag": "MINE", "reservationId": 7}
            assert (await central.call("ReserveNow", request))["status"] == "Accepted"
            await clock.sleep(1)
            assert statuses(central)[-1][:2] == (1, "Reserved")
            async with station.plug_in() as visit:
                await visit.swipe("OTHERS")
                await clock.sleep(30)
                assert central.of("StartTransaction") == []
            assert (await central.call("CancelReservation", {"reservationId": 8}))["status"] == "Rejected"
            assert (await central.call("CancelReservation", {"reservationId": 7}))["status"] == "Accepted"
            await clock.sleep(1)
            assert statuses(central)[-1][:2] == (1, "Available")

    live(story)
