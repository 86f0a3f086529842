"""A secret planted in a frame of any shape: sound, refused, broken off, or no JSON at all; it is in no log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.csms.gateway.site import site

from voltbridge.csms.redaction import redact
from voltbridge.domain.messages import DeviationCount, MessageRecord
from voltbridge.domain.stations import Strictness

SECRET = "Gx7hS3cr9tQz"
NUMBER = 82736451

_SETTINGS = ["AuthorizationKey", "authorizationKEY", "BasicAuthPassword", "basicauthpassword", "SimPin", "VpnKey"]
_FIELDS = ["password", "basicAuthPassword", "apnPassword", "simPin", "PASSWORD", "clientSecret", "private_key"]
_ACTIONS = [
    "SetVariables",
    "SetVariabels",
    "setvariables",
    "ChangeConfiguratoin",
    "ChangeConfiguration",
    "GetConfiguration",
    "UpdateFirmware",
    "UpdateFirmwareNow",
    "DataTransfer",
    "Heartbeat",
    "Authorize",
    "X",
    "",
]


def _variable(name: str, value: Any) -> dict[str, Any]:
    return {"attributeValue": value, "component": {"name": "SecurityCtrlr"}, "variable": {"name": name}}


def _planted(value: Any) -> st.SearchStrategy[Any]:
    """Payloads with the secret where secrets are known to be."""
    name, field = st.sampled_from(_SETTINGS), st.sampled_from(_FIELDS)
    scheme = st.sampled_from(["ftp", "ftps", "sftp", "http", "https", "wss"])
    return st.one_of(
        name.map(lambda one: {"key": one, "value": value}),
        name.map(lambda one: {"value": value, "key": one}),
        name.map(lambda one: {"Key": one, "Value": value}),
        name.map(lambda one: {"configurationKey": [{"key": one, "readonly": False, "value": value}]}),
        name.map(lambda one: {"setVariableData": [_variable(one, value)]}),
        name.map(lambda one: {"setVariableData": _variable(one, value)}),
        name.map(lambda one: {"variable": one, "attributeValue": value}),
        name.map(lambda one: {"reportData": [{"variable": {"name": one}, "variableAttribute": [{"value": value}]}]}),
        name.map(lambda one: {one: value}),
        name.map(lambda one: [one, value]),
        field.map(lambda one: {"connectionData": {one: value}}),
        field.map(lambda one: {"data": json.dumps({one: value}), "vendorId": "V"}),
        field.map(lambda one: {"customData": {"vendorId": "V", one: value}}),
        st.just({"connectionData": {"vpn": {"user": value, "key": value, "password": value}}}),
        scheme.map(lambda one: {"location": f"{one}://user:{value}@host/x"}),
        scheme.map(lambda one: {"log": {"remoteLocation": f"{one}://{value}@host/x"}}),
        scheme.map(lambda one: [f"see {one}://u:{value}@host/x"]),
        st.just({"idToken": {"idToken": value, "type": "KeyCode"}}),
    )


@st.composite
def frames(draw: st.DrawFn, value: Any = SECRET) -> str:
    """A frame with the secret in it, whole or harmed."""
    payload = draw(_planted(value))
    for _ in range(draw(st.integers(0, 2))):
        payload = draw(st.sampled_from([{"x": payload}, [payload], {"customData": payload}]))
    heads: list[list[Any]] = [[2, "7"], [3, "7"], [6, "7"], [9, "7"], [2, 7], ["2", "7"], [2, "x" * 40], [2], []]
    head = draw(st.sampled_from(heads))
    action = [draw(st.sampled_from(_ACTIONS))] if draw(st.booleans()) else []
    tails: list[list[Any]] = [[], [1], ["more"]]
    tail = draw(st.sampled_from(tails))
    text = json.dumps([*head, *action, payload, *tail], ensure_ascii=draw(st.booleans()))
    text = draw(st.sampled_from(["", "\ufeff", "\0", "log: "])) + text
    harm = draw(st.sampled_from(["none", "cut", "cut", "quote", "escape"]))
    at = text.find(str(value)) + len(str(value))
    if harm == "cut":
        return text[: draw(st.integers(at, len(text)))]
    if harm == "quote":
        place = draw(st.integers(0, len(text)))
        return text[:place] + '"' + text[place:] if not at - len(str(value)) < place < at else text + '"'
    if harm == "escape":
        return text.replace("a", "\\u0061", 1)
    return text


RUNS = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RUNS
@given(frames(), st.sampled_from([*_ACTIONS, None]))
def test_no_frame_that_was_refused_shows_its_secret(frame: str, action: str | None) -> None:
    assert SECRET not in redact(action, frame, suspect=True)


@RUNS
@given(frames(NUMBER), st.sampled_from([*_ACTIONS, None]))
def test_nor_one_that_is_a_number(frame: str, action: str | None) -> None:
    assert str(NUMBER) not in redact(action, frame, suspect=True)


@pytest.mark.parametrize(
    "frame",
    [
        "garbage",
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"1"',
        '[2,"1","Heartbeet",{}]',
        '[2,"1","StatusNotification",{"status":"Odd","connectorId":1}]',
        '[3,"1",{"status":"Accepted"}]',
    ],
)
def test_what_hints_at_no_secret_is_logged_as_it_came(frame: str) -> None:
    assert redact(None, frame, suspect=True) is frame


def test_what_stands_beside_a_secret_stays() -> None:
    frame = (
        '[2,"1","SetVariabels",{"setVariableData":[{"attributeValue":"S","variable":{"name":"BasicAuthPassword"}}]}]'
    )
    shown = json.loads(redact("SetVariabels", frame, suspect=True))
    assert shown[:3] == [2, "1", "SetVariabels"]
    assert shown[3] == {"setVariableData": [{"attributeValue": "***", "variable": {"name": "BasicAuthPassword"}}]}


@pytest.mark.anyio
@pytest.mark.parametrize("strictness", list(Strictness))
async def test_no_log_of_a_connection_has_it(
    strictness: Strictness, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sent over a socket: the message log, what was counted as deviations, and the program's own log."""
    found: list[str] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(frames() | frames(NUMBER))
    def gather(frame: str) -> None:
        if "\0" not in frame:
            found.append(frame)

    gather()
    caplog.set_level(logging.DEBUG)
    async with site() as place:
        place.desk.strictness = strictness
        station = await place.connect()
        for first in range(0, len(found), 20):
            for frame in found[first : first + 20]:
                station.text(frame)
            unique_id = station.call("Heartbeat", {})
            while (await station.message())[1] != unique_id:
                pass
            place.clock.advance(20)
        place.clock.advance(60)
        logged = [record.frame + str(record.action) for record in place.journal.of(MessageRecord)]
        counted = [row.example + row.path for row in place.journal.of(DeviationCount)]
    assert len(logged) > len(found)
    written = capsys.readouterr()
    for text in (*logged, *counted, caplog.text, written.out, written.err):
        assert SECRET not in text
        assert str(NUMBER) not in text
