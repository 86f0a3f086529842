"""Signed meter values as the OCA's paper has them, before a central system of others; verified without code of ours."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.control.actions import ImpossibleAction, do
from voltbridge.station.virtual_clock import VirtualClock

V16, V201, V21 = Version
ALL = pytest.mark.parametrize("version", list(Version))
TWO = pytest.mark.parametrize("version", [V201, V21])
SIGNS = EvseConfiguration(signed_meter=True)
REGISTER = "Energy.Active.Import.Register"
ON = {"SampledDataCtrlr.SignReadings": "true"}
KEY_NAME = "OCPPCommCtrlr.PublicKeyWithSignedMeterValue"


def values(central: CentralSystem, version: Version) -> list[tuple[str, Message, Any]]:
    """(context, SignedMeterValueType, plain value) of all signed values, as they came."""
    found: list[tuple[str, Message, Any]] = []
    for action, message in central.received:
        if action not in ("MeterValues", "StopTransaction", "TransactionEvent"):
            continue
        meters: list[Message] = message.get("meterValue", []) + message.get("transactionData", [])
        for meter in meters:
            sampled = meter["sampledValue"]
            if version is V16:
                plain = [float(each["value"]) for each in sampled if each["format"] == "Raw"]
                signed = [each for each in sampled if each["format"] == "SignedData"]
                found += [
                    (one["context"], json.loads(one["value"]), value) for one, value in zip(signed, plain, strict=False)
                ]
            else:
                found += [
                    (one["context"], one["signedMeterValue"], one["value"])
                    for one in sampled
                    if "signedMeterValue" in one
                ]
    return found


def verified(told: Message, key: str) -> float:
    """The register that was signed. Raises InvalidSignature. ``key``: as the paper has it (3.2.2)."""
    marker, encoding, content, printed = base64.b64decode(key, validate=True).decode().split(":")
    assert (marker, encoding, content) == ("oca", "base16", "asn1")
    public = serialization.load_der_public_key(bytes.fromhex(printed))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    _, payload, envelope = base64.b64decode(told["signedMeterData"], validate=True).decode().split("|")
    public.verify(bytes.fromhex(json.loads(envelope)["SD"]), payload.encode(), ec.ECDSA(hashes.SHA256()))
    return float(json.loads(payload)["RD"][0]["RV"])


async def visit(station: Station, seconds: float, clock: VirtualClock) -> None:
    async with station.plug_in() as visit:
        await visit.swipe("A1")
        await visit.charging()
        await clock.sleep(seconds)
    await clock.sleep(2)


@ALL
def test_start_and_end_are_signed_and_can_be_verified_by_the_key_of_the_meter(version: Version) -> None:
    """3.1.4, 4.1.2: both in the last message, whatever else is told; the method stands in the data (table 1)."""

    async def story(clock: VirtualClock) -> None:
        variables = ON | {
            KEY_NAME: "EveryMeterValue",
            "SampledDataCtrlr.SignStartedReadings": "false",
            "SampledDataCtrlr.SignUpdatedReadings": "false",
        }
        async with charging(clock, version, variables=variables, evse=SIGNS, evses=2) as (central, station):
            await visit(station, 130, clock)
            found = values(central, version)
            assert [context for context, _, _ in found] == ["Transaction.Begin", "Transaction.End"]
            for _, told, plain in found:
                assert (told["encodingMethod"], told["signingMethod"]) == ("OCMF", "")
                assert verified(told, told["publicKey"]) == plain
            if version is V16:
                response = await central.call("GetConfiguration", {"key": ["MeterPublicKey1", "MeterPublicKey2"]})
                keys = [each["value"] for each in response["configurationKey"]]
                assert all(each["readonly"] for each in response["configurationKey"])
            else:
                asked = [
                    {"component": {"name": "FiscalMetering", "evse": {"id": number}}, "variable": {"name": "PublicKey"}}
                    for number in (1, 2)
                ]
                response = await central.call("GetVariables", {"getVariableData": asked})
                keys = [each["attributeValue"] for each in response["getVariableResult"]]
            assert keys[0] == found[0][1]["publicKey"]
            assert keys[1] != keys[0], "each meter has its own"
            station.services.context.device_model.set("SampledDataCtrlr.SignReadings", "false")
            central.forget()
            await visit(station, 70, clock)
            assert values(central, version) == []

    live(story)


@ALL
@pytest.mark.parametrize(
    ("started", "sampled", "aligned", "expected"),
    [
        (False, False, False, {"Transaction.Begin": 1, "Transaction.End": 1}),
        (True, False, False, {"Transaction.Begin": 2, "Transaction.End": 1}),
        (True, True, False, {"Transaction.Begin": 2, "Sample.Periodic": 2, "Transaction.End": 1}),
        (True, True, True, {"Transaction.Begin": 2, "Sample.Periodic": 2, "Sample.Clock": 2, "Transaction.End": 1}),
    ],
)
def test_which_values_are_signed(
    version: Version, started: bool, sampled: bool, aligned: bool, expected: dict[str, int]
) -> None:
    """The matrix of 5.1; the same settings by configuration keys in 1.6, by variables in 2.x."""
    keys = {
        "SampledDataSignReadings": True,
        "AlignedDataSignReadings": True,
        "SampledDataSignStartedReadings": started,
        "SampledDataSignUpdatedReadings": sampled,
        "AlignedDataSignUpdatedReadings": aligned,
    }

    async def story(clock: VirtualClock) -> None:
        variables = {"SampledDataCtrlr.TxUpdatedInterval": "60", "AlignedDataCtrlr.Interval": "60"}
        async with charging(clock, version, variables=variables, evse=SIGNS) as (central, station):
            for name, value in keys.items():
                text = str(value).lower()
                if version is V16:
                    status = (await central.call("ChangeConfiguration", {"key": name, "value": text}))["status"]
                else:
                    component, _, variable = name.partition("Data")
                    data = {"component": {"name": f"{component}DataCtrlr"}, "variable": {"name": variable}}
                    request = {"setVariableData": [data | {"attributeValue": text}]}
                    status = (await central.call("SetVariables", request))["setVariableResult"][0]["attributeStatus"]
                assert status == "Accepted"
            if version is V16:
                start = {"key": "StartTxnSampledData", "value": REGISTER}
                assert (await central.call("ChangeConfiguration", start))["status"] == "Accepted"
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                central.received = [each for each in central.received if each[0] != "MeterValues" or started]
                await clock.sleep(125)
            await clock.sleep(2)
            of_transaction = [
                (action, message)
                for action, message in central.received
                if action != "MeterValues" or "transactionId" in message
            ]
            central.received = of_transaction
            counted: dict[str, int] = {}
            for context, told, _ in values(central, version):
                counted[context] = counted.get(context, 0) + 1
                assert told["publicKey"] == "", "Never is the default"
            assert counted == expected
            if version is V16 and started:
                after = [action for action, _ in central.received if "Transaction" in action or action == "MeterValues"]
                assert after[:2] == ["StartTransaction", "MeterValues"], "right after the start (3.3.4)"

    live(story)


@ALL
@pytest.mark.parametrize("setting", ["Never", "OncePerTransaction", "EveryMeterValue"])
def test_the_key_that_verifies_is_told_as_configured(version: Version, setting: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables=ON | {KEY_NAME: setting}, evse=SIGNS) as (central, station):
            for _ in range(2):
                central.forget()
                await visit(station, 130, clock)
                found = values(central, version)
                told = [bool(signed["publicKey"]) for _, signed, _ in found]
                assert len(told) >= 4
                assert sum(told) == {"Never": 0, "OncePerTransaction": 1, "EveryMeterValue": len(told)}[setting]

    live(story)


def test_16_tells_nothing_after_the_start_unless_it_is_asked_to() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16, evse=SIGNS) as (central, station):
            await visit(station, 30, clock)
            assert central.of("MeterValues") == []
            names = {each["key"] for each in (await central.call("GetConfiguration"))["configurationKey"]}
            assert {"MeterPublicKey1", "SampledDataSignReadings", "StartTxnSampledData"} <= names

    live(story)


def test_where_no_meter_signs_there_are_no_keys_of_16_about_it() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, _):
            names = ["MeterPublicKey1", "SampledDataSignReadings", "AlignedDataSignUpdatedReadings"]
            assert (await central.call("GetConfiguration", {"key": names}))["unknownKey"] == names
            request = {"key": "SampledDataSignReadings", "value": "true"}
            assert (await central.call("ChangeConfiguration", request))["status"] == "NotSupported"

    live(story)


@pytest.mark.parametrize("how", ["Value", "Signature", "Key"])
def test_tampering_shows(how: str) -> None:
    """By the key that is printed on the meter, which the station tells unchanged."""

    async def story(clock: VirtualClock) -> None:
        variables = ON | {KEY_NAME: "EveryMeterValue"}
        tampered = EvseConfiguration(signed_meter=True, tampering=how)
        async with charging(clock, V201, variables=variables, evse=tampered) as (central, station):
            await visit(station, 70, clock)
            found = values(central, V201)
            assert len(found) >= 3
            for _, told, _ in found:
                with pytest.raises(InvalidSignature):
                    verified(told, told["publicKey"])
            await do(station, "tamper-meter", {"how": "None"})
            central.forget()
            await visit(station, 70, clock)
            assert all(verified(told, told["publicKey"]) == plain for _, told, plain in values(central, V201))

    live(story)


def test_a_meter_that_does_not_sign_cannot_be_tampered_with() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V201) as (_, station):
            with pytest.raises(ImpossibleAction, match="signs nothing"):
                await do(station, "tamper-meter", {"how": "Value"})

    live(story)
