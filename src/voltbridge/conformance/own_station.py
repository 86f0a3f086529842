"""Our own virtual station as the system under test: a new one for each case, with drivers and cars that do as told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.failure import DriverFailed
from voltbridge.conformance.firmware import BROKEN_CONTENT, CONTENT
from voltbridge.conformance.station.central_system import UNSIGNED
from voltbridge.domain.charging_profiles import ChargingSchedule, RateUnit, SchedulePeriod
from voltbridge.domain.clock import Clock
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import (
    EvseConfiguration,
    FirmwareAbilities,
    HardWiredNotification,
    PresetMonitor,
    StationConfiguration,
)
from voltbridge.station.downloads import Download
from voltbridge.station.network import Network
from voltbridge.station.simulation import Car, Talk, VirtualEvse, VirtualHardware

__all__ = ["CONFIGURATION", "OwnStation", "own_station"]

CONFIGURATION: Final = Configuration(
    station_id="VOLTBRIDGE-STATION",
    message_timeout_s=30.0,
    transaction_duration_s=10.0,
    reconnect_s=200.0,  # its pauses grow by chance: after being refused for long, the next may last as long again
    ev_connection_timeout_s=30.0,
    aligned_interval_s=60.0,
    sampled_interval_s=30.0,
    connector_type="sType2",
    features=frozenset(
        {"signed firmware", "no certificates"}
        | {
            "summary inventory",
            "reset of an EVSE",
            "reconnects after NetworkProfileConnectionAttempts",
            "cable lock",
            "high level communication",
            "customer identifiers",
            "hard-wired notifications",
        }
    ),
)
"""What the kit and our own station agree on."""

_PLAIN: Final = EvseConfiguration()
_VARIABLES: Final = {"SecurityCtrlr.AdditionalRootCertificateCheck": "true"}
_OTHERWISE: Final = {"TC_M_07_CS": {"SecurityCtrlr.AdditionalRootCertificateCheck": "false"}}
_POWER_CUT_S: Final = 3.0
_REBOOT_S: Final = 2.0
_LOOKS: Final = 30
"""At the display, one a second: three turns of what takes turns."""
_TRANSFER_S: Final = 5.0
_MISSING: Final = "_does.not.exist"
"""How the document names what is not there."""
_INVALID: Final = "_invalid"
"""How the configuration names an image that cannot be installed."""
_FAULT: Final = "GroundFailure"
_HOUSE_LEAVES_A: Final = 20.0
_NOTIFIED: Final = HardWiredNotification("ChargingStation.Problem", 3)
_MONITORS: Final = {
    "hard-wired monitors": PresetMonitor("ChargingStation.Problem", "Delta", 1.0, 2, hard_wired=True),
    "preconfigured monitors": PresetMonitor("EVSE@1.AvailabilityState", "Delta", 1.0, 6),
}
"""By the feature that a station with them has."""


class _Files:
    """Transfers that take their time and move nothing: what a case says of files is where they are."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def download(self, url: str, into: Download) -> None:
        """Fetch any file but one that is said to be missing."""
        await self._clock.sleep(_TRANSFER_S)
        _exists(url)
        with into.writer() as writer:
            writer.clear()
            writer.write(BROKEN_CONTENT if url.endswith(_INVALID) else CONTENT)

    async def upload(self, url: str, name: str, content: bytes | Path) -> None:
        """Anything is taken, but at a place that is said to be missing."""
        await self._clock.sleep(_TRANSFER_S)
        _exists(url)


def _exists(url: str) -> None:
    if url.endswith(_MISSING):
        raise FileNotFoundError(url)


