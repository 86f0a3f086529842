"""Secrets stay out of the message log, and everything else stays in it as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from voltbridge.csms.redaction import HIDDEN, redact

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
        ("DataTransfer", '[2,"1","DataTransfer",{"data":"ftp://u:p@h"}]'),
        (None, "garbage"),
    ],
)
def test_a_frame_without_secrets_is_logged_as_it_was(action: str | None, frame: str) -> None:
    assert redact(action, frame) is frame or redact(action, frame) == frame


def test_deeply_nested_json_is_cut_down_to_its_length() -> None:
    frame = "[" * 100_000
    assert redact("SetVariables", frame) == "(100000 characters that are no JSON)"
