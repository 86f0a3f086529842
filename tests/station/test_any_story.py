"""Whatever happens at a station and around it: the CSMS hears whole transactions, and nothing flows untold."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.simulation import Car, VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock

V16 = Version.V16

STEPS: Final = (
    "swipe A",
    "swipe B",
    "plug",
    "unplug",
    "pause",
    "go on",
    "break",
    "repair",
    "offline",
    "online",
    "remote start",
    "remote stop",
    "inoperative",
    "operative",
    "reset",
    "power cut",
    "wait",
)

VARIABLES: Final = {
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
    "SampledDataCtrlr.TxUpdatedInterval": "30",
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": "1",
    "OCPPCommCtrlr.RetryBackOffRandomRange": "1",
}


class Life:
    """One station and what is done to it."""

    def __init__(self, central: CentralSystem, station: Station, clock: VirtualClock) -> None:
        self.central = central
        self.station = station
        self.clock = clock
        self.untold = 0

    @property
    def hardware(self) -> VirtualHardware:
        assert isinstance(self.station.hardware, VirtualHardware)
        return self.station.hardware

    async def do(self, step: str) -> None:
        """One thing happens, and a little time passes."""
        evse, hardware = self.hardware.evses[0], self.hardware
        match step.split():
            case ["swipe", token]:
                hardware.swipe(token, evse_id=1)
            case ["plug"]:
                if evse.car is None:
                    evse.plug_in(Car())
            case ["unplug"]:
                if not evse.locked:
                    evse.unplug()
            case ["pause"]:
                evse.pause(True)
            case ["go", "on"]:
                evse.pause(False)
            case ["break"]:
                evse.fault("GroundFailure")
            case ["repair"]:
                evse.repair("GroundFailure")
            case ["offline"]:
                hardware.uplink(False)
            case ["online"]:
                hardware.uplink(True)
            case ["reset"]:
                self.station.restart("ApplicationReset")
            case ["power", "cut"]:
                if self.station.running:
                    await self.station.power_cut(30)
            case ["wait"]:
                await self.clock.sleep(100)
            case _:
                await self.command(step)
        await self.clock.sleep(2)
        self.look()

    async def command(self, step: str) -> None:
        """The CSMS asks for something, if it can."""
        if not (self.station.running and self.station.online):
            return
        is_16 = self.station.version is V16
        operative = (
            {"operationalStatus": step.capitalize()} if not is_16 else {"connectorId": 1, "type": step.capitalize()}
        )
        match step:
            case "remote start" if is_16:
                await self.central.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "R"})
            case "remote start":
                request = {"evseId": 1, "remoteStartId": 5, "idToken": {"idToken": "R", "type": "Central"}}
                await self.central.call("RequestStartTransaction", request)
            case "remote stop" if is_16:
                await self.central.call("RemoteStopTransaction", {"transactionId": self.central.transactions})
            case "remote stop":
                told = self.central.of("TransactionEvent")
                key = told[-1]["transactionInfo"]["transactionId"] if told else "none"
                await self.central.call("RequestStopTransaction", {"transactionId": key})
            case _:
                await self.central.call("ChangeAvailability", operative)

    def look(self) -> None:
        """Energy flows only in a transaction that a driver is authorized for."""
        evse = self.hardware.evses[0]
        if evse.closed and self.station.running:
            session = self.station.services.transactions.session(1)
            assert session.driver is not None
            assert session.transaction is not None

    async def end(self) -> None:
        """Everything is repaired and everybody goes home."""
        while not self.station.running:
            await self.clock.sleep(1)
        evse = self.hardware.evses[0]
        self.hardware.uplink(True)
        evse.repair("GroundFailure")
        await self.station.connected()
        session = self.station.services.transactions.session(1)
        if session.driver is not None or session.holds_cable:
            driver = session.driver or session.last_driver
            assert driver is not None
            self.hardware.swipe(driver.token.id_token, evse_id=1)
        await self.clock.sleep(5)
        assert not evse.locked, "a cable that nobody can take home"
        evse.unplug()
        await self.clock.sleep(600)
        assert not evse.closed
        assert not self.station.services.transactions.running()
        assert self.station.engine.outbox.queued == 0


def check_16(central: CentralSystem) -> None:
    starts, stops = central.of("StartTransaction"), central.of("StopTransaction")
    assert [stop["transactionId"] for stop in stops] == list(range(1, len(starts) + 1)), "one end for each start"
    registers: list[int] = []
    for start, stop in zip(starts, stops, strict=True):
        registers += [start["meterStart"], stop["meterStop"]]
        assert start["timestamp"] <= stop["timestamp"]
    assert registers == sorted(registers)
    for told in central.of("MeterValues"):
        assert told.get("transactionId") in (None, *range(1, len(starts) + 1))


def check_2(central: CentralSystem) -> None:
    by_key: dict[str, list[Message]] = defaultdict(list)
    for event in central.of("TransactionEvent"):
        by_key[event["transactionInfo"]["transactionId"]].append(event)
    for told in by_key.values():
        assert [event["seqNo"] for event in told] == list(range(len(told)))
        assert [event["eventType"] for event in told] == ["Started", *["Updated"] * (len(told) - 2), "Ended"]
        tokens = [event["idToken"]["idToken"] for event in told if "idToken" in event]
        assert tokens, "somebody was authorized"
        times = [event["timestamp"] for event in told]
        assert times == sorted(times)


def check_states(central: CentralSystem) -> None:
    """A state is told when it has changed; only after a connection or a boot it may be told again."""
    last: dict[Any, Message] = {}
    for action, told in central.received:
        if action == "BootNotification":
            last.clear()
        if action == "StatusNotification":
            place = (told.get("evseId"), told["connectorId"])
            last[place] = told
    for told in last.values():
        assert told.get("status", told.get("connectorStatus")) in ("Available", "Unavailable")


@pytest.mark.parametrize("version", list(Version))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=25))
def test_any_story(version: Version, steps: list[str]) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables=VARIABLES) as (central, station):
            life = Life(central, station, clock)
            for step in steps:
                await life.do(step)
            await life.end()
            check_states(central)
            (check_16 if version is V16 else check_2)(central)

    live(story)
