"""The device model: who reads and sets what, what survives, who hears of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.domain.device_model import Attribute, AttributeType, Mutability, ReadStatus, WriteStatus
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.device_model import DeviceModel, parse_name
from voltbridge.storage.station import MemoryStore


def model(store: MemoryStore | None = None, variables: dict[str, str] | None = None) -> DeviceModel:
    configuration = StationConfiguration(
        "CP", "ws://localhost/ocpp", evses=(EvseConfiguration(), EvseConfiguration(phases=1)), variables=variables or {}
    )
    return DeviceModel(configuration, store or MemoryStore())


def attribute(name: str, kind: AttributeType = AttributeType.ACTUAL) -> Attribute:
    return Attribute(parse_name(name), kind)


def test_names_compare_without_regard_to_case() -> None:
    variables = model()
    assert variables.write(attribute("txctrlr.evconnectiontimeout"), "17").status is WriteStatus.ACCEPTED
    assert variables.read(attribute("TXCTRLR.EVConnectionTimeOut")).value == "17"


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("NoCtrlr.Variable", AttributeType.ACTUAL, ReadStatus.UNKNOWN_COMPONENT),
        ("TxCtrlr.Nothing", AttributeType.ACTUAL, ReadStatus.UNKNOWN_VARIABLE),
        ("EVSE@3.AvailabilityState", AttributeType.ACTUAL, ReadStatus.UNKNOWN_COMPONENT),
        ("EVSE.AvailabilityState", AttributeType.ACTUAL, ReadStatus.UNKNOWN_COMPONENT),
        ("OCPPCommCtrlr.MessageTimeout", AttributeType.ACTUAL, ReadStatus.UNKNOWN_VARIABLE),
        ("OCPPCommCtrlr.HeartbeatInterval", AttributeType.TARGET, ReadStatus.NOT_SUPPORTED_ATTRIBUTE_TYPE),
        ("SecurityCtrlr.BasicAuthPassword", AttributeType.ACTUAL, ReadStatus.REJECTED),
        ("OCPPCommCtrlr.MessageTimeout[Default]", AttributeType.ACTUAL, ReadStatus.ACCEPTED),
    ],
)
def test_reading(name: str, kind: AttributeType, status: ReadStatus) -> None:
    read = model().read(attribute(name, kind))
    assert read.status is status
    assert (read.value is None) == (status is not ReadStatus.ACCEPTED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OCPPCommCtrlr.HeartbeatInterval", "0"),
        ("OCPPCommCtrlr.HeartbeatInterval", "-1"),
        ("OCPPCommCtrlr.HeartbeatInterval", "many"),
        ("OCPPCommCtrlr.HeartbeatInterval", "12.5"),
        ("OCPPCommCtrlr.HeartbeatInterval", ""),
        ("AuthCtrlr.LocalPreAuthorize", "yes"),
        ("TxCtrlr.TxStartPoint", "Authorized,Nonsense"),
        ("TxCtrlr.TxStartPoint", "Authorized,Authorized"),
        ("TxCtrlr.TxStartPoint", "Authorized,"),
        ("SecurityCtrlr.BasicAuthPassword", "tooshort"),
        ("SecurityCtrlr.BasicAuthPassword", "x" * 41),
        ("ChargingStation.Model", "Another"),
        ("TariffCostCtrlr.Currency", "EURO"),
        ("AuthCtrlr.MasterPassGroupId", "x" * 37),
    ],
)
def test_what_is_refused_changes_nothing(name: str, value: str) -> None:
    store = MemoryStore()
    variables = model(store)
    before = variables.get(name)
    written = variables.write(attribute(name), value)
    assert written.status is WriteStatus.REJECTED
    assert written.reason
    assert variables.get(name) == before
    assert not store.all("variables")


def test_what_was_set_survives_and_wins_over_the_configuration() -> None:
    store = MemoryStore()
    model(store).write(attribute("TxCtrlr.TxStartPoint"), "Authorized, EVConnected")
    again = model(store, {"TxCtrlr.TxStartPoint": "PowerPathClosed"})
    assert again.get("TxCtrlr.TxStartPoint") == "Authorized,EVConnected"


def test_a_value_that_needs_a_reboot_is_told_at_once_and_counts_later() -> None:
    store = MemoryStore()
    variables = model(store)
    name = "BackendCtrlr.WebSocketsProxy"
    heard: list[str] = []
    variables.on_change(name, heard.append)
    assert variables.write(attribute(name), "proxy:3128").status is WriteStatus.REBOOT_REQUIRED
    assert variables.read(attribute(name)).value == "proxy:3128"
    assert variables.get(name) == ""
    assert heard == []
    assert model(store).get(name) == "proxy:3128"
    assert variables.write(attribute(name), "").status is WriteStatus.ACCEPTED, "back to what is in force"


def test_listeners_and_checks() -> None:
    variables = model()
    heard: list[str] = []
    variables.on_change("TxCtrlr.EVConnectionTimeOut", heard.append)
    variables.add_check("TxCtrlr.EVConnectionTimeOut", lambda value: "not thirteen" if value == "13" else None)
    assert variables.write(attribute("TxCtrlr.EVConnectionTimeOut"), "13").reason == "not thirteen"
    assert variables.write(attribute("TxCtrlr.EVConnectionTimeOut"), "12").status is WriteStatus.ACCEPTED
    assert heard == ["12"]


def test_reports_never_have_what_is_write_only() -> None:
    secret = "a secret of 17 ch"
    variables = model(None, {"SecurityCtrlr.BasicAuthPassword": secret})
    for entry in variables.entries:
        reported = variables.reported(entry)
        assert all(each.value != secret for each in reported.attributes)
        if entry.definition.mutability is Mutability.WRITE_ONLY:
            assert [each.value for each in reported.attributes] == [None]


def test_what_evses_are_is_reported() -> None:
    variables = model()
    assert variables.get("EVSE@1.SupplyPhases") == "3"
    assert variables.get("EVSE@2.SupplyPhases") == "1"
    entry = variables.find(parse_name("EVSE@2.Power"))
    assert entry is not None
    characteristics = variables.reported(entry).characteristics
    assert characteristics is not None
    assert characteristics.max_limit == 32 * 230


@pytest.mark.parametrize("name", ["", "A", ".B", "A.", "A.B[c", "A@x.B"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValueError):
        parse_name(name)


def test_a_configuration_that_sets_nonsense_is_told_so() -> None:
    with pytest.raises(ValueError, match="no variable"):
        model(None, {"No.Such": "1"})
    with pytest.raises(ValueError, match="at least"):
        model(None, {"OCPPCommCtrlr.HeartbeatInterval": "-3"})


@given(st.text(max_size=60))
def test_whatever_is_written_can_be_read_by_the_settings(value: str) -> None:
    """A value that is taken is one the engine can work with."""
    from voltbridge.station.settings import StationSettings

    variables = model()
    settings = StationSettings(variables)
    for name in ("TxCtrlr.EVConnectionTimeOut", "SampledDataCtrlr.TxUpdatedInterval", "OCPPCommCtrlr.OfflineThreshold"):
        if variables.write(attribute(name), value).status is WriteStatus.ACCEPTED:
            assert settings.number(name) >= 0
    if variables.write(attribute("TxCtrlr.TxStartPoint"), value).status is WriteStatus.ACCEPTED:
        assert isinstance(settings.tx_start_points, frozenset)
