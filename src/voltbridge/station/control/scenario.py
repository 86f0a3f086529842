"""Scenarios: a list of things to do to a station and to wait for, as a file of YAML.

steps:
  - wait: {online: true}
  - do: plug
    with: {evse: 1, state_of_charge: 0.4}
  - do: swipe
    with: {id_token: 04A1B2C3D4E501, evse: 1}
  - wait: {connector: Charging}
  - sleep: 3600
  - do: swipe
    with: {id_token: 04A1B2C3D4E501, evse: 1}
  - wait: {transaction: false, queued: 0}
    within: 60
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from voltbridge.station.assembly import Station
from voltbridge.station.control.actions import ACTIONS, ImpossibleAction, describe, do
from voltbridge.station.facts import ConnectorState
from voltbridge.station.yaml_files import FieldError, in_words, read_yaml

__all__ = ["Scenario", "ScenarioFailed", "Step", "Wait", "play", "read_scenario"]

_LOOK_S: Final = 0.5
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=31_536_000)]


class ScenarioFailed(Exception):
    """A step could not be done, or what it waits for did not come; the text says which and why."""


class Wait(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is waited for; all of it at once."""

    evse: Annotated[int, msgspec.Meta(ge=1)] = 1
    online: bool | None = None
    connector: ConnectorState | None = None
    """ChargePointStatus of 1.6, which tells more than 2.x, of any connector of the EVSE."""
    transaction: bool | None = None
    """Whether one runs at the EVSE."""
    queued: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """At most so many transaction messages wait to be told."""
    energy_wh: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """At least so much on the meter of the EVSE."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"arguments": "with"}):
    """One of: something to do, something to wait for, a time to let pass."""

    do: str | None = None
    arguments: Mapping[str, Any] = {}
    wait: Wait | None = None
    within: _Seconds = 60.0
    """How long the wait may take."""
    sleep: _Seconds | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a step that is not exactly one thing, or tells an action what it does not know."""
        if sum(one is not None for one in (self.do, self.wait, self.sleep)) != 1:
            raise ValueError("a step is one of do, wait and sleep")
        if self.do is None:
            return
        if self.do not in ACTIONS:
            raise FieldError("do", f"there is no action {self.do}: {', '.join(ACTIONS)}")
        try:
            msgspec.convert(dict(self.arguments), ACTIONS[self.do].arguments)
        except msgspec.ValidationError as error:
            place, text = in_words(error, ACTIONS[self.do].arguments)
            raise FieldError("with" + place, text) from error


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Steps, played in order."""

    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file. Raises InvalidFile with the line and the field."""
    return read_yaml(path, Scenario)


async def play(scenario: Scenario, station: Station) -> None:
    """Play it with a station that has been started. Raises ScenarioFailed."""
    for number, step in enumerate(scenario.steps, 1):
        if step.sleep is not None:
            await station.clock.sleep(step.sleep)
        elif step.do is not None:
            try:
                await do(station, step.do, step.arguments)
            except ImpossibleAction as error:
                raise ScenarioFailed(f"step {number}, {step.do}: {error}") from error
        elif step.wait is not None:
            await _wait(station, step.wait, step.within, number)


async def _wait(station: Station, wait: Wait, within_s: float, number: int) -> None:
    late = asyncio.Event()
    cancel = station.clock.call_later(within_s, late.set)
    try:
        while missing := _missing(station, wait):
            if late.is_set():
                raise ScenarioFailed(f"step {number}: after {within_s:g} s still {missing}")
            await station.clock.sleep(_LOOK_S)
    finally:
        cancel()


def _missing(station: Station, wait: Wait) -> str:
    """What is not yet as it should be; empty: all is."""
    told = describe(station)
    evse = next((each for each in told["evses"] if each["evse_id"] == wait.evse), None)
    if wait.online is not None and told["online"] is not wait.online:
        return "offline" if wait.online else "online"
    if wait.queued is not None and told.get("queued", 0) > wait.queued:
        return f"{told.get('queued', 0)} in the queue"
    if evse is None:
        return f"no EVSE {wait.evse}" if told["running"] else "restarting"
    states = set(evse["connectors"].values())
    if wait.connector is not None and wait.connector not in states:
        return ", ".join(sorted(states))
    if wait.transaction is not None and (evse["transaction_id"] is not None) is not wait.transaction:
        return "no transaction" if wait.transaction else "in a transaction"
    if wait.energy_wh is not None and evse.get("energy_wh", 0) < wait.energy_wh:
        return f"{evse.get('energy_wh', 0)} Wh"
    return ""
