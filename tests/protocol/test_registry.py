"""The tables of actions."""

from __future__ import annotations

import pytest
from tests.strategies.oracle import messages

from voltbridge.protocol import v21
from voltbridge.protocol.actions import Action, Direction
from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import CAPABILITIES, Version


@pytest.mark.parametrize(("version", "count"), [(Version.V16, 39), (Version.V201, 64), (Version.V21, 91)])
def test_every_message_of_a_version_is_in_one_action(version: Version, count: int) -> None:
    table = actions(version)
    assert len(table) == count
    names = [kind.__name__ for action in table.values() for kind in (action.request, action.response) if kind]
    assert sorted(names) == sorted(messages(version))
    for name, action in table.items():
        assert action.name == name
        assert action.version is version
        assert action.request.__name__ == f"{name}Request"
        assert action.block in "ABCDEFGHIJKLMNOPQRS"


def test_directions() -> None:
    def senders(version: Version) -> dict[Direction, set[str]]:
        return {
            each: {name for name, action in actions(version).items() if action.direction is each} for each in Direction
        }

    assert senders(Version.V16)[Direction.FROM_STATION] == {
        "Authorize",
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
    }
    for version in Version:
        assert senders(version)[Direction.BOTH] == {"DataTransfer"}
    counts = {version: {each: len(names) for each, names in senders(version).items()} for version in Version}
    assert counts == {
        Version.V16: {Direction.FROM_STATION: 13, Direction.FROM_CSMS: 25, Direction.BOTH: 1},
        Version.V201: {Direction.FROM_STATION: 24, Direction.FROM_CSMS: 39, Direction.BOTH: 1},
        Version.V21: {Direction.FROM_STATION: 36, Direction.FROM_CSMS: 54, Direction.BOTH: 1},
    }


def test_either_side_may_transfer_data() -> None:
    action = actions(Version.V201)["DataTransfer"]
    assert action.from_station
    assert action.from_csms
    boot = actions(Version.V201)["BootNotification"]
    assert boot.from_station
    assert not boot.from_csms


def test_only_the_event_stream_is_never_answered() -> None:
    unanswered = [action for version in Version for action in actions(version).values() if action.response is None]
    assert unanswered == [
        Action(
            "NotifyPeriodicEventStream",
            Version.V21,
            v21.NotifyPeriodicEventStreamRequest,
            None,
            Direction.FROM_STATION,
            "N",
        )
    ]


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        actions(Version.V16)["X"] = actions(Version.V16)["Reset"]  # type: ignore[index]


def test_versions() -> None:
    assert [version.label for version in Version] == ["1.6", "2.0.1", "2.1"]
    assert [version for version in Version if version.capabilities.send] == [Version.V21]
    assert set(CAPABILITIES) == set(Version)
