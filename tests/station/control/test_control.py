"""A virtual station played with from outside: scenarios, the REST API, the terminal; a fleet from a file."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from rich.console import Console
from tests.station.plain_csms import PlainCsms

from voltbridge.conformance.patience import within
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.control.actions import ACTIONS, ImpossibleAction, describe, do
from voltbridge.station.control.api import control_api
from voltbridge.station.control.scenario import ScenarioFailed, play, read_scenario
from voltbridge.station.control.terminal import KEYS, Screen
from voltbridge.station.fleet import Fleet
from voltbridge.station.fleet_profile import Arrivals, FleetProfile, Group, InvalidFile, read_profile
from voltbridge.station.network import Network
from voltbridge.station.virtual_clock import VirtualClock, run

TOKEN = "04A1B2C3D4E501"
LONGEST_S = 86_400.0
"""Of virtual time: what never comes is not waited for in real time."""


def with_station(test: Callable[[Station, PlainCsms], Awaitable[None]]) -> None:
    """Run a test with a station of 2.0.1 that a CSMS has accepted, in virtual time."""

    async def main(clock: VirtualClock) -> None:
        async with PlainCsms() as csms, Network(clock, holds_clock=False) as network:
            configuration = StationConfiguration("CP-1", csms.url, (Version.V201,))
            async with Station(configuration, clock=clock, network=network) as station, within(LONGEST_S, clock):
                await station.connected()
                await test(station, csms)

    run(main)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


CHARGE = f"""\
steps:
  - wait: {{online: true}}
  - do: plug
    with: {{evse: 1, state_of_charge: 0.4}}
  - do: swipe
    with: {{id_token: {TOKEN}, evse: 1}}
  - wait: {{connector: Charging}}
  - sleep: 3600
  - wait: {{energy_wh: 10000}}
    within: 1
  - do: swipe
    with: {{id_token: {TOKEN}, evse: 1}}
  - wait: {{transaction: false, queued: 0}}
"""


def test_a_scenario_charges_a_car(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path / "s.yaml", CHARGE))

    async def test(station: Station, csms: PlainCsms) -> None:
        began = station.clock.monotonic()
        await play(scenario, station)
        assert 3600 <= station.clock.monotonic() - began < 3700
        (evse,) = describe(station)["evses"]
        assert evse["energy_wh"] == pytest.approx(16 * 230 * 3, rel=0.01)

    with_station(test)


def test_a_scenario_says_which_step_failed(tmp_path: Path) -> None:
    waits = read_scenario(written(tmp_path / "w.yaml", "steps: [{wait: {connector: Charging}, within: 5}]"))
    does = read_scenario(written(tmp_path / "d.yaml", "steps: [{sleep: 1}, {do: unplug}]"))

    async def test(station: Station, csms: PlainCsms) -> None:
        with pytest.raises(ScenarioFailed, match="step 1: after 5 s still Available"):
            await play(waits, station)
        with pytest.raises(ScenarioFailed, match="step 2, unplug: no car is plugged in at EVSE 1"):
            await play(does, station)

    with_station(test)


NEGOTIATE = f"""
steps:
  - do: plug
    with: {{model: compact, state_of_charge: 0.3, iso15118: true, cable_max_current_a: 13}}
  - do: swipe
    with: {{id_token: {TOKEN}, evse: 1}}
  - wait: {{connector: Charging}}
    within: 120
  - sleep: 60
  - do: limit
    with: {{amperes: 9.5, source: SO}}
  - do: renegotiate
  - sleep: 120
