"""What stations of one kind have in common, as files tell it: identity, versions, hardware and presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from voltbridge.protocol.versions import Version
from voltbridge.station.configuration import ConnectorConfiguration, EvseConfiguration, StationConfiguration
from voltbridge.station.device_model import preset_problem
from voltbridge.station.yaml_files import FieldError

__all__ = ["VERSIONS", "StationKind"]

VERSIONS: Final[Mapping[str, Version]] = {"1.6": Version.V16, "2.0.1": Version.V201, "2.1": Version.V21}

_Positive = Annotated[float, msgspec.Meta(gt=0)]


class StationKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the maker decides."""

    versions: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("2.1", "2.0.1", "1.6")
    """Offered in this order; the CSMS chooses."""
    vendor: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "Voltbridge"
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "Virtual"
    firmware_version: Annotated[str, msgspec.Meta(min_length=1, max_length=50)] = "1.0.0"
    evses: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    connectors: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    """Of each EVSE."""
    connector_type: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "sType2"
    cable_attached: bool = False
    max_current_a: _Positive = 32.0
    voltage_v: _Positive = 230.0
    phases: Annotated[int, msgspec.Meta(ge=1, le=3)] = 3
    direct_current: bool = False
    signed_meter: bool = False
    """The meters sign their readings."""
    tampering: Literal["None", "Value", "Signature", "Key"] = "None"
    """What somebody has done to them: the register raised after it was signed, a wrong signature, another key."""
    variables: Mapping[str, str] = {}
    """Variables of the device model other than the defaults, as ``{"TxCtrlr.TxStartPoint": "Authorized"}``."""

    def __post_init__(self) -> None:
        """Raises ValueError for what no type can say."""
        for place, version in enumerate(self.versions):
            if version not in VERSIONS:
                raise FieldError(f"versions[{place}]", f"there is no version {version} ({', '.join(VERSIONS)})")
        for name, value in self.variables.items():
            problem = preset_problem(self.evses, self.connectors, self.signed_meter, name, value)
            if problem is not None:
                raise FieldError(f"variables[{name}]", problem)

    @property
    def protocol_versions(self) -> tuple[Version, ...]:
        """The versions as the engine names them."""
        return tuple(VERSIONS[one] for one in self.versions)

    def built(self, identity: str, csms_url: str, password: str | None = None) -> StationConfiguration:
        """A station of this kind."""
        connectors = tuple(
            ConnectorConfiguration(self.connector_type, self.cable_attached) for _ in range(self.connectors)
        )
        evse = EvseConfiguration(
            connectors,
            self.max_current_a,
            self.phases,
            self.voltage_v,
            self.direct_current,
            signed_meter=self.signed_meter,
            tampering=self.tampering,
        )
        return StationConfiguration(
            identity,
            csms_url,
            versions=self.protocol_versions,
            password=password,
            security_profile=0 if password is None else 1,
            model=self.model,
            vendor=self.vendor,
            serial_number=identity[:25],
            firmware_version=self.firmware_version,
            evses=(evse,) * self.evses,
            variables=self.variables,
        )
