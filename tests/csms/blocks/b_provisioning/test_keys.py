"""The configuration keys of 1.6 and the variables they are: one to one, and none is lost."""

from __future__ import annotations

import pytest

from voltbridge.csms.blocks.b_provisioning.v16_keys import KEYS, VENDOR_COMPONENT, attribute_of, key_of
from voltbridge.domain.device_model import Attribute, AttributeType, Component, Variable


def test_every_standard_key_is_one_variable_of_its_own() -> None:
    assert len({key.variable.key for key in KEYS.values()}) == len(KEYS)
    for key in KEYS.values():
        attribute, standard = attribute_of(key.name.upper())
        assert standard is key
        assert key_of(attribute) == key.name


@pytest.mark.parametrize("name", ["AcmeLedColour", "NetworkConnectionProfile1", "a.b/c", "Ünïcode"])
def test_a_vendors_key_keeps_its_name(name: str) -> None:
    attribute, standard = attribute_of(name)
    assert standard is None
    assert attribute.variable.component == Component(VENDOR_COMPONENT)
    assert key_of(attribute) == name


@pytest.mark.parametrize(
    "attribute",
    [
        Attribute(Variable(Component("OCPPCommCtrlr"), "HeartbeatInterval"), AttributeType.TARGET),
        Attribute(Variable(Component("OCPPCommCtrlr", evse_id=1), "HeartbeatInterval")),
        Attribute(Variable(Component("ClockCtrlr"), "DateTime")),
        Attribute(Variable(Component(VENDOR_COMPONENT, instance="x"), "Key")),
    ],
)
def test_what_no_key_can_be(attribute: Attribute) -> None:
    assert key_of(attribute) is None