"""


def test_a_scenario_negotiates_and_is_limited_from_outside(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path / "n.yaml", NEGOTIATE))

    async def test(station: Station, csms: PlainCsms) -> None:
        await play(scenario, station)
        (evse,) = describe(station)["evses"]
        assert evse["offered_current_a"] == 9.5
        assert 9.3 * 650 < evse["power_w"] < 9.5 * 690
        await do(station, "limit", {"source": "SO"})
        assert describe(station)["evses"][0]["offered_current_a"] == 13, "what the cable carries"
        with pytest.raises(ImpossibleAction, match="SO does not limit EVSE 0"):
            await do(station, "limit", {"source": "SO"})
        await do(station, "stop-session", {})
        await station.clock.sleep(5)
        assert describe(station)["evses"][0]["power_w"] == 0
        with pytest.raises(msgspec.ValidationError, match="model"):
            await do(station, "plug", {"model": "none"})

    with_station(test)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps:\n  - do: plug\n    with: {evse: 0}\n", r"line 3, steps\[0\].with.evse: Expected `int` >= 1"),
        ("steps:\n  - sleep: 1\n  - do: dance\n", r"line 3, steps\[1\].do: there is no action dance: plug, "),
        ("steps:\n  - sleep: 1\n    do: plug\n", r"line 2, steps\[0\]: a step is one of do, wait and sleep"),
        ("steps:\n  - wait:\n      online: maybe\n", r"line 3, steps\[0\].wait.online: Expected"),
        ("steps:\n  - sleep: [\n", "line 3: "),
        ("steps: []\n", "line 1, steps: "),
        ("step: 1\n", "line 1: Object contains unknown field `step`"),
        ("", "line 1: "),
    ],
)
def test_a_broken_scenario_is_told_with_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path / "broken.yaml", text)
    with pytest.raises(InvalidFile, match=said) as raised:
        read_scenario(file)
    assert str(raised.value).startswith(str(file))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="No such file"):
        read_scenario(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups:\n  - name: A\n    count: 0\n", r"line 3, groups\[0\].count: Expected `int` >= 1"),
        ("groups:\n  - name: A\n  - name: A\n", "two groups are called A"),
        ("groups:\n  - versions: ['3.0']\n", r"line 2, groups\[0\].versions\[0\]: there is no version 3.0"),
        ("arrivals:\n  stay_minutes: [60, 5]\n", "arrivals.stay_minutes: the least is more than the most"),
        ("groups:\n  - colour: red\n", r"line 2, groups\[0\]: Object contains unknown field `colour`"),
        ("seed: x\n", "line 1, seed: Expected `int`"),
    ],
)
def test_a_broken_profile_is_told_with_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidFile, match=said):
        read_profile(written(tmp_path / "p.yaml", text))


def test_the_control_api() -> None:
    async def test(station: Station, csms: PlainCsms) -> None:
        async with (
            control_api(lambda: [station], key="secret") as address,
            aiohttp.ClientSession(address, headers={"Authorization": "Bearer secret"}) as api,
        ):

            async def post(path: str, body: Any = None) -> tuple[int, Any]:
                async with api.post(path, data=None if body is None else json.dumps(body)) as response:
                    return response.status, await response.json(content_type=None)

            assert (await post("/stations/CP-1/plug", {"evse": 1}))[1]["evses"][0]["plugged_in"] is True
            assert (await post("/stations/CP-1/plug", {"evse": 1})) == (
                409,
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "a car is plugged in at EVSE 1",
                },
            )
            assert (await post("/stations/CP-1/swipe", {"id_token": TOKEN}))[0] == 200
            while describe(station)["evses"][0]["transaction_id"] is None:
                await station.clock.sleep(0.1)
            async with api.get("/stations") as response:
                (listed,) = (await response.json())["items"]
            assert listed["evses"][0]["id_token"] == TOKEN
            assert listed["version"] == "ocpp2.0.1"
            assert (await post("/stations/CP-1/unplug"))[0] == 409  # locked
            assert (await post("/stations/CP-1/plug", {"evse": 7}))[1]["detail"] == "the station has EVSE 1 to 1, not 7"
            assert (await post("/stations/CP-1/plug", {"evse": "one"}))[0] == 422
            assert (await post("/stations/CP-1/plug", [1]))[0] == 422
            assert (await post("/stations/CP-1/dance"))[0] == 404
            assert (await post("/stations/CP-2/plug"))[0] == 404
            async with api.get("/stations/CP-9/no/such") as response:
                assert response.status == 404
            async with api.get("/actions") as response:
                told = await response.json()
                assert {one["name"] for one in told["items"]} == ACTIONS.keys()
                assert '"_' not in json.dumps(told)  # names of the code are none of the reader's business
                plug = next(one for one in told["items"] if one["name"] == "plug")["arguments"]
                assert plug["properties"]["evse"] == {"type": "integer", "minimum": 1, "default": 1}
            async with api.get("/stations", headers={"Authorization": "Bearer wrong"}) as response:
                assert response.status == 401

    with_station(test)


WRONG = [
    ("plug", '{"evse": "one"}', 422, "evse: Expected `int`, got `str`"),
    ("plug", '{"colour": 1}', 422, "the arguments: Object contains unknown field `colour`; there are evse, connector"),
    ("plug", '{"capacity_kwh": 1e12}', 422, "capacity_kwh: Expected `float` <= 10000.0"),
    ("cut", '{"seconds": 1}', 422, "the arguments: Object contains unknown field `seconds`; there are none"),
    ("swipe", "", 422, "the arguments: Object missing required field `id_token`"),
    ("swipe", '{"id_token": "' + 37 * "A" + '"}', 409, "tokens of OCPP 2.0.1 have at most 36 characters"),
    ("limit", '{"source": "x"}', 422, "source: Invalid enum value 'x'; allowed are EMS, Other, SO"),
    ("limit-transaction", '{"maxEnergy": -1}', 422, "maxEnergy: Expected `float` > 0.0"),
    ("limit-transaction", '{"maxSoC": 101}', 422, "maxSoC: Expected `int` <= 100"),
    ("mend", '{"fault": "cut"}', 422, "cut cannot be mended; these can: latency, "),
    ("plug", '{"evse"', 422, "the body is not the arguments as a JSON object: "),
    ("plug", "[1]", 422, "Expected `object`, got `array`"),
    ("plug", '{"evse": ' + 5000 * "[" + 5000 * "]" + "}", 422, "the body is not the arguments as a JSON object: "),
    ("plug", 70_000 * " ", 413, "a body has at most 65536 bytes"),
    ("plug/1", "{}", 404, "POST /stations/{identity}/{action}"),
]


def test_the_control_api_says_what_is_wrong() -> None:
    async def test(station: Station, csms: PlainCsms) -> None:
        before = describe(station)
        async with control_api(lambda: [station]) as address, aiohttp.ClientSession(address) as api:
            for action, body, status, said in WRONG:
                async with api.post(f"/stations/CP-1/{action}", data=body) as response:
                    told = await response.json(content_type="application/problem+json")
                assert (response.status, told["status"]) == (status, status), action
                assert said in told["detail"], action
            async with api.get("/stations/CP-1/plug") as response:
                assert "act with POST" in (await response.json(content_type=None))["detail"]
        assert describe(station) == before

    with_station(test)


def test_a_power_cut_and_a_cut_line() -> None:
    async def test(station: Station, csms: PlainCsms) -> None:
        await do(station, "cut-line", {})
        while station.online:
            await station.clock.sleep(0.1)
        await station.connected()
        await do(station, "power-cut", {"seconds": 30})
        await station.connected()
        with pytest.raises(ImpossibleAction, match="has EVSE 1 to 1, not 5"):
            await do(station, "fault", {"evse": 5})
        await do(station, "fault", {"evse": 1})
        assert describe(station)["evses"][0]["connectors"] == {"1": "Faulted"}
        await do(station, "repair", {"evse": 1})
        assert describe(station)["evses"][0]["connectors"] == {"1": "Available"}

    with_station(test)


def test_the_terminal_shows_the_station_and_takes_keys() -> None:
    async def test(station: Station, csms: PlainCsms) -> None:
        screen = Screen(station, TOKEN)
        screen.frame(True, '[2,"1","Heartbeat",{}]')
        for key in "ps":
            assert await screen.press(key)
        while describe(station)["evses"][0]["connectors"] != {"1": "Charging"}:
            await station.clock.sleep(0.1)
        console = Console(record=True, width=140, file=StringIO())
        console.print(screen.render())
        shown = console.export_text()
        assert "CP-1  online  Accepted  ocpp2.0.1" in shown
        assert "Charging" in shown
        assert "11.04 kW" in shown
        assert "Heartbeat" in shown
        assert all(name in shown for name, _, _ in KEYS.values())
        assert await screen.press("u")
        assert "locked" in screen.message
        assert await screen.press("9")
        assert not await screen.press("q")

    with_station(test)


def test_a_fleet_lives_the_same_each_time() -> None:
    profile = FleetProfile(
        groups=(Group(name="A", count=4, versions=("2.0.1",)), Group(name="B", count=2, versions=("1.6",), evses=2)),
        arrivals=Arrivals(per_evse_a_day=12, tokens=(TOKEN,)),
    )

    def lived() -> tuple[int, list[float]]:
        async def main(clock: VirtualClock) -> tuple[int, list[float]]:
            async with PlainCsms() as csms:
                fleet = Fleet(profile, csms.url, clock)
                told: list[int] = []
                await fleet.start(told.append)
                assert told[-1] == 6
                await clock.sleep(6 * 3600)
                meters = [evse.register_wh for one in fleet.stations for evse in one.hardware.evses]  # type: ignore[attr-defined]
                await fleet.stop()
                return fleet.visits, meters

        return run(main)

    visits, meters = lived()
    assert visits > 8
    assert sum(meters) > 20_000
    assert lived() == (visits, meters)
