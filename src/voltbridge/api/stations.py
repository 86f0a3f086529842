"""Charging stations: what the operator decides about them and what they say of themselves."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import (
    NOT_TEXT,
    PATTERN_WORDS,
    Flag,
    Moment,
    PageOf,
    PageQuery,
    RequestBody,
    Shape,
    left_out,
    page_of,
)
from voltbridge.domain import stations as domain
from voltbridge.domain.identities import MAX_IDENTITY_LENGTH
from voltbridge.domain.stations import RegistrationStatus, StationFilter, Strictness
from voltbridge.protocol.versions import Version

__all__ = [
    "Identity",
    "Interval",
    "Name",
    "NewPassword",
    "NewStation",
    "Password",
    "ProvisionedStation",
    "SecurityProfile",
    "SetPassword",
    "Station",
    "StationChanges",
    "StationId",
    "StationPage",
    "StationQuery",
    "router",
    "show",
]

router = APIRouter(tags=["stations"])

StationId = Annotated[str, Path(description="The identity the station connects with.", examples=["CP-1"])]


class Station(Shape):
    """A charging station."""

    station_id: str = Field(description="The identity it connects with.", examples=["CP-1"])
    name: str | None = Field(description="The operator's name for it.", examples=["Car park, level 2"])
    registration: RegistrationStatus = Field(description="What its boot is answered with.")
    connected: bool
    has_password: bool = Field(description="Whether it has to prove who it is.")
    strictness: Strictness | None = Field(description="How its mistakes are treated; null: the server's default.")
    heartbeat_interval_s: int | None = Field(description="Null: the server's default.", examples=[None])
    minimum_security_profile: int | None = Field(
        description="A connection with a lower security profile is refused; null: any will do.", examples=[2]
    )
    created_at: Moment
    adopted_at: Moment | None
    protocol: str | None = Field(description="The version it last spoke.", examples=["ocpp2.0.1"])
    vendor: str | None = Field(examples=["Example Chargers"])
    model: str | None = Field(examples=["Wallbox 22"])
    serial_number: str | None
    firmware_version: str | None = Field(examples=["1.4.2"])
    iccid: str | None
    imsi: str | None
    meter_type: str | None
    meter_serial_number: str | None
    boot_reason: str | None = Field(examples=["PowerUp"])
    last_boot_at: Moment | None
    last_seen_at: Moment | None
    remote_address: str | None
    secure: bool | None = Field(description="Whether it last connected by TLS.")
    security_profile: int | None = Field(
        description="Of its last connection: 1 with a password, 2 by TLS with a password; "
        "0 when it did not have to prove who it is.",
        examples=[2],
    )


class StationPage(PageOf[Station]):
    """One page of stations."""


class ProvisionedStation(Station):
    """A station that was just added."""

    password: str | None = Field(description="Only here and only when it was generated: keep it.")


Name = Annotated[str, Field(min_length=1, max_length=200, description="A name of your own.", examples=["Level 2"])]
Interval = Annotated[
    int, Field(ge=1, le=2_147_483_647, description="Seconds between its heartbeats.", examples=[300]), NOT_TEXT
]
SecurityProfile = Annotated[
    int,
    Field(
        ge=1,
        le=2,
        description="Refuse connections with a lower security profile: 1 wants a password, 2 TLS as well.",
        examples=[2],
    ),
    NOT_TEXT,
]
Password = Annotated[
    str,
    Field(
        min_length=16,
        max_length=64,
        description="What the station authenticates with: long and random. Some stations take 40 characters at most; "
        "for 1.6 give the key's 32 to 40 hexadecimal digits.",
        examples=["correct-Horse-42-x"],
    ),
]


# Printable ASCII without : / \ ? # %, no space at either end, no dot at the start: narrower than what a station may
# call itself (``voltbridge.domain.identities``), and never refused there.
_CHARACTERS: Final = r"""!"$&'()*+,\-0-9;<=>@A-Z\[\]^_`a-z{|}~"""
_IDENTITY: Final = rf"^[{_CHARACTERS}]([ .{_CHARACTERS}]*[.{_CHARACTERS}])?$"


PATTERN_WORDS[_IDENTITY] = "must be printable ASCII without : / \\ ? # %, a dot at the start or a space at either end"

Identity = Annotated[str, Field(min_length=1, max_length=MAX_IDENTITY_LENGTH, pattern=_IDENTITY)]


class NewStation(RequestBody):
    """A station to be expected."""

    station_id: Identity = Field(description="The identity it will connect with.", examples=["CP-1"])
    password: Password | None = None
    generate_password: Flag = Field(default=False, description="Make a password and answer with it.")
    name: Name | None = None
    strictness: Strictness | None = None
    heartbeat_interval_s: Interval | None = None
    minimum_security_profile: SecurityProfile | None = None


