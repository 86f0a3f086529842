"""What smart charging is asked for with, whatever the version (2.0.1 K01, K08, K09, K10; 1.6 5.5, 5.7, 5.16)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from voltbridge.csms.commands.kinds import Parameters
from voltbridge.domain.charging_profiles import (
    LARGEST_ID,
    ChargingProfile,
    ChargingSchedule,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    Recurrency,
    SchedulePeriod,
)

__all__ = [
    "ClearChargingProfile",
    "GetChargingProfiles",
    "GetCompositeSchedule",
    "Period",
    "Profile",
    "Schedule",
    "SetChargingProfile",
]

_EvseId = Annotated[int, Meta(ge=0, le=LARGEST_ID)]
_Id = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
_Level = Annotated[int, Meta(ge=0, le=LARGEST_ID)]
_Seconds = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
_Rate = Annotated[float, Meta(ge=0, le=1e9)]
_Moment = Annotated[datetime, Meta(tz=True)]


class Period(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit from one moment of the schedule on, in its unit."""

    start_s: Annotated[int, Meta(ge=0, le=LARGEST_ID)] = 0
    limit: _Rate
    number_phases: Annotated[int, Meta(ge=1, le=3)] | None = None
    phase_to_use: Annotated[int, Meta(ge=1, le=3)] | None = None


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits over time."""

    unit: RateUnit
    periods: Annotated[tuple[Period, ...], Meta(min_length=1, max_length=1024)]
    start_at: _Moment | None = None
    duration_s: _Seconds | None = None
    min_rate: _Rate | None = None


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile given with the command. Without an id it gets one that the station does not use."""

    id: _Id | None = None
    purpose: ProfilePurpose
    kind: ProfileKind
    stack_level: _Level = 0
    schedules: Annotated[tuple[Schedule, ...], Meta(min_length=1, max_length=3)]
    recurrency: Recurrency | None = None
    valid_from: _Moment | None = None
    valid_to: _Moment | None = None
    transaction_id: Annotated[str, Meta(min_length=1, max_length=36)] | None = None

    def numbered(self, id: int) -> ChargingProfile:
        """The profile of the domain under this id."""
        return ChargingProfile(
            id=id,
            purpose=self.purpose,
            kind=self.kind,
            stack_level=self.stack_level,
            schedules=tuple(_schedule(one, number) for number, one in enumerate(self.schedules, 1)),
            recurrency=self.recurrency,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            transaction_id=self.transaction_id,
        )


class SetChargingProfile(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set one of the named profiles, or one given here, on an EVSE or (0) on the whole station."""

    evse_id: _EvseId = 0
    profile_id: _Id | None = None
    profile: Profile | None = None

    def __post_init__(self) -> None:
        if (self.profile_id is None) == (self.profile is None):
            raise ValueError("either profile_id or profile must be given")


class ClearChargingProfile(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clear the profile of an id, or those that everything else given means; without anything all of them."""

    profile_id: _Id | None = None
    evse_id: _EvseId | None = None
    purpose: ProfilePurpose | None = None
    stack_level: _Level | None = None

    def __post_init__(self) -> None:
        if self.profile_id is not None and (self.evse_id, self.purpose, self.stack_level) != (None, None, None):
            raise ValueError("profile_id cannot be given with anything else")


class GetChargingProfiles(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station report its profiles: those that everything given means."""

    evse_id: _EvseId | None = None
    profile_ids: Annotated[tuple[_Id, ...], Meta(min_length=1, max_length=1024)] | None = None
    purpose: ProfilePurpose | None = None
    stack_level: _Level | None = None
    sources: (
        Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=20)], ...], Meta(min_length=1, max_length=4)]
        | None
    ) = None
    """EMS, SO, CSO, Other; in 2.1 also others."""


class GetCompositeSchedule(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask what limits will hold from now on, and compare the answer with what we expect."""

    evse_id: _EvseId = 0
    duration_s: Annotated[int, Meta(ge=1, le=31_622_400)] = 86_400
    unit: RateUnit | None = None
    """None: the station's choice."""
    voltage_v: Annotated[float, Meta(gt=0, le=1500)] = 230.0
    """For the comparison, where amperes and watts meet."""
    phases: Annotated[int, Meta(ge=1, le=3)] = 3
    is_dc: bool = False


def _schedule(given: Schedule, number: int) -> ChargingSchedule:
    return ChargingSchedule(
        unit=given.unit,
        periods=tuple(
            SchedulePeriod(one.start_s, one.limit, one.number_phases, one.phase_to_use) for one in given.periods
        ),
        start_at=given.start_at,
        duration_s=given.duration_s,
        min_rate=given.min_rate,
        id=number,
    )
