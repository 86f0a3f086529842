"""Charging profiles: limits on the power or current of an EVSE or a whole station, over time.

One vocabulary for every version: 1.6 calls an EVSE a connector and the purpose ``ChargePointMaxProfile``; the rest is
the same. A ``NamedProfile`` is the operator's resource, whose id is the one on the wire; an ``InstalledProfile`` is one
that a station is known to have. EVSE 0 stands for the station as a whole, with effect on every EVSE (2.0.1 K01.FR.14).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from voltbridge.domain.errors import InvalidValue

__all__ = [
    "CSMS_PURPOSES",
    "LARGEST_ID",
    "ChargingLimit",
    "ChargingProfile",
    "ChargingSchedule",
    "InstalledProfile",
    "LimitSource",
    "NamedProfile",
    "ProfileConflict",
    "ProfileCriteria",
    "ProfileKind",
    "ProfilePurpose",
    "RateUnit",
    "Recurrency",
    "SchedulePeriod",
    "check_profile",
    "conflict",
    "matches",
]

LARGEST_ID: Final = 2**31 - 1
"""Ids on the wire are signed 32-bit numbers at most stations."""


class ProfilePurpose(StrEnum):
    """What a profile is for (2.0.1 K, 3.2)."""

    STATION_MAX = "ChargingStationMaxProfile"
    """The limit of all EVSEs together."""
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"
    """For one transaction, instead of the default."""
    EXTERNAL = "ChargingStationExternalConstraints"
    """Set by somebody else; only ever reported."""
    PRIORITY = "PriorityCharging"
    LOCAL_GENERATION = "LocalGeneration"


CSMS_PURPOSES: Final = (ProfilePurpose.STATION_MAX, ProfilePurpose.TX_DEFAULT, ProfilePurpose.TX)
"""What a CSMS may set, whatever the version (K01.FR.22)."""


class ProfileKind(StrEnum):
    """What the times of a schedule count from (2.0.1 K, 3.3)."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"
    DYNAMIC = "Dynamic"


class Recurrency(StrEnum):
    """After how long a recurring schedule starts anew."""

    DAILY = "Daily"
    WEEKLY = "Weekly"

    @property
    def seconds(self) -> int:
        """In UTC, so that every day has as many seconds."""
        return 86_400 if self is Recurrency.DAILY else 604_800


class RateUnit(StrEnum):
    """What limits count: watts of all phases together, or amperes of each phase (K01.FR.51)."""

    W = "W"
    A = "A"


class LimitSource(StrEnum):
    """Who set a profile or limit. Stations of 2.1 may name others."""

    EMS = "EMS"
    OTHER = "Other"
    SO = "SO"
    CSO = "CSO"


@dataclass(frozen=True, slots=True)
class SchedulePeriod:
    """A limit from one moment of the schedule to the next period or the schedule's end."""

    start_s: int
    """Since the schedule's start."""
    limit: float | None
    """In the schedule's unit; None: no limit (2.1 only)."""
    number_phases: int | None = None
    """None: three (K01.FR.49)."""
    phase_to_use: int | None = None
    """1 to 3, with one phase only."""


@dataclass(frozen=True, slots=True)
class ChargingSchedule:
    """Periods in the order of their starts, the first of them at 0 (K01.FR.31, K01.FR.35)."""

    unit: RateUnit
    periods: tuple[SchedulePeriod, ...]
    start_at: datetime | None = None
    duration_s: int | None = None
    """None: without end, or until it recurs."""
    min_rate: float | None = None
    """In the schedule's unit: charging below is inefficient (K01.FR.21)."""
    id: int = 1
    """On the wire; 1.6 has none."""
    sales_tariff: dict[str, Any] | None = None
    """What a vehicle is told of prices (SalesTariffType, as JSON); it changes no limit."""


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """A profile as it stands on the wire."""

    id: int
    purpose: ProfilePurpose
    kind: ProfileKind
    stack_level: int
    schedules: tuple[ChargingSchedule, ...]
    """One, or up to three for a vehicle to choose from (K01.FR.34)."""
    recurrency: Recurrency | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None
    """The protocol's; with purpose TxProfile."""


