"""What drivers are shown of prices, before a central system of others."""

from __future__ import annotations

import pytest
from tests.station.central_system import Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21])


def text(station: Station) -> str:
    assert isinstance(station.hardware, VirtualHardware)
    return station.hardware.text


@TWO
def test_from_the_tariff_to_the_total(version: Version) -> None:
    """I01.FR.03, I02.FR.03, FR.04, I03.FR.03, I06.FR.03."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"TariffCostCtrlr.Currency": "CHF"}) as (central, station):
            tariff = {"format": "UTF8", "content": "0.40 a kWh"}
            central.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted", "personalMessage": tariff}}
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("04A2B3C4")
            await visit.charging()
            await clock.sleep(5)
            assert text(station) == "0.40 a kWh"
            key = (await central.next("TransactionEvent"))["transactionInfo"]["transactionId"]
            assert await central.call("CostUpdated", {"transactionId": key, "totalCost": 1.5}) == {}
            assert text(station) == "1.50 CHF"
            assert await central.call("CostUpdated", {"transactionId": "nobody's", "totalCost": 99}) == {}
            assert text(station) == "1.50 CHF"
            dearer = {"format": "UTF8", "content": "0.50 a kWh"}
            central.answers["TransactionEvent"] = {"updatedPersonalMessage": dearer}
            await clock.sleep(1000)
            assert text(station) == "0.50 a kWh"

            def total(event: Message) -> Message:
                return {"totalCost": 3.456} if event["eventType"] == "Ended" else {"totalCost": 2}

            central.answers["TransactionEvent"] = total
            await clock.sleep(1000)
            assert text(station) == "2.00 CHF"
            await visit.leave()
            await clock.sleep(10)
            assert text(station) == "3.46 CHF"
            await clock.sleep(60)
            assert text(station) == "", "the next driver does not see it"

    live(story)


@TWO
def test_what_is_shown_when_nobody_knows(version: Version) -> None:
    """I04.FR.01, I05.FR.02."""

    async def story(clock: VirtualClock) -> None:
        variables = {
            "TariffCostCtrlr.TariffFallbackMessage": "ask your provider",
            "TariffCostCtrlr.TotalCostFallbackMessage": "see your invoice",
        }
        async with charging(clock, version, variables=variables) as (central, station):
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("04A2B3C4")
            await visit.charging()
            await clock.sleep(5)
            assert text(station) == "ask your provider"
            central.password = "nobody's"
            await central.cut()
            await clock.sleep(30)
            visit.evse.pause(True)
            await visit.swipe("04A2B3C4")
            await clock.sleep(5)
            assert text(station) == "see your invoice"
            visit.evse.unplug()
            central.answers["TransactionEvent"] = {"totalCost": 5}
            central.password = None
            await station.connected()
            await clock.sleep(120)
            assert text(station) == "", "the driver has gone long since"

    live(story)


@pytest.mark.parametrize("what", ["Cost", "Tariff"])
def test_each_can_be_switched_off(what: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V201, variables={f"TariffCostCtrlr.Enabled[{what}]": "false"}) as (
            central,
            station,
        ):
            tariff = {"format": "UTF8", "content": "0.40 a kWh"}
            central.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted", "personalMessage": tariff}}
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await visit.charging()
                await clock.sleep(5)
                assert text(station) == ("0.40 a kWh" if what == "Cost" else "")
                key = (await central.next("TransactionEvent"))["transactionInfo"]["transactionId"]
                await central.call("CostUpdated", {"transactionId": key, "totalCost": 1.5})
                assert text(station) == ("0.40 a kWh" if what == "Cost" else "1.50 EUR")

    live(story)


@pytest.mark.parametrize(("version", "available"), [(V201, "true"), (V21, "false")])
@pytest.mark.parametrize("instance", ["Tariff", "Cost"])
def test_what_is_available(version: Version, available: str, instance: str) -> None:
    """In 2.0.1 prices that the CSMS knows, in 2.1 tariffs to calculate with, which this station does not take."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            variable = {"name": "Available", "instance": instance}
            asked = {"component": {"name": "TariffCostCtrlr"}, "variable": variable}
            told = (await central.call("GetVariables", {"getVariableData": [asked]}))["getVariableResult"][0]
            assert (told["attributeStatus"], told["attributeValue"]) == ("Accepted", available)

    live(story)


@pytest.mark.parametrize("instance", ["Tariff", "Cost"])
def test_in_21_what_is_not_available_is_not_enabled_and_what_the_csms_says_is_shown_all_the_same(instance: str) -> None:
    """2.1 TariffEnabled and CostEnabled are about tariffs that the station calculates with (2.12.2, 2.12.6)."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V21) as (central, station):
            variable = {"name": "Enabled", "instance": instance}
            asked = {"component": {"name": "TariffCostCtrlr"}, "variable": variable}
            told = (await central.call("GetVariables", {"getVariableData": [asked]}))["getVariableResult"][0]
            assert (told["attributeStatus"], told["attributeValue"]) == ("Accepted", "false")
            for value, status in (("true", "Rejected"), ("false", "Accepted")):
                request = {"setVariableData": [asked | {"attributeValue": value}]}
                done = (await central.call("SetVariables", request))["setVariableResult"][0]
                assert done["attributeStatus"] == status
            tariff = {"format": "UTF8", "content": "0.40 a kWh"}
            central.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted", "personalMessage": tariff}}
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await visit.charging()
                await clock.sleep(5)
                assert text(station) == "0.40 a kWh"
                key = (await central.next("TransactionEvent"))["transactionInfo"]["transactionId"]
                await central.call("CostUpdated", {"transactionId": key, "totalCost": 1.5})
                assert text(station) == "1.50 EUR"

    live(story)
