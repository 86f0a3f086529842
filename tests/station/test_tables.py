"""The tables of a station are complete: every message of the CSMS, every fact, every key."""

from __future__ import annotations

from typing import get_args

import pytest

from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.device_model import DeviceModel, parse_name
from voltbridge.station.dispatch import ROUTES, UNSUPPORTED
from voltbridge.station.facts import Fact
from voltbridge.station.keys_v16 import KEYS, keys_of, read_key
from voltbridge.station.standard_variables import STANDARD_VARIABLES
from voltbridge.station.wording import SILENT, WORDINGS
from voltbridge.storage.station import MemoryStore

TO_STATION = [(version, name) for version in Version for name, a in actions(version).items() if a.from_csms]


@pytest.mark.parametrize(("version", "action"), TO_STATION)
def test_each_message_of_the_csms_has_a_handler_or_a_reason(version: Version, action: str) -> None:
    rows = [route for route in ROUTES if (route.version, route.action) == (version, action)]
    assert len(rows) + ((version, action) in UNSUPPORTED) == 1


def test_no_row_is_for_a_message_that_does_not_exist() -> None:
    assert {(route.version, route.action) for route in ROUTES} | set(UNSUPPORTED) == set(TO_STATION)


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("fact", get_args(Fact))
def test_each_version_says_each_fact_or_has_a_reason(version: Version, fact: type) -> None:
    assert ((version, fact) in WORDINGS) + ((version, fact) in SILENT) == 1


def test_each_wording_names_an_action_a_station_may_send() -> None:
    for (version, _), wording in WORDINGS.items():
        if isinstance(wording.action, str):
            assert actions(version)[wording.action].from_station


def test_each_key_shows_variables_that_exist() -> None:
    configuration = StationConfiguration("CP", "ws://localhost/ocpp", evses=(EvseConfiguration(signed_meter=True),))
    model = DeviceModel(configuration, MemoryStore())
    assert KEYS.keys() < keys_of(model, configuration).keys()
    for key in keys_of(model, configuration).values():
        assert read_key(key, model, configuration).name == key.name
        for name in key.variables:
            assert model.find(parse_name(name)) is not None


def test_each_default_is_a_value_its_variable_takes() -> None:
    """Presetting runs the same checks as the CSMS meets."""
    evses = (EvseConfiguration(signed_meter=True),)
    for definition in STANDARD_VARIABLES:
        instance = f"[{definition.instance}]" if definition.instance else ""
        place = {"station": "", "EVSE": "@1", "connector": "@1.1"}[definition.scope]
        if definition.default:
            name = f"{definition.component}{place}.{definition.name}{instance}"
            variables = {name: definition.default}
            station = StationConfiguration("CP", "ws://localhost/ocpp", evses=evses, variables=variables)
            DeviceModel(station, MemoryStore())
