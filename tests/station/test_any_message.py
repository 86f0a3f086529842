"""Whatever a CSMS sends, sound or not: it is answered in order, and the station lives on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.station.central_system import charging, live
from tests.strategies.oracle import dump, messages, parse, validator
from tests.strategies.payloads import mutated, valid
from tests.support.payloads import fullest

from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version
from voltbridge.station.virtual_clock import VirtualClock

ALL = pytest.mark.parametrize("version", list(Version))
RESTARTS = {"Reset"}
"""What takes the connection away, and has tests of its own."""


def to_station(version: Version) -> list[str]:
    return [a.name for a in actions(version).values() if a.from_csms and a.name not in RESTARTS]


def answers(version: Version, requests: list[tuple[str, Any]]) -> list[list[Any]]:
    """The frames that answer these requests; they are sent one by one."""

    async def story(clock: VirtualClock) -> list[list[Any]]:
        found = []
        async with charging(clock, version) as (central, _):
            for number, (action, payload) in enumerate(requests):
                await central.send_raw(dump([2, f"any-{number}", action, payload]).decode())
                for _attempt in range(200):
                    frames = [parse(text) for text in central.frames]
                    own = [frame for frame in frames if frame[1] == f"any-{number}" and frame[0] in (3, 4)]
                    if own:
                        break
                    await clock.sleep(0.1)
                assert len(own) == 1, f"{action} was answered {len(own)} times"
                found += own
            response = await central.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
            assert response["status"] == "Accepted", "the station lives"
            central.refused.clear()
        return found

    return live(story)


def check(version: Version, action: str, frame: list[Any]) -> None:
    if frame[0] == 4:
        assert frame[2] != "InternalError", frame
    else:
        errors = list(validator(messages(version)[f"{action}Response"]).iter_errors(frame[2]))
        assert not errors, f"{action}: {errors[0].message}"


@ALL
def test_each_message_with_all_its_fields(version: Version) -> None:
    requests = [(action, fullest(messages(version)[f"{action}Request"])) for action in to_station(version)]
    for (action, _), frame in zip(requests, answers(version, requests), strict=True):
        check(version, action, frame)


@ALL
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_any_message(version: Version, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(to_station(version)), min_size=1, max_size=12))
    requests = []
    for name in names:
        schema = messages(version)[f"{name}Request"]
        payload = data.draw(valid(schema))
        if data.draw(st.booleans()):
            payload = data.draw(mutated(schema, payload))
        requests.append((name, payload))
    for (action, _), frame in zip(requests, answers(version, requests), strict=True):
        check(version, action, frame)
