"""A personality: what stations of a certain maker and firmware are like, as a file of YAML tells it.

description: Sends the end of each transaction twice, with texts for numbers.
versions: ["1.6"]
vendor: Example
model: Wall 22
serial_number: W22-######
evses: 2
variables: {TxCtrlr.EVConnectionTimeOut: "60"}
lacks: [Reservation, SmartCharging]
quirks:
  stop-sent-twice:
  numbers-as-text: {fields: [meterStart, meterStop]}
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.kind import VERSIONS, StationKind
from voltbridge.station.personality.catalogue import QUIRKS, Quirks, quirks_of
from voltbridge.station.personality.features import FEATURES
from voltbridge.station.yaml_files import FieldError, InvalidFile, read_yaml

__all__ = ["Personality", "built_in", "find_personality", "read_personality"]

_SUFFIX: Final = ".yaml"


class Personality(StationKind, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stations of one maker and firmware are like."""

    description: Annotated[str, msgspec.Meta(max_length=500)] = ""
    serial_number: Annotated[str, msgspec.Meta(max_length=25)] = ""
    """Each ``#`` is a digit that follows from the identity; empty: the identity."""
    iccid: Annotated[str, msgspec.Meta(max_length=20)] = ""
    imsi: Annotated[str, msgspec.Meta(max_length=20)] = ""
    meter_type: Annotated[str, msgspec.Meta(max_length=25)] = ""
    lacks: tuple[str, ...] = ()
    """Features (``features.FEATURES``), or single requests of the CSMS."""
    lacks_as: Literal["NotSupported", "NotImplemented"] = "NotSupported"
    """How requests of these are refused: as known but not supported, or as not known at all."""
    quirks: Quirks = Quirks()  # type: ignore[valid-type]

    def __post_init__(self) -> None:
        """Raises ValueError for what no type can say."""
        super().__post_init__()
        actions = frozenset().union(*FEATURES.values())
        for place, feature in enumerate(self.lacks):
            if feature not in FEATURES and feature not in actions:
                raise FieldError(f"lacks[{place}]", f"there is no feature {feature}: {', '.join(FEATURES)}")
        offered = {VERSIONS[one] for one in self.versions}
        for quirk in self.own_quirks:
            if not quirk.versions & offered:
                name = next(name for name, kind in QUIRKS.items() if type(quirk) is kind)
                concerned = ", ".join(label for label, version in VERSIONS.items() if version in quirk.versions)
                raise FieldError(f"quirks.{name}", f"it concerns {concerned} only, which this station does not speak")

    @property
    def own_quirks(self) -> tuple[Any, ...]:
        """Its quirks, in the order in which they act."""
        return quirks_of(self.quirks)

    def built(self, identity: str, csms_url: str, password: str | None = None) -> StationConfiguration:
        """A station of this personality."""
        return self.lent_to(super().built(identity, csms_url, password))

    def lent_to(self, configuration: StationConfiguration) -> StationConfiguration:
        """A station of another build with what only a personality has: numbers, what it lacks, quirks."""
        lacked = [FEATURES.get(feature, frozenset({feature})) for feature in self.lacks]
        return replace(
            configuration,
            serial_number=_serial(self.serial_number, configuration.identity),
            iccid=self.iccid,
            imsi=self.imsi,
            meter_type=self.meter_type,
            lacks=frozenset().union(*lacked),
            lacks_as=self.lacks_as,
            quirks=self.own_quirks,
        )


def _serial(pattern: str, identity: str) -> str:
    digits = iter(str(int(hashlib.sha256(identity.encode()).hexdigest(), 16)))
    return "".join(next(digits) if each == "#" else each for each in pattern) or identity[:25]


def built_in() -> Sequence[str]:
    """The names of the personalities that come with the product."""
    files = resources.files(__package__).joinpath("builtin").iterdir()
    return sorted(file.name.removesuffix(_SUFFIX) for file in files if file.name.endswith(_SUFFIX))


def read_personality(path: Path) -> Personality:
    """The personality in a file. Raises InvalidFile with the line and the field."""
    return read_yaml(path, Personality)


@lru_cache(maxsize=64)
def find_personality(name: str) -> Personality:
    """One that comes with the product, or the one in the file of this path. Raises InvalidFile."""
    if name in built_in():
        with resources.as_file(resources.files(__package__).joinpath("builtin", name + _SUFFIX)) as path:
            return read_personality(path)
    if not name.endswith((".yaml", ".yml")) and not Path(name).exists():
        known = ", ".join(built_in())
        raise InvalidFile(f"there is no personality {name}; there are {known}, or a file of your own (.yaml)")
    return read_personality(Path(name))
