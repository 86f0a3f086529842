"""Sites: trees of fuses whose load is managed, their meters, and who may draw what now."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import NOT_TEXT, Flag, PageOf, RequestBody, Shape
from voltbridge.domain import site_load as domain
from voltbridge.domain.site_load import Policy

__all__ = [
    "Fuse",
    "FuseLoad",
    "Load",
    "Meter",
    "Outlet",
    "OutletLoad",
    "Site",
    "SiteBody",
    "SiteId",
    "SitePage",
    "router",
    "show",
]

router = APIRouter(tags=["sites"])

_NAME: Final = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
_Name = Annotated[str, Field(pattern=_NAME, max_length=64)]
SiteId = Annotated[str, Path(pattern=_NAME, max_length=64, description="The site's id.", examples=["depot"])]
_Amperes = Annotated[float, Field(ge=0, le=100_000), NOT_TEXT]
_Phases = Annotated[list[_Amperes], Field(min_length=3, max_length=3, examples=[[63, 63, 63]])]


class Fuse(RequestBody):
    """A fuse, or a power module that several EVSEs share."""

    id: _Name = Field(examples=["main"])
    limit_a: _Phases = Field(description="Of each phase. Of a power module: its power over three phases.")
    parent_id: _Name | None = Field(default=None, description="Null: the grid's.", examples=[None])
    reserve_a: _Phases = Field(default=[0, 0, 0], description="What other loads may draw while no meter tells.")


class Outlet(RequestBody):
    """An EVSE behind a fuse."""

    station_id: str = Field(min_length=1, max_length=255, examples=["CP-1"])
    evse_id: Annotated[int, Field(ge=1, le=10_000), NOT_TEXT]
    fuse_id: _Name = Field(examples=["main"])
    max_a: _Amperes = Field(description="What the EVSE can deliver on each of its phases.", examples=[32])
    phases: list[Annotated[int, Field(ge=1, le=3), NOT_TEXT]] = Field(
        default=[1, 2, 3], min_length=1, max_length=3, description="The site's phases it is connected to."
    )
    min_a: _Amperes = Field(default=6, description="The least a vehicle can use; less is a pause.")
    fail_safe_a: _Amperes = Field(
        default=0, description="What it may draw without being told: when idle, and when its station is cut off."
    )
    priority: Annotated[int, Field(ge=-1000, le=1000), NOT_TEXT] = Field(default=0, description="Higher goes first.")
    is_dc: Flag = Field(default=False, description="Its station takes limits in watts.")


class SiteBody(RequestBody):
    """A site's fuses and outlets, and how what there is is shared."""

    policy: Policy = Policy.FAIR
    voltage_v: Annotated[float, Field(gt=0, le=1500), NOT_TEXT] = 230.0
    lease_s: Annotated[int, Field(ge=60, le=86_400), NOT_TEXT] = Field(
        default=900, description="How long a limit holds unless renewed; then the fail-safe one does."
    )
    stack_level: Annotated[int, Field(ge=0, le=1000), NOT_TEXT] = Field(
        default=8, description="Of the profiles; profiles of transactions above it overrule the site."
    )
    fuses: list[Fuse] = Field(min_length=1, max_length=5000)
    outlets: list[Outlet] = Field(default_factory=list, max_length=5000)


class Site(SiteBody):
    """A site."""

    id: str = Field(examples=["depot"])


class SitePage(PageOf[Site]):
    """All sites, on one page."""


class Meter(RequestBody):
    """A meter's reading at a fuse."""

    fuse_id: _Name = Field(examples=["main"])
    other_a: _Phases = Field(description="What draws through the fuse on each phase, charging left out.")


class FuseLoad(Shape):
    """A fuse now."""

    id: str
    limit_a: list[float]
    other_a: list[float] = Field(description="By its meter, or its reserve.")
    metered: bool = Field(description="Whether a reading of the last two minutes counts.")
    charging_a: list[float] = Field(description="What outlets behind it may draw at most.")


class OutletLoad(Shape):
    """An outlet now."""

    station_id: str
    evse_id: int
    charging: bool
    reachable: bool
    guarded: bool = Field(description="Whether the station has taken its fail-safe limit.")
    limit_a: float = Field(description="What it may draw on each of its phases.")


class Load(Shape):
    """A site now."""

    fuses: list[FuseLoad]
    outlets: list[OutletLoad]