@dataclass(frozen=True, slots=True)
class NamedProfile:
    """The operator's resource: a profile under its id, to be set on any number of stations."""

    name: str
    profile: ChargingProfile
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class InstalledProfile:
    """A profile that a station accepted, or reported."""

    station_id: str
    evse_id: int
    profile: ChargingProfile
    source: str
    """A ``LimitSource``, or what the station calls it."""
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class ChargingLimit:
    """A limit that somebody else than the CSMS has set at a station (K11, K12)."""

    station_id: str
    evse_id: int
    source: str
    is_grid_critical: bool | None
    schedules: tuple[ChargingSchedule, ...]
    """Empty: the station does not tell (K12.FR.04)."""
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class ProfileCriteria:
    """Which profiles are meant; what is None does not matter, all that is given has to hold (K10.FR.04)."""

    id: int | None = None
    evse_id: int | None = None
    purpose: ProfilePurpose | None = None
    stack_level: int | None = None


class ProfileConflict(InvalidValue):
    """Another profile of the same purpose and stack level would be valid at the same time (K01.FR.06, K01.FR.39)."""

    def __init__(self, other: InstalledProfile) -> None:
        where = f"EVSE {other.evse_id}" if other.evse_id else "the whole station"
        super().__init__(
            "stack_level",
            f"is taken: profile {other.profile.id} on {where} has the same purpose and stack level at the same time; "
            f"clear it first, use its id to replace it, or choose another stack level",
        )
        self.other = other


def check_profile(profile: ChargingProfile, evse_id: int | None = None) -> None:
    """Raises InvalidValue for what no version allows there (None: anywhere it may be set).

    Its ``field`` is a path such as ``schedules[0].periods[1].start_s``.

    K01.FR.16, FR.19, FR.22, FR.31, FR.35, FR.38, FR.40, FR.41.
    """
    if profile.purpose not in CSMS_PURPOSES:
        raise InvalidValue("purpose", f"cannot be {profile.purpose}: a CSMS does not set it")
    if profile.stack_level < 0:
        raise InvalidValue("stack_level", "must be 0 or more")
    if not 0 < profile.id <= LARGEST_ID:
        raise InvalidValue("id", f"must be a number from 1 to {LARGEST_ID}")
    if profile.kind is ProfileKind.DYNAMIC:
        raise InvalidValue("kind", "cannot be Dynamic: schedules that change all the time are not offered")
    if profile.kind is ProfileKind.RELATIVE and profile.purpose is ProfilePurpose.STATION_MAX:
        raise InvalidValue("kind", "cannot be Relative for ChargingStationMaxProfile")
    if (profile.kind is ProfileKind.RECURRING) != (profile.recurrency is not None):
        problem = "is needed for" if profile.recurrency is None else "is only for"
        raise InvalidValue("recurrency", f"{problem} a profile of kind Recurring")
    if profile.transaction_id is not None and profile.purpose is not ProfilePurpose.TX:
        raise InvalidValue("transaction_id", "is only for purpose TxProfile")
    if None not in (profile.valid_from, profile.valid_to) and profile.valid_from >= profile.valid_to:  # type: ignore[operator]
        raise InvalidValue("valid_to", "must be later than valid_from")
    if profile.purpose is ProfilePurpose.STATION_MAX and evse_id not in (None, 0):
        raise InvalidValue("evse_id", "must be 0 for ChargingStationMaxProfile: it limits the whole station")
    if profile.purpose is ProfilePurpose.TX and evse_id == 0:
        raise InvalidValue("evse_id", "must be that of the transaction for TxProfile")
    if not 1 <= len(profile.schedules) <= 3:
        raise InvalidValue("schedules", "must be one to three")
    for index, schedule in enumerate(profile.schedules):
        _check_schedule(schedule, profile.kind, f"schedules[{index}]")


