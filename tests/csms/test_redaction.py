"""Secrets stay out of the message log, and everything else stays in it as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from voltbridge.csms.redaction import HIDDEN, hide, redact
from voltbridge.csms.vault import Vault

SECRET = "geheim-0123456789"


def call(action: str, payload: Any) -> str:
    return json.dumps([2, "1", action, payload])


def result(payload: Any) -> str:
    return json.dumps([3, "1", payload])


def variable(name: str, component: str = "SecurityCtrlr") -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": name}}


@pytest.mark.parametrize(
    ("action", "frame"),
    [
        ("ChangeConfiguration", call("ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET})),
        ("NotifyCustomerInformation", call("NotifyCustomerInformation", {"data": SECRET, "requestId": 1, "seqNo": 0})),
        ("CustomerInformation", call("CustomerInformation", {"customerIdentifier": SECRET, "requestId": 1})),
        ("ChangeConfiguration", call("ChangeConfiguration", {"key": "authorizationkey", "value": SECRET})),
        ("ChangeConfiguration", call("ChangeConfiguration", {"key": "VendorWifiPassword", "value": SECRET})),
        (
            "GetConfiguration",
            result({"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": SECRET}]}),
        ),
        (
            "SetVariables",
            call("SetVariables", {"setVariableData": [{"attributeValue": SECRET, **variable("BasicAuthPassword")}]}),
        ),
        (
            "SetVariables",
            call("SetVariables", {"setVariableData": [{"attributeValue": SECRET, **variable("SimPin", "Modem")}]}),
        ),
        (
            "SetVariables",
            call("SetVariables", {"setVariableData": [{"attributeValue": SECRET, **variable("VpnKey", "Net")}]}),
        ),
        (
            "SetVariables",
            call("SetVariables", {"setVariableData": [{"attributeValue": SECRET, **variable("SharedSecret", "Pay")}]}),
        ),
        (
            "GetVariables",
            result(
                {
                    "getVariableResult": [
                        {"attributeStatus": "Accepted", "attributeValue": SECRET, **variable("BasicAuthPassword")}
                    ]
                }
            ),
        ),
        (
            "NotifyReport",
            call(
                "NotifyReport",
                {"reportData": [{**variable("BasicAuthPassword"), "variableAttribute": [{"value": SECRET}]}]},
            ),
        ),
        (
            "NotifyEvent",
            call("NotifyEvent", {"eventData": [{"actualValue": SECRET, **variable("BasicAuthPassword")}]}),
        ),
        (
            "SetNetworkProfile",
            call(
                "SetNetworkProfile",
                {
                    "connectionData": {
                        "ocppCsmsUrl": f"wss://user:{SECRET}@csms.example/ocpp",
                        "basicAuthPassword": SECRET,
                        "apn": {"apn": "internet", "apnPassword": SECRET, "simPin": 1234},
                        "vpn": {"server": "vpn.example", "user": SECRET, "password": SECRET, "key": SECRET},
                    }
                },
            ),
        ),
        ("GetDiagnostics", call("GetDiagnostics", {"location": f"ftp://user:{SECRET}@ftp.example/x?y=1"})),
        ("UpdateFirmware", call("UpdateFirmware", {"location": f"https://{SECRET}@host/firmware.bin"})),
        ("GetLog", call("GetLog", {"log": {"remoteLocation": f"sftp://u:{SECRET}@host/"}})),
        ("SignedUpdateFirmware", call("SignedUpdateFirmware", {"firmware": {"location": f"ftp://u:{SECRET}@host/"}})),
        ("PublishFirmware", call("PublishFirmware", {"location": f"https://u:{SECRET}@host/"})),
        ("SetVariables", f'[2,"1","SetVariables",{{"setVariableData":[{{"attributeValue":"{SECRET}"'),
        # Key codes never appear in logs (C04.FR.04).
        ("Authorize", call("Authorize", {"idToken": {"idToken": SECRET, "type": "KeyCode"}})),
        ("Authorize", result({"idTokenInfo": {"groupIdToken": {"type": "KeyCode", "idToken": SECRET}}})),
        ("TransactionEvent", call("TransactionEvent", {"idToken": {"idToken": SECRET, "type": "KeyCode"}})),
        # As the lenient policies take them.
        ("Authorize", call("Authorize", {"idToken": {"idToken": SECRET, "type": "keycode"}})),
        ("Authorize", call("Authorize", {"idToken": {"idToken": SECRET, "type": " KEY_CODE"}})),
        ("Authorize", "\ufeff" + call("Authorize", {"idToken": {"idToken": SECRET, "type": "KeyCode"}}) + "\r\n\0"),
        (
            "RequestStartTransaction",
            call(
                "RequestStartTransaction",
                {
                    "idToken": {
                        "idToken": "A",
                        "type": "Central",
                        "additionalInfo": [{"additionalIdToken": SECRET, "type": "KeyCode"}],
                    }
                },
            ),
        ),
        (None, f'[2,"1","Authorize",{{"idToken":{{"type":"KeyCode","idToken":"{SECRET}"'),
    ],
)
def test_a_secret_is_not_in_the_log(action: str | None, frame: str) -> None:
    assert SECRET in frame
    logged = redact(action, frame)
    assert SECRET not in logged
    assert "1234" not in logged


def test_what_stands_beside_a_secret_stays() -> None:
    frame = call("ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET})
    assert json.loads(redact("ChangeConfiguration", frame)) == [
        2,
        "1",
        "ChangeConfiguration",
        {"key": "AuthorizationKey", "value": HIDDEN},
    ]
    url = call("GetDiagnostics", {"location": f"ftp://user:{SECRET}@ftp.example/logs?y=1"})
    assert json.loads(redact("GetDiagnostics", url))[3]["location"] == f"ftp://{HIDDEN}@ftp.example/logs?y=1"


@pytest.mark.parametrize(
    ("action", "frame"),
    [
        ("ChangeConfiguration", '[2, "1", "ChangeConfiguration", {"key":"HeartbeatInterval", "value":"300"}]'),
        ("GetDiagnostics", call("GetDiagnostics", {"location": "ftp://ftp.example/at@sign?mail=a@b"})),
        ("MeterValues", '[2,"1","MeterValues",{"password":"not one"}]'),
        ("SetVariables", call("SetVariables", {"setVariableData": [{"attributeValue": "1", **variable("KeepAlive")}]})),
        ("DataTransfer", '[2,"1","DataTransfer",{"data":"ftp://h/x"}]'),
        ("NotifyReport", '\ufeff[2,"1","NotifyReport",{"reportData":[]}]\r\n\0'),
        ("Authorize", call("Authorize", {"idToken": {"idToken": "keycode", "type": "Central"}})),
        (None, "garbage"),
    ],
)
def test_a_frame_without_secrets_is_logged_as_it_was(action: str | None, frame: str) -> None:
    assert redact(action, frame) is frame or redact(action, frame) == frame


def test_deeply_nested_json_is_cut_down_to_its_length() -> None:
    frame = "[" * 100_000
    assert redact("SetVariables", frame) == "(100000 characters that are no JSON)"


TOKEN = "A1b2-_" + "x" * 26


@pytest.mark.parametrize("address", [f"http://h:9000/files/{TOKEN}/a.bin", f"http:\\/\\/h\\/files\\/{TOKEN}\\/a.bin"])
@pytest.mark.parametrize(
    "action", ["GetDiagnostics", "GetLog", "PublishFirmware", "SignedUpdateFirmware", "UpdateFirmware"]
)
def test_an_address_of_a_file_is_of_no_use_to_who_reads_the_log(action: str, address: str) -> None:
    frame = f'[2,"1","{action}",{{"location":"{address}"}}]'
    shown = redact(action, frame)
    assert TOKEN not in shown
    assert shown == frame.replace(TOKEN, "***")
    content = {"firmware": {"location": json.loads(f'"{address}"')}, "locations": [json.loads(f'"{address}"')]}
    hide(content)
    assert TOKEN not in json.dumps(content)


def test_what_is_sealed_is_opened_again_and_shown_as_what_it_hides(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "key")
    content = {
        "location": f"ftp://me:{SECRET}@host/a?b=c",
        "address": f"https://host/files/{'A' * 32}/a.bin",
        "variables": [{**variable("BasicAuthPassword"), "value": SECRET}, {"value": "sealed:1:of the operator's own"}],
    }
    kept = msgspec.json.decode(msgspec.json.encode(content))
    hide(kept, vault.seal)
    assert SECRET not in repr(kept) and "A" * 32 not in repr(kept)
    opened = re.sub(r"sealed:1:[\w=-]+", lambda sealed: vault.open_all(sealed[0]), msgspec.json.encode(kept).decode())
    assert msgspec.json.decode(opened) == content
    hide(kept)
    assert kept["location"] == f"ftp://{HIDDEN}@host/a?b=c"
    assert kept["variables"][0]["value"] == HIDDEN
    assert SECRET not in repr(kept)