class OwnStation:
    """Drives one virtual station."""

    def __init__(
        self, clock: Clock, variables: Mapping[str, str], evse: EvseConfiguration, ca_file: Path | None
    ) -> None:
        self._clock = clock
        self._ca_file = ca_file
        self.case_id = ""
        """Of the case that begins; some want another station than most."""
        self._variables = _VARIABLES | dict(variables)
        self._evse_configuration = evse
        self._station: Station | None = None
        self._network: Network | None = None
        self._paused: set[int] = set()
        """EVSEs whose cars want no energy."""
        self._talking: set[int] = set()
        """EVSEs whose cars speak ISO 15118."""

    @property
    def station(self) -> Station:
        """The station of the case that runs."""
        assert self._station is not None, "no case has begun"
        return self._station

    @property
    def hardware(self) -> VirtualHardware:
        """Its hardware."""
        assert isinstance(self.station.hardware, VirtualHardware)
        return self.station.hardware

    async def begin(self, url: str, configuration: Configuration, version: Version) -> None:
        """Make a station and start it."""
        made = StationConfiguration(
            configuration.station_id,
            url,
            versions=(version,),
            ca_file=None if self._ca_file is None else str(self._ca_file),
            password=configuration.password if configuration.basic_auth else None,
            security_profile=1 if configuration.basic_auth else 0,
            evses=(self._evse_configuration,) * configuration.evses,
            variables=self._variables | _OTHERWISE.get(self.case_id, {}),
            manufacturer_roots="" if UNSIGNED in configuration.features else configuration.firmware.signing_certificate,
            firmware=_abilities(configuration.features),
            monitors=tuple(monitor for name, monitor in _MONITORS.items() if name in configuration.features),
            notifications=(_NOTIFIED,),
        )
        self._paused.clear()
        self._talking.clear()
        self._network = Network(self._clock, holds_clock=False)
        hardware = VirtualHardware(made, self._clock, reboot_s=_REBOOT_S)
        self._station = Station(
            made, hardware=hardware, clock=self._clock, network=self._network, files=_Files(self._clock)
        )
        self._station.start()

    async def end(self) -> None:
        """Stop it."""
        if self._station is not None:
            await self._station.stop()
            self._station = None
        if self._network is not None:
            await self._network.close()
            self._network = None

    async def drive_in(self, evse_id: int) -> None:
        """The sensor of the parking bay sees a car."""
        self._evse(evse_id).bay(True)

    async def drive_out(self, evse_id: int) -> None:
        """The sensor of the parking bay sees none."""
        self._evse(evse_id).bay(False)

    async def plug_in(self, evse_id: int, connector_id: int) -> None:
        """A car that takes all it can get."""
        talk = Talk() if evse_id in self._talking else None
        self._evse(evse_id).plug_in(Car(paused=evse_id in self._paused, talk=talk), connector_id)

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        """The car goes."""
        self._evse(evse_id).unplug()

    async def unplug_at_ev(self, evse_id: int) -> None:
        """As seen from a virtual EVSE, no different from the other side."""
        self._evse(evse_id).unplug()

    async def plug_at_ev(self, evse_id: int) -> None:
        """The cable back in a car."""
        self._evse(evse_id).plug_in(Car())

    async def present(self, token: Token, evse_id: int | None = None) -> None:
        """A card at the reader."""
        self.hardware.swipe(token.id_token, type=token.type, evse_id=evse_id or 0)

    async def suspend(self, evse_id: int) -> None:
        """The car pauses, or the next one will."""
        self._paused.add(evse_id)
        self._evse(evse_id).pause(True)

    async def resume(self, evse_id: int) -> None:
        """The car goes on."""
        self._paused.discard(evse_id)
        self._evse(evse_id).pause(False)

    async def fault(self, evse_id: int, connector_id: int) -> None:
        """Current leaks to the ground."""
        self._evse(evse_id).fault(_FAULT)

    async def mend(self, evse_id: int, connector_id: int) -> None:
        """It leaks no more."""
        self._evse(evse_id).repair(_FAULT)

    async def power_cycle(self) -> None:
        """A power cut of a few seconds."""
        await self.station.power_cut(_POWER_CUT_S)

    async def locked(self, evse_id: int, connector_id: int) -> bool:
        """The lock holds, whatever is in it."""
        return self._evse(evse_id).locked

    async def jam(self, evse_id: int, connector_id: int) -> None:
        """The lock sticks."""
        self._evse(evse_id).lock_stuck = True

    async def talk(self, evse_id: int) -> None:
        """From now on cars there talk."""
        self._talking.add(evse_id)

    async def renegotiate(self, evse_id: int) -> None:
        """The car tells its needs anew."""
        if not self._evse(evse_id).renegotiate():
            raise DriverFailed("the car knows the control pilot only")

    async def stop_session(self, evse_id: int) -> None:
        """The car has enough."""
        if not self._evse(evse_id).stop_session():
            raise DriverFailed("the car knows the control pilot only")

    async def limit_from_outside(self) -> None:
        """The house needs the power."""
        schedule = ChargingSchedule(RateUnit.A, (SchedulePeriod(0, _HOUSE_LEAVES_A),))
        self.station.services.smart_charging.limit_from_outside("EMS", schedule)

    async def make(self, component: Mapping[str, Any], variable: Mapping[str, Any], value: str) -> None:
        """Nothing is measured but what a car takes."""
        raise DriverFailed(f"the virtual station cannot be made to measure {value} for {variable}")

    async def register_customer(self, identifier: str) -> None:
        """Somebody signs up at the station."""
        self.station.services.customers.remember(identifier, "signed up at the screen")

    async def notify(self) -> None:
        """Something breaks that concerns the whole station."""
        self.hardware.fault(_FAULT)

    async def choose_to_stop(self, evse_id: int | None) -> None:
        """A master pass stops everything at once."""
        raise DriverFailed("the virtual station has no screen to choose from")

    async def sees(self, question: str, text: str) -> bool:
        """Watch the display until everything that takes turns there has had one."""
        for _ in range(_LOOKS):
            if text in self.hardware.text:
                return True
            await self._clock.sleep(1.0)
        return False

    def _evse(self, evse_id: int) -> VirtualEvse:
        return self.hardware.evses[evse_id - 1]


def _abilities(features: frozenset[str]) -> FirmwareAbilities:
    return FirmwareAbilities(
        cancels="updates that cannot be cancelled" not in features,
        downloads_while_charging="downloads that wait for charging" not in features,
        installs_while_charging="installation while charging" in features,
    )


@asynccontextmanager
async def own_station(
    clock: Clock,
    variables: Mapping[str, str] = MappingProxyType({}),
    evse: EvseConfiguration = _PLAIN,
    ca_file: Path | None = None,
) -> AsyncIterator[OwnStation]:
    """A driver, whose station goes at the end. ``variables``, ``ca_file``: as those of a ``StationConfiguration``."""
    driver = OwnStation(clock, variables, evse, ca_file)
    try:
        yield driver
    finally:
        await driver.end()
