"""Block B: boot, variables, reset, network connection profiles, WebSocket subprotocol."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.case import Start, csms_case
from voltbridge.conformance.connection import UpgradeRefused
from voltbridge.conformance.csms.states import boot, booted, energy_transfer_started
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.protocol.versions import Version

__all__: list[str] = []

_OFFLINE_THRESHOLD = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
_IS_OFFLINE_THRESHOLD = {"component.name": ("OCPPCommCtrlr",), "variable.name": ("OfflineThreshold",)}


@csms_case("TC_B_01_CSMS", start=Start.CONNECTED)
async def cold_boot(station: SimulatedStation) -> None:
    """The boot of a known station is accepted."""
    await booted(station)


@csms_case("TC_B_06_CSMS")
async def get_one_variable(station: SimulatedStation) -> None:
    """The CSMS reads one variable."""
    asked = await station.asked(
        1,
        "get OCPPCommCtrlr.OfflineThreshold",
        "GetVariables",
        {"getVariableData": [_OFFLINE_THRESHOLD]},
        command=("read_variables", {"variables": [_OFFLINE_THRESHOLD]}),
    )
    # Other attribute types may be asked for as well, but not instead.
    asked.request.pick("getVariableData", {**_IS_OFFLINE_THRESHOLD, "attributeType": (ABSENT, "Actual")})
    results = [
        {**data, "attributeStatus": "Accepted", "attributeValue": "60"}
        for data in asked.request.payload["getVariableData"]
    ]
    await asked.answer({"getVariableResult": results}, seen="Does the CSMS show 60 for OCPPCommCtrlr.OfflineThreshold?")


@csms_case("TC_B_09_CSMS")
async def set_one_variable(station: SimulatedStation) -> None:
    """The CSMS sets one variable."""
    asked = await station.asked(
        1,
        "set OCPPCommCtrlr.OfflineThreshold to 123",
        "SetVariables",
        {"setVariableData": [{"attributeValue": "123", **_OFFLINE_THRESHOLD}]},
        command=("write_variables", {"variables": [{**_OFFLINE_THRESHOLD, "value": "123"}]}),
    )
    wanted = asked.request.pick("setVariableData", _IS_OFFLINE_THRESHOLD)
    wanted.expect("attributeValue", "123")
    wanted.expect("attributeType", ABSENT, "Actual")
    results = [
        {key: value for key, value in data.items() if key != "attributeValue"} | {"attributeStatus": "Accepted"}
        for data in asked.request.payload["setVariableData"]
    ]
    await asked.answer(
        {"setVariableResult": results}, seen="Does the CSMS show that setting OCPPCommCtrlr.OfflineThreshold worked?"
    )


@csms_case("TC_B_20_CSMS")
async def reset_without_transaction(station: SimulatedStation) -> None:
    """Reset when idle, no transaction open."""
    # The document leaves it to this case's manual action that the type is OnIdle and validates nothing of step 1.
    asked = await station.asked(
        1,
        "reset the charging station when it is idle",
        "Reset",
        {"type": "OnIdle"},
        command=("reset", {"type": "OnIdle"}),
    )
    await asked.answer({"status": "Accepted"})
    await boot(station, 3, "RemoteReset")
    await station.report(5, "Available")


@csms_case("TC_B_21_CSMS")
async def reset_on_idle_with_transaction(station: SimulatedStation) -> None:
    """Reset when idle while a transaction is open: it waits for the transaction to end."""
    await energy_transfer_started(station)
    asked = await station.asked(
        1,
        "reset the charging station when it is idle",
        "Reset",
        {"type": "OnIdle"},
        command=("reset", {"type": "OnIdle"}),
    )
    asked.expect("type", "OnIdle")
    await asked.answer({"status": "Scheduled"})
    await station.transaction_event(
        3, "Updated", "StopAuthorized", token=station.session().token, chargingState="EVConnected"
    )
    await station.transaction_event(
        5, "Ended", "EVCommunicationLost", chargingState="Idle", stoppedReason="EVDisconnected"
    )
    await boot(station, 7, "ScheduledReset")
    await station.report(9, "Available")


@csms_case("TC_B_22_CSMS")
async def reset_at_once_with_transaction(station: SimulatedStation) -> None:
    """Reset at once while a transaction is open: it ends the transaction."""
    await energy_transfer_started(station)
    asked = await station.asked(
        1,
        "reset the charging station immediately",
        "Reset",
        {"type": "Immediate"},
        command=("reset", {"type": "Immediate"}),
    )
    asked.expect("type", "Immediate")
    await asked.answer({"status": "Accepted"})
    await station.transaction_event(
        3, "Ended", "ResetCommand", chargingState="EVConnected", stoppedReason="ImmediateReset"
    )
    await boot(station, 5, "RemoteReset")
    in_use = (station.evse_id, station.configuration.connector_id)
    await station.report(7, "Occupied", [in_use])
    await station.report(7, "Available", [one for one in station.configuration.connectors() if one != in_use])


@csms_case("TC_B_42_CSMS")
async def set_network_profile(station: SimulatedStation) -> None:
    """A network connection profile is set as configured."""
    profile = _network_profile(station)
    asked = await _asked_for_network_profile(station)
    asked.expect("configurationSlot", profile["configurationSlot"])
    for field, value in profile["connectionData"].items():
        asked.expect(f"connectionData.{field}", value)
    await asked.answer({"status": "Accepted"})


@csms_case("TC_B_44_CSMS")
async def network_profile_fails(station: SimulatedStation) -> None:
    """The station fails to set a network connection profile."""
    asked = await _asked_for_network_profile(station)
    await asked.answer({"status": "Failed"})


@csms_case("TC_B_58_CSMS")
async def subprotocol(station: SimulatedStation) -> None:
    """No upgrade without a common subprotocol; the known one is selected among others."""
    try:
        await station.connect(subprotocols=["ocpp0.1"])
    except UpgradeRefused as refused:
        if not 400 <= refused.status < 500:
            raise StepFailed(station.step(2), "an upgrade refused with HTTP 4xx", str(refused)) from None
    else:
        raise StepFailed(station.step(2), "an upgrade refused with HTTP 4xx", "an upgraded connection")
    try:
        connection = await station.connect(subprotocols=["ocpp0.1", Version.V201])
    except UpgradeRefused as refused:
        raise StepFailed(station.step(4), "an upgraded connection", str(refused)) from None
    selected = connection.headers.get("Sec-WebSocket-Protocol")
    if selected != Version.V201:
        wanted = f"the header Sec-WebSocket-Protocol: {Version.V201}"
        raise StepFailed(station.step(4), wanted, "none" if selected is None else selected)


def _network_profile(station: SimulatedStation) -> dict[str, Any]:
    profile = station.configuration.network_profile
    return {
        "configurationSlot": profile.configuration_slot,
        "connectionData": {
            "ocppVersion": "OCPP20",
            "ocppTransport": "JSON",
            "ocppCsmsUrl": profile.ocpp_csms_url,
            "messageTimeout": profile.message_timeout_s,
            "securityProfile": profile.security_profile,
            "ocppInterface": profile.ocpp_interface,
        },
    }


async def _asked_for_network_profile(station: SimulatedStation) -> Asked:
    profile = _network_profile(station)
    data = ", ".join(f"{field} {value}" for field, value in profile["connectionData"].items())
    text = f"set network connection profile in slot {profile['configurationSlot']}: {data}"
    wanted = station.configuration.network_profile
    parameters = {
        "configuration_slot": wanted.configuration_slot,
        "csms_url": wanted.ocpp_csms_url,
        "security_profile": wanted.security_profile,
        "interface": wanted.ocpp_interface,
        "message_timeout_s": wanted.message_timeout_s,
    }
    command = ("set_network_profile", parameters)
    return await station.asked(1, text, "SetNetworkProfile", profile, command=command)