def _check_schedule(schedule: ChargingSchedule, kind: ProfileKind, path: str) -> None:
    if kind is ProfileKind.RELATIVE and schedule.start_at is not None:
        raise InvalidValue(f"{path}.start_at", "must be left out of a Relative profile")
    if kind is not ProfileKind.RELATIVE and schedule.start_at is None:
        raise InvalidValue(f"{path}.start_at", f"is needed for a profile of kind {kind}")
    if schedule.duration_s is not None and schedule.duration_s <= 0:
        raise InvalidValue(f"{path}.duration_s", "must be more than 0")
    if schedule.min_rate is not None and not 0 <= schedule.min_rate < float("inf"):
        raise InvalidValue(f"{path}.min_rate", "must be 0 or more")
    if schedule.min_rate is not None and round(schedule.min_rate * 10) / 10 != schedule.min_rate:
        raise InvalidValue(f"{path}.min_rate", "can have one decimal at most")
    if not schedule.periods:
        raise InvalidValue(f"{path}.periods", "must not be empty")
    last = -1
    for index, period in enumerate(schedule.periods):
        where = f"{path}.periods[{index}]"
        if index == 0 and period.start_s != 0:
            raise InvalidValue(f"{where}.start_s", "must be 0 for the first period")
        if period.start_s <= last:
            raise InvalidValue(f"{where}.start_s", "must be later than that of the period before")
        if period.limit is None or not 0 <= period.limit < float("inf"):
            raise InvalidValue(f"{where}.limit", "must be 0 or more")
        if round(period.limit * 10) / 10 != period.limit:
            raise InvalidValue(f"{where}.limit", "can have one decimal at most")
        if period.number_phases is not None and not 1 <= period.number_phases <= 3:
            raise InvalidValue(f"{where}.number_phases", "must be 1, 2 or 3")
        if period.phase_to_use is not None and (period.number_phases != 1 or not 1 <= period.phase_to_use <= 3):
            raise InvalidValue(f"{where}.phase_to_use", "must be 1, 2 or 3, with number_phases 1")
        last = period.start_s


def conflict(evse_id: int, profile: ChargingProfile, installed: Iterable[InstalledProfile]) -> InstalledProfile | None:
    """The installed profile that keeps this one from being set there, if any.

    TxProfile: same stack level and transaction (K01.FR.39). Other purposes: same stack level and EVSE at an overlapping
    time (K01.FR.06); a default of the whole station and one of an EVSE exclude each other at any time (K01.FR.52, 53).
    """
    for other in installed:
        there = other.profile
        if there.id == profile.id or there.purpose is not profile.purpose or there.stack_level != profile.stack_level:
            continue
        if profile.purpose is ProfilePurpose.TX:
            if there.transaction_id == profile.transaction_id and other.evse_id == evse_id:
                return other
        elif other.evse_id != evse_id:
            if profile.purpose is ProfilePurpose.TX_DEFAULT and 0 in (evse_id, other.evse_id):
                return other
        elif _overlap(profile, there):
            return other
    return None


def matches(evse_id: int, profile: ChargingProfile, criteria: ProfileCriteria) -> bool:
    """Whether the criteria mean this profile there. An id alone decides (K10.FR.03)."""
    if profile.purpose is ProfilePurpose.EXTERNAL:
        return False
    if criteria.id is not None:
        return profile.id == criteria.id
    return (
        criteria.evse_id in (None, evse_id)
        and criteria.purpose in (None, profile.purpose)
        and criteria.stack_level in (None, profile.stack_level)
    )


_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def _overlap(one: ChargingProfile, other: ChargingProfile) -> bool:
    return (one.valid_from or _ALWAYS) < (other.valid_to or _NEVER) and (other.valid_from or _ALWAYS) < (
        one.valid_to or _NEVER
    )
