"""Each quirk as it can be seen on the wire, and that a station without it shows nothing of the kind."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from msgspec import structs
from tests.station.personality.recorder import TOKEN, Recorder, told

from voltbridge.conformance.patience import within
from voltbridge.protocol.codec import decode
from voltbridge.protocol.policy import Policy, Violation
from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.personality import QUIRKS, built_in, find_personality
from voltbridge.station.quirk import Request, Situation
from voltbridge.station.virtual_clock import VirtualClock, run

Seen = Callable[[Recorder], Any]
OLD = Version.V16
REGISTER = "Energy.Active.Import.Register"


@cache
def good(version: Version) -> Recorder:
    return told(version)


@cache
def shown(name: str, version: Version) -> Recorder:
    return told(version, QUIRKS[name](**SIGHTS[name][0]))


def registers(csms: Recorder) -> list[dict[str, Any]]:
    return [sample for sample in csms.samples if sample.get("measurand", REGISTER) == REGISTER]


def unit(sample: dict[str, Any]) -> str | None:
    found: str | None = sample.get("unit") or sample.get("unitOfMeasure", {}).get("unit")
    return found


def transaction(payload: dict[str, Any]) -> str:
    return str(payload["transactionInfo"]["transactionId"])


def moments(csms: Recorder) -> list[str]:
    return [text for raw in csms.raw for text in re.findall(r'"timestamp":"([^"]*)"', raw)]


def offset_s(csms: Recorder, number: int) -> float:
    """How far the timestamp of a status is from the moment it came."""
    call = csms.of("StatusNotification")[number]
    start = csms.clock.now().timestamp() - csms.clock.monotonic()
    return datetime.fromisoformat(call.payload["timestamp"]).timestamp() - (start + call.at)


def repeated(csms: Recorder, action: str) -> bool:
    """The same is told twice in a row, under another id."""
    calls = csms.of(action)
    return any(one.payload == two.payload and one.unique_id != two.unique_id for one, two in itertools.pairwise(calls))


def after_the_end(csms: Recorder) -> bool:
    if csms.version is OLD:
        over = False
        for call in csms.calls:
            over = over or call.action == "StopTransaction"
            if over and call.action == "MeterValues" and call.payload.get("transactionId") == 71:
                return bool(call.payload["connectorId"] == 1)
        return False
    events = [each for each in csms.payloads("TransactionEvent") if transaction(each) == transaction(csms.starts[0])]
    return bool(events[-1]["eventType"] == "Updated" and events[-1]["seqNo"] == events[-2]["seqNo"] + 1)


def flaps(csms: Recorder) -> bool:
    if csms.version is OLD:
        return "Charging SuspendedEV Charging SuspendedEV" in " ".join(csms.states)
    events = [each for each in csms.payloads("TransactionEvent") if transaction(each) == transaction(csms.starts[0])]
    states = [each["transactionInfo"].get("chargingState") for each in events]
    numbers = [each["seqNo"] for each in events]
    assert sorted(numbers) == list(range(len(numbers))), numbers
    return "SuspendedEV Charging SuspendedEV Charging" in " ".join(map(str, states))


def sequence_restarts(csms: Recorder) -> bool:
    of_first = [
        call for call in csms.of("TransactionEvent") if transaction(call.payload) == transaction(csms.starts[0])
    ]
    second = [call.payload["seqNo"] for call in of_first if call.connection == 2]
    return second == list(range(len(second)))


def states_after_fault(csms: Recorder) -> list[str]:
    """In the same life of the station."""
    field = "status" if csms.version is OLD else "connectorStatus"
    calls = [call for call in csms.of("StatusNotification") if call.payload["connectorId"]]
    fault = next(number for number, call in enumerate(calls) if call.payload[field] == "Faulted")
    return [call.payload[field] for call in calls[fault + 1 :] if call.connection == calls[fault].connection]


def reboots_to_zero(csms: Recorder) -> bool:
    if csms.version is OLD:
        return [each["meterStart"] for each in csms.starts] == [0, 0]
    values = [
        float(sample["value"])
        for event in csms.payloads("TransactionEvent")
        if transaction(event) == transaction(csms.starts[1])
        for value in event.get("meterValue", ())
        for sample in value["sampledValue"]
        if sample.get("measurand", REGISTER) == REGISTER
    ]
    return min(values) == 0


def id_forms(csms: Recorder) -> set[type]:
    return {type(call.unique_id) for call in csms.calls}


def triggered(csms: Recorder) -> bool:
    """A Heartbeat followed the trigger (at 100 s); the interval is 300."""
    return any(99 < call.at < 102 for call in csms.of("Heartbeat"))


def reply(csms: Recorder, unique_id: str) -> list[Any]:
    return csms.answers(unique_id)[0][1]


def values(csms: Recorder) -> list[str]:
    content = reply(csms, "values")[2]
    entries = content.get("configurationKey") or content["getVariableResult"]
    return [str(each.get("value", each.get("attributeValue"))) for each in entries]


def actions_of_connection(csms: Recorder, number: int) -> list[str]:
    return [call.action for call in csms.calls if call.connection == number]


SIGHTS: dict[str, tuple[dict[str, Any], Seen]] = {
    "status-before-boot": ({}, lambda c: actions_of_connection(c, 1)[0] == "StatusNotification"),
    "boots-at-every-connection": ({}, lambda c: actions_of_connection(c, 2)[0] == "BootNotification"),
    "ignores-boot-interval": ({"seconds": 10}, lambda c: len([h for h in c.of("Heartbeat") if h.at < 99]) >= 8),
    "never-finishing": ({}, lambda c: "Finishing" not in c.states),
    "available-after-faulted": ({}, lambda c: states_after_fault(c) == ["Available", "Available"]),
    "suspended-ev-flaps": ({"times": 2, "seconds": 1}, flaps),
    "status-repeated": ({}, lambda c: repeated(c, "StatusNotification")),
    "ended-without-started": ({}, lambda c: not c.starts and len(c.ends) == 2),
    "meter-values-after-stop": ({}, after_the_end),
    "start-sent-twice": ({}, lambda c: len(c.starts) == 4),
    "stop-sent-twice": ({}, lambda c: len(c.ends) == 4),
    "floods-after-reconnect": ({}, lambda c: max(call.unanswered for call in c.calls) >= 2),
    "heartbeat-instead-of-ping": ({}, lambda c: c.pings == 0 and len(c.of("Heartbeat")) > 10),
    "ignores-pings": ({}, lambda c: c.pongs == 0),
    "stop-names-transaction": ({"transaction_id": -1}, lambda c: [e["transactionId"] for e in c.ends] == [-1, -1]),
    "meter-start": ({"value": 0}, lambda c: [s["meterStart"] for s in c.starts] == [0, 0]),
    "meter-stop": ({"value": -1}, lambda c: [e["meterStop"] for e in c.ends] == [-1, -1]),
    "id-tokens": (
        {"capitals": "lower", "cut": 6},
        lambda c: TOKEN not in "".join(c.raw) and '"04a1b2"' in "".join(c.raw),
    ),
    "charges-at-connector-zero": (
        {},
        lambda c: {s.get("connectorId", s.get("evse", {}).get("id")) for s in c.starts} == {0},
    ),
    "sequence-restarts": ({}, sequence_restarts),
    "stop-reason": (
        {"reason": "Odd"},
        lambda c: {e.get("reason") or e["transactionInfo"].get("stoppedReason") for e in c.ends} == {"Odd"},
    ),
    "reservation-zero": ({}, lambda c: [s.get("reservationId") for s in c.starts] == [0, 0]),
    "states-in-lower-case": ({}, lambda c: "available" in c.states and "Available" not in c.states),
    "long-info": ({"length": 99}, lambda c: {len(p.get("info", "")) for p in c.payloads("StatusNotification")} == {99}),
    "register-resets-on-reboot": ({}, reboots_to_zero),
    "register-by-phase": ({}, lambda c: Counter(s.get("phase") for s in registers(c))["L3"] > 3),
    "empty-meter-values": (
        {},
        lambda c: any(
            not v["sampledValue"]
            for p in c.payloads("MeterValues", "TransactionEvent")
            for v in p.get("meterValue", ())
        ),
    ),
    "unknown-measurands": ({}, lambda c: any(s.get("measurand") == "Vendor.Relay.Cycles" for s in c.samples)),
    "meter-unit": (
        {"form": "kWh called Wh"},
        lambda c: (
            registers(c)
            and max(float(s["value"]) for s in registers(c)) < 5
            and {unit(s) for s in registers(c)} <= {"Wh", None}
        ),
    ),
    "meter-values-written": (
        {"form": "comma"},
        lambda c: registers(c) and all("," in str(s["value"]) for s in registers(c)),
    ),
    "clock-skewed": ({"seconds": -3600}, lambda c: abs(offset_s(c, 0) + 3600) < 5 and abs(offset_s(c, -1) + 3600) < 5),
    "clock-drifts": (
        {"seconds_a_day": 86_400},
        lambda c: 100 < max(offset_s(c, number) for number in range(len(c.states))) < 1000,
    ),
    "clock-wrong-after-boot": (
        {"seconds": 7200, "messages": 2},
        lambda c: abs(offset_s(c, 0) - 7200) < 5 and abs(offset_s(c, 3)) < 300,
    ),
    "timestamps": ({"form": "without zone"}, lambda c: not any(m.endswith("Z") for m in moments(c))),
    "answers-slowly": ({"seconds": 20}, lambda c: 119 < c.answers("values")[0][0] < 122),
    "answers-twice": ({}, lambda c: len(c.answers("trigger")) == 2),
    "answers-not-at-all": ({"actions": ("TriggerMessage",)}, lambda c: not c.answers("trigger") and triggered(c)),
    "accepts-without-effect": (
        {"actions": ("TriggerMessage",)},
        lambda c: reply(c, "trigger")[2] == {"status": "Accepted"} and not triggered(c),
    ),
    "refuses": ({"statuses": {"TriggerMessage": "Busy"}}, lambda c: reply(c, "trigger")[2] == {"status": "Busy"}),
    "configuration-keys": ({}, lambda c: all(e["key"].islower() for e in reply(c, "values")[2]["configurationKey"])),
    "booleans-written": ({"form": "TRUE"}, lambda c: "TRUE" in values(c) and "true" not in values(c)),
    "lists-with-spaces": ({}, lambda c: any(", " in value for value in values(c))),
    "error-details-as-text": ({}, lambda c: reply(c, "nonsense")[4] == "{}"),
    "numbers-as-text": ({}, lambda c: all(isinstance(s.get("connectorId", s.get("seqNo")), str) for s in c.starts)),
    "unknown-fields": ({"fields": {"odd": 1}}, lambda c: all(call.payload.get("odd") == 1 for call in c.calls)),
    "empty-fields": (
        {"value": ""},
        lambda c: any(
            "" in p.values()
            for p in c.payloads("BootNotification", "Authorize", "TransactionEvent", "StatusNotification")
        ),
    ),
    "fields-left-out": (
        {"fields": {"StatusNotification": ("timestamp",)}},
        lambda c: not any("timestamp" in p for p in c.payloads("StatusNotification")),
    ),
    "message-ids": ({"form": "numbers"}, lambda c: id_forms(c) == {int}),
    "frame-padding": (
        {"before": "\n", "after": "\x00"},
        lambda c: all(r[0] == "\n" and r[-1] == "\x00" for r in c.raw),
    ),
}
"""By name: arguments, and what tells a station with the quirk from one without."""


def test_each_quirk_is_shown() -> None:
    assert SIGHTS.keys() == QUIRKS.keys()


@pytest.mark.parametrize(
    ("name", "version"),
    [(name, version) for name, kind in QUIRKS.items() for version in (OLD, Version.V201) if version in kind.versions],
    ids=lambda value: value if isinstance(value, str) else value.label,
)
def test_a_quirk_is_seen_on_the_wire(name: str, version: Version) -> None:
    _, sight = SIGHTS[name]
    assert not sight(good(version)), "a good station does that too"
    assert sight(shown(name, version))


def broken(csms: Recorder) -> list[str]:
    """What a CSMS that goes by the schema would refuse."""
    found = [f"id {call.unique_id!r}" for call in csms.calls if not isinstance(call.unique_id, str)]
    found += [f"id {call.unique_id}" for call in csms.calls if len(str(call.unique_id)) > 36]
    found += [raw for raw in csms.raw if "\x00" in raw]
    found += [str(frame) for _, frame in csms.replies if frame[0] == 4 and not isinstance(frame[4], dict)]
    known = actions(csms.version)
    for _, frame in csms.replies:
        response = known["TriggerMessage"].response
        assert response is not None
        if frame[0] == 3 and frame[1] == "trigger":
            found += violation(csms.version, response, frame[2])
    for call in csms.calls:
        found += violation(csms.version, known[call.action].request, call.payload)
    return found


def violation(version: Version, kind: type[Any], payload: dict[str, Any]) -> list[str]:
    try:
        decode(kind, json.dumps(payload).encode(), policy=Policy.STRICT)
    except Violation as error:
        return [str(error)]
    return []


BREAKING: dict[str, dict[str, Any]] = {
    "empty-fields": {"value": "null"},
    "fields-left-out": {},
    "meter-unit": {"form": "lower case"},
    "meter-values-written": {"form": "number"},
}
"""Arguments with which a quirk breaks the schema, where those above do not."""
ONLY_IN_2 = {"empty-meter-values"}


@pytest.mark.parametrize("name", QUIRKS)
def test_a_quirk_breaks_the_schema_where_it_says_so(name: str) -> None:
    kind = QUIRKS[name]
    version = OLD if OLD in kind.versions and name not in ONLY_IN_2 else Version.V201
    assert broken(good(version)) == []
    wire = told(version, kind(**BREAKING[name])) if name in BREAKING else shown(name, version)
    assert bool(broken(wire)) is kind.breaks_schema


MOMENT = "2026-03-01T12:00:00.500Z"


def sample_of(version: Version) -> dict[str, Any]:
    if version is OLD:
        return {"value": "1234.5", "unit": "Wh"}
    return {"value": 1234.5, "unitOfMeasure": {"unit": "Wh"}}


@pytest.mark.parametrize(
    ("name", "form", "version", "written"),
    [
        ("meter-values-written", "whole", OLD, {"value": "1234", "unit": "Wh"}),
        ("meter-values-written", "whole", Version.V201, {"value": 1234, "unitOfMeasure": {"unit": "Wh"}}),
        ("meter-values-written", "two decimals", OLD, {"value": "1234.50", "unit": "Wh"}),
        ("meter-values-written", "comma", OLD, {"value": "1234,5", "unit": "Wh"}),
        ("meter-values-written", "number", OLD, {"value": 1234.5, "unit": "Wh"}),
        ("meter-values-written", "text", Version.V201, {"value": "1234.5", "unitOfMeasure": {"unit": "Wh"}}),
        ("meter-values-written", "with unit", OLD, {"value": "1234.5 Wh", "unit": "Wh"}),
        ("meter-unit", "kWh called Wh", OLD, {"value": "1.234", "unit": "Wh"}),
        ("meter-unit", "thousands", OLD, {"value": "1.234", "unit": "kWh"}),
        ("meter-unit", "thousands", Version.V21, {"value": 1.2345, "unitOfMeasure": {"unit": "kWh"}}),
        ("meter-unit", "missing", OLD, {"value": "1234.5"}),
        ("meter-unit", "missing", Version.V201, {"value": 1234.5}),
        ("meter-unit", "lower case", OLD, {"value": "1234.5", "unit": "wh"}),
    ],
)
def test_how_a_sample_is_written(name: str, form: str, version: Version, written: dict[str, Any]) -> None:
    values = [{"timestamp": MOMENT, "sampledValue": [sample_of(version)]}]
    request = Request("MeterValues", {"meterValue": values})
    list(QUIRKS[name](form=form).say(request, situation(version)))
    assert values[0]["sampledValue"] == [written]


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("without zone", "2026-03-01T12:00:00.500"),
        ("with offset", "2026-03-01T14:00:00+02:00"),
        ("short offset", "2026-03-01T14:00:00+02"),
        ("space", "2026-03-01 12:00:00.500"),
        ("microseconds", "2026-03-01T12:00:00.500000Z"),
    ],
)
def test_how_a_moment_is_written(form: str, written: str) -> None:
    request = Request("Anything", {"deep": [{"timestamp": MOMENT}], "text": "2026", "number": 1})
    (said,) = QUIRKS["timestamps"](form=form).say(request, situation(OLD))
    assert said.payload == {"deep": [{"timestamp": written}], "text": "2026", "number": 1}


@pytest.mark.parametrize(
    ("form", "expected"), [("counted", ["1", "2"]), ("numbers", [1, 2]), ("too long", ["a-a", "a-a"])]
)
def test_how_messages_are_numbered(form: str, expected: list[Any]) -> None:
    quirk, at = QUIRKS["message-ids"](form=form), situation(OLD)
    list(quirk.connected(at))
    assert [quirk.message_id("a", at) for _ in expected] == expected


def situation(version: Version) -> Situation:
    return Situation(version, VirtualClock(), StationConfiguration("CP-1", ""), lambda request: None)


def test_a_station_without_quirks_has_no_manner() -> None:
    """And what it sends goes from the RPC machine to the socket as before."""

    async def main(clock: VirtualClock) -> None:
        async with (
            Recorder(clock, OLD) as csms,
            Network(clock, holds_clock=False) as network,
            Station(StationConfiguration("CP-1", f"ws://127.0.0.1:{csms.port}/ocpp", (OLD,)), network=network) as one,
        ):
            await one.connected()
            assert one.engine.connection.manner is None

    run(main)


@pytest.mark.parametrize("code", ["NotSupported", "NotImplemented"])
def test_what_a_station_lacks_it_refuses(code: str) -> None:
    async def main(clock: VirtualClock) -> None:
        async with Recorder(clock, OLD) as csms, Network(clock, holds_clock=False) as network:
            minimal = structs.replace(find_personality("bare-minimum"), lacks_as=code)
            configuration = minimal.built("CP-1", f"ws://127.0.0.1:{csms.port}/ocpp")
            async with Station(configuration, network=network) as station:
                await station.connected()
                await csms.ask("lacked", "ReserveNow", RESERVE)
                await csms.ask("trigger", "TriggerMessage", {"requestedMessage": "Heartbeat"})
                await csms.ask("profiles", "GetConfiguration", {"key": ["SupportedFeatureProfiles"]})
                await csms.until(lambda: csms.answers("profiles"))
        assert reply(csms, "lacked")[:3] == [4, "lacked", code]
        assert reply(csms, "trigger")[:3] == [4, "trigger", code]
        (key,) = reply(csms, "profiles")[2]["configurationKey"]
        assert key["value"] == "Core"
        assert broken(csms) == []

    run(main)


RESERVE = {"connectorId": 1, "expiryDate": "2026-03-02T12:00:00Z", "idTag": TOKEN, "reservationId": 1}


@pytest.mark.parametrize("name", built_in())
def test_every_personality_connects_and_charges(name: str) -> None:
    async def main(clock: VirtualClock) -> None:
        personality = find_personality(name)
        for version in personality.protocol_versions:
            async with Recorder(clock, version) as csms, Network(clock, holds_clock=False) as network:
                configuration = personality.built("CP-1", f"ws://127.0.0.1:{csms.port}/ocpp")
                async with Station(configuration, network=network) as station, within(86_400.0, clock):
                    await station.connected()
                    async with station.plug_in() as visit:
                        await visit.swipe(TOKEN)
                        await visit.charged(kwh=1)
                    await csms.until(lambda: csms.ends)
                    boot = csms.payloads("BootNotification")[0]
                    of = boot.get("chargingStation", boot)
                    assert of.get("vendorName", of.get("chargePointVendor")) == personality.vendor
                    assert of.get("serialNumber", of.get("chargePointSerialNumber")) == configuration.serial_number

    run(main)
