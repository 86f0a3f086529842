"""What a program that uses the package is told of its own mistakes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from voltbridge.station import Station, StationConfiguration
from voltbridge.station.breakdowns import ImpossibleFault, inflict, mend
from voltbridge.station.virtual_clock import VirtualClock

URL = "ws://localhost:9000/ocpp"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"csms_url": "localhost:9000"}, "csms_url: the address is no WebSocket URL, such as ws://host:9000/ocpp, but"),
        ({"csms_url": ""}, "csms_url: the address is no WebSocket URL"),
        ({"csms_url": "ws://host:99999"}, "csms_url: the address is no URL"),
        ({"identity": ""}, "identity: it is empty"),
        ({"identity": "a:b", "password": "0123456789abcdef"}, "identity: with a password it has no colon"),
        ({"versions": ()}, "versions: at least one of ocpp1.6, ocpp2.0.1, ocpp2.1"),
        ({"evses": ()}, "evses: a station has at least one"),
    ],
)
def test_a_station_that_could_never_connect_is_refused(wrong: dict[str, Any], said: str) -> None:
    configuration = StationConfiguration(**{"identity": "CP-1", "csms_url": URL, **wrong})
    with pytest.raises(ValueError, match=said):
        Station(configuration, clock=VirtualClock())


def test_a_fault_that_cannot_be_is_refused() -> None:
    station = Station(StationConfiguration("CP-1", URL), clock=VirtualClock())
    with pytest.raises(LookupError, match="there is no fault rust: latency, drop, "):
        inflict(station, "rust", {})
    with pytest.raises(LookupError, match="there is no fault rust: latency, drop, "):
        mend(station, "rust")
    with pytest.raises(msgspec.ValidationError, match="latency_s"):
        inflict(station, "latency", {"latency_s": "long"})
    with pytest.raises(ImpossibleFault, match="the station has EVSE 1 to 1, not 9"):
        inflict(station, "ground-fault", {"evse": 9})
    with pytest.raises(ImpossibleFault, match="cut is over by itself"):
        mend(station, "cut")
