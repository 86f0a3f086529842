"""What a fleet of virtual stations is, as a file of YAML tells it.

seed: 7
groups:
  - name: CITY
    count: 60
    versions: ["2.0.1", "1.6"]
    vendor: Example
    model: Wall 22
    evses: 2
    variables:
      TxCtrlr.TxStartPoint: Authorized
  - {name: ODD, count: 3, personality: says-it-twice}
arrivals:
  per_evse_a_day: 3
  tokens: [04A1B2C3D4E501, 04A1B2C3D4E502]
faults:
  - {fault: ground-fault, a_day: 0.2, minutes: [5, 60], groups: [CITY]}
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.fault_plan import FaultPlan
from voltbridge.station.kind import StationKind
from voltbridge.station.personality.personality import built_in, find_personality
from voltbridge.station.simulation import CARS
from voltbridge.station.yaml_files import FieldError, InvalidFile, read_yaml

__all__ = ["Arrivals", "FleetProfile", "Group", "InvalidFile", "read_profile"]

_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9*\-_=+|@.]{1,36}$")]
_Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Group(StationKind, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stations of one kind. Their identities are ``NAME-00001`` and so on."""

    name: _Name = "CP"
    count: _Count = 1
    password: Annotated[str, msgspec.Meta(min_length=16, max_length=40)] | None = None
    """Of HTTP Basic authentication, the same for all of the group."""
    personality: str | None = None
    """The name of one that comes with the product, or a file, from where this one is. What the group says itself
    comes before it.
    """

    def __post_init__(self) -> None:
        """Raises ValueError for what no type can say."""
        if self.personality is None:  # else once it is known, see ``with_personality``
            super().__post_init__()

    def with_personality(self) -> Group:
        """With all that the group does not say itself. Raises InvalidFile, and ValueError for what does not fit."""
        if self.personality is None:
            return self
        personality = find_personality(self.personality)
        open_fields = {
            field.name: getattr(personality, field.name)
            for field in msgspec.structs.fields(StationKind)
            if getattr(self, field.name) == getattr(_PLAIN, field.name)
        }
        variables = {**personality.variables, **self.variables}
        return msgspec.structs.replace(self, **{**open_fields, "variables": variables, "personality": None})

    def built(self, identity: str, csms_url: str, password: str | None = None) -> StationConfiguration:
        """A station of the group. Raises as ``with_personality``."""
        if self.personality is None:
            return super().built(identity, csms_url, password)
        configuration = self.with_personality().built(identity, csms_url, password)
        return find_personality(self.personality).lent_to(configuration)


_PLAIN: Final = StationKind()


class Arrivals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How drivers come and go."""

    per_evse_a_day: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 3.0
    """On average; they come at random."""
    tokens: tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=36)], ...] = ("04A1B2C3D4E501",)
    """Shown at random, one for each visit."""
    stay_minutes: tuple[_Positive, _Positive] = (20.0, 240.0)
    """Least and most."""
    capacity_kwh: tuple[_Positive, _Positive] = (30.0, 90.0)
    state_of_charge: tuple[_Share, _Share] = (0.1, 0.7)
    """On arrival."""
    cars: tuple[Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(CARS)})$")], ...] = ()
    """Models that come, at random; none: ideal ones with a battery of ``capacity_kwh``."""
    iso15118: _Share = 0.0
    """So many of them speak ISO 15118, and negotiate."""


class FleetProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fleet. The same seed makes the same drivers come at the same times."""

    seed: int = 1
    groups: Annotated[tuple[Group, ...], msgspec.Meta(min_length=1)] = (Group(),)
    arrivals: Arrivals = Arrivals()
    lively_grid: bool = False
    """Voltage, frequency and the temperature outside change, and with them what cars take."""

    faults: tuple[FaultPlan, ...] = ()
    """What breaks by itself."""

    def __post_init__(self) -> None:
        """Raises ValueError for what no type can say."""
        names = [group.name for group in self.groups]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise FieldError(f"groups[{place}].name", f"two groups are called {name}")
        for place, plan in enumerate(self.faults):
            for number, name in enumerate(plan.groups):
                if name not in names:
                    raise FieldError(f"faults[{place}].groups[{number}]", f"there is no group {name}")
        for name in ("stay_minutes", "capacity_kwh", "state_of_charge"):
            least, most = getattr(self.arrivals, name)
            if least > most:
                raise FieldError(f"arrivals.{name}", "the least is more than the most")

    @property
    def count(self) -> int:
        """How many stations there are."""
        return sum(group.count for group in self.groups)

    def scaled(self, count: int) -> FleetProfile:
        """With so many stations in the same proportion, and at least one in each group. Raises ValueError."""
        if count < len(self.groups):
            raise ValueError(f"{count} is too few for {len(self.groups)} groups: each has at least one station")
        counts = _shares([group.count for group in self.groups], count)
        groups = tuple(msgspec.structs.replace(group, count=n) for group, n in zip(self.groups, counts, strict=True))
        return msgspec.structs.replace(self, groups=groups)


def _shares(weights: Sequence[int], total: int) -> list[int]:
    """``total`` in proportion to the weights, at least one each; what is left goes to the largest remainders."""
    smallest: set[int] = set()  # whose proportion is less than one
    while True:
        rest = [place for place in range(len(weights)) if place not in smallest]
        left, weight = total - len(smallest), sum(weights[place] for place in rest)
        less = {place for place in rest if weights[place] * left < weight}
        if not less:
            break
        smallest |= less
    shares = [1] * len(weights)
    for place in rest:
        shares[place] = weights[place] * left // weight
    by_remainder = sorted(rest, key=lambda place: -(weights[place] * left % weight))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares


def read_profile(path: Path) -> FleetProfile:
    """The profile in a file. Raises InvalidFile with the line and the field."""
    return read_yaml(path, FleetProfile, lambda profile: _with_files(profile, path.parent))


def _with_files(profile: FleetProfile, folder: Path) -> FleetProfile:
    """With personalities that can be found from anywhere. Raises FieldError for those that cannot, or do not fit."""
    groups = []
    for place, group in enumerate(profile.groups):
        if group.personality is not None:
            file = folder / group.personality
            if group.personality not in built_in() and file.exists():
                group = msgspec.structs.replace(group, personality=str(file))
            try:
                group.with_personality()
            except InvalidFile as error:
                raise FieldError(f"groups[{place}].personality", str(error)) from error
            except FieldError as error:
                raise FieldError(f"groups[{place}].{error.field}", error.text) from error
        groups.append(group)
    return msgspec.structs.replace(profile, groups=tuple(groups))