def show(site: domain.Site) -> Site:
    """A site of the domain as the API shows it."""
    return Site(
        id=site.id,
        policy=site.policy,
        voltage_v=site.voltage_v,
        lease_s=site.lease_s,
        stack_level=site.stack_level,
        fuses=[
            Fuse(
                id=one.id,
                limit_a=_amperes(one.limit_ma),
                parent_id=one.parent_id,
                reserve_a=_amperes(one.reserve_ma),
            )
            for one in site.fuses
        ],
        outlets=[
            Outlet(
                station_id=one.station_id,
                evse_id=one.evse_id,
                fuse_id=one.fuse_id,
                max_a=one.max_ma / 1000,
                phases=list(one.phases),
                min_a=one.min_ma / 1000,
                fail_safe_a=one.fail_safe_ma / 1000,
                priority=one.priority,
                is_dc=one.is_dc,
            )
            for one in site.outlets
        ],
    )


@router.get("/sites", response_model=SitePage, responses=responses(401))
async def list_sites(services: UsesServices) -> Any:
    """List the sites."""
    return {"items": [show(site) for site in services.sites.list()], "next": None}


@router.get("/sites/{site_id}", response_model=Site, responses=responses(400, 401, 404))
async def get_site(services: UsesServices, site_id: SiteId) -> Any:
    """One site."""
    return show(services.sites.get(site_id))


@router.put(
    "/sites/{site_id}",
    response_model=Site,
    responses={201: {"model": Site, "description": "The site was added."}, **responses(400, 401, 422)},
)
async def put_site(services: UsesServices, site_id: SiteId, body: SiteBody, response: Response) -> Any:
    """Add a site (201) or change it (200); from now on its load is managed by this."""
    site = _site(site_id, body)
    if await services.sites.put(site):
        response.status_code = 201
        response.headers["Location"] = f"/api/v1/sites/{site_id}"
    return show(site)


@router.delete("/sites/{site_id}", status_code=204, response_class=Response, responses=responses(400, 401, 404))
async def delete_site(services: UsesServices, site_id: SiteId) -> None:
    """Forget a site. Limits lapse; the fail-safe ones stay until they are cleared."""
    await services.sites.delete(site_id)


@router.post("/sites/{site_id}/meters", status_code=204, response_class=Response, responses=responses(400, 401, 404))
async def read_meter(services: UsesServices, site_id: SiteId, meter: Meter) -> None:
    """Tell what else draws through a fuse; counts for two minutes, then the reserve does."""
    first, second, third = _currents(meter.other_a)
    services.sites.meter(site_id, meter.fuse_id, (first, second, third))


@router.get("/sites/{site_id}/load", response_model=Load, responses=responses(400, 401, 404))
async def get_site_load(services: UsesServices, site_id: SiteId) -> Any:
    """Who may draw what now."""
    load = services.sites.load(site_id)
    return Load(
        fuses=[
            FuseLoad(
                id=one.id,
                limit_a=_amperes(one.limit_ma),
                other_a=_amperes(one.other_ma),
                metered=one.metered,
                charging_a=_amperes(one.charging_ma),
            )
            for one in load.fuses
        ],
        outlets=[
            OutletLoad(
                station_id=one.outlet.station_id,
                evse_id=one.outlet.evse_id,
                charging=one.state.charging,
                reachable=one.state.reachable,
                guarded=one.state.guarded,
                limit_a=one.may_draw_ma / 1000,
            )
            for one in load.outlets
        ],
    )


def _site(site_id: str, body: SiteBody) -> domain.Site:
    return domain.Site(
        id=site_id,
        fuses=tuple(
            domain.Fuse(one.id, _currents(one.limit_a), one.parent_id, _currents(one.reserve_a)) for one in body.fuses
        ),
        outlets=tuple(
            domain.Outlet(
                station_id=one.station_id,
                evse_id=one.evse_id,
                fuse_id=one.fuse_id,
                max_ma=_milli(one.max_a),
                phases=tuple(one.phases),
                min_ma=_milli(one.min_a),
                fail_safe_ma=_milli(one.fail_safe_a),
                priority=one.priority,
                is_dc=one.is_dc,
            )
            for one in body.outlets
        ),
        policy=body.policy,
        voltage_v=body.voltage_v,
        lease_s=body.lease_s,
        stack_level=body.stack_level,
    )


def _milli(amperes: float) -> int:
    return round(amperes * 1000)


def _currents(phases: list[float]) -> tuple[int, int, int]:
    first, second, third = map(_milli, phases)
    return first, second, third


def _amperes(currents: tuple[int, ...]) -> list[float]:
    return [current / 1000 for current in currents]