class StationChanges(RequestBody):
    """What to change; a field that is left out stays, null returns to the default."""

    name: Name | None = None
    registration: RegistrationStatus = left_out(description="What its boot is answered with.")
    strictness: Strictness | None = None
    heartbeat_interval_s: Interval | None = None
    minimum_security_profile: SecurityProfile | None = None


class StationQuery(PageQuery):
    """Which stations."""

    connected: bool | None = None
    registration: RegistrationStatus | None = None
    protocol: Version | None = Field(default=None, description="The version last spoken.")


class NewPassword(RequestBody):
    """A password to set; without one, one is generated."""

    password: Password | None = None


class SetPassword(Shape):
    """The password that is now in force."""

    password: str = Field(description="Shown only now: keep it.")


def show(station: domain.Station) -> Station:
    """A station of the domain as the API shows it."""
    return Station(**_fields(station))


def _fields(station: domain.Station) -> dict[str, Any]:
    settings, report = station.settings, station.report
    return {
        "station_id": settings.station_id,
        "name": settings.name,
        "registration": settings.registration,
        "connected": station.connected,
        "has_password": settings.password_hash is not None,
        "strictness": settings.strictness,
        "heartbeat_interval_s": settings.heartbeat_interval_s,
        "minimum_security_profile": settings.minimum_security_profile,
        "created_at": settings.created_at,
        "adopted_at": settings.adopted_at,
        "protocol": report.protocol,
        "vendor": report.vendor,
        "model": report.model,
        "serial_number": report.serial_number,
        "firmware_version": report.firmware_version,
        "iccid": report.iccid,
        "imsi": report.imsi,
        "meter_type": report.meter_type,
        "meter_serial_number": report.meter_serial_number,
        "boot_reason": report.boot_reason,
        "last_boot_at": report.last_boot_at,
        "last_seen_at": report.last_seen_at,
        "remote_address": report.remote_address,
        "secure": report.secure,
        "security_profile": report.security_profile,
    }


@router.get("/stations", response_model=StationPage, responses=responses(400, 401, 422))
async def list_stations(services: UsesServices, query: Annotated[StationQuery, Query()]) -> Any:
    """List the stations, in the order of their ids."""
    wanted = StationFilter(registration=query.registration, protocol=query.protocol)
    return page_of(await services.stations.list(wanted, query.page, connected=query.connected), show)


@router.post("/stations", status_code=201, response_model=ProvisionedStation, responses=responses(400, 401, 409, 422))
async def add_station(services: UsesServices, new: NewStation, response: Response) -> Any:
    """Add a station before it connects. It is accepted, and asked for its password if it has one."""
    station, password = await services.stations.provision(
        new.station_id,
        password=new.password,
        generate=new.generate_password,
        name=new.name,
        strictness=new.strictness,
        heartbeat_interval_s=new.heartbeat_interval_s,
        minimum_security_profile=new.minimum_security_profile,
    )
    response.headers["Location"] = f"/api/v1/stations/{quote(new.station_id, safe='')}"
    return ProvisionedStation(**_fields(station), password=password if new.generate_password else None)


@router.get("/stations/{station_id}", response_model=Station, responses=responses(401, 404))
async def get_station(services: UsesServices, station_id: StationId) -> Any:
    """One station."""
    return show(await services.stations.get(station_id))


@router.patch("/stations/{station_id}", response_model=Station, responses=responses(400, 401, 404, 422))
async def change_station(services: UsesServices, station_id: StationId, changes: StationChanges) -> Any:
    """Change what the operator decides about a station."""
    return show(await services.stations.update(station_id, changes.model_dump(exclude_unset=True)))


@router.delete("/stations/{station_id}", status_code=204, response_class=Response, responses=responses(401, 404))
async def delete_station(services: UsesServices, station_id: StationId) -> None:
    """Forget a station and close its connection. Its transactions stay."""
    await services.stations.delete(station_id)


@router.put("/stations/{station_id}/password", response_model=SetPassword, responses=responses(400, 401, 404, 422))
async def set_password(services: UsesServices, station_id: StationId, new: NewPassword) -> Any:
    """Set a station's password, or have one generated. It counts from the next connection on."""
    return SetPassword(password=await services.stations.set_password(station_id, new.password))


@router.delete(
    "/stations/{station_id}/password", status_code=204, response_class=Response, responses=responses(401, 404)
)
async def remove_password(services: UsesServices, station_id: StationId) -> None:
    """Let a station connect without a password."""
    await services.stations.remove_password(station_id)


@router.post(
    "/stations/{station_id}/disconnect", status_code=204, response_class=Response, responses=responses(401, 404, 409)
)
async def disconnect_station(services: UsesServices, station_id: StationId) -> None:
    """Close a station's connection. It will usually come back by itself."""
    await services.stations.disconnect(station_id)
