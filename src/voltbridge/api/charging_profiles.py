"""Charging profiles: the operator's, those on stations, limits from outside, and what all of it amounts to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import (
    NOT_TEXT,
    Moment,
    PageOf,
    PageQuery,
    RequestBody,
    Shape,
    page_of,
)
from voltbridge.api.stations import StationId
from voltbridge.domain import charging_profiles as domain
from voltbridge.domain.charging_profiles import LARGEST_ID, ProfileKind, ProfilePurpose, RateUnit, Recurrency
from voltbridge.domain.composite_schedule import CompositeSchedule, Supply

__all__ = [
    "ChargingLimit",
    "ChargingLimitPage",
    "ChargingProfile",
    "ChargingProfilePage",
    "Composite",
    "CompositePeriod",
    "CompositeQuery",
    "InstalledProfile",
    "InstalledProfilePage",
    "NewChargingProfile",
    "NewPeriod",
    "NewSchedule",
    "Period",
    "ProfileBody",
    "ProfileContent",
    "ProfileId",
    "Schedule",
    "router",
    "show",
]

router = APIRouter(tags=["charging profiles"])

_LARGEST_NAMED = 999_999_999

ProfileId = Annotated[
    int, Path(ge=1, le=_LARGEST_NAMED, description="The profile's id, which is the one on the wire.", examples=[1])
]


class Period(Shape):
    """A limit from one moment of the schedule to the next period."""

    start_s: int
    limit: float | None = Field(description="In the schedule's unit; null: no limit.")
    number_phases: int | None = Field(description="Null: three.")
    phase_to_use: int | None


class Schedule(Shape):
    """Limits over time."""

    unit: RateUnit = Field(description="W: of all phases together. A: of each phase.")
    start_at: Moment | None
    duration_s: int | None
    min_rate: float | None = Field(description="Charging below is inefficient.")
    periods: list[Period]


class ProfileContent(Shape):
    """A profile as stations have it."""

    id: int
    purpose: ProfilePurpose
    kind: ProfileKind
    stack_level: int
    recurrency: Recurrency | None
    valid_from: Moment | None
    valid_to: Moment | None
    transaction_id: str | None
    schedules: list[Schedule]


class ChargingProfile(ProfileContent):
    """One of the operator's profiles."""

    name: str
    created_at: Moment
    updated_at: Moment


class ChargingProfilePage(PageOf[ChargingProfile]):
    """One page of charging profiles."""


class InstalledProfile(ProfileContent):
    """A profile that a station has."""

    evse_id: int = Field(description="0: the whole station.")
    source: str = Field(description="Who set it; CSO is this CSMS.", examples=["CSO"])
    noted_at: Moment = Field(description="When the station took or reported it.")


class InstalledProfilePage(PageOf[InstalledProfile]):
    """All profiles of a station, on one page."""


class ChargingLimit(Shape):
    """A limit that somebody else than this CSMS has set at a station."""

    evse_id: int = Field(description="0: the whole station.")
    source: str = Field(examples=["EMS"])
    is_grid_critical: bool | None
    schedules: list[Schedule]
    noted_at: Moment


class ChargingLimitPage(PageOf[ChargingLimit]):
    """All limits of a station, on one page."""


class CompositePeriod(Shape):
    """From `start_s` to the next period."""

    start_s: int
    limit: float | None = Field(description="Null: nothing limits.")
    number_phases: int | None
    phase_to_use: int | None
    min_rate: float | None


class Composite(Shape):
    """What profiles and limits amount to."""

    evse_id: int
    start_at: Moment
    duration_s: int
    unit: RateUnit
    periods: list[CompositePeriod]


class NewPeriod(RequestBody):
    """A limit from one moment of the schedule to the next period."""

    start_s: Annotated[int, Field(ge=0, le=LARGEST_ID), NOT_TEXT] = 0
    limit: Annotated[float, Field(ge=0, le=1e9, examples=[16]), NOT_TEXT]
    number_phases: Annotated[int, Field(ge=1, le=3), NOT_TEXT] | None = None
    phase_to_use: Annotated[int, Field(ge=1, le=3), NOT_TEXT] | None = None


class NewSchedule(RequestBody):
    """Limits over time; the first period starts at 0."""

    unit: RateUnit
    start_at: Moment | None = Field(default=None, description="Needed unless the kind is Relative.")
    duration_s: Annotated[int, Field(ge=1, le=LARGEST_ID), NOT_TEXT] | None = None
    min_rate: Annotated[float, Field(ge=0, le=1e9), NOT_TEXT] | None = None
    periods: list[NewPeriod] = Field(min_length=1, max_length=1024)


class ProfileBody(RequestBody):
    """What a profile says."""

    name: str = Field(min_length=1, max_length=100, examples=["Evening peak"])
    purpose: ProfilePurpose = Field(examples=["TxDefaultProfile"])
    kind: ProfileKind = Field(examples=["Absolute"])
    stack_level: Annotated[int, Field(ge=0, le=LARGEST_ID), NOT_TEXT] = 0
    recurrency: Recurrency | None = Field(default=None, description="With kind Recurring.", examples=[None])
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    schedules: list[NewSchedule] = Field(min_length=1, max_length=3)


class NewChargingProfile(ProfileBody):
    """A profile to be kept."""

    id: Annotated[int, Field(ge=1, le=_LARGEST_NAMED), NOT_TEXT] | None = Field(
        default=None, description="Left out: the next free one."
    )


class CompositeQuery(RequestBody):
    """Of what, and how far."""

    duration_s: int = Field(default=86_400, ge=1, le=31_622_400)
    unit: RateUnit = RateUnit.A
    voltage_v: float = Field(default=230.0, gt=0, le=1500)
    phases: int = Field(default=3, ge=1, le=3)
    is_dc: bool = False


def show(named: domain.NamedProfile) -> ChargingProfile:
    """A profile of the domain as the API shows it."""
    return ChargingProfile(
        name=named.name, created_at=named.created_at, updated_at=named.updated_at, **_content(named.profile)
    )


@router.get("/charging-profiles", response_model=ChargingProfilePage, responses=responses(400, 401, 422))
async def list_charging_profiles(services: UsesServices, query: Annotated[PageQuery, Query()]) -> Any:
    """List the charging profiles kept here."""
    return page_of(await services.smart_charging.list(query.page), show)


@router.post(
    "/charging-profiles", status_code=201, response_model=ChargingProfile, responses=responses(400, 401, 409, 422)
)
async def add_charging_profile(services: UsesServices, new: NewChargingProfile, response: Response) -> Any:
    """Keep a charging profile, to be set on stations by its id."""
    named = await services.smart_charging.create(new.name, _profile(new, new.id or 0))
    response.headers["Location"] = f"/api/v1/charging-profiles/{named.profile.id}"
    return show(named)


@router.get("/charging-profiles/{id}", response_model=ChargingProfile, responses=responses(400, 401, 404))
async def get_charging_profile(services: UsesServices, id: ProfileId) -> Any:
    """One charging profile."""
    return show(await services.smart_charging.get(id))


@router.put("/charging-profiles/{id}", response_model=ChargingProfile, responses=responses(400, 401, 404, 422))
async def replace_charging_profile(services: UsesServices, id: ProfileId, body: ProfileBody) -> Any:
    """Change a charging profile. Stations keep what they have until it is set there again."""
    return show(await services.smart_charging.replace(body.name, _profile(body, id)))


@router.delete("/charging-profiles/{id}", status_code=204, response_class=Response, responses=responses(400, 401, 404))
async def delete_charging_profile(services: UsesServices, id: ProfileId) -> None:
    """Forget a charging profile. Stations keep it until it is cleared there."""
    await services.smart_charging.delete(id)


@router.get(
    "/stations/{station_id}/charging-profiles",
    response_model=InstalledProfilePage,
    responses=responses(400, 401, 404),
)
async def list_installed_profiles(services: UsesServices, station_id: StationId) -> Any:
    """The profiles a station has, as far as it accepted or reported them."""
    found = await services.smart_charging.installed(station_id)
    return {"items": [_installed(one) for one in found], "next": None}


@router.get(
    "/stations/{station_id}/charging-limits", response_model=ChargingLimitPage, responses=responses(400, 401, 404)
)
async def list_charging_limits(services: UsesServices, station_id: StationId) -> Any:
    """The limits that others than this CSMS have set at a station."""
    found = await services.smart_charging.limits(station_id)
    return {"items": [_limit(one) for one in found], "next": None}


@router.get(
    "/stations/{station_id}/evses/{evse_id}/composite-schedule",
    response_model=Composite,
    responses=responses(400, 401, 404, 422),
)
async def get_composite_schedule(
    services: UsesServices,
    station_id: StationId,
    evse_id: Annotated[int, Path(ge=0, le=LARGEST_ID, description="0: the whole station.")],
    query: Annotated[CompositeQuery, Query()],
) -> Any:
    """What the profiles and limits known of a station amount to from now on; the station is not asked."""
    await services.stations.get(station_id)
    return _composite(
        await services.smart_charging.composite(
            station_id,
            evse_id,
            duration_s=query.duration_s,
            unit=query.unit,
            supply=Supply(query.voltage_v, query.phases, query.is_dc),
        )
    )


def _profile(body: ProfileBody, id: int) -> domain.ChargingProfile:
    return domain.ChargingProfile(
        id=id,
        purpose=body.purpose,
        kind=body.kind,
        stack_level=body.stack_level,
        schedules=tuple(
            domain.ChargingSchedule(
                unit=schedule.unit,
                periods=tuple(
                    domain.SchedulePeriod(one.start_s, one.limit, one.number_phases, one.phase_to_use)
                    for one in schedule.periods
                ),
                start_at=schedule.start_at,
                duration_s=schedule.duration_s,
                min_rate=schedule.min_rate,
                id=number,
            )
            for number, schedule in enumerate(body.schedules, 1)
        ),
        recurrency=body.recurrency,
        valid_from=body.valid_from,
        valid_to=body.valid_to,
    )


def _content(profile: domain.ChargingProfile) -> dict[str, Any]:
    return ProfileContent.model_validate(profile).model_dump()


def _installed(one: domain.InstalledProfile) -> InstalledProfile:
    return InstalledProfile(evse_id=one.evse_id, source=one.source, noted_at=one.noted_at, **_content(one.profile))


def _limit(one: domain.ChargingLimit) -> ChargingLimit:
    return ChargingLimit.model_validate(one)


def _composite(made: CompositeSchedule) -> Composite:
    return Composite(
        evse_id=made.evse_id,
        start_at=made.start_at,
        duration_s=made.duration_s,
        unit=made.unit,
        periods=[CompositePeriod.model_validate(one) for one in made.intervals],
    )
